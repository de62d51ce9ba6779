#include <wirelab/printable.hpp>

#include <cstddef>

namespace wirelab {

namespace {

unsigned char byte_at(std::string_view text, std::size_t index) {
    return static_cast<unsigned char>(text[index]);
}

// Returns the length of the valid UTF-8 sequence that the text begins with, 0 if there is none.
// The ranges are those of RFC 3629, section 4: no overlong forms, no surrogates.
std::size_t utf8_length(std::string_view text) {
    const unsigned char first = byte_at(text, 0);
    if (first < 0x80) return 1;

    std::size_t length = 0;
    unsigned char lowest = 0x80;
    unsigned char highest = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        length = 3;
        if (first == 0xe0) lowest = 0xa0;
        if (first == 0xed) highest = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
        length = 4;
        if (first == 0xf0) lowest = 0x90;
        if (first == 0xf4) highest = 0x8f;
    }
    if (length == 0 || text.size() < length) return 0;
    if (byte_at(text, 1) < lowest || byte_at(text, 1) > highest) return 0;
    for (std::size_t i = 2; i < length; ++i) {
        if ((byte_at(text, i) & 0xc0) != 0x80) return 0;
    }
    return length;
}

bool is_control(std::string_view sequence) {
    const unsigned char first = byte_at(sequence, 0);
    if (sequence.size() == 1) return (first < 0x20 && first != '\t') || first == 0x7f;
    return first == 0xc2 && byte_at(sequence, 1) < 0xa0;  // C1: U+0080 to U+009F
}

void append_escaped(std::string& result, std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const unsigned char byte = byte_at(bytes, i);
        result += "\\x";
        result += digits[byte >> 4];
        result += digits[byte & 0x0f];
    }
}

bool is_plain(char byte) {
    return byte >= 0x20 && byte < 0x7f;
}

// Returns how many plain bytes the text begins with. It looks at whole blocks first: a loop without
// a way out in its middle becomes a few vector instructions, many times as fast.
std::size_t plain_length(std::string_view text) {
    constexpr std::size_t block = 64;
    const auto all_plain = [](const char* bytes) {
        unsigned char others = 0;
        for (std::size_t i = 0; i < block; ++i) {
            others |= static_cast<unsigned char>(!is_plain(bytes[i]));
        }
        return others == 0;
    };
    std::size_t length = 0;
    while (length + block <= text.size() && all_plain(&text[length])) length += block;
    while (length < text.size() && is_plain(text[length])) ++length;
    return length;
}

std::string escape(std::string_view text, bool keep_line_feeds) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        // Most text is plain, and quickly copied.
        const std::size_t plain = plain_length(text);
        result.append(text, 0, plain);
        text.remove_prefix(plain);
        if (text.empty()) break;

        const std::size_t valid = utf8_length(text);
        const std::string_view sequence = text.substr(0, valid == 0 ? 1 : valid);
        if (keep_line_feeds && sequence == "\n") {
            result += '\n';
        } else if (valid == 0 || is_control(sequence)) {
            append_escaped(result, sequence);
        } else {
            result += sequence;
        }
        text.remove_prefix(sequence.size());
    }
    return result;
}

}  // namespace

std::string printable(std::string_view text) {
    return escape(text, false);
}

std::string printable_lines(std::string_view text) {
    return escape(text, true);
}

}  // namespace wirelab
