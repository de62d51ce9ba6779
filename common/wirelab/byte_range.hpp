/// \file
/// Parts of a file, as the HTTP header field Range asks for them (RFC 9110, section 14).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wirelab {

/// A run of bytes in a file.
struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t size = 0;
};

/// Returns what the value of a Range field asks for of a file with so many bytes: `bytes=0-99` the
/// first hundred, `bytes=100-` all behind those, `bytes=-100` the last hundred; fewer where the
/// file ends before. A range of no bytes means that the file has none of what is asked for. Returns
/// nothing when the field is to be ignored: it has several ranges, another unit or broken syntax.
std::optional<ByteRange> parse_byte_range(std::string_view value, std::uint64_t file_size);

/// Returns the value of the field Content-Range: "bytes 0-99/1234", or "bytes */1234" for a range
/// of no bytes.
std::string content_range(const ByteRange& range, std::uint64_t file_size);

}  // namespace wirelab
