// The target of an HTTP request.
#include "harness/catch.hpp"

#include <wirelab/target.hpp>

#include <string>

using namespace wirelab;
using namespace std::string_literals;

namespace {

std::string path_of(const std::string& text) {
    const auto target = parse_target(text);
    return target ? target->path : "none";
}

}  // namespace

TEST_CASE("A target is a path and a query", "[common][target]") {
    CHECK(path_of("/") == "/");
    CHECK(path_of("/a/b.html") == "/a/b.html");
    CHECK(path_of("/a/") == "/a/");
    CHECK(path_of("/a?b=c?d/../e") == "/a");
    CHECK(parse_target("/a?b=c?d%zz")->query == "?b=c?d%zz");
    CHECK(parse_target("/a?")->query == "?");
    CHECK(parse_target("/a")->query.empty());
    CHECK(path_of("/%3Fno%20query") == "/?no query");
}

TEST_CASE("A target with a host is its path", "[common][target]") {
    CHECK(path_of("http://example.org/a/b") == "/a/b");
    CHECK(path_of("HTTPS://example.org:8080/a") == "/a");
    CHECK(path_of("http://example.org") == "/");
    CHECK(path_of("http://example.org/../a") == "/../a");
    CHECK(path_of("http://example.org?x") == "/");
    CHECK(parse_target("http://example.org?x")->query == "?x");
}

TEST_CASE("A target with a host that is none is no target", "[common][target]") {
    for (const auto* text : {"http:///a", "http://", "http://?x", "http://:80/a", "http://a b/c",
                             "http://user@example.org/a", "http://a\x80/b", "http://a\\b/"}) {
        CAPTURE(text);
        CHECK(!parse_target(text));
    }
}

TEST_CASE("A host has only the bytes of names and addresses and ports", "[common][target]") {
    for (const auto* text : {"", "localhost", "example.org:8080", "127.0.0.1", "[::1]:80", "a_b~c",
                             "m%C3%BCnchen.example"}) {
        CAPTURE(text);
        CHECK(is_host(text));
    }
    for (const auto* text :
         {"a b", "a/b", "user@a", "a\x80", "a\tb", "<a>", "a\\b", "a?b", "\"a\""}) {
        CAPTURE(text);
        CHECK(!is_host(text));
    }
    CHECK(!is_host("a\0b"s));
}

TEST_CASE("What is no path is no target", "[common][target]") {
    for (const auto* text : {"", "*", "a", "example.org:80", "ftp://example.org/a", "?a", "%2fa"}) {
        CAPTURE(text);
        CHECK(!parse_target(text));
    }
}

TEST_CASE("Percent-encoding is decoded once", "[common][target]") {
    CHECK(path_of("/%41%c3%A4%2Fb") == "/A\xc3\xa4/b");
    CHECK(path_of("/%2541") == "/%41");
    CHECK(path_of("/a+b") == "/a+b");
    for (const auto* text : {"/%", "/%4", "/%zz", "/%4z", "/%+1", "/% 1", "/a%00b"}) {
        CAPTURE(text);
        CHECK(!parse_target(text));
    }
    CHECK(!parse_target("/a\0b"s));
}

TEST_CASE("Dot segments are removed in every encoding", "[common][target]") {
    CHECK(path_of("/a/./b") == "/a/b");
    CHECK(path_of("/a/.") == "/a/");
    CHECK(path_of("/a/b/..") == "/a/");
    CHECK(path_of("/a/../b") == "/b");
    CHECK(path_of("/a/%2e%2E/b") == "/b");
    CHECK(path_of("/a%2f..%2fb") == "/b");
    CHECK(path_of("/a//b///") == "/a/b/");
    CHECK(path_of("//example.org/a") == "/example.org/a");
    CHECK(path_of("/...") == "/...");
    CHECK(path_of("/..a/.b") == "/..a/.b");
}

TEST_CASE("What leads out begins with two dots", "[common][target]") {
    CHECK(path_of("/..") == "/../");
    CHECK(path_of("/../a") == "/../a");
    CHECK(path_of("/a/../../b") == "/../b");
    CHECK(path_of("/../../a") == "/../../a");
    CHECK(path_of("/%2e%2e%2fa") == "/../a");
    CHECK(path_of("/../a/../../b") == "/../../b");
}

TEST_CASE("A path is encoded for links and fields", "[common][target]") {
    CHECK(percent_encode("/a-b_c.d~e/") == "/a-b_c.d~e/");
    CHECK(percent_encode("a b&<\">%:?#\\\r\n") == "a%20b%26%3C%22%3E%25%3A%3F%23%5C%0D%0A");
    CHECK(percent_encode("\xc3\xa4") == "%C3%A4");
    CHECK(path_of("/" + percent_encode("\x01 %41?\xff")) == "/\x01 %41?\xff");
}
