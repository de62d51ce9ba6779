// Time limits for blocking calls. Times that must be over are short here, all others an hour: no
// case depends on how busy the machine is.
#include "forked.hpp"
#include "harness/catch.hpp"
#include "harness/stage.hpp"

#include <wirelab/deadline.hpp>
#include <wirelab/error.hpp>

#include <boost/asio.hpp>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <thread>

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::local::stream_protocol;
using boost::system::error_code;
using wirelab::Deadline;
using wirelab::Seconds;

namespace {

const Seconds hour{3600};
const Seconds moment{0.02};
const error_code interrupted = asio::error::interrupted;
const error_code no_error;

// Two sockets that are connected to each other.
struct Pair {
    Pair() { asio::local::connect_pair(ours, theirs); }

    // Reads what is there, or waits for it.
    error_code read() {
        error_code error;
        std::array<char, 16> data{};
        ours.read_some(asio::buffer(data), error);
        return error;
    }

    void send_to_us() { asio::write(theirs, asio::buffer("bytes", 5)); }

    asio::io_context io;
    stream_protocol::socket ours{io};
    stream_protocol::socket theirs{io};
};

// True if a wait of some length is disturbed, as an alarm of a deadline that is over would do.
bool wait_is_disturbed() {
    return ::poll(nullptr, 0, 40) != 0;
}

}  // namespace

TEST_CASE("A read that takes too long is interrupted and not before", "[common][deadline]") {
    Pair pair;
    const auto start = std::chrono::steady_clock::now();
    error_code error;
    {
        const Deadline deadline{Seconds{0.1}};
        error = pair.read();
    }
    const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - start;
    CHECK(error == interrupted);
    CHECK(wirelab::reason(error) == "timed out");
    CHECK(waited.count() >= 0.1);
}

TEST_CASE("A read that is in time is not disturbed", "[common][deadline]") {
    Pair pair;
    const Deadline deadline{hour};
    pair.send_to_us();
    CHECK(pair.read() == no_error);
    std::thread later{[&pair] { pair.send_to_us(); }};
    CHECK(pair.read() == no_error);
    later.join();
    CHECK(!wait_is_disturbed());
}

TEST_CASE("A limit of zero is none", "[common][deadline]") {
    Pair pair;
    const Deadline deadline{Seconds{0}};
    CHECK(!wait_is_disturbed());
    pair.send_to_us();
    CHECK(pair.read() == no_error);
}

TEST_CASE("The shortest limit is one and the longest is no less than years", "[common][deadline]") {
    Pair pair;
    {
        const Deadline deadline{Seconds{1e-300}};
        CHECK(pair.read() == interrupted);
    }
    const Deadline deadline{Seconds{1e300}};
    CHECK(!wait_is_disturbed());
}

TEST_CASE("A call that begins when time is up returns too", "[common][deadline]") {
    Pair pair;
    const Deadline deadline{Seconds{0.001}};
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{5};
    while (std::chrono::steady_clock::now() < end) continue;
    CHECK(pair.read() == interrupted);
    CHECK(pair.read() == interrupted);
}

TEST_CASE("Bytes that are there are read even when time is up", "[common][deadline]") {
    Pair pair;
    pair.send_to_us();
    const Deadline deadline{moment};
    while (!wait_is_disturbed()) continue;
    CHECK(pair.read() == no_error);
}

TEST_CASE("A deadline that has ended disturbs nothing", "[common][deadline]") {
    Pair pair;
    for (int i = 0; i < 3; ++i) {
        const Deadline deadline{moment};
        CHECK(pair.read() == interrupted);
    }
    CHECK(!wait_is_disturbed());
    { const Deadline unused{moment}; }
    CHECK(!wait_is_disturbed());
}

TEST_CASE("Writing and connecting are bounded as well", "[common][deadline]") {
    Pair pair;
    error_code error;
    {
        const Deadline deadline{moment};
        asio::write(pair.ours, asio::buffer(std::string(8'000'000, 'x')), error);
    }
    CHECK(error == interrupted);

    harness::Stage stage{"common"};
    const auto port = static_cast<std::uint16_t>(std::stoi(stage.silent_port()));
    tcp::socket socket{stage.io()};
    const Deadline deadline{moment};
    socket.connect({asio::ip::address_v4::loopback(), port}, error);
    CHECK(error == interrupted);
}

TEST_CASE("An outer deadline holds inside an inner one and behind it", "[common][deadline]") {
    Pair pair;
    const Deadline outer{moment};
    {
        const Deadline inner{hour};
        CHECK(pair.read() == interrupted);
    }
    CHECK(pair.read() == interrupted);
}

TEST_CASE("An inner deadline leaves the outer one as it is", "[common][deadline]") {
    Pair pair;
    const Deadline outer{hour};
    {
        const Deadline inner{moment};
        CHECK(pair.read() == interrupted);
        const Deadline innermost{Seconds{0}};
        CHECK(pair.read() == interrupted);
    }
    CHECK(!wait_is_disturbed());
    pair.send_to_us();
    CHECK(pair.read() == no_error);
}

TEST_CASE("A deadline is one thread's alone", "[common][deadline]") {
    Pair patient_pair;
    Pair hasty_pair;
    error_code patient;
    error_code hasty;
    std::thread patient_thread{[&] {
        const Deadline deadline{hour};
        patient = patient_pair.read();
    }};
    std::thread hasty_thread{[&] {
        const Deadline deadline{moment};
        hasty = hasty_pair.read();
    }};
    hasty_thread.join();
    CHECK(hasty == interrupted);
    CHECK(!wait_is_disturbed());
    patient_pair.send_to_us();
    patient_thread.join();
    CHECK(patient == no_error);
}

TEST_CASE("Deadlines of two threads fire each in its own", "[common][deadline]") {
    std::array<error_code, 2> errors;
    const auto wait = [](error_code& error) {
        Pair pair;
        const Deadline deadline{moment};
        error = pair.read();
    };
    std::thread first{wait, std::ref(errors[0])};
    std::thread second{wait, std::ref(errors[1])};
    first.join();
    second.join();
    CHECK(errors[0] == interrupted);
    CHECK(errors[1] == interrupted);
}

TEST_CASE("A deadline fires in a thread that blocks signals", "[common][deadline]") {
    error_code error;
    std::thread thread{[&error] {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
        Pair pair;
        const Deadline deadline{moment};
        error = pair.read();
    }};
    thread.join();
    CHECK(error == interrupted);
}

TEST_CASE("A thousand deadlines one after another leave nothing behind", "[common][deadline]") {
    Pair pair;
    for (int i = 0; i < 1000; ++i) {
        const Deadline outer{hour};
        const Deadline inner{hour};
        pair.send_to_us();
        if (pair.read() != no_error) FAIL("read " << i << " was disturbed");
    }
    CHECK(!wait_is_disturbed());
}

TEST_CASE("A system that has no timer left is an error", "[common][deadline]") {
    // Each timer takes one of the signals that a user may have pending.
    const Forked run = run_forked([] {
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_SIGPENDING, &none);
        try {
            const Deadline deadline{hour};
        } catch (const wirelab::Error& error) {
            std::cout << error.what();
        }
        return 0;
    });
    CHECK(run.out == "cannot start a timer: Resource temporarily unavailable");
}

TEST_CASE("A time budget shares out what is left of it", "[common][deadline]") {
    const wirelab::TimeBudget budget{hour};
    CHECK(budget.left().count() <= hour.count());
    CHECK(budget.left().count() > hour.count() - 60);
    CHECK(budget.share(0).count() <= hour.count());
    CHECK(budget.share(4).count() <= hour.count() / 4);
    CHECK(budget.share(4).count() > hour.count() / 4 - 60);
    CHECK(!budget.is_over());
}

TEST_CASE("A time budget that is used up leaves no time but is no lack of a limit",
          "[common][deadline]") {
    const wirelab::TimeBudget budget{Seconds{1e-9}};
    CHECK(!budget.left().is_none());
    CHECK(!budget.share(1000).is_none());
    CHECK(budget.is_over());
    Pair pair;
    const Deadline deadline{budget.share(1000)};
    CHECK(pair.read() == interrupted);
}

TEST_CASE("A time budget without a limit shares out none", "[common][deadline]") {
    const wirelab::TimeBudget budget{Seconds{0}};
    CHECK(budget.left().is_none());
    CHECK(budget.share(3).is_none());
    CHECK(!budget.is_over());
}
