// Hostile: sends what it knows to somebody outside. (192.0.2.1 is nobody's: RFC 5737.)
#include <boost/asio.hpp>

#include <iostream>

namespace asio = boost::asio;
using asio::ip::tcp;

int main() {
    asio::io_context io;
    tcp::socket socket{io};
    boost::system::error_code error;
    socket.connect({asio::ip::make_address("192.0.2.1"), 80}, error);
    if (error != asio::error::network_unreachable) {
        std::cerr << "LEAK: there is a way out: " << error.message() << '\n';
    }
}
