/// \file
/// A folder whose files strangers may read, and nothing outside of it.
#pragma once

#include <boost/system/error_code.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

namespace wirelab {

/// A file or a folder, open for reading. One that is default-constructed is none.
class ServedFile {
public:
    ServedFile() = default;
    /// Takes over an open descriptor; sets `error` when its status is not to be had, or it is
    /// neither a file nor a folder.
    ServedFile(int descriptor, boost::system::error_code& error);
    ~ServedFile();
    ServedFile(ServedFile&& other) noexcept;
    ServedFile& operator=(ServedFile&& other) noexcept;

    bool is_folder() const { return is_folder_; }
    /// In bytes, when it was opened.
    std::uint64_t size() const { return size_; }
    /// When it was last changed, see stat(3type); never later than now, whatever its disk says.
    std::time_t modified() const { return modified_; }
    /// For the system's own calls, see open(2).
    int descriptor() const { return descriptor_; }

private:
    int descriptor_ = -1;
    bool is_folder_ = false;
    std::uint64_t size_ = 0;
    std::time_t modified_ = 0;
};

/// Opens what is in a folder, however its path is written. Whatever lies outside is not found: the
/// system itself sees to that at each step of the path (openat2(2), RESOLVE_BENEATH), so that
/// nobody can change a folder into a link between a check and its use. Symbolic links are followed
/// as long as they are relative and stay inside; an absolute one leads outside by what it says.
class ServedFolder {
public:
    /// Throws Error when that is no folder, or the system knows no openat2(2): Linux does
    /// since 5.6.
    explicit ServedFolder(const std::string& path);
    ~ServedFolder();
    ServedFolder(const ServedFolder&) = delete;
    ServedFolder& operator=(const ServedFolder&) = delete;

    /// Opens a file or a folder, by its path from here with a slash first: "/" is the folder
    /// itself. The error is `no_such_file_or_directory` for all that is not there, lies outside, or
    /// is something else (a pipe, a device, a socket), so that nobody learns which; and the
    /// system's own for what can't be read. A pipe is not even opened: that would let its writer go
    /// on.
    ServedFile open(const std::string& path, boost::system::error_code& error) const;

    /// Tells whether there is a file that may be served. Whether we may read it, only open() tells.
    bool has_file(const std::string& path) const;

    /// Returns what open() would open in a folder, whose path has a slash at its end, too: the
    /// names in the order of their bytes, folders with a slash behind; without those that begin
    /// with a dot. Of a folder with very many names, only the first `most` that the system gives.
    /// With an error the list is not complete.
    std::vector<std::string> list(const std::string& path, std::size_t most,
                                  boost::system::error_code& error) const;

private:
    int folder_ = -1;
};

}  // namespace wirelab
