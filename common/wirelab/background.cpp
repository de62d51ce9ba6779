#include <wirelab/background.hpp>
#include <wirelab/program.hpp>

#include <boost/system/system_error.hpp>

#include <cstdlib>
#include <exception>
#include <system_error>
#include <utility>

namespace wirelab {

Background::Background(std::function<void()> job, std::function<void()> stop)
    : stop_{std::move(stop)}, thread_{[job = std::move(job), given_up = given_up_] {
          try {
              job();
          } catch (...) {
              // The main thread may be waiting for a line that is never typed.
              if (!*given_up) std::_Exit(Program::report_failure());
          }
      }} {}

Background::~Background() {
    try {
        stop_();
    } catch (...) {
        // Where a failure is on its way to be reported already, that one is what should be read.
        if (std::uncaught_exceptions() == 0) std::_Exit(Program::report_failure());
        *given_up_ = true;
        thread_.detach();
        return;
    }
    thread_.join();
}

void run_in_thread(std::function<void()> job) {
    const auto run = [job = std::move(job)] {
        try {
            job();
        } catch (...) {
            std::_Exit(Program::report_failure());
        }
    };
    try {
        std::thread{run}.detach();
    } catch (const std::system_error& error) {
        throw boost::system::system_error{error.code().value(), boost::system::system_category()};
    }
}

}  // namespace wirelab
