// Lab 05, connect_check: is a TCP port open? A non-blocking connect and poll(2) bound the time that
// each address takes; the look-up, which can't be bounded, runs in a thread that is left alone.
#include "../posix.hpp"

#include <future>
#include <string>
#include <thread>

// What came out, and the exit status for it.
struct Outcome {
    std::string text;
    int status;
};

const Outcome open_port{"open", 0};
const Outcome timed_out{"timed out", 4};

Outcome outcome_of(int error) {
    switch (error) {
        case 0:
            return open_port;
        case ECONNREFUSED:
            return {"refused", 3};
        case ETIMEDOUT:
            return timed_out;
        default:
            return {"error: " + posix::reason(error), 1};
    }
}

// Each address gets the same share of the time that is left.
Outcome check_addresses(const addrinfo* first, const posix::Deadline& deadline) {
    int waiting = 0;
    for (const addrinfo* address = first; address != nullptr; address = address->ai_next) ++waiting;

    Outcome last;
    for (const addrinfo* address = first; address != nullptr; address = address->ai_next) {
        // No time left is not "no limit": a nanosecond is enough for an answer that comes at once.
        const posix::Seconds instant = std::chrono::nanoseconds{1};
        const posix::Deadline share{deadline.is_endless()
                                        ? posix::Seconds{0}
                                        : std::max(deadline.left() / waiting--, instant)};
        last = outcome_of(posix::connect_to(*address, share).second);
        posix::log(posix::endpoint(*address) + ": " + last.text);
        if (last.status == open_port.status) break;
    }
    return last;
}

struct Answer {
    posix::Addresses addresses;
    std::string failure;
};

// Looks the name up in a thread of its own: getaddrinfo(3) knows no time limit.
std::future<Answer> start_look_up(const std::string& host, const std::string& port) {
    std::packaged_task<Answer()> task{[host, port] {
        auto [addresses, code] = posix::look_up(host, port);
        return Answer{std::move(addresses), code == 0 ? "" : posix::look_up_reason(code)};
    }};
    std::future<Answer> answer = task.get_future();
    std::thread{std::move(task)}.detach();
    return answer;
}

Outcome check(const std::string& host, const std::string& port, posix::Seconds timeout) {
    const posix::Deadline deadline{timeout};
    std::future<Answer> answer = start_look_up(host, port);
    if (!deadline.is_endless() &&
        answer.wait_until(*deadline.end()) == std::future_status::timeout) {
        return timed_out;
    }
    const Answer found = answer.get();
    if (!found.addresses) return {"address error: " + found.failure, 5};
    return check_addresses(found.addresses.get(), deadline);
}

int main(int argc, char* argv[]) {
    std::string host;
    std::string port;
    posix::Seconds timeout;
    posix::CommandLine line{"connect_check", "Tells whether a TCP port is open."};
    line.required_argument("HOST", "the name or address of the host",
                           [&](const std::string& text) { host = posix::parse_host(text); });
    line.required_argument("PORT", "the port, 1 to 65535",
                           [&](const std::string& text) { port = posix::parse_port(text); });
    line.option("timeout", "SECONDS", "5", "how long it may take in all, 0: for ever",
                [&](const std::string& text) { timeout = posix::parse_seconds(text); });

    const int status = posix::run(line, argc, argv, [&] {
        const Outcome outcome = check(host, port, timeout);
        const std::string result =
            posix::printable(posix::endpoint(host, port)) + ": " + outcome.text;
        posix::log(result);
        posix::say(result);
        return outcome.status;
    });
    ::_exit(status);  // a look-up may still be running, and must find nothing taken apart
}
