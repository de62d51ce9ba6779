// Lab 03, receiver: for each sender that connects, read to the end of its stream and print it.
#include <wirelab/deadline.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/interfaces.hpp>
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

// Returns an acceptor that senders can connect to from now on.
tcp::acceptor open_acceptor(asio::io_context& io, const tcp::endpoint& endpoint) {
    tcp::acceptor acceptor{io};
    error_code error;

    // 1: Open the acceptor, bind it to the endpoint, listen. If that fails, say so.
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
    if (error) throw wirelab::Error{"cannot listen on " + wirelab::to_text(endpoint), error};

    std::cout << "listening on " << wirelab::to_text(acceptor.local_endpoint()) << std::endl;
    return acceptor;
}

// Tells how to reach the endpoint: a sender needs an address, and 0.0.0.0 is none to send to.
void print_ways_to_reach(const tcp::endpoint& bound) {
    // 2: For each address that others could use, print a line `reach me at ADDRESS PORT`.
    for (const auto& address : wirelab::addresses_for_others(bound.address())) {
        std::cout << "reach me at " << address << ' ' << bound.port() << std::endl;
    }
}

// Waits for the next sender, and sets `peer` to its endpoint.
tcp::socket accept_sender(tcp::acceptor& acceptor, tcp::endpoint& peer) {
    tcp::socket sender{acceptor.get_executor()};
    error_code error;

    // 3: Accept a connection. The acceptor goes on listening; the new socket is the sender's.
    sender = acceptor.accept(peer, error);
    if (error) throw wirelab::Error{"cannot accept a sender", error};

    wirelab::log("accepted " + wirelab::to_text(peer));
    return sender;
}

// Returns the message: every byte that comes before the sender ends its stream.
std::string receive_message(tcp::socket& sender, std::uint64_t max_bytes,
                            wirelab::Seconds timeout) {
    std::string message;
    std::array<char, 4096> part;
    error_code error;

    // 4: Read until an error ends the stream, or until the message is longer than max_bytes.
    //    Each wait for bytes has a deadline of its own.
    while (!error && message.size() <= max_bytes) {
        const wirelab::Deadline deadline{timeout};
        const std::size_t size = sender.read_some(asio::buffer(part), error);
        message.append(part.data(), size);
    }

    // 5: Refuse a message that is too long. The sender's closing (asio::error::eof) ends the
    //    message; any other error is a failure.
    if (message.size() > max_bytes) {
        throw wirelab::Error{"message over " + std::to_string(max_bytes) + " bytes"};
    }
    if (error != asio::error::eof) throw wirelab::Error{error};

    wirelab::log("received " + std::to_string(message.size()) + " bytes");
    return message;
}

// Shows a message and who sent it.
void print_message(const tcp::endpoint& peer, const std::string& message) {
    // 6: Print the line `A:P: MESSAGE`. Strangers wrote the message: make it printable.
    std::cout << wirelab::to_text(peer) << ": " << wirelab::printable(message) << std::endl;
}

// Tells whether a message asks the receiver to end.
bool is_exit(const std::string& message) {
    // 7: It does if it is `exit`, with or without one newline at its end.
    return message == "exit" || message == "exit\n";
}

// Serves one sender after another, until a message says `exit`.
void serve(tcp::acceptor& acceptor, std::uint64_t max_bytes, wirelab::Seconds timeout) {
    for (;;) {
        tcp::endpoint peer;
        // The socket's life ends with each turn of the loop: that closes the connection.
        tcp::socket sender = accept_sender(acceptor, peer);
        try {
            const std::string message = receive_message(sender, max_bytes, timeout);
            print_message(peer, message);
            if (is_exit(message)) return;
        } catch (const wirelab::Error& error) {
            // One sender's fault must not end the service for the others.
            wirelab::report(wirelab::to_text(peer) + ": " + error.what());
        }
    }
}

int main(int argc, char* argv[]) {
    asio::ip::address bind = asio::ip::address_v4::any();
    wirelab::LocalPort port{40000};
    std::uint64_t max_bytes = 65536;
    wirelab::Seconds timeout{30};
    wirelab::Program program{"tcp_receive", "Prints each message that a sender brings."};
    program.option("bind", "ADDRESS", bind, "the address to listen on");
    program.option("port", "PORT", port, "the port to listen on, 0: any free one");
    program.option("max-bytes", "BYTES", max_bytes, "the longest message to accept");
    program.option("timeout", "SECONDS", timeout, "how long to wait for a sender, 0: for ever");

    return program.run(argc, argv, [&] {
        asio::io_context io;
        tcp::acceptor acceptor = open_acceptor(io, {bind, port});
        print_ways_to_reach(acceptor.local_endpoint());
        serve(acceptor, max_bytes, timeout);
    });
}
