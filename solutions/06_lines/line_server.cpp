// Lab 06, server: read lines from a connection as if it were a file.
#include <wirelab/connection.hpp>
#include <wirelab/deadline.hpp>
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
#include <istream>
#include <memory>
#include <span>
#include <streambuf>
#include <string>
#include <string_view>
#include <utility>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// The buffer behind a stream: std::istream takes characters from it, and when none is left, it
// calls underflow() for more. A tcp::iostream has one too; ours is larger, and knows when to flush.
class SocketBuffer : public std::streambuf {
public:
    SocketBuffer(tcp::socket socket, wirelab::Seconds timeout)
        : socket_{std::move(socket)}, timeout_{timeout} {}

    // Why the stream has ended.
    const error_code& error() const { return error_; }

protected:
    int_type underflow() override {
        error_code ignored;
        std::size_t size = 0;

        // 1: If no more bytes have arrived, flush std::cout: who watches should see all lines
        //    before we wait.
        if (socket_.available(ignored) == 0) std::cout.flush();

        // 2: Read what has come into buffer_, and keep the error, if there is one. Each wait for
        //    bytes has a deadline of its own.
        const wirelab::Deadline deadline{timeout_};
        size = socket_.read_some(asio::buffer(buffer_), error_);

        if (error_) return traits_type::eof();
        setg(buffer_.data(), buffer_.data(), buffer_.data() + size);
        return traits_type::to_int_type(buffer_.front());
    }

private:
    tcp::socket socket_;
    wirelab::Seconds timeout_;
    error_code error_;
    std::array<char, 16384> buffer_;
};

// Reads the next line, without its end, into `space`, and sets `line` to it. Returns false if the
// stream has ended well, and there is none.
bool read_line(std::istream& stream, const SocketBuffer& buffer, std::span<char> space,
               std::string_view& line) {
    // 3: Read up to the next newline with the stream's own getline(). It stops where the space
    //    ends; std::getline() would let the peer fill our memory. How long is what it read?
    stream.getline(space.data(), static_cast<std::streamsize>(space.size()));
    line = {space.data(), static_cast<std::size_t>(stream.gcount())};

    // 4: If the stream has failed but not ended, the space was too small. If it has ended, but not
    //    by the peer's closing (asio::error::eof), say why. If nothing came, there is no line.
    if (stream.fail() && !stream.eof()) {
        throw wirelab::Error{"line over " + std::to_string(space.size() - 1) + " bytes"};
    }
    if (stream.eof() && buffer.error() != asio::error::eof) throw wirelab::Error{buffer.error()};
    if (line.empty()) return false;

    // 5: Unless the stream has ended, what was read ends with a null byte where the newline was.
    //    Drop it, and a carriage return before it.
    if (!stream.eof()) {
        line.remove_suffix(1);
        if (line.ends_with('\r')) line.remove_suffix(1);
    }

    return true;
}

// Prints each line of one client.
void print_lines(tcp::socket client, wirelab::Seconds timeout, std::span<char> space) {
    SocketBuffer buffer{std::move(client), timeout};
    std::istream stream{&buffer};
    stream.exceptions(std::ios::badbit);  // what underflow() throws comes through
    std::string_view line;

    while (read_line(stream, buffer, space, line)) {
        // 6: Print `=> LINE`, the line made printable, without flushing.
        std::cout << "=> " << wirelab::printable(line) << '\n';
    }
}

// Serves one client after another, for ever.
void serve(tcp::acceptor& acceptor, wirelab::Seconds timeout, std::span<char> space) {
    for (;;) {
        tcp::endpoint peer;
        tcp::socket client = wirelab::accept(acceptor, peer);
        std::cout << "new connection from " << wirelab::to_text(peer) << std::endl;
        try {
            print_lines(std::move(client), timeout, space);
        } catch (const wirelab::Error& error) {
            // One client's fault must not end the service for the others.
            wirelab::report(wirelab::to_text(peer) + ": " + error.what());
        }
        std::cout << "connection closed" << std::endl;
    }
}

int main(int argc, char* argv[]) {
    asio::ip::address bind = asio::ip::address_v4::loopback();
    wirelab::LocalPort port{54321};
    std::uint64_t max_line = 65536;
    wirelab::Seconds timeout{30};
    wirelab::Program program{"line_server", "Prints the lines that clients send."};
    program.option("bind", "ADDRESS", bind, "the address to listen on");
    program.option("port", "PORT", port, "the port to listen on, 0: any free one");
    program.option("max-line", "BYTES", max_line, "the longest line to accept");
    program.option("timeout", "SECONDS", timeout, "how long to wait for a client, 0: for ever");

    return program.run(argc, argv, [&] {
        // The space for a line is taken at once, though memory is only touched as it fills. More
        // might not be there to take.
        max_line = std::min<std::uint64_t>(max_line, 1024 * 1024 * 1024);
        // One byte more than a line, for the null byte that getline() adds.
        const std::size_t size = std::size_t{max_line} + 1;
        const auto space = std::make_unique_for_overwrite<char[]>(size);
        asio::io_context io;
        tcp::acceptor acceptor = wirelab::listen(io, {bind, port});
        serve(acceptor, timeout, {space.get(), size});
    });
}
