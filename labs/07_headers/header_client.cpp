// Lab 07, client: send a message that begins with a binary header.
#include <wirelab/connection.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/program.hpp>
#include <wirelab/todo.hpp>

#include <boost/asio.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <iterator>
#include <optional>
#include <random>
#include <span>
#include <string>

namespace asio = boost::asio;
using asio::ip::tcp;

// Data of any size goes through a block of this one.
constexpr std::uint32_t block_size = 64 * 1024;

struct Header {
    std::uint32_t version = 0;
    std::uint32_t size = 0;
};

// Takes a number apart into its bytes on the wire, the most significant first.
void to_big_endian(std::uint32_t number, std::span<std::uint8_t, 4> bytes) {
    // 6: The last byte is what the number's lowest 8 bits say. Move the number by 8 bits to the
    //    right for each of the others, from the last to the first.
    wirelab::todo(6, "take the number apart", number, bytes);
}

// Sends the header: two numbers of four bytes each.
void send_header(tcp::socket& socket, const Header& header, wirelab::Seconds timeout) {
    std::array<std::uint8_t, 8> bytes{};
    const std::span<std::uint8_t, 8> wire{bytes};

    // 7: Put the version into the first four bytes, the size into the others. Send all of them
    //    with wirelab::write_all().
    wirelab::todo(7, "send the header", socket, header, timeout, wire);
}

// Sends as many bytes `X` as the header says.
void send_data(tcp::socket& socket, std::uint32_t size, wirelab::Seconds timeout) {
    const std::string block(std::min(size, block_size), 'X');

    // 8: Send the block, or as much of it as is left, until all is sent.
    wirelab::todo(8, "send the data", socket, size, timeout, block);
}

// Prints the message as the server does.
void print_message(const Header& header) {
    std::cout << "Version: " << header.version << '\n'
              << "Size: " << header.size << '\n'
              << "Data: ";
    std::fill_n(std::ostream_iterator<char>{std::cout}, header.size, 'X');
    std::cout << std::endl;
}

std::uint32_t random_up_to(std::uint32_t most) {
    std::random_device random;
    return std::uniform_int_distribution<std::uint32_t>{0, most}(random);
}

int main(int argc, char* argv[]) {
    wirelab::Host host{"127.0.0.1"};
    wirelab::Port port{54321};
    std::optional<std::uint32_t> version;
    std::optional<std::uint32_t> size;
    wirelab::Seconds timeout{10};
    wirelab::Program program{"header_client", "Sends a message that begins with a binary header."};
    program.argument("HOST", host, "the server's name or address");
    program.argument("PORT", port, "the server's port");
    program.option("version", "VERSION", version, "the version to send, 0 to 5 by chance");
    program.option("size", "BYTES", size, "how much data to send, 0 to 10 by chance");
    program.option("timeout", "SECONDS", timeout, "how long to wait for the server, 0: for ever");

    return program.run(argc, argv, [&] {
        const Header header{.version = version ? *version : random_up_to(5),
                            .size = size ? *size : random_up_to(10)};
        asio::io_context io;
        tcp::socket socket = wirelab::connect(io, host, port, timeout);
        const std::string server = wirelab::to_text(host.name, port);
        try {
            send_header(socket, header, timeout);
            send_data(socket, header.size, timeout);
        } catch (const wirelab::Error& error) {
            throw wirelab::Error{"cannot send to " + server, error.what()};
        }
        print_message(header);
    });
}
