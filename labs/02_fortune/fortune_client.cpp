// Lab 02, fortune client: connect to the server, read until it closes, print what came.
#include <wirelab/deadline.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/log.hpp>
#include <wirelab/printable.hpp>
#include <wirelab/program.hpp>
#include <wirelab/todo.hpp>

#include <boost/asio.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// No peer may make us hold more than this, however much it sends.
constexpr std::size_t max_fortune = 16 * 1024 * 1024;

// Connects the socket to the server, trying every address that the host's name has.
void connect_to_server(tcp::socket& socket, const std::string& host, std::uint16_t port,
                       wirelab::Seconds timeout) {
    const std::string server = wirelab::to_text(host, port);
    const wirelab::Deadline deadline{timeout};
    error_code error;

    // 1: Look up the addresses of the host. If there are none, say so.
    wirelab::todo(1, "look up the host", host, port, deadline);

    // 2: Connect to the first address that answers. If none does, say so.
    wirelab::todo(2, "connect to one of its addresses", server, error);

    wirelab::log("connected to " + wirelab::to_text(socket.remote_endpoint()));
}

// Returns every byte that the server sends before it closes the connection.
std::string read_fortune(tcp::socket& socket, const std::string& server, wirelab::Seconds timeout) {
    std::string fortune;
    std::array<char, 4096> part;
    error_code error;

    // 3: Read until an error ends the stream. One read may bring only a part of the fortune.
    wirelab::todo(3, "read to the end of the stream", socket, timeout, part);

    // 4: The server's closing (asio::error::eof) ends the fortune; any other error is a failure.
    wirelab::todo(4, "tell the end of the stream from a failure", error, server);

    wirelab::log("received " + std::to_string(fortune.size()) + " bytes");
    if (fortune.empty()) throw wirelab::Error{"no fortune from " + server, "it sent nothing"};
    if (fortune.size() > max_fortune) throw wirelab::Error{"fortune from " + server, "too long"};
    return fortune;
}

int main(int argc, char* argv[]) {
    wirelab::Host host{"127.0.0.1"};
    wirelab::Port port{54321};
    wirelab::Seconds timeout{10};
    wirelab::Program program{"fortune_client", "Asks a server for one fortune and prints it."};
    program.argument("HOST", host, "the server's name or address");
    program.argument("PORT", port, "the server's port");
    program.option("timeout", "SECONDS", timeout, "how long to wait for the server, 0: for ever");

    return program.run(argc, argv, [&] {
        asio::io_context io;
        tcp::socket socket{io};
        connect_to_server(socket, host, port, timeout);
        std::string fortune = read_fortune(socket, wirelab::to_text(host.name, port), timeout);
        if (fortune.ends_with('\n')) fortune.pop_back();
        std::cout << wirelab::printable_lines(fortune) << std::endl;
    });
}
