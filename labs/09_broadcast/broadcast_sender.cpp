// Lab 09, sender: say the same to everyone on the network, again and again.
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
#include <thread>

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;

// Makes a socket that may send to everyone.
udp::socket open_socket(asio::io_context& io) {
    udp::socket socket{io};

    // 1: Open the socket for IPv4. It needs no port of its own choice: it gets a free one when it
    //    sends.
    wirelab::todo(1, "open the socket", socket);

    // 2: Allow the socket to send to a broadcast address.
    wirelab::todo(2, "allow broadcasts", socket);

    return socket;
}

// Sends the message once, and says so.
void send_message(udp::socket& socket, const std::string& message,
                  const udp::endpoint& destination) {
    std::size_t size = 0;
    error_code error;

    // 3: Send the message as one datagram, and keep how many bytes it had.
    wirelab::todo(3, "send the message", socket, message, destination, size, error);

    if (error) throw wirelab::cannot_send(destination, error);
    std::cout << "sent " << size << " bytes to " << wirelab::to_text(destination) << std::endl;
}

// Waits for as long as the interval lasts.
void pause(wirelab::Seconds interval) {
    if (!interval.is_none()) std::this_thread::sleep_for(interval.duration());
}

// Sends the message `count` times, or for ever if that is 0.
void send_messages(udp::socket& socket, const std::string& message,
                   const udp::endpoint& destination, std::uint64_t count,
                   wirelab::Seconds interval) {
    send_message(socket, message, destination);

    // 4: Send it again until there were `count`, each time after a pause.
    wirelab::todo(4, "send again and again", socket, message, destination, count, interval);
}

int main(int argc, char* argv[]) {
    asio::ip::address_v4 address = asio::ip::address_v4::broadcast();
    wirelab::Port port{54321};
    std::string message = "hello world";
    wirelab::Seconds interval{2};
    std::uint64_t count = 0;
    std::optional<std::string> interface;
    wirelab::Program program{"broadcast_sender", "Sends a message to everyone on the network."};
    program.option("address", "ADDRESS", address, "the address that reaches everyone");
    program.option("port", "PORT", port, "the port to send to");
    program.option("message", "TEXT", message, "what to send");
    program.option("interval", "SECONDS", interval, "the pause between two datagrams");
    program.option("count", "N", count, "how many to send, 0: for ever");
    program.option("interface", "NAME", interface, "the interface to use, or its address, or ask");

    return program.run(argc, argv, [&] {
        asio::io_context io;
        udp::socket socket = open_socket(io);
        if (interface) wirelab::bind_to_interface(socket, wirelab::find_interface(*interface));
        send_messages(socket, message, {address, port}, count, interval);
    });
}
