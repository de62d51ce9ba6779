// Lab 06: the contract of line_server and line_client, from outside.
#include "harness/catch.hpp"
#include "harness/named_pipe.hpp"
#include "harness/peer.hpp"
#include "harness/process.hpp"
#include "harness/rules.hpp"
#include "harness/stage.hpp"
#include "harness/world.hpp"

#include <boost/asio.hpp>

#include <chrono>
#include <csignal>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace harness;
using namespace std::string_literals;

namespace {

const std::string lab = "06_lines";
constexpr std::size_t megabyte = 1024 * 1024;
const std::string one_fault = "one client's fault must not end the service for the others";
const std::string flush_before_waiting =
    "a whole line must be seen before the program waits for more: flush std::cout before the read "
    "(step 1)";
const std::string one_line_each = "a line ends at its newline, however the bytes were packed";
const std::string limit_is_below_the_space =
    "a line over the limit is its client's fault; the limit is one less than the space (step 4)";
const std::string only_whole = "what is cut off is no line (step 4)";
const std::string not_an_end =
    "a connection that broke has not ended as a file does: say whose it was and why (step 4)";
const std::string wait_has_limit = "a client that stays silent needs a limit (step 2)";
const std::string stream_is_silent =
    "a stream reports no failure by itself: look whether it has failed (step 8)";
const std::string one_too_many =
    "a line too many was sent: ask std::getline() itself, not eof() (step 9)";
const std::string flush_the_line = "flush each line: the next may be long in coming (step 7)";
const std::string last_without_newline = "the last line may lack its newline (steps 4 and 5)";

// Begins a pattern for a line that does not speak of a step that is not done yet.
const std::string no_todo = "(?!.*TODO [0-9]+ is not done)";
const std::string any_reason = no_todo + ".+";

// An address as a regular expression.
std::string pattern_of(std::string text) {
    for (std::size_t dot = 0; (dot = text.find_first_of(".[]", dot)) != std::string::npos;) {
        text.insert(dot, "\\");
        dot += 2;
    }
    return text;
}

// --- line_server

struct ServerScene {
    Process& server;
    std::string port;
};

ServerScene listening_server(Stage& stage, std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"--port", "0"});
    Process& server = stage.start("line_server", options);
    return {server, server.expect_listening()};
}

// True when the server has dealt with its clients, or has said that it can't.
bool has_answered(const Process& server) {
    return server.ended() || !server.errors().empty() ||
           server.output().ends_with("connection closed\n");
}

// Connects, and expects that the server says so at once.
Peer& visit(Stage& stage, const ServerScene& scene, const std::string& address = "127.0.0.1",
            std::string_view cause = "") {
    Peer& client = stage.connect(scene.port, address);
    scene.server.expect_line("new connection from " + client.endpoint(), cause);
    return client;
}

void expect_shown(Process& server, const std::string& line, std::string_view cause = "") {
    server.expect_line("=> " + line, cause);
}

void expect_closed(Process& server, std::string_view cause = "") {
    server.expect_line("connection closed", cause);
}

// Expects the line "Hello." as the first of all, which meets the commonest faults.
void expect_hello(Stage& stage, Process& server) {
    const std::string expected = "the line \"=> Hello.\"";
    const std::string line = server.expect_line_like(R"(=> Hello(\.(\\x00|\x00)?)?)", expected);
    const bool too_short = line == "=> Hello";
    stage.expect(line == "=> Hello.", expected, "the line " + quote(line),
                 too_short ? "a character too few: take the length from gcount() (step 3)"
                           : "the null byte stands for the newline: drop it (step 5)");
}

// Ends the stream as a good client does, and expects that nothing more is shown or sent.
void say_goodbye(Process& server, Peer& client, std::string_view cause = "") {
    client.shut_down_sending();
    expect_closed(server, cause);
    client.expect_end("the server closes when the client has, and sends nothing");
}

// Sends all of it at once over a connection of its own, and expects these lines.
void deliver(Stage& stage, const ServerScene& scene, std::string_view bytes,
             const std::vector<std::string>& lines, std::string_view cause = "") {
    Peer& client = visit(stage, scene, "127.0.0.1", cause);
    client.send(bytes);
    client.shut_down_sending();
    for (const std::string& line : lines) expect_shown(scene.server, line, cause);
    expect_closed(scene.server, cause);
    client.expect_end("the server closes when the client has, and sends nothing");
}

// Expects that nothing is shown of a line that was cut off by a fault. `cause` is for a server that
// does not even say that the connection is closed.
void expect_cut_off(Stage& stage, Process& server, std::string_view cause = one_fault) {
    const std::string expected = "the line \"connection closed\"";
    const std::string line = server.expect_line_like("connection closed|=> .*", expected, cause);
    stage.expect(line == "connection closed", expected, "the line " + quote(line), only_whole);
}

// Expects that the server makes something of more bytes than it allows while the client stays
// connected, which meets the commonest faults of a read.
void expect_bytes_used(Stage& stage) {
    const ServerScene scene = listening_server(stage, {"--max-line", "10"});
    visit(stage, scene).send("far too long");
    stage.expect(stage.wait_until([&scene] { return has_answered(scene.server); }),
                 "an answer to 12 bytes where a line has at most 10", "none: it waits for more",
                 "what has come is not used: read_some(), which does not wait for more as "
                 "asio::read() does, and what it returns is kept in `size` (step 2)");
}

// Expects the report of one client's fault.
void expect_fault(Process& server, const Peer& client, const std::string& reason = any_reason,
                  std::string_view cause = not_an_end) {
    const std::string start = "line_server: " + client.endpoint() + ": ";
    server.expect_error_like(
        "line_server: " + pattern_of(client.endpoint()) + ": " + reason,
        "one line \"" + start + (reason == any_reason ? "REASON" : reason) + "\"", cause);
}

void expect_too_long(Process& server, const Peer& client, std::size_t limit,
                     std::string_view cause = limit_is_below_the_space) {
    expect_fault(server, client, "line over " + std::to_string(limit) + " bytes", cause);
}

// The proof that a server does its job, for test cases about how it behaves otherwise.
void expect_server_works(Stage& stage) {
    deliver(stage, listening_server(stage), "It works.\n", {"It works."});
}

// True when the test itself was so slow that a program's timeout may be over.
bool took_too_long(Clock::time_point start, double timeout) {
    return std::chrono::duration<double>{Clock::now() - start}.count() > timeout / 2;
}

// A byte as it may be shown on a terminal.
std::string shown_byte(unsigned char value) {
    constexpr std::string_view digits = "0123456789abcdef";
    if (value == '\t' || (value >= 0x20 && value < 0x7f)) return {static_cast<char>(value)};
    return std::string{"\\x"} + digits[value / 16] + digits[value % 16];
}

// --- line_client

struct ClientScene {
    Process& client;
    Peer& server;
};

ClientScene connected_client(Stage& stage, std::vector<std::string> options = {},
                             const StartOptions& start = {}) {
    Listener& listener = stage.listen();
    options.insert(options.begin(), {"127.0.0.1", listener.port()});
    Process& client = stage.start("line_client", options, start);
    return {client, listener.accept("the client never asked for a connection")};
}

ClientScene typing_client(Stage& stage, std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"--input", "-"});
    return connected_client(stage, options);
}

std::string numbered(std::size_t i) {
    return "Sending line " + std::to_string(i) + " ...";
}

// Expects a line on the wire, then on the screen.
void expect_sent(const ClientScene& scene, const std::string& line, std::string_view cause = "") {
    scene.server.expect_received(line + "\n", cause);
    scene.client.expect_line(line, cause);
}

void expect_done(const ClientScene& scene, std::string_view cause = "") {
    scene.server.expect_end(cause);
    scene.client.expect_exit(0, cause);
}

// The proof that a client does its job, for test cases about how it behaves otherwise.
void expect_client_works(Stage& stage) {
    const ClientScene scene = connected_client(stage, {"--count", "1"});
    expect_sent(scene, numbered(0));
    expect_done(scene);
}

// The last line may be sent with or without a newline, if the file has none there.
void expect_file_sent(Stage& stage, const ClientScene& scene, const std::string& contents) {
    std::string received = scene.server.receive_to_end();
    const bool equal =
        received == contents || (!contents.ends_with('\n') && received == contents + "\n");
    stage.expect(equal, "the lines of the file: " + quote(contents), quote(received),
                 "lines are sent as they are, whatever bytes they hold");
}

// Expects that a client can't go on and says why; `part` is a pattern for the end of that line.
void expect_failure(Process& client, const std::string& part, std::string_view meaning,
                    std::string_view cause = "") {
    client.expect_error_like("line_client: " + no_todo + ".*" + part, meaning, cause);
    client.expect_exit(1, cause);
}

// A server that reads only as much as it is told, so that what else is sent piles up.
class ThriftyServer {
public:
    explicit ThriftyServer(Stage& stage) : stage_{stage} {
        acceptor_.open(tcp::v4());
        // Not much, so that the client soon has to wait for it.
        acceptor_.set_option(tcp::acceptor::receive_buffer_size{megabyte});
        acceptor_.bind({boost::asio::ip::address_v4::loopback(), 0});
        acceptor_.listen();
    }

    std::string port() const { return std::to_string(acceptor_.local_endpoint().port()); }

    void accept() {
        bool done = false;
        acceptor_.async_accept(client_, [&](boost::system::error_code) { done = true; });
        if (!stage_.wait_until([&done] { return done; })) {
            // The acceptor still uses our local; ending it here keeps that safe.
            acceptor_.close();
            stage_.wait_until([&done] { return done; });
        }
        stage_.transcript().add("the server", "is asked for a connection");
    }

    // Returns how many bytes came; fewer than asked for when the client has ended its stream, or
    // when nothing came for long.
    std::size_t read(std::size_t most) {
        bool done = false;
        std::size_t size = 0;
        std::vector<char> buffer(most);
        boost::asio::async_read(client_, boost::asio::buffer(buffer),
                                [&](boost::system::error_code, std::size_t length) {
                                    done = true;
                                    size = length;
                                });
        if (!stage_.wait_until([&done] { return done; })) {
            // The read still uses our locals; ending it here keeps that safe.
            client_.close();
            stage_.wait_until([&done] { return done; });
        }
        stage_.transcript().add("the server", "reads " + std::to_string(size) + " bytes");
        return size;
    }

private:
    using tcp = boost::asio::ip::tcp;

    Stage& stage_;
    tcp::acceptor acceptor_{stage_.io()};
    tcp::socket client_{stage_.io()};
};

}  // namespace

// --- line_server: lines ----------------------------------------------------------------------

TEST_CASE("The server prints each line and when a client comes and goes",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    auto [server, port] = listening_server(stage);
    Peer& client = stage.connect(port);
    client.send("Hello.\nHow are you?\n");
    client.close();
    server.expect_line("new connection from " + client.endpoint());
    expect_hello(stage, server);
    expect_shown(server, "How are you?");
    expect_closed(server);
    server.expect_running();
}

TEST_CASE("The server prints a last line that has no newline",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    deliver(stage, scene, "first\nlast", {"first", "last"}, last_without_newline);
    deliver(stage, scene, "only", {"only"}, last_without_newline);
}

TEST_CASE("The server shows every control byte and every broken byte as harmless text",
          "[06_lines][line_server][step:6][points:2]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    const std::string cause =
        "what a stranger has written is printed through wirelab::printable() (step 6)";
    const std::vector<std::pair<std::string, std::string>> texts{
        {"\x1b]0;gotcha\x07\x1b[2J", R"(\x1b]0;gotcha\x07\x1b[2J)"},
        {"C1: \xc2\x80 \xc2\x9b \xc2\x9f", R"(C1: \xc2\x80 \xc2\x9b \xc2\x9f)"},
        {"overlong: \xc0\xaf \xe0\x80\xaf", R"(overlong: \xc0\xaf \xe0\x80\xaf)"},
        {"surrogate: \xed\xa0\x80", R"(surrogate: \xed\xa0\x80)"},
        {"too high: \xf4\x90\x80\x80", R"(too high: \xf4\x90\x80\x80)"},
        {"cut off: \xe2\x82", R"(cut off: \xe2\x82)"},
        {"forged\r=> line\rconnection closed", R"(forged\x0d=> line\x0dconnection closed)"}};
    for (const auto& [text, shown] : texts) {
        deliver(stage, scene, text + "\n", {shown}, cause);
    }
    std::string bytes;
    std::vector<std::string> lines{""};
    for (int value = 0; value < 256; ++value) {
        bytes += static_cast<char>(value);
        if (value == '\n') {
            lines.emplace_back();
        } else {
            lines.back() += shown_byte(static_cast<unsigned char>(value));
        }
    }
    deliver(stage, scene, bytes, lines, cause);
}

TEST_CASE("The server drops a carriage return before the newline and no other",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    deliver(stage, scene, "one\r\ntwo\r\n\r\n", {"one", "two", ""},
            "drop a carriage return right before the newline (step 5)");
    const std::string cause =
        "only one carriage return, right before the newline, belongs to the line's end (step 5)";
    deliver(stage, scene, "a\rb\n\rc\nd\r\r\n", {R"(a\x0db)", R"(\x0dc)", R"(d\x0d)"}, cause);
    deliver(stage, scene, "no newline\r", {R"(no newline\x0d)"}, cause);
    deliver(stage, scene, "\r", {R"(\x0d)"}, cause);
}

TEST_CASE("The server shows each line of a slow writer as soon as it is whole",
          "[06_lines][line_server][step:6][points:2]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    Peer& client = visit(stage, scene);
    for (const std::string line : {"one", "two", "", "four"}) {
        client.send(line + "\n");
        expect_shown(scene.server, line, flush_before_waiting);
    }
    say_goodbye(scene.server, client);
}

TEST_CASE("The server shows a whole line even if a part of the next came with it",
          "[06_lines][line_server][step:6][points:2]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    Peer& client = visit(stage, scene);
    client.send("one\ntwo\nthr");
    expect_shown(scene.server, "one", flush_before_waiting);
    expect_shown(scene.server, "two", flush_before_waiting);
    client.send("ee\r\nfour\r");
    expect_shown(scene.server, "three", flush_before_waiting);
    client.send("\nfive\n\n");
    for (const std::string line : {"four", "five", ""}) {
        expect_shown(scene.server, line, flush_before_waiting);
    }
    say_goodbye(scene.server, client);
}

TEST_CASE("The server says at once who has come even if nothing is sent",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    Peer& client = visit(stage, scene);
    client.send_in_pieces({"half of a li"});
    const bool open = !client.ended();
    stage.expect(open, "the server waits for the rest of the line", "it closed the connection");
    client.send("ne\n");
    expect_shown(scene.server, "half of a line");
}

TEST_CASE("The server puts together lines that are split anywhere",
          "[06_lines][line_server][step:6][points:2]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    Peer& client = visit(stage, scene);
    const std::string text = "Gr\u00fc\u00dfe\r\n\nto all\n";
    for (std::size_t i = 1; i < text.size(); ++i) {
        client.send_in_pieces({text.substr(0, i), text.substr(i)});
        for (const std::string line : {"Gr\u00fc\u00dfe", "", "to all"}) {
            expect_shown(scene.server, line, one_line_each);
        }
    }
    say_goodbye(scene.server, client);
}

TEST_CASE("The server puts together lines that arrive byte by byte",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    Peer& client = visit(stage, scene);
    client.send_byte_by_byte("byte\r\nby\n\nbyte\n");
    for (const std::string line : {"byte", "by", "", "byte"}) {
        expect_shown(scene.server, line, one_line_each);
    }
    say_goodbye(scene.server, client);
}

TEST_CASE("The server takes apart lines that are glued together",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    deliver(stage, listening_server(stage), "a\nbb\nccc\n\ndddd\n", {"a", "bb", "ccc", "", "dddd"},
            one_line_each);
}

TEST_CASE("The server prints a hundred thousand lines in their order",
          "[06_lines][line_server][step:6][points:2]") {
    constexpr int count = 100000;
    Stage stage{lab};
    auto [server, port] = listening_server(stage);
    const std::size_t start = server.output().size();
    Peer& client = stage.connect(port);
    std::string sent;
    std::string shown = "new connection from " + client.endpoint() + "\n";
    for (int i = 0; i < count; ++i) {
        sent += "line " + std::to_string(i) + "\n";
        shown += "=> line " + std::to_string(i) + "\n";
    }
    shown += "connection closed\n";
    client.send(sent);
    client.shut_down_sending();
    const auto all_there = [&] { return server.output().ends_with("connection closed\n"); };
    stage.wait_until([&] { return all_there() || server.ended(); });
    std::istringstream expected{shown};
    std::istringstream got{server.output().substr(start)};
    for (std::string wanted; std::getline(expected, wanted);) {
        std::string line;
        std::getline(got, line);
        if (line == wanted) continue;
        // What is there may be right, and the server still at it.
        const bool slow = got.eof() && wanted.starts_with(line) && !server.ended();
        stage.expect(false, "the line " + quote(wanted), quote(line),
                     slow ? "too slow: is it a byte at a time? Read as many as buffer_ has room "
                            "for (step 2)"
                          : "");
    }
    const bool nothing_more = got.peek() == std::istringstream::traits_type::eof();
    stage.expect(nothing_more, "nothing more", "more lines");
}

TEST_CASE("The server prints an empty line as one", "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    deliver(stage, scene, "\n", {""});
    deliver(stage, scene, "\n\r\n\nend\n", {"", "", "", "end"});
}

TEST_CASE("The server prints no line for a client that sends none",
          "[06_lines][line_server][step:4][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    const std::string& errors = scene.server.errors();
    for (int i = 0; i < 3; ++i) {
        Peer& client = visit(stage, scene);
        client.shut_down_sending();
        stage.wait_until([&] {
            return has_answered(scene.server) || scene.server.output().find("=> \n") != errors.npos;
        });
        const bool below_zero = errors.find("basic_string") != errors.npos;
        const std::string cause =
            below_zero ? "a length below 0: at the end gcount() is 0; take all of it (step 3), "
                         "step 5 drops the end"
                       : "the end of the stream is no line (step 4)";
        expect_closed(scene.server, cause);
        client.expect_end("the server closes when the client has, and sends nothing");
    }
    scene.server.signal(SIGTERM);
    scene.server.expect_end_by(SIGTERM);
    const bool content = errors.find("127.0.0.1") == errors.npos;
    const bool too_long = errors.find(": line over ") != errors.npos;
    stage.expect(content, "no complaint about a client", quote(errors),
                 too_long ? "old bytes without end: the error of the read is not in error_ (step 2)"
                          : "the end of the stream is no failure (step 4)");
}

TEST_CASE("The server prints no line behind the last newline",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    const std::string cause = "behind the last newline there is no further line (step 4)";
    deliver(stage, scene, "one\n", {"one"}, cause);
    deliver(stage, scene, "one\r\n\n", {"one", ""}, cause);
}

TEST_CASE("The server prints zero bytes and what stands behind them",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    const std::string cause =
        "a zero byte does not end a line: take the length from gcount() (step 3)";
    deliver(stage, scene, "a\0b\n"s, {R"(a\x00b)"}, cause);
    deliver(stage, scene, "\0\n\0\0\r\n"s, {R"(\x00)", R"(\x00\x00)"}, cause);
    deliver(stage, scene, "end\0"s, {R"(end\x00)"}, cause);
}

TEST_CASE("The server shows text in any language and tabs and backslashes as they are",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    for (const std::string text :
         {"Gr\u00fc\u00dfe", "\xe4\xbd\xa0\xe5\xa5\xbd", "\xf0\x9f\x90\xa7", "\xc2\xa0",
          "\\x0a and C:\\temp", "\t%s%n", "  two  spaces  "}) {
        deliver(stage, scene, text + "\n", {text});
    }
}

TEST_CASE("The server reads lines that end around every edge of a buffer",
          "[06_lines][line_server][step:6][points:2]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    for (const std::size_t edge : {256, 512, 1024, 1536, 4096, 8192, 16384}) {
        for (std::size_t size = edge - 3; size <= edge + 2; ++size) {
            const std::string line(size, 'x');
            deliver(stage, scene, line + "\nnext\n", {line, "next"}, one_line_each);
            deliver(stage, scene, line + "\r\n\r\nnext", {line, "", "next"}, one_line_each);
        }
    }
}

TEST_CASE("The server shows a line that just fills a buffer while the client stays connected",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    for (const std::size_t size : {511, 512, 513, 1024, 4096, 8192, 16383, 16384, 16385}) {
        Peer& client = visit(stage, scene);
        const std::string line(size - 1, 'x');
        client.send(line + "\n");
        expect_shown(scene.server, line, flush_before_waiting);
        client.send("next\n");
        expect_shown(scene.server, "next", flush_before_waiting);
        say_goodbye(scene.server, client);
    }
}

// --- line_server: the limit ------------------------------------------------------------------

TEST_CASE("The server accepts a line of exactly as many bytes as allowed",
          "[06_lines][line_server][step:6][points:1]") {
    for (const std::size_t limit : {1, 10, 511, 512, 513, 16383, 16384, 16385, 65536, 100000}) {
        Stage stage{lab};
        std::vector<std::string> options{"--max-line", std::to_string(limit)};
        if (limit == 65536) options.clear();
        const ServerScene scene = listening_server(stage, options);
        const std::string cause = "the limit is for the line without its newline (steps 3 and 4)";
        const std::string line(limit, 'x');
        deliver(stage, scene, line + "\n" + line + "\n", {line, line}, cause);
        deliver(stage, scene, "\ny\n" + line, {"", "y", line}, cause);
    }
}

TEST_CASE("The server refuses a line that is one byte too long",
          "[06_lines][line_server][step:4][points:2]") {
    {
        Stage stage{lab};
        expect_bytes_used(stage);
    }
    for (const std::size_t limit : {1, 10, 511, 512, 513, 16383, 16384, 16385, 65536, 100000}) {
        Stage stage{lab};
        std::vector<std::string> options{"--max-line", std::to_string(limit)};
        if (limit == 65536) options.clear();
        const ServerScene scene = listening_server(stage, options);
        const std::string line(limit + 1, 'x');
        for (const std::string end : {"\nmore\n", "\n", ""}) {
            Peer& client = visit(stage, scene);
            client.send(line + end);
            client.shut_down_sending();
            expect_too_long(scene.server, client, limit);
            client.receive_to_end();
            expect_closed(scene.server, "of a line that is too long nothing is shown");
        }
    }
}

TEST_CASE("The server counts the bytes of a line and not what it prints for them",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage, {"--max-line", "10"});
    deliver(stage, scene, std::string(10, '\x01') + "\n",
            {R"(\x01\x01\x01\x01\x01)"
             R"(\x01\x01\x01\x01\x01)"});
    deliver(stage, scene, "\u00e4\u00f6\u00fc\u00df\u00e9\n", {"\u00e4\u00f6\u00fc\u00df\u00e9"});
    Peer& client = visit(stage, scene);
    client.send("\u00e4\u00f6\u00fc\u00df\u00e9\u00e0\n");
    expect_too_long(scene.server, client, 10);
}

TEST_CASE("The server takes empty lines only when the limit is 0",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage, {"--max-line", "0"});
    deliver(stage, scene, "\n\n", {"", ""});
    deliver(stage, scene, "", {});
    for (const std::string text : {"x\n", "x"}) {
        Peer& client = visit(stage, scene);
        client.send(text);
        expect_too_long(scene.server, client, 0);
        client.receive_to_end();
        expect_closed(scene.server);
    }
}

TEST_CASE("The server shows the whole lines before one that is too long and none behind it",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage, {"--max-line", "10"});
    Peer& client = visit(stage, scene);
    client.send("one\ntwo\nmuch too long\nbehind\n");
    expect_shown(scene.server, "one");
    expect_shown(scene.server, "two");
    expect_closed(scene.server, "a line that is too long closes its client (step 4)");
    expect_too_long(scene.server, client, 10);
    client.receive_to_end("a line that is too long closes its client (step 4)");
    deliver(stage, scene, "next\n", {"next"}, one_fault);
}

TEST_CASE("The server refuses an endless line as soon as it is too long and in little memory",
          "[06_lines][line_server][step:4][points:2]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    deliver(stage, scene, "", {});
    const std::size_t memory = scene.server.peak_memory();
    Peer& client = visit(stage, scene);
    const std::string piece(megabyte, 'x');
    for (int i = 0; i < 64 && !client.ended(); ++i) client.send(piece);
    expect_too_long(scene.server, client, 65536, "stop reading where the space ends (step 3)");
    client.receive_to_end("the limit is passed: there is no need to read on");
    expect_closed(scene.server);
    const bool frugal = scene.server.peak_memory() < memory + 16 * megabyte;
    stage.expect(
        frugal, "little more memory in use than before",
        std::to_string((scene.server.peak_memory() - memory) / megabyte) + " megabytes more",
        "std::getline() reads as much as the peer sends (step 3)");
}

TEST_CASE("The server takes long lines when the limit is high",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage, {"--max-line", "100000000"});
    const std::string line(megabyte, 'x');
    deliver(stage, scene, line + "\nnext\n" + line, {line, "next", line});
}

TEST_CASE("The server takes any whole number as its limit",
          "[06_lines][line_server][step:6][points:1]") {
    for (const std::string limit : {"4294967295", "4294967296", "18446744073709551615"}) {
        Stage stage{lab};
        deliver(stage, listening_server(stage, {"--max-line", limit}), "short\n", {"short"},
                "a number may be larger than the machine: room for it is not needed yet");
    }
}

// --- line_server: clients that fail ----------------------------------------------------------

// Expects that a client that sends this and falls silent is given up on, and the next is served.
void expect_given_up(const std::string& sent, const std::vector<std::string>& shown,
                     const std::string& next_sent, const std::vector<std::string>& next_shown) {
    const double timeout = 0.3 * time_scale();
    for (Attempts attempts; attempts.another();) {
        Stage stage{lab};
        const ServerScene scene = listening_server(stage, {"--timeout", std::to_string(timeout)});
        const auto start = Clock::now();
        Peer& silent = stage.connect(scene.port);
        silent.send(sent);
        // It brings all that it has while it waits for its turn, so that its own time can't run
        // out.
        Peer& next = stage.connect(scene.port);
        next.send(next_sent);
        next.close();
        if (took_too_long(start, timeout)) continue;  // a busy machine: try again
        scene.server.expect_line("new connection from " + silent.endpoint());
        for (const std::string& line : shown) expect_shown(scene.server, line);
        expect_cut_off(stage, scene.server, wait_has_limit);
        stage.expect_at_least(Clock::now() - start, timeout, "the server waits");
        expect_fault(scene.server, silent, "timed out");
        silent.receive_to_end("a client that is given up on is to know it");
        scene.server.expect_line("new connection from " + next.endpoint(), one_fault);
        for (const std::string& line : next_shown) expect_shown(scene.server, line);
        expect_closed(scene.server);
        break;
    }
}

TEST_CASE("The server gives up on a client that sends no line and serves the next",
          "[06_lines][line_server][step:4][points:2]") {
    for (const std::string part : {"", "half of a li"}) expect_given_up(part, {}, "", {});
}

TEST_CASE("The server gives up on a client that falls silent and serves the next",
          "[06_lines][line_server][step:6][points:1]") {
    expect_given_up("whole\nhalf of a li", {"whole"}, "next\n", {"next"});
}

TEST_CASE("The server does not drop a client that is slow but never silent for long",
          "[06_lines][line_server][step:6][points:1]") {
    const double timeout = 0.3 * time_scale();
    for (Attempts attempts; attempts.another();) {
        Stage stage{lab};
        const ServerScene scene = listening_server(stage, {"--timeout", std::to_string(timeout)});
        const auto start = Clock::now();
        Peer& client = stage.connect(scene.port);
        // A busy machine: try again.
        if (took_too_long(start, timeout)) continue;
        if (!client.trickle("take your time", timeout)) continue;
        client.shut_down_sending();
        scene.server.expect_line("new connection from " + client.endpoint());
        expect_shown(scene.server, "take your time",
                     "each wait for bytes has the whole timeout, not all together (step 2)");
        break;
    }
}

TEST_CASE("The server gives each line of a client the whole timeout",
          "[06_lines][line_server][step:6][points:1]") {
    const double timeout = 0.3 * time_scale();
    for (Attempts attempts; attempts.another();) {
        Stage stage{lab};
        const ServerScene scene = listening_server(stage, {"--timeout", std::to_string(timeout)});
        const auto start = Clock::now();
        Peer& client = stage.connect(scene.port);
        // A busy machine: try again.
        if (took_too_long(start, timeout)) continue;
        if (!client.trickle("1\n2\n3\n4\n5\n6\n7\n", timeout)) continue;
        client.shut_down_sending();
        scene.server.expect_line("new connection from " + client.endpoint());
        for (const std::string line : {"1", "2", "3", "4", "5", "6", "7"}) {
            expect_shown(scene.server, line, "the time begins anew with each wait (step 2)");
        }
        expect_closed(scene.server);
        break;
    }
}

TEST_CASE("The server takes any time that a client needs when the timeout is 0",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage, {"--timeout", "0"});
    Peer& client = visit(stage, scene);
    stage.pass_time(0.1);
    client.send("slow and ");
    stage.pass_time(0.1);
    client.send("steady\n");
    expect_shown(scene.server, "slow and steady", "a timeout of 0 means no limit");
    say_goodbye(scene.server, client);
}

TEST_CASE("The server waits for the next client without a limit",
          "[06_lines][line_server][step:6][points:1]") {
    const double timeout = 0.2 * time_scale();
    for (Attempts attempts; attempts.another();) {
        Stage stage{lab};
        const ServerScene scene = listening_server(stage, {"--timeout", std::to_string(timeout)});
        stage.pass_time(2 * timeout);
        const auto start = Clock::now();
        Peer& client = stage.connect(scene.port);
        client.send("late\n");
        client.close();
        if (took_too_long(start, timeout)) continue;  // a busy machine: try again
        scene.server.expect_line("new connection from " + client.endpoint());
        expect_shown(scene.server, "late", "only a client that has connected has a limit");
        break;
    }
}

TEST_CASE("The server reports a client that resets the connection and serves the next",
          "[06_lines][line_server][step:4][points:2]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    for (const std::string part : {"", "half of a li"}) {
        Peer& rude = visit(stage, scene);
        rude.send_in_pieces({part});
        rude.reset();
        expect_cut_off(stage, scene.server);
        expect_fault(scene.server, rude, "Connection reset by peer");
        deliver(stage, scene, "", {}, one_fault);
    }
}

TEST_CASE("The server shows the whole lines of a client that resets the connection",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    for (const std::string part : {"whole\n", "whole\nhalf of a li"}) {
        Peer& rude = visit(stage, scene);
        rude.send_in_pieces({part});
        expect_shown(scene.server, "whole");
        rude.reset();
        expect_cut_off(stage, scene.server);
        expect_fault(scene.server, rude, "Connection reset by peer");
        deliver(stage, scene, "next\n", {"next"}, one_fault);
    }
}

TEST_CASE("The server goes on when a client was gone before its turn",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    Peer& first = visit(stage, scene);
    Peer& gone = stage.connect(scene.port);
    gone.reset();
    Peer& last = stage.connect(scene.port);
    last.send("last\n");
    last.close();
    first.close();
    const std::string end =
        "new connection from " + last.endpoint() + "\n=> last\nconnection closed\n";
    const auto done = [&] { return scene.server.output().ends_with(end); };
    stage.wait_until([&] { return done() || scene.server.ended(); });
    stage.expect(done(), "at the end of its output " + quote(end), quote(scene.server.output()),
                 one_fault);
}

// --- line_server: one after another ----------------------------------------------------------

TEST_CASE("The server serves one client after another",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    for (int i = 0; i < 5; ++i) {
        const std::string line = "I am number " + std::to_string(i);
        deliver(stage, scene, line + "\n", {line}, "behind one client comes the next");
    }
    scene.server.expect_running();
}

TEST_CASE("The server lets a second client wait until the first has gone",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    Peer& first = visit(stage, scene);
    Peer& second = stage.connect(scene.port);
    second.send("second one\nsecond two");
    second.shut_down_sending();
    for (const std::string line : {"first one", "first two"}) {
        first.send(line + "\n");
        expect_shown(scene.server, line, "one client after another");
    }
    say_goodbye(scene.server, first);
    scene.server.expect_line("new connection from " + second.endpoint());
    expect_shown(scene.server, "second one");
    expect_shown(scene.server, "second two");
    expect_closed(scene.server);
    second.expect_end();
}

TEST_CASE("The server never mixes what one client began with what the next sends",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    Peer& rude = visit(stage, scene);
    rude.send_in_pieces({"half of a li"});
    rude.reset();
    expect_cut_off(stage, scene.server);
    deliver(stage, scene, "ne of another\n", {"ne of another"},
            "each connection needs a buffer of its own");
}

// --- line_server: a good program -------------------------------------------------------------

TEST_CASE("The server listens on 127.0.0.1 port 54321 when it is told nothing else",
          "[06_lines][line_server][step:6][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        Process& server = stage.start("line_server");
        server.expect_line("listening on 127.0.0.1:54321");
        deliver(stage, {server, "54321"}, "hello\n", {"hello"});
    });
}

TEST_CASE("The server listens where it is told and says so",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    Process& server = stage.start("line_server", {"--bind=0.0.0.0", "--port=0"});
    const ServerScene scene{server, server.expect_listening("0.0.0.0")};
    for (const std::string address : {"127.0.0.1", "127.0.0.2"}) {
        Peer& client = stage.connect(scene.port, address);
        client.send("hello\n");
        server.expect_line("new connection from " + client.endpoint());
        expect_shown(server, "hello");
        say_goodbye(server, client);
    }
}

TEST_CASE("The server serves clients over IPv6", "[06_lines][line_server][step:6][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    Stage stage{lab};
    for (const std::string address : {"::1", "::"}) {
        Process& server = stage.start("line_server", {"--port", "0", "--bind", address});
        const ServerScene scene{server, server.expect_listening(address)};
        Peer& client = visit(stage, scene, "::1");
        client.send("six\n");
        expect_shown(server, "six");
        client.send_in_pieces({"half of a li"});
        client.reset();
        expect_cut_off(stage, server);
        expect_fault(server, client);
    }
}

TEST_CASE("A server that works reports an address that it can't listen on",
          "[06_lines][line_server][step:6][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        expect_server_works(stage);
        const std::string port = stage.listen().port();
        Process& second = stage.start("line_server", {"--port", port});
        second.expect_error_like(
            "line_server: .*127\\.0\\.0\\.1:" + port + ": Address already in use",
            "one line that names 127.0.0.1:" + port);
        second.expect_exit(1);
        Process& stranger = stage.start("line_server", {"--bind", "10.9.8.7"});
        stranger.expect_error_like(
            "line_server: .*10\\.9\\.8\\.7:54321: Cannot assign requested address",
            "one line that names 10.9.8.7:54321");
        stranger.expect_exit(1);
    });
}

TEST_CASE("The server can be started again at once on the same port",
          "[06_lines][line_server][step:6][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        Process& first = stage.start("line_server", {"--max-line", "5"});
        first.expect_line("listening on 127.0.0.1:54321");
        // The server closes first, so the connection lingers on its side, in TIME_WAIT.
        Peer& client = visit(stage, {first, "54321"});
        client.send("too long");
        expect_closed(first);
        client.receive_to_end();
        client.close();
        first.signal(SIGTERM);
        first.expect_end_by(SIGTERM);
        Process& second = stage.start("line_server");
        second.expect_line("listening on 127.0.0.1:54321",
                           "a connection in TIME_WAIT keeps the port: set reuse_address");
        deliver(stage, {second, "54321"}, "again\n", {"again"});
    });
}

TEST_CASE("The server ends at once when it is interrupted while it waits for a client",
          "[06_lines][line_server][step:6][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        const ServerScene scene = listening_server(stage);
        deliver(stage, scene, "hello\n", {"hello"});
        scene.server.signal(signal);
        scene.server.expect_end_by(signal);
    }
}

TEST_CASE("The server ends at once when it is interrupted in the middle of a line",
          "[06_lines][line_server][step:6][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        const ServerScene scene = listening_server(stage);
        Peer& client = visit(stage, scene);
        client.send_in_pieces({"hello\n", "half of a li"});
        expect_shown(scene.server, "hello");
        scene.server.signal(signal);
        scene.server.expect_end_by(signal);
    }
}

TEST_CASE("A server that works explains itself and refuses wrong usage",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    expect_server_works(stage);
    expect_help(stage, "line_server",
                {{"--bind ADDRESS", "127.0.0.1"},
                 {"--port PORT", "54321"},
                 {"--max-line BYTES", "65536"},
                 {"--timeout SECONDS", "30"},
                 {"--log FILE", "none"},
                 {"--help", ""}});
    expect_usage_error(stage, "line_server", {"--colour"}, "--colour");
    expect_usage_error(stage, "line_server", {"--max", "1"}, "--max");
    expect_usage_error(stage, "line_server", {"--port"}, "--port");
    expect_usage_error(stage, "line_server", {"extra"}, "extra");
    for (const std::string port : {"-1", "65536", "abc", "1.5", "40000x", ""}) {
        expect_usage_error(stage, "line_server", {"--port", port}, "--port");
    }
    for (const std::string address : {"localhost", "300.1.1.1", "1.2.3", ":::1", ""}) {
        expect_usage_error(stage, "line_server", {"--bind", address}, "--bind");
    }
    for (const std::string bytes : {"-1", "abc", "1.5", "64k", ""}) {
        expect_usage_error(stage, "line_server", {"--max-line=" + bytes}, "--max-line");
    }
    for (const std::string seconds : {"-3", "soon", "1s", "nan", "inf", ""}) {
        expect_usage_error(stage, "line_server", {"--timeout=" + seconds}, "--timeout");
    }
    expect_usage_error(stage, "line_server", {"\x1b[2J"}, R"(\x1b[2J)");
}

TEST_CASE("A server that works reports that its output can't be written",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    expect_server_works(stage);
    for (const StartOptions& options :
         {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
        Process& server = stage.start("line_server", {"--port", "0"}, options);
        server.expect_error_like("line_server: " + any_reason + ": .+", "one line on stderr");
        server.expect_exit(1);
    }
}

TEST_CASE("The server ends with an error when nobody can read its lines any more",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    NamedPipe reader{stage, "stdout"};
    Process& server =
        stage.start("line_server", {"--port", "0"}, {.stdout_file = stage.path("stdout")});
    const std::string listening = reader.read_line();
    Peer& client = stage.connect(listening.substr(listening.rfind(':') + 1));
    client.send("one\n");
    reader.read_line();
    const std::string line = reader.read_line();
    stage.expect(line == "=> one", "the line \"=> one\"", quote(line));
    reader.close();
    client.send("two\n");
    server.expect_error_like("line_server: (?!.*" + client.endpoint() + ")" + any_reason + ": .+",
                             "one line on stderr that does not blame the client",
                             "a stdout that can't be written is no fault of the client");
    server.expect_exit(1, "a stdout that can't be written ends the program");
}

TEST_CASE("The server does not blame a client for output that is held up",
          "[06_lines][line_server][step:6][points:1]") {
    const double timeout = 0.3 * time_scale();
    for (Attempts attempts; attempts.another();) {
        Stage stage{lab};
        NamedPipe reader{stage, "stdout"};
        stage.start("line_server", {"--port", "0", "--timeout", std::to_string(timeout)},
                    {.stdout_file = stage.path("stdout")});
        const std::string listening = reader.read_line();
        const auto start = Clock::now();
        Peer& client = stage.connect(listening.substr(listening.rfind(':') + 1));
        reader.read_line();
        // The first two are more than the pipe holds: somebody has pressed Ctrl-S, as it were.
        const std::vector<std::string> lines{std::string(4000, 'a'), std::string(200, 'b'), "c"};
        client.send_in_pieces({lines[0] + "\n", lines[1] + "\n"});
        if (took_too_long(start, timeout)) continue;  // a busy machine: try again
        stage.pass_time(1.5 * timeout);
        client.send(lines[2] + "\n");
        const std::string cause =
            "the Deadline belongs behind the flush: output that is held up must not use the "
            "client's time (step 2)";
        for (const std::string& line : lines) {
            const std::string got = reader.read_line(cause);
            stage.expect(got == "=> " + line, "the line " + quote("=> " + line), quote(got), cause);
        }
        break;
    }
}

TEST_CASE("The server writes a log of whole lines when asked",
          "[06_lines][line_server][step:6][points:1]") {
    Stage stage{lab};
    const std::string before = "[20200101 00:00:00] before:1 - this line was there before\n";
    stage.write_file("server.log", before);
    const ServerScene scene = listening_server(stage, {"--log", "server.log"});
    deliver(stage, scene, "logged\n", {"logged"});
    expect_log(stage, "server.log");
    const std::string log = stage.read_file("server.log");
    stage.expect(log.starts_with(before) && log.size() > before.size(),
                 "new lines behind those that were there", quote(log));
    Process& other = stage.start("line_server", {"--port", "0", "--log", "no/such/folder"});
    other.expect_error_like("line_server: " + no_todo + ".*no/such/folder.*: .+",
                            "one line that names the log file");
    other.expect_exit(1);
}

// --- line_client: numbered lines -------------------------------------------------------------

TEST_CASE("The client sends numbered lines and prints them",
          "[06_lines][line_client][step:8][points:1]") {
    Stage stage{lab};
    const ClientScene scene = connected_client(stage, {"--count", "3", "--interval", "0"});
    for (std::size_t i = 0; i < 3; ++i) expect_sent(scene, numbered(i));
    expect_done(scene);
}

TEST_CASE("The client sends five lines to 127.0.0.1 port 54321 when it is told nothing else",
          "[06_lines][line_client][step:8][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        Listener& listener = stage.listen("127.0.0.1", "54321");
        Process& client = stage.start("line_client", {"--interval", "0"});
        const ClientScene scene{client, listener.accept()};
        for (std::size_t i = 0; i < 5; ++i) expect_sent(scene, numbered(i));
        expect_done(scene);
        // The default of the interval shows in how long two lines take.
        Process& slow = stage.start("line_client", {"--count", "2"});
        const ClientScene other{slow, listener.accept()};
        expect_sent(other, numbered(0));
        expect_sent(other, numbered(1));
        expect_done(other);
        stage.expect_at_least(slow.run_time(), 1, "the client lets the interval pass");
    });
}

TEST_CASE("The client lets the interval pass between two lines",
          "[06_lines][line_client][step:8][points:1]") {
    Stage stage{lab};
    const ClientScene scene = connected_client(stage, {"--count", "4", "--interval", "0.1"});
    for (std::size_t i = 0; i < 4; ++i) expect_sent(scene, numbered(i));
    expect_done(scene);
    stage.expect_at_least(scene.client.run_time(), 0.3, "the client lets three intervals pass");
}

TEST_CASE("The client sends and prints a line at once and not when the interval is over",
          "[06_lines][line_client][step:8][points:2]") {
    Stage stage{lab};
    const ClientScene scene = connected_client(stage, {"--interval", "3600"});
    expect_sent(scene, numbered(0),
                "a line must not wait in the stream's buffer: flush it (step 7)");
    scene.client.expect_running();
}

TEST_CASE("The client does not wait behind its last line",
          "[06_lines][line_client][step:8][points:1]") {
    Stage stage{lab};
    const ClientScene scene = connected_client(stage, {"--count", "1", "--interval", "3600"});
    expect_sent(scene, numbered(0));
    expect_done(scene, "the interval lies between two lines");
}

TEST_CASE("A client that works sends no line when the count is 0",
          "[06_lines][line_client][step:8][points:1]") {
    Stage stage{lab};
    expect_client_works(stage);
    expect_done(connected_client(stage, {"--count", "0"}));
}

TEST_CASE("The client sends many lines without a pause in their order",
          "[06_lines][line_client][step:8][points:1]") {
    constexpr std::size_t count = 20000;
    Stage stage{lab};
    const ClientScene scene =
        connected_client(stage, {"--count", std::to_string(count), "--interval", "0"});
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += numbered(i) + "\n";
    const std::string received = scene.server.receive_to_end();
    const bool equal = received == all;
    stage.expect(equal, std::to_string(count) + " numbered lines", quote(received));
    stage.wait_until([&] { return scene.client.ended(); });
    const bool printed = scene.client.output() == all;
    stage.expect(printed, "the same lines on stdout", quote(scene.client.output()));
    stage.expect(scene.client.state() == "ended with status 0", "line_client ends with status 0",
                 "it " + scene.client.state());
}

TEST_CASE("The client may pause for longer than its timeout",
          "[06_lines][line_client][step:8][points:1]") {
    Stage stage{lab};
    const ClientScene scene =
        connected_client(stage, {"--count", "2", "--interval", "0.6", "--timeout", "0.3"});
    for (std::size_t i = 0; i < 2; ++i) {
        expect_sent(scene, numbered(i),
                    "the timeout is for waiting for the server: set it anew (step 7)");
    }
    expect_done(scene);
}

TEST_CASE("The client waits without a limit when the timeout is 0",
          "[06_lines][line_client][step:8][points:1]") {
    Stage stage{lab};
    const ClientScene scene =
        connected_client(stage, {"--count", "2", "--interval", "0", "--timeout", "0"});
    expect_sent(scene, numbered(0), "a timeout of 0 means no limit");
    expect_sent(scene, numbered(1), "a timeout of 0 means no limit");
    expect_done(scene);
}

// --- line_client: connecting -----------------------------------------------------------------

TEST_CASE("The client connects over IPv6", "[06_lines][line_client][step:8][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    Stage stage{lab};
    Listener& listener = stage.listen("::1");
    Process& client = stage.start("line_client", {"::1", listener.port(), "--count", "1"});
    const ClientScene scene{client, listener.accept()};
    expect_sent(scene, numbered(0));
    expect_done(scene);
}

TEST_CASE("The client tries every address that a name has",
          "[06_lines][line_client][step:8][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    // Only one of the two addresses has a listener, once the one and once the other.
    for (const std::string address : {"127.0.0.1", "::1"}) {
        in_world(lab, {.hosts = "127.0.0.1 two.test\n::1 two.test\n"}, [&address](Stage& stage) {
            Listener& listener = stage.listen(address);
            Process& client =
                stage.start("line_client", {"two.test", listener.port(), "--count", "1"});
            const ClientScene scene{
                client,
                listener.accept("a name can have several addresses, and only one may answer")};
            expect_sent(scene, numbered(0));
            expect_done(scene);
        });
    }
}

TEST_CASE("A client that works reports a server that refuses with host and port",
          "[06_lines][line_client][step:8][points:1]") {
    Stage stage{lab};
    expect_client_works(stage);
    std::vector<std::string> hosts{"127.0.0.1"};
    if (have_ipv6()) hosts.emplace_back("::1");
    for (const std::string& host : hosts) {
        const std::string port = stage.refusing_port(host);
        const std::string shown = (host == "::1" ? "[::1]" : host) + ":" + port;
        Process& client = stage.start("line_client", {host, port});
        expect_failure(client, pattern_of(shown) + ": Connection refused",
                       "one line that names " + shown);
    }
}

TEST_CASE("A client that works waits for a connection no longer than its timeout",
          "[06_lines][line_client][step:8][points:1]") {
    Stage stage{lab};
    expect_client_works(stage);
    const std::string port = stage.silent_port();
    Process& client = stage.start("line_client", {"127.0.0.1", port, "--timeout", "0.2"});
    expect_failure(client, "127\\.0\\.0\\.1:" + port + ": timed out",
                   "one line that names 127.0.0.1:" + port + " and ends with timed out");
    stage.expect_at_least(client.run_time(), 0.2, "the client waits");
}

TEST_CASE("A client that works reports a name that can't be looked up",
          "[06_lines][line_client][step:8][points:1]") {
    // In a world without a name server the look-up fails at once, and nothing is sent.
    in_world(lab, {}, [](Stage& stage) {
        expect_client_works(stage);
        Process& client = stage.start("line_client", {"no-such-host.invalid"});
        expect_failure(client, "no-such-host\\.invalid.*: .+", "one line that names the host");
    });
}

// --- line_client: --input --------------------------------------------------------------------

TEST_CASE("The client sends and prints the lines of a file",
          "[06_lines][line_client][step:9][points:1]") {
    Stage stage{lab};
    stage.write_file("poem.txt", "one\n\n  two  \nGr\u00fc\u00dfe\n");
    const ClientScene scene =
        connected_client(stage, {"--input", "poem.txt", "--interval", "3600"});
    for (const std::string line : {"one", "", "  two  ", "Gr\u00fc\u00dfe"}) {
        expect_sent(scene, line,
                    line.empty() ? "an empty line is sent too: its newline alone (step 7)"
                                 : "a file's lines go out without a pause");
    }
    const std::string more = scene.server.receive_to_end();
    stage.expect(more.empty(), "nothing behind the last line", quote(more), one_too_many);
    expect_done(scene);
}

TEST_CASE("The client sends each line that is typed before the next is typed",
          "[06_lines][line_client][step:9][points:2]") {
    Stage stage{lab};
    const ClientScene scene = typing_client(stage);
    for (const std::string line : {"one", "two", "", "four"}) {
        scene.client.type(line + "\n");
        expect_sent(scene, line, flush_the_line);
    }
    scene.client.type("half ");
    scene.client.type("and half\nfi");
    expect_sent(scene, "half and half", flush_the_line);
    scene.client.type("ve\n");
    expect_sent(scene, "five");
    scene.client.end_input();
    expect_done(scene);
}

TEST_CASE("The client waits for what is typed without a limit",
          "[06_lines][line_client][step:9][points:1]") {
    Stage stage{lab};
    const ClientScene scene = typing_client(stage, {"--timeout", "0.3"});
    for (const std::string line : {"at last", "later still"}) {
        stage.pass_time(0.6);
        scene.client.type(line + "\n");
        expect_sent(scene, line, "the timeout is for waiting for the server, not for the user");
    }
    scene.client.end_input();
    expect_done(scene);
}

TEST_CASE("The client sends a last line that has no newline",
          "[06_lines][line_client][step:9][points:1]") {
    Stage stage{lab};
    const std::string cause = "the last line may lack its newline";
    const std::string text = "first\nlast";
    stage.write_file("file", text);
    const ClientScene from_file = connected_client(stage, {"--input", "file"});
    const ClientScene typed = typing_client(stage);
    typed.client.type(text);
    typed.client.end_input();
    for (const ClientScene& scene : {from_file, typed}) {
        expect_file_sent(stage, scene, text);
        scene.client.expect_line("first");
        scene.client.expect_line("last", cause);
        scene.client.expect_exit(0);
    }
}

TEST_CASE("The client sends nothing of an empty file",
          "[06_lines][line_client][step:9][points:1]") {
    Stage stage{lab};
    stage.write_file("empty", "");
    const std::string cause = "that there is no further line shows only after it was asked for";
    expect_done(connected_client(stage, {"--input", "empty"}), cause);
    const ClientScene typed = typing_client(stage);
    typed.client.end_input();
    expect_done(typed, cause);
}

TEST_CASE("The client sends the bytes of a line as they are",
          "[06_lines][line_client][step:9][points:1]") {
    Stage stage{lab};
    std::string contents = "one\r\ntwo\r\n\r\na\rb\n\tc:\\d %s \xff\xfe\xc2\x9b \x1b[2J\n"s;
    for (int value = 0; value < 256; ++value) contents += static_cast<char>(value);
    contents += "\n";
    stage.write_file("file", contents);
    expect_file_sent(stage, connected_client(stage, {"--input", "file"}), contents);
}

TEST_CASE("The client sends and prints a line of any length",
          "[06_lines][line_client][step:9][points:1]") {
    Stage stage{lab};
    std::string line;
    while (line.size() < megabyte) line += std::to_string(line.size()) + " ";
    stage.write_file("long", line + "\nshort\n" + line + "\n");
    const ClientScene scene = connected_client(stage, {"--input", "long"});
    for (const std::string& expected : {line, "short"s, line}) {
        expect_sent(scene, expected, "a line of the user's own may be long");
    }
    expect_done(scene);
}

TEST_CASE("The client sends a file of many lines in their order",
          "[06_lines][line_client][step:9][points:1]") {
    Stage stage{lab};
    std::string contents;
    for (int i = 0; i < 20000; ++i) contents += "line " + std::to_string(i) + "\n";
    stage.write_file("file", contents);
    const ClientScene scene = connected_client(stage, {"--input", "file"});
    expect_file_sent(stage, scene, contents);
    stage.wait_until([&] { return scene.client.ended(); });
    const bool printed = scene.client.output() == contents;
    stage.expect(printed, "the same lines on stdout", quote(scene.client.output()));
}

TEST_CASE("A client that works reports a file that can't be read",
          "[06_lines][line_client][step:9][points:1]") {
    Stage stage{lab};
    stage.write_file("good", "good\n");
    const ClientScene scene = connected_client(stage, {"--input", "good"});
    expect_sent(scene, "good");
    expect_done(scene);
    Listener& listener = stage.listen();
    for (const std::string file : {"missing.txt", "no/such/folder", "/"}) {
        Process& client =
            stage.start("line_client", {"127.0.0.1", listener.port(), "--input", file});
        expect_failure(client, file + ".*: .+", "one line that names the file " + file,
                       "a file that can't be read is no empty file");
    }
}

TEST_CASE("A client that works reports a standard input that can't be read",
          "[06_lines][line_client][step:9][points:1]") {
    Stage stage{lab};
    const ClientScene scene = typing_client(stage);
    scene.client.type("good\n");
    expect_sent(scene, "good");
    scene.client.end_input();
    expect_done(scene);
    Listener& listener = stage.listen();
    // Opened for writing only, or closed. Not a folder: on that, some languages do not even start.
    for (const std::string redirection : {"0> /dev/null", "<&-"}) {
        Process& client =
            stage.start("line_client", {"127.0.0.1", listener.port(), "--input", "-"},
                        {.by = {"/bin/sh", "-c", "exec \"$@\" " + redirection, "sh"}});
        expect_failure(client, ": .+", "one line that says why",
                       "an input that can't be read is no empty input");
    }
}

// --- line_client: servers that fail ----------------------------------------------------------

TEST_CASE("The client fails when the server has closed the connection",
          "[06_lines][line_client][step:9][points:1]") {
    Stage stage{lab};
    const ClientScene scene = typing_client(stage);
    scene.client.type("one\n");
    expect_sent(scene, "one");
    scene.server.close();
    // The first line behind the end may still seem to go out: nobody has said yet that it can't.
    for (int i = 0; i < 100 && !scene.client.ended(); ++i) {
        const std::size_t before = scene.client.output().size();
        scene.client.type("more\n");
        const bool goes_on = stage.wait_until(
            [&] { return scene.client.ended() || scene.client.output().size() > before; });
        if (!goes_on) break;
    }
    stage.expect(scene.client.state() == "ended with status 1",
                 "line_client ends with status 1 when a line can't be sent",
                 "it " + scene.client.state(), stream_is_silent);
    const std::string endpoint = scene.server.endpoint();
    scene.client.expect_error_like("line_client: .*" + pattern_of(endpoint) + ": " + any_reason,
                                   "one line that names " + endpoint);
}

TEST_CASE("The client fails when the server resets the connection",
          "[06_lines][line_client][step:9][points:1]") {
    Stage stage{lab};
    const ClientScene scene = typing_client(stage);
    scene.client.type("one\n");
    expect_sent(scene, "one");
    scene.server.reset();
    scene.client.type("two\n");
    expect_failure(scene.client, pattern_of(scene.server.endpoint()) + ": .+",
                   "one line that names " + scene.server.endpoint(), stream_is_silent);
}

TEST_CASE("The client waits for a server that does not read no longer than its timeout",
          "[06_lines][line_client][step:9][points:1]") {
    Stage stage{lab};
    stage.write_file("long", std::string(20 * megabyte, 'x') + "\n");
    const ClientScene scene = connected_client(stage, {"--input", "long", "--timeout", "0.3"});
    scene.server.stall();
    const std::string endpoint = scene.server.endpoint();
    expect_failure(scene.client, pattern_of(endpoint) + ": timed out",
                   "one line that ends with " + endpoint + ": timed out",
                   "a server that does not read needs a limit too (step 7), and the reason is that "
                   "of the stream's error() alone (step 8)");
    stage.expect_at_least(scene.client.run_time(), 0.3, "the client waits");
}

TEST_CASE("The client gives a slow but steady server the time that a long line takes",
          "[06_lines][line_client][step:9][points:1]") {
    constexpr std::size_t size = 24 * megabyte;
    const double timeout = 0.3 * time_scale();
    for (Attempts attempts; attempts.another();) {
        bool busy = false;
        Stage stage{lab};
        stage.write_file("long", std::string(size, 'x') + "\n");
        ThriftyServer server{stage};
        Process& client = stage.start(
            "line_client",
            {"127.0.0.1", server.port(), "--input", "long", "--timeout", std::to_string(timeout)},
            {.stdout_file = "/dev/null"});
        server.accept();
        std::size_t received = 0;
        for (std::size_t part = 2 * megabyte; !busy && part == 2 * megabyte; received += part) {
            const auto start = Clock::now();
            stage.pass_time(timeout / 4);
            busy = took_too_long(start, timeout);
            part = server.read(part);
        }
        if (busy) continue;
        stage.wait_until([&] { return client.ended(); });
        std::string cause;
        if (received < size && client.errors().find("timed out") != std::string::npos) {
            cause = "the timeout is for each wait, not for all of a long line together (step 7)";
        }
        if (received == size) cause = "the newline is missing (step 7)";
        if (received > size + 1) cause = one_too_many;
        stage.expect(received == size + 1,
                     "a line of " + std::to_string(size) + " bytes and a newline",
                     std::to_string(received) + " bytes in all", cause);
        client.expect_exit(0);
        break;
    }
}

TEST_CASE("The client prints no line that it could not send",
          "[06_lines][line_client][step:9][points:1]") {
    Stage stage{lab};
    stage.write_file("long", "one\n" + std::string(20 * megabyte, 'x') + "\n");
    const ClientScene scene = connected_client(stage, {"--input", "long"});
    expect_sent(scene, "one");
    scene.server.expect_received("xxx", "print a line when it is sent and not before");
    scene.server.stall();
    scene.server.reset();
    stage.wait_until([&] { return scene.client.ended(); });
    stage.expect(scene.client.output() == "one\n", "only \"one\" on stdout",
                 quote(scene.client.output()), stream_is_silent);
    stage.expect(scene.client.state() == "ended with status 1", "line_client ends with status 1",
                 "it " + scene.client.state(), stream_is_silent);
}

// --- line_client: a good program -------------------------------------------------------------

TEST_CASE("The client ends at once when it is interrupted during the interval",
          "[06_lines][line_client][step:8][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        const ClientScene scene = connected_client(stage, {"--interval", "3600"});
        expect_sent(scene, numbered(0));
        scene.client.signal(signal);
        scene.client.expect_end_by(signal);
    }
}

TEST_CASE("The client ends at once when it is interrupted while it waits for what is typed",
          "[06_lines][line_client][step:9][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        const ClientScene scene = typing_client(stage);
        scene.client.type("one\ntw");
        expect_sent(scene, "one");
        scene.client.signal(signal);
        scene.client.expect_end_by(signal);
    }
}

TEST_CASE("The client ends at once when it is interrupted while the server does not read",
          "[06_lines][line_client][step:9][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        stage.write_file("long", std::string(20 * megabyte, 'x') + "\n");
        const ClientScene scene = connected_client(stage, {"--input", "long"});
        scene.server.expect_received("xxx");
        scene.server.stall();
        scene.client.signal(signal);
        scene.client.expect_end_by(signal);
    }
}

TEST_CASE("A client that works ends at once when it is interrupted while it connects",
          "[06_lines][line_client][step:8][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        expect_client_works(stage);
        const std::string port = stage.silent_port();
        Process& client = stage.start("line_client", {"127.0.0.1", port});
        stage.await_attempt(port);
        client.signal(signal);
        client.expect_end_by(signal);
    }
}

TEST_CASE("The client reports that its output can't be written",
          "[06_lines][line_client][step:8][points:1]") {
    Stage stage{lab};
    for (const StartOptions& options :
         {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
        auto [client, server] = connected_client(stage, {"--interval", "0"}, options);
        server.expect_received(numbered(0) + "\n");
        client.expect_error_like("line_client: " + any_reason + ": .+", "one line on stderr");
        client.expect_exit(1);
        const std::string more = server.receive_to_end();
        stage.expect(more.empty(), "nothing but the line that could not be printed", quote(more),
                     "what can't be printed must not get into the connection");
    }
}

TEST_CASE("A client that works explains itself and refuses wrong usage",
          "[06_lines][line_client][step:8][points:1]") {
    Stage stage{lab};
    expect_client_works(stage);
    expect_help(stage, "line_client",
                {{"HOST", "127.0.0.1"},
                 {"PORT", "54321"},
                 {"--count COUNT", "5"},
                 {"--interval SECONDS", "1"},
                 {"--input FILE", "none"},
                 {"--timeout SECONDS", "10"},
                 {"--log FILE", "none"},
                 {"--help", ""}});
    expect_usage_error(stage, "line_client", {"--colour"}, "--colour");
    expect_usage_error(stage, "line_client", {"--input"}, "--input");
    for (const std::string port : {"0", "65536", "70000", "abc", "80x", " 80", "+80", ""}) {
        expect_usage_error(stage, "line_client", {"127.0.0.1", port}, port);
    }
    for (const std::string count : {"-1", "abc", "1.5", "5k", ""}) {
        expect_usage_error(stage, "line_client", {"--count=" + count}, "--count");
    }
    for (const std::string option : {"--interval", "--timeout"}) {
        for (const std::string seconds : {"-1", "-0.5", "soon", "1s", "nan", "inf", ""}) {
            expect_usage_error(stage, "line_client", {option + "=" + seconds}, option);
        }
    }
    expect_usage_error(stage, "line_client", {"", "54321"}, "");
    expect_usage_error(stage, "line_client", {"127.0.0.1", "54321", "third"}, "third");
    expect_usage_error(stage, "line_client", {"127.0.0.1", "\x1b[2J"}, R"(\x1b[2J)");
}

TEST_CASE("The client writes a log of whole lines when asked",
          "[06_lines][line_client][step:8][points:1]") {
    Stage stage{lab};
    const ClientScene scene = connected_client(stage, {"--count", "1", "--log", "client.log"});
    expect_sent(scene, numbered(0));
    expect_done(scene);
    expect_log(stage, "client.log");
    Process& other = stage.start("line_client", {"--log", "no/such/folder"});
    expect_failure(other, "no/such/folder.*: .+", "one line that names the log file");
}

// --- both, and other people's programs -------------------------------------------------------

TEST_CASE("The client and the server understand each other",
          "[06_lines][line_client][step:9][points:1]") {
    Stage stage{lab};
    auto [server, port] = listening_server(stage);
    for (int round = 0; round < 2; ++round) {
        Process& client = stage.start("line_client", {"127.0.0.1", port, "--input", "-"});
        server.expect_line_like("new connection from 127\\.0\\.0\\.1:[0-9]+", "who has come");
        for (const std::string line : {"hello", "", "Gr\u00fc\u00dfe"}) {
            client.type(line + "\n");
            client.expect_line(line);
            expect_shown(server, line);
        }
        client.end_input();
        client.expect_exit(0);
        expect_closed(server);
    }
}

TEST_CASE("The server understands nc and socat as clients",
          "[06_lines][line_server][step:6][points:1]") {
    if (!have_command("nc") || !have_command("socat")) return skip("nc or socat is not installed");
    Stage stage{lab};
    auto [server, port] = listening_server(stage);
    Process& nc = stage.start_command("nc", {"-N", "127.0.0.1", port});
    server.expect_line_like("new connection from 127\\.0\\.0\\.1:[0-9]+", "who has come");
    for (const std::string line : {"From nc", "with care"}) {
        nc.type(line + "\n");
        expect_shown(server, line);
    }
    nc.end_input();
    expect_closed(server);
    Process& socat = stage.start_command("socat", {"-u", "-", "TCP:127.0.0.1:" + port + ",crlf"});
    server.expect_line_like("new connection from 127\\.0\\.0\\.1:[0-9]+", "who has come");
    socat.type("From socat\nwith love\n");
    socat.end_input();
    expect_shown(server, "From socat");
    expect_shown(server, "with love");
    expect_closed(server);
}

TEST_CASE("The client is understood by nc as its server",
          "[06_lines][line_client][step:9][points:1]") {
    if (!have_command("nc")) return skip("nc is not installed");
    in_private_network([] {
        Stage stage{lab};
        Process& nc = stage.start_command("nc", {"-n", "-v", "-N", "-l", "127.0.0.1", "54321"});
        nc.expect_error_like("Listening on .*", "that it listens");
        Process& client = stage.start("line_client", {"--input", "-"});
        for (const std::string line : {"To nc", "with care"}) {
            client.type(line + "\n");
            client.expect_line(line);
            nc.expect_line(line);
        }
        client.end_input();
        client.expect_exit(0);
    });
}
