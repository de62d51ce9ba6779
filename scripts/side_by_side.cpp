// Shows what several programs print, each line with a label, in the order in which it was printed.
//
//   side_by_side show FOLDER                       prints "ready", then each line as LABEL:LINE
//   side_by_side run FOLDER LABEL PROGRAM ARG...   runs a program; `show` prints LABEL when it ends
//
// With a pipe for each program, nobody could tell afterwards which line came first. So all programs
// write into one socket, which keeps what arrives in order. It is a socket for datagrams: each
// tells its sender's address, and that is the label.
#include <boost/asio.hpp>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <string_view>

namespace asio = boost::asio;
using datagram = asio::local::datagram_protocol;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_datagram = 256 * 1024;  // a larger write is cut off

volatile std::sig_atomic_t running_program = 0;

// Asked to end, we ask the program to, and end it by force if it does not soon.
void end_program(int signal) {
    ::kill(running_program, signal == SIGALRM ? SIGKILL : SIGTERM);
    ::alarm(2);
}

// Prints the whole lines among the text that came from a label, and keeps the rest.
void print_lines(const std::string& label, std::string& text) {
    std::size_t end;
    while ((end = text.find('\n')) != std::string::npos) {
        std::cout << label + ":" + text.substr(0, end) << std::endl;
        text.erase(0, end + 1);
    }
}

void show(const fs::path& folder) {
    asio::io_context io;
    datagram::socket socket{io, datagram::endpoint{folder / "socket"}};
    std::cout << "ready" << std::endl;

    std::map<std::string, std::string> unfinished;
    std::string buffer(max_datagram, '\0');
    for (;;) {
        datagram::endpoint sender;
        const std::size_t size = socket.receive_from(asio::buffer(buffer), sender);
        const std::string label = fs::path{sender.path()}.filename();
        std::string& text = unfinished[label];
        text.append(buffer, 0, size);
        const bool ended = size == 0;
        if (ended && !text.empty()) text += '\n';
        print_lines(label, text);
        if (ended) std::cout << label << std::endl;
    }
}

[[noreturn]] void become(char* arguments[], int output) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // when we are killed, the program is
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::close(output);
    ::execvp(arguments[0], arguments);
    std::cerr << arguments[0] << ": " << std::strerror(errno) << std::endl;
    ::_exit(127);
}

int run(const fs::path& folder, const std::string& label, char* arguments[]) {
    ::close_range(STDERR_FILENO + 1, ~0U, 0);  // others' keyboards, which end when nobody has them
    fs::remove(folder / label);
    asio::io_context io;
    datagram::socket socket{io, datagram::endpoint{folder / label}};
    socket.connect(datagram::endpoint{folder / "socket"});

    running_program = ::fork();
    if (running_program == 0) become(arguments, socket.native_handle());
    std::signal(SIGTERM, end_program);
    std::signal(SIGALRM, end_program);
    int status = 0;
    ::waitpid(running_program, &status, 0);
    boost::system::error_code nobody_reads;
    socket.send(asio::buffer("", 0), 0, nobody_reads);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int main(int argc, char* argv[]) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // when the player is killed, all is over
    try {
        const std::string_view what = argc > 2 ? argv[1] : "";
        if (what == "show") show(argv[2]);
        if (what == "run" && argc > 4) return run(argv[2], argv[3], argv + 4);
    } catch (const std::exception& error) {
        std::cerr << "side_by_side: " << error.what() << std::endl;
    }
    return 1;
}
