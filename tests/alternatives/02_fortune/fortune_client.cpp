// Lab 02, fortune client: connect to the server, read until it closes, print what came. With raw
// POSIX sockets: non-blocking ones, and poll(2) for every wait.
#include "../posix.hpp"

#include <array>
#include <string>

// No peer may make us hold more than this, however much it sends.
constexpr std::size_t max_fortune = 16 * 1024 * 1024;

posix::Descriptor connect_to_server(const std::string& host, const std::string& port,
                                    posix::Seconds timeout) {
    const auto [addresses, code] = posix::look_up(host, port);
    if (!addresses) throw posix::Failure{"cannot look up " + host, posix::look_up_reason(code)};

    const posix::Deadline deadline{timeout};
    int failure = 0;
    for (const addrinfo* address = addresses.get(); address != nullptr;
         address = address->ai_next) {
        auto [socket, error] = posix::connect_to(*address, deadline);
        if (socket.is_open()) {
            posix::log("connected to " + posix::endpoint(*address));
            return std::move(socket);
        }
        posix::log(posix::endpoint(*address) + ": " + posix::reason(error));
        failure = error;
    }
    throw posix::Failure{"cannot connect to " + posix::endpoint(host, port),
                         posix::reason(failure)};
}

// Reads what has come, or waits for it. Returns 0 at the end of the stream.
std::size_t read_some(const posix::Descriptor& socket, char* buffer, std::size_t size,
                      const std::string& server, posix::Seconds timeout) {
    const posix::Deadline deadline{timeout};
    while (true) {
        const ssize_t received = ::recv(socket.number(), buffer, size, 0);
        if (received >= 0) return static_cast<std::size_t>(received);
        if (errno != EAGAIN && errno != EINTR) break;
        if (!posix::wait_for(socket, POLLIN, deadline)) {
            errno = ETIMEDOUT;
            break;
        }
    }
    throw posix::Failure{"cannot read the fortune from " + server, posix::reason(errno)};
}

std::string read_fortune(const posix::Descriptor& socket, const std::string& server,
                         posix::Seconds timeout) {
    std::string fortune;
    std::array<char, 16384> part;
    while (const std::size_t size = read_some(socket, part.data(), part.size(), server, timeout)) {
        fortune.append(part.data(), size);
        if (fortune.size() > max_fortune)
            throw posix::Failure{"fortune from " + server, "too long"};
    }
    if (fortune.empty()) throw posix::Failure{"no fortune from " + server, "it sent nothing"};
    posix::log("received " + std::to_string(fortune.size()) + " bytes");
    return fortune;
}

int main(int argc, char* argv[]) {
    std::string host;
    std::string port;
    posix::Seconds timeout;
    posix::CommandLine line{"fortune_client", "Asks a server for one fortune and prints it."};
    line.argument("HOST", "127.0.0.1", "the server's name or address",
                  [&](const std::string& text) { host = posix::parse_host(text); });
    line.argument("PORT", "54321", "the server's port",
                  [&](const std::string& text) { port = posix::parse_port(text); });
    line.option("timeout", "SECONDS", "10", "how long to wait for the server, 0: for ever",
                [&](const std::string& text) { timeout = posix::parse_seconds(text); });

    return posix::run(line, argc, argv, [&] {
        const posix::Descriptor socket = connect_to_server(host, port, timeout);
        std::string fortune = read_fortune(socket, posix::endpoint(host, port), timeout);
        if (fortune.back() == '\n') fortune.pop_back();
        posix::say(posix::printable(fortune, posix::LineFeeds::kept));
        return 0;
    });
}
