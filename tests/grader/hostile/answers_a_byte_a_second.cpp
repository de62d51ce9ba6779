// Hostile: does all that is asked, one byte a second.
#include <wirelab/connection.hpp>

#include <boost/asio.hpp>

#include <iostream>
#include <thread>

namespace asio = boost::asio;
using asio::ip::tcp;

int main() {
    asio::io_context io;
    tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
    std::cout << "listening on 127.0.0.1:" << acceptor.local_endpoint().port() << std::endl;
    for (;;) {
        tcp::socket client = acceptor.accept();
        boost::system::error_code error;
        while (!error) {
            asio::write(client, asio::buffer("x", 1), error);
            std::this_thread::sleep_for(std::chrono::seconds{1});
        }
    }
}
