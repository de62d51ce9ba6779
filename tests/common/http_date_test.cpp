// Times in HTTP header fields.
#include "harness/catch.hpp"

#include <wirelab/http_date.hpp>

#include <ctime>

using namespace wirelab;

namespace {

constexpr std::time_t example = 784111777;  // of RFC 9110, section 5.6.7

}  // namespace

TEST_CASE("A time is written as HTTP wants it", "[common][http_date]") {
    CHECK(http_date(example) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
    CHECK(http_date(951782400) == "Tue, 29 Feb 2000 00:00:00 GMT");
    CHECK(http_date(-1) == "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST_CASE("A time is read in its three forms", "[common][http_date]") {
    CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == example);
    CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT") == example);
    CHECK(parse_http_date("Sun Nov  6 08:49:37 1994") == example);
}

TEST_CASE("What is written can be read", "[common][http_date]") {
    for (std::time_t time = -1000000000; time < 4000000000; time += 12345678) {
        CHECK(parse_http_date(http_date(time)) == time);
    }
}

TEST_CASE("What is no time is not taken for one", "[common][http_date]") {
    for (const auto* text :
         {"", "today", "0", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT and more",
          "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
          "Sun, 06 Nov 1994 08:49:37 CET", "06 Nov 1994 08:49:37 GMT"}) {
        CAPTURE(text);
        CHECK(!parse_http_date(text));
    }
}
