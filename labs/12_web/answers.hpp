// Lab 12, the other half of web_server: which answer a request gets, from the files of a folder.
#pragma once

#include <wirelab/answer.hpp>
#include <wirelab/byte_range.hpp>
#include <wirelab/http_date.hpp>
#include <wirelab/media_type.hpp>
#include <wirelab/served_folder.hpp>
#include <wirelab/target.hpp>
#include <wirelab/todo.hpp>

#include <boost/beast/http.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace http = boost::beast::http;
using Request = http::request<http::empty_body>;

constexpr std::size_t small_file = 16384;  // goes out together with the header

// Refuses what is no good request, or none for us.
inline void check_request(const Request& request) {
    const std::size_t hosts = request.count(http::field::host);
    const bool needs_host = request.version() == 11;
    if (!wirelab::is_host(request[http::field::host])) {
        throw wirelab::Refusal{http::status::bad_request, "bad Host"};
    }

    // 5: Without a Host that it needs, or with two, a request is refused as bad_request; one with
    //    another method than GET and HEAD as method_not_allowed.
    wirelab::todo(5, "refuse what is no good request", hosts, needs_host);
}

// Returns an answer with all of a file, or with none of it if the client has it already.
inline wirelab::Answer whole_file(const Request& request, std::string_view path,
                                  wirelab::ServedFile file) {
    wirelab::Answer answer;
    const std::string date = wirelab::http_date(file.modified());
    const bool is_known = wirelab::is_unmodified(request, file.modified());

    // 6: Add the fields Last-Modified, Content-Type and Accept-Ranges (`bytes`). Of the file, which
    //    becomes the answer's, all is to be sent.
    wirelab::todo(6, "describe the file", path, file, answer, date);

    if (is_known) {
        // 7: The answer is another: the status not_modified, the field Last-Modified, nothing else.
        wirelab::todo(7, "answer that the file was not modified", answer, date);
    }
    return answer;
}

// Makes of an answer with all of a file one with the part that a Range field asks for.
inline void choose_range(const Request& request, wirelab::Answer& answer) {
    const std::uint64_t file_size = answer.rest.size;
    const auto range = wirelab::parse_byte_range(request[http::field::range], file_size);
    if (!range || !wirelab::range_counts(request, answer.file.modified())) return;

    // 8: The status is partial_content, and the range all that is to be sent. If it has no bytes,
    //    the answer is another: range_not_satisfiable. Either has a field Content-Range, see
    //    wirelab::content_range().
    wirelab::todo(8, "answer with the range", answer, range, file_size);
}

// Returns the answer to a request, or throws a Refusal.
inline wirelab::Answer answer_to(const Request& request, const wirelab::ServedFolder& folder) {
    check_request(request);
    const auto target = wirelab::parse_target(request.target());
    if (!target) throw wirelab::Refusal{http::status::bad_request, "bad target"};
    std::string path = target->path;
    wirelab::ServedFile file = wirelab::open_served(folder, path);

    if (file.is_folder()) {
        // 9: Of a folder, the index.html is served; if it has none, answer with wirelab::listing().
        //    If the path has no slash at its end, links in either would lead astray: answer with a
        //    wirelab::redirection() to the path that has one.
        wirelab::todo(9, "answer for a folder", target, path, file);
    }

    wirelab::Answer answer = whole_file(request, path, std::move(file));
    if (answer.status == http::status::ok) choose_range(request, answer);
    const bool is_get = request.method() == http::verb::get;
    if (is_get && answer.rest.size <= small_file) answer.read_rest();
    return answer;
}
