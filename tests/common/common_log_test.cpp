// The line that web servers write for each request.
#include "harness/catch.hpp"

#include <wirelab/common_log.hpp>

#include <regex>
#include <string>

using namespace wirelab;
namespace http = boost::beast::http;

namespace {

std::string line(const std::string& peer, const std::string& request, std::int64_t sent = 10) {
    return common_log_line(peer, request, http::status::ok, sent);
}

}  // namespace

TEST_CASE("A request is a line of the Common Log Format", "[common][common_log]") {
    const std::string found =
        common_log_line("127.0.0.1:1234", "GET /a HTTP/1.1", http::status::not_found, 14);
    CAPTURE(found);
    const std::regex form{
        R"(127\.0\.0\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] )"
        R"("GET /a HTTP/1\.1" 404 14\n)"};
    CHECK(std::regex_match(found, form));
}

TEST_CASE("The log shows an address without its port", "[common][common_log]") {
    CHECK(line("[::1]:1234", "").starts_with("::1 - - ["));
    CHECK(line("10.0.0.1:1", "").starts_with("10.0.0.1 - - ["));
}

TEST_CASE("No bytes are a dash in the log", "[common][common_log]") {
    CHECK(line("10.0.0.1:1", "", 0).ends_with("\"\" 200 -\n"));
    CHECK(line("10.0.0.1:1", "", -7).ends_with("\"\" 200 -\n"));
    CHECK(line("10.0.0.1:1", "", 5000000000).ends_with("\"\" 200 5000000000\n"));
}

TEST_CASE("No request can fake the fields behind it", "[common][common_log]") {
    CHECK(line("10.0.0.1:1", "GET /\" 200 5\n\x1b[2J\\ HTTP/1.1")
              .ends_with(R"("GET /\x22 200 5\x0a\x1b[2J\ HTTP/1.1" 200 10)"
                         "\n"));
}
