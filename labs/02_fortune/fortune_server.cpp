// Lab 02, fortune server: for each client that connects, write one fortune and close.
#include <wirelab/deadline.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/fortunes.hpp>
#include <wirelab/log.hpp>
#include <wirelab/program.hpp>
#include <wirelab/todo.hpp>

#include <boost/asio.hpp>

#include <iostream>
#include <optional>
#include <string>
#include <vector>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Returns an acceptor that clients can connect to from now on.
tcp::acceptor open_acceptor(asio::io_context& io, const tcp::endpoint& endpoint) {
    tcp::acceptor acceptor{io};
    error_code error;

    // 5: Open the acceptor, bind it to the endpoint, listen. If that fails, say so.
    wirelab::todo(5, "open, bind and listen", endpoint, error);

    std::cout << "listening on " << wirelab::to_text(acceptor.local_endpoint()) << std::endl;
    return acceptor;
}

// Waits for the next client, and sets `peer` to its endpoint.
tcp::socket accept_client(tcp::acceptor& acceptor, tcp::endpoint& peer) {
    tcp::socket client{acceptor.get_executor()};
    error_code error;

    // 6: Accept a connection. The acceptor goes on listening; the new socket is the client's.
    wirelab::todo(6, "accept a client", acceptor, peer, error);

    wirelab::log("accepted " + wirelab::to_text(peer));
    return client;
}

// Writes the whole fortune to the client.
void send_fortune(tcp::socket& client, const std::string& fortune, wirelab::Seconds timeout) {
    const wirelab::Deadline deadline{timeout};
    error_code error;

    // 7: Write all of the fortune. If that fails, say why.
    wirelab::todo(7, "write the fortune", client, fortune, deadline, error);
}

// Serves one client after another, for ever.
void serve(tcp::acceptor& acceptor, const std::vector<std::string>& fortunes,
           wirelab::Seconds timeout) {
    for (;;) {
        tcp::endpoint peer;
        // The socket's life ends with each turn of the loop: that closes the connection.
        tcp::socket client = accept_client(acceptor, peer);
        const std::string& fortune = wirelab::draw(fortunes);
        try {
            send_fortune(client, fortune, timeout);
        } catch (const wirelab::Error& error) {
            // One client's fault must not end the service for the others.
            wirelab::report(wirelab::to_text(peer) + ": " + error.what());
            continue;
        }
        std::cout << "sent " << fortune.size() << " bytes to " << wirelab::to_text(peer)
                  << std::endl;
    }
}

int main(int argc, char* argv[]) {
    asio::ip::address bind = asio::ip::address_v4::loopback();
    wirelab::LocalPort port{54321};
    wirelab::Seconds timeout{30};
    std::optional<std::string> file;
    wirelab::Program program{"fortune_server", "Sends every client one fortune, drawn at random."};
    program.option("bind", "ADDRESS", bind, "the address to listen on");
    program.option("port", "PORT", port, "the port to listen on, 0: any free one");
    program.option("timeout", "SECONDS", timeout, "how long to wait for a client, 0: for ever");
    program.option("fortunes", "FILE", file, "draw from FILE, not from the built-in fortunes");

    return program.run(argc, argv, [&] {
        const auto fortunes = file ? wirelab::load_fortunes(*file) : wirelab::built_in_fortunes();
        asio::io_context io;
        tcp::acceptor acceptor = open_acceptor(io, {bind, port});
        serve(acceptor, fortunes, timeout);
    });
}
