// Endpoints as people write them.
#include "harness/catch.hpp"

#include <wirelab/endpoint.hpp>

#include <boost/asio/ip/address.hpp>

using boost::asio::ip::make_address;
using boost::asio::ip::tcp;
using boost::asio::ip::udp;
using wirelab::to_text;

TEST_CASE("An IPv4 endpoint is its address and port", "[common][endpoint]") {
    CHECK(to_text(tcp::endpoint{make_address("127.0.0.1"), 54321}) == "127.0.0.1:54321");
    CHECK(to_text(udp::endpoint{make_address("255.255.255.255"), 0}) == "255.255.255.255:0");
    CHECK(to_text(tcp::endpoint{tcp::v4(), 80}) == "0.0.0.0:80");
}

TEST_CASE("An IPv6 address stands in brackets", "[common][endpoint]") {
    CHECK(to_text(tcp::endpoint{make_address("::1"), 54321}) == "[::1]:54321");
    CHECK(to_text(udp::endpoint{make_address("FF02::0:1"), 65535}) == "[ff02::1]:65535");
    CHECK(to_text(tcp::endpoint{tcp::v6(), 0}) == "[::]:0");
}

TEST_CASE("A link-local IPv6 address names its interface", "[common][endpoint]") {
    CHECK(to_text(tcp::endpoint{make_address("fe80::1%lo"), 80}) == "[fe80::1%lo]:80");
}

TEST_CASE("An IPv4 peer of an IPv6 socket is shown as the IPv4 address that it is",
          "[common][endpoint]") {
    CHECK(to_text(tcp::endpoint{make_address("::ffff:192.0.2.1"), 80}) == "192.0.2.1:80");
    CHECK(to_text(udp::endpoint{make_address("::ffff:192.0.2.1"), 80}) == "192.0.2.1:80");
    CHECK(to_text(tcp::endpoint{make_address("::192.0.2.1"), 80}) == "[::192.0.2.1]:80");
}

TEST_CASE("A host is shown with its port as the user named it", "[common][endpoint]") {
    CHECK(to_text("localhost", 54321) == "localhost:54321");
    CHECK(to_text("10.0.0.9", 1) == "10.0.0.9:1");
    CHECK(to_text("::1", 65535) == "[::1]:65535");
    CHECK(to_text("fe80::1%eth0", 80) == "[fe80::1%eth0]:80");
}
