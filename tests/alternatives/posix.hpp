// What the C++ programs share, and no lab is about: options, errors, output, the log, and waiting
// with a limit. Nothing but POSIX and the standard library.
//
//     int main(int argc, char* argv[]) {
//         std::string host;
//         posix::CommandLine line{"hello", "Says hello to a server."};
//         line.argument("HOST", "127.0.0.1", "whom", [&](auto& text) { host = text; });
//         return posix::run(line, argc, argv, [&] { … });
//     }
#pragma once

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <climits>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace posix {

// --- Text ------------------------------------------------------------------------------------

// Returns how many bytes the UTF-8 character at the front has, 0 if what stands there is none.
inline std::size_t character_length(std::string_view text) {
    const auto byte = [text](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first < 0xc2 || first > 0xf4) return 0;

    const std::size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    unsigned code_point = first & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
        code_point = code_point << 6 | (byte(i) & 0x3f);
    }
    constexpr std::array<unsigned, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
    const bool valid = code_point >= smallest[length] && code_point <= 0x10ffff && !surrogate;
    return valid ? length : 0;
}

enum class LineFeeds { escaped, kept };

// Text from a stranger, unable to drive the terminal: control characters other than the tab, and
// bytes that are not UTF-8, are written as \xNN.
inline std::string printable(std::string_view text, LineFeeds line_feeds = LineFeeds::escaped) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string result;
    while (!text.empty()) {
        const std::size_t length = character_length(text);
        const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
        const auto first = static_cast<unsigned char>(text[0]);
        const bool c0 = (first < 0x20 && first != '\t') || first == 0x7f;
        const bool c1 = length == 2 && first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
        const bool kept = first == '\n' && line_feeds == LineFeeds::kept;
        if ((length == 0 || c0 || c1) && !kept) {
            for (const char byte : character) {
                const auto value = static_cast<unsigned char>(byte);
                result.append("\\x").append({digits[value / 16], digits[value % 16]});
            }
        } else {
            result += character;
        }
        text.remove_prefix(character.size());
    }
    return result;
}

// HOST:PORT, an IPv6 address in brackets.
inline std::string endpoint(const std::string& host, const std::string& port) {
    const bool ipv6 = host.find(':') != std::string::npos;
    return (ipv6 ? "[" + host + "]" : host) + ":" + port;
}

// The same of a socket address.
inline std::string endpoint(const addrinfo& address) {
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    ::getnameinfo(address.ai_addr, address.ai_addrlen, host.data(), host.size(), port.data(),
                  port.size(), NI_NUMERICHOST | NI_NUMERICSERV);
    return endpoint(std::string{host.data()}, std::string{port.data()});
}

// --- Failures --------------------------------------------------------------------------------

// What failed, and why: "cannot connect to A:P: Connection refused". Status 1.
class Failure : public std::runtime_error {
public:
    Failure(const std::string& what_failed, const std::string& reason)
        : std::runtime_error{what_failed + ": " + reason} {}
};

// A command line that makes no sense. Status 2.
class UsageError : public Failure {
public:
    using Failure::Failure;
};

// The system's own words for an error number. ETIMEDOUT is the system's limit or ours.
inline std::string reason(int error) {
    return error == ETIMEDOUT ? "timed out" : std::strerror(error);
}

// The same for what getaddrinfo(3) returned.
inline std::string look_up_reason(int code) {
    return code == EAI_SYSTEM ? reason(errno) : ::gai_strerror(code);
}

// --- Files and output ------------------------------------------------------------------------

// Owns a file descriptor.
class Descriptor {
public:
    explicit Descriptor(int number = -1) : number_{number} {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(Descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }

    int number() const { return number_; }
    bool is_open() const { return number_ >= 0; }

private:
    int number_;
};

// Prints a line on stdout. There is no buffer, so that it is seen at once, also in a pipe.
inline void say(const std::string& text) {
    const std::string line = text + "\n";
    for (std::string_view rest = line; !rest.empty();) {
        const ssize_t written = ::write(STDOUT_FILENO, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) throw Failure{"cannot write to standard output", reason(errno)};
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
}

inline Descriptor& log_file() {
    static Descriptor file;
    return file;
}

inline void open_log(const std::string& path) {
    log_file() = Descriptor{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)};
    if (!log_file().is_open()) throw Failure{"cannot open the log file " + path, reason(errno)};
}

// The name alone of "std::string posix::read(int, bool)": no word before it, nothing behind it.
inline std::string short_name(std::string_view signature) {
    signature = signature.substr(0, signature.find('('));
    signature = signature.substr(signature.rfind(' ') + 1);
    return std::string{signature.substr(signature.rfind(':') + 1)};
}

// Appends a line to the log, if there is one. It is one write, so that lines stay whole whoever
// else writes; one that fails is no reason to stop.
inline void log(const std::string& message,
                const std::source_location& here = std::source_location::current()) {
    if (!log_file().is_open()) return;
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    std::array<char, 32> time{};
    std::strftime(time.data(), time.size(), "[%Y%m%d %H:%M:%S] ", &local);
    const std::string line = time.data() + short_name(here.function_name()) + ":" +
                             std::to_string(here.line()) + " - " + printable(message) + "\n";
    static_cast<void>(!::write(log_file().number(), line.data(), line.size()));
}

// --- The command line ------------------------------------------------------------------------

using Seconds = std::chrono::duration<double>;

// What a value must be, said by the exception, which CommandLine puts into its error line.
inline Seconds parse_seconds(const std::string& text) {
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value, std::chars_format::fixed);
    const bool number = result.ec == std::errc{} && result.ptr == end && std::isfinite(value);
    if (!number || std::signbit(value)) {
        throw std::invalid_argument{"not a number of seconds from 0 upwards"};
    }
    return Seconds{value};
}

inline std::string parse_port(const std::string& text) {
    unsigned value = 0;
    const char* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value);
    const bool number = result.ec == std::errc{} && result.ptr == end;
    if (!number || value < 1 || value > 65535) {
        throw std::invalid_argument{"not a port from 1 to 65535"};
    }
    return text;
}

inline std::string parse_host(const std::string& text) {
    if (text.empty()) throw std::invalid_argument{"not a host name or address"};
    return text;
}

// The options and arguments of a program. Every program has --log and --help too.
class CommandLine {
public:
    using Assign = std::function<void(const std::string&)>;

    CommandLine(std::string name, std::string summary)
        : name_{std::move(name)}, summary_{std::move(summary)} {}

    const std::string& name() const { return name_; }

    // Adds `--NAME VALUE`. The default is assigned at once, so it goes the way of a given value.
    void option(std::string name, std::string value_name, std::string standard, std::string help,
                Assign assign) {
        assign(standard);
        options_.push_back({"--" + name, std::move(value_name), std::move(standard),
                            std::move(help), std::move(assign)});
    }

    void argument(std::string name, std::string standard, std::string help, Assign assign) {
        assign(standard);
        arguments_.push_back(
            {std::move(name), "", std::move(standard), std::move(help), std::move(assign)});
    }

    void required_argument(std::string name, std::string help, Assign assign) {
        arguments_.push_back({std::move(name), "", "required", std::move(help), std::move(assign)});
    }

    // Returns false when the user only wanted help, which has been printed.
    bool read(const std::vector<std::string>& words) {
        options_.push_back({"--log", "FILE", "none", "append debug lines to FILE",
                            [this](const std::string& text) { log_path_ = text; }});
        std::vector<std::string> values;
        bool options_may_follow = true;
        for (auto word = words.begin(); word != words.end(); ++word) {
            if (options_may_follow && *word == "--") {
                options_may_follow = false;
            } else if (options_may_follow && (*word == "--help" || *word == "-h")) {
                say(usage());
                return false;
            } else if (options_may_follow && word->size() > 1 && word->front() == '-') {
                read_option(word, words.end());
            } else {
                values.push_back(*word);
            }
        }
        read_arguments(values);
        if (log_path_) open_log(*log_path_);
        return true;
    }

private:
    struct Parameter {
        std::string name;
        std::string value_name;
        std::string standard;
        std::string help;
        Assign assign;
    };
    using Word = std::vector<std::string>::const_iterator;

    // Reads `--NAME=VALUE`, or `--NAME VALUE` and moves on to the value.
    void read_option(Word& word, Word end) const {
        const std::string name = word->substr(0, word->find('='));
        const auto option = std::ranges::find(options_, name, &Parameter::name);
        if (option == options_.end()) throw UsageError{*word, "unknown option"};
        if (name.size() < word->size()) return set(*option, word->substr(name.size() + 1));
        if (++word == end) throw UsageError{name, "missing value"};
        set(*option, *word);
    }

    void read_arguments(const std::vector<std::string>& values) const {
        if (values.size() > arguments_.size()) {
            throw UsageError{values[arguments_.size()], "one argument too many"};
        }
        for (std::size_t i = 0; i < arguments_.size(); ++i) {
            const bool required = arguments_[i].standard == "required";
            if (i < values.size()) set(arguments_[i], values[i]);
            if (i >= values.size() && required) throw UsageError{arguments_[i].name, "missing"};
        }
    }

    static void set(const Parameter& parameter, const std::string& value) {
        try {
            parameter.assign(value);
        } catch (const std::invalid_argument& error) {
            throw UsageError{parameter.name + " '" + value + "'", error.what()};
        }
    }

    std::string usage() const {
        std::string text = "usage: " + name_ + " [OPTION...]";
        for (const Parameter& argument : arguments_) {
            const bool required = argument.standard == "required";
            text += required ? " " + argument.name : " [" + argument.name + "]";
        }
        text += "\n\n" + summary_ + "\n\n";
        std::vector<Parameter> all = arguments_;
        all.insert(all.end(), options_.begin(), options_.end());
        all.push_back({"--help, -h", "", "off", "print this text", {}});
        for (const Parameter& parameter : all) {
            std::string left = "  " + parameter.name + " " + parameter.value_name;
            left.resize(std::max<std::size_t>(left.size(), 22), ' ');
            text += left + parameter.help + " (default: " + parameter.standard + ")\n";
        }
        text.pop_back();
        return text;
    }

    std::string name_;
    std::string summary_;
    std::vector<Parameter> arguments_;
    std::vector<Parameter> options_;
    std::optional<std::string> log_path_;
};

// --- The frame of a program ------------------------------------------------------------------

// A standard stream that is closed leaves its number to the next file or socket, and what is
// printed would go there. Each is taken here, opened the wrong way round so that its use fails.
inline void occupy_standard_streams() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        const bool closed = ::fcntl(stream, F_GETFD) < 0;
        const int wrong_way = stream == STDIN_FILENO ? O_WRONLY : O_RDONLY;
        if (closed) static_cast<void>(::open("/dev/null", wrong_way));
    }
}

// An interrupt ends the program by that very signal, even if whoever started it ignored them;
// writing to a closed connection or pipe is an error like any other.
inline void prepare_signals() {
    std::signal(SIGPIPE, SIG_IGN);
    sigset_t ends;
    ::sigemptyset(&ends);
    for (const int end : {SIGINT, SIGTERM}) {
        std::signal(end, SIG_DFL);
        ::sigaddset(&ends, end);
    }
    ::sigprocmask(SIG_UNBLOCK, &ends, nullptr);
}

// Reads the command line, does the job, which returns the exit status, and reports a failure.
template <typename Job>
int run(CommandLine& line, int argc, char* argv[], Job job) {
    occupy_standard_streams();
    prepare_signals();
    const auto report = [&line](const std::string& message, int status) {
        log(message);
        const std::string text = line.name() + ": " + printable(message) + "\n";
        static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
        return status;
    };
    try {
        if (!line.read({argv + 1, argv + argc})) return 0;
        return job();
    } catch (const UsageError& error) {
        return report(std::string{error.what()} + " (try '" + line.name() + " --help')", 2);
    } catch (const std::exception& error) {
        return report(error.what(), 1);
    }
}

// --- Sockets ---------------------------------------------------------------------------------

// When a wait, or several together, must be over.
class Deadline {
public:
    using Clock = std::chrono::steady_clock;

    // From now on; 0 seconds mean no limit, and so does more than what the clock can count.
    explicit Deadline(Seconds limit) {
        constexpr Seconds for_ever = std::chrono::hours{24 * 365 * 100};
        if (limit > Seconds{0} && limit < for_ever) {
            end_ = Clock::now() + std::chrono::ceil<Clock::duration>(limit);
        }
    }

    bool is_endless() const { return !end_; }
    std::optional<Clock::time_point> end() const { return end_; }

    Seconds left() const { return std::max(Seconds{*end_ - Clock::now()}, Seconds{0}); }

    // As poll(2) takes it: rounded up, -1 for ever.
    int milliseconds_left() const {
        if (!end_) return -1;
        return static_cast<int>(std::min<double>(std::ceil(left().count() * 1000), INT_MAX));
    }

private:
    std::optional<Clock::time_point> end_;
};

// Waits until the socket is ready; false when the deadline came first.
inline bool wait_for(const Descriptor& socket, short events, const Deadline& deadline) {
    pollfd entry{.fd = socket.number(), .events = events, .revents = 0};
    while (true) {
        const int milliseconds = deadline.milliseconds_left();
        if (::poll(&entry, 1, milliseconds) > 0) return true;
        if (milliseconds == 0) return false;
    }
}

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

// The addresses of a host, or a code for why there are none.
inline std::pair<Addresses, int> look_up(const std::string& host, const std::string& port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
    return {Addresses{code == 0 ? list : nullptr, &::freeaddrinfo}, code};
}

// Tries to connect, with a non-blocking socket, which it stays. Returns it, or why not.
inline std::pair<Descriptor, int> connect_to(const addrinfo& address, const Deadline& deadline) {
    Descriptor socket{::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!socket.is_open()) return {Descriptor{}, errno};
    if (::connect(socket.number(), address.ai_addr, address.ai_addrlen) == 0) {
        return {std::move(socket), 0};
    }
    if (errno != EINPROGRESS) return {Descriptor{}, errno};

    // The system goes on connecting. When the socket can be written, it is done, well or badly.
    if (!wait_for(socket, POLLOUT, deadline)) return {Descriptor{}, ETIMEDOUT};
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return {Descriptor{}, error};
    return {std::move(socket), 0};
}

}  // namespace posix
