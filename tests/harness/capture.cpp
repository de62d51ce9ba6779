#include "capture.hpp"

#include <boost/asio.hpp>

#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace harness {

namespace asio = boost::asio;

namespace {

// With what the kernel puts together for fewer turns, a frame is longer than Ethernet's.
constexpr std::size_t longest_frame = 1 << 17;
// A program may send faster than the test receives, and without end: so many are taken before
// other things have their turn, and so many are kept.
constexpr int at_once = 32;
constexpr int most_kept = 10'000;

// A socket for all frames of one interface, see packet(7).
int open_packet_socket(const std::string& interface) {
    const int socket = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
    constexpr int room = 8 << 20;
    ::setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    if (address.sll_ifindex == 0 ||
        ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        fail("the test can't capture on the interface " + interface + ": " + std::strerror(errno));
    }
    return socket;
}

// What IPv6 says by itself, as an interface gets an address: to find routers and neighbours, and
// to join its own groups for that.
bool is_kernels_own(const Frame& frame) {
    const auto for_neighbours = [](const std::string& group) {
        return group.starts_with("ff02::1:ff") || group == "ff02::2" || group == "ff02::6a";
    };
    if (frame.protocol == "ICMPv6") return frame.destination.starts_with("ff02::");
    return frame.protocol == "MLD" && std::ranges::all_of(frame.joined, for_neighbours) &&
           std::ranges::all_of(frame.left, for_neighbours);
}

}  // namespace

Capture::Capture(Stage& stage, const std::string& interface, const std::string& label)
    : stage_{stage},
      socket_{stage.io(), open_packet_socket(interface)},
      label_{labelled(label, interface)} {
    receive_on();
}

void Capture::receive_on() {
    socket_.async_wait(asio::posix::descriptor_base::wait_read,
                       [this](boost::system::error_code error) {
                           if (error) return;
                           receive_waiting(at_once);
                           receive_on();
                       });
}

void Capture::receive_waiting(int most) {
    std::string bytes(longest_frame, '\0');
    for (int i = 0; i < most; ++i) {
        sockaddr_ll from{};
        socklen_t length = sizeof from;
        const ssize_t size = ::recvfrom(socket_.native_handle(), bytes.data(), bytes.size(), 0,
                                        reinterpret_cast<sockaddr*>(&from), &length);
        if (size < 0) return;
        Frame frame = parse_frame({bytes.data(), static_cast<std::size_t>(size)});
        frame.outgoing = from.sll_pkttype == PACKET_OUTGOING;
        if (!is_kernels_own(frame)) {
            const std::string does = frame.outgoing ? " sends" : " receives";
            stage_.transcript().add(label_ + does, frame.text());
        }
        if (frames_.size() < most_kept) frames_.push_back(std::move(frame));
    }
}

Frame Capture::expect_frame(std::string_view meaning, const Predicate& is_such,
                            std::string_view cause) {
    const auto found = [&] { return std::ranges::find_if(frames_, is_such); };
    const auto came = [&] { return found() != frames_.end(); };
    stage_.wait_until([&] { return came() || stage_.programs_ended(); });
    // What has been sent may still be on its way through a slow network.
    const auto moment = std::chrono::milliseconds{300} * time_scale();
    if (!came()) stage_.wait_until(came, std::chrono::duration_cast<Clock::duration>(moment));
    receive_waiting(most_kept);
    const std::string got = std::to_string(frames_.size()) + " frames, none of them such";
    stage_.expect(came(), "through " + label_ + " goes " + std::string{meaning}, got, cause);
    return *found();
}

void Capture::expect_no_frame(std::string_view meaning, const Predicate& is_such,
                              std::string_view cause) {
    receive_waiting(most_kept);
    const auto found = std::ranges::find_if(frames_, is_such);
    const bool none = found == frames_.end();
    stage_.expect(none, "through " + label_ + " never goes " + std::string{meaning},
                  none ? "" : found->text(), cause);
}

void Capture::expect_join(const std::string& group, std::string_view cause) {
    expect_frame(
        "a report that a host joins " + group,
        [&](const Frame& frame) { return frame.joins(group); }, cause);
}

void Capture::expect_leave(const std::string& group, std::string_view cause) {
    expect_frame(
        "a report that a host leaves " + group,
        [&](const Frame& frame) { return frame.leaves(group); }, cause);
}

const std::vector<Frame>& Capture::frames() {
    receive_waiting(most_kept);
    return frames_;
}

void Capture::forget() {
    receive_waiting(most_kept);
    frames_.clear();
}

}  // namespace harness
