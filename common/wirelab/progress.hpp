/// \file
/// How far a transfer has come, for the person who waits for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace wirelab {

/// Shows on a terminal how far a transfer has come, its rate and the time left, in a line that is
/// drawn anew at most ten times a second:
///
/// ~~~
/// holiday.jpg [##########..........]  50%  11.8 MB/s  0:04 left
/// ~~~
///
/// The terminal is stdout, or else stderr; when neither is one (see isatty(3)) it shows nothing.
class Progress {
public:
    /// The size is in bytes.
    Progress(std::string name, std::uint64_t size);
    /// Wipes the line.
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Tells that so many bytes in all have been transferred.
    void show(std::uint64_t done);

private:
    using Clock = std::chrono::steady_clock;

    std::string line(std::uint64_t done, std::chrono::duration<double> used) const;
    void draw(const std::string& text);

    std::string name_;
    std::uint64_t size_;
    int terminal_;
    Clock::time_point start_ = Clock::now();
    Clock::time_point next_ = start_;
};

}  // namespace wirelab
