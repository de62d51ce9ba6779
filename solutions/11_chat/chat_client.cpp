// Lab 11, client: print what others say, and send what is typed. Two coroutines, one thread.
#include <wirelab/connection.hpp>
#include <wirelab/coroutine.hpp>
#include <wirelab/endpoint.hpp>
#include <wirelab/printable.hpp>
#include <wirelab/program.hpp>
#include <wirelab/todo.hpp>

#include <boost/asio.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;

// The longest line that we take. The server may not be the one that we know.
constexpr std::size_t max_line = 1024 * 1024;

// Prints one line, without its end.
void print_line(std::string_view line) {
    line.remove_suffix(line.ends_with("\r\n") ? 2 : 1);
    std::cout << wirelab::printable(line) << std::endl;
}

// Prints every line that comes, until the server closes.
asio::awaitable<void> print_lines(tcp::socket& server) {
    std::string text;
    for (;;) {
        error_code error;
        std::size_t size = 0;

        // 1: Read until `text`, which may hold max_line bytes, has a whole line. How long is that,
        //    with its newline?
        size = co_await asio::async_read_until(server, asio::dynamic_buffer(text, max_line), '\n',
                                               asio::redirect_error(use_awaitable, error));

        if (error == asio::error::eof) co_return;
        if (error == asio::error::not_found) error = asio::error::message_size;  // without end
        if (error) throw boost::system::system_error{error};

        // 2: Print the line, and drop it from the text: behind it may be the next one already.
        print_line({text.data(), size});
        text.erase(0, size);
    }
}

// Sends every line that is typed, until `exit` or the end of the input.
asio::awaitable<void> send_lines(tcp::socket& server, const std::string& name) {
    wirelab::TypedLines typed;
    for (bool is_over = false; !is_over;) {
        const std::optional<std::string> line = co_await typed.next();
        if (!line) break;
        is_over = *line == "exit";
        const std::string prefix = name.empty() || is_over ? "" : name + ": ";
        const std::string message = prefix + *line + '\n';

        // 3: Send the message. All of it: one write may take only a part.
        co_await asio::async_write(server, asio::buffer(message), use_awaitable);
    }
}

// Says that nothing more will come, and gives the server a second to send the rest and to close.
asio::awaitable<void> say_goodbye(tcp::socket& server) {
    asio::steady_timer second{server.get_executor(), std::chrono::seconds{1}};
    error_code ignored;

    // 4: Shut down sending. (Closing the socket now could reset the connection, and lines that the
    //    server has not read yet would be lost.)
    server.shutdown(tcp::socket::shutdown_send, ignored);

    co_await second.async_wait(use_awaitable);
    server.shutdown(tcp::socket::shutdown_receive, ignored);  // as if the server had closed
}

// Sends what is typed, and leaves.
asio::awaitable<void> type(tcp::socket& server, const std::string& name) {
    co_await send_lines(server, name);
    co_await say_goodbye(server);
}

// Does both at once, until the server closes.
void chat(asio::io_context& io, tcp::socket& server, const std::string& name) {
    asio::co_spawn(io, print_lines(server), [&io](std::exception_ptr failure) {
        wirelab::fail_loudly(failure);
        io.stop();
    });
    asio::co_spawn(io, type(server, name), wirelab::fail_loudly);
    io.run();
}

int main(int argc, char* argv[]) {
    wirelab::Host host{"127.0.0.1"};
    wirelab::Port port{40000};
    std::string name;
    wirelab::Seconds timeout{10};
    wirelab::Program program{"chat_client", "Chats with everyone on a server."};
    program.argument("HOST", host, "the server's name or address");
    program.argument("PORT", port, "the server's port");
    program.option("name", "NAME", name, "the name to put before what you type");
    program.option("timeout", "SECONDS", timeout, "how long to wait for the server, 0: for ever");

    return program.run(argc, argv, [&] {
        asio::io_context io;
        tcp::socket server = wirelab::connect(io, host, port, timeout);
        wirelab::give_up_after(server, timeout);
        try {
            chat(io, server, name);
        } catch (const boost::system::system_error& error) {
            throw wirelab::Error{"lost " + wirelab::to_text(host.name, port), error.code()};
        }
    });
}
