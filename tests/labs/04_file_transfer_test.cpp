// Lab 04: the contract of file_receive and file_send, from outside.
#include "harness/catch.hpp"
#include "harness/peer.hpp"
#include "harness/process.hpp"
#include "harness/rules.hpp"
#include "harness/stage.hpp"
#include "harness/world.hpp"

#include <boost/asio.hpp>

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

using namespace harness;
namespace asio = boost::asio;
namespace fs = std::filesystem;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

const std::string lab = "04_file_transfer";
constexpr std::size_t megabyte = 1024 * 1024;
constexpr std::uint64_t most_bytes = 4294967295;
const std::string one_read =
    "one read may bring any part of the stream: read until exactly as much is there as is wanted";
const std::string to_the_end =
    "the loop of step 5 must read on to the end of the stream, and keep the error in the variable "
    "given";
const std::string every_deadline = "is there a Deadline around each read?";
const std::string one_fault = "one sender's fault must not end the service for the others";
const std::string one_wait = "the Deadline belongs around one wait, not around the whole transfer";
const std::string whole_or_not = "a file is stored whole or not at all";

const std::string send_only = "or it has been closed before: step 10 shuts down sending only";
const std::string ignored_last = "give `ignored` as the last argument of both calls (step 7)";

// Begins a pattern for a line that does not speak of a step that is not done yet.
const std::string no_todo = "(?!.*TODO [0-9]+ is not done)";
// Which words a program uses is left open; but that all went well is no reason.
const std::string any_reason = no_todo + "(?!Success).+";
const std::string not_timed_out = no_todo + "(?!Success|timed out).+";

// Returns a pattern for this very text.
std::string literal(const std::string& text) {
    std::string pattern;
    for (const char byte : text) {
        if (std::string{"^$\\.*+?()[]{}|"}.find(byte) != std::string::npos) pattern += '\\';
        pattern += byte;
    }
    return pattern;
}

// What must happen before a short timeout is over is tried again when this machine was too busy.
bool in_time(Clock::time_point start, double timeout) {
    return std::chrono::duration<double>{Clock::now() - start}.count() < timeout / 2;
}

std::string size_text(std::uint64_t size) {
    return " (" + std::to_string(size) + " bytes)";
}

// --- the protocol

std::string announcement(const std::string& name, std::uint64_t size) {
    std::string bytes = name + "\n";
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(size >> shift & 0xff);
    return bytes + "\n";
}

std::string as_sent(const std::string& name, const std::string& contents) {
    return announcement(name, contents.size()) + contents;
}

// Contents in which every byte value stands, and no two parts are alike.
std::string contents_of(std::size_t size) {
    std::string contents(size, '\0');
    std::uint32_t state = 1;
    for (char& byte : contents) {
        state = state * 1664525 + 1013904223;
        byte = static_cast<char>(state >> 24);
    }
    return contents;
}

// --- folders and files

std::set<std::string> names_in(const fs::path& folder) {
    std::set<std::string> names;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator{folder, ignored}) {
        names.insert(entry.path().filename());
    }
    return names;
}

std::string joined(const std::set<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + quote(name);
    return names.empty() ? "nothing" : text;
}

// Expects that the folder holds these names and nothing else, hidden or not; a program may tidy up
// a little later than it answers.
void expect_folder(Stage& stage, const std::string& folder, const std::set<std::string>& names,
                   std::string_view cause = "what was refused or cut off must leave nothing") {
    const auto end = Clock::now() + patience() / 2;
    const fs::path path = stage.path(folder);
    while (names_in(path) != names && Clock::now() < end) stage.pass_time(0.01);
    const std::set<std::string> found = names_in(path);
    const bool equal = found == names;
    stage.expect(equal, "in the folder " + quote(folder) + ": " + joined(names), joined(found),
                 cause);
}

void expect_file(Stage& stage, const std::string& file, const std::string& contents,
                 std::string_view cause = "") {
    const bool regular = fs::is_regular_file(fs::symlink_status(stage.path(file)));
    stage.expect(regular, "a file " + quote(file), "no such file", cause);
    const std::string found = stage.read_file(file);
    const bool equal = found == contents;
    stage.expect(equal, "in the file " + quote(file) + " the bytes " + quote(contents),
                 quote(found), cause);
}

// Makes a file that is as long as that, and takes no room; false where that can't be.
bool make_sparse(Stage& stage, const std::string& name, std::uint64_t size) {
    stage.write_file(name, "");
    std::error_code error;
    fs::resize_file(stage.path(name), size, error);
    return !error;
}

// --- file_receive

struct ReceiverScene {
    Process& receiver;
    std::string port;
    std::string folder = "uploads";
};

ReceiverScene listening_receiver(Stage& stage, std::vector<std::string> options = {},
                                 const StartOptions& start = {}) {
    options.insert(options.end(), {"--port", "0"});
    Process& receiver = stage.start("file_receive", options, start);
    return {receiver, receiver.expect_listening()};
}

// Connects, and sends these bytes and the end of the stream.
Peer& bring(Stage& stage, const ReceiverScene& scene, std::string_view bytes) {
    Peer& sender = stage.connect(scene.port);
    sender.send(bytes);
    sender.shut_down_sending();
    return sender;
}

// Expects the line that tells of the transfer; transfers that failed may have theirs before it.
void expect_receiving(Process& receiver, const Peer& sender, const std::string& shown,
                      std::uint64_t size, std::string_view cause = "") {
    const std::string expected =
        "receiving " + shown + size_text(size) + " from " + sender.endpoint();
    for (;;) {
        const std::string from_others =
            "receiving .* from (?!" + literal(sender.endpoint()) + "$).*";
        const std::string line = receiver.expect_line_like(literal(expected) + "|" + from_others,
                                                           "the line " + quote(expected), cause);
        if (line == expected) return;
    }
}

// Expects the line that tells that the file is stored, and the file.
void expect_saved(Stage& stage, const ReceiverScene& scene, const std::string& name,
                  const std::string& contents, std::string_view cause = "",
                  std::string shown = "") {
    if (shown.empty()) shown = name;
    const std::string rest = scene.folder + "/" + shown + size_text(contents.size());
    scene.receiver.expect_line_like("saved (.*/)?" + literal(rest),
                                    "the line " + quote("saved " + rest), cause);
    expect_file(stage, scene.folder + "/" + name, contents, cause);
}

// Expects that the receiver tells of a transfer, and that the file is stored.
void expect_stored(Stage& stage, const ReceiverScene& scene, const Peer& sender,
                   const std::string& name, const std::string& contents,
                   std::string_view cause = "", std::string shown = "") {
    if (shown.empty()) shown = name;
    expect_receiving(scene.receiver, sender, shown, contents.size(), cause);
    expect_saved(stage, scene, name, contents, cause, shown);
}

void expect_confirmed(Peer& sender, std::string_view cause = "") {
    sender.expect_received("OK\n", cause);
    sender.expect_end(cause);
}

// Brings a file as a good sender does, and expects that it is stored and confirmed.
void deliver(Stage& stage, const ReceiverScene& scene, const std::string& name,
             const std::string& contents, std::string_view cause = "") {
    Peer& sender = bring(stage, scene, as_sent(name, contents));
    expect_stored(stage, scene, sender, name, contents, cause);
    expect_confirmed(sender, cause);
}

// What to show of a pattern for a reason: the words, where they are known.
std::string words_of(const std::string& reason) {
    return reason.starts_with(no_todo) ? "REASON" : reason;
}

void expect_rejected(Process& receiver, const Peer& sender, const std::string& shown,
                     const std::string& reason = any_reason, std::string_view cause = "") {
    // Of an empty name nothing is to be seen.
    const std::string name = shown.empty() ? " ?" : " " + literal(shown);
    const std::string start = "file_receive: " + sender.endpoint() + ": rejected ";
    receiver.expect_error_like(
        literal("file_receive: " + sender.endpoint() + ": rejected") + name + ": " + reason,
        "one line \"" + start + shown + ": " + words_of(reason) + "\"", cause);
}

// The same where only a part of the name may be known.
void expect_rejected_early(Stage& stage, Process& receiver, const Peer& sender,
                           const std::string& name, const std::string& reason = not_timed_out,
                           std::string_view cause = one_fault) {
    const std::string head = "file_receive: " + sender.endpoint() + ": rejected";
    const std::string line = receiver.expect_error_like(
        literal(head) + ".*: " + reason, "one line \"" + head + " NAME: " + words_of(reason) + "\"",
        cause);
    bool known = line.starts_with(head + ": ");
    for (std::size_t size = 0; size <= name.size(); ++size) {
        known = known || line.starts_with(head + " " + name.substr(0, size) + ": ");
    }
    stage.expect(known, "the name, or as much of it as came, behind \"rejected\"", quote(line));
}

// Expects the answer to a sender whose file was not stored, and the end of the connection.
void expect_refusal(Stage& stage, Peer& sender, std::string_view cause = "") {
    const std::string answer = sender.receive_to_end(cause);
    const bool refused = std::regex_match(answer, std::regex{no_todo + "ERR [^\n]+\n"});
    stage.expect(refused, "the answer \"ERR REASON\\n\"", quote(answer), cause);
    const std::string no_reset =
        "a reset can overtake the answer: shut down sending only, don't close in answer(), and "
        "read what still comes";
    stage.expect(sender.could_send(), "the receiver reads what the sender still sends",
                 "the connection was reset while the sender sent", no_reset);
    sender.expect_end(no_reset);
}

// The proof that a receiver does its job, for test cases about how it behaves otherwise.
void expect_receiver_works(Stage& stage, const ReceiverScene& scene) {
    Peer& sender = stage.connect(scene.port);
    sender.send(announcement("works.txt", 9));
    expect_receiving(scene.receiver, sender, "works.txt", 9);
}

// Names that could leave the folder, hide in it, or garble a listing of it; and how they are shown.
struct Name {
    std::string bytes;
    std::string shown;
};

std::vector<Name> bad_names(const Stage& stage) {
    std::vector<Name> names{{"", ""},
                            {".", "."},
                            {"..", ".."},
                            {".hidden", ".hidden"},
                            {"...", "..."},
                            {"/", "/"},
                            {"../out", "../out"},
                            {"/out", "/out"},
                            {"sub/out", "sub/out"},
                            {"out/", "out/"},
                            {"..\\out", "..\\out"},
                            {"C:\\out", "C:\\out"},
                            {std::string{"out\0.txt", 8}, R"(out\x00.txt)"},
                            {std::string{"\0", 1}, R"(\x00)"},
                            {"out\r", R"(out\x0d)"},
                            {"o\tut", "o\tut"},
                            {"\x1b[2Jout", R"(\x1b[2Jout)"},
                            {"out\x01", R"(out\x01)"},
                            {"out\x1f", R"(out\x1f)"},
                            {"out\x7f", R"(out\x7f)"}};
    const std::string absolute = stage.path("out");
    if (absolute.size() <= 32) names.push_back({absolute, absolute});
    return names;
}

// --- file_send

struct SenderScene {
    Process& sender;
    Listener& listener;
    Peer& receiver;  // that of the first file
};

SenderScene connected_sender(Stage& stage, const std::vector<std::string>& files,
                             std::vector<std::string> options = {},
                             const StartOptions& start = {}) {
    Listener& listener = stage.listen();
    options.insert(options.end(), {"127.0.0.1", listener.port()});
    options.insert(options.end(), files.begin(), files.end());
    Process& sender = stage.start("file_send", options, start);
    return {sender, listener, listener.accept("the sender never asked for a connection")};
}

// Expects the file as the protocol has it, and nothing behind it.
void take_file(Stage& stage, Peer& receiver, const std::string& name, const std::string& contents,
               std::string_view cause = "") {
    receiver.expect_received(announcement(name, contents.size()), cause);
    const std::string got = receiver.receive_to_end(
        "the sender does not end its stream (step 10): the receiver reads to the end");
    const bool equal = got == contents;
    stage.expect(equal, "the contents " + quote(contents) + ", then the end of the stream",
                 quote(got), cause);
}

// What came to a receiver that reads slowly: two thirds of a part (1 MiB) in the time that the
// sender waits; but steadily, as far as this machine could.
struct SlowScene {
    Process& sender;
    std::string got;
    bool steady;
};

SlowScene receive_slowly(Stage& stage, const std::string& file, double timeout) {
    tcp::acceptor acceptor{stage.io()};
    acceptor.open(tcp::v4());
    // With a small window and small segments little of the file fits into the two systems.
    acceptor.set_option(tcp::acceptor::receive_buffer_size{65536});
    acceptor.set_option(asio::detail::socket_option::integer<IPPROTO_TCP, TCP_MAXSEG>{1400});
    acceptor.bind({asio::ip::address_v4::loopback(), 0});
    acceptor.listen();
    acceptor.non_blocking(true);
    Process& sender =
        stage.start("file_send", {"127.0.0.1", std::to_string(acceptor.local_endpoint().port()),
                                  file, "--timeout", std::to_string(timeout)});

    tcp::socket receiver{stage.io()};
    error_code error = asio::error::would_block;
    std::string got;
    std::vector<char> piece(megabyte / 36);
    const double pause = timeout / 24;
    std::chrono::duration<double> all{0};
    std::chrono::duration<double> longest{0};
    int pauses = 0;
    for (auto last = Clock::now(); Clock::now() < last + patience();) {
        const auto before = Clock::now();
        stage.pass_time(pause);
        if (!receiver.is_open()) {
            acceptor.accept(receiver, error);
            if (error) continue;
            receiver.non_blocking(true);
        }
        const std::size_t count = receiver.read_some(asio::buffer(piece), error);
        got.append(piece.data(), count);
        if (error && error != asio::error::would_block) break;
        if (count > 0) last = Clock::now();
        const std::chrono::duration<double> took = Clock::now() - before;
        all += took;
        longest = std::max(longest, took);
        ++pauses;
    }
    const bool steady = longest.count() < timeout / 4 && all.count() <= 1.4 * pauses * pause;
    stage.transcript().add("a slow receiver", "has got " + std::to_string(got.size()) + " bytes");
    return {sender, got, steady};
}

// Waits for what the sender says of a wrong judgement, and returns the cause that fits.
std::string cause_of_judgement(Stage& stage, const Process& sender) {
    stage.wait_until([&sender] { return sender.ended(); });
    const std::string& said = sender.errors();
    if (std::regex_search(said, std::regex{"answer: O."})) {
        return "append only as many bytes as came (step 11)";
    }
    const bool whole = said.find("\\x0a") != std::string::npos;
    return whole ? "the answer counts up to its newline" : one_read;
}

// Expects that the stream did not end only because the program did, at a step that is not done yet.
void expect_end_was_meant(Stage& stage, const Process& sender) {
    stage.pass_time(0.02);
    const bool meant = sender.errors().find("TODO 10 ") == std::string::npos;
    stage.expect(meant, "the sender ends its sending side", "it has ended itself");
}

void answer(Peer& receiver, std::string_view line) {
    receiver.send(line);
    receiver.close();
}

void expect_sent(Process& sender, const std::string& name, std::uint64_t size,
                 std::string_view cause = "") {
    sender.expect_line("sent " + name + size_text(size), cause);
}

void expect_unconfirmed(Process& sender, const std::string& name, std::uint64_t size) {
    sender.expect_line("sent " + name + size_text(size) + ", not confirmed",
                       "a receiver without an answer is an old one, which is no failure");
}

void expect_not_sent(Process& sender, const std::string& shown,
                     const std::string& reason = any_reason, std::string_view cause = "") {
    sender.expect_error_like("file_send: " + no_todo + ".*" + literal(shown) + ".*: " + reason,
                             "one line that names " + quote(shown), cause);
}

// The proof that a sender does its job, for test cases about how it behaves otherwise.
void expect_sender_works(Stage& stage) {
    stage.write_file("works.txt", "It works.");
    auto [sender, listener, receiver] = connected_sender(stage, {"works.txt"});
    receiver.expect_received(announcement("works.txt", 9));
}

// Expects that files are refused before there is a connection for them: the first one that comes is
// that of the file behind them.
void expect_refused_files(Stage& stage, const std::vector<Name>& files,
                          std::string_view cause = "") {
    stage.write_file("good.txt", "good");
    Listener& nobody = stage.listen();
    Listener& listener = stage.listen();
    std::vector<std::string> arguments{"127.0.0.1", listener.port()};
    for (const auto& [path, shown] : files) {
        Process& alone = stage.start("file_send", {"127.0.0.1", nobody.port(), path});
        expect_not_sent(alone, shown, any_reason, cause);
        alone.expect_exit(1, "a file that is not sent is a failure");
        arguments.push_back(path);
    }
    stage.expect(!nobody.has_visitor(), "no connection for a file that is refused", "a connection");

    arguments.push_back("good.txt");
    Process& sender = stage.start("file_send", arguments);
    for (const auto& file : files) expect_not_sent(sender, file.shown, any_reason, cause);
    Peer& receiver = listener.accept("the others are still sent");
    receiver.expect_received(announcement("good.txt", 4), "it is refused before it connects");
}

}  // namespace

// --- file_receive, step 2: the name ----------------------------------------------------------

TEST_CASE("The receiver rejects a sender that ends within the name",
          "[04_file_transfer][file_receive][step:2][points:1]") {
    for (const std::string part : {"", "n", "note.tx"}) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage);
        Peer& sender = bring(stage, scene, part);
        expect_rejected_early(stage, scene.receiver, sender, part);
    }
}

TEST_CASE("The receiver rejects a sender that resets the connection within the name",
          "[04_file_transfer][file_receive][step:2][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    Peer& sender = stage.connect(scene.port);
    sender.send_in_pieces({"note"});
    sender.reset();
    expect_rejected_early(stage, scene.receiver, sender, "note", "Connection reset by peer",
                          "a reset is not the end of the stream");
}

TEST_CASE("The receiver waits for a name until the timeout and no longer",
          "[04_file_transfer][file_receive][step:2][points:1]") {
    for (const std::string part : {"", "note"}) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage, {"--timeout", "0.2"});
        const auto start = Clock::now();
        Peer& sender = stage.connect(scene.port);
        sender.send(part);
        expect_rejected_early(stage, scene.receiver, sender, part, "timed out", every_deadline);
        stage.expect_at_least(Clock::now() - start, 0.2, "the receiver waits");
    }
}

TEST_CASE("The receiver rejects a name of more than 32 bytes",
          "[04_file_transfer][file_receive][step:2][points:1]") {
    for (const std::size_t size : {33U, 64U, 300U}) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage);
        const std::string name(size, 'n');
        Peer& sender = bring(stage, scene, as_sent(name, "hello"));
        expect_rejected_early(stage, scene.receiver, sender, name);
        expect_folder(stage, "uploads", {});
    }
}

TEST_CASE("The receiver reads a name of exactly 32 bytes to its end",
          "[04_file_transfer][file_receive][step:2][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    const std::string name(32, 'n');
    Peer& sender = stage.connect(scene.port);
    sender.send_in_pieces({name + "\n"});
    sender.reset();
    // It must have come as far as the size, which may not be done yet.
    const std::string start = "file_receive: " + sender.endpoint() + ": rejected " + name + ": ";
    stage.wait_until([&] { return scene.receiver.errors().find('\n') != std::string::npos; });
    const std::string errors = scene.receiver.errors();
    const std::string line = errors.substr(0, errors.find('\n'));
    const std::regex wanted{literal(start) + "(Connection reset by peer|.*TODO 3 is not done.*)"};
    const bool read = std::regex_match(line, wanted);
    const bool nothing = line.find("rejected : ") != std::string::npos;
    stage.expect(read, "the line " + quote(start + "Connection reset by peer"), quote(line),
                 nothing ? "is what came cut off the buffer? (step 1)"
                         : "a name may have 32 bytes, and then its newline");
}

TEST_CASE("The receiver rejects a name without end though the sender goes on",
          "[04_file_transfer][file_receive][step:2][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    const std::string name(megabyte / 16, 'n');
    Peer& sender = stage.connect(scene.port);
    sender.send(name);
    expect_rejected_early(stage, scene.receiver, sender, name);
}

TEST_CASE("The receiver ends at once when it is interrupted within a name",
          "[04_file_transfer][file_receive][step:2][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage);
        Peer& sender = stage.connect(scene.port);
        sender.send_in_pieces({"note"});
        const bool open = !sender.ended();
        stage.expect(open, "the receiver waits for the rest of the name",
                     "it closed the connection", one_read);
        scene.receiver.signal(signal);
        scene.receiver.expect_end_by(signal);
    }
}

// --- file_receive, step 3: the size ----------------------------------------------------------

TEST_CASE("The receiver rejects a sender that ends within the size",
          "[04_file_transfer][file_receive][step:3][points:1]") {
    const std::string whole = announcement("note.txt", 10);
    for (std::size_t size = 9; size < whole.size(); ++size) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage);
        Peer& sender = bring(stage, scene, whole.substr(0, size));
        expect_rejected(scene.receiver, sender, "note.txt", not_timed_out);
    }
}

TEST_CASE("The receiver rejects a size with no newline behind it",
          "[04_file_transfer][file_receive][step:3][points:1]") {
    using namespace std::string_literals;
    for (const std::string& size : {"\0\0\0\5hello\n"s, "5\nhello"s, "0000000005\nhello"s}) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage);
        Peer& sender = bring(stage, scene, "note.txt\n" + size);
        expect_rejected(scene.receiver, sender, "note.txt", not_timed_out);
        expect_folder(stage, "uploads", {});
    }
}

TEST_CASE("The receiver waits for the size until the timeout and no longer",
          "[04_file_transfer][file_receive][step:3][points:1]") {
    for (Attempts attempts; attempts.another();) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage, {"--timeout", "0.2"});
        const auto start = Clock::now();
        Peer& sender = stage.connect(scene.port);
        sender.send(announcement("note.txt", 10).substr(0, 11));
        if (!in_time(start, 0.2)) continue;
        expect_rejected(scene.receiver, sender, "note.txt", "timed out", every_deadline);
        stage.expect_at_least(Clock::now() - start, 0.2, "the receiver waits");
        break;
    }
}

// --- file_receive, step 4: what is announced -------------------------------------------------

TEST_CASE("The receiver says which file of which size it receives from whom",
          "[04_file_transfer][file_receive][step:4][points:1]") {
    // The bytes of some of these sizes are newlines, and of some are negative as a char.
    for (const std::uint64_t size : {0U, 1U, 10U, 2570U, 168430090U, 255U, 65536U, 8454143U}) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage);
        Peer& sender = stage.connect(scene.port);
        sender.send(announcement("note.txt", size));
        expect_receiving(scene.receiver, sender, "note.txt", size,
                         "the size is four bytes, the most significant first, whatever they are "
                         "(step 3)");
    }
}

TEST_CASE("The receiver reads an announcement that comes byte by byte",
          "[04_file_transfer][file_receive][step:4][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    Peer& sender = stage.connect(scene.port);
    sender.send_byte_by_byte(announcement("note.txt", 168430091));
    expect_receiving(scene.receiver, sender, "note.txt", 168430091, one_read);
}

TEST_CASE("The receiver rejects names that could do harm",
          "[04_file_transfer][file_receive][step:4][points:2]") {
    for (std::size_t i = 0; i < bad_names(Stage{lab}).size(); ++i) {
        Stage stage{lab};
        const auto [name, shown] = bad_names(stage)[i];
        const ReceiverScene scene = listening_receiver(stage);
        Peer& sender = bring(stage, scene, as_sent(name, "hello"));
        expect_rejected(scene.receiver, sender, shown, not_timed_out,
                        "a name from the network must not choose its folder, hide, or deceive");
        expect_folder(stage, "uploads", {});
        expect_folder(stage, "", {"uploads"});
    }
}

TEST_CASE("The receiver rejects a size over the limit",
          "[04_file_transfer][file_receive][step:4][points:1]") {
    const std::vector<std::pair<std::string, std::uint64_t>> sizes{
        {"", (1U << 30) + 1}, {"", most_bytes}, {"10", 11}, {"0", 1}, {"4294967294", most_bytes}};
    for (const auto& [limit, size] : sizes) {
        Stage stage{lab};
        std::vector<std::string> options;
        if (!limit.empty()) options = {"--max-size", limit};
        const ReceiverScene scene = listening_receiver(stage, options);
        Peer& sender = stage.connect(scene.port);
        sender.send(announcement("note.txt", size));
        expect_rejected(scene.receiver, sender, "note.txt", not_timed_out,
                        "the default limit is 1 GiB, 1073741824 bytes");
        expect_folder(stage, "uploads", {});
    }
}

TEST_CASE("The receiver takes a size up to the limit",
          "[04_file_transfer][file_receive][step:4][points:1]") {
    const std::vector<std::pair<std::string, std::uint64_t>> sizes{
        {"", 1U << 30}, {"10", 10}, {"4294967295", most_bytes}, {"10000000000", most_bytes}};
    for (const auto& [limit, size] : sizes) {
        Stage stage{lab};
        std::vector<std::string> options;
        if (!limit.empty()) options = {"--max-size", limit};
        const ReceiverScene scene = listening_receiver(stage, options);
        Peer& sender = stage.connect(scene.port);
        sender.send(announcement("note.txt", size));
        expect_receiving(scene.receiver, sender, "note.txt", size);
    }
}

TEST_CASE("The receiver keeps a file that exists",
          "[04_file_transfer][file_receive][step:4][points:1]") {
    Stage stage{lab};
    fs::create_directory(stage.path("uploads"));
    stage.write_file("uploads/note.txt", "was here before");
    const ReceiverScene scene = listening_receiver(stage);
    Peer& sender = bring(stage, scene, as_sent("note.txt", "hello"));
    expect_rejected(scene.receiver, sender, "note.txt");
    expect_file(stage, "uploads/note.txt", "was here before", "only --overwrite replaces files");
    expect_folder(stage, "uploads", {"note.txt"});
}

TEST_CASE("The receiver keeps a folder or a link that has the name",
          "[04_file_transfer][file_receive][step:4][points:1]") {
    for (const std::string kind : {"folder", "link", "dangling link"}) {
        Stage stage{lab};
        fs::create_directories(stage.path("uploads"));
        if (kind == "folder") fs::create_directory(stage.path("uploads/note.txt"));
        if (kind == "link") stage.write_file("outside", "was here before");
        if (kind != "folder") fs::create_symlink("../outside", stage.path("uploads/note.txt"));
        const ReceiverScene scene = listening_receiver(stage);
        Peer& sender = bring(stage, scene, as_sent("note.txt", "hello"));
        expect_rejected(scene.receiver, sender, "note.txt");
        expect_folder(stage, "uploads", {"note.txt"});
        if (kind == "link") expect_file(stage, "outside", "was here before");
        const bool written = kind == "dangling link" && fs::exists(stage.path("outside"));
        stage.expect(!written, "nothing is written outside the folder",
                     "a file where the link points to",
                     "a link that leads nowhere is there all the same: lstat() sees it");
    }
}

TEST_CASE("The receiver listens on 127.0.0.1 port 54321 and stores in uploads by default",
          "[04_file_transfer][file_receive][step:4][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        Process& receiver = stage.start("file_receive");
        receiver.expect_line("listening on 127.0.0.1:54321");
        expect_folder(stage, "", {"uploads"}, "it makes the directory");
        Peer& sender = stage.connect("54321");
        sender.send(announcement("note.txt", 5));
        expect_receiving(receiver, sender, "note.txt", 5);
    });
}

TEST_CASE("The receiver makes its folder with those above it",
          "[04_file_transfer][file_receive][step:4][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage, {"--dir", "deep/in/the/tree"});
    Peer& sender = stage.connect(scene.port);
    sender.send(announcement("note.txt", 5));
    expect_receiving(scene.receiver, sender, "note.txt", 5);
    const bool made = fs::is_directory(stage.path("deep/in/the/tree"));
    stage.expect(made, "a folder deep/in/the/tree", "none");
    // A folder that is there is as good.
    listening_receiver(stage, {"--dir=deep/in/the/tree"});
}

TEST_CASE("A receiver that works reports a folder that it can't make",
          "[04_file_transfer][file_receive][step:4][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    stage.write_file("notes", "no folder");
    for (const std::string folder : {"notes", "notes/uploads", "/proc/uploads"}) {
        Process& other = stage.start("file_receive", {"--port", "0", "--dir", folder});
        other.expect_error_like("file_receive: " + no_todo + ".*" + folder + ".*: .+",
                                "one line that names " + folder);
        stage.wait_until([&] { return other.ended(); });
        stage.expect(other.state() == "ended with status 1", "it ends with status 1",
                     "it " + other.state());
    }
    expect_file(stage, "notes", "no folder");
    expect_receiver_works(stage, scene);
}

TEST_CASE("A receiver that works reports a port that is in use and an address that is not its own",
          "[04_file_transfer][file_receive][step:4][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage);
        Process& second = stage.start("file_receive", {"--port", scene.port});
        second.expect_error_like(
            "file_receive: .*127\\.0\\.0\\.1:" + scene.port + ": Address already in use",
            "one line that names 127.0.0.1:" + scene.port);
        second.expect_exit(1);
        Process& other = stage.start("file_receive", {"--bind", "10.9.8.7"});
        other.expect_error_like(
            "file_receive: .*10\\.9\\.8\\.7:54321: Cannot assign requested address",
            "one line that names 10.9.8.7:54321");
        other.expect_exit(1);
        expect_receiver_works(stage, scene);
    });
}

TEST_CASE("A receiver that works reports that its output can't be written",
          "[04_file_transfer][file_receive][step:4][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    for (const StartOptions& options :
         {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
        Process& receiver = stage.start("file_receive", {"--port", "0"}, options);
        receiver.expect_error_like("file_receive: " + no_todo + ".+: .+", "one line on stderr");
        receiver.expect_exit(1);
    }
    expect_receiver_works(stage, scene);
}

TEST_CASE("A receiver that works explains itself and refuses wrong usage",
          "[04_file_transfer][file_receive][step:4][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    expect_help(stage, "file_receive",
                {{"--bind ADDRESS", "127.0.0.1"},
                 {"--port PORT", "54321"},
                 {"--dir DIR", "uploads"},
                 {"--max-size BYTES", "1073741824"},
                 {"--overwrite", ""},
                 {"--once", ""},
                 {"--timeout SECONDS", "30"},
                 {"--log FILE", "none"},
                 {"--help", ""}});
    expect_usage_error(stage, "file_receive", {"--colour"}, "--colour");
    expect_usage_error(stage, "file_receive", {"--dir"}, "--dir");
    expect_usage_error(stage, "file_receive", {"--once=yes"}, "--once");
    expect_usage_error(stage, "file_receive", {"extra"}, "extra");
    for (const std::string port : {"-1", "65536", "abc", "1.5", ""}) {
        expect_usage_error(stage, "file_receive", {"--port", port}, "--port");
    }
    for (const std::string address : {"localhost", "300.1.1.1", ""}) {
        expect_usage_error(stage, "file_receive", {"--bind", address}, "--bind");
    }
    for (const std::string bytes : {"-1", "1k", "1.5", ""}) {
        expect_usage_error(stage, "file_receive", {"--max-size=" + bytes}, "--max-size");
    }
    for (const std::string seconds : {"-1", "soon", "1s", ""}) {
        expect_usage_error(stage, "file_receive", {"--timeout=" + seconds}, "--timeout");
    }
    expect_usage_error(stage, "file_receive", {"\x1b[2J"}, R"(\x1b[2J)");
    expect_receiver_works(stage, scene);
}

// --- file_receive, step 5: the contents ------------------------------------------------------

TEST_CASE("The receiver ends at once when it is interrupted within the contents and leaves nothing",
          "[04_file_transfer][file_receive][step:5][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        for (const std::string name : {"note.txt", "other.txt"}) {
            Stage stage{lab};
            fs::create_directory(stage.path("uploads"));
            stage.write_file("uploads/other.txt", "was here before");
            const ReceiverScene scene = listening_receiver(stage, {"--overwrite"});
            Peer& sender = stage.connect(scene.port);
            sender.send(announcement(name, 200000));
            expect_receiving(scene.receiver, sender, name, 200000);
            sender.send_in_pieces({std::string(100000, 'x')});
            scene.receiver.signal(signal);
            scene.receiver.expect_end_by(signal);
            expect_folder(stage, "uploads", {"other.txt"}, whole_or_not);
            expect_file(stage, "uploads/other.txt", "was here before", whole_or_not);
        }
    }
}

// --- file_receive, step 6: whole or not ------------------------------------------------------

TEST_CASE("The receiver stores a file that comes all at once",
          "[04_file_transfer][file_receive][step:6][points:1]") {
    // The bytes of some of these sizes are newlines.
    for (const std::size_t size : {5U, 10U, 2570U, 65536U}) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage);
        const std::string contents = contents_of(size);
        Peer& sender = bring(stage, scene, as_sent("note.txt", contents));
        expect_stored(stage, scene, sender, "note.txt", contents,
                      to_the_end + "; and what a large read of the name takes is missing later");
        expect_folder(stage, "uploads", {"note.txt"});
    }
}

TEST_CASE("The receiver stores a file that comes byte by byte",
          "[04_file_transfer][file_receive][step:6][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    Peer& sender = stage.connect(scene.port);
    sender.send_byte_by_byte(as_sent("note.txt", "ten bytes!"));
    sender.shut_down_sending();
    expect_stored(stage, scene, sender, "note.txt", "ten bytes!", one_read);
}

TEST_CASE("The receiver stores a file whose announcement and contents come in pieces",
          "[04_file_transfer][file_receive][step:6][points:1]") {
    const std::string bytes = as_sent("note.txt", "hello, hello");
    for (const std::size_t cut : {4U, 8U, 9U, 11U, 13U, 14U, 20U}) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage);
        Peer& sender = stage.connect(scene.port);
        sender.send_in_pieces({bytes.substr(0, cut), bytes.substr(cut)});
        sender.close();
        expect_stored(stage, scene, sender, "note.txt", "hello, hello", one_read);
    }
}

TEST_CASE("The receiver stores an empty file",
          "[04_file_transfer][file_receive][step:6][points:1]") {
    const std::vector<std::vector<std::string>> runs{{}, {"--max-size", "0"}};
    for (const auto& options : runs) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage, options);
        Peer& sender = bring(stage, scene, as_sent("empty", ""));
        expect_stored(stage, scene, sender, "empty", "", to_the_end);
    }
}

TEST_CASE("The receiver stores a file of 5 megabytes byte for byte",
          "[04_file_transfer][file_receive][step:6][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    const std::string contents = contents_of(5 * megabyte + 3);
    Peer& sender = bring(stage, scene, as_sent("picture.jpg", contents));
    expect_stored(stage, scene, sender, "picture.jpg", contents, to_the_end);
}

TEST_CASE("The receiver stores a file of exactly as many bytes as allowed",
          "[04_file_transfer][file_receive][step:6][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage, {"--max-size", "10"});
    Peer& sender = bring(stage, scene, as_sent("note.txt", "ten bytes!"));
    expect_stored(stage, scene, sender, "note.txt", "ten bytes!");
}

TEST_CASE("The receiver takes every name that does no harm and prints it safely",
          "[04_file_transfer][file_receive][step:6][points:1]") {
    const std::string longest(32, 'n');
    const std::vector<Name> names{{"n", "n"},
                                  {longest, longest},
                                  {"two words", "two words"},
                                  {"-rf", "-rf"},
                                  {"a..b.", "a..b."},
                                  {"~", "~"},
                                  {"%s$HOME*?", "%s$HOME*?"},
                                  {"Gr\u00fc\u00dfe", "Gr\u00fc\u00dfe"},
                                  {"\xff\xfe name", R"(\xff\xfe name)"},
                                  {"cut \xe2\x82", R"(cut \xe2\x82)"}};
    for (const auto& [name, shown] : names) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage);
        Peer& sender = bring(stage, scene, as_sent(name, "hello"));
        expect_stored(stage, scene, sender, name, "hello", "", shown);
        expect_folder(stage, "uploads", {name});
    }
}

TEST_CASE("The receiver rejects a file that is cut off and leaves nothing of it",
          "[04_file_transfer][file_receive][step:6][points:1]") {
    const std::string contents = contents_of(100000);
    for (const std::size_t size : {0U, 1U, 50000U, 99999U}) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage);
        Peer& sender = bring(stage, scene,
                             announcement("note.txt", contents.size()) + contents.substr(0, size));
        expect_receiving(scene.receiver, sender, "note.txt", contents.size());
        expect_rejected(scene.receiver, sender, "note.txt", not_timed_out,
                        "the end of the stream before all is there is a failure; " + to_the_end);
        expect_folder(stage, "uploads", {});
    }
}

TEST_CASE("The receiver rejects a file with a byte too many and leaves nothing of it",
          "[04_file_transfer][file_receive][step:6][points:1]") {
    for (const std::size_t size : {0U, 1U, 10U, 70000U}) {
        for (const std::string extra : {"x", "\n"}) {
            Stage stage{lab};
            const ReceiverScene scene = listening_receiver(stage);
            Peer& sender = bring(stage, scene, as_sent("note.txt", contents_of(size)) + extra);
            expect_rejected(scene.receiver, sender, "note.txt", not_timed_out,
                            "only who reads to the end of the stream sees that there is more");
            expect_folder(stage, "uploads", {});
        }
    }
}

TEST_CASE("The receiver rejects a file with a byte too many that comes late",
          "[04_file_transfer][file_receive][step:6][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    Peer& sender = stage.connect(scene.port);
    sender.send_in_pieces({as_sent("note.txt", "hello")});
    sender.send("!");
    sender.shut_down_sending();
    expect_rejected(scene.receiver, sender, "note.txt", not_timed_out,
                    "only who reads to the end of the stream sees that there is more");
    expect_folder(stage, "uploads", {});
}

TEST_CASE("The receiver rejects a file whose sender resets the connection",
          "[04_file_transfer][file_receive][step:6][points:1]") {
    for (const std::string part : {"", "half of it", "all that was announced"}) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage);
        Peer& sender = stage.connect(scene.port);
        sender.send_in_pieces({announcement("note.txt", 22) + part});
        sender.reset();
        expect_rejected(scene.receiver, sender, "note.txt", "Connection reset by peer",
                        "a reset is not the end of the stream");
        expect_folder(stage, "uploads", {});
    }
}

TEST_CASE("The receiver rejects a file whose sender falls silent",
          "[04_file_transfer][file_receive][step:6][points:1]") {
    const std::vector<std::string> parts{"", "half of it", "all that was announced"};
    Attempts attempts;
    for (std::size_t done = 0; done < parts.size() && attempts.another();) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage, {"--timeout", "0.2"});
        const auto start = Clock::now();
        Peer& sender = stage.connect(scene.port);
        sender.send(announcement("note.txt", 22) + parts[done]);
        if (!in_time(start, 0.2)) continue;
        expect_rejected(scene.receiver, sender, "note.txt", "timed out",
                        "a sender that is silent has not ended the stream; " + every_deadline);
        expect_folder(stage, "uploads", {});
        ++done;
    }
}

TEST_CASE("The receiver stores a file only when the stream has ended",
          "[04_file_transfer][file_receive][step:6][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    Peer& sender = stage.connect(scene.port);
    sender.send_in_pieces({as_sent("note.txt", "hello")});
    stage.pass_time(0.05);
    const bool saved = scene.receiver.output().find("saved") != std::string::npos;
    stage.expect(!saved, "nothing is saved before the end of the stream",
                 quote(scene.receiver.output()));
    sender.shut_down_sending();
    expect_stored(stage, scene, sender, "note.txt", "hello");
}

TEST_CASE("The receiver does not take a pause of the sender for the end",
          "[04_file_transfer][file_receive][step:6][points:1]") {
    const double timeout = 0.3 * time_scale();
    for (Attempts attempts; attempts.another();) {
        Stage stage{lab};
        const ReceiverScene scene =
            listening_receiver(stage, {"--timeout", std::to_string(timeout)});
        const auto start = Clock::now();
        Peer& sender = stage.connect(scene.port);
        const bool short_pauses = sender.trickle(as_sent("n", "hello, hello"), timeout);
        sender.shut_down_sending();
        // Longer than this it takes only where one of the pauses may have been too long.
        if (!short_pauses || !in_time(start, 2 * 2.2 * timeout)) continue;
        expect_stored(stage, scene, sender, "n", "hello, hello", one_wait);
        break;
    }
}

TEST_CASE("The receiver takes any time that a sender needs when the timeout is 0",
          "[04_file_transfer][file_receive][step:6][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage, {"--timeout", "0"});
    Peer& sender = stage.connect(scene.port);
    sender.send_in_pieces({announcement("note.txt", 5) + "he"});
    stage.pass_time(0.2);
    sender.send("llo");
    sender.close();
    expect_stored(stage, scene, sender, "note.txt", "hello", "a timeout of 0 means no limit");
}

TEST_CASE("The receiver leaves nothing under the name when it is killed and takes the file later",
          "[04_file_transfer][file_receive][step:6][points:1]") {
    Stage stage{lab};
    const ReceiverScene first = listening_receiver(stage);
    Peer& sender = stage.connect(first.port);
    sender.send(announcement("note.txt", 200000));
    expect_receiving(first.receiver, sender, "note.txt", 200000);
    sender.send_in_pieces({std::string(100000, 'x')});
    first.receiver.signal(SIGKILL);
    stage.wait_until([&] { return first.receiver.ended(); });
    const bool there = fs::exists(fs::symlink_status(stage.path("uploads/note.txt")));
    stage.expect(
        !there, "no file uploads/note.txt", "a half-done one",
        "a file gets its final name only when it is whole: nobody tidies up behind a kill");

    const ReceiverScene second = listening_receiver(stage);
    Peer& again = bring(stage, second, as_sent("note.txt", "hello"));
    expect_stored(stage, second, again, "note.txt", "hello");
}

TEST_CASE("The receiver replaces a file with --overwrite once the new one is whole",
          "[04_file_transfer][file_receive][step:6][points:1]") {
    Stage stage{lab};
    fs::create_directory(stage.path("uploads"));
    stage.write_file("uploads/note.txt", "was here before, and was longer");
    const ReceiverScene scene = listening_receiver(stage, {"--overwrite"});
    Peer& sender = stage.connect(scene.port);
    sender.send(announcement("note.txt", 5));
    expect_receiving(scene.receiver, sender, "note.txt", 5);
    sender.send_in_pieces({"hel"});
    expect_file(stage, "uploads/note.txt", "was here before, and was longer",
                "the old file stays until the new one is whole");
    sender.send("lo");
    sender.shut_down_sending();
    expect_saved(stage, scene, "note.txt", "hello");
    expect_folder(stage, "uploads", {"note.txt"});
}

TEST_CASE("The receiver keeps the old file when the one to replace it is cut off",
          "[04_file_transfer][file_receive][step:6][points:1]") {
    for (const std::string contents : {"hel", "hello, and more"}) {
        Stage stage{lab};
        fs::create_directory(stage.path("uploads"));
        stage.write_file("uploads/note.txt", "was here before");
        const ReceiverScene scene = listening_receiver(stage, {"--overwrite"});
        Peer& sender = bring(stage, scene, announcement("note.txt", 5) + contents);
        expect_rejected(scene.receiver, sender, "note.txt", not_timed_out);
        expect_file(stage, "uploads/note.txt", "was here before", whole_or_not);
        expect_folder(stage, "uploads", {"note.txt"});
    }
}

// --- file_receive, step 7: the answer --------------------------------------------------------

TEST_CASE("The receiver answers OK when the file is stored and serves the next sender",
          "[04_file_transfer][file_receive][step:7][points:2]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    for (int i = 0; i < 5; ++i) {
        const std::string name = "note" + std::to_string(i);
        const std::string contents = contents_of(static_cast<std::size_t>(i) * 1000);
        Peer& sender = bring(stage, scene, as_sent(name, contents));
        sender.expect_received("OK\n");
        expect_file(stage, "uploads/" + name, contents, "OK promises that the file is stored");
        sender.expect_end("the receiver closes behind its answer");
        expect_stored(stage, scene, sender, name, contents);
    }
    expect_folder(stage, "uploads", {"note0", "note1", "note2", "note3", "note4"});
    stage.expect(scene.receiver.errors().empty(), "nothing on stderr",
                 quote(scene.receiver.errors()));
}

TEST_CASE("The receiver answers ERR to an announcement that is cut off at any byte",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    const std::string whole = announcement("note.txt", 10);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        Peer& sender = bring(stage, scene, whole.substr(0, size));
        expect_refusal(stage, sender, "a sender that is cut off can still be told so");
        expect_rejected_early(stage, scene.receiver, sender, "note.txt");
    }
    expect_folder(stage, "uploads", {});
    deliver(stage, scene, "note.txt", "ten bytes!", one_fault);
}

TEST_CASE("The receiver answers ERR to contents that are cut off at any byte or one too long",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    const std::string contents = "ten bytes! and then more";
    for (std::size_t size = 0; size < 12; ++size) {
        if (size == 10) continue;
        Peer& sender = bring(stage, scene, announcement("note.txt", 10) + contents.substr(0, size));
        expect_refusal(stage, sender);
        expect_rejected(scene.receiver, sender, "note.txt", not_timed_out);
    }
    expect_folder(stage, "uploads", {});
    deliver(stage, scene, "note.txt", "ten bytes!", one_fault);
}

TEST_CASE("The receiver answers ERR to a name that could do harm and writes nothing anywhere",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    for (const auto& [name, shown] : bad_names(stage)) {
        Peer& sender = bring(stage, scene, as_sent(name, "hello"));
        expect_refusal(stage, sender);
        expect_rejected(scene.receiver, sender, shown, not_timed_out);
    }
    expect_folder(stage, "uploads", {});
    expect_folder(stage, "", {"uploads"});
    deliver(stage, scene, "note.txt", "hello", one_fault);
}

TEST_CASE("The receiver answers ERR to a file that exists and to one over the limit",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage, {"--max-size", "10"});
    deliver(stage, scene, "note.txt", "the first");
    Peer& second = bring(stage, scene, as_sent("note.txt", "the second"));
    expect_refusal(stage, second);
    expect_rejected(scene.receiver, second, "note.txt", not_timed_out);
    Peer& large = bring(stage, scene, as_sent("large", "the eleventh"));
    expect_refusal(stage, large);
    expect_rejected(scene.receiver, large, "large", not_timed_out);
    expect_folder(stage, "uploads", {"note.txt"});
    expect_file(stage, "uploads/note.txt", "the first");
}

TEST_CASE("The receiver answers ERR to a sender that falls silent",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    const std::string bytes = as_sent("note.txt", "hello");
    const std::vector<std::size_t> sizes{0, 4, 11, 16, 19};
    Attempts attempts;
    for (std::size_t done = 0; done < sizes.size() && attempts.another();) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage, {"--timeout", "0.1"});
        const auto start = Clock::now();
        Peer& sender = stage.connect(scene.port);
        sender.send(bytes.substr(0, sizes[done]));
        if (!in_time(start, 0.1)) continue;
        expect_refusal(stage, sender);
        ++done;
    }
}

TEST_CASE("The receiver tells a sender that is still sending why it is refused",
          "[04_file_transfer][file_receive][step:7][points:2]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage, {"--max-size", "100000"});
    const std::string contents(8 * megabyte, 'x');
    for (const std::string& start :
         {announcement("large", contents.size()), announcement("../out", contents.size()),
          announcement("note.txt", 10), std::string(100, 'n')}) {
        Peer& sender = bring(stage, scene, start + contents);
        expect_refusal(stage, sender, "who closes with bytes unread resets the connection");
    }
    expect_folder(stage, "uploads", {});
}

TEST_CASE("The receiver ends its stream behind a refusal though the sender stays",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage, {"--timeout", "60"});
    Peer& sender = stage.connect(scene.port);
    sender.send(as_sent(".hidden", "hello"));
    expect_refusal(stage, sender, "behind the answer, shut down sending");
    expect_rejected(scene.receiver, sender, ".hidden");
}

TEST_CASE("The receiver stores what an old sender brings that reads no answer",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    Peer& closes = stage.connect(scene.port);
    closes.send(as_sent("closed", "hello"));
    closes.close();
    expect_stored(stage, scene, closes, "closed", "hello");
    stage.pass_time(0.05);
    scene.receiver.expect_running(ignored_last);

    Peer& resets = stage.connect(scene.port);
    resets.send(as_sent("reset", "hello"));
    expect_receiving(scene.receiver, resets, "reset", 5);
    resets.shut_down_sending();
    resets.reset();
    scene.receiver.expect_line_like("saved (.*/)?uploads/reset \\(5 bytes\\)",
                                    "the line \"saved uploads/reset (5 bytes)\"");

    stage.pass_time(0.05);
    scene.receiver.expect_running(ignored_last);
    deliver(stage, scene, "last", "hello", "an answer that nobody reads is no failure");
}

TEST_CASE("The receiver serves the next sender after one that reset the connection",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    for (const std::string part : {"", "note", "note.txt\n", "note.txt\n\1\1\1\1\nhello"}) {
        Peer& sender = stage.connect(scene.port);
        sender.send_in_pieces({part});
        sender.reset();
        expect_rejected_early(stage, scene.receiver, sender, "note.txt",
                              "Connection reset by peer");
    }
    deliver(stage, scene, "note.txt", "hello", one_fault);
    expect_folder(stage, "uploads", {"note.txt"});
}

TEST_CASE("The receiver serves the next sender after one that fell silent",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    const std::string bytes = as_sent("silent", "hello");
    const std::vector<std::size_t> sizes{0, 3, 9, 14};
    Attempts attempts;
    for (std::size_t done = 0; done < sizes.size() && attempts.another();) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage, {"--timeout", "0.2"});
        const auto start = Clock::now();
        Peer& silent = stage.connect(scene.port);
        silent.send(bytes.substr(0, sizes[done]));
        // It brings all that it has while it waits for its turn, so that its time can't run out.
        Peer& next = bring(stage, scene, as_sent("note.txt", "hello"));
        if (!in_time(start, 0.2)) continue;
        expect_rejected_early(stage, scene.receiver, silent, "silent", "timed out");
        expect_stored(stage, scene, next, "note.txt", "hello");
        expect_confirmed(next);
        ++done;
    }
}

TEST_CASE("A refused sender that stays or sends on for ever does not hold up the others",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    Attempts attempts;
    for (std::size_t size = 0; size <= megabyte && attempts.another();) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage, {"--timeout", "0.3"});
        const auto start = Clock::now();
        Peer& refused = stage.connect(scene.port);
        refused.send(as_sent(".hidden", "hello"));
        Peer& next = bring(stage, scene, as_sent("note.txt", "hello"));
        if (!in_time(start, 0.3)) continue;
        while (!next.ended() && Clock::now() < start + patience()) {
            refused.send(std::string(size, 'x'));
            stage.pass_time(0.001);
        }
        stage.expect(next.ended(), "the next sender is served", "it still waits",
                     "a limit for each read is none for a sender that never stops");
        expect_confirmed(next);
        size += megabyte;
    }
}

TEST_CASE("The receiver goes on after a name without end and holds no more of it than it must",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    const std::size_t before = scene.receiver.peak_memory();
    Peer& sender = stage.connect(scene.port);
    const std::string piece(megabyte, 'n');
    const auto is_frugal = [&] { return scene.receiver.peak_memory() < before + 4 * megabyte; };
    // A receiver that keeps it all, and reads it byte by byte, would take minutes for much more.
    for (int i = 0; i < 12 && is_frugal(); ++i) sender.send(piece);
    stage.expect(is_frugal(), "little more memory in use than before", "megabytes more",
                 "stop reading the name as soon as it is too long");
    sender.shut_down_sending();
    expect_refusal(stage, sender);
    deliver(stage, scene, "note.txt", "hello", one_fault);
}

TEST_CASE("The receiver goes on when a sender was gone before it was accepted",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    Peer& first = stage.connect(scene.port);
    first.send_in_pieces({as_sent("first", "hello")});
    Peer& gone = stage.connect(scene.port);
    gone.reset();
    Peer& last = bring(stage, scene, as_sent("last", "hello"));
    first.shut_down_sending();
    expect_confirmed(first);
    expect_confirmed(last, one_fault);
    expect_folder(stage, "uploads", {"first", "last"});
}

TEST_CASE("The receiver waits for the next sender without a limit",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    for (Attempts attempts; attempts.another();) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage, {"--timeout", "0.2"});
        stage.pass_time(0.5);
        const auto start = Clock::now();
        Peer& sender = stage.connect(scene.port);
        sender.send(announcement("late", 5));
        // A limit that has run out before would show only where the receiver waits.
        stage.pass_time(0.03);
        sender.send("hello");
        sender.shut_down_sending();
        if (!in_time(start, 0.2)) continue;
        expect_stored(stage, scene, sender, "late", "hello",
                      "only a sender that has connected has a limit");
        expect_confirmed(sender);
        break;
    }
}

TEST_CASE("The receiver never mixes two senders of one name",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    const std::vector<std::string> contents{std::string(150000, 'a'), std::string(150000, 'b')};
    Peer& first = stage.connect(scene.port);
    first.send_in_pieces({announcement("note.txt", 150000) + contents[0].substr(0, 75000)});
    Peer& second = bring(stage, scene, as_sent("note.txt", contents[1]));
    first.send(contents[0].substr(75000));
    first.shut_down_sending();
    // Nothing says which of them comes first, and so wins.
    const bool first_won = first.receive_to_end() == "OK\n";
    const bool second_won = second.receive_to_end() == "OK\n";
    const bool one_won = first_won != second_won;
    stage.expect(one_won, "one of the two is stored, the other is refused",
                 first_won ? "both were stored" : "none was stored");
    expect_file(stage, "uploads/note.txt", contents[second_won ? 1 : 0]);
    expect_folder(stage, "uploads", {"note.txt"});
}

TEST_CASE("Two receivers on one folder never mix two senders of one name",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    for (const std::string option : {"--timeout=30", "--overwrite"}) {
        Stage stage{lab};
        const std::vector<ReceiverScene> scenes{listening_receiver(stage, {option}),
                                                listening_receiver(stage, {option})};
        const std::vector<std::string> contents{std::string(150000, 'a'), std::string(150000, 'b')};
        std::vector<Peer*> senders;
        for (std::size_t i = 0; i < 2; ++i) {
            senders.push_back(&stage.connect(scenes[i].port));
            senders[i]->send_in_pieces(
                {announcement("note.txt", 150000) + contents[i].substr(0, 75000)});
        }
        std::vector<bool> stored;
        for (std::size_t i = 0; i < 2; ++i) {
            senders[i]->send(contents[i].substr(75000));
            senders[i]->shut_down_sending();
            stored.push_back(senders[i]->receive_to_end() == "OK\n");
        }
        if (option != "--overwrite") {
            const bool one = stored[0] != stored[1];
            stage.expect(one, "one of the two is stored, the other is refused",
                         stored[0] ? "both were stored" : "none was stored",
                         "that a file is not there when it begins says nothing of its end");
        }
        stage.expect(stored[0] || stored[1], "a file that is stored", "two that were refused");
        const std::string expected = contents[stored[1] ? 1 : 0];
        expect_file(stage, "uploads/note.txt", expected, "each needs a file of its own until then");
        expect_folder(stage, "uploads", {"note.txt"});
    }
}

TEST_CASE("The receiver writes nothing outside its folder through a link that it may overwrite",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage, {"--overwrite"});
    fs::create_symlink("../nowhere", stage.path("uploads/dangling"));
    fs::create_symlink("../outside", stage.path("uploads/link"));
    fs::create_directory(stage.path("uploads/folder"));
    stage.write_file("outside", "was here before");
    for (const std::string name : {"dangling", "link", "folder"}) {
        Peer& sender = bring(stage, scene, as_sent(name, "hello"));
        const std::string answer = sender.receive_to_end();
        // A link may be replaced or refused, but a folder is no file.
        const bool fitting = answer == "OK\n" ? name != "folder" : answer.starts_with("ERR ");
        stage.expect(fitting, "an answer that fits the " + quote(name), quote(answer));
    }
    expect_file(stage, "outside", "was here before", "a link must not be followed");
    expect_folder(stage, "", {"uploads", "outside"}, "a link must not be followed");
    expect_folder(stage, "uploads", {"dangling", "folder", "link"});
    expect_confirmed(bring(stage, scene, as_sent("note.txt", "hello")), one_fault);
}

TEST_CASE("The receiver answers ERR when the disk is full and goes on",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    in_world(lab, {}, [](Stage& stage) {
        const SmallDisk disk{stage, "uploads", 128 * 1024};
        const ReceiverScene scene = listening_receiver(stage);
        Peer& sender = bring(stage, scene, as_sent("large", contents_of(megabyte)));
        expect_refusal(stage, sender, "what can't be written must not be called stored");
        expect_rejected(scene.receiver, sender, "large", not_timed_out);
        expect_folder(stage, "uploads", {});
        // There is room for it only when nothing of the large one is left.
        deliver(stage, scene, "note.txt", contents_of(100 * 1024), one_fault);
    });
}

TEST_CASE("The receiver answers ERR when its folder has gone and goes on",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage, {"--dir", "box"});
    fs::remove(stage.path("box"));
    Peer& sender = bring(stage, scene, as_sent("note.txt", "hello"));
    // A receiver may as well make the folder anew.
    const std::string answer = sender.receive_to_end();
    const bool fitting = answer == "OK\n" || answer.starts_with("ERR ");
    stage.expect(fitting, "an answer", quote(answer), one_fault);
    expect_folder(stage, "box",
                  answer == "OK\n" ? std::set<std::string>{"note.txt"} : std::set<std::string>{});
    fs::create_directory(stage.path("box"));
    deliver(stage, {scene.receiver, scene.port, "box"}, "next.txt", "hello", one_fault);
}

TEST_CASE("The receiver serves more senders than it may have files open",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage, {}, {.open_files = 20});
    for (int i = 0; i < 15; ++i) {
        deliver(stage, scene, "note" + std::to_string(i), "hello",
                "each connection and each file must be closed in the end");
        expect_refusal(stage, bring(stage, scene, announcement("cut off", 5) + "hell"));
    }
}

TEST_CASE("The receiver ends after one transfer with --once and its status tells how it went",
          "[04_file_transfer][file_receive][step:7][points:2]") {
    Stage stage{lab};
    const ReceiverScene good = listening_receiver(stage, {"--once"});
    deliver(stage, good, "note.txt", "hello");
    good.receiver.expect_exit(0);

    const ReceiverScene cut = listening_receiver(stage, {"--once"});
    Peer& half = bring(stage, cut, announcement("half", 5) + "hel");
    expect_refusal(stage, half);
    expect_receiving(cut.receiver, half, "half", 5);
    expect_rejected(cut.receiver, half, "half");
    cut.receiver.expect_exit(1);

    const ReceiverScene early = listening_receiver(stage, {"--once"});
    Peer& nothing = bring(stage, early, "");
    expect_refusal(stage, nothing);
    expect_rejected(early.receiver, nothing, "");
    early.receiver.expect_exit(1);

    const ReceiverScene late = listening_receiver(stage, {"--once", "--timeout", "0.1"});
    Peer& silent = stage.connect(late.port);
    expect_rejected(late.receiver, silent, "", "timed out");
    late.receiver.expect_exit(1);
    expect_folder(stage, "uploads", {"note.txt"});
}

TEST_CASE("The receiver ends at once when it is interrupted while it waits for a sender",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        const ReceiverScene scene = listening_receiver(stage);
        deliver(stage, scene, "note.txt", "hello");
        scene.receiver.signal(signal);
        scene.receiver.expect_end_by(signal);
        expect_file(stage, "uploads/note.txt", "hello");
    }
}

TEST_CASE("The receiver takes files over IPv6",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    for (const std::string address : {"::1", "::"}) {
        Stage stage{lab};
        Process& receiver = stage.start("file_receive", {"--port=0", "--bind", address});
        const ReceiverScene scene{receiver, receiver.expect_listening(address)};
        Peer& sender = stage.connect(scene.port, "::1");
        sender.send(as_sent("six", "hello"));
        sender.shut_down_sending();
        expect_stored(stage, scene, sender, "six", "hello");
        expect_confirmed(sender);
        Peer& rude = stage.connect(scene.port, "::1");
        rude.send(as_sent(".hidden", "hello"));
        rude.shut_down_sending();
        expect_rejected(receiver, rude, ".hidden");
    }
}

TEST_CASE("The receiver writes a log of whole lines when asked",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    Stage stage{lab};
    const std::string before = "[20200101 00:00:00] before:1 - this line was there before\n";
    stage.write_file("receiver.log", before);
    const ReceiverScene scene = listening_receiver(stage, {"--log", "receiver.log"});
    deliver(stage, scene, "note.txt", "hello");
    expect_refusal(stage, bring(stage, scene, as_sent("\x1b[2J\n", "hello")));
    expect_log(stage, "receiver.log");
    const std::string log = stage.read_file("receiver.log");
    stage.expect(log.starts_with(before) && log.size() > before.size(),
                 "new lines behind those that were there", quote(log));
    stage.expect(log.find('\x1b') == std::string::npos, "names made printable in the log",
                 quote(log));
    Process& other = stage.start("file_receive", {"--port", "0", "--log", "no/such/folder"});
    other.expect_error_like("file_receive: " + no_todo + ".*no/such/folder.*: .+",
                            "one line that names the log file");
    other.expect_exit(1);
}

TEST_CASE("The receiver understands nc as a sender",
          "[04_file_transfer][file_receive][step:7][points:1]") {
    if (!have_command("nc")) return skip("nc is not installed");
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    Process& nc = stage.start_command("nc", {"-N", "127.0.0.1", scene.port});
    nc.type(as_sent("note.txt", "From nc, with care."));
    nc.end_input();
    nc.expect_line("OK");
    expect_file(stage, "uploads/note.txt", "From nc, with care.");
}

// --- file_send, step 8: the announcement -----------------------------------------------------

TEST_CASE("The sender announces the name and the size in four bytes",
          "[04_file_transfer][file_send][step:8][points:1]") {
    for (const std::size_t size : {0U, 1U, 10U, 255U, 256U, 2570U, 65536U, 8454143U}) {
        Stage stage{lab};
        stage.write_file("note.txt", std::string(size, 'x'));
        auto [sender, listener, receiver] = connected_sender(stage, {"note.txt"});
        receiver.expect_received(announcement("note.txt", size),
                                 "the size is four bytes, the most significant first");
    }
}

TEST_CASE("The sender announces the base name of a path",
          "[04_file_transfer][file_send][step:8][points:1]") {
    for (const std::string path : {"deep/in/note.txt", "./deep/../deep/in//note.txt", ""}) {
        Stage stage{lab};
        fs::create_directories(stage.path("deep/in"));
        stage.write_file("deep/in/note.txt", "hello");
        const std::string file = path.empty() ? stage.path("deep/in/note.txt") : path;
        auto [sender, listener, receiver] = connected_sender(stage, {file});
        receiver.expect_received(announcement("note.txt", 5),
                                 "folders are the receiver's own affair");
    }
}

TEST_CASE("The sender announces every name of up to 32 bytes as it is",
          "[04_file_transfer][file_send][step:8][points:1]") {
    for (const std::string& name :
         {std::string(32, 'n'), std::string{"two words"}, std::string{"Gr\u00fc\u00dfe"},
          std::string{"\xff\xfe"}, std::string{"%s$HOME"}, std::string{"-rf"}}) {
        Stage stage{lab};
        stage.write_file(name, "hello");
        // Behind "--" no word is an option.
        auto [sender, listener, receiver] = connected_sender(stage, {"--", name});
        receiver.expect_received(announcement(name, 5));
    }
}

TEST_CASE("The sender refuses a name of more than 32 bytes before it connects",
          "[04_file_transfer][file_send][step:8][points:1]") {
    Stage stage{lab};
    fs::create_directory(stage.path("folder"));
    // The second has 33 bytes, too, though only 32 letters.
    std::vector<Name> files;
    for (const std::string& name : {std::string(33, 'n'), std::string(31, 'n') + "\u00fc"}) {
        stage.write_file("folder/" + name, "hello");
        files.push_back({"folder/" + name, name});
    }
    expect_refused_files(stage, files);
}

TEST_CASE("The sender refuses a newline in a name before it connects",
          "[04_file_transfer][file_send][step:8][points:1]") {
    Stage stage{lab};
    stage.write_file("two\nlines", "hello");
    expect_refused_files(stage, {{"two\nlines", R"(two\x0alines)"}},
                         "for the receiver the newline would be the end of the name");
}

TEST_CASE("The sender refuses a file that can't be read before it connects",
          "[04_file_transfer][file_send][step:8][points:1]") {
    Stage stage{lab};
    fs::create_directory(stage.path("folder"));
    fs::create_symlink("loop", stage.path("loop"));
    fs::create_symlink("nowhere", stage.path("dangling"));
    std::vector<Name> files{{"\x1b[2Jmissing", R"(\x1b[2Jmissing)"}};
    for (const std::string path : {"missing", "folder", "loop", "dangling", "good.txt/file"}) {
        files.push_back({path, path});
    }
    // To root every file is readable.
    stage.write_file("secret", "hello");
    fs::permissions(stage.path("secret"), fs::perms::none);
    const bool readable = ::access(stage.path("secret").c_str(), R_OK) == 0;
    if (!readable) files.push_back({"secret", "secret"});
    expect_refused_files(stage, files);
}

TEST_CASE("The sender refuses a pipe without waiting for somebody to write to it",
          "[04_file_transfer][file_send][step:8][points:1]") {
    Stage stage{lab};
    const bool made = ::mkfifo(stage.path("pipe").c_str(), 0666) == 0;
    if (!made) return skip("this machine can't make a pipe in the folder");
    expect_refused_files(stage, {{"pipe", "pipe"}},
                         "opening a pipe waits for its other end, and a pipe has no size");
}

TEST_CASE("The sender refuses a file of more than 4294967295 bytes before it connects",
          "[04_file_transfer][file_send][step:8][points:1]") {
    Stage stage{lab};
    const bool made = make_sparse(stage, "huge", most_bytes + 1) &&
                      make_sparse(stage, "very huge", 3 * (most_bytes + 1) + 5);
    if (!made) return skip("this machine can't make large files");
    expect_refused_files(stage, {{"huge", "huge"}, {"very huge", "very huge"}},
                         "its size does not fit into four bytes");
}

TEST_CASE("The sender announces a file of exactly 4294967295 bytes",
          "[04_file_transfer][file_send][step:8][points:1]") {
    Stage stage{lab};
    if (!make_sparse(stage, "large", most_bytes)) return skip("no large files on this machine");
    auto [sender, listener, receiver] = connected_sender(stage, {"large"});
    receiver.expect_received(announcement("large", most_bytes));
    receiver.stall();
}

TEST_CASE("The sender connects over IPv6", "[04_file_transfer][file_send][step:8][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    Stage stage{lab};
    stage.write_file("note.txt", "hello");
    Listener& listener = stage.listen("::1");
    stage.start("file_send", {"::1", listener.port(), "note.txt"});
    listener.accept().expect_received(announcement("note.txt", 5));
}

TEST_CASE("The sender tries every address that a name has",
          "[04_file_transfer][file_send][step:8][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    // Only one of the two addresses has a listener, once the one and once the other.
    for (const std::string address : {"127.0.0.1", "::1"}) {
        in_world(lab, {.hosts = "127.0.0.1 two.test\n::1 two.test\n"}, [&address](Stage& stage) {
            stage.write_file("note.txt", "hello");
            Listener& listener = stage.listen(address);
            stage.start("file_send", {"two.test", listener.port(), "note.txt"});
            Peer& receiver =
                listener.accept("a name can have several addresses, and only one may answer");
            receiver.expect_received(announcement("note.txt", 5));
        });
    }
}

TEST_CASE("A sender that works reports a refused connection for each file",
          "[04_file_transfer][file_send][step:8][points:1]") {
    Stage stage{lab};
    stage.write_file("one", "hello");
    stage.write_file("two", "hello");
    const std::string port = stage.refusing_port();
    Process& sender = stage.start("file_send", {"127.0.0.1", port, "one", "two"});
    for (const std::string name : {"one", "two"}) {
        expect_not_sent(sender, name, ".*127\\.0\\.0\\.1:" + port + ": Connection refused");
    }
    sender.expect_exit(1);
    if (have_ipv6()) {
        const std::string port6 = stage.refusing_port("::1");
        Process& sender6 = stage.start("file_send", {"::1", port6, "one"});
        expect_not_sent(sender6, "one", ".*\\[::1\\]:" + port6 + ": Connection refused");
        sender6.expect_exit(1);
    }
    expect_sender_works(stage);
}

TEST_CASE("A sender that works waits for a connection no longer than its timeout",
          "[04_file_transfer][file_send][step:8][points:1]") {
    Stage stage{lab};
    stage.write_file("note.txt", "hello");
    const std::string port = stage.silent_port();
    Process& sender = stage.start("file_send", {"127.0.0.1", port, "note.txt", "--timeout", "0.2"});
    expect_not_sent(sender, "note.txt", ".*127\\.0\\.0\\.1:" + port + ": timed out");
    sender.expect_exit(1);
    stage.expect_at_least(sender.run_time(), 0.2, "the sender waits");
    expect_sender_works(stage);
}

TEST_CASE("A sender that works reports a name that can't be looked up in one line with the name",
          "[04_file_transfer][file_send][step:8][points:1]") {
    // In a world without a name server the look-up fails at once, and nothing is sent.
    in_world(lab, {}, [](Stage& stage) {
        stage.write_file("works.txt", "It works.");
        Process& sender = stage.start("file_send", {"no-such-host.invalid", "54321", "works.txt"});
        expect_not_sent(sender, "works.txt", ".*no-such-host\\.invalid.*: .+");
        sender.expect_exit(1);
        expect_sender_works(stage);
    });
}

TEST_CASE("A sender that works ends at once when it is interrupted while it connects",
          "[04_file_transfer][file_send][step:8][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        stage.write_file("works.txt", "It works.");
        const std::string port = stage.silent_port();
        Process& sender = stage.start("file_send", {"127.0.0.1", port, "works.txt"});
        stage.await_attempt(port);
        sender.signal(signal);
        sender.expect_end_by(signal);
        expect_sender_works(stage);
    }
}

TEST_CASE("A sender that works explains itself and refuses wrong usage",
          "[04_file_transfer][file_send][step:8][points:1]") {
    Stage stage{lab};
    expect_help(stage, "file_send",
                {{"HOST", ""},
                 {"PORT", ""},
                 {"FILE", ""},
                 {"--timeout SECONDS", "10"},
                 {"--log FILE", "none"},
                 {"--help", ""}});
    expect_usage_error(stage, "file_send", {}, "");
    expect_usage_error(stage, "file_send", {"127.0.0.1"}, "");
    expect_usage_error(stage, "file_send", {"127.0.0.1", "54321"}, "");
    expect_usage_error(stage, "file_send", {"--colour", "127.0.0.1", "54321", "works.txt"},
                       "--colour");
    expect_usage_error(stage, "file_send", {"127.0.0.1", "54321", "works.txt", "--timeout"},
                       "--timeout");
    for (const std::string port : {"0", "65536", "70000", "abc", "80x", ""}) {
        expect_usage_error(stage, "file_send", {"127.0.0.1", port, "works.txt"}, port);
    }
    for (const std::string seconds : {"-1", "soon", "1s", ""}) {
        expect_usage_error(stage, "file_send",
                           {"127.0.0.1", "54321", "works.txt", "--timeout=" + seconds},
                           "--timeout");
    }
    expect_usage_error(stage, "file_send", {"", "54321", "works.txt"}, "");
    expect_usage_error(stage, "file_send", {"127.0.0.1", "\x1b[2J", "works.txt"}, R"(\x1b[2J)");
    expect_sender_works(stage);
}

// --- file_send, step 9: the contents ---------------------------------------------------------

TEST_CASE("The sender sends the contents as they are behind the announcement",
          "[04_file_transfer][file_send][step:9][points:1]") {
    for (const std::size_t size : {0U, 1U, 10U, 4096U, 65537U, 300000U}) {
        Stage stage{lab};
        const std::string contents = contents_of(size);
        stage.write_file("note.txt", contents);
        SenderScene scene = connected_sender(stage, {"note.txt"});
        Process& sender = scene.sender;
        Peer& receiver = scene.receiver;
        receiver.expect_received(as_sent("note.txt", contents));
        // Whatever it waits for, it ends now.
        receiver.shut_down_sending();
        const std::string more = receiver.receive_to_end();
        stage.expect(more.empty(), "no more bytes than the file has",
                     std::to_string(more.size()) + " bytes behind the contents",
                     "send no more of a part than what was read into it");
        // A later step may not be done yet.
        stage.wait_until([&sender] { return sender.ended(); });
        const std::string said = sender.errors();
        const bool content =
            said.empty() || std::regex_search(said, std::regex{"TODO 1[0-2] is not done"});
        stage.expect(content, "no complaint about a file of " + std::to_string(size) + " bytes",
                     quote(said),
                     size == 0 ? "an empty file needs no part at all: ask before the first" : "");
    }
}

TEST_CASE("The sender sends a file of 5 megabytes byte for byte",
          "[04_file_transfer][file_send][step:9][points:1]") {
    Stage stage{lab};
    const std::string contents = contents_of(5 * megabyte + 3);
    stage.write_file("picture.jpg", contents);
    auto [sender, listener, receiver] = connected_sender(stage, {"picture.jpg"});
    receiver.expect_received(announcement("picture.jpg", contents.size()));
    receiver.expect_received(contents, "one write may take only a part");
}

TEST_CASE("The sender loses nothing when the receiver is slow",
          "[04_file_transfer][file_send][step:9][points:1]") {
    const double timeout = 0.3 * time_scale();
    const std::string contents = contents_of(4 * megabyte + 5);
    const std::string expected = as_sent("picture.jpg", contents);
    int times_late = 0;
    for (Attempts attempts; attempts.another();) {
        Stage stage{lab};
        stage.write_file("picture.jpg", contents);
        const auto [sender, got, steady] = receive_slowly(stage, "picture.jpg", timeout);
        if (got != expected && !steady) continue;
        const bool late = sender.errors().find("timed out") != std::string::npos;
        // A system that is very busy may lose a packet even here, and sends it again late.
        if (got != expected && late && ++times_late < 3) continue;
        stage.expect(got == expected,
                     "all of the file, " + std::to_string(expected.size()) + " bytes in all",
                     std::to_string(got.size()) + " bytes, or others",
                     late ? "send_part() has a time limit of its own: a Deadline around the loop "
                            "is one for the whole transfer"
                          : "count what send_part() returned: fewer than asked for may also mean a "
                            "slow receiver, only 0 is the end of the file");
        break;
    }
}

TEST_CASE("The sender sends no more than it has announced of a file that grows meanwhile",
          "[04_file_transfer][file_send][step:9][points:1]") {
    Stage stage{lab};
    const std::size_t size = 24 * megabyte + 3;
    if (!make_sparse(stage, "growing", size)) return skip("no large files here");
    auto [sender, listener, receiver] = connected_sender(stage, {"growing"});
    receiver.expect_received(announcement("growing", size));
    fs::resize_file(stage.path("growing"), size + 2 * megabyte);
    const std::string got = receiver.receive_to_end();
    const bool equal = got == std::string(size, '\0');
    stage.expect(equal, "the " + std::to_string(size) + " bytes that were announced",
                 std::to_string(got.size()) + " bytes, or others",
                 "of the last part only what is left of the announced size is to be sent");
}

TEST_CASE("The sender waits for a receiver that does not read no longer than its timeout",
          "[04_file_transfer][file_send][step:9][points:1]") {
    Stage stage{lab};
    if (!make_sparse(stage, "large", 256 * megabyte)) return skip("no large files here");
    auto [sender, listener, receiver] = connected_sender(stage, {"large"}, {"--timeout", "0.2"});
    receiver.expect_received("large\n");
    receiver.stall();
    expect_not_sent(sender, "large", ".*timed out");
    sender.expect_exit(1);
}

TEST_CASE("The sender reports a receiver that hangs up within the contents and sends the next file",
          "[04_file_transfer][file_send][step:9][points:1]") {
    for (const bool by_reset : {true, false}) {
        Stage stage{lab};
        if (!make_sparse(stage, "large", 256 * megabyte)) return skip("no large files here");
        stage.write_file("small", "hello");
        auto [sender, listener, receiver] = connected_sender(stage, {"large", "small"});
        receiver.expect_received("large\n");
        receiver.stall();
        if (by_reset) {
            receiver.reset();
        } else {
            receiver.close();
        }
        expect_not_sent(sender, "large");
        Peer& next = listener.accept("one file that was not sent must not keep back the others");
        next.expect_received(as_sent("small", "hello"));
    }
}

TEST_CASE("The sender reports a file that becomes shorter while it is sent",
          "[04_file_transfer][file_send][step:9][points:1]") {
    Stage stage{lab};
    if (!make_sparse(stage, "large", 256 * megabyte)) return skip("no large files here");
    auto [sender, listener, receiver] = connected_sender(stage, {"large"});
    receiver.expect_received(announcement("large", 256 * megabyte));
    // The receiver has a part of it; the rest waits until the test reads on.
    fs::resize_file(stage.path("large"), 1);
    const std::string got = receiver.receive_to_end(
        "send_part() returned 0, the file has ended early: throw, or the loop never ends");
    const bool padded = got.size() >= 256 * megabyte;
    stage.expect(!padded, "no more bytes than the file has", "bytes that are none of the file's",
                 "a part of no bytes means that the file has become shorter");
    receiver.close();
    expect_not_sent(sender, "large");
    sender.expect_exit(1);
}

TEST_CASE("The sender ends at once when it is interrupted while the receiver does not read",
          "[04_file_transfer][file_send][step:9][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        if (!make_sparse(stage, "large", 256 * megabyte)) return skip("no large files here");
        auto [sender, listener, receiver] = connected_sender(stage, {"large"});
        receiver.expect_received(announcement("large", 256 * megabyte) + std::string(1, '\0'));
        receiver.stall();
        sender.signal(signal);
        sender.expect_end_by(signal);
    }
}

// --- file_send, step 10: the end -------------------------------------------------------------

TEST_CASE("The sender ends the stream behind the contents and waits for the answer",
          "[04_file_transfer][file_send][step:10][points:1]") {
    for (const std::size_t size : {0U, 5U, 70000U}) {
        Stage stage{lab};
        const std::string contents = contents_of(size);
        stage.write_file("note.txt", contents);
        auto [sender, listener, receiver] = connected_sender(stage, {"note.txt"});
        take_file(stage, receiver, "note.txt", contents);
        expect_end_was_meant(stage, sender);
    }
}

TEST_CASE("The sender still listens when it has ended the stream",
          "[04_file_transfer][file_send][step:10][points:1]") {
    Stage stage{lab};
    stage.write_file("empty", "");
    tcp::acceptor acceptor{stage.io()};
    acceptor.open(tcp::v4());
    acceptor.bind({asio::ip::address_v4::loopback(), 0});
    acceptor.listen(0);
    const std::string port = std::to_string(acceptor.local_endpoint().port());
    // While this one waits in the queue, which has room for one, the sender can't connect.
    tcp::socket first{stage.io()};
    first.connect(acceptor.local_endpoint());
    pollfd queue{.fd = acceptor.native_handle(), .events = POLLIN, .revents = 0};
    ::poll(&queue, 1, -1);
    Process& sender = stage.start("file_send", {"127.0.0.1", port, "empty"});
    stage.await_attempt(port);
    // Its system connects and takes the answer while the sender itself is halted, so that there is
    // something to be read at its step 10: who closes then resets the connection.
    sender.signal(SIGSTOP);
    acceptor.accept();
    const auto end = Clock::now() + std::chrono::seconds{4};
    while (::poll(&queue, 1, 0) == 0 && Clock::now() < end) stage.pass_time(0.01);
    stage.expect(::poll(&queue, 1, 0) > 0, "a connection to 127.0.0.1:" + port, "none came");
    Peer receiver{stage, acceptor.accept(), "peer 1"};
    receiver.send("OK\n");
    sender.signal(SIGCONT);
    // One that looks for an answer before it sends anything finds this one, and has to stop.
    stage.wait_until([&] { return receiver.ended() || !receiver.received().empty(); });
    if (receiver.received().empty()) return expect_not_sent(sender, "empty", ".*OK.*");
    receiver.expect_received(announcement("empty", 0));
    receiver.expect_end("shut down sending only: nobody hears the answer on a closed socket");
}

// --- file_send, step 11: the answer ----------------------------------------------------------

TEST_CASE("The sender ends at once when it is interrupted while it waits for the answer",
          "[04_file_transfer][file_send][step:11][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        stage.write_file("note.txt", "hello");
        auto [sender, listener, receiver] = connected_sender(stage, {"note.txt"});
        take_file(stage, receiver, "note.txt", "hello");
        stage.pass_time(0.05);
        sender.expect_running("the answer has not come yet; " + send_only);
        sender.signal(signal);
        sender.expect_end_by(signal);
    }
}

TEST_CASE("The sender reports a reset in place of an answer",
          "[04_file_transfer][file_send][step:11][points:1]") {
    Stage stage{lab};
    stage.write_file("note.txt", "hello");
    auto [sender, listener, receiver] = connected_sender(stage, {"note.txt"});
    take_file(stage, receiver, "note.txt", "hello");
    receiver.reset();
    expect_not_sent(sender, "note.txt", ".*Connection reset by peer",
                    "a reset is not the end of the stream; " + send_only);
    sender.expect_exit(1);
}

// --- file_send, step 12: what the answer means -----------------------------------------------

TEST_CASE("The sender says what it sent when the receiver answers OK",
          "[04_file_transfer][file_send][step:12][points:1]") {
    for (const std::size_t size : {0U, 5U, 70000U}) {
        Stage stage{lab};
        const std::string contents = contents_of(size);
        stage.write_file("note.txt", contents);
        auto [sender, listener, receiver] = connected_sender(stage, {"note.txt"});
        take_file(stage, receiver, "note.txt", contents);
        const bool hasty = !sender.output().empty();
        stage.expect(!hasty, "nothing is said before the answer", quote(sender.output()));
        answer(receiver, "OK\n");
        expect_sent(sender, "note.txt", size);
        sender.expect_exit(0);
        stage.expect(sender.errors().empty(), "nothing on stderr", quote(sender.errors()));
    }
}

TEST_CASE("The sender puts together an answer that comes in pieces",
          "[04_file_transfer][file_send][step:12][points:1]") {
    Stage stage{lab};
    stage.write_file("note.txt", "hello");
    auto [sender, listener, receiver] = connected_sender(stage, {"note.txt"});
    take_file(stage, receiver, "note.txt", "hello");
    receiver.send_byte_by_byte("OK\n");
    expect_sent(sender, "note.txt", 5, cause_of_judgement(stage, sender));
    sender.expect_exit(0);

    auto [refused, listener2, refuser] = connected_sender(stage, {"note.txt"});
    take_file(stage, refuser, "note.txt", "hello");
    refuser.send_in_pieces({"E", "RR ", "no room", " left", "\n"});
    expect_not_sent(refused, "note.txt", ".*no room left", cause_of_judgement(stage, refused));
    refused.expect_exit(1);
}

TEST_CASE("The sender does not take a pause of the receiver for its silence",
          "[04_file_transfer][file_send][step:12][points:1]") {
    const double timeout = 0.3 * time_scale();
    for (Attempts attempts; attempts.another();) {
        Stage stage{lab};
        stage.write_file("note.txt", "hello");
        // With so short a timeout a sender that never ends its stream would seem to end it: by its
        // own end, and too late for the pauses, whatever this machine does.
        take_file(stage, connected_sender(stage, {"note.txt"}).receiver, "note.txt", "hello");
        const auto start = Clock::now();
        auto [sender, listener, receiver] =
            connected_sender(stage, {"note.txt"}, {"--timeout", std::to_string(timeout)});
        take_file(stage, receiver, "note.txt", "hello");
        const bool short_pauses = receiver.trickle("ERR no room\n", timeout);
        // Longer than this it takes only where one of the pauses may have been too long.
        if (!short_pauses || !in_time(start, 2 * 2.2 * timeout)) continue;
        expect_not_sent(sender, "note.txt", ".*no room", one_wait);
        break;
    }
}

TEST_CASE("The sender takes a receiver without an answer for an old one",
          "[04_file_transfer][file_send][step:12][points:2]") {
    for (const std::size_t size : {0U, 5U, 70000U}) {
        Stage stage{lab};
        const std::string contents = contents_of(size);
        stage.write_file("note.txt", contents);
        auto [sender, listener, receiver] = connected_sender(stage, {"note.txt"});
        take_file(stage, receiver, "note.txt", contents);
        receiver.close();
        expect_unconfirmed(sender, "note.txt", size);
        sender.expect_exit(0);

        // This one reads what was announced and looks at nothing behind it.
        auto [second, listener2, hasty] = connected_sender(stage, {"note.txt"});
        hasty.expect_received(as_sent("note.txt", contents));
        hasty.close();
        expect_unconfirmed(second, "note.txt", size);
        second.expect_exit(0);
    }
}

TEST_CASE("The sender takes a receiver that stays silent for an old one after the timeout",
          "[04_file_transfer][file_send][step:12][points:1]") {
    Stage stage{lab};
    stage.write_file("note.txt", "hello");
    const auto start = Clock::now();
    auto [sender, listener, receiver] = connected_sender(stage, {"note.txt"}, {"--timeout", "0.2"});
    take_file(stage, receiver, "note.txt", "hello");
    expect_unconfirmed(sender, "note.txt", 5);
    sender.expect_exit(0);
    stage.expect_at_least(Clock::now() - start, 0.2, "the sender waits");
}

TEST_CASE("The sender waits for the answer without a limit when the timeout is 0",
          "[04_file_transfer][file_send][step:12][points:1]") {
    Stage stage{lab};
    stage.write_file("note.txt", "hello");
    auto [sender, listener, receiver] = connected_sender(stage, {"note.txt"}, {"--timeout", "0"});
    take_file(stage, receiver, "note.txt", "hello");
    stage.pass_time(0.2);
    answer(receiver, "OK\n");
    expect_sent(sender, "note.txt", 5, "a timeout of 0 means no limit");
    sender.expect_exit(0);
}

TEST_CASE("The sender shows why a file was refused",
          "[04_file_transfer][file_send][step:12][points:1]") {
    Stage stage{lab};
    stage.write_file("note.txt", "hello");
    auto [sender, listener, receiver] = connected_sender(stage, {"note.txt"});
    take_file(stage, receiver, "note.txt", "hello");
    answer(receiver, "ERR the disk is full\n");
    expect_not_sent(sender, "note.txt", ".*the disk is full");
    sender.expect_exit(1, "a file that was refused is a failure");

    auto [other, listener2, hostile] = connected_sender(stage, {"note.txt"});
    take_file(stage, hostile, "note.txt", "hello");
    answer(hostile, "ERR \x1b]0;gotcha\x07 \xc2\x9b \xff Gr\u00fc\u00dfe\n");
    expect_not_sent(other, "note.txt",
                    literal(R"(\x1b]0;gotcha\x07 \xc2\x9b \xff )") + "Gr\u00fc\u00dfe|.*: " +
                        literal(R"(\x1b]0;gotcha\x07 \xc2\x9b \xff )") + "Gr\u00fc\u00dfe");
    other.expect_exit(1);
}

TEST_CASE("The sender takes an answer that is neither OK nor ERR for a failure",
          "[04_file_transfer][file_send][step:12][points:1]") {
    for (const std::string garbage :
         {"NO\n", "OKAY\n", "OH", "HTTP/1.1 400 Bad Request\r\n\r\n", "\x1b[2J\n"}) {
        Stage stage{lab};
        stage.write_file("note.txt", "hello");
        auto [sender, listener, receiver] = connected_sender(stage, {"note.txt"});
        take_file(stage, receiver, "note.txt", "hello");
        answer(receiver, garbage);
        expect_not_sent(sender, "note.txt");
        sender.expect_exit(1);
        const bool raw = sender.errors().find('\x1b') != std::string::npos;
        stage.expect(!raw, "control bytes written as \\xNN", quote(sender.errors()));
    }
}

TEST_CASE("The sender gives up on an answer without end",
          "[04_file_transfer][file_send][step:12][points:1]") {
    for (const std::string start : {"", "ERR "}) {
        Stage stage{lab};
        stage.write_file("note.txt", "hello");
        auto [sender, listener, receiver] = connected_sender(stage, {"note.txt"});
        take_file(stage, receiver, "note.txt", "hello");
        const std::string piece(megabyte, 'x');
        receiver.send(start);
        for (int i = 0; i < 32 && !sender.ended(); ++i) receiver.send(piece);
        expect_not_sent(sender, "note.txt", any_reason,
                        "every buffer that a peer fills has a limit");
        sender.expect_exit(1);
        const bool short_line = sender.errors().size() < 100000;
        stage.expect(short_line, "no more than a line or two of such an answer",
                     std::to_string(sender.errors().size()) + " bytes on stderr");
    }
}

TEST_CASE("The sender stops when the receiver answers ERR in the middle of a large file",
          "[04_file_transfer][file_send][step:12][points:2]") {
    Stage stage{lab};
    if (!make_sparse(stage, "large", 256 * megabyte)) return skip("no large files here");
    auto [sender, listener, receiver] = connected_sender(stage, {"large"});
    receiver.expect_received(announcement("large", 256 * megabyte));
    receiver.send("ERR the disk is full\n");
    receiver.shut_down_sending();
    const std::string got =
        receiver.receive_to_end("who has been refused has no reason to go on sending");
    stage.expect(got.size() < 200 * megabyte, "the sender stops sending",
                 "it has sent " + std::to_string(got.size()) + " bytes",
                 "look for an answer before each part");
    expect_not_sent(sender, "large", ".*the disk is full");
    sender.expect_exit(1);
}

TEST_CASE("The sender takes an OK or a close before everything was sent for a failure",
          "[04_file_transfer][file_send][step:12][points:1]") {
    for (const bool by_answer : {true, false}) {
        Stage stage{lab};
        if (!make_sparse(stage, "large", 256 * megabyte)) return skip("no large files here");
        auto [sender, listener, receiver] =
            connected_sender(stage, {"large"}, {"--timeout", "0.2"});
        receiver.expect_received(announcement("large", 256 * megabyte));
        // It does not read on, so that a part is all that can be sent.
        receiver.stall();
        if (by_answer) {
            receiver.send("OK\n");
        } else {
            receiver.close();
        }
        expect_not_sent(sender, "large", any_reason,
                        "what answers a part of a file confirms nothing: was all of it sent?");
        sender.expect_exit(1);
    }
}

TEST_CASE("The sender shows why it was refused though the receiver has hung up",
          "[04_file_transfer][file_send][step:12][points:1]") {
    Stage stage{lab};
    if (!make_sparse(stage, "large", 256 * megabyte)) return skip("no large files here");
    auto [sender, listener, receiver] = connected_sender(stage, {"large"});
    receiver.expect_received(announcement("large", 256 * megabyte));
    receiver.stall();
    receiver.send("ERR the disk is full\n");
    receiver.close();
    expect_not_sent(sender, "large", ".*the disk is full",
                    "behind a failed write there may be an answer that tells why");
    sender.expect_exit(1);
}

TEST_CASE("The sender sends several files over a connection each",
          "[04_file_transfer][file_send][step:12][points:1]") {
    Stage stage{lab};
    const std::vector<std::string> names{"one", "two", "three"};
    for (const std::string& name : names) stage.write_file(name, "This is " + name);
    auto [sender, listener, receiver] = connected_sender(stage, names);
    Peer* peer = &receiver;
    for (const std::string& name : names) {
        take_file(stage, *peer, name, "This is " + name);
        answer(*peer, "OK\n");
        expect_sent(sender, name, 8 + name.size());
        if (name != names.back()) peer = &listener.accept("each file has its own connection");
    }
    sender.expect_exit(0);
}

TEST_CASE("The sender sends more files than it may have open",
          "[04_file_transfer][file_send][step:12][points:1]") {
    Stage stage{lab};
    std::vector<std::string> names;
    for (int i = 0; i < 30; ++i) {
        names.push_back("note" + std::to_string(i));
        stage.write_file(names.back(), "hello");
    }
    auto [sender, listener, receiver] = connected_sender(stage, names, {}, {.open_files = 20});
    Peer* peer = &receiver;
    for (const std::string& name : names) {
        take_file(stage, *peer, name, "hello");
        answer(*peer, "OK\n");
        expect_sent(sender, name, 5);
        if (name != names.back()) peer = &listener.accept("each must be closed in the end");
    }
    sender.expect_exit(0);
}

TEST_CASE("The sender sends the other files when one is refused and its status tells",
          "[04_file_transfer][file_send][step:12][points:1]") {
    Stage stage{lab};
    stage.write_file("one", "hello");
    stage.write_file("two", "hello");
    stage.write_file("three", "hello");
    auto [sender, listener, first] = connected_sender(stage, {"missing", "one", "two", "three"});
    expect_not_sent(sender, "missing");
    take_file(stage, first, "one", "hello");
    answer(first, "ERR no\n");
    expect_not_sent(sender, "one");
    Peer& second = listener.accept("the others are still sent");
    take_file(stage, second, "two", "hello");
    second.close();
    expect_unconfirmed(sender, "two", 5);
    Peer& third = listener.accept("the others are still sent");
    take_file(stage, third, "three", "hello");
    answer(third, "OK\n");
    expect_sent(sender, "three", 5);
    sender.expect_exit(1, "one file that was not sent makes the status 1");
}

TEST_CASE("The sender shows its progress on a terminal",
          "[04_file_transfer][file_send][step:12][points:1]") {
    if (!have_terminals()) return skip("this machine has no terminals");
    Stage stage{lab};
    if (!make_sparse(stage, "large", 48 * megabyte)) return skip("no large files here");
    const SenderScene scene = connected_sender(stage, {"large"}, {}, {.terminal = true});
    // A slow receiver, so that there is something to show.
    const auto percentage = [&scene] {
        return std::regex_search(scene.sender.output(), std::regex{"[0-9] ?%"});
    };
    while (!scene.receiver.ended() && !percentage()) {
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
        stage.pass_time(0.001);
    }
    scene.receiver.receive_to_end();
    stage.wait_until(percentage);
    const std::string shown = scene.sender.output();
    const bool progress = percentage() && shown.find("file_send: ") == std::string::npos;
    stage.expect(progress, "how far the transfer has come, in percent", quote(shown),
                 "is progress.show(sent) called behind each part? (step 9)");
    answer(scene.receiver, "OK\n");
    stage.wait_until([&scene] { return scene.sender.ended(); });
    const std::string line = "sent large" + size_text(48 * megabyte) + "\n";
    stage.expect(scene.sender.output().ends_with(line), "the line " + quote(line) + " at last",
                 quote(scene.sender.output()));
}

TEST_CASE("The sender shows no progress where there is no terminal",
          "[04_file_transfer][file_send][step:12][points:1]") {
    Stage stage{lab};
    const std::string contents = contents_of(5 * megabyte);
    stage.write_file("large", contents);
    auto [sender, listener, receiver] = connected_sender(stage, {"large"});
    take_file(stage, receiver, "large", contents);
    answer(receiver, "OK\n");
    expect_sent(sender, "large", contents.size());
    sender.expect_exit(0);
    stage.expect(sender.errors().empty(), "nothing on stderr", quote(sender.errors()));
}

TEST_CASE("The sender prints names safely", "[04_file_transfer][file_send][step:12][points:1]") {
    Stage stage{lab};
    const std::vector<Name> names{{"\x1b[2J", R"(\x1b[2J)"},
                                  {"\xff \xc2\x9b", R"(\xff \xc2\x9b)"},
                                  {"Gr\u00fc\u00dfe \\x0a", "Gr\u00fc\u00dfe \\x0a"}};
    for (const auto& [name, shown] : names) {
        stage.write_file(name, "hello");
        auto [sender, listener, receiver] = connected_sender(stage, {name});
        take_file(stage, receiver, name, "hello");
        answer(receiver, "OK\n");
        expect_sent(sender, shown, 5);
        sender.expect_exit(0);
    }
}

TEST_CASE("The sender reports that its output can't be written",
          "[04_file_transfer][file_send][step:12][points:1]") {
    Stage stage{lab};
    stage.write_file("note.txt", "hello");
    for (const StartOptions& options :
         {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
        auto [sender, listener, receiver] = connected_sender(stage, {"note.txt"}, {}, options);
        take_file(stage, receiver, "note.txt", "hello",
                  "what can't be printed must not get into the connection");
        answer(receiver, "OK\n");
        sender.expect_error_like("file_send: " + no_todo + ".+: .+", "one line on stderr");
        sender.expect_exit(1);
    }
}

TEST_CASE("The sender writes a log of whole lines when asked",
          "[04_file_transfer][file_send][step:12][points:1]") {
    Stage stage{lab};
    stage.write_file("\x1b[31m", "hello");
    auto [sender, listener, receiver] =
        connected_sender(stage, {"\x1b[31m"}, {"--log", "sender.log"});
    take_file(stage, receiver, "\x1b[31m", "hello");
    answer(receiver, "OK\n");
    sender.expect_line(R"(sent \x1b[31m (5 bytes))");
    sender.expect_exit(0);
    expect_log(stage, "sender.log");
    const std::string log = stage.read_file("sender.log");
    stage.expect(log.find('\x1b') == std::string::npos, "arguments made printable in the log",
                 quote(log));
}

// --- both, and other people's programs -------------------------------------------------------

TEST_CASE("The sender and the receiver understand each other",
          "[04_file_transfer][file_send][step:12][points:2]") {
    Stage stage{lab};
    const ReceiverScene scene = listening_receiver(stage);
    const std::vector<std::string> names{"empty", "note.txt", "picture.jpg"};
    const std::vector<std::string> contents{"", contents_of(2570), contents_of(5 * megabyte)};
    std::vector<std::string> arguments{"127.0.0.1", scene.port};
    for (std::size_t i = 0; i < names.size(); ++i) {
        stage.write_file(names[i], contents[i]);
        arguments.push_back(names[i]);
    }
    Process& sender = stage.start("file_send", arguments);
    for (std::size_t i = 0; i < names.size(); ++i) {
        expect_sent(sender, names[i], contents[i].size());
        expect_file(stage, "uploads/" + names[i], contents[i]);
    }
    sender.expect_exit(0);

    Process& again = stage.start("file_send", arguments);
    for (const std::string& name : names) expect_not_sent(again, name);
    again.expect_exit(1);
    stage.expect(scene.receiver.errors().find("rejected picture.jpg: ") != std::string::npos,
                 "the receiver rejects a file that exists", quote(scene.receiver.errors()));
    for (std::size_t i = 0; i < names.size(); ++i) {
        expect_file(stage, "uploads/" + names[i], contents[i]);
    }
}

TEST_CASE("The sender and the receiver understand each other over IPv6",
          "[04_file_transfer][file_send][step:12][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    Stage stage{lab};
    Process& receiver = stage.start("file_receive", {"--bind=::1", "--port=0", "--once"});
    const std::string port = receiver.expect_listening("::1");
    stage.write_file("note.txt", "hello");
    Process& sender = stage.start("file_send", {"::1", port, "note.txt"});
    expect_sent(sender, "note.txt", 5);
    sender.expect_exit(0);
    receiver.expect_line_like(R"(receiving note\.txt \(5 bytes\) from \[::1\]:[0-9]+)",
                              "the sender with its IPv6 address in brackets");
    receiver.expect_line_like(R"(saved (.*/)?uploads/note\.txt \(5 bytes\))", "that it is saved");
    receiver.expect_exit(0);
}

TEST_CASE("The sender is understood by nc as an old receiver",
          "[04_file_transfer][file_send][step:12][points:1]") {
    if (!have_command("nc")) return skip("nc is not installed");
    in_private_network([] {
        Stage stage{lab};
        Process& nc = stage.start_command("nc", {"-n", "-v", "-N", "-l", "127.0.0.1", "54321"});
        nc.expect_error_like("Listening on .*", "that it listens");
        nc.end_input();
        stage.write_file("note.txt", "To nc, with care.");
        Process& sender = stage.start("file_send", {"127.0.0.1", "54321", "note.txt"});
        expect_unconfirmed(sender, "note.txt", 17);
        sender.expect_exit(0);
        stage.wait_until([&] { return nc.ended(); });
        stage.expect(nc.output() == as_sent("note.txt", "To nc, with care."),
                     "nc prints the bytes of the protocol", quote(nc.output()));
    });
}
