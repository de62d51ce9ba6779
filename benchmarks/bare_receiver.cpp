// What broadcast_receiver is measured against: the same lines by the system's calls alone, with no
// options, no checks of the text, and no errors told.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstring>

namespace {

std::array<char, 65507> buffer;
std::array<char, 65507 + 100> line;

// Adds ADDRESS:PORT at the end of what stands in the line, and returns its new size.
std::size_t add(std::size_t size, const sockaddr_in& endpoint) {
    ::inet_ntop(AF_INET, &endpoint.sin_addr, &line[size], INET_ADDRSTRLEN);
    size += std::strlen(&line[size]);
    return size + static_cast<std::size_t>(
                      std::sprintf(&line[size], ":%u", unsigned{ntohs(endpoint.sin_port)}));
}

}  // namespace

int main() {
    const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in endpoint{};
    endpoint.sin_family = AF_INET;
    socklen_t length = sizeof endpoint;
    ::bind(socket, reinterpret_cast<sockaddr*>(&endpoint), length);
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&endpoint), &length);

    auto size = add(static_cast<std::size_t>(std::sprintf(line.data(), "listening on ")), endpoint);
    line[size++] = '\n';
    while (::write(STDOUT_FILENO, line.data(), size) > 0) {
        length = sizeof endpoint;
        const ssize_t received = ::recvfrom(socket, buffer.data(), buffer.size(), 0,
                                            reinterpret_cast<sockaddr*>(&endpoint), &length);
        if (received < 0) break;
        const auto data_size = static_cast<std::size_t>(received);
        size = static_cast<std::size_t>(
            std::sprintf(line.data(), "received %zu bytes from ", data_size));
        size = add(size, endpoint);
        line[size++] = ':';
        line[size++] = ' ';
        std::memcpy(&line[size], buffer.data(), data_size);
        size += data_size;
        line[size++] = '\n';
    }
    return 1;
}
