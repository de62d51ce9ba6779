// The harness under test: little programs that exit, hang, crash, cheat and worse, and what the
// person who wrote such a program is told.
#include "harness/catch.hpp"
#include "harness/failure.hpp"
#include "harness/peer.hpp"
#include "harness/process.hpp"
#include "harness/rules.hpp"
#include "harness/stage.hpp"
#include "harness/transcript.hpp"
#include "scene.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <signal.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using namespace harness;
using namespace std::string_literals;
namespace fs = std::filesystem;

namespace {

bool is_gone(pid_t process) {
    return ::kill(process, 0) != 0 && errno == ESRCH;
}

// A bash script's connection to the test, as its file descriptor 3.
const std::string connect_to_test = "exec 3<>/dev/tcp/127.0.0.1/$1\n";

}  // namespace

// --- failures and their reports ----------------------------------------------------------------

TEST_CASE("A body that does not fail has no report", "[kit][harness]") {
    bool run = false;
    CHECK(failure_of([&run] { run = true; }) == "");
    CHECK(run);
}

TEST_CASE("The report of a failure is its text", "[kit][harness]") {
    CHECK(failure_of([] { fail("it broke"); }) == "it broke");
    const std::string outer = failure_of([] {
        const std::string inner = failure_of([] { fail("inner"); });
        fail("outer, after " + inner);
    });
    CHECK(outer == "outer, after inner");
}

TEST_CASE("What is no failure is not taken for one", "[kit][harness]") {
    CHECK_THROWS_AS(failure_of([] { throw std::runtime_error{"else"}; }), std::runtime_error);
}

TEST_CASE("A report has what was expected and got and is likely and what happened in order",
          "[kit][harness]") {
    Scene scene;
    Process& program = scene.start("echo one; read -r; echo oops >&2; read -r; exit 3",
                                   {"--name", "two words", "ü", ""});
    program.expect_line("one");
    program.type("typed\n");
    program.expect_error("oops");
    program.type("more\n");
    const std::string report =
        failure_of([&program] { program.expect_line("two", "it stopped after the first line"); });
    CHECK(without_times(report) == R"(expected  program prints the line "two"
got       program ended with status 3; nothing more on stdout
likely    it stopped after the first line
what happened:
$ program --name "two words" ü ""
program prints "one"
typed to program: "typed\n"
program prints on stderr "oops"
typed to program: "more\n"
program ended with status 3
)");
    CHECK(std::regex_search(report, std::regex{"\n +[0-9]+[.][0-9]{3} s  [$] program"}));
}

TEST_CASE("A report without a likely cause has no such line", "[kit][harness]") {
    Scene scene;
    Process& program = scene.start("echo one");
    const std::string report = failure_of([&program] { program.expect_line("two"); });
    CHECK(report.starts_with(
        "expected  program prints the line \"two\"\ngot       the line \"one\"\nwhat happened:\n"));
}

TEST_CASE("What a program says of itself is its likely cause", "[kit][harness]") {
    Scene scene;
    Process& program = scene.start(
        "echo 'program: labs/a.cpp:3: TODO 2 is not done yet: read to the end' >&2; exit 1");
    const std::string report =
        failure_of([&program] { program.expect_line("text", "it read only once"); });
    CHECK(contains(report, "\nlikely    TODO 2 is not done yet: read to the end\n"));
    CHECK(!contains(report, "it read only once"));
}

// --- programs and what they do wrong -----------------------------------------------------------

TEST_CASE("A program that is missing is said to be missing", "[kit][harness]") {
    Scene scene;
    CHECK(failure_of([&scene] { scene.stage.start("nothing"); }) ==
          "the program 00_lab/nothing is missing: it has not been built");
    CHECK(failure_of([&scene] { scene.stage.start_command("no-such-command", {}); }) ==
          "the command no-such-command is missing: it is not in PATH");
    const Environment unset{"WIRELAB_PROGRAMS", std::nullopt};
    CHECK(failure_of([&scene] {
              scene.stage.start("program");
          }).starts_with("WIRELAB_PROGRAMS is not set: "));
}

TEST_CASE("A program that exits at once fails every expectation", "[kit][harness]") {
    Scene scene;
    Process& program = scene.start("exit 0");
    CHECK(contains(failure_of([&] { program.expect_line("text"); }),
                   "got       program ended with status 0; on stdout nothing\n"));
    CHECK(contains(failure_of([&] { program.expect_error("text"); }), "ended with status 0"));
    CHECK(contains(failure_of([&] { program.expect_listening(); }), "ended with status 0"));
    CHECK(contains(failure_of([&] { program.expect_exit(1); }), "ended with status 0"));
    CHECK(contains(failure_of([&] { program.expect_running(); }), "ended with status 0"));
    CHECK(failure_of([&] { program.expect_exit(0); }) == "");
}

TEST_CASE("A program that hangs fails every expectation but that it runs", "[kit][harness]") {
    Scene scene;
    Process& program = scene.start("exec sleep 1000");
    const Hurry hurry;
    CHECK(contains(failure_of([&] { program.expect_line("text"); }),
                   "got       program is still running; on stdout nothing\n"));
    CHECK(contains(failure_of([&] { program.expect_error("text"); }), "is still running"));
    CHECK(contains(failure_of([&] { program.expect_listening(); }), "is still running"));
    CHECK(contains(failure_of([&] { program.expect_exit(0); }), "is still running"));
    CHECK(failure_of([&] { program.expect_running(); }) == "");
}

TEST_CASE("A line without its newline is not a line", "[kit][harness]") {
    Scene scene;
    Process& running = scene.start("printf half; exec sleep 1000");
    REQUIRE(scene.stage.wait_until([&] { return running.output() == "half"; }));
    {
        const Hurry hurry;
        CHECK(contains(failure_of([&] { running.expect_line("half"); }),
                       "got       program is still running; on stdout \"half\"\n"));
    }
    Process& ended = scene.start("printf half");
    const std::string report = failure_of([&] { ended.expect_line("half"); });
    CHECK(contains(report, "got       program ended with status 0; on stdout \"half\"\n"));
    CHECK(contains(report, "program prints \"half\" without a newline\n"));
}

TEST_CASE("A program that prints lines without end fills neither screen nor time",
          "[kit][harness]") {
    Scene scene;
    Process& program = scene.start("exec yes");
    program.expect_line("y");
    REQUIRE(scene.stage.wait_until([&] { return program.output().size() > 1000; }));
    const Hurry hurry;
    const std::string report = failure_of([&] { program.expect_exit(0); });
    CHECK(contains(report, "is still running; on stdout \"y\\ny\\n"));
    CHECK(contains(report, " more …\n"));
    CHECK(report.size() < 10'000);
}

TEST_CASE("A program that prints a line without end does not fill the memory", "[kit][harness]") {
    Scene scene;
    Process& program = scene.start("exec tr '\\0' x < /dev/zero");
    constexpr std::size_t limit = 8 * 1024 * 1024;
    REQUIRE(scene.stage.wait_until([&] { return program.output().size() > limit; }));
    const Hurry hurry;
    const std::string report = failure_of([&] { program.expect_line("x"); });
    CHECK(contains(report, "is still running; on stdout \"xxx"));
    CHECK(report.size() < 10'000);
    CHECK(program.output().size() < limit + 100'000);
}

TEST_CASE("A program that crashes is told how", "[kit][harness]") {
    const std::map<std::string, std::string> likely{
        {"SIGSEGV", "program used memory that is not its own (gdb shows where)"},
        {"SIGABRT", "an exception has left main(), or an assertion failed, in program"},
        {"SIGPIPE", "program wrote to a closed connection and did not ignore SIGPIPE"}};
    for (const auto& [signal, cause] : likely) {
        Scene scene;
        Process& program = scene.start("echo begun; kill -" + signal + " $$; exec sleep 1000");
        program.expect_line("begun");
        const std::string report = failure_of([&] { program.expect_exit(0, "a guess"); });
        CHECK(contains(report, "got       program was ended by " + signal + "; "));
        CHECK(contains(report, "\nlikely    " + cause + "\n"));
        CHECK(contains(report, "program was ended by " + signal + "\n"));
    }
}

TEST_CASE("A program that claims success is not believed", "[kit][harness]") {
    Scene scene;
    Process& program = scene.start(
        "echo 'All tests passed (3 assertions in 1 test case)'; echo '<Success/>'; exit 0");
    CHECK(contains(failure_of([&] { program.expect_line("text"); }),
                   "got       the line \"All tests passed (3 assertions in 1 test case)\"\n"));
    CHECK(contains(failure_of([&] { program.expect_exit(0); }), "and prints nothing more\n"));
}

TEST_CASE("A program that closes its stdout and runs on prints nothing more", "[kit][harness]") {
    Scene scene;
    Process& program = scene.start("echo begun; exec >&-; exec sleep 1000");
    program.expect_line("begun");
    const Hurry hurry;
    CHECK(contains(failure_of([&] { program.expect_line("more"); }),
                   "got       program is still running; nothing more on stdout\n"));
    CHECK(failure_of([&] { program.expect_running(); }) == "");
}

TEST_CASE("A program that ignores SIGTERM is found out", "[kit][harness]") {
    Scene scene;
    Process& program = scene.start("trap '' TERM; echo ready; exec sleep 1000");
    program.expect_line("ready");
    program.signal(SIGTERM);
    const Hurry hurry;
    const std::string report = failure_of([&] { program.expect_end_by(SIGTERM); });
    CHECK(
        report.starts_with("expected  program ends within a second of SIGTERM, with status 0 or "
                           "by it\ngot       program is still running; "));
    CHECK(contains(report, "SIGTERM is sent to program\n"));
}

TEST_CASE("A program may end by the signal or with status 0 and not otherwise", "[kit][harness]") {
    const auto verdict = [](const std::string& script) {
        Scene scene;
        Process& program = scene.start(script);
        program.expect_line("ready");
        program.signal(SIGTERM);
        return failure_of([&] { program.expect_end_by(SIGTERM); });
    };
    CHECK(verdict("echo ready; exec sleep 1000") == "");
    CHECK(verdict("trap 'exit 0' TERM; echo ready; sleep 1000 & wait") == "");
    CHECK(contains(verdict("trap 'exit 1' TERM; echo ready; sleep 1000 & wait"),
                   "got       program ended with status 1; "));
    CHECK(contains(verdict("trap 'kill -KILL $$' TERM; echo ready; sleep 1000 & wait"),
                   "got       program was ended by SIGKILL; "));
}

TEST_CASE("A wrong exit status is a failure and so is more output than expected",
          "[kit][harness]") {
    const auto verdict = [](const std::string& script, int status) {
        Scene scene;
        Process& program = scene.start(script);
        return failure_of([&] { program.expect_exit(status); });
    };
    CHECK(verdict("exit 2", 2) == "");
    CHECK(contains(verdict("exit 2", 1), "got       program ended with status 2; "));
    CHECK(contains(verdict("echo more", 0), "; on stdout \"more\\n\"\n"));
    CHECK(contains(verdict("printf m", 0), "; on stdout \"m\"\n"));
    CHECK(contains(verdict("echo more >&2; exit 1", 1), "; on stderr \"more\\n\"\n"));
    CHECK(verdict("echo chat >&2", 0) == "");
}

TEST_CASE("All that a program printed before its end is there and in order", "[kit][harness]") {
    std::string numbers;
    for (int i = 1; i <= 20'000; ++i) numbers += std::to_string(i) + "\n";
    for (int run = 0; run < 5; ++run) {
        Scene scene;
        Process& program = scene.start("seq 20000 & seq 20000 >&2; wait");
        scene.wait_for_end(program);
        const bool complete = program.output() == numbers && program.errors() == numbers;
        CHECK(complete);
    }
}

TEST_CASE("A readiness line must be exactly that", "[kit][harness]") {
    const auto verdict = [](const std::string& line, const std::string& address) {
        Scene scene;
        Process& program = scene.start("echo '" + line + "'; exec sleep 1000");
        return failure_of([&] { program.expect_listening(address); });
    };
    CHECK(verdict("listening on 127.0.0.1:54321", "127.0.0.1") == "");
    CHECK(verdict("listening on [::1]:1", "::1") == "");
    for (const std::string line :
         {"", "listening", "listening on 0.0.0.0:54321", "listening on 127.0.0.1:0",
          "listening on 127.0.0.1:port", "listening on 127.0.0.1:1 ", "Listening on 127.0.0.1:1"}) {
        CAPTURE(line);
        CHECK(contains(verdict(line, "127.0.0.1"), "got       the line " + quote(line) + "\n"));
    }
    CHECK(verdict("listening on ::1:1", "::1") != "");
}

// --- the surroundings of a program -------------------------------------------------------------

TEST_CASE("A program's children end with the stage wherever they hide", "[kit][harness]") {
    // The last ones are daemons: in a session of their own, and no child of the program's any more.
    const auto daemon = [](const std::string& script) {
        return "read -r pid < <( (setsid bash -c '" + script + "' &) ); echo \"$pid\"";
    };
    for (const std::string& script :
         {"sleep 1000 & echo $!"s, "trap '' HUP TERM; (sleep 1000 & echo $!)"s,
          daemon("echo $$; exec sleep 1000"),
          daemon("trap \"\" HUP TERM; "
                 "(printf \"a ) S 1 b\" > /proc/$BASHPID/comm; sleep 1000; :) & echo $!")}) {
        CAPTURE(script);
        pid_t child = 0;
        {
            Scene scene;
            Process& program = scene.start(script);
            child = std::stoi(program.expect_line_like("[0-9]+", "a process id"));
            program.expect_exit(0);
            CHECK(!is_gone(child));
        }
        CHECK(is_gone(child));
    }
}

TEST_CASE("A program that still runs ends with the stage", "[kit][harness]") {
    pid_t program = 0;
    std::string folder;
    {
        Scene scene;
        folder = scene.stage.path("");
        program = scene.start("exec sleep 1000").pid();
        CHECK(!is_gone(program));
        CHECK(fs::exists(folder));
    }
    CHECK(is_gone(program));
    CHECK(!fs::exists(folder));
}

TEST_CASE("A program can be told from another by a label", "[kit][harness]") {
    Scene scene;
    Process& program = scene.start("read -r; echo $SEAT; exit 1", {},
                                   {.label = "bob", .environment = {"SEAT=12"}});
    program.type("hello\n");
    program.expect_line("12");
    CHECK(program.name() == "program");
    const std::string report = failure_of([&] { program.expect_exit(0); });
    CHECK(without_times(report) == R"(expected  [bob] program ends with status 0
got       [bob] program ended with status 1; nothing more on stdout
what happened:
$ [bob] program
typed to [bob] program: "hello\n"
[bob] program prints "12"
[bob] program ended with status 1
)");
}

TEST_CASE("A program can be started by another command", "[kit][harness]") {
    Scene scene;
    Process& program = scene.start("echo $SEAT $1 $$", {"one"}, {.by = {"/usr/bin/env", "SEAT=7"}});
    program.expect_line("7 one " + std::to_string(program.pid()));
    program.expect_exit(0);
}

TEST_CASE("A program starts in the stage's folder with an environment of its own",
          "[kit][harness]") {
    const Environment mine{"WIRELAB_SECRET", "known"};
    Scene scene;
    Process& program = scene.start("echo \"$PWD\"; echo \"$HOME\"; echo \"<$WIRELAB_SECRET>\"");
    const std::string folder = fs::canonical(scene.stage.path(""));
    program.expect_line(folder);
    program.expect_line_like(".*", "its home");
    program.expect_line("<>");
    program.expect_exit(0);
}

TEST_CASE("A program does not inherit what the test does with signals", "[kit][harness]") {
    sigset_t term;
    sigset_t before;
    ::sigemptyset(&term);
    ::sigaddset(&term, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &term, &before);
    const auto ignored_before = std::signal(SIGPIPE, SIG_IGN);
    {
        Scene scene;
        Process& piped = scene.start("kill -PIPE $$; echo survived");
        CHECK(contains(failure_of([&] { piped.expect_exit(0); }), "was ended by SIGPIPE"));
        Process& ended = scene.start("kill -TERM $$; echo survived");
        CHECK(contains(failure_of([&] { ended.expect_exit(0); }), "was ended by SIGTERM"));
    }
    std::signal(SIGPIPE, ignored_before);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("A program reads what is typed until the end of its input", "[kit][harness]") {
    Scene scene;
    Process& program = scene.start("while read -r line; do echo \"<$line>\"; done; echo end");
    program.type("one\ntwo\n");
    program.expect_line("<one>");
    program.expect_line("<two>");
    program.end_input();
    program.expect_line("end");
    program.expect_exit(0);
    CHECK(failure_of([&] { program.type("too late\n"); }) == "");
}

TEST_CASE("Typing to a program that does not read fails and does not hang", "[kit][harness]") {
    Scene scene;
    Process& program = scene.start("exec sleep 1000");
    const Hurry hurry;
    const std::string much(1'000'000, 'x');
    CHECK(failure_of([&] {
              program.type(much);
          }).starts_with("expected  program reads what is typed\n"));
}

TEST_CASE("A program can be started with a stdout that fails and with few files",
          "[kit][harness]") {
    Scene scene;
    const std::string script = "echo text || exit 7; ulimit -n";
    Process& full = scene.start(script, {}, {.stdout_file = "/dev/full"});
    full.expect_error_like(".*No space left on device", "the reason");
    full.expect_exit(7);
    Process& closed = scene.start(script, {}, {.no_stdout = true});
    closed.expect_error_like(".*Bad file descriptor", "the reason");
    closed.expect_exit(7);
    Process& limited = scene.start(script, {}, {.open_files = 20});
    limited.expect_line("text");
    limited.expect_line("20");
    limited.expect_exit(0);
}

// --- peers -------------------------------------------------------------------------------------

TEST_CASE("A conversation stands in the transcript", "[kit][harness]") {
    Scene scene;
    Listener& listener = scene.stage.listen();
    Process& program = scene.start(
        connect_to_test + "echo hello >&3; read -r line <&3; echo \"got $line\"; read -r",
        {listener.port()});
    Peer& peer = listener.accept();
    peer.expect_received("hello\n");
    peer.send("\x1bworld\n");
    program.expect_line("got \x1bworld");
    program.end_input();
    program.expect_exit(1);
    peer.expect_end();
    const std::regex ports{"127[.]0[.]0[.]1:[0-9]+|program [0-9]+"};
    const std::string text = without_times(scene.stage.transcript().text());
    CHECK(std::regex_replace(text, ports, "…").starts_with(R"(test listens on …
$ …
peer 1 … is connected to …
peer 1 receives "hello\n"
peer 1 sends "\x1bworld\n"
program prints "got \x1bworld"
end of input for program
)"));
    CHECK(contains(text, "\nprogram ended with status 1\n"));
    CHECK(contains(text, "\npeer 1 sees the end of the stream\n"));
}

TEST_CASE("A program that never connects is found out as soon as it has ended", "[kit][harness]") {
    const Environment no_hurry{"WIRELAB_TIME_SCALE", "1000"};
    Scene scene;
    Listener& listener = scene.stage.listen();
    scene.start("exit 1");
    const std::string report =
        failure_of([&listener] { listener.accept("the client never asked"); });
    CHECK(report.starts_with("expected  a connection to " + listener.endpoint() +
                             "\ngot       none came\nlikely    the client never asked\n"));
    CHECK(!listener.has_visitor());
}

TEST_CASE("Bytes that are not the expected ones are shown", "[kit][harness]") {
    Scene scene;
    Listener& listener = scene.stage.listen();
    scene.start(connect_to_test + "printf 'hallo' >&3", {listener.port()});
    Peer& peer = listener.accept();
    const std::string report = failure_of([&peer] { peer.expect_received("hello"); });
    CHECK(report.starts_with(
        "expected  peer 1 receives \"hello\"\ngot       it received \"hallo\"\n"));
}

TEST_CASE("Bytes too few or too many are a failure", "[kit][harness]") {
    Scene scene;
    Listener& listener = scene.stage.listen();
    scene.start(connect_to_test + "printf '123456' >&3", {listener.port()});
    Peer& peer = listener.accept();
    CHECK(failure_of([&peer] { peer.expect_received("123"); }) == "");
    CHECK(contains(failure_of([&peer] { peer.expect_end(); }), "got       \"456\"\n"));
    CHECK(contains(failure_of([&peer] { peer.expect_received("7"); }), "received \"\"\n"));
}

TEST_CASE("A connection that stays open is a failure to end", "[kit][harness]") {
    Scene scene;
    Listener& listener = scene.stage.listen();
    scene.start(connect_to_test + "exec sleep 1000", {listener.port()});
    Peer& peer = listener.accept();
    const Hurry hurry;
    CHECK(failure_of([&peer] { peer.expect_end(); })
              .starts_with("expected  the program closes the connection of peer 1\n"
                           "got       it stays open\n"));
}

TEST_CASE("A connection that is reset did not end in good order", "[kit][harness]") {
    Scene scene;
    Listener& listener = scene.stage.listen();
    // Who ends with bytes unread resets the connection. This one waits for them to be there.
    scene.start(connect_to_test + "until read -r -t 0 -u 3; do :; done", {listener.port()});
    Peer& peer = listener.accept();
    peer.send("unread");
    CHECK(contains(failure_of([&peer] { peer.expect_end(); }),
                   "got       the connection was reset\n"));
}

TEST_CASE("A program sees the end and the reset of a connection", "[kit][harness]") {
    Scene scene;
    Listener& listener = scene.stage.listen();
    const std::string script = connect_to_test + "echo up; dd status=none <&3 && echo end";
    Process& first = scene.start(script, {listener.port()});
    Peer& closing = listener.accept();
    first.expect_line("up");
    // Another program started meanwhile must not hold the connection open.
    scene.start("exec sleep 1000");
    closing.close();
    first.expect_line("end");

    Process& second = scene.start(script, {listener.port()});
    Peer& half = listener.accept();
    second.expect_line("up");
    half.shut_down_sending();
    second.expect_line("end");
    half.expect_end();

    Process& third = scene.start(script, {listener.port()});
    Peer& resetting = listener.accept();
    third.expect_line("up");
    resetting.reset();
    third.expect_error_like(".*Connection reset by peer.*", "that the connection was reset");
}

TEST_CASE("Pieces are read one by one", "[kit][harness]") {
    Scene scene;
    Listener& listener = scene.stage.listen();
    Process& program = scene.start(
        connect_to_test +
            "for i in 1 2 3 4 5; do dd bs=100 count=1 status=none <&3; echo; done; cat <&3; echo",
        {listener.port()});
    Peer& peer = listener.accept();
    peer.send_in_pieces({"one", "two"});
    peer.send_byte_by_byte("345");
    peer.send("the rest");
    peer.close();
    for (const std::string line : {"one", "two", "3", "4", "5", "the rest"}) {
        program.expect_line(line);
    }
    program.expect_exit(0);
}

TEST_CASE("A program that stops reading is found out", "[kit][harness]") {
    Scene scene;
    Listener& listener = scene.stage.listen();
    scene.start(connect_to_test + "exec sleep 1000", {listener.port()});
    Peer& peer = listener.accept();
    peer.send("a little");
    const Hurry hurry;
    CHECK(contains(failure_of([&peer] { peer.wait_until_read(); }),
                   "got       the bytes still wait in its socket\n"));
    const std::string much(30'000'000, 'x');
    CHECK(contains(failure_of([&] { peer.send(much); }), "got       it has stopped reading"));
}

TEST_CASE("A peer that stalls takes nothing and a program blocks on it until it resumes",
          "[kit][harness]") {
    Scene scene;
    Listener& listener = scene.stage.listen();
    Process& program = scene.start(connect_to_test + "read -r; yes >&3", {listener.port()});
    Peer& peer = listener.accept();
    peer.stall();
    program.type("go\n");
    {
        const Hurry hurry;
        CHECK(failure_of([&peer] { peer.expect_received("y\n"); }) != "");
    }
    peer.resume();
    peer.expect_received("y\ny\n");
    peer.reset();
    scene.wait_for_end(program);
}

TEST_CASE("A server that is not there is reported", "[kit][harness]") {
    Stage stage{"00_lab"};
    const std::string port = stage.refusing_port();
    const std::string report = failure_of([&] { stage.connect(port); });
    CHECK(report.starts_with("expected  a server that accepts connections on 127.0.0.1 port " +
                             port +
                             "\ngot       Connection refused\nlikely    nobody listens there"));
    const std::string silent = stage.silent_port();
    const Hurry hurry;
    CHECK(contains(failure_of([&] { stage.connect(silent); }), "got       Connection timed out\n"));
}

// --- networks, times, texts --------------------------------------------------------------------

TEST_CASE("A failure in a private network is reported outside", "[kit][harness]") {
    if (!have_namespaces()) return skip("this machine allows no network namespaces");
    const auto verdict = [](const std::function<void()>& body) {
        return failure_of([&body] { in_private_network(body); });
    };
    CHECK(verdict([] {}) == "");
    CHECK(verdict([] { fail("inside"); }) == "inside");
    CHECK(verdict([] { throw std::runtime_error{"else"}; }) == "the test itself failed: else");
    CHECK(verdict([] { throw 7; }).starts_with("the test itself failed: "));
    CHECK(verdict([] { fail(std::string(200'000, 'x')); }).size() == 200'000);
}

TEST_CASE("A private network has loopback and every port free", "[kit][harness]") {
    in_private_network([] {
        Scene scene;
        Listener& listener = scene.stage.listen("127.0.0.1", "1");
        scene.start(connect_to_test + "echo hello >&3", {listener.port()});
        listener.accept().expect_received("hello\n");
        scene.start("(setsid sleep 1000 &)").expect_exit(0);
    });
}

TEST_CASE("A wait ends when its condition holds or when patience is over", "[kit][harness]") {
    Stage stage{"00_lab"};
    CHECK(stage.wait_until([] { return true; }));
    const Hurry hurry;
    const auto start = Clock::now();
    CHECK(!stage.wait_until([] { return false; }));
    CHECK(Clock::now() - start >= patience());
    stage.pass_time(0.05);
    const auto waited = Clock::now() - start;
    CHECK(failure_of([&] { stage.expect_at_least(waited, 0.15, "waits"); }) == "");
    CHECK(failure_of([&] { stage.expect_at_least(waited, 1e6, "waits"); }) != "");
}

TEST_CASE("Time can be stretched", "[kit][harness]") {
    const std::map<std::string, double> scales{{"1", 1},  {"2.5", 2.5}, {"0.02", 0.02}, {"0", 1},
                                               {"-3", 1}, {"abc", 1},   {"", 1}};
    for (const auto& [text, scale] : scales) {
        CAPTURE(text);
        const Environment stretched{"WIRELAB_TIME_SCALE", text};
        CHECK(time_scale() == scale);
        CHECK(patience() == std::chrono::duration_cast<Clock::duration>(
                                std::chrono::duration<double>{5 * scale}));
    }
    const Environment unset{"WIRELAB_TIME_SCALE", std::nullopt};
    CHECK(time_scale() == 1);
}

TEST_CASE("Bytes are quoted so that people can read them", "[kit][harness]") {
    CHECK(quote("") == R"("")");
    CHECK(quote("a b") == R"("a b")");
    CHECK(quote("a\n\tb\r\x1b\xff") == R"("a\n\tb\x0d\x1b\xff")");
    CHECK(quote("ü") == "\"ü\"");
    const std::string much = quote(std::string(500, 'a') + std::string(500, 'b'));
    CHECK(much ==
          "\"" + std::string(80, 'a') + "\" … \"" + std::string(80, 'b') + "\" (1000 bytes)");
}

TEST_CASE("A long transcript keeps its beginning and its end", "[kit][harness]") {
    Transcript transcript;
    for (int i = 1; i <= 100; ++i) transcript.add("line", std::to_string(i));
    const std::string text = without_times(transcript.text());
    CHECK(text.starts_with("line 1\nline 2\n"));
    CHECK(text.ends_with("line 99\nline 100\n"));
    CHECK(contains(text, "line 12\n             … 76 more …\nline 89\n"));
}

// --- rules that hold for every program ---------------------------------------------------------

namespace {

const std::string good_program = R"bash(
case $1 in
--help | -h)
    echo 'usage: program [OPTION...]'
    echo '  --port PORT   the port (default: 54321)'
    ;;
--bad)
    echo "program: --bad: unknown option (try 'program --help')" >&2
    exit 2
    ;;
esac
)bash";

std::string replaced(std::string text, const std::string& part, const std::string& by) {
    const auto at = text.find(part);
    if (at == std::string::npos) throw std::runtime_error{"nothing to replace: " + part};
    return text.replace(at, part.size(), by);
}

// Installs the program under its name and returns what the rule says of it.
std::string verdict_of(const std::string& script, const std::function<void(Stage&)>& rule) {
    Scene scene;
    scene.wait_for_end(scene.start(script));
    return failure_of([&] { rule(scene.stage); });
}

}  // namespace

TEST_CASE("The rule of help wants every option with its default", "[kit][harness]") {
    const auto verdict = [](const std::string& part, const std::string& by) {
        return verdict_of(replaced(good_program, part, by), [](Stage& stage) {
            expect_help(stage, "program", {{"--port PORT", "54321"}});
        });
    };
    CHECK(verdict("", "") == "");
    CHECK(contains(verdict("54321", "54322"), "--port PORT and its default, 54321\n"));
    CHECK(verdict("--port PORT", "--port NUMBER") != "");
    CHECK(verdict("54321)'", "54321)'; exit 1") != "");
    CHECK(verdict("54321)'", "54321)'; echo oops >&2") != "");
    CHECK(verdict("54321)'", "54321)'; echo $1") != "");
    CHECK(verdict(" | -h", "") != "");
    CHECK(verdict("usage: program", "usage") != "");
}

TEST_CASE("The rule of wrong usage wants one line and status 2", "[kit][harness]") {
    const auto verdict = [](const std::string& part, const std::string& by) {
        return verdict_of(replaced(good_program, part, by), [](Stage& stage) {
            expect_usage_error(stage, "program", {"--bad"}, "--bad");
        });
    };
    CHECK(verdict("", "") == "");
    CHECK(contains(verdict("exit 2", "exit 1"), "ended with status 1"));
    CHECK(verdict("exit 2", "exit 0") != "");
    CHECK(verdict("exit 2", "echo >&2; exit 2") != "");
    CHECK(verdict("exit 2", "echo; exit 2") != "");
    CHECK(verdict(" >&2", "") != "");
    CHECK(verdict(": --bad:", ": wrong:") != "");
    CHECK(verdict(" (try 'program --help')", "") != "");
    CHECK(verdict("\"program: --bad", "\"--bad") != "");
}

TEST_CASE("The rule of the log wants whole lines with time and place", "[kit][harness]") {
    const auto verdict = [](const std::string& text) {
        Stage stage{"00_lab"};
        stage.write_file("log", text);
        return failure_of([&] { expect_log(stage, "log"); });
    };
    const std::string good = "[20240229 23:59:59] serve:12 - a message\n";
    CHECK(verdict(good) == "");
    CHECK(verdict(good + good) == "");
    CHECK(verdict("") != "");
    CHECK(verdict(good + "\n") != "");
    CHECK(verdict(good + "and more\n") != "");
    CHECK(verdict(replaced(good, "20240229", "2024-02-29")) != "");
    CHECK(verdict(replaced(good, "serve:12", "serve")) != "");
    CHECK(verdict(replaced(good, "serve:12", "serve:0")) != "");
    CHECK(verdict(replaced(good, "a message", "")) != "");
}
