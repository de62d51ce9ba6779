// What chat_server is measured against: a chat server as the examples of Boost.Asio have it, where
// each line goes out to each client by a write of its own. It takes no options, has no limits, and
// reports nothing.
#include <boost/asio.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

class Session;
using Room = std::set<std::shared_ptr<Session>>;

class Session : public std::enable_shared_from_this<Session> {
public:
    Session(tcp::socket socket, Room& room)
        : socket_{std::move(socket)}, news_{socket_.get_executor()}, room_{room} {
        news_.expires_at(std::chrono::steady_clock::time_point::max());
    }

    void start() {
        const auto self = shared_from_this();
        room_.insert(self);
        std::cout << "joined " << socket_.remote_endpoint() << std::endl;
        asio::co_spawn(
            socket_.get_executor(), [self] { return self->read_lines(); }, asio::detached);
        asio::co_spawn(
            socket_.get_executor(), [self] { return self->write_lines(); }, asio::detached);
    }

private:
    asio::awaitable<void> read_lines() {
        error_code failure;
        for (std::string text;;) {
            const std::size_t size =
                co_await asio::async_read_until(socket_, asio::dynamic_buffer(text), '\n',
                                                asio::redirect_error(use_awaitable, failure));
            if (failure) co_return stop();
            const std::string line = text.substr(0, size);
            for (const auto& client : room_) {
                if (client.get() != this) client->deliver(line);
            }
            text.erase(0, size);
        }
    }

    void deliver(const std::string& line) {
        lines_.push_back(line);
        news_.cancel_one();
    }

    asio::awaitable<void> write_lines() {
        error_code failure;
        while (socket_.is_open()) {
            if (lines_.empty()) {
                co_await news_.async_wait(asio::redirect_error(use_awaitable, failure));
            } else {
                co_await asio::async_write(socket_, asio::buffer(lines_.front()),
                                           asio::redirect_error(use_awaitable, failure));
                lines_.pop_front();
                if (failure) co_return stop();
            }
        }
    }

    void stop() {
        error_code ignored;
        room_.erase(shared_from_this());
        socket_.close(ignored);
        news_.cancel();
    }

    tcp::socket socket_;
    asio::steady_timer news_;
    Room& room_;
    std::deque<std::string> lines_;
};

asio::awaitable<void> accept_clients(tcp::acceptor acceptor, Room& room) {
    for (;;) {
        tcp::socket socket = co_await acceptor.async_accept(use_awaitable);
        socket.set_option(tcp::no_delay{true});
        std::make_shared<Session>(std::move(socket), room)->start();
    }
}

}  // namespace

int main() {
    asio::io_context io{1};
    Room room;
    tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
    std::cout << "listening on " << acceptor.local_endpoint() << std::endl;
    asio::co_spawn(io, accept_clients(std::move(acceptor), room), asio::detached);
    io.run();
}
