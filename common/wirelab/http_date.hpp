/// \file
/// Times in HTTP header fields (RFC 9110, section 5.6.7).
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace wirelab {

/// Returns the time as HTTP writes it: "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::time_t time);

/// Returns the time that is written so, or in one of the two forms that old programs use:
/// "Sunday, 06-Nov-94 08:49:37 GMT" and "Sun Nov  6 08:49:37 1994". Returns nothing for another
/// text, or a day that there is not. The day of the week is not checked.
std::optional<std::time_t> parse_http_date(std::string_view text);

}  // namespace wirelab
