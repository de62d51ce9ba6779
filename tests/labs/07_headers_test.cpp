// Lab 07: the contract of header_server and header_client, from outside.
#include "harness/catch.hpp"
#include "harness/peer.hpp"
#include "harness/process.hpp"
#include "harness/rules.hpp"
#include "harness/stage.hpp"
#include "harness/world.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace harness;

namespace {

const std::string lab = "07_headers";
constexpr std::size_t megabyte = 1024 * 1024;
constexpr std::uint32_t largest = 0xffffffff;
const std::string byte_order =
    "the most significant of a number's four bytes comes first, and no byte has a sign";
const std::string one_read =
    "one read may bring only a part: read on until as many bytes have come as there must be";
const std::string one_fault = "one client's fault must not end the service for the others";
const std::string one_wait = "each wait for further bytes is bounded, not all of them together";
const std::string size_tells = "the size tells where the data ends, not the end of the stream";
const std::string part_place =
    "each part goes behind the ones before it: asio::buffer(data) + n, n being data.size() before "
    "resize()";
const std::string count_all =
    "count all the bytes that came: not only the last part's, nor the room made for them";
const std::string over = " is over the limit of ";
const std::string exactly_the_limit = "a size that is exactly the limit is fine: > and not >=";
const std::string wrong_number =
    "the number is put together wrongly (step 1), or the halves of the header are swapped (step 3)";

// Begins a pattern for a line that does not speak of a step that is not done yet.
const std::string no_todo = "(?!.*TODO [0-9]+ is not done)";

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>{Clock::now() - start}.count();
}

// --- the bytes on the wire

std::string bytes_of(std::initializer_list<int> values) {
    std::string bytes;
    for (const int value : values) bytes += static_cast<char>(value);
    return bytes;
}

std::string big_endian(std::uint32_t number) {
    std::string bytes;
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(number >> shift & 0xff);
    return bytes;
}

std::string header(std::uint32_t version, std::uint32_t size) {
    return big_endian(version) + big_endian(size);
}

std::string message(std::uint32_t version, std::string_view data) {
    return header(version, static_cast<std::uint32_t>(data.size())).append(data);
}

std::uint32_t number_at(std::string_view bytes, std::size_t start) {
    std::uint32_t number = 0;
    for (const char byte : bytes.substr(start, 4)) {
        number = number << 8 | static_cast<std::uint8_t>(byte);
    }
    return number;
}

// --- what both programs print

void expect_message(Process& program, std::uint32_t version, std::size_t size,
                    const std::string& shown, std::string_view cause = "") {
    program.expect_line("Version: " + std::to_string(version), cause);
    program.expect_line("Size: " + std::to_string(size), cause);
    program.expect_line("Data: " + shown, cause);
}

// --- header_server

struct ServerScene {
    Process& server;
    std::string port;
};

ServerScene listening_server(Stage& stage, std::vector<std::string> options = {},
                             const StartOptions& start = {}) {
    options.insert(options.begin(), {"--port", "0"});
    Process& server = stage.start("header_server", options, start);
    return {server, server.expect_listening()};
}

void expect_fault(Process& server, const Peer& client, const std::string& reason,
                  std::string_view cause = "") {
    server.expect_error("header_server: " + client.endpoint() + ": " + reason, cause);
}

// Connects, brings these bytes and no more, and expects this complaint.
void cut_short(Stage& stage, const ServerScene& scene, std::string_view bytes,
               const std::string& reason, std::string_view cause = "",
               const std::string& address = "127.0.0.1") {
    Peer& client = stage.connect(scene.port, address);
    client.send(bytes);
    client.shut_down_sending();
    expect_fault(scene.server, client, reason, cause);
    client.expect_end("the server closes the connection, and sends nothing");
}

// The proof that a server does its job, as soon as it can read a header, for test cases about how
// it behaves otherwise.
void expect_server_works(Stage& stage, const ServerScene& scene,
                         const std::string& address = "127.0.0.1") {
    cut_short(stage, scene, "abc", "incomplete header: got 3 of 8 bytes", "", address);
}

// What a program says from now on.
struct Watch {
    const Process& program;
    std::size_t printed = program.output().size();
    std::size_t complained = program.errors().size();

    bool has_printed() const { return program.output().size() > printed; }
    std::string complaint() const { return program.errors().substr(complained); }
    bool has_spoken() const {
        return has_printed() || complaint().ends_with('\n') || program.ended();
    }
};

// What a delivery that failed most likely comes from.
std::string cause_of_failure(const Watch& watch, std::size_t size, const std::string& given) {
    const std::string complaint = watch.complaint();
    const std::string number = std::to_string(size);
    if (complaint.ends_with("size " + number + over + number + "\n")) return exactly_the_limit;
    if (complaint.find("incomplete data") != std::string::npos) return part_place;
    if (!given.empty() && watch.has_spoken()) return given;
    if (complaint.find(over) != std::string::npos) return wrong_number;
    if (size > 65536) return part_place;
    return watch.has_spoken() ? "" : size_tells;
}

// Brings a message as a good client does, and expects how it is shown.
void deliver(Stage& stage, const ServerScene& scene, std::uint32_t version, std::string_view data,
             const std::string& shown, const std::string& given_cause = "") {
    const Watch watch{scene.server};
    Peer& client = stage.connect(scene.port);
    client.send(message(version, data));
    // The connection stays open: the server knows where the message ends.
    const bool spoken = stage.wait_until([&] { return watch.has_spoken(); });
    const std::string cause = cause_of_failure(watch, data.size(), given_cause);
    stage.expect(spoken, "header_server prints the message", "it is still running, and silent",
                 cause);
    expect_message(scene.server, version, data.size(), shown, cause);
    client.shut_down_sending();
    client.expect_end("the server closes when the message is whole, and sends nothing");
}

std::size_t messages_printed(const Process& server) {
    std::istringstream lines{server.output()};
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line);) count += line.starts_with("Data: ");
    return count;
}

// Expects this message as the last that was printed, and so many in all. Whether version and size
// of a message that turned out to be cut short are printed is left open.
void expect_last_message(Stage& stage, const Process& server, std::uint32_t version,
                         const std::string& text, std::size_t count) {
    const std::string lines = "Version: " + std::to_string(version) +
                              "\nSize: " + std::to_string(text.size()) + "\nData: " + text + "\n";
    stage.wait_until([&] { return server.output().ends_with(lines) || server.ended(); });
    stage.expect(server.output().ends_with(lines), "header_server prints " + quote(lines),
                 quote(server.output()), one_fault);
    const bool no_more = messages_printed(server) == count;
    stage.expect(no_more, "no data of other messages", quote(server.output()),
                 "what is cut short or refused is not printed as a message");
}

void deliver_after_faults(Stage& stage, const ServerScene& scene) {
    Peer& client = stage.connect(scene.port);
    client.send(message(9, "good again"));
    expect_last_message(stage, scene.server, 9, "good again", 1);
}

// Sends these bytes, and expects that the size which they announce is refused.
void expect_refusal(Stage& stage, const ServerScene& scene, std::string_view bytes,
                    std::uint32_t size, const std::string& limit) {
    Peer& client = stage.connect(scene.port);
    client.send(bytes);
    const std::string line =
        "header_server: " + client.endpoint() + ": size " + std::to_string(size) + over + limit;
    const std::string got = scene.server.expect_error_like(
        ".*", "the line " + quote(line), "refuse a size before you wait for any data");
    const bool refused = got.find(over) != std::string::npos;
    stage.expect(got == line, "the line " + quote(line), quote(got), refused ? wrong_number : "");
    client.receive_to_end("a client that is refused is closed");
}

// The last is the default.
const std::vector<std::string> limits{"0", "10", "65536", "1048576"};

std::uint32_t number(const std::string& text) {
    return static_cast<std::uint32_t>(std::stoul(text));
}

ServerScene server_with_limit(Stage& stage, const std::string& limit) {
    if (limit == limits.back()) return listening_server(stage);
    return listening_server(stage, {"--max-size", limit});
}

void expect_frugal(Stage& stage, const Process& server, std::size_t before,
                   std::string_view cause) {
    const std::size_t more = server.peak_memory() - before;
    stage.expect(more < 16 * megabyte, "little more memory in use than before",
                 std::to_string(more / megabyte) + " megabytes more", cause);
}

// --- header_client

struct ClientScene {
    Process& client;
    Peer& server;
    std::string endpoint;  // the server's
};

ClientScene connected_client(Stage& stage, std::vector<std::string> options = {},
                             const StartOptions& start = {}) {
    Listener& listener = stage.listen();
    options.insert(options.end(), {"127.0.0.1", listener.port()});
    Process& client = stage.start("header_client", options, start);
    return {client, listener.accept("the client never asked for a connection"),
            listener.endpoint()};
}

// Expects that this message and no more arrives, and that the client prints it.
void expect_sent(const ClientScene& scene, std::uint32_t version, std::size_t size) {
    const std::string data(size, 'X');
    scene.server.expect_received(header(version, static_cast<std::uint32_t>(size)), byte_order);
    scene.server.expect_received(data, "the last part is smaller than a block: is it sent?");
    scene.server.expect_end("behind the data there is nothing more to send");
    expect_message(scene.client, version, size, data);
    scene.client.expect_exit(0);
}

// The proof that a client does its job, for test cases about how it behaves otherwise.
void expect_client_works(Stage& stage) {
    expect_sent(connected_client(stage, {"--version", "2", "--size", "3"}), 2, 3);
}

std::vector<std::string> sending_7_and_1(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--version", "7", "--size", "1"});
    return arguments;
}

// Expects the header of such a client.
void expect_header_from(Listener& listener) {
    listener.accept("the client never asked for a connection")
        .expect_received(header(7, 1), byte_order);
}

// The proof that a client does its job, as soon as it can send a header. It has a stage of its own:
// what such a client says of steps to come must not end the waits of the test case.
void expect_header_is_sent() {
    Stage stage{lab};
    Listener& listener = stage.listen();
    stage.start("header_client", sending_7_and_1({"127.0.0.1", listener.port()}));
    expect_header_from(listener);
}

// More than all the buffers between two programs hold.
const std::string much = std::to_string(64 * megabyte);

// The server's endpoint is named and the status is 1; what was printed until then is left open.
void expect_failure(Stage& stage, const ClientScene& scene, const std::string& reason,
                    std::string_view cause) {
    scene.client.expect_error_like(
        "header_client: " + no_todo + ".*" + scene.endpoint + ".*: " + reason,
        "one line that names " + scene.endpoint, cause);
    stage.wait_until([&] { return scene.client.ended(); });
    stage.expect(scene.client.state() == "ended with status 1", "header_client ends with status 1",
                 "it " + scene.client.state(), cause);
}

struct Drawn {
    std::uint32_t version = 0;
    std::uint32_t size = 0;
    bool operator==(const Drawn&) const = default;
};

// Runs the client once, and returns what it has drawn.
Drawn run_client(const std::vector<std::string>& options = {}) {
    Stage stage{lab};
    const ClientScene scene = connected_client(stage, options);
    const std::string bytes = scene.server.receive_to_end();
    const Drawn drawn{.version = number_at(bytes, 0),
                      .size = bytes.size() < 8 ? 0 : number_at(bytes, 4)};
    const bool in_range = bytes.size() >= 8 && drawn.version <= 5 && drawn.size <= 10;
    stage.expect(in_range, "a version from 0 to 5 and a size from 0 to 10", quote(bytes));
    const std::string data(drawn.size, 'X');
    stage.expect(bytes == message(drawn.version, data), "as much data as the size says",
                 quote(bytes));
    expect_message(scene.client, drawn.version, drawn.size, data,
                   "what is printed is what was sent: draw each number once");
    scene.client.expect_exit(0);
    return drawn;
}

// Runs the client until `enough` says so of all that it has drawn, at least 8 times, and for about
// 4 seconds at most: for the sake of generators that are seeded with the time in seconds.
template <typename Enough>
std::vector<Drawn> draw_until(const Enough& enough, const std::vector<std::string>& options = {}) {
    std::vector<Drawn> drawn;
    const auto start = Clock::now();
    while (drawn.size() < 20 || seconds_since(start) < 4) {
        drawn.push_back(run_client(options));
        if (drawn.size() >= 8 && enough(drawn)) break;
        if (drawn.size() >= 16) Stage{lab}.pass_time(0.25);
    }
    return drawn;
}

bool versions_differ(const std::vector<Drawn>& drawn) {
    return std::ranges::any_of(
        drawn, [&](const Drawn& one) { return one.version != drawn.front().version; });
}

bool sizes_differ(const std::vector<Drawn>& drawn) {
    return std::ranges::any_of(drawn,
                               [&](const Drawn& one) { return one.size != drawn.front().size; });
}

}  // namespace

// --- header_server, step 2: read the header --------------------------------------------------

TEST_CASE("The server says how much of a header came when it is cut at any byte",
          "[07_headers][header_server][step:2][points:2]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    // Who does not count the bytes takes these for version 0 and size 0.
    const std::string bytes = header(0, 0);
    for (std::size_t got = 0; got < 8; ++got) {
        cut_short(stage, scene, bytes.substr(0, got),
                  "incomplete header: got " + std::to_string(got) + " of 8 bytes");
    }
    stage.expect(messages_printed(scene.server) == 0, "no message", quote(scene.server.output()));
}

TEST_CASE("The server counts the bytes of a header that arrive one by one",
          "[07_headers][header_server][step:2][points:1]") {
    Stage stage{lab};
    auto [server, port] = listening_server(stage);
    Peer& client = stage.connect(port);
    client.send_byte_by_byte(header(1, 2).substr(0, 7));
    client.close();
    expect_fault(server, client, "incomplete header: got 7 of 8 bytes", one_read);
}

TEST_CASE("The server waits for a silent client until the timeout and no longer",
          "[07_headers][header_server][step:2][points:1]") {
    Stage stage{lab};
    auto [server, port] = listening_server(stage, {"--timeout", "0.3"});
    for (const std::string bytes : {"", "abc"}) {
        const auto start = Clock::now();
        Peer& client = stage.connect(port);
        client.send(bytes);
        expect_fault(server, client, "timed out");
        stage.expect_at_least(Clock::now() - start, 0.3, "the server waits");
        client.receive_to_end("a client that was given up is closed");
    }
    server.expect_running(one_fault);
}

TEST_CASE("The server does not take a pause within a header for its end",
          "[07_headers][header_server][step:2][points:1]") {
    const double timeout = 0.3 * time_scale();
    for (Attempts attempts; attempts.another();) {
        Stage stage{lab};
        auto [server, port] = listening_server(stage, {"--timeout", std::to_string(timeout)});
        const auto start = Clock::now();
        Peer& client = stage.connect(port);
        const bool prompt = seconds_since(start) < 0.5 * timeout;
        // A busy machine: try again.
        if (!client.trickle(header(1, 2).substr(0, 7), timeout) || !prompt) continue;
        client.shut_down_sending();
        expect_fault(server, client, "incomplete header: got 7 of 8 bytes", one_wait);
        break;
    }
}

TEST_CASE("The server takes any time that a client needs when the timeout is 0",
          "[07_headers][header_server][step:2][points:1]") {
    Stage stage{lab};
    auto [server, port] = listening_server(stage, {"--timeout", "0"});
    Peer& client = stage.connect(port);
    client.send_in_pieces({"slow"});
    stage.pass_time(0.2);
    client.send("ly");
    client.close();
    expect_fault(server, client, "incomplete header: got 6 of 8 bytes",
                 "a timeout of 0 means no limit");
}

TEST_CASE("The server reports a client that resets the connection within a header",
          "[07_headers][header_server][step:2][points:1]") {
    Stage stage{lab};
    auto [server, port] = listening_server(stage);
    for (const std::string bytes : {"", "abc"}) {
        Peer& client = stage.connect(port);
        client.send_in_pieces({bytes});
        client.reset();
        expect_fault(server, client, "Connection reset by peer");
    }
    server.expect_running(one_fault);
}

TEST_CASE("The server goes on when a client was gone before it was accepted",
          "[07_headers][header_server][step:2][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    Peer& first = stage.connect(scene.port);
    first.send_in_pieces({"abc"});
    Peer& gone = stage.connect(scene.port);
    gone.reset();
    first.shut_down_sending();
    first.receive_to_end();
    Peer& last = stage.connect(scene.port);
    last.send("abcde");
    last.shut_down_sending();
    const std::string line =
        "header_server: " + last.endpoint() + ": incomplete header: got 5 of 8 bytes\n";
    stage.wait_until([&] { return scene.server.errors().find(line) != std::string::npos; });
    stage.expect(scene.server.errors().find(line) != std::string::npos, "the line " + quote(line),
                 quote(scene.server.errors()), one_fault);
}

TEST_CASE("The server says where it listens with the real port",
          "[07_headers][header_server][step:2][points:1]") {
    Stage stage{lab};
    expect_server_works(stage, listening_server(stage));
    Process& any = stage.start("header_server", {"--bind=0.0.0.0", "--port=0"});
    const ServerScene scene{any, any.expect_listening("0.0.0.0")};
    expect_server_works(stage, scene, "127.0.0.1");
    expect_server_works(stage, scene, "127.0.0.2");
}

TEST_CASE("The server listens on 127.0.0.1 port 54321 when it is told nothing else",
          "[07_headers][header_server][step:2][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        Process& server = stage.start("header_server");
        server.expect_line("listening on 127.0.0.1:54321");
        expect_server_works(stage, {server, "54321"});
    });
}

TEST_CASE("The server writes IPv6 addresses in brackets",
          "[07_headers][header_server][step:2][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    Stage stage{lab};
    for (const std::string address : {"::1", "::"}) {
        Process& server = stage.start("header_server", {"--port", "0", "--bind", address});
        expect_server_works(stage, {server, server.expect_listening(address)}, "::1");
    }
}

TEST_CASE("A server that works reports a port that is in use",
          "[07_headers][header_server][step:2][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    expect_server_works(stage, scene);
    Process& second = stage.start("header_server", {"--port", scene.port});
    second.expect_error_like(
        "header_server: .*127\\.0\\.0\\.1:" + scene.port + ": Address already in use",
        "one line that names 127.0.0.1:" + scene.port,
        "after a bind that failed, listen would take any port");
    second.expect_exit(1);
}

TEST_CASE("A server that works reports an address that is not one of this machine",
          "[07_headers][header_server][step:2][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        expect_server_works(stage, listening_server(stage));
        Process& server = stage.start("header_server", {"--bind", "10.9.8.7"});
        server.expect_error_like(
            "header_server: .*10\\.9\\.8\\.7:54321: Cannot assign requested address",
            "one line that names 10.9.8.7:54321");
        server.expect_exit(1);
    });
}

TEST_CASE("A server that works reports that its output can't be written",
          "[07_headers][header_server][step:2][points:1]") {
    Stage stage{lab};
    expect_server_works(stage, listening_server(stage));
    for (const StartOptions& options :
         {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
        Process& server = stage.start("header_server", {"--port", "0"}, options);
        server.expect_error_like("header_server: " + no_todo + ".+: .+", "one line on stderr");
        server.expect_exit(1);
    }
}

TEST_CASE("A server that works explains itself and refuses wrong usage",
          "[07_headers][header_server][step:2][points:1]") {
    Stage stage{lab};
    expect_server_works(stage, listening_server(stage));
    expect_help(stage, "header_server",
                {{"--bind ADDRESS", "127.0.0.1"},
                 {"--port PORT", "54321"},
                 {"--max-size BYTES", "1048576"},
                 {"--timeout SECONDS", "30"},
                 {"--log FILE", "none"},
                 {"--help", ""}});
    expect_usage_error(stage, "header_server", {"--colour"}, "--colour");
    expect_usage_error(stage, "header_server", {"--max", "1"}, "--max");
    expect_usage_error(stage, "header_server", {"--port"}, "--port");
    expect_usage_error(stage, "header_server", {"extra"}, "extra");
    for (const std::string port : {"-1", "65536", "abc", "1.5", "54321x", ""}) {
        expect_usage_error(stage, "header_server", {"--port", port}, "--port");
    }
    for (const std::string address : {"localhost", "300.1.1.1", "1.2.3", ":::1", ""}) {
        expect_usage_error(stage, "header_server", {"--bind", address}, "--bind");
    }
    for (const std::string bytes : {"-1", "abc", "1.5", "64k", ""}) {
        expect_usage_error(stage, "header_server", {"--max-size=" + bytes}, "--max-size");
    }
    for (const std::string seconds : {"-3", "soon", "1s", "nan", ""}) {
        expect_usage_error(stage, "header_server", {"--timeout=" + seconds}, "--timeout");
    }
    expect_usage_error(stage, "header_server", {"\x1b[2J"}, R"(\x1b[2J)");
}

TEST_CASE("The server ends at once when it is interrupted while it waits for a client",
          "[07_headers][header_server][step:2][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        const ServerScene scene = listening_server(stage);
        expect_server_works(stage, scene);
        scene.server.signal(signal);
        scene.server.expect_end_by(signal);
    }
}

TEST_CASE("The server ends at once when it is interrupted within a header",
          "[07_headers][header_server][step:2][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        auto [server, port] = listening_server(stage);
        Peer& client = stage.connect(port);
        client.send_in_pieces({"abc"});
        const bool open = !client.ended();
        stage.expect(open, "the server waits for the rest of the header",
                     "it closed the connection", one_read);
        server.signal(signal);
        server.expect_end_by(signal);
    }
}

TEST_CASE("The server can be started again at once on the same port",
          "[07_headers][header_server][step:2][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        Process& first = stage.start("header_server", {"--timeout", "0.1"});
        first.expect_line("listening on 127.0.0.1:54321");
        // The server closes first, so the connection lingers on its side, in TIME_WAIT.
        Peer& silent = stage.connect("54321");
        expect_fault(first, silent, "timed out");
        silent.receive_to_end();
        silent.close();
        first.signal(SIGTERM);
        first.expect_end_by(SIGTERM);
        Process& second = stage.start("header_server");
        second.expect_line("listening on 127.0.0.1:54321",
                           "a connection in TIME_WAIT keeps the port: set reuse_address");
    });
}

TEST_CASE("The server waits for the next client without a limit",
          "[07_headers][header_server][step:2][points:1]") {
    for (Attempts attempts; attempts.another();) {
        Stage stage{lab};
        auto [server, port] = listening_server(stage, {"--timeout", "0.2"});
        stage.pass_time(0.5);
        const auto start = Clock::now();
        Peer& client = stage.connect(port);
        client.send("abc");
        client.close();
        // A busy machine: try again.
        if (seconds_since(start) > 0.1) continue;
        expect_fault(server, client, "incomplete header: got 3 of 8 bytes",
                     "only a client that has connected has a limit");
        break;
    }
}

TEST_CASE("The server writes a log of whole lines when asked",
          "[07_headers][header_server][step:2][points:1]") {
    Stage stage{lab};
    const std::string before = "[20200101 00:00:00] before:1 - this line was there before\n";
    stage.write_file("server.log", before);
    expect_server_works(stage, listening_server(stage, {"--log", "server.log"}));
    expect_log(stage, "server.log");
    const std::string log = stage.read_file("server.log");
    stage.expect(log.starts_with(before) && log.size() > before.size(),
                 "new lines behind those that were there", quote(log));
    Process& other = stage.start("header_server", {"--port", "0", "--log", "no/such/folder"});
    other.expect_error_like("header_server: " + no_todo + ".*no/such/folder.*: .+",
                            "one line that names the log file");
    other.expect_exit(1);
}

// --- header_server, step 4: the limit --------------------------------------------------------

TEST_CASE("The server reads a size with its most significant byte first",
          "[07_headers][header_server][step:4][points:2]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage, {"--max-size", "1"});
    const std::vector<std::pair<std::string, std::uint32_t>> sizes{
        {bytes_of({0x01, 0x02, 0x03, 0x04}), 16909060},
        {bytes_of({0x04, 0x03, 0x02, 0x01}), 67305985},
        {bytes_of({0x00, 0x00, 0x00, 0x0a}), 10},
        {bytes_of({0x00, 0x00, 0x0a, 0x00}), 2560},
        {bytes_of({0x00, 0x0a, 0x00, 0x00}), 655360},
        {bytes_of({0x0a, 0x00, 0x00, 0x00}), 167772160},
        {bytes_of({0x0a, 0x0a, 0x0a, 0x0a}), 168430090},
        {bytes_of({0x00, 0x00, 0x00, 0xff}), 255},
        {bytes_of({0x00, 0x00, 0xff, 0x00}), 65280},
        {bytes_of({0x81, 0x82, 0x83, 0x84}), 2172814212U}};
    for (const auto& [bytes, size] : sizes) {
        expect_refusal(stage, scene, bytes_of({0x11, 0x22, 0x33, 0x44}) + bytes, size, "1");
    }
}

TEST_CASE("The server refuses a size that is one over the limit before any data comes",
          "[07_headers][header_server][step:4][points:1]") {
    for (const std::string& limit : limits) {
        Stage stage{lab};
        const ServerScene scene = server_with_limit(stage, limit);
        expect_refusal(stage, scene, header(1, number(limit) + 1), number(limit) + 1, limit);
        stage.expect(messages_printed(scene.server) == 0, "no message",
                     quote(scene.server.output()));
    }
}

TEST_CASE("The server does not refuse a size that is exactly the limit",
          "[07_headers][header_server][step:4][points:1]") {
    for (const std::string& limit : limits) {
        Stage stage{lab};
        const ServerScene scene = server_with_limit(stage, limit);
        expect_refusal(stage, scene, header(1, number(limit) + 1), number(limit) + 1, limit);
        const Watch watch{scene.server};
        Peer& client = stage.connect(scene.port);
        client.send(header(1, number(limit)));
        client.shut_down_sending();
        // Whatever it says to this: with step 5 to come it can't take the message yet.
        stage.wait_until([&] { return watch.has_spoken(); });
        const bool refused = watch.complaint().find(over) != std::string::npos;
        stage.expect(!refused, "no refusal of size " + limit, quote(watch.complaint()),
                     exactly_the_limit);
    }
}

TEST_CASE("The server refuses the largest sizes as numbers without a sign",
          "[07_headers][header_server][step:4][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    for (const std::uint32_t size : {0x7fffffffU, 0x80000000U, largest}) {
        expect_refusal(stage, scene, header(0, size), size, "1048576");
    }
}

// --- header_server, step 5: read the data ----------------------------------------------------

TEST_CASE("The server prints version and size and data of a message",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    deliver(stage, scene, 1, "hello", "hello");
    scene.server.expect_running();
    stage.expect(scene.server.errors().empty(), "nothing on stderr", quote(scene.server.errors()),
                 "a message that came whole is no fault, whatever follows it");
}

TEST_CASE("The server puts together a message that arrives byte by byte",
          "[07_headers][header_server][step:5][points:2]") {
    Stage stage{lab};
    auto [server, port] = listening_server(stage);
    Peer& client = stage.connect(port);
    client.send_byte_by_byte(message(3, "Gr\u00fc\u00dfe, byte by byte"));
    expect_message(server, 3, 21, "Gr\u00fc\u00dfe, byte by byte", one_read);
}

TEST_CASE("The server puts together a message however it is cut into pieces",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    auto [server, port] = listening_server(stage);
    const std::string bytes = message(2, "header and data");
    const std::vector<std::vector<std::size_t>> cuts{{4}, {8}, {4, 8}, {3, 10}, {9}, {7, 8, 12}};
    for (const std::vector<std::size_t>& cut : cuts) {
        std::vector<std::string> pieces;
        std::size_t start = 0;
        for (const std::size_t end : cut) {
            pieces.push_back(bytes.substr(start, end - start));
            start = end;
        }
        Peer& client = stage.connect(port);
        client.send_in_pieces(pieces);
        client.send(bytes.substr(start));
        expect_message(server, 2, 15, "header and data", one_read);
    }
}

TEST_CASE("The server reads every version from 0 to 4294967295",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    for (const std::uint32_t version :
         {0U, 1U, 10U, 127U, 128U, 255U, 256U, 2560U, 65536U, 0x00ff00ffU, 0x01020304U, 0x0a0a0a0aU,
          0x7fffffffU, 0x80000000U, 0x81828384U, largest}) {
        deliver(stage, scene, version, "v", "v", byte_order);
    }
}

TEST_CASE("The server reads sizes of every kind of bytes",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    // Among them are bytes that mean something in text, 0x00, 0x0a and 0x0d, and "negative" ones.
    for (const std::size_t size : {0, 1, 9, 10, 13, 32, 127, 128, 255, 256, 2560, 0x0d0a, 0x0a0a,
                                   0x8182, 0xffff, 0x10000, 0x010203, 0x0a0000}) {
        const std::string data(size, 'd');
        deliver(stage, scene, 5, data, data);
    }
}

TEST_CASE("The server accepts exactly as much data as the limit allows",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    deliver(stage, listening_server(stage, {"--max-size", "0"}), 1, "", "");
    deliver(stage, listening_server(stage, {"--max-size", "10"}), 1, "0123456789", "0123456789");
    const std::string page(4096, 'x');
    deliver(stage, listening_server(stage, {"--max-size", "4096"}), 1, page, page);
    const std::string most(1048576, 'y');
    deliver(stage, listening_server(stage), 1, most, most);
    const std::string more(3'000'001, 'z');
    deliver(stage, listening_server(stage, {"--max-size", "3000001"}), 1, more, more);
}

TEST_CASE("The server takes a limit beyond every size that a header can hold",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    for (const std::string limit : {"4294967295", "4294967296", "1000000000000"}) {
        deliver(stage, listening_server(stage, {"--max-size", limit}), 1, "in", "in",
                "a limit may be a number of more than 32 bits");
    }
}

TEST_CASE("The server prints an empty message as soon as its header has come",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    deliver(stage, listening_server(stage), 4, "", "", "of 0 bytes there is nothing to wait for");
}

TEST_CASE("The server says how much of the data came when it is cut at any byte",
          "[07_headers][header_server][step:5][points:2]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    const std::string bytes = message(1, "0123456789");
    for (std::size_t got = 0; got < 10; ++got) {
        cut_short(stage, scene, bytes.substr(0, 8 + got),
                  "incomplete data: got " + std::to_string(got) + " of 10 bytes", count_all);
    }
    deliver_after_faults(stage, scene);
}

TEST_CASE("The server says how much came of a lot of data that is cut short",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    for (const std::size_t got : {65535, 65536, 100'000, 999'999}) {
        cut_short(stage, scene, header(1, 1'000'000) + std::string(got, 'x'),
                  "incomplete data: got " + std::to_string(got) + " of 1000000 bytes", count_all);
    }
    deliver_after_faults(stage, scene);
}

TEST_CASE("The server reports a client that resets the connection within the data",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    for (const std::string half : {"half of", ""}) {
        Peer& client = stage.connect(scene.port);
        client.send_in_pieces({header(1, 10) + half});
        client.reset();
        expect_fault(scene.server, client, "Connection reset by peer");
    }
    deliver_after_faults(stage, scene);
}

TEST_CASE("The server waits for data that does not come until the timeout and no longer",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage, {"--timeout", "0.3"});
    for (const std::string half : {"half of", ""}) {
        const auto start = Clock::now();
        Peer& client = stage.connect(scene.port);
        client.send(header(1, 10) + half);
        expect_fault(scene.server, client, "timed out");
        stage.expect_at_least(Clock::now() - start, 0.3, "the server waits");
        client.receive_to_end("a client that was given up is closed");
    }
}

TEST_CASE("The server does not take a pause within the data for its end",
          "[07_headers][header_server][step:5][points:1]") {
    const double timeout = 0.3 * time_scale();
    for (Attempts attempts; attempts.another();) {
        Stage stage{lab};
        auto [server, port] = listening_server(stage, {"--timeout", std::to_string(timeout)});
        const auto start = Clock::now();
        Peer& client = stage.connect(port);
        client.send(header(1, 14));
        const bool prompt = seconds_since(start) < 0.5 * timeout;
        // A busy machine: try again.
        if (!client.trickle("take your time", timeout) || !prompt) continue;
        expect_message(server, 1, 14, "take your time", one_wait);
        break;
    }
}

TEST_CASE("The server ignores what comes behind the data",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    for (const std::string& more :
         {std::string{"\n"}, message(8, "a second message"), message(8, "")}) {
        Peer& client = stage.connect(scene.port);
        client.send(message(1, "enough") + more);
        client.shut_down_sending();
        expect_message(scene.server, 1, 6, "enough");
        const std::string answer = client.receive_to_end();
        stage.expect(answer.empty(), "the server sends nothing", quote(answer));
    }
    deliver(stage, scene, 2, "next", "next",
            "one connection brings one message; what follows it must not get into the next");
    scene.server.expect_running();
    stage.expect(scene.server.errors().empty(), "nothing on stderr", quote(scene.server.errors()));
}

TEST_CASE("The server does not read on without end behind the data",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    const std::size_t before = scene.server.peak_memory();
    Peer& client = stage.connect(scene.port);
    client.send(message(1, "enough"));
    const std::string piece(megabyte, 'x');
    for (int i = 0; i < 64 && !client.ended(); ++i) client.send(piece);
    expect_message(scene.server, 1, 6, "enough", size_tells);
    expect_frugal(stage, scene.server, before, size_tells);
    deliver(stage, scene, 2, "next", "next");
}

TEST_CASE("The server keeps its memory small when a client announces much and sends little",
          "[07_headers][header_server][step:5][points:2]") {
    Stage stage{lab};
    const std::string announced = header(1, 256 * megabyte);
    const std::string cause = "announcing costs nothing: let the memory grow only as data comes";
    const ServerScene scene = listening_server(stage, {"--max-size", "4294967295"});
    const std::size_t before = scene.server.peak_memory();
    cut_short(stage, scene, announced + "a little", "incomplete data: got 8 of 268435456 bytes",
              count_all);
    expect_frugal(stage, scene.server, before, cause);

    auto [server, port] = listening_server(stage, {"--max-size", "4294967295", "--timeout", "0.2"});
    const std::size_t address_space = server.peak_address_space();
    Peer& silent = stage.connect(port);
    silent.send(header(1, largest));
    expect_fault(server, silent, "timed out");
    expect_frugal(stage, server, before, cause);
    // Some run-time systems take address space in large pieces; but not in pieces of 4 gigabytes.
    const std::size_t more = (server.peak_address_space() - address_space) / megabyte;
    stage.expect(more < 1024, "little more memory reserved than before",
                 std::to_string(more) + " megabytes more", cause);
}

TEST_CASE("The server shows every control byte and every broken byte as harmless text",
          "[07_headers][header_server][step:5][points:2]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    deliver(stage, scene, 1, all_bytes(), all_bytes_shown());
    deliver(stage, scene, 1, "\x1b]0;gotcha\x07\x1b[2J", R"(\x1b]0;gotcha\x07\x1b[2J)");
    deliver(stage, scene, 1, "C1: \xc2\x80 \xc2\x9b \xc2\x9f", R"(C1: \xc2\x80 \xc2\x9b \xc2\x9f)");
    deliver(stage, scene, 1, "overlong: \xc0\xaf \xe0\x80\xaf",
            R"(overlong: \xc0\xaf \xe0\x80\xaf)");
    deliver(stage, scene, 1, "surrogate: \xed\xa0\x80", R"(surrogate: \xed\xa0\x80)");
    deliver(stage, scene, 1, "too high: \xf4\x90\x80\x80", R"(too high: \xf4\x90\x80\x80)");
    deliver(stage, scene, 1, "cut off: \xe2\x82", R"(cut off: \xe2\x82)");
}

TEST_CASE("The server shows text in any language and backslashes as they are",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    for (const std::string text :
         {"Gr\u00fc\u00dfe", "\xe4\xbd\xa0\xe5\xa5\xbd", "\xf0\x9f\x90\xa7", "\xc2\xa0",
          "\\x0a and C:\\temp", "\t%s%n"}) {
        deliver(stage, scene, 1, text, text);
    }
}

TEST_CASE("The server shows long text whole wherever its reads have cut it",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    std::string text;
    while (text.size() < 200'000) text += "\u20ac";
    // Each way round, another byte of a letter lies at the seams.
    for (const std::string start : {"", "-", "--"}) {
        deliver(stage, scene, 1, start + text, start + text,
                "make the whole text printable, not part after part");
    }
}

TEST_CASE("The server never lets a message forge a line of its own",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    deliver(stage, scene, 1, "hello\nVersion: 9\r\nSize: 0\n",
            R"(hello\x0aVersion: 9\x0d\x0aSize: 0\x0a)");
    deliver(stage, scene, 1, "honest", "honest");
}

TEST_CASE("The server prints the messages of many clients that wait at once",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    auto [server, port] = listening_server(stage);
    // All of them are connected before any has sent its message.
    std::vector<Peer*> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(&stage.connect(port));
    std::set<std::string> expected;
    for (Peer* client : clients) {
        const std::string data = "message " + std::to_string(expected.size());
        client->send(message(static_cast<std::uint32_t>(expected.size()), data));
        expected.insert("Version: " + std::to_string(expected.size()) + "\nSize: 9\nData: " + data);
    }
    // Nothing says who is served first.
    while (!expected.empty()) {
        const std::string what = "the message " + quote(*expected.begin());
        std::string got = server.expect_line_like("Version: .+", what);
        got += "\n" + server.expect_line_like("Size: .+", what);
        got += "\n" + server.expect_line_like("Data: .+", what);
        const bool wanted = expected.erase(got) == 1;
        stage.expect(wanted, what, quote(got));
    }
}

TEST_CASE("The server serves the next client after one whose message was cut short",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    cut_short(stage, scene, header(1, 10).substr(0, 3), "incomplete header: got 3 of 8 bytes");
    cut_short(stage, scene, header(1, 10) + "four", "incomplete data: got 4 of 10 bytes",
              count_all);
    deliver_after_faults(stage, scene);
}

TEST_CASE("The server serves the next client after one that would send too much",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage, {"--max-size", "20"});
    expect_refusal(stage, scene, message(1, std::string(megabyte, 'x')), megabyte, "20");
    deliver_after_faults(stage, scene);
}

TEST_CASE("The server serves the next client after one that reset the connection",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    Peer& rude = stage.connect(scene.port);
    rude.send_in_pieces({header(1, 10) + "half"});
    rude.reset();
    expect_fault(scene.server, rude, "Connection reset by peer");
    deliver_after_faults(stage, scene);
}

TEST_CASE("The server serves the next client after one that fell silent",
          "[07_headers][header_server][step:5][points:1]") {
    Stage stage{lab};
    auto [server, port] = listening_server(stage, {"--timeout", "0.5"});
    Peer& silent = stage.connect(port);
    silent.send(header(1, 10) + "half");
    // It brings all that it has while it waits for its turn, so that its own time can't run out.
    Peer& next = stage.connect(port);
    next.send(message(9, "after a silence"));
    expect_fault(server, silent, "timed out");
    expect_last_message(stage, server, 9, "after a silence", 1);
}

TEST_CASE("The server takes messages over IPv6", "[07_headers][header_server][step:5][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    Stage stage{lab};
    for (const std::string address : {"::1", "::"}) {
        Process& server = stage.start("header_server", {"--port", "0", "--bind", address});
        Peer& client = stage.connect(server.expect_listening(address), "::1");
        client.send(message(6, "six"));
        expect_message(server, 6, 3, "six");
        client.shut_down_sending();
        client.expect_end();
    }
}

TEST_CASE("The server ends at once when it is interrupted within the data",
          "[07_headers][header_server][step:5][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        auto [server, port] = listening_server(stage);
        Peer& client = stage.connect(port);
        client.send_in_pieces({header(1, 10) + "half"});
        const bool open = !client.ended();
        stage.expect(open, "the server waits for the rest of the data", "it closed the connection",
                     one_read);
        server.signal(signal);
        server.expect_end_by(signal);
    }
}

// --- header_client, step 7: send the header --------------------------------------------------

TEST_CASE("The client sends version and size with their most significant bytes first",
          "[07_headers][header_client][step:7][points:2]") {
    const std::vector<std::array<std::string, 3>> headers{
        {"16909060", "66051", bytes_of({0x01, 0x02, 0x03, 0x04, 0x00, 0x01, 0x02, 0x03})},
        {"67305985", "770", bytes_of({0x04, 0x03, 0x02, 0x01, 0x00, 0x00, 0x03, 0x02})},
        {"2172814212", "33154", bytes_of({0x81, 0x82, 0x83, 0x84, 0x00, 0x00, 0x81, 0x82})},
        {"0", "0", bytes_of({0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00})},
        {"10", "2560", bytes_of({0x00, 0x00, 0x00, 0x0a, 0x00, 0x00, 0x0a, 0x00})},
        {"4294967295", "255", bytes_of({0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0xff})}};
    for (const auto& [version, size, bytes] : headers) {
        Stage stage{lab};
        auto [client, server, endpoint] =
            connected_client(stage, {"--version", version, "--size", size});
        server.expect_received(bytes, byte_order);
    }
}

TEST_CASE("The client announces a size of more than 24 bits",
          "[07_headers][header_client][step:7][points:1]") {
    Stage stage{lab};
    auto [client, server, endpoint] =
        connected_client(stage, {"--version", "5", "--size", "67305985"});
    server.expect_received(bytes_of({0, 0, 0, 5, 4, 3, 2, 1}), byte_order);
    server.reset();
}

TEST_CASE("The client connects to 127.0.0.1 port 54321 when it is told nothing else",
          "[07_headers][header_client][step:7][points:1]") {
    in_private_network([] {
        const std::vector<std::vector<std::string>> runs{{}, {"127.0.0.1"}};
        for (const std::vector<std::string>& arguments : runs) {
            Stage stage{lab};
            Listener& listener = stage.listen("127.0.0.1", "54321");
            stage.start("header_client", sending_7_and_1(arguments));
            expect_header_from(listener);
        }
    });
}

TEST_CASE("The client connects over IPv6", "[07_headers][header_client][step:7][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    Stage stage{lab};
    Listener& listener = stage.listen("::1");
    stage.start("header_client", sending_7_and_1({"::1", listener.port()}));
    expect_header_from(listener);
}

TEST_CASE("The client tries every address that a name has",
          "[07_headers][header_client][step:7][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    // Only one of the two addresses has a listener, once the one and once the other.
    for (const std::string address : {"127.0.0.1", "::1"}) {
        in_world(lab, {.hosts = "127.0.0.1 two.test\n::1 two.test\n"}, [&address](Stage& stage) {
            Listener& listener = stage.listen(address);
            stage.start("header_client", sending_7_and_1({"two.test", listener.port()}));
            expect_header_from(listener);
        });
    }
}

TEST_CASE("A client that works reports a refused connection in one line with host and port",
          "[07_headers][header_client][step:7][points:1]") {
    Stage stage{lab};
    expect_header_is_sent();
    const std::string port = stage.refusing_port();
    Process& client = stage.start("header_client", {"127.0.0.1", port});
    client.expect_error_like("header_client: .*127\\.0\\.0\\.1:" + port + ": Connection refused",
                             "one line that names 127.0.0.1:" + port);
    client.expect_exit(1);
}

TEST_CASE("A client that works writes an IPv6 address in brackets when it reports a failure",
          "[07_headers][header_client][step:7][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    Stage stage{lab};
    expect_header_is_sent();
    const std::string port = stage.refusing_port("::1");
    Process& client = stage.start("header_client", {"::1", port});
    client.expect_error_like("header_client: .*\\[::1\\]:" + port + ": Connection refused",
                             "one line that names [::1]:" + port);
    client.expect_exit(1);
}

TEST_CASE("A client that works waits for a connection no longer than its timeout",
          "[07_headers][header_client][step:7][points:1]") {
    Stage stage{lab};
    expect_header_is_sent();
    const std::string port = stage.silent_port();
    Process& client = stage.start("header_client", {"127.0.0.1", port, "--timeout", "0.2"});
    client.expect_error_like("header_client: .*127\\.0\\.0\\.1:" + port + ": timed out",
                             "one line that names 127.0.0.1:" + port + " and ends with timed out");
    client.expect_exit(1);
    stage.expect_at_least(client.run_time(), 0.2, "the client waits");
}

TEST_CASE("A client that works reports a name that can't be looked up in one line with the name",
          "[07_headers][header_client][step:7][points:1]") {
    // In a world without a name server the look-up fails at once, and nothing is sent.
    in_world(lab, {}, [](Stage& stage) {
        expect_header_is_sent();
        Listener& nobody = stage.listen("127.0.0.1", "54321");
        Process& client = stage.start("header_client", {"no-such-host.invalid"});
        client.expect_error_like(
            "header_client: " + no_todo + ".*no-such-host\\.invalid.*: " + look_up_failure(),
            "one line that names the host");
        client.expect_exit(1);
        stage.expect(!nobody.has_visitor(), "no connection to anybody", "one came");
    });
}

TEST_CASE("The client ends at once when it is interrupted while it connects",
          "[07_headers][header_client][step:7][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        expect_header_is_sent();
        const std::string port = stage.silent_port();
        Process& client = stage.start("header_client", {"127.0.0.1", port});
        stage.await_attempt(port);
        client.signal(signal);
        client.expect_end_by(signal);
    }
}

// --- header_client, step 8: send the data ----------------------------------------------------

TEST_CASE("The client sends as many X as it is told and prints the message",
          "[07_headers][header_client][step:8][points:1]") {
    Stage stage{lab};
    for (const std::uint32_t size : {1U, 2U, 10U, 11U, 256U}) {
        expect_sent(
            connected_client(stage, {"--version", "4294967295", "--size", std::to_string(size)}),
            largest, size);
    }
}

TEST_CASE("The client sends a header alone when the size is 0",
          "[07_headers][header_client][step:8][points:1]") {
    Stage stage{lab};
    expect_sent(connected_client(stage, {"--version", "0", "--size", "0"}), 0, 0);
}

TEST_CASE("The client sends much data whole", "[07_headers][header_client][step:8][points:1]") {
    Stage stage{lab};
    for (const std::uint32_t size : {65535U, 65536U, 65537U, 131072U, 1'000'000U, 5'000'001U}) {
        expect_sent(connected_client(stage, {"--version=3", "--size=" + std::to_string(size)}), 3,
                    size);
    }
}

TEST_CASE("The client keeps its memory small however much it sends",
          "[07_headers][header_client][step:8][points:1]") {
    Stage stage{lab};
    const ClientScene scene = connected_client(stage, {"--version=1", "--size=268435456"});
    scene.server.expect_received(header(1, 256 * megabyte) + "X");
    scene.server.stall();
    const std::size_t memory = scene.client.peak_memory() / megabyte;
    scene.client.expect_running();
    stage.expect(memory < 128, "a client that holds a block of the data at a time",
                 "one that has taken " + std::to_string(memory) + " megabytes of memory",
                 "send the same block again and again");
}

TEST_CASE("The client draws version and size at random when it is given neither",
          "[07_headers][header_client][step:8][points:1]") {
    const std::vector<Drawn> drawn = draw_until(
        [](const std::vector<Drawn>& all) { return versions_differ(all) && sizes_differ(all); });
    Stage stage{lab};
    const std::string seed = "a generator without a seed draws the same numbers in every run";
    stage.expect(versions_differ(drawn), "versions drawn at random", "one in every run", seed);
    stage.expect(sizes_differ(drawn), "sizes drawn at random", "one in every run", seed);
}

TEST_CASE("The client draws every version from 0 to 5 and every size from 0 to 10",
          "[07_headers][header_client][step:8][points:1]") {
    // Of 400 runs a right program needs about 30; that one of the 17 numbers is drawn in none has
    // a chance of less than one in 10^15.
    std::set<std::uint32_t> versions;
    std::set<std::uint32_t> sizes;
    Drawn before;
    int alike = 0;
    for (int run = 0; run < 400 && (versions.size() < 6 || sizes.size() < 11); ++run) {
        const Drawn drawn = run_client();
        versions.insert(drawn.version);
        sizes.insert(drawn.size);
        // Seeded with the time in seconds, all draw the same until the next; the test case before
        // judges those that do so for ever.
        alike = drawn == before ? alike + 1 : 0;
        if (alike == 12) return;
        before = drawn;
    }
    Stage stage{lab};
    stage.expect(versions.size() == 6, "every version from 0 to 5 in 400 runs",
                 "only " + std::to_string(versions.size()) + " of them",
                 "0 and 5 themselves can be drawn, too");
    stage.expect(sizes.size() == 11, "every size from 0 to 10 in 400 runs",
                 "only " + std::to_string(sizes.size()) + " of them",
                 "0 and 10 themselves can be drawn, too");
}

TEST_CASE("The client draws only what it is not given",
          "[07_headers][header_client][step:8][points:1]") {
    const std::vector<Drawn> with_version = draw_until(sizes_differ, {"--version", "3"});
    const std::vector<Drawn> with_size = draw_until(versions_differ, {"--size", "4"});
    const bool version_kept =
        std::ranges::all_of(with_version, [](const Drawn& one) { return one.version == 3; });
    const bool size_kept =
        std::ranges::all_of(with_size, [](const Drawn& one) { return one.size == 4; });
    Stage stage{lab};
    stage.expect(version_kept, "version 3 with --version 3", "another");
    stage.expect(size_kept, "size 4 with --size 4", "another");
    stage.expect(sizes_differ(with_version), "sizes drawn at random with --version 3",
                 "one in every run");
    stage.expect(versions_differ(with_size), "versions drawn at random with --size 4",
                 "one in every run");
}

TEST_CASE("The client does not wait for the server to close",
          "[07_headers][header_client][step:8][points:1]") {
    Stage stage{lab};
    const ClientScene scene = connected_client(stage, {"--version", "1", "--size", "5"});
    scene.server.send("Nobody asked me to say this.");
    expect_message(scene.client, 1, 5, "XXXXX");
    scene.client.expect_exit(0);
}

TEST_CASE("The client takes any time that the server needs when the timeout is 0",
          "[07_headers][header_client][step:8][points:1]") {
    Stage stage{lab};
    expect_sent(connected_client(stage, {"--version=1", "--size=100000", "--timeout=0"}), 1,
                100'000);
    const ClientScene scene = connected_client(stage, {"--size", much, "--timeout", "0"});
    scene.server.stall();
    stage.pass_time(0.2);
    scene.client.expect_running("a timeout of 0 means no limit");
}

TEST_CASE("The client waits for a server that does not read no longer than its timeout",
          "[07_headers][header_client][step:8][points:1]") {
    Stage stage{lab};
    expect_client_works(stage);
    const ClientScene scene = connected_client(stage, {"--size", much, "--timeout", "0.3"});
    scene.server.stall();
    expect_failure(stage, scene, "timed out", "a server that does not read needs a limit too");
    stage.expect_at_least(scene.client.run_time(), 0.3, "the client waits");
}

TEST_CASE("The client reports a server that resets the connection in the middle of the data",
          "[07_headers][header_client][step:8][points:1]") {
    Stage stage{lab};
    expect_client_works(stage);
    const ClientScene scene = connected_client(stage, {"--version", "1", "--size", much});
    scene.server.expect_received(header(1, 64 * megabyte) + "XXX");
    scene.server.stall();
    scene.server.reset();
    expect_failure(stage, scene, ".+", "a message that was not sent whole is a failure");
}

TEST_CASE("The client reports a server that closes before it has read the data",
          "[07_headers][header_client][step:8][points:1]") {
    Stage stage{lab};
    expect_client_works(stage);
    const ClientScene early = connected_client(stage, {"--size", much});
    early.server.close();
    expect_failure(stage, early, ".+", "a message that was not sent whole is a failure");
    // Behind the end of the server's stream, a write fails with EPIPE, and SIGPIPE comes with it.
    const ClientScene late = connected_client(stage, {"--version", "1", "--size", much});
    late.server.expect_received(header(1, 64 * megabyte));
    late.server.stall();
    late.server.shut_down_sending();
    late.server.close();
    expect_failure(stage, late, ".+", "a message that was not sent whole is a failure");
}

TEST_CASE("The client ends at once when it is interrupted while the server does not read",
          "[07_headers][header_client][step:8][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        const ClientScene scene = connected_client(stage, {"--version=1", "--size=" + much});
        scene.server.expect_received(header(1, 64 * megabyte) + "X");
        scene.server.stall();
        scene.client.signal(signal);
        scene.client.expect_end_by(signal);
    }
}

TEST_CASE("A client that works explains itself and refuses wrong usage",
          "[07_headers][header_client][step:8][points:1]") {
    Stage stage{lab};
    expect_client_works(stage);
    expect_help(stage, "header_client",
                {{"HOST", "127.0.0.1"},
                 {"PORT", "54321"},
                 {"--version", "5"},
                 {"--size", "10"},
                 {"--timeout SECONDS", "10"},
                 {"--log FILE", "none"},
                 {"--help", ""}});
    expect_usage_error(stage, "header_client", {"--colour"}, "--colour");
    expect_usage_error(stage, "header_client", {"--timeout"}, "--timeout");
    for (const std::string port : {"0", "65536", "70000", "abc", "80x", " 80", "+80", ""}) {
        expect_usage_error(stage, "header_client", {"127.0.0.1", port}, port);
    }
    for (const std::string option : {"--version", "--size"}) {
        for (const std::string number :
             {"-1", "4294967296", "99999999999999999999", "abc", "1.5", "1k", ""}) {
            expect_usage_error(stage, "header_client", {option + "=" + number}, option);
        }
    }
    for (const std::string seconds : {"-1", "-0.5", "soon", "1s", "nan", "inf", ""}) {
        expect_usage_error(stage, "header_client", {"--timeout=" + seconds}, "--timeout");
    }
    expect_usage_error(stage, "header_client", {"", "54321"}, "");
    expect_usage_error(stage, "header_client", {"127.0.0.1", "54321", "third"}, "third");
    expect_usage_error(stage, "header_client", {"127.0.0.1", "\x1b[2J"}, R"(\x1b[2J)");
}

TEST_CASE("The client reports that its output can't be written",
          "[07_headers][header_client][step:8][points:1]") {
    Stage stage{lab};
    expect_client_works(stage);
    const std::string whole = message(1, "XXXXX");
    for (const StartOptions& start :
         {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
        auto [client, server, endpoint] =
            connected_client(stage, {"--version", "1", "--size", "5"}, start);
        const std::string received = server.receive_to_end();
        stage.expect(whole.starts_with(received), "at most " + quote(whole), quote(received),
                     "what can't be printed must not get into the connection");
        client.expect_error_like("header_client: " + no_todo + ".+: .+", "one line on stderr");
        client.expect_exit(1);
    }
}

TEST_CASE("The client writes a log of whole lines when asked",
          "[07_headers][header_client][step:8][points:1]") {
    Stage stage{lab};
    expect_sent(
        connected_client(stage, {"--version", "1", "--size", "2", "--log", "client\x1b[31m.log"}),
        1, 2);
    expect_log(stage, "client\x1b[31m.log");
    const std::string log = stage.read_file("client\x1b[31m.log");
    stage.expect(log.find('\x1b') == std::string::npos, "arguments made printable in the log",
                 quote(log));
}

// --- both, and other people's programs -------------------------------------------------------

TEST_CASE("The client and the server understand each other",
          "[07_headers][header_client][step:8][points:1]") {
    Stage stage{lab};
    auto [server, port] = listening_server(stage);
    for (const std::uint32_t size : {0U, 1U, 10U, 100'000U, 1'048'576U}) {
        Process& client = stage.start(
            "header_client", {"127.0.0.1", port, "--version=7", "--size=" + std::to_string(size)});
        expect_message(client, 7, size, std::string(size, 'X'));
        client.expect_exit(0);
        expect_message(server, 7, size, std::string(size, 'X'));
    }
    for (int i = 0; i < 3; ++i) {
        Process& client = stage.start("header_client", {"127.0.0.1", port});
        const auto both = [&] {
            return client.ended() && server.output().ends_with(client.output());
        };
        stage.wait_until(both);
        stage.expect(both() && messages_printed(client) == 1,
                     "both print the same three lines, the client " + quote(client.output()),
                     "the server " + quote(server.output()));
    }
}

TEST_CASE("The server refuses what the client may not send",
          "[07_headers][header_client][step:7][points:1]") {
    Stage stage{lab};
    auto [server, port] = listening_server(stage, {"--max-size", "10"});
    stage.start("header_client", {"127.0.0.1", port, "--version=7", "--size=11"});
    server.expect_error_like(
        "header_server: 127\\.0\\.0\\.1:[0-9]+: size 11 is over the limit of 10",
        "that size 11 is over the limit of 10", byte_order);
}

TEST_CASE("The server understands nc and socat as clients",
          "[07_headers][header_server][step:5][points:1]") {
    if (!have_command("nc") || !have_command("socat")) return skip("nc or socat is not installed");
    Stage stage{lab};
    auto [server, port] = listening_server(stage);
    Process& nc = stage.start_command("nc", {"-N", "127.0.0.1", port});
    nc.type(message(1, "From nc, with care."));
    nc.end_input();
    expect_message(server, 1, 19, "From nc, with care.");
    Process& socat = stage.start_command("socat", {"-u", "-", "TCP:127.0.0.1:" + port});
    socat.type(message(2, "From socat,\nwith love."));
    socat.end_input();
    expect_message(server, 2, 22, R"(From socat,\x0awith love.)");
}

TEST_CASE("The client is understood by nc as its server",
          "[07_headers][header_client][step:8][points:1]") {
    if (!have_command("nc")) return skip("nc is not installed");
    in_private_network([] {
        Stage stage{lab};
        Process& nc = stage.start_command("nc", {"-n", "-v", "-N", "-l", "127.0.0.1", "54321"});
        nc.expect_error_like("Listening on .*", "that it listens");
        nc.end_input();
        Process& client = stage.start("header_client", {"--version=16909060", "--size=3"});
        expect_message(client, 16909060, 3, "XXX");
        client.expect_exit(0);
        stage.wait_until([&] { return nc.ended(); });
        stage.expect(nc.output() == bytes_of({1, 2, 3, 4, 0, 0, 0, 3}) + "XXX",
                     "nc prints the bytes of the message", quote(nc.output()));
    });
}
