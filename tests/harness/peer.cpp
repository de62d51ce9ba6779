#include "peer.hpp"
#include "process.hpp"

#include <wirelab/endpoint.hpp>

#include <boost/asio.hpp>

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <sstream>

namespace harness {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

namespace {

// An endpoint as /proc/net/tcp and tcp6 print it: the address as 32-bit words in hexadecimal, each
// in the machine's byte order, then the port.
std::string kernel_text(const asio::ip::tcp::endpoint& endpoint) {
    std::string text;
    std::array<char, 16> part;
    const auto add_word = [&](const unsigned char* bytes) {
        std::uint32_t word = 0;
        std::memcpy(&word, bytes, sizeof word);
        std::snprintf(part.data(), part.size(), "%08X", word);
        text += part.data();
    };
    if (endpoint.address().is_v4()) {
        const auto bytes = endpoint.address().to_v4().to_bytes();
        add_word(bytes.data());
    } else {
        const auto bytes = endpoint.address().to_v6().to_bytes();
        for (std::size_t i = 0; i < bytes.size(); i += 4) add_word(bytes.data() + i);
    }
    std::snprintf(part.data(), part.size(), ":%04X", endpoint.port());
    return text + part.data();
}

// Returns how many bytes wait to be read on the socket whose own endpoint is `local`, as the kernel
// tells in /proc/net/tcp, see proc(5); 0 when there is no such socket (any more).
std::size_t bytes_waiting(const asio::ip::tcp::endpoint& local,
                          const asio::ip::tcp::endpoint& remote) {
    const bool v4 = local.address().is_v4();
    std::ifstream table{v4 ? "/proc/self/net/tcp" : "/proc/self/net/tcp6"};
    const std::string wanted_local = kernel_text(local);
    const std::string wanted_remote = kernel_text(remote);
    for (std::string line; std::getline(table, line);) {
        std::istringstream columns{line};
        std::string slot, local_text, remote_text, state, queues;
        columns >> slot >> local_text >> remote_text >> state >> queues;
        if (local_text != wanted_local || remote_text != wanted_remote) continue;
        return std::stoul(queues.substr(queues.find(':') + 1), nullptr, 16);
    }
    return 0;
}

}  // namespace

Peer::Peer(Stage& stage, tcp::socket socket, std::string label)
    : stage_{stage},
      socket_{std::move(socket)},
      local_{socket_.local_endpoint()},
      remote_{socket_.remote_endpoint()},
      endpoint_{wirelab::to_text(local_)},
      label_{std::move(label)} {
    socket_.set_option(tcp::no_delay{true});
    stage_.transcript().add(label_, endpoint_ + " is connected to " + wirelab::to_text(remote_));
    receive_on();
}

void Peer::receive_on() {
    socket_.async_read_some(asio::buffer(buffer_), [this](error_code error, std::size_t size) {
        if (error == asio::error::operation_aborted) return;
        received_.append(buffer_.data(), size);
        if (size > 0) {
            stage_.transcript().add(label_ + " receives", quote({buffer_.data(), size}));
        }
        if (error) {
            ended_ = true;
            reset_ = error != asio::error::eof;
            can_send_ = can_send_ && !reset_;
            stage_.transcript().add(label_, reset_ ? "sees the connection fail: " + error.message()
                                                   : "sees the end of the stream");
            return;
        }
        if (!stalled_) receive_on();
    });
}

void Peer::send(std::string_view bytes) {
    if (!can_send_) return;
    stage_.transcript().add(label_ + " sends", quote(bytes));
    bool done = false;
    error_code failure;
    asio::async_write(socket_, asio::buffer(bytes), [&](error_code error, std::size_t) {
        done = true;
        failure = error;
    });
    if (!stage_.wait_until([&] { return done; })) {
        // The write still uses our locals; ending it here keeps that safe.
        error_code ignored;
        socket_.cancel(ignored);
        stage_.wait_until([&] { return done; });
        stage_.expect(false, "the program reads what " + label_ + " sends",
                      "it has stopped reading, and " + label_ + " can send no more");
    }
    if (failure) {
        // Behind a failed write Asio's reactor would wait for an event that never comes.
        can_send_ = false;
        stage_.transcript().add(label_, "can't send: " + failure.message());
    }
}

void Peer::send_in_pieces(const std::vector<std::string>& pieces) {
    for (const std::string& piece : pieces) {
        send(piece);
        wait_until_read();
    }
}

void Peer::send_byte_by_byte(std::string_view bytes) {
    for (const char byte : bytes) {
        send({&byte, 1});
        wait_until_read();
    }
}

bool Peer::trickle(std::string_view bytes, double timeout) {
    const double pause = 1.5 * timeout / static_cast<double>(bytes.size());
    std::chrono::duration<double> longest{0};
    for (const char byte : bytes) {
        const auto before = Clock::now();
        send({&byte, 1});
        stage_.pass_time(pause);
        longest = std::max<std::chrono::duration<double>>(longest, Clock::now() - before);
    }
    return longest.count() < 0.8 * timeout;
}

bool Peer::program_has_read_all() {
    // It may have ended its sending direction and go on reading.
    return reset_ || bytes_waiting(remote_, local_) == 0;
}

void Peer::wait_until_read() {
    // The kernel does not tell when a queue becomes empty, so this looks again and again.
    asio::steady_timer look_again{stage_.io()};
    std::function<void()> wake = [&] {
        look_again.expires_after(milliseconds{1});
        look_again.async_wait([&](error_code error) {
            if (!error) wake();
        });
    };
    wake();
    const bool read = stage_.wait_until([this] { return program_has_read_all(); });
    look_again.cancel();
    stage_.io().poll();
    stage_.expect(read, "the program reads what " + label_ + " has sent",
                  "the bytes still wait in its socket");
}

void Peer::shut_down_sending() {
    stage_.transcript().add(label_, "ends its sending direction");
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void Peer::close() {
    stage_.transcript().add(label_, "closes the connection");
    error_code ignored;
    socket_.close(ignored);
    ended_ = true;
}

void Peer::reset() {
    stage_.transcript().add(label_, "resets the connection");
    error_code ignored;
    socket_.set_option(asio::socket_base::linger{true, 0}, ignored);
    socket_.close(ignored);
    ended_ = true;
}

void Peer::stall() {
    stage_.transcript().add(label_, "stops receiving");
    stalled_ = true;
    error_code ignored;
    socket_.cancel(ignored);
}

void Peer::resume() {
    stage_.io().poll();  // the end of the read that stall() has cancelled
    stage_.transcript().add(label_, "receives again");
    stalled_ = false;
    receive_on();
}

void Peer::expect_received(std::string_view bytes, std::string_view cause) {
    const auto rest = [this] { return std::string_view{received_}.substr(expected_); };
    stage_.wait_until([&] { return ended_ || rest().size() >= bytes.size(); });
    const bool equal = rest().substr(0, bytes.size()) == bytes;
    stage_.expect(equal, label_ + " receives " + quote(bytes), "it received " + quote(rest()),
                  cause);
    expected_ += bytes.size();
}

std::string Peer::receive_to_end(std::string_view cause) {
    const bool end = stage_.wait_until([this] { return ended_; });
    stage_.expect(end, "the program closes the connection of " + label_, "it stays open", cause);
    std::string rest = received_.substr(expected_);
    expected_ = received_.size();
    return rest;
}

void Peer::expect_end(std::string_view cause) {
    const std::string rest = receive_to_end(cause);
    stage_.expect(!reset_, "the program closes the connection of " + label_ + " in good order",
                  "the connection was reset", cause);
    stage_.expect(rest.empty(), label_ + " receives nothing more", quote(rest), cause);
}

Listener::Listener(Stage& stage, const tcp::endpoint& endpoint)
    : stage_{stage}, acceptor_{stage.io(), endpoint} {
    stage_.transcript().add("test", "listens on " + this->endpoint());
}

Peer& Listener::accept(std::string_view cause) {
    bool done = false;
    tcp::socket socket{stage_.io()};
    acceptor_.async_accept(socket, [&done](error_code error) { done = !error; });
    stage_.wait_until([&] { return done || stage_.programs_ended(); });
    if (!done) stage_.io().poll();
    if (!done) {
        error_code ignored;
        acceptor_.cancel(ignored);
        stage_.io().poll();
    }
    stage_.expect(done, "a connection to " + endpoint(), "none came", cause);
    return stage_.peers_.emplace_back(stage_, std::move(socket), stage_.next_peer());
}

bool Listener::has_visitor() {
    pollfd queue{.fd = acceptor_.native_handle(), .events = POLLIN, .revents = 0};
    return ::poll(&queue, 1, 0) > 0;
}

std::string Listener::port() const {
    return std::to_string(acceptor_.local_endpoint().port());
}

std::string Listener::endpoint() const {
    return wirelab::to_text(acceptor_.local_endpoint());
}

}  // namespace harness
