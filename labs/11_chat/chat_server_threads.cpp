// Lab 11, the same server with threads: two for each client, one reads and one writes.
#include <wirelab/background.hpp>
#include <wirelab/chat.hpp>
#include <wirelab/connection.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/error.hpp>

#include <boost/asio.hpp>

#include <condition_variable>
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
    std::string peer = {};
    std::string backlog = {};  // the lines that it has still to get
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
    // Serves one client, from its coming to its leaving: writes to it, while another thread reads.
    void serve(const std::shared_ptr<Client>& client, const tcp::endpoint& peer) {
        std::unique_lock lock{mutex_};
        clients_.push_back(client);
        client->peer = wirelab::say_joined(peer);
        lock.unlock();
        try {
            options_.prepare(client->socket);
            wirelab::run_in_thread([this, client] { relay_lines(client); });
        } catch (const boost::system::system_error& error) {
            leave(client, error.code());
        }
        write_backlogs(client);
        wirelab::end(client->socket, options_.timeout);
    }

    // Sends what comes from a client to all others, until it leaves.
    void relay_lines(const std::shared_ptr<Client>& sender) {
        std::string text;
        auto buffer = asio::dynamic_buffer(text, options_.line_space());
        for (error_code error;;) {
            asio::read_until(sender->socket, buffer, '\n', error);
            if (error) return leave(sender, error);
            const std::string_view lines{text.data(), text.rfind('\n') + 1};
            const auto exit = wirelab::find_exit(lines);
            send_to_others(*sender, lines.substr(0, exit));
            if (exit < lines.size()) return leave(sender, {});
            if (text.size() == text.capacity()) text.reserve(2 * text.size());  // read more at once
            buffer.consume(lines.size());
        }
    }

    // Sends lines to all but their sender, without waiting for anyone.
    void send_to_others(const Client& sender, std::string_view lines) {
        std::unique_lock lock{mutex_};
        // Who talks faster than we write waits for us, but nobody waits for a slow reader.
        while (wirelab::is_behind(clients_, options_)) taken_.wait_for(lock, wirelab::a_moment);
        for (const std::shared_ptr<Client>& client : clients_) {
            if (client.get() == &sender || !client->fault.empty()) continue;
            client->backlog += lines;
            if (client->backlog.size() > options_.max_backlog && wirelab::is_full(client->socket)) {
                client->drop(wirelab::backlog_fault(options_));
            }
            client->news.notify_one();
        }
    }

    // Lets a client leave: it gets no more lines, and its other thread ends when it has written.
    void leave(const std::shared_ptr<Client>& client, const error_code& error) {
        const std::lock_guard lock{mutex_};
        if (error && error != asio::error::eof) client->drop(wirelab::fault(error, options_));
        std::erase(clients_, client);
        client->has_left = true;
        client->news.notify_one();
    }

    // Writes a client's backlog whenever there is one, until the client has left.
    void write_backlogs(const std::shared_ptr<Client>& client) {
        std::string lines;
        error_code error;
        std::unique_lock lock{mutex_};
        while (!error) {
            client->news.wait(lock, [&] { return !client->backlog.empty() || client->has_left; });
            if (client->backlog.empty()) break;
            lines.clear();
            lines.swap(client->backlog);
            taken_.notify_all();
            lock.unlock();
            asio::write(client->socket, asio::buffer(lines), error);
            lock.lock();
        }
        std::erase(clients_, client);  // without a writer it gets nothing more
        // Of two who use a broken connection, one is told why, and the other "Broken pipe".
        if (error && error != asio::error::broken_pipe) client->drop(wirelab::reason(error));
        client->news.wait(lock, [&] { return client->has_left; });
        if (error) client->drop(wirelab::reason(error));
        wirelab::say_left(client->peer, client->fault);
    }

    const wirelab::ChatOptions& options_;
    std::mutex mutex_;  // guards all that follows, and each client but its socket
    std::vector<std::shared_ptr<Client>> clients_;
    std::condition_variable taken_;  // a backlog has been taken, to write it
};

int main(int argc, char* argv[]) {
    return wirelab::run_chat_server("chat_server_threads", argc, argv, [](const auto& options) {
        asio::io_context io;
        Room{options}.accept_clients(options.listen(io));
    });
}
