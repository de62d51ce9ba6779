#include "datagram.hpp"
#include "failure.hpp"
#include "transcript.hpp"

#include <wirelab/endpoint.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/udp.hpp>

#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <sstream>

namespace harness {

namespace asio = boost::asio;
using udp = asio::ip::udp;

namespace {

constexpr std::size_t longest_datagram = 65535;

template <typename Value>
Value data_of(cmsghdr* header) {
    Value value{};
    std::memcpy(&value, CMSG_DATA(header), sizeof value);
    return value;
}

// Reads what ip(7) and ipv6(7) tell of a datagram besides its bytes.
void read_extras(msghdr& message, Datagram& datagram) {
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        const auto is = [header](int level, int type) {
            return header->cmsg_level == level && header->cmsg_type == type;
        };
        if (is(IPPROTO_IP, IP_TTL) || is(IPPROTO_IPV6, IPV6_HOPLIMIT)) {
            datagram.ttl = data_of<int>(header);
        } else if (is(IPPROTO_IP, IP_PKTINFO)) {
            const auto address = data_of<in_pktinfo>(header).ipi_addr;
            datagram.destination = asio::ip::address_v4{ntohl(address.s_addr)}.to_string();
        } else if (is(IPPROTO_IPV6, IPV6_PKTINFO)) {
            const auto info = data_of<in6_pktinfo>(header);
            asio::ip::address_v6::bytes_type bytes;
            std::memcpy(bytes.data(), &info.ipi6_addr, bytes.size());
            datagram.destination = asio::ip::address_v6{bytes}.to_string();
        }
    }
}

}  // namespace

std::optional<Datagram> receive_datagram(int socket) {
    const auto bytes = std::make_unique_for_overwrite<char[]>(longest_datagram);
    udp::endpoint sender;
    alignas(cmsghdr) std::array<char, 256> extras;
    iovec part{bytes.get(), longest_datagram};
    msghdr message{};
    message.msg_name = sender.data();
    message.msg_namelen = static_cast<socklen_t>(sender.capacity());
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = extras.data();
    message.msg_controllen = extras.size();
    const ssize_t size = ::recvmsg(socket, &message, MSG_DONTWAIT);
    if (size < 0) return std::nullopt;
    sender.resize(message.msg_namelen);

    Datagram datagram;
    datagram.bytes.assign(bytes.get(), static_cast<std::size_t>(size));
    datagram.address = sender.address().to_string();
    if (const auto percent = datagram.address.find('%'); percent != std::string::npos) {
        const auto interface = static_cast<unsigned>(sender.address().to_v6().scope_id());
        datagram.address.replace(percent, std::string::npos,
                                 "%" + interface_name(socket, interface));
    }
    datagram.port = std::to_string(sender.port());
    datagram.sender = wirelab::to_text(datagram.address, sender.port());
    read_extras(message, datagram);
    return datagram;
}

std::string shown(std::string_view bytes) {
    return quote(bytes) + " (" + std::to_string(bytes.size()) +
           (bytes.size() == 1 ? " byte)" : " bytes)");
}

std::string shown(const Datagram& datagram) {
    return shown(datagram.bytes) + " from " + datagram.sender;
}

unsigned interface_index(int socket, const std::string& name) {
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    if (::ioctl(socket, SIOCGIFINDEX, &request) != 0) fail("there is no interface " + name);
    return static_cast<unsigned>(request.ifr_ifindex);
}

std::string interface_name(int socket, unsigned index) {
    ifreq request{};
    request.ifr_ifindex = static_cast<int>(index);
    if (::ioctl(socket, SIOCGIFNAME, &request) != 0) return std::to_string(index);
    return request.ifr_name;
}

// The open file tells of the network in which it was opened.
UnheardDatagrams::UnheardDatagrams(bool v4)
    : statistics_{v4 ? "/proc/thread-self/net/snmp" : "/proc/thread-self/net/snmp6"},
      before_{total()} {}

// Names and numbers stand in columns for IPv4, in lines for IPv6, see /proc/pid/net/snmp in
// proc(5).
long UnheardDatagrams::total() {
    statistics_.clear();
    statistics_.seekg(0);
    long count = 0;
    std::string names;
    for (std::string line; std::getline(statistics_, line);) {
        if (line.starts_with("Udp6NoPorts") || line.starts_with("Udp6IgnoredMulti")) {
            count += std::stol(line.substr(line.find_first_of(" \t")));
        }
        if (!line.starts_with("Udp: ")) continue;
        if (names.empty()) {
            names = line;
            continue;
        }
        std::istringstream name_columns{names};
        std::istringstream columns{line};
        for (std::string name, number; name_columns >> name && columns >> number;) {
            if (name == "NoPorts" || name == "IgnoredMulti") count += std::stol(number);
        }
    }
    return count;
}

}  // namespace harness
