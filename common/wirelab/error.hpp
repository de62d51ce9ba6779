/// \file
/// What went wrong and why, as one line that a person can act on.
#pragma once

#include <boost/system/error_code.hpp>

#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>

namespace wirelab {

/// A failure that a program reports: `what()` is "WHAT FAILED: REASON", for example
/// "cannot connect to 10.0.0.9:54321: Connection refused". Where the handler knows what failed,
/// it is the reason alone. The reason of an error code is that of reason().
class Error : public std::runtime_error {
public:
    explicit Error(const std::string& reason) : std::runtime_error{reason} {}
    explicit Error(const boost::system::error_code& code);
    Error(const std::string& what_failed, const std::string& reason);
    Error(const std::string& what_failed, const boost::system::error_code& code);

    /// The error code that it was made of; no error if it was made of words.
    const boost::system::error_code& code() const { return code_; }

private:
    boost::system::error_code code_;
};

/// A command line that a program can't accept: reported with a pointer to `--help`, exit status 2.
class UsageError : public Error {
public:
    using Error::Error;
};

/// Returns the system's own words for an error: those of strerror(3), or of gai_strerror(3) for
/// a failed look-up. A call that a Deadline has interrupted gives "timed out", and so does one that
/// the system itself has given up (ETIMEDOUT, see tcp(7)).
///
/// Boost's `system_error::what()` would add source files and line numbers, of no use to a user.
std::string reason(const boost::system::error_code& code);

/// Returns the system's own words for the current value of `errno`, see errno(3).
std::string reason_from_errno();

/// Prints "PROGRAM: MESSAGE" as one line on stderr, the message made printable.
/// PROGRAM is the name given to the Program object. The log gets the message too.
void report(std::string_view message,
            const std::source_location& here = std::source_location::current());

}  // namespace wirelab
