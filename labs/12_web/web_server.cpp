// Lab 12: a web server. It answers requests with the files of a folder, as many on one connection
// as the client likes. Which answer that is stands in answers.hpp.
#include "answers.hpp"

#include <wirelab/answer.hpp>
#include <wirelab/async_connection.hpp>
#include <wirelab/byte_range.hpp>
#include <wirelab/common_log.hpp>
#include <wirelab/connection.hpp>
#include <wirelab/coroutine.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/error.hpp>
#include <wirelab/http_date.hpp>
#include <wirelab/patience.hpp>
#include <wirelab/program.hpp>
#include <wirelab/request.hpp>
#include <wirelab/served_folder.hpp>
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
#include <utility>

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::awaitable;
using asio::redirect_error;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t max_header = 8192;  // of a request, with all its lines

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
awaitable<bool> read_request(Client& client, std::optional<wirelab::RequestParser>& parser) {
    error_code error;
    std::size_t used = 0;
    bool has_begun = false;
    client.patience.begin();
    for (;;) {
        client.received.consume(wirelab::size_of_empty_lines(client.received.cdata()));
        if (!has_begun && client.received.size() > 0) {
            has_begun = true;
            client.patience.begin();  // now the client has its time for all of it
        }

        // 1: Let a new parser have all that was received; it says how much of that it has used.
        //    Unless it needs more (http::error::need_more), this is the end, good or bad.
        wirelab::todo(1, "parse what was received", parser, used);

        const std::size_t space = max_header - client.received.size();
        if (space == 0) error = http::error::header_limit;
        if (client.patience.is_over()) error = asio::error::timed_out;
        if (space == 0 || client.patience.is_over()) break;

        // 2: Read into the space that the buffer has (prepare() it), and commit() what came. An
        //    error is the end.
        wirelab::todo(2, "read what comes", space);
    }
    client.patience.end();
    client.request_line = wirelab::first_line(client.received.cdata());
    if (error && client.received.size() == 0) co_return false;
    if (error == asio::error::connection_reset) throw wirelab::Error{error};
    if (error) throw wirelab::refusal_for(client.patience.verdict(error), client.received.cdata());
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
    std::optional<wirelab::RequestParser> parser;
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
    bool stays_open = request.keep_alive() && !wirelab::has_body(*parser);
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
        co_await wirelab::async_end(client.socket);
    } catch (const wirelab::Error& error) {
        client.report(error.what());
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
        const auto serve_client = [&](tcp::socket socket, const tcp::endpoint& peer) {
            return serve(std::move(socket), peer, folder, timeout);
        };
        asio::co_spawn(io, wirelab::accept_clients(acceptor, serve_client), wirelab::fail_loudly);
        io.run();
    });
}
