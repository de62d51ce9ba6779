// A world of a test case's own: its network, its host name, and the names that there are.
#pragma once

#include "stage.hpp"

#include <cstddef>
#include <functional>
#include <string>

namespace harness {

struct World {
    std::string host_name = "wirelab-host";
    std::string hosts = "127.0.0.1 localhost\n";  // the file /etc/hosts
    std::string sources = "files";                // those of names, in /etc/nsswitch.conf
};

// Runs a part of a test case as in_private_network() does, and there on a Stage for the lab with an
// /etc of its own: a mount namespace (mount_namespaces(7)) keeps it from others. Where the machine
// forbids that, the test case is skipped.
void in_world(const std::string& lab, const World& world, const std::function<void(Stage&)>& body);

// A small disk of its own as a folder of the stage's, as long as this lives; only in a world.
class SmallDisk {
public:
    SmallDisk(Stage& stage, const std::string& folder, std::size_t bytes);
    ~SmallDisk();
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

private:
    std::string path_;
};

}  // namespace harness
