// Judges one entry of the catalogue of mistakes: is the wrong program caught by the test cases that
// the entry names? Exit status: 0 caught by each, 1 not, 4 the machine could not tell.
#include "kit.hpp"

#include <wirelab/error.hpp>
#include <wirelab/program.hpp>

#include <iostream>

namespace {

constexpr int skipped_status = 4;

std::vector<std::string> lines_after(const std::string& file, const std::string& key) {
    std::vector<std::string> values;
    for (const std::string& line : kit::read_lines(file)) {
        if (line.starts_with(key)) values.push_back(line.substr(key.size()));
    }
    if (values.empty()) throw wirelab::Error{file, "has no line that begins with " + key};
    return values;
}

int judge(const std::string& patch, const std::string& lab, const std::string& programs) {
    std::cout << "mistake: " << lines_after(patch, "Mistake: ").front() << std::endl;
    int status = 0;
    for (const std::string& name : lines_after(patch, "Caught by: ")) {
        const auto cases = kit::run_lab_tests(lab, programs, name);
        if (cases.size() != 1 || cases.front().name != name) {
            throw wirelab::Error{name, "no such test case"};
        }
        const auto outcome = cases.front().outcome;
        if (outcome == grader::Outcome::passed) status = 1;
        if (outcome == grader::Outcome::skipped && status == 0) status = skipped_status;
        const std::string verdict = outcome == grader::Outcome::failed    ? "caught by"
                                    : outcome == grader::Outcome::skipped ? "SKIPPED: "
                                                                          : "NOT caught by";
        std::cout << verdict << " \"" << name << "\"" << std::endl;
    }
    return status;
}

}  // namespace

int main(int argc, char* argv[]) {
    std::string patch;
    std::string lab;
    std::string programs;
    wirelab::Program program{"mistake_is_caught", "Tests one wrong program."};
    program.required_argument("PATCH", patch, "the entry of the catalogue");
    program.required_argument("LAB", lab, "the lab whose tests are to catch it");
    program.required_argument("PROGRAMS", programs, "the folder that holds LAB/program");
    return program.run(argc, argv, [&] { return judge(patch, lab, programs); });
}
