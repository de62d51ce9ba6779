#include <wirelab/common_log.hpp>
#include <wirelab/printable.hpp>

#include <boost/algorithm/string/replace.hpp>

#include <array>
#include <ctime>

namespace wirelab {

namespace {

// Returns the address in "ADDRESS:PORT" or "[ADDRESS]:PORT".
std::string_view address_in(std::string_view peer) {
    peer = peer.substr(0, peer.rfind(':'));
    return peer.starts_with('[') ? peer.substr(1, peer.size() - 2) : peer;
}

// Returns the time now, in local time.
std::string_view time_text() {
    static thread_local std::time_t last = 0;  // a busy server asks thousands of times a second
    static thread_local std::array<char, 64> text{};
    if (const std::time_t now = std::time(nullptr); now != last) {
        std::tm local{};
        ::localtime_r(&now, &local);
        std::strftime(text.data(), text.size(), "%d/%b/%Y:%H:%M:%S %z", &local);
        last = now;
    }
    return text.data();
}

}  // namespace

std::string common_log_line(std::string_view peer, std::string_view request_line,
                            boost::beast::http::status status, std::int64_t sent) {
    std::string request = printable(request_line);
    boost::algorithm::replace_all(request, "\"", "\\x22");
    std::string line{address_in(peer)};
    line.append(" - - [").append(time_text()).append("] \"").append(request).append("\" ");
    line.append(std::to_string(static_cast<unsigned>(status))).append(" ");
    return line.append(sent <= 0 ? "-" : std::to_string(sent)).append("\n");
}

}  // namespace wirelab
