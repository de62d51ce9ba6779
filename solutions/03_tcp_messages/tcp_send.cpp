// Lab 03, sender: connect to the receiver, send one message, end the stream.
#include <wirelab/deadline.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/log.hpp>
#include <wirelab/program.hpp>
#include <wirelab/todo.hpp>

#include <boost/asio.hpp>

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// The most to write in one go: a call that has sent a part of much would hide that the rest is
// stuck.
constexpr std::size_t most_at_once = 65536;

// Asks the user for what the command line did not say, and returns the line typed.
std::string ask(const std::string& what, bool may_be_empty) {
    std::cerr << what << ": " << std::flush;
    std::string answer;
    if (std::getline(std::cin, answer) && (may_be_empty || !answer.empty())) return answer;

    std::cerr << '\n';  // so that the error has a line of its own
    throw wirelab::UsageError{what, "none given"};
}

// Connects the socket to the receiver, and returns which of its addresses has answered.
tcp::endpoint connect_to_receiver(tcp::socket& socket, const std::string& host, std::uint16_t port,
                                  wirelab::Seconds timeout) {
    const std::string receiver = wirelab::to_text(host, port);
    const wirelab::Deadline deadline{timeout};
    tcp::endpoint peer;
    error_code error;

    // 8: Look up the host, connect to the first of its addresses that answers, and set `peer` to
    //    it. If that fails, say what failed.
    tcp::resolver resolver{socket.get_executor()};
    const auto endpoints = resolver.resolve(host, std::to_string(port), error);
    if (error) throw wirelab::Error{"cannot look up " + host, error};
    peer = asio::connect(socket, endpoints, error);
    if (error) throw wirelab::Error{"cannot connect to " + receiver, error};

    wirelab::log("connected to " + wirelab::to_text(peer));
    return peer;
}

// Sends the whole message, and then the end of the stream, which is the end of the message.
void send_message(tcp::socket& socket, const std::string& message, const std::string& receiver,
                  wirelab::Seconds timeout) {
    error_code error;

    // 9: Write until all is sent. One write may take only a part of what is left, and each has a
    //    deadline of its own. If one fails, say why.
    std::size_t sent = 0;
    while (sent < message.size()) {
        const wirelab::Deadline deadline{timeout};
        const auto rest = asio::buffer(message) + sent;
        sent += socket.write_some(asio::buffer(rest, most_at_once), error);
        if (error) throw wirelab::Error{"cannot send to " + receiver, error};
    }

    // 10: Shut down the sending side of the connection. If that fails, say why.
    socket.shutdown(tcp::socket::shutdown_send, error);
    if (error) throw wirelab::Error{"cannot end the message to " + receiver, error};
}

int main(int argc, char* argv[]) {
    std::optional<wirelab::Host> host;
    wirelab::Port port{40000};
    std::optional<std::string> message;
    wirelab::Seconds timeout{10};
    wirelab::Program program{"tcp_send", "Sends a message to a receiver."};
    program.argument("HOST", host, "the receiver's name or address, asked for when missing");
    program.argument("PORT", port, "the receiver's port");
    program.argument("MESSAGE", message, "what to send, asked for when missing");
    program.option("timeout", "SECONDS", timeout, "how long to wait for the receiver, 0: for ever");

    return program.run(argc, argv, [&] {
        if (!host) host = wirelab::Host{ask("host", false)};
        if (!message) message = ask("message", true);
        asio::io_context io;
        tcp::socket socket{io};
        const auto peer = wirelab::to_text(connect_to_receiver(socket, *host, port, timeout));
        send_message(socket, *message, peer, timeout);
        std::cout << "sent " << message->size() << " bytes to " << peer << std::endl;
    });
}
