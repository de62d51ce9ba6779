// Lab 05: tell whether a TCP port is open, and if it is not, what is wrong.
#include <wirelab/deadline.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/log.hpp>
#include <wirelab/printable.hpp>
#include <wirelab/program.hpp>
#include <wirelab/todo.hpp>

#include <boost/asio.hpp>

#include <cstddef>
#include <future>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Addresses = tcp::resolver::results_type;

// What can come out, each with the exit status that tells it to scripts.
enum class Outcome { open = 0, failed = 1, refused = 3, timed_out = 4, address_error = 5 };

// What a look-up gives: an error, or addresses.
struct Answer {
    error_code error = {};
    Addresses addresses = {};
};

// Looks up the host's addresses, without a time limit: getaddrinfo(3) knows none, and goes on when
// a signal interrupts it.
Answer look_up_without_limit(const std::string& host, wirelab::Port port) {
    asio::io_context io;
    Answer answer;

    // 1: Look up the host's addresses. Keep the error, if there is one.
    answer.addresses = tcp::resolver{io}.resolve(host, std::to_string(port), answer.error);

    return answer;
}

// Looks up the host's addresses. When time is up, the answer is the error `timed_out`.
Answer look_up(const std::string& host, wirelab::Port port, const wirelab::TimeBudget& budget) {
    std::packaged_task<Answer()> task{[=] { return look_up_without_limit(host, port); }};
    std::future<Answer> answer = task.get_future();

    // 2: Let a thread of its own run the task, and detach it: the program may end before it does.
    std::thread{std::move(task)}.detach();

    // 3: Wait for the answer, but not longer than what is left of the time.
    const auto state = answer.wait_for(budget.left().duration());
    if (state == std::future_status::timeout) return {.error = asio::error::timed_out};

    return answer.get();
}

// Tries to connect to one address. Returns no error if somebody listens there.
error_code try_address(const tcp::endpoint& endpoint, wirelab::Seconds limit) {
    asio::io_context io;
    tcp::socket socket{io};
    error_code error;

    // 4: Connect to the endpoint, not longer than the limit. Keep the error, if there is one.
    const wirelab::Deadline deadline{limit};
    socket.connect(endpoint, error);

    // 5: Log the endpoint, and what came out.
    wirelab::log(wirelab::to_text(endpoint) + ": " + (error ? wirelab::reason(error) : "open"));

    return error;
}

// Tries one address after another until one is open. Else the last one's error counts.
error_code try_all(const Addresses& addresses, const wirelab::TimeBudget& budget) {
    error_code error;

    // 6: Try each address, for an equal share of the time that is left: a silent one must leave
    //    time for the next. Stop at the first that is open.
    std::size_t left = addresses.size();
    for (const auto& address : addresses) {
        error = try_address(address.endpoint(), budget.share(left--));
        if (!error) break;
    }

    return error;
}

// Tells which outcome the error of a connection means.
Outcome outcome_of(const error_code& error) {
    // 7: No error means open. Tell apart a refusal, a time that is up (by our deadline,
    //    `interrupted`, or by the system's own, `timed_out`), and everything else.
    if (!error) return Outcome::open;
    if (error == asio::error::connection_refused) return Outcome::refused;
    if (error == asio::error::interrupted) return Outcome::timed_out;
    if (error == asio::error::timed_out) return Outcome::timed_out;
    return Outcome::failed;
}

// Checks the port, and keeps the error that led to the outcome.
Outcome check(const std::string& host, wirelab::Port port, wirelab::Seconds timeout,
              error_code& error) {
    const wirelab::TimeBudget budget{timeout};
    const Answer answer = look_up(host, port, budget);
    error = answer.error;
    if (!error) {
        error = try_all(answer.addresses, budget);
        return outcome_of(error);
    }

    // 8: A look-up whose time was up is the outcome `timed_out`. Any other error of it is an
    //    `address_error`: there is nobody to connect to.
    return error == asio::error::timed_out ? Outcome::timed_out : Outcome::address_error;
}

std::string to_text(Outcome outcome, const error_code& error) {
    switch (outcome) {
        case Outcome::open:
            return "open";
        case Outcome::refused:
            return "refused";
        case Outcome::timed_out:
            return "timed out";
        case Outcome::address_error:
            return "address error: " + wirelab::reason(error);
        case Outcome::failed:
            break;
    }
    return "error: " + wirelab::reason(error);
}

int main(int argc, char* argv[]) {
    wirelab::Host host;
    wirelab::Port port;
    wirelab::Seconds timeout{5};
    wirelab::Program program{"connect_check", "Tells whether a TCP port is open."};
    program.required_argument("HOST", host, "the name or address of the host");
    program.required_argument("PORT", port, "the port");
    program.option("timeout", "SECONDS", timeout, "how long it may take in all, 0: for ever");

    return program.run(argc, argv, [&] {
        error_code error;
        const Outcome outcome = check(host, port, timeout, error);
        const std::string line = wirelab::to_text(host.name, port) + ": " + to_text(outcome, error);
        wirelab::log(line);
        std::cout << wirelab::printable(line) << std::endl;
        return static_cast<int>(outcome);
    });
}
