// How a test case fails, and how it runs in a network of its own.
#pragma once

#include <functional>
#include <string>

namespace harness {

// Ends the test case as failed, with this text as the report.
[[noreturn]] void fail(const std::string& text);

// The step of the running test case, by its tag [step:N]; 0 if it has none.
int current_step();

// Notes that the running test case waited in vain for as long as it may, and tells how many test
// cases of the same program, by its tag, have done so before.
void note_hang();
int hung_test_cases();

// Counts the attempts at a scene with pauses of its own, which a busy machine may make longer than
// they should be: `for (Attempts attempts; attempts.another();) {`, where `continue` tries again
// and `break` is for what was played well. After twenty the test case is skipped; or failed, if the
// program has let it wait in vain.
class Attempts {
public:
    bool another();

private:
    int count_ = 0;
};

// Runs the body, and returns the report of its failure; empty if there is none. This is how the
// harness itself is tested.
std::string failure_of(const std::function<void()>& body);

// Runs a part of a test case in a forked process with a network namespace of its own, where lo is
// up and no other interface exists: every port is free there, and nothing gets out. Commands such
// as `ip` may add interfaces. Where the machine forbids namespaces the test case is skipped.
void in_private_network(const std::function<void()>& body);

}  // namespace harness
