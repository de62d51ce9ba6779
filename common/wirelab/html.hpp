/// \file
/// Text in an HTML page.
#pragma once

#include <string>
#include <string_view>

namespace wirelab {

/// Returns the text as it may stand in an HTML page, also in an attribute between quotes: what
/// would be markup (`& < > " '`) is replaced by references, as `&lt;` is. What printable() would
/// write as `\xNN` is written so.
std::string escape_html(std::string_view text);

}  // namespace wirelab
