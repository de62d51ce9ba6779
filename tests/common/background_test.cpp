// A second thread of a program, and how it fails.
#include "forked.hpp"
#include "harness/catch.hpp"

#include <wirelab/background.hpp>
#include <wirelab/error.hpp>
#include <wirelab/program.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <string>

using wirelab::Background;

namespace {

// Runs a program whose main thread waits for ever while a background job fails.
Forked run_with_failing_job(const std::function<void()>& job) {
    return run_forked([&job] {
        std::string name = "prog";
        char* words[] = {name.data(), nullptr};
        wirelab::Program program{name, "Tries something."};
        return program.run(1, words, [&job] {
            std::promise<void> never;
            const Background background{job, [] {}};
            never.get_future().wait();
        });
    });
}

}  // namespace

TEST_CASE("A background job runs beside the rest and is stopped at the end",
          "[common][background]") {
    std::promise<void> started;
    std::promise<void> stop;
    std::atomic<bool> ended = false;
    {
        const Background background{[&] {
                                        started.set_value();
                                        stop.get_future().wait();
                                        ended = true;
                                    },
                                    [&] { stop.set_value(); }};
        started.get_future().wait();  // it runs now, or the test would hang here
        CHECK_FALSE(ended.load());
    }
    CHECK(ended.load());
}

TEST_CASE("A background job that fails ends the program at once with its error",
          "[common][background]") {
    const Forked refused = run_with_failing_job([] {
        throw wirelab::Error{"cannot receive", std::string{"Network is down"}};
    });
    CHECK(refused.err == "prog: cannot receive: Network is down\n");
    CHECK(refused.status == 1);

    const Forked other = run_with_failing_job([] { throw std::runtime_error{"no room"}; });
    CHECK(other.err == "prog: no room\n");
    CHECK(other.status == 1);
}

TEST_CASE("A background job that can't print ends the program with an error",
          "[common][background]") {
    const Forked run = run_with_failing_job([] {
        ::close(STDOUT_FILENO);
        for (;;) std::cout << "lost" << std::endl;
    });
    CHECK(run.err == "prog: cannot write to standard output: Bad file descriptor\n");
    CHECK(run.status == 1);
}

TEST_CASE("A background job that can't be stopped ends the program with an error",
          "[common][background]") {
    const Forked run = run_forked([] {
        wirelab::Program program{"prog", "Tries something."};
        const Background background{[] { std::promise<void>{}.get_future().wait(); },
                                    [] { throw std::runtime_error{"no way to stop"}; }};
        return 0;
    });
    CHECK(run.err == "prog: no way to stop\n");
    CHECK(run.status == 1);
}

TEST_CASE("Of two failures the first is reported", "[common][background]") {
    const Forked run = run_forked([] {
        std::string name = "prog";
        char* words[] = {name.data(), nullptr};
        wirelab::Program program{name, "Tries something."};
        return program.run(1, words, [] {
            static std::promise<void> closed;
            const struct Socket {
                ~Socket() { closed.set_value(); }
            } socket;
            const Background background{[] {
                                            closed.get_future().wait();
                                            throw std::runtime_error{"no socket any more"};
                                        },
                                        [] { throw std::runtime_error{"no way to stop"}; }};
            throw std::runtime_error{"no way to go on"};
        });
    });
    CHECK(run.err == "prog: no way to go on\n");
    CHECK(run.status == 1);
}

TEST_CASE("A job in a thread that nobody waits for runs beside the rest", "[common][background]") {
    static std::promise<void> done;  // a thread that comes late still finds it
    wirelab::run_in_thread([] { done.set_value(); });
    const auto seen = done.get_future().wait_for(std::chrono::seconds{60});
    CHECK((seen == std::future_status::ready));
}

TEST_CASE("A job that fails in a thread that nobody waits for ends the program",
          "[common][background]") {
    const Forked run = run_forked([] {
        const wirelab::Program program{"prog", "Tries something."};
        wirelab::run_in_thread([] { throw std::runtime_error{"no room"}; });
        std::promise<void>{}.get_future().wait();
        return 0;
    });
    CHECK(run.err == "prog: no room\n");
    CHECK(run.status == 1);
}

TEST_CASE("A program may end while a thread runs that nobody waits for", "[common][background]") {
    const Forked run = run_forked([] {
        wirelab::run_in_thread([] { std::promise<void>{}.get_future().wait(); });
        return 7;
    });
    CHECK(run.status == 7);
}
