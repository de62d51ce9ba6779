// What programs need that do several things at once by coroutines.
#include "forked.hpp"
#include "harness/catch.hpp"

#include <wirelab/coroutine.hpp>
#include <wirelab/program.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>

namespace asio = boost::asio;

namespace {

// Runs a program whose only coroutine this is.
Forked run_coroutine(const std::function<asio::awaitable<void>()>& body) {
    return run_forked([&body] {
        std::string name = "prog";
        char* words[] = {name.data(), nullptr};
        wirelab::Program program{name, "Tries something."};
        return program.run(1, words, [&body] {
            asio::io_context io;
            asio::co_spawn(io, body(), wirelab::fail_loudly);
            io.run();
        });
    });
}

// Prints each line that is typed, and how it ends.
asio::awaitable<void> echo() {
    wirelab::TypedLines typed;
    while (const auto line = co_await typed.next()) std::cout << "<" << *line << ">\n";
    std::cout << "end" << std::endl;
}

// Lets stdin have this to be read. More than a pipe holds would need a thread.
void type(const std::string& text) {
    int ends[2];
    if (::pipe(ends) != 0) return;
    if (::write(ends[1], text.data(), text.size()) < 0) return;
    ::close(ends[1]);
    ::dup2(ends[0], STDIN_FILENO);
}

std::string echo_of(const std::string& text) {
    return run_coroutine([&text] {
               type(text);
               return echo();
           })
        .out;
}

}  // namespace

TEST_CASE("A failure of a coroutine ends the program with its error", "[common][coroutine]") {
    const Forked run = run_coroutine([]() -> asio::awaitable<void> {
        throw std::runtime_error{"no room"};
        co_return;
    });
    CHECK(run.err == "prog: no room\n");
    CHECK(run.status == 1);
}

TEST_CASE("Typed lines come one by one without their ends", "[common][coroutine]") {
    CHECK(echo_of("one\ntwo\n") == "<one>\n<two>\nend\n");
    CHECK(echo_of("\n\r\na b\n") == "<>\n<\r>\n<a b>\nend\n");
    CHECK(echo_of(std::string{"a\0b\n", 4}) == std::string{"<a\0b>\nend\n", 10});
    const std::string line(50000, 'x');
    CHECK(echo_of(line + "\nnext\n") == "<" + line + ">\n<next>\nend\n");
}

TEST_CASE("The last typed line may lack its end", "[common][coroutine]") {
    CHECK(echo_of("one\ntwo") == "<one>\n<two>\nend\n");
    CHECK(echo_of("") == "end\n");
}

TEST_CASE("An input that can't be read ends the program with an error", "[common][coroutine]") {
    const Forked run = run_coroutine([] {
        ::dup2(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), STDIN_FILENO);
        return echo();
    });
    CHECK(run.out.empty());
    CHECK(run.err == "prog: cannot read standard input: Is a directory\n");
    CHECK(run.status == 1);
}

TEST_CASE("A program may end while its typed lines are waited for", "[common][coroutine]") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const Forked run = run_forked([&ends] {
        ::dup2(ends[0], STDIN_FILENO);
        asio::io_context io;
        asio::co_spawn(io, echo(), wirelab::fail_loudly);
        io.poll();
        return 7;
    });
    ::close(ends[0]);
    ::close(ends[1]);
    CHECK(run.status == 7);
}

TEST_CASE("A coroutine waits out trouble of accept while others go on", "[common][coroutine]") {
    const Forked run = run_coroutine([]() -> asio::awaitable<void> {
        wirelab::AcceptTrouble trouble;
        for (int i = 0; i < 3; ++i) {
            if (!co_await wirelab::wait_out(trouble, asio::error::no_descriptors)) co_return;
        }
        if (!co_await wirelab::wait_out(trouble, {})) std::cout << "better" << std::endl;
    });
    CHECK(run.out == "better\n");
    CHECK(run.err == "prog: cannot accept a client: Too many open files\n");
    CHECK(run.status == 0);
}
