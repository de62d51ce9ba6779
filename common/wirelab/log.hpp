/// \file
/// Debug lines in a file, to be read afterwards.
#pragma once

#include <source_location>
#include <string>
#include <string_view>

namespace wirelab {

/// Opens the file that log() appends to; made when it is not there.
/// Throws Error when that fails. Call it once, before there is a second thread.
void open_log(const std::string& file);

/// Appends "[YYYYMMDD HH:MM:SS] FUNCTION:LINE - MESSAGE" to the log file, in local time and with
/// the message made printable; does nothing when no log is open. Function and line are the
/// caller's. Lines stay whole whoever writes at once, threads or programs: each is one write(2) to
/// a file opened with O_APPEND. A log that can't be written is no reason to stop: that is ignored.
void log(std::string_view message,
         const std::source_location& here = std::source_location::current());

/// Returns the bare name in a function's signature: "serve" for "void Server::serve(tcp::socket&)".
std::string_view bare_function_name(std::string_view signature);

}  // namespace wirelab
