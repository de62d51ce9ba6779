// Parts of a file, as Range asks for them.
#include "harness/catch.hpp"

#include <wirelab/byte_range.hpp>

#include <cstdint>
#include <string>

using namespace wirelab;

namespace {

// Returns "FIRST+SIZE", or "all" if the field is to be ignored.
std::string range(const std::string& value, std::uint64_t file_size = 1000) {
    const auto found = parse_byte_range(value, file_size);
    if (!found) return "all";
    return std::to_string(found->first) + "+" + std::to_string(found->size);
}

}  // namespace

TEST_CASE("A range has a first and a last byte", "[common][byte_range]") {
    CHECK(range("bytes=0-99") == "0+100");
    CHECK(range("bytes=0-0") == "0+1");
    CHECK(range("bytes=999-999") == "999+1");
    CHECK(range("bytes=100-") == "100+900");
    CHECK(range("bytes=-100") == "900+100");
    CHECK(range("Bytes=007-0009") == "7+3");
}

TEST_CASE("A range ends where the file does", "[common][byte_range]") {
    CHECK(range("bytes=900-1000") == "900+100");
    CHECK(range("bytes=0-99999999999999999999999999") == "0+1000");
    CHECK(range("bytes=-1001") == "0+1000");
    CHECK(range("bytes=-99999999999999999999999999") == "0+1000");
    CHECK(range("bytes=0-18446744073709551615", 18446744073709551615U) == "0+18446744073709551615");
}

TEST_CASE("A range that the file does not have has no bytes", "[common][byte_range]") {
    for (const auto* value :
         {"bytes=1000-", "bytes=1000-2000", "bytes=-0", "bytes=99999999999999999999999999-"}) {
        CAPTURE(value);
        const auto found = parse_byte_range(value, 1000);
        REQUIRE(found);
        CHECK(found->size == 0);
    }
    CHECK(range("bytes=0-", 0) == "0+0");
    CHECK(range("bytes=-0", 0) == "0+0");
    CHECK(range("bytes=-1", 0) == "all");
}

TEST_CASE("Whatever else is asked for the whole file is sent", "[common][byte_range]") {
    for (const auto* value :
         {"", "bytes", "bytes=", "bytes=-", "bytes=1", "bytes=2-1", "bytes=a-b", "bytes=0-1,3-4",
          "bytes=0-1,", "bytes= 0-1", "bytes=0 - 1", "bytes=+0-1", "bytes=0--1", "bytes=-1-2",
          "bytes=0x1-2", "items=0-1", "0-1", "bytes:0-1"}) {
        CAPTURE(value);
        CHECK(range(value) == "all");
    }
}

TEST_CASE("What is sent says where it stands", "[common][byte_range]") {
    CHECK(content_range({.first = 0, .size = 100}, 1000) == "bytes 0-99/1000");
    CHECK(content_range({.first = 999, .size = 1}, 1000) == "bytes 999-999/1000");
    CHECK(content_range({}, 1000) == "bytes */1000");
}
