#include <wirelab/error.hpp>
#include <wirelab/request.hpp>

#include <boost/asio/error.hpp>
#include <boost/beast/http/error.hpp>

namespace wirelab {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

// Returns the bytes of a buffer as a text.
static std::string_view text_in(asio::const_buffer buffer) {
    return {static_cast<const char*>(buffer.data()), buffer.size()};
}

std::size_t RequestParser::put(asio::const_buffer received, error_code& error) {
    if (text_in(received) != "\r") return basic_parser::put(received, error);
    error = http::error::need_more;
    return 0;
}

std::string_view first_line(asio::const_buffer received) {
    const std::string_view text = text_in(received);
    return text.substr(0, text.find_first_of("\r\n"));
}

std::size_t size_of_empty_lines(asio::const_buffer received) {
    std::string_view rest = text_in(received);
    while (rest.starts_with('\n') || rest.starts_with("\r\n")) {
        rest.remove_prefix(rest.find('\n') + 1);
    }
    return received.size() - rest.size();
}

Refusal refusal_for(const error_code& error, asio::const_buffer received) {
    if (error == asio::error::eof) return {http::status::bad_request, "incomplete request"};
    const std::string_view line = first_line(received);
    const bool has_line = line.size() < received.size();
    const std::string_view version = line.substr(line.rfind(' ') + 1);
    const bool is_ours = version == "HTTP/1.0" || version == "HTTP/1.1";

    http::status status = http::status::bad_request;
    if (error == asio::error::timed_out) status = http::status::request_timeout;
    if (error == http::error::bad_version && version.starts_with("HTTP/") && !is_ours) {
        status = http::status::http_version_not_supported;
    }
    if (error == http::error::header_limit) {
        status =
            has_line ? http::status::request_header_fields_too_large : http::status::uri_too_long;
    }
    return {status, reason(error)};
}

bool has_body(const http::request_parser<http::empty_body>& parser) {
    return !parser.is_done() || parser.get().count(http::field::transfer_encoding) > 0;
}

}  // namespace wirelab
