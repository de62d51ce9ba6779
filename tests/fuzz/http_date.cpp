// Lab 12: the date of a file that a client has.
#include "fuzz.hpp"

#include <wirelab/http_date.hpp>

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto time = wirelab::parse_http_date(fuzz::text_of(data, size));
    if (!time) return 0;
    fuzz::require(wirelab::parse_http_date(wirelab::http_date(*time)) == time,
                  "a date that was read is written the same");
    return 0;
}
