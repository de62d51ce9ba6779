/// \file
/// Files that are there whole or not at all, and folders for them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace wirelab {

/// Makes the folder, and those above it, unless it is there. Throws Error when that fails.
void make_folder(const std::filesystem::path& folder);

/// A file to send: open for reading, and of a known size.
class InputFile {
public:
    /// Throws Error with the bare reason when the file can't be read, or is none: a pipe, for one,
    /// would let the program wait for somebody who writes to it.
    explicit InputFile(const std::filesystem::path& path);
    ~InputFile();
    InputFile(InputFile&& other) noexcept;
    InputFile& operator=(InputFile&&) = delete;

    /// The size that it had when it was opened, in bytes.
    std::uint64_t size() const { return size_; }
    /// For the system's own calls, see open(2).
    int descriptor() const { return file_; }

private:
    int file_ = -1;
    std::uint64_t size_ = 0;
};

/// A file that appears under its name only when it is complete, whatever happens before: an error,
/// a full disk, a signal, another program that writes a file of that name.
///
/// ~~~
/// wirelab::NewFile file{"uploads/picture.jpg", overwrite};
/// file.write(bytes);
/// file.commit();
/// ~~~
///
/// Until then it has no name (O_TMPFILE, see open(2)) and vanishes with the program. Some file
/// systems, NFS among them, can't do that: there it has a name with a leading dot, and so it has
/// for a moment before it replaces another file. The destructor removes that name, and so do the
/// signals that end a program; only SIGKILL leaves it behind.
class NewFile {
public:
    /// How to hide the file until it is complete; `automatic` takes a name where it must.
    enum class Hiding { automatic, by_name };

    /// Throws Error with the bare reason when the folder takes no new file, when a file of that
    /// name exists and must not be overwritten, or when it is a folder. One NewFile at a time may
    /// live in a program.
    NewFile(const std::filesystem::path& path, bool overwrite, Hiding hiding = Hiding::automatic);
    ~NewFile();
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    /// Appends the bytes. Throws Error with the bare reason when they can't be stored.
    void write(std::string_view bytes);

    /// Makes the contents safe on the disk (fsync(2)), then gives the file its name. Unless it may
    /// overwrite, an existing file of that name stays as it is. Throws Error with the bare reason.
    void commit();

private:
    bool has_name() const;
    bool link_to(const std::filesystem::path& name) const;
    void make_name();
    void remove_name();

    std::filesystem::path path_;
    std::filesystem::path folder_;
    bool overwrite_;
    int file_ = -1;
};

}  // namespace wirelab
