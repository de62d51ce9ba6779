/// \file
/// The line that web servers write for each request.
#pragma once

#include <boost/beast/http/status.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace wirelab {

/// Returns a line of the Common Log Format, with its end:
///
/// ~~~text
/// 127.0.0.1 - - [20/Nov/2026:17:20:00 +0000] "GET / HTTP/1.1" 200 1234
/// ~~~
///
/// The peer is given as to_text() writes its endpoint, and written without the port. The time is
/// now, in local time. The request line is made printable, and a quote in it becomes
/// `\x22`, so that nothing in it looks like the fields behind it. `sent` is how many bytes of the
/// body were sent; none or fewer are written as `-`.
std::string common_log_line(std::string_view peer, std::string_view request_line,
                            boost::beast::http::status status, std::int64_t sent);

}  // namespace wirelab
