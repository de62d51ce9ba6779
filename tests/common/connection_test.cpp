// Connecting, listening, accepting, reading and writing in full.
#include "forked.hpp"
#include "harness/catch.hpp"
#include "harness/stage.hpp"

#include <wirelab/connection.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/error.hpp>
#include <wirelab/program.hpp>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <climits>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

using namespace wirelab;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

const Seconds minute{60};
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
};

// Returns what an error says; empty if there is none.
template <typename Body>
std::string failure(Body body) {
    try {
        body();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

// Returns the first line that listen() prints.
std::string readiness_line(const tcp::endpoint& endpoint) {
    return run_forked([&] {
               asio::io_context io;
               const auto acceptor = wirelab::listen(io, endpoint);
               std::cout << acceptor.local_endpoint().port() << std::endl;
               return 0;
           })
        .out;
}

}  // namespace

TEST_CASE("Listening prints the real endpoint", "[common][connection]") {
    const std::string text = readiness_line({asio::ip::address_v4::loopback(), 0});
    const std::string port = text.substr(text.find('\n') + 1);
    CHECK(text == "listening on 127.0.0.1:" + port.substr(0, port.size() - 1) + "\n" + port);
}

TEST_CASE("Listening on a port in use fails with the endpoint and the reason",
          "[common][connection]") {
    asio::io_context io;
    const tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
    const tcp::endpoint endpoint = acceptor.local_endpoint();
    CHECK(failure([&] { wirelab::listen(io, endpoint); }) ==
          "cannot listen on " + to_text(endpoint) + ": Address already in use");
}

TEST_CASE("A client connects and is accepted under its own endpoint", "[common][connection]") {
    asio::io_context io;
    tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
    const Port port{acceptor.local_endpoint().port()};
    tcp::socket client = wirelab::connect(io, "127.0.0.1", port, minute);
    tcp::endpoint peer;
    const tcp::socket server = wirelab::accept(acceptor, peer);
    CHECK(peer == client.local_endpoint());
    CHECK(server.remote_endpoint() == peer);
}

TEST_CASE("A refused connection names host and port as the user did", "[common][connection]") {
    harness::Stage stage{"none"};
    const auto port = static_cast<std::uint16_t>(std::stoi(stage.refusing_port()));
    asio::io_context io;
    CHECK(failure([&] { wirelab::connect(io, "127.0.0.1", Port{port}, minute); }) ==
          "cannot connect to 127.0.0.1:" + std::to_string(port) + ": Connection refused");
}

TEST_CASE("Connecting to a silent host times out", "[common][connection]") {
    harness::Stage stage{"none"};
    const auto port = static_cast<std::uint16_t>(std::stoi(stage.silent_port()));
    asio::io_context io;
    CHECK(failure([&] { wirelab::connect(io, "127.0.0.1", Port{port}, moment); }) ==
          "cannot connect to 127.0.0.1:" + std::to_string(port) + ": timed out");
}

TEST_CASE("What is no address at all can't be looked up", "[common][connection]") {
    asio::io_context io;
    const std::string text = failure([&] { wirelab::connect(io, "::1::", Port{1}, minute); });
    CHECK(text.starts_with("cannot look up ::1::: "));
}

TEST_CASE("All bytes are written whatever the other side takes at once", "[common][connection]") {
    Pair pair;
    std::string bytes;
    for (std::size_t i = 0; i < 5'000'000; ++i) bytes += static_cast<char>(i * i >> 8);
    std::string received;
    std::thread reader{[&] {
        boost::system::error_code error;
        asio::read(pair.theirs, asio::dynamic_buffer(received), error);
    }};
    write_all(pair.ours, asio::buffer(bytes), minute);
    pair.ours.close();
    reader.join();
    CHECK((received == bytes));
}

TEST_CASE("Writing to a peer that takes nothing times out", "[common][connection]") {
    Pair pair;
    const std::string bytes(100'000'000, 'x');
    CHECK(failure([&] { write_all(pair.ours, asio::buffer(bytes), moment); }) == "timed out");
}

TEST_CASE("Reading in full puts the pieces together", "[common][connection]") {
    Pair pair;
    std::thread writer{[&] {
        for (const char byte : std::string{"abcdef"})
            asio::write(pair.theirs, asio::buffer(&byte, 1));
    }};
    std::array<char, 4> buffer{};
    CHECK(read_full(pair.ours, asio::buffer(buffer), minute) == 4);
    CHECK(std::string(buffer.data(), 4) == "abcd");
    writer.join();
    pair.theirs.close();
    CHECK(read_full(pair.ours, asio::buffer(buffer), minute) == 2);
    CHECK(std::string(buffer.data(), 2) == "ef");
    CHECK(read_full(pair.ours, asio::buffer(buffer), minute) == 0);
    CHECK(read_full(pair.ours, asio::mutable_buffer{}, minute) == 0);
}

TEST_CASE("Reading in full from a silent or a broken peer fails", "[common][connection]") {
    Pair pair;
    std::array<char, 4> buffer{};
    asio::write(pair.theirs, asio::buffer("abc", 3));
    CHECK(failure([&] { read_full(pair.ours, asio::buffer(buffer), moment); }) == "timed out");
    pair.theirs.set_option(tcp::socket::linger{true, 0});
    pair.theirs.close();
    CHECK(failure([&] { read_full(pair.ours, asio::buffer(buffer), minute); }) ==
          "Connection reset by peer");
}

TEST_CASE("Draining ends with the stream or when time is up", "[common][connection]") {
    Pair pair;
    asio::write(pair.theirs, asio::buffer(std::string(100'000, 'x')));
    drain(pair.ours, moment);
    asio::write(pair.theirs, asio::buffer("y", 1));
    pair.theirs.close();
    drain(pair.ours, Seconds{0});
    std::array<char, 1> buffer{};
    CHECK(read_full(pair.ours, asio::buffer(buffer), minute) == 0);
}

TEST_CASE("Draining ends when time is up, though there is more", "[common][connection]") {
    Pair pair;
    asio::write(pair.theirs, asio::buffer(std::string(100'000, 'x')));
    drain(pair.ours, Seconds{1e-9});
    CHECK(pair.ours.available() > 0);
}

TEST_CASE("An end needs no timer of the system's", "[common][connection]") {
    const Forked run = run_forked([] {
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_SIGPENDING, &none);
        Pair pair;
        end(pair.ours, moment);
        return 0;
    });
    CHECK(run.status == 0);
}

TEST_CASE("A file is sent part by part up to its end", "[common][connection]") {
    const harness::Stage stage{"none"};
    stage.write_file("file", "all of it");
    const InputFile file{stage.path("file")};
    CHECK(file.size() == 9);
    Pair pair;
    CHECK(send_part(pair.ours, file, 4, minute) == 4);
    CHECK(send_part(pair.ours, file, 100, minute) == 5);
    CHECK(send_part(pair.ours, file, 100, minute) == 0);
    std::array<char, 9> received{};
    CHECK(read_full(pair.theirs, asio::buffer(received), minute) == 9);
    CHECK(std::string(received.data(), 9) == "all of it");
}

TEST_CASE("Sending a file to a peer that takes nothing times out", "[common][connection]") {
    const harness::Stage stage{"none"};
    stage.write_file("file", "");
    std::filesystem::resize_file(stage.path("file"), 1'000'000'000);
    const InputFile file{stage.path("file")};
    Pair pair;
    std::string text;
    while (text.empty()) text = failure([&] { send_part(pair.ours, file, 1 << 20, moment); });
    CHECK(text == "timed out");
}

TEST_CASE("Trouble of accept is reported once in a row", "[common][connection]") {
    const Forked run = run_forked([] {
        const wirelab::Program program{"prog", "Tries something."};
        AcceptTrouble trouble;
        const boost::system::error_code full = asio::error::no_descriptors;
        const bool right = !trouble.is_there({}) && trouble.is_there(full) &&
                           trouble.is_there(full) && trouble.wait_out(full) &&
                           !trouble.wait_out({}) && trouble.is_there(full);
        return right ? 0 : 1;
    });
    const std::string line = "prog: cannot accept a client: Too many open files\n";
    CHECK(run.err == line + line);
    CHECK(run.status == 0);
}

TEST_CASE("Waiting out trouble of accept takes its pause", "[common][connection]") {
    const Forked run = run_forked([] {
        AcceptTrouble trouble;
        const auto start = std::chrono::steady_clock::now();
        trouble.wait_out(asio::error::no_descriptors);
        return std::chrono::steady_clock::now() - start < AcceptTrouble::pause ? 1 : 0;
    });
    CHECK(run.status == 0);
}

TEST_CASE("A connection whose peer takes nothing is given up", "[common][connection]") {
    Pair pair;
    give_up_after(pair.ours, moment);
    const std::string bytes(100'000'000, 'x');
    boost::system::error_code error;
    asio::write(pair.ours, asio::buffer(bytes), error);
    CHECK(error == asio::error::timed_out);
}

TEST_CASE("A limit of 0 leaves it to the system when a connection is given up",
          "[common][connection]") {
    for (const auto& [seconds, milliseconds] :
         {std::pair{0.0, 0}, std::pair{0.0001, 1}, std::pair{1.5, 1500}, std::pair{1e9, INT_MAX}}) {
        Pair pair;
        give_up_after(pair.ours, Seconds{seconds});
        int value = -1;
        socklen_t size = sizeof value;
        ::getsockopt(pair.ours.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &size);
        CAPTURE(seconds);
        CHECK(value == milliseconds);
    }
}

TEST_CASE("A program is allowed as many files as its user may have", "[common][connection]") {
    const Forked run = run_forked([] {
        rlimit files{};
        ::getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = 20;
        ::setrlimit(RLIMIT_NOFILE, &files);
        allow_many_connections();
        ::getrlimit(RLIMIT_NOFILE, &files);
        return files.rlim_cur == files.rlim_max ? 0 : 1;
    });
    CHECK(run.status == 0);
}
