#include "frame.hpp"

#include <wirelab/endpoint.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>

namespace harness {

namespace ip = boost::asio::ip;

namespace {

// Bytes in network order, read from the front. Where they are too few it gives zeros.
class Reader {
public:
    explicit Reader(std::string_view bytes) : bytes_{bytes} {}

    unsigned number(std::size_t size) {
        unsigned value = 0;
        for (const char byte : take(size)) value = value << 8 | static_cast<unsigned char>(byte);
        return value;
    }
    std::string_view take(std::size_t size) {
        const std::string_view part = bytes_.substr(0, size);
        bytes_.remove_prefix(part.size());
        return part;
    }
    template <typename Address>
    std::string address() {
        typename Address::bytes_type bytes{};
        std::ranges::copy(take(bytes.size()), bytes.begin());
        return Address{bytes}.to_string();
    }
    std::string ethernet_address() {
        std::string text;
        std::array<char, 4> part;
        for (const char byte : take(6)) {
            const unsigned value = static_cast<unsigned char>(byte);
            std::snprintf(part.data(), part.size(), "%02x:", value);
            text += part.data();
        }
        return text.substr(0, text.size() - std::min<std::size_t>(1, text.size()));
    }
    std::string_view rest() const { return bytes_; }

private:
    std::string_view bytes_;
};

void record(Frame& frame, bool joined, const std::string& group) {
    (joined ? frame.joined : frame.left).push_back(group);
}

// The records of IGMPv3 (RFC 3376, section 4.2) and MLDv2 (RFC 3810, section 5.2) are alike.
template <typename Address>
void parse_group_records(Frame& frame, Reader reader) {
    reader.take(2);
    for (unsigned count = reader.number(2); count > 0 && !reader.rest().empty(); --count) {
        enum { is_include = 1, is_exclude, to_include, to_exclude, allow_sources, block_sources };
        const unsigned type = reader.number(1);
        const std::size_t auxiliary = 4 * std::size_t{reader.number(1)};
        const unsigned sources = reader.number(2);
        const std::string group = reader.address<Address>();
        reader.take(sources * sizeof(typename Address::bytes_type) + auxiliary);
        if (type == is_exclude || type == to_exclude || type == allow_sources) {
            record(frame, true, group);
        } else if (type != block_sources) {
            record(frame, sources > 0, group);  // from no source at all: it has left
        }
    }
}

void parse_igmp(Frame& frame, Reader reader) {
    const unsigned type = reader.number(1);
    reader.take(3);
    if (type == 0x22) parse_group_records<ip::address_v4>(frame, reader);
    if (type == 0x12 || type == 0x16) record(frame, true, reader.address<ip::address_v4>());
    if (type == 0x17) record(frame, false, reader.address<ip::address_v4>());
}

// MLD is a part of ICMPv6.
void parse_icmp_v6(Frame& frame, Reader reader) {
    const unsigned type = reader.number(1);
    reader.take(3);
    if (type == 143) parse_group_records<ip::address_v6>(frame, reader);
    if (type == 131 || type == 132) {
        reader.take(4);
        record(frame, type == 131, reader.address<ip::address_v6>());
    }
    const bool is_mld = (type >= 130 && type <= 132) || type == 143;
    frame.protocol = is_mld ? "MLD" : "ICMPv6";
}

void parse_ports(Frame& frame, Reader& reader) {
    frame.source_port = std::to_string(reader.number(2));
    frame.destination_port = std::to_string(reader.number(2));
}

void parse_transport(Frame& frame, unsigned protocol, Reader reader) {
    switch (protocol) {
        case 1:
            frame.protocol = "ICMP";
            return;
        case 2:
            frame.protocol = "IGMP";
            return parse_igmp(frame, reader);
        case 6:
            frame.protocol = "TCP";
            return parse_ports(frame, reader);
        case 17:
            frame.protocol = "UDP";
            parse_ports(frame, reader);
            reader.take(4);
            frame.payload = reader.rest();
            return;
        case 58:
            return parse_icmp_v6(frame, reader);
        default:
            frame.protocol = "IP protocol " + std::to_string(protocol);
    }
}

void parse_ip_v4(Frame& frame, Reader reader) {
    const std::size_t header = 4 * std::size_t{reader.number(1) & 0xf};
    reader.take(1);
    const std::size_t total = reader.number(2);
    reader.take(2);
    const unsigned part = reader.number(2);
    frame.ttl = static_cast<int>(reader.number(1));
    const unsigned protocol = reader.number(1);
    reader.take(2);
    frame.source = reader.address<ip::address_v4>();
    frame.destination = reader.address<ip::address_v4>();
    reader.take(header - std::min<std::size_t>(header, 20));
    const Reader contents{reader.take(total - std::min(total, header))};  // behind it is padding
    const unsigned offset = part & 0x1fff;
    frame.fragment = (part & 0x2000) != 0 || offset != 0;
    if (offset == 0) return parse_transport(frame, protocol, contents);
    frame.protocol = "IP protocol " + std::to_string(protocol);
}

void parse_ip_v6(Frame& frame, Reader reader) {
    enum { hop_by_hop = 0, fragment = 44 };
    reader.take(4);
    const std::size_t size = reader.number(2);
    unsigned next = reader.number(1);
    frame.ttl = static_cast<int>(reader.number(1));
    frame.source = reader.address<ip::address_v6>();
    frame.destination = reader.address<ip::address_v6>();
    Reader contents{reader.take(size)};
    unsigned offset = 0;
    while ((next == hop_by_hop || next == fragment) && !contents.rest().empty()) {
        frame.fragment = next == fragment;
        next = contents.number(1);
        const std::size_t length = contents.number(1);
        if (frame.fragment) offset = contents.number(2) & 0xfff8;
        contents.take(frame.fragment ? 4 : 6 + 8 * length);
    }
    if (offset == 0) return parse_transport(frame, next, contents);
    frame.protocol = "IP protocol " + std::to_string(next);
}

std::string endpoint(const std::string& address, const std::string& port) {
    if (port.empty()) return address;
    return wirelab::to_text(address, static_cast<std::uint16_t>(std::stoi(port)));
}

}  // namespace

Frame parse_frame(std::string_view bytes) {
    Frame frame;
    Reader reader{bytes};
    frame.ethernet_destination = reader.ethernet_address();
    frame.ethernet_source = reader.ethernet_address();
    const unsigned type = reader.number(2);
    if (type == 0x0800) {
        parse_ip_v4(frame, reader);
    } else if (type == 0x86dd) {
        parse_ip_v6(frame, reader);
    } else {
        frame.protocol = type == 0x0806 ? "ARP" : "Ethernet type " + std::to_string(type);
    }
    return frame;
}

bool Frame::joins(const std::string& group) const {
    return std::ranges::find(joined, group) != joined.end();
}

bool Frame::leaves(const std::string& group) const {
    return std::ranges::find(left, group) != left.end();
}

std::string Frame::text() const {
    std::string text = protocol;
    if (!source.empty()) {
        text = endpoint(source, source_port) + " > " + endpoint(destination, destination_port) +
               ", " + protocol;
    }
    for (const std::string& group : joined) text += ", joins " + group;
    for (const std::string& group : left) text += ", leaves " + group;
    if (protocol == "UDP") text += ", " + std::to_string(payload.size()) + " bytes";
    if (fragment) text += ", a fragment";
    if (!source.empty()) text += ", TTL " + std::to_string(ttl);
    return text + ", to " + ethernet_destination;
}

}  // namespace harness
