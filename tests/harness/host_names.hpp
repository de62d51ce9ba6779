// Host names for one test case.
#pragma once

#include "stage.hpp"

namespace harness {

// Makes these lines the file /etc/hosts, for this process and the programs that it starts. Only
// inside in_private_network(), where a mount namespace (mount_namespaces(7)) keeps it from others.
void use_host_names(Stage& stage, const std::string& lines);

}  // namespace harness
