// What went wrong and why, in one line.
#include "forked.hpp"
#include "harness/catch.hpp"

#include <wirelab/error.hpp>
#include <wirelab/program.hpp>

#include <boost/asio/error.hpp>

#include <cerrno>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace wirelab;
namespace asio_error = boost::asio::error;
using boost::system::error_code;

namespace {

error_code from_errno(int number) {
    return {number, boost::system::system_category()};
}

}  // namespace

TEST_CASE("The reason is in the words of the system", "[common][error]") {
    CHECK(reason(from_errno(ECONNREFUSED)) == "Connection refused");
    CHECK(reason(from_errno(EADDRINUSE)) == "Address already in use");
    CHECK(reason(asio_error::connection_reset) == "Connection reset by peer");
    CHECK(reason(asio_error::eof) == "End of file");
    errno = ENOSPC;
    CHECK(reason_from_errno() == "No space left on device");
}

TEST_CASE("The reason of a failed look-up is that of the resolver", "[common][error]") {
    CHECK(reason(asio_error::host_not_found) == "Name or service not known");
    CHECK(reason(asio_error::no_data) == "Name or service not known");
    CHECK(reason(asio_error::host_not_found_try_again) == "Temporary failure in name resolution");
    CHECK(reason(asio_error::no_recovery) == "Non-recoverable failure in name resolution");
    CHECK(reason(asio_error::service_not_found) == "Servname not supported for ai_socktype");
}

TEST_CASE("A call that a deadline has ended timed out", "[common][error]") {
    CHECK(reason(asio_error::interrupted) == "timed out");
    CHECK(reason(asio_error::timed_out) == "timed out");
    CHECK(reason(from_errno(EINTR)) == "timed out");
}

TEST_CASE("An error says what failed and why", "[common][error]") {
    const error_code refused = asio_error::connection_refused;
    CHECK(Error{"too long"}.what() == std::string{"too long"});
    CHECK(Error{refused}.what() == std::string{"Connection refused"});
    CHECK(Error{"cannot read f", "no"}.what() == std::string{"cannot read f: no"});
    CHECK(Error{"cannot connect to ::1", refused}.what() ==
          std::string{"cannot connect to ::1: Connection refused"});
    CHECK(UsageError{"--port x", "not a port"}.what() == std::string{"--port x: not a port"});
    CHECK_THROWS_AS(throw UsageError{"no"}, Error);
}

TEST_CASE("An error keeps the code that it was made of", "[common][error]") {
    using boost::system::error_code;
    const error_code code = asio_error::connection_refused;
    CHECK(Error{code}.code() == code);
    CHECK(Error{"cannot connect", code}.code() == code);
    CHECK(Error{"cannot connect", "no cable"}.code() == error_code{});
}

TEST_CASE("A report is one printable line on stderr behind the name of the program",
          "[common][error]") {
    const Forked run = run_forked([] {
        const Program program{"talker", ""};
        report("10.0.0.9:1: timed out");
        report("two\nlines \x1b[2J \xff");
        return 0;
    });
    CHECK(run.err == "talker: 10.0.0.9:1: timed out\ntalker: two\\x0alines \\x1b[2J \\xff\n");
    CHECK(run.out == "");
    CHECK(run.status == 0);
}

TEST_CASE("A report flushes what was printed before it", "[common][error]") {
    const Forked run = run_forked([] {
        ::dup2(STDERR_FILENO, STDOUT_FILENO);
        const Program program{"talker", ""};
        std::cout << "first\n";
        report("second");
        return 0;
    });
    CHECK(run.err == "first\ntalker: second\n");
}

TEST_CASE("Reports of eight threads stay whole", "[common][error]") {
    constexpr int reports_each = 200;
    const auto message = [](int thread, int i) {
        return std::to_string(thread) + "/" + std::to_string(i) +
               std::string(static_cast<std::size_t>(i), '=');
    };
    const Forked run = run_forked([&] {
        const Program program{"talker", ""};
        std::vector<std::thread> threads;
        for (int thread = 0; thread < 8; ++thread) {
            threads.emplace_back([&message, thread] {
                for (int i = 0; i < reports_each; ++i) report(message(thread, i));
            });
        }
        for (std::thread& thread : threads) thread.join();
        return 0;
    });
    std::multiset<std::string> expected;
    for (int thread = 0; thread < 8; ++thread) {
        for (int i = 0; i < reports_each; ++i) expected.insert("talker: " + message(thread, i));
    }
    std::multiset<std::string> lines;
    std::istringstream printed{run.err};
    for (std::string line; std::getline(printed, line);) lines.insert(line);
    const bool all_whole = lines == expected;
    CHECK(all_whole);
    CHECK(run.status == 0);
}
