// The harness under test, second part: datagrams, what crosses an interface, and the classroom.
#include "harness/capture.hpp"
#include "harness/catch.hpp"
#include "harness/classroom.hpp"
#include "harness/datagrams.hpp"
#include "harness/failure.hpp"
#include "harness/frame.hpp"
#include "harness/peer.hpp"
#include "harness/process.hpp"
#include "harness/stage.hpp"
#include "scene.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

using namespace harness;
using namespace std::string_literals;

namespace {

// A bash script's UDP socket, its file descriptor 3, that sends to the port of 127.0.0.1.
const std::string open_socket = "exec 3<>/dev/udp/127.0.0.1/$1\n";
const std::string receive = "dd bs=65536 count=1 status=none <&3\n";

// A report but for the times, and with the ports as letters: P is the first that appears.
std::string normal(const std::string& report) {
    std::string text = without_times(report);
    char letter = 'P';
    for (std::smatch match; std::regex_search(text, match, std::regex{":([0-9]{2,5})\\b"});) {
        const std::string port = match[1];
        text = std::regex_replace(text, std::regex{"\\b" + port + "\\b"}, std::string{letter++});
    }
    return text;
}

void run(Stage& stage, const std::string& command, const std::vector<std::string>& arguments) {
    stage.start_command(command, arguments).expect_exit(0);
}

// Runs the body in a private network with an interface `test0` that leads nowhere.
void with_interface(const std::function<void(Stage&)>& body) {
    if (!have_command("ip")) return skip("ip is not installed");
    in_private_network([&body] {
        Stage stage{"00_lab"};
        const std::string name = "test0";
        run(stage, "ip", {"link", "add", name, "type", "veth", "peer", "name", "other0"});
        run(stage, "ip", {"address", "add", "10.1.0.1/24", "broadcast", "+", "dev", name});
        run(stage, "ip", {"link", "set", "other0", "up"});
        run(stage, "ip", {"link", "set", name, "up"});
        run(stage, "ip", {"address", "add", "fe80::1/64", "dev", name, "nodad"});
        // The kernel makes the address's own route a moment later, in a thread of its own.
        run(stage, "sh",
            {"-c", "until ip -6 route show table local | grep -q '^local fe80::1 '; do :; done"});
        run(stage, "ip", {"route", "add", "default", "dev", name});
        body(stage);
    });
}

// Runs the body in a classroom where a script of bash is the program of lab 00_lab.
void in_school(const Lan& lan, const std::string& script,
               const std::function<void(Stage&, Classroom&)>& body) {
    in_classroom("00_lab", lan, [&](Stage& stage, Classroom& classroom) {
        const Environment programs{"WIRELAB_PROGRAMS", stage.path("")};
        install(stage, script);
        body(stage, classroom);
    });
}

}  // namespace

// --- datagrams ---------------------------------------------------------------------------------

TEST_CASE("A conversation by datagrams stands in the transcript", "[kit][harness]") {
    Scene scene;
    DatagramPeer& peer = scene.stage.datagrams();
    Process& program =
        scene.start(open_socket + "printf hello >&3; " + receive + "read -r", {peer.port()});
    const Datagram hello = peer.expect_datagram("hello");
    CHECK(hello.sender == hello.address + ":" + hello.port);
    CHECK(hello.address == "127.0.0.1");
    CHECK(hello.destination == "127.0.0.1");
    CHECK(hello.ttl == 64);
    peer.send_to("welcome\n", hello.address, hello.port);
    program.expect_line("welcome");
    const std::string report = failure_of([&] { peer.expect_no_datagram(); });
    CHECK(report == "");
    const Hurry hurry;
    CHECK(normal(failure_of([&] { peer.expect_datagram("more"); })) ==
          R"(expected  peer 1 receives "more" (4 bytes)
got       no datagram
what happened:
peer 1 has the UDP socket 127.0.0.1:P
$ program P
peer 1 receives "hello" (5 bytes) from 127.0.0.1:Q sent to 127.0.0.1
peer 1 sends "welcome\n" (8 bytes) to 127.0.0.1:Q
program prints "welcome"
test gives up waiting
)");
}

TEST_CASE("A program that never sends is found out as soon as it has ended", "[kit][harness]") {
    Scene scene;
    DatagramPeer& peer = scene.stage.datagrams();
    Process& program = scene.start("exit 3", {peer.port()});
    const auto start = Clock::now();
    const std::string report = failure_of([&] { peer.expect_datagram("hello", "it forgot to"); });
    CHECK(
        report.starts_with("expected  peer 1 receives \"hello\" (5 bytes)\n"
                           "got       no datagram\nlikely    it forgot to\n"));
    CHECK(contains(report, "program ended with status 3\n"));
    CHECK(program.ended());
    CHECK(Clock::now() - start < patience() * 4 / 5);
}

TEST_CASE("A datagram too many is found out", "[kit][harness]") {
    Scene scene;
    DatagramPeer& peer = scene.stage.datagrams();
    Process& program = scene.start(
        open_socket + "printf hello >&3; printf hello >&3; printf x >&3; echo sent", {peer.port()});
    peer.expect_datagram("hello");
    CHECK(failure_of([&] { peer.expect_datagram("x", "it was sent twice"); }) != "");
    program.expect_line("sent");
    const std::string report = failure_of([&] { peer.expect_no_datagram("it goes on"); });
    CHECK(
        normal(report).starts_with("expected  peer 1 receives nothing more\n"
                                   "got       \"x\" (1 byte) from 127.0.0.1:P\n"
                                   "likely    it goes on\n"));
}

TEST_CASE("A datagram that is not the expected one is shown", "[kit][harness]") {
    Scene scene;
    DatagramPeer& peer = scene.stage.datagrams();
    const auto verdict = [&](const std::function<void()>& expectation) {
        scene.wait_for_end(scene.start(open_socket + "printf 'hello\\n' >&3", {peer.port()}));
        return normal(failure_of(expectation));
    };
    CHECK(verdict([&] { peer.expect_datagram("hello", "the newline is not sent"); })
              .starts_with("expected  peer 1 receives \"hello\" (5 bytes)\n"
                           "got       \"hello\\n\" (6 bytes) from 127.0.0.1:P\n"
                           "likely    the newline is not sent\n"));
    CHECK(verdict([&] { peer.expect_datagram_like("[0-9]+", "a number"); })
              .starts_with("expected  peer 1 receives a number\n"
                           "got       \"hello\\n\" (6 bytes) from 127.0.0.1:P\n"));
    CHECK(verdict([&] { peer.expect_datagram_like("h.*\n", "a greeting"); }) == "");
    CHECK(verdict([&] { CHECK(peer.waiting() == 1); }) == "");
}

TEST_CASE("A datagram to another port is found out", "[kit][harness]") {
    in_private_network([] {
        Scene scene;
        DatagramPeer& peer = scene.stage.datagrams("127.0.0.1", "40000");
        scene.wait_for_end(scene.start(open_socket + "printf hello >&3", {"40001"}));
        const std::string report = failure_of([&] { peer.expect_datagram("hello"); });
        const bool told = report.starts_with(
            "expected  peer 1 receives \"hello\" (5 bytes)\n"
            "got       no datagram; 1 came to a port where nobody listens\n"
            "likely    it is sent to another port than the one to be used\n");
        scene.stage.expect(told, "a report that tells of the port", report);
    });
}

TEST_CASE("A datagram to another port is found out with IPv6", "[kit][harness]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    in_private_network([] {
        Stage stage{"00_lab"};
        DatagramPeer& peer = stage.datagrams("::1", "40000");
        stage.datagrams("::1").send_to("hello", "::1", "40001");
        const std::string report = failure_of([&] { peer.expect_datagram("hello"); });
        stage.expect(contains(report, "no datagram; 1 came to a port where"), "so", report);
    });
}

TEST_CASE("Datagrams of any size arrive whole", "[kit][harness]") {
    Stage stage{"00_lab"};
    DatagramPeer& peer = stage.datagrams();
    DatagramPeer& other = stage.datagrams();
    for (const std::size_t size : {0, 1, 1500, 65507}) {
        const std::string bytes(size, 'x');
        other.send_to(bytes, "127.0.0.1", peer.port());
        CHECK(peer.expect_datagram(bytes).sender == other.endpoint());
    }
    const std::string too_long(65508, 'x');
    CHECK(contains(failure_of([&] { other.send_to(too_long, "127.0.0.1", peer.port()); }),
                   "the test can't send a datagram to 127.0.0.1:" + peer.port() + ": Message too"));
}

TEST_CASE("A program that sends without end fills neither memory nor time", "[kit][harness]") {
    Scene scene;
    DatagramPeer& peer = scene.stage.datagrams();
    scene.start(open_socket + "while printf x >&3; do :; done", {peer.port()});
    peer.expect_datagram("x");
    const std::string report = failure_of([&] { peer.expect_datagram("y"); });
    CHECK(report.size() < 10'000);
    scene.stage.wait_until([&] { return peer.waiting() > 100; });
    CHECK(contains(failure_of([&] { peer.expect_no_datagram(); }), " more\n"));
    CHECK(peer.waiting() <= 10'000);
}

TEST_CASE("Peers share a port unless they are told not to", "[kit][harness]") {
    in_private_network([] {
        Stage stage{"00_lab"};
        DatagramPeer& one = stage.datagrams("0.0.0.0", "40000", {.own_address = "127.0.0.1"});
        DatagramPeer& other = stage.datagrams("0.0.0.0", "40000");
        one.send_to("hello", "127.255.255.255", "40000");
        const Datagram got = other.expect_datagram("hello");
        stage.expect(got.sender == one.endpoint(), one.endpoint(), got.sender);
        stage.expect(got.destination == "127.255.255.255", "a broadcast", got.destination);
        one.expect_datagram("hello");  // its own
        const std::string report =
            failure_of([&] { stage.datagrams("0.0.0.0", "40000", {.share_port = false}); });
        stage.expect(report == "the test can't open UDP port 40000: Address already in use",
                     "a failure", report);
    });
}

TEST_CASE("Groups are heard where they were joined", "[kit][harness]") {
    with_interface([](Stage& stage) {
        const std::string group = "239.1.2.3";
        DatagramPeer& member = stage.datagrams("0.0.0.0", "40000");
        DatagramPeer& neighbour = stage.datagrams("0.0.0.0", "40000");
        DatagramPeer& sender = stage.datagrams("0.0.0.0", "0", {.interface = "test0", .ttl = 7});
        DatagramPeer& quiet = stage.datagrams("0.0.0.0", "0", {.loop_back = false});
        member.join(group, "test0");
        neighbour.join("239.1.2.4", "test0");
        quiet.send_to("nobody hears", group, "40000");
        sender.send_to("hello", group, "40000");
        const Datagram got = member.expect_datagram("hello");
        stage.expect(got.ttl == 7, "TTL 7", std::to_string(got.ttl));
        stage.expect(got.address == "10.1.0.1", "10.1.0.1", got.address);
        stage.expect(got.destination == group, group, got.destination);
        neighbour.expect_no_datagram();
        member.leave(group, "test0");
        sender.send_to("nobody hears", group, "40000");
        sender.send_to("marker", "127.0.0.1", "40000");
        neighbour.expect_datagram("marker");  // bound last
        member.expect_no_datagram();
    });
}

TEST_CASE("IPv6 addresses have their interface", "[kit][harness]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    with_interface([](Stage& stage) {
        const std::string group = "ff02::1234";
        DatagramPeer& member = stage.datagrams("::", "40000");
        DatagramPeer& sender = stage.datagrams("::", "0", {.ttl = 9});
        member.join(group, "test0");
        sender.send_to("hello", group + "%test0", "40000");
        const Datagram got = member.expect_datagram("hello");
        stage.expect(got.address == "fe80::1%test0", "fe80::1%test0", got.address);
        const std::string endpoint = "[fe80::1%test0]:" + sender.port();
        stage.expect(got.sender == endpoint, endpoint, got.sender);
        stage.expect(got.ttl == 9, "9", std::to_string(got.ttl));
        stage.expect(got.destination == group, group, got.destination);
        member.send_to("welcome", got.address, got.port);
        sender.expect_datagram("welcome");
        const std::string report = failure_of([&] { member.join(group, "none0"); });
        stage.expect(report == "there is no interface none0", "a failure", report);
    });
}

// --- what crosses an interface -----------------------------------------------------------------

TEST_CASE("What crosses an interface stands in the transcript", "[kit][harness]") {
    with_interface([](Stage& stage) {
        Capture& wire = stage.capture("test0");
        DatagramPeer& sender = stage.datagrams("10.1.0.1", "40000", {.ttl = 3});
        sender.send_to("hello", "255.255.255.255", "40001");
        const auto is_broadcast = [](const Frame& frame) {
            return frame.ethernet_destination == "ff:ff:ff:ff:ff:ff";
        };
        const Frame frame = wire.expect_frame("a broadcast", is_broadcast);
        const std::string text =
            "10.1.0.1:40000 > 255.255.255.255:40001, UDP, 5 bytes, TTL 3, to ff:ff:ff:ff:ff:ff";
        stage.expect(frame.text() == text, text, frame.text());
        stage.expect(frame.outgoing && frame.payload == "hello", "hello", frame.payload);
        const std::string history = without_times(stage.transcript().text());
        stage.expect(contains(history, "test0 sends " + text + "\n"), text, history);

        const std::string report =
            failure_of([&] { wire.expect_no_frame("a broadcast", is_broadcast, "oh"); });
        const bool told =
            report.starts_with("expected  through test0 never goes a broadcast\ngot ");
        stage.expect(told && contains(report, "likely    oh\n"), "a good report", report);
        wire.forget();
        wire.expect_no_frame("a broadcast", is_broadcast);
        const std::string missed =
            failure_of([&] { wire.expect_frame("a broadcast", is_broadcast, "oh"); });
        stage.expect(missed.starts_with("expected  through test0 goes a broadcast\ngot       ") &&
                         contains(missed, " frames, none of them such\n"),
                     "a good report", missed);
        const std::string nowhere = failure_of([&] { stage.capture("none0"); });
        stage.expect(nowhere.starts_with("the test can't capture on the interface none0: "),
                     "a failure", nowhere);
    });
}

// Each version has a network of its own: a report that the other still owes would come in between.
TEST_CASE("Who joins and leaves a group is seen on the wire", "[kit][harness]") {
    for (const std::string version : {"3", "2", "1"}) {
        with_interface([&version](Stage& stage) {
            stage.write_file("version", version);
            run(stage, "cp", {"version", "/proc/sys/net/ipv4/conf/test0/force_igmp_version"});
            Capture& wire = stage.capture("test0");
            DatagramPeer& peer = stage.datagrams("0.0.0.0");
            peer.join("239.1.2.3", "test0");
            wire.expect_join("239.1.2.3");
            wire.expect_no_frame("a leave", [](const Frame& frame) { return !frame.left.empty(); });
            peer.leave("239.1.2.3", "test0");
            if (version != "1") wire.expect_leave("239.1.2.3");
        });
    }
    with_interface([](Stage& stage) {
        const Hurry hurry;
        const std::string report =
            failure_of([&] { stage.capture("test0").expect_join("239.9.9.9", "not joined"); });
        stage.expect(report.starts_with("expected  through test0 goes a report that a host joins"),
                     "a good report", report);
    });
}

TEST_CASE("Who joins and leaves an IPv6 group is seen on the wire", "[kit][harness]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    for (const std::string version : {"2", "1"}) {
        with_interface([&version](Stage& stage) {
            stage.write_file("version", version);
            run(stage, "cp", {"version", "/proc/sys/net/ipv6/conf/test0/force_mld_version"});
            Capture& wire = stage.capture("test0");
            DatagramPeer& peer = stage.datagrams("::");
            peer.join("ff02::1234", "test0");
            wire.expect_join("ff02::1234");
            peer.leave("ff02::1234", "test0");
            wire.expect_leave("ff02::1234");
        });
    }
}

TEST_CASE("A long datagram is fragments on the wire", "[kit][harness]") {
    with_interface([](Stage& stage) {
        Capture& wire = stage.capture("test0");
        stage.datagrams("10.1.0.1").send_to(std::string(4000, 'x'), "10.1.0.255", "40000");
        stage.datagrams("fe80::1%test0").send_to(std::string(4000, 'x'), "ff02::1%test0", "40000");
        int fragments = 0;
        for (const Frame& frame : wire.frames()) fragments += frame.fragment ? 1 : 0;
        stage.expect(fragments == 6, "6 fragments", std::to_string(fragments));
        wire.expect_frame("the first part", [](const Frame& frame) {
            return frame.fragment && frame.payload.size() > 1000;
        });
    });
}

TEST_CASE("A frame that is cut short is taken apart as far as it goes", "[kit][harness]") {
    const std::string igmp_v3 =
        "\x01\x00\x5e\x00\x00\x16\x02\x00\x00\x00\x00\x01\x08\x00"  // Ethernet
        "\x46\xc0\x00\x30\x00\x00\x40\x00\x01\x02\x00\x00\x0a\x00\x00\x01\xe0\x00\x00\x16"
        "\x94\x04\x00\x00"  // IP's router alert
        "\x22\x00\x00\x00\x00\x00\x00\x02"
        "\x04\x00\x00\x00\xef\x01\x02\x03"
        "\x06\x00\x00\x01\xef\x01\x02\x04\x0a\x00\x00\x02"s;  // one sender less, no more
    const Frame whole = parse_frame(igmp_v3 + "padding");
    CHECK(whole.text() ==
          "10.0.0.1 > 224.0.0.22, IGMP, joins 239.1.2.3, TTL 1, to 01:00:5e:00:00:16");
    CHECK(whole.ethernet_source == "02:00:00:00:00:01");
    for (std::size_t size = 0; size < igmp_v3.size(); ++size) {
        CAPTURE(size);
        const Frame part = parse_frame(std::string_view{igmp_v3}.substr(0, size));
        CHECK(part.joined.size() <= 1);
        CHECK(!part.text().empty());
    }
    CHECK(parse_frame("").text() == "Ethernet type 0, to ");
    CHECK(parse_frame(std::string(60, '\xff')).text() ==
          "Ethernet type 65535, to ff:ff:ff:ff:ff:ff");
    for (const std::string& kind : {"\x08\x00"s, "\x86\xdd"s}) {
        CHECK(!parse_frame(std::string(12, '\0') + kind + std::string(60, '\xff')).text().empty());
        CHECK(!parse_frame(std::string(12, '\0') + kind + std::string(60, '\0')).text().empty());
    }
}

// --- the classroom -----------------------------------------------------------------------------

TEST_CASE("Programs run on the hosts of a classroom", "[kit][harness]") {
    in_school({.hosts = 2}, "echo \"$HOSTNAME $BASHPID $PWD\"; echo program: oops >&2; exit 4",
              [](Stage& stage, Classroom& classroom) {
                  Process& program = classroom.start("h2", "program", {"an argument"});
                  const std::string folder = std::filesystem::canonical(stage.path("")).string();
                  program.expect_line("h2 " + std::to_string(program.pid()) + " " + folder);
                  program.expect_error("program: oops");
                  program.expect_exit(4);
                  stage.expect(program.name() == "program", "program", program.name());
                  const std::string report = failure_of([&] { program.expect_line("more"); });
                  const bool told = report.starts_with(
                      "expected  [h2] program prints the line \"more\"\n"
                      "got       [h2] program ended with status 4; nothing more on stdout\n");
                  stage.expect(told && contains(report, "$ [h2] program \"an argument\"\n"),
                               "a report that names the host", report);
                  const std::string none =
                      failure_of([&] { classroom.start("h3", "program").expect_exit(4); });
                  stage.expect(contains(none, "lab: there is no host 'h3'"), "so", none);
                  classroom.start_command("h1", "hostname", {}).expect_line("h1");
              });
}

TEST_CASE("Peers and programs of a classroom hear each other", "[kit][harness]") {
    const std::string script = "exec 3<>/dev/udp/10.0.0.1/40000; printf hello >&3; " + receive;
    in_school({}, script, [](Stage& stage, Classroom& classroom) {
        Capture& wire = classroom.capture("h3");
        DatagramPeer& one = classroom.datagrams("h1", "40000", {.ttl = 5});
        DatagramPeer& other = classroom.datagrams("h3", "40000");
        Process& program = classroom.start("h2", "program");
        const Datagram hello = one.expect_datagram("hello");
        stage.expect(hello.address == "10.0.0.2", "10.0.0.2", hello.address);
        one.send_to("hi\n", hello.address, hello.port);
        program.expect_line("hi");

        one.send_to("to all", "255.255.255.255", "40000");
        const Datagram broadcast = other.expect_datagram("to all");
        stage.expect(broadcast.sender == one.endpoint(), one.endpoint(), broadcast.sender);
        stage.expect(one.endpoint() == "10.0.0.1:40000", "10.0.0.1:40000", one.endpoint());
        const Frame got = wire.expect_frame("the broadcast", [](const Frame& frame) {
            return frame.protocol == "UDP" && frame.payload == "to all";
        });
        stage.expect(!got.outgoing && got.ethernet_source == "02:00:00:00:00:01" &&
                         got.ethernet_destination == "ff:ff:ff:ff:ff:ff",
                     "a frame from h1", got.text());
        wire.expect_no_frame("what h1 and h2 say to each other",
                             [](const Frame& frame) { return frame.payload == "hello"; });

        other.join("239.1.2.3", "eth0");
        wire.expect_join("239.1.2.3");
        one.send_to("to some", "239.1.2.3", "40000");
        const Datagram multicast = other.expect_datagram("to some");
        stage.expect(multicast.ttl == 5, "TTL 5", std::to_string(multicast.ttl));
        const std::string report = failure_of([&] { other.expect_datagram("more"); });
        const bool told = report.starts_with("expected  [h3] peer 2 receives \"more\" (4 bytes)\n");
        stage.expect(told, "a report that names the host", report);
    });
}

TEST_CASE("IPv6 works in a classroom", "[kit][harness]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    in_classroom("00_lab", {.hosts = 2}, [](Stage& stage, Classroom& classroom) {
        DatagramPeer& one = classroom.datagrams_v6("h1", "40000");
        DatagramPeer& other = classroom.datagrams_v6("h2", "40000");
        other.join("ff02::1234", "eth0");
        one.send_to("hello", "ff02::1234%eth0", "40000");
        const Datagram hello = other.expect_datagram("hello");
        stage.expect(hello.sender == one.endpoint(), one.endpoint(), hello.sender);
        stage.expect(hello.address == "fe80::ff:fe00:1%eth0", "that of h1", hello.address);
        other.send_to("hi", hello.address, hello.port);
        one.expect_datagram("hi");
    });
}

TEST_CASE("A classroom's hosts can be listened on and connected from", "[kit][harness]") {
    in_classroom("00_lab", {.hosts = 2}, [](Stage& stage, Classroom& classroom) {
        Listener& listener = classroom.on(
            "h1", [&]() -> Listener& { return stage.listen(classroom.address("h1"), "40000"); });
        Peer& peer = classroom.on(
            "h2", [&]() -> Peer& { return stage.connect("40000", classroom.address("h1")); });
        peer.send("hello");
        listener.accept().expect_received("hello");
        const std::string report =
            failure_of([&] { classroom.on("h9", [&] { stage.datagrams(); }); });
        stage.expect(report.starts_with("the test can't enter the network "), "so", report);
    });
}

TEST_CASE("A classroom can lose datagrams", "[kit][harness]") {
    in_classroom("00_lab", {.hosts = 2, .loss = 100}, [](Stage& stage, Classroom& classroom) {
        Capture& wire = classroom.capture("h2");
        DatagramPeer& one = classroom.datagrams("h1", "40000");
        DatagramPeer& other = classroom.datagrams("h2", "40000");
        one.send_to("lost", "10.0.0.255", "40000");
        wire.expect_frame("the broadcast",
                          [](const Frame& frame) { return frame.payload == "lost"; });
        stage.pass_time(0.05);
        other.expect_no_datagram();
    });
}

TEST_CASE("A classroom can be slow", "[kit][harness]") {
    in_classroom("00_lab", {.hosts = 2, .rate = 0.5}, [](Stage& stage, Classroom& classroom) {
        DatagramPeer& one = classroom.datagrams("h1");
        DatagramPeer& other = classroom.datagrams("h2", "40000");
        const auto start = Clock::now();
        constexpr int count = 15;
        for (int i = 0; i < count; ++i) one.send_to(std::string(1000, 'x'), "10.0.0.2", "40000");
        const bool came = stage.wait_until([&] { return other.waiting() >= 8; });
        stage.expect(came, "most datagrams", std::to_string(other.waiting()));
        stage.expect_at_least(Clock::now() - start, 0.05, "it takes");
    });
}

TEST_CASE("A classroom that can't be made is a failure unless the machine is at fault",
          "[kit][harness]") {
    if (!have_namespaces()) return skip("this machine allows no network namespaces");
    const std::string report = failure_of([] {
        in_classroom("00_lab", {.hosts = 0}, [](Stage&, Classroom&) { fail("it was made"); });
    });
    CHECK(report.starts_with("expected  lab prints the line \"ready\"\n"));
    CHECK(contains(report, "--hosts takes a number from 1 to 99"));
}

TEST_CASE("A classroom ends with the body", "[kit][harness]") {
    if (!have_namespaces()) return skip("this machine allows no network namespaces");
    const std::string report = failure_of([&] {
        in_classroom("00_lab", {}, [&](Stage& stage, Classroom& classroom) {
            Process& program = classroom.start_command("h1", "sleep", {"1000"});
            fail(std::to_string(program.pid()) + " " + stage.path(""));
        });
    });
    const auto space = report.find(' ');
    REQUIRE(space != std::string::npos);
    CHECK(!std::filesystem::exists("/proc/" + report.substr(0, space)));
    CHECK(!std::filesystem::exists(report.substr(space + 1)));
}
