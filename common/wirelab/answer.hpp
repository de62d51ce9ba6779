/// \file
/// What a web server answers, and why it refuses to.
#pragma once

#include <wirelab/byte_range.hpp>
#include <wirelab/served_folder.hpp>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/status.hpp>

#include <ctime>
#include <string>
#include <string_view>

namespace wirelab {

/// An answer to an HTTP request. Its body is a text, or begins with a text and goes on with the
/// rest, a part of a file.
struct Answer {
    boost::beast::http::status status = boost::beast::http::status::ok;
    std::string fields = {};  ///< of the header, each with its "\r\n"
    std::string body = {};
    ServedFile file = {};
    ByteRange rest = {};

    /// Adds a field to the header.
    void add(boost::beast::http::field name, std::string_view value);

    /// Reads the rest into the body. Throws a Refusal when the file can't be read.
    void read_rest();
};

/// Thrown where a request turns out to be one that gets no file. The reason is for those who run
/// the server; it is empty when nothing is wrong with the request.
struct Refusal {
    boost::beast::http::status status;
    std::string reason = {};
};

/// Returns an answer whose body says the status in words: "404 Not Found". With
/// method_not_allowed goes a field Allow, for the methods GET and HEAD.
Answer status_answer(boost::beast::http::status status);

/// Returns an answer that sends the client to a folder's path with its slash, the query behind it.
Answer redirection(const std::string& path, const std::string& query);

/// Returns an answer whose body is a page with a link to what is in a folder, and, in all but "/",
/// to the one above. The path has a slash at its end. Of more than 10 000 names only so
/// many are listed, and that there are more.
/// Throws a Refusal when the folder can't be read.
Answer listing(const ServedFolder& folder, const std::string& path);

/// Opens a file or a folder. Throws a Refusal when there is none (not_found), when we may not read
/// it (forbidden), and for what is not the client's fault (internal_server_error).
ServedFile open_served(const ServedFolder& folder, const std::string& path);

/// Returns the first line of an answer's header, "HTTP/1.1 200 OK", with its "\r\n".
std::string status_line(boost::beast::http::status status);

/// Tells whether the client has the file that was last modified then: by its field
/// If-Modified-Since, which does not count beside If-None-Match (RFC 9110, section 13.1.3).
bool is_unmodified(const boost::beast::http::request<boost::beast::http::empty_body>& request,
                   std::time_t modified);

/// Tells whether a field Range counts: with GET, and unless a field If-Range names another version
/// of the file than the one last modified then (RFC 9110, sections 14.2 and 13.1.5).
bool range_counts(const boost::beast::http::request<boost::beast::http::empty_body>& request,
                  std::time_t modified);

}  // namespace wirelab
