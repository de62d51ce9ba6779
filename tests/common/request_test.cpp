// Requests to a web server.
#include "harness/catch.hpp"

#include <wirelab/request.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/http.hpp>

#include <string>

using namespace wirelab;
namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

Refusal refusal(const error_code& error, const std::string& received) {
    return refusal_for(error, asio::buffer(received));
}

http::status status_of(const error_code& error, const std::string& received) {
    return refusal(error, received).status;
}

bool has_body_behind(const std::string& fields) {
    RequestParser parser;
    error_code error;
    parser.put(asio::buffer("GET / HTTP/1.1\r\n" + fields), error);
    return has_body(parser);
}

}  // namespace

TEST_CASE("The first line is what has come of it", "[common][request]") {
    const auto line = [](const std::string& text) {
        return std::string{first_line(asio::buffer(text))};
    };
    CHECK(line("GET / HTTP/1.1\r\nHost: a\r\n\r\n") == "GET / HTTP/1.1");
    CHECK(line("GET / HTTP/1.1\n") == "GET / HTTP/1.1");
    CHECK(line("GET /") == "GET /");
    CHECK(line("").empty());
}

TEST_CASE("Empty lines before a request are counted", "[common][request]") {
    const auto size = [](const std::string& text) {
        return size_of_empty_lines(asio::buffer(text));
    };
    CHECK(size("GET / HTTP/1.1\r\n\r\n") == 0);
    CHECK(size("\r\nGET / HTTP/1.1\r\n\r\n") == 2);
    CHECK(size("\r\n\n\r\nG") == 5);
    CHECK(size("\r\n\r\n") == 4);
    CHECK(size("\r") == 0);
    CHECK(size("\r\n\r") == 2);
    CHECK(size("\rGET / HTTP/1.1\r\n\r\n") == 0);
    CHECK(size("\r\r\n") == 0);
    CHECK(size(" \r\n") == 0);
    CHECK(size("") == 0);
}

TEST_CASE("A body stands behind a request that says so or is not whole", "[common][request]") {
    CHECK(!has_body_behind("Host: a\r\n\r\n"));
    CHECK(!has_body_behind("Content-Length: 0\r\n\r\n"));
    CHECK(has_body_behind("Content-Length: 3\r\n\r\n"));
    CHECK(has_body_behind("Transfer-Encoding: chunked\r\n\r\n"));
    CHECK(has_body_behind("Host: a\r\n"));
}

TEST_CASE("A body may have any size", "[common][request]") {
    for (const std::string size : {"0", "1048576", "1048577", "18446744073709551614"}) {
        CAPTURE(size);
        RequestParser parser;
        error_code error;
        parser.put(asio::buffer("PUT / HTTP/1.1\r\nContent-Length: " + size + "\r\n\r\n"), error);
        CHECK(!error);
        CHECK(parser.is_header_done());
    }
}

TEST_CASE("A carriage return may become an empty line", "[common][request]") {
    const auto result = [](const std::string& text) {
        RequestParser parser;
        error_code error;
        parser.put(asio::buffer(text), error);
        return error;
    };
    CHECK(result("") == http::error::need_more);
    CHECK(result("\r") == http::error::need_more);
    CHECK(result("\rG") == http::error::bad_method);
    CHECK(result("G") == http::error::need_more);
}

TEST_CASE("A refusal tells what was wrong with a header", "[common][request]") {
    using S = http::status;
    CHECK(status_of(asio::error::timed_out, "GET /") == S::request_timeout);
    CHECK(status_of(asio::error::eof, "GET /") == S::bad_request);
    CHECK(status_of(http::error::bad_method, "\x16\x03\x01") == S::bad_request);
    CHECK(status_of(http::error::bad_version, "GET / HTTP/2.0\r\n") ==
          S::http_version_not_supported);
    CHECK(status_of(http::error::bad_version, "GET / HTTP/1.1\n\n") == S::bad_request);
    CHECK(status_of(http::error::bad_version, "GET / what\r\n") == S::bad_request);
    CHECK(status_of(http::error::header_limit, "GET /aaaa") == S::uri_too_long);
    CHECK(status_of(http::error::header_limit, "GET / HTTP/1.1\r\nA: b") ==
          S::request_header_fields_too_large);
    CHECK(refusal(asio::error::timed_out, "GET").reason == "timed out");
    CHECK(refusal(asio::error::eof, "GET").reason == "incomplete request");
}
