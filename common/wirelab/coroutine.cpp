#include <wirelab/background.hpp>
#include <wirelab/coroutine.hpp>
#include <wirelab/error.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

namespace wirelab {

namespace asio = boost::asio;

namespace {

// Copies what is typed into a pipe, until nobody reads that any more. (The stream std::cin would
// do, but whoever waits in it holds a lock that the program's end needs.)
void copy_stdin(int pipe) {
    std::array<char, 65536> part;
    for (;;) {
        const ssize_t size = ::read(STDIN_FILENO, part.data(), part.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) throw Error{"cannot read standard input", reason_from_errno()};
        if (size == 0) break;
        if (::write(pipe, part.data(), static_cast<std::size_t>(size)) != size) break;
    }
    ::close(pipe);
}

// Returns a pipe from which can be read what is typed. The thread that fills it may outlast all
// that reads it: it knows nothing of Asio.
int pipe_of_stdin() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw Error{"cannot make a pipe", reason_from_errno()};
    run_in_thread([write_end = ends[1]] { copy_stdin(write_end); });
    return ends[0];
}

}  // namespace

asio::awaitable<bool> wait_out(AcceptTrouble& trouble, const boost::system::error_code& error) {
    if (!trouble.is_there(error)) co_return false;
    asio::steady_timer timer{co_await asio::this_coro::executor, AcceptTrouble::pause};
    co_await timer.async_wait(asio::use_awaitable);
    co_return true;
}

asio::awaitable<std::optional<std::string>> TypedLines::next() {
    if (!typed_) typed_.emplace(co_await asio::this_coro::executor, pipe_of_stdin());
    boost::system::error_code end;
    const std::size_t size = co_await asio::async_read_until(
        *typed_, asio::dynamic_buffer(text_), '\n', asio::redirect_error(asio::use_awaitable, end));
    if (end && text_.empty()) co_return std::nullopt;
    if (end) co_return std::exchange(text_, {});  // a last line without its end is one, too
    std::string line = text_.substr(0, size - 1);
    text_.erase(0, size);
    co_return line;
}

}  // namespace wirelab
