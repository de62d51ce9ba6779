/// \file
/// Marks a place where the reader's own code belongs.
#pragma once

#include <source_location>
#include <string_view>

namespace wirelab {

/// The number of a step in the lab's handout, and where in the source it stands.
struct Step {
    Step(int step_number, const std::source_location& place = std::source_location::current())
        : number{step_number}, here{place} {}

    int number;
    std::source_location here;
};

/// Ends the program with "FILE:LINE: TODO NUMBER is not done yet: TASK", by throwing Error.
[[noreturn]] void not_done_yet(const Step& step, std::string_view task);

/// Stands where code is missing: `wirelab::todo(1, "connect to the server", host, port);`.
/// Replace the whole line by your code. The names behind the task are those that your code will
/// use; until then, naming them here keeps the compiler from calling them unused.
template <typename... Names>
[[noreturn]] void todo(const Step& step, std::string_view task, const Names&...) {
    not_done_yet(step, task);
}

}  // namespace wirelab
