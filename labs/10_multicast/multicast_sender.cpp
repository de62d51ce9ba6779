// Lab 10, sender: say something to those who have joined a group.
#include <wirelab/datagrams.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/interfaces.hpp>
#include <wirelab/program.hpp>
#include <wirelab/todo.hpp>

#include <boost/asio.hpp>

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>

namespace asio = boost::asio;
namespace multicast = asio::ip::multicast;
using asio::ip::udp;
using boost::system::error_code;

// Makes a socket whose datagrams to groups live for so many networks.
udp::socket open_socket(asio::io_context& io, const udp::endpoint& group, std::uint8_t ttl) {
    udp::socket socket{io, group.protocol()};

    // 1: Set the datagrams' time to live (their hops): 1 means no further than this network.
    wirelab::todo(1, "set the time to live", socket, ttl);

    // Members on this machine hear them too. Most systems start that way, but not all.
    socket.set_option(multicast::enable_loopback{true});
    return socket;
}

// Chooses the interface through which datagrams to a group leave.
void send_through(udp::socket& socket, const wirelab::Interface& interface, bool ipv6) {
    // 2: IPv6 wants the interface's index, IPv4 one of its addresses.
    wirelab::todo(2, "choose the interface", socket, interface, ipv6);
}

// Sends the message once, and says so.
void send_message(udp::socket& socket, const std::string& message, const udp::endpoint& group) {
    error_code error;
    const std::size_t size = socket.send_to(asio::buffer(message), group, 0, error);
    if (error) throw wirelab::cannot_send(group, error);
    std::cout << "sent " << size << " bytes to " << wirelab::to_text(group) << std::endl;
}

int main(int argc, char* argv[]) {
    wirelab::Group group{asio::ip::make_address("224.202.20.30")};
    wirelab::Port port{54321};
    std::optional<std::string> interface;
    std::uint8_t ttl = 1;
    std::string message = "hello world";
    wirelab::Seconds interval{2};
    std::uint64_t count = 0;
    wirelab::Program program{"multicast_sender", "Sends a message to the members of a group."};
    program.option("group", "ADDRESS", group, "the group's address");
    program.option("port", "PORT", port, "the port to send to");
    program.option("interface", "NAME", interface, "the interface to use, or its address, or ask");
    program.option("ttl", "N", ttl, "how many networks the datagrams may cross");
    program.option("message", "TEXT", message, "what to send");
    program.option("interval", "SECONDS", interval, "the pause between two datagrams");
    program.option("count", "N", count, "how many to send, 0: for ever");

    return program.run(argc, argv, [&] {
        asio::io_context io;
        const udp::endpoint destination{group, port};
        udp::socket socket = open_socket(io, destination, ttl);
        if (interface) {
            send_through(socket, wirelab::find_interface(*interface), group.address.is_v6());
        }
        wirelab::at_intervals(interval, count, [&] { send_message(socket, message, destination); });
    });
}
