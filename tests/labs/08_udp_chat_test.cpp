// Lab 08: the contract of udp_chat, from outside.
#include "harness/capture.hpp"
#include "harness/catch.hpp"
#include "harness/classroom.hpp"
#include "harness/datagrams.hpp"
#include "harness/named_pipe.hpp"
#include "harness/process.hpp"
#include "harness/rules.hpp"
#include "harness/stage.hpp"

#include <boost/asio.hpp>

#include <fcntl.h>
#include <sched.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace harness;
using namespace std::string_literals;

namespace {

const std::string lab = "08_udp_chat";
const std::string chat_port = "40000";
const std::string to_everyone = "ff:ff:ff:ff:ff:ff";
constexpr std::size_t longest_datagram = 65507;

const std::string needs_broadcast =
    "the line alone goes to everyone (step 5), which takes the option SO_BROADCAST (step 2)";
const std::string needs_sharing =
    "all chats of a machine use one port: set reuse_address before the bind (step 1)";
const std::string not_permitted = "Permission denied: SO_BROADCAST is not set (step 2)";
const std::string never_bound = "the socket was never bound: it listens on port 0 (step 1)";
const std::string one_datagram = "one line is one datagram, without a newline (step 5)";
const std::string no_byte_more =
    "a byte too many, or too few: what is sent is the line alone, without a newline (step 5)";
const std::string one_message = "what one receive brings is one message, whole (step 3)";
const std::string empty_is_a_message =
    "a datagram may be empty: that is neither an end nor nothing";
const std::string two_things =
    "receiving and reading lines are for two threads: neither waits for the other";
const std::string long_lines_stay =
    "a message over 1000 bytes, name and all, is said so on stderr and not sent (step 4)";
const std::string refused_is_no_end =
    "a line that is refused is not sent, and the chat goes on: is return false missing? (step 4)";
const std::string to_the_chosen = "--interface binds the socket to that one (SO_BINDTODEVICE)";
const std::string from_nobody = "0.0.0.0:0> ";
const std::string wake_the_receiver =
    "the receiving thread is not woken: over = true, then shutdown, not close (step 6)";
const std::string woken_before_told =
    "the receiver was woken before it was told: over = true comes before shutdown (step 6)";
const std::string thrown_away =
    "what had come was thrown away: shutdown, not close, and no end before all is read (step 6)";
const std::string not_for_others = "the line exit is for the chat alone: it is not sent";
const std::string one_too_many =
    "a line too many was sent: ask std::getline() itself whether there was one";
const std::string all_that_came =
    "what had come before the end is still printed: over is not yet empty (step 6)";

// Begins a pattern for a line that does not speak of a step that is not done yet.
const std::string no_todo = "(?!.*TODO [0-9]+ is not done)";
const std::string any_reason = no_todo + ".+";

bool holds(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// --- on one machine, where lo alone exists

// The test's ears at the port of the chat: they hear what is sent to everyone.
DatagramPeer& listen_in(Stage& stage) {
    return stage.datagrams("0.0.0.0", chat_port, {.own_address = "127.0.0.1"});
}

// Starts a chat with all who are on this machine.
Process& start_chat(Stage& stage, std::vector<std::string> options = {},
                    const StartOptions& start = {}) {
    options.insert(options.begin(), {"--broadcast", "127.255.255.255"});
    Process& chat = stage.start("udp_chat", options, start);
    chat.expect_listening("0.0.0.0");
    return chat;
}

void type_line(Process& chat, const std::string& line) {
    chat.type(line + "\n");
}

// Expects a message of a chat that runs on this machine.
void expect_message(Process& chat, const std::string& text, std::string_view cause = "") {
    chat.expect_line("127.0.0.1:" + chat_port + "> " + text, cause);
}

// Sends a datagram to this machine's chat alone, which must print it so.
void tell(DatagramPeer& stranger, Process& chat, std::string_view bytes, const std::string& shown,
          std::string_view cause = "") {
    stranger.send_to(bytes, "127.0.0.1", chat_port);
    chat.expect_line(stranger.endpoint() + "> " + shown, cause);
}

// The proof that a chat hears, for test cases about how it behaves otherwise.
void expect_chat_hears(Stage& stage, Process& chat) {
    tell(stage.datagrams(), chat, "Do you hear me?", "Do you hear me?", one_message);
}

// Waits for the end, and expects that all which was printed before came from somebody.
void await_end(Stage& stage, Process& chat) {
    const auto prints_nothing = [&chat] { return holds(chat.output(), "\n" + from_nobody); };
    stage.wait_until([&] { return chat.ended() || prints_nothing(); });
    stage.expect(!prints_nothing(), "no line from nobody", "the line " + quote(from_nobody),
                 woken_before_told);
    stage.expect(chat.ended(), "udp_chat ends", "udp_chat " + chat.state(), wake_the_receiver);
}

// Expects the end; `cause` is for a chat that has printed more than it should.
void expect_end(Stage& stage, Process& chat, std::string_view cause = "") {
    await_end(stage, chat);
    chat.expect_exit(0, cause);
}

// Runs the body in a private network, on a stage.
template <typename Body>
void on_one_machine(const Body& body) {
    in_private_network([&body] {
        Stage stage{lab};
        body(stage);
    });
}

// --- in a classroom

Process& start_chat_on(Classroom& classroom, const std::string& host,
                       const std::vector<std::string>& options = {}) {
    Process& chat = classroom.start(host, "udp_chat", options);
    chat.expect_line("listening on 0.0.0.0:" + chat_port);
    return chat;
}

// Expects these messages in any order: UDP promises none.
void expect_all(Stage& stage, Process& chat, const std::string& sender,
                std::vector<std::string> messages, std::string_view cause = one_datagram) {
    std::vector<std::string> lines;
    for (std::string& message : messages) {
        message.insert(0, sender + "> ");
        lines.push_back(chat.expect_line_like(".*", "one more line", cause));
    }
    std::ranges::sort(messages);
    std::ranges::sort(lines);
    const auto [message, line] = std::ranges::mismatch(messages, lines);
    if (message == messages.end()) return;
    stage.expect(false, "the line " + quote(*message), quote(*line), cause);
}

bool is_chat(const Frame& frame) {
    return frame.protocol == "UDP" && frame.destination_port == chat_port;
}

void run_ip(Stage& stage, Classroom& classroom, const std::string& host,
            const std::vector<std::string>& arguments) {
    Process& ip = classroom.start_command(host, "ip", arguments);
    stage.wait_until([&ip] { return ip.ended(); });
    if (ip.state() != "ended with status 0") fail("the test can't use ip(8): " + ip.errors());
}

// Gives a host a second interface, eth1, 10.0.1.2/24: a cable of which both ends are there.
void add_interface(Stage& stage, Classroom& classroom, const std::string& host) {
    run_ip(stage, classroom, host, {"link", "add", "eth1", "type", "veth", "peer", "far1"});
    run_ip(stage, classroom, host, {"address", "add", "10.0.1.2/24", "dev", "eth1"});
    for (const std::string end : {"eth1", "far1"}) {
        run_ip(stage, classroom, host, {"link", "set", end, "up"});
    }
    // A link takes a moment before it passes anything on.
    const std::string wait =
        "until test $(ip -brief link show | grep -Ec '^(eth1|far1)@.* UP ') = 2; do sleep 0.01; "
        "done";
    classroom.start_command(host, "sh", {"-c", wait}).expect_exit(0);
}

// Expects that a line goes out through the one interface and not through the other.
void expect_carried_by(Process& chat, Capture& one, Capture& other, const std::string& source,
                       const std::string& line) {
    type_line(chat, line);
    one.expect_frame(
        "a broadcast from " + source,
        [&](const Frame& frame) {
            return is_chat(frame) && frame.source == source && frame.payload == line &&
                   frame.ethernet_destination == to_everyone;
        },
        to_the_chosen);
    other.expect_no_frame("a message of the chat", is_chat, to_the_chosen);
}

// Lets the programs that are started from now on take turns on one processor: a thread that wakes
// another is then more likely to be overtaken by it. It ends with the test's private network.
void share_one_processor() {
    cpu_set_t all;
    if (::sched_getaffinity(0, sizeof all, &all) != 0) return;
    for (int number = 0; number < CPU_SETSIZE; ++number) {
        if (!CPU_ISSET(number, &all)) continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(number, &one);
        ::sched_setaffinity(0, sizeof one, &one);
        return;
    }
}

}  // namespace

// --- a classroom -----------------------------------------------------------------------------

TEST_CASE("A line goes out as one datagram to everyone on the network",
          "[08_udp_chat][udp_chat][step:5][points:2]") {
    in_classroom(lab, {.hosts = 2}, [](Stage& stage, Classroom& classroom) {
        DatagramPeer& other = classroom.datagrams("h1", chat_port);
        Process& chat = start_chat_on(classroom, "h2");
        Capture& wire = classroom.capture("h1");
        type_line(chat, "hello everyone");
        stage.wait_until(
            [&] { return other.waiting() > 0 || chat.ended() || !chat.errors().empty(); });
        const bool permitted = !holds(chat.errors(), "Permission denied");
        if (other.waiting() == 0) {
            other.expect_datagram("hello everyone", permitted ? needs_broadcast : not_permitted);
        }
        other.expect_datagram("hello everyone", no_byte_more);
        wire.expect_frame(
            "a broadcast from 10.0.0.2:40000 to 255.255.255.255:40000", [](const Frame& frame) {
                return is_chat(frame) && frame.source == "10.0.0.2" &&
                       frame.source_port == chat_port && frame.destination == "255.255.255.255" &&
                       frame.ethernet_destination == to_everyone;
            });
        other.expect_no_datagram(one_datagram);
    });
}

TEST_CASE("Three people on a network read each other and themselves",
          "[08_udp_chat][udp_chat][step:5][points:2]") {
    in_classroom(lab, {.hosts = 3}, [](Stage&, Classroom& classroom) {
        std::vector<Process*> chats;
        for (const std::string host : {"h1", "h2", "h3"}) {
            chats.push_back(&start_chat_on(classroom, host));
        }
        for (const std::string line : {"Is anyone there?", "Gr\u00fc\u00dfe"}) {
            for (std::size_t i = 0; i < 3; ++i) {
                type_line(*chats[i], line);
                const std::string host = "h" + std::to_string(i + 1);
                for (Process* chat : chats) {
                    chat->expect_line(classroom.address(host) + ":40000> " + line);
                }
            }
        }
    });
}

TEST_CASE("The chat answers as a host among others that send and hear by broadcast",
          "[08_udp_chat][udp_chat][step:5][points:1]") {
    in_classroom(lab, {.hosts = 2}, [](Stage&, Classroom& classroom) {
        DatagramPeer& other = classroom.datagrams("h1", chat_port);
        Process& chat = start_chat_on(classroom, "h2");
        type_line(chat, "first");
        const Datagram first = other.expect_datagram("first");
        chat.expect_line("10.0.0.2:40000> first");
        for (const std::string& address : {"255.255.255.255"s, "10.0.0.255"s, first.address}) {
            other.send_to("to " + address, address, first.port);
            chat.expect_line(other.endpoint() + "> to " + address,
                             "a message is heard whether it was sent to all or to this host alone");
        }
        type_line(chat, "last");
        chat.expect_line("10.0.0.2:40000> last");
    });
}

TEST_CASE("The chat sends to the broadcast address of the subnet when told",
          "[08_udp_chat][udp_chat][step:5][points:1]") {
    in_classroom(lab, {.hosts = 2}, [](Stage&, Classroom& classroom) {
        DatagramPeer& other = classroom.datagrams("h1", chat_port);
        Process& chat = start_chat_on(classroom, "h2", {"--broadcast", "10.0.0.255"});
        Capture& wire = classroom.capture("h1");
        type_line(chat, "hello subnet");
        const std::string cause = "--broadcast is the address to send to (step 5)";
        other.expect_datagram("hello subnet", cause);
        wire.expect_frame(
            "a broadcast to 10.0.0.255",
            [](const Frame& frame) {
                return is_chat(frame) && frame.destination == "10.0.0.255" &&
                       frame.ethernet_destination == to_everyone;
            },
            cause);
    });
}

TEST_CASE("The chat sends by the interface that it is told by name or by address",
          "[08_udp_chat][udp_chat][step:5][points:2]") {
    in_classroom(lab, {.hosts = 1}, [](Stage& stage, Classroom& classroom) {
        add_interface(stage, classroom, "h1");
        Capture& eth0 = classroom.capture("h1", "eth0");
        Capture& eth1 = classroom.capture("h1", "eth1");
        for (const std::string interface : {"eth1", "10.0.1.2"}) {
            Process& chat = start_chat_on(classroom, "h1", {"--interface", interface});
            expect_carried_by(chat, eth1, eth0, "10.0.1.2", "by " + interface);
        }
        eth1.forget();
        for (const std::string interface : {"eth0", "10.0.0.1"}) {
            Process& chat = start_chat_on(classroom, "h1", {"--interface=" + interface});
            expect_carried_by(chat, eth0, eth1, "10.0.0.1", "by " + interface);
        }
    });
}

TEST_CASE("The chat hears nothing but what comes in by the interface that it is told",
          "[08_udp_chat][udp_chat][step:5][points:1]") {
    in_classroom(lab, {.hosts = 2}, [](Stage& stage, Classroom& classroom) {
        add_interface(stage, classroom, "h2");
        DatagramPeer& stranger = classroom.datagrams("h1");
        DatagramPeer& neighbour = classroom.datagrams("h2", chat_port);
        Process& chosen = start_chat_on(classroom, "h2", {"--interface", "eth0"});
        Process& chat = start_chat_on(classroom, "h2", {"--interface", "eth1"});
        stranger.send_to("by eth0", "255.255.255.255", chat_port);
        neighbour.expect_datagram("by eth0");
        chosen.expect_line(stranger.endpoint() + "> by eth0", to_the_chosen);
        type_line(chat, "by eth1");
        chat.expect_line("10.0.1.2:40000> by eth1", to_the_chosen);
        type_line(chosen, "by eth0 again");
        chosen.expect_line("10.0.0.2:40000> by eth0 again", to_the_chosen);
    });
}

TEST_CASE("The chat shows the interfaces with numbers and asks for one when told to ask",
          "[08_udp_chat][udp_chat][step:5][points:1]") {
    in_classroom(lab, {.hosts = 1}, [](Stage& stage, Classroom& classroom) {
        add_interface(stage, classroom, "h1");
        Capture& eth0 = classroom.capture("h1", "eth0");
        Capture& eth1 = classroom.capture("h1", "eth1");
        std::string number;
        for (const std::string wrong : {"", "0\n99\nnosuch\n\n"}) {
            Process& chat = classroom.start("h1", "udp_chat", {"--interface", "ask"});
            const std::regex entry{R"((^|\n)\D*(\d+)\D.*eth1.*10\.0\.1\.2/24)"};
            std::smatch match;
            std::string list;  // what `match` points into
            const bool listed = stage.wait_until([&] {
                list = chat.errors();
                return std::regex_search(list, match, entry) || chat.ended();
            });
            stage.expect(listed && !match.empty(),
                         "on stderr a numbered line with eth1 and 10.0.1.2/24",
                         quote(chat.errors()), "the user has to see what there is to choose from");
            const std::string answer = wrong.empty() ? match[2].str() : "eth1";
            type_line(chat, wrong + answer);
            chat.expect_line("listening on 0.0.0.0:40000",
                             "after a wrong answer it asks again, until it gets a good one");
            expect_carried_by(chat, eth1, eth0, "10.0.1.2", "chosen by " + answer);
        }
        Process& silent = classroom.start("h1", "udp_chat", {"--interface", "ask"});
        silent.end_input();
        stage.wait_until([&silent] { return silent.ended(); });
        stage.expect(silent.state() == "ended with status 2",
                     "without an answer the program ends with status 2", "it " + silent.state());
    });
}

// --- the port --------------------------------------------------------------------------------

TEST_CASE("A chat reports a port that another program does not share",
          "[08_udp_chat][udp_chat][step:1][points:1]") {
    on_one_machine([](Stage& stage) {
        stage.datagrams("0.0.0.0", chat_port, {.share_port = false});
        stage.datagrams("127.0.0.1", "40001", {.share_port = false});
        for (const std::string& port : {chat_port, "40001"s}) {
            std::vector<std::string> options;
            if (port != chat_port) options = {"--port", port};
            Process& chat = stage.start("udp_chat", options);
            chat.expect_error_like(
                "udp_chat: .*" + port + ": Address already in use",
                "one line that names the port " + port,
                "the socket is not bound, or bind() was not given error (step 1)");
            chat.expect_exit(1);
        }
    });
}

TEST_CASE("The chat listens on port 40000 of all addresses when it is told nothing else",
          "[08_udp_chat][udp_chat][step:2][points:1]") {
    on_one_machine([](Stage& stage) {
        Process& chat = stage.start("udp_chat");
        const std::string expected = "listening on 0.0.0.0:40000";
        const std::string line = chat.expect_line_like(".*", "the line " + quote(expected));
        stage.expect(line == expected, "the line " + quote(expected), "the line " + quote(line),
                     line.ends_with(":0") ? never_bound
                                          : "it listens at all addresses and port 40000 (step 1)");
    });
}

TEST_CASE("The chat listens on a port that others of this machine share",
          "[08_udp_chat][udp_chat][step:2][points:1]") {
    on_one_machine([](Stage& stage) {
        listen_in(stage);
        Process& chat = stage.start("udp_chat");
        chat.expect_line("listening on 0.0.0.0:40000", needs_sharing);
    });
}

TEST_CASE("Several chats on one machine read each other and themselves",
          "[08_udp_chat][udp_chat][step:5][points:1]") {
    on_one_machine([](Stage& stage) {
        DatagramPeer& everyone = listen_in(stage);
        std::vector<Process*> chats;
        for (const std::string label : {"Anna", "Ben", "Cleo"}) {
            chats.push_back(&start_chat(stage, {}, {.label = label}));
        }
        for (const std::string line : {"Who is there?", "I am.", "So am I."}) {
            for (Process* speaker : chats) {
                type_line(*speaker, line);
                everyone.expect_datagram(line, one_datagram);
                for (Process* chat : chats) expect_message(*chat, line);
            }
        }
        everyone.expect_no_datagram(one_datagram);
    });
}

TEST_CASE("The chat uses another port when told and sends to that same port",
          "[08_udp_chat][udp_chat][step:5][points:1]") {
    on_one_machine([](Stage& stage) {
        DatagramPeer& elsewhere = listen_in(stage);
        for (const std::string option : {"--port=40001", "--port=0"}) {
            Process& chat = stage.start("udp_chat", {option, "--broadcast", "127.255.255.255"});
            const std::string port = chat.expect_listening("0.0.0.0");
            const bool right = option == "--port=0" || port == "40001";
            stage.expect(right, "the port that it is told", port);
            DatagramPeer& everyone = stage.datagrams("0.0.0.0", port, {.own_address = "127.0.0.1"});
            type_line(chat, "here");
            const Datagram datagram = everyone.expect_datagram("here");
            stage.expect(datagram.port == port, "a datagram from port " + port, datagram.port,
                         "one socket both sends and receives");
        }
        elsewhere.expect_no_datagram("only those at the same port are in the same chat");
    });
}

// --- messages --------------------------------------------------------------------------------

TEST_CASE("The chat prints one's own messages too", "[08_udp_chat][udp_chat][step:5][points:1]") {
    on_one_machine([](Stage& stage) {
        for (const std::string address : {"127.255.255.255", "127.0.0.1"}) {
            Process& chat = stage.start("udp_chat", {"--broadcast", address});
            chat.expect_line("listening on 0.0.0.0:40000");
            for (const std::string line : {"one", "two", "two"}) {
                type_line(chat, line);
                expect_message(chat, line);
            }
            chat.signal(SIGTERM);
            chat.expect_end_by(SIGTERM);
        }
    });
}

TEST_CASE("The chat prints each message with the address and port it came from",
          "[08_udp_chat][udp_chat][step:3][points:1]") {
    on_one_machine([](Stage& stage) {
        Process& chat = start_chat(stage);
        DatagramPeer& somebody = stage.datagrams();
        somebody.send_to("hello", "127.0.0.1", chat_port);
        const std::string expected = somebody.endpoint() + "> hello";
        const std::string line = chat.expect_line_like(".*", "the line " + quote(expected));
        std::string cause = one_message;
        if (line.ends_with("> ")) cause = "keep what receive_from returns in size (step 3)";
        if (line.starts_with(from_nobody)) cause = "receive_from has to be given sender (step 3)";
        stage.expect(line == expected, "the line " + quote(expected), "the line " + quote(line),
                     cause);
        for (const std::string address : {"127.0.0.1", "127.0.0.2", "127.9.8.7"}) {
            DatagramPeer& first = stage.datagrams(address);
            DatagramPeer& second = stage.datagrams(address);
            tell(first, chat, "first", "first");
            tell(second, chat, "second", "second", "each datagram has a sender of its own");
            tell(first, chat, "first again", "first again");
        }
    });
}

TEST_CASE("Each datagram is one line however fast they follow each other",
          "[08_udp_chat][udp_chat][step:3][points:2]") {
    on_one_machine([](Stage& stage) {
        DatagramPeer& stranger = stage.datagrams();
        Process& chat = start_chat(stage);
        for (const std::string text : {"Hel", "lo", "", "a longer one", "b"}) {
            stranger.send_to(text, "127.0.0.1", chat_port);
        }
        std::vector<std::string> lines{"Hel", "lo", "", "a longer one", "b"};
        expect_all(stage, chat, stranger.endpoint(), lines, one_message);
        lines.clear();
        for (int i = 0; i < 100; ++i) {
            lines.push_back("message " + std::to_string(i));
            stranger.send_to(lines.back(), "127.0.0.1", chat_port);
        }
        expect_all(stage, chat, stranger.endpoint(), lines, one_message);
        expect_chat_hears(stage, chat);
    });
}

TEST_CASE("The chat prints an empty datagram as empty text",
          "[08_udp_chat][udp_chat][step:3][points:1]") {
    on_one_machine([](Stage& stage) {
        DatagramPeer& stranger = stage.datagrams();
        Process& chat = start_chat(stage);
        for (const std::string text : {"", "not empty", "", ""}) {
            tell(stranger, chat, text, text, empty_is_a_message);
        }
    });
}

TEST_CASE("The chat sends an empty line as an empty datagram",
          "[08_udp_chat][udp_chat][step:5][points:1]") {
    on_one_machine([](Stage& stage) {
        DatagramPeer& everyone = listen_in(stage);
        Process& chat = start_chat(stage);
        for (const std::string line : {"", "not empty", ""}) {
            type_line(chat, line);
            everyone.expect_datagram(line, empty_is_a_message);
            expect_message(chat, line, empty_is_a_message);
        }
    });
}

TEST_CASE("The chat shows every control byte and every broken byte as harmless text",
          "[08_udp_chat][udp_chat][step:3][points:2]") {
    on_one_machine([](Stage& stage) {
        DatagramPeer& stranger = stage.datagrams();
        Process& chat = start_chat(stage);
        const std::string cause = "what a stranger has sent is printed through printable()";
        const std::vector<std::pair<std::string, std::string>> texts{
            {"\x1b]0;gotcha\x07\x1b[2J", R"(\x1b]0;gotcha\x07\x1b[2J)"},
            {"C1: \xc2\x80 \xc2\x9b \xc2\x9f", R"(C1: \xc2\x80 \xc2\x9b \xc2\x9f)"},
            {"overlong: \xc0\xaf \xe0\x80\xaf", R"(overlong: \xc0\xaf \xe0\x80\xaf)"},
            {"surrogate: \xed\xa0\x80", R"(surrogate: \xed\xa0\x80)"},
            {"too high: \xf4\x90\x80\x80", R"(too high: \xf4\x90\x80\x80)"},
            {"cut off: \xe2\x82", R"(cut off: \xe2\x82)"},
            {"from netcat\n", R"(from netcat\x0a)"},
            {"forged\n127.0.0.1:40000> by me\r", R"(forged\x0a127.0.0.1:40000> by me\x0d)"},
            {"a\0b\0"s, R"(a\x00b\x00)"},
            {"\0"s, R"(\x00)"},
            {all_bytes(), all_bytes_shown()}};
        for (const auto& [text, shown] : texts) tell(stranger, chat, text, shown, cause);
    });
}

TEST_CASE("The chat sends and shows text in any language as it is",
          "[08_udp_chat][udp_chat][step:5][points:1]") {
    on_one_machine([](Stage& stage) {
        DatagramPeer& everyone = listen_in(stage);
        Process& chat = start_chat(stage);
        for (const std::string text :
             {"Gr\u00fc\u00dfe", "\xe4\xbd\xa0\xe5\xa5\xbd", "\xf0\x9f\x90\xa7", "\xc2\xa0",
              "\\x0a and C:\\temp", "\t%s%n", "  two  spaces  "}) {
            type_line(chat, text);
            everyone.expect_datagram(text, one_datagram);
            expect_message(chat, text);
        }
    });
}

TEST_CASE("The chat prints the datagrams of others whole even if they are larger than its own",
          "[08_udp_chat][udp_chat][step:3][points:2]") {
    on_one_machine([](Stage& stage) {
        DatagramPeer& stranger = stage.datagrams();
        Process& chat = start_chat(stage);
        const std::string cause =
            "what does not fit into the buffer is lost: a datagram has up to 65507 bytes (step 3)";
        for (const std::size_t size : {1000UL, 1001UL, 1500UL, 8193UL, longest_datagram}) {
            const std::string text = std::string(size - 4, 'x') + " end";
            tell(stranger, chat, text, text, cause);
            tell(stranger, chat, "short", "short",
                 "only as many bytes as were received belong to the message (step 3)");
        }
    });
}

TEST_CASE("The chat does not end when another one sends exit",
          "[08_udp_chat][udp_chat][step:3][points:1]") {
    on_one_machine([](Stage& stage) {
        DatagramPeer& stranger = stage.datagrams();
        Process& chat = start_chat(stage);
        for (const std::string text : {"exit", "", "exit", "still here"}) {
            tell(stranger, chat, text, text, "only what is typed here ends this chat");
        }
    });
}

// --- two things at once ----------------------------------------------------------------------

TEST_CASE("The chat prints what comes while a line is being typed",
          "[08_udp_chat][udp_chat][step:5][points:2]") {
    on_one_machine([](Stage& stage) {
        DatagramPeer& everyone = listen_in(stage);
        DatagramPeer& stranger = stage.datagrams();
        Process& chat = start_chat(stage);
        for (const std::string text : {"one", "two", "three"}) {
            tell(stranger, chat, text, text, two_things);
        }
        chat.type("half of ");
        for (const std::string text : {"four", "five"}) {
            tell(stranger, chat, text, text, two_things);
        }
        everyone.expect_no_datagram("a line that is not whole yet is no message");
        type_line(chat, "a line");
        everyone.expect_datagram("half of a line", two_things);
        expect_message(chat, "half of a line", two_things);
    });
}

TEST_CASE("The chat sends lines one after another even if nobody says anything",
          "[08_udp_chat][udp_chat][step:5][points:1]") {
    on_one_machine([](Stage& stage) {
        // To one alone: so the chat itself hears nothing.
        DatagramPeer& friendly = stage.datagrams("127.0.0.2", chat_port);
        Process& chat = stage.start("udp_chat", {"--broadcast", "127.0.0.2"});
        chat.expect_line("listening on 0.0.0.0:40000");
        for (const std::string line : {"one", "two", "three"}) {
            type_line(chat, line);
            friendly.expect_datagram(line, two_things);
        }
        tell(friendly, chat, "four", "four", two_things);
    });
}

// --- names and long lines --------------------------------------------------------------------

TEST_CASE("The chat puts the name before what is typed",
          "[08_udp_chat][udp_chat][step:5][points:1]") {
    on_one_machine([](Stage& stage) {
        DatagramPeer& everyone = listen_in(stage);
        Process& anna = start_chat(stage, {"--name", "Anna L\u00fc"});
        Process& nobody = start_chat(stage, {"--name", ""}, {.label = "without a name"});
        for (const std::string line : {"hello", "", "exit?"}) {
            type_line(anna, line);
            everyone.expect_datagram("Anna L\u00fc: " + line);
            expect_message(anna, "Anna L\u00fc: " + line);
            expect_message(nobody, "Anna L\u00fc: " + line);
        }
        type_line(nobody, "hello");
        everyone.expect_datagram("hello", "without a name the line goes out alone");
    });
}

TEST_CASE("A line over 1000 bytes is not sent but said so on stderr and the chat goes on",
          "[08_udp_chat][udp_chat][step:4][points:2]") {
    on_one_machine([](Stage& stage) {
        DatagramPeer& everyone = listen_in(stage);
        DatagramPeer& stranger = stage.datagrams();
        Process& chat = start_chat(stage);
        for (const std::size_t size : {1001, 1002, 5000, 65508, 1000000}) {
            type_line(chat, std::string(size, 'x'));
            const std::string line =
                chat.expect_error_like(".*", "that the message is too long", long_lines_stay);
            stage.expect(std::regex_match(line, std::regex{"udp_chat: " + any_reason}),
                         "a line that begins with " + quote("udp_chat: "), quote(line),
                         "use wirelab::report: the line starts with udp_chat: (step 4)");
            tell(stranger, chat, "still there?", "still there?", refused_is_no_end);
        }
        everyone.expect_no_datagram(long_lines_stay);
    });
}

TEST_CASE("The limit of 1000 bytes is for the whole datagram with the name",
          "[08_udp_chat][udp_chat][step:5][points:1]") {
    on_one_machine([](Stage& stage) {
        DatagramPeer& everyone = listen_in(stage);
        for (const std::string name : {"", "Anna", "\u00c4nne"}) {
            const std::string before = name.empty() ? "" : name + ": ";
            Process& chat = start_chat(stage, {"--name", name});
            for (const std::string letter : {"x", "\u00fc"}) {
                std::string line;
                while (before.size() + line.size() + letter.size() <= 1000) line += letter;
                if (before.size() + line.size() < 1000) line += "!";
                type_line(chat, line);
                everyone.expect_datagram(before + line, "1000 bytes are allowed (step 4)");
                expect_message(chat, before + line, "1000 bytes are allowed (step 4)");
                type_line(chat, line + "!");
                chat.expect_error_like("udp_chat: " + any_reason, "that the message is too long",
                                       long_lines_stay);
            }
            everyone.expect_no_datagram(long_lines_stay);
            chat.signal(SIGTERM);
            chat.expect_end_by(SIGTERM);
        }
    });
}

// --- the end ---------------------------------------------------------------------------------

TEST_CASE("The chat ends at once when nobody has said anything",
          "[08_udp_chat][udp_chat][step:6][points:1]") {
    on_one_machine([](Stage& stage) {
        // Several times: a receiver that is woken too early may still be told in time by chance.
        share_one_processor();
        for (int i = 0; i < 40; ++i) {
            Process& chat = start_chat(stage);
            stage.pass_time(0.001);  // nobody says anything: the receiver waits
            if (i % 2 == 0) type_line(chat, "exit");
            if (i % 2 != 0) chat.end_input();
            expect_end(stage, chat);
            stage.expect(chat.errors().empty(), "nothing on stderr", quote(chat.errors()),
                         "that the wait has ended is no failure");
        }
    });
}

TEST_CASE("Twenty lines that are piped in reach the others as twenty messages",
          "[08_udp_chat][udp_chat][step:6][points:2]") {
    in_classroom(lab, {.hosts = 2}, [](Stage& stage, Classroom& classroom) {
        Process& other = start_chat_on(classroom, "h1");
        Process& chat = start_chat_on(classroom, "h2");
        Capture& wire = classroom.capture("h1");
        std::vector<std::string> lines;
        std::string text;
        for (int i = 1; i <= 20; ++i) {
            lines.push_back("line " + std::to_string(i) + " of twenty");
            text += lines.back() + "\n";
        }
        chat.type(text);
        chat.end_input();
        expect_all(stage, other, "10.0.0.2:40000", lines);
        await_end(stage, chat);
        expect_all(stage, chat, "10.0.0.2:40000", lines, thrown_away);
        expect_end(stage, chat, one_too_many);
        const auto count = std::ranges::count_if(wire.frames(), is_chat);
        stage.expect(count == 20, "twenty datagrams", std::to_string(count), one_datagram);
        type_line(other, "thank you");
        other.expect_line("10.0.0.1:40000> thank you", "nothing was said but these twenty lines");
    });
}

TEST_CASE("A line that was too long does not make the chat fail",
          "[08_udp_chat][udp_chat][step:6][points:1]") {
    on_one_machine([](Stage& stage) {
        Process& chat = start_chat(stage);
        type_line(chat, std::string(1001, 'x'));
        chat.expect_error_like("udp_chat: " + any_reason, "that the message is too long",
                               long_lines_stay);
        type_line(chat, "It works.");
        expect_message(chat, "It works.", refused_is_no_end);
        type_line(chat, "exit");
        chat.expect_exit(0, "the user was told: the program has done its job");
    });
}

TEST_CASE("The line exit ends the chat and is not sent",
          "[08_udp_chat][udp_chat][step:6][points:2]") {
    on_one_machine([](Stage& stage) {
        DatagramPeer& everyone = listen_in(stage);
        for (const std::string name : {"", "Anna"}) {
            const std::string before = name.empty() ? "" : name + ": ";
            Process& chat = start_chat(stage, {"--name", name});
            for (const std::string line : {"exit now", "Exit", " exit", "exit ", "quit", "exi"}) {
                type_line(chat, line);
                const std::string cause = "only a line that is just exit ends the chat";
                everyone.expect_datagram(before + line, cause);
                expect_message(chat, before + line, cause);
            }
            chat.type("exit\nbehind the end\n");
            expect_end(stage, chat, not_for_others);
            everyone.expect_no_datagram(not_for_others);
        }
    });
}

TEST_CASE("The end of the input ends the chat and a last line needs no newline",
          "[08_udp_chat][udp_chat][step:6][points:1]") {
    on_one_machine([](Stage& stage) {
        DatagramPeer& everyone = listen_in(stage);
        Process& chat = start_chat(stage);
        type_line(chat, "first");
        everyone.expect_datagram("first");
        expect_message(chat, "first");
        chat.type("last");
        chat.end_input();
        everyone.expect_datagram("last", "the last line may lack its newline");
        await_end(stage, chat);
        expect_message(chat, "last", thrown_away);
        expect_end(stage, chat, one_too_many);
        Process& other = start_chat(stage);
        other.type("exit");
        other.end_input();
        expect_end(stage, other, not_for_others);
        everyone.expect_no_datagram(one_too_many);
    });
}

TEST_CASE("The chat still prints one's own last lines when it ends",
          "[08_udp_chat][udp_chat][step:6][points:1]") {
    on_one_machine([](Stage& stage) {
        for (const std::string end : {"", "exit\n"}) {
            Process& chat = start_chat(stage);
            chat.type("one\n\ntwo\n\n\nthree\n" + end);
            chat.end_input();
            await_end(stage, chat);
            expect_all(stage, chat, "127.0.0.1:40000", {"one", "", "two", "", "", "three"},
                       thrown_away);
            expect_end(stage, chat, one_too_many);
        }
    });
}

TEST_CASE("The chat still prints all that had come when it ends",
          "[08_udp_chat][udp_chat][step:6][points:2]") {
    on_one_machine([](Stage& stage) {
        DatagramPeer& everyone = listen_in(stage);
        DatagramPeer& stranger = stage.datagrams();
        NamedPipe reader{stage, "stdout"};
        Process& chat = stage.start("udp_chat", {}, {.stdout_file = stage.path("stdout")});
        reader.read_line();
        stage.pass_time(0.01);  // until it waits for a line: before, std::cin flushes std::cout
        // The first is more than the pipe holds: somebody has pressed Ctrl-S, as it were. A message
        // to all comes to the chat when it comes to us.
        std::vector<std::string> messages{std::string(5000, 'x')};
        for (int i = 1; i <= 100; ++i) {
            messages.push_back(i % 10 == 0 ? "" : "message " + std::to_string(i));
        }
        for (const std::string& message : messages) {
            stranger.send_to(message, "127.255.255.255", chat_port);
            everyone.expect_datagram(message);
        }
        type_line(chat, "exit");
        stage.pass_time(0.1);  // a chat that loses the rest should have the time to do so
        for (const std::string& message : messages) {
            const std::string line = reader.read_line(all_that_came);
            const std::string expected = stranger.endpoint() + "> " + message;
            stage.expect(line == expected, "the line " + quote(expected), quote(line),
                         all_that_came);
        }
        expect_end(stage, chat);
    });
}

TEST_CASE("The chat ends though datagrams keep coming",
          "[08_udp_chat][udp_chat][step:6][points:1]") {
    on_one_machine([](Stage& stage) {
        DatagramPeer& stranger = stage.datagrams();
        NamedPipe reader{stage, "stdout"};
        Process& chat = stage.start("udp_chat", {}, {.stdout_file = stage.path("stdout")});
        const auto ended = [&chat] { return chat.ended(); };
        reader.read_line();
        stage.pass_time(0.01);  // until it waits for a line: before, std::cin flushes std::cout
        // Each is more than the pipe holds: the chat prints the next one when this one is read. And
        // then another one is sent, so that there is always one more.
        const std::string message(5000, 'x');
        for (int i = 0; i < 10; ++i) stranger.send_to(message, "127.0.0.1", chat_port);
        type_line(chat, "exit");
        const auto latest = Clock::now() + patience();
        while (Clock::now() < latest && reader.next_line(ended)) {
            stranger.send_to(message, "127.0.0.1", chat_port);
            stage.pass_time(0.01);
        }
        stage.expect(chat.ended(), "udp_chat ends", "udp_chat " + chat.state(),
                     "shut down, a socket still takes what comes: stop_receiving begins with "
                     "wirelab::let_nothing_in");
        chat.expect_exit(0);
    });
}

TEST_CASE("A message that the system does not take is reported and the chat goes on",
          "[08_udp_chat][udp_chat][step:5][points:1]") {
    on_one_machine([](Stage& stage) {
        // No route leads to everyone from a machine that is connected to nothing.
        DatagramPeer& stranger = stage.datagrams();
        Process& chat = stage.start("udp_chat");
        chat.expect_line("listening on 0.0.0.0:40000");
        for (const std::string line : {"one", "two"}) {
            type_line(chat, line);
            chat.expect_error_like(
                "udp_chat: .*255\\.255\\.255\\.255:40000: "
                "Network is unreachable",
                "one line that names 255.255.255.255:40000 and the reason",
                "report what send_to() has put into error (step 5)");
            tell(stranger, chat, "are you there?", "are you there?",
                 "a message that was not sent does not end the chat");
        }
    });
}

TEST_CASE("A chat that could not send a message ends with status 1",
          "[08_udp_chat][udp_chat][step:6][points:1]") {
    on_one_machine([](Stage& stage) {
        for (const std::string end : {"exit\n", ""}) {
            Process& chat = stage.start("udp_chat");
            chat.expect_line("listening on 0.0.0.0:40000");
            chat.type("lost\n" + end);
            chat.end_input();
            chat.expect_error_like("udp_chat: .*255\\.255\\.255\\.255:40000: " + any_reason,
                                   "one line that names 255.255.255.255:40000 and the reason");
            chat.expect_exit(1, "it has not done its job");
        }
    });
}

TEST_CASE("The chat ends at once when it is interrupted",
          "[08_udp_chat][udp_chat][step:3][points:1]") {
    on_one_machine([](Stage& stage) {
        for (const int signal : {SIGINT, SIGTERM}) {
            Process& quiet = start_chat(stage);
            quiet.signal(signal);
            quiet.expect_end_by(signal);
            Process& chat = start_chat(stage);
            expect_chat_hears(stage, chat);
            chat.type("half of a li");
            chat.signal(signal);
            chat.expect_end_by(signal);
        }
    });
}

// --- a good program --------------------------------------------------------------------------

TEST_CASE("A chat that works explains itself and refuses wrong usage",
          "[08_udp_chat][udp_chat][step:3][points:1]") {
    on_one_machine([](Stage& stage) {
        expect_chat_hears(stage, start_chat(stage));
        expect_help(stage, "udp_chat",
                    {{"--port PORT", "40000"},
                     {"--broadcast ADDRESS", "255.255.255.255"},
                     {"--interface NAME", "none"},
                     {"--name NAME", "none"},
                     {"--log FILE", "none"},
                     {"--help", ""}});
        expect_usage_error(stage, "udp_chat", {"--colour"}, "--colour");
        expect_usage_error(stage, "udp_chat", {"--broad", "127.0.0.1"}, "--broad");
        for (const std::string option : {"--port", "--broadcast", "--interface", "--name"}) {
            expect_usage_error(stage, "udp_chat", {option}, option);
        }
        expect_usage_error(stage, "udp_chat", {"extra"}, "extra");
        for (const std::string port : {"-1", "65536", "abc", "1.5", "40000x", ""}) {
            expect_usage_error(stage, "udp_chat", {"--port", port}, "--port");
        }
        for (const std::string address : {"localhost", "300.1.1.1", "1.2.3", "::1", ""}) {
            expect_usage_error(stage, "udp_chat", {"--broadcast", address}, "--broadcast");
        }
        expect_usage_error(stage, "udp_chat", {"\x1b[2J"}, R"(\x1b[2J)");
    });
}

TEST_CASE("A chat that works reports an interface that does not exist",
          "[08_udp_chat][udp_chat][step:3][points:1]") {
    on_one_machine([](Stage& stage) {
        expect_chat_hears(stage, start_chat(stage, {"--interface", "lo"}));
        const std::vector<std::pair<std::string, std::string>> interfaces{
            {"nosuch0", "nosuch0"}, {"10.9.8.7", "10.9.8.7"}, {"\x1b[2J", R"(\x1b[2J)"}};
        for (const auto& [interface, shown] : interfaces) {
            Process& chat = stage.start("udp_chat", {"--interface", interface});
            const std::string line = chat.expect_error_like("udp_chat: " + any_reason + ": .+",
                                                            "one line that names " + quote(shown));
            stage.expect(line.find(shown) != std::string::npos, "the name " + quote(shown),
                         quote(line));
            chat.expect_exit(1, "an interface that does not exist is a failure");
        }
    });
}

TEST_CASE("A chat that works reports that its output can't be written",
          "[08_udp_chat][udp_chat][step:3][points:1]") {
    on_one_machine([](Stage& stage) {
        expect_chat_hears(stage, start_chat(stage));
        for (const StartOptions& options :
             {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
            Process& chat = stage.start("udp_chat", {}, options);
            chat.expect_error_like("udp_chat: " + any_reason + ": .+", "one line on stderr");
            chat.expect_exit(1);
        }
    });
}

TEST_CASE("The chat ends with an error when nobody can read its lines any more",
          "[08_udp_chat][udp_chat][step:3][points:1]") {
    on_one_machine([](Stage& stage) {
        DatagramPeer& stranger = stage.datagrams();
        NamedPipe reader{stage, "stdout"};
        Process& chat = stage.start("udp_chat", {}, {.stdout_file = stage.path("stdout")});
        reader.read_line();
        stranger.send_to("one", "127.0.0.1", chat_port);
        const std::string line = reader.read_line();
        const std::string expected = stranger.endpoint() + "> one";
        stage.expect(line == expected, "the line " + quote(expected), quote(line));
        reader.close();
        stranger.send_to("two", "127.0.0.1", chat_port);
        chat.expect_error_like("udp_chat: " + any_reason + ": .+", "one line on stderr");
        chat.expect_exit(1,
                         "a stdout that can't be written ends the program, though its input is "
                         "still open: a failure of one thread is one of the program");
    });
}

TEST_CASE("The chat writes a log of whole lines when asked",
          "[08_udp_chat][udp_chat][step:3][points:1]") {
    on_one_machine([](Stage& stage) {
        const std::string before = "[20200101 00:00:00] before:1 - this line was there before\n";
        stage.write_file("chat.log", before);
        Process& chat = start_chat(stage, {"--log", "chat.log"});
        expect_chat_hears(stage, chat);
        expect_log(stage, "chat.log");
        const std::string log = stage.read_file("chat.log");
        stage.expect(log.starts_with(before) && log.size() > before.size(),
                     "new lines behind those that were there", quote(log));
        Process& other = stage.start("udp_chat", {"--log", "no/such/folder"});
        other.expect_error_like("udp_chat: " + no_todo + ".*no/such/folder.*: .+",
                                "one line that names the log file");
        other.expect_exit(1);
    });
}
