#include <wirelab/error.hpp>
#include <wirelab/files.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <system_error>
#include <utility>

namespace wirelab {

namespace {

// The name that a NewFile has for the time being, where a signal handler can read it; empty for
// none.
std::array<char, 4096> temporary_name = {};

constexpr auto ending_signals = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

void remove_and_end(int signal) {
    ::unlink(temporary_name.data());
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

// Holds the signals back while names are changed.
class SignalsHeld {
public:
    SignalsHeld() {
        sigset_t ends;
        ::sigemptyset(&ends);
        for (const int end : ending_signals) ::sigaddset(&ends, end);
        ::pthread_sigmask(SIG_BLOCK, &ends, &before_);
    }
    ~SignalsHeld() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsHeld(const SignalsHeld&) = delete;
    SignalsHeld& operator=(const SignalsHeld&) = delete;

private:
    sigset_t before_{};
};

void check(bool done) {
    if (!done) throw Error{reason_from_errno()};
}

// A new name is safe on the disk only when its folder is, see fsync(2).
void synchronise(const std::filesystem::path& folder) {
    const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) return;
    ::fsync(opened);
    ::close(opened);
}

}  // namespace

void make_folder(const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) throw Error{"cannot make the folder " + folder.string(), error.message()};
}

InputFile::InputFile(const std::filesystem::path& path)
    : file_{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)} {
    check(file_ >= 0);
    struct stat status {};
    const bool known = ::fstat(file_, &status) == 0;
    if (!known || !S_ISREG(status.st_mode)) {
        const Error error{!known                    ? reason_from_errno()
                          : S_ISDIR(status.st_mode) ? "Is a directory"
                                                    : "not a file"};
        ::close(file_);
        throw error;
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::~InputFile() {
    if (file_ >= 0) ::close(file_);
}

InputFile::InputFile(InputFile&& other) noexcept
    : file_{std::exchange(other.file_, -1)}, size_{other.size_} {}

NewFile::NewFile(const std::filesystem::path& path, bool overwrite, Hiding hiding)
    : path_{path},
      folder_{path.has_parent_path() ? path.parent_path() : "."},
      overwrite_{overwrite} {
    struct stat existing {};
    if (::lstat(path.c_str(), &existing) == 0) {
        errno = overwrite ? EISDIR : EEXIST;
        check(overwrite && !S_ISDIR(existing.st_mode));
    }
    // A file without a name gets one by way of /proc, see open(2) on O_TMPFILE.
    if (hiding == Hiding::automatic && ::access("/proc/self/fd", X_OK) == 0) {
        file_ = ::open(folder_.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
        if (file_ >= 0) return;
        check(errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL);
    }
    const SignalsHeld until_it_can_be_removed;
    make_name();
}

NewFile::~NewFile() {
    remove_name();
    ::close(file_);
}

void NewFile::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(file_, bytes.data(), bytes.size());
        check(written >= 0 || errno == EINTR);
        bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
}

void NewFile::commit() {
    check(::fsync(file_) == 0);
    const SignalsHeld until_it_has_its_name;
    if (overwrite_) {
        // Only a file that has a name can take the place of another.
        if (!has_name()) make_name();
        check(::rename(temporary_name.data(), path_.c_str()) == 0);
    } else {
        check(link_to(path_));
    }
    remove_name();
    synchronise(folder_);
}

bool NewFile::has_name() const {
    return temporary_name.front() != '\0';
}

// Gives the file a name, which must be a new one.
bool NewFile::link_to(const std::filesystem::path& name) const {
    const std::string opened = "/proc/self/fd/" + std::to_string(file_);
    const char* const file = has_name() ? temporary_name.data() : opened.c_str();
    if (::linkat(AT_FDCWD, file, AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) return true;
    // FAT knows no links. There a name is changed, which NFS in turn could not do safely.
    return errno == EPERM && has_name() &&
           ::renameat2(AT_FDCWD, file, AT_FDCWD, name.c_str(), RENAME_NOREPLACE) == 0;
}

// Makes the file under a name with a leading dot, or gives that to a file without a name.
void NewFile::make_name() {
    for (int attempt = 0;; ++attempt) {
        const std::string name =
            folder_ / (".new-" + std::to_string(::getpid()) + "-" + std::to_string(attempt));
        if (name.size() >= temporary_name.size()) throw Error{"File name too long"};
        const bool is_open = file_ >= 0;
        if (!is_open) file_ = ::open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
        if (is_open ? link_to(name) : file_ >= 0) {
            *std::ranges::copy(name, temporary_name.begin()).out = '\0';
            for (const int end : ending_signals) std::signal(end, remove_and_end);
            return;
        }
        check(errno == EEXIST);
    }
}

void NewFile::remove_name() {
    if (!has_name()) return;
    const SignalsHeld until_it_is_removed;
    ::unlink(temporary_name.data());  // not there any more when it has been renamed
    temporary_name.front() = '\0';
    for (const int end : ending_signals) std::signal(end, SIG_DFL);
}

}  // namespace wirelab
