// Lab 07, server: read messages that begin with a binary header, and print them.
#include <wirelab/connection.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/printable.hpp>
#include <wirelab/program.hpp>
#include <wirelab/todo.hpp>

#include <boost/asio.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <span>
#include <string>

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t header_size = 8;
// Memory for data grows by so much, and only when the bytes before it have come: announcing is
// free.
constexpr std::uint32_t part_size = 64 * 1024;

struct Header {
    std::uint32_t version = 0;
    std::uint32_t size = 0;
};

// Puts a number together from its bytes on the wire, the most significant first.
std::uint32_t from_big_endian(std::span<const std::uint8_t, 4> bytes) {
    std::uint32_t number = 0;

    // 1: Move what is there by 8 bits to the left, and add the next byte, four times.
    for (const std::uint8_t byte : bytes) number = number << 8 | byte;

    return number;
}

// Reads the header: two numbers of four bytes each.
Header read_header(tcp::socket& client, wirelab::Seconds timeout) {
    std::array<std::uint8_t, header_size> bytes{};

    // 2: Read eight bytes with wirelab::read_full(), which you wrote in lab 04. If the stream ends
    //    before, say how many came.
    const std::size_t got = wirelab::read_full(client, asio::buffer(bytes), timeout);
    if (got < header_size) {
        throw wirelab::Error{"incomplete header: got " + std::to_string(got) + " of 8 bytes"};
    }

    // 3: The first four bytes are the version, the others the size.
    const std::span<const std::uint8_t, header_size> header{bytes};
    return {.version = from_big_endian(header.first<4>()),
            .size = from_big_endian(header.last<4>())};
}

// Refuses a size that we do not want to hold in memory.
void check_size(std::uint32_t size, std::uint64_t max_size) {
    // 4: Throw if the size is over the limit.
    if (size > max_size) {
        throw wirelab::Error{"size " + std::to_string(size) + " is over the limit of " +
                             std::to_string(max_size)};
    }
}

// Reads exactly `size` bytes.
std::string read_data(tcp::socket& client, std::uint32_t size, wirelab::Seconds timeout) {
    std::string data;

    // 5: Read part after part until all has come. If the stream ends before, say how many came.
    while (data.size() < size) {
        const std::size_t before = data.size();
        const std::size_t wanted = std::min<std::size_t>(size - before, part_size);
        data.resize(before + wanted);
        const std::size_t got = wirelab::read_full(client, asio::buffer(data) + before, timeout);
        if (got < wanted) {
            throw wirelab::Error{"incomplete data: got " + std::to_string(before + got) + " of " +
                                 std::to_string(size) + " bytes"};
        }
    }

    return data;
}

// Reads one client's message and prints it.
void print_message(tcp::socket& client, std::uint64_t max_size, wirelab::Seconds timeout) {
    const Header header = read_header(client, timeout);
    check_size(header.size, max_size);
    const std::string data = read_data(client, header.size, timeout);
    std::cout << "Version: " << header.version << '\n'
              << "Size: " << header.size << '\n'
              << "Data: " << wirelab::printable(data) << std::endl;
}

// Serves one client after another, for ever.
void serve(tcp::acceptor& acceptor, std::uint64_t max_size, wirelab::Seconds timeout) {
    for (;;) {
        tcp::endpoint peer;
        tcp::socket client = wirelab::accept(acceptor, peer);
        try {
            print_message(client, max_size, timeout);
        } catch (const wirelab::Error& error) {
            // One client's fault must not end the service for the others.
            wirelab::report(wirelab::to_text(peer) + ": " + error.what());
        }
    }
}

int main(int argc, char* argv[]) {
    asio::ip::address bind = asio::ip::address_v4::loopback();
    wirelab::LocalPort port{54321};
    std::uint64_t max_size = 1 << 20;
    wirelab::Seconds timeout{30};
    wirelab::Program program{"header_server", "Prints messages that begin with a binary header."};
    program.option("bind", "ADDRESS", bind, "the address to listen on");
    program.option("port", "PORT", port, "the port to listen on, 0: any free one");
    program.option("max-size", "BYTES", max_size, "the most data to accept");
    program.option("timeout", "SECONDS", timeout, "how long to wait for a client, 0: for ever");

    return program.run(argc, argv, [&] {
        asio::io_context io;
        tcp::acceptor acceptor = wirelab::listen(io, {bind, port});
        serve(acceptor, max_size, timeout);
    });
}
