/// \file
/// The addresses of this machine.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <vector>

namespace wirelab {

/// Returns the addresses under which other machines could reach this one: those of all interfaces
/// that are up, other than loopback and link-local (RFC 3927, RFC 4291), IPv4 first.
/// Throws Error when the system does not tell; see getifaddrs(3).
std::vector<boost::asio::ip::address> reachable_addresses();

/// Returns the addresses under which others reach a server that is bound to `bound`: for 0.0.0.0
/// the IPv4 ones, for :: all of them, for one address that address unless it is loopback.
std::vector<boost::asio::ip::address> addresses_for_others(const boost::asio::ip::address& bound);

}  // namespace wirelab
