// Lab 04, receiver: take one file after another, and store it whole or not at all.
#include <wirelab/connection.hpp>
#include <wirelab/deadline.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/files.hpp>
#include <wirelab/printable.hpp>
#include <wirelab/program.hpp>
#include <wirelab/todo.hpp>

#include <boost/asio.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

namespace asio = boost::asio;
namespace fs = std::filesystem;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t max_name = 32;
// Contents are read in large parts: each costs a few system calls, however small it is.
constexpr std::size_t part_size = 1024 * 1024;

struct Options {
    std::string folder = "uploads";
    std::uint64_t max_size = 1 << 30;
    bool overwrite = false;
    wirelab::Seconds timeout{30};
};

// What a sender announces.
struct Announcement {
    std::string name;
    std::uint32_t size = 0;
};

// Reads until the buffer is full. A stream that ends before is a failure.
void read_exactly(tcp::socket& sender, asio::mutable_buffer buffer, wirelab::Seconds timeout) {
    // 1: One read may bring only a part of what is missing, so read on until nothing is. Each
    //    read has a deadline of its own. If one fails, say why.
    wirelab::todo(1, "read until the buffer is full", sender, buffer, timeout);
}

char read_byte(tcp::socket& sender, wirelab::Seconds timeout) {
    char byte = 0;
    read_exactly(sender, asio::buffer(&byte, 1), timeout);
    return byte;
}

// Reads the name, byte by byte: what a larger read took behind the newline would be missing later.
void read_name(tcp::socket& sender, std::string& name, wirelab::Seconds timeout) {
    // 2: Append each byte to the name, up to the newline. Refuse a name of more than max_name.
    wirelab::todo(2, "read the name", sender, name, timeout);
}

// Returns the size: four bytes, the most significant first, then a newline.
std::uint32_t read_size(tcp::socket& sender, wirelab::Seconds timeout) {
    std::array<std::uint8_t, 4> bytes{};
    std::uint32_t size = 0;

    // 3: Read exactly four bytes, whatever they are, and put the number together. Read the byte
    //    behind them too. If it is no newline, this is not our protocol: say so.
    wirelab::todo(3, "read the size and the newline behind it", sender, bytes, timeout);

    return size;
}

// Refuses a name that could leave the folder or hide in it, and one with control bytes.
void check_name(const std::string& name) {
    const auto is_bad = [](unsigned char byte) {
        return byte < 0x20 || byte == 0x7f || byte == '/' || byte == '\\';
    };

    // 4: Throw if the name is empty, begins with a dot, or holds a byte that is bad.
    wirelab::todo(4, "refuse a bad name", name, is_bad);
}

// Reads to the end of the stream, which must come after exactly `size` bytes.
void receive_contents(tcp::socket& sender, wirelab::NewFile& file, std::uint32_t size,
                      wirelab::Seconds timeout) {
    std::vector<char> part(part_size);
    std::uint64_t received = 0;
    error_code error;

    // 5: Read until an error ends the stream, or until there are more bytes than announced. Write
    //    each part to the file.
    wirelab::todo(5, "read the contents into the file", sender, file, part, timeout);

    // 6: Too many bytes are a failure; so is any error but the end of the stream
    //    (asio::error::eof), and so are too few.
    wirelab::todo(6, "tell a whole file from a broken one", size, received, error);
}

// Stores the file that the sender brings. What is known of it stands in `file`, even on failure.
void receive_file(tcp::socket& sender, const std::string& peer, Announcement& file,
                  const Options& options) {
    read_name(sender, file.name, options.timeout);
    file.size = read_size(sender, options.timeout);
    check_name(file.name);
    if (file.size > options.max_size) {
        throw wirelab::Error{"over " + std::to_string(options.max_size) + " bytes"};
    }
    const fs::path path = fs::path{options.folder} / file.name;
    wirelab::NewFile stored{path, options.overwrite};
    const std::string size = " (" + std::to_string(file.size) + " bytes)";
    std::cout << "receiving " << wirelab::printable(file.name) << size << " from " << peer
              << std::endl;

    receive_contents(sender, stored, file.size, options.timeout);
    stored.commit();
    std::cout << "saved " << wirelab::printable(path.string()) << size << std::endl;
}

// Tells the sender how it went, and ends our side of the connection. An old sender may be gone.
void answer(tcp::socket& sender, const std::string& line) {
    error_code ignored;

    // 7: Write the line, then shut down our sending side.
    wirelab::todo(7, "answer and end our side", sender, line, ignored);
}

// Receives one file, and tells the sender and the user how it went: true if it is stored.
bool serve(tcp::socket& sender, const std::string& peer, const Options& options) {
    Announcement file;
    try {
        receive_file(sender, peer, file, options);
        answer(sender, "OK\n");
        return true;
    } catch (const wirelab::Error& error) {
        wirelab::report(peer + ": rejected " + file.name + ": " + error.what());
        answer(sender, std::string{"ERR "} + error.what() + "\n");
        // Who was silent for so long has nothing more to say.
        if (error.code() != asio::error::interrupted) wirelab::drain(sender, options.timeout);
        return false;
    }
}

int main(int argc, char* argv[]) {
    asio::ip::address bind = asio::ip::address_v4::loopback();
    wirelab::LocalPort port{54321};
    bool once = false;
    Options options;
    wirelab::Program program{"file_receive", "Stores the files that senders bring."};
    program.option("bind", "ADDRESS", bind, "the address to listen on");
    program.option("port", "PORT", port, "the port to listen on, 0: any free one");
    program.option("dir", "DIR", options.folder, "the folder for the files, made if need be");
    program.option("max-size", "BYTES", options.max_size, "the largest file to take");
    program.flag("overwrite", options.overwrite, "replace files that exist");
    program.flag("once", once, "end after one transfer, with status 1 if it failed");
    program.option("timeout", "SECONDS", options.timeout,
                   "how long to wait for a sender, 0: for ever");

    return program.run(argc, argv, [&] {
        wirelab::make_folder(options.folder);
        asio::io_context io;
        tcp::acceptor acceptor = wirelab::listen(io, {bind, port});
        for (;;) {
            tcp::endpoint peer;
            tcp::socket sender = wirelab::accept(acceptor, peer);
            const bool stored = serve(sender, wirelab::to_text(peer), options);
            if (once) return stored ? 0 : 1;
        }
    });
}
