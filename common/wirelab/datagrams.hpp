/// \file
/// Sending datagrams: what to say when one can't be sent, and sending at a pace.
#pragma once

#include <wirelab/error.hpp>
#include <wirelab/values.hpp>

#include <boost/asio/ip/udp.hpp>

#include <cstdint>
#include <functional>

namespace wirelab {

/// Returns "cannot send to ADDRESS:PORT: REASON". For a broadcast that the system does not permit
/// it names the option that was not set, SO_BROADCAST (socket(7)): "Permission denied" alone sends
/// people looking for root.
Error cannot_send(const boost::asio::ip::udp::endpoint& destination,
                  const boost::system::error_code& code);

/// From now on nothing that is sent to the socket comes in, however much it is; what has come
/// before can still be received. (A filter that lets no datagram pass, SO_ATTACH_FILTER in
/// socket(7).) Throws Error when the system does not allow that.
void let_nothing_in(boost::asio::ip::udp::socket& socket);

/// Calls the function `count` times, 0: for ever, with a pause of `interval` between two calls.
void at_intervals(Seconds interval, std::uint64_t count, const std::function<void()>& function);

}  // namespace wirelab
