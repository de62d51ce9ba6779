// The values that options take.
#include "harness/catch.hpp"

#include <wirelab/values.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

using namespace std::string_literals;
using namespace wirelab;
using boost::asio::ip::address;

namespace {

// Returns the words with which a text is refused as a value of this type; "accepted" if it is not.
template <typename T>
std::string refusal(const std::string& text, T value) {
    try {
        parse(text, value);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "accepted";
}

template <typename T>
T parsed(const std::string& text, T value = T{}) {
    parse(text, value);
    return value;
}

Seconds seconds(const std::string& text) {
    return parsed(text, Seconds{0});
}

}  // namespace

TEST_CASE("Ports are whole numbers up to 65535", "[common][values]") {
    CHECK(parsed<Port>("1").number == 1);
    CHECK(parsed<Port>("54321").number == 54321);
    CHECK(parsed<Port>("65535").number == 65535);
    CHECK(parsed<Port>("0080").number == 80);
    CHECK(parsed<LocalPort>("0").number == 0);
    CHECK(parsed<LocalPort>("65535").number == 65535);
    for (const std::string text :
         {"-1", "65536", "70000", "4294967297", "18446744073709551617", "abc", "", " ", " 80",
          "80 ", "+80", "-0", "80x", "0x50", "8 0", "1.0", "1e3", "http", "\n80"}) {
        CAPTURE(text);
        CHECK(refusal(text, Port{}) == "not a port number from 1 to 65535");
        CHECK(refusal(text, LocalPort{}) == "not a port number from 0 to 65535");
    }
    CHECK(refusal("0", Port{}) == "not a port number from 1 to 65535");
    CHECK(refusal("80\0"s, Port{}) == "not a port number from 1 to 65535");
}

TEST_CASE("Counts and sizes are whole numbers", "[common][values]") {
    CHECK(parsed<std::uint64_t>("0") == 0);
    CHECK(parsed<std::uint64_t>("1048576") == 1048576);
    CHECK(parsed<std::uint64_t>("18446744073709551615") == UINT64_MAX);
    CHECK(parsed<std::uint32_t>("4294967295") == UINT32_MAX);
    CHECK(refusal("4294967296", std::uint32_t{}) == "not a whole number from 0 to 4294967295");
    for (const std::string text : {"-1", "18446744073709551616", "abc", "", " 1", "+1", "1 ", "1k",
                                   "1.5", "1e3", "0x10", "inf"}) {
        CAPTURE(text);
        CHECK(refusal(text, std::uint64_t{}) ==
              "not a whole number from 0 to 18446744073709551615");
        CHECK(refusal(text, std::uint32_t{}) == "not a whole number from 0 to 4294967295");
    }
}

TEST_CASE("Seconds are decimal numbers", "[common][values]") {
    CHECK(seconds("0").is_none());
    CHECK(seconds("0.0").is_none());
    CHECK(seconds("10").count() == 10);
    CHECK(seconds("0.25").count() == 0.25);
    CHECK(seconds(".5").count() == 0.5);
    CHECK(seconds("2.").count() == 2);
    CHECK(!seconds("0.000000000001").is_none());
    for (const std::string text :
         {"nan", "NAN",   "-nan",   "inf", "-inf",  "infinity", "-1", "-0.5",
          "-0",  "1e400", "-1e400", "abc", "",      " ",        " 1", "+1",
          "1 ",  "1s",    "1,5",    "1e3", "1.2.3", ".",        "1e", "--1"}) {
        CAPTURE(text);
        CHECK(refusal(text, Seconds{0}) == "not a number of seconds from 0 upwards");
    }
    CHECK(refusal("1"s + std::string(400, '0'), Seconds{0}) ==
          "not a number of seconds from 0 upwards");
}

TEST_CASE("Seconds of any size fit into a duration", "[common][values]") {
    using namespace std::chrono_literals;
    CHECK(Seconds{0}.duration() == 1'000'000'000s);  // no limit
    CHECK(Seconds{1e-30}.duration() == 0ns);
    CHECK(Seconds{0.25}.duration() == 250ms);
    CHECK(Seconds{3600}.duration() == 1h);
    CHECK(Seconds{1e9}.duration() == 1'000'000'000s);
    for (const std::string text : {"1000000001", "99999999999999999999"}) {
        CAPTURE(text);
        CHECK(seconds(text).duration() == 1'000'000'000s);
        // No later sum overflows.
        const auto end = std::chrono::steady_clock::now() + seconds(text).duration();
        CHECK(end > std::chrono::steady_clock::now());
    }
}

TEST_CASE("A host is any text but an empty one", "[common][values]") {
    CHECK(parsed<Host>("localhost").name == "localhost");
    CHECK(parsed<Host>("::1").name == "::1");
    CHECK(parsed<Host>(" ").name == " ");
    CHECK(refusal("", Host{}) == "not a host name or address");
}

TEST_CASE("Texts are taken as they are", "[common][values]") {
    CHECK(parsed<std::string>("") == "");
    CHECK(parsed<std::string>(" a=b \xff") == " a=b \xff");
}

TEST_CASE("Addresses are IPv4 or IPv6 and never names", "[common][values]") {
    CHECK(parsed<address>("127.0.0.1").to_string() == "127.0.0.1");
    CHECK(parsed<address>("0.0.0.0").is_unspecified());
    CHECK(parsed<address>("::1").is_loopback());
    CHECK(parsed<address>("2001:DB8::1").to_string() == "2001:db8::1");
    for (const std::string text :
         {"", " ", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.-4", " 1.2.3.4",
          "1.2.3.4 ", "0x7f.1", ":::1", "[::1]", "127.0.0.1:80", "1.2.3.4/8", "fe80::g"}) {
        CAPTURE(text);
        CHECK(refusal(text, address{}) == "not an IP address");
    }
}

TEST_CASE("An optional value is there once it has been read", "[common][values]") {
    std::optional<Port> port;
    CHECK(to_text(port) == "");
    parse("80", port);
    CHECK(port.value().number == 80);
    CHECK(to_text(port) == "80");
    CHECK(refusal("abc", std::optional<Port>{}) == "not a port number from 1 to 65535");
}

TEST_CASE("Values are shown as a user would give them", "[common][values]") {
    CHECK(to_text("text"s) == "text");
    CHECK(to_text(std::uint64_t{18446744073709551615u}) == "18446744073709551615");
    CHECK(to_text(std::uint32_t{4294967295}) == "4294967295");
    CHECK(to_text(Port{54321}) == "54321");
    CHECK(to_text(LocalPort{0}) == "0");
    CHECK(to_text(Host{"localhost"}) == "localhost");
    CHECK(to_text(Seconds{30}) == "30");
    CHECK(to_text(Seconds{0.5}) == "0.5");
    CHECK(to_text(boost::asio::ip::make_address("::1")) == "::1");
}

TEST_CASE("Small numbers are whole and go up to 255", "[common][values]") {
    CHECK(parsed<std::uint8_t>("0") == 0);
    CHECK(parsed<std::uint8_t>("255") == 255);
    for (const std::string text : {"256", "-1", "1.5", "", "a", " 1"}) {
        INFO(text);
        CHECK(refusal(text, std::uint8_t{}) == "not a whole number from 0 to 255");
    }
    CHECK(to_text(std::uint8_t{65}) == "65");  // a number, no letter
}

TEST_CASE("IPv4 addresses are those alone", "[common][values]") {
    using boost::asio::ip::address_v4;
    CHECK(parsed<address_v4>("255.255.255.255") == address_v4{0xffffffff});
    for (const std::string text : {"::1", "10.0.0", "10.0.0.256", "localhost", ""}) {
        INFO(text);
        CHECK(refusal(text, address_v4{}) == "not an IPv4 address");
    }
}

TEST_CASE("A group is a multicast address of either family", "[common][values]") {
    for (const std::string text : {"224.0.0.1", "224.202.20.30", "239.255.255.255", "ff02::1234"}) {
        INFO(text);
        CHECK(to_text(parsed<Group>(text)) == text);
    }
    for (const std::string text : {"223.255.255.255", "240.0.0.0", "fe80::1", "127.0.0.1"}) {
        INFO(text);
        CHECK(refusal(text, Group{}) == "not a multicast address");
    }
    CHECK(refusal("224", Group{}) == "not an IP address");
    CHECK(refusal("ff02::1%nosuch", Group{}) == "the scope is no interface of this machine");
    CHECK(to_text(parsed<Group>("ff02::1%lo")) == "ff02::1%lo");
}
