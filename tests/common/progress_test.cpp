// How far a transfer has come, on a terminal.
#include "forked.hpp"
#include "harness/catch.hpp"
#include "harness/stage.hpp"

#include <wirelab/progress.hpp>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>

using wirelab::Progress;

namespace {

const std::string wiped = "\r\x1b[K";

// Runs the body with a terminal of this width as the given stream, and returns what it was shown.
std::string shown_on_terminal(int stream, unsigned short columns,
                              const std::function<void()>& body) {
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    ::grantpt(terminal);
    ::unlockpt(terminal);
    const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    ::ioctl(terminal, TIOCSWINSZ, &size);
    const int far_end = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
    run_forked([&] {
        ::dup2(far_end, stream);
        body();
        return 0;
    });
    std::string text;
    std::array<char, 4096> part{};
    for (ssize_t count; (count = ::read(terminal, part.data(), part.size())) > 0;) {
        text.append(part.data(), static_cast<std::size_t>(count));
    }
    ::close(far_end);
    ::close(terminal);
    return text;
}

}  // namespace

TEST_CASE("Progress shows name and share and wipes its line at the end", "[common][progress]") {
    if (!harness::have_terminals()) return harness::skip("this machine has no terminals");
    for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
        const std::string text = shown_on_terminal(stream, 80, [] {
            Progress progress{"a.txt", 1000};
            progress.show(500);
            progress.show(501);  // too soon to be drawn
            progress.show(1000);
        });
        const std::string half = wiped + "a.txt [##########..........]  50%  ";
        const std::string all = wiped + "a.txt [####################] 100%  ";
        CHECK(text.starts_with(half));
        CHECK(text.find(all, half.size()) != std::string::npos);
        CHECK(text.ends_with("  0:00 left" + wiped));
        CHECK(text.find(wiped + "a.txt", half.size()) == text.find(all, half.size()));
    }
}

TEST_CASE("Progress of nothing is complete", "[common][progress]") {
    if (!harness::have_terminals()) return harness::skip("this machine has no terminals");
    const std::string text = shown_on_terminal(STDERR_FILENO, 80, [] {
        Progress progress{"empty", 0};
        progress.show(0);
    });
    CHECK(text.starts_with(wiped + "empty [####################] 100%  0.0 MB/s"));
}

TEST_CASE("Progress stays in its line and does not drive the terminal", "[common][progress]") {
    if (!harness::have_terminals()) return harness::skip("this machine has no terminals");
    const std::string text = shown_on_terminal(STDERR_FILENO, 20, [] {
        Progress progress{"\x1b[2Ja long name", 10};
        progress.show(5);
    });
    CHECK(text == wiped + "\\x1b[2Ja long name " + wiped);
}

TEST_CASE("Progress shows nothing in a pipe", "[common][progress]") {
    const Forked run = run_forked([] {
        Progress progress{"a.txt", 1000};
        progress.show(500);
        progress.show(1000);
        return 0;
    });
    CHECK(run.out == "");
    CHECK(run.err == "");
}
