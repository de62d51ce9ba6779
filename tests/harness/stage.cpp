#include "stage.hpp"
#include "capture.hpp"
#include "catch.hpp"
#include "datagrams.hpp"
#include "peer.hpp"
#include "process.hpp"

#include <boost/asio.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <regex>
#include <sstream>
#include <utility>

namespace harness {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using asio::ip::tcp;

namespace {

fs::path make_folder() {
    std::string name = fs::temp_directory_path() / "wirelab-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) fail("the test can't make a folder " + name);
    return name;
}

// True for the folder in /proc of a child of this process, see "stat" in proc(5).
bool is_child(const fs::path& process) {
    std::ifstream file{process / "stat"};
    std::string stat;
    std::getline(file, stat, '\0');  // stays empty when the process has gone meanwhile
    // The program's name may hold anything, even parentheses and line feeds.
    const auto name_end = stat.rfind(')');
    if (name_end == std::string::npos) return false;
    std::istringstream behind_name{stat.substr(name_end + 1)};
    char state = 0;
    pid_t parent = 0;
    behind_name >> state >> parent;
    return parent == ::getpid();
}

// A program may leave children behind that have escaped its process group; as this process is
// their "subreaper" (prctl(2)) they become its own children, and end here.
void end_all_children() {
    while (::waitpid(-1, nullptr, WNOHANG) >= 0) {
        for (const auto& process : fs::directory_iterator{"/proc"}) {
            const std::string name = process.path().filename();
            const bool is_process = name.find_first_not_of("0123456789") == std::string::npos;
            if (!is_process || !is_child(process)) continue;
            ::kill(std::stoi(name), SIGKILL);
            ::waitpid(std::stoi(name), nullptr, 0);
        }
    }
}

template <typename Protocol = tcp>
typename Protocol::endpoint endpoint(const std::string& address, const std::string& port) {
    return {asio::ip::make_address(address), static_cast<std::uint16_t>(std::stoi(port))};
}

std::string find_command(const std::string& command) {
    std::istringstream folders{std::getenv("PATH") != nullptr ? std::getenv("PATH") : ""};
    for (std::string folder; std::getline(folders, folder, ':');) {
        const std::string file = folder + "/" + command;
        if (::access(file.c_str(), X_OK) == 0) return file;
    }
    return "";
}

std::string file_of_program(const std::string& lab, const std::string& program) {
    const char* folder = std::getenv("WIRELAB_PROGRAMS");
    if (folder == nullptr) {
        fail(
            "WIRELAB_PROGRAMS is not set: it names the folder of the programs to test, "
            "such as build/dev/labs");
    }
    const fs::path file = fs::absolute(fs::path{folder} / lab / program);
    if (::access(file.c_str(), X_OK) != 0) {
        fail("the program " + lab + "/" + program + " is missing: it has not been built");
    }
    return file;
}

// The command that becomes each program of the lab, taking away rights that it does not need: the
// grader sets it, a word a line. Empty where programs are as trusted as the tests.
std::vector<std::string> launcher() {
    const char* lines = std::getenv("WIRELAB_LAUNCHER");
    std::istringstream stream{lines == nullptr ? "" : lines};
    std::vector<std::string> words;
    for (std::string word; std::getline(stream, word);) words.push_back(word);
    return words;
}

// True while a connection to this IPv4 address and port is being asked for, see proc(5).
bool someone_connects_to(const std::string& address, const std::string& port) {
    const auto bytes = asio::ip::make_address_v4(address).to_bytes();
    std::uint32_t word = 0;  // shown in the machine's byte order
    std::memcpy(&word, bytes.data(), sizeof word);
    std::ostringstream remote;
    remote << std::hex << std::uppercase << std::setfill('0') << std::setw(8) << word << ':'
           << std::setw(4) << std::stoi(port);
    const std::string syn_sent = " " + remote.str() + " 02 ";
    std::ifstream table{"/proc/self/net/tcp"};
    for (std::string line; std::getline(table, line);) {
        if (line.find(syn_sent) != std::string::npos) return true;
    }
    return false;
}

// What a program's words on stderr tell of its code.
constexpr std::pair<std::string_view, std::string_view> signs[] = {
    {": failed: ",
     "a call that was not given `error` as its last argument has thrown; "
     "or a failure before it was not looked at: is there an `if (error)` behind each call?"},
    {": Success", "an Error was thrown while `error` was clear: look at other conditions first"},
    {"Bad file descriptor",
     "a socket is used that was never opened or connected (did you keep what accept() or connect() "
     "returns?), or a file that is not open, or was moved from"},
    {"0.0.0.0:0", "an endpoint is used that was never set"},
    {": End of file",
     "the end of the stream is no failure: compare the error with asio::error::eof"},
    {"cannot accept a client: Invalid argument",
     "an acceptor accepts once it is bound and listens"},
};

}  // namespace

double time_scale() {
    const char* text = std::getenv("WIRELAB_TIME_SCALE");
    const double scale = text == nullptr ? 1 : std::atof(text);
    return scale > 0 ? scale : 1;
}

Clock::duration patience() {
    // A program that hangs in one test case is likely to hang in many: its author is waiting, too.
    const std::chrono::seconds seconds{hung_test_cases() < 2 ? 5 : 1};
    return std::chrono::duration_cast<Clock::duration>(seconds * time_scale());
}

bool have_command(const std::string& command) {
    return !find_command(command).empty();
}

bool have_ipv6() {
    asio::io_context io;
    tcp::acceptor acceptor{io};
    boost::system::error_code error;
    acceptor.open(tcp::v6(), error);
    if (!error) acceptor.bind({asio::ip::address_v6::loopback(), 0}, error);
    return !error;
}

// A machine may lack the file system behind pts(4).
bool have_terminals() {
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    std::array<char, 64> name{};
    const bool there = terminal >= 0 && ::ptsname_r(terminal, name.data(), name.size()) == 0 &&
                       ::access(name.data(), R_OK | W_OK) == 0;
    if (terminal >= 0) ::close(terminal);
    return there;
}

Stage::Stage(std::string lab)
    : lab_{std::move(lab)}, folder_{make_folder()}, keep_running_{io_.get_executor()} {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    ::signal(SIGPIPE, SIG_IGN);  // typing to a program that has ended must not end the test
    if (launcher().empty()) return;
    // The programs may be another user's by then, and this folder is theirs as much as ours.
    ::umask(0);
    fs::permissions(folder_, fs::perms::all);
}

Stage::~Stage() {
    processes_.clear();
    end_all_children();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

Process& Stage::add_process(std::unique_ptr<Process> process) {
    processes_.push_back(std::move(process));
    return *processes_.back();
}

Process& Stage::start(const std::string& program, std::vector<std::string> arguments,
                      const StartOptions& options) {
    StartOptions confined = options;
    const std::vector<std::string> words = launcher();
    confined.by.insert(confined.by.end(), words.begin(), words.end());
    return add_process(std::make_unique<Process>(*this, program, file_of_program(lab_, program),
                                                 std::move(arguments), confined));
}

Process& Stage::start_command(const std::string& command, std::vector<std::string> arguments,
                              const StartOptions& options) {
    const std::string file = find_command(command);
    if (file.empty()) fail("the command " + command + " is missing: it is not in PATH");
    return add_process(
        std::make_unique<Process>(*this, command, file, std::move(arguments), options));
}

Listener& Stage::listen(const std::string& address, const std::string& port) {
    return listeners_.emplace_back(*this, endpoint(address, port));
}

Peer& Stage::connect(const std::string& port, const std::string& address) {
    const std::string label = next_peer();
    tcp::socket socket{io_};
    boost::system::error_code error;
    bool done = false;
    socket.async_connect(endpoint(address, port), [&](boost::system::error_code result) {
        done = true;
        error = result;
    });
    if (!wait_until([&done] { return done; })) {
        // The attempt still uses our locals; ending it here keeps that safe.
        boost::system::error_code ignored;
        socket.close(ignored);
        wait_until([&done] { return done; });
        error = asio::error::timed_out;
    }
    if (error) transcript_.add(label, "can't connect to " + address + " port " + port);
    expect(!error, "a server that accepts connections on " + address + " port " + port,
           error.message(),
           "nobody listens there: has the program ended, or was listen forgotten?");
    return peers_.emplace_back(*this, std::move(socket), label);
}

DatagramPeer& Stage::datagrams(const std::string& address, const std::string& port) {
    return datagrams(address, port, {});
}

DatagramPeer& Stage::datagrams(const std::string& address, const std::string& port,
                               const DatagramOptions& options) {
    return datagram_peers_.emplace_back(*this, endpoint<asio::ip::udp>(address, port), options,
                                        next_peer());
}

Capture& Stage::capture(const std::string& interface, const std::string& label) {
    return captures_.emplace_back(*this, interface, label);
}

std::string Stage::next_peer() {
    return "peer " + std::to_string(++peers_so_far_);
}

std::string Stage::refusing_port(const std::string& address) {
    tcp::socket socket{io_, endpoint(address, "0")};
    kept_open_.push_back(std::move(socket));
    return std::to_string(kept_open_.back().local_endpoint().port());
}

std::string Stage::silent_port(const std::string& address, const std::string& port) {
    tcp::acceptor acceptor{io_};
    acceptor.open(endpoint(address, port).protocol());
    acceptor.bind(endpoint(address, port));
    acceptor.listen(0);
    tcp::socket first{io_};
    first.connect(acceptor.local_endpoint());
    // Only when it waits in the queue, which has room for one, is the backlog full.
    pollfd queue{.fd = acceptor.native_handle(), .events = POLLIN, .revents = 0};
    ::poll(&queue, 1, -1);
    kept_open_.push_back(std::move(first));
    silent_.push_back(std::move(acceptor));
    return std::to_string(silent_.back().local_endpoint().port());
}

void Stage::await_attempt(const std::string& port, const std::string& address) {
    const auto end = Clock::now() + patience() / 2;
    while (Clock::now() < end && !someone_connects_to(address, port)) {
        if (programs_ended()) return;  // nobody is left who could
        pass_time(0.01);
    }
}

void Stage::write_file(const std::string& name, std::string_view contents) const {
    std::ofstream file{path(name), std::ios::binary};
    file << contents << std::flush;
    if (!file) fail("the test can't write the file " + name);
}

std::string Stage::read_file(const std::string& name) const {
    std::ifstream file{path(name), std::ios::binary};
    std::ostringstream contents;
    contents << file.rdbuf();
    return contents.str();
}

bool Stage::wait_until(const std::function<bool()>& condition, Clock::duration limit) {
    const auto end = Clock::now() + limit;
    while (!condition()) {
        if (io_.run_one_until(std::min(end, todo_ends_waits_)) > 0) continue;
        // On a busy machine things may have come while this process had to wait.
        for (int i = 0; i < 100 && !condition() && io_.poll_one() > 0; ++i) continue;
        if (condition()) return true;
        if (limit >= patience()) {
            transcript_.add("test", "gives up waiting");
            if (todo_ends_waits_ == Clock::time_point::max()) note_hang();
        }
        return false;
    }
    return true;
}

void Stage::expect(bool met, std::string_view expected, std::string_view got,
                   std::string_view cause) {
    if (!met) {
        let_programs_speak();
        std::string text{"expected  "};
        text.append(expected).append("\ngot       ").append(got).append("\n");
        if (const std::string likely = likely_cause(cause); !likely.empty()) {
            text.append("likely    ").append(likely).append("\n");
        }
        fail(text.append("what happened:\n").append(transcript_.text()));
    }
    REQUIRE(met);  // lets Catch2 count it
}

bool Stage::programs_ended() const {
    return std::ranges::all_of(processes_, [](const auto& process) { return process->ended(); });
}

void Stage::note_todo() {
    if (todo_ends_waits_ != Clock::time_point::max()) return;
    const auto grace = std::chrono::milliseconds{200} * time_scale();
    todo_ends_waits_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(grace);
}

// Waits a little for what the programs have to say of a failure that was just seen.
void Stage::let_programs_speak() {
    const auto moment = std::chrono::milliseconds{50} * time_scale();
    wait_until([this] { return programs_ended(); },
               std::chrono::duration_cast<Clock::duration>(moment));
}

void Stage::expect_at_least(Clock::duration waited, double seconds, std::string_view what) {
    const double got = std::chrono::duration<double>{waited}.count();
    std::ostringstream expected;
    std::ostringstream only;
    expected << what << " for " << seconds << " s";
    only << "only " << std::setprecision(2) << got << " s";
    expect(got >= seconds, expected.str(), only.str());
}

void Stage::pass_time(double seconds) {
    const std::chrono::duration<double> time{seconds};
    const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(time);
    while (io_.run_one_until(end) > 0) continue;

    // On a machine that is busy a program may not have had its turn yet: what it was going to do in
    // that time it shall have done.
    const auto latest = end + std::chrono::seconds{1};
    const auto is_busy = [](const auto& process) { return process->is_busy(); };
    while (std::ranges::any_of(processes_, is_busy) && Clock::now() < latest) {
        io_.run_one_for(std::chrono::milliseconds{1});
    }
    io_.poll();
}

// What a program says of itself is surer than what the test guesses from outside.
std::string Stage::likely_cause(std::string_view given) const {
    for (const auto& process : processes_) {
        std::smatch todo;
        const std::string& errors = process->errors();
        if (!std::regex_search(errors, todo, std::regex{"TODO ([0-9]+) is not done yet.*"}))
            continue;
        const bool in_order = current_step() == 0 || std::stoi(todo[1]) <= current_step();
        if (in_order) return todo[0];
        if (!given.empty()) return std::string{given};
        return "it went on to TODO " + todo[1].str() +
               ": what stands before that did not catch this";
    }
    for (const auto& process : processes_) {
        const std::string state = process->state();
        if (state.find("SIGABRT") != std::string::npos) {
            return "an exception has left main(), or an assertion failed, in " + process->name();
        }
        if (state.find("SIGSEGV") != std::string::npos) {
            return process->name() + " used memory that is not its own (gdb shows where)";
        }
        if (state.find("SIGPIPE") != std::string::npos) {
            return process->name() + " wrote to a closed connection and did not ignore SIGPIPE";
        }
    }
    for (const auto& process : processes_) {
        for (const auto& [sign, cause] : signs) {
            if (process->errors().find(sign) == std::string::npos) continue;
            return std::string{cause}.append(given.empty() ? "" : "\nor        ").append(given);
        }
    }
    return std::string{given};
}

}  // namespace harness
