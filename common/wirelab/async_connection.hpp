/// \file
/// What connection.hpp has for blocking calls, for coroutines: accepting, sending files, closing.
#pragma once

#include <wirelab/values.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>

namespace wirelab {

/// Waits for the next client, and sets `peer` to its endpoint. When the system has no descriptor or
/// memory for it, that is reported once, and tried again ten times a second until it has: clients
/// that leave make room. See accept(2).
boost::asio::awaitable<boost::asio::ip::tcp::socket> async_accept(
    boost::asio::ip::tcp::acceptor& acceptor, boost::asio::ip::tcp::endpoint& peer);

/// Accepts clients as async_accept() does, for ever, and starts the coroutine `serve(socket, peer)`
/// for each: all take turns, and nobody waits for another to leave. What `serve` throws, which is
/// more than one client's fault, is thrown by the io_context's run(). The acceptor must outlive
/// this coroutine.
boost::asio::awaitable<void> accept_clients(
    boost::asio::ip::tcp::acceptor& acceptor,
    std::function<boost::asio::awaitable<void>(boost::asio::ip::tcp::socket,
                                               boost::asio::ip::tcp::endpoint)>
        serve);

/// Sends bytes of an open file from an offset on, as many as there is room for now, and returns how
/// many: none when there is no room, wait for it (`wait_write`) and call again. As with
/// send_part(), they never come into this program's memory (sendfile(2)). Throws Error with the
/// bare reason, also when the file has no such byte any more. From then on the socket is
/// non-blocking (as system calls see it; Asio's own go on as before), and little that is not sent
/// yet waits in the system (TCP_NOTSENT_LOWAT): this holds for all later writes too.
std::size_t send_now(boost::asio::ip::tcp::socket& socket, int file, std::uint64_t offset,
                     std::uint64_t most);

/// Ends our side of a connection, and waits until the peer ends its own, or the time is up, even if
/// it never pauses; 0 is no limit. See drain().
boost::asio::awaitable<void> async_end(boost::asio::ip::tcp::socket& socket,
                                       Seconds timeout = Seconds{2});

}  // namespace wirelab
