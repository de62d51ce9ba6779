// A frame as it crosses an interface, taken apart.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace harness {

struct Frame {
    bool outgoing = false;             // sent through this interface, not received by it
    std::string ethernet_source;       // 02:00:00:00:00:01
    std::string ethernet_destination;  // ff:ff:ff:ff:ff:ff
    std::string protocol;              // UDP, TCP, ICMP, ICMPv6, IGMP, MLD, ARP, or a number
    std::string source;                // IP addresses; empty if it has none
    std::string destination;
    std::string source_port;  // of UDP and TCP
    std::string destination_port;
    int ttl = 0;                      // the hop limit in IPv6
    std::string payload;              // what UDP carries; of a fragmented datagram the first part
    bool fragment = false;            // one of the parts of an IP packet
    std::vector<std::string> joined;  // the groups that a report of IGMP or MLD tells of
    std::vector<std::string> left;

    bool joins(const std::string& group) const;
    bool leaves(const std::string& group) const;
    // 10.0.0.1:40000 > 255.255.255.255:40000, UDP, 5 bytes, TTL 64, to ff:ff:ff:ff:ff:ff
    std::string text() const;
};

// Takes apart the bytes of an Ethernet frame. What it does not know, or what is cut short, is left
// empty.
Frame parse_frame(std::string_view bytes);

}  // namespace harness
