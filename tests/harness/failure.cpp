#include "failure.hpp"
// Makes Catch2 2.13 show its base class of listeners here.
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include "catch.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <map>
#include <regex>
#include <utility>

namespace harness {

namespace {

bool captured = false;         // failures are thrown, not told to Catch2
bool in_forked_child = false;  // where Catch2 has no reporter

std::string current_tags;
bool hung = false;                       // the running test case
std::map<std::string, int> hung_before;  // how many before it, of each program

// Catch2 tells its listeners the tags of a test case; the test case itself can't ask for them.
#if __has_include(<catch2/catch_all.hpp>)
using Listener = Catch::EventListenerBase;
#else
using Listener = Catch::TestEventListenerBase;
#endif

// The tag of the program that the running test case judges: neither a lab's, nor a step or points.
std::string current_program() {
    static const std::regex program{R"(\[([^\]:0-9][^\]:]*)\])"};
    std::smatch tag;
    return std::regex_search(current_tags, tag, program) ? tag[1].str() : "";
}

struct TagsListener : Listener {
    using Listener::Listener;
    void testCaseStarting(const Catch::TestCaseInfo& info) override {
        if (std::exchange(hung, false)) ++hung_before[current_program()];
        current_tags = info.tagsAsString();
    }
};

CATCH_REGISTER_LISTENER(TagsListener)

struct Failure {
    std::string report;
};

struct Skip {
    std::string reason;
};

enum ChildStatus { passed = 0, failed = 1, skipped = 2 };
constexpr int hung_flag = 4;  // added to one of these

bool bring_up_loopback() {
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    const bool up = ::ioctl(socket, SIOCSIFFLAGS, &request) == 0;
    ::close(socket);
    return up;
}

// An ordinary user may make a network namespace inside a user namespace in which it is root.
bool enter_private_network() {
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    if (::unshare(user == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
    if (user != 0) {
        std::ofstream{"/proc/self/setgroups"} << "deny";
        std::ofstream{"/proc/self/uid_map"} << "0 " << user << " 1";
        std::ofstream{"/proc/self/gid_map"} << "0 " << group << " 1";
    }
    return bring_up_loopback();
}

ChildStatus run_in_child(const std::function<void()>& body, std::string& report) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    in_forked_child = true;
    try {
        if (!enter_private_network()) skip("this machine allows no network namespaces");
        report = failure_of(body);
        return report.empty() ? passed : failed;
    } catch (const Skip& skip) {
        report = skip.reason;
        return skipped;
    } catch (const std::exception& error) {
        report = std::string{"the test itself failed: "} + error.what();
    } catch (...) {
        // Nothing may get out: the child would go on to run the other test cases, too.
        report = "the test itself failed: here it can't use Catch2's assertions";
    }
    return failed;
}

std::string read_to_end(int file) {
    std::string text;
    std::array<char, 4096> part;
    for (;;) {
        const ssize_t size = ::read(file, part.data(), part.size());
        if (size <= 0) return text;
        text.append(part.data(), static_cast<std::size_t>(size));
    }
}

}  // namespace

int current_step() {
    const auto tag = current_tags.find("[step:");
    return tag == std::string::npos ? 0 : std::atoi(current_tags.c_str() + tag + 6);
}

void note_hang() {
    hung = current_step() > 0;  // in a lab's tests, where a student waits
}

int hung_test_cases() {
    return hung_before[current_program()];
}

void fail(const std::string& text) {
    if (captured) throw Failure{text};
    FAIL(text);
    std::abort();  // not reached: FAIL throws
}

bool Attempts::another() {
    constexpr int most = 20;
    if (++count_ <= most) return true;
    if (hung) fail("the program has let the test wait in vain, " + std::to_string(most) + " times");
    skip("this machine is too busy for the pauses of this test case");
    return false;
}

void skip(const std::string& reason) {
    if (in_forked_child) throw Skip{reason};
#ifdef SKIP
    SKIP(reason);  // Catch2 since 3.3
#else
    WARN("SKIPPED: " + reason);  // what ctest and the verdict recognise
#endif
}

std::string failure_of(const std::function<void()>& body) {
    struct Capture {
        ~Capture() { captured = before; }
        bool before = std::exchange(captured, true);
    };
    try {
        const Capture until_the_end;
        body();
    } catch (const Failure& failure) {
        return failure.report;
    }
    return "";
}

void in_private_network(const std::function<void()>& body) {
    int report_pipe[2];
    if (::pipe2(report_pipe, O_CLOEXEC) != 0) fail("the test can't make a pipe");
    const pid_t child = ::fork();
    if (child == 0) {
        std::string report;
        const ChildStatus status = run_in_child(body, report);
        static_cast<void>(!::write(report_pipe[1], report.data(), report.size()));
        ::_exit(status | (hung ? hung_flag
                               : 0));  // nothing of the parent's is to be flushed or destroyed here
    }
    ::close(report_pipe[1]);
    if (child < 0) fail("the test can't start a process");
    const std::string report = read_to_end(report_pipe[0]);
    ::close(report_pipe[0]);
    int status = 0;
    ::waitpid(child, &status, 0);

    const int outcome = WIFEXITED(status) ? WEXITSTATUS(status) : failed;
    if ((outcome & hung_flag) != 0) note_hang();
    if ((outcome & ~hung_flag) == skipped) return skip(report);
    if (!report.empty()) fail(report);
    const bool passed_in_child = (outcome & ~hung_flag) == passed;
    REQUIRE(passed_in_child);
}

}  // namespace harness
