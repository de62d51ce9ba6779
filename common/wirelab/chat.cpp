#include <wirelab/chat.hpp>
#include <wirelab/connection.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/error.hpp>
#include <wirelab/program.hpp>

#include <boost/asio/error.hpp>

#include <cerrno>
#include <cstdint>
#include <iostream>

namespace wirelab {

using boost::asio::ip::tcp;

tcp::acceptor ChatOptions::listen(boost::asio::io_context& io) const {
    allow_many_connections();
    return wirelab::listen(io, {bind, port});
}

void ChatOptions::prepare(tcp::socket& client) const {
    boost::system::error_code ignored;  // reading from a broken connection will tell
    client.set_option(tcp::no_delay{true}, ignored);
    give_up_after(client, timeout);
}

std::size_t ChatOptions::line_space() const {
    return max_line + (max_line < SIZE_MAX ? 1 : 0);
}

int run_chat_server(const std::string& name, int argc, char* argv[],
                    const std::function<void(const ChatOptions&)>& serve) {
    ChatOptions options;
    Program program{name, "Passes on what each client says to all others."};
    program.option("bind", "ADDRESS", options.bind, "the address to listen on");
    program.option("port", "PORT", options.port, "the port to listen on, 0: any free one");
    program.option("max-line", "BYTES", options.max_line, "the longest line to send on");
    program.option("max-backlog", "BYTES", options.max_backlog, "how much may wait for one client");
    program.option("timeout", "SECONDS", options.timeout,
                   "how long to wait until a client takes what was sent, 0: for ever");
    return program.run(argc, argv, [&] { serve(options); });
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

bool is_full(tcp::socket& socket) {
    pollfd look{socket.native_handle(), POLLOUT, 0};
    return ::poll(&look, 1, 0) == 0;  // not where it is broken: writing will tell the reason
}

std::string say_joined(const tcp::endpoint& peer) {
    std::cout << "joined " << to_text(peer) << std::endl;
    return to_text(peer);
}

void say_left(const std::string& peer, const std::string& fault) {
    if (!fault.empty()) report(peer + ": " + fault);
    std::cout << "left " << peer << std::endl;
}

void poll(std::vector<pollfd>& sockets, std::chrono::milliseconds limit) {
    // A signal's arrival is no failure: nothing is ready then. (What may fail is memory.)
    if (::poll(sockets.data(), sockets.size(), static_cast<int>(limit.count())) < 0 &&
        errno != EINTR) {
        throw Error{"cannot wait for clients", reason_from_errno()};
    }
}

bool Goodbye::say(tcp::socket& socket, const std::string& peer, const std::string& fault,
                  Seconds timeout) {
    using Clock = std::chrono::steady_clock;
    if (!said_) {
        boost::system::error_code ignored;
        say_left(peer, fault);
        socket.shutdown(tcp::socket::shutdown_send, ignored);
        said_ = Clock::now();
    }
    return !timeout.is_none() && Clock::now() - *said_ >= timeout.duration();
}

std::string line_fault(const ChatOptions& options) {
    return "line over " + to_text(options.max_line) + " bytes";
}

std::string backlog_fault(const ChatOptions& options) {
    return "backlog over " + to_text(options.max_backlog) + " bytes";
}

std::string fault(const boost::system::error_code& error, const ChatOptions& options) {
    if (error == boost::asio::error::not_found) return line_fault(options);
    if (error == boost::asio::error::eof) return "";
    return reason(error);
}

}  // namespace wirelab
