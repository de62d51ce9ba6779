// A LAN with hosts h1, h2, ... inside this machine, made by `./lab classroom` (scripts/): a part of
// a test case runs there, and everything of it ends with that part.
//
//     in_classroom("08_udp_chat", {.hosts = 2}, [](Stage& stage, Classroom& classroom) {
//         Capture& wire = classroom.capture("h1");
//         DatagramPeer& peer = classroom.datagrams("h1", "40000");
//         Process& chat = classroom.start("h2", "udp_chat");
//         chat.expect_listening("0.0.0.0");
//         chat.type("hello\n");
//         const Datagram datagram = peer.expect_datagram("hello");  // from 10.0.0.2:40000
//         wire.expect_frame("a broadcast", [](const Frame& frame) {
//             return frame.ethernet_destination == "ff:ff:ff:ff:ff:ff";
//         });
//         chat.expect_line("10.0.0.2:40000> hello");
//         peer.send_to("welcome", datagram.address, datagram.port);
//         chat.expect_line(peer.endpoint() + "> welcome");  // 10.0.0.1:40000
//     });
#pragma once

#include "capture.hpp"
#include "datagrams.hpp"
#include "process.hpp"
#include "stage.hpp"

#include <functional>
#include <string>
#include <vector>

namespace harness {

// What the LAN is like.
struct Lan {
    int hosts = 3;
    double loss = 0;  // per cent of the datagrams that come to a host
    double rate = 0;  // megabits a second that a host can send; 0: no limit
};

class Classroom {
public:
    // Makes it; use in_classroom().
    Classroom(Stage& stage, const Lan& lan);
    Classroom(const Classroom&) = delete;
    Classroom& operator=(const Classroom&) = delete;

    // Starts a program of the lab, or any other, on a host; shown as "[h2] udp_chat ...".
    Process& start(const std::string& host, const std::string& program,
                   std::vector<std::string> arguments = {}, const StartOptions& options = {});
    Process& start_command(const std::string& host, const std::string& command,
                           std::vector<std::string> arguments);

    // A UDP socket of the test's own on a host. It hears all that comes to the port: on any of the
    // host's addresses, broadcasts, and groups that it joins (on eth0).
    DatagramPeer& datagrams(const std::string& host, const std::string& port = "0",
                            DatagramOptions options = {});
    // The same for IPv6, with the link-local address; groups are named as in "ff02::1%eth0".
    DatagramPeer& datagrams_v6(const std::string& host, const std::string& port = "0",
                               DatagramOptions options = {});

    // What a host sends and receives through an interface of its own.
    Capture& capture(const std::string& host, const std::string& interface = "eth0");

    // Runs a function that opens sockets: they are the host's. It must start no program.
    //     Listener& listener = classroom.on("h1", [&]() -> Listener& {
    //         return stage.listen(classroom.address("h1"), "40000");
    //     });
    template <typename Function>
    decltype(auto) on(const std::string& host, const Function& function) {
        const Visit visit{network(host)};
        return function();
    }

    // Those of h2 are 10.0.0.2 and fe80::ff:fe00:2.
    std::string address(const std::string& host) const;
    std::string address_v6(const std::string& host) const;

private:
    // As long as it lives, this thread is in another network namespace.
    class Visit {
    public:
        explicit Visit(const std::string& network);
        ~Visit();
        Visit(const Visit&) = delete;
        Visit& operator=(const Visit&) = delete;

    private:
        int home_;
    };

    std::string network(const std::string& host) const;
    StartOptions options_on(const std::string& host, StartOptions options) const;

    Stage& stage_;
    Process keeper_;
};

// Runs a part of a test case in a private network, on a Stage for the lab, with such a classroom.
// Where the machine can't have one the test case is skipped.
void in_classroom(const std::string& lab, const Lan& lan,
                  const std::function<void(Stage&, Classroom&)>& body);

}  // namespace harness
