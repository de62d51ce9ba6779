// Lab 08, chat by broadcast: what one types, everyone on the network reads.
#include <wirelab/background.hpp>
#include <wirelab/datagrams.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/interfaces.hpp>
#include <wirelab/log.hpp>
#include <wirelab/printable.hpp>
#include <wirelab/program.hpp>
#include <wirelab/todo.hpp>

#include <boost/asio.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;

// The most bytes of a message: few enough for one packet on any network.
constexpr std::size_t max_message = 1000;

// The most that one datagram can hold.
constexpr std::size_t max_datagram = 65507;

// Makes a socket that hears what comes to the port, and may send to everyone.
udp::socket open_socket(asio::io_context& io, wirelab::LocalPort port,
                        const std::optional<std::string>& interface) {
    udp::socket socket{io, udp::v4()};
    if (interface) wirelab::bind_to_interface(socket, wirelab::find_interface(*interface));
    const udp::endpoint local{udp::v4(), port};
    error_code error;

    // 1: Allow others on this machine to use the port too, then bind the socket to it.
    socket.set_option(udp::socket::reuse_address{true});
    socket.bind(local, error);

    if (error) throw wirelab::Error{"cannot listen on " + wirelab::to_text(local), error};

    // 2: Allow the socket to send to a broadcast address.
    socket.set_option(udp::socket::broadcast{true});

    return socket;
}

// Prints one datagram.
void print_message(const udp::endpoint& sender, std::string_view text) {
    std::cout << wirelab::to_text(sender) + "> " + wirelab::printable(text) << std::endl;
}

// Prints every datagram that comes, one's own too, until the chat is over.
void print_messages(udp::socket& socket, const std::atomic<bool>& over) {
    std::array<char, max_datagram> buffer{};
    for (;;) {
        udp::endpoint sender;
        std::size_t size = 0;
        error_code error;

        // 3: Wait for a datagram: one message, whole. Its sender is known only now.
        size = socket.receive_from(asio::buffer(buffer), sender, 0, error);

        // Shut down, the socket still gives what has come before, and then nothing, from nobody.
        if (over && sender == udp::endpoint{}) return;
        if (error) throw wirelab::Error{"cannot receive", error};
        wirelab::log("received " + std::to_string(size) + " bytes");
        print_message(sender, {buffer.data(), size});
    }
}

// Reports a message over the limit. Returns whether the message may be sent.
bool check_size(const std::string& message) {
    // 4: Report a message over the limit, and return false for it.
    if (message.size() > max_message) {
        wirelab::report("message over " + std::to_string(max_message) + " bytes: not sent");
        return false;
    }

    return true;
}

// Sends one message; what the system does not take is reported. Returns whether it was sent.
bool send_message(udp::socket& socket, const std::string& message, const udp::endpoint& everyone) {
    error_code error;

    // 5: Send the message to everyone, as one datagram.
    socket.send_to(asio::buffer(message), everyone, 0, error);

    if (error) wirelab::report(wirelab::cannot_send(everyone, error).what());
    return !error;
}

// Sends every line that is typed, until `exit` or the end of the input. Returns whether the system
// has taken all of them.
bool send_lines(udp::socket& socket, const std::string& name, const udp::endpoint& everyone) {
    bool all_sent = true;
    std::string line;
    while (std::getline(std::cin, line) && line != "exit") {
        const std::string message = name.empty() ? line : name + ": " + line;
        if (check_size(message) && !send_message(socket, message, everyone)) all_sent = false;
    }
    return all_sent;
}

// Wakes print_messages(), which waits in another thread, so that it ends.
void stop_receiving(udp::socket& socket, std::atomic<bool>& over) {
    wirelab::let_nothing_in(socket);  // or a flood of datagrams would keep the chat from ending
    error_code ignored;

    // 6: The chat is over. Shut down receiving: that ends the wait, once all that came is received.
    //    (It is an error for a socket without a connection, but does what it should.)
    over = true;
    socket.shutdown(udp::socket::shutdown_receive, ignored);
}

int main(int argc, char* argv[]) {
    wirelab::LocalPort port{40000};
    asio::ip::address_v4 broadcast = asio::ip::address_v4::broadcast();
    std::optional<std::string> interface;
    std::string name;
    wirelab::Program program{"udp_chat", "Chats with everyone on the network."};
    program.option("port", "PORT", port, "the port that all use, 0: any free one");
    program.option("broadcast", "ADDRESS", broadcast, "the address that reaches everyone");
    program.option("interface", "NAME", interface, "the interface to use, or its address, or ask");
    program.option("name", "NAME", name, "the name to put before what you type");

    return program.run(argc, argv, [&] {
        std::cin.tie(nullptr);  // who types need not wait for what is being printed
        asio::io_context io;
        udp::socket socket = open_socket(io, port, interface);
        const udp::endpoint local = socket.local_endpoint();
        std::cout << "listening on " << wirelab::to_text(local) << std::endl;
        std::atomic<bool> over = false;

        const wirelab::Background receiver{[&] { print_messages(socket, over); },
                                           [&] { stop_receiving(socket, over); }};
        return send_lines(socket, name, {broadcast, local.port()}) ? 0 : 1;
    });
}
