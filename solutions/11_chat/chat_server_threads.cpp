// Lab 11, the same server with threads: two for each client, one reads and one writes.
#include <wirelab/background.hpp>
#include <wirelab/chat.hpp>
#include <wirelab/connection.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/program.hpp>

#include <boost/asio.hpp>

#include <condition_variable>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct Client {
    tcp::socket socket;
    std::string backlog = {};  // the lines that it has still to get
    bool is_writing = false;
    bool has_left = false;
    std::string fault = {};             // why it was dropped
    std::condition_variable news = {};  // it has a backlog, or has left

    // Shuts the connection down, which ends its threads. (To close it would take it from them.)
    void drop(const std::string& reason) {
        error_code ignored;
        if (fault.empty()) fault = reason;
        socket.shutdown(tcp::socket::shutdown_both, ignored);
    }
};

// Everybody who chats. The functions come in the order in which they call each other.
class Room {
public:
    explicit Room(const wirelab::ChatOptions& options) : options_{options} {}

    // Accepts clients, for ever.
    void accept_clients(tcp::acceptor acceptor) {
        for (wirelab::AcceptTrouble trouble;;) {
            tcp::endpoint peer;
            error_code error;
            tcp::socket socket = acceptor.accept(peer, error);
            if (trouble.wait_out(error)) continue;
            try {
                const auto client = std::make_shared<Client>(std::move(socket));
                wirelab::run_in_thread([this, client, peer] { serve(client, peer); });
            } catch (const boost::system::system_error& no_thread) {
                wirelab::report(wirelab::to_text(peer) + ": " + wirelab::reason(no_thread.code()));
            }
        }
    }

private:
    // Serves one client, from its coming to its leaving.
    void serve(const std::shared_ptr<Client>& client, const tcp::endpoint& peer) {
        std::unique_lock lock{mutex_};
        clients_.push_back(client);
        std::cout << "joined " << wirelab::to_text(peer) << std::endl;
        lock.unlock();
        try {
            wirelab::run_in_thread([this, client] { write_backlogs(*client); });
            client->socket.set_option(tcp::no_delay{true});
            wirelab::give_up_after(client->socket, options_.timeout);
            relay_lines(*client);
        } catch (const boost::system::system_error& error) {
            lock.lock();
            if (error.code() != asio::error::eof) client->drop(wirelab::fault(error, options_));
        }
        if (!lock) lock.lock();
        // Of two threads that use a broken connection one is told the reason: let the other speak.
        error_code broken;
        client->socket.remote_endpoint(broken);
        if (broken) client->news.wait(lock, [&] { return !client->is_writing; });
        std::erase(clients_, client);
        if (!client->fault.empty()) wirelab::report(wirelab::to_text(peer) + ": " + client->fault);
        std::cout << "left " << wirelab::to_text(peer) << std::endl;
        client->has_left = true;
        client->news.notify_one();
    }

    // Sends what comes from a client to all others, until it leaves.
    void relay_lines(Client& sender) {
        std::string text;
        auto buffer = asio::dynamic_buffer(text, options_.line_space());
        for (;;) {
            asio::read_until(sender.socket, buffer, '\n');
            const std::string_view lines{text.data(), text.rfind('\n') + 1};
            const auto exit = wirelab::find_exit(lines);
            send_to_others(sender, lines.substr(0, exit));
            if (exit < lines.size()) return;
            buffer.consume(lines.size());
        }
    }

    // Sends lines to all but their sender, without waiting for anyone.
    void send_to_others(const Client& sender, std::string_view lines) {
        const std::lock_guard lock{mutex_};
        for (const std::shared_ptr<Client>& client : clients_) {
            if (client.get() == &sender || !client->fault.empty()) continue;
            client->backlog += lines;
            if (client->is_writing && client->backlog.size() > options_.max_backlog) {
                client->drop(wirelab::backlog_fault(options_));
            }
            client->news.notify_one();
        }
    }

    // Writes a client's backlog whenever there is one, until the client has left.
    void write_backlogs(Client& client) {
        std::string lines;
        error_code error;
        std::unique_lock lock{mutex_};
        while (!error) {
            client.news.wait(lock, [&] { return !client.backlog.empty() || client.has_left; });
            if (client.backlog.empty()) return;
            lines = std::exchange(client.backlog, {});
            client.is_writing = true;
            lock.unlock();
            asio::write(client.socket, asio::buffer(lines), error);
            lock.lock();
            client.is_writing = false;
            client.news.notify_one();
        }
        if (error != asio::error::broken_pipe) client.drop(wirelab::reason(error));
    }

    const wirelab::ChatOptions& options_;
    std::mutex mutex_;  // guards all that follows, and each client but its socket
    std::vector<std::shared_ptr<Client>> clients_;
};

int main(int argc, char* argv[]) {
    wirelab::ChatOptions options;
    wirelab::Program program{"chat_server_threads", "Passes on what each client says to all."};
    options.add_to(program);

    return program.run(argc, argv, [&] {
        wirelab::allow_many_connections();
        asio::io_context io;
        Room{options}.accept_clients(wirelab::listen(io, {options.bind, options.port}));
    });
}
