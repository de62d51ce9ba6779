#include <wirelab/printable.hpp>
#include <wirelab/progress.hpp>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <iomanip>
#include <sstream>
#include <string_view>
#include <utility>

namespace wirelab {

namespace {

constexpr std::size_t bar_width = 20;
constexpr std::chrono::milliseconds pause{100};
constexpr std::string_view wipe_line = "\r\x1b[K";

int find_terminal() {
    for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
        if (::isatty(stream)) return stream;
    }
    return -1;
}

std::size_t columns(int terminal) {
    winsize size{};
    const bool is_known = ::ioctl(terminal, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return is_known ? size.ws_col : 80;
}

// Returns at most so many bytes of the text, and no half character.
std::string first_bytes(const std::string& text, std::size_t most) {
    std::size_t end = std::min(most, text.size());
    while (end < text.size() && end > 0 && (text[end] & 0xc0) == 0x80) --end;
    return text.substr(0, end);
}

}  // namespace

Progress::Progress(std::string name, std::uint64_t size)
    : name_{printable(name)}, size_{size}, terminal_{find_terminal()} {}

Progress::~Progress() {
    if (terminal_ >= 0) draw("");
}

void Progress::show(std::uint64_t done) {
    const auto now = Clock::now();
    if (terminal_ < 0 || (now < next_ && done < size_)) return;
    next_ = now + pause;
    draw(line(done, now - start_));
}

std::string Progress::line(std::uint64_t done, std::chrono::duration<double> used) const {
    const double share = size_ == 0 ? 1 : static_cast<double>(done) / static_cast<double>(size_);
    const double rate = static_cast<double>(done) / std::max(used.count(), 1e-6);
    const auto filled = static_cast<std::size_t>(share * bar_width);

    std::ostringstream text;
    text << name_ << " [" << std::string(filled, '#') << std::string(bar_width - filled, '.')
         << "] " << std::setw(3) << static_cast<int>(share * 100) << "%  " << std::fixed
         << std::setprecision(1) << rate / 1e6 << " MB/s";
    if (done > 0) {
        const auto left = static_cast<std::uint64_t>(static_cast<double>(size_ - done) / rate);
        text << "  " << left / 60 << ':' << std::setw(2) << std::setfill('0') << left % 60
             << " left";
    }
    return first_bytes(text.str(), columns(terminal_) - 1);
}

// One write for the whole line; whether it succeeds is of no weight.
void Progress::draw(const std::string& text) {
    const std::string bytes = std::string{wipe_line} + text;
    static_cast<void>(!::write(terminal_, bytes.data(), bytes.size()));
}

}  // namespace wirelab
