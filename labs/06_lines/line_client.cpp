// Lab 06, client: write lines to a connection as if it were a file.
#include <wirelab/connection.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/program.hpp>
#include <wirelab/todo.hpp>

#include <boost/asio.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace asio = boost::asio;
using asio::ip::tcp;

// Sends one line, and prints it when it is sent.
void send_line(tcp::iostream& server, const std::string& line, wirelab::Seconds timeout) {
    // 7: Write the line and a newline in parts of at most 512 bytes, which the stream's buffer has
    //    room for. Flush each: until then it waits in the buffer. Each may take the timeout.
    wirelab::todo(7, "write the line and flush", server, line, timeout);

    // 8: A stream reports no failure by itself: look whether it has failed, and say why.
    wirelab::todo(8, "look whether the stream has failed", server);

    std::cout << line << std::endl;
}

// Sends numbered lines, one each interval.
void send_numbered(tcp::iostream& server, std::uint64_t count, wirelab::Seconds interval,
                   wirelab::Seconds timeout) {
    for (std::uint64_t i = 0; i < count; ++i) {
        if (i > 0 && !interval.is_none()) std::this_thread::sleep_for(interval.duration());
        send_line(server, "Sending line " + std::to_string(i) + " ...", timeout);
    }
}

// Sends each line that the input has.
void send_input(tcp::iostream& server, std::istream& input, wirelab::Seconds timeout) {
    // 9: Read line after line with std::getline(), and send each. The user's own input may be long.
    wirelab::todo(9, "send the lines of the input", server, input, timeout);
}

// Says that the input can't be read, and why.
wirelab::Error cannot_read(const std::string& input) {
    const std::string name = input == "-" ? "standard input" : input;
    return {"cannot read " + name, wirelab::reason_from_errno()};
}

// Opens the file that the input is, if it is one.
std::ifstream open_input(const std::optional<std::string>& input) {
    std::ifstream file;
    if (!input || *input == "-") return file;
    file.open(*input);
    if (!file) throw cannot_read(*input);
    return file;
}

int main(int argc, char* argv[]) {
    wirelab::Host host{"127.0.0.1"};
    wirelab::Port port{54321};
    std::uint64_t count = 5;
    wirelab::Seconds interval{1};
    std::optional<std::string> input;
    wirelab::Seconds timeout{10};
    wirelab::Program program{"line_client", "Sends lines to a server."};
    program.argument("HOST", host, "the server's name or address");
    program.argument("PORT", port, "the server's port");
    program.option("count", "COUNT", count, "how many lines to send");
    program.option("interval", "SECONDS", interval, "the pause between two lines");
    program.option("input", "FILE", input, "send the lines of FILE, -: of stdin");
    program.option("timeout", "SECONDS", timeout, "how long to wait for the server, 0: for ever");

    return program.run(argc, argv, [&] {
        std::ifstream file = open_input(input);
        asio::io_context io;
        tcp::iostream server{wirelab::connect(io, host, port, timeout)};
        server << std::nounitbuf;  // or else it would flush, and send, after every <<
        try {
            if (input) send_input(server, *input == "-" ? std::cin : file, timeout);
            if (!input) send_numbered(server, count, interval, timeout);
        } catch (const wirelab::Error& error) {
            throw wirelab::Error{"cannot send to " + wirelab::to_text(host.name, port),
                                 error.what()};
        }
        // For a stream that was just the end. What std::cin has met, C's own stdin tells.
        if (file.bad() || std::ferror(stdin) != 0) throw cannot_read(*input);
    });
}
