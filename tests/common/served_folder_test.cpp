// A folder whose files strangers may read.
#include "forked.hpp"
#include "harness/catch.hpp"
#include "harness/stage.hpp"

#include <wirelab/error.hpp>
#include <wirelab/served_folder.hpp>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

using namespace wirelab;
namespace fs = std::filesystem;
using boost::system::error_code;
using Names = std::vector<std::string>;

namespace {

// "outside" and a folder "inside" that is served.
struct Site {
    Site() {
        fs::create_directories(path("inside/sub/deep"));
        stage.write_file("outside", "secret");
        stage.write_file("inside/file", "0123456789");
        stage.write_file("inside/sub/page.html", "page");
    }

    std::string path(const std::string& name) const { return stage.path(name); }

    void link(const std::string& name, const std::string& target) const {
        fs::create_symlink(target, path(name));
    }

    harness::Stage stage{"none"};
};

// Returns what opening a path comes to.
std::string opened(const ServedFolder& folder, const std::string& path) {
    error_code error;
    const ServedFile file = folder.open(path, error);
    if (error) return error.message();
    return file.is_folder() ? "folder" : "file";
}

Names listed(const ServedFolder& folder, const std::string& path, std::size_t most = 100) {
    error_code error;
    Names names = folder.list(path, most, error);
    return error ? Names{error.message()} : names;
}

const std::string not_found = "No such file or directory";

// Makes a system call fail from now on, for the whole process.
void let_fail(std::uint32_t call) {
    std::array<sock_filter, 4> filter{
        {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
    const sock_fprog program{.len = filter.size(), .filter = filter.data()};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

// From now on the process is killed when it looks at something by its path, other than openat2().
void let_nothing_but_openat2_take_a_path() {
    std::array<sock_filter, 7> filter{
        {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 4, 0),
         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_newfstatat, 0, 2),
         BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[3])),
         BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, AT_EMPTY_PATH, 0, 1),  // for a descriptor
         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)}};
    const sock_fprog program{.len = filter.size(), .filter = filter.data()};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

}  // namespace

TEST_CASE("Files and folders inside are opened", "[common][served_folder]") {
    const Site site;
    const ServedFolder folder{site.path("inside")};
    CHECK(opened(folder, "/") == "folder");
    CHECK(opened(folder, "/file") == "file");
    CHECK(opened(folder, "/sub") == "folder");
    CHECK(opened(folder, "/sub/") == "folder");
    CHECK(opened(folder, "/sub/page.html") == "file");
    CHECK(opened(folder, "/sub/../file") == "file");
    CHECK(opened(folder, "/file/") == not_found);
    CHECK(opened(folder, "/none") == not_found);
    CHECK(opened(folder, "/" + std::string(300, 'x')) == not_found);
}

TEST_CASE("A file tells its size and its time", "[common][served_folder]") {
    const Site site;
    const ServedFolder folder{site.path("inside")};
    error_code error;
    ServedFile first = folder.open("/file", error);
    const ServedFile file{std::move(first)};
    CHECK(!error);
    CHECK(file.size() == 10);
    CHECK(file.modified() <= std::time(nullptr));
    CHECK(file.modified() > std::time(nullptr) - 100);
    CHECK(file.descriptor() >= 0);
    CHECK(first.descriptor() == -1);
}

TEST_CASE("A file from the future is from now", "[common][served_folder]") {
    const Site site;
    fs::last_write_time(site.path("inside/file"),
                        fs::file_time_type::clock::now() + std::chrono::hours{100});
    const ServedFolder folder{site.path("inside")};
    error_code error;
    CHECK(folder.open("/file", error).modified() <= std::time(nullptr));
}

TEST_CASE("No dots lead outside", "[common][served_folder]") {
    const Site site;
    const ServedFolder folder{site.path("inside")};
    for (const auto* path : {"/../outside", "/..", "/../", "/../inside/file", "/sub/../../outside",
                             "/sub/../../inside/file", "/../../../../../../etc/passwd"}) {
        CAPTURE(path);
        CHECK(opened(folder, path) == not_found);
    }
}

TEST_CASE("Nothing outside is even looked at", "[common][served_folder]") {
    const Site site;
    site.link("inside/out", "../outside");
    site.link("inside/parent", "..");
    const ServedFolder folder{site.path("inside")};
    const Forked looking = run_forked([&] {
        let_nothing_but_openat2_take_a_path();
        for (const auto* path : {"/file", "/../outside", "/out", "/parent/outside"}) {
            std::cout << opened(folder, path) << '\n';
        }
        return folder.has_file("/parent/outside") ? 1 : 0;
    });
    CHECK(looking.status == 0);
    CHECK(looking.out == "file\n" + not_found + '\n' + not_found + '\n' + not_found + '\n');
}

TEST_CASE("Links are followed inside only", "[common][served_folder]") {
    const Site site;
    site.link("inside/good", "sub/page.html");
    site.link("inside/sub/up", "../file");
    site.link("inside/around", "sub");
    site.link("inside/out", "../outside");
    site.link("inside/sub/out", "../../outside");
    site.link("inside/far", "/etc/passwd");
    site.link("inside/absolute", site.path("inside/file"));
    site.link("inside/parent", "..");
    site.link("inside/loop", "loop");
    site.link("inside/nowhere", "none");
    const ServedFolder folder{site.path("inside")};
    CHECK(opened(folder, "/good") == "file");
    CHECK(opened(folder, "/sub/up") == "file");
    CHECK(opened(folder, "/around") == "folder");
    CHECK(opened(folder, "/around/page.html") == "file");
    for (const auto* path : {"/out", "/sub/out", "/around/out", "/far", "/absolute", "/parent",
                             "/parent/outside", "/parent/inside/file", "/loop", "/nowhere"}) {
        CAPTURE(path);
        CHECK(opened(folder, path) == not_found);
    }
}

TEST_CASE("What is neither file nor folder is not found", "[common][served_folder]") {
    const Site site;
    ::mkfifo(site.path("inside/pipe").c_str(), 0600);
    const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = site.path("inside/socket");
    REQUIRE(name.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, name.c_str(), name.size());
    REQUIRE(::bind(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const ServedFolder folder{site.path("inside")};
    CHECK(opened(folder, "/pipe") == not_found);
    CHECK(opened(folder, "/socket") == not_found);
    ::close(server);
}

TEST_CASE("A pipe is not even opened", "[common][served_folder]") {
    const Site site;
    const std::string pipe = site.path("inside/pipe");
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const ServedFolder folder{site.path("inside")};
    const int events = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    REQUIRE(::inotify_add_watch(events, pipe.c_str(), IN_OPEN) >= 0);
    site.link("inside/link", "pipe");
    for (const auto* path : {"/pipe", "/link", "/sub/../pipe"}) {
        CAPTURE(path);
        CHECK(opened(folder, path) == not_found);
        CHECK(!folder.has_file(path));
    }
    CHECK(listed(folder, "/") == Names{"file", "sub/"});
    std::array<char, 1024> event{};
    CHECK(::read(events, event.data(), event.size()) == -1);
    CHECK(errno == EAGAIN);
    ::close(events);
}

TEST_CASE("A list that is not complete is an error", "[common][served_folder]") {
    const Site site;
    site.link("inside/link", "file");
    const ServedFolder folder{site.path("inside")};
    const auto names_of = [&folder] {
        for (const std::string& name : listed(folder, "/")) std::cout << name << '\n';
        return 0;
    };
    const Forked no_disk = run_forked([&] {
        let_fail(SYS_getdents64);
        return names_of();
    });
    CHECK(no_disk.out == "Input/output error\n");
    const Forked no_descriptor = run_forked([&] {
        const int next = ::dup(0);  // for the folder, and none is left for the link in it
        ::close(next);
        const rlimit few{.rlim_cur = static_cast<rlim_t>(next) + 1,
                         .rlim_max = static_cast<rlim_t>(next) + 1};
        ::setrlimit(RLIMIT_NOFILE, &few);
        return names_of();
    });
    CHECK(no_descriptor.out == "Too many open files\n");
}

TEST_CASE("A folder may be reached by a link itself", "[common][served_folder]") {
    const Site site;
    site.link("entry", "inside");
    const ServedFolder folder{site.path("entry")};
    CHECK(opened(folder, "/file") == "file");
    CHECK(opened(folder, "/../outside") == not_found);
}

TEST_CASE("A list has what can be opened in order", "[common][served_folder]") {
    const Site site;
    site.stage.write_file("inside/B", "");
    site.stage.write_file("inside/.hidden", "");
    site.link("inside/a_link", "sub");
    site.link("inside/out", "../outside");
    site.link("inside/nowhere", "none");
    ::mkfifo(site.path("inside/pipe").c_str(), 0600);
    const ServedFolder folder{site.path("inside")};
    CHECK(listed(folder, "/") == Names{"B", "a_link/", "file", "sub/"});
    CHECK(listed(folder, "/sub/") == Names{"deep/", "page.html"});
    CHECK(listed(folder, "/sub/deep/").empty());
    CHECK(listed(folder, "/", 2).size() == 2);
    CHECK(listed(folder, "/none/") == Names{not_found});
    CHECK(listed(folder, "/../") == Names{not_found});
}

TEST_CASE("A folder tells whether it has a file", "[common][served_folder]") {
    const Site site;
    site.link("inside/good", "sub/page.html");
    site.link("inside/out", "../outside");
    const ServedFolder folder{site.path("inside")};
    CHECK(folder.has_file("/file"));
    CHECK(folder.has_file("/good"));
    fs::permissions(site.path("inside/file"), fs::perms::none);
    CHECK(folder.has_file("/file"));
    for (const auto* path : {"/sub", "/none", "/out", "/../outside"}) {
        CAPTURE(path);
        CHECK(!folder.has_file(path));
    }
}

TEST_CASE("Only a folder can be served", "[common][served_folder]") {
    const Site site;
    const auto failure = [](const std::string& path) {
        try {
            const ServedFolder folder{path};
        } catch (const Error& error) {
            return std::string{error.what()};
        }
        return std::string{};
    };
    CHECK(failure(site.path("none")) ==
          "cannot open the folder " + site.path("none") + ": No such file or directory");
    CHECK(failure(site.path("outside")) ==
          "cannot open the folder " + site.path("outside") + ": Not a directory");
}
