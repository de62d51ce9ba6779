#include <wirelab/error.hpp>
#include <wirelab/served_folder.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>

namespace wirelab {

namespace errc = boost::system::errc;
using boost::system::error_code;

namespace {

error_code code_from_errno() {
    return {errno, boost::system::system_category()};
}

// The C library has no function for it.
int openat2(int folder, const char* path, std::uint64_t flags, std::uint64_t resolve) {
    open_how how{};
    how.flags = flags | O_CLOEXEC;
    how.resolve = resolve;
    return static_cast<int>(::syscall(SYS_openat2, folder, path, &how, sizeof how));
}

// Opens "/a/b" as "./a/b", beneath the folder.
int open_beneath(int folder, const std::string& path, std::uint64_t flags) {
    const std::string relative = "." + path;
    int opened = -1;
    for (int attempt = 0; attempt < 100; ++attempt) {
        opened = openat2(folder, relative.c_str(), flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
        // EAGAIN: something was renamed meanwhile, and the system is not sure whether it is inside.
        if (opened >= 0 || (errno != EAGAIN && errno != EINTR)) break;
    }
    return opened;
}

// Returns why something could not be opened: that it is not there, if it is nothing to be served.
error_code reason_not_opened() {
    constexpr std::array none = {ENOENT, ENOTDIR, EXDEV, ELOOP, ENAMETOOLONG, ENXIO, ENODEV};
    if (std::ranges::find(none, errno) == none.end()) return code_from_errno();
    return errc::make_error_code(errc::no_such_file_or_directory);
}

// Finds a file or a folder beneath the folder, but does not open it: that would let a pipe's writer
// go on. (Whoever puts a pipe in the place of a file right afterwards has done so himself; nothing
// leads outside by that.)
ServedFile find(int folder, const std::string& path, error_code& error) {
    const int found = open_beneath(folder, path, O_PATH);
    if (found >= 0) return ServedFile{found, error};
    error = reason_not_opened();
    return {};
}

// Returns '/' for a folder, ' ' for a file, and nothing for what open() would not open. The error
// is that it can't be told.
char kind_of(int folder, const std::string& path, unsigned char known_type, error_code& error) {
    if (known_type == DT_REG) return ' ';
    if (known_type == DT_DIR) return '/';
    if (known_type != DT_LNK && known_type != DT_UNKNOWN) return '\0';
    const ServedFile file = find(folder, path, error);  // some links lead outside
    if (!error) return file.is_folder() ? '/' : ' ';
    const bool is_none =
        error == errc::no_such_file_or_directory || error == errc::permission_denied;
    if (is_none) error.clear();
    return '\0';
}

// Returns the next entry of a folder, null at its end and for an error.
const dirent* next_entry(DIR* folder, error_code& error) {
    errno = 0;
    const dirent* const entry = ::readdir(folder);
    if (entry == nullptr && errno != 0) error = code_from_errno();
    return entry;
}

}  // namespace

ServedFile::ServedFile(int descriptor, error_code& error) : descriptor_{descriptor} {
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) {
        error = code_from_errno();
        return;
    }
    is_folder_ = S_ISDIR(status.st_mode);
    size_ = static_cast<std::uint64_t>(status.st_size);
    modified_ = std::min(status.st_mtime, std::time(nullptr));
    if (!is_folder_ && !S_ISREG(status.st_mode))
        error = errc::make_error_code(errc::no_such_file_or_directory);
}

ServedFile::~ServedFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

ServedFile::ServedFile(ServedFile&& other) noexcept
    : descriptor_{std::exchange(other.descriptor_, -1)},
      is_folder_{other.is_folder_},
      size_{other.size_},
      modified_{other.modified_} {}

ServedFile& ServedFile::operator=(ServedFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    is_folder_ = other.is_folder_;
    size_ = other.size_;
    modified_ = other.modified_;
    return *this;
}

ServedFolder::ServedFolder(const std::string& path)
    : folder_{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)} {
    if (folder_ < 0) throw Error{"cannot open the folder " + path, reason_from_errno()};
    error_code error;
    open("/", error);
    if (!error) return;
    ::close(folder_);
    throw Error{error == errc::function_not_supported ? "cannot stay inside a folder: openat2(2)"
                                                      : "cannot open the folder " + path,
                reason(error)};
}

ServedFolder::~ServedFolder() {
    ::close(folder_);
}

ServedFile ServedFolder::open(const std::string& path, error_code& error) const {
    error.clear();
    find(folder_, path, error);
    if (error) return {};
    const int opened = open_beneath(folder_, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (opened >= 0) return ServedFile{opened, error};
    error = reason_not_opened();
    return {};
}

bool ServedFolder::has_file(const std::string& path) const {
    error_code ignored;
    return kind_of(folder_, path, DT_UNKNOWN, ignored) == ' ';
}

std::vector<std::string> ServedFolder::list(const std::string& path, std::size_t most,
                                            error_code& error) const {
    error.clear();
    std::vector<std::string> names;
    const int opened = open_beneath(folder_, path, O_RDONLY | O_DIRECTORY);
    const std::unique_ptr<DIR, int (*)(DIR*)> folder{opened < 0 ? nullptr : ::fdopendir(opened),
                                                     &::closedir};
    if (!folder) {
        error = reason_not_opened();
        if (opened >= 0) ::close(opened);
        return names;
    }
    while (const dirent* const entry = next_entry(folder.get(), error)) {
        const std::string name = entry->d_name;
        if (name.starts_with('.')) continue;
        if (names.size() == most) break;
        const char kind = kind_of(folder_, path + name, entry->d_type, error);
        if (error) break;
        if (kind != '\0') names.push_back(kind == '/' ? name + "/" : name);
    }
    std::ranges::sort(names);
    return names;
}

}  // namespace wirelab
