// Runs a lab's tests on the untouched stubs: a test case that passes there would give points for
// nothing. Exit status: 0 none passes, 1 one does.
#include "kit.hpp"

#include <wirelab/error.hpp>
#include <wirelab/program.hpp>

#include <unistd.h>

#include <iostream>

namespace {

// A program that is missing fails its test cases too, which would prove nothing.
void check_built(const std::string& lab) {
    for (const std::string& name : kit::programs(kit::source() / "labs" / lab)) {
        const auto program = kit::build() / "labs" / lab / name;
        if (::access(program.c_str(), X_OK) != 0) throw wirelab::Error{program, "is not built"};
    }
}

int judge(const std::string& lab) {
    check_built(lab);
    const auto cases = kit::run_lab_tests(lab, kit::build() / "labs");
    if (cases.empty()) throw wirelab::Error{lab, "has no test cases"};
    int status = 0;
    for (const grader::Case& test : cases) {
        if (test.outcome != grader::Outcome::passed) continue;
        std::cout << "passes on the stubs: " << test.name << std::endl;
        status = 1;
    }
    std::cout << "ran " << cases.size() << " test cases" << std::endl;
    return status;
}

}  // namespace

int main(int argc, char* argv[]) {
    std::string lab;
    wirelab::Program program{"stubs_fail", "Tests a lab's stubs, which must fail every test case."};
    program.required_argument("LAB", lab, "the lab, as in 02_fortune");
    return program.run(argc, argv, [&] { return judge(lab); });
}
