#include <wirelab/answer.hpp>
#include <wirelab/error.hpp>
#include <wirelab/html.hpp>
#include <wirelab/http_date.hpp>
#include <wirelab/target.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace wirelab {

namespace http = boost::beast::http;
using boost::system::error_code;

// Says how to refuse what could not be opened.
static Refusal refusal_to_open(const error_code& error) {
    namespace errc = boost::system::errc;
    if (error == errc::no_such_file_or_directory) return {http::status::not_found};
    if (error == errc::permission_denied) return {http::status::forbidden};
    return {http::status::internal_server_error, reason(error)};
}

void Answer::add(http::field name, std::string_view value) {
    fields.append(http::to_string(name)).append(": ").append(value).append("\r\n");
}

void Answer::read_rest() {
    if (rest.size == 0) return;  // there may be no file
    const std::size_t before = body.size();
    body.resize(before + rest.size);
    const ssize_t size =
        ::pread(file.descriptor(), &body[before], rest.size, static_cast<off_t>(rest.first));
    if (size < 0) throw Refusal{http::status::internal_server_error, reason_from_errno()};
    const auto read = static_cast<std::size_t>(size);
    body.resize(before + read);
    rest.first += read;
    rest.size -= read;  // something is left if the file has become shorter
}

Answer status_answer(http::status status) {
    Answer answer{.status = status};
    answer.body = std::to_string(static_cast<unsigned>(status));
    answer.body.append(" ").append(http::obsolete_reason(status)).append("\n");
    answer.add(http::field::content_type, "text/plain; charset=utf-8");
    if (status == http::status::method_not_allowed) answer.add(http::field::allow, "GET, HEAD");
    return answer;
}

Answer redirection(const std::string& path, const std::string& query) {
    Answer answer = status_answer(http::status::moved_permanently);
    answer.add(http::field::location, percent_encode(path) + "/" + query);
    return answer;
}

Answer listing(const ServedFolder& folder, const std::string& path) {
    constexpr std::size_t most = 10000;
    error_code error;
    std::vector<std::string> names = folder.list(path, most + 1, error);
    if (error) throw refusal_to_open(error);
    const bool has_more = names.size() > most;
    if (has_more) names.pop_back();
    if (path != "/") names.insert(names.begin(), "../");

    const std::string title = "Index of " + escape_html(path);
    std::string page = "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>";
    page.append(title).append("</title></head>\n<body>\n<h1>").append(title);
    page.append("</h1>\n<ul>\n");
    for (const std::string& name : names) {
        page.append("<li><a href=\"").append(percent_encode(name)).append("\">");
        page.append(escape_html(name)).append("</a></li>\n");
    }
    page.append(has_more ? "<li>and more</li>\n" : "").append("</ul>\n</body>\n</html>\n");

    Answer answer{.body = std::move(page)};
    answer.add(http::field::content_type, "text/html; charset=utf-8");
    return answer;
}

ServedFile open_served(const ServedFolder& folder, const std::string& path) {
    error_code error;
    ServedFile file = folder.open(path, error);
    if (error) throw refusal_to_open(error);
    return file;
}

std::string status_line(http::status status) {
    std::string line = "HTTP/1.1 " + std::to_string(static_cast<unsigned>(status)) + " ";
    return line.append(http::obsolete_reason(status)).append("\r\n");
}

bool is_unmodified(const http::request<http::empty_body>& request, std::time_t modified) {
    const auto since = parse_http_date(request[http::field::if_modified_since]);
    return since && modified <= *since && request.count(http::field::if_none_match) == 0;
}

bool range_counts(const http::request<http::empty_body>& request, std::time_t modified) {
    const auto only_if = request[http::field::if_range];
    const bool is_same = only_if.empty() || parse_http_date(only_if) == modified;
    return request.method() == http::verb::get && is_same;
}

}  // namespace wirelab
