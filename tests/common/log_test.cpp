// Debug lines in a file: whole, and with the caller's place.
#include "forked.hpp"
#include "harness/catch.hpp"
#include "harness/stage.hpp"

#include <wirelab/error.hpp>
#include <wirelab/log.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <map>
#include <regex>
#include <source_location>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace std::string_literals;
using harness::Stage;
using wirelab::bare_function_name;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::istringstream stream{text};
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

std::string local_time() {
    const std::time_t now = std::time(nullptr);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y%m%d %H:%M:%S", std::localtime(&now));
    return text.data();
}

std::string message_of(int writer, int number) {
    const auto size = static_cast<std::size_t>(number * 37 % 3000);
    return std::to_string(writer) + "." + std::to_string(number) + "." + std::string(size, 'x');
}

constexpr int lines_each = 250;

void log_from_threads(int first_writer, int threads_wanted) {
    std::vector<std::thread> threads;
    for (int writer = first_writer; writer < first_writer + threads_wanted; ++writer) {
        threads.emplace_back([writer] {
            for (int i = 0; i < lines_each; ++i) wirelab::log(message_of(writer, i));
        });
    }
    for (std::thread& thread : threads) thread.join();
}

// Returns the first line that is not whole or not the next one of its writer; "" if all are right.
std::string first_wrong_line(const std::string& text, int writers) {
    static const std::regex beginning{R"(^\[\d{8} \d\d:\d\d:\d\d\] [^ ]+:\d+ - (\d+)\.)"};
    std::map<int, int> next;
    for (const std::string& line : lines_of(text)) {
        std::smatch match;
        if (!std::regex_search(line, match, beginning)) return line;
        const int writer = std::stoi(match[1]);
        if (!line.ends_with(" - " + message_of(writer, next[writer]++))) return line;
    }
    for (int writer = 0; writer < writers; ++writer) {
        if (next[writer] != lines_each) return "lines of writer " + std::to_string(writer);
    }
    return "";
}

// What the compiler at hand calls functions of all kinds.
std::string here(const std::source_location& place = std::source_location::current()) {
    return std::string{bare_function_name(place.function_name())};
}

struct Place {};

std::string free_function(const Place&, std::string (*)(int)) {
    return here();
}

template <typename T, typename U>
std::string function_template(const std::map<T, U>&) {
    return here();
}

const std::string& by_reference() {
    static const std::string name = here();
    return name;
}

template <typename T>
struct Thing {
    static std::string in_class_template() { return here(); }
    std::string operator()(int) const { return here(); }
    std::string operator<(int) const { return here(); }
    operator std::string() const { return here(); }
};

}  // namespace

TEST_CASE("Without a log nothing is written", "[common][log]") {
    // This case comes first: a log that has been opened stays open.
    const Forked quiet = run_forked([] {
        wirelab::log("to nowhere");
        return 0;
    });
    CHECK(quiet.status == 0);
    CHECK(quiet.out == "");
    CHECK(quiet.err == "");
}

TEST_CASE("A log line has the local time and the place of its caller", "[common][log]") {
    const Stage stage{"common"};
    ::setenv("TZ", "XYZ-09:30", 1);
    ::tzset();
    wirelab::open_log(stage.path("log"));
    const std::string before = local_time();
    wirelab::log("the message");
    const int line = __LINE__ - 1;
    const std::string after = local_time();

    const std::string text = stage.read_file("log");
    REQUIRE(text.size() > 19);
    const std::string time = text.substr(1, 17);
    CHECK(before <= time);
    CHECK(time <= after);
    CHECK(text.substr(0, 1) + text.substr(18) ==
          "[] " + here() + ":" + std::to_string(line) + " - the message\n");
}

TEST_CASE("A log goes on behind what the file holds", "[common][log]") {
    const Stage stage{"common"};
    stage.write_file("log", "earlier\n");
    wirelab::open_log(stage.path("log"));
    wirelab::log("later");
    const auto lines = lines_of(stage.read_file("log"));
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == "earlier");
    CHECK(lines[1].ends_with(" - later"));
}

TEST_CASE("A message is made printable and stays one line", "[common][log]") {
    const Stage stage{"common"};
    wirelab::open_log(stage.path("log"));
    wirelab::log("two\nlines \x1b[2J \xff\0."s);
    wirelab::log("");
    const auto lines = lines_of(stage.read_file("log"));
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].ends_with(R"( - two\x0alines \x1b[2J \xff\x00.)"));
    CHECK(lines[1].ends_with(" - "));
}

TEST_CASE("A log that can't be opened is an error and one that is full is none", "[common][log]") {
    std::string message;
    try {
        wirelab::open_log("/missing/log");
    } catch (const wirelab::Error& error) {
        message = error.what();
    }
    CHECK(message == "cannot open the log file /missing/log: No such file or directory");
    wirelab::open_log("/dev/full");
    CHECK_NOTHROW(wirelab::log("lost"));
}

TEST_CASE("Lines of eight threads stay whole", "[common][log]") {
    const Stage stage{"common"};
    wirelab::open_log(stage.path("log"));
    log_from_threads(0, 8);
    CHECK(first_wrong_line(stage.read_file("log"), 8) == "");
}

TEST_CASE("Lines of two programs with four threads each stay whole", "[common][log]") {
    const Stage stage{"common"};
    // Each opens the file itself, as two programs do.
    const auto write_lines = [&stage](int first_writer) noexcept {
        wirelab::open_log(stage.path("log"));
        log_from_threads(first_writer, 4);
    };
    const pid_t child = ::fork();
    write_lines(child == 0 ? 4 : 0);
    if (child == 0) ::_exit(0);
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(first_wrong_line(stage.read_file("log"), 8) == "");
}

TEST_CASE("The bare name of a function is found in what GCC calls it", "[common][log]") {
    CHECK(bare_function_name("int main(int, char**)") == "main");
    CHECK(bare_function_name("void Server::serve(tcp::socket&)") == "serve");
    CHECK(bare_function_name("const std::string& wirelab::Program::name()") == "name");
    CHECK(bare_function_name("const char* text(int)") == "text");
    CHECK(bare_function_name("void {anonymous}::serve({anonymous}::Client&)") == "serve");
    CHECK(bare_function_name("void {anonymous}::Client::read(const {anonymous}::Client&)") ==
          "read");
    CHECK(bare_function_name("main(int, char**)::<lambda()>") == "main");
    CHECK(bare_function_name("{anonymous}::serve(int)::<lambda(auto:1)> [with auto:1 = int]") ==
          "serve");
    CHECK(bare_function_name("T largest(T, T) [with T = std::function<void(int)>]") == "largest");
    CHECK(bare_function_name("std::vector<std::pair<int, int> > pairs(int)") == "pairs");
    CHECK(bare_function_name("std::function<void(int)> make(int)") == "make");
    CHECK(bare_function_name("static void Thing<T>::run() [with T = int]") == "run");
    CHECK(bare_function_name("Thing<T>::Thing(int) [with T = int]") == "Thing");
    CHECK(bare_function_name("virtual Thing::~Thing()") == "~Thing");
    CHECK(bare_function_name("bool Thing::operator()(int) const") == "operator()");
    CHECK(bare_function_name("Thing Thing::operator*(const Thing&) const") == "operator*");
    CHECK(bare_function_name("std::ostream& operator<<(std::ostream&, Thing)") == "operator<<");
    CHECK(bare_function_name("Thing* Thing::operator->()") == "operator->");
    CHECK(bare_function_name("Thing& Thing::operator=(Thing&&)") == "operator=");
    CHECK(bare_function_name("Thing::operator bool() const") == "operator bool");
    CHECK(bare_function_name("void operators(int)") == "operators");
    CHECK(bare_function_name("void operator_of(int)") == "operator_of");
    CHECK(bare_function_name("void serve(serve(int)::_Z5servei.Frame*)") == "serve");
    CHECK(bare_function_name("decltype (1 + 1) sum(int)") == "sum");
}

TEST_CASE("The bare name of a function is found in what Clang calls it", "[common][log]") {
    CHECK(bare_function_name("int main(int, char **)") == "main");
    CHECK(bare_function_name("const std::string &Program::name()") == "name");
    CHECK(bare_function_name("void (anonymous namespace)::serve(tcp::socket &)") == "serve");
    CHECK(bare_function_name(
              "void (anonymous namespace)::serve((anonymous namespace)::Client &)") == "serve");
    CHECK(bare_function_name("(anonymous namespace)::Client (anonymous namespace)::accept()") ==
          "accept");
    CHECK(bare_function_name("void (anonymous namespace)::Client::read()") == "read");
    CHECK(bare_function_name("auto main()::(anonymous class)::operator()() const") == "main");
    CHECK(bare_function_name("auto main(int, char **)::(lambda at a/b.cpp:3:4)::operator()(int) "
                             "const") == "main");
    CHECK(bare_function_name("auto (anonymous class)::operator()(int) const") == "operator()");
    CHECK(bare_function_name("T largest(T, T) [T = std::function<void (int)>]") == "largest");
    CHECK(bare_function_name("static void Thing<std::pair<int, char>>::run() [T = int]") == "run");
    CHECK(bare_function_name("bool Thing::operator<(int) const") == "operator<");
    CHECK(bare_function_name("std::ostream &operator<<(std::ostream &, Thing)") == "operator<<");
}

TEST_CASE("A name without a signature stays as it is", "[common][log]") {
    CHECK(bare_function_name("") == "");
    CHECK(bare_function_name("main") == "main");
    CHECK(bare_function_name("operator") == "operator");
    CHECK(bare_function_name("serve(") == "serve");
}

TEST_CASE("The compiler at hand names functions as the log expects", "[common][log]") {
    const auto in_lambda = [](int) { return here(); };
    const Thing<std::map<int, char>> thing;
    CHECK(free_function({}, nullptr) == "free_function");
    CHECK(function_template(std::map<int, std::string>{}) == "function_template");
    CHECK(by_reference() == "by_reference");
    CHECK(in_lambda(1) == here());
    CHECK(thing.in_class_template() == "in_class_template");
    CHECK(thing(1) == "operator()");
    CHECK((thing < 1) == "operator<");
    CHECK(std::string{thing}.starts_with("operator "));
}
