// The kit as its own tests see it: labs, their files, and runs of their tests.
#pragma once

#include "grader/catch_xml.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kit {

// Where the kit's sources lie, and where it is built.
const std::filesystem::path& source();
const std::filesystem::path& build();

// The labs' names, "01_addresses" and so on, in order. Never empty: a guard that finds nothing to
// check must fail.
std::vector<std::string> labs();

// The names of the programs that the folder has a source file for.
std::vector<std::string> programs(const std::filesystem::path& folder);

// The names of the folder's sources: those of its programs, and the headers that these share or are
// split into.
std::vector<std::string> source_files(const std::filesystem::path& folder);

// A text file of the kit; fails the test case when it is not there.
std::string read(const std::filesystem::path& file);
std::vector<std::string> read_lines(const std::filesystem::path& file);

std::string trim(const std::string& line);

// What a program prints on stdout, and how it ended.
struct Run {
    std::string output;
    int status = 0;
};
Run run(const std::vector<std::string>& command);

// Runs a lab's tests on the programs in a folder, one test case or all, and reads their report.
// Throws std::runtime_error when the run does not count.
std::vector<grader::Case> run_lab_tests(const std::string& lab,
                                        const std::filesystem::path& programs,
                                        const std::string& test_case = "");

}  // namespace kit
