// Lab 10 with raw POSIX sockets: prints what is sent to a multicast group.
//
// It joins by the calls that are the same for IPv4 and IPv6 (RFC 3678), and takes signals without a
// thread: their handlers note what has come, and ppoll(2) lets them in only while it waits.
#include "../posix_more.hpp"

#include <signal.h>
#include <time.h>

namespace {

constexpr std::size_t longest_datagram = 65507;
constexpr long patience = 500'000'000;  // nanoseconds, for the farewell after a signal

struct Options {
    std::string group;
    std::string port;
    std::string interface;  // may be empty
    std::uint64_t count = 0;
};

// --- Signals ---------------------------------------------------------------------------------

volatile sig_atomic_t interrupted = 0;
timer_t farewell_timer;

// Ends the program by the signal that it was told to end by.
void give_up(int) {
    ::signal(interrupted, SIG_DFL);
    ::raise(interrupted);
}

// The first one asks for a farewell, within the patience. The second one ends the program at once.
void note_interrupt(int number) {
    interrupted = number;
    for (const int end : {SIGINT, SIGTERM}) ::signal(end, SIG_DFL);
    itimerspec limit{};
    limit.it_value.tv_nsec = patience;
    ::timer_settime(farewell_timer, 0, &limit, nullptr);
}

void handle(int number, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(number, &action, nullptr);
}

void handle_interrupts() {
    if (::timer_create(CLOCK_MONOTONIC, nullptr, &farewell_timer) != 0) {  // it sends SIGALRM
        throw posix::Failure{"cannot make a timer", posix::reason(errno)};
    }
    handle(SIGALRM, give_up);
    for (const int end : {SIGINT, SIGTERM}) handle(end, note_interrupt);
}

// Waits until a datagram has come; returns false when it was interrupted, even if one has come too.
bool wait_for_datagram(const posix::Descriptor& socket) {
    sigset_t ends;
    sigset_t before;
    ::sigemptyset(&ends);
    for (const int end : {SIGINT, SIGTERM}) ::sigaddset(&ends, end);
    // A signal between the look at the flag and the wait would be slept through, so it has to stay
    // outside until the wait begins.
    ::sigprocmask(SIG_BLOCK, &ends, &before);
    pollfd entry{.fd = socket.number(), .events = POLLIN, .revents = 0};
    while (!interrupted && ::ppoll(&entry, 1, nullptr, &before) < 0) {
        if (errno != EINTR) throw posix::Failure{"cannot receive", posix::reason(errno)};
    }
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return !interrupted;
}

// --- The group -------------------------------------------------------------------------------

bool is_multicast(const addrinfo& address) {
    if (address.ai_family == AF_INET) {
        const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(address.ai_addr);
        return IN_MULTICAST(ntohl(ipv4->sin_addr.s_addr));
    }
    const auto* ipv6 = reinterpret_cast<const sockaddr_in6*>(address.ai_addr);
    return IN6_IS_ADDR_MULTICAST(&ipv6->sin6_addr);
}

std::string parse_group(const std::string& text) {
    const posix::Addresses address = posix::numeric_address(posix::parse_address(text), "0");
    if (!is_multicast(*address)) throw std::invalid_argument{"not a multicast address"};
    return text;
}

// The interface that the group's scope names; 0 if it has none.
unsigned scope_of(const addrinfo& group) {
    if (group.ai_family != AF_INET6) return 0;
    return reinterpret_cast<const sockaddr_in6*>(group.ai_addr)->sin6_scope_id;
}

// The interface through which the system would send to the group. To connect a datagram socket
// sends nothing: it only looks for the way, and then knows its own address.
unsigned interface_by_routes(const std::string& group) {
    const posix::Addresses address = posix::numeric_address(group, "9");
    if (address->ai_family == AF_INET6) {
        // All groups have the same route, but a link-local one would be asked for its scope.
        reinterpret_cast<sockaddr_in6*>(address->ai_addr)->sin6_addr.s6_addr[1] = 0x05;
    }
    const posix::Descriptor probe{::socket(address->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (::connect(probe.number(), address->ai_addr, address->ai_addrlen) != 0) {
        throw posix::Failure{"cannot find an interface for " + group, posix::reason(errno)};
    }
    posix::SocketAddress local = posix::local_address(probe);
    const auto* ipv6 = reinterpret_cast<const sockaddr_in6*>(local.get());
    if (address->ai_family == AF_INET6 && ipv6->sin6_scope_id != 0) return ipv6->sin6_scope_id;
    const unsigned index = posix::find_interface(local.host());
    if (index != 0) return index;
    throw posix::Failure{"cannot find an interface for " + group, posix::reason(ENODEV)};
}

bool has_ipv4_address(const std::string& interface) {
    const auto there = posix::interface_addresses();
    return std::ranges::any_of(there, [&](const posix::InterfaceAddress& entry) {
        return entry.family == AF_INET && entry.name == interface;
    });
}

// By the scope, by the option, or by the routes.
unsigned choose_interface(const Options& options, const addrinfo& group) {
    const unsigned scope = scope_of(group);
    if (options.interface.empty()) return scope ? scope : interface_by_routes(options.group);
    const unsigned chosen = posix::choose_interface(options.interface);
    const std::string name = posix::interface_name(chosen);
    if (scope != 0 && scope != chosen) {
        throw posix::UsageError{options.group, "is not on the interface " + name};
    }
    if (group.ai_family == AF_INET && !has_ipv4_address(name)) {
        throw posix::Failure{"cannot use the interface " + options.interface,
                             posix::reason(EADDRNOTAVAIL)};
    }
    return chosen;
}

// Bound to the group's own address, the socket does not hear other groups on this port.
posix::Descriptor bind_to(const addrinfo& group) {
    const auto fail = [&group] {
        throw posix::Failure{"cannot listen on " + posix::endpoint(group), posix::reason(errno)};
    };
    posix::Descriptor socket{::socket(group.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!socket.is_open()) fail();
    posix::set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);
    if (::bind(socket.number(), group.ai_addr, group.ai_addrlen) != 0) fail();
    return socket;
}

// What is asked of the system for a group, on one interface.
class Membership {
public:
    Membership(const addrinfo& group, unsigned interface, std::string name)
        : level_{group.ai_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6}, name_{std::move(name)} {
        request_.gr_interface = interface;
        std::memcpy(&request_.gr_group, group.ai_addr, group.ai_addrlen);
    }

    void join(const posix::Descriptor& socket) const {
        // By default a socket also hears its group from the interfaces on which others have joined.
        const int all = level_ == IPPROTO_IP ? IP_MULTICAST_ALL : IPV6_MULTICAST_ALL;
        posix::set_option(socket, level_, all, 0);
        ask(socket, MCAST_JOIN_GROUP, "join");
    }
    void leave(const posix::Descriptor& socket) const { ask(socket, MCAST_LEAVE_GROUP, "leave"); }

private:
    void ask(const posix::Descriptor& socket, int option, const std::string& verb) const {
        if (::setsockopt(socket.number(), level_, option, &request_, sizeof request_) == 0) return;
        throw posix::Failure{"cannot " + verb + " " + name_, posix::reason(errno)};
    }

    int level_;
    std::string name_;
    group_req request_{};
};

// --- What it does ----------------------------------------------------------------------------

void print_datagram(const posix::Descriptor& socket, std::vector<char>& buffer) {
    posix::SocketAddress sender;
    const ssize_t size =
        ::recvfrom(socket.number(), buffer.data(), buffer.size(), 0, sender.get(), &sender.size);
    if (size < 0) throw posix::Failure{"cannot receive", posix::reason(errno)};
    const std::string_view text{buffer.data(), static_cast<std::size_t>(size)};
    posix::log("from " + sender.text() + ": " + std::to_string(size) + " bytes");
    posix::say("received " + std::to_string(size) + " bytes from " + sender.text() + ": " +
               posix::printable(text));
}

int receive(const Options& options) {
    const posix::Addresses group = posix::numeric_address(options.group, options.port);
    const unsigned interface = choose_interface(options, *group);
    if (group->ai_family == AF_INET6) {  // for bind(), which has to know where a link-local one is
        reinterpret_cast<sockaddr_in6*>(group->ai_addr)->sin6_scope_id = interface;
    }
    const posix::Descriptor socket = bind_to(*group);
    const Membership membership{*group, interface, options.group};
    membership.join(socket);
    posix::log("joined " + options.group + " on interface " + std::to_string(interface));
    handle_interrupts();
    posix::say("listening on " + posix::local_address(socket).text());
    posix::say("joined " + options.group + " on " + posix::interface_name(interface));

    std::vector<char> buffer(longest_datagram);
    for (std::uint64_t number = 1; wait_for_datagram(socket); ++number) {
        print_datagram(socket, buffer);
        if (number == options.count) break;
    }
    membership.leave(socket);
    posix::say("left " + options.group);
    return 0;
}

}  // namespace

int main(int argc, char* argv[]) {
    Options options;
    posix::CommandLine line{"multicast_receiver", "Prints what is sent to a multicast group."};
    line.option("group", "ADDRESS", "224.202.20.30", "the group",
                [&](auto& text) { options.group = parse_group(text); });
    line.option("port", "PORT", "54321", "the port to listen on, 0: any free one",
                [&](auto& text) { options.port = posix::parse_local_port(text); });
    line.option("interface", "NAME", "none", "its name, one of its addresses, or 'ask'",
                [&](auto& text) { options.interface = text == "none" ? "" : text; });
    line.option("count", "N", "10", "how many to receive, 0: for ever",
                [&](auto& text) { options.count = posix::parse_number<std::uint64_t>(text); });
    return posix::run(line, argc, argv, [&] { return receive(options); });
}
