#include <wirelab/error.hpp>
#include <wirelab/interfaces.hpp>

#include <boost/asio/io_context.hpp>

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cerrno>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

namespace wirelab {

namespace ip = boost::asio::ip;
using ip::udp;

namespace {

// The kernel's address, of either family, as Asio knows it; nothing for other families.
std::optional<ip::address> to_address(const sockaddr* address) {
    if (address == nullptr) return std::nullopt;
    if (address->sa_family == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
        return ip::address_v4{ntohl(v4->sin_addr.s_addr)};
    }
    if (address->sa_family == AF_INET6) {
        const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
        ip::address_v6::bytes_type bytes;
        std::copy_n(v6->sin6_addr.s6_addr, bytes.size(), bytes.begin());
        return ip::address_v6{bytes, v6->sin6_scope_id};
    }
    return std::nullopt;
}

// One address of an interface.
struct Entry {
    std::string interface;
    ip::address address;
    std::size_t prefix = 0;
    unsigned flags = 0;
};

std::size_t prefix_of(const std::optional<ip::address>& mask) {
    if (!mask) return 0;
    std::size_t prefix = 0;
    const auto count_ones = [&prefix](const auto& bytes) {
        for (const unsigned char byte : bytes) prefix += std::bitset<8>{byte}.count();
    };
    mask->is_v4() ? count_ones(mask->to_v4().to_bytes()) : count_ones(mask->to_v6().to_bytes());
    return prefix;
}

// In the system's order.
std::vector<Entry> list_entries() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) {
        throw Error{"cannot list the network interfaces", reason_from_errno()};
    }
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner{list, &::freeifaddrs};

    std::vector<Entry> entries;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        const auto address = to_address(entry->ifa_addr);
        if (!address) continue;
        const std::string name = entry->ifa_name;  // an IPv4 address may add a label, as in eth0:1
        entries.push_back({.interface = name.substr(0, name.find(':')),
                           .address = *address,
                           .prefix = prefix_of(to_address(entry->ifa_netmask)),
                           .flags = entry->ifa_flags});
    }
    return entries;
}

std::string flags_text(unsigned flags) {
    constexpr std::pair<unsigned, std::string_view> names[] = {{IFF_UP, "up"},
                                                               {IFF_LOOPBACK, "loopback"},
                                                               {IFF_BROADCAST, "broadcast"},
                                                               {IFF_MULTICAST, "multicast"}};
    std::string text;
    for (const auto& [flag, name] : names) {
        if ((flags & flag) != 0) text.append(text.empty() ? "" : ",").append(name);
    }
    return text.empty() ? "-" : text;
}

// One line for each, with a number before it, and with columns as wide as their longest text.
void show(const std::vector<Entry>& entries) {
    std::vector<std::string> addresses;
    std::size_t name_width = 0;
    std::size_t address_width = 0;
    for (const Entry& entry : entries) {
        addresses.push_back(entry.address.to_string() + "/" + std::to_string(entry.prefix));
        name_width = std::max(name_width, entry.interface.size());
        address_width = std::max(address_width, addresses.back().size());
    }
    std::ostringstream table;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        table << std::right << std::setw(3) << i + 1 << "  " << std::left
              << std::setw(static_cast<int>(name_width)) << entries[i].interface << "  "
              << std::setw(static_cast<int>(address_width)) << addresses[i] << "  "
              << flags_text(entries[i].flags) << '\n';
    }
    std::cerr << table.str();
}

Error no_such_interface(const std::string& text, int number) {
    return {"cannot use the interface " + text,
            boost::system::error_code{number, boost::system::system_category()}};
}

Interface interface_of(const Entry& entry) {
    Interface found{.name = entry.interface, .index = ::if_nametoindex(entry.interface.c_str())};
    if (entry.address.is_v4()) found.ipv4 = entry.address.to_v4();
    return found;
}

// A link-local address may be given without the interface that is its scope.
ip::address without_scope(const ip::address& address) {
    return address.is_v4() ? address : ip::address_v6{address.to_v6().to_bytes()};
}

Interface find_by_address(const ip::address& address) {
    const bool scoped = address.is_v6() && address.to_v6().scope_id() != 0;
    for (const Entry& entry : list_entries()) {
        if ((scoped ? entry.address : without_scope(entry.address)) != address) continue;
        return address.is_v4() ? interface_of(entry) : find_interface(entry.interface);
    }
    throw no_such_interface(address.to_string(), EADDRNOTAVAIL);
}

Interface find_by_name(const std::string& name) {
    const Interface found{.name = name, .index = ::if_nametoindex(name.c_str())};
    if (found.index == 0) throw no_such_interface(name, ENODEV);
    const auto entries = list_entries();
    const auto entry = std::ranges::find_if(entries, [&name](const Entry& candidate) {
        return candidate.interface == name && candidate.address.is_v4();
    });
    return entry == entries.end() ? found : interface_of(*entry);
}

// Asks until the answer is an interface.
Interface ask_for_interface() {
    for (;;) {
        const auto entries = list_entries();
        show(entries);
        std::cerr << "interface: " << std::flush;
        std::string answer;
        if (!std::getline(std::cin, answer)) throw UsageError{"--interface ask", "no answer"};
        for (std::size_t i = 0; i < entries.size(); ++i) {
            if (answer != std::to_string(i + 1)) continue;
            const Entry& entry = entries[i];
            return entry.address.is_v4() ? interface_of(entry) : find_by_name(entry.interface);
        }
        try {
            if (answer != "ask") return find_interface(answer);
        } catch (const Error& error) {
            report(error.what());
        }
    }
}

bool is_link_local(const ip::address& address) {
    if (address.is_v6()) return address.to_v6().is_link_local();
    return (address.to_v4().to_uint() & 0xffff0000) == 0xa9fe0000;  // 169.254.0.0/16
}

}  // namespace

std::vector<ip::address> reachable_addresses() {
    std::vector<ip::address> addresses;
    for (const Entry& entry : list_entries()) {
        const bool up = (entry.flags & IFF_UP) != 0;
        if (!up || entry.address.is_loopback() || is_link_local(entry.address)) continue;
        addresses.push_back(entry.address);
    }
    std::ranges::sort(addresses);  // IPv4 comes first
    const auto repeated = std::ranges::unique(addresses);
    addresses.erase(repeated.begin(), repeated.end());
    return addresses;
}

std::vector<ip::address> addresses_for_others(const ip::address& bound) {
    if (bound.is_v6() && bound.to_v6().is_v4_mapped()) {
        return addresses_for_others(ip::make_address_v4(ip::v4_mapped, bound.to_v6()));
    }
    if (bound.is_loopback()) return {};
    if (!bound.is_unspecified()) return {bound};
    auto addresses = reachable_addresses();
    if (bound.is_v4())
        std::erase_if(addresses, [](const auto& address) { return address.is_v6(); });
    return addresses;
}

ip::address_v4 Interface::address() const {
    if (!ipv4) throw Error{"cannot use the interface " + name, "it has no IPv4 address"};
    return *ipv4;
}

Interface find_interface(const std::string& name_or_address) {
    if (name_or_address == "ask") return ask_for_interface();
    boost::system::error_code not_an_address;
    const auto address = ip::make_address(name_or_address, not_an_address);
    return not_an_address ? find_by_name(name_or_address) : find_by_address(address);
}

Interface interface_towards(const ip::address& group) {
    // A scope, as in ff02::99%eth0, names the interface already.
    if (group.is_v6() && group.to_v6().scope_id() != 0) {
        std::array<char, IF_NAMESIZE> name{};
        const auto index = static_cast<unsigned>(group.to_v6().scope_id());
        if (::if_indextoname(index, name.data()) == nullptr) {
            throw no_such_interface(group.to_string(), errno);
        }
        return find_by_name(name.data());
    }

    // For a link-local group the system wants to be told the interface. Its routes are the same as
    // those of groups with a wider scope.
    const bool link_local = group.is_v6() && group.to_v6().is_multicast_link_local();
    const ip::address any_group = link_local ? ip::make_address("ff0e::1") : group;
    const udp::endpoint destination{any_group, 9};  // connecting a UDP socket sends nothing
    boost::asio::io_context io;
    udp::socket socket{io, destination.protocol()};
    boost::system::error_code error;
    socket.connect(destination, error);
    if (error) throw Error{"cannot find an interface for " + group.to_string(), error};
    return find_by_address(socket.local_endpoint().address());
}

void bind_to_interface(udp::socket& socket, const Interface& interface) {
    const int failed =
        ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_BINDTODEVICE, interface.name.data(),
                     static_cast<socklen_t>(interface.name.size()));
    if (failed != 0) throw Error{"cannot use the interface " + interface.name, reason_from_errno()};
}

ip::address with_scope(const ip::address& address, const Interface& interface) {
    if (address.is_v4()) return address;
    ip::address_v6 scoped = address.to_v6();
    if (scoped.scope_id() != 0 && scoped.scope_id() != interface.index) {
        throw UsageError{address.to_string(), "is not on the interface " + interface.name};
    }
    if (scoped.is_link_local() || scoped.is_multicast_link_local()) {
        scoped.scope_id(interface.index);
    }
    return scoped;
}

}  // namespace wirelab
