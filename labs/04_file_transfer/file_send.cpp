// Lab 04, sender: bring files to a receiver, each over a connection of its own.
#include <wirelab/connection.hpp>
#include <wirelab/deadline.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/files.hpp>
#include <wirelab/printable.hpp>
#include <wirelab/program.hpp>
#include <wirelab/progress.hpp>
#include <wirelab/todo.hpp>

#include <boost/asio.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t max_name = 32;
constexpr std::uint64_t max_size = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t max_answer = 1024;
constexpr std::size_t part_size = 1024 * 1024;

struct File {
    std::string name;
    std::uint32_t size = 0;
    wirelab::InputFile contents;
};

// Opens a file, and refuses what can't be sent.
File open_file(const std::filesystem::path& path) {
    wirelab::InputFile contents{path};
    const std::string name = path.filename();
    if (name.size() > max_name) throw wirelab::Error{"the name is over 32 bytes"};
    if (name.find('\n') != std::string::npos) throw wirelab::Error{"a newline in the name"};
    if (contents.size() > max_size) throw wirelab::Error{"the file is over 4294967295 bytes"};
    const auto size = static_cast<std::uint32_t>(contents.size());
    return {.name = name, .size = size, .contents = std::move(contents)};
}

// Sends what the receiver must know before the contents.
void send_announcement(tcp::socket& socket, const File& file, wirelab::Seconds timeout) {
    std::string bytes;

    // 8: Put together the name, a newline, the four bytes of the size, the most significant
    //     first, and a newline. Send all of it with wirelab::write_all().
    wirelab::todo(8, "send name and size", socket, file, timeout, bytes);
}

// Tells whether the receiver has sent something, without waiting for it.
bool has_answered(const tcp::socket& socket) {
    error_code ignored;
    return socket.available(ignored) > 0;
}

// Sends the contents. Returns false if the receiver has answered before they were sent.
bool send_contents(tcp::socket& socket, const File& file, wirelab::Seconds timeout) {
    wirelab::Progress progress{file.name, file.size};
    std::uint64_t sent = 0;

    // 9: Send part after part of the file with wirelab::send_part(), as long as the receiver has
    //    not answered: it would only refuse what comes. Show the progress after each. A part of no
    //    bytes means that the file has become shorter: say so.
    wirelab::todo(9, "send the contents", socket, file, timeout, progress);

    return sent == file.size;
}

// Tells the receiver that nothing more comes.
void end_sending(tcp::socket& socket) {
    error_code error;

    // 10: Shut down our sending side of the connection. If that fails, say why.
    wirelab::todo(10, "end our side of the connection", socket, error);
}

// Returns the receiver's answer: one line, or nothing if it closes or stays silent.
std::string read_answer(tcp::socket& socket, wirelab::Seconds timeout) {
    std::string answer;
    std::array<char, 256> part;
    error_code error;

    // 11: Read until the answer has its newline, is too long to be one, or an error ends the
    //     stream. The receiver's closing and a timeout are no failure, other errors are.
    wirelab::todo(11, "read the answer", socket, timeout, part, error);

    return answer;
}

// Sends one file; returns true if the receiver has confirmed that it is stored.
bool send_file(tcp::socket& socket, const File& file, wirelab::Seconds timeout) {
    bool all_sent = false;
    try {
        send_announcement(socket, file, timeout);
        all_sent = send_contents(socket, file, timeout);
        end_sending(socket);
    } catch (const wirelab::Error&) {
        // A receiver that hangs up may have said why.
        if (!has_answered(socket)) throw;
    }
    const std::string answer = read_answer(socket, timeout);

    // 12: `OK` confirms the file, if all of it was sent. Old receivers give no answer at all.
    //     Anything else is a failure: give the reason behind `ERR `, or what else was answered.
    wirelab::todo(12, "judge the answer", all_sent, answer);
}

int main(int argc, char* argv[]) {
    wirelab::Host host;
    wirelab::Port port;
    std::vector<std::string> paths;
    wirelab::Seconds timeout{10};
    wirelab::Program program{"file_send", "Sends files to a receiver."};
    program.required_argument("HOST", host, "the receiver's name or address");
    program.required_argument("PORT", port, "the receiver's port");
    program.required_arguments("FILE", paths, "the files to send");
    program.option("timeout", "SECONDS", timeout, "how long to wait for the receiver, 0: for ever");

    return program.run(argc, argv, [&] {
        int status = 0;
        for (const std::string& path : paths) {
            try {
                const File file = open_file(path);
                asio::io_context io;
                tcp::socket socket = wirelab::connect(io, host, port, timeout);
                const bool confirmed = send_file(socket, file, timeout);
                std::cout << "sent " << wirelab::printable(file.name) << " (" << file.size
                          << " bytes)" << (confirmed ? "" : ", not confirmed") << std::endl;
            } catch (const wirelab::Error& error) {
                // The next file may well be sent.
                wirelab::report("cannot send " + path + ": " + error.what());
                status = 1;
            }
        }
        return status;
    });
}
