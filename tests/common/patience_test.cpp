// Time limits for coroutines that wait for a peer.
#include "harness/catch.hpp"

#include <wirelab/patience.hpp>

#include <boost/asio.hpp>

#include <array>
#include <chrono>
#include <memory>

using namespace wirelab;
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

const Seconds moment{0.05};

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
    std::array<char, 10> buffer{};
};

}  // namespace

TEST_CASE("A wait that takes too long has timed out", "[common][patience]") {
    Pair pair;
    auto patience = std::make_unique<Patience>(pair.ours, moment);
    patience->begin();
    error_code result;
    pair.ours.async_read_some(asio::buffer(pair.buffer), [&](const error_code& error, std::size_t) {
        result = patience->verdict(error);
        patience.reset();
    });
    pair.io.run();
    CHECK(result == asio::error::timed_out);
}

TEST_CASE("A wait that begins too late has timed out as well", "[common][patience]") {
    Pair pair;
    auto patience = std::make_unique<Patience>(pair.ours, moment);
    patience->begin();
    error_code result;
    asio::steady_timer timer{pair.io, std::chrono::milliseconds{120}};
    timer.async_wait([&](const error_code&) {
        pair.ours.async_read_some(asio::buffer(pair.buffer),
                                  [&](const error_code& error, std::size_t) {
                                      result = patience->verdict(error);
                                      patience.reset();
                                  });
    });
    pair.io.run();
    CHECK(result == asio::error::timed_out);
}

TEST_CASE("Each wait has all of the time", "[common][patience]") {
    Pair pair;
    auto patience = std::make_unique<Patience>(pair.ours, Seconds{0.3});
    patience->begin();
    const auto begin = std::chrono::steady_clock::now();
    error_code result;
    asio::steady_timer timer{pair.io, std::chrono::milliseconds{150}};
    timer.async_wait([&](const error_code&) { patience->begin(); });
    pair.ours.async_read_some(asio::buffer(pair.buffer), [&](const error_code& error, std::size_t) {
        result = patience->verdict(error);
        patience.reset();
    });
    pair.io.run();
    CHECK(result == asio::error::timed_out);
    CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds{450});
}

TEST_CASE("A wait is over when its time is up", "[common][patience]") {
    Pair pair;
    Patience patience{pair.ours, moment};
    CHECK(!patience.is_over());
    patience.begin();
    CHECK(!patience.is_over());
    pair.io.run_for(std::chrono::milliseconds{100});
    CHECK(patience.is_over());
    patience.begin();
    CHECK(!patience.is_over());
    Patience endless{pair.ours, Seconds{0}};
    endless.begin();
    CHECK(!endless.is_over());
}

TEST_CASE("Another error is what it is", "[common][patience]") {
    Pair pair;
    auto patience = std::make_unique<Patience>(pair.ours, Seconds{60});
    patience->begin();
    error_code result;
    pair.theirs.close();
    pair.ours.async_read_some(asio::buffer(pair.buffer), [&](const error_code& error, std::size_t) {
        result = patience->verdict(error);
        patience.reset();
    });
    pair.io.run();
    CHECK(result == asio::error::eof);
}

TEST_CASE("Between two waits nothing is cancelled", "[common][patience]") {
    Pair pair;
    Patience patience{pair.ours, moment};
    patience.begin();
    patience.end();
    bool has_read = false;
    pair.ours.async_read_some(asio::buffer(pair.buffer),
                              [&](const error_code&, std::size_t) { has_read = true; });
    pair.io.run_for(std::chrono::milliseconds{200});
    CHECK(!has_read);
    patience.begin();
    pair.io.run_for(std::chrono::milliseconds{1000});
    CHECK(has_read);
}

TEST_CASE("No limit is no timer", "[common][patience]") {
    Pair pair;
    Patience patience{pair.ours, Seconds{0}};
    patience.begin();
    CHECK(pair.io.run() == 0);
}

TEST_CASE("A patience that ends leaves its socket alone", "[common][patience]") {
    Pair pair;
    {
        Patience patience{pair.ours, moment};
        patience.begin();
    }
    bool has_read = false;
    pair.ours.async_read_some(asio::buffer(pair.buffer),
                              [&](const error_code&, std::size_t) { has_read = true; });
    pair.io.run_for(std::chrono::milliseconds{100});
    CHECK(!has_read);
}
