// What a program still does when it is interrupted.
#include "forked.hpp"
#include "harness/catch.hpp"

#include <wirelab/interrupt.hpp>

#include <csignal>
#include <future>

using wirelab::Interrupt;

namespace {

// Signals go to the whole process, as those of a terminal do.
void interrupt_this_process(int signal) {
    ::kill(::getpid(), signal);
}

}  // namespace

TEST_CASE("An interrupt wakes the program instead of ending it", "[common][interrupt]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        const Forked run = run_forked([signal] {
            std::promise<void> woken;
            const Interrupt interrupt{[&] { woken.set_value(); }};
            if (interrupt.happened()) return 7;
            interrupt_this_process(signal);
            woken.get_future().wait();
            std::cout << "left" << std::endl;
            return interrupt.happened() ? 0 : 8;
        });
        CHECK(run.out == "left\n");
        CHECK(run.status == 0);
    }
}

TEST_CASE("Without an interrupt nothing is called", "[common][interrupt]") {
    const Forked run = run_forked([] {
        bool called = false;
        for (int i = 0; i < 100; ++i) {
            const Interrupt interrupt{[&called] { called = true; }};
        }
        return called ? 1 : 0;
    });
    CHECK(run.status == 0);
}

TEST_CASE("After it signals end the program as before", "[common][interrupt]") {
    const Forked run = run_forked([] {
        {
            const Interrupt interrupt{[] {}};
        }
        std::signal(SIGTERM, SIG_DFL);
        interrupt_this_process(SIGTERM);
        return 1;
    });
    CHECK(run.status == -SIGTERM);
}

TEST_CASE("A program that is stuck is ended by the signal", "[common][interrupt]") {
    for (const int repeats : {1, 2}) {
        const Forked run = run_forked([repeats] {
            std::signal(SIGINT, SIG_DFL);
            std::promise<void> woken;
            const Interrupt interrupt{[&] { woken.set_value(); }};
            interrupt_this_process(SIGINT);
            woken.get_future().wait();
            if (repeats == 2) interrupt_this_process(SIGINT);
            std::promise<void>{}.get_future().wait();  // for ever
            return 0;
        });
        CHECK(run.status == -SIGINT);
    }
}
