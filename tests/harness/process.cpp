#include "process.hpp"
#include "catch.hpp"

#include <boost/asio.hpp>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

namespace harness {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// Output beyond this is read no more; the program blocks, and the test fails on that.
constexpr std::size_t most_output = 8 * 1024 * 1024;

struct Pipe {
    int read_end = -1;
    int write_end = -1;

    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) fail("the test can't make a pipe");
        read_end = ends[0];
        write_end = ends[1];
    }

    // Makes the write end a terminal, see pty(7). What is written comes out as it is.
    void become_terminal() {
        ::close(read_end);
        ::close(write_end);
        read_end = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        std::array<char, 64> name{};
        const bool ready = read_end >= 0 && ::grantpt(read_end) == 0 && ::unlockpt(read_end) == 0 &&
                           ::ptsname_r(read_end, name.data(), name.size()) == 0;
        write_end = ready ? ::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
        termios mode{};
        if (::tcgetattr(write_end, &mode) != 0) fail("the test can't make a terminal");
        ::cfmakeraw(&mode);
        ::tcsetattr(write_end, TCSANOW, &mode);
    }
};

std::string words(const std::string& name, const std::vector<std::string>& arguments) {
    std::string line = name;
    for (const std::string& argument : arguments) {
        const bool plain = !argument.empty() &&
                           argument.find_first_of(" \t\n\r'\"\\$*?&|;<>()`") == std::string::npos &&
                           quote(argument) == "\"" + argument + "\"";
        line += " " + (plain ? argument : quote(argument));
    }
    return line;
}

std::string signal_name(int number) {
    const char* name = ::sigabbrev_np(number);
    return name == nullptr ? "signal " + std::to_string(number) : std::string{"SIG"} + name;
}

std::string lines_of(std::string_view text) {
    return text.empty() ? "nothing" : quote(text);
}

// Between fork and exec: only calls that are safe there (signal-safety(7)).
[[noreturn]] void become(char* const* arguments, char* const* environment, const char* folder,
                         int in, int out, int err, const StartOptions& options) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!options.stdout_file.empty()) {
        out = ::open(options.stdout_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    }
    ::dup2(in, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    // Asio leaves its sockets open across exec: a program that held one would keep a connection
    // open that the test has closed.
    ::close_range(STDERR_FILENO + 1, ~0U, 0);
    if (options.no_stdout) ::close(STDOUT_FILENO);
    if (options.open_files > 0) {
        const auto most = static_cast<rlim_t>(options.open_files);
        const rlimit limit{most, most};
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    // What the test ignores, blocks or permits, the program must not inherit.
    ::umask(022);
    for (int number = 1; number < NSIG; ++number) std::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (::chdir(folder) == 0) ::execve(arguments[0], arguments, environment);
    ::_exit(127);
}

// A clean environment: what a program finds there must not depend on who runs the tests.
std::vector<std::string> environment_of(const std::string& folder, const StartOptions& options) {
    std::vector<std::string> environment{
        "HOME=" + folder, "LANG=C.UTF-8",
        // A leak is a fault; so is any report, with a status of its own.
        "ASAN_OPTIONS=exitcode=99", "UBSAN_OPTIONS=exitcode=99", "TSAN_OPTIONS=exitcode=99"};
    for (const char* name : {"PATH", "TZ"}) {
        if (const char* value = std::getenv(name)) {
            environment.push_back(std::string{name} + "=" + value);
        }
    }
    environment.insert(environment.end(), options.environment.begin(), options.environment.end());
    return environment;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (std::string& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

}  // namespace

Process::Process(Stage& stage, std::string name, const std::string& file,
                 std::vector<std::string> arguments, const StartOptions& options)
    : stage_{stage},
      name_{std::move(name)},
      label_{labelled(options.label, name_)},
      stdin_{stage.io()},
      stdout_{asio::posix::stream_descriptor{stage.io()}, label_ + " prints"},
      stderr_{asio::posix::stream_descriptor{stage.io()}, label_ + " prints on stderr"},
      end_{stage.io()} {
    stage_.transcript().add("$", words(label_, arguments));
    const std::string folder = stage_.path("");
    std::vector<std::string> environment = environment_of(folder, options);
    arguments.insert(arguments.begin(), file);
    arguments.insert(arguments.begin(), options.by.begin(), options.by.end());
    const std::vector<char*> argument_pointers = pointers(arguments);
    const std::vector<char*> environment_pointers = pointers(environment);

    const Pipe in;
    Pipe out;
    const Pipe err;
    if (options.terminal) out.become_terminal();
    // A signal that comes before the child has become the program must not meet Catch2's handlers.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before);
    pid_ = ::fork();
    if (pid_ == 0) {
        become(argument_pointers.data(), environment_pointers.data(), folder.c_str(), in.read_end,
               out.write_end, options.terminal ? out.write_end : err.write_end, options);
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::close(in.read_end);
    ::close(out.write_end);
    ::close(err.write_end);
    stdin_.assign(in.write_end);
    stdout_.descriptor.assign(out.read_end);
    stderr_.descriptor.assign(err.read_end);
    if (pid_ < 0) fail("the test can't start a process");
    ::setpgid(pid_, pid_);

    // A pid file descriptor becomes readable when the process ends, see pidfd_open(2).
    end_.assign(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    read_on(stdout_);
    read_on(stderr_);
    watch_end();
}

Process::~Process() {
    if (status_) return;
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

void Process::read_on(Stream& stream) {
    stream.descriptor.async_read_some(asio::buffer(stream.buffer),
                                      [this, &stream](error_code error, std::size_t size) {
                                          take(stream, {stream.buffer.data(), size});
                                          if (status_) return drain(stream);
                                          stream.closed = stream.closed || error;
                                          if (!stream.closed) read_on(stream);
                                      });
}

void Process::take(Stream& stream, std::string_view bytes) {
    stream.text.append(bytes);
    if (stream.text.size() > most_output) stream.closed = true;
    record_lines(stream, false);
}

// Writes whole lines into the transcript; all that is left when the stream has ended.
void Process::record_lines(Stream& stream, bool all) {
    for (;;) {
        const auto end = stream.text.find('\n', stream.recorded);
        if (end == std::string::npos) break;
        const std::size_t size = end - stream.recorded;
        const std::string line = stream.text.substr(stream.recorded, size);
        stage_.transcript().add(stream.label, quote(line));
        const bool todo = line.find(" is not done yet: ") != std::string::npos;
        if (todo && &stream == &stderr_) stage_.note_todo();
        stream.recorded = end + 1;
    }
    if (all && stream.recorded < stream.text.size()) {
        stage_.transcript().add(stream.label,
                                quote(stream.text.substr(stream.recorded)) + " without a newline");
        stream.recorded = stream.text.size();
    }
}

void Process::watch_end() {
    end_.async_wait(asio::posix::descriptor_base::wait_read, [this](error_code error) {
        if (!error) collect_status();
    });
}

void Process::collect_status() {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return watch_end();
    status_ = status;
    ended_ = Clock::now();
    for (Stream* stream : {&stdout_, &stderr_}) {
        // Ends the read that is under way; its handler drains the pipe. That way, what this read
        // may have brought already comes before the rest.
        if (!stream->closed) stream->descriptor.cancel();
    }
    record_end();
}

// What the program wrote before its end is in the pipe; children of it may hold that open.
void Process::drain(Stream& stream) {
    error_code error;
    stream.descriptor.non_blocking(true, error);
    std::array<char, 16384> part;
    while (!error && !stream.closed) {
        const std::size_t size = stream.descriptor.read_some(asio::buffer(part), error);
        take(stream, {part.data(), size});
    }
    stream.closed = true;
    record_end();
}

void Process::record_end() {
    if (!ended()) return;
    record_lines(stdout_, true);
    record_lines(stderr_, true);
    stage_.transcript().add(label_, state());
}

std::string Process::state() const {
    if (!ended()) return "is still running";
    const int status = *status_;
    if (WIFSIGNALED(status)) return "was ended by " + signal_name(WTERMSIG(status));
    return "ended with status " + std::to_string(WEXITSTATUS(status));
}

std::string Process::seen() const {
    std::string text = label_ + " " + state();
    text += stdout_.rest().empty() && stdout_.expected > 0
                ? "; nothing more on stdout"
                : "; on stdout " + lines_of(stdout_.rest());
    if (!stderr_.rest().empty()) text += "; on stderr " + lines_of(stderr_.rest());
    return text;
}

std::string Process::cause_of_silence(std::string_view given) const {
    if (!given.empty() || ended()) return std::string{given};
    return "it waits for what does not come, loops without end, or has not flushed its output "
           "(std::endl does)";
}

std::string Process::next_line(Stream& stream, std::string_view expected, std::string_view cause) {
    const auto has_line = [&stream] { return stream.rest().find('\n') != std::string_view::npos; };
    stage_.wait_until([&] { return has_line() || stream.closed; });
    if (!has_line()) {
        // A stream that closed without the line is mostly the program's end; how it ended helps.
        if (stream.closed) stage_.wait_until([this] { return ended(); });
        stage_.expect(false, expected, seen(), cause_of_silence(cause));
    }
    std::string line{stream.rest().substr(0, stream.rest().find('\n'))};
    stream.expected += line.size() + 1;
    return line;
}

void Process::expect_line(const std::string& line, std::string_view cause) {
    const std::string expected = label_ + " prints the line " + quote(line);
    const std::string got = next_line(stdout_, expected, cause);
    stage_.expect(got == line, expected, "the line " + quote(got), cause);
}

std::string Process::expect_line_like(const std::string& pattern, std::string_view meaning,
                                      std::string_view cause) {
    const std::string expected = label_ + " prints " + std::string{meaning};
    std::string got = next_line(stdout_, expected, cause);
    const bool matches = std::regex_match(got, std::regex{pattern});
    stage_.expect(matches, expected, "the line " + quote(got), cause);
    return got;
}

void Process::expect_error(const std::string& line, std::string_view cause) {
    const std::string expected = label_ + " prints on stderr the line " + quote(line);
    const std::string got = next_line(stderr_, expected, cause);
    stage_.expect(got == line, expected, "the line " + quote(got), cause);
}

std::string Process::expect_error_like(const std::string& pattern, std::string_view meaning,
                                       std::string_view cause) {
    const std::string expected = label_ + " prints on stderr " + std::string{meaning};
    std::string got = next_line(stderr_, expected, cause);
    // The line of a TODO is an error's, but never the one that a test waits for.
    const bool todo = got.find("is not done yet") != std::string::npos;
    const bool matches = !todo && std::regex_match(got, std::regex{pattern});
    stage_.expect(matches, expected, "the line " + quote(got), cause);
    return got;
}

std::string Process::expect_listening(const std::string& address) {
    const bool brackets = address.find(':') != std::string::npos;
    const std::string shown = brackets ? "[" + address + "]" : address;
    const std::string start = "listening on " + shown + ":";
    const std::string meaning =
        "\"" + start + "PORT\" with the real port, as soon as it can accept";
    const std::string expected = label_ + " prints " + meaning;
    const std::string got = next_line(stdout_, expected, "");
    const std::string port = got.substr(std::min(start.size(), got.size()));
    const bool is_port = std::regex_match(port, std::regex{"[1-9][0-9]{0,4}"});
    stage_.expect(got.starts_with(start) && is_port, expected, "the line " + quote(got));
    return port;
}

void Process::wait_for_end(std::string_view expected, std::string_view cause) {
    stage_.wait_until([this] { return ended(); });
    if (!ended()) stage_.expect(false, expected, seen(), cause_of_silence(cause));
}

void Process::expect_exit(int status, std::string_view cause) {
    const std::string expected = label_ + " ends with status " + std::to_string(status);
    wait_for_end(expected, cause);
    const bool right = WIFEXITED(*status_) && WEXITSTATUS(*status_) == status;
    stage_.expect(right, expected, seen(), cause);
    const bool quiet = stdout_.rest().empty() && (status == 0 || stderr_.rest().empty());
    stage_.expect(quiet, expected + " and prints nothing more", seen(), cause);
}

void Process::expect_end_by(int signal, std::string_view cause) {
    const std::string expected =
        label_ + " ends within a second of " + signal_name(signal) + ", with status 0 or by it";
    const auto second =
        std::chrono::duration_cast<Clock::duration>(std::chrono::seconds{1} * time_scale());
    stage_.wait_until([this] { return ended(); }, second);
    const bool right =
        ended() && (*status_ == 0 || (WIFSIGNALED(*status_) && WTERMSIG(*status_) == signal));
    stage_.expect(right, expected, seen(), cause);
}

void Process::expect_running(std::string_view cause) {
    stage_.wait_until([] { return true; });
    stage_.io().poll();
    stage_.expect(!ended(), label_ + " goes on running", seen(), cause);
}

void Process::type(std::string_view text) {
    stage_.transcript().add("typed to " + label_ + ":", quote(text));
    bool done = false;
    asio::async_write(stdin_, asio::buffer(text),
                      [&done](error_code, std::size_t) { done = true; });
    const bool typed = stage_.wait_until([&done] { return done; });
    if (!typed) {
        // The write still uses our locals; ending it here keeps that safe.
        error_code ignored;
        stdin_.close(ignored);
        stage_.wait_until([&done] { return done; });
    }
    stage_.expect(typed, label_ + " reads what is typed", "it has stopped reading");
}

void Process::end_input() {
    stage_.transcript().add("end of input for", label_);
    error_code ignored;
    stdin_.close(ignored);
}

void Process::signal(int number) {
    stage_.transcript().add(signal_name(number), "is sent to " + label_);
    if (!status_) ::kill(pid_, number);
}

Clock::duration Process::run_time() const {
    return (ended() ? ended_ : Clock::now()) - started_;
}

// See /proc/pid/stat in proc(5): of what stands behind the name, which may hold anything, the 12th
// and 13th field.
double Process::processor_time() const {
    std::ifstream file{"/proc/" + std::to_string(pid_) + "/stat"};
    const std::string stat{std::istreambuf_iterator<char>{file}, {}};
    std::istringstream fields{stat.substr(stat.rfind(')') + 1)};
    std::string other;
    for (int field = 1; field < 12; ++field) fields >> other;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::size_t Process::peak_memory() const {
    return memory_status("VmHWM:");
}

std::size_t Process::peak_address_space() const {
    return memory_status("VmPeak:");
}

// See /proc/pid/status in proc(5).
std::size_t Process::memory_status(std::string_view entry) const {
    std::ifstream status{"/proc/" + std::to_string(pid_) + "/status"};
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(entry)) return 1024 * std::stoul(line.substr(entry.size()));
    }
    return 0;
}

// See /proc/pid/task and /proc/pid/stat in proc(5).
bool Process::is_busy() const {
    if (status_) return false;  // its number may be another's by now
    std::error_code gone;
    const auto threads =
        std::filesystem::directory_iterator{"/proc/" + std::to_string(pid_) + "/task", gone};
    return std::any_of(begin(threads), end(threads), [](const auto& thread) {
        std::ifstream file{thread.path() / "stat"};
        const std::string stat{std::istreambuf_iterator<char>{file}, {}};
        // The state stands behind the name, which may hold anything: R runs, D is at the disk.
        const auto state = stat.find_first_not_of(' ', stat.rfind(')') + 1);
        return state != std::string::npos && (stat[state] == 'R' || stat[state] == 'D');
    });
}

}  // namespace harness
