// Lab 12: the contract of web_server, from outside. Most cases speak HTTP byte by byte, so that it
// stands in the transcript; some let curl and a browser speak it.
#include "harness/catch.hpp"
#include "harness/named_pipe.hpp"
#include "harness/peer.hpp"
#include "harness/process.hpp"
#include "harness/rules.hpp"
#include "harness/stage.hpp"

#include <boost/algorithm/string.hpp>
#include <boost/asio.hpp>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace harness;
using namespace std::string_literals;

namespace {

namespace fs = std::filesystem;

const std::string lab = "12_web";
constexpr std::size_t megabyte = 1024 * 1024;

const std::string header_and_body =
    "an answer is a status line, fields, an empty line, and as many bytes of body as "
    "Content-Length says (steps 3 and 4)";
const std::string sent_nothing =
    "the body has no bytes: rest.size is how many of the file are to be sent (step 6)";
const std::string one_read =
    "one read is not one request: it may bring a part of one, or several (steps 1 and 2)";
const std::string stays_open =
    "the connection stays open for the next request, unless the client wants it closed";
const std::string has_an_end =
    "HTTP/1.0 has no keep-alive unless the client asks for it, and `Connection: close` ends it";
const std::string says_whether =
    "Connection is `close` where no other request may follow: see stays_open (step 3)";
const std::string head_is_get = "HEAD is answered like GET, without the body (steps 3 and 4)";
const std::string described = "the fields tell what the file is (step 6)";
const std::string known_already =
    "what was not modified since the client's date is not sent again (step 7)";
const std::string a_part =
    "a range's first and last byte both belong to it, counted from 0 (step 8)";
const std::string as_a_whole = "a Range field that is not one good range of bytes is ignored";
const std::string of_a_folder =
    "of a folder, its index.html is opened and served, or else a page that lists it (step 9)";
const std::string with_a_slash =
    "a folder's path without its slash is answered with a redirection to that with one (step 9)";
const std::string links_work =
    "a link's address is percent-encoded, so that a browser asks for the name itself (step 9)";
const std::string names_are_text =
    "a file's name is text, not markup: < > & and quotes in it are escaped (step 9)";
const std::string stays_inside =
    "what lies outside of the directory is not found, however it is asked for: let the system "
    "see to that, as open_served() does";
const std::string decoded_once = "a path is decoded once, then its dot segments are removed";
const std::string refused = "what is no good request is refused with a status that says so";
const std::string no_body_is_a_request =
    "a request's body is no request: close behind it, or read it first";
const std::string has_a_limit = "every buffer that a client fills has a limit (step 2)";
const std::string one_fault = "one client's fault must not end the service for the others";
const std::string nobody_waits =
    "each client has a coroutine of its own: while one waits, the others are served";
const std::string in_little_memory =
    "a file goes to the client in parts, each when there is room for it (step 10)";
const std::string the_rest =
    "all of the file goes out, whatever its size: what send_now() has sent is kept in `size`, and "
    "the next turn begins behind that (step 10)";
const std::string turns =
    "between two turns the other clients have theirs: wait for room, with co_await, before each "
    "send_now() (step 10)";
const std::string one_line =
    "each request is one line of the Common Log Format on stdout; its last word is how many bytes "
    "of the body were sent: keep what async_write() returns in `size` (step 4)";
const std::string date_now =
    "Date is the time of the answer, as wirelab::http_date() has it (step 3)";
const std::string silent_for_long =
    "a client that is silent for longer than the timeout loses its connection: the read then "
    "fails, "
    "and an error of the read ends the loop (step 2)";
const std::string closed_at_once =
    "an empty buffer needs more, which is no end: the loop ends unless put() says "
    "http::error::need_more (step 1)";
const std::string never_reads =
    "the loop goes round and round, and reads nothing: `continue` skips the lines below, which "
    "read more (step 1), or there is no space to read into (step 2)";
const std::string whole_is_an_end =
    "a request that is whole ends the loop too: put() then gives no error (step 1)";
const std::string until_full =
    "async_read() waits until the buffer is full: async_read_some() takes what has come (step 2)";
const std::string lines_behind =
    "an error of the read ends the loop, not the function: `break`, so that the lines behind the "
    "loop answer 408 (step 2)";
const std::string another_answer =
    "416 is another answer: assign status_answer(...), do not change the status only (step 8)";
const std::string at_most =
    "more of the file was sent than belongs to the answer: send_now() is to send at most "
    "rest.size, not all of the file (step 10)";
const std::string none_came =
    "no byte of the file came: is there room where async_wait() waits for wait_write? wait_read "
    "is for bytes to read (step 10)";

// Begins a pattern for a line that does not speak of a step that is not done yet.
const std::string no_todo = "(?!.*TODO [0-9]+ is not done)";
const std::string any_reason = no_todo + ".+";

bool holds(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// A text as a regular expression that matches it.
std::string pattern_of(const std::string& text) {
    static const std::regex special{R"([.^$|()\[\]{}*+?\\])"};
    return std::regex_replace(text, special, R"(\$&)");
}

// --- answers

struct Answer {
    int status = 0;
    std::string header = {};  // with the status line and the empty line
    std::string body = {};
    bool closes = false;  // it says that no other will follow

    // The value of a field; nothing if there is none.
    std::optional<std::string> find(const std::string& name) const {
        std::istringstream lines{header};
        std::string line;
        std::getline(lines, line);
        while (std::getline(lines, line)) {
            const auto colon = line.find(':');
            if (colon == std::string::npos) continue;
            if (boost::algorithm::iequals(line.substr(0, colon), name)) {
                return boost::algorithm::trim_copy(line.substr(colon + 1));
            }
        }
        return {};
    }

    std::string field(const std::string& name) const { return find(name).value_or(""); }

    // The name of a field that stands there twice; empty if none does.
    std::string repeated() const {
        std::set<std::string> seen;
        std::istringstream lines{header};
        std::string line;
        std::getline(lines, line);
        while (std::getline(lines, line)) {
            const std::string name = line.substr(0, line.find(':'));
            if (!seen.insert(boost::algorithm::to_lower_copy(name)).second) return name;
        }
        return "";
    }
};

std::string shown(const Answer& answer) {
    return quote(answer.header) + " and " + std::to_string(answer.body.size()) +
           " bytes of body: " + quote(answer.body);
}

std::optional<std::size_t> number_in(std::string_view text, int base = 10) {
    std::size_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return {};
    return number;
}

// Takes a chunked body apart (RFC 9112, section 7.1); returns how many bytes it took, or nothing if
// it is not whole.
std::optional<std::size_t> read_chunks(std::string_view text, std::string& body) {
    body.clear();
    for (std::size_t at = 0;;) {
        const auto end = text.find("\r\n", at);
        if (end == std::string_view::npos) return {};
        const auto size = number_in(text.substr(at, text.find_first_of(";\r", at) - at), 16);
        if (!size || end + 2 + *size + 2 > text.size()) return {};
        body += text.substr(end + 2, *size);
        at = end + 2 + *size + 2;
        if (*size == 0) return at;
    }
}

// Takes an answer from the beginning of what was received; returns how many bytes it has, or
// nothing if it is not whole.
std::optional<std::size_t> parse(std::string_view text, bool ended, bool to_head, Answer& answer) {
    static const std::regex status_line{"(HTTP/1\\.[01]) ([1-5][0-9][0-9]) [^\r\n]*\r\n[\\s\\S]*"};
    const auto end = text.find("\r\n\r\n");
    if (end == std::string_view::npos) return {};
    answer.header = text.substr(0, end + 4);
    std::smatch parts;
    if (!std::regex_match(answer.header, parts, status_line)) return {};
    answer.status = std::stoi(parts[2]);
    const std::string connection = answer.field("Connection");
    const bool stays =
        parts[1] != "HTTP/1.0" || boost::algorithm::iequals(connection, "keep-alive");
    answer.closes = !stays || boost::algorithm::iequals(connection, "close");
    const std::string_view rest = text.substr(end + 4);
    if (to_head || answer.status == 304 || answer.status == 204) return end + 4;
    if (boost::algorithm::iequals(answer.field("Transfer-Encoding"), "chunked")) {
        const auto size = read_chunks(rest, answer.body);
        return size ? std::optional{end + 4 + *size} : std::nullopt;
    }
    const auto field = answer.find("Content-Length");
    const auto size = field ? number_in(*field) : std::nullopt;
    if (field && (!size || rest.size() < *size)) return {};
    if (!field && !ended) return {};
    answer.closes = answer.closes || !field;
    answer.body = rest.substr(0, size.value_or(rest.size()));
    return end + 4 + answer.body.size();
}

// True if the program has said so of this client on stderr.
bool is_blamed(Stage& stage, const Peer& client, const std::string& reason) {
    return holds(stage.transcript().text(), "web_server: " + client.endpoint() + ": " + reason);
}

void expect_no_field_twice(Stage& stage, const Answer& answer) {
    const std::string name = answer.repeated();
    std::string cause = "each field is added once, of the file's by whole_file() (step 6)";
    if (boost::algorithm::iequals(name, "Content-Range")) {
        cause = "one add() of Content-Range behind both cases is enough (step 8)";
    }
    for (const std::string own : {"Date", "Connection", "Content-Length"}) {
        if (boost::algorithm::iequals(name, own)) cause = "a field is added once (step 3)";
    }
    stage.expect(name.empty(), "no field twice", "two fields " + name + " in " + shown(answer),
                 cause);
}

// Waits for the next answer. Answers to HEAD have no body.
Answer expect_answer(Stage& stage, Peer& client, bool to_head = false,
                     std::string_view cause = header_and_body) {
    Answer answer;
    std::optional<std::size_t> size;
    // Nobody wants to wait for all that will not come from a program that hangs.
    const auto limit = hung_test_cases() < 4 ? patience() : patience() / 4;
    stage.wait_until(
        [&] {
            size = parse(client.received(), client.ended(), to_head, answer);
            return size || client.ended();
        },
        limit);
    if (!size) size = parse(client.received(), client.ended(), to_head, answer);
    std::string got = client.received().empty() ? "nothing" : quote(client.received());
    if (client.ended()) got += " and then the end of the connection";
    if (!size && client.received().empty() && !client.ended() && cause != one_read) {
        // Of a request that it still waits for more of, a program says so when the client ends it.
        client.shut_down_sending();
        const auto is_seen = [&] { return is_blamed(stage, client, "incomplete request"); };
        if (stage.wait_until(is_seen, patience() / 4)) cause = whole_is_an_end;
    }
    stage.expect(size.has_value(), "a whole answer", got, cause);
    client.expect_received(std::string{client.received().substr(0, *size)});
    expect_no_field_twice(stage, answer);
    return answer;
}

// What a status tells that nobody has expected, whatever the test was about.
std::string_view cause_of(Stage& stage, int status, std::string_view given) {
    static const std::regex about_host{R"("web_server: \S+: .*\bhost\b)", std::regex::icase};
    if (status == 405) {
        return "a method other than GET and HEAD is one that is neither: "
               "`method != get && method != head` (step 5)";
    }
    if (status == 400 && std::regex_search(stage.transcript().text(), about_host)) {
        return "a good request is refused for its Host: HTTP/1.1 needs one, HTTP/1.0 may have "
               "none; only two are always wrong (step 5)";
    }
    if (status == 400) {
        return "a good request is refused: the reason stands on stderr. Does the loop end with "
               "what "
               "put() says of all that was received (step 1), and is the Host there (step 5)?";
    }
    // A request behind which the buffer is full of others.
    if ((status == 431 || status == 414) && given != has_a_limit) return whole_is_an_end;
    if (status == 500 && given != of_a_folder) {
        return "status 500 is the server's own fault, its reason stands on stderr: has the answer "
               "got the file (step 6)?";
    }
    return given;
}

void expect_status(Stage& stage, const Answer& answer, const std::vector<int>& statuses,
                   std::string_view cause) {
    std::string expected;
    for (const int status : statuses) {
        expected += (expected.empty() ? "an answer with status " : " or ") + std::to_string(status);
    }
    stage.expect(std::ranges::find(statuses, answer.status) != statuses.end(), expected,
                 shown(answer), cause_of(stage, answer.status, cause));
}

void expect_body(Stage& stage, const Answer& answer, std::string_view body,
                 std::string_view cause = header_and_body) {
    expect_status(stage, answer, {200}, cause);
    if (answer.body.empty()) cause = sent_nothing;
    stage.expect(answer.body == body, "status 200 and the body " + quote(body), shown(answer),
                 cause);
}

void expect_field(Stage& stage, const Answer& answer, const std::string& name,
                  const std::string& value, std::string_view cause) {
    stage.expect(answer.field(name) == value, "the field " + name + ": " + value, shown(answer),
                 cause);
}

// Expects that nothing came behind an answer.
void expect_no_more(Stage& stage, const Peer& client, const Answer& answer) {
    const std::string_view more = client.received();
    std::string_view cause =
        "more came than Content-Length says, or a body to HEAD (steps 3 and 4)";
    // Only what is larger than this is not sent along with the header.
    if (answer.body.size() > 16384) cause = at_most;
    if (answer.status == 304) cause = "status 304 has no body: it is an answer without (step 7)";
    if (more.starts_with("HTTP/1.")) {
        cause =
            "one request is answered again and again: what put() says of how much it has used is "
            "to "
            "be kept in `used`, so that this is taken out of the buffer (step 1)";
    }
    stage.expect(more.empty(), "nothing behind the answer", quote(more), cause);
}

void expect_closing(Stage& stage, const Answer& answer) {
    stage.expect(boost::algorithm::iequals(answer.field("Connection"), "close"),
                 "the field Connection: close", shown(answer), says_whether);
}

// --- the server

struct Scene {
    Stage& stage;
    Process& server;
    std::string port;

    Peer& connect() const { return stage.connect(port); }
};

// The files that are served lie in the folder www; a.txt is always there.
void write_served(Stage& stage, const std::string& name, std::string_view contents) {
    const fs::path path = stage.path("www/" + name);
    fs::create_directories(path.parent_path());
    stage.write_file("www/" + name, contents);
}

const std::string hello = "Hello, web!\n";

Scene serving(Stage& stage, std::vector<std::string> options = {}, const StartOptions& start = {}) {
    write_served(stage, "a.txt", hello);
    options.insert(options.begin(), {"--bind", "127.0.0.1", "--port", "0", "--dir", "www"});
    Process& server = stage.start("web_server", options, start);
    return {stage, server, server.expect_listening()};
}

// The bytes of a request without a body. The line has the method and the target.
std::string request(const std::string& line, const std::string& fields = "") {
    return line + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
}

// Asks one thing after another, on one connection for as long as the server keeps it.
class Visitor {
public:
    explicit Visitor(const Scene& scene) : scene_{scene} {}

    // As in ask("GET /a.txt", "Range: bytes=0-0\r\n").
    Answer ask(const std::string& line, const std::string& fields = "",
               std::string_view cause = header_and_body) {
        if (client_ == nullptr) client_ = &scene_.connect();
        client_->send(request(line, fields));
        Answer answer = expect_answer(scene_.stage, *client_, line.starts_with("HEAD "), cause);
        expect_no_more(scene_.stage, *client_, answer);
        if (answer.closes) leave();
        return answer;
    }

    void leave() {
        if (client_ != nullptr) client_->close();
        client_ = nullptr;
    }

private:
    const Scene& scene_;
    Peer* client_ = nullptr;
};

// The server does its job, whatever was before.
void expect_works(const Scene& scene, std::string_view cause = one_fault) {
    Visitor visitor{scene};
    expect_body(scene.stage, visitor.ask("GET /a.txt", "", cause), hello, cause);
    visitor.leave();
}

// The proof that the server does its job, for test cases about how it behaves otherwise.
void expect_server_works(Stage& stage) {
    expect_works(serving(stage));
}

// Expects the report of one client's fault.
void expect_fault(const Scene& scene, const Peer& client, const std::string& reason,
                  std::string_view cause) {
    const std::string start = "web_server: " + client.endpoint() + ": ";
    scene.server.expect_error_like(
        pattern_of(start) + reason,
        "one line \"" + start + (reason == any_reason ? "REASON" : reason) + "\"", cause);
}

void expect_log_line(const Scene& scene, const std::string& request_line, int status,
                     const std::string& bytes, const std::string& address = "127.0.0.1") {
    static const std::string time =
        R"(\[[0-3][0-9]/[A-Z][a-z]{2}/[0-9]{4}:[0-2][0-9]:[0-5][0-9]:[0-6][0-9] [+-][0-9]{4}\])";
    const std::string end = "\" " + std::to_string(status) + " ";
    scene.server.expect_line_like(
        pattern_of(address) + " - - " + time + " \"" + request_line + end + "(" + bytes + ")",
        "a line like " + address + " - - [20/Nov/2026:17:20:00 +0000] \"" + request_line + end +
            bytes,
        one_line);
}

// --- large files

constexpr std::size_t large = 120 * megabyte;

// Makes a file that is larger than its disk space: nothing but zeros, and some words in between.
void make_large(Stage& stage, const std::string& name, std::uint64_t size,
                std::uint64_t distance = 10 * megabyte) {
    write_served(stage, name, "the beginning");
    std::fstream file{stage.path("www/" + name), std::ios::in | std::ios::out | std::ios::binary};
    for (std::uint64_t at = distance; at + 100 < size; at += distance) {
        file.seekp(static_cast<std::streamoff>(at));
        file << "here is byte " << at;
    }
    file.seekp(static_cast<std::streamoff>(size - 7));
    file << "the end" << std::flush;
    if (!file) fail("the test can't write the file " + name);
}

// Other than a Peer it reads only when it is told to, and keeps little of what comes: it compares
// that with the file.
class Download {
public:
    using tcp = boost::asio::ip::tcp;

    Download(const Scene& scene, const std::string& name)
        : stage_{scene.stage}, file_{stage_.path("www/" + name), std::ios::binary} {
        const auto port = static_cast<std::uint16_t>(std::stoi(scene.port));
        socket_.connect({boost::asio::ip::address_v4::loopback(), port});
        endpoint_ = "127.0.0.1:" + std::to_string(socket_.local_endpoint().port());
        stage_.transcript().add("download", endpoint_ + " asks for /" + name);
        boost::asio::write(socket_, boost::asio::buffer(request("GET /" + name)));
    }

    // Reads on while the test waits for other things, until it has so many bytes of the body.
    void read_in_background(std::size_t size) {
        wanted_ = size;
        if (!is_reading_ && !ended_ && size_ < wanted_) read_on();
    }

    // Reads until it has so many bytes of the body, or the stream ends, or nothing comes for long.
    // What has come must be what the file holds.
    void read(std::size_t size, std::string_view cause) {
        read_in_background(size);
        for (std::size_t before = size_ + 1; before != size_ && !is_done();) {
            before = size_;
            stage_.wait_until([&] { return is_done() || size_ > before + 16 * megabyte; });
        }
        stage_.transcript().add("download", "has " + std::to_string(size_) + " bytes of the file");
        stage_.expect(answer_.status == 200, "status 200", quote(answer_.header), cause);
        if (size_ == 0) cause = none_came;
        stage_.expect(size_ >= size, std::to_string(size) + " bytes of body",
                      std::to_string(size_) + " bytes" + (ended_ ? ", and then the end" : ""),
                      cause);
        stage_.expect(is_right_, "the bytes of the file",
                      "other bytes, among the first " + std::to_string(size_), cause);
    }

    // The same for the whole file.
    void read_all(std::string_view cause) {
        const std::size_t all = number_in(length_of_file()).value_or(0);
        read(all, cause);
        stage_.expect(answer_.field("Content-Length") == std::to_string(all),
                      "a field Content-Length: " + std::to_string(all), quote(answer_.header),
                      cause);
    }

    void close() {
        stage_.transcript().add("download", endpoint_ + " closes the connection");
        socket_.close();
    }

    void reset() {
        socket_.set_option(boost::asio::socket_base::linger{true, 0});
        close();
    }

    const std::string& endpoint() const { return endpoint_; }
    std::size_t size() const { return size_; }
    bool ended() const { return ended_; }
    bool is_done() const { return ended_ || size_ >= wanted_; }

private:
    std::string length_of_file() {
        file_.clear();
        file_.seekg(0, std::ios::end);
        return std::to_string(static_cast<std::size_t>(file_.tellg()));
    }

    void read_on() {
        is_reading_ = true;
        // Behind the header it takes no more than is wanted: what is left makes the server wait.
        const std::size_t space =
            std::min(buffer_.size(), std::max<std::size_t>(wanted_ - size_, 1));
        socket_.async_read_some(boost::asio::buffer(buffer_.data(), space),
                                [this](boost::system::error_code error, std::size_t size) {
                                    if (error == boost::asio::error::operation_aborted) return;
                                    take({buffer_.data(), size});
                                    ended_ = error.failed();
                                    is_reading_ = !is_done();
                                    if (is_reading_) read_on();
                                });
    }

    void take(std::string_view bytes) {
        if (answer_.status != 0) return compare(bytes);
        header_ += bytes;
        const auto end = header_.find("\r\n\r\n");
        if (end == std::string::npos) return;
        answer_.header = header_.substr(0, end + 4);
        answer_.status = answer_.header.starts_with("HTTP/1.1 200") ? 200 : 1;
        compare(std::string_view{header_}.substr(end + 4));
    }

    void compare(std::string_view bytes) {
        part_.assign(bytes.size(), '\0');
        file_.clear();
        file_.seekg(static_cast<std::streamoff>(size_));
        file_.read(part_.data(), static_cast<std::streamsize>(part_.size()));
        is_right_ = is_right_ && part_ == bytes;
        size_ += bytes.size();
    }

    Stage& stage_;
    tcp::socket socket_{stage_.io()};
    std::ifstream file_;
    std::string endpoint_;
    std::string header_;
    std::string part_;
    Answer answer_;
    std::array<char, 65536> buffer_ = {};
    std::size_t size_ = 0;
    std::size_t wanted_ = 0;
    bool is_right_ = true;
    bool is_reading_ = false;
    bool ended_ = false;
};

void expect_little_memory(const Scene& scene, std::size_t before, std::string_view cause) {
    const std::size_t more = scene.server.peak_memory() - before;
    scene.stage.expect(more < 32 * megabyte, "little more memory in use than before",
                       std::to_string(more / megabyte) + " megabytes more", cause);
}

// --- dates

std::string http_date(std::time_t time) {
    std::array<char, 64> text{};
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return text.data();
}

// Sunday, 6 November 1994, 08:49:37: the example of RFC 9110.
constexpr std::time_t long_ago = 784111777;

void set_time(Stage& stage, const std::string& name, std::time_t time, long nanoseconds = 0) {
    const std::array<timespec, 2> times{timespec{time, 0}, timespec{time, nanoseconds}};
    if (::utimensat(AT_FDCWD, stage.path("www/" + name).c_str(), times.data(), 0) != 0) {
        fail("the test can't set the time of the file " + name);
    }
}

// --- pages

// What stands in an attribute of a page, without its references.
std::string unescape_html(std::string text) {
    static const std::regex numeric{"&#(x[0-9a-fA-F]+|[0-9]+);"};
    for (std::smatch found; std::regex_search(text, found, numeric);) {
        const std::string number = found[1];
        const bool is_hex = number.starts_with('x');
        const int code = std::stoi(number.substr(is_hex ? 1 : 0), nullptr, is_hex ? 16 : 10);
        text = found.prefix().str() + static_cast<char>(code) + found.suffix().str();
    }
    for (const auto& [reference, character] : {std::pair{"&lt;", "<"},
                                               {"&gt;", ">"},
                                               {"&quot;", "\""},
                                               {"&apos;", "'"},
                                               {"&amp;", "&"}}) {
        boost::algorithm::replace_all(text, reference, character);
    }
    return text;
}

// The targets of a page's links.
std::vector<std::string> links_in(const std::string& page) {
    static const std::regex link{"<a\\s[^>]*?href\\s*=\\s*(\"([^\"]*)\"|'([^']*)'|([^\\s>]*))",
                                 std::regex::icase};
    std::vector<std::string> links;
    for (std::sregex_iterator found{page.begin(), page.end(), link};
         found != std::sregex_iterator{}; ++found) {
        links.push_back(unescape_html((*found)[2].str() + (*found)[3].str() + (*found)[4].str()));
    }
    return links;
}

bool is_plain(char character) {
    return character > ' ' && character < '\x7f' &&
           std::string_view{"\"<>`{}"}.find(character) == std::string_view::npos;
}

// Writes each byte as %NN, or only those that a browser would.
std::string encode(std::string_view name, bool all = true) {
    std::string text;
    std::array<char, 4> part{};
    for (const char character : name) {
        const auto byte = static_cast<unsigned>(static_cast<unsigned char>(character));
        std::snprintf(part.data(), part.size(), "%%%02X", byte);
        text += !all && is_plain(character) ? std::string(1, character) : part.data();
    }
    return text;
}

// What a browser on this page asks for when a link is followed; nothing if it leads to another
// server. See the URL standard: a backslash is taken for a slash, what follows # is not sent.
std::optional<std::string> resolve(const Scene& scene, const std::string& page, std::string link) {
    static const std::regex scheme{"[a-zA-Z][a-zA-Z0-9+.-]*:[\\s\\S]*"};
    boost::algorithm::trim_if(link, [](char c) { return c >= '\0' && c <= ' '; });
    std::erase_if(link, [](char c) { return c == '\n' || c == '\r' || c == '\t'; });
    std::ranges::replace(link, '\\', '/');
    link = link.substr(0, link.find('#'));
    for (const std::string host : {"localhost", "127.0.0.1"}) {
        for (const std::string& start : {"http://" + host, "http://" + host + ":" + scene.port}) {
            if (link.starts_with(start + "/")) link = link.substr(start.size());
        }
    }
    if (link.starts_with("//") || std::regex_match(link, scheme)) return {};
    link = encode(link, false);
    if (link.starts_with("./")) link = link.substr(2);
    if (link.starts_with('/')) return link;
    if (link == ".." || link == "../") {
        return page.substr(0, page.rfind('/', page.size() - 2) + 1);
    }
    return page.substr(0, page.rfind('/') + 1) + link;
}

}  // namespace

// --- requests --------------------------------------------------------------------------------

TEST_CASE("The server answers a GET with the bytes of the file",
          "[12_web][web_server][step:6][points:2]") {
    Stage stage{lab};
    const Scene scene = serving(stage);
    Visitor visitor{scene};
    for (const auto& [name, contents] : std::vector<std::pair<std::string, std::string>>{
             {"text", "one\ntwo\r\n\r\nthree"},
             {"empty", ""},
             {"all", all_bytes()},
             {"sub/answer", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
             {"some", std::string(9999, 'x') + "\n"}}) {
        write_served(stage, name, contents);
        expect_body(stage, visitor.ask("GET /" + name), contents);
    }
    write_served(stage, "text", "changed");
    const Answer answer = visitor.ask("GET /text");
    expect_body(stage, answer, "changed");
    expect_field(stage, answer, "Accept-Ranges", "bytes", described);
}

TEST_CASE("The server puts together a request however it was split",
          "[12_web][web_server][step:6][points:2]") {
    Stage stage{lab};
    const Scene scene = serving(stage);
    Peer& client = scene.connect();
    const std::string text = request("GET /a.txt");
    for (std::size_t i = 1; i < text.size(); i += 5) {
        client.send_in_pieces({text.substr(0, i), text.substr(i)});
        expect_body(stage, expect_answer(stage, client, false, one_read), hello, one_read);
    }
    client.send_byte_by_byte(text);
    expect_body(stage, expect_answer(stage, client, false, one_read), hello, one_read);
}

TEST_CASE("The server answers requests that come together one after another",
          "[12_web][web_server][step:6][points:2]") {
    Stage stage{lab};
    const Scene scene = serving(stage);
    std::vector<std::string> names;
    std::string text;
    for (int i = 0; i < 30; ++i) {
        names.push_back("file " + std::to_string(i));
        write_served(stage, std::to_string(i), names.back());
        text += request((i % 3 == 1 ? "HEAD /" : "GET /") + std::to_string(i));
    }
    const auto expect_all = [&](Peer& client) {
        for (std::size_t i = 0; i < names.size(); ++i) {
            const Answer answer = expect_answer(stage, client, i % 3 == 1, one_read);
            expect_body(stage, answer, i % 3 == 1 ? "" : names[i], one_read);
        }
    };
    Peer& client = scene.connect();
    client.send(text);
    expect_all(client);
    // The first part ends within a request.
    const std::string both = text + request("GET /a.txt");
    client.send_in_pieces({both.substr(0, text.size() / 2), both.substr(text.size() / 2)});
    expect_all(client);
    expect_body(stage, expect_answer(stage, client, false, one_read), hello, one_read);
    // Whoever says nothing more still wants the answers.
    Peer& other = scene.connect();
    other.send(text);
    other.shut_down_sending();
    expect_all(other);
    other.expect_end("a client that has ended its side gets its answers, and then the end");
}

TEST_CASE("A connection stays open for as many requests as the client likes",
          "[12_web][web_server][step:6][points:2]") {
    Stage stage{lab};
    const Scene scene = serving(stage);
    Peer& client = scene.connect();
    for (int i = 0; i < 100; ++i) {
        const std::string fields = i % 2 == 0 ? "" : "Connection: keep-alive\r\n";
        client.send(request("GET /a.txt", fields));
        const Answer answer = expect_answer(stage, client, false, stays_open);
        expect_body(stage, answer, hello, stays_open);
        stage.expect(!answer.closes, "an answer that does not close the connection", shown(answer),
                     stays_open);
        expect_no_more(stage, client, answer);
    }
    client.shut_down_sending();
    client.expect_end("when the client ends the connection, so does the server");
    const std::string& errors = scene.server.errors();
    stage.expect(errors.empty(), "nothing on stderr: to leave is no fault", quote(errors));
}

TEST_CASE("The server closes the connection when the client wants it closed",
          "[12_web][web_server][step:6][points:1]") {
    Stage stage{lab};
    const Scene scene = serving(stage);
    for (const std::string& text :
         {request("GET /a.txt", "Connection: close\r\n"),
          request("GET /a.txt", "connection: Close\r\n") + request("GET /a.txt"),
          "GET /a.txt HTTP/1.0\r\n\r\n"s, "GET /a.txt HTTP/1.0\r\nHost: localhost\r\n\r\n"s}) {
        Peer& client = scene.connect();
        client.send(text);
        const Answer answer = expect_answer(stage, client);
        expect_body(stage, answer, hello, has_an_end);
        expect_closing(stage, answer);
        client.expect_end(has_an_end);
    }
    // An old client that asks to keep the connection: if the answer agrees, it must be true.
    Peer& client = scene.connect();
    for (int i = 0; i < 3; ++i) {
        client.send("GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        const Answer answer = expect_answer(stage, client);
        expect_body(stage, answer, hello, stays_open);
        stage.expect(!answer.find("Transfer-Encoding"), "no coding that HTTP/1.0 does not know",
                     shown(answer));
        const bool agrees = boost::algorithm::iequals(answer.field("Connection"), "keep-alive");
        if (!agrees) return client.expect_end(has_an_end);
    }
    client.send("GET /a.txt HTTP/1.0\r\n\r\n");
    const Answer last = expect_answer(stage, client);
    expect_body(stage, last, hello, has_an_end);
    expect_closing(stage, last);
    client.expect_end(has_an_end);
}

TEST_CASE("The server answers HEAD like GET but without a body",
          "[12_web][web_server][step:6][points:1]") {
    Stage stage{lab};
    write_served(stage, "page.html", std::string(5000, 'x'));
    const Scene scene = serving(stage);
    Visitor visitor{scene};
    for (const std::string name : {"page.html", "a.txt", "none"}) {
        const Answer get = visitor.ask("GET /" + name);
        const Answer head = visitor.ask("HEAD /" + name, "", head_is_get);
        expect_status(stage, head, {get.status}, head_is_get);
        if (name == "none") continue;
        for (const std::string field : {"Content-Length", "Content-Type", "Last-Modified"}) {
            expect_field(stage, head, field, get.field(field), head_is_get);
        }
    }
}

TEST_CASE("The server takes requests with many fields and long ones",
          "[12_web][web_server][step:6][points:1]") {
    Stage stage{lab};
    const Scene scene = serving(stage);
    Visitor visitor{scene};
    std::string fields = "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\n";
    fields += "Cookie: a=" + std::string(3000, 'b') + "\r\nX-Empty:\r\n";
    for (int i = 0; i < 40; ++i) fields += "X-" + std::to_string(i) + ": some value, and more\r\n";
    for (int i = 0; i < 3; ++i) expect_body(stage, visitor.ask("GET /a.txt", fields), hello);
    expect_body(stage, visitor.ask("GET /a.txt?" + std::string(2000, 'q')), hello,
                "a query is no part of the path");
    Peer& client = scene.connect();
    client.send("GET /a.txt HTTP/1.1\r\nhOST:localhost\r\n\r\n");
    expect_body(stage, expect_answer(stage, client), hello, "the case of a field's name is free");
}

// --- what the answer says --------------------------------------------------------------------

TEST_CASE("The server names the kind of a file by its extension",
          "[12_web][web_server][step:6][points:1]") {
    Stage stage{lab};
    const std::vector<std::pair<std::string, std::string>> types{
        {"page.html", "text/html"},
        {"style.css", "text/css"},
        {"script.js", "(text|application)/javascript"},
        {"picture.png", "image/png"},
        {"photo.jpg", "image/jpeg"},
        {"drawing.svg", "image/svg\\+xml"},
        {"film.mp4", "video/mp4"},
        {"text.txt", "text/plain"},
        {"paper.pdf", "application/pdf"},
        {"data.json", "application/json"},
        {"two.html.txt", "text/plain"},
        {"sub.html/file.css", "text/css"},
        {"unknown.xyzzy", "|application/octet-stream"},
        {"html", "|application/octet-stream"},
        {"sub.html/none", "|application/octet-stream"}};
    for (const auto& [name, type] : types) write_served(stage, name, "of some kind");
    const Scene scene = serving(stage);
    Visitor visitor{scene};
    for (const auto& [name, type] : types) {
        const Answer answer = visitor.ask("GET /" + name);
        expect_body(stage, answer, "of some kind");
        const std::regex pattern{"(" + type + ")(;.*)?", std::regex::icase};
        stage.expect(std::regex_match(answer.field("Content-Type"), pattern),
                     "for " + name + " a field Content-Type like " + type, shown(answer),
                     described);
    }
}

TEST_CASE("The server says when a file was last modified",
          "[12_web][web_server][step:6][points:1]") {
    Stage stage{lab};
    write_served(stage, "old", "old");
    set_time(stage, "old", long_ago, 900000000);
    write_served(stage, "new", "new");
    const std::time_t now = std::time(nullptr);
    set_time(stage, "new", now - 1);
    const Scene scene = serving(stage);
    Visitor visitor{scene};
    expect_field(stage, visitor.ask("GET /old"), "Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT",
                 described);
    expect_field(stage, visitor.ask("GET /new"), "Last-Modified", http_date(now - 1), described);
    set_time(stage, "new", long_ago + 86400);
    expect_field(stage, visitor.ask("GET /new"), "Last-Modified", "Mon, 07 Nov 1994 08:49:37 GMT",
                 described);
}

TEST_CASE("A file that was not modified since the date of the client is not sent again",
          "[12_web][web_server][step:7][points:2]") {
    Stage stage{lab};
    write_served(stage, "old.html", "old");
    set_time(stage, "old.html", long_ago, 500000000);
    const Scene scene = serving(stage);
    Visitor visitor{scene};
    for (const std::time_t since : {long_ago, long_ago + 1, long_ago + 86400 * 365}) {
        for (const std::string method : {"GET", "HEAD"}) {
            const Answer answer =
                visitor.ask(method + " /old.html",
                            "If-Modified-Since: " + http_date(since) + "\r\n", known_already);
            expect_status(stage, answer, {304}, known_already);
            expect_field(stage, answer, "Last-Modified", http_date(long_ago),
                         "status 304 has the field Last-Modified: add it to the new answer "
                         "(step 7)");
            // Who sends a length here sends that of the file (RFC 9110, section 8.6).
            const std::string length = answer.find("Content-Length").value_or("3");
            stage.expect(length == "3", "no field Content-Length", shown(answer),
                         "status 304 has no body, and no Content-Length (step 3)");
        }
    }
    for (const std::string& since :
         {http_date(long_ago - 1), http_date(long_ago - 86400), "yesterday"s, ""s, "0"s,
          "Sun, 06 Nov 1994"s, http_date(long_ago) + " or so", "Sun, 31 Foo 2094 08:49:37 GMT"s}) {
        expect_body(stage, visitor.ask("GET /old.html", "If-Modified-Since: " + since + "\r\n"),
                    "old",
                    "whoever has an older version, or writes no date, gets the file (step 7)");
    }
    const Answer answer =
        visitor.ask("GET /none", "If-Modified-Since: " + http_date(long_ago) + "\r\n");
    expect_status(stage, answer, {404}, known_already);
}

// --- ranges ----------------------------------------------------------------------------------

TEST_CASE("The server sends the range of bytes that is asked for",
          "[12_web][web_server][step:8][points:3]") {
    Stage stage{lab};
    const std::string digits = "0123456789abcdef";
    write_served(stage, "digits.mp4", digits);
    const Scene scene = serving(stage);
    Visitor visitor{scene};
    for (const auto& [range, first, last] :
         std::vector<std::tuple<std::string, int, int>>{{"0-0", 0, 0},
                                                        {"0-3", 0, 3},
                                                        {"4-9", 4, 9},
                                                        {"15-15", 15, 15},
                                                        {"10-", 10, 15},
                                                        {"15-", 15, 15},
                                                        {"0-", 0, 15},
                                                        {"0-15", 0, 15},
                                                        {"12-16", 12, 15},
                                                        {"12-99999999", 12, 15},
                                                        {"-1", 15, 15},
                                                        {"-4", 12, 15},
                                                        {"-16", 0, 15},
                                                        {"-99", 0, 15}}) {
        const Answer answer = visitor.ask("GET /digits.mp4", "Range: bytes=" + range + "\r\n");
        const std::string part = digits.substr(static_cast<std::size_t>(first),
                                               static_cast<std::size_t>(last - first + 1));
        stage.expect(answer.status == 206 && answer.body == part,
                     "for bytes=" + range + " status 206 and " + quote(part), shown(answer),
                     a_part);
        expect_field(stage, answer, "Content-Range",
                     "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/16",
                     "Content-Range says which part of how many bytes that is (step 8)");
    }
    expect_body(stage, visitor.ask("GET /digits.mp4"), digits);
}

TEST_CASE("The server refuses a range that a file does not have",
          "[12_web][web_server][step:8][points:1]") {
    Stage stage{lab};
    write_served(stage, "digits", "0123456789");
    write_served(stage, "empty", "");
    const Scene scene = serving(stage);
    Visitor visitor{scene};
    const std::string cause =
        "a range with none of the file's bytes is status 416, and "
        "Content-Range then tells the size (step 8)";
    for (const std::string range : {"10-", "10-20", "11-11", "4294967296-", "-0"}) {
        const Answer answer = visitor.ask("GET /digits", "Range: bytes=" + range + "\r\n");
        expect_status(stage, answer, {416}, cause);
        expect_field(stage, answer, "Content-Range", "bytes */10", cause);
        const bool has_words = answer.body.starts_with("416 ") &&
                               answer.field("Content-Type").starts_with("text/plain");
        stage.expect(has_words && !answer.find("Last-Modified"),
                     "the words of the status, \"416 ...\", as text/plain, and no field "
                     "Last-Modified",
                     shown(answer), another_answer);
    }
    const Answer answer = visitor.ask("GET /empty", "Range: bytes=0-\r\n");
    expect_status(stage, answer, {416}, cause);
    expect_field(stage, answer, "Content-Range", "bytes */0", cause);
    expect_works(scene);
}

TEST_CASE("The server sends the whole file for several ranges and for what is no range of bytes",
          "[12_web][web_server][step:8][points:1]") {
    Stage stage{lab};
    write_served(stage, "digits", "0123456789");
    const Scene scene = serving(stage);
    Visitor visitor{scene};
    for (const std::string range : {"bytes=0-1,4-5", "bytes=0-0, -1", "lines=0-1"}) {
        expect_body(stage, visitor.ask("GET /digits", "Range: " + range + "\r\n"), "0123456789",
                    as_a_whole);
    }
    // Where HTTP lets a server choose, it may also refuse; but it must not send some other part.
    for (const std::string range :
         {"bytes=5-2", "bytes=", "bytes=-", "bytes=a-b", "bytes=0x1-2", "bytes=1", "bytes", "0-1",
          "bytes=0-1x", "bytes=+1-2", "bytes=--1", "bytes=1-2-3", "bytes=99999999999999999999-"}) {
        const Answer answer = visitor.ask("GET /digits", "Range: " + range + "\r\n");
        expect_status(stage, answer, {200, 400, 416}, as_a_whole);
        if (answer.status == 200) expect_body(stage, answer, "0123456789", as_a_whole);
    }
    const Answer answer = visitor.ask("GET /digits", "Range: bytes=1-2\r\n");
    expect_status(stage, answer, {206}, a_part);
}

TEST_CASE("The server sends a range from behind the fourth gigabyte of a file",
          "[12_web][web_server][step:8][points:1]") {
    constexpr std::uint64_t gigabyte = 1024 * megabyte;
    Stage stage{lab};
    write_served(stage, "huge.mp4", "");
    make_large(stage, "huge.mp4", 6 * gigabyte, gigabyte);
    const Scene scene = serving(stage);
    expect_works(scene);
    const std::size_t memory = scene.server.peak_memory();
    Visitor visitor{scene};
    const std::string cause = "a file may be larger than memory, and than 32 bits can count";
    for (const std::uint64_t at : {gigabyte, 4 * gigabyte, 5 * gigabyte}) {
        const std::string words = "here is byte " + std::to_string(at);
        const std::string range = std::to_string(at) + "-" + std::to_string(at + words.size() - 1);
        const Answer answer = visitor.ask("GET /huge.mp4", "Range: bytes=" + range + "\r\n", cause);
        stage.expect(answer.status == 206 && answer.body == words, "status 206 and " + quote(words),
                     shown(answer), cause);
        expect_field(stage, answer, "Content-Range",
                     "bytes " + range + "/" + std::to_string(6 * gigabyte), cause);
    }
    const Answer answer = visitor.ask("GET /huge.mp4", "Range: bytes=-7\r\n", cause);
    stage.expect(answer.status == 206 && answer.body == "the end", "status 206 and \"the end\"",
                 shown(answer), cause);
    expect_little_memory(scene, memory, cause);
}

// --- folders ---------------------------------------------------------------------------------

TEST_CASE("The server serves the index html of a folder",
          "[12_web][web_server][step:9][points:1]") {
    Stage stage{lab};
    write_served(stage, "index.html", "<p>the first page");
    write_served(stage, "sub/index.html", "<p>a page below");
    write_served(stage, "sub/other.html", "<p>another page");
    const Scene scene = serving(stage);
    Visitor visitor{scene};
    for (const auto& [path, page] :
         std::vector<std::pair<std::string, std::string>>{{"/", "<p>the first page"},
                                                          {"/?query", "<p>the first page"},
                                                          {"/sub/", "<p>a page below"},
                                                          {"/sub/../", "<p>the first page"},
                                                          {"/sub/./", "<p>a page below"}}) {
        const Answer answer = visitor.ask("GET " + path);
        expect_body(stage, answer, page, of_a_folder);
        const bool is_html =
            boost::algorithm::istarts_with(answer.field("Content-Type"), "text/html");
        stage.expect(is_html, "a field Content-Type: text/html", shown(answer),
                     "append to `path` itself: Content-Type comes from it (step 9)");
    }
    const Answer answer = visitor.ask("HEAD /sub/");
    expect_field(stage, answer, "Content-Length", "15", of_a_folder);
}

TEST_CASE("The links of a listing lead to what is in the folder",
          "[12_web][web_server][step:9][points:3]") {
    Stage stage{lab};
    const std::vector<std::string> names{
        "plain.txt",    "with space", "a#b",      "a?b",     "100%",
        "%41",          "a&b",        "a&lt;b",   "a\"b",    "it's",
        "<b>bold",      "a+b;c=d,e",  "a\\b",     "a:b",     "javascript:alert(1)",
        "M\u00fcnchen", "\xff\xfe",   "one\ntwo", "\x1b[2J", " ",
        "tab\there",    "a%2fb",      "~a*(b)"};
    const std::string folder = "sub/a <folder> #1 %20 & \"more\"";
    std::set<std::string> expected;
    for (const std::string& name : names) {
        expected.insert("I am " + name);
        write_served(stage, folder + "/" + name, "I am " + name);
    }
    expected.insert("I am below");
    write_served(stage, folder + "/x & y #z/index.html", "I am below");
    const Scene scene = serving(stage);
    Visitor visitor{scene};
    const std::string page = "/sub/" + encode(folder.substr(4)) + "/";
    const Answer listing = visitor.ask("GET " + page);
    expect_status(stage, listing, {200}, of_a_folder);
    std::set<std::string> seen;
    for (const std::string& link : links_in(listing.body)) {
        std::optional<std::string> target = resolve(scene, page, link);
        stage.expect(target.has_value(), "links that stay on this server", quote(link), links_work);
        Answer answer;
        for (int i = 0; i < 2 && target; ++i) {
            answer = visitor.ask("GET " + *target);
            target = {};
            if (answer.find("Location")) {
                target = resolve(scene, page, answer.field("Location"));
            }
        }
        expect_status(stage, answer, {200}, links_work);
        seen.insert(answer.body);
    }
    for (const std::string& body : expected) {
        stage.expect(seen.contains(body), "a link that leads to " + quote(body),
                     "the page " + quote(listing.body), links_work);
    }
    // From the first page on, one finds there by links alone.
    for (const std::string at : {"/", "/sub/"}) {
        bool found = false;
        for (const std::string& link : links_in(visitor.ask("GET " + at).body)) {
            const std::string target = resolve(scene, at, link).value_or("");
            found = found ||
                    target.starts_with(at == "/" ? "/sub" : page.substr(0, page.size() - 1)) ||
                    boost::algorithm::icontains(target, "%3Cfolder%3E");
        }
        stage.expect(found, "a link to the folder in the listing of " + at, "none", of_a_folder);
    }
}

TEST_CASE("A listing shows names as text whatever they are",
          "[12_web][web_server][step:9][points:2]") {
    Stage stage{lab};
    const std::vector<std::string> names{"<img src=x onerror=alert(1)>",
                                         "<script>alert(2)<",
                                         "\"><svg onload=alert(3)>",
                                         "' onmouseover='alert(4)",
                                         "\" onmouseover=\"alert(5)",
                                         "\x1b]0;gotcha\x07",
                                         "a\r\nb",
                                         "&lt;b&gt;",
                                         "<!--"};
    const std::string folder = "<title><u>";
    for (const std::string& name : names) write_served(stage, folder + "/" + name, "x");
    const Scene scene = serving(stage);
    Visitor visitor{scene};
    const Answer answer = visitor.ask("GET /" + encode(folder) + "/");
    expect_status(stage, answer, {200}, of_a_folder);
    const bool is_html = boost::algorithm::istarts_with(answer.field("Content-Type"), "text/html");
    stage.expect(is_html, "a field Content-Type: text/html", shown(answer), of_a_folder);
    for (const std::string markup : {"<img", "<script>a", "<svg", "<u>", "<!--", "\x1b", "\x07"}) {
        stage.expect(!holds(answer.body, markup), "no " + quote(markup) + " on the page",
                     quote(answer.body), names_are_text);
    }
    // No name gets out of the quotes around a link's address.
    static const std::regex tag{"<[^>\"']*(\"[^\"]*\"|'[^']*'|[^>\"'])*>"};
    static const std::regex handler{"\\son[a-z]+\\s*=", std::regex::icase};
    const std::string& page = answer.body;
    for (std::sregex_iterator found{page.begin(), page.end(), tag}; found != std::sregex_iterator{};
         ++found) {
        static const std::regex quoted{"\"[^\"]*\"|'[^']*'"};
        const std::string bare = std::regex_replace((*found)[0].str(), quoted, "");
        stage.expect(!std::regex_search(bare, handler), "no attribute that a name has made",
                     quote((*found)[0].str()), names_are_text);
    }
    // Where there is nothing to list, there is a page still.
    fs::create_directory(stage.path("www/empty"));
    const Answer empty = visitor.ask("GET /empty/");
    expect_status(stage, empty, {200}, of_a_folder);
}

TEST_CASE("A folder without its slash is redirected to the path with one",
          "[12_web][web_server][step:9][points:2]") {
    Stage stage{lab};
    write_served(stage, "sub/index.html", "index");
    write_served(stage, "sub/below/a.txt", "below");
    write_served(stage, "a b#c%/index.html", "index");
    write_served(stage, "evil.example/index.html", "index");
    write_served(stage, "x\r\nSet-Cookie: a=b/index.html", "index");
    const Scene scene = serving(stage);
    Visitor visitor{scene};
    for (const auto& [target, path] : std::vector<std::pair<std::string, std::string>>{
             {"/sub", "/sub/"},
             {"/sub?a=b&c=/d", "/sub/"},
             {"/sub/below", "/sub/below/"},
             {"/%73ub", "/sub/"},
             {"/a%20b%23c%25", "/a b#c%/"},
             {"/x%0d%0aSet-Cookie:%20a=b", "/x\r\nSet-Cookie: a=b/"},
             {"//evil.example", "/evil.example/"},
             {"/%2fevil.example", "/evil.example/"},
             {"/./%2Fevil.example", "/evil.example/"},
             {"http://x//evil.example", "/evil.example/"}}) {
        const Answer answer = visitor.ask("GET " + target);
        const bool may_be_unknown = path == "/evil.example/";  // nobody needs to know such paths
        if (may_be_unknown && (answer.status == 404 || answer.status == 400)) continue;
        expect_status(stage, answer, {301, 302, 307, 308}, with_a_slash);
        stage.expect(!answer.find("Set-Cookie"), "no field that a name has made", shown(answer),
                     "a path stands percent-encoded in the field Location");
        const auto location =
            resolve(scene, target.substr(0, target.find('?')), answer.field("Location"));
        stage.expect(location.has_value(), "a field Location that leads to this server",
                     shown(answer), "a Location that begins with // leads to another host");
        const std::size_t end_of_path = std::min(location->find('?'), location->size());
        const std::size_t query = std::min(target.find('?'), target.size());
        stage.expect(location->substr(end_of_path) == target.substr(query),
                     "a field Location with the query " + quote(target.substr(query)),
                     shown(answer), "the query goes along with a redirection (step 9)");
        const std::string where = location->substr(0, end_of_path);
        std::string decoded;
        for (std::size_t i = 0; i < where.size(); ++i) {
            const bool is_code = where[i] == '%' && i + 2 < where.size();
            const auto code = is_code ? number_in(where.substr(i + 1, 2), 16) : std::nullopt;
            decoded += code ? static_cast<char>(*code) : where[i];
            if (code) i += 2;
        }
        stage.expect(decoded == path, "a field Location that leads to " + quote(path),
                     shown(answer), with_a_slash);
    }
}

// --- paths -----------------------------------------------------------------------------------

TEST_CASE("Nothing outside of the directory is found however its path is written",
          "[12_web][web_server][step:5][points:3]") {
    Stage stage{lab};
    fs::create_directories(stage.path("www-secret"));
    stage.write_file("secret.txt", "secret");
    stage.write_file("www-secret/secret.txt", "secret");
    write_served(stage, "sub/below/a.txt", "inside");
    const Scene scene = serving(stage);
    Visitor visitor{scene};
    std::vector<std::string> targets;
    for (const std::string up : {"..", "%2e%2e", ".%2e", "%2E.", "%2e%2E"}) {
        for (const std::string slash : {"/", "%2f", "%2F", "//", "/./", "/%2e/"}) {
            targets.push_back("/" + up + slash + "secret.txt");
            targets.push_back("/sub/" + up + slash + up + slash + "secret.txt");
        }
        targets.push_back("/" + up + "/www-secret/secret.txt");
        targets.push_back("/sub/" + up + "/" + up + "/www-secret/secret.txt");
        targets.push_back("/none/" + up + "/" + up + "/secret.txt");
        targets.push_back("/" + up + stage.path("secret.txt"));
        targets.push_back("http://localhost/" + up + "/secret.txt");
        targets.push_back("http://localhost/sub/" + up + "/" + up + "/secret.txt");
        targets.push_back("/" + up + "/" + up + "/" + up + "/" + up + "/" + up + "/etc/passwd");
    }
    for (const std::string twice :
         {"%252e%252e", "%25%32%65%25%32%65", "..%252f..", "%c0%ae%c0%ae", "..%c0%af..", "..%5c..",
          "%2e%2e%5c", ".%00.", "%u002e%u002e", "...", "..;"}) {
        targets.push_back("/" + twice + "/secret.txt");
        targets.push_back("/sub/" + twice + "/" + twice + "/secret.txt");
    }
    targets.push_back("/" + stage.path("secret.txt"));
    targets.push_back("/" + encode(stage.path("secret.txt")));
    targets.push_back("/sub/../../secret.txt?x=/../a.txt");
    targets.push_back("/../www-secret/");
    for (const std::string& target : targets) {
        const Answer answer = visitor.ask("GET " + target);
        const bool is_broken = holds(target, "%00") || holds(target, "%u");
        expect_status(stage, answer, is_broken ? std::vector{400, 404} : std::vector{404},
                      stays_inside);
        stage.expect(answer.body.find("secret") == std::string::npos || holds(answer.body, target),
                     "no word of what lies outside", shown(answer), stays_inside);
    }
    for (const std::string target :
         {"/..\\secret.txt", "/..\\..\\secret.txt", "\\..\\secret.txt"}) {
        const Answer answer = visitor.ask("GET " + target);
        expect_status(stage, answer, {400, 404}, stays_inside);
    }
    // The folder above may be listed by none of these.
    for (const std::string target :
         {"/..", "/../", "/%2e%2e", "/%2e%2e/", "/sub/../..", "/..%2f"}) {
        const Answer answer = visitor.ask("GET " + target);
        stage.expect(!holds(answer.body, "secret.txt"), "no word of what lies outside",
                     shown(answer), stays_inside);
    }
}

TEST_CASE("Symbolic links that lead outside of the directory lead nowhere",
          "[12_web][web_server][step:5][points:2]") {
    Stage stage{lab};
    stage.write_file("secret.txt", "secret");
    fs::create_directories(stage.path("www-secret/below"));
    stage.write_file("www-secret/index.html", "secret");
    stage.write_file("www-secret/below/secret.txt", "secret");
    write_served(stage, "sub/a.txt", "inside");
    const Scene scene = serving(stage);
    for (const auto& [name, target] : std::vector<std::pair<std::string, std::string>>{
             {"relative.txt", "../secret.txt"},
             {"absolute.txt", stage.path("secret.txt")},
             {"sub/deep.txt", "../../secret.txt"},
             {"twice.txt", "relative.txt"},
             {"folder", "../www-secret"},
             {"root", "/"},
             {"above", ".."},
             {"nowhere.txt", "missing.txt"},
             {"itself.txt", "itself.txt"},
             {"process", "/proc/self"}}) {
        fs::create_symlink(target, stage.path("www/" + name));
    }
    Visitor visitor{scene};
    for (const std::string& target :
         {"/relative.txt"s, "/absolute.txt"s, "/sub/deep.txt"s, "/twice.txt"s, "/folder"s,
          "/folder/"s, "/folder/index.html"s, "/folder/below/secret.txt"s, "/root/etc/passwd"s,
          "/root" + stage.path("secret.txt"), "/above/secret.txt"s, "/above/www/a.txt/"s,
          "/nowhere.txt"s, "/itself.txt"s, "/process/environ"s, "/process/root/etc/passwd"s}) {
        expect_status(stage, visitor.ask("GET " + target), {404}, stays_inside);
    }
}

TEST_CASE("The server finds a file however its path is written",
          "[12_web][web_server][step:6][points:2]") {
    Stage stage{lab};
    write_served(stage, "sub/below/b.txt", "below");
    for (const std::string name :
         {"%2e%2e/secret.txt", "..a", "a..", "...", ".hidden", "a%2fb", "a\\b", "with space",
          "M\u00fcnchen", "\xff", "a?b", "100%", "a+b", "http:"}) {
        write_served(stage, name, "I am " + name);
    }
    fs::create_symlink("sub/below/b.txt", stage.path("www/link.txt"));
    fs::create_symlink("sub", stage.path("www/folder"));
    fs::create_symlink("../a.txt", stage.path("www/sub/up.txt"));
    const Scene scene = serving(stage);
    Visitor visitor{scene};
    for (const auto& [target, contents] : std::vector<std::pair<std::string, std::string>>{
             {"/%61.txt", hello},
             {"/%61%2E%74%78%74", hello},
             {"/./a.txt", hello},
             {"/sub/../a.txt", hello},
             {"/sub/%2e%2e/a.txt", hello},
             {"/sub/below/../../a.txt", hello},
             {"/sub/./below/b.txt", "below"},
             {"/a.txt?", hello},
             {"/a.txt?x=1&y=/../%zz", hello},
             {"http://localhost/a.txt", hello},
             {"http://anything.example:99/sub/below/b.txt", "below"},
             {"HTTP://localhost/a.txt?query", hello},
             {"http://localhost/sub/../a.txt", hello},
             {"/%252e%252e/secret.txt", "I am %2e%2e/secret.txt"},
             {"/..a", "I am ..a"},
             {"/a..", "I am a.."},
             {"/...", "I am ..."},
             {"/.hidden", "I am .hidden"},
             {"/a%252fb", "I am a%2fb"},
             {"/a%5Cb", "I am a\\b"},
             {"/with%20space", "I am with space"},
             {"/M%C3%BCnchen", "I am M\u00fcnchen"},
             {"/m%c3%bcnchen/../a.txt", hello},
             {"/%FF", "I am \xff"},
             {"/a%3fb", "I am a?b"},
             {"/100%25", "I am 100%"},
             {"/a+b", "I am a+b"},
             {"/http:", "I am http:"},
             {"/link.txt", "below"},
             {"/folder/below/b.txt", "below"},
             {"/folder/up.txt", hello}}) {
        // Of a folder that is not there one may say so before the .. behind it counts.
        const Answer answer = visitor.ask("GET " + target);
        if (answer.status == 404 && target.starts_with("/m%c3")) continue;
        expect_body(stage, answer, contents, decoded_once);
    }
}

TEST_CASE("What is no file or not there is not found", "[12_web][web_server][step:5][points:1]") {
    Stage stage{lab};
    write_served(stage, "sub/a.txt", "inside");
    write_served(stage, "closed.txt", "closed");
    const Scene scene = serving(stage);
    ::mkfifo(stage.path("www/pipe").c_str(), 0666);
    ::mkfifo(stage.path("www/sub/pipe.html").c_str(), 0666);
    const boost::asio::local::stream_protocol::endpoint endpoint{stage.path("www/socket")};
    const boost::asio::local::stream_protocol::acceptor acceptor{stage.io(), endpoint};
    Visitor visitor{scene};
    for (const std::string& target :
         {"/none"s, "/none/"s, "/A.txt"s, "/a.tx"s, "/a.txtx"s, "/a.txt/a.txt"s, "/a.txt/"s,
          "/sub/none"s, "/%20"s, "/a.txt%20"s, "/a.txt%0a"s, "/" + std::string(255, 'x'),
          "/" + std::string(256, 'x'), "/" + std::string(3000, 'x')}) {
        expect_status(stage, visitor.ask("GET " + target), {404},
                      "what is not there is status 404");
    }
    // Whoever opens a pipe may wait for its other end for ever.
    for (const std::string target : {"/pipe", "/sub/pipe.html", "/socket"}) {
        const Answer answer = visitor.ask("GET " + target, "", nobody_waits);
        expect_status(stage, answer, {403, 404}, "what is no file is not served");
    }
    if (::geteuid() != 0) {
        ::chmod(stage.path("www/closed.txt").c_str(), 0);
        expect_status(stage, visitor.ask("GET /closed.txt"), {403, 404}, refused);
    }
}

// What becomes of a client that was not answered, when it ends its side, tells why.
void expect_reading(const Scene& scene, Peer& client) {
    const bool was_closed = client.ended();
    // Whoever reads until the buffer is full answers when it is: these bytes fill it.
    if (!was_closed) client.send(std::string(8192, 'x'));
    scene.stage.wait_until([&] { return client.ended() || !client.received().empty(); },
                           patience() / 4);
    const bool was_full = client.received().starts_with("HTTP/1.1 400 ");
    client.shut_down_sending();
    scene.stage.wait_until([&] { return client.ended() || !scene.server.errors().empty(); });
    const bool was_seen = holds(scene.server.errors(), client.endpoint());
    if (was_closed) {
        scene.stage.expect(false, "a whole answer", "the end of the connection",
                           "what is no good request is answered, too: what is wrong with it is "
                           "kept in `error`, which put() sets (step 1)");
    }
    if (was_full) scene.stage.expect(false, "a whole answer", "nothing", until_full);
    scene.stage.expect(false, "a whole answer", "nothing",
                       was_seen ? "the loop goes on only while put() says http::error::need_more: "
                                  "a request that is done, or wrong, ends it (step 1)"
                                : "put() never sees what was sent: commit() as many bytes as the "
                                  "read has brought, behind it, and let an error of the read end "
                                  "the loop (step 2)");
}

// --- bad requests ----------------------------------------------------------------------------

TEST_CASE("What is no HTTP request gets a complete answer and a line in the log",
          "[12_web][web_server][step:4][points:1]") {
    Stage stage{lab};
    const Scene scene = serving(stage);
    Peer& client = scene.connect();
    const std::time_t before = std::time(nullptr);
    client.send("hello\r\n\r\n");
    stage.wait_until([&] { return !client.received().empty() || client.ended(); });
    if (client.received().empty()) expect_reading(scene, client);
    const Answer answer = expect_answer(stage, client);
    expect_status(stage, answer, {400}, refused);
    std::set<std::string> dates;
    for (std::time_t time = before; time <= std::time(nullptr); ++time) {
        dates.insert(http_date(time));
    }
    stage.expect(dates.contains(answer.field("Date")), "the field Date: " + *dates.begin(),
                 shown(answer), date_now);
    expect_closing(stage, answer);
    client.expect_end(has_an_end);
    const std::string size = answer.body.empty() ? "-|0" : std::to_string(answer.body.size());
    expect_log_line(scene, "hello", 400, size);
}

TEST_CASE("The server refuses what is no HTTP request", "[12_web][web_server][step:4][points:2]") {
    Stage stage{lab};
    const Scene scene = serving(stage);
    for (const std::string& text :
         {"hello\r\n\r\n"s, "GET\r\n\r\n"s, "GET /a.txt\r\nHost: localhost\r\n\r\n"s,
          "GET /a.txt HTTP\r\nHost: localhost\r\n\r\n"s,
          "GET  HTTP/1.1\r\nHost: localhost\r\n\r\n"s,
          "GET /a.txt HTTP/1.1 x\r\nHost: localhost\r\n\r\n"s,
          "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n"s,
          "GET /a.txt FTP/1.1\r\nHost: localhost\r\n\r\n"s,
          "GET /a.txt HTTP/1.1\r\nHost: localhost\r\nno colon here\r\n\r\n"s,
          "GET /a.txt HTTP/1.1\r\nHost : localhost\r\n\r\n"s,
          "GET /\x1b[2J HTTP/1.1\r\nHost: localhost\r\n\r\n"s,
          "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n"s}) {
        Peer& client = scene.connect();
        client.send(text);
        const Answer answer = expect_answer(stage, client, false, refused);
        expect_status(stage, answer, {400}, refused);
        expect_fault(scene, client, any_reason, refused);
        stage.expect(client.receive_to_end("behind what is no request none can be found").empty(),
                     "nothing behind the answer", "more", refused);
    }
    Peer& client = scene.connect();
    client.send("GET /a.txt HTTP/3.0\r\nHost: localhost\r\n\r\n");
    expect_status(stage, expect_answer(stage, client, false, refused), {400, 505}, refused);
}

TEST_CASE("The server refuses a request without a host and with a broken path",
          "[12_web][web_server][step:5][points:2]") {
    Stage stage{lab};
    const Scene scene = serving(stage);
    for (const std::string& text :
         {"GET /a.txt HTTP/1.1\r\n\r\n"s, "GET /a.txt HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"s,
          "GET /a.txt HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"s,
          "GET /none HTTP/1.1\r\nAccept: */*\r\n\r\n"s, request("GET /%"), request("GET /%6"),
          request("GET /a%zz.txt"), request("GET /%6x"), request("GET /a.txt%"),
          request("GET /%%36%31.txt"), request("GET /%-1"), request("GET /%+6"),
          request("GET a.txt"), request("GET *")}) {
        Peer& client = scene.connect();
        client.send(text);
        const Answer answer = expect_answer(stage, client, false, refused);
        expect_status(
            stage, answer, {400},
            "HTTP/1.1 needs a field Host, no version may have two, and a path begins with a "
            "slash and has two hexadecimal digits behind each % (step 5)");
        client.close();
    }
    // A null byte ends a name for the system, but not for us.
    Visitor visitor{scene};
    for (const std::string target : {"/a.txt%00", "/a.txt%00.html", "/%00/a.txt"}) {
        expect_status(stage, visitor.ask("GET " + target), {400, 404},
                      "no file's name holds a null byte");
    }
    expect_status(stage, visitor.ask("GET /none"), {404}, one_fault);
}

TEST_CASE("The server refuses other methods and says which it knows",
          "[12_web][web_server][step:5][points:1]") {
    Stage stage{lab};
    const Scene scene = serving(stage);
    Visitor visitor{scene};
    for (const std::string method :
         {"POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW", "get", "HEADS", "GE"}) {
        const bool is_known = method == "POST" || method == "PUT" || method == "DELETE";
        const Answer answer = visitor.ask(method + " /a.txt", "Content-Length: 0\r\n");
        expect_status(stage, answer, is_known ? std::vector{405} : std::vector{400, 405, 501},
                      refused);
        if (answer.status != 405) continue;
        const std::string allow = answer.field("Allow");
        stage.expect(holds(allow, "GET") && holds(allow, "HEAD"),
                     "a field Allow that names GET and HEAD", shown(answer), refused);
        scene.server.expect_running();
        const std::string& errors = scene.server.errors();
        stage.expect(!is_known || errors.empty(), "nothing on stderr: such a method is no fault",
                     quote(errors), "status 405 is refused without a reason (step 5)");
    }
    const Answer head = visitor.ask("HEAD /none");
    expect_status(stage, head, {404}, "HEAD is a method that is known (step 5)");
    stage.expect(stage.read_file("www/a.txt") == hello, "the file as it was", "another");
}

TEST_CASE("The body of a request is not taken for a request",
          "[12_web][web_server][step:6][points:1]") {
    Stage stage{lab};
    write_served(stage, "inner.txt", "the inner one");
    const Scene scene = serving(stage);
    const std::string inner = request("GET /inner.txt");
    const std::string length = "Content-Length: " + std::to_string(inner.size()) + "\r\n";
    std::array<char, 16> hex{};
    std::snprintf(hex.data(), hex.size(), "%zx\r\n", inner.size());
    const std::string chunk = hex.data() + inner + "\r\n0\r\n\r\n";
    const auto try_body = [&](const std::string& header, const std::string& body, bool at_once,
                              int status) {
        Peer& client = scene.connect();
        if (at_once) {
            client.send(header + body);
        } else {
            client.send_in_pieces({header, body});
        }
        expect_status(stage, expect_answer(stage, client), {status}, no_body_is_a_request);
        client.shut_down_sending();
        const std::string rest = client.receive_to_end();
        stage.expect(rest.empty(), "nothing behind the answer", quote(rest), no_body_is_a_request);
    };
    for (const bool at_once : {true, false}) {
        try_body(request("POST /a.txt", length), inner, at_once, 405);
        try_body(request("PUT /a.txt", "Transfer-Encoding: chunked\r\n"), chunk, at_once, 405);
        try_body(request("GET /a.txt", length), inner, at_once, 200);
        try_body(request("GET /a.txt", "Transfer-Encoding: chunked\r\n"), chunk, at_once, 200);
    }
    // It does not matter how long it is: nobody waits for it.
    for (const std::string size : {"1000000", "1048577", "9223372036854775807"}) {
        const std::string fields = "Content-Length: " + size + "\r\n";
        try_body(request("PUT /a.txt", fields), inner, true, 405);
        try_body(request("GET /a.txt", fields), inner, true, 200);
    }
    // Where the end of such a body is, nobody can tell (RFC 9112, section 6.3).
    Peer& zipped = scene.connect();
    zipped.send(request("GET /a.txt", "Transfer-Encoding: gzip\r\n") + inner);
    expect_status(stage, expect_answer(stage, zipped), {200, 400, 501}, no_body_is_a_request);
    zipped.shut_down_sending();
    const std::string behind = zipped.receive_to_end();
    stage.expect(behind.empty(), "nothing behind the answer", quote(behind), no_body_is_a_request);
    expect_works(scene);
    stage.expect(!holds(scene.server.output(), "inner.txt"), "no request for /inner.txt",
                 quote(scene.server.output()), no_body_is_a_request);
}

TEST_CASE("The server refuses a request that is too long before it has all of it",
          "[12_web][web_server][step:4][points:2]") {
    Stage stage{lab};
    const Scene scene = serving(stage);
    Peer& first = scene.connect();
    first.send("hello\r\n\r\n");
    expect_status(stage, expect_answer(stage, first), {400}, refused);
    expect_fault(scene, first, any_reason, refused);
    const std::size_t memory = scene.server.peak_memory();
    std::string fields;
    for (int i = 0; i < 50000; ++i) fields += "X-" + std::to_string(i) + ": some value\r\n";
    const std::string line = "GET /a.txt HTTP/1.1\r\nHost: localhost\r\n";
    for (const auto& [text, status] : std::vector<std::pair<std::string, int>>{
             {"GET /" + std::string(megabyte, 'x'), 414},
             {"GET /a.txt?" + std::string(megabyte, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
             {line + "X: " + std::string(megabyte, 'x'), 431},
             {line + fields, 431}}) {
        Peer& client = scene.connect();
        client.send(text);
        const Answer answer = expect_answer(stage, client, false, has_a_limit);
        expect_status(stage, answer, {status}, has_a_limit);
        expect_fault(scene, client, any_reason, has_a_limit);
        client.close();
    }
    // One that never ends.
    Peer& client = scene.connect();
    client.send(line);
    const std::string text(megabyte, 'x');
    for (int i = 0; i < 64 && !client.ended() && client.could_send(); ++i)
        client.send("X: " + text);
    expect_fault(scene, client, any_reason, has_a_limit);
    client.receive_to_end(has_a_limit);
    expect_little_memory(scene, memory, has_a_limit);
}

// --- time ------------------------------------------------------------------------------------

// True if the server is at work all the time, although nothing happens.
bool spins(const Scene& scene) {
    const double before = scene.server.processor_time();
    scene.stage.pass_time(0.3);
    return scene.server.processor_time() - before > 0.1;
}

TEST_CASE("The server closes a connection that is idle for longer than the timeout",
          "[12_web][web_server][step:2][points:1]") {
    Stage stage{lab};
    const Scene scene = serving(stage, {"--timeout", "0.5"});
    const auto start = Clock::now();
    Peer& silent = scene.connect();
    stage.wait_until([&] { return silent.ended(); });
    stage.expect(silent.ended(), "the end of its connection", "it stays open",
                 silent.ended() || !spins(scene) ? silent_for_long : never_reads);
    const std::string got = silent.receive_to_end(silent_for_long);
    stage.expect(got.empty(), "nothing for a client that says nothing", quote(got),
                 "nothing was received: commit() as many bytes as the read has brought (step 2)");
    stage.expect(Clock::now() - start >= std::chrono::milliseconds{450}, "a wait of 0.5 s",
                 "an end before that", closed_at_once);
    const std::string& errors = scene.server.errors();
    stage.expect(errors.empty(), "nothing on stderr: to be silent between requests is no fault",
                 quote(errors));
    scene.server.expect_running();
}

TEST_CASE("A connection that was used may be idle no longer than the timeout",
          "[12_web][web_server][step:6][points:1]") {
    for (Attempts attempts; attempts.another();) {
        const double timeout = time_scale();
        Stage stage{lab};
        const Scene scene = serving(stage, {"--timeout", std::to_string(timeout)});
        Peer& client = scene.connect();
        Answer last_answer;
        auto last = Clock::now();
        bool in_time = true;
        for (int i = 0; i < 4 && in_time; ++i) {
            if (i > 0) stage.pass_time(0.4 * timeout);
            expect_no_more(stage, client, last_answer);
            client.send(request("GET /a.txt"));
            // On a busy machine the test itself may be too slow.
            in_time = std::chrono::duration<double>{Clock::now() - last}.count() < 0.7 * timeout;
            last = Clock::now();
            if (!in_time) continue;
            last_answer = expect_answer(stage, client, false, stays_open);
            expect_body(stage, last_answer, hello, "each request has the whole timeout");
        }
        if (!in_time) continue;
        client.expect_end(silent_for_long);
        stage.expect_at_least(Clock::now() - last, 0.95 * timeout, "the server waits");
        const std::string& errors = scene.server.errors();
        stage.expect(errors.empty(), "nothing on stderr: to be silent between requests is no fault",
                     quote(errors));
        // A timeout of 0 is none.
        const Scene patient = serving(stage, {"--timeout", "0"});
        Peer& slow = patient.connect();
        stage.pass_time(0.1);
        slow.send_in_pieces({"GET /a"});
        stage.pass_time(0.1);
        slow.send(".txt HTTP/1.1\r\nHost: localhost\r\n\r\n");
        expect_body(stage, expect_answer(stage, slow), hello, "a timeout of 0 means none");
        break;
    }
}

TEST_CASE("The server gives up on a request that does not go on for longer than the timeout",
          "[12_web][web_server][step:4][points:1]") {
    Stage stage{lab};
    const double timeout = 0.5 * time_scale();
    const Scene scene = serving(stage, {"--timeout", std::to_string(timeout)});
    for (const std::string text : {"G", "GET /a.txt HTTP/1.1\r\nHost: localhost\r\n"}) {
        const auto start = Clock::now();
        Peer& client = scene.connect();
        client.send_in_pieces({text});
        // It may say so (408), or just close.
        stage.wait_until([&] { return client.ended(); });
        const std::string answer{client.received()};
        client.receive_to_end(silent_for_long);
        stage.expect(answer.empty() || answer.starts_with("HTTP/1.1 408 "),
                     "an answer with status 408, or none", quote(answer), silent_for_long);
        stage.expect(Clock::now() - start >= std::chrono::duration<double>{0.9 * timeout},
                     "a wait of " + std::to_string(timeout) + " s", "an end before that",
                     silent_for_long);
        expect_fault(scene, client, "timed out", answer.empty() ? lines_behind : silent_for_long);
    }
    scene.server.expect_running(one_fault);
}

TEST_CASE("Two hundred stalled clients do not delay the next",
          "[12_web][web_server][step:6][points:2]") {
    Stage stage{lab};
    const Scene scene = serving(stage);
    const std::string text = request("GET /a.txt");
    for (std::size_t i = 0; i < 200; ++i) {
        Peer& client = scene.connect();
        if (i % 4 == 3) {  // these have been served once
            client.send(text);
            expect_body(stage, expect_answer(stage, client, false, nobody_waits), hello,
                        nobody_waits);
        } else if (i % 4 != 0) {
            client.send(std::string_view{text}.substr(0, i % (text.size() - 1)));
        }
    }
    for (int i = 0; i < 3; ++i) expect_works(scene, nobody_waits);
}

// A client that asks for much and reads nothing, until nothing more fits into its connection: then
// an answer is under way. Whoever collects all answers in memory is spared.
constexpr int many_requests = 1500;
const std::string many_bytes(16000, 'x');  // 24 megabytes in all: more than a connection holds

std::ptrdiff_t lines_of_log(const Scene& scene) {
    return std::ranges::count(scene.server.output(), '\n');
}

Peer& connect_greedy(const Scene& scene) {
    write_served(scene.stage, "some.txt", many_bytes);
    expect_works(scene);
    std::string text;
    for (int i = 0; i < many_requests; ++i) text += request("GET /some.txt");
    Peer& client = scene.connect();
    client.stall();
    client.send(text);
    auto before = lines_of_log(scene) - 1;
    for (int turn = 0; turn < 100 && lines_of_log(scene) > before; ++turn) {
        before = lines_of_log(scene);
        scene.stage.pass_time(0.1);
    }
    return client;
}

TEST_CASE("A client that asks for much and reads late delays nobody and gets all of it",
          "[12_web][web_server][step:6][points:2]") {
    Stage stage{lab};
    const Scene scene = serving(stage);
    Peer& client = connect_greedy(scene);
    expect_works(scene,
                 "a write that waits for one client keeps all others waiting: use async_write() "
                 "with co_await (step 4)");
    client.resume();
    const std::string cause =
        "one write may take but a part of an answer: async_write() goes on until all is written "
        "(step 4)";
    for (int i = 0; i < many_requests; ++i) {
        const Answer answer = expect_answer(stage, client, false, cause);
        expect_body(stage, answer, many_bytes, cause);
    }
}

TEST_CASE("A client that is reset while it is answered ends nothing but its connection",
          "[12_web][web_server][step:6][points:1]") {
    Stage stage{lab};
    const Scene scene = serving(stage);
    Peer& client = connect_greedy(scene);
    const auto before = lines_of_log(scene);
    client.reset();
    expect_fault(scene, client, any_reason,
                 "a failed write comes as `error`, with redirect_error: thrown it would get past "
                 "serve() and end the service for all (step 4)");
    expect_works(scene);
    stage.wait_until([&] { return lines_of_log(scene) >= before + 2; });
    stage.expect(lines_of_log(scene) >= before + 2 || before > many_requests,
                 "a line of the log for the answer that was cut off",
                 std::to_string(before) + " lines until then, and " +
                     std::to_string(lines_of_log(scene)) + " with another request behind it",
                 "an answer that was given up has its line in the log, too: a failed write comes "
                 "as `error`, with redirect_error (step 4)");
}

// --- large files and many clients ------------------------------------------------------------

TEST_CASE("Several clients at once get a large file whole while the server needs little memory",
          "[12_web][web_server][step:10][points:3]") {
    Stage stage{lab};
    write_served(stage, "film.mp4", "");
    make_large(stage, "film.mp4", large);
    const Scene scene = serving(stage);
    expect_works(scene);
    const std::size_t memory = scene.server.peak_memory();
    Download one{scene, "film.mp4"};
    Download two{scene, "film.mp4"};
    one.read(megabyte, the_rest);
    two.read_in_background(large / 2);
    one.read_all(the_rest);
    expect_works(scene, turns);
    two.read(large / 2, the_rest);
    expect_little_memory(scene, memory, in_little_memory);
    // Behind a large file the connection goes on. Sizes around those of buffers have no seams.
    Visitor visitor{scene};
    std::string contents;
    while (contents.size() < 300000) contents += std::to_string(contents.size()) + " ";
    for (const std::size_t size : {16383, 16384, 16385, 65535, 65536, 65537, 300000}) {
        write_served(stage, "file", contents.substr(0, size));
        expect_body(stage, visitor.ask("GET /file"), contents.substr(0, size), the_rest);
    }
    Peer& client = scene.connect();
    client.send(request("GET /file", "Range: bytes=100000-250000\r\nConnection: close\r\n"));
    const Answer answer = expect_answer(stage, client, false, the_rest);
    stage.expect(answer.status == 206 && answer.body == contents.substr(100000, 150001),
                 "status 206 and the range", shown(answer), the_rest);
    const std::string more = client.receive_to_end(at_most);
    stage.expect(more.empty(), "nothing behind the answer", quote(more), at_most);
    const Answer head = visitor.ask("HEAD /film.mp4", "", head_is_get);
    expect_field(stage, head, "Content-Length", std::to_string(large), head_is_get);
    expect_body(stage, visitor.ask("GET /a.txt"), hello, stays_open);
}

TEST_CASE("A client that does not read a large file delays nobody and is dropped",
          "[12_web][web_server][step:10][points:2]") {
    Stage stage{lab};
    write_served(stage, "film.mp4", "");
    make_large(stage, "film.mp4", large);
    const double timeout = 0.5 * time_scale();
    const Scene scene = serving(stage, {"--timeout", std::to_string(timeout)});
    expect_works(scene);
    const std::size_t memory = scene.server.peak_memory();
    Peer& stalled = scene.connect();
    const auto start = Clock::now();
    stalled.stall();
    stalled.send(request("GET /film.mp4"));
    stalled.wait_until_read();
    expect_works(scene, turns);
    expect_fault(scene, stalled, "timed out",
                 "a client that takes nothing for longer than the timeout loses its connection: "
                 "see give_up_after()");
    const auto waited = Clock::now() - start;
    stage.expect_at_least(waited, 0.9 * timeout, "the server waits");
    expect_works(scene);
    expect_little_memory(scene, memory, in_little_memory);
}

TEST_CASE("The server goes on when clients leave in the middle of a file",
          "[12_web][web_server][step:10][points:1]") {
    Stage stage{lab};
    write_served(stage, "film.mp4", "");
    make_large(stage, "film.mp4", large);
    const Scene scene = serving(stage);
    for (int i = 0; i < 3; ++i) {
        for (const bool is_rude : {false, true}) {
            Download client{scene, "film.mp4"};
            client.read(static_cast<std::size_t>(i) * megabyte + 1, the_rest);
            if (is_rude) {
                client.reset();
            } else {
                client.close();
            }
            const std::string start = "web_server: " + client.endpoint() + ": ";
            scene.server.expect_error_like(pattern_of(start) + any_reason,
                                           "one line \"" + start + "REASON\"", one_fault);
            expect_works(scene);
        }
    }
    Peer& rude = scene.connect();
    rude.send_in_pieces({"GET /a.t"});
    rude.reset();
    expect_fault(scene, rude, any_reason, one_fault);
    expect_works(scene);
}

TEST_CASE("A file that becomes shorter while it is sent ends in a closed connection",
          "[12_web][web_server][step:10][points:1]") {
    Stage stage{lab};
    write_served(stage, "log.txt", "");
    make_large(stage, "log.txt", large);
    const Scene scene = serving(stage);
    Download client{scene, "log.txt"};
    client.read(megabyte, the_rest);
    fs::resize_file(stage.path("www/log.txt"), 2 * megabyte);
    client.read_in_background(2 * large);
    stage.wait_until([&] { return client.ended(); });
    stage.expect(client.ended() && client.size() < large,
                 "the end of the connection before the end of what was announced",
                 std::to_string(client.size()) + " bytes" +
                     (client.ended() ? ", and then the end" : ", and then nothing more"),
                 "sendfile() returns 0 at the end of the file: see send_now()");
    expect_works(scene);
    // One that becomes longer: what was announced holds.
    write_served(stage, "film.mp4", "");
    make_large(stage, "film.mp4", large);
    Peer& other = scene.connect();
    other.send(request("GET /film.mp4", "Range: bytes=0-20000000\r\n") + request("GET /a.txt"));
    fs::resize_file(stage.path("www/film.mp4"), 2 * large);
    const Answer answer = expect_answer(stage, other, false, the_rest);
    stage.expect(answer.status == 206 && answer.body.size() == 20000001,
                 "status 206 and 20000001 bytes", shown(answer), the_rest);
    expect_body(stage, expect_answer(stage, other, false, stays_open), hello, stays_open);
}

TEST_CASE("The server waits calmly for a client to leave when it can't have more connections",
          "[12_web][web_server][step:6][points:2]") {
    Stage stage{lab};
    const Scene scene = serving(stage, {}, {.open_files = 40});
    Process& server = scene.server;
    expect_works(scene);
    const std::string complaint = "Too many open files";
    std::vector<Peer*> clients;
    for (int i = 0; i < 60; ++i) clients.push_back(&scene.connect());
    Peer& waiting = *clients.back();
    waiting.send(request("GET /a.txt"));
    server.expect_error_like("web_server: " + no_todo + ".*" + complaint,
                             "one line that ends with \"" + complaint + "\"",
                             "it was started with 40 descriptors at most");
    stage.pass_time(0.2);
    const std::size_t errors = server.errors().size();
    const double before = server.processor_time();
    stage.pass_time(1);
    const double used = server.processor_time() - before;
    stage.expect(used < 0.1 * time_scale(), "next to no processor time in a second of waiting",
                 std::to_string(used) + " s",
                 "a client that can't be accepted keeps the acceptor ready: pause before the next "
                 "try");
    server.expect_running(one_fault);
    stage.expect(server.errors().size() == errors, "no complaint again and again",
                 quote(server.errors()), "the same trouble is reported once");
    for (std::size_t i = 0; i < 45; ++i) clients[i]->close();
    expect_body(
        stage,
        expect_answer(stage, waiting, false, "when clients leave, one that waits has its turn"),
        hello, one_fault);
    expect_works(scene);
}

// --- the log on stdout -----------------------------------------------------------------------

TEST_CASE("The server prints a line of the Common Log Format for each request",
          "[12_web][web_server][step:6][points:2]") {
    for (const std::string address : {"127.0.0.1", "::1"}) {
        if (address == "::1" && !have_ipv6()) continue;
        Stage stage{lab};
        write_served(stage, "a.txt", hello);
        write_served(stage, "empty", "");
        Process& server =
            stage.start("web_server", {"--bind", address, "--port", "0", "--dir", "www"});
        const Scene scene{stage, server, server.expect_listening(address)};
        Peer& client = stage.connect(scene.port, address);
        const auto ask = [&](const std::string& line) {
            client.send(request(line));
            return expect_answer(stage, client, line.starts_with("HEAD"));
        };
        for (int i = 0; i < 3; ++i) {
            ask("GET /a.txt");
            expect_log_line(scene, "GET /a\\.txt HTTP/1\\.1", 200, "12", address);
        }
        ask("GET /a%2Etxt?x=%20y");
        expect_log_line(scene, "GET /a%2Etxt\\?x=%20y HTTP/1\\.1", 200, "12", address);
        ask("HEAD /a.txt");
        expect_log_line(scene, "HEAD /a\\.txt HTTP/1\\.1", 200, "-|0", address);
        ask("GET /empty");
        expect_log_line(scene, "GET /empty HTTP/1\\.1", 200, "-|0", address);
        const Answer none = ask("GET /none");
        const std::string size = none.body.empty() ? "-|0" : std::to_string(none.body.size());
        expect_log_line(scene, "GET /none HTTP/1\\.1", 404, size, address);
        client.close();
        Peer& old = stage.connect(scene.port, address);
        old.send("GET /a.txt HTTP/1.0\r\n\r\n");
        expect_body(stage, expect_answer(stage, old), hello);
        expect_log_line(scene, "GET /a\\.txt HTTP/1\\.0", 200, "12", address);
        // To come and go is no request.
        stage.connect(scene.port, address).close();
        Peer& last = stage.connect(scene.port, address);
        last.send(request("GET /a.txt?last"));
        expect_answer(stage, last);
        expect_log_line(scene, "GET /a\\.txt\\?last HTTP/1\\.1", 200, "12", address);
    }
}

TEST_CASE("The log shows every request once and no byte of it can pass for something else",
          "[12_web][web_server][step:5][points:2]") {
    Stage stage{lab};
    const Scene scene = serving(stage);
    int requests = 0;
    const auto ask = [&](const std::string& text) {
        Peer& client = scene.connect();
        client.send(text);
        const Answer answer = expect_answer(stage, client);
        stage.expect(answer.status >= 400, "a status that says what is wrong", shown(answer),
                     refused);
        client.close();
        ++requests;
        return answer.status;
    };
    const std::string cause =
        "what a stranger has written is printed by rule 8, and a quote in it is no end of it";
    const std::string any_bytes = "-|[0-9]+";
    ask(request("GET /%zz"));
    expect_log_line(scene, "GET /%zz HTTP/1\\.1", 400, any_bytes);
    ask(request("DELETE /a.txt", "Content-Length: 0\r\n"));
    expect_log_line(scene, "DELETE /a\\.txt HTTP/1\\.1", 405, any_bytes);
    const std::string line =
        R"(127\.0\.0\.1 - - \[[^\]]+\] "([^"\\]|\\.)*" [45][0-9][0-9] (-|[0-9]+))";
    for (const std::string& text :
         {"GET /\" 200 5 HTTP/1.1\r\nHost: x\r\n\r\n"s, request("GET /no\"ne"),
          "GET /\x1b[2J\x07 HTTP/1.1\r\nHost: x\r\n\r\n"s,
          request("GET /\xc2\x9b"
                  "2J"),
          request("GET /\xff\xfe"), request("GET /none%0a127.0.0.1 - - forged"),
          request("GET /none%0a127.0.0.1"), "GET /\rforged HTTP/1.1\r\nHost: x\r\n\r\n"s,
          "\x16\x03\x01\0\0\r\n\r\n"s, "nonsense\r\nforged line\r\n\r\n"s,
          request("GET /" + std::string(1000, 'n')), request("GET /M\u00fcnchen")}) {
        const int status = ask(text);
        const std::string printed = scene.server.expect_line_like(
            line, "one line of the Common Log Format, the request between quotes", cause);
        stage.expect(holds(printed, "\" " + std::to_string(status) + " "),
                     "a line with the status " + std::to_string(status), quote(printed), cause);
        for (const char byte : printed) {
            const bool is_control = byte >= 0 && (byte < ' ' || byte == 0x7f);
            stage.expect(!is_control, "no control byte in the log", quote(printed), cause);
        }
        stage.expect(!holds(printed, "\xc2\x9b") && !holds(printed, "\xff"),
                     "no control character and no broken byte in the log", quote(printed), cause);
        if (holds(text, "\u00fc")) {
            stage.expect(holds(printed, "\u00fc"), "what is good UTF-8 as it is", quote(printed),
                         cause);
        }
    }
    const auto lines = std::ranges::count(scene.server.output(), '\n');
    stage.expect(lines == requests + 1, std::to_string(requests) + " lines, one a request",
                 quote(scene.server.output()), one_line);
}

// --- a good program --------------------------------------------------------------------------

TEST_CASE("The server ends at once when it is interrupted while clients are connected",
          "[12_web][web_server][step:10][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        write_served(stage, "film.mp4", "");
        make_large(stage, "film.mp4", large);
        const Scene scene = serving(stage);
        expect_works(scene);
        Peer& idle = scene.connect();
        idle.send(request("GET /a.txt"));
        expect_body(stage, expect_answer(stage, idle), hello);
        Peer& half = scene.connect();
        half.send_in_pieces({"GET /a"});
        Download download{scene, "film.mp4"};
        download.read(megabyte, the_rest);
        scene.server.signal(signal);
        scene.server.expect_end_by(signal);
    }
}

TEST_CASE("The server serves its own folder on 127.0.0.1 port 8080 when it is told nothing else",
          "[12_web][web_server][step:6][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        stage.write_file("b.txt", "from here");
        for (int i = 0; i < 2; ++i) {
            Process& server = stage.start("web_server");
            // The server closes first, so the connection lingers on its side, in TIME_WAIT.
            server.expect_line("listening on 127.0.0.1:8080",
                               "a connection in TIME_WAIT keeps the port: set reuse_address");
            const Scene scene{stage, server, "8080"};
            Peer& client = scene.connect();
            client.send(request("GET /b.txt", "Connection: close\r\n"));
            expect_body(stage, expect_answer(stage, client), "from here");
            client.expect_end(has_an_end);
            client.close();
            server.signal(SIGTERM);
            server.expect_end_by(SIGTERM);
        }
    });
}

TEST_CASE("A server that works reports what it can't listen on and can't serve",
          "[12_web][web_server][step:6][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        expect_server_works(stage);
        const std::string port = stage.listen().port();
        stage.write_file("file", "no folder");
        const std::vector<std::pair<std::vector<std::string>, std::string>> failures{
            {{"--port", port}, "127\\.0\\.0\\.1:" + port + ": Address already in use"},
            {{"--bind", "10.9.8.7"}, "10\\.9\\.8\\.7:8080: Cannot assign requested address"},
            {{"--port", "0", "--dir", "no/such/folder"}, "no/such/folder.*: .+"},
            {{"--port", "0", "--dir", "file"}, "file.*: .+"},
            {{"--port", "0", "--log", "no/such/log"}, "no/such/log.*: .+"}};
        for (const auto& [arguments, words] : failures) {
            Process& server = stage.start("web_server", arguments);
            server.expect_error_like("web_server: " + no_todo + ".*" + words,
                                     "one line that names what it can't have",
                                     "an acceptor that is opened inside a coroutine may fail "
                                     "without a word");
            server.expect_exit(1);
        }
    });
}

TEST_CASE("A server that works explains itself and refuses wrong usage",
          "[12_web][web_server][step:6][points:1]") {
    Stage stage{lab};
    expect_server_works(stage);
    expect_help(stage, "web_server",
                {{"--bind ADDRESS", "127.0.0.1"},
                 {"--port PORT", "8080"},
                 {"--dir DIR", "."},
                 {"--timeout SECONDS", "30"},
                 {"--log FILE", "none"},
                 {"--help", ""}});
    expect_usage_error(stage, "web_server", {"--colour"}, "--colour");
    expect_usage_error(stage, "web_server", {"--di", "www"}, "--di");
    expect_usage_error(stage, "web_server", {"--dir"}, "--dir");
    expect_usage_error(stage, "web_server", {"extra"}, "extra");
    for (const std::string port : {"-1", "65536", "abc", "1.5", "8080x", ""}) {
        expect_usage_error(stage, "web_server", {"--port", port}, "--port");
    }
    for (const std::string address : {"localhost", "300.1.1.1", "1.2.3", ":::1", ""}) {
        expect_usage_error(stage, "web_server", {"--bind", address}, "--bind");
    }
    for (const std::string seconds : {"-3", "soon", "1s", "nan", "inf", ""}) {
        expect_usage_error(stage, "web_server", {"--timeout=" + seconds}, "--timeout");
    }
    expect_usage_error(stage, "web_server", {"\x1b[2J"}, R"(\x1b[2J)");
}

TEST_CASE("A server that works ends with an error when its output can't be written",
          "[12_web][web_server][step:6][points:1]") {
    Stage stage{lab};
    expect_server_works(stage);
    for (const StartOptions& options :
         {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
        Process& server = stage.start("web_server", {"--port", "0"}, options);
        server.expect_error_like("web_server: " + any_reason + ": .+", "one line on stderr");
        server.expect_exit(1);
    }
    // Nobody reads it any more.
    NamedPipe reader{stage, "stdout"};
    Process& server = stage.start("web_server", {"--port", "0", "--dir", "www"},
                                  {.stdout_file = stage.path("stdout")});
    const std::string listening = reader.read_line();
    const Scene scene{stage, server, listening.substr(listening.rfind(':') + 1)};
    Peer& client = scene.connect();
    client.send(request("GET /a.txt"));
    expect_body(stage, expect_answer(stage, client), hello);
    const std::string line = reader.read_line();
    stage.expect(holds(line, "GET /a.txt"), "a line about GET /a.txt", quote(line), one_line);
    reader.close();
    client.send(request("GET /a.txt"));
    server.expect_error_like("web_server: (?!.*" + client.endpoint() + ")" + any_reason + ": .+",
                             "one line on stderr that does not blame the client",
                             "a stdout that can't be written is no fault of the client");
    server.expect_exit(1, "a stdout that can't be written ends the program");
}

TEST_CASE("The server writes a log of whole lines when asked",
          "[12_web][web_server][step:6][points:1]") {
    Stage stage{lab};
    const std::string before = "[20200101 00:00:00] before:1 - this line was there before\n";
    stage.write_file("server.log", before);
    expect_works(serving(stage, {"--log", "server.log"}));
    expect_log(stage, "server.log");
    const std::string log = stage.read_file("server.log");
    stage.expect(log.starts_with(before) && log.size() > before.size(),
                 "new lines behind those that were there", quote(log));
}

// --- other people's programs -----------------------------------------------------------------

TEST_CASE("The server understands curl", "[12_web][web_server][step:10][points:1]") {
    if (!have_command("curl")) return skip("curl is not installed");
    Stage stage{lab};
    std::string contents;
    while (contents.size() < 3 * megabyte) contents += std::to_string(contents.size()) + " ";
    write_served(stage, "film.mp4", contents);
    write_served(stage, "sub/index.html", "an index\n");
    const Scene scene = serving(stage);
    const std::string url = "http://127.0.0.1:" + scene.port;
    const auto curl = [&](std::vector<std::string> arguments) -> Process& {
        arguments.insert(arguments.begin(), {"-q", "--silent", "--show-error"});
        return stage.start_command("curl", arguments);
    };
    Process& two = curl({url + "/a.txt", url + "/a.txt", "--write-out", "%{num_connects}\n"});
    for (const std::string line : {"Hello, web!", "1", "Hello, web!", "0"}) {
        two.expect_line(line, stays_open);
    }
    two.expect_exit(0);
    Process& film = curl({url + "/film.mp4", "--output", "copy.mp4", "--write-out",
                          "%{http_code} %{size_download}\n"});
    film.expect_line("200 " + std::to_string(contents.size()), the_rest);
    film.expect_exit(0);
    stage.expect(stage.read_file("copy.mp4") == contents, "the file as it is", "another", the_rest);
    // The first part is there: it goes on where that ends.
    fs::resize_file(stage.path("copy.mp4"), 1234567);
    Process& rest = curl({url + "/film.mp4", "--continue-at", "-", "--output", "copy.mp4",
                          "--write-out", "%{http_code}\n"});
    rest.expect_line("206", a_part);
    rest.expect_exit(0);
    stage.expect(stage.read_file("copy.mp4") == contents, "the file as it is", "another", a_part);
    Process& folder = curl({url + "/sub", "--location", "--write-out", "%{num_redirects}\n"});
    folder.expect_line("an index", with_a_slash);
    folder.expect_line("1", with_a_slash);
    folder.expect_exit(0);
    Process& again = curl(
        {url + "/a.txt", "--time-cond", stage.path("www/a.txt"), "--write-out", "%{http_code}\n"});
    again.expect_line("304", known_already);
    again.expect_exit(0);
    Process& post = curl(
        {url + "/a.txt", "--data", "text", "--output", "post", "--write-out", "%{http_code}\n"});
    post.expect_line("405", refused);
    post.expect_exit(0);
    Process& above = curl({url + "/../secret.txt", "--path-as-is", "--head", "--output", "above",
                           "--write-out", "%{http_code}\n"});
    above.expect_line("404", stays_inside);
    above.expect_exit(0);
}

// Needs Chromium or Chrome, 200 MB of memory and, on a busy machine, some seconds. In a private
// network it can ask nobody else for anything.
TEST_CASE("A browser shows a page with a picture and a script that follows links",
          "[12_web][web_server][step:10][points:2]") {
    std::string browser;
    for (const std::string name : {"google-chrome", "chromium-browser", "chromium"}) {
        if (have_command(name)) browser = name;
    }
    if (browser.empty()) return skip("there is no Chromium or Chrome on this machine");
    in_private_network([&browser] {
        Stage stage{lab};
        write_served(stage, "index.html", R"(<!DOCTYPE html>
<html><head><title>page</title><link rel="stylesheet" href="style.css"></head><body>
<p id="picture">no picture</p><p id="part">no part</p><p id="names">no names</p>
<img src="drawing.svg" onload="picture.textContent = 'picture of ' + this.naturalWidth">
<script src="script.js"></script></body></html>
)");
        write_served(stage, "style.css", "p { color: green }\n");
        // All that it asks for comes before the page is complete.
        write_served(stage, "script.js", R"(
function get(path, range) {
    const request = new XMLHttpRequest();
    request.open('GET', path, false);
    if (range) request.setRequestHeader('Range', range);
    request.send();
    return request;
}
const film = get('film.txt', 'bytes=100000-100008');
document.getElementById('part').textContent = film.status + ' ' + film.responseText + ' ' +
    getComputedStyle(document.getElementById('part')).color;
const folder = get('names');
const page = new DOMParser().parseFromString(folder.responseText, 'text/html');
const base = page.createElement('base');
base.href = folder.responseURL;
page.head.appendChild(base);
const texts = Array.from(page.querySelectorAll('a')).map(a => a.href)
    .filter(link => link.startsWith(folder.responseURL) && link != folder.responseURL)
    .map(link => get(link).responseText.trim());
document.getElementById('names').textContent = 'names ' + texts.sort().join(', ') + ' and ' +
    page.querySelectorAll('img, script, b').length + ' that are markup';
)");
        write_served(stage, "drawing.svg",
                     "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"77\" height=\"55\">"
                     "<rect width=\"77\" height=\"55\"/><!--" +
                         std::string(100000, '.') + "--></svg>\n");
        std::string film(300000, '.');
        film.replace(100000, 9, "nine char");
        write_served(stage, "film.txt", film);
        const std::vector<std::string> names{"plain.txt",    "<img src=x onerror=alert(1)>",
                                             "a#b?c%d",      "\"quotes\" & 'more'",
                                             "<script>1<",   "a:b",
                                             "M\u00fcnchen", "one\ntwo"};
        std::string all;
        for (std::size_t i = 0; i < names.size(); ++i) {
            write_served(stage, "names/" + names[i], "n" + std::to_string(i));
            all += (i == 0 ? "n" : ", n") + std::to_string(i);
        }
        const Scene scene = serving(stage);
        expect_body(stage, Visitor{scene}.ask("GET /style.css"), "p { color: green }\n");
        fs::create_directory(stage.path("profile"));
        Process& process = stage.start_command(
            browser,
            {"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-dev-shm-usage", "--disable-extensions", "--no-proxy-server",
             "--user-data-dir=" + stage.path("profile"), "--dump-dom",
             "http://127.0.0.1:" + scene.port + "/"});
        stage.wait_until([&] { return process.ended(); }, 12 * patience());  // a minute
        const std::string& page = process.output();
        const bool has_ended_well = process.state() == "ended with status 0";
        if (page.empty() && !has_ended_well && scene.server.errors().empty()) {
            return skip("the browser does not do its job on this machine: it " + process.state());
        }
        const auto expect_shown = [&](const std::string& text, std::string_view cause) {
            stage.expect(holds(page, text), "a page that shows " + quote(text), quote(page), cause);
        };
        expect_shown("picture of 77", the_rest);
        expect_shown("206 nine char rgb(0, 128, 0)", a_part);
        expect_shown("names " + all + " and 0 that are markup", links_work);
    });
}

// --- what few clients do, and hardly anybody tests ---------------------------------------------

TEST_CASE("The server ignores empty lines before a request",
          "[12_web][web_server][step:5][points:1]") {
    const std::string cause = "an empty line before a request line is ignored, see read_request";
    Stage stage{lab};
    const Scene scene = serving(stage);
    Peer& client = scene.connect();
    client.send("\r\n" + request("GET /none"));
    expect_status(stage, expect_answer(stage, client, false, cause), {404}, cause);
    client.send_in_pieces(
        {"\r", "\n\r\n" + request("GET /none?1") + "\r\n" + request("GET /none?2")});
    expect_status(stage, expect_answer(stage, client, false, cause), {404}, cause);
    expect_status(stage, expect_answer(stage, client, false, cause), {404}, cause);
    client.close();
    for (const std::string line : {"/none", "/none?1", "/none?2"}) {
        scene.server.expect_line_like(".*\"GET " + pattern_of(line) + " HTTP/1.1\" 404 .*",
                                      "a line of the log for the request alone", cause);
    }
    // A line has an end: CR alone is none.
    Peer& half = scene.connect();
    half.send_in_pieces({"\r", request("GET /none")});
    expect_status(stage, expect_answer(stage, half, false, cause), {400}, cause);
    half.close();
    // Nothing but an empty line is no request.
    Peer& other = scene.connect();
    other.send("\r\n");
    other.shut_down_sending();
    stage.expect(other.receive_to_end(cause).empty(), "no answer", "one", cause);
}

TEST_CASE("Empty lines keep no connection open", "[12_web][web_server][step:6][points:1]") {
    const std::string cause =
        "an empty line is no beginning of a request: the client's time goes on, see read_request";
    for (Attempts attempts; attempts.another();) {
        const double timeout = 0.5 * time_scale();
        Stage stage{lab};
        const Scene scene = serving(stage, {"--timeout", std::to_string(timeout)});
        expect_works(scene, cause);
        Peer& client = scene.connect();
        const bool was_quick = client.trickle("\r\n\r\n\r\n", timeout);
        // On a busy machine the pauses may have been long enough for any server.
        if (!client.trickle("\r\n\r\n\r\n", timeout) || !was_quick) continue;
        stage.expect(client.ended(),
                     "an end of the connection after " + std::to_string(timeout) + " s",
                     "none after " + std::to_string(3 * timeout) + " s", cause);
        // Half an empty line may have been taken for the beginning of a request.
        const std::string got = client.receive_to_end(cause);
        stage.expect(got.empty() || got.starts_with("HTTP/1.1 408 "), "no answer", quote(got),
                     cause);
        // So many at once that there is always one to be read.
        Peer& flood = scene.connect();
        std::string lines;
        while (lines.size() < megabyte) lines += "\r\n";
        const auto start = Clock::now();
        const auto is_closed = [&flood] { return flood.ended() || !flood.could_send(); };
        while (!is_closed() && Clock::now() - start < patience()) flood.send(lines);
        stage.expect(is_closed(), "an end of the connection", "none", cause);
        break;
    }
}

TEST_CASE("The server refuses a host that can't be one", "[12_web][web_server][step:5][points:1]") {
    const std::string cause =
        "the host's name, as in Host, has only certain bytes: wirelab::is_host()";
    Stage stage{lab};
    const Scene scene = serving(stage);
    for (const std::string& text :
         {"GET /none HTTP/1.1\r\nHost: a b\r\n\r\n"s, "GET /none HTTP/1.1\r\nHost: a/b\r\n\r\n"s,
          "GET /none HTTP/1.1\r\nHost: a@b\r\n\r\n"s, "GET /none HTTP/1.1\r\nHost: <a>\r\n\r\n"s,
          "GET /none HTTP/1.1\r\nHost: a\xff\r\n\r\n"s, request("GET http:///none"),
          request("GET http://")}) {
        Peer& client = scene.connect();
        client.send(text);
        expect_status(stage, expect_answer(stage, client, false, cause), {400}, cause);
        client.close();
    }
    for (const std::string host : {"", "a.example:8080", "127.0.0.1", "[::1]:80"}) {
        Peer& client = scene.connect();
        client.send("GET /none HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
        expect_status(stage, expect_answer(stage, client, false, cause), {404}, cause);
        client.close();
    }
}

TEST_CASE("The server does not even open a pipe", "[12_web][web_server][step:9][points:1]") {
    const std::string cause =
        "whoever opens a pipe lets its writer go on, and may wait for one: see what it is before";
    Stage stage{lab};
    const Scene scene = serving(stage);
    const std::string pipe = stage.path("www/pipe");
    ::mkfifo(pipe.c_str(), 0666);
    const int events = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    const bool is_watched = ::inotify_add_watch(events, pipe.c_str(), IN_OPEN) >= 0;
    Visitor visitor{scene};
    for (const std::string line : {"GET /pipe", "HEAD /pipe"}) {
        expect_status(stage, visitor.ask(line, "", cause), {403, 404}, cause);
    }
    expect_status(stage, visitor.ask("GET /", "", cause), {200}, cause);
    std::array<char, 1024> event{};
    const bool was_opened = ::read(events, event.data(), event.size()) > 0;
    ::close(events);
    stage.expect(is_watched, "a pipe to watch", "none", "the test can't watch a pipe");
    stage.expect(!was_opened, "a pipe that nobody opens", "one that was opened", cause);
}
