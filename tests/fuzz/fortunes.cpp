// Lab 02: a fortune file.
#include "fuzz.hpp"

#include <wirelab/fortunes.hpp>

#include <algorithm>
#include <string>

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    std::size_t behind = 0;
    for (const std::string& fortune : wirelab::split_fortunes(text)) {
        const bool blank = fortune.find_first_not_of(" \t\r\n\v\f") == std::string::npos;
        fuzz::require(!blank, "no fortune is blank");
        const bool separates = fortune == "%" || fortune.starts_with("%\n") ||
                               fortune.ends_with("\n%") ||
                               fortune.find("\n%\n") != std::string::npos;
        fuzz::require(!separates, "no fortune holds a separator");
        behind += fortune.size();
    }
    fuzz::require(behind <= size, "no byte is there twice");
    return 0;
}
