// What a student sees of a run: a line per requirement, what the first failing one says, the sum.
#pragma once

#include "grader/catch_xml.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace grader {

// Skipped test cases count nowhere but in `skipped`.
struct Score {
    std::size_t passed = 0;
    std::size_t total = 0;
    std::size_t points = 0;
    std::size_t total_points = 0;
    std::size_t skipped = 0;
    bool all_passed() const { return total > 0 && passed == total; }
};

Score score(const std::vector<Case>& cases);

// Returns the failed test case of the lowest step, the first one of several; nullptr if none is.
const Case* first_unmet(const std::vector<Case>& cases);

// Returns the step to look at for an unmet requirement: its own, or an earlier one if that is the
// one that its likely cause names first, as in "flush std::cout (step 1)" or "TODO 1 is not done
// yet".
std::size_t step_to_mend(const Case& unmet);

// Returns lines such as "✓ step 1: NAME (1 of 1 points)" in the order of the steps. What comes
// behind the first step that is not met is counted in one line: it is not what to look at now.
std::string case_lines(std::vector<Case> cases, bool colour);

// Returns the lines behind those of the test cases. `lab` is NN_topic, `todo` the lowest step that
// still has a TODO in the lab's sources, if any: no later step is named as the next.
std::string summary(const std::string& lab, const std::vector<Case>& cases,
                    std::optional<std::uint64_t> todo = {});

}  // namespace grader
