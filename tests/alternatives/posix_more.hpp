// What labs 07 and 10 share besides posix.hpp: numbers, servers, reports, interfaces.
#pragma once

#include "posix.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cstdint>
#include <limits>

namespace posix {

// --- Values of options -----------------------------------------------------------------------

template <typename Number>
Number parse_number(const std::string& text,
                    std::uint64_t highest = std::numeric_limits<Number>::max()) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value);
    if (result.ec != std::errc{} || result.ptr != end || value > highest) {
        throw std::invalid_argument{"not a whole number from 0 to " + std::to_string(highest)};
    }
    return static_cast<Number>(value);
}

// A server's port: 0 is any free one.
inline std::string parse_local_port(const std::string& text) {
    parse_number<std::uint16_t>(text);
    return text;
}

// Makes a socket address of an IP address, which may have a scope, and a port.
inline Addresses numeric_address(const std::string& address, const std::string& port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;  // of any, just one: the address is the same for all
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int code = ::getaddrinfo(address.c_str(), port.c_str(), &hints, &list);
    return {code == 0 ? list : nullptr, &::freeaddrinfo};
}

inline std::string parse_address(const std::string& text) {
    // getaddrinfo(3) knows old spellings, too: 1.2.3 is 1.2.0.3 to it.
    in_addr old_spelling{};
    const bool has_colon = text.find(':') != std::string::npos;
    const bool right = has_colon || ::inet_pton(AF_INET, text.c_str(), &old_spelling) == 1;
    if (!right || !numeric_address(text, "0")) throw std::invalid_argument{"not an IP address"};
    return text;
}

// --- Output ----------------------------------------------------------------------------------

// Prints as it is, without a newline.
inline void print(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) throw Failure{"cannot write to standard output", reason(errno)};
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

inline void print_error(std::string_view text) {
    static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
}

// Reports what the program survives.
inline void report(const std::string& program, const std::string& message) {
    log(message);
    print_error(program + ": " + printable(message) + "\n");
}

// --- Sockets ---------------------------------------------------------------------------------

// A socket's address, or that of its peer.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;

    // Without the port.
    std::string host() {
        std::array<char, NI_MAXHOST> text{};
        ::getnameinfo(get(), size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
        return text.data();
    }

    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }

    // A:P; IPv4 in the clothes of IPv6, ::ffff:127.0.0.1, is shown as IPv4.
    std::string text() {
        addrinfo address{};
        address.ai_addr = get();
        address.ai_addrlen = size;
        const std::string shown = endpoint(address);
        constexpr std::string_view mapped = "[::ffff:";
        const bool is_ipv4 = shown.starts_with(mapped) && shown.find('.') != std::string::npos;
        if (!is_ipv4) return shown;
        const auto bracket = shown.find(']');
        return shown.substr(mapped.size(), bracket - mapped.size()) + shown.substr(bracket + 1);
    }
};

inline SocketAddress local_address(const Descriptor& socket) {
    SocketAddress address;
    ::getsockname(socket.number(), address.get(), &address.size);
    return address;
}

inline bool set_option(const Descriptor& socket, int level, int option, int value) {
    return ::setsockopt(socket.number(), level, option, &value, sizeof value) == 0;
}

// --- Interfaces ------------------------------------------------------------------------------

// An address that an interface has.
struct InterfaceAddress {
    std::string name;
    int family = AF_UNSPEC;
    std::string address;
    int prefix = 0;
};

// Counts the bits of a network mask.
inline int prefix_length(const sockaddr* mask) {
    if (mask == nullptr) return 0;
    const void* bytes = &reinterpret_cast<const sockaddr_in*>(mask)->sin_addr;
    std::size_t size = sizeof(in_addr);
    if (mask->sa_family == AF_INET6) {
        bytes = &reinterpret_cast<const sockaddr_in6*>(mask)->sin6_addr;
        size = sizeof(in6_addr);
    }
    int length = 0;
    for (std::size_t i = 0; i < size; ++i) {
        length += __builtin_popcount(static_cast<const unsigned char*>(bytes)[i]);
    }
    return length;
}

inline std::vector<InterfaceAddress> interface_addresses() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) throw Failure{"cannot list the interfaces", reason(errno)};
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner{list, &::freeifaddrs};
    std::vector<InterfaceAddress> found;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        const int family = entry->ifa_addr == nullptr ? AF_UNSPEC : entry->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        const void* bytes = &reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr;
        if (family == AF_INET6) {
            bytes = &reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr)->sin6_addr;
        }
        std::array<char, INET6_ADDRSTRLEN> text{};
        ::inet_ntop(family, bytes, text.data(), text.size());
        found.push_back({entry->ifa_name, family, text.data(), prefix_length(entry->ifa_netmask)});
    }
    return found;
}

// The number of the interface that has this name or address; 0 if there is none.
inline unsigned find_interface(const std::string& wanted) {
    for (const InterfaceAddress& entry : interface_addresses()) {
        if (entry.address == wanted) return ::if_nametoindex(entry.name.c_str());
    }
    return ::if_nametoindex(wanted.c_str());
}

// Reads a line of stdin, and nothing behind it.
inline std::optional<std::string> read_line() {
    std::string line;
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) == 1) {
        if (byte == '\n') return line;
        line += byte;
    }
    return {};
}

// Shows the interfaces, and asks until one of them is chosen by its number, name or address.
inline unsigned ask_for_interface() {
    const std::vector<InterfaceAddress> there = interface_addresses();
    for (std::size_t i = 0; i < there.size(); ++i) {
        print_error("  " + std::to_string(i + 1) + "  " + there[i].name + "  " + there[i].address +
                    "/" + std::to_string(there[i].prefix) + "\n");
    }
    while (true) {
        print_error("interface: ");
        const std::optional<std::string> answer = read_line();
        if (!answer) throw UsageError{"--interface", "nobody has chosen one"};
        for (std::size_t i = 0; i < there.size(); ++i) {
            const bool chosen = *answer == std::to_string(i + 1);
            if (chosen) return ::if_nametoindex(there[i].name.c_str());
        }
        if (const unsigned index = find_interface(*answer)) return index;
        print_error("there is no interface '" + printable(*answer) + "'\n");
    }
}

inline std::string interface_name(unsigned index) {
    std::array<char, IF_NAMESIZE> name{};
    return ::if_indextoname(index, name.data()) == nullptr ? "" : name.data();
}

// The interface that is told by name, by address or by `ask`.
inline unsigned choose_interface(const std::string& wanted) {
    if (wanted == "ask") return ask_for_interface();
    const unsigned index = find_interface(wanted);
    if (index == 0) throw Failure{"cannot use the interface " + wanted, reason(ENODEV)};
    return index;
}

}  // namespace posix
