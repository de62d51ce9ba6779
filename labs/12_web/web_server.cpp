// Lab 12: a web server. It answers requests with the files of a folder, as many on one connection
// as the client likes.
#include <wirelab/answer.hpp>
#include <wirelab/async_connection.hpp>
#include <wirelab/byte_range.hpp>
#include <wirelab/common_log.hpp>
#include <wirelab/connection.hpp>
#include <wirelab/coroutine.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/error.hpp>
#include <wirelab/http_date.hpp>
#include <wirelab/media_type.hpp>
#include <wirelab/patience.hpp>
#include <wirelab/program.hpp>
#include <wirelab/served_folder.hpp>
#include <wirelab/target.hpp>
#include <wirelab/todo.hpp>

#include <boost/asio.hpp>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/http.hpp>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::awaitable;
using asio::redirect_error;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t max_header = 8192;   // of a request, with all its lines
constexpr std::size_t small_file = 16384;  // goes out together with the header
const wirelab::Seconds farewell{2};        // for a client to end its side after we did

using Parser = http::request_parser<http::empty_body>;
using Request = http::request<http::empty_body>;

struct Client {
    tcp::socket socket;
    std::string peer;
    wirelab::Patience patience;
    boost::beast::flat_static_buffer<max_header> received = {};  // and not yet answered
    std::string request_line = {};
    std::int64_t sent = 0;  // bytes of an answer's body; below zero while it is the header

    void report(const std::string& fault) const { wirelab::report(peer + ": " + fault); }
};

// Reads the next request. Returns false if there is none: the client has closed the connection, or
// was silent for too long.
awaitable<bool> read_request(Client& client, std::optional<Parser>& parser) {
    error_code error;
    std::size_t used = 0;
    client.patience.begin();
    for (;;) {
        // 1: Let a new parser have all that was received; it says how much of that it has used.
        //    Unless it needs more (http::error::need_more), this is the end, good or bad.
        wirelab::todo(1, "parse what was received", parser, used);

        const std::size_t space = max_header - client.received.size();
        if (space == 0) error = http::error::header_limit;
        if (space == 0) break;
        const bool is_first = space == max_header;

        // 2: Read into the space that the buffer has (prepare() it), and commit() what came. An
        //    error is the end.
        wirelab::todo(2, "read what comes", space);

        if (is_first) client.patience.begin();  // now the client has its time for all of it
    }
    client.patience.end();
    const auto data = client.received.cdata();
    const std::string_view text{static_cast<const char*>(data.data()), data.size()};
    client.request_line = text.substr(0, text.find_first_of("\r\n"));
    if (error && text.empty()) co_return false;
    if (error == asio::error::connection_reset) throw wirelab::Error{error};
    if (error) throw wirelab::refusal_for(client.patience.verdict(error), text);
    client.received.consume(used);
    co_return true;
}

// Returns the header of an answer.
std::string header_of(const wirelab::Answer& answer, bool stays_open) {
    std::string header = wirelab::status_line(answer.status);
    const std::string size = std::to_string(answer.body.size() + answer.rest.size);

    // 3: Add the fields Date, Connection (`keep-alive` or `close`) and Content-Length (not to
    //    not_modified, which has no body), then the answer's own, and the empty line.
    wirelab::todo(3, "add the fields of the header", header, size, stays_open);

    return header;
}

// Sends an answer's header and, but to HEAD, the beginning of its body. That is one write, and for
// a small file one packet.
awaitable<void> send_start(Client& client, const wirelab::Answer& answer, bool is_head,
                           bool stays_open) {
    std::string start = header_of(answer, stays_open);
    client.sent = -static_cast<std::int64_t>(start.size());
    if (!is_head) start += answer.body;
    error_code error;
    std::size_t size = 0;

    // 4: Write the start, all of it. How many bytes were that?
    wirelab::todo(4, "write the start", start, size);

    client.sent += static_cast<std::int64_t>(size);
    if (error) throw wirelab::Error{error};
    co_return;
}

// Refuses what is no good request, or none for us.
void check_request(const Request& request) {
    const std::size_t hosts = request.count(http::field::host);
    const bool needs_host = request.version() == 11;

    // 5: Without a Host that it needs, or with two, a request is refused as bad_request; one with
    //    another method than GET and HEAD as method_not_allowed.
    wirelab::todo(5, "refuse what is no good request", hosts, needs_host);
}

// Returns an answer with all of a file, or with none of it if the client has it already.
wirelab::Answer whole_file(const Request& request, std::string_view path,
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
void choose_range(const Request& request, wirelab::Answer& answer) {
    const std::uint64_t file_size = answer.rest.size;
    const auto range = wirelab::parse_byte_range(request[http::field::range], file_size);
    if (!range || !wirelab::range_counts(request, answer.file.modified())) return;

    // 8: The status is partial_content, and the range all that is to be sent. If it has no bytes,
    //    the answer is another: range_not_satisfiable. Either has a field Content-Range, see
    //    wirelab::content_range().
    wirelab::todo(8, "answer with the range", answer, range, file_size);
}

// Returns the answer to a request, or throws a Refusal.
wirelab::Answer answer_to(const Request& request, const wirelab::ServedFolder& folder) {
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
    if (answer.rest.size <= small_file) answer.read_rest();
    return answer;
}

// Sends what is left of a file.
awaitable<void> send_rest(Client& client, const wirelab::ServedFile& file,
                          wirelab::ByteRange rest) {
    error_code error;
    while (rest.size > 0) {
        std::size_t size = 0;

        // 10: Wait until the socket has room (async_wait() for wait_write), then let
        //     wirelab::send_now() fill it. It returns how much there was room for.
        wirelab::todo(10, "send what is left of the file", file, size);

        rest.first += size;
        rest.size -= size;
        client.sent += static_cast<std::int64_t>(size);
    }
    co_return;
}

// Serves one request. Returns false when no other may follow.
awaitable<bool> serve_request(Client& client, const wirelab::ServedFolder& folder) {
    std::optional<Parser> parser;
    wirelab::Answer answer;
    try {
        if (!co_await read_request(client, parser)) co_return false;
        answer = answer_to(parser->get(), folder);
    } catch (const wirelab::Refusal& refusal) {
        if (!refusal.reason.empty()) client.report(refusal.reason);
        answer = wirelab::status_answer(refusal.status);
    }
    const Request& request = parser->get();
    const bool is_head = request.method() == http::verb::head;
    // Behind a body that nobody reads, no other request can be found.
    const bool has_body = !parser->is_done() || request.count(http::field::transfer_encoding) > 0;
    bool stays_open = !has_body && request.keep_alive();
    try {
        co_await send_start(client, answer, is_head, stays_open);
        if (!is_head) co_await send_rest(client, answer.file, answer.rest);
    } catch (const wirelab::Error& error) {
        client.report(error.what());
        stays_open = false;
    }
    std::cout << wirelab::common_log_line(client.peer, client.request_line, answer.status,
                                          client.sent)
              << std::flush;
    co_return stays_open;
}

// Serves one client, from its coming to its leaving.
awaitable<void> serve(tcp::socket socket, tcp::endpoint peer, const wirelab::ServedFolder& folder,
                      wirelab::Seconds timeout) {
    // What we write is to go out at once. Otherwise the end of an answer would wait until the
    // client acknowledges what came before, and it may take its time: 40 ms.
    error_code ignored;
    socket.set_option(tcp::no_delay{true}, ignored);
    wirelab::give_up_after(socket, timeout);
    Client client{.socket = std::move(socket),
                  .peer = wirelab::to_text(peer),
                  .patience{client.socket, timeout}};
    try {
        while (co_await serve_request(client, folder)) {
        }
        co_await wirelab::async_end(client.socket, farewell);
    } catch (const wirelab::Error& error) {
        client.report(error.what());
    }
}

// Accepts clients, for ever. Each has a coroutine of its own; all take turns in one thread.
awaitable<void> accept_clients(tcp::acceptor& acceptor, const wirelab::ServedFolder& folder,
                               wirelab::Seconds timeout) {
    for (;;) {
        tcp::endpoint peer;
        tcp::socket socket = co_await wirelab::async_accept(acceptor, peer);
        asio::co_spawn(acceptor.get_executor(), serve(std::move(socket), peer, folder, timeout),
                       wirelab::fail_loudly);
    }
}

int main(int argc, char* argv[]) {
    asio::ip::address bind = asio::ip::address_v4::loopback();
    wirelab::LocalPort port{8080};
    std::string dir = ".";
    wirelab::Seconds timeout{30};
    wirelab::Program program{"web_server", "Serves the files of a directory over HTTP."};
    program.option("bind", "ADDRESS", bind, "the address to listen on");
    program.option("port", "PORT", port, "the port to listen on, 0: any free one");
    program.option("dir", "DIR", dir, "the directory to serve");
    program.option("timeout", "SECONDS", timeout, "how long to wait for a client, 0: for ever");

    return program.run(argc, argv, [&] {
        wirelab::allow_many_connections();
        const wirelab::ServedFolder folder{dir};
        asio::io_context io{1};  // one thread
        tcp::acceptor acceptor = wirelab::listen(io, {bind, port});
        asio::co_spawn(io, accept_clients(acceptor, folder, timeout), wirelab::fail_loudly);
        io.run();
    });
}
