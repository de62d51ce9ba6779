/// \file
/// What kind of data a file holds.
#pragma once

#include <string_view>

namespace wirelab {

/// Returns the media type for the Content-Type of a file, by the extension of its name, whose case
/// does not matter: "text/html; charset=utf-8" for "index.html". For an extension that is not
/// known, and for none, it is "application/octet-stream": a browser stores such a file.
std::string_view media_type(std::string_view path);

}  // namespace wirelab
