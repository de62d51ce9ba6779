#include "datagrams.hpp"

#include <wirelab/endpoint.hpp>

#include <boost/asio.hpp>

#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <regex>
#include <utility>

namespace harness {

namespace asio = boost::asio;
using boost::system::error_code;
using udp = asio::ip::udp;

namespace {

// A program may send faster than the test receives, and without end: so many are taken before
// other things have their turn, and so many are kept.
constexpr int at_once = 32;
constexpr int most_kept = 10'000;

std::string reason() {
    return error_code{errno, boost::system::system_category()}.message();
}

template <typename Value>
void set(udp::socket& socket, int level, int name, const Value& value) {
    if (::setsockopt(socket.native_handle(), level, name, &value, sizeof value) != 0) {
        fail("the test can't set an option of its UDP socket: " + reason());
    }
}

void set(udp::socket& socket, int level, int name) {
    set(socket, level, name, 1);
}

}  // namespace

DatagramPeer::DatagramPeer(Stage& stage, const udp::endpoint& endpoint,
                           const DatagramOptions& options, const std::string& name)
    : stage_{stage},
      socket_{stage.io(), endpoint.protocol()},
      own_address_{options.own_address},
      label_{labelled(options.label, name)},
      unheard_{endpoint.protocol() == udp::v4()} {
    set_options(options);
    if (options.share_port && endpoint.port() != 0) set(socket_, SOL_SOCKET, SO_REUSEADDR);
    error_code error;
    socket_.bind(endpoint, error);
    if (error) {
        fail("the test can't open UDP port " + std::to_string(endpoint.port()) + ": " +
             error.message());
    }
    stage_.transcript().add(label_, "has the UDP socket " + this->endpoint());
    receive_on();
}

void DatagramPeer::set_options(const DatagramOptions& options) {
    const bool v4 = socket_.local_endpoint().protocol() == udp::v4();
    const int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
    socket_.set_option(asio::socket_base::receive_buffer_size{1 << 20});
    set(socket_, SOL_SOCKET, SO_BROADCAST);
    set(socket_, level, v4 ? IP_PKTINFO : IPV6_RECVPKTINFO);
    set(socket_, level, v4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT);
    // Otherwise it would hear the groups of all others on the machine.
    set(socket_, level, v4 ? IP_MULTICAST_ALL : IPV6_MULTICAST_ALL, 0);
    if (!v4) set(socket_, level, IPV6_V6ONLY);
    if (!options.loop_back) set(socket_, level, v4 ? IP_MULTICAST_LOOP : IPV6_MULTICAST_LOOP, 0);
    if (options.ttl) {
        set(socket_, level, v4 ? IP_MULTICAST_TTL : IPV6_MULTICAST_HOPS, *options.ttl);
        set(socket_, level, v4 ? IP_TTL : IPV6_UNICAST_HOPS, *options.ttl);
    }
    if (options.interface.empty()) return;
    const int index = static_cast<int>(index_of(options.interface));
    if (v4) set(socket_, level, IP_MULTICAST_IF, ip_mreqn{{}, {}, index});
    if (!v4) set(socket_, level, IPV6_MULTICAST_IF, index);
}

unsigned DatagramPeer::index_of(const std::string& interface) {
    return interface_index(socket_.native_handle(), interface);
}

udp::endpoint DatagramPeer::remote(const std::string& address, const std::string& port) {
    const auto percent = address.find('%');
    auto result = asio::ip::make_address(address.substr(0, percent));
    if (percent != std::string::npos) {
        auto scoped = result.to_v6();
        scoped.scope_id(index_of(address.substr(percent + 1)));
        result = scoped;
    }
    return {result, static_cast<std::uint16_t>(std::stoi(port))};
}

void DatagramPeer::send_to(std::string_view bytes, const std::string& address,
                           const std::string& port) {
    const udp::endpoint target = remote(address, port);
    const std::string where = wirelab::to_text(address, target.port());
    stage_.transcript().add(label_ + " sends", shown(bytes) + " to " + where);
    error_code error;
    socket_.send_to(asio::buffer(bytes), target, 0, error);
    if (error) fail("the test can't send a datagram to " + where + ": " + error.message());
}

void DatagramPeer::join(const std::string& group, const std::string& interface) {
    change_membership(group, interface, true);
}

void DatagramPeer::leave(const std::string& group, const std::string& interface) {
    change_membership(group, interface, false);
}

void DatagramPeer::change_membership(const std::string& group, const std::string& interface,
                                     bool member) {
    const udp::endpoint endpoint = remote(group, "0");
    group_req request{};
    request.gr_interface = index_of(interface);
    std::memcpy(&request.gr_group, endpoint.data(), endpoint.size());
    const int level = endpoint.protocol() == udp::v4() ? IPPROTO_IP : IPPROTO_IPV6;
    set(socket_, level, member ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP, request);
    stage_.transcript().add(label_, (member ? "joins " : "leaves ") + group + " on " + interface);
}

void DatagramPeer::receive_on() {
    socket_.async_wait(udp::socket::wait_read, [this](error_code error) {
        if (error) return;
        receive_waiting(at_once);
        receive_on();
    });
}

void DatagramPeer::receive_waiting(int most) {
    for (int i = 0; i < most; ++i) {
        auto datagram = receive_datagram(socket_.native_handle());
        if (!datagram) return;
        stage_.transcript().add(label_ + " receives",
                                shown(*datagram) + " sent to " + datagram->destination);
        if (received_.size() < most_kept) received_.push_back(std::move(*datagram));
    }
}

Datagram DatagramPeer::next(const std::string& expected, std::string_view cause) {
    const auto came = [this] { return !received_.empty(); };
    stage_.wait_until([&] { return came() || stage_.programs_ended(); });
    // What has been sent may still be on its way through a slow network.
    const auto moment = std::chrono::milliseconds{300} * time_scale();
    if (!came()) stage_.wait_until(came, std::chrono::duration_cast<Clock::duration>(moment));
    if (!came()) receive_waiting(most_kept);
    if (!came()) {
        const long unheard = unheard_.count();
        std::string got = "no datagram";
        if (unheard > 0) {
            got += "; " + std::to_string(unheard) + " came to a port where nobody listens";
            if (cause.empty()) cause = "it is sent to another port than the one to be used";
        }
        stage_.expect(false, expected, got, cause);
    }
    Datagram datagram = std::move(received_.front());
    received_.pop_front();
    return datagram;
}

Datagram DatagramPeer::expect_datagram(std::string_view bytes, std::string_view cause) {
    const std::string expected = label_ + " receives " + shown(bytes);
    Datagram got = next(expected, cause);
    stage_.expect(got.bytes == bytes, expected, shown(got), cause);
    return got;
}

Datagram DatagramPeer::expect_datagram_like(const std::string& pattern, std::string_view meaning,
                                            std::string_view cause) {
    const std::string expected = label_ + " receives " + std::string{meaning};
    Datagram got = next(expected, cause);
    stage_.expect(std::regex_match(got.bytes, std::regex{pattern}), expected, shown(got), cause);
    return got;
}

void DatagramPeer::expect_no_datagram(std::string_view cause) {
    if (waiting() == 0) return stage_.expect(true, "", "");
    std::string got = shown(received_.front());
    if (received_.size() > 1) got += " and " + std::to_string(received_.size() - 1) + " more";
    stage_.expect(false, label_ + " receives nothing more", got, cause);
}

std::size_t DatagramPeer::waiting() {
    receive_waiting(most_kept);
    return received_.size();
}

std::string DatagramPeer::endpoint() const {
    const udp::endpoint local = socket_.local_endpoint();
    return own_address_.empty() ? wirelab::to_text(local)
                                : wirelab::to_text(own_address_, local.port());
}

std::string DatagramPeer::port() const {
    return std::to_string(socket_.local_endpoint().port());
}

}  // namespace harness
