// The other side of datagrams, played by the test.
//
//     DatagramPeer& peer = stage.datagrams("0.0.0.0", "40000", {.own_address = "127.0.0.1"});
//     peer.join("224.202.20.30", "lo");
//     const Datagram first = peer.expect_datagram("hello", "a line is one datagram");
//     peer.send_to("welcome", first.address, first.port);
//     program.expect_line(peer.endpoint() + "> welcome");
//     peer.expect_no_datagram("it was sent twice");
#pragma once

#include "datagram.hpp"
#include "stage.hpp"

#include <boost/asio/ip/udp.hpp>

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace harness {

struct DatagramOptions {
    bool share_port = true;        // with others that do, too (SO_REUSEADDR); any free port is not
    std::string interface = {};    // by which what goes to a group leaves; empty: by the routes
    std::optional<int> ttl = {};   // of what it sends, to groups and to others
    bool loop_back = true;         // what it sends to a group also comes to this machine's sockets
    std::string label = {};        // shown before its name, in brackets; classroom.hpp's hosts
    std::string own_address = {};  // that others see; empty: the one that it is bound to
};

// A UDP socket. It receives all the time, so that the transcript is complete; it may broadcast.
// Bound to one address it hears neither broadcasts nor groups: 0.0.0.0 (or ::) hears them, the
// broadcasts that it sends itself to its own port among them. What is sent to one address goes to
// one of the sockets that share the port: the one bound last.
class DatagramPeer {
public:
    using udp = boost::asio::ip::udp;

    // Use Stage::datagrams() or Classroom::datagrams().
    DatagramPeer(Stage& stage, const udp::endpoint& endpoint, const DatagramOptions& options,
                 const std::string& name);
    DatagramPeer(const DatagramPeer&) = delete;
    DatagramPeer& operator=(const DatagramPeer&) = delete;

    // Sends one datagram. An IPv6 address may name an interface: "ff02::1%eth0".
    void send_to(std::string_view bytes, const std::string& address, const std::string& port);

    // Becomes a member of a group (IPv4 or IPv6) on the interface, or ends that.
    void join(const std::string& group, const std::string& interface);
    void leave(const std::string& group, const std::string& interface);

    // Waits for the next datagram, and expects it to be this one.
    Datagram expect_datagram(std::string_view bytes, std::string_view cause = "");
    // The same for a pattern; `meaning` says what it should be.
    Datagram expect_datagram_like(const std::string& pattern, std::string_view meaning,
                                  std::string_view cause = "");
    // Expects that nothing has come but what the test has expected. It does not wait: so let the
    // program first do something that it does later (print a line, end, send what is expected).
    void expect_no_datagram(std::string_view cause = "");

    // This socket's ADDRESS:PORT, as the program under test prints it, and its port.
    std::string endpoint() const;
    std::string port() const;
    // How many datagrams have come that the test has not expected yet.
    std::size_t waiting();

private:
    void receive_on();
    void receive_waiting(int most);
    void set_options(const DatagramOptions& options);
    void change_membership(const std::string& group, const std::string& interface, bool member);
    unsigned index_of(const std::string& interface);
    udp::endpoint remote(const std::string& address, const std::string& port);
    Datagram next(const std::string& expected, std::string_view cause);

    Stage& stage_;
    udp::socket socket_;
    std::string own_address_;
    std::string label_;
    std::deque<Datagram> received_;
    UnheardDatagrams unheard_;
};

}  // namespace harness
