// Lab 06: the lines of a stream. The first two bytes of the input are the limit for a line.
#include "fuzz.hpp"

#define main line_server_main
#include "../../solutions/06_lines/line_server.cpp"
#undef main

#include <algorithm>
#include <memory>
#include <vector>

namespace {

// The lines by the plainest of means; nothing if one is over the limit.
struct Expected {
    std::vector<std::string_view> lines;
    bool too_long = false;
};

Expected split(std::string_view text, std::size_t limit) {
    Expected expected;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        expected.too_long = line.size() > limit;
        if (expected.too_long) break;
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (end != std::string_view::npos && line.ends_with('\r')) line.remove_suffix(1);
        expected.lines.push_back(line);
    }
    return expected;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t limit = static_cast<std::size_t>(data[0]) << 8 | data[1];
    const std::string_view text = fuzz::text_of(data, size).substr(2);
    const Expected expected = split(text, limit);

    static asio::io_context io;
    SocketBuffer buffer{fuzz::socket_with(io, text), fuzz::no_limit};
    std::istream stream{&buffer};
    const auto space = std::make_unique_for_overwrite<char[]>(limit + 1);
    std::string_view line;
    bool too_long = false;
    std::size_t count = 0;
    try {
        for (; read_line(stream, buffer, {space.get(), limit + 1}, line); ++count) {
            const bool known = count < expected.lines.size() && line == expected.lines[count];
            fuzz::require(known, "a line is what stands between two line feeds");
        }
    } catch (const wirelab::Error&) {
        too_long = true;
    }
    fuzz::require(count == expected.lines.size(), "every line is read");
    fuzz::require(too_long == expected.too_long, "a line over the limit, and no other, is refused");
    return 0;
}
