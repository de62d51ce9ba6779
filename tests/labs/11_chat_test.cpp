// Lab 11: the contract of chat_server and chat_client, from outside. There are three servers, which
// do the same in different ways: the environment variable WIRELAB_CHAT_SERVER names the one that is
// tested, chat_server unless it is set.
#include "harness/catch.hpp"
#include "harness/named_pipe.hpp"
#include "harness/peer.hpp"
#include "harness/process.hpp"
#include "harness/rules.hpp"
#include "harness/stage.hpp"
#include "harness/world.hpp"

#include <boost/asio.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace harness;
using namespace std::string_literals;

namespace {

const std::string lab = "11_chat";
constexpr std::size_t megabyte = 1024 * 1024;

std::string server_name() {
    const char* name = std::getenv("WIRELAB_CHAT_SERVER");
    return name == nullptr ? "chat_server" : name;
}

const std::string to_all_others = "what one client sends goes to all others, at once and as it is";
const std::string nobody_writes =
    "the lines wait, and nobody writes them: start write_backlog() when the flag *was* false, and "
    "with fail_loudly, as asio::detached loses even a TODO (step 9)";
const std::string writes_nothing =
    "the backlog is taken, but nothing is written: a co_await before async_write(), or it never "
    "begins (step 10); and was anything added to the backlog (step 8)?";
const std::string comes_twice =
    "lines came twice: what has been written must be dropped, by clear(), before swap() (step 10)";
const std::string dropped_with_it =
    "what is being written must stay as it is; what came meanwhile was dropped with it: take the "
    "backlog, and then write (step 10); what comes is added with += (step 8)";
const std::string not_to_itself =
    "what a client sends goes to all others, but not back to itself: send_to_others() knows it";
const std::string only_whole_lines =
    "only whole lines are sent on, and all of them: one read may bring a part of a line, or many "
    "lines and a part of one more (step 7)";
const std::string in_order =
    "lines of one client stay in their order, and whole: one write at a time for each client "
    "(step 9)";
const std::string one_writer =
    "one write at a time for each client (step 9), of text that stays as it is until that write is "
    "done (step 10)";
const std::string until_it_is_empty =
    "what comes while a write is under way is written next: take the backlog again and again, "
    "until there is none (step 10)";
const std::string nobody_waits =
    "a client that does not read must not delay the others: no write may block, and nobody waits "
    "until it has taken its lines (steps 8 to 10)";
const std::string dropped_at_its_limit =
    "a client that does not read is dropped when too much waits for it (step 8)";
const std::string takes_what_is_written =
    "a backlog tells nothing of its reader as long as the connection takes what is written: look "
    "at that as well before you drop a client (step 8)";
const std::string counts_what_waits =
    "what a client has taken waits no longer: it does not count (steps 8 and 10)";
const std::string still_gets_its_lines =
    "whoever leaves still gets the lines that wait for it, and then its connection ends: its "
    "writer has a std::shared_ptr of its own, and goes on until there is no backlog (step 10)";
const std::string one_fault = "one client's fault must not end the service for the others";
const std::string limit_is_for_the_line =
    "the limit is for the line without its newline: the buffer holds one byte more (step 7)";
const std::string a_write_may_fail =
    "the server has ended, but a client that is gone or dropped is no reason: let the write store "
    "its error, not throw it (step 10)";
const std::string silent_is_welcome =
    "a client that says nothing may stay for ever: the timeout is for what it does not take";
const std::string others_chat_on = "whoever is connected chats on, whatever happens to others";
const std::string reads_by_waiting =
    "a read that blocks stops all other coroutines: co_await async_read_until() (step 7)";
const std::string reads_up_to_a_newline =
    "the server reads up to the end of a line by co_await (step 7)";
const std::string accepts_by_waiting =
    "an accept() that blocks stops all other coroutines: wait by co_await (step 5)";
const std::string lost_by_detached =
    "detached loses the failure of serve(), even its TODO 7: co_spawn() needs "
    "wirelab::fail_loudly (step 6); or an accept() that blocks stops all other coroutines: "
    "co_await (step 5)";
const std::string a_coroutine_each =
    "a second client is served while the first is there: co_spawn() waits for nobody (step 6), nor "
    "does a read with co_await (step 7)";
const std::string leaves_at_the_end =
    "the end of a client's stream is its leaving: read_until() reports it as an error (step 7)";

const std::string every_line_at_once = "a line is printed as soon as it is whole (steps 1 and 2)";
const std::string printed_once =
    "each line is printed once: print it, and drop it from the text (step 2)";
const std::string without_its_end =
    "a line is printed by print_line(), which drops its \\n or \\r\\n (step 2)";
const std::string more_may_have_come =
    "behind the line there may be more: drop no more than the line (step 2)";
const std::string sent_at_once = "a line that is typed is sent at once, with its newline (step 3)";
const std::string typing_has_ended =
    "at the end of what is typed the client shuts down sending (step 4), so the server sees the "
    "end of the stream";
const std::string only_shut_down =
    "at the end of what is typed shut down sending, and no more: whoever closes gives up what "
    "still comes, and ends the other coroutine's read (step 4)";
const std::string nothing_is_lost =
    "all that was typed is sent, even if the end comes right behind it (steps 3 and 4)";
const std::string server_has_closed =
    "when the server has closed there is nobody left to talk to: the end of the stream (step 1)";

// Begins a pattern for a line that does not speak of a step that is not done yet.
const std::string no_todo = "(?!.*TODO [0-9]+ is not done)";
const std::string any_reason = no_todo + ".+";

bool holds(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// How often a server was waited for in vain. What was in vain a few times is likely to be so again,
// and the server's author is waiting, too.
int waits_in_vain = 0;

bool is_worth_waiting() {
    return waits_in_vain < 3;
}

// For what happens, if it does, before much else can.
Clock::duration moment() {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::milliseconds{300} *
                                                       time_scale());
}

// Waits for what a server does at once.
template <typename Condition>
bool happens(Stage& stage, const Condition& condition) {
    const bool brief = !is_worth_waiting();
    if (stage.wait_until(condition, brief ? moment() : patience())) return true;
    if (brief) stage.transcript().add("test", "gives up waiting, sooner than before");
    ++waits_in_vain;
    return false;
}

// The function of the system in which a program waits, see /proc/pid/wchan in proc(5); "0" if it
// does not wait, and that or empty where the system does not tell.
std::string waits_in(const Process& process) {
    std::ifstream file{"/proc/" + std::to_string(process.pid()) + "/wchan"};
    std::string function;
    file >> function;
    return function;
}

// True when a program that should wait for anything, in epoll_wait(2), waits in another call.
bool is_blocked(const Process& process) {
    if (process.ended() || process.is_busy()) return false;
    const std::string place = waits_in(process);
    return !place.empty() && place != "0" && !holds(place, "epoll") && !holds(place, "ep_poll");
}

// Returns what is likely when this has come of what was sent; `mixed` if it is something else.
std::string_view cause_of(const std::string& sent, const std::string& got, std::string_view missing,
                          std::string_view mixed) {
    if (sent.starts_with(got)) return missing;
    const auto same = std::ranges::mismatch(sent, got).in1 - sent.begin();
    // The first line that is wrong, whole: where else does it stand?
    const auto newline = got.substr(0, static_cast<std::size_t>(same)).rfind('\n');
    const std::size_t start = newline == std::string::npos ? 0 : newline + 1;
    const auto end = got.find('\n', start);
    if (start == 0 || end == std::string::npos) return mixed;
    const std::string line = got.substr(start - 1, end + 2 - start);  // with both newlines
    if (("\n" + got.substr(0, start)).find(line) != std::string::npos) return comes_twice;
    const bool skipped = got.size() < sent.size() && sent.find(line, start) != std::string::npos;
    return skipped ? dropped_with_it : mixed;
}

// An address as a regular expression.
std::string pattern_of(std::string text) {
    for (std::size_t dot = 0; (dot = text.find_first_of(".[]", dot)) != std::string::npos;) {
        text.insert(dot, "\\");
        dot += 2;
    }
    return text;
}

// True when the test itself was so slow that a time of the program's may be over.
bool took_too_long(Clock::time_point start, double time) {
    return std::chrono::duration<double>{Clock::now() - start}.count() > time / 2;
}

// Other than a Peer it reads only when it is told to, so that what is sent to it piles up; and it
// can talk without end.
class LazyPeer {
public:
    using tcp = boost::asio::ip::tcp;

    // Connects to a server.
    LazyPeer(Stage& stage, const std::string& port) : stage_{stage} {
        socket_.connect(
            {boost::asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(std::stoi(port))});
        const auto own_port = std::to_string(socket_.local_endpoint().port());
        endpoint_ = "127.0.0.1:" + own_port;
        stage_.transcript().add("the lazy peer", endpoint_ + " is connected to port " + port);
    }

    // Waits for a client.
    LazyPeer(Stage& stage, tcp::acceptor& acceptor) : stage_{stage} {
        bool done = false;
        acceptor.async_accept(socket_, [&](boost::system::error_code) { done = true; });
        if (!stage_.wait_until([&done] { return done; })) {
            // The acceptor still uses our local; ending it here keeps that safe.
            acceptor.close();
            stage_.wait_until([&done] { return done; });
        }
        stage_.transcript().add("the lazy peer", "is asked for a connection");
    }

    // Reads until it has so many bytes in all, or the stream ends, or nothing comes for long.
    void read(std::size_t size) {
        for (std::size_t before = text_.size(); text_.size() < size && !ended_;) {
            read_in_background(size);
            stage_.wait_until([&] { return text_.size() >= size || ended_; });
            if (text_.size() == before) break;
            before = text_.size();
        }
        stage_.transcript().add("the lazy peer",
                                "has read " + std::to_string(text_.size()) + " bytes");
    }

    // Reads all that comes from now on, and forgets it.
    void read_and_forget() {
        forgets_ = true;
        read_in_background();
    }

    // Reads all that comes from now on, while the test waits for other things.
    void read_in_background(std::size_t most = std::string::npos) {
        wanted_ = most;
        if (!is_reading_) read_on();
    }

    // Sends the bytes while the test waits for other things; again and again until stop_sending(),
    // if told so.
    void send_in_background(const std::string& bytes, bool again_and_again = false) {
        stage_.transcript().add("the lazy peer sends",
                                quote(bytes) + (again_and_again ? " again and again" : ""));
        sent_ = bytes;
        again_and_again_ = again_and_again;
        send_on();
    }
    void stop_sending() { again_and_again_ = false; }

    void shut_down_sending() {
        stage_.transcript().add("the lazy peer", "ends its sending direction");
        boost::system::error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
    }

    void reset() {
        stage_.transcript().add("the lazy peer", "resets the connection");
        boost::system::error_code ignored;
        socket_.set_option(boost::asio::socket_base::linger{true, 0}, ignored);
        socket_.close(ignored);
    }

    const std::string& endpoint() const { return endpoint_; }
    const std::string& text() const { return text_; }
    bool ended() const { return ended_; }
    std::size_t received() const { return received_; }  // bytes, also those that it has forgotten
    bool is_sending() const { return is_sending_; }
    // Sending has failed: the other side has closed.
    bool is_broken() const { return is_broken_; }

private:
    void read_on() {
        is_reading_ = true;
        socket_.async_read_some(boost::asio::buffer(buffer_),
                                [this](boost::system::error_code error, std::size_t size) {
                                    if (error == boost::asio::error::operation_aborted) return;
                                    received_ += size;
                                    if (!forgets_) text_.append(buffer_.data(), size);
                                    ended_ = error.failed();
                                    is_reading_ = !ended_ && text_.size() < wanted_;
                                    if (is_reading_) read_on();
                                });
    }

    void send_on() {
        is_sending_ = true;
        boost::asio::async_write(socket_, boost::asio::buffer(sent_),
                                 [this](boost::system::error_code error, std::size_t) {
                                     if (error == boost::asio::error::operation_aborted) return;
                                     is_broken_ = error.failed();
                                     is_sending_ = !error && again_and_again_;
                                     if (is_sending_) send_on();
                                 });
    }

    Stage& stage_;
    tcp::socket socket_{stage_.io()};
    std::string endpoint_;
    std::array<char, 65536> buffer_ = {};
    std::string text_;
    std::size_t wanted_ = 0;
    std::string sent_;
    bool again_and_again_ = false;
    bool is_sending_ = false;
    bool is_broken_ = false;
    bool forgets_ = false;
    std::size_t received_ = 0;
    bool is_reading_ = false;
    bool ended_ = false;
};

// --- chat_server

struct ServerScene {
    Process& server;
    std::string port;
    Stage* stage = nullptr;
};

ServerScene listening_server(Stage& stage, std::vector<std::string> options = {},
                             const StartOptions& start = {}) {
    options.insert(options.begin(), {"--bind", "127.0.0.1", "--port", "0"});
    Process& server = stage.start(server_name(), options, start);
    return {server, server.expect_listening(), &stage};
}

void expect_joined(Process& server, const std::string& endpoint, std::string_view cause = "") {
    server.expect_line("joined " + endpoint, cause);
}

void expect_left(Process& server, const std::string& endpoint, std::string_view cause = "") {
    server.expect_line("left " + endpoint, cause);
}

// True when the server prints this line, in any place.
bool says(Stage& stage, const Process& server, const std::string& line) {
    const auto is_there = [&] { return holds("\n" + server.output(), "\n" + line + "\n"); };
    return happens(stage, [&] { return is_there() || server.ended(); }) && is_there();
}

// Connects, and expects that the server says so at once.
Peer& join(Stage& stage, const ServerScene& scene, const std::string& address = "127.0.0.1",
           std::string_view cause = a_coroutine_each) {
    Peer& client = stage.connect(scene.port, address);
    if (!says(stage, scene.server, "joined " + client.endpoint())) {
        // With co_await in place of co_spawn() it accepts nobody, but does not block.
        const bool blocks = is_blocked(scene.server);
        stage.expect(false, server_name() + " prints the line \"joined " + client.endpoint() + "\"",
                     server_name() + " " + scene.server.state(),
                     blocks && cause == a_coroutine_each ? reads_by_waiting : cause);
    }
    expect_joined(scene.server, client.endpoint(), cause);
    return client;
}

// Ends the stream as a good client does, and expects that nothing more comes.
void leave(const ServerScene& scene, Peer& client) {
    client.shut_down_sending();
    if (scene.stage && !says(*scene.stage, scene.server, "left " + client.endpoint())) {
        scene.stage->expect(false,
                            server_name() + " prints the line \"left " + client.endpoint() + "\"",
                            server_name() + " " + scene.server.state(), leaves_at_the_end);
    }
    expect_left(scene.server, client.endpoint(), leaves_at_the_end);
    client.expect_end("the server closes when the client has left, and sends nothing more");
}

// Expects the report of one client's fault.
void expect_fault(Process& server, const std::string& endpoint, const std::string& reason,
                  std::string_view cause = "") {
    const std::string start = server_name() + ": " + endpoint + ": ";
    server.expect_error_like(
        server_name() + ": " + pattern_of(endpoint) + ": " + reason,
        "one line \"" + start + (reason == any_reason ? "REASON" : reason) + "\"", cause);
}

// The proof that a server does its job, for test cases about how it behaves otherwise.
void expect_server_works(Stage& stage) {
    const ServerScene scene = listening_server(stage);
    leave(scene, join(stage, scene));
}

// A server with some clients that chat.
struct Room {
    Stage& stage;
    ServerScene scene;
    std::vector<Peer*> clients;

    Process& server() const { return scene.server; }
    Peer& operator[](std::size_t i) const { return *clients[i]; }

    // Expects that all others get this next.
    void expect_heard(Peer& sender, const std::string& bytes,
                      std::string_view cause = to_all_others) const {
        for (Peer* client : clients) {
            if (client != &sender) expect_next(*client, sender, bytes, cause);
        }
    }

    void expect_next(Peer& client, Peer& sender, const std::string& bytes,
                     std::string_view cause) const {
        const auto size = [&] { return client.received().size(); };
        happens(stage, [&] { return client.ended() || size() >= bytes.size(); });
        const std::string got{client.received().substr(0, bytes.size())};
        if (got != bytes) {
            if (!client.ended()) cause = cause_of_silence(client, sender, bytes, got, cause);
            stage.pass_time(0.05);  // has the server ended?
            stage.expect(false, client.label() + " receives " + quote(bytes),
                         "it received " + quote(got), server().ended() ? a_write_may_fail : cause);
        }
        client.expect_received(bytes);
    }

    // Finds out why a client has got only this, or something else: by a try.
    std::string_view cause_of_silence(Peer& client, Peer& sender, const std::string& bytes,
                                      const std::string& got, std::string_view cause) const {
        if (!bytes.starts_with(got)) return cause_of(bytes, got, cause, cause);
        if (!is_worth_waiting()) return cause;  // it is said already
        // Does the rest come with the next line?
        sender.send("Where is the rest?\n");
        const auto comes = [&] { return client.ended() || client.received().size() > got.size(); };
        if (stage.wait_until(comes, moment()) && !client.ended()) return until_it_is_empty;
        if (!got.empty() || client.ended()) return cause;
        if (is_blocked(server()) || server().is_busy()) return cause;
        // Is anyone about to write to this client? Then its leaving has to wait for that.
        const std::string left = "left " + client.endpoint() + "\n";
        client.send("exit\n");
        const auto leaves = [&] { return holds(server().output(), left); };
        return stage.wait_until(leaves, moment()) ? writes_nothing : nobody_writes;
    }

    void say(Peer& sender, const std::string& line, std::string_view cause = to_all_others) const {
        sender.send(line + "\n");
        expect_heard(sender, line + "\n", cause);
        const std::string own{sender.received()};
        stage.expect(own.empty(), sender.label() + " receives nothing of its own", quote(own),
                     not_to_itself);
    }

    // Each in turn says something, and gets only what others have said.
    void chat(std::string_view cause = others_chat_on) const {
        for (std::size_t i = 0; i < clients.size(); ++i) {
            say(*clients[i], "I am number " + std::to_string(i), cause);
        }
    }

    // All leave, and nobody gets anything more.
    void close() {
        for (Peer* client : clients) leave(scene, *client);
        clients.clear();
    }
};

Room open_room(Stage& stage, std::size_t size, std::vector<std::string> options = {},
               const std::string& address = "127.0.0.1") {
    if (address != "127.0.0.1") options.insert(options.end(), {"--bind", address});
    options.insert(options.begin(), {"--bind", "127.0.0.1", "--port", "0"});
    Process& server = stage.start(server_name(), options);
    Room room{stage, {server, server.expect_listening(address), &stage}, {}};
    for (std::size_t i = 0; i < size; ++i) {
        room.clients.push_back(&join(stage, room.scene, address));
    }
    return room;
}

// About 32 kilobytes of lines, of which each is another. That much finds room in a connection
// whoever reads it.
std::string piece(std::size_t number) {
    std::string text;
    for (int i = 0; i < 16; ++i) {
        const std::string name = std::to_string(number) + "." + std::to_string(i) + " ";
        text += name + std::string(2000 - name.size(), static_cast<char>('a' + i)) + "\n";
    }
    return text;
}

// Lets the first client of the room send pieces, which the others must get; until that is enough,
// or the condition holds. Returns all that was sent.
template <typename Condition>
std::string send_pieces(const Room& room, std::size_t bytes, const Condition& condition) {
    std::string sent;
    for (std::size_t i = 0; sent.size() < bytes && !condition(); ++i) {
        const std::string text = piece(i);
        room[0].send(text);
        room.expect_heard(room[0], text, nobody_waits);
        sent += text;
    }
    return sent;
}

std::string send_pieces(const Room& room, std::size_t bytes) {
    return send_pieces(room, bytes, [] { return false; });
}

// More than the system takes for a client that does not read.
constexpr std::size_t too_much = 64 * megabyte;
// Enough that a part of it waits in the server.
constexpr std::size_t much = 6 * megabyte;
// Reads until so much has come, and expects that it is what was sent; `missing` is the cause when
// the end of it has not come, `mixed` when something else has.
void expect_read(Stage& stage, LazyPeer& peer, const std::string& sent, std::string_view missing,
                 std::string_view mixed) {
    peer.read(sent.size());
    if (peer.text() == sent) return stage.expect(true, "", "");
    const auto same = std::ranges::mismatch(sent, peer.text()).in1 - sent.begin();
    stage.expect(false, "the " + std::to_string(sent.size()) + " bytes that were sent",
                 std::to_string(peer.text().size()) + " bytes, the first " + std::to_string(same) +
                     " of them right, and then " +
                     quote(peer.text().substr(static_cast<std::size_t>(same))),
                 cause_of(sent, peer.text(), missing, mixed));
}

const std::vector<std::string> no_backlog_limit{"--max-backlog", "1000000000"};

// --- chat_client

struct ClientScene {
    Process& client;
    Peer& server;
};

ClientScene connected_client(Stage& stage, std::vector<std::string> options = {},
                             const StartOptions& start = {}) {
    Listener& listener = stage.listen();
    options.insert(options.begin(), {"127.0.0.1", listener.port()});
    Process& client = stage.start("chat_client", options, start);
    return {client, listener.accept("the client never asked for a connection")};
}

// A client whose stdin is not typed, but what a shell's redirection says.
Process& start_redirected(Stage& stage, const std::string& port, const std::string& redirection,
                          const std::string& timeout = "10") {
    return stage.start("chat_client", {"127.0.0.1", port, "--timeout", timeout},
                       {.by = {"/bin/sh", "-c", "exec \"$@\" " + redirection, "sh"}});
}

void type_line(const ClientScene& scene, const std::string& line) {
    scene.client.type(line + "\n");
}

// Types a line, and expects it on the wire.
void expect_sent(const ClientScene& scene, const std::string& line) {
    type_line(scene, line);
    scene.server.expect_received(line + "\n", sent_at_once);
}

// Expects that the client ends its stream. It may have told the server so by the line `exit`.
void expect_goodbye(Stage& stage, Peer& server, const std::string& bytes = "") {
    std::string received = server.receive_to_end(typing_has_ended);
    const bool right = received == bytes || received == bytes + "exit\n";
    const std::string expected =
        bytes.empty() ? "nothing more, but for the line \"exit\"" : quote(bytes);
    stage.expect(right, expected, quote(received), nothing_is_lost);
}

// Closes, and expects that this is the client's end.
void close_server(const ClientScene& scene, std::string_view cause = server_has_closed) {
    scene.server.close();
    scene.client.expect_exit(0, cause);
}

// The proof that a client does its job, for test cases about how it behaves otherwise.
void expect_client_works(Stage& stage) {
    close_server(connected_client(stage));
}

// Expects that a client can't go on and says why; `part` is a pattern for the end of that line.
void expect_failure(Process& client, const std::string& part, std::string_view meaning,
                    std::string_view cause = "") {
    client.expect_error_like("chat_client: " + no_todo + ".*" + part, meaning, cause);
    client.expect_exit(1, cause);
}

}  // namespace

// --- chat_server: coming and going -----------------------------------------------------------

TEST_CASE("The server says at once who has joined", "[11_chat][chat_server][step:6][points:1]") {
    for (const std::string address : {"127.0.0.1", "::1"}) {
        if (address == "::1" && !have_ipv6()) continue;
        Stage stage{lab};
        Process& server = stage.start(server_name(), {"--bind", address, "--port", "0"});
        const std::string port = server.expect_listening(address);
        Peer& client = stage.connect(port, address);
        stage.wait_until([&] { return holds(server.output(), "joined ") || client.ended(); });
        expect_joined(server, client.endpoint(),
                      client.ended()
                          ? "serve(...) only makes a coroutine: co_spawn() starts it, or "
                            "its socket is closed again (step 6)"
                          : "each client gets its coroutine (steps 5 and 6)");
    }
}

TEST_CASE("The server serves a client while it waits for the next",
          "[11_chat][chat_server][step:7][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    Peer& client = join(stage, scene);
    client.send("exit\n");
    const auto has_left = [&] {
        return holds(scene.server.output(), "left " + client.endpoint() + "\n");
    };
    if (happens(stage, [&] { return has_left() || scene.server.ended(); }) && has_left()) {
        return client.expect_end("behind exit the server closes");
    }
    // What does it do instead?
    client.shut_down_sending();
    const std::string next = stage.connect(scene.port).endpoint();
    stage.pass_time(0.2 * time_scale());
    const bool only_accepts = !has_left() && holds(scene.server.output(), "joined " + next + "\n");
    stage.expect(
        false, "the line \"left " + client.endpoint() + "\" behind exit",
        only_accepts ? "the next client is accepted, and nothing else goes on" : "no such line",
        !only_accepts                             ? reads_up_to_a_newline
        : holds(waits_in(scene.server), "accept") ? accepts_by_waiting
                                                  : lost_by_detached);
}

TEST_CASE("The server says who has left and closes the connection",
          "[11_chat][chat_server][step:7][points:1]") {
    for (const std::string address : {"127.0.0.1", "::1"}) {
        if (address == "::1" && !have_ipv6()) continue;
        Stage stage{lab};
        Room room = open_room(stage, 3, {}, address);
        leave(room.scene, room[1]);
        leave(room.scene, room[0]);
        Peer& late = join(stage, room.scene, address);
        late.close();
        expect_left(room.server(), late.endpoint(), leaves_at_the_end);
        leave(room.scene, room[2]);
        room.server().expect_running();
        const std::string& errors = room.server().errors();
        stage.expect(errors.empty(), "nothing on stderr: to leave is no fault", quote(errors),
                     leaves_at_the_end);
    }
}

TEST_CASE("The server goes on when clients are gone before their turn",
          "[11_chat][chat_server][step:7][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    leave(scene, join(stage, scene));
    scene.server.signal(SIGSTOP);
    Peer& rude = stage.connect(scene.port);
    Peer& polite = stage.connect(scene.port);
    rude.reset();
    polite.close();
    scene.server.signal(SIGCONT);
    Peer& last = stage.connect(scene.port);
    const auto said = [&](const std::string& word, const Peer& client) {
        return holds(scene.server.output(), word + " " + client.endpoint() + "\n");
    };
    stage.wait_until([&] {
        return scene.server.ended() ||
               (said("left", rude) && said("left", polite) && said("joined", last));
    });
    for (const Peer* client : {&rude, &polite, &last}) {
        stage.expect(said("joined", *client), "the line \"joined " + client->endpoint() + "\"",
                     quote(scene.server.output()),
                     "a client may be gone already: who it was, accept() itself tells");
        if (client == &last) continue;
        stage.expect(said("left", *client), "the line \"left " + client->endpoint() + "\"",
                     quote(scene.server.output()), leaves_at_the_end);
    }
    last.send_in_pieces({"Are you still there?\n"});
    scene.server.expect_running(one_fault);
}

TEST_CASE("The line exit closes the connection of the client that sends it",
          "[11_chat][chat_server][step:7][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    for (const std::string text : {"exit\n", "exit\r\n", "first\nexit\n"}) {
        Peer& client = join(stage, scene);
        client.send(text);
        expect_left(scene.server, client.endpoint(), "exit is a line of its own, with its end");
        const std::string received = client.receive_to_end("behind exit the server closes");
        stage.expect(received.empty(), "nothing of what the client itself has sent",
                     quote(received), not_to_itself);
        client.expect_end("behind exit the server closes");
    }
    const std::string& errors = scene.server.errors();
    stage.expect(errors.empty(), "nothing on stderr: to leave is no fault", quote(errors));
}

TEST_CASE("The server reports a client that resets its connection and serves the next",
          "[11_chat][chat_server][step:7][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    for (const std::string text : {"", "half of a li", "whole\n"}) {
        Peer& rude = join(stage, scene);
        rude.send_in_pieces({text});
        rude.reset();
        expect_fault(scene.server, rude.endpoint(), "Connection reset by peer",
                     "a reset is a fault, other than the end of the stream");
        expect_left(scene.server, rude.endpoint(), one_fault);
    }
    leave(scene, join(stage, scene, "127.0.0.1", one_fault));
}

// --- chat_server: lines ----------------------------------------------------------------------

TEST_CASE("What one client sends goes to all others and not back to it",
          "[11_chat][chat_server][step:10][points:3]") {
    Stage stage{lab};
    Room room = open_room(stage, 4);
    room.say(room[0], "hello", to_all_others);
    const std::string taken_once =
        "each line goes out once, and then the next: take the backlog, and leave an empty one "
        "(step 10)";
    room.chat(taken_once);
    room.chat(taken_once);
    leave(room.scene, room[1]);
    room.clients.erase(room.clients.begin() + 1);
    room.clients.push_back(&join(stage, room.scene));
    room.chat("those who are there get the line, whoever has come or left before");
    room.close();
}

TEST_CASE("The server sends on every byte as it is", "[11_chat][chat_server][step:10][points:1]") {
    Stage stage{lab};
    Room room = open_room(stage, 3);
    std::string bytes = all_bytes();
    std::erase(bytes, '\n');
    const std::string cause =
        "a line is all that stands before its newline, even if that is nothing";
    for (const std::string& line :
         {bytes, "\0"s, "\0\0text"s, "Gr\u00fc\u00dfe"s, "\x1b[2J"s, "\xff\xfe"s, "%s%n\\n"s, ""s,
          "\r"s, "one\r"s, ""s, "\rtwo"s, "a\rb\r\r"s, " "s, "\t"s}) {
        room.say(room[0], line, cause);
        room.say(room[1], line, cause);
    }
    room.close();
}

TEST_CASE("The server sends on whole lines only however they were split",
          "[11_chat][chat_server][step:10][points:2]") {
    Stage stage{lab};
    Room room = open_room(stage, 3);
    const std::string text = "\u00fc\r\n\nall\n";
    for (std::size_t i = 1; i < text.size(); ++i) {
        room[0].send_in_pieces({text.substr(0, i)});
        room[0].send(text.substr(i));
        room.expect_heard(room[0], text, only_whole_lines);
    }
    room[0].send_byte_by_byte(text);
    room.expect_heard(room[0], text, only_whole_lines);
    // What others say meanwhile must not get between the two halves of a line.
    room[0].send_in_pieces({"first half"});
    room[1].send_in_pieces({"one half"});
    room[2].send("whole\n");
    room[0].expect_received("whole\n", only_whole_lines);
    room[1].expect_received("whole\n", only_whole_lines);
    room[0].send(" and the other\n");
    room.expect_heard(room[0], "first half and the other\n", only_whole_lines);
    room[1].send(" and one more\n");
    room.expect_heard(room[1], "one half and one more\n", only_whole_lines);
    room.close();
}

TEST_CASE("The server sends on all lines that come together",
          "[11_chat][chat_server][step:10][points:2]") {
    Stage stage{lab};
    Room room = open_room(stage, 3);
    room.say(room[0], "a\nbb\n\nccc", only_whole_lines);
    room[0].send_in_pieces({"one\ntwo\nthr"});
    room.expect_heard(room[0], "one\ntwo\n", only_whole_lines);
    room[0].send_in_pieces({"ee\nfour\nfi"});
    room.expect_heard(room[0], "three\nfour\n", only_whole_lines);
    room[0].send("ve\n");
    room.expect_heard(room[0], "five\n", "what one read has left begins the next line (step 7)");
    std::string many;
    for (int i = 0; i < 1000; ++i) many += "line " + std::to_string(i) + "\n";
    room.say(room[1], many, until_it_is_empty);
    room.close();
}

TEST_CASE("The server keeps the lines of each client in their order when several talk at once",
          "[11_chat][chat_server][step:10][points:2]") {
    constexpr std::size_t talkers = 4;
    constexpr std::size_t count = 5000;
    Stage stage{lab};
    const ServerScene scene = listening_server(stage, no_backlog_limit);
    std::vector<std::string> messages(talkers);
    std::size_t total = 0;
    for (std::size_t i = 0; i < talkers; ++i) {
        for (std::size_t line = 0; line < count; ++line) {
            messages[i] += std::to_string(i) + " says " + std::to_string(line) + "\n";
        }
        total += messages[i].size();
    }
    std::vector<std::unique_ptr<LazyPeer>> clients;
    for (std::size_t i = 0; i <= talkers; ++i) {  // the last one only listens
        clients.push_back(std::make_unique<LazyPeer>(stage, scene.port));
        expect_joined(scene.server, clients.back()->endpoint());
        clients.back()->read_in_background();
    }
    for (std::size_t i = 0; i < talkers; ++i) clients[i]->send_in_background(messages[i]);
    for (std::size_t i = 0; i <= talkers; ++i) {
        const std::size_t own = i < talkers ? messages[i].size() : 0;
        clients[i]->read(total - own);
        std::vector<std::string> heard(talkers);
        std::istringstream lines{clients[i]->text()};
        for (std::string line; std::getline(lines, line);) {
            const std::size_t talker = line.empty() ? talkers : line[0] - std::size_t{'0'};
            const bool is_whole =
                talker < talkers && line.starts_with(std::to_string(talker) + " says ");
            const bool is_last = lines.eof();  // cut off: what is missing tells more
            if (!is_whole && !is_last) {
                stage.expect(false, "whole lines", "the line " + quote(line), in_order);
            }
            if (!is_whole) continue;
            heard[talker] += line + "\n";
        }
        for (std::size_t talker = 0; talker < talkers; ++talker) {
            const bool right = heard[talker] == (talker == i ? "" : messages[talker]);
            stage.expect(right,
                         talker == i ? "nothing of its own lines"
                                     : "all lines of client " + std::to_string(talker),
                         quote(heard[talker]),
                         cause_of(talker == i ? "" : messages[talker], heard[talker],
                                  until_it_is_empty, in_order));
        }
    }
}

TEST_CASE("The server drops an unfinished last line", "[11_chat][chat_server][step:10][points:1]") {
    Stage stage{lab};
    Room room = open_room(stage, 3);
    for (const std::string text : {"whole\nhalf of a li", "whole\nexit", "whole\n\r"}) {
        Peer& client = join(stage, room.scene);
        client.send(text);
        client.shut_down_sending();
        expect_left(room.server(), client.endpoint(), leaves_at_the_end);
        room.expect_heard(client, "whole\n");
        room.chat("what is cut off is no line, and not the beginning of another's");
    }
    room.close();
}

TEST_CASE("The server sends on the lines before exit and none behind it",
          "[11_chat][chat_server][step:10][points:2]") {
    Stage stage{lab};
    Room room = open_room(stage, 2);
    for (const std::string exit : {"exit\n", "exit\r\n"}) {
        for (const std::string behind : {"", "behind\n", "behind\nhalf of a li", "exit\n"}) {
            Peer& client = join(stage, room.scene);
            client.send("before\n\nlast\n" + exit + behind);
            expect_left(room.server(), client.endpoint(),
                        "exit is looked for among all lines that a read has brought");
            room.expect_heard(client, "before\n\nlast\n");
            const std::string received = client.receive_to_end("behind exit the server closes");
            stage.expect(received.empty(), "nothing for the client itself", quote(received));
            room.chat("exit is not sent on, nor what stands behind it");
        }
    }
    room.close();
}

TEST_CASE("The word exit in a longer line is a word like any other",
          "[11_chat][chat_server][step:10][points:1]") {
    Stage stage{lab};
    Room room = open_room(stage, 3);
    for (const std::string line : {"exit now", " exit", "exit ", "the exit", "exitexit", "Exit",
                                   "EXIT", "exit\r\r", "\rexit", "exi", "exit!"}) {
        room.say(room[0], line, "only the line exit ends a client, as the whole line");
    }
    room.say(room[0], "one exit\ntwo\nexit three");
    room.close();
}

TEST_CASE("A client that reads late gets every line once and in order",
          "[11_chat][chat_server][step:10][points:2]") {
    Stage stage{lab};
    const Room room = open_room(stage, 3, {"--max-backlog", "1000000000", "--timeout", "0"});
    LazyPeer late{stage, room.scene.port};
    expect_joined(room.server(), late.endpoint());
    std::string sent = send_pieces(room, much);
    stage.pass_time(0.1);  // a timeout of 0 is none
    expect_read(stage, late, sent, until_it_is_empty, one_writer);
    // It has caught up: from now on it is like any other.
    for (int i = 0; i < 10; ++i) {
        room.say(room[1], "hello " + std::to_string(i));
        sent += "hello " + std::to_string(i) + "\n";
        expect_read(stage, late, sent, until_it_is_empty, one_writer);
    }
}

TEST_CASE("A client that leaves still gets the lines that wait for it",
          "[11_chat][chat_server][step:10][points:2]") {
    // What still comes behind exit is of no use to anybody, but to close with it unread would reset
    // the connection.
    for (const std::string& bytes : {""s, "exit\n"s, "exit\n" + std::string(megabyte, 'x')}) {
        Stage stage{lab};
        const Room room = open_room(stage, 2, no_backlog_limit);
        LazyPeer leaving{stage, room.scene.port};
        expect_joined(room.server(), leaving.endpoint());
        const std::string sent = send_pieces(room, much);
        if (bytes.empty()) {
            leaving.shut_down_sending();
        } else {
            leaving.send_in_background(bytes);
        }
        stage.pass_time(0.1);
        stage.expect(!holds(room.server().output(), "left " + leaving.endpoint() + "\n"),
                     "no line \"left " + leaving.endpoint() + "\" yet: lines wait for it",
                     quote(room.server().output()), still_gets_its_lines);
        expect_read(stage, leaving, sent, still_gets_its_lines, one_writer);
        leaving.read(sent.size() + 1);
        stage.expect(leaving.ended(), "the end of the stream", "it stays open",
                     still_gets_its_lines);
        expect_left(room.server(), leaving.endpoint(), leaves_at_the_end);
        room.chat();
    }
}

TEST_CASE("The server closes at last when a client that has left does not",
          "[11_chat][chat_server][step:7][points:1]") {
    Stage stage{lab};
    const Room room = open_room(stage, 2, {"--timeout", std::to_string(0.5 * time_scale())});
    const std::string cause = "whoever has left has its time to close, and no more: async_end()";
    LazyPeer silent{stage, room.scene.port};
    expect_joined(room.server(), silent.endpoint());
    LazyPeer talker{stage, room.scene.port};
    expect_joined(room.server(), talker.endpoint());
    silent.send_in_background("exit\n");
    expect_left(room.server(), silent.endpoint());
    talker.send_in_background("exit\n" + std::string(megabyte, 'x'));
    expect_left(room.server(), talker.endpoint());
    for (LazyPeer* peer : {&silent, &talker}) {
        peer->read(1);
        stage.expect(peer->text().empty() && peer->ended(), "the end of the stream",
                     quote(peer->text()), cause);
    }
    // One that never pauses is to be closed too, though there is always something to read.
    stage.wait_until([&] { return !talker.is_sending(); });
    talker.send_in_background(std::string(megabyte, 'x'), true);
    stage.wait_until([&] { return talker.is_broken(); });
    stage.expect(talker.is_broken(), "the connection of a client that talks on is closed",
                 "it stays open", cause);
    // That a silent one is closed shows when it speaks.
    const auto start = Clock::now();
    while (!silent.is_broken() && Clock::now() - start < patience()) {
        silent.send_in_background("x");
        stage.wait_until([&] { return !silent.is_sending(); });
        stage.pass_time(0.02);
    }
    stage.expect(silent.is_broken(), "the connection of a client that does not close is closed",
                 "it stays open", cause);
    room.chat();
}

// --- chat_server: limits ---------------------------------------------------------------------

TEST_CASE("The server sends on a line of exactly as many bytes as allowed",
          "[11_chat][chat_server][step:10][points:1]") {
    for (const std::size_t limit : {0, 1, 10, 511, 512, 4095, 4096, 4097, 100000}) {
        Stage stage{lab};
        std::vector<std::string> options = no_backlog_limit;
        if (limit != 4096) {
            options.insert(options.end(), {"--max-line", std::to_string(limit)});
        }
        Room room = open_room(stage, 2, options);
        const std::string line(limit, 'x');
        room.say(room[0], line, limit_is_for_the_line);
        room.say(room[0], line + "\n\n" + line + "\n" + line, limit_is_for_the_line);
        if (limit > 0) {
            room.say(room[1], std::string(limit - 1, 'y') + "\r", limit_is_for_the_line);
            room.say(room[1], std::string(limit - 1, 'z'), limit_is_for_the_line);
        }
        room.close();
    }
}

TEST_CASE("The server drops a client whose line is one byte too long",
          "[11_chat][chat_server][step:7][points:2]") {
    for (const std::size_t limit : {0, 1, 10, 511, 512, 4095, 4096, 4097, 100000}) {
        Stage stage{lab};
        std::vector<std::string> options{"--max-line", std::to_string(limit)};
        if (limit == 4096) options.clear();
        const ServerScene scene = listening_server(stage, options);
        // The end of the line need not come: it is too long as it is.
        for (const std::string end : {"x", "x\n", "\r\n", "x\nmore\n"}) {
            Peer& client = join(stage, scene);
            client.send(std::string(limit, 'x') + end);
            expect_fault(scene.server, client.endpoint(),
                         "line over " + std::to_string(limit) + " bytes", limit_is_for_the_line);
            expect_left(scene.server, client.endpoint(), one_fault);
            client.receive_to_end("the client is to know that it was dropped");
        }
        leave(scene, join(stage, scene));
    }
}

TEST_CASE("The server sends on the whole lines before one that is too long",
          "[11_chat][chat_server][step:10][points:1]") {
    Stage stage{lab};
    Room room = open_room(stage, 2, {"--max-line", "20"});
    for (const std::string too_long :
         {"this is much too long", "this is much too long\n", "this is much too long\nmore\n"}) {
        Peer& client = join(stage, room.scene);
        client.send("one\ntwo\n" + too_long);
        room.expect_heard(client, "one\ntwo\n", "whole lines before the long one are still sent");
        expect_fault(room.server(), client.endpoint(), "line over 20 bytes", limit_is_for_the_line);
        expect_left(room.server(), client.endpoint(), one_fault);
        client.receive_to_end();
        room.chat("of a line that is too long nothing is sent on, nor what stands behind it");
    }
    room.close();
}

TEST_CASE("The server drops a client with an endless line as soon as that is too long",
          "[11_chat][chat_server][step:7][points:1]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    leave(scene, join(stage, scene));
    const std::size_t memory = scene.server.peak_memory();
    Peer& client = join(stage, scene);
    const std::string text(megabyte, 'x');
    for (int i = 0; i < 64 && !client.ended() && client.could_send(); ++i) client.send(text);
    expect_fault(scene.server, client.endpoint(), "line over 4096 bytes", limit_is_for_the_line);
    expect_left(scene.server, client.endpoint(), one_fault);
    client.receive_to_end("the limit is passed: there is no need to read on");
    const bool frugal = scene.server.peak_memory() < memory + 16 * megabyte;
    stage.expect(
        frugal, "little more memory in use than before",
        std::to_string((scene.server.peak_memory() - memory) / megabyte) + " megabytes more",
        "the buffer must have a limit (step 7)");
}

TEST_CASE("The server takes any whole number as its limits",
          "[11_chat][chat_server][step:10][points:1]") {
    for (const std::string limit : {"4294967295", "4294967296", "18446744073709551615"}) {
        Stage stage{lab};
        Room room = open_room(stage, 3, {"--max-line", limit, "--max-backlog", limit});
        room.chat("a number may be larger than the machine: room for it is not needed yet");
        room.close();
    }
}

TEST_CASE("A client that does not read delays nobody and is dropped at its backlog limit",
          "[11_chat][chat_server][step:10][points:3]") {
    Stage stage{lab};
    Room room = open_room(stage, 2, {"--max-backlog", "65536"});
    Peer& stalled = join(stage, room.scene);
    room.clients.push_back(&join(stage, room.scene));
    stalled.stall();
    const std::string& errors = room.server().errors();
    const std::string sent = send_pieces(room, too_much, [&] { return !errors.empty(); });
    stage.expect(!errors.empty(), "one of the clients is dropped",
                 "none is, behind " + std::to_string(sent.size() / megabyte) + " megabytes",
                 dropped_at_its_limit);
    expect_fault(room.server(), stalled.endpoint(), "backlog over 65536 bytes",
                 dropped_at_its_limit);
    expect_left(room.server(), stalled.endpoint(), dropped_at_its_limit);
    room.chat();
    room.close();
}

TEST_CASE("A client that does not read is dropped by the line that is too much for it",
          "[11_chat][chat_server][step:10][points:1]") {
    const std::string limit = std::to_string(much + megabyte);
    Stage stage{lab};
    Room room = open_room(stage, 2, {"--max-backlog", limit, "--max-line", limit});
    Peer& stalled = join(stage, room.scene);
    stalled.stall();
    send_pieces(room, much);  // a part of it waits, but not too much
    const std::string& errors = room.server().errors();
    stage.expect(errors.empty(), "nobody is dropped", quote(errors), counts_what_waits);
    const std::string line(much + megabyte, 'x');
    room[0].send(line + "\n");
    room.expect_heard(room[0], line + "\n", nobody_waits);
    expect_fault(room.server(), stalled.endpoint(), "backlog over " + limit + " bytes",
                 "add the lines first, and look then: these may be too much already (step 8)");
    expect_left(room.server(), stalled.endpoint(), dropped_at_its_limit);
    room.chat();
    room.close();
}

TEST_CASE("A line longer than the backlog's limit reaches a client that reads",
          "[11_chat][chat_server][step:10][points:1]") {
    for (const std::string limit : {"100", "0"}) {
        Stage stage{lab};
        // One such line for each client: behind it a server need not know yet that it was taken.
        Room room = open_room(stage, 3, {"--max-backlog", limit});
        room.say(room[0], std::string(200, 'x'), takes_what_is_written);
        room.close();
    }
}

TEST_CASE("The server counts as backlog only what a client has not yet taken",
          "[11_chat][chat_server][step:10][points:1]") {
    Stage stage{lab};
    Room room = open_room(stage, 3, {"--max-backlog", "65536"});
    const std::string& errors = room.server().errors();
    send_pieces(room, 3 * megabyte, [&] { return !errors.empty(); });
    stage.expect(errors.empty(), "nobody is dropped who reads", quote(errors), counts_what_waits);
    room.chat(counts_what_waits);
    room.close();
}

TEST_CASE("The server needs little memory when many talk at once",
          "[11_chat][chat_server][step:10][points:1]") {
    constexpr std::size_t talkers = 64;
    Stage stage{lab};
    const ServerScene scene = listening_server(stage, {"--max-backlog", "65536"});
    leave(scene, join(stage, scene));
    std::vector<std::unique_ptr<LazyPeer>> clients;
    for (std::size_t i = 0; i < talkers; ++i) {
        clients.push_back(std::make_unique<LazyPeer>(stage, scene.port));
        expect_joined(scene.server, clients.back()->endpoint());
        clients.back()->read_and_forget();
    }
    const std::size_t memory = scene.server.peak_memory();
    std::string lines;
    for (int i = 0; i < 3; ++i) lines += piece(i);
    // All of that waits in the connections when the server goes on.
    scene.server.signal(SIGSTOP);
    for (const auto& client : clients) client->send_in_background(lines);
    stage.pass_time(0.2);
    scene.server.signal(SIGCONT);
    // Who reads too slowly may be dropped; then it has no more to get.
    const auto has_all = [&](const auto& client) {
        return client->ended() || client->received() == (talkers - 1) * lines.size();
    };
    stage.wait_until([&] { return scene.server.ended() || std::ranges::all_of(clients, has_all); });
    scene.server.expect_running(one_fault);
    const std::size_t more = scene.server.peak_memory() - memory;
    // The sanitizers multiply memory as they do time.
    const double most = 128.0 * static_cast<double>(megabyte) * time_scale();
    stage.expect(static_cast<double>(more) < most, "little more memory in use than before",
                 std::to_string(more / megabyte) + " megabytes more",
                 "who talks faster than the server writes must wait: as long as too much waits for "
                 "a client whose connection is not full, nothing more is read (step 10)");
}

TEST_CASE("The server gives up on a client that takes nothing for longer than the timeout",
          "[11_chat][chat_server][step:10][points:1]") {
    const double timeout = 0.5 * time_scale();
    Stage stage{lab};
    Room room =
        open_room(stage, 2, {"--timeout", std::to_string(timeout), "--max-backlog", "1000000000"});
    Peer& stalled = join(stage, room.scene);
    stalled.stall();
    const std::string& errors = room.server().errors();
    send_pieces(room, much, [&] { return !errors.empty(); });
    expect_fault(
        room.server(), stalled.endpoint(), "timed out",
        "what was sent has a time to be taken, see give_up_after(): then the write fails, and "
        "its loop ends (step 10)");
    expect_left(room.server(), stalled.endpoint(), one_fault);
    room.chat();
    room.close();
}

TEST_CASE("The server lets a client be silent for longer than the timeout",
          "[11_chat][chat_server][step:10][points:1]") {
    for (const std::string timeout : {"0.3", "0"}) {
        Stage stage{lab};
        Room room = open_room(stage, 3, {"--timeout", timeout});
        room.chat(silent_is_welcome);
        room[1].send_in_pieces({"half of "});
        stage.pass_time(timeout == "0" ? 0.1 : 0.8);
        const std::string& errors = room.server().errors();
        stage.expect(errors.empty(), "nobody is dropped", quote(errors), silent_is_welcome);
        room[1].send("a line\n");
        room.expect_heard(room[1], "half of a line\n", silent_is_welcome);
        room.chat(silent_is_welcome);
        room.close();
    }
}

// --- chat_server: trouble --------------------------------------------------------------------

TEST_CASE("Others chat on when clients reset their connections while lines wait for them",
          "[11_chat][chat_server][step:10][points:1]") {
    Stage stage{lab};
    Room room = open_room(stage, 3, no_backlog_limit);
    for (const bool has_left : {false, true}) {
        LazyPeer lazy{stage, room.scene.port};
        expect_joined(room.server(), lazy.endpoint());
        send_pieces(room, much);
        if (has_left) {
            lazy.shut_down_sending();
            stage.pass_time(0.1);
        }
        lazy.reset();
        expect_fault(room.server(), lazy.endpoint(), any_reason,
                     "lines that a client does not get are a fault, even when it had left");
        expect_left(room.server(), lazy.endpoint(), one_fault);
        room.chat();
    }
    // Some that are gone when the next line comes for them; the server may not know that yet.
    for (int i = 0; i < 20; ++i) {
        Peer& rude = join(stage, room.scene);
        rude.reset();
        room.chat();
        expect_left(room.server(), rude.endpoint(), one_fault);
    }
    room.close();
}

TEST_CASE("Others chat on while one client talks without end",
          "[11_chat][chat_server][step:10][points:1]") {
    Stage stage{lab};
    const Room room = open_room(stage, 3, no_backlog_limit);
    LazyPeer talker{stage, room.scene.port};
    expect_joined(room.server(), talker.endpoint());
    talker.read_in_background();
    const std::string line = "And another thing: " + std::string(80, '.') + "\n";
    std::string bytes;
    while (bytes.size() < 8000) bytes += line;
    talker.send_in_background(bytes, true);
    std::string said;
    for (int i = 0; i < 20; ++i) {
        const std::string word = "May I say something? " + std::to_string(i) + "\n";
        room[i % 3].send(word);
        said += word;
        // The one who never pauses gets it, while it talks.
        stage.wait_until([&] { return talker.text().size() >= said.size() || talker.ended(); });
        stage.expect(talker.text() == said, "the talker receives " + quote(word),
                     quote(talker.text()), "one who talks a lot must not take all the time");
    }
    talker.stop_sending();
    room[0].send("exit\n");
    expect_left(room.server(), room[0].endpoint());
    std::istringstream lines{room[0].receive_to_end()};
    std::string others;
    for (std::string heard; std::getline(lines, heard);) {
        if (heard + "\n" != line) others += heard + "\n";
    }
    std::string expected;
    for (int i = 0; i < 20; ++i) {
        if (i % 3 != 0) expected += "May I say something? " + std::to_string(i) + "\n";
    }
    stage.expect(others == expected, "the lines of the others, whole and in order", quote(others),
                 in_order);
}

TEST_CASE("Two hundred clients chat at once", "[11_chat][chat_server][step:10][points:1]") {
    constexpr std::size_t count = 200;
    Stage stage{lab};
    Room room = open_room(stage, count);
    for (std::size_t i = 0; i < count; i += 20) room.say(room[i], "I am " + std::to_string(i));
    for (std::size_t i = 1; i < count; i += 2) leave(room.scene, room[i]);
    for (std::size_t i = count; i-- > 0;) {
        if (i % 2 == 1) room.clients.erase(room.clients.begin() + static_cast<std::ptrdiff_t>(i));
    }
    for (std::size_t i = 0; i < count / 2; i += 20) room.say(room[i], "Still here");
    room.close();
}

TEST_CASE("The server waits calmly for a client to leave when it can't have more connections",
          "[11_chat][chat_server][step:10][points:2]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage, {}, {.open_files = 40});
    Process& server = scene.server;
    const auto has_joined = [&](const Peer& client) {
        return holds(server.output(), "joined " + client.endpoint() + "\n");
    };
    Room room{stage, scene, {}};
    for (int i = 0; i < 60 && server.errors().empty() && !server.ended(); ++i) {
        Peer& client = stage.connect(scene.port);
        room.clients.push_back(&client);
        const auto answers = [&] { return has_joined(client) || !server.errors().empty(); };
        if (!stage.wait_until(answers)) break;
        // The next accept() may fail before anyone asks for it.
        if (i > 20) stage.pass_time(0.02);
    }
    stage.pass_time(0.1);
    stage.expect(!server.ended(), server_name() + " goes on", server_name() + " " + server.state(),
                 "an accept that fails must not end the server: store its error by "
                 "redirect_error (step 5)");
    Peer& waiting = stage.connect(scene.port);
    server.expect_error_like(server_name() + ": " + no_todo + ".*Too many open files",
                             "one line that ends with \"Too many open files\"",
                             "it was started with 40 descriptors at most");
    room.clients.pop_back();  // it may or may not have got the last one
    room.chat();
    const std::string errors = server.errors();
    const double before = server.processor_time();
    stage.pass_time(1);
    const double used = server.processor_time() - before;
    stage.expect(used < 0.1 * time_scale(), "next to no processor time in a second of waiting",
                 std::to_string(used) + " s",
                 "a client that can't be accepted keeps the acceptor ready: pause before the next "
                 "try");
    server.expect_running(one_fault);
    stage.expect(server.errors() == errors, "one complaint", quote(server.errors()),
                 "the same trouble is reported once");
    room.chat();
    // With two places free both who may be waiting have their turn.
    for (int i = 0; i < 2; ++i) {
        room[0].close();
        room.clients.erase(room.clients.begin());
    }
    stage.wait_until([&] { return has_joined(waiting) || server.ended(); });
    stage.expect(has_joined(waiting), "the line \"joined " + waiting.endpoint() + "\"",
                 "no such line", "when a client leaves, one that waits has its turn");
    room.clients.push_back(&waiting);
    room.chat("whoever had to wait chats like the others");
}

TEST_CASE("The server ends at once when it is interrupted while clients are connected",
          "[11_chat][chat_server][step:10][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        const Room room = open_room(stage, 2, no_backlog_limit);
        room.chat();
        LazyPeer lazy{stage, room.scene.port};
        expect_joined(room.server(), lazy.endpoint());
        send_pieces(room, much);
        room[0].send_in_pieces({"half of a li"});
        room.server().signal(signal);
        room.server().expect_end_by(signal);
    }
}

// --- chat_server: a good program -------------------------------------------------------------

TEST_CASE("The server listens on 0.0.0.0 port 40000 when it is told nothing else",
          "[11_chat][chat_server][step:10][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        Process& server = stage.start(server_name());
        server.expect_line("listening on 0.0.0.0:40000");
        Room room{stage, {server, "40000"}, {}};
        for (const std::string address : {"127.0.0.1", "127.0.0.2", "127.0.0.1"}) {
            room.clients.push_back(&join(stage, room.scene, address));
        }
        room.chat();
        room.close();
    });
}

TEST_CASE("Clients chat over IPv6", "[11_chat][chat_server][step:10][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    Stage stage{lab};
    Room room = open_room(stage, 3, {}, "::1");
    room.chat();
    Peer& rude = join(stage, room.scene, "::1");
    rude.reset();
    expect_fault(room.server(), rude.endpoint(), any_reason);
    expect_left(room.server(), rude.endpoint());
    room.close();
}

TEST_CASE("A server that works reports an address that it can't listen on",
          "[11_chat][chat_server][step:7][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        expect_server_works(stage);
        const std::string port = stage.listen().port();
        Process& second = stage.start(server_name(), {"--port", port});
        second.expect_error_like(
            server_name() + ": .*0\\.0\\.0\\.0:" + port + ": Address already in use",
            "one line that names 0.0.0.0:" + port,
            "an acceptor that is opened inside a coroutine may fail without a word");
        second.expect_exit(1);
        Process& stranger = stage.start(server_name(), {"--bind", "10.9.8.7"});
        stranger.expect_error_like(
            server_name() + ": .*10\\.9\\.8\\.7:40000: Cannot assign requested address",
            "one line that names 10.9.8.7:40000");
        stranger.expect_exit(1);
    });
}

TEST_CASE("The server can be started again at once on the same port",
          "[11_chat][chat_server][step:7][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        Process& first = stage.start(server_name());
        first.expect_line("listening on 0.0.0.0:40000");
        // The server closes first, so the connection lingers on its side, in TIME_WAIT.
        const ServerScene scene{first, "40000"};
        Peer& client = join(stage, scene);
        client.send("exit\n");
        expect_left(first, client.endpoint());
        client.expect_end();
        client.close();
        first.signal(SIGTERM);
        first.expect_end_by(SIGTERM);
        Process& second = stage.start(server_name());
        second.expect_line("listening on 0.0.0.0:40000",
                           "a connection in TIME_WAIT keeps the port: set reuse_address");
        join(stage, {second, "40000"});
    });
}

TEST_CASE("A server that works explains itself and refuses wrong usage",
          "[11_chat][chat_server][step:7][points:1]") {
    Stage stage{lab};
    expect_server_works(stage);
    const std::string server = server_name();
    expect_help(stage, server,
                {{"--bind ADDRESS", "0.0.0.0"},
                 {"--port PORT", "40000"},
                 {"--max-line BYTES", "4096"},
                 {"--max-backlog BYTES", "1048576"},
                 {"--timeout SECONDS", "30"},
                 {"--log FILE", "none"},
                 {"--help", ""}});
    expect_usage_error(stage, server, {"--colour"}, "--colour");
    expect_usage_error(stage, server, {"--max", "1"}, "--max");
    expect_usage_error(stage, server, {"--port"}, "--port");
    expect_usage_error(stage, server, {"extra"}, "extra");
    for (const std::string port : {"-1", "65536", "abc", "1.5", "40000x", ""}) {
        expect_usage_error(stage, server, {"--port", port}, "--port");
    }
    for (const std::string address : {"localhost", "300.1.1.1", "1.2.3", ":::1", ""}) {
        expect_usage_error(stage, server, {"--bind", address}, "--bind");
    }
    for (const std::string option : {"--max-line", "--max-backlog"}) {
        for (const std::string bytes : {"-1", "abc", "1.5", "64k", ""}) {
            expect_usage_error(stage, server, {option + "=" + bytes}, option);
        }
    }
    for (const std::string seconds : {"-3", "soon", "1s", "nan", "inf", ""}) {
        expect_usage_error(stage, server, {"--timeout=" + seconds}, "--timeout");
    }
    expect_usage_error(stage, server, {"\x1b[2J"}, R"(\x1b[2J)");
}

TEST_CASE("A server that works ends with an error when its output can't be written",
          "[11_chat][chat_server][step:7][points:1]") {
    Stage stage{lab};
    expect_server_works(stage);
    for (const StartOptions& options :
         {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
        Process& server = stage.start(server_name(), {"--port", "0"}, options);
        server.expect_error_like(server_name() + ": " + any_reason + ": .+",
                                 "one line that says why");
        server.expect_exit(1);
    }
}

TEST_CASE("The server ends with an error when nobody reads its output any more",
          "[11_chat][chat_server][step:7][points:1]") {
    Stage stage{lab};
    NamedPipe reader{stage, "stdout"};
    Process& server = stage.start(server_name(), {"--bind", "127.0.0.1", "--port", "0"},
                                  {.stdout_file = stage.path("stdout")});
    const std::string listening = reader.read_line();
    const std::string port = listening.substr(listening.rfind(':') + 1);
    Peer& client = stage.connect(port);
    const std::string line = reader.read_line();
    stage.expect(line == "joined " + client.endpoint(), "the line \"joined A:P\"", quote(line));
    reader.close();
    client.shut_down_sending();
    stage.wait_until([&] { return server.ended() || holds(server.errors(), "\n"); });
    stage.expect(server.ended() || holds(server.errors(), "\n"),
                 server_name() + " ends with an error", "it goes on in silence",
                 "what ends serve() must end the program: fail_loudly() hands it on, where "
                 "asio::detached loses it (step 6)");
    server.expect_error_like(
        server_name() + ": (?!.*" + client.endpoint() + ")" + any_reason + ": .+",
        "one line that does not blame the client",
        "a stdout that can't be written is no fault of the client");
    server.expect_exit(1, "a stdout that can't be written ends the program");
}

TEST_CASE("The server ends with an error when it can't say that a client has got its last lines",
          "[11_chat][chat_server][step:10][points:1]") {
    Stage stage{lab};
    NamedPipe reader{stage, "stdout"};
    Process& server = stage.start(
        server_name(),
        {"--bind", "127.0.0.1", "--port", "0", "--max-backlog", "1000000000", "--timeout", "0"},
        {.stdout_file = stage.path("stdout")});
    const std::string listening = reader.read_line();
    const std::string port = listening.substr(listening.rfind(':') + 1);
    LazyPeer leaving{stage, port};
    const std::string first = reader.read_line();
    stage.expect(first == "joined " + leaving.endpoint(), "the line \"joined A:P\"", quote(first));
    Peer& talker = stage.connect(port);
    const std::string second = reader.read_line();
    stage.expect(second == "joined " + talker.endpoint(), "the line \"joined A:P\"", quote(second));
    for (std::size_t i = 0; i * piece(0).size() < much; ++i) talker.send_in_pieces({piece(i)});
    leaving.shut_down_sending();
    stage.pass_time(0.1);
    reader.close();
    leaving.read_in_background();
    const bool ends = happens(stage, [&] { return server.ended(); });
    stage.expect(ends, server_name() + " ends with an error", "it goes on in silence",
                 "what ends write_backlog() must end the program: fail_loudly() hands it on, where "
                 "asio::detached loses it (step 9)");
    server.expect_error_like(
        server_name() + ": (?!.*" + leaving.endpoint() + ")" + any_reason + ": .+",
        "one line that does not blame the client",
        "a stdout that can't be written is no fault of the client");
    server.expect_exit(1, "a stdout that can't be written ends the program");
}

TEST_CASE("The server writes a log of whole lines when asked",
          "[11_chat][chat_server][step:7][points:1]") {
    Stage stage{lab};
    const std::string before = "[20200101 00:00:00] before:1 - this line was there before\n";
    stage.write_file("server.log", before);
    const ServerScene scene = listening_server(stage, {"--log", "server.log"});
    leave(scene, join(stage, scene));
    Peer& rude = join(stage, scene);
    rude.reset();
    expect_left(scene.server, rude.endpoint());
    expect_log(stage, "server.log");
    const std::string log = stage.read_file("server.log");
    stage.expect(log.starts_with(before) && log.size() > before.size(),
                 "new lines behind those that were there", quote(log));
    Process& other = stage.start(server_name(), {"--port", "0", "--log", "no/such/folder"});
    other.expect_error_like(server_name() + ": " + no_todo + ".*no/such/folder.*: .+",
                            "one line that names the log file");
    other.expect_exit(1);
}

// --- chat_client: what comes -----------------------------------------------------------------

TEST_CASE("The client ends as soon as the server closes even if nothing was typed",
          "[11_chat][chat_client][step:1][points:1]") {
    Stage stage{lab};
    const ClientScene scene = connected_client(stage);
    stage.pass_time(0.1);
    stage.expect(!scene.client.ended(),
                 "chat_client waits until something comes: it must co_await the read",
                 "it " + scene.client.state(),
                 "async_read_until() never began: co_await, see the compiler's warning (step 1)");
    scene.server.close();
    scene.client.expect_exit(0, server_has_closed);
}

TEST_CASE("The client prints each line as soon as it comes",
          "[11_chat][chat_client][step:2][points:2]") {
    Stage stage{lab};
    const ClientScene scene = connected_client(stage);
    for (const std::string line : {"one", "two", "", "Gr\u00fc\u00dfe", "  four  ", ""}) {
        scene.server.send(line + "\n");
        scene.client.expect_line(line, line == "one" ? every_line_at_once : printed_once);
    }
    close_server(scene);
}

TEST_CASE("The client prints whole lines however they were split or glued together",
          "[11_chat][chat_client][step:2][points:2]") {
    Stage stage{lab};
    const ClientScene scene = connected_client(stage);
    const std::vector<std::string> lines{"\u00fc", "", "all"};
    const std::string text = "\u00fc\r\n\nall\n";
    for (std::size_t i = 1; i < text.size(); ++i) {
        scene.server.send_in_pieces({text.substr(0, i)});
        scene.server.send(text.substr(i));
        for (const std::string& line : lines) {
            scene.client.expect_line(line, line == lines[0] ? without_its_end : more_may_have_come);
        }
    }
    scene.server.send_byte_by_byte(text);
    for (const std::string& line : lines) scene.client.expect_line(line, more_may_have_come);
    scene.server.send_in_pieces({"one\ntwo\nthr"});
    scene.client.expect_line("one", every_line_at_once);
    scene.client.expect_line("two", more_may_have_come);
    scene.server.send_in_pieces({"ee\n"});
    scene.client.expect_line("three", more_may_have_come);
    std::string many;
    for (int i = 0; i < 5000; ++i) many += "line " + std::to_string(i) + "\n";
    scene.server.send(many);
    for (int i = 0; i < 5000; ++i) {
        scene.client.expect_line("line " + std::to_string(i), more_may_have_come);
    }
    close_server(scene);
}

TEST_CASE("The client drops the end of a line and an unfinished last line",
          "[11_chat][chat_client][step:2][points:1]") {
    Stage stage{lab};
    const ClientScene scene = connected_client(stage);
    scene.server.send("one\r\n\r\na\rb\nc\r\r\nd\nhalf of a li");
    for (const std::string line : {"one", "", R"(a\x0db)", R"(c\x0d)", "d"}) {
        scene.client.expect_line(line, "\\n or \\r\\n ends a line, any other \\r belongs to it");
    }
    scene.server.close();
    scene.client.expect_exit(0, "what is cut off is no line: only whole ones are printed");
}

TEST_CASE("The client shows every control byte and every broken byte as harmless text",
          "[11_chat][chat_client][step:2][points:1]") {
    Stage stage{lab};
    const ClientScene scene = connected_client(stage);
    const std::string cause = "what a stranger has written is printed by print_line() (step 2)";
    const std::vector<std::pair<std::string, std::string>> texts{
        {"\x1b]0;gotcha\x07\x1b[2J", R"(\x1b]0;gotcha\x07\x1b[2J)"},
        {"C1: \xc2\x80 \xc2\x9b \xc2\x9f", R"(C1: \xc2\x80 \xc2\x9b \xc2\x9f)"},
        {"overlong: \xc0\xaf \xe0\x80\xaf", R"(overlong: \xc0\xaf \xe0\x80\xaf)"},
        {"surrogate: \xed\xa0\x80", R"(surrogate: \xed\xa0\x80)"},
        {"cut off: \xe2\x82", R"(cut off: \xe2\x82)"},
        {"a\0b"s, R"(a\x00b)"},
        {"forged\rAnn: exit", R"(forged\x0dAnn: exit)"},
        {"\xe4\xbd\xa0\xe5\xa5\xbd \\x0a C:\\temp \t%s%n",
         "\xe4\xbd\xa0\xe5\xa5\xbd \\x0a C:\\temp \t%s%n"}};
    for (const auto& [text, shown] : texts) {
        scene.server.send(text + "\n");
        scene.client.expect_line(shown, cause);
    }
    const std::string shown = all_bytes_shown();
    const auto newline = shown.find("\\x0a");
    scene.server.send(all_bytes() + "\n");
    scene.client.expect_line(shown.substr(0, newline), cause);
    scene.client.expect_line(shown.substr(newline + 4), cause);
    close_server(scene);
}

TEST_CASE("The client prints long lines", "[11_chat][chat_client][step:2][points:1]") {
    Stage stage{lab};
    const ClientScene scene = connected_client(stage);
    for (const std::size_t size : {511, 512, 513, 4096, 65535, 65536, 65537, 1000000}) {
        const std::string line(size, 'x');
        scene.server.send(line + "\nnext\n");
        scene.client.expect_line(line, "a line may come in many reads (step 1)");
        scene.client.expect_line("next", more_may_have_come);
    }
    close_server(scene);
}

TEST_CASE("The client fails on an endless line and in little memory",
          "[11_chat][chat_client][step:1][points:1]") {
    Stage stage{lab};
    expect_client_works(stage);
    const ClientScene scene = connected_client(stage);
    const std::size_t memory = scene.client.peak_memory();
    std::size_t peak = memory;
    const std::string text(megabyte, 'x');
    for (int i = 0; i < 64 && !scene.server.ended() && scene.server.could_send(); ++i) {
        scene.server.send(text);
        peak = std::max(peak, scene.client.peak_memory());
    }
    expect_failure(scene.client, ".+", "one line that says why",
                   "a buffer that the server fills needs a limit (step 1)");
    stage.expect(peak < memory + 32 * megabyte, "little more memory in use than before",
                 std::to_string((peak - memory) / megabyte) + " megabytes more",
                 "a buffer that the server fills needs a limit (step 1)");
}

TEST_CASE("The client waits for lines for longer than its timeout",
          "[11_chat][chat_client][step:3][points:1]") {
    for (const std::string timeout : {"0.2", "0"}) {
        Stage stage{lab};
        const ClientScene scene = connected_client(stage, {"--timeout", timeout});
        const double silence = timeout == "0" ? 0.1 : 0.5;
        stage.pass_time(silence);
        scene.server.send("at last\n");
        scene.client.expect_line("at last", "silence is no failure in a chat");
        stage.pass_time(silence);
        expect_sent(scene, "later still");
        close_server(scene);
    }
}

// --- chat_client: what is typed --------------------------------------------------------------

TEST_CASE("The client sends each line as soon as it is typed while lines come",
          "[11_chat][chat_client][step:3][points:2]") {
    Stage stage{lab};
    const ClientScene scene = connected_client(stage);
    for (const std::string line : {"one", "two", "", "Gr\u00fc\u00dfe", " exit", "exit now"}) {
        expect_sent(scene, line);
        scene.server.send("You said " + line + "\n");
        scene.client.expect_line("You said " + line, every_line_at_once);
    }
    scene.client.type("half ");
    scene.server.send("Go on\n");
    scene.client.expect_line("Go on", "neither of the two waits for the other");
    scene.client.type("and half\nfi");
    scene.server.expect_received("half and half\n", sent_at_once);
    scene.client.type("ve\n");
    scene.server.expect_received("five\n", sent_at_once);
    close_server(scene);
}

TEST_CASE("The client puts its name before each line that it sends",
          "[11_chat][chat_client][step:3][points:1]") {
    for (const std::string name : {"Ann", "Gr\u00e9ta M", "exit"}) {
        Stage stage{lab};
        const ClientScene scene = connected_client(stage, {"--name", name});
        for (const std::string line : {"hello", "", "Exit", "a: b"}) {
            type_line(scene, line);
            scene.server.expect_received(name + ": " + line + "\n", sent_at_once);
        }
        scene.server.send("Bob: hi\n");
        scene.client.expect_line("Bob: hi");
        close_server(scene);
    }
}

TEST_CASE("The client sends the bytes of a line as they are",
          "[11_chat][chat_client][step:3][points:1]") {
    Stage stage{lab};
    const ClientScene scene = connected_client(stage);
    std::string bytes = all_bytes();
    std::erase(bytes, '\n');
    for (const std::string& line :
         {bytes, "\0"s, "a\0b"s, "\xff\xfe\xc2\x9b"s, "%s\\n\t"s, std::string(100000, 'x')}) {
        expect_sent(scene, line);
    }
    close_server(scene);
}

TEST_CASE("The client ends when exit is typed and sends nothing that is typed behind it",
          "[11_chat][chat_client][step:4][points:1]") {
    for (const std::vector<std::string>& options :
         {std::vector<std::string>{}, std::vector<std::string>{"--name", "Ann"}}) {
        Stage stage{lab};
        const ClientScene scene = connected_client(stage, options);
        const std::string prefix = options.empty() ? "" : "Ann: ";
        scene.client.type("bye\nexit\nmore\n");
        scene.server.expect_received(prefix + "bye\n", sent_at_once);
        expect_goodbye(stage, scene.server);
        close_server(scene, only_shut_down);
    }
}

TEST_CASE("The client ends at the end of what is typed",
          "[11_chat][chat_client][step:4][points:1]") {
    Stage stage{lab};
    const ClientScene typed = connected_client(stage);
    expect_sent(typed, "bye");
    typed.client.end_input();
    expect_goodbye(stage, typed.server);
    close_server(typed, only_shut_down);
    const ClientScene silent = connected_client(stage);
    silent.client.end_input();
    expect_goodbye(stage, silent.server);
    close_server(silent, only_shut_down);
    const ClientScene unfinished = connected_client(stage);
    unfinished.client.type("first\nlast");
    unfinished.client.end_input();
    expect_goodbye(stage, unfinished.server, "first\nlast\n");
    close_server(unfinished, only_shut_down);
}

TEST_CASE("The client sends all of twenty lines that are piped into it",
          "[11_chat][chat_client][step:4][points:3]") {
    std::string lines;
    for (int i = 0; i < 20; ++i) lines += "line " + std::to_string(i) + "\n";
    for (int round = 0; round < 10; ++round) {
        Stage stage{lab};
        const ClientScene scene = connected_client(stage);
        scene.client.type(lines);
        scene.client.end_input();
        expect_goodbye(stage, scene.server, lines);
        close_server(scene, only_shut_down);
    }
}

TEST_CASE("The client sends a whole file to a server that reads slowly",
          "[11_chat][chat_client][step:4][points:1]") {
    std::string contents;
    for (int i = 0; i < 10000; ++i) {
        const std::string name = "line " + std::to_string(i) + " ";
        contents += name + std::string(999 - name.size(), '.') + "\n";
    }
    Stage stage{lab};
    stage.write_file("file", contents);
    using boost::asio::ip::tcp;
    tcp::acceptor acceptor{stage.io(), {boost::asio::ip::address_v4::loopback(), 0}};
    const std::string port = std::to_string(acceptor.local_endpoint().port());
    Process& client = start_redirected(stage, port, "< file");
    LazyPeer server{stage, acceptor};
    stage.pass_time(0.1);
    server.send_in_background("Don't wait for me!\n");
    client.expect_line("Don't wait for me!",
                       "a write that blocks stops the printing as well: wait by co_await (step 3)");
    for (std::size_t size = megabyte; size < contents.size(); size += megabyte) {
        server.read(size);
        stage.pass_time(0.02);
    }
    server.read(contents.size());
    server.read(contents.size() + 1);
    const std::string& text = server.text();
    const bool says_exit = text.size() > contents.size() && text.ends_with("exit\n");
    expect_read(stage, server, says_exit ? contents + "exit\n" : contents, nothing_is_lost,
                "one write may take only a part of a message: async_write() goes on until it has "
                "taken all (step 3)");
    stage.expect(server.ended(), "the end of the stream", "it stays open", typing_has_ended);
    server.reset();
    stage.wait_until([&] { return client.ended(); });
    stage.expect(client.ended(), "chat_client ends", "it " + client.state());
}

TEST_CASE("The client takes a file as what is typed", "[11_chat][chat_client][step:4][points:1]") {
    Stage stage{lab};
    stage.write_file("file", "one\n\ntwo\r\nexit\nthree\n");
    Listener& listener = stage.listen();
    for (const auto& [redirection, lines] : std::vector<std::pair<std::string, std::string>>{
             {"< file", "one\n\ntwo\r\n"}, {"< /dev/null", ""}}) {
        Process& client = start_redirected(stage, listener.port(), redirection);
        Peer& server = listener.accept();
        expect_goodbye(stage, server, lines);
        server.close();
        client.expect_exit(0, only_shut_down);
    }
}

TEST_CASE("A client that works reports a standard input that can't be read",
          "[11_chat][chat_client][step:1][points:1]") {
    Stage stage{lab};
    expect_client_works(stage);
    Listener& listener = stage.listen();
    // Opened for writing only, or closed. Not a folder: on that, some languages do not even start.
    for (const std::string redirection : {"0> /dev/null", "<&-"}) {
        Process& client = start_redirected(stage, listener.port(), redirection);
        const bool ends = stage.wait_until([&] { return client.ended(); });
        stage.expect(ends, "chat_client ends with an error", "it goes on",
                     "nothing is typed as long as a read blocks: the coroutine that reads waits by "
                     "co_await (step 1)");
        expect_failure(client, ": .+", "one line that says why",
                       "an input that can't be read is no empty input");
    }
}

TEST_CASE("The client prints what still comes between the end of what is typed and the server's",
          "[11_chat][chat_client][step:4][points:1]") {
    for (Attempts attempts; attempts.another();) {
        Stage stage{lab};
        const ClientScene scene = connected_client(stage);
        scene.client.type("first\nlast\n");
        const auto start = Clock::now();
        scene.client.end_input();
        expect_goodbye(stage, scene.server, "first\nlast\n");
        scene.server.send("You said first\nYou said last\n");
        scene.server.send("Bye\n");
        scene.server.close();
        if (took_too_long(start, 1)) continue;  // a busy machine: try again
        scene.client.expect_line("You said first", only_shut_down);
        scene.client.expect_line("You said last", only_shut_down);
        scene.client.expect_line("Bye", only_shut_down);
        scene.client.expect_exit(0);
        break;
    }
}

TEST_CASE("The client ends by itself when a server does not close",
          "[11_chat][chat_client][step:4][points:1]") {
    Stage stage{lab};
    const ClientScene ended = connected_client(stage);
    const ClientScene left = connected_client(stage);
    ended.client.type("hello\n");
    ended.client.end_input();
    left.client.type("hello\nexit\n");
    for (const ClientScene& scene : {ended, left}) {
        scene.server.expect_received("hello\n", nothing_is_lost);
        // It waits for a second, and may: that is no reason for impatience, whatever went before.
        const auto least = std::chrono::seconds{3} * time_scale();
        stage.wait_until([&] { return scene.client.ended(); },
                         std::max(patience(), std::chrono::duration_cast<Clock::duration>(least)));
        stage.expect(scene.client.ended(), "chat_client ends by itself",
                     "it " + scene.client.state(),
                     "a server that never closes must not hold up the client (step 4)");
        scene.client.expect_exit(0, only_shut_down);
    }
}

// --- chat_client: servers that fail ----------------------------------------------------------

TEST_CASE("The client fails when the server resets the connection",
          "[11_chat][chat_client][step:1][points:1]") {
    Stage stage{lab};
    expect_client_works(stage);
    const ClientScene scene = connected_client(stage);
    scene.server.reset();
    const std::string endpoint = scene.server.endpoint();
    expect_failure(scene.client, pattern_of(endpoint) + ": .+", "one line that names " + endpoint,
                   "a reset is a failure, other than the end of the stream (step 1)");
}

TEST_CASE("The client waits for a server that does not read no longer than its timeout",
          "[11_chat][chat_client][step:3][points:1]") {
    Stage stage{lab};
    const double timeout = 0.5 * time_scale();
    Listener& listener = stage.listen();
    std::string contents;
    for (int i = 0; i < 1600; ++i) contents += std::string(9999, 'x') + "\n";
    stage.write_file("file", contents);
    Process& client = start_redirected(stage, listener.port(), "< file", std::to_string(timeout));
    Peer& server = listener.accept();
    server.expect_received("xxx", sent_at_once);
    server.stall();
    expect_failure(client, pattern_of(server.endpoint()) + ": timed out",
                   "one line that ends with " + server.endpoint() + ": timed out");
    stage.expect_at_least(client.run_time(), timeout, "the client waits");
}

TEST_CASE("The client connects over IPv6 and tries every address of a name",
          "[11_chat][chat_client][step:2][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    for (const std::string address : {"127.0.0.1", "::1"}) {
        in_world(lab, {.hosts = "127.0.0.1 two.test\n::1 two.test\n"}, [&address](Stage& stage) {
            Listener& listener = stage.listen(address);
            for (const std::string& host : {address, "two.test"s}) {
                Process& client = stage.start("chat_client", {host, listener.port()});
                Peer& server = listener.accept("only one address of a name may answer");
                server.send("hello\n");
                client.expect_line("hello");
                close_server({client, server});
            }
        });
    }
}

TEST_CASE("The client connects to 127.0.0.1 port 40000 when it is told nothing else",
          "[11_chat][chat_client][step:3][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        Listener& listener = stage.listen("127.0.0.1", "40000");
        Process& client = stage.start("chat_client");
        const ClientScene scene{client, listener.accept()};
        scene.server.send("hello\n");
        client.expect_line("hello");
        expect_sent(scene, "no name before this");
        close_server(scene);
    });
}

TEST_CASE("A client that works reports a server that it can't connect to",
          "[11_chat][chat_client][step:1][points:1]") {
    // In a world without a name server the look-up fails at once, and nothing is sent.
    in_world(lab, {}, [](Stage& stage) {
        expect_client_works(stage);
        std::vector<std::string> hosts{"127.0.0.1"};
        if (have_ipv6()) hosts.emplace_back("::1");
        for (const std::string& host : hosts) {
            const std::string port = stage.refusing_port(host);
            const std::string shown = (host == "::1" ? "[::1]" : host) + ":" + port;
            Process& client = stage.start("chat_client", {host, port});
            expect_failure(client, pattern_of(shown) + ": Connection refused",
                           "one line that names " + shown);
        }
        Process& stranger = stage.start("chat_client", {"no-such-host.invalid"});
        expect_failure(stranger, "no-such-host\\.invalid.*: .+", "one line that names the host");
        const std::string port = stage.silent_port();
        Process& silent = stage.start("chat_client", {"127.0.0.1", port, "--timeout", "0.2"});
        expect_failure(silent, "127\\.0\\.0\\.1:" + port + ": timed out",
                       "one line that names 127.0.0.1:" + port + " and ends with timed out");
        stage.expect_at_least(silent.run_time(), 0.2, "the client waits");
    });
}

// --- chat_client: a good program -------------------------------------------------------------

TEST_CASE("The client ends at once when it is interrupted",
          "[11_chat][chat_client][step:3][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        const ClientScene scene = connected_client(stage);
        expect_sent(scene, "one");
        scene.client.type("half of a li");
        scene.server.send_in_pieces({"half of a li"});
        scene.client.signal(signal);
        scene.client.expect_end_by(signal);
        const std::string port = stage.silent_port();
        Process& connecting = stage.start("chat_client", {"127.0.0.1", port});
        stage.await_attempt(port);
        connecting.signal(signal);
        connecting.expect_end_by(signal);
    }
}

TEST_CASE("The client reports that its output can't be written",
          "[11_chat][chat_client][step:2][points:1]") {
    Stage stage{lab};
    for (const StartOptions& options :
         {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
        auto [client, server] = connected_client(stage, {}, options);
        server.send("hello\n");
        client.expect_error_like(
            "chat_client: (?!.*" + server.endpoint() + ")" + any_reason + ": .+",
            "one line that does not blame the server");
        client.expect_exit(1);
    }
}

TEST_CASE("A client that works explains itself and refuses wrong usage",
          "[11_chat][chat_client][step:1][points:1]") {
    Stage stage{lab};
    expect_client_works(stage);
    expect_help(stage, "chat_client",
                {{"HOST", "127.0.0.1"},
                 {"PORT", "40000"},
                 {"--name NAME", "none"},
                 {"--timeout SECONDS", "10"},
                 {"--log FILE", "none"},
                 {"--help", ""}});
    expect_usage_error(stage, "chat_client", {"--colour"}, "--colour");
    expect_usage_error(stage, "chat_client", {"--name"}, "--name");
    for (const std::string port : {"0", "65536", "70000", "abc", "80x", " 80", "+80", ""}) {
        expect_usage_error(stage, "chat_client", {"127.0.0.1", port}, port);
    }
    for (const std::string seconds : {"-1", "-0.5", "soon", "1s", "nan", "inf", ""}) {
        expect_usage_error(stage, "chat_client", {"--timeout=" + seconds}, "--timeout");
    }
    expect_usage_error(stage, "chat_client", {"", "40000"}, "");
    expect_usage_error(stage, "chat_client", {"127.0.0.1", "40000", "third"}, "third");
    expect_usage_error(stage, "chat_client", {"127.0.0.1", "\x1b[2J"}, R"(\x1b[2J)");
}

TEST_CASE("The client writes a log of whole lines when asked",
          "[11_chat][chat_client][step:1][points:1]") {
    Stage stage{lab};
    close_server(connected_client(stage, {"--log", "client.log"}));
    expect_log(stage, "client.log");
    Process& other = stage.start("chat_client", {"--log", "no/such/folder"});
    expect_failure(other, "no/such/folder.*: .+", "one line that names the log file");
}

// --- both, and other people's programs -------------------------------------------------------

TEST_CASE("Clients and the server understand each other",
          "[11_chat][chat_server][step:10][points:2]") {
    Stage stage{lab};
    const ServerScene scene = listening_server(stage);
    Process& server = scene.server;
    const std::string port = scene.port;
    const auto start = [&](const std::string& name) -> Process& {
        Process& client =
            stage.start("chat_client", {"127.0.0.1", port, "--name", name}, {.label = name});
        server.expect_line_like("joined 127\\.0\\.0\\.1:[0-9]+", "who has come");
        return client;
    };
    Process& ann = start("Ann");
    Process& bob = start("Bob");
    ann.type("Hello!\n");
    bob.expect_line("Ann: Hello!");
    bob.type("Hi!\nGr\u00fc\u00dfe!\n");
    ann.expect_line("Bob: Hi!");
    ann.expect_line("Bob: Gr\u00fc\u00dfe!");
    for (int round = 0; round < 3; ++round) {
        Process& script = start("Cat");
        std::string lines;
        for (int i = 0; i < 20; ++i) lines += std::to_string(i) + "\n";
        script.type(lines);
        script.end_input();
        for (int i = 0; i < 20; ++i) {
            ann.expect_line("Cat: " + std::to_string(i), nothing_is_lost);
            bob.expect_line("Cat: " + std::to_string(i), nothing_is_lost);
        }
        script.expect_exit(0);
        server.expect_line_like("left 127\\.0\\.0\\.1:[0-9]+", "who has left");
    }
    bob.type("exit\n");
    bob.expect_exit(0);
    server.expect_line_like("left 127\\.0\\.0\\.1:[0-9]+", "who has left");
    ann.end_input();
    ann.expect_exit(0);
    server.expect_line_like("left 127\\.0\\.0\\.1:[0-9]+", "who has left");
}

TEST_CASE("The server understands nc as a client", "[11_chat][chat_server][step:10][points:1]") {
    if (!have_command("nc")) return skip("nc is not installed");
    Stage stage{lab};
    const Room room = open_room(stage, 2);
    Process& nc = stage.start_command("nc", {"-N", "127.0.0.1", room.scene.port});
    room.server().expect_line_like("joined 127\\.0\\.0\\.1:[0-9]+", "who has come");
    room[0].send("To nc\n");
    nc.expect_line("To nc");
    room[1].expect_received("To nc\n");
    nc.type("From nc\nwith care\n");
    for (Peer* client : room.clients) client->expect_received("From nc\nwith care\n");
    nc.end_input();
    room.server().expect_line_like("left 127\\.0\\.0\\.1:[0-9]+", "who has left");
    nc.expect_exit(0);
    room.chat();
}
