// What happened in a test case, in order and with times, for the person whose program failed it.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace harness {

using Clock = std::chrono::steady_clock;

class Transcript {
public:
    void add(std::string_view who, std::string_view what);

    // Returns the first and the last lines, each with the seconds since the transcript began, and
    // how many were left out between: what prints without end must not fill screen or memory.
    std::string text() const;

private:
    struct Line {
        Clock::duration time;
        std::string text;
    };

    Clock::time_point start_ = Clock::now();
    std::vector<Line> first_lines_;
    std::vector<Line> last_lines_;
    std::size_t left_out_ = 0;
};

// Returns bytes as people can read them: in quotes, controls escaped, the middle of much cut out.
std::string quote(std::string_view bytes);

// Returns "[LABEL] NAME", or the name alone when there is no label.
std::string labelled(std::string_view label, std::string_view name);

}  // namespace harness
