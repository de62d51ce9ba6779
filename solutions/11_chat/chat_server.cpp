// Lab 11, server: what one client sends, all others get. A coroutine for each, one thread for all.
#include <wirelab/async_connection.hpp>
#include <wirelab/chat.hpp>
#include <wirelab/coroutine.hpp>
#include <wirelab/todo.hpp>

#include <boost/asio.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;

struct Client {
    tcp::socket socket;
    std::string peer;
    std::string backlog = {};  // the lines that it has still to get
    bool is_writing = false;
    bool has_left = false;
    std::string fault = {};  // why it was dropped

    // Closes the connection. Whatever waits for it fails at once, so its coroutines end.
    void drop(const std::string& reason) {
        error_code ignored;
        if (fault.empty()) fault = reason;
        socket.close(ignored);
    }
};

// Everybody who chats. The functions come in the order in which they call each other.
class Room {
public:
    Room(asio::io_context& io, const wirelab::ChatOptions& options) : io_{io}, options_{options} {}

    asio::awaitable<void> accept_clients(tcp::acceptor acceptor) {
        for (wirelab::AcceptTrouble trouble;;) {
            tcp::socket socket{io_};
            tcp::endpoint peer;
            error_code error;

            // 5: Wait for the next client.
            co_await acceptor.async_accept(socket, peer,
                                           asio::redirect_error(use_awaitable, error));

            if (co_await wirelab::wait_out(trouble, error)) continue;

            // 6: Start a coroutine that serves the client, and don't wait for it.
            asio::co_spawn(io_, serve(std::move(socket), peer), wirelab::fail_loudly);
        }
    }

private:
    // Serves one client, from its coming to its leaving.
    asio::awaitable<void> serve(tcp::socket socket, tcp::endpoint peer) {
        const auto client = std::make_shared<Client>(std::move(socket), wirelab::say_joined(peer));
        clients_.push_back(client);
        try {
            options_.prepare(client->socket);
            co_await relay_lines(*client);
        } catch (const boost::system::system_error& end) {
            if (end.code() != asio::error::eof) client->drop(wirelab::fault(end.code(), options_));
        }
        std::erase(clients_, client);
        client->has_left = true;
        if (!client->is_writing) co_await say_goodbye(*client);  // else write_backlog() will do it
    }

    // Sends what comes from a client to all others, until it leaves.
    asio::awaitable<void> relay_lines(Client& sender) {
        std::string text;
        auto buffer = asio::dynamic_buffer(text, options_.line_space());
        for (;;) {
            // 7: Read until the buffer has the end of a line.
            co_await asio::async_read_until(sender.socket, buffer, '\n', use_awaitable);

            // That may be many lines, and the beginning of one more.
            const std::string_view lines{text.data(), text.rfind('\n') + 1};
            const auto exit = wirelab::find_exit(lines);
            send_to_others(sender, lines.substr(0, exit));
            if (exit < lines.size()) co_return;
            if (text.size() == text.capacity()) text.reserve(2 * text.size());  // read more at once
            buffer.consume(lines.size());
            // Who talks faster than we write waits for us, but nobody waits for a slow reader.
            while (wirelab::is_behind(clients_, options_)) co_await asio::post(use_awaitable);
        }
    }

    // Sends lines to all but their sender, without waiting for anyone.
    void send_to_others(const Client& sender, std::string_view lines) {
        for (const std::shared_ptr<Client>& client : clients_) {
            if (client.get() == &sender || !client->socket.is_open()) continue;

            // 8: Add the lines to the client's backlog. Drop the client if that is over the limit,
            //    and its connection takes nothing more now.
            client->backlog += lines;
            if (client->backlog.size() > options_.max_backlog && wirelab::is_full(client->socket)) {
                client->drop(wirelab::backlog_fault(options_));
            }

            // 9: Start a coroutine that writes the backlog, unless one is writing already.
            const bool is_writing = std::exchange(client->is_writing, true);
            if (!is_writing) asio::co_spawn(io_, write_backlog(client), wirelab::fail_loudly);
        }
    }

    asio::awaitable<void> write_backlog(std::shared_ptr<Client> client) {
        co_await asio::post(use_awaitable);  // what others have sent by now will go out with it
        std::string lines;
        error_code error;

        // 10: While there is a backlog, take all of it, and write it at once. What is being written
        //     must stay as it is; what comes in the meantime is the next backlog.
        while (!client->backlog.empty() && !error) {
            lines.clear();
            lines.swap(client->backlog);
            co_await asio::async_write(client->socket, asio::buffer(lines),
                                       asio::redirect_error(use_awaitable, error));
        }

        client->is_writing = false;
        if (error) client->drop(wirelab::fault(error, options_));
        if (client->has_left) co_await say_goodbye(*client);
    }

    // Ends the connection of a client that has left, when it has got what waited for it.
    asio::awaitable<void> say_goodbye(Client& client) {
        wirelab::say_left(client.peer, client.fault);
        co_await wirelab::async_end(client.socket, options_.timeout);
    }

    asio::io_context& io_;
    const wirelab::ChatOptions& options_;
    std::vector<std::shared_ptr<Client>> clients_;
};

int main(int argc, char* argv[]) {
    return wirelab::run_chat_server("chat_server", argc, argv, [](const auto& options) {
        asio::io_context io{1};  // for one thread
        Room room{io, options};
        asio::co_spawn(io, room.accept_clients(options.listen(io)), wirelab::fail_loudly);
        io.run();
    });
}
