#include <wirelab/async_connection.hpp>
#include <wirelab/coroutine.hpp>
#include <wirelab/deadline.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/error.hpp>
#include <wirelab/log.hpp>
#include <wirelab/patience.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <netinet/tcp.h>
#include <sys/sendfile.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace wirelab {

namespace asio = boost::asio;
using asio::redirect_error;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;

asio::awaitable<tcp::socket> async_accept(tcp::acceptor& acceptor, tcp::endpoint& peer) {
    for (AcceptTrouble trouble;;) {
        tcp::socket client{acceptor.get_executor()};
        error_code error;
        co_await acceptor.async_accept(client, peer, redirect_error(use_awaitable, error));
        if (co_await wait_out(trouble, error)) continue;
        log("accepted " + to_text(peer));
        co_return client;
    }
}

asio::awaitable<void> accept_clients(
    tcp::acceptor& acceptor,
    std::function<asio::awaitable<void>(tcp::socket, tcp::endpoint)> serve) {
    for (;;) {
        tcp::endpoint peer;
        tcp::socket socket = co_await async_accept(acceptor, peer);
        asio::co_spawn(acceptor.get_executor(), serve(std::move(socket), peer), fail_loudly);
    }
}

std::size_t send_now(tcp::socket& socket, int file, std::uint64_t offset, std::uint64_t most) {
    // One client that reads as fast as we send is not to keep all others waiting.
    constexpr std::uint64_t longest_turn = 1024 * 1024;
    // What waits in the system for its turn to be sent takes memory, and is long out of the
    // processor's cache when the client takes it. This much suffices to keep the connection busy,
    // and to say so each time costs next to nothing.
    using Unsent = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>;
    constexpr int most_unsent = 32 * 1024;
    error_code ignored;
    socket.set_option(Unsent{most_unsent}, ignored);
    if (!socket.native_non_blocking()) socket.native_non_blocking(true);
    auto from = static_cast<off_t>(offset);
    const ssize_t sent =
        ::sendfile(socket.native_handle(), file, &from, std::min(most, longest_turn));
    if (sent < 0 && errno == EAGAIN) return 0;
    if (sent < 0) throw Error{error_code{errno, boost::system::system_category()}};
    if (sent == 0) throw Error{"the file has become shorter"};
    return static_cast<std::size_t>(sent);
}

asio::awaitable<void> async_end(tcp::socket& socket, Seconds timeout) {
    Patience patience{socket, timeout};
    patience.begin();
    std::array<char, 8192> part;
    error_code end;
    socket.shutdown(tcp::socket::shutdown_send, end);
    // One who never pauses is never waited for, and so never cancelled: look at the clock as well.
    const TimeBudget budget{timeout};
    while (!end && !budget.is_over()) {
        co_await socket.async_read_some(asio::buffer(part), redirect_error(use_awaitable, end));
    }
}

}  // namespace wirelab
