#include <wirelab/chat.hpp>
#include <wirelab/error.hpp>

#include <boost/asio/error.hpp>

#include <cstdint>

namespace wirelab {

void ChatOptions::add_to(Program& program) {
    program.option("bind", "ADDRESS", bind, "the address to listen on");
    program.option("port", "PORT", port, "the port to listen on, 0: any free one");
    program.option("max-line", "BYTES", max_line, "the longest line to send on");
    program.option("max-backlog", "BYTES", max_backlog, "how much may wait for one client");
    program.option("timeout", "SECONDS", timeout,
                   "how long to wait until a client takes what was sent, 0: for ever");
}

std::size_t ChatOptions::line_space() const {
    return max_line + (max_line < SIZE_MAX ? 1 : 0);
}

std::size_t find_exit(std::string_view lines) {
    std::size_t begin = 0;
    while (begin < lines.size()) {
        const std::string_view rest = lines.substr(begin);
        if (rest.starts_with("exit\n") || rest.starts_with("exit\r\n")) break;
        begin += rest.find('\n') + 1;
    }
    return begin;
}

std::string line_fault(const ChatOptions& options) {
    return "line over " + to_text(options.max_line) + " bytes";
}

std::string backlog_fault(const ChatOptions& options) {
    return "backlog over " + to_text(options.max_backlog) + " bytes";
}

std::string fault(const boost::system::system_error& error, const ChatOptions& options) {
    if (error.code() == boost::asio::error::not_found) return line_fault(options);
    return reason(error.code());
}

}  // namespace wirelab
