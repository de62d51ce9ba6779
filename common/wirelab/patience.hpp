/// \file
/// Time limits for coroutines that wait for a connected peer.
#pragma once

#include <wirelab/values.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <memory>

namespace wirelab {

/// Bounds waits for the peer of a connection. What still waits when the time is up is cancelled.
///
/// ~~~
/// wirelab::Patience patience{socket, timeout};
/// patience.begin();
/// std::size_t n = co_await socket.async_read_some(buffer, redirect_error(use_awaitable, error));
/// patience.end();
/// if (error) throw wirelab::Error{patience.verdict(error)};
/// ~~~
///
/// It has one timer for as long as it lives, which looks at the clock when it rings: to begin
/// only notes the time. To set and cancel a timer for each wait would cost many times as much.
class Patience {
public:
    /// A limit of 0 seconds means no limit.
    Patience(boost::asio::ip::tcp::socket& socket, Seconds limit);
    ~Patience();
    Patience(const Patience&) = delete;
    Patience& operator=(const Patience&) = delete;

    /// A wait begins, and has all of the time.
    void begin();

    /// The wait has ended: until the next begins, nothing is cancelled.
    void end();

    /// Tells whether the wait has had all of its time. Whoever waits in a loop asks: a read that
    /// finds something at once, from a peer that never stops sending, is never cancelled.
    bool is_over() const;

    /// Returns why a wait has failed: `boost::asio::error::timed_out` if it was cancelled here,
    /// else the error that it failed with.
    boost::system::error_code verdict(const boost::system::error_code& error) const;

private:
    struct Alarm;
    std::shared_ptr<Alarm> alarm_;
};

}  // namespace wirelab
