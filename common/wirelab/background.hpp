/// \file
/// A second thread of a program, which fails as loudly as the first.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

namespace wirelab {

/// Runs a job in a thread of its own, beside the rest of the program.
///
/// ~~~
/// const wirelab::Background receiver{[&] { print_messages(socket); },
///                                    [&] { socket.shutdown(socket.shutdown_receive); }};
/// ~~~
///
/// An exception that leaves the function of a std::thread ends the program by std::terminate().
/// Here the failure is reported as if it had happened in the main thread, and the program ends at
/// once with status 1, whatever the main thread is waiting for.
class Background {
public:
    /// Starts the job. `stop` is what makes it end, from outside.
    Background(std::function<void()> job, std::function<void()> stop);
    /// Stops the job, and waits until it has ended.
    ~Background();
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;

private:
    std::function<void()> stop_;
    // Shared with the thread, which may outlive this object.
    std::shared_ptr<std::atomic<bool>> given_up_ = std::make_shared<std::atomic<bool>>(false);
    std::thread thread_;
};

/// Runs a job in a thread that nobody waits for: it ends with the program at the latest. As with
/// Background, a failure of the job ends the program. Throws boost::system::system_error when the
/// system has no thread left.
void run_in_thread(std::function<void()> job);

}  // namespace wirelab
