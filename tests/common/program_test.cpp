// The frame of every program: command line, help, exit status, error lines.
#include "forked.hpp"
#include "harness/catch.hpp"
#include "harness/stage.hpp"

#include <wirelab/endpoint.hpp>
#include <wirelab/error.hpp>
#include <wirelab/program.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/system/system_error.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iostream>
#include <new>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

using namespace wirelab;
using Words = std::vector<std::string>;

namespace {

// A stream's output, as long as this lives.
class Captured {
public:
    explicit Captured(std::ostream& stream) : stream_{stream}, before_{stream.rdbuf(&buffer_)} {}
    ~Captured() { stream_.rdbuf(before_); }
    Captured(const Captured&) = delete;
    Captured& operator=(const Captured&) = delete;
    std::string text() const { return buffer_.str(); }

private:
    std::ostream& stream_;
    std::stringbuf buffer_;
    std::streambuf* before_;
};

struct Outcome {
    int status;
    std::string out;
    std::string err;
};

template <typename Job>
int run_here(Program& program, Words words, Job job) {
    words.insert(words.begin(), "path/to/program");
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return program.run(static_cast<int>(words.size()), pointers.data(), std::move(job));
}

template <typename Job>
Outcome run(Program& program, const Words& words, Job job) {
    const Captured out{std::cout};
    const Captured err{std::cerr};
    const int status = run_here(program, words, std::move(job));
    return {status, out.text(), err.text()};
}

// A program with a job of the test's, and no options but those of every program.
template <typename Job>
Outcome run_job(Job job) {
    Program program{"talker", "Talks."};
    return run(program, {}, std::move(job));
}

// The same with real streams, in a process of its own.
Forked run_job_forked(const std::function<void()>& job) {
    return run_forked([&job] {
        Program program{"talker", "Talks."};
        return run_here(program, {}, job);
    });
}

// A program with options of all kinds; its job prints them.
struct Talker {
    Host host{"127.0.0.1"};
    Port port{54321};
    boost::asio::ip::address bind = boost::asio::ip::address_v4::any();
    LocalPort local_port{40000};
    Seconds timeout{10};
    std::uint64_t count = 5;
    std::string message = "hello world";
    std::optional<std::string> file;
    bool loud = false;
    int jobs_run = 0;
    Program program{"talker", "Talks to a listener."};

    Talker() {
        program.argument("HOST", host, "the listener's name or address");
        program.argument("PORT", port, "the listener's port");
        program.option("bind", "ADDRESS", bind, "the address to listen on");
        program.option("port", "PORT", local_port, "the port to listen on");
        program.option("timeout", "SECONDS", timeout, "how long to wait");
        program.option("count", "N", count, "how often to talk");
        program.option("message", "TEXT", message, "what to say");
        program.option("long-named-option", "FILE", file, "where to read from");
        program.flag("loud", loud, "say it aloud");
    }

    Outcome run(const Words& words) {
        return ::run(program, words, [this] {
            ++jobs_run;
            std::cout << to_text(host.name, port) << " " << bind << " " << local_port << " "
                      << timeout.count() << " " << count << " <" << message << "> "
                      << file.value_or("no file") << (loud ? " loud" : "") << std::endl;
        });
    }
};

// Returns what the job printed; "" unless the program was content.
std::string accepted(const Words& words) {
    Talker talker;
    const Outcome outcome = talker.run(words);
    const bool content = outcome.status == 0 && outcome.err.empty() && talker.jobs_run == 1;
    return content ? outcome.out : "";
}

// Returns what a usage error said between the program's name and the pointer to --help.
std::string refusal(const Words& words) {
    Talker talker;
    const Outcome outcome = talker.run(words);
    const std::string begin = "talker: ";
    const std::string end = " (try 'talker --help')\n";
    const bool right = outcome.status == 2 && outcome.out.empty() && talker.jobs_run == 0 &&
                       outcome.err.starts_with(begin) && outcome.err.ends_with(end);
    if (!right) return "not refused: " + outcome.out + outcome.err;
    return outcome.err.substr(begin.size(), outcome.err.size() - begin.size() - end.size());
}

const std::string defaults = "127.0.0.1:54321 0.0.0.0 40000 10 5 <hello world> no file\n";

}  // namespace

// --- the command line --------------------------------------------------------------------------

TEST_CASE("Without a command line the defaults hold", "[common][program]") {
    CHECK(accepted({}) == defaults);
}

TEST_CASE("Options take the next word or what stands behind the equals sign", "[common][program]") {
    const Words spaced{"--bind",  "::1", "--port",    "0",  "--timeout",           "0.5",
                       "--count", "7",   "--message", "hi", "--long-named-option", "f",
                       "--loud"};
    CHECK(accepted(spaced) == "127.0.0.1:54321 ::1 0 0.5 7 <hi> f loud\n");
    const Words joined{"--bind=::1", "--port=0",     "--timeout=0.5",
                       "--count=7",  "--message=hi", "--long-named-option=f",
                       "--loud"};
    CHECK(accepted(joined) == accepted(spaced));
}

TEST_CASE("Arguments stand before or behind or between options", "[common][program]") {
    const std::string expected = "h:1 0.0.0.0 40000 10 5 <m> no file\n";
    CHECK(accepted({"h", "1", "--message", "m"}) == expected);
    CHECK(accepted({"--message", "m", "h", "1"}) == expected);
    CHECK(accepted({"h", "--message=m", "1"}) == expected);
    CHECK(accepted({"::1"}).starts_with("[::1]:54321 "));
}

TEST_CASE("A value may be empty or look like anything", "[common][program]") {
    const auto message = [](const Words& words) {
        const std::string printed = accepted(words);
        const auto begin = printed.find('<') + 1;
        return printed.substr(begin, printed.rfind('>') - begin);
    };
    CHECK(message({"--message="}) == "");
    CHECK(message({"--message", ""}) == "");
    CHECK(message({"--message=a="}) == "a=");
    CHECK(message({"--message=="}) == "=");
    CHECK(message({"--message", "a=b="}) == "a=b=");
    CHECK(message({"--message=--port=1"}) == "--port=1");
    for (const std::string text :
         {"-", "--", "-1", "-h", "-x", "--help", "--port", "--x=", "@file"}) {
        CAPTURE(text);
        CHECK(message({"--message", text}) == text);
        CHECK(message({"--message=" + text}) == text);
    }
}

TEST_CASE("Behind two dashes everything is an argument", "[common][program]") {
    CHECK(accepted({"--", "--loud"}).starts_with("--loud:54321 "));
    CHECK(accepted({"--", "-h"}).starts_with("-h:54321 "));
    CHECK(accepted({"--", "--"}).starts_with("--:54321 "));
    CHECK(accepted({"--", "--port="}).starts_with("--port=:54321 "));
    CHECK(accepted({"--loud", "--", "h", "1"}) ==
          "h:1 0.0.0.0 40000 10 5 <hello world> no file loud\n");
    CHECK(accepted({"--"}) == defaults);
    CHECK(accepted({"-"}).starts_with("-:54321 "));
}

TEST_CASE("Of an option given twice the last value counts", "[common][program]") {
    CHECK(accepted({"--count", "1", "--message=a", "--count=2", "--message", "b"}) ==
          "127.0.0.1:54321 0.0.0.0 40000 10 2 <b> no file\n");
    CHECK(accepted({"--loud", "--loud"}) ==
          "127.0.0.1:54321 0.0.0.0 40000 10 5 <hello world> no file loud\n");
    CHECK(refusal({"--count", "x", "--count", "2"}) ==
          "--count x: not a whole number from 0 to 18446744073709551615");
}

TEST_CASE("An unknown option is wrong usage", "[common][program]") {
    CHECK(refusal({"--ports", "1"}) == "--ports: unknown option");
    CHECK(refusal({"--ports=1"}) == "--ports=1: unknown option");
    CHECK(refusal({"-x"}) == "-x: unknown option");
    CHECK(refusal({"-1"}) == "-1: unknown option");
    CHECK(refusal({"-loud"}) == "-loud: unknown option");
    CHECK(refusal({"-hx"}) == "--help: takes no value");
    CHECK(refusal({"--h"}) == "--h: unknown option");
    CHECK(refusal({"---loud"}) == "---loud: unknown option");
    CHECK(refusal({"--=x"}) == "--=x: unknown option");
    CHECK(refusal({"--="}) == "--=: unknown option");
    CHECK(refusal({"--LOUD"}) == "--LOUD: unknown option");
    CHECK(refusal({"loud", "1", "--\x1b[2J\xff"}) == R"(--\x1b[2J\xff: unknown option)");
}

TEST_CASE("An abbreviated option is wrong usage", "[common][program]") {
    CHECK(refusal({"--lou"}) == "--lou: unknown option");
    CHECK(refusal({"--mess", "m"}) == "--mess: unknown option");
    CHECK(refusal({"--hel"}) == "--hel: unknown option");
    CHECK(refusal({"--por=1"}) == "--por=1: unknown option");
}

TEST_CASE("An option without its value is wrong usage", "[common][program]") {
    CHECK(refusal({"--port"}) == "--port: missing value");
    CHECK(refusal({"h", "1", "--log"}) == "--log: missing value");
}

TEST_CASE("A value for an option that takes none is wrong usage", "[common][program]") {
    CHECK(refusal({"--loud=yes"}) == "--loud: takes no value");
    CHECK(refusal({"--loud="}) == "--loud: takes no value");
    CHECK(refusal({"--help=x"}) == "--help: takes no value");
}

TEST_CASE("A bad value is wrong usage and is named with its option", "[common][program]") {
    const std::string no_local_port = "not a port number from 0 to 65535";
    for (const std::string text : {"-1", "65536", "abc", " 80", "+80", "1.5", "--loud"}) {
        CAPTURE(text);
        CHECK(refusal({"--port", text}) == "--port " + text + ": " + no_local_port);
        CHECK(refusal({"--port=" + text}) == "--port " + text + ": " + no_local_port);
    }
    CHECK(refusal({"--port="}) == "--port '': " + no_local_port);
    CHECK(refusal({"--bind", "localhost"}) == "--bind localhost: not an IP address");
    CHECK(refusal({"--timeout", "nan"}) == "--timeout nan: not a number of seconds from 0 upwards");
    CHECK(refusal({"--count=-1"}) ==
          "--count -1: not a whole number from 0 to 18446744073709551615");
    CHECK(refusal({"--count", "1\n\x1b[2J"}) ==
          R"(--count 1\x0a\x1b[2J: not a whole number from 0 to 18446744073709551615)");
}

TEST_CASE("A bad argument is wrong usage and is named", "[common][program]") {
    CHECK(refusal({"h", "0"}) == "PORT 0: not a port number from 1 to 65535");
    CHECK(refusal({"h", ""}) == "PORT '': not a port number from 1 to 65535");
    CHECK(refusal({""}) == "HOST '': not a host name or address");
}

TEST_CASE("An argument too many is wrong usage", "[common][program]") {
    CHECK(refusal({"h", "1", "more"}) == "more: one argument too many");
    CHECK(refusal({"h", "1", "more", "still more"}) == "more: one argument too many");
    CHECK(refusal({"h", "1", ""}) == "'': one argument too many");
    CHECK(refusal({"--", "h", "1", "--loud"}) == "--loud: one argument too many");
}

TEST_CASE("The last argument can be there several times", "[common][program]") {
    for (const Words& files : {Words{}, Words{"a"}, Words{"a", "", "c"}}) {
        std::string host;
        Words taken;
        Program program{"talker", "Talks."};
        program.required_argument("HOST", host, "whom to talk to");
        program.required_arguments("FILE", taken, "the files");
        Words words{"h"};
        words.insert(words.end(), files.begin(), files.end());
        const Outcome outcome = run(program, words, [] {});
        CHECK(host == "h");
        CHECK(taken == files);
        CHECK(outcome.status == (files.empty() ? 2 : 0));
        CHECK(outcome.err ==
              (files.empty() ? "talker: FILE: missing argument (try 'talker --help')\n" : ""));
    }
}

TEST_CASE("The usage text says that an argument can be there several times", "[common][program]") {
    Words files;
    Program program{"talker", "Talks."};
    program.required_arguments("FILE", files, "the files");
    const Outcome outcome = run(program, {"--help"}, [] {});
    CHECK(outcome.out.starts_with("usage: talker [OPTION...] FILE...\n"));
    CHECK(outcome.out.find("\n  FILE...               the files\n") != std::string::npos);
}

TEST_CASE("A missing argument is wrong usage", "[common][program]") {
    for (const Words& words : {Words{}, Words{"first"}, Words{"--log", "f"}}) {
        std::string first;
        std::string second;
        Program program{"talker", "Talks."};
        program.required_argument("FIRST", first, "the first");
        program.required_argument("SECOND", second, "the second");
        const Outcome outcome = run(program, words, [] { std::cout << "the job"; });
        const std::string missing = words == Words{"first"} ? "SECOND" : "FIRST";
        CHECK(outcome.status == 2);
        CHECK(outcome.out == "");
        CHECK(outcome.err == "talker: " + missing + ": missing argument (try 'talker --help')\n");
    }
}

TEST_CASE("Help names every argument and option with its default", "[common][program]") {
    const std::string expected =
        R"(usage: talker [OPTION...] [HOST [PORT]]
Talks to a listener.

  HOST                  the listener's name or address (default: 127.0.0.1)
  PORT                  the listener's port (default: 54321)
  --bind ADDRESS        the address to listen on (default: 0.0.0.0)
  --port PORT           the port to listen on (default: 40000)
  --timeout SECONDS     how long to wait (default: 10)
  --count N             how often to talk (default: 5)
  --message TEXT        what to say (default: hello world)
  --long-named-option FILE  where to read from (default: none)
  --loud                say it aloud (default: off)
  --log FILE            append debug lines to FILE (default: none)
  --help                print this text, also -h (default: off)
)";
    // Options that come before change no default; arguments that are missing do not matter.
    for (const Words& words : {Words{"--help"}, Words{"-h"}, Words{"--port", "1", "-h", "h"},
                               Words{"--loud", "--help"}}) {
        Talker talker;
        const Outcome outcome = talker.run(words);
        CHECK(outcome.status == 0);
        CHECK(outcome.out == expected);
        CHECK(outcome.err == "");
        CHECK(talker.jobs_run == 0);
    }
}

TEST_CASE("Help shows which arguments are required", "[common][program]") {
    std::string file;
    Host host{"localhost"};
    Program program{"talker", "Talks."};
    program.required_argument("FILE", file, "what to send");
    program.argument("HOST", host, "where to send it");
    const Outcome outcome = run(program, {"--help"}, [] {});
    CHECK(outcome.status == 0);
    CHECK(outcome.out.starts_with("usage: talker [OPTION...] FILE [HOST]\n"));
    CHECK(outcome.out.find("  FILE                  what to send\n") != std::string::npos);
}

// --- the job and its end -----------------------------------------------------------------------

TEST_CASE("The exit status is what the job returns or else zero", "[common][program]") {
    CHECK(run_job([] {}).status == 0);
    CHECK(run_job([] { return 0; }).status == 0);
    CHECK(run_job([] { return 5; }).status == 5);
}

TEST_CASE("A failure of the job is one line on stderr and status 1", "[common][program]") {
    const auto expect = [](const std::function<void()>& job, const std::string& line) {
        const Outcome outcome = run_job(job);
        CHECK(outcome.status == 1);
        CHECK(outcome.out == "");
        CHECK(outcome.err == line);
    };
    expect(
        [] {
            throw Error{"cannot connect to ::1", "Connection refused"};
        },
        "talker: cannot connect to ::1: Connection refused\n");
    expect(
        [] {
            const boost::system::error_code refused = boost::asio::error::connection_refused;
            throw boost::system::system_error{refused, "connect"};
        },
        "talker: failed: Connection refused\n");
    expect(
        [] {
            throw std::system_error{ENOSPC, std::generic_category(), "cannot store f"};
        },
        "talker: cannot store f: No space left on device\n");
    expect([] { throw std::runtime_error{"out of luck"}; }, "talker: out of luck\n");
    expect([] { throw std::bad_alloc{}; }, "talker: failed: Cannot allocate memory\n");
    expect(
        [] {
            throw Error{"cannot read \x1b[2J\n", "bad \xff"};
        },
        "talker: cannot read \\x1b[2J\\x0a: bad \\xff\n");
}

TEST_CASE("A usage error that the job finds is like any other", "[common][program]") {
    const Outcome outcome = run_job([] { throw UsageError{"MASK 255.0.255.0", "it has holes"}; });
    CHECK(outcome.status == 2);
    CHECK(outcome.err == "talker: MASK 255.0.255.0: it has holes (try 'talker --help')\n");
}

TEST_CASE("What the job printed before it failed stays", "[common][program]") {
    const Forked run = run_job_forked([] {
        std::cout << "half done\n";
        throw Error{"the other half", "no"};
    });
    CHECK(run.status == 1);
    CHECK(run.out == "half done\n");
    CHECK(run.err == "talker: the other half: no\n");
}

TEST_CASE("A stdout that can't be written is a failure", "[common][program]") {
    const auto expect = [](const std::function<void()>& job, const std::string& reason) {
        const Forked run = run_job_forked(job);
        CHECK(run.status == 1);
        CHECK(run.err == "talker: cannot write to standard output: " + reason + "\n");
    };
    const auto fill = [] { ::dup2(::open("/dev/full", O_WRONLY), STDOUT_FILENO); };
    expect([&fill] { fill(), std::cout << "text" << std::endl; }, "No space left on device");
    expect([&fill] { fill(), std::cout << "not flushed by the job"; }, "No space left on device");
    expect([&fill] { fill(), std::cout << std::string(1'000'000, 'x'); },
           "No space left on device");
    expect(
        [] {
            int ends[2];
            static_cast<void>(!::pipe(ends));
            ::dup2(ends[1], STDOUT_FILENO);
            ::close(ends[0]);
            ::close(ends[1]);
            std::cout << "to nobody" << std::endl;
        },
        "Broken pipe");
}

TEST_CASE("Help that can't be written is a failure too", "[common][program]") {
    const Forked run = run_forked([] {
        ::dup2(::open("/dev/full", O_WRONLY), STDOUT_FILENO);
        Program program{"talker", "Talks."};
        return run_here(program, {"--help"}, [] {});
    });
    CHECK(run.status == 1);
    CHECK(run.err == "talker: cannot write to standard output: No space left on device\n");
}

TEST_CASE("A failure is reported once even when stdout is full", "[common][program]") {
    const Forked run = run_job_forked([] {
        ::dup2(::open("/dev/full", O_WRONLY), STDOUT_FILENO);
        std::cout << "lost\n";
        throw Error{"the job", "no"};
    });
    CHECK(run.status == 1);
    CHECK(run.err == "talker: the job: no\n");
}

TEST_CASE("A program whose standard streams are closed never prints into a socket",
          "[common][program]") {
    const Forked run = run_forked([] {
        for (const int stream : {STDIN_FILENO, STDOUT_FILENO}) ::close(stream);
        Program program{"talker", "Talks."};
        return run_here(program, {}, [] {
            const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
            if (socket <= STDERR_FILENO) throw Error{"the socket", "it is a standard stream"};
            std::cout << "text" << std::endl;
        });
    });
    CHECK(run.status == 1);
    CHECK(run.err == "talker: cannot write to standard output: Bad file descriptor\n");

    const Forked silent = run_forked([] {
        for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(stream);
        Program program{"talker", "Talks."};
        return run_here(program, {}, [] {
            if (::socket(AF_INET, SOCK_STREAM, 0) > STDERR_FILENO) throw Error{"as it should be"};
        });
    });
    CHECK(silent.status == 1);
}

TEST_CASE("Writing to a closed socket is an error and not the end", "[common][program]") {
    const Forked run = run_job_forked([] {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) throw Error{"no sockets"};
        ::close(ends[0]);
        if (::write(ends[1], "x", 1) < 0) throw Error{"cannot send", reason_from_errno()};
    });
    CHECK(run.status == 1);
    CHECK(run.err == "talker: cannot send: Broken pipe\n");
}

TEST_CASE("Interrupts end a program even if whoever started it ignores them", "[common][program]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        const Forked run = run_forked([signal] {
            std::signal(signal, SIG_IGN);
            sigset_t all;
            ::sigfillset(&all);
            ::sigprocmask(SIG_BLOCK, &all, nullptr);
            Program program{"talker", "Talks."};
            return run_here(program, {}, [signal] { std::raise(signal); });
        });
        CHECK(run.status == -signal);
    }
}

TEST_CASE("A file that grows over its limit is an error and not the end", "[common][program]") {
    const Forked run = run_job_forked([] {
        const rlimit ten_bytes{10, 10};
        ::setrlimit(RLIMIT_FSIZE, &ten_bytes);
        std::cout << "more than ten bytes" << std::endl;
    });
    CHECK(run.status == 1);
    CHECK(run.out == "more than ");
}

TEST_CASE("The log tells how the program was started and how it ended", "[common][program]") {
    const harness::Stage stage{"common"};
    const auto logged = [&stage](const std::string& file, const std::function<int()>& job) {
        Host host;
        Program program{"talker", "Talks."};
        program.argument("HOST", host, "the listener");
        run(program, {"--log", stage.path(file), "a\nb"}, job);
        return stage.read_file(file);
    };
    const std::string good = logged("good", [] { return 3; });
    CHECK(good.find(" - started as talker --log " + stage.path("good") + " a\\x0ab\n") !=
          std::string::npos);
    CHECK(good.find(" - ended with status 3\n") != std::string::npos);
    const std::string bad = logged("bad", []() -> int { throw Error{"the job", "no"}; });
    CHECK(bad.find(" - the job: no\n") != std::string::npos);
}

TEST_CASE("A log that can't be opened ends the program before its job", "[common][program]") {
    Talker talker;
    const Outcome outcome = talker.run({"--log", "/missing/log"});
    CHECK(outcome.status == 1);
    CHECK(outcome.out == "");
    CHECK(outcome.err ==
          "talker: cannot open the log file /missing/log: No such file or directory\n");
}
