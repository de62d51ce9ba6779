// A running program, seen from outside: its command line, stdin, stdout, stderr and its end.
#pragma once

#include "stage.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <sys/types.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace harness {

class Process {
public:
    // Starts the program; use Stage::start().
    Process(Stage& stage, std::string name, const std::string& file,
            std::vector<std::string> arguments, const StartOptions& options);
    // Kills what still runs.
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    // Waits for the next whole line on stdout, and expects it to be the one given.
    void expect_line(const std::string& line, std::string_view cause = "");
    // The same for a pattern; returns the line. `meaning` says what it should be.
    std::string expect_line_like(const std::string& pattern, std::string_view meaning,
                                 std::string_view cause = "");
    // The same for a line on stderr.
    void expect_error(const std::string& line, std::string_view cause = "");
    std::string expect_error_like(const std::string& pattern, std::string_view meaning,
                                  std::string_view cause = "");

    // Waits for "listening on ADDRESS:PORT" as the next line, and returns the port.
    // An IPv6 address is given without brackets.
    std::string expect_listening(const std::string& address = "127.0.0.1");

    // Waits for the end, and expects this status; also that nothing was printed but what the test
    // has already expected. (On stderr a program that succeeds may say more.)
    void expect_exit(int status, std::string_view cause = "");
    // Waits for the end, and expects status 0 or this very signal.
    void expect_end_by(int signal, std::string_view cause = "");
    // Expects that the program still runs.
    void expect_running(std::string_view cause = "");

    void type(std::string_view text);
    void end_input();
    void signal(int number);

    const std::string& name() const { return name_; }
    pid_t pid() const { return pid_; }
    // It is doing something, or would if the machine let it; false while it waits for something.
    bool is_busy() const;
    // It has ended, and all that it had written is known.
    bool ended() const { return status_ && stdout_.closed && stderr_.closed; }
    // How it ended, in words, or that it is still running.
    std::string state() const;
    const std::string& output() const { return stdout_.text; }
    const std::string& errors() const { return stderr_.text; }
    // From its start to its end, or until now.
    Clock::duration run_time() const;
    // The processor time that it has used so far, in seconds.
    double processor_time() const;
    // The most memory that it has had so far, in bytes.
    std::size_t peak_memory() const;
    // The most address space: memory that it has asked for, used or not.
    std::size_t peak_address_space() const;

private:
    struct Stream {
        boost::asio::posix::stream_descriptor descriptor;
        std::string label;
        std::string text = {};
        std::size_t expected = 0;  // so much of the text has been expected by the test
        std::size_t recorded = 0;  // so much stands in the transcript
        std::array<char, 16384> buffer = {};
        bool closed = false;

        std::string_view rest() const { return std::string_view{text}.substr(expected); }
    };

    void read_on(Stream& stream);
    void take(Stream& stream, std::string_view bytes);
    void drain(Stream& stream);
    std::size_t memory_status(std::string_view entry) const;
    void record_end();
    void record_lines(Stream& stream, bool all);
    void watch_end();
    void collect_status();
    std::string next_line(Stream& stream, std::string_view expected, std::string_view cause);
    void wait_for_end(std::string_view expected, std::string_view cause);
    std::string seen() const;
    std::string cause_of_silence(std::string_view given) const;

    Stage& stage_;
    std::string name_;
    std::string label_;  // the name, as the transcript and the reports show it
    pid_t pid_ = -1;
    Clock::time_point started_ = Clock::now();
    Clock::time_point ended_ = {};
    std::optional<int> status_;
    boost::asio::posix::stream_descriptor stdin_;
    Stream stdout_;
    Stream stderr_;
    boost::asio::posix::stream_descriptor end_;
};

}  // namespace harness
