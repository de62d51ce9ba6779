// Text from the network: no byte of it may drive the terminal.
#include "harness/catch.hpp"

#include <wirelab/printable.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

using namespace std::string_literals;
using wirelab::printable;
using wirelab::printable_lines;

namespace {

std::string hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const char byte : bytes) {
        text += "\\x"s + digits[static_cast<unsigned char>(byte) / 16] +
                digits[static_cast<unsigned char>(byte) % 16];
    }
    return text;
}

std::string bytes_of(std::initializer_list<int> values) {
    std::string text;
    for (const int value : values) text += static_cast<char>(value);
    return text;
}

std::string utf8(std::uint32_t code_point) {
    const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
    const auto tail = [&](int shift) { return byte(0x80 | ((code_point >> shift) & 0x3f)); };
    if (code_point < 0x80) return {byte(code_point)};
    if (code_point < 0x800) return {byte(0xc0 | (code_point >> 6)), tail(0)};
    if (code_point < 0x10000) return {byte(0xe0 | (code_point >> 12)), tail(6), tail(0)};
    return {byte(0xf0 | (code_point >> 18)), tail(12), tail(6), tail(0)};
}

bool is_surrogate(std::uint32_t code_point) {
    return code_point >= 0xd800 && code_point <= 0xdfff;
}

bool is_control(std::uint32_t code_point) {
    return (code_point < 0x20 && code_point != '\t') || (code_point >= 0x7f && code_point < 0xa0);
}

// What printable() should return, found another way: it decodes by the bits alone, and then asks
// whether the number is one that the standard allows, in its shortest form.
std::string expected_of(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const auto first = static_cast<unsigned char>(text.front());
        std::size_t length = 1;
        std::uint32_t code_point = first;
        bool valid = first < 0x80;
        for (const std::size_t more : {1, 2, 3}) {
            const std::uint32_t mark = (0xff00u >> (more + 1)) & 0xff;  // 110…, 1110…, 11110…
            const std::uint32_t mask = (0xff00u >> (more + 2)) & 0xff;
            if ((first & mask) != mark || text.size() <= more) continue;
            length = more + 1;
            code_point = first & ~mask;
            for (std::size_t i = 1; i < length; ++i) {
                code_point = code_point << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
            }
            valid = code_point <= 0x10ffff && !is_surrogate(code_point) &&
                    utf8(code_point) == text.substr(0, length);
        }
        if (!valid) length = 1;
        const std::string_view sequence = text.substr(0, length);
        result += valid && !is_control(code_point) ? std::string{sequence} : hex(sequence);
        text.remove_prefix(length);
    }
    return result;
}

std::string first_difference(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
        if (printable(text) != expected_of(text)) return hex(text) + " became " + printable(text);
    }
    return "";
}

}  // namespace

TEST_CASE("Plain text stays as it is", "[common][printable]") {
    CHECK(printable("") == "");
    CHECK(printable("Hello, world!") == "Hello, world!");
    CHECK(printable("a\tb") == "a\tb");
    CHECK(printable("C:\\temp \\x1b") == "C:\\temp \\x1b");
    CHECK(printable("Grüße, 世界 🙂") == "Grüße, 世界 🙂");
}

TEST_CASE("Every single byte is shown or escaped as the contract says", "[common][printable]") {
    for (int value = 0; value < 256; ++value) {
        const std::string byte = bytes_of({value});
        const bool shown = (value >= 0x20 && value < 0x7f) || value == '\t';
        CAPTURE(value);
        CHECK(printable(byte) == (shown ? byte : hex(byte)));
        CHECK(printable("<" + byte + ">") == "<" + (shown ? byte : hex(byte)) + ">");
    }
}

TEST_CASE("Every character of Unicode is shown unless it is a control", "[common][printable]") {
    std::string shown;
    std::string controls;
    std::string escaped_controls;
    for (std::uint32_t code_point = 0; code_point <= 0x10ffff; ++code_point) {
        if (is_surrogate(code_point)) continue;
        const std::string character = utf8(code_point);
        (is_control(code_point) ? controls : shown) += character;
        if (is_control(code_point)) escaped_controls += hex(character);
    }
    const bool all_shown = printable(shown) == shown;
    CHECK(all_shown);
    CHECK(printable(controls) == escaped_controls);
}

TEST_CASE("C1 controls are controls", "[common][printable]") {
    CHECK(printable("\xc2\x80") == R"(\xc2\x80)");
    CHECK(printable("a\xc2\x9b"
                    "2Jb") == R"(a\xc2\x9b2Jb)");
    CHECK(printable("\xc2\x9f") == R"(\xc2\x9f)");
    CHECK(printable("\xc2\xa0") == "\xc2\xa0");
}

TEST_CASE("Broken UTF-8 is escaped byte by byte", "[common][printable]") {
    // A character cut short, at the end of the text and before another one.
    CHECK(printable("\xc3") == R"(\xc3)");
    CHECK(printable("\xe4\xb8") == R"(\xe4\xb8)");
    CHECK(printable("\xf0\x9f\x99") == R"(\xf0\x9f\x99)");
    // Nor does what lies behind the text in memory complete it.
    CHECK(printable(std::string_view{"\xc3\xbc", 1}) == R"(\xc3)");
    CHECK(printable(std::string_view{"\xf0\x9f\x99\x82", 3}) == R"(\xf0\x9f\x99)");
    CHECK(printable("\xc3z") == R"(\xc3z)");
    CHECK(printable("\xf0\x9f\x99\xc3\xbc") == "\\xf0\\x9f\\x99\xc3\xbc");
    // Longer than need be.
    CHECK(printable("\xc0\x80") == R"(\xc0\x80)");
    CHECK(printable("\xc1\xbf") == R"(\xc1\xbf)");
    CHECK(printable("\xe0\x9f\xbf") == R"(\xe0\x9f\xbf)");
    CHECK(printable("\xf0\x8f\xbf\xbf") == R"(\xf0\x8f\xbf\xbf)");
    // Half of a UTF-16 pair: U+D800 and U+DFFF, between their neighbours.
    CHECK(printable("\xed\x9f\xbf\xed\xa0\x80") == "\xed\x9f\xbf\\xed\\xa0\\x80");
    CHECK(printable("\xed\xbf\xbf\xee\x80\x80") == "\\xed\\xbf\\xbf\xee\x80\x80");
    // Above U+10FFFF, and first bytes that no character has.
    CHECK(printable("\xf4\x8f\xbf\xbf\xf4\x90\x80\x80") == "\xf4\x8f\xbf\xbf\\xf4\\x90\\x80\\x80");
    CHECK(printable("\xf5\x80\x80\x80") == R"(\xf5\x80\x80\x80)");
    CHECK(printable("\xf8\x88\x80\x80\x80") == R"(\xf8\x88\x80\x80\x80)");
    CHECK(printable("\xfe\xff") == R"(\xfe\xff)");
    // Bytes that go on with nothing begun, or on and on.
    CHECK(printable("\x80") == R"(\x80)");
    CHECK(printable("\xbf\xbf"
                    "a") == R"(\xbf\xbfa)");
    CHECK(printable("\xc3\xbc\xbc") == "\xc3\xbc\\xbc");
    // A control inside a broken character is still one.
    CHECK(printable("\xe2\x1b[2J") == R"(\xe2\x1b[2J)");
}

TEST_CASE("All pairs of bytes are right", "[common][printable]") {
    std::vector<std::string> texts;
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) texts.push_back(bytes_of({first, second}));
    }
    CHECK(first_difference(texts) == "");
}

TEST_CASE("Sequences of three and four bytes at the borders are right", "[common][printable]") {
    constexpr std::array borders{0x00, 0x1b, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
                                 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xed, 0xef,
                                 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xff};
    std::vector<std::string> texts;
    for (const int a : borders) {
        for (const int b : borders) {
            for (const int c : borders) {
                texts.push_back(bytes_of({a, b, c}));
                if (a < 0xf0) continue;
                for (const int d : borders) texts.push_back(bytes_of({a, b, c, d}));
            }
        }
    }
    CHECK(first_difference(texts) == "");
}

TEST_CASE("Text of several lines keeps its line feeds and nothing else", "[common][printable]") {
    CHECK(printable("one\ntwo\r\n") == R"(one\x0atwo\x0d\x0a)");
    CHECK(printable_lines("one\ntwo\n") == "one\ntwo\n");
    CHECK(printable_lines("one\r\ntwo\x1b[2J\n") == "one\\x0d\ntwo\\x1b[2J\n");
    CHECK(printable_lines("\xc2\n\x80") == "\\xc2\n\\x80");
    CHECK(printable_lines("\0"s) == R"(\x00)");
}
