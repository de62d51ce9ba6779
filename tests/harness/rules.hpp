// The rules that hold for every program of the kit, checked the same way in every lab.
#pragma once

#include "process.hpp"
#include "stage.hpp"

#include <string>
#include <vector>

namespace harness {

struct HelpEntry {
    std::string name;           // as in the usage text: "--port PORT" or "HOST"
    std::string default_value;  // as in the usage text
};

// --help and -h print the same text on stdout: every entry with its default; status 0.
void expect_help(Stage& stage, const std::string& program, const std::vector<HelpEntry>& entries);

// The arguments are refused with status 2 and one line on stderr that names `culprit` and ends
// with a pointer to --help.
void expect_usage_error(Stage& stage, const std::string& program,
                        const std::vector<std::string>& arguments, const std::string& culprit);

// A pattern for the system's words for a name that can't be looked up, see gai_strerror(3).
std::string look_up_failure();

// Every byte value once, and how a program shows them.
std::string all_bytes();
std::string all_bytes_shown();

// The file holds log lines, at least one, each "[YYYYMMDD HH:MM:SS] FUNCTION:LINE - MESSAGE".
void expect_log(Stage& stage, const std::string& file);

}  // namespace harness
