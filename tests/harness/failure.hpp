// How a test case fails, and how it runs in a network of its own.
#pragma once

#include <functional>
#include <string>

namespace harness {

// Ends the test case as failed, with this text as the report.
[[noreturn]] void fail(const std::string& text);

// Runs the body, and returns the report of its failure; empty if there is none. This is how the
// harness itself is tested.
std::string failure_of(const std::function<void()>& body);

// Runs a part of a test case in a forked process with a network namespace of its own, where lo is
// up and no other interface exists: every port is free there, and nothing gets out. Commands such
// as `ip` may add interfaces. Where the machine forbids namespaces the test case is skipped.
void in_private_network(const std::function<void()>& body);

}  // namespace harness
