/// \file
/// What the first labs teach to write by hand: connecting, listening, accepting, reading and
/// writing in full.
#pragma once

#include <wirelab/files.hpp>
#include <wirelab/values.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <string>

namespace wirelab {

/// Returns a socket connected to the first address of the host that answers; see getaddrinfo(3)
/// for the order in which they are tried. The limit is for all addresses together, and each gets
/// an equal share of what is left, so that a silent one leaves time for the next.
/// Throws Error when the look-up fails or no address answers, with the reason of the last one.
boost::asio::ip::tcp::socket connect(boost::asio::io_context& io, const std::string& host,
                                     Port port, Seconds timeout);

/// Returns an acceptor that clients can connect to from now on, and prints `listening on
/// ADDRESS:PORT`. Throws Error when the endpoint is not to be had, see bind(2).
boost::asio::ip::tcp::acceptor listen(boost::asio::io_context& io,
                                      const boost::asio::ip::tcp::endpoint& endpoint);

/// Waits for the next client, and sets `peer` to its endpoint. Throws Error when the system has no
/// socket for it, see accept(2).
boost::asio::ip::tcp::socket accept(boost::asio::ip::tcp::acceptor& acceptor,
                                    boost::asio::ip::tcp::endpoint& peer);

/// What an accept loop does when the system has no socket for a client, most often since no file
/// descriptor is left until another client leaves (EMFILE, see accept(2)): it must not end then,
/// and not try on and on without a pause, for the client that waits keeps the acceptor ready.
class AcceptTrouble {
public:
    /// How long to pause before the next try.
    static constexpr std::chrono::milliseconds pause{100};

    /// Tells whether there is an error. The first one in a row is reported.
    bool is_there(const boost::system::error_code& error);

    /// The same, and pauses if there is one. wait_out() of coroutine.hpp does so without blocking.
    bool wait_out(const boost::system::error_code& error);

private:
    bool was_there_ = false;
};

/// Lets the system give up the connection when its peer has not taken what was sent for `timeout`:
/// whatever uses it fails then, with "timed out" (TCP_USER_TIMEOUT, see tcp(7)). For those who
/// can't bound each write by itself. 0 leaves it to the system, which tries for a quarter of an
/// hour.
void give_up_after(boost::asio::ip::tcp::socket& socket, Seconds timeout);

/// Allows this program as many open files as its user may have, see getrlimit(2). Each connection
/// is one, and the usual limit is 1024.
void allow_many_connections();

/// Writes all of the bytes, in as many writes as it takes; each of them may take `timeout`.
/// Throws Error with the bare reason.
void write_all(boost::asio::ip::tcp::socket& socket, boost::asio::const_buffer bytes,
               Seconds timeout);

/// Sends the next bytes of an open file, at most so many, and returns how many: fewer when the file
/// ends, or when the time is up after a part of them. They go from the file to the network within
/// the system (sendfile(2)); copying them through this program's memory would take nearly twice the
/// time. Throws Error with the bare reason. (Writing to a closed connection must be no signal:
/// Program sees to that.)
std::size_t send_part(boost::asio::ip::tcp::socket& socket, const InputFile& file, std::size_t most,
                      Seconds timeout);

/// Reads until the buffer is full or the stream ends, and returns how many bytes came; each read
/// may take `timeout`. Throws Error with the bare reason.
std::size_t read_full(boost::asio::ip::tcp::socket& socket, boost::asio::mutable_buffer buffer,
                      Seconds timeout);

/// Reads and forgets what the peer still sends, until it ends its stream or the time is up, even if
/// it never pauses; 0 is no limit. Whoever closes with bytes unread resets the connection (RFC
/// 1122, section 4.2.2.13), and the reset may overtake what was sent last. Needs no timer, so it
/// never throws.
void drain(boost::asio::ip::tcp::socket& socket, Seconds timeout);

/// Ends our side of a connection, and waits until the peer ends its own, or the time is up: see
/// drain(). It never throws either.
void end(boost::asio::ip::tcp::socket& socket, Seconds timeout);

}  // namespace wirelab
