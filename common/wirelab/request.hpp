/// \file
/// Requests to a web server: what is to be known of them beside what their fields say.
#pragma once

#include <wirelab/answer.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/none.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <string_view>

namespace wirelab {

/// Returns the first line of what was received, without its end, or what has come of it. It is a
/// view into the buffer, and no copy.
std::string_view first_line(boost::asio::const_buffer received);

/// Reads the header of a request as Beast's parser does, which would refuse two things. The body
/// behind it, of which nothing is kept, may be of any size, not only 1 MiB; and a CR that comes
/// alone needs more, for an LF may follow and make an empty line of it.
struct RequestParser : boost::beast::http::request_parser<boost::beast::http::empty_body> {
    RequestParser() { body_limit(boost::none); }

    std::size_t put(boost::asio::const_buffer received, boost::system::error_code& error);
};

/// Returns how many bytes of empty lines stand before a request. Some clients send one behind a
/// request's body, and a server ignores it (RFC 9112, section 2.2). A line ends with CR LF, or with
/// LF alone: a CR whose LF has not come yet is none.
std::size_t size_of_empty_lines(boost::asio::const_buffer received);

/// Returns how to refuse a request whose header can't be read: by the error, and by how much of it
/// has come.
Refusal refusal_for(const boost::system::error_code& error, boost::asio::const_buffer received);

/// Tells whether a body stands behind the header that a parser has read; also when the parser could
/// not read the header to its end, for then nobody knows.
bool has_body(const boost::beast::http::request_parser<boost::beast::http::empty_body>& parser);

}  // namespace wirelab
