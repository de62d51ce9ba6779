/// \file
/// What programs need that do several things at once by coroutines (Boost.Asio, "C++20 Coroutines
/// Support").
#pragma once

#include <wirelab/connection.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/error_code.hpp>

#include <exception>
#include <optional>
#include <string>

namespace wirelab {

/// Hands on the exception that ended a coroutine, if there was one. As the last argument of
/// co_spawn() it lets the failure come out of io_context::run(), and so end the program;
/// `asio::detached` would lose it without a word.
inline void fail_loudly(std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
}

/// For an accept loop: tells whether there is an error. If so, it reports that, and pauses before
/// the next try, while all other coroutines go on; see AcceptTrouble.
boost::asio::awaitable<bool> wait_out(AcceptTrouble& trouble,
                                      const boost::system::error_code& error);

/// The lines that are typed, or come through a pipe or from a file, for a coroutine.
///
/// ~~~
/// wirelab::TypedLines typed;
/// while (const auto line = co_await typed.next()) …
/// ~~~
///
/// A thread waits for them, and passes them on through a pipe, for which Asio can wait. It could
/// wait for stdin as well, but would make it non-blocking, and with it the terminal, to which
/// stdout writes. There can be one such object in a program. An input that can't be read ends the
/// program with an error.
class TypedLines {
public:
    /// Returns the next line without its end, or nothing at the end of the input.
    boost::asio::awaitable<std::optional<std::string>> next();

private:
    std::optional<boost::asio::posix::stream_descriptor> typed_;  // since the first line is awaited
    std::string text_;                                            // read, but not yet returned
};

}  // namespace wirelab
