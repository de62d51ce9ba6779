#include "named_pipe.hpp"

#include <boost/asio.hpp>

#include <fcntl.h>
#include <sys/stat.h>

namespace harness {

NamedPipe::NamedPipe(Stage& stage, const std::string& name) : stage_{stage}, pipe_{stage.io()} {
    const std::string file = stage.path(name);
    // Opened for both directions, the pipe waits for bytes even while nobody writes.
    const bool made = ::mkfifo(file.c_str(), 0600) == 0;
    const int end = made ? ::open(file.c_str(), O_RDWR | O_CLOEXEC) : -1;
    if (end < 0) fail("the test can't make a named pipe");
    // The smallest that there is.
    ::fcntl(end, F_SETPIPE_SZ, 4096);
    pipe_.assign(end);
}

std::string NamedPipe::read_line(std::string_view cause) {
    const auto line = next_line([] { return false; });
    stage_.expect(line.has_value(), "one more line on stdout", "nothing", cause);
    return *line;
}

std::optional<std::string> NamedPipe::next_line(const std::function<bool()>& condition) {
    bool done = false;
    std::size_t size = 0;
    boost::asio::async_read_until(pipe_, boost::asio::dynamic_buffer(text_), '\n',
                                  [&](boost::system::error_code, std::size_t length) {
                                      done = true;
                                      size = length;
                                  });
    stage_.wait_until([&] { return done || condition(); });
    // A read that is under way still uses our locals.
    if (!done) pipe_.cancel();
    stage_.wait_until([&done] { return done; });
    if (size == 0) return {};
    std::string line = text_.substr(0, size - 1);
    text_.erase(0, size);
    stage_.transcript().add("the reader of its stdout gets", quote(line));
    return line;
}

void NamedPipe::close() {
    stage_.transcript().add("the reader of its stdout", "goes away");
    pipe_.close();
}

}  // namespace harness
