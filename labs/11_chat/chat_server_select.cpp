// Lab 11, the same server by readiness: one loop asks the system which sockets have something to
// read, or room to write, and does only that. (It asks by poll(2), which has replaced select(2).)
#include <wirelab/chat.hpp>
#include <wirelab/connection.hpp>

#include <boost/asio.hpp>

#include <poll.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct Client {
    tcp::socket socket;
    std::string peer;
    std::string text = {};     // the beginning of a line that has not come to its end
    std::string backlog = {};  // the lines that it has still to get
    bool is_full = false;      // the connection takes nothing more for now
    bool has_left = false;
    bool has_ended = false;         // nothing more comes from it
    std::string fault = {};         // why it was dropped
    wirelab::Goodbye goodbye = {};  // when it has left, and has got what waited for it
};

// Everybody who chats. The functions come in the order in which they call each other.
class Room {
public:
    Room(tcp::acceptor acceptor, const wirelab::ChatOptions& options)
        : acceptor_{std::move(acceptor)}, options_{options} {}

    // Does what can be done without waiting, and waits until there is more, for ever.
    void serve() {
        acceptor_.non_blocking(true);
        for (;;) {
            const std::vector<pollfd> ready = wait();
            for (std::size_t i = 0; i < clients_.size(); ++i) {
                if ((ready[i].revents & POLLOUT) != 0) clients_[i].is_full = false;
                if ((ready[i].revents & ~POLLOUT) != 0) relay_lines(clients_[i]);
            }
            for (Client& client : clients_) write_backlog(client);
            std::erase_if(clients_, [&](Client& client) { return has_gone(client); });
            if (!is_accepting_ || ready.back().revents != 0) is_accepting_ = accept_clients();
        }
    }

private:
    // Waits until a socket is ready: that of a client, in their order, or the acceptor behind them.
    std::vector<pollfd> wait() {
        std::vector<pollfd> sockets;
        bool is_calm = is_accepting_;
        for (Client& client : clients_) {
            const int events = (client.has_ended ? 0 : POLLIN) | (client.is_full ? POLLOUT : 0);
            sockets.push_back({client.socket.native_handle(), static_cast<short>(events), 0});
            is_calm = is_calm && !client.has_left;
        }
        // No event tells when to look at an acceptor in trouble, or who takes too long to leave.
        sockets.push_back({is_accepting_ ? acceptor_.native_handle() : -1, POLLIN, 0});
        wirelab::poll(sockets, is_calm ? wirelab::for_ever : wirelab::AcceptTrouble::pause);
        return sockets;
    }

    void relay_lines(Client& sender) {
        error_code error;
        std::string& text = sender.text;
        const auto begun = text.size();
        text.resize(std::min(options_.line_space(), begun + 65536));
        text.resize(begun + sender.socket.read_some(asio::buffer(text) + begun, error));
        if (error == asio::error::would_block) return;
        if (error) sender.has_ended = true;
        if (error) return leave(sender, wirelab::fault(error, options_));
        if (sender.has_left) return text.clear();  // it stands behind `exit`

        const std::string_view lines{text.data(), text.rfind('\n') + 1};
        const auto exit = wirelab::find_exit(lines);
        for (Client& client : clients_) {
            if (&client == &sender || client.has_left) continue;
            client.backlog += lines.substr(0, exit);
            if (client.backlog.size() > options_.max_backlog) write_backlog(client);
        }
        text.erase(0, lines.size());
        if (exit < lines.size()) return leave(sender);
        if (text.size() > options_.max_line) leave(sender, wirelab::line_fault(options_));
    }

    // Writes of a client's backlog what the connection takes without waiting.
    void write_backlog(Client& client) {
        error_code error;
        if (!client.is_full && !client.backlog.empty()) {
            client.backlog.erase(0, client.socket.write_some(asio::buffer(client.backlog), error));
            client.is_full = !client.backlog.empty();
        }
        if (error && error != asio::error::would_block)
            leave(client, wirelab::fault(error, options_));
        if (client.backlog.size() > options_.max_backlog) {
            leave(client, wirelab::backlog_fault(options_));
        }
    }

    // Lets a client leave. Without a fault of its own it still gets what waits for it.
    static void leave(Client& client, const std::string& fault = {}) {
        client.has_left = true;
        if (fault.empty()) return;
        if (client.fault.empty()) client.fault = fault;
        client.backlog.clear();
        client.has_ended = true;
    }

    // Says goodbye to a client that has left, and tells whether its connection may be closed.
    bool has_gone(Client& client) {
        if (!client.has_left || !client.backlog.empty()) return false;
        return client.goodbye.say(client.socket, client.peer, client.fault, options_.timeout) ||
               client.has_ended;
    }

    bool accept_clients() {
        for (;;) {
            tcp::endpoint peer;
            error_code error;
            tcp::socket socket{acceptor_.get_executor()};
            acceptor_.accept(socket, peer, error);
            if (error == asio::error::would_block) return true;
            if (trouble_.is_there(error)) return false;
            socket.non_blocking(true, error);
            options_.prepare(socket);
            clients_.push_back({std::move(socket), wirelab::say_joined(peer)});
        }
    }

    tcp::acceptor acceptor_;
    const wirelab::ChatOptions& options_;
    std::vector<Client> clients_;
    bool is_accepting_ = true;
    wirelab::AcceptTrouble trouble_;
};

int main(int argc, char* argv[]) {
    return wirelab::run_chat_server("chat_server_select", argc, argv, [](const auto& options) {
        asio::io_context io;
        Room{options.listen(io), options}.serve();
    });
}
