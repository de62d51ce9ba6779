#include <wirelab/interrupt.hpp>

#include <csignal>
#include <ctime>
#include <utility>

namespace wirelab {

Interrupt::Interrupt(std::function<void()> wake_up) {
    sigset_t ends;
    ::sigemptyset(&ends);
    for (const int end : {SIGINT, SIGTERM}) ::sigaddset(&ends, end);
    ::pthread_sigmask(SIG_BLOCK, &ends, &signals_before_);
    thread_ = std::thread{[this, ends, wake_up = std::move(wake_up)] {
        int signal = 0;
        ::sigwait(&ends, &signal);
        if (over_) return;  // it came from the destructor
        happened_ = true;
        wake_up();

        // What is not over now is stuck, perhaps in writing to a pipe that nobody reads.
        const timespec grace{.tv_sec = 0, .tv_nsec = 500'000'000};
        ::sigtimedwait(&ends, nullptr, &grace);
        if (over_) return;
        ::pthread_sigmask(SIG_UNBLOCK, &ends, nullptr);
        std::raise(signal);
    }};
}

Interrupt::~Interrupt() {
    over_ = true;
    ::pthread_kill(thread_.native_handle(), SIGTERM);
    thread_.join();
    ::pthread_sigmask(SIG_SETMASK, &signals_before_, nullptr);
}

}  // namespace wirelab
