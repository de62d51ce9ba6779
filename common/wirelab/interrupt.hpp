/// \file
/// What a program still has to do when a person presses Ctrl-C.
#pragma once

#include <signal.h>

#include <atomic>
#include <functional>
#include <thread>

namespace wirelab {

/// While this lives, SIGINT and SIGTERM do not end the program but call a function, once, in a
/// thread of its own: there it may do whatever a program may, while a signal handler may do next to
/// nothing (signal-safety(7)). It should wake the program from what it waits for. A program that
/// has not come to the end of the Interrupt half a second later, or at a second signal, is ended.
///
/// ~~~
/// const wirelab::Interrupt interrupt{[&] { socket.shutdown(socket.shutdown_receive, ignored); }};
/// while (!interrupt.happened()) …
/// ~~~
///
/// The function must not throw. Make it before any other thread: it blocks both signals, and
/// threads inherit that (signal(7)).
class Interrupt {
public:
    explicit Interrupt(std::function<void()> wake_up);
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    /// Tells whether one of the signals has come.
    bool happened() const { return happened_; }

private:
    std::atomic<bool> happened_ = false;
    std::atomic<bool> over_ = false;
    sigset_t signals_before_;
    std::thread thread_;
};

}  // namespace wirelab
