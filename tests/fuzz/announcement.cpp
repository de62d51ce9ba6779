// The announcement of a file in lab 04: name, newline, size, newline.
#include "fuzz.hpp"

#define main file_receive_main
#include "../../solutions/04_file_transfer/file_receive.cpp"
#undef main

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes = fuzz::text_of(data, size);
    static asio::io_context io;
    tcp::socket sender = fuzz::socket_with(io, bytes);
    Announcement file;
    try {
        read_name(sender, file.name, fuzz::no_limit);
        file.size = read_size(sender, fuzz::no_limit);
    } catch (const wirelab::Error&) {
        const std::size_t end = bytes.find('\n');
        const bool whole = end <= max_name && size >= end + 6 && bytes[end + 5] == '\n';
        fuzz::require(!whole, "a whole announcement is not refused");
        fuzz::require(file.name.size() <= max_name, "a refused name is known up to its limit");
        return 0;
    }

    const std::size_t length = file.name.size();
    fuzz::require(length <= max_name, "no name is over the limit");
    fuzz::require(bytes.starts_with(file.name + "\n"),
                  "the name is what stands before the newline");
    std::string wire;
    for (const int shift : {24, 16, 8, 0}) wire += static_cast<char>(file.size >> shift & 0xff);
    fuzz::require(bytes.substr(length + 1).starts_with(wire + "\n"),
                  "the size is that of its bytes");
    error_code error;
    fuzz::require(sender.available(error) == bytes.size() - length - 6, "nothing else was read");

    try {
        check_name(file.name);
    } catch (const wirelab::Error&) {
        return 0;
    }
    fuzz::require(!file.name.starts_with('.') && (fs::path{"a"} / file.name).parent_path() == "a" &&
                      wirelab::printable(file.name).find('\n') == std::string::npos,
                  "an accepted name stays in its folder");
    return 0;
}
