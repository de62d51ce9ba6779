// What has passed so far, in a file that survives between runs: one line a lab.
#pragma once

#include "grader/catch_xml.hpp"

#include <string>
#include <vector>

namespace grader {

// Returns "NN_topic PASSED TOTAL POINTS TOTAL_POINTS STEP_TO_MEND", the last one `-` when nothing
// failed.
std::string progress_line(const std::string& lab, const std::vector<Case>& cases);

// Puts the line into the file, in place of the lab's line if there is one, sorted by lab. Whoever
// reads the file meanwhile sees the old one or the new one whole. Throws wirelab::Error.
void save_progress(const std::string& file, const std::string& line);

}  // namespace grader
