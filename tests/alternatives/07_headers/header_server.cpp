// Lab 07 with raw POSIX sockets: prints messages that begin with a binary header.
#include "../posix_more.hpp"

namespace {

constexpr std::size_t header_size = 8;
constexpr std::size_t part_size = 65536;

// Why a client is not served any further. The server goes on.
class Fault : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct Options {
    std::string address;
    std::string port;
    std::uint64_t max_size = 0;
    posix::Seconds timeout{};
};

posix::Descriptor listen_at(const std::string& address, const std::string& port) {
    const auto fail = [&] [[noreturn]] () {
        throw posix::Failure{"cannot listen on " + posix::endpoint(address, port),
                             posix::reason(errno)};
    };
    const posix::Addresses local = posix::numeric_address(address, port);
    posix::Descriptor listener{::socket(local->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!listener.is_open()) fail();
    posix::set_option(listener, SOL_SOCKET, SO_REUSEADDR, 1);
    if (local->ai_family == AF_INET6) posix::set_option(listener, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (::bind(listener.number(), local->ai_addr, local->ai_addrlen) != 0) fail();
    if (::listen(listener.number(), SOMAXCONN) != 0) fail();
    posix::say("listening on " + posix::local_address(listener).text());
    return listener;
}

posix::Descriptor accept_client(const posix::Descriptor& listener, posix::SocketAddress& peer) {
    while (true) {
        peer = {};
        posix::Descriptor client{
            ::accept4(listener.number(), peer.get(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC)};
        if (client.is_open()) return client;
        // It was gone before its turn.
        if (errno == ECONNABORTED || errno == EINTR) continue;
        throw posix::Failure{"cannot accept a client", posix::reason(errno)};
    }
}

// Reads until the buffer is full or the stream ends; returns how many bytes have come. Each wait
// has the whole limit.
std::size_t read_full(const posix::Descriptor& client, char* buffer, std::size_t size,
                      posix::Seconds timeout) {
    std::size_t got = 0;
    while (got < size) {
        const ssize_t more = ::recv(client.number(), buffer + got, size - got, 0);
        if (more == 0) break;
        if (more > 0) {
            got += static_cast<std::size_t>(more);
        } else if (errno == EAGAIN) {
            const posix::Deadline deadline{timeout};
            if (!posix::wait_for(client, POLLIN, deadline)) throw Fault{"timed out"};
        } else if (errno != EINTR) {
            throw Fault{posix::reason(errno)};
        }
    }
    return got;
}

// The most significant byte comes first.
std::uint32_t number_at(const char* bytes) {
    std::uint32_t number = 0;
    for (int i = 0; i < 4; ++i) number = number << 8 | static_cast<std::uint8_t>(bytes[i]);
    return number;
}

std::string of_bytes(std::size_t got, std::size_t size) {
    return "got " + std::to_string(got) + " of " + std::to_string(size) + " bytes";
}

// The memory grows with what has come: what a client announces costs nothing.
std::string read_data(const posix::Descriptor& client, std::size_t size, posix::Seconds timeout) {
    std::string data;
    std::array<char, part_size> part{};
    while (data.size() < size) {
        const std::size_t wanted = std::min(part.size(), size - data.size());
        const std::size_t got = read_full(client, part.data(), wanted, timeout);
        data.append(part.data(), got);
        if (got < wanted) throw Fault{"incomplete data: " + of_bytes(data.size(), size)};
    }
    return data;
}

void print_message(const posix::Descriptor& client, const Options& options) {
    std::array<char, header_size> header{};
    const std::size_t got = read_full(client, header.data(), header.size(), options.timeout);
    if (got < header.size()) throw Fault{"incomplete header: " + of_bytes(got, header.size())};
    const std::uint32_t version = number_at(header.data());
    const std::uint32_t size = number_at(header.data() + 4);
    if (size > options.max_size) {
        throw Fault{"size " + std::to_string(size) + " is over the limit of " +
                    std::to_string(options.max_size)};
    }
    const std::string data = read_data(client, size, options.timeout);
    posix::say("Version: " + std::to_string(version) + "\nSize: " + std::to_string(size) +
               "\nData: " + posix::printable(data));
}

int serve(const std::string& name, const Options& options) {
    const posix::Descriptor listener = listen_at(options.address, options.port);
    while (true) {
        posix::SocketAddress peer;
        const posix::Descriptor client = accept_client(listener, peer);
        posix::log("accepted " + peer.text());
        try {
            print_message(client, options);
        } catch (const Fault& fault) {
            posix::report(name, peer.text() + ": " + fault.what());
        } catch (const std::bad_alloc&) {
            throw posix::Failure{"failed", posix::reason(ENOMEM)};
        }
    }
}

}  // namespace

int main(int argc, char* argv[]) {
    Options options;
    posix::CommandLine line{"header_server", "Prints messages that begin with a binary header."};
    line.option("bind", "ADDRESS", "127.0.0.1", "the address to listen on",
                [&](auto& text) { options.address = posix::parse_address(text); });
    line.option("port", "PORT", "54321", "the port to listen on, 0: any free one",
                [&](auto& text) { options.port = posix::parse_local_port(text); });
    line.option("max-size", "BYTES", "1048576", "the most data to accept",
                [&](auto& text) { options.max_size = posix::parse_number<std::uint64_t>(text); });
    line.option("timeout", "SECONDS", "30", "how long to wait for a client, 0: for ever",
                [&](auto& text) { options.timeout = posix::parse_seconds(text); });
    return posix::run(line, argc, argv, [&] { return serve(line.name(), options); });
}
