// The addresses of this machine: here, of a network that the test makes.
#include "harness/catch.hpp"
#include "harness/process.hpp"
#include "harness/stage.hpp"

#include <wirelab/interfaces.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace harness;
using boost::asio::ip::address;
using boost::asio::ip::make_address;
using wirelab::addresses_for_others;
using wirelab::reachable_addresses;

namespace {

using Texts = std::vector<std::string>;

// The order is the system's, but for the IPv4 addresses being first.
Texts texts(const std::vector<address>& addresses) {
    Texts v4;
    Texts all;
    for (const address& one : addresses) (one.is_v4() ? v4 : all).push_back(one.to_string());
    std::sort(v4.begin(), v4.end());
    all.insert(all.begin(), v4.begin(), v4.end());
    return all;
}

std::string joined(const Texts& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + " ";
    return text;
}

void expect_equal(Stage& stage, const std::vector<address>& got, const Texts& expected) {
    const bool v4_first =
        std::is_partitioned(got.begin(), got.end(), [](const address& one) { return one.is_v4(); });
    stage.expect(v4_first, "the IPv4 addresses first", "another order");
    stage.expect(texts(got) == expected, joined(expected), joined(texts(got)));
}

// Runs `ip` with these arguments; in_private_network() keeps that from the machine's own network.
void ip(Stage& stage, const std::vector<std::string>& arguments) {
    stage.start_command("ip", arguments).expect_exit(0);
}

// Two interfaces that are up, with addresses of all kinds, and two that are not.
void make_interfaces(Stage& stage) {
    const auto add = [&stage](const std::string& given, const std::string& interface) {
        Texts arguments{"addr", "add", given, "dev", interface};
        if (given.find(':') != std::string::npos) arguments.push_back("nodad");
        ip(stage, arguments);
    };
    ip(stage, {"link", "add", "up1", "type", "veth", "peer", "name", "up2"});
    ip(stage, {"link", "add", "down1", "type", "veth", "peer", "name", "down2"});
    add("2001:db8::7/64", "up1");
    add("10.1.2.3/24", "up1");
    add("10.1.2.4/24", "up1");
    add("10.1.2.4/24", "up2");
    add("169.254.7.7/16", "up1");
    add("192.168.1.1/24", "up2");
    add("10.9.9.9/24", "down1");
    ip(stage, {"link", "set", "up1", "up"});
    ip(stage, {"link", "set", "up2", "up"});
}

}  // namespace

TEST_CASE("A machine with loopback alone can't be reached", "[common][interfaces]") {
    in_private_network([] {
        Stage stage{"common"};
        expect_equal(stage, reachable_addresses(), {});
        expect_equal(stage, addresses_for_others(make_address("0.0.0.0")), {});
        expect_equal(stage, addresses_for_others(make_address("::")), {});
    });
}

TEST_CASE("Others reach the addresses of interfaces that are up but no link-local ones",
          "[common][interfaces]") {
    if (!have_command("ip")) return skip("ip is not installed");
    in_private_network([] {
        Stage stage{"common"};
        make_interfaces(stage);
        const Texts v4{"10.1.2.3", "10.1.2.4", "192.168.1.1"};
        Texts all = v4;
        all.push_back("2001:db8::7");
        expect_equal(stage, reachable_addresses(), all);
        expect_equal(stage, addresses_for_others(make_address("0.0.0.0")), v4);
        expect_equal(stage, addresses_for_others(make_address("::")), all);
        expect_equal(stage, addresses_for_others(make_address("::ffff:0.0.0.0")), v4);
    });
}

TEST_CASE("A server bound to one address is reached at that unless it is loopback",
          "[common][interfaces]") {
    CHECK(texts(addresses_for_others(make_address("192.0.2.1"))) == Texts{"192.0.2.1"});
    CHECK(texts(addresses_for_others(make_address("2001:db8::1"))) == Texts{"2001:db8::1"});
    CHECK(texts(addresses_for_others(make_address("127.0.0.1"))).empty());
    CHECK(texts(addresses_for_others(make_address("127.1.2.3"))).empty());
    CHECK(texts(addresses_for_others(make_address("::1"))).empty());
    CHECK(texts(addresses_for_others(make_address("::ffff:192.0.2.1"))) == Texts{"192.0.2.1"});
    CHECK(texts(addresses_for_others(make_address("::ffff:127.0.0.1"))).empty());
}
