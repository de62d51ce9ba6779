// A test case as one line of JSON, for programs that score many runs: the autograder.
#pragma once

#include "grader/catch_xml.hpp"

#include <optional>
#include <string>

namespace grader {

// Returns one object and a newline: name, program, step, points, hidden, outcome ("passed",
// "failed" or "skipped") and text. Bytes of the text that are no UTF-8 are written as \xNN.
std::string case_json(const Case& test_case);

// Returns the line behind those of all test cases: an object with `fault`, why this run does not
// count, or null.
std::string end_json(const std::optional<std::string>& fault);

}  // namespace grader
