/// \file
/// The interfaces of this machine, and their addresses.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/udp.hpp>

#include <optional>
#include <string>
#include <vector>

namespace wirelab {

/// Returns the addresses under which other machines could reach this one: those of all interfaces
/// that are up, other than loopback and link-local (RFC 3927, RFC 4291), IPv4 first.
/// Throws Error when the system does not tell; see getifaddrs(3).
std::vector<boost::asio::ip::address> reachable_addresses();

/// Returns the addresses under which others reach a server that is bound to `bound`: for 0.0.0.0
/// the IPv4 ones, for :: all of them, for one address that address unless it is loopback.
std::vector<boost::asio::ip::address> addresses_for_others(const boost::asio::ip::address& bound);

/// An interface, by all the names that calls have for it.
struct Interface {
    std::string name;
    unsigned index = 0;  ///< see if_nametoindex(3)
    std::optional<boost::asio::ip::address_v4> ipv4 = {};

    /// Returns its IPv4 address; of several, the one that it was chosen by, or else the first.
    /// Throws Error when it has none.
    boost::asio::ip::address_v4 address() const;
};

/// Returns the interface that a person means: by its name, by one of its addresses, or by `ask`,
/// which prints this machine's list on stderr and reads the answer from stdin. Throws Error when
/// there is no such interface, and UsageError when stdin ends before an answer.
Interface find_interface(const std::string& name_or_address);

/// Returns the interface through which the system would send to a multicast group. Nothing is sent.
/// Throws Error when no route leads there, see ip-route(8). The interface is told by the address
/// from which the system would send; so it may be another one where a route names a `src`.
Interface interface_towards(const boost::asio::ip::address& group);

/// From now on the socket sends through this interface, and receives what came in through it, alone
/// (SO_BINDTODEVICE, see socket(7)). Throws Error when the system does not allow that.
void bind_to_interface(boost::asio::ip::udp::socket& socket, const Interface& interface);

/// Returns the address with the interface as its scope, if it is an address that needs one: every
/// interface has link-local addresses of its own (RFC 4007). Throws UsageError when the address has
/// another scope already.
boost::asio::ip::address with_scope(const boost::asio::ip::address& address,
                                    const Interface& interface);

}  // namespace wirelab
