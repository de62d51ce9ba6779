// The addresses of this machine: here, of a network that the test makes.
#include "harness/catch.hpp"
#include "harness/process.hpp"
#include "harness/stage.hpp"

#include <wirelab/error.hpp>
#include <wirelab/interfaces.hpp>

#include <boost/asio.hpp>

#include <algorithm>
#include <functional>
#include <iostream>
#include <sstream>
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

// Returns the error that a call throws; "none" if it throws none.
std::string error_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const wirelab::Error& error) {
        return error.what();
    }
    return "none";
}

void expect_equal(Stage& stage, const std::string& got, const std::string& expected) {
    stage.expect(got == expected, expected, got);
}

// While this lives, std::cin and std::cerr are these texts.
class Typist {
public:
    explicit Typist(const std::string& typed) : typed_{typed} {}
    ~Typist() {
        std::cin.rdbuf(cin_);
        std::cerr.rdbuf(cerr_);
    }
    Typist(const Typist&) = delete;
    Typist& operator=(const Typist&) = delete;
    std::string shown() const { return shown_.str(); }

private:
    std::istringstream typed_;
    std::ostringstream shown_;
    std::streambuf* cin_ = std::cin.rdbuf(typed_.rdbuf());
    std::streambuf* cerr_ = std::cerr.rdbuf(shown_.rdbuf());
};

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

TEST_CASE("An interface is found by its name or by one of its addresses", "[common][interfaces]") {
    if (!have_command("ip")) return skip("ip is not installed");
    in_private_network([] {
        Stage stage{"common"};
        make_interfaces(stage);
        const auto found = [](const std::string& text) {
            const wirelab::Interface interface = wirelab::find_interface(text);
            return interface.name + " " + (interface.ipv4 ? interface.ipv4->to_string() : "-");
        };
        expect_equal(stage, found("up1"), "up1 10.1.2.3");
        expect_equal(stage, found("10.1.2.3"), "up1 10.1.2.3");
        expect_equal(stage, found("169.254.7.7"), "up1 169.254.7.7");
        expect_equal(stage, found("2001:db8::7"), "up1 10.1.2.3");
        expect_equal(stage, found("down2"), "down2 -");
        expect_equal(stage, found("::1"), "lo 127.0.0.1");

        const auto error = [](const std::string& text) {
            return error_of([&text] { wirelab::find_interface(text); });
        };
        expect_equal(stage, error("eth77"), "cannot use the interface eth77: No such device");
        expect_equal(stage, error("10.7.7.7"),
                     "cannot use the interface 10.7.7.7: Cannot assign requested address");
        expect_equal(stage, error_of([] { wirelab::find_interface("down2").address(); }),
                     "cannot use the interface down2: it has no IPv4 address");
    });
}

TEST_CASE("Asked for an interface a person answers with its number or name or address",
          "[common][interfaces]") {
    if (!have_command("ip")) return skip("ip is not installed");
    in_private_network([] {
        Stage stage{"common"};
        ip(stage, {"link", "add", "up1", "type", "veth", "peer", "name", "up2"});
        ip(stage, {"addr", "add", "10.1.2.3/24", "dev", "up1"});
        const auto answer = [&stage](const std::string& typed, const std::string& name) {
            Typist typist{typed};
            const std::string found = wirelab::find_interface("ask").name;
            expect_equal(stage, found, name);
            return typist.shown();
        };
        const std::string shown = answer("2\n", "up1");
        stage.expect(shown.find("  2  up1  10.1.2.3/24 ") != std::string::npos &&
                         shown.find("broadcast,multicast\n") != std::string::npos &&
                         shown.ends_with("\ninterface: "),
                     "a numbered list and a question", shown);
        answer("up1\n", "up1");
        answer("10.1.2.3\n", "up1");
        answer("7\nnone\nask\n\n1\n", "lo");
        Typist typist{"0\n"};
        expect_equal(stage, error_of([] { wirelab::find_interface("ask"); }),
                     "--interface ask: no answer");
    });
}

TEST_CASE("The interface towards a group is the one of its route", "[common][interfaces]") {
    if (!have_command("ip")) return skip("ip is not installed");
    in_private_network([] {
        Stage stage{"common"};
        const auto towards = [](const std::string& group) {
            return wirelab::interface_towards(make_address(group)).name;
        };
        expect_equal(stage, error_of([&towards] { towards("224.1.2.3"); }),
                     "cannot find an interface for 224.1.2.3: Network is unreachable");
        make_interfaces(stage);
        ip(stage, {"route", "add", "default", "dev", "up2"});
        ip(stage, {"route", "add", "239.0.0.0/8", "dev", "up1"});
        expect_equal(stage, towards("224.1.2.3"), "up2");
        expect_equal(stage, towards("239.1.2.3"), "up1");
        expect_equal(stage, towards("ff02::1234%up1"), "up1");  // it says so itself

        ip(stage, {"addr", "add", "10.3.3.3/24", "dev", "up2", "label", "up2:1"});
        expect_equal(stage, wirelab::find_interface("10.3.3.3").name, "up2");
        ip(stage, {"-6", "route", "add", "ff05::/16", "dev", "up1", "table", "local"});
        expect_equal(stage, towards("ff05::1"), "up1");

        const wirelab::Interface up1 = wirelab::find_interface("up1");
        const auto scoped = [&up1](const std::string& text) {
            return wirelab::with_scope(make_address(text), up1).to_string();
        };
        expect_equal(stage, scoped("ff02::1234"), "ff02::1234%up1");
        expect_equal(stage, scoped("fe80::1"), "fe80::1%up1");
        expect_equal(stage, scoped("ff05::1234"), "ff05::1234");
        expect_equal(stage, scoped("224.1.2.3"), "224.1.2.3");
        expect_equal(stage, error_of([&scoped] { scoped("ff02::1234%lo"); }),
                     "ff02::1234%lo: is not on the interface up1");
    });
}
