// Lab 10, receiver: join a group, print what is sent to it, leave it.
#include <wirelab/endpoint.hpp>
#include <wirelab/interfaces.hpp>
#include <wirelab/interrupt.hpp>
#include <wirelab/log.hpp>
#include <wirelab/printable.hpp>
#include <wirelab/program.hpp>
#include <wirelab/todo.hpp>

#include <boost/asio.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

namespace asio = boost::asio;
namespace multicast = asio::ip::multicast;
using asio::ip::udp;
using boost::system::error_code;

// The most that one datagram can hold over IPv4.
constexpr std::size_t max_datagram = 65507;

// Makes a socket that hears what comes to the group's endpoint through the interface, and nothing
// else.
udp::socket open_socket(asio::io_context& io, const udp::endpoint& group,
                        const wirelab::Interface& interface) {
    udp::socket socket{io, group.protocol()};
    wirelab::bind_to_interface(socket, interface);
    error_code error;

    // 3: Allow others on this machine to use the port too, then bind the socket to the group's
    //    endpoint. Bound to no address, it would hear every group that anyone here has joined.
    socket.set_option(udp::socket::reuse_address{true});
    socket.bind(group, error);

    if (error) throw wirelab::Error{"cannot listen on " + wirelab::to_text(group), error};
    return socket;
}

// Asks the system to take in what is sent to the group on this interface.
void join(udp::socket& socket, const asio::ip::address& group,
          const wirelab::Interface& interface) {
    error_code error;

    // 4: Join the group. IPv6 names the interface by its index, IPv4 by one of its addresses.
    if (group.is_v6()) {
        socket.set_option(multicast::join_group{group.to_v6(), interface.index}, error);
    } else {
        socket.set_option(multicast::join_group{group.to_v4(), interface.address()}, error);
    }

    if (error) throw wirelab::Error{"cannot join " + group.to_string(), error};
}

// Prints one datagram.
void print_datagram(const udp::endpoint& sender, std::string_view data) {
    std::cout << "received " << data.size() << " bytes from " << wirelab::to_text(sender) << ": "
              << wirelab::printable(data) << std::endl;
}

// Receives datagrams and prints each, until there were `count` or somebody presses Ctrl-C.
void receive_datagrams(udp::socket& socket, std::uint64_t count,
                       const wirelab::Interrupt& interrupt) {
    std::array<char, max_datagram> buffer{};
    for (std::uint64_t received = 0; count == 0 || received < count; ++received) {
        udp::endpoint sender;
        std::size_t size = 0;
        error_code error;

        // 5: Wait for a datagram. The wait also ends at an interrupt: then return.
        size = socket.receive_from(asio::buffer(buffer), sender, 0, error);
        if (interrupt.happened()) return;

        if (error) throw wirelab::Error{"cannot receive", error};
        wirelab::log("received " + std::to_string(size) + " bytes");
        print_datagram(sender, {buffer.data(), size});
    }
}

// Wakes receive_datagrams() from its wait: a call that waits returns when receiving is shut down.
void stop_receiving(udp::socket& socket) {
    error_code not_connected;  // the system says so, and does what it should
    socket.shutdown(udp::socket::shutdown_receive, not_connected);
}

// Tells the system that nobody here listens any more.
void leave(udp::socket& socket, const asio::ip::address& group,
           const wirelab::Interface& interface) {
    error_code error;

    // 6: Leave the group, on the same interface.
    if (group.is_v6()) {
        socket.set_option(multicast::leave_group{group.to_v6(), interface.index}, error);
    } else {
        socket.set_option(multicast::leave_group{group.to_v4(), interface.address()}, error);
    }

    if (error) throw wirelab::Error{"cannot leave " + group.to_string(), error};
}

int main(int argc, char* argv[]) {
    wirelab::Group group{asio::ip::make_address("224.202.20.30")};
    wirelab::LocalPort port{54321};
    std::optional<std::string> name;
    std::uint64_t count = 10;
    wirelab::Program program{"multicast_receiver", "Prints what is sent to a multicast group."};
    program.option("group", "ADDRESS", group, "the group's address");
    program.option("port", "PORT", port, "the port to listen on, 0: any free one");
    program.option("interface", "NAME", name, "the interface to use, or its address, or ask");
    program.option("count", "N", count, "how many to receive, 0: for ever");

    return program.run(argc, argv, [&] {
        const wirelab::Interface interface =
            name ? wirelab::find_interface(*name) : wirelab::interface_towards(group);
        asio::io_context io;
        udp::socket socket =
            open_socket(io, {wirelab::with_scope(group, interface), port}, interface);
        join(socket, group, interface);

        const wirelab::Interrupt interrupt{[&] { stop_receiving(socket); }};
        std::cout << "listening on " << wirelab::to_text(socket.local_endpoint()) << std::endl;
        std::cout << "joined " << wirelab::to_text(group) << " on " << interface.name << std::endl;
        receive_datagrams(socket, count, interrupt);
        leave(socket, group, interface);
        std::cout << "left " << wirelab::to_text(group) << std::endl;
    });
}
