// Lab 09: the contract of broadcast_sender and broadcast_receiver, from outside.
#include "harness/catch.hpp"
#include "harness/classroom.hpp"
#include "harness/datagrams.hpp"
#include "harness/process.hpp"
#include "harness/rules.hpp"
#include "harness/stage.hpp"

#include <boost/asio.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <functional>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace harness;

namespace {

const std::string lab = "09_broadcast";
const std::string limited = "255.255.255.255";
const std::string subnet = "10.0.0.255";         // of the classroom's hosts
const std::string loopback = "127.255.255.255";  // needs no LAN
constexpr std::size_t largest = 65507;

const std::string bound = "bind to the endpoint that the options name (step 5)";
const std::string shared =
    "to share a port each socket must have the option reuse_address before it is bound (step 5)";
const std::string room =
    "what does not fit into the buffer is lost: has it room for 65507 bytes each time (step 6)?";
const std::string own_words = "the reason is in the system's own words";
const std::string one_by_one = "each receive_from() brings one whole datagram, and one line";
const std::string loop_starts = "the first message is sent before the loop (step 4)";
const std::string loop_sends = "the loop sends the others, until there were count in all (step 4)";
const std::string for_ever = "count 0 means for ever (step 4)";

// Begins a pattern for a line that does not speak of a step that is not done yet.
const std::string no_todo = "(?!.*TODO [0-9]+ is not done)";

// Nothing that is sent to everyone may get out of the test, so each case has a network of its own:
// this one has an interface for the loopback, and no other.
void on_loopback(const std::function<void(Stage&)>& body) {
    in_private_network([&body] {
        Stage stage{lab};
        body(stage);
    });
}

// Expects that a program can't go on, and that it says so in one line that matches.
void expect_failure(Process& program, const std::string& pattern, std::string_view meaning,
                    std::string_view cause = "") {
    program.expect_error_like(program.name() + ": " + no_todo + pattern, meaning, cause);
    program.expect_exit(1, cause);
}

std::string escaped(const std::string& text) {
    return std::regex_replace(text, std::regex{R"([.\[\]])"}, R"(\$&)");
}

// Bytes of every kind, in an order that shows which are missing.
std::string sample(std::size_t size) {
    std::string bytes;
    while (bytes.size() < size) bytes += "byte " + std::to_string(bytes.size()) + " ";
    bytes.resize(size);
    return bytes;
}

// Sizes of data: none at all, as much as a packet of Ethernet holds, and a byte more; all there is.
const std::array<std::size_t, 7> sizes{0, 1, 1000, 1472, 1473, 65506, largest};

// --- broadcast_receiver

struct ReceiverScene {
    Stage& stage;
    Process& receiver;
    std::string port;
};

ReceiverScene listening_receiver(Stage& stage, std::vector<std::string> options = {},
                                 const std::string& address = "0.0.0.0",
                                 const StartOptions& start = {}) {
    options.insert(options.begin(), {"--port=0", "--bind=" + address});
    Process& receiver = stage.start("broadcast_receiver", options, start);
    stage.wait_until([&] { return receiver.output().ends_with('\n') || receiver.ended(); });
    stage.expect(!receiver.output().ends_with(":0\n"), "a line that names the real port",
                 quote(receiver.output()), "bind is missing (step 5)");
    return {stage, receiver, receiver.expect_listening(address)};
}

void expect_received(Process& receiver, const DatagramPeer& sender, std::size_t size,
                     const std::string& shown, std::string_view cause = "") {
    receiver.expect_line(
        "received " + std::to_string(size) + " bytes from " + sender.endpoint() + ": " + shown,
        cause);
}

// What a receiver's answer to a datagram of this size tells of its code; mostly nothing.
std::string told_by(const Process& receiver, const std::string& answer, std::size_t size) {
    if (receiver.errors().find("Bad address") != std::string::npos) {
        return "the buffer points at no memory (step 6)";
    }
    if (answer.find(" from 0.0.0.0:0: ") != std::string::npos) {
        return "sender was not given to receive_from (step 7)";
    }
    std::smatch shown;
    if (!std::regex_search(answer, shown, std::regex{"^received ([0-9]{1,5}) bytes"})) return "";
    const std::size_t came = std::stoul(shown[1]);
    if (came == 0 && size > 0) {
        return "the buffer has no room (step 6: resize, not reserve), "
               "or what receive_from returns was not kept in size (step 7)";
    }
    return came < size ? room : "";
}

void deliver(const ReceiverScene& scene, DatagramPeer& sender, std::string_view bytes,
             const std::string& shown, std::string_view cause = "",
             const std::string& address = loopback) {
    Process& receiver = scene.receiver;
    const std::size_t before = receiver.output().size();
    sender.send_to(bytes, address, scene.port);
    const auto answer = [&] { return receiver.output().substr(before); };
    scene.stage.wait_until([&] { return answer().ends_with('\n') || receiver.ended(); });
    const std::string told = told_by(receiver, answer().substr(0, 100), bytes.size());
    expect_received(receiver, sender, bytes.size(), shown, told.empty() ? cause : told);
}

// The proof that a receiver does its job, for test cases about how it behaves otherwise.
void expect_receiver_works(Stage& stage, const ReceiverScene& scene) {
    deliver(scene, stage.datagrams(), "a proof", "a proof");
}

// Expects that a receiver can't bind, and that it says so in one line that matches.
void expect_bind_failure(Stage& stage, const std::vector<std::string>& options,
                         const std::string& pattern, std::string_view meaning) {
    Process& receiver = stage.start("broadcast_receiver", options);
    const std::string cause = "bind, and keep what it reports in error (step 5)";
    stage.wait_until([&] { return !receiver.output().empty() || receiver.ended(); });
    stage.expect(receiver.output().empty(), "no line on stdout", quote(receiver.output()), cause);
    expect_failure(receiver, pattern, meaning, cause);
}

// What a program writes into a named pipe; read by the test up to the first line's end.
class NamedPipe {
public:
    NamedPipe(Stage& stage, const std::string& name) : stage_{stage}, pipe_{stage.io()} {
        const std::string file = stage.path(name);
        // Opened for both directions, the pipe waits for bytes even while nobody writes.
        const bool made = ::mkfifo(file.c_str(), 0600) == 0;
        const int end = made ? ::open(file.c_str(), O_RDWR | O_CLOEXEC) : -1;
        if (end < 0) fail("the test can't make a named pipe");
        pipe_.assign(end);
        boost::asio::async_read_until(
            pipe_, boost::asio::dynamic_buffer(text_), '\n',
            [this](boost::system::error_code, std::size_t) { done_ = true; });
    }
    ~NamedPipe() { close(); }
    NamedPipe(const NamedPipe&) = delete;
    NamedPipe& operator=(const NamedPipe&) = delete;

    std::string first_line() {
        const bool came = stage_.wait_until([this] { return done_; });
        stage_.expect(came, "a line on stdout", "nothing");
        return text_.substr(0, text_.find('\n'));
    }

    void close() {
        if (!pipe_.is_open()) return;
        stage_.transcript().add("the reader of its stdout", "goes away");
        pipe_.close();
        stage_.wait_until([this] { return done_; });  // a read under way still uses our members
    }

private:
    Stage& stage_;
    boost::asio::posix::stream_descriptor pipe_;
    std::string text_;
    bool done_ = false;
};

// --- broadcast_sender

// What it should have said of one datagram.
std::string sent(std::size_t size, const std::string& address, const std::string& port) {
    return "sent " + std::to_string(size) + " bytes to " + address + ":" + port;
}

// Starts a sender that sends on the loopback, without a pause, as often as it is told.
Process& start_sender(Stage& stage, const std::string& port, const std::string& count,
                      std::vector<std::string> options = {}, const StartOptions& start = {}) {
    options.insert(options.begin(), {"--address", loopback, "--port", port, "--count", count});
    if (std::ranges::none_of(options, [](const auto& word) { return word == "--interval"; })) {
        options.insert(options.end(), {"--interval", "0"});
    }
    return stage.start("broadcast_sender", options, start);
}

// A socket on the loopback that hears broadcasts.
DatagramPeer& hearer(Stage& stage, const std::string& port = "0") {
    return stage.datagrams("0.0.0.0", port, {.own_address = "127.0.0.1"});
}

// Waits for a sender's first words, and returns what they tell of its code; mostly nothing.
std::string told_by(Stage& stage, const Process& sender) {
    const auto speaks = [&] { return sender.output().find('\n') != std::string::npos; };
    stage.wait_until([&] { return speaks() || sender.ended(); });
    if (sender.errors().find("Bad file descriptor") != std::string::npos) {
        return "the socket is not open (step 1)";
    }
    if (sender.errors().find("Permission denied") != std::string::npos) {
        return "the option SO_BROADCAST is not set on this socket (step 2)";
    }
    if (sender.output().starts_with("sent 0 bytes")) {
        return "what send_to returns was not kept in size (step 3)";
    }
    return "";
}

// Expects a sender's first datagram, and the line about it.
Datagram expect_first(Stage& stage, Process& sender, DatagramPeer& everyone,
                      const std::string& message = "hello world") {
    const std::string told = told_by(stage, sender);
    const std::string as_it_is =
        "send the bytes of message to destination, no more and no fewer (step 3)";
    Datagram datagram = everyone.expect_datagram(message, told.empty() ? as_it_is : told);
    sender.expect_line(sent(message.size(), loopback, everyone.port()), told);
    return datagram;
}

// The proof that a sender does its job, for test cases about how it behaves otherwise. It takes
// the first datagram only, so that it holds before the loop is written.
Process& expect_sender_works(Stage& stage, const std::vector<std::string>& options = {}) {
    DatagramPeer& everyone = hearer(stage);
    Process& sender = start_sender(stage, everyone.port(), "1", options);
    expect_first(stage, sender, everyone);
    return sender;
}

// Runs a command on a host, one of ip(8)'s mostly.
void prepare(Classroom& classroom, const std::string& host, const std::string& command,
             std::vector<std::string> arguments) {
    classroom.start_command(host, command, std::move(arguments)).expect_exit(0);
}

// Gives h1 a second interface, eth1, to a LAN without other hosts.
void add_second_interface(Classroom& classroom) {
    prepare(classroom, "h1", "sh",
            {"-c",
             "ip link add eth1 type veth peer name other && "
             "for i in eth1 other; do ip link set $i addrgenmode none; done; "  // quiet: no IPv6
             "ip link set other up && "
             "ip address add 10.1.0.1/24 broadcast + dev eth1 && ip link set eth1 up && "
             "for i in $(seq 300); do "  // a link takes a moment before it passes anything on
             "ip -o link show eth1 | grep -q 'state UP' && exit; sleep 0.01; done; exit 1"});
}

bool is_ours(const Frame& frame) {
    return frame.outgoing && frame.protocol == "UDP" && frame.destination_port == "54321";
}

// Expects that a sender on h1 sends through one of the interfaces alone.
void expect_sent_through(Stage& stage, Process& sender, Capture& chosen, Capture& other) {
    sender.expect_line(sent(11, limited, "54321"), told_by(stage, sender));
    const std::string cause = "what goes to everyone leaves through one interface: the chosen one";
    chosen.expect_frame("the broadcast", is_ours, cause);
    other.expect_no_frame("the broadcast", is_ours, cause);
    chosen.forget();
}

}  // namespace

// --- broadcast_receiver, step 5: bind --------------------------------------------------------

TEST_CASE("The receiver says where it listens with the real port",
          "[09_broadcast][broadcast_receiver][step:5][points:1]") {
    on_loopback([](Stage& stage) {
        for (const std::string address : {"0.0.0.0", "127.0.0.1", "127.0.0.2", "127.255.255.255"}) {
            listening_receiver(stage, {}, address);
        }
        stage.start("broadcast_receiver").expect_line("listening on 0.0.0.0:54321", bound);
    });
}

TEST_CASE("Several receivers on one machine can listen on one port",
          "[09_broadcast][broadcast_receiver][step:5][points:1]") {
    on_loopback([](Stage& stage) {
        const std::string port = listening_receiver(stage).port;
        for (int i = 0; i < 2; ++i) {
            Process& next = stage.start("broadcast_receiver", {"--port", port});
            next.expect_line("listening on 0.0.0.0:" + port, shared);
        }
    });
}

TEST_CASE("The receiver reports a port that another program has for itself",
          "[09_broadcast][broadcast_receiver][step:5][points:1]") {
    on_loopback([](Stage& stage) {
        const std::string port = stage.datagrams("0.0.0.0", "0", {.share_port = false}).port();
        expect_bind_failure(stage, {"--port", port},
                            ".*0\\.0\\.0\\.0:" + port + ".*: .*Address already in use.*",
                            "one line that names 0.0.0.0:" + port);
    });
}

TEST_CASE("The receiver reports an address that is not one of this machine",
          "[09_broadcast][broadcast_receiver][step:5][points:1]") {
    on_loopback([](Stage& stage) {
        expect_bind_failure(stage, {"--bind", "10.9.8.7"},
                            ".*10\\.9\\.8\\.7:54321.*: .*Cannot assign requested address.*",
                            "one line that names 10.9.8.7:54321");
    });
}

// --- broadcast_receiver, step 7: receive -----------------------------------------------------

TEST_CASE("The receiver prints the size and the sender and the text of each datagram",
          "[09_broadcast][broadcast_receiver][step:7][points:2]") {
    on_loopback([](Stage& stage) {
        const ReceiverScene scene = listening_receiver(stage);
        DatagramPeer& one = stage.datagrams("127.0.0.1");
        DatagramPeer& other = stage.datagrams("127.0.0.2");
        deliver(scene, one, "hello world", "hello world");
        deliver(scene, other, "hello too", "hello too", "receive_from() tells who has sent it");
        deliver(scene, one, "short", "short", "only the bytes that came are the text");
        deliver(scene, one, "to one address", "to one address", "", "127.0.0.1");
        deliver(scene, other, "two words", "two words", "", "127.0.0.3");
        scene.receiver.expect_running();
        one.expect_no_datagram("a receiver answers nothing");
        other.expect_no_datagram("a receiver answers nothing");
    });
}

TEST_CASE("The receiver hears broadcasts to port 54321 when it is told nothing else",
          "[09_broadcast][broadcast_receiver][step:7][points:1]") {
    on_loopback([](Stage& stage) {
        Process& receiver = stage.start("broadcast_receiver");
        receiver.expect_line("listening on 0.0.0.0:54321");
        DatagramPeer& sender = stage.datagrams();
        // More than any other program's default for a count.
        const ReceiverScene scene{stage, receiver, "54321"};
        for (int i = 0; i < 25; ++i) deliver(scene, sender, "again", "again");
        receiver.expect_running("a count of 0 is for ever");
    });
}

TEST_CASE("The receiver takes datagrams of any size whole",
          "[09_broadcast][broadcast_receiver][step:7][points:2]") {
    on_loopback([](Stage& stage) {
        const ReceiverScene scene = listening_receiver(stage);
        DatagramPeer& sender = stage.datagrams();
        for (const std::size_t size : sizes) {
            const std::string bytes = sample(size);
            deliver(scene, sender, bytes, bytes, size > 1 ? room : "");
        }
        deliver(scene, sender, "small again", "small again",
                "only the bytes that came are the text, not what was left from before");
    });
}

TEST_CASE("The receiver takes an empty datagram for one and goes on",
          "[09_broadcast][broadcast_receiver][step:7][points:1]") {
    on_loopback([](Stage& stage) {
        const ReceiverScene scene = listening_receiver(stage, {"--count", "3"});
        DatagramPeer& sender = stage.datagrams();
        deliver(scene, sender, "", "", "0 bytes are a datagram too: UDP has no end of a stream");
        deliver(scene, sender, "", "");
        deliver(scene, sender, "the third", "the third");
        scene.receiver.expect_exit(0);
    });
}

TEST_CASE("The receiver keeps datagrams apart that came while it was busy",
          "[09_broadcast][broadcast_receiver][step:7][points:1]") {
    on_loopback([](Stage& stage) {
        const ReceiverScene scene = listening_receiver(stage);
        DatagramPeer& sender = stage.datagrams();
        deliver(scene, sender, "ready", "ready");
        scene.receiver.signal(SIGSTOP);
        const std::vector<std::string> texts{"one", "", "three", "four\n", "five"};
        for (const std::string& text : texts) sender.send_to(text, loopback, scene.port);
        scene.receiver.signal(SIGCONT);
        for (const std::string text : {"one", "", "three", R"(four\x0a)", "five"}) {
            const std::size_t size = text.ends_with("a") ? 5 : text.size();
            expect_received(scene.receiver, sender, size, text, one_by_one);
        }
    });
}

TEST_CASE("The receiver shows bytes that could drive a terminal as escapes",
          "[09_broadcast][broadcast_receiver][step:7][points:1]") {
    on_loopback([](Stage& stage) {
        const ReceiverScene scene = listening_receiver(stage);
        DatagramPeer& sender = stage.datagrams();
        const std::string cause = "wirelab::printable() makes bytes from the network printable";
        deliver(scene, sender, all_bytes(), all_bytes_shown(), cause);
        const std::vector<std::pair<std::string, std::string>> texts{
            {"\x1b[2J\x1b[31mred", R"(\x1b[2J\x1b[31mred)"},
            {"two\nlines\r\n", R"(two\x0alines\x0d\x0a)"},
            {"a\tb \\x41 \\", "a\tb \\x41 \\"},
            {"Gr\u00fc\u00dfe \u65e5\u672c \U0001f600", "Gr\u00fc\u00dfe \u65e5\u672c \U0001f600"},
            {"\xc2\x9b"
             "31m",
             R"(\xc2\x9b31m)"},
            {"\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe6\x97",
             R"(\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe6\x97)"}};
        for (const auto& [bytes, shown] : texts) deliver(scene, sender, bytes, shown, cause);
        for (const std::size_t plain : {1U, 15U, 16U, 63U, 64U, 127U, 128U, 300U}) {
            const std::string text(plain, 'x');
            deliver(scene, sender, text + '\0' + text, text + R"(\x00)" + text, cause);
        }
        std::string shown;
        for (std::size_t i = 0; i < largest; ++i) shown += R"(\x1b)";
        deliver(scene, sender, std::string(largest, '\x1b'), shown, cause);
    });
}

TEST_CASE("The receiver ends with status 0 after as many datagrams as it is told",
          "[09_broadcast][broadcast_receiver][step:7][points:1]") {
    on_loopback([](Stage& stage) {
        DatagramPeer& sender = stage.datagrams();
        for (const std::size_t count : {1U, 2U, 10U}) {
            const ReceiverScene scene =
                listening_receiver(stage, {"--count", std::to_string(count)});
            for (std::size_t i = 1; i < count; ++i) deliver(scene, sender, "one", "one");
            scene.receiver.expect_running("not before the last one has come");
            deliver(scene, sender, "the last", "the last");
            scene.receiver.expect_exit(0);
        }
        const ReceiverScene scene = listening_receiver(stage, {"--count=0"});
        for (int i = 0; i < 20; ++i) deliver(scene, sender, "on and on", "on and on");
        scene.receiver.expect_running("a count of 0 is for ever");
    });
}

TEST_CASE("Several receivers on one machine share a port and all hear a broadcast",
          "[09_broadcast][broadcast_receiver][step:7][points:1]") {
    on_loopback([](Stage& stage) {
        const ReceiverScene first = listening_receiver(stage, {"--count", "2"});
        std::vector<Process*> receivers{&first.receiver};
        for (int i = 0; i < 2; ++i) {
            Process& next =
                stage.start("broadcast_receiver", {"--port", first.port, "--count", "2"});
            next.expect_line("listening on 0.0.0.0:" + first.port, shared);
            receivers.push_back(&next);
        }
        DatagramPeer& sender = stage.datagrams();
        for (const std::string text : {"for all of you", "and once more"}) {
            sender.send_to(text, loopback, first.port);
            for (Process* receiver : receivers) {
                expect_received(*receiver, sender, text.size(), text);
            }
        }
        for (Process* receiver : receivers) receiver->expect_exit(0);
    });
}

TEST_CASE("A receiver bound to one address hears what is sent to that address alone",
          "[09_broadcast][broadcast_receiver][step:7][points:1]") {
    on_loopback([](Stage& stage) {
        for (const std::string address : {"127.0.0.1", "127.0.0.2"}) {
            const ReceiverScene scene = listening_receiver(stage, {}, address);
            DatagramPeer& sender = stage.datagrams();
            sender.send_to("to everyone", loopback, scene.port);
            sender.send_to("to another", "127.0.0.3", scene.port);
            deliver(scene, sender, "to you", "to you", bound, address);
        }
    });
}

TEST_CASE("A receiver bound to a broadcast address hears what is sent to that address alone",
          "[09_broadcast][broadcast_receiver][step:7][points:1]") {
    in_classroom(lab, {.hosts = 2}, [](Stage&, Classroom& classroom) {
        std::vector<std::pair<std::string, Process*>> receivers;
        for (const std::string& address : {limited, subnet, classroom.address("h2")}) {
            Process& receiver =
                classroom.start("h2", "broadcast_receiver", {"--bind=" + address, "--count=2"});
            receiver.expect_line("listening on " + address + ":54321", bound);
            receivers.emplace_back(address, &receiver);
        }
        DatagramPeer& sender = classroom.datagrams("h1");
        for (int i = 0; i < 2; ++i) {
            for (const auto& [address, receiver] : receivers) {
                sender.send_to("to " + address, address, "54321");
            }
        }
        for (const auto& [address, receiver] : receivers) {
            const std::string text = "to " + address;
            for (int i = 0; i < 2; ++i) {
                expect_received(*receiver, sender, text.size(), text, bound);
            }
            receiver->expect_exit(0);
        }
    });
}

TEST_CASE("The receiver hears IPv6 senders and writes their addresses in brackets",
          "[09_broadcast][broadcast_receiver][step:7][points:1]") {
    on_loopback([](Stage& stage) {
        if (!have_ipv6()) return skip("this machine has no IPv6");
        for (const std::string address : {"::1", "::"}) {
            const ReceiverScene scene = listening_receiver(stage, {}, address);
            DatagramPeer& sender = stage.datagrams("::1");
            deliver(scene, sender, "hello", "hello", "", "::1");
        }
    });
}

TEST_CASE("The receiver prints what socat sends to everyone",
          "[09_broadcast][broadcast_receiver][step:7][points:1]") {
    if (!have_command("socat")) return skip("socat is not installed");
    on_loopback([](Stage& stage) {
        const ReceiverScene scene = listening_receiver(stage, {"--count", "1"});
        Process& socat = stage.start_command(
            "socat", {"-u", "-", "UDP4-DATAGRAM:" + loopback + ":" + scene.port + ",broadcast"});
        socat.type("From socat,\nwith love.");
        scene.receiver.expect_line_like(
            R"(received 22 bytes from 127\.0\.0\.1:[0-9]+: From socat,\\x0awith love\.)",
            "the datagram of 22 bytes");
        scene.receiver.expect_exit(0);
    });
}

TEST_CASE("The receiver ends at once when it is interrupted",
          "[09_broadcast][broadcast_receiver][step:7][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        on_loopback([signal](Stage& stage) {
            const ReceiverScene scene = listening_receiver(stage);
            expect_receiver_works(stage, scene);
            scene.receiver.signal(signal);
            scene.receiver.expect_end_by(signal);
        });
    }
}

TEST_CASE("A receiver that works reports that its output can't be written",
          "[09_broadcast][broadcast_receiver][step:7][points:1]") {
    on_loopback([](Stage& stage) {
        expect_receiver_works(stage, listening_receiver(stage));
        for (const StartOptions& options :
             {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
            Process& receiver = stage.start("broadcast_receiver", {"--port", "0"}, options);
            expect_failure(receiver, ".+: .+", "one line on stderr");
        }
    });
}

TEST_CASE("The receiver ends with an error when nobody can read its lines any more",
          "[09_broadcast][broadcast_receiver][step:7][points:1]") {
    on_loopback([](Stage& stage) {
        NamedPipe reader{stage, "stdout"};
        Process& receiver = stage.start("broadcast_receiver", {"--port", "0"},
                                        {.stdout_file = stage.path("stdout")});
        const std::string line = reader.first_line();
        stage.expect(std::regex_match(line, std::regex{R"(listening on 0\.0\.0\.0:[1-9][0-9]*)"}),
                     "that it listens, with the real port", quote(line));
        reader.close();
        stage.datagrams().send_to("too late", loopback, line.substr(line.rfind(':') + 1));
        expect_failure(receiver, ".+: .+", "one line on stderr",
                       "a stdout that can't be written ends the program, not SIGPIPE");
    });
}

TEST_CASE("A receiver that works explains itself and refuses wrong usage",
          "[09_broadcast][broadcast_receiver][step:7][points:1]") {
    on_loopback([](Stage& stage) {
        const std::string program = "broadcast_receiver";
        expect_receiver_works(stage, listening_receiver(stage));
        expect_help(stage, program,
                    {{"--bind ADDRESS", "0.0.0.0"},
                     {"--port PORT", "54321"},
                     {"--count", "0"},
                     {"--log FILE", "none"},
                     {"--help", ""}});
        expect_usage_error(stage, program, {"--colour"}, "--colour");
        expect_usage_error(stage, program, {"--port"}, "--port");
        expect_usage_error(stage, program, {"extra"}, "extra");
        for (const std::string port : {"-1", "65536", "abc", "1.5", "54321x", " 80", "+80", ""}) {
            expect_usage_error(stage, program, {"--port", port}, "--port");
        }
        for (const std::string address : {"localhost", "300.1.1.1", "1.2.3", ":::1", ""}) {
            expect_usage_error(stage, program, {"--bind", address}, "--bind");
        }
        for (const std::string count : {"-1", "1.5", "abc", "10k", "99999999999999999999", ""}) {
            expect_usage_error(stage, program, {"--count=" + count}, "--count");
        }
        expect_usage_error(stage, program, {"\x1b[2J"}, R"(\x1b[2J)");
    });
}

TEST_CASE("The receiver writes a log of whole lines when asked",
          "[09_broadcast][broadcast_receiver][step:7][points:1]") {
    on_loopback([](Stage& stage) {
        const std::string before = "[20200101 00:00:00] before:1 - this line was there before\n";
        stage.write_file("receiver.log", before);
        const ReceiverScene scene =
            listening_receiver(stage, {"--log", "receiver.log", "--count", "1"});
        expect_receiver_works(stage, scene);
        scene.receiver.expect_exit(0);
        expect_log(stage, "receiver.log");
        const std::string log = stage.read_file("receiver.log");
        stage.expect(log.starts_with(before) && log.size() > before.size(),
                     "new lines behind those that were there", quote(log));
        Process& other =
            stage.start("broadcast_receiver", {"--port", "0", "--log", "no/such/folder"});
        expect_failure(other, ".*no/such/folder.*: .+", "one line that names the log file");
    });
}

// --- broadcast_sender, step 3: send the message ----------------------------------------------

TEST_CASE("The sender reaches everyone on a machine without any LAN",
          "[09_broadcast][broadcast_sender][step:3][points:2]") {
    on_loopback([](Stage& stage) {
        DatagramPeer& everyone = hearer(stage);
        Process& sender = start_sender(stage, everyone.port(), "1", {"--message", "good morning"});
        const Datagram datagram = expect_first(stage, sender, everyone, "good morning");
        stage.expect(datagram.destination == loopback, "a datagram to " + loopback,
                     "one to " + datagram.destination, "send to the address that is given");
    });
}

TEST_CASE("The sender sends a message of any size as one datagram",
          "[09_broadcast][broadcast_sender][step:3][points:2]") {
    on_loopback([](Stage& stage) {
        for (const std::size_t size : sizes) {
            DatagramPeer& everyone = hearer(stage);
            const std::string message = sample(size);
            Process& sender = start_sender(stage, everyone.port(), "1", {"--message=" + message});
            expect_first(stage, sender, everyone, message);
        }
    });
}

TEST_CASE("The sender sends the bytes of its message as they are",
          "[09_broadcast][broadcast_sender][step:3][points:1]") {
    on_loopback([](Stage& stage) {
        for (const std::string message :
             {"Gr\u00fc\u00dfe", " two\nlines\r\n", "\\n \\x41", "\x1b[2J\xff\xc2", "--count=3"}) {
            DatagramPeer& everyone = hearer(stage);
            Process& sender = start_sender(stage, everyone.port(), "1", {"--message=" + message});
            expect_first(stage, sender, everyone, message);
        }
    });
}

TEST_CASE("The sender reports a message that no datagram can hold",
          "[09_broadcast][broadcast_sender][step:3][points:1]") {
    on_loopback([](Stage& stage) {
        expect_sender_works(stage);
        DatagramPeer& everyone = hearer(stage);
        Process& sender =
            start_sender(stage, everyone.port(), "1", {"--message=" + sample(largest + 1)});
        expect_failure(sender,
                       ".*" + escaped(loopback + ":" + everyone.port()) + ".*Message too long.*",
                       "one line that names " + loopback + ":" + everyone.port() +
                           " and ends with: Message too long",
                       own_words);
        everyone.expect_no_datagram("a part of a message is not the message");
    });
}

TEST_CASE("The sender names the option when the system does not permit a broadcast",
          "[09_broadcast][broadcast_sender][step:3][points:2]") {
    if (!have_command("ip")) return skip("ip is not installed");
    on_loopback([](Stage& stage) {
        expect_sender_works(stage);
        // What a sender without the option would be told: EACCES.
        stage.start_command("ip", {"route", "add", "prohibit", "10.8.8.8"}).expect_exit(0);
        Process& sender =
            stage.start("broadcast_sender", {"--address", "10.8.8.8", "--count", "1"});
        const std::string line = sender.expect_error_like(
            "broadcast_sender: " + no_todo + R"(.*10\.8\.8\.8:54321.*: .*Permission denied.*)",
            "one line that names 10.8.8.8:54321 and says: Permission denied", own_words);
        stage.expect(line.find("SO_BROADCAST") != std::string::npos,
                     "a line that names the option SO_BROADCAST", quote(line),
                     "of a permission alone nobody would know whose it is");
        sender.expect_exit(1);
    });
}

TEST_CASE("The sender reports that no route leads to the address",
          "[09_broadcast][broadcast_sender][step:3][points:1]") {
    on_loopback([](Stage& stage) {
        expect_sender_works(stage);
        for (const std::string& address : {limited, subnet}) {
            Process& sender =
                stage.start("broadcast_sender", {"--address", address, "--count", "1"});
            expect_failure(sender, ".*" + escaped(address) + ":54321.*: .*Network is unreachable.*",
                           "one line that names " + address + ":54321 and its reason", own_words);
        }
    });
}

TEST_CASE("The sender uses the interface that is named by its name or its address",
          "[09_broadcast][broadcast_sender][step:3][points:2]") {
    in_classroom(lab, {.hosts = 1}, [](Stage& stage, Classroom& classroom) {
        add_second_interface(classroom);
        Capture& eth0 = classroom.capture("h1", "eth0");
        Capture& eth1 = classroom.capture("h1", "eth1");
        for (const std::string interface : {"eth1", "10.1.0.1"}) {
            Process& sender =
                classroom.start("h1", "broadcast_sender", {"--count=1", "--interface", interface});
            expect_sent_through(stage, sender, eth1, eth0);
        }
        // The routes lead to eth0.
        Process& sender = classroom.start("h1", "broadcast_sender", {"--count=1"});
        expect_sent_through(stage, sender, eth0, eth1);
    });
}

TEST_CASE("The sender shows the interfaces and asks which to use",
          "[09_broadcast][broadcast_sender][step:3][points:1]") {
    in_classroom(lab, {.hosts = 1}, [](Stage& stage, Classroom& classroom) {
        add_second_interface(classroom);
        Capture& eth0 = classroom.capture("h1", "eth0");
        Capture& eth1 = classroom.capture("h1", "eth1");
        const std::vector<std::string> arguments{"--count=1", "--interface", "ask"};

        Process& by_number = classroom.start("h1", "broadcast_sender", arguments);
        const std::regex entry{R"((?:^|\n) *([0-9]+)[^0-9\n][^\n]*eth1[^\n]*10\.1\.0\.1)"};
        std::smatch found;
        const auto shown = [&] { return std::regex_search(by_number.errors(), found, entry); };
        stage.wait_until([&] { return shown() || by_number.ended(); });
        stage.expect(shown(), "a numbered list on stderr, with eth1 and 10.1.0.1 in a line",
                     quote(by_number.errors()));
        by_number.type(found[1].str() + "\n");
        expect_sent_through(stage, by_number, eth1, eth0);

        for (const std::string answers : {"eth1\n", "10.1.0.1\n", "nosuch\n0\n\n99\neth1\n"}) {
            Process& sender = classroom.start("h1", "broadcast_sender", arguments);
            sender.type(answers);
            expect_sent_through(stage, sender, eth1, eth0);
        }
    });
}

TEST_CASE("A sender that works refuses an interface that does not exist",
          "[09_broadcast][broadcast_sender][step:3][points:1]") {
    on_loopback([](Stage& stage) {
        expect_sender_works(stage, {"--interface", "lo"});
        expect_sender_works(stage, {"--interface", "127.0.0.1"});
        for (const std::string interface : {"nosuch", "10.9.8.7"}) {
            Process& sender = start_sender(stage, "54321", "1", {"--interface", interface});
            expect_failure(sender, ".*" + escaped(interface) + ".*: .+",
                           "one line that names " + interface);
        }
        Process& nobody = start_sender(stage, "54321", "1", {"--interface", "ask"});
        nobody.end_input();
        stage.wait_until([&] { return nobody.ended(); });
        stage.expect(nobody.state() == "ended with status 2" &&
                         nobody.errors().ends_with("(try 'broadcast_sender --help')\n"),
                     "a usage error, with status 2, when nobody answers",
                     "it " + nobody.state() + ", and says " + quote(nobody.errors()));
    });
}

TEST_CASE("A sender that works explains itself and refuses wrong usage",
          "[09_broadcast][broadcast_sender][step:3][points:1]") {
    on_loopback([](Stage& stage) {
        const std::string program = "broadcast_sender";
        expect_sender_works(stage);
        expect_help(stage, program,
                    {{"--address ADDRESS", "255.255.255.255"},
                     {"--port PORT", "54321"},
                     {"--message", "hello world"},
                     {"--interval SECONDS", "2"},
                     {"--count", "0"},
                     {"--interface NAME", "none"},
                     {"--log FILE", "none"},
                     {"--help", ""}});
        expect_usage_error(stage, program, {"--colour"}, "--colour");
        expect_usage_error(stage, program, {"--message"}, "--message");
        expect_usage_error(stage, program, {"extra"}, "extra");
        for (const std::string address :
             {"localhost", "300.1.1.1", "10.0.0", "10.0.0.255/24", "::1", "ff02::1", ""}) {
            expect_usage_error(stage, program, {"--address", address}, "--address");
        }
        for (const std::string port : {"0", "-1", "65536", "70000", "abc", "80x", " 80", ""}) {
            expect_usage_error(stage, program, {"--port=" + port}, "--port");
        }
        for (const std::string seconds : {"-1", "-0.5", "soon", "1s", "nan", "inf", ""}) {
            expect_usage_error(stage, program, {"--interval=" + seconds}, "--interval");
        }
        for (const std::string count : {"-1", "1.5", "abc", "10k", "99999999999999999999", ""}) {
            expect_usage_error(stage, program, {"--count=" + count}, "--count");
        }
        expect_usage_error(stage, program, {"\x1b[2J"}, R"(\x1b[2J)");
    });
}

TEST_CASE("A sender that works reports that its output can't be written",
          "[09_broadcast][broadcast_sender][step:3][points:1]") {
    on_loopback([](Stage& stage) {
        expect_sender_works(stage);
        for (const StartOptions& options :
             {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
            Process& sender = start_sender(stage, "54321", "0", {"--interval", "0.01"}, options);
            expect_failure(sender, ".+: .+", "one line on stderr");
        }
    });
}

// --- broadcast_sender, step 4: send again and again ------------------------------------------

TEST_CASE("The sender sends as often as it is told and ends with status 0",
          "[09_broadcast][broadcast_sender][step:4][points:1]") {
    on_loopback([](Stage& stage) {
        DatagramPeer& everyone = hearer(stage);
        for (const int count : {1, 2, 50}) {
            Process& sender = start_sender(stage, everyone.port(), std::to_string(count));
            expect_first(stage, sender, everyone);
            for (int i = 1; i < count; ++i) {
                everyone.expect_datagram("hello world", loop_sends);
                sender.expect_line(sent(11, loopback, everyone.port()), loop_sends);
            }
            sender.expect_exit(0, loop_starts);
            everyone.expect_no_datagram("that is one more than it was told");
        }
    });
}

TEST_CASE("The sender goes on for ever when the count is 0",
          "[09_broadcast][broadcast_sender][step:4][points:1]") {
    on_loopback([](Stage& stage) {
        DatagramPeer& everyone = hearer(stage);
        Process& sender =
            start_sender(stage, everyone.port(), "0", {"--interval", "0.01", "--message", "on"});
        expect_first(stage, sender, everyone, "on");
        for (int i = 0; i < 25; ++i) {
            everyone.expect_datagram("on", for_ever);
            sender.expect_line(sent(2, loopback, everyone.port()), for_ever);
        }
        sender.expect_running(for_ever);
    });
}

TEST_CASE("The sender pauses for the interval between two datagrams",
          "[09_broadcast][broadcast_sender][step:4][points:1]") {
    on_loopback([](Stage& stage) {
        DatagramPeer& everyone = hearer(stage);
        Process& sender = start_sender(stage, everyone.port(), "3", {"--interval", "0.5"});
        for (int i = 0; i < 3; ++i) everyone.expect_datagram("hello world");
        for (int i = 0; i < 3; ++i) sender.expect_line(sent(11, loopback, everyone.port()));
        sender.expect_exit(0);
        stage.expect_at_least(sender.run_time(), 1, "the sender pauses twice, in all");
    });
}

TEST_CASE("The sender pauses neither before the first datagram nor after the last",
          "[09_broadcast][broadcast_sender][step:4][points:1]") {
    on_loopback([](Stage& stage) {
        DatagramPeer& everyone = hearer(stage);
        Process& once = start_sender(stage, everyone.port(), "1", {"--interval", "1000"});
        everyone.expect_datagram("hello world", "the first is sent at once");
        once.expect_line(sent(11, loopback, everyone.port()));
        once.expect_exit(0, "after the last there is nothing more to wait for");
        Process& twice = start_sender(stage, everyone.port(), "2", {"--interval", "1000"});
        everyone.expect_datagram("hello world", "the first is sent at once");
        twice.expect_line(sent(11, loopback, everyone.port()));
        stage.pass_time(0.3);
        twice.expect_running("it has one more to send, after the pause");
        everyone.expect_no_datagram("the pause is not over");
    });
}

TEST_CASE("The sender does not care whether anybody listens",
          "[09_broadcast][broadcast_sender][step:4][points:1]") {
    on_loopback([](Stage& stage) {
        // A host where nobody has the port tells the sender so, by ICMP; unless it was a broadcast.
        for (const std::string address : {"127.0.0.1", "127.255.255.255"}) {
            Process& sender = stage.start(
                "broadcast_sender", {"--address", address, "--count", "3", "--interval", "0"});
            for (int i = 0; i < 3; ++i) {
                sender.expect_line(sent(11, address, "54321"),
                                   "a socket that is not connected hears of no refusals");
            }
            sender.expect_exit(0);
        }
    });
}

TEST_CASE("The sender says hello to the whole network every two seconds when told nothing else",
          "[09_broadcast][broadcast_sender][step:4][points:2]") {
    in_classroom(lab, {.hosts = 3}, [](Stage& stage, Classroom& classroom) {
        std::vector<DatagramPeer*> hosts;
        for (const std::string host : {"h1", "h2", "h3"}) {
            hosts.push_back(&classroom.datagrams(host, "54321"));
        }
        Process& sender = classroom.start("h1", "broadcast_sender");
        const std::string told = told_by(stage, sender);
        for (DatagramPeer* host : hosts) {
            const Datagram datagram = host->expect_datagram("hello world", told);
            stage.expect(datagram.address == "10.0.0.1" && datagram.destination == limited,
                         "a datagram from 10.0.0.1 to " + limited,
                         "one from " + datagram.address + " to " + datagram.destination);
        }
        sender.expect_line(sent(11, limited, "54321"), told);
        Capture& wire = classroom.capture("h2");
        stage.pass_time(1.5);
        for (DatagramPeer* host : hosts) host->expect_datagram("hello world", for_ever);
        sender.expect_line(sent(11, limited, "54321"), for_ever);
        wire.expect_frame("the datagram, to every Ethernet address", [](const Frame& frame) {
            return frame.protocol == "UDP" && frame.ethernet_destination == "ff:ff:ff:ff:ff:ff" &&
                   frame.destination == limited && frame.payload == "hello world";
        });
        stage.expect_at_least(sender.run_time(), 2, "the sender waits between two datagrams");
        sender.expect_running(for_ever);
    });
}

TEST_CASE("The sender reaches all hosts of a subnet or of a larger net or one host alone",
          "[09_broadcast][broadcast_sender][step:4][points:2]") {
    in_classroom(lab, {.hosts = 3}, [](Stage& stage, Classroom& classroom) {
        // For h1 and h2 all hosts of 10.0.0.0/8 are on this LAN; for h3, those of 10.0.0.0/24.
        const std::string net = "10.255.255.255";
        for (const std::string host : {"h1", "h2"}) {
            prepare(classroom, host, "ip",
                    {"address", "add", classroom.address(host) + "/8", "broadcast", net, "dev",
                     "eth0"});
        }
        std::vector<DatagramPeer*> hosts;
        for (const std::string host : {"h1", "h2", "h3"}) {
            hosts.push_back(&classroom.datagrams(host, "5000"));
        }
        // The hosts that hear each of these.
        const std::vector<std::pair<std::string, std::vector<std::size_t>>> reach{
            {net, {0, 1}}, {classroom.address("h2"), {1}}, {subnet, {0, 1, 2}}};
        for (const auto& [address, hearers] : reach) {
            const std::string text = "to " + address;
            Process& sender = classroom.start(
                "h1", "broadcast_sender",
                {"--address", address, "--port=5000", "--message", text, "--count=1"});
            sender.expect_line(sent(text.size(), address, "5000"));
            sender.expect_exit(0);
            for (const std::size_t number : hearers) {
                const Datagram datagram = hosts[number]->expect_datagram(
                    text, "send to the address that is given, and to no other");
                stage.expect(datagram.destination == address, "a datagram to " + address,
                             "one to " + datagram.destination);
            }
        }
        for (DatagramPeer* host : hosts) host->expect_no_datagram();
    });
}

TEST_CASE("The sender ends at once when it is interrupted in a pause",
          "[09_broadcast][broadcast_sender][step:4][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        on_loopback([signal](Stage& stage) {
            DatagramPeer& everyone = hearer(stage);
            Process& sender = start_sender(stage, everyone.port(), "0", {"--interval", "1000"});
            everyone.expect_datagram("hello world");
            sender.expect_line(sent(11, loopback, everyone.port()));
            sender.signal(signal);
            sender.expect_end_by(signal);
        });
    }
}

TEST_CASE("The sender writes a log of whole lines when asked",
          "[09_broadcast][broadcast_sender][step:4][points:1]") {
    on_loopback([](Stage& stage) {
        expect_sender_works(stage, {"--log", "sender\x1b[31m.log"}).expect_exit(0);
        expect_log(stage, "sender\x1b[31m.log");
        const std::string log = stage.read_file("sender\x1b[31m.log");
        stage.expect(log.find('\x1b') == std::string::npos, "arguments made printable in the log",
                     quote(log));
    });
}

TEST_CASE("The sender is understood by socat",
          "[09_broadcast][broadcast_sender][step:4][points:1]") {
    if (!have_command("socat")) return skip("socat is not installed");
    on_loopback([](Stage& stage) {
        Process& socat = stage.start_command("socat", {"-u", "UDP4-RECV:54321", "-"});
        // Again and again, because socat does not say when it listens.
        Process& sender =
            start_sender(stage, "54321", "0", {"--message=good morning\n", "--interval", "0.02"});
        sender.expect_line(sent(13, loopback, "54321"));
        socat.expect_line("good morning");
    });
}

// --- both ------------------------------------------------------------------------------------

TEST_CASE("All receivers of a classroom print what the sender sends to everyone",
          "[09_broadcast][broadcast_receiver][step:7][points:2]") {
    in_classroom(lab, {.hosts = 3}, [](Stage&, Classroom& classroom) {
        std::vector<Process*> receivers;
        for (const std::string host : {"h1", "h2", "h3", "h3"}) {
            Process& receiver = classroom.start(host, "broadcast_receiver", {"--count=2"});
            receiver.expect_line("listening on 0.0.0.0:54321", shared);
            receivers.push_back(&receiver);
        }
        for (const std::string& address : {limited, subnet}) {
            Process& sender =
                classroom.start("h1", "broadcast_sender", {"--address", address, "--count", "1"});
            sender.expect_line(sent(11, address, "54321"));
            sender.expect_exit(0);
            for (Process* receiver : receivers) {
                receiver->expect_line_like(
                    R"(received 11 bytes from 10\.0\.0\.1:[0-9]+: hello world)",
                    "the datagram from 10.0.0.1");
            }
        }
        for (Process* receiver : receivers) receiver->expect_exit(0);
    });
}

TEST_CASE("Datagrams that do not fit into one packet cross the LAN in parts and arrive whole",
          "[09_broadcast][broadcast_receiver][step:7][points:1]") {
    in_classroom(lab, {.hosts = 3}, [](Stage&, Classroom& classroom) {
        Process& receiver = classroom.start("h2", "broadcast_receiver");
        receiver.expect_line("listening on 0.0.0.0:54321");
        DatagramPeer& other = classroom.datagrams("h3", "54321");
        Capture& wire = classroom.capture("h2");
        for (const std::size_t size : {std::size_t{1472}, std::size_t{1473}, largest}) {
            const std::string message = sample(size);
            Process& sender =
                classroom.start("h1", "broadcast_sender", {"--message", message, "--count", "1"});
            sender.expect_line(sent(size, limited, "54321"));
            sender.expect_exit(0);
            const Datagram datagram = other.expect_datagram(message);
            receiver.expect_line("received " + std::to_string(size) + " bytes from " +
                                     datagram.sender + ": " + message,
                                 room);
            const bool in_parts = size > 1472;  // and the headers: 1500 bytes fit into a packet
            wire.expect_frame(in_parts ? "the datagram in parts" : "the datagram in one packet",
                              [in_parts](const Frame& frame) {
                                  return frame.protocol == "UDP" && frame.fragment == in_parts;
                              });
            wire.forget();
        }
    });
}
