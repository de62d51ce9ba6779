// Lab 12: the range of bytes that a client asks for.
#include "fuzz.hpp"

#include <wirelab/byte_range.hpp>

#include <string>

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view value = fuzz::text_of(data, size);
    for (const std::uint64_t file_size :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, UINT64_MAX}) {
        const auto range = wirelab::parse_byte_range(value, file_size);
        if (!range) continue;
        fuzz::require(range->size == 0 || range->first < file_size, "a range begins in the file");
        fuzz::require(range->size <= file_size - range->first, "a range ends in the file");
        const std::string text = wirelab::content_range(*range, file_size);
        fuzz::require(text.starts_with("bytes "), "a range can be described");
    }
    return 0;
}
