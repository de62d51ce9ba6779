/// \file
/// Endpoints (an address and a port) as people write them.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace wirelab {

/// Returns "ADDRESS:PORT"; an IPv6 address stands in brackets, "[::1]:54321" (RFC 3986, section
/// 3.2.2). An IPv4 peer of an IPv6 socket (RFC 4291, section 2.5.5.2) is shown as the IPv4 address
/// that its user knows, not as "::ffff:a.b.c.d".
std::string to_text(const boost::asio::ip::tcp::endpoint& endpoint);
std::string to_text(const boost::asio::ip::udp::endpoint& endpoint);

/// Returns "HOST:PORT", the host in brackets when it has a colon.
std::string to_text(std::string_view host, std::uint16_t port);

}  // namespace wirelab
