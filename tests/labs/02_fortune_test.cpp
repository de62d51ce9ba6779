// Lab 02: the contract of fortune_client and fortune_server, from outside.
#include "harness/catch.hpp"
#include "harness/peer.hpp"
#include "harness/process.hpp"
#include "harness/rules.hpp"
#include "harness/stage.hpp"
#include "harness/world.hpp"

#include <wirelab/endpoint.hpp>

#include <chrono>
#include <csignal>
#include <set>
#include <string>
#include <vector>

using namespace harness;
using namespace std::string_literals;

namespace {

const std::string lab = "02_fortune";

// Starts the client against a listener of the test's, and returns both ends of the connection.
struct ClientScene {
    Process& client;
    Peer& server;
};

ClientScene connected_client(Stage& stage, std::vector<std::string> options = {},
                             const StartOptions& start = {}) {
    Listener& listener = stage.listen();
    options.insert(options.begin(), {"127.0.0.1", listener.port()});
    Process& client = stage.start("fortune_client", options, start);
    return {client, listener.accept()};
}

// The proof that a client does its job, for test cases about how it behaves otherwise.
void expect_client_works(Stage& stage) {
    auto [client, server] = connected_client(stage);
    server.send("It works.");
    server.close();
    client.expect_line("It works.");
    client.expect_exit(0);
}

struct ServerScene {
    Process& server;
    std::string port;
};

ServerScene listening_server(Stage& stage, std::vector<std::string> options = {},
                             const StartOptions& start = {}) {
    options.insert(options.begin(), {"--port", "0"});
    Process& server = stage.start("fortune_server", options, start);
    return {server, server.expect_listening()};
}

// Whether a fortune is sent with the newline at its end is left to the server.
std::string without_newline(std::string fortune) {
    if (fortune.ends_with('\n')) fortune.pop_back();
    return fortune;
}

// Visits the server once, and expects its line about that, and the fortune, if one is given;
// returns the fortune.
std::string visit(Stage& stage, Process& server, const std::string& port,
                  const std::string& expected = "") {
    Peer& client = stage.connect(port);
    const std::string fortune = client.receive_to_end("the server closes after the fortune");
    stage.expect(!fortune.empty(), "the client receives a fortune", "nothing");
    if (!expected.empty()) {
        stage.expect(without_newline(fortune) == expected, "the client receives " + quote(expected),
                     quote(fortune));
    }
    server.expect_line("sent " + std::to_string(fortune.size()) + " bytes to " + client.endpoint());
    return fortune;
}

}  // namespace

// --- fortune_client, step 2: connect ---------------------------------------------------------

TEST_CASE("The client connects to the host and port that it is given",
          "[02_fortune][fortune_client][step:2][points:1]") {
    Stage stage{lab};
    Listener& listener = stage.listen();
    stage.start("fortune_client", {"127.0.0.1", listener.port()});
    listener.accept("the client never asked for a connection");
}

TEST_CASE("The client asks 127.0.0.1 port 54321 when it is given no arguments",
          "[02_fortune][fortune_client][step:2][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        Listener& listener = stage.listen("127.0.0.1", "54321");
        stage.start("fortune_client");
        listener.accept();
    });
}

TEST_CASE("The client connects over IPv6", "[02_fortune][fortune_client][step:2][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    Stage stage{lab};
    Listener& listener = stage.listen("::1");
    stage.start("fortune_client", {"::1", listener.port()});
    listener.accept();
}

TEST_CASE("The client tries every address that a name has",
          "[02_fortune][fortune_client][step:2][points:2]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    // Only one of the two addresses has a listener, once the one and once the other.
    for (const std::string address : {"127.0.0.1", "::1"}) {
        in_world(lab, {.hosts = "127.0.0.1 two.test\n::1 two.test\n"}, [&address](Stage& stage) {
            Listener& listener = stage.listen(address);
            stage.start("fortune_client", {"two.test", listener.port()});
            listener.accept("a name can have several addresses, and only one may answer");
        });
    }
}

TEST_CASE("The client reports a refused connection in one line with host and port",
          "[02_fortune][fortune_client][step:2][points:1]") {
    Stage stage{lab};
    const std::string port = stage.refusing_port();
    Process& client = stage.start("fortune_client", {"127.0.0.1", port});
    client.expect_error("fortune_client: cannot connect to 127.0.0.1:" + port +
                        ": Connection refused");
    client.expect_exit(1);
}

TEST_CASE("The client writes an IPv6 address in brackets when it reports a failure",
          "[02_fortune][fortune_client][step:2][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    Stage stage{lab};
    const std::string port = stage.refusing_port("::1");
    Process& client = stage.start("fortune_client", {"::1", port});
    client.expect_error("fortune_client: cannot connect to [::1]:" + port + ": Connection refused");
    client.expect_exit(1);
}

TEST_CASE("The client waits for a connection no longer than its timeout",
          "[02_fortune][fortune_client][step:2][points:1]") {
    Stage stage{lab};
    const std::string port = stage.silent_port();
    Process& client = stage.start("fortune_client", {"127.0.0.1", port, "--timeout", "0.1"});
    client.expect_error("fortune_client: cannot connect to 127.0.0.1:" + port + ": timed out",
                        "a silent host needs a Deadline around the connect");
    client.expect_exit(1);
    stage.expect_at_least(client.run_time(), 0.1, "the client waits");
}

// --- fortune_client, step 1: look up ---------------------------------------------------------

TEST_CASE("The client reports a name that can't be looked up in one line with the name",
          "[02_fortune][fortune_client][step:1][points:1]") {
    // In a world without a name server the look-up fails at once, and nothing is sent.
    in_world(lab, {}, [](Stage& stage) {
        Listener& nobody = stage.listen("127.0.0.1", "54321");
        Process& client = stage.start("fortune_client", {"no-such-host.invalid", "--timeout", "1"});
        client.expect_error_like(
            R"(fortune_client: .*no-such-host\.invalid.*: )" + look_up_failure(),
            "one line that names the host and gives the look-up's reason",
            "a failed look-up must not be followed by a connect: is there an `if (error)`?");
        client.expect_exit(1);
        stage.expect(!nobody.has_visitor(), "no connection to anybody", "one came");
    });
}

// --- fortune_client, step 3: read ------------------------------------------------------------

TEST_CASE("The client goes on reading as long as the server may send more",
          "[02_fortune][fortune_client][step:3][points:1]") {
    Stage stage{lab};
    auto [client, server] = connected_client(stage);
    server.send_in_pieces({"Packets ", "travel ", "light."});
    const bool gone =
        stage.wait_until([&server] { return server.ended(); }, std::chrono::milliseconds{50});
    stage.expect(!gone, "the client waits for more", "it has closed the connection",
                 "one read may bring only a part: read in a loop, until the stream ends");
}

TEST_CASE("The client prints a fortune that arrives in one piece",
          "[02_fortune][fortune_client][step:4][points:1]") {
    Stage stage{lab};
    auto [client, server] = connected_client(stage);
    server.send("Packets travel light.");
    server.close();
    client.expect_line("Packets travel light.");
    client.expect_exit(0);
}

TEST_CASE("The client puts together a fortune that arrives byte by byte",
          "[02_fortune][fortune_client][step:4][points:2]") {
    Stage stage{lab};
    auto [client, server] = connected_client(stage);
    server.send_byte_by_byte("Packets travel light.");
    server.close();
    client.expect_line("Packets travel light.",
                       "one read may bring only a part: read until the stream ends");
    client.expect_exit(0);
}

TEST_CASE("The client reads a fortune that is larger than any buffer",
          "[02_fortune][fortune_client][step:4][points:1]") {
    Stage stage{lab};
    const std::string fortune(300'000, 'x');
    auto [client, server] = connected_client(stage);
    server.send(fortune);
    server.close();
    client.expect_line(fortune);
    client.expect_exit(0);
}

TEST_CASE("The client gives up on a server that sends without end",
          "[02_fortune][fortune_client][step:4][points:1]") {
    Stage stage{lab};
    auto [client, server] = connected_client(stage);
    const std::string piece(1024 * 1024, 'x');
    for (int i = 0; i < 64 && !client.ended(); ++i) server.send(piece);
    client.expect_error_like("fortune_client: (?!.*Success).+", "one line on what failed",
                             "a buffer that a peer fills needs a limit");
    client.expect_exit(1);
}

TEST_CASE("The client does not wait longer than its timeout for a server that stays silent",
          "[02_fortune][fortune_client][step:4][points:1]") {
    Stage stage{lab};
    auto [client, server] = connected_client(stage, {"--timeout", "0.1"});
    client.expect_error_like("fortune_client: .+: timed out",
                             "a line that ends with \"timed out\"");
    client.expect_exit(1);
    stage.expect_at_least(client.run_time(), 0.1, "the client waits");
}

TEST_CASE("The client bounds each wait and not the whole fortune",
          "[02_fortune][fortune_client][step:4][points:1]") {
    const double timeout = 0.2 * time_scale();
    for (Attempts attempts; attempts.another();) {
        Stage stage{lab};
        auto [client, server] = connected_client(stage, {"--timeout", std::to_string(timeout)});
        if (!server.trickle("xxxxxxxxxx", timeout)) continue;  // a busy machine: try again
        server.close();
        client.expect_line("xxxxxxxxxx", "the Deadline belongs around one read, not around all");
        client.expect_exit(0);
        break;
    }
}

// --- fortune_client, step 4: the end, and what is printed ------------------------------------

TEST_CASE("The client does not double the newline at the end of a fortune",
          "[02_fortune][fortune_client][step:4][points:1]") {
    Stage stage{lab};
    auto [client, server] = connected_client(stage);
    server.send("Two lines,\none newline at the end.\n");
    server.close();
    client.expect_line("Two lines,");
    client.expect_line("one newline at the end.");
    client.expect_exit(0);
}

TEST_CASE("The client calls it a failure when the server closes without sending",
          "[02_fortune][fortune_client][step:4][points:1]") {
    Stage stage{lab};
    auto [client, server] = connected_client(stage);
    server.close();
    client.expect_error_like("fortune_client: .+", "one line on stderr");
    client.expect_exit(1);
}

TEST_CASE("The client calls it a failure when the connection is reset half-way",
          "[02_fortune][fortune_client][step:4][points:2]") {
    Stage stage{lab};
    auto [client, server] = connected_client(stage);
    server.send("Half a fort");
    server.wait_until_read();
    server.reset();
    client.expect_error_like("fortune_client: .+: Connection reset by peer",
                             "one line that ends with \"Connection reset by peer\"",
                             "only asio::error::eof is the end of a fortune");
    client.expect_exit(1);
}

TEST_CASE("The client shows control bytes and broken UTF-8 as harmless text",
          "[02_fortune][fortune_client][step:4][points:1]") {
    Stage stage{lab};
    auto [client, server] = connected_client(stage);
    server.send("red \x1b[31m nul \0 bell \a del \x7f cr \r\n"s);
    server.send(
        "tab \t back\\slash C1 \xc2\x9b broken \xff\xc3 fine Gr\xc3\xbc\xc3\x9f"
        "e");
    server.close();
    client.expect_line(R"(red \x1b[31m nul \x00 bell \x07 del \x7f cr \x0d)");
    client.expect_line(
        "tab \t back\\slash C1 \\xc2\\x9b broken \\xff\\xc3 fine Gr\xc3\xbc\xc3\x9f"
        "e");
    client.expect_exit(0);
}

TEST_CASE("The client ends at once when it is interrupted while it waits",
          "[02_fortune][fortune_client][step:4][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        expect_client_works(stage);
        auto [client, server] = connected_client(stage);
        client.signal(signal);
        client.expect_end_by(signal);
    }
}

TEST_CASE("The client reports that its output can't be written",
          "[02_fortune][fortune_client][step:4][points:1]") {
    Stage stage{lab};
    auto [client, server] = connected_client(stage, {}, {.stdout_file = "/dev/full"});
    server.send("Nobody will read this.");
    server.close();
    client.expect_error_like("fortune_client: .+: .+", "one line on stderr");
    client.expect_exit(1);
}

TEST_CASE("A client that works explains itself and refuses wrong usage",
          "[02_fortune][fortune_client][step:4][points:1]") {
    Stage stage{lab};
    expect_client_works(stage);
    expect_help(stage, "fortune_client",
                {{"HOST", "127.0.0.1"},
                 {"PORT", "54321"},
                 {"--timeout SECONDS", "10"},
                 {"--log FILE", "none"},
                 {"--help", ""}});
    expect_usage_error(stage, "fortune_client", {"--colour"}, "--colour");
    expect_usage_error(stage, "fortune_client", {"--timeout"}, "--timeout");
    for (const std::string port : {"0", "-1", "65536", "70000", "abc", "80x", " 80", "+80", ""}) {
        expect_usage_error(stage, "fortune_client", {"127.0.0.1", port}, port);
    }
    for (const std::string seconds : {"-1", "-0.5", "soon", "1s", "nan", "inf", ""}) {
        expect_usage_error(stage, "fortune_client", {"--timeout=" + seconds}, "--timeout");
    }
    expect_usage_error(stage, "fortune_client", {"127.0.0.1", "54321", "third"}, "third");
    expect_usage_error(stage, "fortune_client", {"127.0.0.1", "\x1b[2J"}, R"(\x1b[2J)");
}

TEST_CASE("The client writes a log of whole lines when asked",
          "[02_fortune][fortune_client][step:4][points:1]") {
    Stage stage{lab};
    stage.write_file("client.log", "[20200101 00:00:00] before:1 - this line was there before\n");
    auto [client, server] = connected_client(stage, {"--log", "client.log"});
    server.send("Logged.");
    server.close();
    client.expect_line("Logged.");
    client.expect_exit(0);
    expect_log(stage, "client.log");
    stage.expect(
        stage.read_file("client.log").starts_with("[20200101") &&
            stage.read_file("client.log").find('\n') + 1 < stage.read_file("client.log").size(),
        "new lines behind those that were there", stage.read_file("client.log"));
}

// --- fortune_server, step 5: listen ----------------------------------------------------------

TEST_CASE("The server says where it listens", "[02_fortune][fortune_server][step:5][points:1]") {
    Stage stage{lab};
    listening_server(stage);
}

TEST_CASE("The server listens on 127.0.0.1 port 54321 when it is told nothing else",
          "[02_fortune][fortune_server][step:5][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        stage.start("fortune_server").expect_line("listening on 127.0.0.1:54321");
    });
}

TEST_CASE("The server listens on the address that it is bound to",
          "[02_fortune][fortune_server][step:5][points:1]") {
    Stage stage{lab};
    stage.start("fortune_server", {"--port", "0", "--bind", "127.0.0.2"})
        .expect_listening("127.0.0.2");
    if (!have_ipv6()) return;
    stage.start("fortune_server", {"--port", "0", "--bind", "::1"}).expect_listening("::1");
}

TEST_CASE("The server reports a port that is in use",
          "[02_fortune][fortune_server][step:5][points:1]") {
    Stage stage{lab};
    const std::string port = stage.listen().port();
    Process& server = stage.start("fortune_server", {"--port", port});
    server.expect_error("fortune_server: cannot listen on 127.0.0.1:" + port +
                        ": Address already in use");
    server.expect_exit(1);
}

// --- fortune_server, steps 6 and 7: accept and send ------------------------------------------

TEST_CASE("The server takes one connection after another where it says that it listens",
          "[02_fortune][fortune_server][step:6][points:1]") {
    for (const std::string address : {"127.0.0.1", "127.0.0.2"}) {
        Stage stage{lab};
        Process& server = stage.start("fortune_server", {"--port", "0", "--bind", address});
        const std::string port = server.expect_listening(address);
        for (int i = 0; i < 3; ++i) stage.connect(port, address).receive_to_end();
    }
}

TEST_CASE("The server sends one fortune and closes",
          "[02_fortune][fortune_server][step:7][points:1]") {
    Stage stage{lab};
    stage.write_file("fortunes", "The only one.\n");
    auto [server, port] = listening_server(stage, {"--fortunes", "fortunes"});
    visit(stage, server, port, "The only one.");
}

TEST_CASE("The server has fortunes of its own and says how many bytes it sent to whom",
          "[02_fortune][fortune_server][step:7][points:1]") {
    Stage stage{lab};
    auto [server, port] = listening_server(stage);
    visit(stage, server, port);
}

TEST_CASE("The server serves one client after another",
          "[02_fortune][fortune_server][step:7][points:2]") {
    Stage stage{lab};
    auto [server, port] = listening_server(stage);
    for (int i = 0; i < 20; ++i) visit(stage, server, port);
}

TEST_CASE("The server can be started again at once on the same port",
          "[02_fortune][fortune_server][step:7][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        Process& first = stage.start("fortune_server");
        first.expect_line("listening on 127.0.0.1:54321");
        // The server closes first, so the connection lingers on its side, in TIME_WAIT.
        visit(stage, first, "54321");
        first.signal(SIGTERM);
        first.expect_end_by(SIGTERM);
        Process& second = stage.start("fortune_server");
        second.expect_line("listening on 127.0.0.1:54321",
                           "a connection in TIME_WAIT keeps the port: set reuse_address");
        visit(stage, second, "54321");
    });
}

TEST_CASE("The server draws its fortunes at random",
          "[02_fortune][fortune_server][step:7][points:1]") {
    Stage stage{lab};
    stage.write_file("fortunes", "heads\ntails\n");
    auto [server, port] = listening_server(stage, {"--fortunes", "fortunes"});
    // Sixty-four equal draws of a fair coin happen once in 2^63 runs.
    std::set<std::string> seen;
    for (int i = 0; i < 64 && seen.size() < 2; ++i) {
        seen.insert(without_newline(visit(stage, server, port)));
    }
    stage.expect(seen == std::set<std::string>{"heads", "tails"},
                 "both fortunes of two, in the end", "always the same");
}

TEST_CASE("The server reads a file in the format of fortune and skips blank entries",
          "[02_fortune][fortune_server][step:7][points:1]") {
    Stage stage{lab};
    stage.write_file("fortunes", "%\n\n%\n  \n%\nTwo lines\nof one fortune.\n%\n%\n");
    auto [server, port] = listening_server(stage, {"--fortunes", "fortunes"});
    for (int i = 0; i < 8; ++i) {
        visit(stage, server, port, "Two lines\nof one fortune.");
    }
}

TEST_CASE("The server sends a fortune of many kilobytes whole",
          "[02_fortune][fortune_server][step:7][points:1]") {
    Stage stage{lab};
    std::string fortune;
    while (fortune.size() < 3'000'000) fortune += std::to_string(fortune.size()) + " ";
    stage.write_file("fortunes", fortune + "\n");
    auto [server, port] = listening_server(stage, {"--fortunes", "fortunes"});
    const std::string received = without_newline(visit(stage, server, port));
    const bool equal = received == fortune;
    stage.expect(equal, "all " + std::to_string(fortune.size()) + " bytes",
                 std::to_string(received.size()) + " bytes, or others",
                 "one write_some may send only a part");
}

TEST_CASE("The server reports fortunes that it can't use",
          "[02_fortune][fortune_server][step:5][points:1]") {
    Stage stage{lab};
    stage.write_file("good", "A fortune.\n");
    listening_server(stage, {"--fortunes", "good"});
    stage.write_file("empty", "");
    stage.write_file("blank", " \n\n\t\n%\n\n");
    for (const std::string file : {"missing", "empty", "blank", "/"}) {
        Process& server = stage.start("fortune_server", {"--port", "0", "--fortunes", file});
        server.expect_error_like("fortune_server: .*" + file + ": .+",
                                 "one line that names " + file);
        server.expect_exit(1);
    }
}

TEST_CASE("The server survives clients that reset the connection and goes on",
          "[02_fortune][fortune_server][step:7][points:2]") {
    Stage stage{lab};
    stage.write_file("fortunes", std::string(8'000'000, 'x') + "\n");
    auto [server, port] = listening_server(stage, {"--fortunes", "fortunes"});
    Peer& rude = stage.connect(port);
    rude.stall();
    rude.reset();
    server.expect_error_like(
        "fortune_server: " + rude.endpoint() + ": .+", "one line that names the client",
        "a write that failed was not noticed: look at its error, for all bytes");
    const std::string fortune = without_newline(visit(stage, server, port));
    stage.expect(fortune.size() == 8'000'000, "the whole fortune for the next client",
                 std::to_string(fortune.size()) + " bytes");
}

TEST_CASE("The server waits for a client that does not read no longer than its timeout",
          "[02_fortune][fortune_server][step:7][points:1]") {
    Stage stage{lab};
    stage.write_file("fortunes", std::string(8'000'000, 'x') + "\n");
    auto [server, port] = listening_server(stage, {"--fortunes", "fortunes", "--timeout", "0.1"});
    Peer& lazy = stage.connect(port);
    lazy.stall();
    server.expect_error("fortune_server: " + lazy.endpoint() + ": timed out",
                        "a client that never reads must not block the server for ever");
    stage.connect(port).expect_received("x", "one client's fault must not end the service");
}

TEST_CASE("The server ends at once when it is interrupted",
          "[02_fortune][fortune_server][step:7][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        auto [idle, idle_port] = listening_server(stage);
        visit(stage, idle, idle_port);
        idle.signal(signal);
        idle.expect_end_by(signal);

        stage.write_file("fortunes", std::string(8'000'000, 'x') + "\n");
        auto [busy, port] = listening_server(stage, {"--fortunes", "fortunes"});
        Peer& lazy = stage.connect(port);
        lazy.expect_received("x");
        lazy.stall();
        busy.signal(signal);
        busy.expect_end_by(signal);
    }
}

TEST_CASE("The server reports that its output can't be written",
          "[02_fortune][fortune_server][step:5][points:1]") {
    Stage stage{lab};
    listening_server(stage);
    for (const bool closed : {false, true}) {
        StartOptions options;
        if (closed) options.no_stdout = true;
        if (!closed) options.stdout_file = "/dev/full";
        Process& server = stage.start("fortune_server", {"--port", "0"}, options);
        server.expect_error_like("fortune_server: .+: .+", "one line on stderr");
        server.expect_exit(1);
    }
}

TEST_CASE("A server that works explains itself and refuses wrong usage",
          "[02_fortune][fortune_server][step:5][points:1]") {
    Stage stage{lab};
    listening_server(stage);
    expect_help(stage, "fortune_server",
                {{"--bind ADDRESS", "127.0.0.1"},
                 {"--port PORT", "54321"},
                 {"--timeout SECONDS", "30"},
                 {"--fortunes FILE", "none"},
                 {"--log FILE", "none"},
                 {"--help", ""}});
    expect_usage_error(stage, "fortune_server", {"--ports", "1"}, "--ports");
    expect_usage_error(stage, "fortune_server", {"extra"}, "extra");
    for (const std::string port : {"-1", "65536", "abc", "1.5", ""}) {
        expect_usage_error(stage, "fortune_server", {"--port", port}, "--port");
    }
    for (const std::string address : {"localhost", "300.1.1.1", "1.2.3", ":::1", ""}) {
        expect_usage_error(stage, "fortune_server", {"--bind", address}, "--bind");
    }
    expect_usage_error(stage, "fortune_server", {"--timeout", "-3"}, "--timeout");
}

TEST_CASE("The server writes a log of whole lines when asked",
          "[02_fortune][fortune_server][step:7][points:1]") {
    Stage stage{lab};
    auto [server, port] = listening_server(stage, {"--log", "server.log"});
    visit(stage, server, port);
    expect_log(stage, "server.log");
}

// --- other people's programs -----------------------------------------------------------------

TEST_CASE("The client understands nc as its server",
          "[02_fortune][fortune_client][step:4][points:1]") {
    if (!have_command("nc")) return skip("nc is not installed");
    in_private_network([] {
        Stage stage{lab};
        Process& nc = stage.start_command("nc", {"-n", "-v", "-N", "-l", "127.0.0.1", "54321"});
        nc.expect_error_like("Listening on .*", "that it listens");
        nc.type("From nc, with care.\n");
        nc.end_input();
        Process& client = stage.start("fortune_client");
        client.expect_line("From nc, with care.");
        client.expect_exit(0);
    });
}

TEST_CASE("The server is understood by nc and socat",
          "[02_fortune][fortune_server][step:7][points:1]") {
    if (!have_command("nc") || !have_command("socat")) return skip("nc or socat is not installed");
    Stage stage{lab};
    stage.write_file("fortunes", "For everybody.\n");
    auto [server, port] = listening_server(stage, {"--fortunes", "fortunes"});
    Process& nc = stage.start_command("nc", {"-d", "127.0.0.1", port});
    server.expect_line_like("sent 1[45] bytes to .*", "whom it sent to");
    stage.wait_until([&] { return nc.ended(); });
    stage.expect(nc.output().starts_with("For everybody."), "nc prints the fortune",
                 quote(nc.output()));
    Process& socat = stage.start_command("socat", {"-u", "TCP:127.0.0.1:" + port, "-"});
    stage.wait_until([&] { return socat.ended(); });
    stage.expect(socat.output().starts_with("For everybody."), "socat prints the fortune",
                 quote(socat.output()));
}
