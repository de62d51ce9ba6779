// The launcher of what a student has written, when that is graded: gives away every right that it
// does not need, then becomes it (execve(2)), so that the tests see one process as ever.
//
//     confine USER [hide:FOLDER | read:PATH | run:PATH | write:FOLDER]... -- PROGRAM [ARGUMENT...]
//
// USER is the number of the user to become, or 0 to stay who we are without any capability. What
// lies in a folder to `hide` is not to be seen any more, which takes a mount namespace and is an
// error where that is not to be had. Where the kernel has Landlock, landlock(7), files are read
// only below `read` and `run`, programs started only from `run`, files written and made only below
// `write`, and nobody outside gets a signal.
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

namespace {

// The status by which the tests tell that a program has not even begun, as it is with env(1).
constexpr int not_begun = 125;

[[noreturn]] void die(const char* what) {
    std::fprintf(stderr, "confine: %s: %s\n", what, std::strerror(errno));
    std::exit(not_begun);
}

void require(bool done, const char* what) {
    if (!done) die(what);
}

struct Limit {
    __rlimit_resource resource;
    rlim_t most;
    const char* name;
};

// Far above what an exercise needs, far below what would hurt others. A thread's stack counts as
// memory whether it is used or not, and a server may have one for each client.
constexpr rlim_t MiB = 1024 * 1024;
constexpr Limit limits[] = {
    {RLIMIT_AS, 12 * 1024 * MiB, "limit on memory"},
    {RLIMIT_CORE, 0, "limit on core files"},
    {RLIMIT_CPU, 120, "limit on processor time"},  // seconds
    {RLIMIT_FSIZE, 256 * MiB, "limit on the size of files"},
    {RLIMIT_NOFILE, 20'000, "limit on open files"},
    {RLIMIT_NPROC, 300, "limit on processes"},  // and threads, of this user
};

void set_limits() {
    for (const Limit& limit : limits) {
        rlimit current{};
        require(::getrlimit(limit.resource, &current) == 0, limit.name);
        const rlim_t most = std::min(current.rlim_max, limit.most);  // a test may have set it lower
        const rlimit wanted{std::min(current.rlim_cur, most), most};
        require(::setrlimit(limit.resource, &wanted) == 0, limit.name);
    }
}

struct Words {
    uid_t user = 0;
    std::span<char* const> paths;  // each with what it is for
    std::span<char*> program;      // with its arguments, and the null pointer that ends them
};

// Calls `use` with each path that is for this.
template <typename Use>
void for_each(std::span<char* const> paths, std::string_view what, Use use) {
    for (char* const word : paths) {
        if (std::string_view{word}.starts_with(what)) use(word + what.size());
    }
}

// What is mounted here shows to this process and its children alone.
void hide(std::span<char* const> paths) {
    bool is_own = false;
    for_each(paths, "hide:", [&is_own](const char* folder) {
        if (!is_own) {
            require(::unshare(CLONE_NEWNS) == 0, "new mount namespace");
            require(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "mounts");
            is_own = true;
        }
        require(::mount("none", folder, "tmpfs", MS_RDONLY, "size=4k") == 0, folder);
    });
}

// The rights of Landlock's first version, all about files; what is not allowed below is forbidden.
constexpr std::uint64_t read_rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t run_rights = read_rights | LANDLOCK_ACCESS_FS_EXECUTE;
constexpr std::uint64_t all_rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
constexpr std::uint64_t write_rights = all_rights & ~std::uint64_t{LANDLOCK_ACCESS_FS_EXECUTE};

constexpr std::uint64_t file_rights =  // all others are of folders only
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE;

// As of version 6, which is newer than some headers: `scoped` keeps signals inside.
struct Rules {
    std::uint64_t files = all_rights;
    std::uint64_t network = 0;
    std::uint64_t scoped = 0;
};
constexpr std::uint64_t scope_signals = 2;

void allow(int rules, const char* path, std::uint64_t rights) {
    const int folder = ::open(path, O_PATH | O_CLOEXEC);
    if (folder < 0) return;  // not every system has all of them
    struct stat status {};
    if (::fstat(folder, &status) == 0 && !S_ISDIR(status.st_mode)) rights &= file_rights;
    landlock_path_beneath_attr beneath{.allowed_access = rights, .parent_fd = folder};
    require(::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0,
            path);
    ::close(folder);
}

void restrict_files(std::span<char* const> paths) {
    const long version =
        ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) return;  // no Landlock here
    Rules wanted;
    if (version >= 6) wanted.scoped = scope_signals;
    const std::size_t size = version >= 6 ? sizeof wanted : sizeof wanted.files;
    const int rules = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &wanted, size, 0));
    require(rules >= 0, "Landlock");
    for_each(paths, "read:", [&](const char* path) { allow(rules, path, read_rights); });
    for_each(paths, "run:", [&](const char* path) { allow(rules, path, run_rights); });
    for_each(paths, "write:", [&](const char* path) { allow(rules, path, write_rights); });
    // Devices such as /dev/null and terminals; new ones take a right that nobody has.
    allow(rules, "/dev", read_rights | LANDLOCK_ACCESS_FS_WRITE_FILE);
    require(::syscall(SYS_landlock_restrict_self, rules, 0) == 0, "Landlock");
    ::close(rules);
}

// See capabilities(7): neither the uid 0 nor a file gives any back.
void drop_capabilities() {
    for (unsigned long one = 0; ::prctl(PR_CAPBSET_READ, one, 0, 0, 0) == 1; ++one) {
        require(::prctl(PR_CAPBSET_DROP, one, 0, 0, 0) == 0, "bounding set");
    }
    const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE;
    require(::prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) == 0, "secure bits");
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
    require(::syscall(SYS_capset, &header, none) == 0, "no capabilities");
}

void become_user(uid_t user) {
    require(::setgroups(0, nullptr) == 0, "no groups");
    require(::setresgid(user, user, user) == 0, "another group");
    require(::setresuid(user, user, user) == 0, "another user");
}

uid_t parse_user(std::string_view text) {
    uid_t user = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), user);
    errno = EINVAL;
    require(error == std::errc{} && end == text.data() + text.size(), "number of a user");
    return user;
}

Words parse(int argc, char* argv[]) {
    const std::span<char*> all{argv, static_cast<std::size_t>(argc) + 1};
    const auto dashes = std::ranges::find(all.first(all.size() - 1), std::string_view{"--"});
    const auto paths = static_cast<std::size_t>(dashes - all.begin());
    errno = EINVAL;
    require(paths >= 2 && paths + 2 < all.size(), "usage: confine USER PATH... -- PROGRAM");
    return {.user = parse_user(all[1]),
            .paths = all.subspan(2, paths - 2),
            .program = all.subspan(paths + 1)};
}

}  // namespace

int main(int argc, char* argv[]) {
    const Words words = parse(argc, argv);
    hide(words.paths);
    set_limits();
    if (words.user != 0) {
        become_user(words.user);
    } else {
        drop_capabilities();
    }
    require(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no new privileges");
    restrict_files(words.paths);
    // Becoming another user has cleared what the tests had set: nothing outlives them.
    require(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0, "end with the tests");
    ::execv(words.program[0], words.program.data());
    die(words.program[0]);
}
