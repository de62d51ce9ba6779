/// \file
/// What the three chat servers of lab 11 have in common, and is not what they are about.
#pragma once

#include <wirelab/values.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wirelab {

/// The options of a chat server, with their defaults.
struct ChatOptions {
    boost::asio::ip::address bind = boost::asio::ip::address_v4::any();
    LocalPort port{40000};
    std::uint64_t max_line = 4096;            ///< bytes, without the line's end
    std::uint64_t max_backlog = 1024 * 1024;  ///< bytes that wait for one client
    Seconds timeout{30};

    /// Returns an acceptor for as many clients as the system allows; see wirelab::listen().
    boost::asio::ip::tcp::acceptor listen(boost::asio::io_context& io) const;

    /// Prepares the connection of a new client: each write goes out at once, and one that it does
    /// not take for `timeout` breaks it.
    void prepare(boost::asio::ip::tcp::socket& client) const;

    /// The longest line together with its newline, in bytes.
    std::size_t line_space() const;
};

/// Runs a chat server with its options, and returns the program's exit status: see Program.
int run_chat_server(const std::string& name, int argc, char* argv[],
                    const std::function<void(const ChatOptions&)>& serve);

/// Returns where the line `exit` begins in a text of whole lines, or the text's size if there is
/// none. Its end may be a newline, or a carriage return and a newline.
std::size_t find_exit(std::string_view lines);

/// Tells whether the system calls a connection not writable now (poll(2)). It has a buffer for what
/// is sent, and the peer's system one for what has come: when the peer does not read, both fill up.
/// Linux says so when about two thirds of its buffer are in use; a write may still take some more.
bool is_full(boost::asio::ip::tcp::socket& socket);

/// Tells whether a server is slower than its clients talk: more than the limit waits for one of
/// them whose connection is not full, so what is missing is that the server writes it. Each client
/// is a pointer to what has a `socket`, a `backlog`, and a `fault` if it was dropped.
template <typename Clients>
bool is_behind(const Clients& clients, const ChatOptions& options) {
    return std::ranges::any_of(clients, [&](const auto& client) {
        return client->fault.empty() && client->backlog.size() > options.max_backlog &&
               !is_full(client->socket);
    });
}

/// How long to wait until one looks again: that a connection has become full, nobody is told.
constexpr std::chrono::milliseconds a_moment{10};

/// Prints `joined PEER`, and returns the peer as a text.
std::string say_joined(const boost::asio::ip::tcp::endpoint& peer);

/// Reports the fault of a client, unless that is empty, and prints `left PEER`.
void say_left(const std::string& peer, const std::string& fault);

/// No limit for poll().
constexpr std::chrono::milliseconds for_ever{-1};

/// Waits until one of the sockets is ready, or for so long; see poll(2). Throws Error.
void poll(std::vector<pollfd>& sockets, std::chrono::milliseconds limit);

/// How a server that never waits ends the connection of a client that has left.
class Goodbye {
public:
    /// The first time, says that it has left (say_left()), and ends our side of the connection.
    /// Returns whether the time for the client's side is over, so that it may be closed; with a
    /// timeout of 0 it never is. Until then what still comes is to be read: see drain().
    bool say(boost::asio::ip::tcp::socket& socket, const std::string& peer,
             const std::string& fault, Seconds timeout);

private:
    std::optional<std::chrono::steady_clock::time_point> said_;
};

/// Says why a server drops a client: "line over BYTES bytes" or "backlog over BYTES bytes".
std::string line_fault(const ChatOptions& options);
std::string backlog_fault(const ChatOptions& options);

/// Says the same of an error of its connection, in the words of reason(). That read_until() has not
/// found the end of a line in a full buffer (`boost::asio::error::not_found`) is a line_fault(),
/// and the end of its stream is none: an empty text.
std::string fault(const boost::system::error_code& error, const ChatOptions& options);

}  // namespace wirelab
