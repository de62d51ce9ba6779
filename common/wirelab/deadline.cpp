#include <wirelab/deadline.hpp>
#include <wirelab/error.hpp>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

// glibc before 2.39 documents this name, see timer_create(2), but does not define it.
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace wirelab {

namespace {

constexpr int alarm_signal = SIGALRM;
constexpr std::chrono::milliseconds ring_again{10};

void on_alarm(int) {}

// The handler does nothing; that there is one, without SA_RESTART, makes blocking calls return.
void install_handler() {
    struct sigaction action {};
    action.sa_handler = on_alarm;
    ::sigaction(alarm_signal, &action, nullptr);
}

void unblock_signal() {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, alarm_signal);
    ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

timespec to_timespec(std::chrono::nanoseconds duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
    return {.tv_sec = static_cast<std::time_t>(seconds.count()),
            .tv_nsec = static_cast<long>((duration - seconds).count())};
}

}  // namespace

Deadline::Deadline(Seconds limit) {
    if (limit.is_none()) return;

    static const bool once_a_program = (install_handler(), true);
    thread_local const bool once_a_thread = (unblock_signal(), true);
    static_cast<void>(once_a_program && once_a_thread);

    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = alarm_signal;
    event.sigev_notify_thread_id = ::gettid();
    if (::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) {
        throw Error{"cannot start a timer", reason_from_errno()};
    }
    armed_ = true;

    // A timer set to zero would be off.
    const auto first = std::max(limit.duration(), std::chrono::nanoseconds{1});
    const itimerspec times{.it_interval = to_timespec(ring_again), .it_value = to_timespec(first)};
    ::timer_settime(timer_, 0, &times, nullptr);
}

Deadline::~Deadline() {
    if (armed_) ::timer_delete(timer_);
}

TimeBudget::TimeBudget(Seconds limit) : limit_{limit} {}

Seconds TimeBudget::share(std::size_t waits) const {
    if (limit_.is_none()) return limit_;
    const std::chrono::duration<double> used = std::chrono::steady_clock::now() - start_;
    const double left = limit_.count() - used.count();
    const auto shares = static_cast<double>(std::max<std::size_t>(waits, 1));
    return Seconds{std::max(left / shares, 1e-9)};
}

bool TimeBudget::is_over() const {
    return !limit_.is_none() && std::chrono::steady_clock::now() - start_ >= limit_.duration();
}

}  // namespace wirelab
