#include "world.hpp"
#include "catch.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>

namespace harness {

namespace {

bool enter(const World& world, const Stage& stage) {
    // A few files stand for the whole of /etc; programs find their libraries by ld.so.cache.
    namespace fs = std::filesystem;
    std::error_code ignored;
    fs::create_directory(stage.path("etc"));
    fs::copy_file("/etc/ld.so.cache", stage.path("etc/ld.so.cache"), ignored);
    stage.write_file("etc/hosts", world.hosts);
    stage.write_file("etc/nsswitch.conf", "hosts: " + world.sources + "\n");
    stage.write_file("etc/resolv.conf", "nameserver 127.0.0.1\n");
    stage.write_file("etc/host.conf", "multi on\n");  // all lines of a name, not the first alone

    if (::unshare(CLONE_NEWNS | CLONE_NEWUTS) != 0) return false;
    // First of all, so that nothing that is mounted here shows outside.
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
    // A name service cache, if there is one, would answer from the other world.
    static_cast<void>(::mount("none", "/run/nscd", "tmpfs", 0, nullptr));
    return ::mount(stage.path("etc").c_str(), "/etc", nullptr, MS_BIND, nullptr) == 0 &&
           ::sethostname(world.host_name.data(), world.host_name.size()) == 0;
}

}  // namespace

void in_world(const std::string& lab, const World& world, const std::function<void(Stage&)>& body) {
    in_private_network([&] {
        Stage stage{lab};
        if (!enter(world, stage)) return skip("this machine allows no mount namespaces");
        stage.transcript().add("/etc/hosts holds", quote(world.hosts));
        body(stage);
    });
}

SmallDisk::SmallDisk(Stage& stage, const std::string& folder, std::size_t bytes)
    : path_{stage.path(folder)} {
    std::filesystem::create_directory(path_);
    const std::string options = "size=" + std::to_string(bytes);
    const int failed = ::mount("none", path_.c_str(), "tmpfs", 0, options.c_str());
    if (failed != 0) skip("this machine can't mount a small disk");
    stage.transcript().add(folder, "is a disk of " + std::to_string(bytes) + " bytes");
}

SmallDisk::~SmallDisk() {
    ::umount2(path_.c_str(), MNT_DETACH);
}

}  // namespace harness
