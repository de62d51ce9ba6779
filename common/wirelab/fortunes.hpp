/// \file
/// Where fortunes come from: a file, or the ones that the kit brings along.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wirelab {

/// Splits the text of a fortune file. A line that holds only `%` separates entries, the format of
/// fortune(6); a text without such a line holds one fortune a line. Blank entries are left out,
/// and so is the line feed at an entry's end.
std::vector<std::string> split_fortunes(std::string_view text);

/// Reads a fortune file. Throws Error when it can't be read, has more than 64 MiB or no fortune.
std::vector<std::string> load_fortunes(const std::string& file);

/// Returns the kit's own fortunes.
const std::vector<std::string>& built_in_fortunes();

/// Returns one of the fortunes, drawn at random; there must be one.
const std::string& draw(const std::vector<std::string>& fortunes);

}  // namespace wirelab
