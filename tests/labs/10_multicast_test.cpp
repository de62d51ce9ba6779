// Lab 10: the contract of multicast_sender and multicast_receiver, from outside. Everything runs in
// private networks and classrooms, even what stays on lo.
#include "harness/capture.hpp"
#include "harness/catch.hpp"
#include "harness/classroom.hpp"
#include "harness/datagrams.hpp"
#include "harness/process.hpp"
#include "harness/rules.hpp"
#include "harness/stage.hpp"

#include <boost/asio/ip/address_v4.hpp>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace harness;

namespace {

const std::string lab = "10_multicast";
const std::string group = "224.202.20.30";
const std::string twin = "225.74.20.30";  // another group with the same Ethernet address
const std::string port = "54321";
const std::string greeting = "hello world";

const std::string whole_group =
    "bind the socket to the group's address: bound to 0.0.0.0 it hears every group on the machine "
    "(step 3)";
const std::string own_interface =
    "give the interface to join_group: without it the system takes the one that the routes name "
    "(step 4)";
const std::string shared_port =
    "several programs may share a port: set reuse_address before bind (step 3)";
const std::string both_families =
    "to_v4() of an IPv6 group throws, and IPv6 takes the interface's index: one call for each "
    "family (step 4)";
const std::string right_behind =
    "look at interrupt.happened() right behind receive_from, before anything is printed (step 5)";
const std::string leave_as_joined =
    "it takes leave_group, with the group and the interface of step 4: \"Address already in use\" "
    "comes from a second join_group, \"Cannot assign requested address\" from another interface "
    "(step 6)";
const std::string outbound =
    "outbound_interface chooses where datagrams to groups leave: for IPv4 it takes one of the "
    "interface's addresses, interface.address(); a number alone chooses for IPv6 (step 2)";
const std::string outbound_v6 =
    "outbound_interface takes the interface's number for IPv6, interface.index; an address alone "
    "chooses for IPv4 (step 2)";
const std::string hops =
    "datagrams to groups have a time to live of their own: multicast::hops, handed to "
    "socket.set_option with ttl (step 1)";
const std::string any_size = "a datagram may be empty, and may have up to 65507 bytes";
const std::string one_line_each = "each datagram is printed when it comes, and flushed";

// Begins a pattern for a line that does not speak of a step that is not done yet.
const std::string no_todo = "(?!.*TODO [0-9]+ is not done)";

// In a pattern, a dot that is a dot.
std::string exactly(const std::string& text) {
    return std::regex_replace(text, std::regex{R"([.\[\]])"}, R"(\$&)");
}

// --- the machines

// A machine without any LAN, on which groups go by lo.
void on_loopback(const std::function<void(Stage&)>& body) {
    if (!have_command("ip")) return skip("ip is not installed");
    in_private_network([&] {
        Stage stage{lab};
        const std::vector<std::string> route{"route", "add", "224.0.0.0/4", "dev",
                                             "lo",    "src", "127.0.0.1"};
        stage.start_command("ip", route).expect_exit(0);
        body(stage);
    });
}

// A machine with two interfaces, 10.1.0.1 on eth0 and 10.2.0.1 on eth1. Groups go by eth0 unless it
// is told otherwise, those that begin with 239 by eth1.
void on_two_networks(const std::function<void(Stage&)>& body) {
    if (!have_command("ip")) return skip("ip is not installed");
    in_private_network([&] {
        Stage stage{lab};
        std::string links;
        for (const std::string number : {"0", "1"}) {
            const std::string interface = "eth" + number;
            const std::string cable = "cable" + number;
            const std::string network = std::to_string(std::stoi(number) + 1);
            links += "link add " + interface + " type veth peer name " + cable + "\n";
            for (const std::string& link : {interface, cable}) {
                links += "link set " + link + " addrgenmode none\n";
            }
            links += "address add 10." + network + ".0.1/24 dev " + interface + "\n";
            if (have_ipv6()) {
                links += "address add fe80::" + network + "/64 nodad dev " + interface + "\n";
            }
            for (const std::string& link : {interface, cable}) {
                links += "link set " + link + " up\n";
            }
        }
        links += "route add default dev eth0\nroute add 239.0.0.0/8 dev eth1\n";
        stage.write_file("links", links);
        Process& ip = stage.start_command("ip", {"-batch", "links"});
        stage.wait_until([&] { return ip.ended(); });
        if (ip.state() != "ended with status 0") return skip("no veth here: " + ip.errors());
        // A link takes a moment before it passes anything on, and an IPv6 address before it has its
        // own route.
        std::string wait =
            "until test $(ip -brief link show | grep -c ' UP ') = 4; do sleep 0.01; done";
        if (have_ipv6()) {
            wait +=
                "\nuntil test $(ip -6 route show table local | grep -c '^local fe80:') = 2; "
                "do sleep 0.01; done";
        }
        stage.start_command("sh", {"-c", wait}).expect_exit(0);
        body(stage);
    });
}

// A member of the default group on the default port, played by the test.
DatagramPeer& member_on(Stage& stage, const std::string& interface,
                        const std::string& joined = group, const std::string& at = port) {
    DatagramPeer& member = stage.datagrams("0.0.0.0", at);
    member.join(joined, interface);
    return member;
}

// The IPv4 groups that an interface is a member of, as the system knows them (/proc/net/igmp): four
// bytes each, as one number in this machine's byte order.
std::vector<std::string> groups_of(const std::string& interface) {
    std::ifstream file{"/proc/thread-self/net/igmp"};
    std::vector<std::string> groups;
    bool here = false;
    std::string line;
    for (std::getline(file, line); std::getline(file, line);) {
        std::istringstream columns{line};
        std::string first;
        std::string name;
        columns >> first >> name;
        if (!line.starts_with('\t')) {
            here = name == interface;
        } else if (here) {
            const auto number = static_cast<std::uint32_t>(std::stoul(first, nullptr, 16));
            boost::asio::ip::address_v4::bytes_type bytes;
            std::memcpy(bytes.data(), &number, bytes.size());
            groups.push_back(boost::asio::ip::address_v4{bytes}.to_string());
        }
    }
    return groups;
}

bool is_member(const std::string& interface, const std::string& joined) {
    const auto groups = groups_of(interface);
    return std::ranges::find(groups, joined) != groups.end();
}

void expect_member(Stage& stage, const std::string& interface, bool expected,
                   const std::string& joined = group) {
    const bool member = is_member(interface, joined);
    const std::string is = interface + " is a member of " + joined + " (/proc/net/igmp)";
    const std::string is_not = interface + " is no member of " + joined + " (/proc/net/igmp)";
    stage.expect(member == expected, expected ? is : is_not, member ? is : is_not,
                 expected ? own_interface : "a member leaves with leave_group, or when it ends");
}

Capture::Predicate is_to(const std::string& destination) {
    return [destination](const Frame& frame) {
        return frame.protocol == "UDP" && frame.destination == destination;
    };
}

// Reads the list that `ask` shows, and returns the number before an interface's address.
std::string number_in_list(Stage& stage, const Process& program, const std::string& interface,
                           const std::string& address) {
    const std::string prompt = "interface: ";
    stage.wait_until(
        [&] { return program.errors().find(prompt) != std::string::npos || program.ended(); });
    std::istringstream lines{program.errors()};
    const std::regex entry{R"(\W*([0-9]+)\W+)" + interface + R"(\W.*)" + exactly(address) + "/.*"};
    std::smatch match;
    for (std::string line; std::getline(lines, line);) {
        if (std::regex_match(line, match, entry)) return match[1];
    }
    stage.expect(false,
                 "on stderr a numbered list, with a line for " + interface + " and " + address +
                     ", and then the question " + quote(prompt),
                 quote(program.errors()));
    return "";
}

// The end of stdin at the question is wrong usage.
void expect_no_answer_is_wrong_usage(Stage& stage, const std::string& program) {
    Process& silent = stage.start(program, {"--interface", "ask"});
    silent.end_input();
    stage.wait_until([&] { return silent.ended(); });
    stage.expect(silent.state() == "ended with status 2", "no answer is wrong usage, status 2",
                 silent.state());
    const std::string pointer = "(try '" + program + " --help')\n";
    stage.expect(silent.errors().ends_with(pointer), "the last line ends with " + quote(pointer),
                 quote(silent.errors()));
}

// Options that both programs have, with values that are none.
void expect_wrong_usage(Stage& stage, const std::string& program) {
    expect_usage_error(stage, program, {"--colour"}, "--colour");
    expect_usage_error(stage, program, {"--gr", group}, "--gr");
    expect_usage_error(stage, program, {"--port"}, "--port");
    expect_usage_error(stage, program, {"extra"}, "extra");
    expect_usage_error(stage, program, {"\x1b[2J"}, R"(\x1b[2J)");
    for (const std::string value : {"-1", "65536", "abc", "1.5", ""}) {
        expect_usage_error(stage, program, {"--port=" + value}, "--port");
    }
    for (const std::string value : {"-1", "1.5", "ten", ""}) {
        expect_usage_error(stage, program, {"--count=" + value}, "--count");
    }
}

// The groups are those from 224.0.0.0 to 239.255.255.255, and ff00::/8.
void expect_only_groups(Stage& stage, const std::string& program) {
    for (const std::string address :
         {"10.0.0.1", "223.255.255.255", "240.0.0.0", "255.255.255.255", "0.0.0.0", "fe80::1",
          "::", "::ffff:224.0.0.1", "224.202.20", "all-hosts", ""}) {
        expect_usage_error(stage, program, {"--group=" + address}, "--group");
    }
}

// --- multicast_sender

Process& sender(Stage& stage, std::vector<std::string> options, const StartOptions& start = {}) {
    options.insert(options.end(), {"--interval", "0"});
    return stage.start("multicast_sender", options, start);
}

std::string sent(std::size_t size, const std::string& to = group, const std::string& at = port) {
    return "sent " + std::to_string(size) + " bytes to " + to + ":" + at;
}

// The proof that a sender does its job (step 1), for test cases about how it behaves otherwise.
void expect_sender_works(Stage& stage, const std::vector<std::string>& options = {"--count=1"}) {
    DatagramPeer& member = member_on(stage, "lo");
    Process& program = sender(stage, options);
    program.expect_line(sent(greeting.size()));
    member.expect_datagram(greeting);
    program.expect_exit(0);
}

struct Wires {
    Capture& eth0;
    Capture& eth1;
};

Wires both_wires(Stage& stage) {
    return {stage.capture("eth0"), stage.capture("eth1")};
}

// Expects that what the sender sends with these options goes out through this interface alone.
void expect_way(Stage& stage, const Wires& wires, const std::vector<std::string>& options,
                const std::string& interface, const std::string& to = group,
                const std::string& answer = "") {
    Capture& right = interface == "eth0" ? wires.eth0 : wires.eth1;
    Capture& wrong = interface == "eth0" ? wires.eth1 : wires.eth0;
    Process& program = sender(stage, options);
    if (!answer.empty()) {
        const std::string number = number_in_list(stage, program, interface, answer);
        program.type("nosuch\n");
        program.type(number + "\n");
    }
    program.expect_line(sent(greeting.size(), to), outbound);
    const Frame frame = right.expect_frame("a datagram to " + to, is_to(to), outbound);
    const std::string address = interface == "eth0" ? "10.1.0.1" : "10.2.0.1";
    stage.expect(frame.source == address, "it comes from " + address, frame.text(), outbound);
    wrong.expect_no_frame("a datagram to " + to, is_to(to), outbound);
    program.expect_exit(0);
}

// --- multicast_receiver

struct ReceiverScene {
    Process& receiver;
    std::string port;
};

ReceiverScene joined_receiver(Stage& stage, const std::string& interface,
                              std::vector<std::string> options = {},
                              const StartOptions& start = {}) {
    options.insert(options.begin(), {"--port", "0"});
    Process& receiver = stage.start("multicast_receiver", options, start);
    const ReceiverScene scene{receiver, receiver.expect_listening(group)};
    receiver.expect_line("joined " + group + " on " + interface);
    return scene;
}

// IPv6 groups on eth1, and how a receiver is told to join them there.
const std::vector<std::vector<std::string>> choices_v6{
    {"ff02::99", "--interface", "eth1"}, {"ff05::1:2:3", "--interface", "eth1"}, {"ff02::99%eth1"}};

ReceiverScene joined_receiver_v6(Stage& stage, const std::vector<std::string>& choice) {
    std::vector<std::string> arguments{"--port", "0", "--group"};
    arguments.insert(arguments.end(), choice.begin(), choice.end());
    Process& receiver = stage.start("multicast_receiver", arguments);
    const std::string to = choice.front().substr(0, choice.front().find('%'));
    const std::string line =
        receiver.expect_line_like(R"(listening on \[)" + to + R"((%[^\]]+)?\]:[1-9][0-9]*)",
                                  "that it listens on [" + to + "]:PORT", both_families);
    receiver.expect_line_like("joined " + to + "(%[^ ]+)? on eth1",
                              "the line that it has joined " + to + " on eth1", both_families);
    return {receiver, line.substr(line.rfind(':') + 1)};
}

// Somebody who talks to groups, through this interface.
DatagramPeer& voice_on(Stage& stage, const std::string& interface = "lo",
                       const std::string& address = "127.0.0.1") {
    return stage.datagrams(address, "0", {.interface = interface});
}

std::string received(std::string_view bytes, const std::string& from, const std::string& shown) {
    return "received " + std::to_string(bytes.size()) + " bytes from " + from + ": " + shown;
}

void expect_heard(const ReceiverScene& scene, const DatagramPeer& voice, const std::string& bytes,
                  std::string_view cause = "") {
    scene.receiver.expect_line(received(bytes, voice.endpoint(), bytes), cause);
}

void say(DatagramPeer& voice, const ReceiverScene& scene, const std::string& bytes,
         std::string_view cause = "") {
    voice.send_to(bytes, group, scene.port);
    expect_heard(scene, voice, bytes, cause);
}

void expect_left(Process& receiver, std::string_view cause = leave_as_joined) {
    receiver.expect_line("left " + group, cause);
}

// The proof that a receiver does its job as soon as it can join (step 4). It has a stage of its
// own: what such a receiver says of steps to come must not end the waits of the test case.
void expect_receiver_joins() {
    Stage stage{lab};
    joined_receiver(stage, "lo");
}

// An end of a pipe that the test does not read on, as a program's stdout.
class Pipe {
public:
    explicit Pipe(Stage& stage) : stage_{stage}, path_{stage.path("pipe")} {
        const bool made = ::mkfifo(path_.c_str(), 0600) == 0;
        end_ = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (!made || end_ < 0) fail("the test can't make a pipe");
        ::fcntl(end_, F_SETPIPE_SZ, 4096);
    }
    ~Pipe() { close(); }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    // Reads until this line has come.
    void expect_line(const std::string& line) {
        std::string text;
        const auto come = [&] {
            char byte = 0;
            while (::read(end_, &byte, 1) == 1) text += byte;
            return text.ends_with(line + "\n");
        };
        stage_.expect(wait_for(come), "the line " + quote(line), quote(text));
    }
    bool becomes_full() {
        return wait_for([&] { return waiting() == size(); });
    }
    int size() const { return ::fcntl(end_, F_GETPIPE_SZ); }
    int waiting() const {
        int bytes = 0;
        ::ioctl(end_, FIONREAD, &bytes);
        return bytes;
    }
    const std::string& path() const { return path_; }
    void close() {
        if (end_ >= 0) ::close(end_);
        end_ = -1;
    }

private:
    bool wait_for(const std::function<bool()>& condition) {
        for (const auto start = Clock::now(); Clock::now() - start < patience();) {
            if (condition()) return true;
            if (stage_.programs_ended()) return condition();
            stage_.pass_time(0.005);
        }
        return false;
    }

    Stage& stage_;
    std::string path_;
    int end_ = -1;
};

}  // namespace

// --- multicast_sender, step 1: the time to live ----------------------------------------------

TEST_CASE("The sender sends hello world to 224.202.20.30 port 54321 when it is told nothing else",
          "[10_multicast][multicast_sender][step:1][points:2]") {
    on_loopback([](Stage& stage) {
        DatagramPeer& member = member_on(stage, "lo");
        const auto start = Clock::now();
        Process& program = stage.start("multicast_sender");
        program.expect_line("sent 11 bytes to 224.202.20.30:54321");
        member.expect_datagram("hello world", "the message alone: no newline, no NUL behind it");
        program.expect_line("sent 11 bytes to 224.202.20.30:54321");
        stage.expect_at_least(Clock::now() - start, 2, "the pause between two datagrams");
        member.expect_datagram("hello world");
        program.expect_running("without a count it sends for ever");
    });
}

TEST_CASE("The sender sends the message that it is told to the group and port that it is told",
          "[10_multicast][multicast_sender][step:1][points:1]") {
    on_loopback([](Stage& stage) {
        DatagramPeer& member = member_on(stage, "lo", "239.1.2.3", "4000");
        for (const std::string message : {"good morning", "", "a\nb\x1b[2J\xff"}) {
            Process& program = sender(
                stage, {"--group=239.1.2.3", "--port=4000", "--count=1", "--message=" + message});
            program.expect_line(sent(message.size(), "239.1.2.3", "4000"));
            member.expect_datagram(message, "the message goes out as it is");
            program.expect_exit(0);
        }
    });
}

TEST_CASE("The sender sends as often as it is told with the pause that it is told",
          "[10_multicast][multicast_sender][step:1][points:1]") {
    on_loopback([](Stage& stage) {
        DatagramPeer& member = member_on(stage, "lo");
        const auto start = Clock::now();
        Process& slow =
            stage.start("multicast_sender", {"--count", "3", "--interval", "0.2", "--message=s"});
        for (int i = 0; i < 3; ++i) slow.expect_line(sent(1));
        slow.expect_exit(0);
        stage.expect_at_least(Clock::now() - start, 0.4, "two pauses between three datagrams");
        for (int i = 0; i < 3; ++i) member.expect_datagram("s");
        Process& once =
            stage.start("multicast_sender", {"--count=1", "--interval=600", "--message=o"});
        once.expect_line(sent(1));
        once.expect_exit(0, "behind the last datagram there is nothing to wait for");
        member.expect_datagram("o");
        Process& fast =
            stage.start("multicast_sender", {"--count=50", "--interval=0", "--message=f"});
        for (int i = 0; i < 50; ++i) fast.expect_line(sent(1));
        fast.expect_exit(0);
        for (int i = 0; i < 50; ++i) member.expect_datagram("f");
        member.expect_no_datagram("it sends more often than it is told");
        Process& endless = stage.start("multicast_sender", {"--count=0", "--interval=0.01"});
        for (int i = 0; i < 25; ++i) endless.expect_line(sent(greeting.size()), "0 is for ever");
        endless.expect_running("0 is for ever");
    });
}

TEST_CASE("The datagrams of the sender live for one network unless it is told otherwise",
          "[10_multicast][multicast_sender][step:1][points:2]") {
    on_two_networks([](Stage& stage) {
        Capture& wire = stage.capture("eth0");
        const auto expect_ttl = [&](const std::vector<std::string>& options, int ttl) {
            Process& program = sender(stage, options);
            program.expect_line(sent(greeting.size()));
            const Frame frame = wire.expect_frame("a datagram to " + group, is_to(group));
            stage.expect(frame.ttl == ttl, "a time to live of " + std::to_string(ttl), frame.text(),
                         hops);
            program.expect_exit(0);
            wire.forget();
        };
        expect_ttl({"--count=1"}, 1);
        expect_ttl({"--count=1", "--ttl", "5"}, 5);
        expect_ttl({"--count=1", "--ttl=255"}, 255);
    });
}

TEST_CASE("Datagrams with a time to live of 0 stay on the machine of the sender",
          "[10_multicast][multicast_sender][step:1][points:1]") {
    on_two_networks([](Stage& stage) {
        Capture& wire = stage.capture("eth0");
        DatagramPeer& member = member_on(stage, "eth0");
        Process& program = sender(stage, {"--count=1", "--ttl=0", "--message=stay"});
        program.expect_line(sent(4));
        program.expect_exit(0);
        member.expect_datagram("stay", "members on this machine hear it all the same");
        Process& other = sender(stage, {"--count=1", "--message=go"});
        other.expect_line(sent(2));
        const Frame first = wire.expect_frame("a datagram to " + group, is_to(group));
        stage.expect(first.payload == "go", "the first has a time to live of 1", first.text(),
                     hops);
        other.expect_exit(0);
    });
}

TEST_CASE("Members on the machine of the sender hear it too",
          "[10_multicast][multicast_sender][step:1][points:1]") {
    on_two_networks([](Stage& stage) {
        DatagramPeer& first = member_on(stage, "eth0");
        DatagramPeer& second = member_on(stage, "eth0");
        Process& program = sender(stage, {"--count=2"});
        for (int i = 0; i < 2; ++i) {
            program.expect_line(sent(greeting.size()));
            for (DatagramPeer* member : {&first, &second}) {
                const Datagram datagram = member->expect_datagram(
                    greeting, "enable_loopback brings datagrams to members on the same machine");
                stage.expect(datagram.address == "10.1.0.1" && datagram.destination == group,
                             "from 10.1.0.1 to " + group,
                             "from " + datagram.address + " to " + datagram.destination);
            }
        }
        program.expect_exit(0);
    });
}

TEST_CASE("The frames of the sender have the Ethernet address that belongs to the group",
          "[10_multicast][multicast_sender][step:1][points:1]") {
    on_two_networks([](Stage& stage) {
        Capture& wire = stage.capture("eth0");
        // 01:00:5e and the group's last 23 bits, as lab 01's subnet prints it: two share the first.
        for (const auto& [to, address] : {std::pair{group, "01:00:5e:4a:14:1e"},
                                          {twin, "01:00:5e:4a:14:1e"},
                                          {"238.255.255.250", "01:00:5e:7f:ff:fa"},
                                          {"232.128.0.1", "01:00:5e:00:00:01"}}) {
            Process& program = sender(stage, {"--count=1", "--group=" + to});
            program.expect_line(sent(greeting.size(), to));
            const Frame frame = wire.expect_frame("a datagram to " + to, is_to(to));
            stage.expect(frame.ethernet_destination == address,
                         std::string{"a frame to "} + address, frame.text());
            program.expect_exit(0);
        }
    });
}

TEST_CASE("The sender sends messages of every size up to 65507 bytes and reports a longer one",
          "[10_multicast][multicast_sender][step:1][points:1]") {
    on_loopback([](Stage& stage) {
        DatagramPeer& member = member_on(stage, "lo");
        for (const std::size_t size : {0U, 1U, 1472U, 1473U, 9000U, 65507U}) {
            const std::string message(size, 'm');
            Process& program = sender(stage, {"--count=1", "--message", message});
            program.expect_line(sent(size));
            member.expect_datagram(message, any_size);
            program.expect_exit(0);
        }
        Process& program = sender(stage, {"--count=2", "--message", std::string(65508, 'm')});
        program.expect_error_like(
            "multicast_sender: .*224\\.202\\.20\\.30:54321: Message too long.*",
            "one line that names 224.202.20.30:54321, and the system's reason");
        program.expect_exit(1, "what can't be sent is a failure");
    });
}

TEST_CASE("The sender reports that no route leads to the group",
          "[10_multicast][multicast_sender][step:1][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        Process& program = sender(stage, {"--count=2"});
        program.expect_error_like(
            "multicast_sender: .*224\\.202\\.20\\.30:54321: Network is unreachable.*",
            "one line that names 224.202.20.30:54321, and the system's reason");
        program.expect_exit(1, "what can't be sent is a failure");
    });
}

TEST_CASE("The sender ends at once when it is interrupted in a pause or while it sends",
          "[10_multicast][multicast_sender][step:1][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        for (const std::string interval : {"600", "0"}) {
            on_loopback([&](Stage& stage) {
                Process& program =
                    stage.start("multicast_sender", {"--message=m", "--interval", interval});
                program.expect_line(sent(1));
                program.signal(signal);
                program.expect_end_by(signal);
            });
        }
    }
}

TEST_CASE("A sender that works explains itself and refuses wrong usage",
          "[10_multicast][multicast_sender][step:1][points:1]") {
    on_loopback([](Stage& stage) {
        expect_sender_works(stage);
        const std::string program = "multicast_sender";
        expect_help(stage, program,
                    {{"--group ADDRESS", group},
                     {"--port PORT", "54321"},
                     {"--interface NAME", "none"},
                     {"--ttl N", "1"},
                     {"--message TEXT", "hello world"},
                     {"--interval SECONDS", "2"},
                     {"--count N", "0"},
                     {"--log FILE", "none"},
                     {"--help", ""}});
        expect_wrong_usage(stage, program);
        expect_only_groups(stage, program);
        expect_usage_error(stage, program, {"--port=0"}, "--port");
        for (const std::string value : {"256", "-1", "1.5", "far", ""}) {
            expect_usage_error(stage, program, {"--ttl", value}, "--ttl");
        }
        for (const std::string value : {"-1", "soon", "1s", "nan", ""}) {
            expect_usage_error(stage, program, {"--interval=" + value}, "--interval");
        }
    });
}

TEST_CASE("A sender that works reports that its output can't be written",
          "[10_multicast][multicast_sender][step:1][points:1]") {
    on_loopback([](Stage& stage) {
        expect_sender_works(stage);
        for (const StartOptions& options :
             {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
            Process& program = sender(stage, {}, options);
            program.expect_error_like("multicast_sender: " + no_todo + ".+: .+",
                                      "one line on stderr");
            program.expect_exit(1);
        }
    });
}

TEST_CASE("The sender writes a log of whole lines when asked",
          "[10_multicast][multicast_sender][step:1][points:1]") {
    on_loopback([](Stage& stage) {
        expect_sender_works(stage, {"--count=1", "--log", "sender\x1b[31m.log"});
        expect_log(stage, "sender\x1b[31m.log");
        const std::string log = stage.read_file("sender\x1b[31m.log");
        stage.expect(log.find('\x1b') == std::string::npos, "arguments made printable in the log",
                     quote(log));
    });
}

TEST_CASE("All members on a LAN hear the sender and the others do not",
          "[10_multicast][multicast_sender][step:1][points:1]") {
    in_classroom(lab, {.hosts = 3}, [](Stage& stage, Classroom& classroom) {
        Capture& wire = classroom.capture("h2");
        DatagramPeer& here = classroom.datagrams("h1", port);
        DatagramPeer& there = classroom.datagrams("h2", port);
        DatagramPeer& stranger = classroom.datagrams("h3", port);
        here.join(group, "eth0");
        there.join(group, "eth0");
        stranger.join("224.202.20.31", "eth0");
        Process& program =
            classroom.start("h1", "multicast_sender", {"--count=1", "--message=good morning"});
        program.expect_line(sent(12));
        const Datagram datagram = there.expect_datagram("good morning");
        stage.expect(datagram.address == "10.0.0.1" && datagram.ttl == 1,
                     "from 10.0.0.1, with a time to live of 1",
                     datagram.sender + ", " + std::to_string(datagram.ttl), hops);
        here.expect_datagram("good morning");
        const Frame frame = wire.expect_frame("the datagram", is_to(group));
        stage.expect(frame.ethernet_destination == "01:00:5e:4a:14:1e",
                     "a frame to 01:00:5e:4a:14:1e", frame.text());
        program.expect_exit(0);
        there.send_to("so that all has come", classroom.address("h3"), port);
        stranger.expect_datagram("so that all has come");
        stranger.expect_no_datagram("who is no member hears nothing: send to the group alone");
    });
}

// --- multicast_sender, step 2: the interface -------------------------------------------------

TEST_CASE("The sender sends through the interface that the routes name unless it is told one",
          "[10_multicast][multicast_sender][step:2][points:2]") {
    on_two_networks([](Stage& stage) {
        const Wires wires = both_wires(stage);
        expect_way(stage, wires, {"--count=1"}, "eth0");
        expect_way(stage, wires, {"--count=1", "--group=239.1.2.3"}, "eth1", "239.1.2.3");
        expect_way(stage, wires, {"--count=1", "--interface", "eth1", "--group=224.202.20.31"},
                   "eth1", "224.202.20.31");
        expect_way(stage, wires, {"--count=1", "--interface=eth0", "--group=239.1.2.4"}, "eth0",
                   "239.1.2.4");
        expect_way(stage, wires, {"--count=1", "--interface", "10.2.0.1", "--group=224.202.20.32"},
                   "eth1", "224.202.20.32");
    });
}

TEST_CASE("The sender shows the interfaces and asks for one",
          "[10_multicast][multicast_sender][step:2][points:1]") {
    on_two_networks([](Stage& stage) {
        expect_way(stage, both_wires(stage), {"--count=1", "--interface", "ask"}, "eth1", group,
                   "10.2.0.1");
        expect_no_answer_is_wrong_usage(stage, "multicast_sender");
    });
}

TEST_CASE("A sender that works reports an interface that does not exist",
          "[10_multicast][multicast_sender][step:2][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        expect_sender_works(stage, {"--count=1", "--interface=127.0.0.1"});
        for (const std::string interface : {"nosuch0", "10.9.8.7"}) {
            Process& program = sender(stage, {"--count=1", "--interface", interface});
            program.expect_error_like("multicast_sender: .*" + exactly(interface) + ".*: .+",
                                      "one line that names " + interface);
            program.expect_exit(1, "what is not there now may be there tomorrow: no wrong usage");
        }
    });
}

TEST_CASE("The sender sends to IPv6 groups through the interface that it is told",
          "[10_multicast][multicast_sender][step:2][points:2]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    on_two_networks([](Stage& stage) {
        struct Way {
            std::vector<std::string> options;
            std::string group;
            std::string ethernet_address;
            int ttl = 1;
        };
        const auto& [wrong, wire] = both_wires(stage);
        for (const Way& way : {
                 Way{{"--group=ff02::99", "--interface=eth1"}, "ff02::99", "33:33:00:00:00:99"},
                 Way{{"--group=ff02::9a%eth1"}, "ff02::9a", "33:33:00:00:00:9a"},
                 Way{{"--group=ff05::1:2:3", "--interface=eth1", "--ttl=5"},
                     "ff05::1:2:3",
                     "33:33:00:02:00:03",
                     5},
                 Way{{"--group=ff02::9b", "--interface=fe80::2"}, "ff02::9b", "33:33:00:00:00:9b"},
             }) {
            std::vector<std::string> options = way.options;
            options.emplace_back("--count=1");
            Process& program = sender(stage, options);
            program.expect_line_like(
                R"(sent 11 bytes to \[)" + exactly(way.group) + R"((%[^\]]+)?\]:54321)",
                "the line that 11 bytes are sent to [" + way.group + "]:54321", outbound_v6);
            const Frame frame =
                wire.expect_frame("a datagram to " + way.group, is_to(way.group), outbound_v6);
            stage.expect(frame.ethernet_destination == way.ethernet_address,
                         "a frame to " + way.ethernet_address, frame.text());
            stage.expect(frame.ttl == way.ttl, "a hop limit of " + std::to_string(way.ttl),
                         frame.text(), hops);
            wrong.expect_no_frame("a datagram to " + way.group, is_to(way.group), outbound_v6);
            program.expect_exit(0);
        }
    });
}

// --- multicast_receiver, step 3: bind to the group -------------------------------------------

TEST_CASE("The receiver reports a port that another program has to itself",
          "[10_multicast][multicast_receiver][step:3][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        stage.datagrams("0.0.0.0", port, {.share_port = false});
        Process& receiver = stage.start("multicast_receiver", {"--interface=lo"});
        receiver.expect_error_like(
            "multicast_receiver: .*224\\.202\\.20\\.30:54321: Address already in use",
            "one line that names 224.202.20.30:54321");
        receiver.expect_exit(1);
    });
}

TEST_CASE("The receiver takes the port of its group where others have it too",
          "[10_multicast][multicast_receiver][step:3][points:1]") {
    in_private_network([] {
        const auto expect_bound = [](const std::string& other, const DatagramOptions& options,
                                     std::string_view cause) {
            Stage stage{lab};
            stage.datagrams(other, port, options);
            Process& receiver = stage.start("multicast_receiver", {"--interface=lo"});
            const auto bound = [&] {
                return receiver.output().starts_with("listening on ") ||
                       receiver.errors().find("TODO 4 is not done yet") != std::string::npos;
            };
            stage.wait_until([&] { return bound() || receiver.ended(); });
            stage.expect(bound(), "multicast_receiver comes to step 4, or listens",
                         "it " + receiver.state() + "; on stderr " + quote(receiver.errors()),
                         cause);
        };
        expect_bound(group, {}, shared_port);
        expect_bound("224.202.20.31", {.share_port = false}, whole_group);
    });
}

// --- multicast_receiver, step 4: join --------------------------------------------------------

TEST_CASE("The receiver says where it listens and which group it has joined on which interface",
          "[10_multicast][multicast_receiver][step:4][points:2]") {
    on_two_networks([](Stage& stage) {
        Process& receiver = stage.start("multicast_receiver");
        receiver.expect_line("listening on 224.202.20.30:54321", whole_group);
        receiver.expect_line("joined 224.202.20.30 on eth0",
                             "when it is told no interface it joins on the one that the routes "
                             "name for the group");
        Process& other =
            stage.start("multicast_receiver", {"--group", "239.1.2.3", "--port", "4000"});
        other.expect_line("listening on 239.1.2.3:4000");
        other.expect_line("joined 239.1.2.3 on eth1");
        for (const std::string interface : {"eth1", "10.2.0.1"}) {
            joined_receiver(stage, "eth1", {"--interface", interface});
        }
    });
}

TEST_CASE("The receiver tells its network that it joins the group",
          "[10_multicast][multicast_receiver][step:4][points:2]") {
    on_two_networks([](Stage& stage) {
        Capture& wire = stage.capture("eth1");
        Capture& other = stage.capture("eth0");
        joined_receiver(stage, "eth1", {"--interface", "eth1"});
        // Of a member that has ended by now only the leave may be seen.
        wire.expect_frame(
            "an IGMP report about " + group,
            [](const Frame& frame) {
                return frame.protocol == "IGMP" && (frame.joins(group) || frame.leaves(group));
            },
            "a group is joined with the option join_group, on the interface that was told");
        other.expect_no_frame("an IGMP report about " + group, [](const Frame& frame) {
            return frame.joins(group) || frame.leaves(group);
        });
    });
}

TEST_CASE("The receiver joins IPv6 groups on the interface that it is told",
          "[10_multicast][multicast_receiver][step:4][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    on_two_networks([](Stage& stage) {
        for (const auto& choice : choices_v6) joined_receiver_v6(stage, choice);
    });
}

TEST_CASE("The receiver shows the interfaces and asks for one",
          "[10_multicast][multicast_receiver][step:4][points:1]") {
    on_two_networks([](Stage& stage) {
        expect_no_answer_is_wrong_usage(stage, "multicast_receiver");
        Process& receiver = stage.start("multicast_receiver", {"--interface", "ask"});
        const std::string number = number_in_list(stage, receiver, "eth1", "10.2.0.1");
        receiver.type("nosuch\n");
        receiver.type(number + "\n");
        receiver.expect_listening(group);
        receiver.expect_line("joined " + group + " on eth1");
    });
}

TEST_CASE("A receiver that works reports an interface or a route that does not exist",
          "[10_multicast][multicast_receiver][step:4][points:1]") {
    in_private_network([] {
        Stage joined{lab};
        joined_receiver(joined, "lo", {"--interface=lo"});
        Stage stage{lab};
        Process& lost = stage.start("multicast_receiver");
        lost.expect_error_like("multicast_receiver: " + no_todo + ".+: .+",
                               "one line, with the system's reason, for no route leads anywhere");
        lost.expect_exit(1, "name an interface, or fail: don't take just any");
        for (const std::string interface : {"nosuch0", "10.9.8.7"}) {
            Process& receiver = stage.start("multicast_receiver", {"--interface", interface});
            receiver.expect_error_like("multicast_receiver: .*" + exactly(interface) + ".*: .+",
                                       "one line that names " + interface);
            receiver.expect_exit(1, "what is not there now may be there tomorrow: no wrong usage");
        }
    });
}

TEST_CASE("A receiver that works explains itself and refuses wrong usage",
          "[10_multicast][multicast_receiver][step:4][points:1]") {
    on_loopback([](Stage& stage) {
        expect_receiver_joins();
        const std::string program = "multicast_receiver";
        expect_help(stage, program,
                    {{"--group ADDRESS", group},
                     {"--port PORT", "54321"},
                     {"--interface NAME", "none"},
                     {"--count N", "10"},
                     {"--log FILE", "none"},
                     {"--help", ""}});
        expect_wrong_usage(stage, program);
        expect_only_groups(stage, program);
    });
}

// --- multicast_receiver, step 5: receive -----------------------------------------------------

TEST_CASE("The receiver prints each datagram as soon as it comes with its size and sender",
          "[10_multicast][multicast_receiver][step:5][points:2]") {
    on_loopback([](Stage& stage) {
        const ReceiverScene scene = joined_receiver(stage, "lo");
        DatagramPeer& first = voice_on(stage);
        DatagramPeer& second = voice_on(stage, "lo", "127.0.0.2");
        say(first, scene, "hello", one_line_each);
        say(second, scene, "good morning", "each datagram has a sender of its own");
        say(first, scene, "again");
        scene.receiver.expect_running();
    });
}

TEST_CASE("The receiver prints datagrams of every size whole",
          "[10_multicast][multicast_receiver][step:5][points:2]") {
    on_loopback([](Stage& stage) {
        const ReceiverScene scene = joined_receiver(stage, "lo");
        DatagramPeer& voice = voice_on(stage);
        for (const std::size_t size : {0U, 1U, 1500U, 9000U, 65507U, 0U, 3U}) {
            say(voice, scene, std::string(size, 'd'), any_size);
        }
    });
}

TEST_CASE("The receiver shows hostile bytes as harmless text and good text as it is",
          "[10_multicast][multicast_receiver][step:5][points:2]") {
    on_loopback([](Stage& stage) {
        const ReceiverScene scene = joined_receiver(stage, "lo");
        DatagramPeer& voice = voice_on(stage);
        const auto expect_shown = [&](const std::string& bytes, const std::string& shown) {
            voice.send_to(bytes, group, scene.port);
            scene.receiver.expect_line(received(bytes, voice.endpoint(), shown),
                                       "no peer may drive the terminal: wirelab::printable()");
        };
        expect_shown(all_bytes(), all_bytes_shown());
        expect_shown("two\nlines\r\n", R"(two\x0alines\x0d\x0a)");
        expect_shown("\xc2\x9b" + std::string{"2J"}, R"(\xc2\x9b2J)");
        const std::string good =
            "Gr\xc3\xbc\xc3\x9f"
            "e, \xe2\x82\xac 5, C:\\temp\t\xf0\x9f\x98\x80";
        expect_shown(good, good);
    });
}

TEST_CASE("The receiver hears its group alone where others on the machine have joined other groups",
          "[10_multicast][multicast_receiver][step:5][points:2]") {
    on_loopback([](Stage& stage) {
        const ReceiverScene scene = joined_receiver(stage, "lo");
        DatagramPeer& voice = voice_on(stage);
        for (const std::string& other : {std::string{"224.202.20.31"}, twin}) {
            DatagramPeer& member = member_on(stage, "lo", other, scene.port);
            voice.send_to("for others", other, scene.port);
            member.expect_datagram("for others");
            say(voice, scene, "for you", whole_group);
        }
        voice.send_to("for this machine", "127.0.0.1", scene.port);
        voice.send_to("for all", "127.255.255.255", scene.port);
        say(voice, scene, "for the group", whole_group);
    });
}

TEST_CASE("The receiver hears only what comes in through its interface",
          "[10_multicast][multicast_receiver][step:5][points:2]") {
    on_two_networks([](Stage& stage) {
        const ReceiverScene scene = joined_receiver(stage, "eth1", {"--interface", "eth1"});
        expect_member(stage, "eth1", true);
        expect_member(stage, "eth0", false);
        DatagramPeer& neighbour = member_on(stage, "eth0", group, scene.port);
        DatagramPeer& wrong = voice_on(stage, "eth0", "10.1.0.1");
        DatagramPeer& right = voice_on(stage, "eth1", "10.2.0.1");
        wrong.send_to("through eth0", group, scene.port);
        neighbour.expect_datagram("through eth0");
        say(right, scene, "through eth1",
            "another program has joined the group on eth0: bind the socket to its interface");
    });
}

TEST_CASE("Two receivers of one group on one machine hear the same",
          "[10_multicast][multicast_receiver][step:5][points:1]") {
    on_loopback([](Stage& stage) {
        const ReceiverScene first = joined_receiver(stage, "lo");
        Process& receiver = stage.start("multicast_receiver", {"--port", first.port});
        receiver.expect_line("listening on " + group + ":" + first.port, shared_port);
        receiver.expect_line("joined " + group + " on lo");
        const ReceiverScene second{receiver, first.port};
        DatagramPeer& voice = voice_on(stage);
        for (const std::string bytes : {"one", "two"}) {
            say(voice, first, bytes);
            expect_heard(second, voice, bytes);
        }
    });
}

TEST_CASE("The receiver hears IPv6 groups on the interface that it is told",
          "[10_multicast][multicast_receiver][step:5][points:2]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    on_two_networks([](Stage& stage) {
        for (const std::vector<std::string>& choice : choices_v6) {
            const ReceiverScene scene = joined_receiver_v6(stage, choice);
            const std::string to = choice.front().substr(0, choice.front().find('%'));
            DatagramPeer& voice = stage.datagrams("fe80::2%eth1", "0", {.interface = "eth1"});
            voice.send_to("hello", to + "%eth1", scene.port);
            scene.receiver.expect_line_like(
                R"(received 5 bytes from \[fe80::2(%[^\]]+)?\]:)" + voice.port() + ": hello",
                "the line that 5 bytes came from [fe80::2%eth1]:" + voice.port(),
                "an IPv6 group is joined on an interface by its index (step 4)");
        }
    });
}

TEST_CASE("The receiver hears IPv6 groups on a LAN by their scope or by the routes",
          "[10_multicast][multicast_receiver][step:5][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    in_classroom(lab, {.hosts = 2}, [](Stage&, Classroom& classroom) {
        Capture& wire = classroom.capture("h2");
        DatagramPeer& voice = classroom.datagrams_v6("h1", "0", {.interface = "eth0"});
        for (const auto& [to, joined] :
             {std::pair{"ff02::99%eth0", "ff02::99"}, std::pair{"ff05::1:2:3", "ff05::1:2:3"}}) {
            Process& receiver =
                classroom.start("h2", "multicast_receiver", {"--port", "0", "--group", to});
            const std::string line = receiver.expect_line_like(
                R"(listening on \[)" + std::string{joined} + R"((%[^\]]+)?\]:[1-9][0-9]*)",
                "that it listens on [" + std::string{to} + "]:PORT");
            receiver.expect_line_like(
                "joined " + std::string{joined} + "(%[^ ]+)? on eth0",
                "the line that it has joined " + std::string{joined} + " on eth0");
            wire.expect_join(joined);
            voice.send_to("hello", std::string{joined} + "%eth0", line.substr(line.rfind(':') + 1));
            receiver.expect_line_like(R"(received 5 bytes from \[fe80::[0-9a-f:]+(%[^\]]+)?\]:)" +
                                          voice.port() + ": hello",
                                      "the line that 5 bytes came from h1");
        }
    });
}

TEST_CASE("An interrupt ends the wait of the receiver",
          "[10_multicast][multicast_receiver][step:5][points:1]") {
    on_loopback([](Stage& stage) {
        const ReceiverScene scene = joined_receiver(stage, "lo");
        say(voice_on(stage), scene, "hello");
        Process& receiver = scene.receiver;
        receiver.signal(SIGINT);
        stage.wait_until([&] { return receiver.ended(); });
        // How it ends is a matter of step 6.
        const bool ends = receiver.state().starts_with("ended with status") ||
                          receiver.errors().find("TODO 6 is not done yet") != std::string::npos;
        const bool silent = receiver.output().find("hello\nreceived ") == std::string::npos;
        stage.expect(ends && silent,
                     "multicast_receiver waits no longer, and prints no second datagram, for none "
                     "has come",
                     "it " + receiver.state() + "; on stdout " + quote(receiver.output()),
                     right_behind);
    });
}

TEST_CASE("The receiver ends at once when it is interrupted while nobody reads its output",
          "[10_multicast][multicast_receiver][step:5][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        on_loopback([&](Stage& stage) {
            Pipe pipe{stage};
            Process& receiver =
                stage.start("multicast_receiver", {"--count=0"}, {.stdout_file = pipe.path()});
            pipe.expect_line("joined " + group + " on lo");
            DatagramPeer& voice = voice_on(stage);
            // A line longer than all that the pipe holds.
            voice.send_to(std::string(20000, '\0'), group, port);
            stage.expect(pipe.becomes_full(), "the line of the datagram fills the pipe",
                         std::to_string(pipe.waiting()) + " bytes in it", one_line_each);
            receiver.expect_running();
            receiver.signal(signal);
            receiver.expect_end_by(signal, "who waits for a reader must still end when told to");
        });
    }
}

TEST_CASE("A receiver that works reports that its output can't be written",
          "[10_multicast][multicast_receiver][step:5][points:1]") {
    on_loopback([](Stage& stage) {
        DatagramPeer& voice = voice_on(stage);
        say(voice, joined_receiver(stage, "lo"), "hello");
        for (const StartOptions& options :
             {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
            Process& receiver = stage.start("multicast_receiver", {}, options);
            receiver.expect_error_like("multicast_receiver: " + no_todo + ".+: .+",
                                       "one line on stderr");
            receiver.expect_exit(1);
        }
        Pipe pipe{stage};
        Process& receiver = stage.start("multicast_receiver", {}, {.stdout_file = pipe.path()});
        pipe.expect_line("joined " + group + " on lo");
        pipe.close();
        voice.send_to("nobody reads this", group, port);
        receiver.expect_error_like("multicast_receiver: " + no_todo + ".+: .+",
                                   "one line on stderr");
        receiver.expect_exit(1, "SIGPIPE must not kill it");
    });
}

TEST_CASE("The receiver writes a log of whole lines when asked",
          "[10_multicast][multicast_receiver][step:5][points:1]") {
    on_loopback([](Stage& stage) {
        const std::string before = "[20200101 00:00:00] before:1 - this line was there before\n";
        stage.write_file("receiver.log", before);
        DatagramPeer& voice = voice_on(stage);
        say(voice, joined_receiver(stage, "lo", {"--log", "receiver.log"}), "hello");
        expect_log(stage, "receiver.log");
        const std::string log = stage.read_file("receiver.log");
        stage.expect(log.starts_with(before) && log.size() > before.size(),
                     "new lines behind those that were there", quote(log));
        Process& other = stage.start("multicast_receiver", {"--log", "no/such/folder"});
        other.expect_error_like("multicast_receiver: " + no_todo + ".*no/such/folder.*: .+",
                                "one line that names the log file");
        other.expect_exit(1);
    });
}

// --- multicast_receiver, step 6: leave -------------------------------------------------------

TEST_CASE("The receiver leaves the group after ten datagrams or as many as it is told",
          "[10_multicast][multicast_receiver][step:6][points:2]") {
    on_loopback([](Stage& stage) {
        DatagramPeer& voice = voice_on(stage);
        const auto expect_count = [&](const std::vector<std::string>& options, int count) {
            const ReceiverScene scene = joined_receiver(stage, "lo", options);
            expect_member(stage, "lo", true);
            for (int i = 1; i <= count; ++i) say(voice, scene, std::to_string(i));
            expect_left(scene.receiver, "behind the last datagram it leaves: " + leave_as_joined);
            scene.receiver.expect_exit(0);
            expect_member(stage, "lo", false);
        };
        expect_count({}, 10);
        expect_count({"--count", "1"}, 1);
        expect_count({"--count=12"}, 12);
        const ReceiverScene scene = joined_receiver(stage, "lo", {"--count=0"});
        for (int i = 0; i < 25; ++i) say(voice, scene, std::to_string(i), "0 is for ever");
        scene.receiver.expect_running("0 is for ever");
    });
}

TEST_CASE("The receiver leaves the group when it is interrupted",
          "[10_multicast][multicast_receiver][step:6][points:2]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        for (const bool before : {true, false}) {
            on_loopback([&](Stage& stage) {
                const ReceiverScene scene = joined_receiver(stage, "lo");
                DatagramPeer& voice = voice_on(stage);
                if (!before) say(voice, scene, "hello");
                scene.receiver.signal(signal);
                expect_left(scene.receiver, "an interrupt ends the wait, not the program");
                scene.receiver.expect_end_by(signal);
                expect_member(stage, "lo", false);
            });
        }
    }
}

TEST_CASE("The receiver leaves the group when it is interrupted while datagrams keep coming",
          "[10_multicast][multicast_receiver][step:6][points:1]") {
    if (!have_command("socat")) return skip("socat is not installed");
    on_loopback([](Stage& stage) {
        const ReceiverScene scene = joined_receiver(stage, "lo", {"--count=0"});
        stage.start_command(
            "sh", {"-c", "while sleep 0.005; do echo x || exit; done | socat -u - UDP4-DATAGRAM:" +
                             group + ":" + scene.port});
        scene.receiver.expect_line_like("received .*", "a first datagram");
        scene.receiver.signal(SIGTERM);
        const std::string last = "\nleft " + group + "\n";
        const auto left = [&] { return scene.receiver.output().ends_with(last); };
        stage.wait_until([&] { return scene.receiver.ended(); });
        stage.expect(left(), "multicast_receiver ends with the line \"left " + group + "\"",
                     "it " + scene.receiver.state(),
                     "look after each wait whether it was interrupted");
        scene.receiver.expect_end_by(SIGTERM);
    });
}

TEST_CASE("The receiver has left the group before it says so",
          "[10_multicast][multicast_receiver][step:6][points:1]") {
    on_loopback([](Stage& stage) {
        Pipe pipe{stage};
        Process& receiver =
            stage.start("multicast_receiver", {"--count=1"}, {.stdout_file = pipe.path()});
        pipe.expect_line("joined " + group + " on lo");
        expect_member(stage, "lo", true);
        // A line that fills the pipe to its last byte: the program has to wait in the next one.
        DatagramPeer& voice = voice_on(stage);
        const auto room = static_cast<std::size_t>(pipe.size());
        const std::string full(room, 'm');
        const std::string line = received(full, voice.endpoint(), full) + "\n";
        voice.send_to(full.substr(line.size() - room), group, port);
        stage.expect(pipe.becomes_full(), "the line of the datagram fills the pipe",
                     std::to_string(pipe.waiting()) + " bytes in it", one_line_each);
        const auto start = Clock::now();
        while (is_member("lo", group) && Clock::now() - start < patience()) stage.pass_time(0.005);
        receiver.expect_running("nobody has read its output yet");
        stage.expect(!is_member("lo", group),
                     "lo is no member of " + group +
                         " (/proc/net/igmp) while the program waits to "
                         "print that it has left",
                     "it is a member still",
                     "leave with leave_group: the end of the program comes too late (step 6)");
        pipe.expect_line("left " + group);
        receiver.expect_exit(0);
    });
}

TEST_CASE("The networks see the receiver join and leave the group",
          "[10_multicast][multicast_receiver][step:6][points:2]") {
    on_two_networks([](Stage& stage) {
        Capture& wire = stage.capture("eth1");
        Capture& other = stage.capture("eth0");
        const ReceiverScene scene =
            joined_receiver(stage, "eth1", {"--interface=10.2.0.1", "--count=1"});
        wire.expect_join(group, own_interface);
        DatagramPeer& voice = voice_on(stage, "eth1", "10.2.0.1");
        say(voice, scene, "that is all");
        expect_left(scene.receiver);
        scene.receiver.expect_exit(0);
        wire.expect_leave(group);
        other.expect_no_frame("a report about " + group, [](const Frame& frame) {
            return frame.joins(group) || frame.leaves(group);
        });
    });
}

TEST_CASE("The sender and the receivers understand each other on a LAN",
          "[10_multicast][multicast_receiver][step:6][points:2]") {
    in_classroom(lab, {.hosts = 3}, [](Stage& stage, Classroom& classroom) {
        Capture& wire = classroom.capture("h1");
        std::vector<Process*> receivers;
        for (const std::string host : {"h1", "h2", "h3"}) {
            Process& receiver = classroom.start(host, "multicast_receiver", {"--count", "2"});
            receiver.expect_line("listening on 224.202.20.30:54321");
            receiver.expect_line("joined 224.202.20.30 on eth0");
            receivers.push_back(&receiver);
        }
        wire.expect_join(group);
        classroom.on("h3", [&] { expect_member(stage, "eth0", true); });
        Process& program = classroom.start("h1", "multicast_sender", {"--count=2", "--interval=0"});
        program.expect_line(sent(greeting.size()));
        program.expect_line(sent(greeting.size()));
        program.expect_exit(0);
        for (Process* receiver : receivers) {
            for (int i = 0; i < 2; ++i) {
                receiver->expect_line_like(
                    "received 11 bytes from 10\\.0\\.0\\.1:[0-9]+: hello world",
                    "the line that 11 bytes came from 10.0.0.1");
            }
            expect_left(*receiver);
            receiver->expect_exit(0);
        }
        wire.expect_leave(group);
        classroom.on("h3", [&] { expect_member(stage, "eth0", false); });
    });
}
