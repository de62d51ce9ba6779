// Sending datagrams: what is said of those that can't be sent, and the pace.
#include "harness/catch.hpp"

#include <wirelab/datagrams.hpp>

#include <boost/asio.hpp>

#include <chrono>

using boost::asio::ip::udp;
using wirelab::at_intervals;
using wirelab::Seconds;

TEST_CASE("A datagram that can't be sent is reported with its destination", "[common][datagrams]") {
    namespace error = boost::asio::error;
    const udp::endpoint everyone{boost::asio::ip::address_v4::broadcast(), 40000};
    CHECK(std::string{wirelab::cannot_send(everyone, error::network_unreachable).what()} ==
          "cannot send to 255.255.255.255:40000: Network is unreachable");
    CHECK(std::string{wirelab::cannot_send(everyone, error::access_denied).what()} ==
          "cannot send to 255.255.255.255:40000: Permission denied "
          "(is the option SO_BROADCAST set?)");
    const udp::endpoint group{boost::asio::ip::make_address_v4("224.1.2.3"), 40000};
    CHECK(std::string{wirelab::cannot_send(group, error::access_denied).what()} ==
          "cannot send to 224.1.2.3:40000: Permission denied");
}

TEST_CASE("A function is called so many times with pauses between", "[common][datagrams]") {
    int calls = 0;
    const auto count = [&calls] { ++calls; };
    at_intervals(Seconds{0}, 1000, count);
    CHECK(calls == 1000);

    const auto start = std::chrono::steady_clock::now();
    at_intervals(Seconds{0.02}, 3, count);
    CHECK(calls == 1003);
    const bool two_pauses =
        std::chrono::steady_clock::now() - start >= std::chrono::milliseconds{40};
    CHECK(two_pauses);
    at_intervals(Seconds{3600}, 1, count);  // none after the last
    CHECK(calls == 1004);
}

TEST_CASE("Zero times is for ever", "[common][datagrams]") {
    int calls = 0;
    struct Enough {};
    CHECK_THROWS_AS(at_intervals(Seconds{0}, 0,
                                 [&calls] {
                                     if (++calls == 100) throw Enough{};
                                 }),
                    Enough);
    CHECK(calls == 100);
}

TEST_CASE("A socket that lets nothing in still gives what has come before", "[common][datagrams]") {
    boost::asio::io_context io;
    udp::socket socket{io, udp::endpoint{boost::asio::ip::address_v4::loopback(), 0}};
    udp::socket sender{io, udp::v4()};
    const auto send = [&](const std::string& text) {
        sender.send_to(boost::asio::buffer(text), socket.local_endpoint());
    };
    send("before");
    socket.wait(udp::socket::wait_read);
    wirelab::let_nothing_in(socket);
    for (int i = 0; i < 100; ++i) send("after");
    boost::system::error_code not_connected;
    socket.shutdown(udp::socket::shutdown_receive, not_connected);

    std::string buffer(100, ' ');
    udp::endpoint from;
    CHECK(socket.receive_from(boost::asio::buffer(buffer), from) == 6);
    udp::endpoint nobody;
    CHECK(socket.receive_from(boost::asio::buffer(buffer), nobody) == 0);
    const bool from_nobody = nobody == udp::endpoint{};
    CHECK(from_nobody);
}
