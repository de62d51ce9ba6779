#include <wirelab/error.hpp>
#include <wirelab/log.hpp>
#include <wirelab/printable.hpp>
#include <wirelab/program.hpp>

#include <boost/asio/error.hpp>

#include <netdb.h>

#include <cerrno>
#include <iostream>
#include <system_error>

namespace wirelab {

namespace {

// Asio has its own words for what getaddrinfo(3) reports; users know the system's.
int getaddrinfo_code(const boost::system::error_code& code) {
    using namespace boost::asio::error;
    if (code == host_not_found || code == no_data) return EAI_NONAME;
    if (code == host_not_found_try_again) return EAI_AGAIN;
    if (code == no_recovery) return EAI_FAIL;
    if (code == service_not_found) return EAI_SERVICE;
    return 0;
}

}  // namespace

Error::Error(const boost::system::error_code& code) : Error{reason(code)} {
    code_ = code;
}

Error::Error(const std::string& what_failed, const std::string& reason)
    : Error{what_failed + ": " + reason} {}

Error::Error(const std::string& what_failed, const boost::system::error_code& code)
    : Error{what_failed, reason(code)} {
    code_ = code;
}

std::string reason(const boost::system::error_code& code) {
    using namespace boost::asio::error;
    if (code == interrupted || code == timed_out) return "timed out";
    if (const int look_up = getaddrinfo_code(code); look_up != 0) return ::gai_strerror(look_up);
    return code.message();
}

std::string reason_from_errno() {
    return std::generic_category().message(errno);
}

void report(std::string_view message, const std::source_location& here) {
    // One write for the whole line keeps it whole when several threads report.
    std::cerr << Program::name() + ": " + printable(message) + "\n" << std::flush;
    log(message, here);
}

}  // namespace wirelab
