// Lab 03: the contract of tcp_receive and tcp_send, from outside.
#include "harness/catch.hpp"
#include "harness/peer.hpp"
#include "harness/process.hpp"
#include "harness/rules.hpp"
#include "harness/stage.hpp"
#include "harness/world.hpp"

#include <chrono>
#include <csignal>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace harness;

namespace {

const std::string lab = "03_tcp_messages";
constexpr std::size_t megabyte = 1024 * 1024;
const std::string one_read =
    "one read may bring only a part of a message: it ends where the stream ends";
const std::string one_fault = "one sender's fault must not end the service for the others";
const std::string one_wait = "the Deadline belongs around one wait, not around the whole message";

// Begins a pattern for a line that does not speak of a step that is not done yet.
const std::string no_todo = "(?!.*TODO [0-9]+ is not done)";
const std::string any_reason = no_todo + ".+";

// --- tcp_receive

struct ReceiverScene {
    Process& receiver;
    std::string port;
};

ReceiverScene listening_receiver(Stage& stage, std::vector<std::string> options = {},
                                 const StartOptions& start = {}) {
    options.insert(options.begin(), {"--bind", "127.0.0.1", "--port", "0"});
    Process& receiver = stage.start("tcp_receive", options, start);
    return {receiver, receiver.expect_listening()};
}

void expect_message(Process& receiver, const Peer& sender, const std::string& shown,
                    std::string_view cause = "") {
    receiver.expect_line(sender.endpoint() + ": " + shown, cause);
}

// Brings a message as a good sender does, and expects how it is shown.
void deliver(Stage& stage, const ReceiverScene& scene, std::string_view message,
             const std::string& shown) {
    Peer& sender = stage.connect(scene.port);
    sender.send(message);
    sender.shut_down_sending();
    expect_message(scene.receiver, sender, shown);
    sender.expect_end("the receiver closes when the message is whole, and sends nothing");
}

// Expects these lines, in any order: nothing says who is served first.
void expect_lines(Stage& stage, Process& receiver, std::set<std::string> lines,
                  std::string_view cause = "") {
    while (!lines.empty()) {
        const std::string expected = "the line " + quote(*lines.begin());
        const std::string line = receiver.expect_line_like(".+", expected, cause);
        const bool wanted = lines.erase(line) == 1;
        stage.expect(wanted, expected, "the line " + quote(line), cause);
    }
}

// Connects, brings a little, and expects only that the receiver is done with it in the end.
void visit(Stage& stage, const std::string& port, const std::string& address = "127.0.0.1") {
    Peer& sender = stage.connect(port, address);
    sender.send("hello");
    sender.shut_down_sending();
    const std::string answer = sender.receive_to_end();
    stage.expect(answer.empty(), "the receiver sends nothing", quote(answer));
}

// Which words a program uses is left open; but that all went well, or that the sender ended, is no
// reason.
const std::string too_long = "(?!Success|End of file|timed out|Connection reset).+";

void expect_fault(Process& receiver, const Peer& sender, const std::string& reason = any_reason) {
    receiver.expect_error_like("tcp_receive: " + sender.endpoint() + ": " + reason,
                               "one line \"tcp_receive: " + sender.endpoint() + ": REASON\"",
                               one_fault);
}

// --- a machine with a network, for what a receiver tells about its addresses

void run_ip(Stage& stage, const std::string& words) {
    std::istringstream input{words};
    std::vector<std::string> arguments;
    for (std::string word; input >> word;) arguments.push_back(word);
    stage.start_command("ip", arguments).expect_exit(0);
}

// Adds the interface lan0 with these addresses; only in a private network.
void add_interface(Stage& stage, const std::vector<std::string>& addresses) {
    if (!have_command("ip")) return skip("ip is not installed");
    Process& link = stage.start_command("ip", {"link", "add", "lan0", "type", "bridge"});
    stage.wait_until([&link] { return link.ended(); });
    if (link.state() != "ended with status 0") return skip("this machine can't add interfaces");
    run_ip(stage, "link set lan0 up");
    for (const std::string& address : addresses) {
        const bool v6 = address.find(':') != std::string::npos;
        run_ip(stage, "address add " + address + " dev lan0" + (v6 ? " nodad" : ""));
    }
}

// Expects the next lines to tell these addresses, in any order.
void expect_ways_to_reach(Stage& stage, Process& receiver, const std::set<std::string>& addresses,
                          const std::string& port) {
    std::set<std::string> lines;
    for (const std::string& address : addresses) {
        lines.insert("reach me at " + address + " " + port);
    }
    expect_lines(stage, receiver, lines, "others can't use loopback or link-local addresses");
}

// --- tcp_send

struct SenderScene {
    Process& sender;
    Peer& receiver;
    std::string endpoint;  // the receiver's
};

SenderScene connected_sender(Stage& stage, const std::string& message,
                             std::vector<std::string> options = {},
                             const StartOptions& start = {}) {
    Listener& listener = stage.listen();
    options.insert(options.end(), {"127.0.0.1", listener.port(), message});
    Process& sender = stage.start("tcp_send", options, start);
    return {sender, listener.accept("the sender never asked for a connection"),
            listener.endpoint()};
}

// The same for a message that is typed, which may be longer than any argument.
SenderScene asked_sender(Stage& stage, const std::string& message,
                         std::vector<std::string> options = {}) {
    Listener& listener = stage.listen();
    options.insert(options.end(), {"127.0.0.1", listener.port()});
    Process& sender = stage.start("tcp_send", options);
    sender.type(message + "\n");
    return {sender, listener.accept("the sender never asked for a connection"),
            listener.endpoint()};
}

void expect_sent(Process& sender, std::size_t size, const std::string& endpoint) {
    sender.expect_line("sent " + std::to_string(size) + " bytes to " + endpoint);
    sender.expect_exit(0);
}

// Expects that this message and no more arrives, and that the sender says so.
void expect_delivered(const SenderScene& scene, std::string_view message) {
    scene.receiver.expect_received(message);
    scene.receiver.expect_end("the end of the message is the end of the stream");
    expect_sent(scene.sender, message.size(), scene.endpoint);
}

// The proof that a sender does its job, for test cases about how it behaves otherwise.
void expect_sender_works(Stage& stage) {
    expect_delivered(connected_sender(stage, "It works."), "It works.");
}

void expect_prompt(Stage& stage, const Process& sender, const std::string& prompt) {
    const bool asked =
        stage.wait_until([&] { return sender.errors().ends_with(prompt) || sender.ended(); });
    stage.expect(asked && !sender.ended(), "tcp_send asks " + quote(prompt) + " on stderr",
                 "on stderr " + quote(sender.errors()));
}

// Wrong usage behind a question: the error may follow on the question's line.
void expect_usage_error_after(Stage& stage, Process& sender, const std::string& prompt) {
    stage.wait_until([&] { return sender.ended(); });
    const std::string& errors = sender.errors();
    stage.expect(errors.find(prompt) != std::string::npos,
                 "tcp_send asks " + quote(prompt) + " on stderr", "on stderr " + quote(errors));
    stage.expect(sender.state() == "ended with status 2",
                 "tcp_send ends with status 2: nothing was typed", "it " + sender.state());
    const bool one_line = errors.find("tcp_send: ", errors.find(prompt)) != std::string::npos &&
                          errors.ends_with("(try 'tcp_send --help')\n");
    stage.expect(one_line, "a usage error that ends with (try 'tcp_send --help')",
                 "on stderr " + quote(errors));
}

// A failure behind a question: the error may follow on the question's line.
void expect_failure_after_question(Stage& stage, Process& sender, const std::string& part,
                                   std::string_view cause) {
    stage.wait_until([&] { return sender.ended(); });
    const std::string& errors = sender.errors();
    const bool told = errors.find("tcp_send: ") != std::string::npos &&
                      errors.find(part) != std::string::npos &&
                      errors.find("TODO") == std::string::npos;
    stage.expect(told, "one line on stderr with " + quote(part), quote(errors), cause);
    stage.expect(sender.state() == "ended with status 1", "tcp_send ends with status 1",
                 "it " + sender.state(), cause);
    stage.expect(sender.output().empty(), "nothing on stdout", quote(sender.output()), cause);
}

void expect_unconnected(Stage& stage, Listener& listener) {
    const bool visitor = listener.has_visitor();
    stage.expect(!visitor, "no connection before there is a message to send", "a connection");
}

}  // namespace

// --- tcp_receive, step 1: listen -------------------------------------------------------------

TEST_CASE("The receiver says where it listens with the real port",
          "[03_tcp_messages][tcp_receive][step:1][points:1]") {
    Stage stage{lab};
    listening_receiver(stage);
    Process& any = stage.start("tcp_receive", {"--bind=0.0.0.0", "--port=0"});
    any.expect_listening("0.0.0.0");
}

TEST_CASE("The receiver listens on 0.0.0.0 port 40000 when it is told nothing else",
          "[03_tcp_messages][tcp_receive][step:1][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        Process& receiver = stage.start("tcp_receive");
        receiver.expect_line("listening on 0.0.0.0:40000");
    });
}

TEST_CASE("The receiver writes the IPv6 address that it listens on in brackets",
          "[03_tcp_messages][tcp_receive][step:1][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    Stage stage{lab};
    stage.start("tcp_receive", {"--port", "0", "--bind", "::1"}).expect_listening("::1");
    stage.start("tcp_receive", {"--port", "0", "--bind", "::"}).expect_listening("::");
}

TEST_CASE("The receiver reports a port that is in use",
          "[03_tcp_messages][tcp_receive][step:1][points:1]") {
    Stage stage{lab};
    const std::string port = stage.listen().port();
    Process& second = stage.start("tcp_receive", {"--bind", "127.0.0.1", "--port", port});
    second.expect_error_like("tcp_receive: .*127\\.0\\.0\\.1:" + port + ": Address already in use",
                             "one line that names 127.0.0.1:" + port,
                             "after a bind that failed, listen would take any port");
    second.expect_exit(1);
}

TEST_CASE("The receiver reports an address that is not one of this machine",
          "[03_tcp_messages][tcp_receive][step:1][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        Process& receiver = stage.start("tcp_receive", {"--bind", "10.9.8.7"});
        receiver.expect_error_like(
            "tcp_receive: .*10\\.9\\.8\\.7:40000: Cannot assign requested address",
            "one line that names 10.9.8.7:40000");
        receiver.expect_exit(1);
    });
}

TEST_CASE("The receiver reports that its output can't be written",
          "[03_tcp_messages][tcp_receive][step:1][points:1]") {
    Stage stage{lab};
    listening_receiver(stage);
    const std::vector<std::string> arguments{"--bind", "127.0.0.1", "--port", "0"};
    for (const StartOptions& options :
         {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
        Process& receiver = stage.start("tcp_receive", arguments, options);
        receiver.expect_error_like("tcp_receive: " + no_todo + ".+: .+", "one line on stderr");
        receiver.expect_exit(1);
    }
}

TEST_CASE("A receiver that works explains itself and refuses wrong usage",
          "[03_tcp_messages][tcp_receive][step:1][points:1]") {
    Stage stage{lab};
    listening_receiver(stage);
    expect_help(stage, "tcp_receive",
                {{"--bind ADDRESS", "0.0.0.0"},
                 {"--port PORT", "40000"},
                 {"--max-bytes BYTES", "65536"},
                 {"--timeout SECONDS", "30"},
                 {"--log FILE", "none"},
                 {"--help", ""}});
    expect_usage_error(stage, "tcp_receive", {"--colour"}, "--colour");
    expect_usage_error(stage, "tcp_receive", {"--max", "1"}, "--max");
    expect_usage_error(stage, "tcp_receive", {"--port"}, "--port");
    expect_usage_error(stage, "tcp_receive", {"extra"}, "extra");
    for (const std::string port : {"-1", "65536", "abc", "1.5", "40000x", ""}) {
        expect_usage_error(stage, "tcp_receive", {"--port", port}, "--port");
    }
    for (const std::string address : {"localhost", "300.1.1.1", "1.2.3", ":::1", ""}) {
        expect_usage_error(stage, "tcp_receive", {"--bind", address}, "--bind");
    }
    for (const std::string bytes : {"-1", "abc", "1.5", "64k", ""}) {
        expect_usage_error(stage, "tcp_receive", {"--max-bytes=" + bytes}, "--max-bytes");
    }
    for (const std::string seconds : {"-3", "soon", "1s", "nan", ""}) {
        expect_usage_error(stage, "tcp_receive", {"--timeout=" + seconds}, "--timeout");
    }
    expect_usage_error(stage, "tcp_receive", {"\x1b[2J"}, R"(\x1b[2J)");
}

// --- tcp_receive, step 2: how to reach it ----------------------------------------------------

TEST_CASE("The receiver tells every address under which others could reach it",
          "[03_tcp_messages][tcp_receive][step:2][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        add_interface(stage, {"169.254.7.7/16", "10.1.2.3/24", "192.168.7.9/24"});
        Process& receiver = stage.start("tcp_receive");
        receiver.expect_line("listening on 0.0.0.0:40000");
        expect_ways_to_reach(stage, receiver, {"10.1.2.3", "192.168.7.9"}, "40000");
    });
}

TEST_CASE("The receiver tells the address that it is bound to and the real port",
          "[03_tcp_messages][tcp_receive][step:2][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        add_interface(stage, {"10.1.2.3/24", "192.168.7.9/24"});
        Process& receiver = stage.start("tcp_receive", {"--bind", "192.168.7.9", "--port", "0"});
        const std::string port = receiver.expect_listening("192.168.7.9");
        expect_ways_to_reach(stage, receiver, {"192.168.7.9"}, port);
    });
}

TEST_CASE("The receiver tells its IPv6 addresses when it listens on all of them",
          "[03_tcp_messages][tcp_receive][step:2][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    in_private_network([] {
        Stage stage{lab};
        // Its interface has a link-local address as well, which IPv6 makes by itself.
        add_interface(stage, {"10.1.2.3/24", "fd00::5/64"});
        Process& receiver = stage.start("tcp_receive", {"--bind", "::"});
        receiver.expect_line("listening on [::]:40000");
        expect_ways_to_reach(stage, receiver, {"10.1.2.3", "fd00::5"}, "40000");
    });
}

// --- tcp_receive, step 3: accept -------------------------------------------------------------

TEST_CASE("The receiver takes one sender after another and sends nothing to any",
          "[03_tcp_messages][tcp_receive][step:3][points:1]") {
    Stage stage{lab};
    auto [receiver, port] = listening_receiver(stage);
    for (int i = 0; i < 5; ++i) visit(stage, port);
    receiver.expect_running();
}

TEST_CASE("The receiver is reached at every address of this machine when it listens on 0.0.0.0",
          "[03_tcp_messages][tcp_receive][step:3][points:1]") {
    Stage stage{lab};
    Process& receiver = stage.start("tcp_receive", {"--port", "0"});
    const std::string port = receiver.expect_listening("0.0.0.0");
    visit(stage, port, "127.0.0.1");
    visit(stage, port, "127.0.0.2");
}

TEST_CASE("The receiver tells no way to reach it when it listens on a loopback address",
          "[03_tcp_messages][tcp_receive][step:3][points:1]") {
    Stage stage{lab};
    auto [receiver, port] = listening_receiver(stage);
    // When it has served a sender, it has printed all that it had to say before.
    visit(stage, port);
    visit(stage, port);
    const bool told = receiver.output().find("reach me") != std::string::npos;
    stage.expect(!told, "no line \"reach me at 127.0.0.1\"", quote(receiver.output()),
                 "127.0.0.1 leads every machine to itself");
}

TEST_CASE("The receiver ends at once when it is interrupted while it waits for a sender",
          "[03_tcp_messages][tcp_receive][step:3][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        auto [receiver, port] = listening_receiver(stage);
        visit(stage, port);
        visit(stage, port);
        receiver.signal(signal);
        receiver.expect_end_by(signal);
    }
}

TEST_CASE("The receiver can be started again at once on the same port",
          "[03_tcp_messages][tcp_receive][step:3][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        Process& first = stage.start("tcp_receive", {"--timeout", "0.1"});
        first.expect_line("listening on 0.0.0.0:40000");
        // The receiver closes first, so the connection lingers on its side, in TIME_WAIT.
        for (int i = 0; i < 2; ++i) {
            Peer& silent = stage.connect("40000");
            silent.receive_to_end();
            silent.close();
        }
        first.signal(SIGTERM);
        first.expect_end_by(SIGTERM);
        Process& second = stage.start("tcp_receive");
        second.expect_line("listening on 0.0.0.0:40000",
                           "a connection in TIME_WAIT keeps the port: set reuse_address");
    });
}

// --- tcp_receive, step 4: read to the end ----------------------------------------------------

TEST_CASE("The receiver waits for a sender that is silent until the timeout and no longer",
          "[03_tcp_messages][tcp_receive][step:4][points:1]") {
    Stage stage{lab};
    auto [receiver, port] = listening_receiver(stage, {"--timeout", "0.3"});
    const auto start = Clock::now();
    Peer& sender = stage.connect(port);
    sender.receive_to_end("a sender that stays silent needs a Deadline around the read");
    stage.expect_at_least(Clock::now() - start, 0.3, "the receiver waits");
    receiver.expect_running();
}

TEST_CASE("The receiver ends at once when it is interrupted in the middle of a message",
          "[03_tcp_messages][tcp_receive][step:4][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        auto [receiver, port] = listening_receiver(stage);
        Peer& sender = stage.connect(port);
        sender.send_in_pieces({"half of a mess"});
        const bool open = !sender.ended();
        stage.expect(open, "the receiver waits for the rest of the message",
                     "it closed the connection", one_read);
        receiver.signal(signal);
        receiver.expect_end_by(signal);
    }
}

// --- tcp_receive, step 5: whole or not -------------------------------------------------------

TEST_CASE("The receiver refuses a message that is one byte too long",
          "[03_tcp_messages][tcp_receive][step:5][points:1]") {
    const std::vector<std::vector<std::string>> runs{{"10"}, {"0"}, {"5000"}, {}};
    for (const auto& limit : runs) {
        Stage stage{lab};
        std::vector<std::string> options;
        if (!limit.empty()) options = {"--max-bytes", limit.front()};
        auto [receiver, port] = listening_receiver(stage, options);
        Peer& sender = stage.connect(port);
        sender.send(std::string(limit.empty() ? 65537 : std::stoul(limit.front()) + 1, 'x'));
        sender.shut_down_sending();
        expect_fault(receiver, sender, too_long);
        sender.receive_to_end();
        stage.expect(receiver.output().find(": x") == std::string::npos,
                     "nothing of a refused message on stdout", quote(receiver.output()));
    }
}

TEST_CASE("The receiver refuses a message without end and holds no more of it than it must",
          "[03_tcp_messages][tcp_receive][step:5][points:2]") {
    Stage stage{lab};
    auto [receiver, port] = listening_receiver(stage);
    const std::size_t before = receiver.peak_memory();
    Peer& sender = stage.connect(port);
    const std::string piece(megabyte, 'x');
    for (int i = 0; i < 64 && !sender.ended(); ++i) sender.send(piece);
    expect_fault(receiver, sender, too_long);
    sender.receive_to_end("the limit is passed: there is no need to read on");
    const bool frugal = receiver.peak_memory() < before + 16 * megabyte;
    stage.expect(frugal, "little more memory in use than before",
                 std::to_string((receiver.peak_memory() - before) / megabyte) + " megabytes more",
                 "stop reading as soon as the message is too long");
}

TEST_CASE("The receiver reports a sender that resets the connection",
          "[03_tcp_messages][tcp_receive][step:5][points:1]") {
    Stage stage{lab};
    auto [receiver, port] = listening_receiver(stage);
    for (const std::string half : {"half of a mess", ""}) {
        Peer& sender = stage.connect(port);
        sender.send_in_pieces({half});
        sender.reset();
        expect_fault(receiver, sender, "Connection reset by peer");
    }
    receiver.expect_running(one_fault);
}

TEST_CASE("The receiver reports a sender that falls silent as timed out",
          "[03_tcp_messages][tcp_receive][step:5][points:1]") {
    Stage stage{lab};
    auto [receiver, port] = listening_receiver(stage, {"--timeout", "0.2"});
    for (const std::string half : {"half of a mess", ""}) {
        Peer& sender = stage.connect(port);
        sender.send(half);
        expect_fault(receiver, sender, "timed out");
        sender.receive_to_end();
    }
    receiver.expect_running(one_fault);
}

// --- tcp_receive, step 6: print --------------------------------------------------------------

TEST_CASE("The receiver prints the message and who sent it",
          "[03_tcp_messages][tcp_receive][step:6][points:1]") {
    Stage stage{lab};
    deliver(stage, listening_receiver(stage), "hello", "hello");
}

TEST_CASE("The receiver puts together a message that arrives byte by byte",
          "[03_tcp_messages][tcp_receive][step:6][points:2]") {
    Stage stage{lab};
    auto [receiver, port] = listening_receiver(stage);
    Peer& sender = stage.connect(port);
    sender.send_byte_by_byte("Gr\u00fc\u00dfe, byte by byte");
    sender.shut_down_sending();
    expect_message(receiver, sender, "Gr\u00fc\u00dfe, byte by byte", one_read);
    sender.expect_end();
}

TEST_CASE("The receiver puts together a message that arrives in halves",
          "[03_tcp_messages][tcp_receive][step:6][points:1]") {
    Stage stage{lab};
    auto [receiver, port] = listening_receiver(stage);
    Peer& sender = stage.connect(port);
    sender.send_in_pieces({"half of a message ", "and the other half"});
    sender.close();
    expect_message(receiver, sender, "half of a message and the other half", one_read);
}

TEST_CASE("The receiver does not take a pause of the sender for the end of the message",
          "[03_tcp_messages][tcp_receive][step:6][points:1]") {
    const double timeout = 0.3 * time_scale();
    for (Attempts attempts; attempts.another();) {
        Stage stage{lab};
        auto [receiver, port] = listening_receiver(stage, {"--timeout", std::to_string(timeout)});
        Peer& sender = stage.connect(port);
        if (!sender.trickle("take your time", timeout)) continue;  // a busy machine: try again
        sender.shut_down_sending();
        expect_message(receiver, sender, "take your time", one_wait);
        break;
    }
}

TEST_CASE("The receiver takes any time that a sender needs when the timeout is 0",
          "[03_tcp_messages][tcp_receive][step:6][points:1]") {
    Stage stage{lab};
    auto [receiver, port] = listening_receiver(stage, {"--timeout", "0"});
    Peer& sender = stage.connect(port);
    sender.send_in_pieces({"slow"});
    stage.pass_time(0.2);
    sender.send(" and steady");
    sender.close();
    expect_message(receiver, sender, "slow and steady", "a timeout of 0 means no limit");
}

TEST_CASE("The receiver accepts a message of exactly as many bytes as allowed",
          "[03_tcp_messages][tcp_receive][step:6][points:1]") {
    Stage stage{lab};
    deliver(stage, listening_receiver(stage, {"--max-bytes", "10"}), "0123456789", "0123456789");
    const std::string page(4096, 'x');
    deliver(stage, listening_receiver(stage, {"--max-bytes", "4096"}), page, page);
    const std::string most(65536, 'y');
    deliver(stage, listening_receiver(stage), most, most);
    const std::string more(1'000'000, 'z');
    deliver(stage, listening_receiver(stage, {"--max-bytes", "10000000000"}), more, more);
}

TEST_CASE("The receiver prints an empty message as an empty text",
          "[03_tcp_messages][tcp_receive][step:6][points:1]") {
    Stage stage{lab};
    deliver(stage, listening_receiver(stage), "", "");
    deliver(stage, listening_receiver(stage, {"--max-bytes", "0"}), "", "");
}

TEST_CASE("The receiver prints each of many messages as one line",
          "[03_tcp_messages][tcp_receive][step:6][points:1]") {
    Stage stage{lab};
    auto [receiver, port] = listening_receiver(stage);
    // All of them are connected before any has ended its message.
    std::vector<Peer*> senders;
    for (int i = 0; i < 10; ++i) senders.push_back(&stage.connect(port));
    std::set<std::string> lines;
    for (Peer* sender : senders) {
        const std::string message = "message " + std::to_string(lines.size());
        sender->send(message);
        lines.insert(sender->endpoint() + ": " + message);
    }
    for (Peer* sender : senders) sender->close();
    expect_lines(stage, receiver, lines);
}

TEST_CASE("The receiver shows every control byte and every broken byte as harmless text",
          "[03_tcp_messages][tcp_receive][step:6][points:2]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    deliver(stage, scene, all_bytes(), all_bytes_shown());
    deliver(stage, scene, "\x1b]0;gotcha\x07\x1b[2J", R"(\x1b]0;gotcha\x07\x1b[2J)");
    deliver(stage, scene, "C1: \xc2\x80 \xc2\x9b \xc2\x9f", R"(C1: \xc2\x80 \xc2\x9b \xc2\x9f)");
    deliver(stage, scene, "overlong: \xc0\xaf \xe0\x80\xaf", R"(overlong: \xc0\xaf \xe0\x80\xaf)");
    deliver(stage, scene, "surrogate: \xed\xa0\x80", R"(surrogate: \xed\xa0\x80)");
    deliver(stage, scene, "too high: \xf4\x90\x80\x80", R"(too high: \xf4\x90\x80\x80)");
    deliver(stage, scene, "cut off: \xe2\x82", R"(cut off: \xe2\x82)");
}

TEST_CASE("The receiver shows text in any language and backslashes as they are",
          "[03_tcp_messages][tcp_receive][step:6][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    for (const std::string text :
         {"Gr\u00fc\u00dfe", "\xe4\xbd\xa0\xe5\xa5\xbd", "\xf0\x9f\x90\xa7", "\xc2\xa0",
          "\\x0a and C:\\temp", "\t%s%n"}) {
        deliver(stage, scene, text, text);
    }
}

TEST_CASE("The receiver never lets a message forge a line of its own",
          "[03_tcp_messages][tcp_receive][step:6][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    deliver(stage, scene, "hello\n127.0.0.1:1: forged\r\n",
            R"(hello\x0a127.0.0.1:1: forged\x0d\x0a)");
    deliver(stage, scene, "honest", "honest");
}

TEST_CASE("The receiver serves the next sender after one that reset the connection",
          "[03_tcp_messages][tcp_receive][step:6][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    Peer& rude = stage.connect(scene.port);
    rude.send_in_pieces({"half of a mess"});
    rude.reset();
    expect_fault(scene.receiver, rude);
    deliver(stage, scene, "after a reset", "after a reset");
}

TEST_CASE("The receiver serves the next sender after one that fell silent",
          "[03_tcp_messages][tcp_receive][step:6][points:1]") {
    Stage stage{lab};
    auto [receiver, port] = listening_receiver(stage, {"--timeout", "0.2"});
    Peer& silent = stage.connect(port);
    silent.send("half of a mess");
    // It brings all that it has while it waits for its turn, so that its own time can't run out.
    Peer& next = stage.connect(port);
    next.send("after a silence");
    next.close();
    expect_fault(receiver, silent);
    expect_message(receiver, next, "after a silence");
}

TEST_CASE("The receiver serves the next sender after one that sent too much",
          "[03_tcp_messages][tcp_receive][step:6][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage, {"--max-bytes", "20"});
    Peer& endless = stage.connect(scene.port);
    endless.send(std::string(megabyte, 'x'));
    expect_fault(scene.receiver, endless);
    deliver(stage, scene, "after too much", "after too much");
}

TEST_CASE("The receiver goes on when a sender was gone before it was accepted",
          "[03_tcp_messages][tcp_receive][step:6][points:1]") {
    Stage stage{lab};
    auto [receiver, port] = listening_receiver(stage);
    Peer& first = stage.connect(port);
    first.send_in_pieces({"first"});
    Peer& gone = stage.connect(port);
    gone.reset();
    Peer& last = stage.connect(port);
    last.send("last");
    last.close();
    first.close();
    expect_lines(stage, receiver, {first.endpoint() + ": first", last.endpoint() + ": last"},
                 one_fault);
}

TEST_CASE("The receiver waits for the next sender without a limit",
          "[03_tcp_messages][tcp_receive][step:6][points:1]") {
    for (Attempts attempts; attempts.another();) {
        Stage stage{lab};
        auto [receiver, port] = listening_receiver(stage, {"--timeout", "0.2"});
        stage.pass_time(0.5);
        const auto start = Clock::now();
        Peer& sender = stage.connect(port);
        sender.send("late");
        sender.close();
        // A busy machine: try again.
        if (Clock::now() - start > std::chrono::milliseconds{100}) continue;
        expect_message(receiver, sender, "late", "only a sender that has connected has a limit");
        break;
    }
}

TEST_CASE("The receiver takes messages over IPv6",
          "[03_tcp_messages][tcp_receive][step:6][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    Stage stage{lab};
    for (const std::string address : {"::1", "::"}) {
        Process& receiver = stage.start("tcp_receive", {"--port", "0", "--bind", address});
        const std::string port = receiver.expect_listening(address);
        Peer& sender = stage.connect(port, "::1");
        sender.send("six");
        sender.shut_down_sending();
        sender.expect_end();
        const std::string line = sender.endpoint() + ": six\n";
        stage.wait_until([&] { return receiver.output().ends_with(line); });
        stage.expect(receiver.output().ends_with(line), "the line " + quote(line),
                     quote(receiver.output()));
    }
}

TEST_CASE("The receiver writes a log of whole lines when asked",
          "[03_tcp_messages][tcp_receive][step:6][points:1]") {
    Stage stage{lab};
    const std::string before = "[20200101 00:00:00] before:1 - this line was there before\n";
    stage.write_file("receiver.log", before);
    const ReceiverScene scene = listening_receiver(stage, {"--log", "receiver.log"});
    deliver(stage, scene, "logged", "logged");
    expect_log(stage, "receiver.log");
    const std::string log = stage.read_file("receiver.log");
    stage.expect(log.starts_with(before) && log.size() > before.size(),
                 "new lines behind those that were there", quote(log));
    Process& other = stage.start("tcp_receive", {"--port", "0", "--log", "no/such/folder"});
    other.expect_error_like("tcp_receive: " + no_todo + ".*no/such/folder.*: .+",
                            "one line that names the log file");
    other.expect_exit(1);
}

// --- tcp_receive, step 7: exit ---------------------------------------------------------------

TEST_CASE("The receiver ends with status 0 after it has printed exit",
          "[03_tcp_messages][tcp_receive][step:7][points:1]") {
    Stage stage{lab};
    const std::vector<std::pair<std::string, std::string>> messages{{"exit", "exit"},
                                                                    {"exit\n", R"(exit\x0a)"}};
    for (const auto& [message, shown] : messages) {
        const ReceiverScene scene = listening_receiver(stage);
        deliver(stage, scene, "not yet", "not yet");
        deliver(stage, scene, message, shown);
        scene.receiver.expect_exit(0);
        stage.expect(scene.receiver.errors().empty(), "nothing on stderr",
                     quote(scene.receiver.errors()));
    }
}

TEST_CASE("The receiver knows an exit that arrives byte by byte while others wait",
          "[03_tcp_messages][tcp_receive][step:7][points:1]") {
    Stage stage{lab};
    auto [receiver, port] = listening_receiver(stage);
    Peer& sender = stage.connect(port);
    Peer& waiting = stage.connect(port);
    waiting.send("never served");
    sender.send_byte_by_byte("exit");
    sender.shut_down_sending();
    expect_message(receiver, sender, "exit", one_read);
    receiver.expect_exit(0);
}

TEST_CASE("The receiver does not end at what only looks like exit",
          "[03_tcp_messages][tcp_receive][step:7][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    const std::vector<std::pair<std::string, std::string>> messages{
        {"exit now", "exit now"},
        {"Exit", "Exit"},
        {" exit", " exit"},
        {"exit ", "exit "},
        {"exi", "exi"},
        {"", ""},
        {"exit\n\n", R"(exit\x0a\x0a)"},
        {"\nexit", R"(\x0aexit)"},
        {"no\nexit", R"(no\x0aexit)"},
        {std::string{"exit\0", 5}, R"(exit\x00)"}};
    for (const auto& [message, shown] : messages) deliver(stage, scene, message, shown);
    deliver(stage, scene, "exit", "exit");
    scene.receiver.expect_exit(0);
}

TEST_CASE("The receiver does not end at an exit that was cut off",
          "[03_tcp_messages][tcp_receive][step:7][points:1]") {
    Stage stage{lab};
    auto [receiver, port] = listening_receiver(stage, {"--timeout", "0.2"});
    Peer& rude = stage.connect(port);
    rude.send_in_pieces({"exit"});
    rude.reset();
    expect_fault(receiver, rude);
    Peer& silent = stage.connect(port);
    silent.send("exit");
    Peer& last = stage.connect(port);
    last.send("exit");
    last.close();
    expect_fault(receiver, silent);
    expect_message(receiver, last, "exit", "only a message that has come to its end is whole");
    receiver.expect_exit(0);
}

// --- tcp_send, step 8: connect ---------------------------------------------------------------

TEST_CASE("The sender connects to the host and port that it is given",
          "[03_tcp_messages][tcp_send][step:8][points:1]") {
    Stage stage{lab};
    connected_sender(stage, "hello");
}

TEST_CASE("The sender connects over IPv6", "[03_tcp_messages][tcp_send][step:8][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    Stage stage{lab};
    Listener& listener = stage.listen("::1");
    stage.start("tcp_send", {"::1", listener.port(), "hello"});
    listener.accept();
}

TEST_CASE("The sender tries every address that a name has",
          "[03_tcp_messages][tcp_send][step:8][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    // Only one of the two addresses has a listener, once the one and once the other.
    for (const std::string address : {"127.0.0.1", "::1"}) {
        in_world(lab, {.hosts = "127.0.0.1 two.test\n::1 two.test\n"}, [&address](Stage& stage) {
            Listener& listener = stage.listen(address);
            stage.start("tcp_send", {"two.test", listener.port(), "hello"});
            listener.accept("a name can have several addresses, and only one may answer");
        });
    }
}

TEST_CASE("The sender reports a refused connection in one line with host and port",
          "[03_tcp_messages][tcp_send][step:8][points:1]") {
    Stage stage{lab};
    const std::string port = stage.refusing_port();
    Process& sender = stage.start("tcp_send", {"127.0.0.1", port, "hello"});
    sender.expect_error_like("tcp_send: .*127\\.0\\.0\\.1:" + port + ": Connection refused",
                             "one line that names 127.0.0.1:" + port);
    sender.expect_exit(1);
}

TEST_CASE("The sender writes an IPv6 address in brackets when it reports a failure",
          "[03_tcp_messages][tcp_send][step:8][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    Stage stage{lab};
    const std::string port = stage.refusing_port("::1");
    Process& sender = stage.start("tcp_send", {"::1", port, "hello"});
    sender.expect_error_like("tcp_send: .*\\[::1\\]:" + port + ": Connection refused",
                             "one line that names [::1]:" + port);
    sender.expect_exit(1);
}

TEST_CASE("The sender waits for a connection no longer than its timeout",
          "[03_tcp_messages][tcp_send][step:8][points:1]") {
    Stage stage{lab};
    const std::string port = stage.silent_port();
    Process& sender = stage.start("tcp_send", {"127.0.0.1", port, "hello", "--timeout", "0.2"});
    sender.expect_error_like("tcp_send: .*127\\.0\\.0\\.1:" + port + ": timed out",
                             "one line that names 127.0.0.1:" + port + " and ends with timed out");
    sender.expect_exit(1);
    stage.expect_at_least(sender.run_time(), 0.2, "the sender waits");
}

TEST_CASE("The sender reports a name that can't be looked up in one line with the name",
          "[03_tcp_messages][tcp_send][step:8][points:1]") {
    // In a world without a name server the look-up fails at once, and nothing is sent.
    in_world(lab, {}, [](Stage& stage) {
        Listener& nobody = stage.listen("127.0.0.1", "40000");
        Process& sender = stage.start("tcp_send", {"no-such-host.invalid", "40000", "hello"});
        sender.expect_error_like(
            "tcp_send: " + no_todo + ".*no-such-host\\.invalid.*: " + look_up_failure(),
            "one line that names the host");
        sender.expect_exit(1);
        stage.expect(!nobody.has_visitor(), "no connection to anybody", "one came");
    });
}

TEST_CASE("The sender ends at once when it is interrupted while it connects",
          "[03_tcp_messages][tcp_send][step:8][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        connected_sender(stage, "hello");
        const std::string port = stage.silent_port();
        Process& sender = stage.start("tcp_send", {"127.0.0.1", port, "hello"});
        stage.await_attempt(port);
        sender.signal(signal);
        sender.expect_end_by(signal);
    }
}

// --- tcp_send, step 9: send ------------------------------------------------------------------

TEST_CASE("The sender sends the bytes of the message and nothing else",
          "[03_tcp_messages][tcp_send][step:9][points:1]") {
    Stage stage{lab};
    for (const std::string message : {"hello", " two  spaces ", "two\nlines\n", "Gr\u00fc\u00dfe",
                                      "\x1b[31m \x7f \xc2\x9b \xff\xfe \\x0a \\n %s"}) {
        auto [sender, receiver, endpoint] = connected_sender(stage, message);
        const std::string received = receiver.receive_to_end();
        stage.expect(received == message, "the message " + quote(message), quote(received),
                     "the message is sent as it is, with nothing added");
    }
}

TEST_CASE("The sender takes a message that begins with a dash behind a double dash",
          "[03_tcp_messages][tcp_send][step:9][points:1]") {
    Stage stage{lab};
    Listener& listener = stage.listen();
    stage.start("tcp_send", {"127.0.0.1", listener.port(), "--", "--help"});
    listener.accept().expect_received("--help");
}

TEST_CASE("The sender sends a message of many megabytes whole",
          "[03_tcp_messages][tcp_send][step:9][points:1]") {
    Stage stage{lab};
    std::string message;
    while (message.size() < 6 * megabyte) message += std::to_string(message.size()) + " ";
    auto [sender, receiver, endpoint] = asked_sender(stage, message);
    const std::string received = receiver.receive_to_end();
    const bool equal = received == message;
    stage.expect(equal, "all " + std::to_string(message.size()) + " bytes",
                 std::to_string(received.size()) + " bytes, or others",
                 "one write_some may send only a part");
}

TEST_CASE("The sender waits for a receiver that does not read no longer than its timeout",
          "[03_tcp_messages][tcp_send][step:9][points:1]") {
    Stage stage{lab};
    auto [sender, receiver, endpoint] =
        asked_sender(stage, std::string(20 * megabyte, 'x'), {"--timeout", "0.2"});
    receiver.stall();
    expect_failure_after_question(stage, sender, endpoint + ": timed out\n",
                                  "a receiver that does not read needs a Deadline too");
}

TEST_CASE("The sender reports a receiver that resets the connection",
          "[03_tcp_messages][tcp_send][step:9][points:1]") {
    Stage stage{lab};
    auto [sender, receiver, endpoint] = asked_sender(stage, std::string(20 * megabyte, 'x'));
    receiver.expect_received("xxx");
    receiver.stall();
    receiver.reset();
    expect_failure_after_question(stage, sender, endpoint + ": ",
                                  "a message that was not sent is a failure");
}

TEST_CASE("The sender ends at once when it is interrupted while the receiver does not read",
          "[03_tcp_messages][tcp_send][step:9][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        auto [sender, receiver, endpoint] = asked_sender(stage, std::string(20 * megabyte, 'x'));
        receiver.expect_received("x");
        receiver.stall();
        sender.signal(signal);
        sender.expect_end_by(signal);
    }
}

// --- tcp_send, step 10: end the stream -------------------------------------------------------

TEST_CASE("The sender ends the stream behind the message and says what it sent to whom",
          "[03_tcp_messages][tcp_send][step:10][points:1]") {
    Stage stage{lab};
    expect_delivered(connected_sender(stage, "hello"), "hello");
    // Bytes are counted, not letters.
    expect_delivered(connected_sender(stage, "Gr\u00fc\u00dfe"), "Gr\u00fc\u00dfe");
}

TEST_CASE("The sender sends an empty message by ending the stream",
          "[03_tcp_messages][tcp_send][step:10][points:1]") {
    Stage stage{lab};
    expect_delivered(connected_sender(stage, ""), "");
}

TEST_CASE("The sender does not wait for the receiver to close",
          "[03_tcp_messages][tcp_send][step:10][points:1]") {
    Stage stage{lab};
    auto [sender, receiver, endpoint] = connected_sender(stage, "hello");
    receiver.send("Nobody asked me to say this.");
    expect_sent(sender, 5, endpoint);
}

TEST_CASE("The sender names the real endpoint of the receiver",
          "[03_tcp_messages][tcp_send][step:10][points:1]") {
    in_world(lab, {.hosts = "127.0.0.7 seven.test\n"}, [](Stage& stage) {
        Listener& listener = stage.listen("127.0.0.7");
        Process& sender = stage.start("tcp_send", {"seven.test", listener.port(), "hello"});
        listener.accept().expect_received("hello");
        sender.expect_line("sent 5 bytes to " + listener.endpoint(),
                           "the endpoint is that of the connection, not what was typed");
        sender.expect_exit(0);
    });
}

TEST_CASE("The sender asks for a message that it is not given and for nothing else",
          "[03_tcp_messages][tcp_send][step:10][points:1]") {
    Stage stage{lab};
    Listener& listener = stage.listen();
    Process& sender = stage.start("tcp_send", {"127.0.0.1", listener.port()});
    expect_prompt(stage, sender, "message: ");
    const bool more = sender.errors().find("host") != std::string::npos;
    stage.expect(!more, "no question but \"message: \"", quote(sender.errors()));
    expect_unconnected(stage, listener);
    sender.type(" from the keyboard \nand a line that is not asked for\n");
    Peer& receiver = listener.accept();
    expect_delivered({sender, receiver, listener.endpoint()}, " from the keyboard ");
}

TEST_CASE("The sender asks for host and message when it is given neither and takes port 40000",
          "[03_tcp_messages][tcp_send][step:10][points:2]") {
    in_private_network([] {
        Stage stage{lab};
        Listener& listener = stage.listen("127.0.0.1", "40000");
        Process& sender = stage.start("tcp_send");
        expect_prompt(stage, sender, "host: ");
        sender.type("127.0.0.1\n");
        expect_prompt(stage, sender, "message: ");
        expect_unconnected(stage, listener);
        sender.type("hello\n");
        Peer& receiver = listener.accept();
        expect_delivered({sender, receiver, listener.endpoint()}, "hello");
        const bool port_asked = sender.errors().find("port") != std::string::npos;
        stage.expect(!port_asked, "no question for the port", quote(sender.errors()));

        Process& second = stage.start("tcp_send", {"127.0.0.1"});
        second.type("to the default port\n");
        listener.accept().expect_received("to the default port");
        expect_sent(second, 19, "127.0.0.1:40000");
    });
}

TEST_CASE("The sender takes a line that ends without a newline",
          "[03_tcp_messages][tcp_send][step:10][points:1]") {
    Stage stage{lab};
    Listener& listener = stage.listen();
    Process& sender = stage.start("tcp_send", {"127.0.0.1", listener.port()});
    sender.type("no newline");
    sender.end_input();
    Peer& receiver = listener.accept();
    expect_delivered({sender, receiver, listener.endpoint()}, "no newline");
}

TEST_CASE("The sender waits for what is typed without a limit",
          "[03_tcp_messages][tcp_send][step:10][points:1]") {
    Stage stage{lab};
    Listener& listener = stage.listen();
    Process& sender = stage.start("tcp_send", {"127.0.0.1", listener.port(), "--timeout", "0.3"});
    expect_prompt(stage, sender, "message: ");
    stage.pass_time(0.6);
    sender.type("at last\n");
    Peer& receiver = listener.accept();
    expect_delivered({sender, receiver, listener.endpoint()}, "at last");
}

TEST_CASE("A sender that works calls it wrong usage when nothing is typed",
          "[03_tcp_messages][tcp_send][step:10][points:1]") {
    Stage stage{lab};
    expect_sender_works(stage);
    Process& nothing = stage.start("tcp_send");
    nothing.end_input();
    expect_usage_error_after(stage, nothing, "host: ");

    Process& half = stage.start("tcp_send");
    half.type("127.0.0.1\n");
    half.end_input();
    expect_usage_error_after(stage, half, "message: ");

    Listener& listener = stage.listen();
    Process& no_message = stage.start("tcp_send", {"127.0.0.1", listener.port()});
    no_message.end_input();
    expect_usage_error_after(stage, no_message, "message: ");
    expect_unconnected(stage, listener);

    Process& empty_host = stage.start("tcp_send");
    empty_host.type("\nhello\n");
    expect_usage_error_after(stage, empty_host, "host: ");
}

TEST_CASE("A sender that works explains itself and refuses wrong usage",
          "[03_tcp_messages][tcp_send][step:10][points:1]") {
    Stage stage{lab};
    expect_sender_works(stage);
    expect_help(stage, "tcp_send",
                {{"HOST", ""},
                 {"PORT", "40000"},
                 {"MESSAGE", ""},
                 {"--timeout SECONDS", "10"},
                 {"--log FILE", "none"},
                 {"--help", ""}});
    expect_usage_error(stage, "tcp_send", {"--colour"}, "--colour");
    expect_usage_error(stage, "tcp_send", {"--timeout"}, "--timeout");
    for (const std::string port : {"0", "65536", "70000", "abc", "80x", " 80", "+80", ""}) {
        expect_usage_error(stage, "tcp_send", {"127.0.0.1", port, "hello"}, port);
    }
    for (const std::string seconds : {"-1", "-0.5", "soon", "1s", "nan", "inf", ""}) {
        expect_usage_error(stage, "tcp_send", {"--timeout=" + seconds}, "--timeout");
    }
    expect_usage_error(stage, "tcp_send", {"", "40000", "hello"}, "");
    expect_usage_error(stage, "tcp_send", {"127.0.0.1", "40000", "hello", "fourth"}, "fourth");
    expect_usage_error(stage, "tcp_send", {"127.0.0.1", "\x1b[2J", "hello"}, R"(\x1b[2J)");
}

TEST_CASE("The sender ends at once when it is interrupted while it asks",
          "[03_tcp_messages][tcp_send][step:10][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        expect_sender_works(stage);
        Process& sender = stage.start("tcp_send");
        expect_prompt(stage, sender, "host: ");
        sender.signal(signal);
        sender.expect_end_by(signal);
    }
}

TEST_CASE("The sender reports that its output can't be written",
          "[03_tcp_messages][tcp_send][step:10][points:1]") {
    Stage stage{lab};
    for (const StartOptions& options :
         {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
        auto [sender, receiver, endpoint] = connected_sender(stage, "hello", {}, options);
        receiver.expect_received("hello");
        receiver.expect_end("what can't be printed must not get into the connection");
        sender.expect_error_like("tcp_send: " + no_todo + ".+: .+", "one line on stderr");
        sender.expect_exit(1);
    }
}

TEST_CASE("The sender writes a log of whole lines when asked",
          "[03_tcp_messages][tcp_send][step:10][points:1]") {
    Stage stage{lab};
    expect_delivered(connected_sender(stage, "\x1b[31m", {"--log", "sender.log"}), "\x1b[31m");
    expect_log(stage, "sender.log");
    const std::string log = stage.read_file("sender.log");
    stage.expect(log.find('\x1b') == std::string::npos, "arguments made printable in the log",
                 quote(log));
}

// --- both, and other people's programs -------------------------------------------------------

TEST_CASE("The sender and the receiver understand each other",
          "[03_tcp_messages][tcp_send][step:10][points:1]") {
    Stage stage{lab};
    auto [receiver, port] = listening_receiver(stage);
    for (const std::string message : {"hello", "", "exit"}) {
        Process& sender = stage.start("tcp_send", {"127.0.0.1", port, message});
        expect_sent(sender, message.size(), "127.0.0.1:" + port);
        receiver.expect_line_like("127\\.0\\.0\\.1:[0-9]+: " + message,
                                  "the message " + quote(message));
    }
    receiver.expect_exit(0);
}

TEST_CASE("The receiver understands nc and socat as senders",
          "[03_tcp_messages][tcp_receive][step:6][points:1]") {
    if (!have_command("nc") || !have_command("socat")) return skip("nc or socat is not installed");
    Stage stage{lab};
    auto [receiver, port] = listening_receiver(stage);
    Process& nc = stage.start_command("nc", {"-N", "127.0.0.1", port});
    nc.type("From nc, with care.");
    nc.end_input();
    receiver.expect_line_like("127\\.0\\.0\\.1:[0-9]+: From nc, with care\\.", "the message of nc");
    Process& socat = stage.start_command("socat", {"-u", "-", "TCP:127.0.0.1:" + port});
    socat.type("From socat,\nwith love.");
    socat.end_input();
    receiver.expect_line_like(R"(127\.0\.0\.1:[0-9]+: From socat,\\x0awith love\.)",
                              "the message of socat");
}

TEST_CASE("The sender is understood by nc as its receiver",
          "[03_tcp_messages][tcp_send][step:10][points:1]") {
    if (!have_command("nc")) return skip("nc is not installed");
    in_private_network([] {
        Stage stage{lab};
        Process& nc = stage.start_command("nc", {"-n", "-v", "-N", "-l", "127.0.0.1", "40000"});
        nc.expect_error_like("Listening on .*", "that it listens");
        nc.end_input();
        Process& sender = stage.start("tcp_send", {"127.0.0.1", "40000", "To nc, with care."});
        expect_sent(sender, 17, "127.0.0.1:40000");
        stage.wait_until([&] { return nc.ended(); });
        stage.expect(nc.output() == "To nc, with care.", "nc prints the message",
                     quote(nc.output()));
    });
}
