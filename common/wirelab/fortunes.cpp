#include <wirelab/error.hpp>
#include <wirelab/fortunes.hpp>

#include <array>
#include <cstddef>
#include <fstream>
#include <random>

namespace wirelab {

namespace {

// More than any collection needs; /dev/zero would never end.
constexpr std::size_t max_file = 64 * 1024 * 1024;

// Cuts the first line off the text and returns it, without its line feed or CR LF.
std::string_view take_line(std::string_view& text) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line.substr(0, line.size() - (line.ends_with('\r') ? 1 : 0));
}

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

bool has_separator(std::string_view text) {
    while (!text.empty()) {
        if (take_line(text) == "%") return true;
    }
    return false;
}

}  // namespace

std::vector<std::string> split_fortunes(std::string_view text) {
    const bool one_a_line = !has_separator(text);
    std::vector<std::string> fortunes;
    std::string entry;
    const auto finish_entry = [&] {
        if (entry.ends_with('\n')) entry.pop_back();
        if (!is_blank(entry)) fortunes.push_back(entry);
        entry.clear();
    };

    while (!text.empty()) {
        const std::string_view line = take_line(text);
        if (!one_a_line && line == "%") {
            finish_entry();
            continue;
        }
        entry.append(line).append("\n");
        if (one_a_line) finish_entry();
    }
    finish_entry();
    return fortunes;
}

std::vector<std::string> load_fortunes(const std::string& file) {
    std::ifstream stream{file, std::ios::binary};
    std::string text;
    std::array<char, 4096> part;
    while (stream.read(part.data(), part.size()) || stream.gcount() > 0) {
        if (text.size() > max_file) throw Error{"cannot use " + file, "it is too large"};
        text.append(part.data(), static_cast<std::size_t>(stream.gcount()));
    }
    if (!stream.is_open() || stream.bad()) throw Error{"cannot read " + file, reason_from_errno()};

    auto fortunes = split_fortunes(text);
    if (fortunes.empty()) throw Error{"cannot use " + file, "it holds no fortune"};
    return fortunes;
}

const std::vector<std::string>& built_in_fortunes() {
    static const std::vector<std::string> fortunes{
        "A packet in time saves nine retransmissions.",
        "You will soon receive what somebody else has sent.",
        "The cable is in. It is always in. Look again.",
        "Trust the peer that you wrote yourself a little less than the others.",
        "One read is not one message, however often it worked on your own machine.",
        "Nobody is listening. Try again when the server is up.",
        "A port well chosen is a neighbour not yet met.",
        "Today your acknowledgements arrive in order.",
        "Whoever trusts the length field will allocate four gigabytes.",
        "Silence is a message too. Give it a timeout.",
        "The shortest path is the one whose router is switched on.",
        "Your datagram was lovely. It did not arrive.",
        "The network is reliable until the demonstration begins.",
        "To find the fault, first ask who closed.",
        "Count the bytes, and they will never surprise you.",
        "Somebody is waiting for your FIN.",
        "Byte order is a promise between strangers.",
        "Grüße aus dem Netz: every byte of this line crossed the wire as UTF-8.",
        "Two hosts agreed on everything\nbut the order of their bytes.",
        "Names are for people, numbers for packets,\nand somebody has to look them up.",
    };
    return fortunes;
}

const std::string& draw(const std::vector<std::string>& fortunes) {
    static std::mt19937 generator{std::random_device{}()};
    std::uniform_int_distribution<std::size_t> any{0, fortunes.size() - 1};
    return fortunes[any(generator)];
}

}  // namespace wirelab
