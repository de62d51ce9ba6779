// Accepting, sending files and closing, in coroutines.
#include "forked.hpp"
#include "harness/catch.hpp"
#include "harness/stage.hpp"

#include <wirelab/async_connection.hpp>
#include <wirelab/error.hpp>
#include <wirelab/files.hpp>

#include <boost/asio.hpp>

#include <sys/resource.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

using namespace wirelab;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// Two ends of a connection.
struct Pair {
    Pair() {
        tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
        theirs.connect(acceptor.local_endpoint());
        ours = acceptor.accept();
    }

    asio::io_context io;
    tcp::socket ours{io};
    tcp::socket theirs{io};
};

void rethrow(std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
}

std::string failure(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

// Takes all descriptors that the process may still have.
std::vector<int> take_all_descriptors() {
    const rlimit few{.rlim_cur = 32, .rlim_max = 32};
    ::setrlimit(RLIMIT_NOFILE, &few);
    std::vector<int> taken;
    for (int file = ::dup(0); file >= 0; file = ::dup(0)) taken.push_back(file);
    return taken;
}

}  // namespace

TEST_CASE("A client is accepted in a coroutine", "[common][async_connection]") {
    asio::io_context io;
    tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
    tcp::socket client{io};
    client.connect(acceptor.local_endpoint());
    tcp::endpoint peer;
    std::optional<tcp::socket> accepted;
    const auto accept = [&]() -> asio::awaitable<void> {
        accepted = co_await async_accept(acceptor, peer);
    };
    asio::co_spawn(io, accept(), rethrow);
    io.run();
    REQUIRE(accepted);
    CHECK(peer == client.local_endpoint());
    CHECK(accepted->remote_endpoint() == peer);
}

TEST_CASE("Without a descriptor accepting waits and says so once", "[common][async_connection]") {
    const Forked run = run_forked([] {
        asio::io_context io;
        tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
        tcp::socket client{io};
        client.connect(acceptor.local_endpoint());
        asio::steady_timer timer{io, std::chrono::milliseconds{250}};
        const std::vector<int> taken = take_all_descriptors();
        timer.async_wait([&](auto) { ::close(taken.back()); });
        tcp::endpoint peer;
        bool has_accepted = false;
        const auto accept = [&]() -> asio::awaitable<void> {
            const tcp::socket accepted = co_await async_accept(acceptor, peer);
            has_accepted = accepted.is_open();
        };
        asio::co_spawn(io, accept(), rethrow);
        const std::size_t steps = io.run();
        // It tries ten times a second: more steps than that would be a busy loop.
        return has_accepted && steps < 30 ? 0 : 1;
    });
    CHECK(run.status == 0);
    CHECK(run.err == ": cannot accept a client: Too many open files\n");
}

TEST_CASE("Of a file goes out what there is room for", "[common][async_connection]") {
    const harness::Stage stage{"none"};
    stage.write_file("file", "0123456789");
    std::filesystem::resize_file(stage.path("file"), 100'000'000);
    const InputFile file{stage.path("file")};
    Pair pair;

    CHECK(send_now(pair.ours, file.descriptor(), 2, 3) == 3);
    std::string text(3, ' ');
    asio::read(pair.theirs, asio::buffer(text));
    CHECK(text == "234");

    std::uint64_t sent = 0;
    while (const std::size_t size =
               send_now(pair.ours, file.descriptor(), sent, 100'000'000 - sent)) {
        sent += size;
        REQUIRE(sent < 100'000'000);
    }
    CHECK(sent > 0);
}

TEST_CASE("What a file does not have can not be sent", "[common][async_connection]") {
    const harness::Stage stage{"none"};
    stage.write_file("file", "0123456789");
    const InputFile file{stage.path("file")};
    Pair pair;
    CHECK(send_now(pair.ours, file.descriptor(), 8, 5) == 2);
    CHECK(failure([&] { send_now(pair.ours, file.descriptor(), 10, 3); }) ==
          "the file has become shorter");
    pair.ours.shutdown(tcp::socket::shutdown_send);
    CHECK(failure([&] { send_now(pair.ours, file.descriptor(), 0, 3); }) == "Broken pipe");
}

TEST_CASE("An end is gentle to what the peer still sends", "[common][async_connection]") {
    Pair pair;
    asio::write(pair.theirs, asio::buffer(std::string(100'000, 'x')));
    asio::write(pair.ours, asio::buffer("bye", 3));
    asio::co_spawn(pair.io, async_end(pair.ours, Seconds{60}), rethrow);
    pair.io.poll();
    asio::write(pair.theirs, asio::buffer("more", 4));
    pair.theirs.shutdown(tcp::socket::shutdown_send);
    pair.io.run();
    pair.ours.close();

    std::string text;
    boost::system::error_code error;
    asio::read(pair.theirs, asio::dynamic_buffer(text), error);
    CHECK(text == "bye");
    CHECK(error == asio::error::eof);
}

TEST_CASE("An end does not read on when time is up, though there is something to read",
          "[common][async_connection]") {
    Pair pair;
    asio::write(pair.theirs, asio::buffer(std::string(100'000, 'x')));
    asio::co_spawn(pair.io, async_end(pair.ours, Seconds{1e-9}), rethrow);
    pair.io.run();
    CHECK(pair.ours.available() > 0);
}

TEST_CASE("An end does not wait for ever", "[common][async_connection]") {
    Pair pair;
    bool has_ended = false;
    asio::co_spawn(pair.io, async_end(pair.ours, Seconds{0.05}),
                   [&](std::exception_ptr) { has_ended = true; });
    pair.io.run();
    CHECK(has_ended);
}
