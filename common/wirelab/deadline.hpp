/// \file
/// Time limits for blocking calls: read, write, connect.
#pragma once

#include <wirelab/values.hpp>

#include <chrono>
#include <cstddef>
#include <ctime>

namespace wirelab {

/// Bounds the blocking calls that this thread makes while the Deadline lives. When time is up, the
/// call fails with `boost::asio::error::interrupted`, whose reason() is "timed out".
///
/// ~~~
/// const wirelab::Deadline deadline{timeout};
/// std::size_t n = socket.read_some(asio::buffer(data), error);
/// ~~~
///
/// It is an alarm clock: a timer (timer_create(2)) that sends a signal to this thread, and a
/// blocking call that meets a signal returns with the error EINTR (signal(7), "Interruption of
/// system calls"). The alarm rings again and again until the Deadline ends, so a call that
/// begins after time was up returns too. Of look-ups it bounds nothing: getaddrinfo(3) tries on.
class Deadline {
public:
    /// Starts the clock. A limit of 0 seconds means no limit.
    /// Throws Error when the system has no timer left.
    [[nodiscard("give the Deadline a name, or it ends here")]] explicit Deadline(Seconds limit);
    ~Deadline();

    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;

private:
    bool armed_ = false;
    timer_t timer_{};
};

/// One time limit for several waits together: tells each how long it may last.
///
/// ~~~
/// const wirelab::TimeBudget budget{timeout};
/// for (const auto& address : addresses) {
///     const wirelab::Deadline deadline{budget.share(addresses_left)};
/// ~~~
class TimeBudget {
public:
    /// Starts the clock. A limit of 0 seconds means no limit, neither for any share.
    explicit TimeBudget(Seconds limit);

    /// Returns what is left of the time. Once it is used up that is a nanosecond, which a Deadline
    /// takes for "now"; 0 would mean no limit.
    Seconds left() const { return share(1); }

    /// Returns an equal share of what is left, for so many waits to come; for 0, as for 1, all.
    Seconds share(std::size_t waits) const;

    /// Tells whether the time is used up. Who never has to wait, for data is always there, is
    /// stopped by no Deadline, but by this.
    bool is_over() const;

private:
    Seconds limit_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace wirelab
