#include "transcript.hpp"

#include <wirelab/printable.hpp>

#include <iomanip>
#include <sstream>

namespace harness {

namespace {

constexpr std::size_t lines_kept = 12;  // from the beginning, and as many from the end

}  // namespace

void Transcript::add(std::string_view who, std::string_view what) {
    Line line{Clock::now() - start_, std::string{who}.append(" ").append(what)};
    if (first_lines_.size() < lines_kept) {
        first_lines_.push_back(std::move(line));
        return;
    }
    last_lines_.push_back(std::move(line));
    if (last_lines_.size() > lines_kept) {
        last_lines_.erase(last_lines_.begin());
        ++left_out_;
    }
}

std::string Transcript::text() const {
    std::ostringstream text;
    text << std::fixed << std::setprecision(3);
    const auto print = [&text](const std::vector<Line>& lines) {
        for (const Line& line : lines) {
            const std::chrono::duration<double> seconds = line.time;
            text << "  " << std::setw(7) << seconds.count() << " s  " << line.text << '\n';
        }
    };
    print(first_lines_);
    if (left_out_ > 0) text << "             … " << left_out_ << " more …\n";
    print(last_lines_);
    return text.str();
}

std::string quote(std::string_view bytes) {
    constexpr std::size_t most = 160;
    if (bytes.size() > most) {
        const std::string_view head = bytes.substr(0, most / 2);
        const std::string_view tail = bytes.substr(bytes.size() - most / 2);
        return quote(head) + " … " + quote(tail) + " (" + std::to_string(bytes.size()) + " bytes)";
    }
    std::string escaped;
    for (const char byte : bytes) {
        if (byte == '\n') {
            escaped += "\\n";
        } else if (byte == '\t') {
            escaped += "\\t";
        } else if (byte == '\\') {
            escaped += "\\\\";  // a text `\x00` must not look like the byte
        } else {
            escaped += byte;
        }
    }
    return "\"" + wirelab::printable(escaped) + "\"";
}

std::string labelled(std::string_view label, std::string_view name) {
    if (label.empty()) return std::string{name};
    return std::string{"["}.append(label).append("] ").append(name);
}

}  // namespace harness
