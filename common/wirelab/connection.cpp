#include <wirelab/connection.hpp>
#include <wirelab/deadline.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/error.hpp>
#include <wirelab/log.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/sendfile.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>
#include <iostream>
#include <thread>

namespace wirelab {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// A call that has sent a part of much would hide for long that the rest is stuck.
constexpr std::size_t max_write = 256 * 1024;

// Tells whether accept(2) only reports what has become of one client.
static bool concerns_one_client(const error_code& error) {
    using namespace asio::error;
    return error == connection_aborted || error == network_down || error == network_unreachable ||
           error == host_unreachable;
}

// Returns a time as poll(2) and socket options have it.
static int to_milliseconds(Seconds time) {
    using std::chrono::milliseconds;
    const auto count = std::chrono::ceil<milliseconds>(time.duration()).count();
    return static_cast<int>(std::min<std::int64_t>(count, INT_MAX));
}

tcp::socket connect(asio::io_context& io, const std::string& host, Port port, Seconds timeout) {
    error_code error;
    const auto found = tcp::resolver{io}.resolve(host, std::to_string(port), error);
    if (error) throw Error{"cannot look up " + host, error};

    const TimeBudget budget{timeout};
    tcp::socket connection{io};
    std::size_t untried = found.size();
    for (const tcp::endpoint endpoint : found) {
        const Deadline deadline{budget.share(untried--)};
        connection.close(error);
        connection.connect(endpoint, error);
        if (!error) {
            log("connected to " + to_text(endpoint));
            return connection;
        }
        log("cannot connect to " + to_text(endpoint) + ": " + reason(error));
    }
    throw Error{"cannot connect to " + to_text(host, port), error};
}

tcp::acceptor listen(asio::io_context& io, const tcp::endpoint& endpoint) {
    try {
        tcp::acceptor acceptor{io, endpoint};  // opens, allows to reuse the address, binds, listens
        std::cout << "listening on " << to_text(acceptor.local_endpoint()) << std::endl;
        return acceptor;
    } catch (const boost::system::system_error& error) {
        throw Error{"cannot listen on " + to_text(endpoint), error.code()};
    }
}

tcp::socket accept(tcp::acceptor& acceptor, tcp::endpoint& peer) {
    for (;;) {
        error_code error;
        tcp::socket client = acceptor.accept(peer, error);
        if (!error) {
            log("accepted " + to_text(peer));
            return client;
        }
        if (!concerns_one_client(error)) throw Error{"cannot accept a client", error};
    }
}

bool AcceptTrouble::is_there(const error_code& error) {
    if (error && !was_there_) report("cannot accept a client: " + reason(error));
    return was_there_ = error.failed();
}

bool AcceptTrouble::wait_out(const error_code& error) {
    if (!is_there(error)) return false;
    std::this_thread::sleep_for(pause);
    return true;
}

void give_up_after(tcp::socket& socket, Seconds timeout) {
    const int value = to_milliseconds(timeout);
    error_code ignored;  // a connection that is over needs no limit
    if (timeout.is_none()) return;
    socket.set_option(asio::detail::socket_option::integer<IPPROTO_TCP, TCP_USER_TIMEOUT>{value},
                      ignored);
}

void allow_many_connections() {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

void write_all(tcp::socket& socket, asio::const_buffer bytes, Seconds timeout) {
    while (bytes.size() > 0) {
        const Deadline deadline{timeout};
        error_code error;
        bytes += socket.write_some(asio::buffer(bytes, max_write), error);
        if (error) throw Error{error};
    }
}

std::size_t send_part(tcp::socket& socket, const InputFile& file, std::size_t most,
                      Seconds timeout) {
    const Deadline deadline{timeout};
    const ssize_t sent = ::sendfile(socket.native_handle(), file.descriptor(), nullptr, most);
    if (sent < 0) throw Error{error_code{errno, boost::system::system_category()}};
    return static_cast<std::size_t>(sent);
}

std::size_t read_full(tcp::socket& socket, asio::mutable_buffer buffer, Seconds timeout) {
    asio::mutable_buffer rest = buffer;
    while (rest.size() > 0) {
        const Deadline deadline{timeout};
        error_code error;
        rest += socket.read_some(rest, error);
        if (error == asio::error::eof) break;
        if (error) throw Error{error};
    }
    return buffer.size() - rest.size();
}

void drain(tcp::socket& socket, Seconds timeout) {
    const TimeBudget budget{timeout};  // for all of it: a peer may go on for ever
    std::array<char, 65536> part;
    error_code error;
    while (!error && !budget.is_over()) {
        pollfd look{socket.native_handle(), POLLIN, 0};
        const int most = timeout.is_none() ? -1 : to_milliseconds(budget.left());
        if (::poll(&look, 1, most) <= 0) break;
        socket.read_some(asio::buffer(part), error);
    }
}

void end(tcp::socket& socket, Seconds timeout) {
    error_code broken;
    socket.shutdown(tcp::socket::shutdown_send, broken);
    if (!broken) drain(socket, timeout);
}

}  // namespace wirelab
