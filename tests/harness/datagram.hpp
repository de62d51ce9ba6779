// One datagram, as the kernel gives it to a UDP socket; and what it tells of those that none took.
#pragma once

#include <fstream>
#include <optional>
#include <string>
#include <string_view>

namespace harness {

struct Datagram {
    std::string bytes;
    std::string sender;   // ADDRESS:PORT, as the programs print it
    std::string address;  // of the sender, with %INTERFACE if it is an IPv6 link-local one
    std::string port;
    std::string destination;  // the address it was sent to: this socket's, a broadcast, a group
    int ttl = 0;              // the hop limit in IPv6
};

// Takes the next datagram that has come to the socket, whose options for TTL and destination are
// set; nothing if there is none.
std::optional<Datagram> receive_datagram(int socket);

// As reports show it: its bytes, their number, the sender.
std::string shown(std::string_view bytes);
std::string shown(const Datagram& datagram);

// The number of an interface in the network that the socket is in, which may be another than that
// of this thread; and its name.
unsigned interface_index(int socket, const std::string& name);
std::string interface_name(int socket, unsigned index);

// The datagrams that come to ports where nobody listens, in the network that the thread is in when
// it makes this.
class UnheardDatagrams {
public:
    explicit UnheardDatagrams(bool v4);

    // How many have come since then.
    long count() { return total() - before_; }

private:
    long total();

    std::ifstream statistics_;
    long before_;
};

}  // namespace harness
