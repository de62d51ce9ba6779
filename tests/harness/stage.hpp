// The stage of a black-box test: programs under test, the peers that the test plays, and a
// transcript of what happened. One Stage a test case; all it holds ends with it.
//
//     Stage stage{"02_fortune"};
//     Listener& listener = stage.listen();
//     Process& client = stage.start("fortune_client", {"127.0.0.1", listener.port()});
//     Peer& peer = listener.accept();
//     peer.send("Packets travel light.\n");
//     peer.close();
//     client.expect_line("Packets travel light.");
//     client.expect_exit(0);
//
// Everything runs in one thread: while the test waits for one thing, all programs are read from
// and all peers go on receiving. Waits end when the thing happens, when it no longer can, or when
// patience() is over; the last two fail the test case with a report that names what was expected.
#pragma once

#include "failure.hpp"
#include "transcript.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace harness {

class Process;
class Peer;
class Listener;
class DatagramPeer;
struct DatagramOptions;
class Capture;

// How long a wait may last: for what should happen at once, on a machine that is busy.
// WIRELAB_TIME_SCALE stretches it, for slow machines and sanitizers; times of a test's own are
// stretched only where it multiplies them by time_scale().
Clock::duration patience();
double time_scale();

struct StartOptions {
    std::string stdout_file = {};      // where stdout goes; empty: to the test
    bool no_stdout = false;            // starts the program with stdout closed
    bool terminal = false;             // stdout and stderr are one terminal; output() has it all
    int open_files = 0;                // limit on open files (RLIMIT_NOFILE); 0: as it is
    std::string label = {};            // shown before its name, in brackets, to tell it from others
    std::vector<std::string> by = {};  // a command that becomes the program, as env(1) does
    std::vector<std::string> environment = {};  // more of it, each NAME=VALUE
};

class Stage {
public:
    // Programs are those of the lab in the folder that WIRELAB_PROGRAMS names.
    explicit Stage(std::string lab);
    ~Stage();
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    // Starts a program of the lab, in the stage's own empty folder.
    Process& start(const std::string& program, std::vector<std::string> arguments = {},
                   const StartOptions& options = {});
    // Starts any other program, found in PATH; see also have_command().
    Process& start_command(const std::string& command, std::vector<std::string> arguments,
                           const StartOptions& options = {});

    // Opens a port for programs to connect to: any free one, unless it is named.
    Listener& listen(const std::string& address = "127.0.0.1", const std::string& port = "0");
    // Connects to a program.
    Peer& connect(const std::string& port, const std::string& address = "127.0.0.1");

    // Opens a UDP socket, see datagrams.hpp: on any free port, unless it is named.
    DatagramPeer& datagrams(const std::string& address = "127.0.0.1",
                            const std::string& port = "0");
    DatagramPeer& datagrams(const std::string& address, const std::string& port,
                            const DatagramOptions& options);
    // Begins to collect what crosses an interface, see capture.hpp.
    Capture& capture(const std::string& interface, const std::string& label = "");

    // Returns a port on which every connection is refused, as long as the stage lives.
    std::string refusing_port(const std::string& address = "127.0.0.1");
    // Returns a port that never answers: its backlog is full, so it drops every new SYN. Any free
    // one, unless it is named.
    std::string silent_port(const std::string& address = "127.0.0.1",
                            const std::string& port = "0");
    // Waits until a program asks such a port for a connection, for half of patience() at most.
    void await_attempt(const std::string& port, const std::string& address = "127.0.0.1");

    // The stage's folder, and files in it.
    std::string path(const std::string& name) const { return folder_ / name; }
    void write_file(const std::string& name, std::string_view contents) const;
    std::string read_file(const std::string& name) const;

    // Waits until the condition holds; false when patience() (or `limit`) ended first.
    bool wait_until(const std::function<bool()>& condition, Clock::duration limit = patience());

    // Ends the test case unless the condition holds. `cause` is a sentence for the student: what
    // such a failure most likely comes from.
    void expect(bool met, std::string_view expected, std::string_view got,
                std::string_view cause = "");

    // Expects that a wait took no less than this time.
    void expect_at_least(Clock::duration waited, double seconds, std::string_view what);

    // Lets time pass, for what is about time: slow peers, timeouts. Never to wait for a program.
    // Ends when the programs have done what they could in that time, so that what has not happened
    // then was not going to.
    void pass_time(double seconds);

    // True when no program runs any more.
    bool programs_ended() const;

    // Told when a program has said that a TODO is not done: nothing that is waited for will come
    // any more, so waits end soon.
    void note_todo();

    Transcript& transcript() { return transcript_; }
    boost::asio::io_context& io() { return io_; }

private:
    Process& add_process(std::unique_ptr<Process> process);
    std::string next_peer();
    void let_programs_speak();
    std::string likely_cause(std::string_view given) const;

    std::string lab_;
    std::filesystem::path folder_;
    Transcript transcript_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_running_;
    std::list<std::unique_ptr<Process>> processes_;
    std::list<Listener> listeners_;
    std::list<Peer> peers_;
    std::list<DatagramPeer> datagram_peers_;
    std::list<Capture> captures_;
    std::vector<boost::asio::ip::tcp::socket> kept_open_;
    std::vector<boost::asio::ip::tcp::acceptor> silent_;
    int peers_so_far_ = 0;
    Clock::time_point todo_ends_waits_ = Clock::time_point::max();

    friend class Listener;
};

// What this machine offers.
bool have_command(const std::string& command);
bool have_ipv6();
bool have_terminals();

}  // namespace harness
