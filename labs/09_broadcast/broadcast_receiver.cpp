// Lab 09, receiver: print whatever is sent to everyone.
#include <wirelab/endpoint.hpp>
#include <wirelab/log.hpp>
#include <wirelab/printable.hpp>
#include <wirelab/program.hpp>
#include <wirelab/todo.hpp>

#include <boost/asio.hpp>

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;

// The most that one datagram can hold over IPv4: 65535 bytes of an IP packet, less the headers of
// IP (20 bytes) and UDP (8 bytes).
constexpr std::size_t max_datagram = 65507;

// Makes a socket that hears what comes to the endpoint.
udp::socket open_socket(asio::io_context& io, const udp::endpoint& local) {
    udp::socket socket{io, local.protocol()};
    error_code error;

    // 5: Allow others on this machine to use the port too, then bind the socket to the endpoint.
    wirelab::todo(5, "bind the socket", socket, local, error);

    if (error) throw wirelab::Error{"cannot listen on " + wirelab::to_text(local), error};
    std::cout << "listening on " << wirelab::to_text(socket.local_endpoint()) << std::endl;
    return socket;
}

// Prints one datagram.
void print_datagram(const udp::endpoint& sender, std::string_view data) {
    std::cout << "received " << data.size() << " bytes from " << wirelab::to_text(sender) << ": "
              << wirelab::printable(data) << std::endl;
}

// Receives datagrams, and prints each.
void receive_datagrams(udp::socket& socket, std::uint64_t count) {
    std::vector<char> buffer;

    // 6: Make room for the largest datagram there is: what does not fit is lost.
    wirelab::todo(6, "make room for the largest datagram", buffer);

    for (std::uint64_t received = 0; count == 0 || received < count; ++received) {
        udp::endpoint sender;
        std::size_t size = 0;

        // 7: Wait for a datagram, and keep its size and its sender.
        wirelab::todo(7, "receive a datagram", socket, buffer, sender, size);

        wirelab::log("received " + std::to_string(size) + " bytes");
        print_datagram(sender, {buffer.data(), size});
    }
}

int main(int argc, char* argv[]) {
    asio::ip::address bind = asio::ip::address_v4::any();
    wirelab::LocalPort port{54321};
    std::uint64_t count = 0;
    wirelab::Program program{"broadcast_receiver", "Prints the datagrams that come to a port."};
    program.option("bind", "ADDRESS", bind, "the address to listen on");
    program.option("port", "PORT", port, "the port to listen on, 0: any free one");
    program.option("count", "N", count, "how many to receive, 0: for ever");

    return program.run(argc, argv, [&] {
        asio::io_context io;
        udp::socket socket = open_socket(io, {bind, port});
        receive_datagrams(socket, count);
    });
}
