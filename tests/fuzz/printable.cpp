// Text from the network, made safe to show.
#include "fuzz.hpp"

#include <wirelab/printable.hpp>

#include <string>

namespace {

bool drives_a_terminal(std::string_view text, bool lines) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte == 0x7f || (byte < 0x20 && byte != '\t' && !(lines && byte == '\n'))) return true;
        const bool c1 =
            byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (c1) return true;
    }
    return false;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    const std::string shown = wirelab::printable(text);
    const std::string lines = wirelab::printable_lines(text);
    fuzz::require(!drives_a_terminal(shown, false), "no control byte is left");
    fuzz::require(!drives_a_terminal(lines, true), "no control byte but line feeds is left");
    fuzz::require(wirelab::printable(shown) == shown, "what is printable stays as it is");
    fuzz::require(shown.size() >= size && shown.size() <= 4 * size, "nothing is left out");
    return 0;
}
