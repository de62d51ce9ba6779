// What crosses an interface, as tcpdump(8) would show it; only in a private network or a classroom.
//
//     Capture& wire = stage.capture("dummy0");  // from now on
//     Process& sender = stage.start("multicast_sender", {"--interface", "dummy0"});
//     const Frame sent = wire.expect_frame("a datagram to the group", [](const Frame& frame) {
//         return frame.protocol == "UDP" && frame.destination == "224.202.20.30";
//     });
//     // sent.ttl, sent.ethernet_destination, sent.payload, ...
//     wire.expect_join("224.202.20.30");
#pragma once

#include "frame.hpp"
#include "stage.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace harness {

// Collects every frame in both directions, from its making on; all stand in the transcript, but
// those by which the kernel looks for IPv6 neighbours and routers.
class Capture {
public:
    using Predicate = std::function<bool(const Frame&)>;

    // Use Stage::capture() or Classroom::capture().
    Capture(Stage& stage, const std::string& interface, const std::string& label);
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;

    // Waits for such a frame, unless one has come already; returns the first.
    Frame expect_frame(std::string_view meaning, const Predicate& is_such,
                       std::string_view cause = "");
    // Expects that no such frame has come. It does not wait: so let the program first do something
    // that it does later.
    void expect_no_frame(std::string_view meaning, const Predicate& is_such,
                         std::string_view cause = "");
    // Waits for a report of IGMP or MLD by which this interface joins or leaves the group.
    void expect_join(const std::string& group, std::string_view cause = "");
    void expect_leave(const std::string& group, std::string_view cause = "");

    // All frames so far, and none any more.
    const std::vector<Frame>& frames();
    void forget();

private:
    void receive_on();
    void receive_waiting(int most);

    Stage& stage_;
    boost::asio::posix::stream_descriptor socket_;
    std::string label_;
    std::vector<Frame> frames_;
};

}  // namespace harness
