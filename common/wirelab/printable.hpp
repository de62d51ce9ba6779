/// \file
/// Text from the network, made safe to show on a terminal.
#pragma once

#include <string>
#include <string_view>

namespace wirelab {

/// Returns the text with every byte that could drive a terminal written as `\xNN`: the control
/// bytes 0x00–0x1f and 0x7f except the tab, the C1 controls U+0080–U+009F, and every byte that is
/// not part of valid UTF-8 (RFC 3629). Valid UTF-8 and backslashes stay as they are.
std::string printable(std::string_view text);

/// The same, for text of several lines: line feeds stay as they are too.
std::string printable_lines(std::string_view text);

}  // namespace wirelab
