// Lab 01, interfaces: the addresses of this machine, one line for each.
#include <wirelab/log.hpp>
#include <wirelab/program.hpp>
#include <wirelab/todo.hpp>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <bit>
#include <iomanip>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <vector>

// A list made by getifaddrs(), freed with its owner: one entry for each address of an interface.
using InterfaceList = std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)>;

// One line of the output.
struct Row {
    std::string name;
    std::string address;
    std::string flags;
};

// Returns the list of the system's interfaces and their addresses.
InterfaceList list_interfaces() {
    ifaddrs* first = nullptr;

    // 11: Ask the system for the list. If it does not give one, say so.
    if (::getifaddrs(&first) != 0) {
        throw wirelab::Error{"cannot list the interfaces", wirelab::reason_from_errno()};
    }

    return InterfaceList{first, &::freeifaddrs};
}

// Returns the 4 or 16 bytes of an IP address or mask; none when it is missing or of another kind.
// A sockaddr is only the common head: its family says which structure it really is.
std::span<const unsigned char> bytes_of(const sockaddr* address) {
    if (address == nullptr) return {};
    if (address->sa_family == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
        return {reinterpret_cast<const unsigned char*>(&v4->sin_addr), sizeof v4->sin_addr};
    }
    if (address->sa_family == AF_INET6) {
        const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
        return {v6->sin6_addr.s6_addr, sizeof v6->sin6_addr};
    }
    return {};
}

// Returns how many ones a mask of 4 or 16 bytes begins with.
int prefix_of(std::span<const unsigned char> mask) {
    int prefix = 0;

    // 12: Count the ones of all bytes. (A mask in use has no holes.)
    for (const unsigned char byte : mask) prefix += std::popcount(byte);

    return prefix;
}

// Returns the names of the flags that hold, with commas between them; "-" when none does.
std::string flags_text(unsigned flags) {
    std::string text;

    // 13: Each flag is one bit: IFF_UP, IFF_LOOPBACK, IFF_BROADCAST, IFF_MULTICAST. In this order,
    // add "up", "loopback", "broadcast", "multicast" for those that are set.
    if ((flags & IFF_UP) != 0) text += ",up";
    if ((flags & IFF_LOOPBACK) != 0) text += ",loopback";
    if ((flags & IFF_BROADCAST) != 0) text += ",broadcast";
    if ((flags & IFF_MULTICAST) != 0) text += ",multicast";
    if (!text.empty()) text.erase(0, 1);

    return text.empty() ? "-" : text;
}

// Returns the address as text, with its prefix: "127.0.0.1/8".
std::string address_text(const ifaddrs& entry) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = entry.ifa_addr->sa_family;
    ::inet_ntop(family, bytes_of(entry.ifa_addr).data(), text.data(), text.size());
    return std::string{text.data()} + "/" + std::to_string(prefix_of(bytes_of(entry.ifa_netmask)));
}

std::vector<Row> list_addresses() {
    const InterfaceList list = list_interfaces();
    std::vector<Row> rows;
    for (const ifaddrs* entry = list.get(); entry != nullptr; entry = entry->ifa_next) {
        wirelab::log(std::string{"found an entry of "} + entry->ifa_name);
        if (bytes_of(entry->ifa_addr).empty()) continue;  // none, or an Ethernet address
        rows.push_back({entry->ifa_name, address_text(*entry), flags_text(entry->ifa_flags)});
    }
    return rows;
}

// Prints the rows in columns, each as wide as its longest text.
void print_table(const std::vector<Row>& rows) {
    std::size_t name_width = 0;
    std::size_t address_width = 0;
    for (const Row& row : rows) {
        name_width = std::max(name_width, row.name.size());
        address_width = std::max(address_width, row.address.size());
    }
    for (const Row& row : rows) {
        std::cout << std::left << std::setw(static_cast<int>(name_width)) << row.name << "  "
                  << std::setw(static_cast<int>(address_width)) << row.address << "  " << row.flags
                  << std::endl;
    }
}

int main(int argc, char* argv[]) {
    wirelab::Program program{"interfaces", "Lists the addresses of this machine's interfaces."};
    return program.run(argc, argv, [] { print_table(list_addresses()); });
}
