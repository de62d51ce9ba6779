#include <wirelab/error.hpp>
#include <wirelab/interfaces.hpp>

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>
#include <optional>

namespace wirelab {

namespace ip = boost::asio::ip;

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

bool is_link_local(const ip::address& address) {
    if (address.is_v6()) return address.to_v6().is_link_local();
    return (address.to_v4().to_uint() & 0xffff0000) == 0xa9fe0000;  // 169.254.0.0/16
}

}  // namespace

std::vector<ip::address> reachable_addresses() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) {
        throw Error{"cannot list the network interfaces", reason_from_errno()};
    }
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner{list, &::freeifaddrs};

    std::vector<ip::address> addresses;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        const auto address = to_address(entry->ifa_addr);
        const bool up = (entry->ifa_flags & IFF_UP) != 0;
        if (!up || !address || address->is_loopback() || is_link_local(*address)) continue;
        addresses.push_back(*address);
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

}  // namespace wirelab
