// Many clients of a chat server in one program, to see how fast it is. 11_chat.py calls this:
//
//     chat_load talk PORT CLIENTS SECONDS              all talk, as fast as the server passes it on
//     chat_load rest PORT CLIENTS                      all are silent, then one says a line
//     chat_load listen PORT CLIENTS STALLED SECONDS    one talks, the last STALLED don't read
//
// It prints `connected`, waits for a line on stdin that says that the server knows all clients, and
// prints what it has measured. Each line must come to each client but its sender; one too few, or
// too many, is a failure, and so is a client that the server drops.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration;

constexpr std::chrono::milliseconds pause{2};  // between the lines whose way is timed
constexpr int patience = 20000;                // milliseconds in which something must come

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "chat_load: %s\n", what.c_str());
    std::exit(1);
}

// Returns what a call returned, unless that was an error.
template <class Integer>
Integer checked(const char* call, Integer result) {
    if (result < 0) fail(std::string{call} + ": " + std::strerror(errno));
    return result;
}

double seconds_since(Clock::time_point begin) {
    return duration<double>(Clock::now() - begin).count();
}

// All clients. The last `stalled` of them don't read what comes.
class Crowd {
public:
    Crowd(std::uint16_t port, std::size_t size, std::size_t stalled, std::size_t bytes_in_line)
        : sent(size),
          received(size),
          listening{size - stalled},
          line_size{bytes_in_line},
          epoll_{checked("epoll_create1", ::epoll_create1(0))} {
        for (std::size_t client = 0; client < size; ++client) {
            sockets_.push_back(connect(port));
            if (client < listening) listen_to(client);
        }
    }

    // Lets a client say some lines.
    void say(std::size_t client, std::size_t lines) {
        const std::size_t size = lines * line_size;
        while (text_.size() < size) text_ += std::string(line_size - 1, 'x') + '\n';
        for (std::size_t i = 0; i < size;) {
            const ssize_t part =
                ::send(sockets_[client], &text_[i], size - i, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (part < 0 && errno == EAGAIN) {
                hear();  // the server may be waiting for just that
                continue;
            }
            i += static_cast<std::size_t>(checked("send", part));
        }
        sent[client] += lines;
        expected_ += size * (listening - 1);
    }

    // Waits until something comes, and counts it. Or for some milliseconds only.
    void hear(int wait = patience) {
        const int count =
            checked("epoll_wait", ::epoll_wait(epoll_, events_.data(), max_events, wait));
        if (count == 0 && wait == patience) fail("nothing comes any more");
        for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
            count_bytes(events_[i].data.u64);
        }
    }

    void hear_all() {
        while (delivered_ < expected_) hear();
    }

    // How many lines are still to come to each, on average.
    double on_the_way() const {
        const auto bytes = static_cast<double>(expected_) - static_cast<double>(delivered_);
        return bytes / static_cast<double>(line_size * (listening - 1));
    }

    std::size_t lines_to(std::size_t client) const { return received[client] / line_size; }
    std::size_t deliveries() const { return delivered_ / line_size; }

    std::vector<std::size_t> sent;        // lines, by client
    std::vector<std::uint64_t> received;  // bytes, by client
    const std::size_t listening;
    const std::size_t line_size;

private:
    static int connect(std::uint16_t port) {
        const int socket = checked("socket", ::socket(AF_INET, SOCK_STREAM, 0));
        sockaddr_in server{};
        server.sin_family = AF_INET;
        server.sin_port = htons(port);
        server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int on = 1;
        checked("setsockopt", ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
        checked("connect", ::connect(socket, reinterpret_cast<sockaddr*>(&server), sizeof server));
        return socket;
    }

    void listen_to(std::size_t client) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = client;
        checked("epoll_ctl", ::epoll_ctl(epoll_, EPOLL_CTL_ADD, sockets_[client], &event));
    }

    // With MSG_TRUNC the system counts the bytes and drops them: so they cost us little.
    void count_bytes(std::size_t client) {
        constexpr std::size_t much = 1024 * 1024;
        const ssize_t size =
            checked("recv", ::recv(sockets_[client], nullptr, much, MSG_TRUNC | MSG_DONTWAIT));
        if (size == 0) fail("the server has dropped a client");
        received[client] += static_cast<std::uint64_t>(size);
        delivered_ += static_cast<std::uint64_t>(size);
    }

    static constexpr int max_events = 1024;

    std::string text_;  // as many lines as were ever said at once
    int epoll_;
    std::vector<int> sockets_;
    std::uint64_t expected_ = 0;   // bytes, all clients together
    std::uint64_t delivered_ = 0;  // of those
    std::array<epoll_event, max_events> events_;
};

void wait_for_go() {
    std::puts("connected");
    std::fflush(stdout);
    std::array<char, 16> line;
    if (std::fgets(line.data(), line.size(), stdin) == nullptr) fail("not told to begin");
}

// Fails unless each client got what all others have sent, no byte less and no byte more.
void check_sums(const Crowd& crowd) {
    const auto all = std::accumulate(crowd.sent.begin(), crowd.sent.end(), std::size_t{0});
    for (std::size_t client = 0; client < crowd.listening; ++client) {
        if (crowd.received[client] != (all - crowd.sent[client]) * crowd.line_size) {
            fail("a client got too little, or too much");
        }
    }
}

// All clients talk in turn, a burst of lines each, whenever few enough are on the way.
// Prints deliveries and seconds.
void talk(Crowd& crowd, double seconds) {
    constexpr std::size_t burst = 10;
    constexpr double window = 1000;
    const auto begin = Clock::now();
    for (std::size_t client = 0; seconds_since(begin) < seconds; crowd.hear()) {
        while (crowd.on_the_way() < window) {
            crowd.say(client, burst);
            client = (client + 1) % crowd.listening;
        }
    }
    crowd.hear_all();
    const double taken = seconds_since(begin);
    check_sums(crowd);
    std::printf("%zu %f\n", crowd.deliveries(), taken);
}

// One client says a line. Prints the seconds until it has come to all others.
void rest(Crowd& crowd) {
    const auto begin = Clock::now();
    crowd.say(0, 1);
    crowd.hear_all();
    const double taken = seconds_since(begin);
    check_sums(crowd);
    std::printf("%f\n", taken);
}

// One client says so much that whatever the system holds for a client that doesn't read is full.
void fill(Crowd& crowd) {
    constexpr std::size_t enough = 8000;  // of 1000 bytes; Linux holds 4 MB and what is received
    for (std::size_t lines = 0; lines < enough; lines += 50) {
        crowd.say(0, 50);
        crowd.hear_all();
    }
}

// Then it says line after line. Prints in how many microseconds they come to the others: the
// median, and what 99 of 100 don't take longer than.
void listen(Crowd& crowd, double seconds) {
    fill(crowd);
    const std::size_t filled = crowd.sent[0];
    const auto count = static_cast<std::size_t>(seconds / duration<double>{pause}.count());
    std::vector<Clock::time_point> said;
    std::vector<std::size_t> heard(crowd.listening);  // lines, by client
    std::vector<double> taken;                        // microseconds, each line to each client
    const auto begin = Clock::now();
    while (taken.size() < count * (crowd.listening - 1)) {
        if (said.size() < count && Clock::now() >= begin + said.size() * pause) {
            said.push_back(Clock::now());
            crowd.say(0, 1);
        }
        crowd.hear(1);
        const auto now = Clock::now();
        for (std::size_t client = 1; client < crowd.listening; ++client) {
            for (; filled + heard[client] < crowd.lines_to(client); ++heard[client]) {
                const duration<double, std::micro> latency = now - said.at(heard[client]);
                taken.push_back(latency.count());
            }
        }
    }
    check_sums(crowd);
    std::sort(taken.begin(), taken.end());
    std::printf("%f %f\n", taken[taken.size() / 2], taken[taken.size() * 99 / 100]);
}

}  // namespace

int main(int argc, char* argv[]) {
    const std::vector<std::string_view> arguments{argv, argv + argc};
    const auto number = [&](std::size_t i) { return std::atof(arguments.at(i).data()); };
    ::alarm(60);  // whatever happens, this ends
    const std::string_view what = arguments.at(1);
    const auto port = static_cast<std::uint16_t>(number(2));
    const auto clients = static_cast<std::size_t>(number(3));
    const std::size_t stalled = what == "listen" ? static_cast<std::size_t>(number(4)) : 0;
    const std::size_t line_size = what == "listen" ? 1000 : 64;

    Crowd crowd{port, clients, stalled, line_size};
    wait_for_go();
    if (what == "talk") talk(crowd, number(4));
    if (what == "rest") rest(crowd);
    if (what == "listen") listen(crowd, number(5));
    std::fflush(stdout);
    while (std::getchar() != EOF) continue;  // nobody leaves while the server is looked at
}
