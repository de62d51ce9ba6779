// Lab 07 with raw POSIX sockets: sends a message that begins with a binary header.
#include "../posix_more.hpp"

#include <random>

namespace {

constexpr std::size_t block_size = 65536;

struct Options {
    std::string host;
    std::string port;
    std::optional<std::uint32_t> version;
    std::optional<std::uint32_t> size;
    posix::Seconds timeout{};
};

// Tries all addresses of the host, all of them together within the limit.
posix::Descriptor connect(const Options& options) {
    const auto [addresses, code] = posix::look_up(options.host, options.port);
    if (!addresses) {
        throw posix::Failure{"cannot look up " + options.host, posix::look_up_reason(code)};
    }
    const posix::Deadline deadline{options.timeout};
    int last_error = 0;
    for (const addrinfo* address = addresses.get(); address; address = address->ai_next) {
        auto [server, error] = posix::connect_to(*address, deadline);
        if (error == 0) return std::move(server);
        last_error = error;
    }
    throw posix::Failure{"cannot connect to " + posix::endpoint(options.host, options.port),
                         posix::reason(last_error)};
}

// Sends all of it; each wait for room has the whole limit.
void send_all(const posix::Descriptor& server, std::string_view bytes, const Options& options) {
    const auto fail = [&options](int error) {
        throw posix::Failure{"cannot send to " + posix::endpoint(options.host, options.port),
                             posix::reason(error)};
    };
    while (!bytes.empty()) {
        const ssize_t sent = ::send(server.number(), bytes.data(), bytes.size(), 0);
        if (sent >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN) {
            const posix::Deadline deadline{options.timeout};
            if (!posix::wait_for(server, POLLOUT, deadline)) fail(ETIMEDOUT);
        } else if (errno != EINTR) {
            fail(errno);
        }
    }
}

// Appends a number, its most significant byte first.
void append_number(std::string& bytes, std::uint32_t number) {
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(number >> shift & 0xff);
}

// Hands out that many X, a block at a time, as there may be 4 gigabytes of them.
template <typename Take>
void hand_out(std::uint32_t size, Take take) {
    const std::string block(std::min<std::size_t>(size, block_size), 'X');
    for (std::size_t left = size; left > 0;) {
        const std::size_t part = std::min(left, block.size());
        take(std::string_view{block}.substr(0, part));
        left -= part;
    }
}

std::uint32_t draw(std::uint32_t highest) {
    std::random_device source;
    return std::uniform_int_distribution<std::uint32_t>{0, highest}(source);
}

int send_message(const Options& options) {
    const std::uint32_t version = options.version ? *options.version : draw(5);
    const std::uint32_t size = options.size ? *options.size : draw(10);
    {
        const posix::Descriptor server = connect(options);
        posix::log("connected");
        std::string header;
        append_number(header, version);
        append_number(header, size);
        send_all(server, header, options);
        hand_out(size, [&](std::string_view part) { send_all(server, part, options); });
    }
    posix::print("Version: " + std::to_string(version) + "\nSize: " + std::to_string(size) +
                 "\nData: ");
    hand_out(size, posix::print);
    posix::print("\n");
    return 0;
}

}  // namespace

int main(int argc, char* argv[]) {
    const std::string drawn_version = "0 to 5 by chance";
    const std::string drawn_size = "0 to 10 by chance";
    Options options;
    posix::CommandLine line{"header_client", "Sends a message that begins with a binary header."};
    line.argument("HOST", "127.0.0.1", "the server's name or address",
                  [&](auto& text) { options.host = posix::parse_host(text); });
    line.argument("PORT", "54321", "the server's port",
                  [&](auto& text) { options.port = posix::parse_port(text); });
    line.option("version", "VERSION", drawn_version, "the version to send", [&](auto& text) {
        options.version.reset();
        if (text != drawn_version) options.version = posix::parse_number<std::uint32_t>(text);
    });
    line.option("size", "BYTES", drawn_size, "how much data to send", [&](auto& text) {
        options.size.reset();
        if (text != drawn_size) options.size = posix::parse_number<std::uint32_t>(text);
    });
    line.option("timeout", "SECONDS", "10", "how long to wait for the server, 0: for ever",
                [&](auto& text) { options.timeout = posix::parse_seconds(text); });
    return posix::run(line, argc, argv, [&] { return send_message(options); });
}
