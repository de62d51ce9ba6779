#include <wirelab/background.hpp>
#include <wirelab/program.hpp>

#include <cstdlib>
#include <utility>

namespace wirelab {

Background::Background(std::function<void()> job, std::function<void()> stop)
    : stop_{std::move(stop)}, thread_{[job = std::move(job)] {
          try {
              job();
          } catch (...) {
              // The main thread may be waiting for a line that is never typed.
              std::_Exit(Program::report_failure());
          }
      }} {}

Background::~Background() {
    try {
        stop_();
    } catch (...) {
        std::_Exit(Program::report_failure());  // the thread would be waited for in vain
    }
    thread_.join();
}

}  // namespace wirelab
