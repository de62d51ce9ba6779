// Lab 05: the contract of connect_check, from outside.
#include "harness/catch.hpp"
#include "harness/peer.hpp"
#include "harness/process.hpp"
#include "harness/rules.hpp"
#include "harness/stage.hpp"
#include "harness/world.hpp"

#include <boost/asio.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

using namespace harness;

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;

const std::string lab = "05_errors";
const std::string status_of_its_own =
    "the exit status tells the outcome: 0 open, 3 refused, 4 timed out, 5 address error, 1 other";
const std::string every_address = "a name can have several addresses, and one that is open will do";
const std::string no_deadline =
    "nothing ended the first connect: has the Deadline of step 4 a name, and does it stand before "
    "the call?";
const std::string whole_run = "the timeout is for look-up and connections together, not for each";
const std::string look_up_waits =
    "something waits for the look-up without a limit: join, std::async, or get() after a wait_for "
    "whose result was not looked at";

// Begins a pattern for a line that does not speak of a step that is not done yet.
const std::string no_todo = "(?!.*TODO [0-9]+ is not done)";

// An option's value: so many seconds, more on a slow machine.
std::string seconds(double count) {
    return std::to_string(count * time_scale());
}

Process& start_check(Stage& stage, const std::string& host, const std::string& port,
                     std::vector<std::string> options = {}, const StartOptions& start = {}) {
    options.insert(options.begin(), {host, port});
    return stage.start("connect_check", options, start);
}

struct Outcome {
    std::string words;
    int status;
    std::string cause = {};  // why another line was printed, where a test knows nothing better
};

const std::string unknown_is_failed =
    "an error that you do not know is the outcome failed: only interrupted and timed_out mean that "
    "time was up";
const Outcome is_open{"open", 0};
const Outcome refused{
    "refused", 3,
    "if it says open: is what try_address returned kept in the outer `error`? Else a refusal is "
    "the error connection_refused"};
const Outcome timed_out{
    "timed out", 4,
    "time is up when the error is interrupted (our deadline) or timed_out (the system's)"};
const Outcome unreachable{"error: Network is unreachable", 1, unknown_is_failed};
const Outcome no_route{"error: No route to host", 1, unknown_is_failed};
const Outcome unknown_name{"address error: Name or service not known", 5};

void expect_outcome(Process& check, const std::string& host, const std::string& port,
                    const Outcome& outcome, std::string_view cause = "") {
    const std::string shown = host.find(':') == std::string::npos ? host : "[" + host + "]";
    check.expect_line(shown + ":" + port + ": " + outcome.words,
                      cause.empty() ? outcome.cause : cause);
    check.expect_exit(outcome.status, cause.empty() ? status_of_its_own : cause);
}

// Waits for the end where the system itself takes a second or more, whatever patience() is left.
void wait_for_end(Stage& stage, const Process& check) {
    stage.wait_until([&check] { return check.ended(); }, std::chrono::seconds{6});
}

// Waits for the end of a look-up that is never answered, after so many seconds.
void expect_end_of_look_up(Stage& stage, const Process& check, double seconds) {
    stage.wait_until([&check] { return check.ended(); });
    stage.expect(check.ended(), "connect_check ends when its timeout is over", "it waits on",
                 look_up_waits);
    stage.expect_at_least(check.run_time(), seconds, "connect_check waits");
}

// The proof that the program does its job, for test cases about how it behaves otherwise.
void expect_check_works(Stage& stage) {
    Listener& listener = stage.listen();
    Process& check = start_check(stage, "127.0.0.1", listener.port());
    expect_outcome(check, "127.0.0.1", listener.port(), is_open);
}

// --- hosts of several addresses: 127.0.0.2, 127.0.0.3 …

std::string address_of(int number) {
    return "127.0.0." + std::to_string(number + 2);
}

// A world in which many.test has so many addresses.
World world_of_many(int addresses) {
    World world{.hosts = ""};
    for (int i = 0; i < addresses; ++i) world.hosts += address_of(i) + " many.test\n";
    return world;
}

// The addresses of a name in the order in which the system gives them.
std::vector<std::string> addresses_in_order(Stage& stage, const std::string& name) {
    std::vector<std::string> addresses;
    for (const auto& entry : tcp::resolver{stage.io()}.resolve(name, "1")) {
        addresses.push_back(entry.endpoint().address().to_string());
    }
    return addresses;
}

// Checks many.test, of which the first addresses show one thing each and the last shows another.
void expect_last_counts(Stage& stage, const std::function<void(const std::string& address)>& first,
                        const std::function<void(const std::string& address)>& last,
                        const Outcome& outcome) {
    std::vector<std::string> addresses = addresses_in_order(stage, "many.test");
    last(addresses.back());
    addresses.pop_back();
    for (const std::string& address : addresses) first(address);
    Process& check = start_check(stage, "many.test", "4000", {"--timeout", seconds(0.6)});
    expect_outcome(check, "many.test", "4000", outcome,
                   "when no address is open, the outcome of the last one counts");
}

// --- hosts that are silent or say that they can't be reached

void add_rule(Stage& stage, const std::string& rule) {
    if (!have_command("nft")) return skip("nft is not installed");
    const std::string hook = "type filter hook input priority 0\n";
    stage.write_file("rules", "table inet lab {\nchain input {\n" + hook + rule + "\n}\n}\n");
    Process& nft = stage.start_command("nft", {"-f", "rules"});
    stage.wait_until([&nft] { return nft.ended(); });
    if (nft.state() != "ended with status 0") return skip("this machine can't filter packets");
}

// A port that is silent until it is opened: then it answers the program's next attempt, which the
// system makes a second after the first.
class LatePort {
public:
    explicit LatePort(Stage& stage, const std::string& address = "127.0.0.1")
        : acceptor_{stage.io()}, first_{stage.io()} {
        acceptor_.open(tcp::v4());
        acceptor_.bind({asio::ip::make_address(address), 0});
        acceptor_.listen(0);
        first_.connect(acceptor_.local_endpoint());
        acceptor_.wait(tcp::acceptor::wait_read);
    }

    void open() { acceptor_.accept(); }
    std::string port() const { return std::to_string(acceptor_.local_endpoint().port()); }

private:
    tcp::acceptor acceptor_;
    tcp::socket first_;
};

// --- name servers

const World world_of_dns{.sources = "dns"};

// The name server of a world with the source "dns". It knows one address of every name, and says so
// when it is told to answer.
class NameServer {
public:
    explicit NameServer(Stage& stage)
        : stage_{stage}, socket_{stage.io(), {asio::ip::address_v4::loopback(), 53}} {
        // The system's own limit is far away.
        stage.write_file("etc/resolv.conf",
                         "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n");
        receive_on();
    }

    void expect_question(const Process& asker) {
        stage_.wait_until([&] { return !questions_.empty() || asker.ended(); });
        stage_.io().poll();  // what has come meanwhile
        stage_.expect(!questions_.empty(), "a question to the name server", "none",
                      "the name has to be looked up");
    }

    // Answers all questions, those asked and those to come, see RFC 1035, section 4.1.
    void answer() {
        stage_.transcript().add("name server", "answers: 127.0.0.1");
        answers_ = true;
        for (const Question& question : questions_) answer(question);
    }

private:
    struct Question {
        udp::endpoint sender;
        std::string bytes;
    };

    void receive_on() {
        socket_.async_receive_from(
            asio::buffer(buffer_), sender_, [this](auto error, std::size_t size) {
                if (error) return;
                stage_.transcript().add("name server", "is asked for an address");
                questions_.push_back({sender_, {buffer_.data(), size}});
                if (answers_) answer(questions_.back());
                receive_on();
            });
    }

    void answer(const Question& question) {
        constexpr std::size_t header_size = 12;
        constexpr char ipv4 = 1;
        const std::size_t name_end = question.bytes.find('\0', header_size);
        if (name_end == std::string::npos || question.bytes.size() < name_end + 5) return;
        const bool known = question.bytes[name_end + 2] == ipv4;
        std::string bytes = question.bytes.substr(0, 2);
        bytes.append({'\x81', '\x80', 0, 1, 0, known ? '\1' : '\0', 0, 0, 0, 0});
        bytes.append(question.bytes, header_size, name_end + 5 - header_size);
        if (known) bytes.append({'\xc0', 12, 0, ipv4, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1});
        boost::system::error_code ignored;
        socket_.send_to(asio::buffer(bytes), question.sender, 0, ignored);
    }

    Stage& stage_;
    udp::socket socket_;
    udp::endpoint sender_;
    std::array<char, 512> buffer_{};
    std::vector<Question> questions_;
    bool answers_ = false;
};

// --- the log

// Expects that one line of the log names the address and says what came out there.
void expect_logged(Stage& stage, const std::string& log, const std::string& endpoint,
                   const std::string& words) {
    std::istringstream lines{log};
    std::string found;
    bool logged = false;
    for (std::string line; std::getline(lines, line);) {
        const std::size_t start = line.find(endpoint);
        if (start == std::string::npos) continue;
        found += (found.empty() ? "" : " and ") + quote(line.substr(start));
        logged = logged || line.find(words) != std::string::npos;
    }
    stage.expect(logged, "a log line with " + endpoint + " and \"" + words + "\"",
                 found.empty() ? "no line with " + endpoint + " in " + quote(log) : found,
                 found.empty()
                     ? "the log tells what was tried, one line for each address"
                     : "step 5: behind it comes open or wirelab::reason(error), which says timed "
                       "out for interrupted");
}

}  // namespace

// --- step 3: look up, but not for ever -------------------------------------------------------

TEST_CASE("The check asks for the addresses of a name and can be interrupted while it waits",
          "[05_errors][connect_check][step:3][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        in_world(lab, world_of_dns, [signal](Stage& stage) {
            NameServer server{stage};
            Process& check = start_check(stage, "slow.test", "4000");
            server.expect_question(check);
            check.expect_running("the name server may take as long as the timeout lasts");
            check.signal(signal);
            check.expect_end_by(signal);
        });
    }
}

TEST_CASE("The check waits for a look-up that is never answered until its timeout and no longer",
          "[05_errors][connect_check][step:3][points:1]") {
    in_world(lab, world_of_dns, [](Stage& stage) {
        NameServer server{stage};
        // No fixed limit fits both: the patient one began first, and must be the last to end.
        Process& patient = start_check(stage, "slow.test", "4000", {"--timeout", "600"});
        server.expect_question(patient);
        Process& check = start_check(stage, "slow.test", "4000", {"--timeout", "0.5"});
        expect_end_of_look_up(stage, check, 0.5);
        stage.pass_time(0.2);
        patient.expect_running("wait for what is left of the budget, not for a time of your own");
    });
}

// --- step 6: connect to each address ---------------------------------------------------------

TEST_CASE("The check connects to the host and port that it is given",
          "[05_errors][connect_check][step:6][points:1]") {
    Stage stage{lab};
    Listener& listener = stage.listen();
    start_check(stage, "127.0.0.1", listener.port());
    listener.accept("the program never asked for a connection");
    Listener& other = stage.listen("127.0.0.2");
    stage.start("connect_check", {"--timeout=3", "127.0.0.2", other.port()});
    other.accept("options may stand before the arguments");
}

TEST_CASE("The check connects over IPv6", "[05_errors][connect_check][step:6][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    Stage stage{lab};
    Listener& listener = stage.listen("::1");
    start_check(stage, "::1", listener.port());
    listener.accept();
}

TEST_CASE("The check sends nothing and closes the connection",
          "[05_errors][connect_check][step:6][points:1]") {
    Stage stage{lab};
    Listener& listener = stage.listen();
    start_check(stage, "127.0.0.1", listener.port());
    Peer& peer = listener.accept("the program never asked for a connection");
    const std::string received = peer.receive_to_end("that the connection stands is the answer");
    stage.expect(received.empty(), "the program sends nothing", quote(received));
}

TEST_CASE("The check tries every address of a name until one is open",
          "[05_errors][connect_check][step:6][points:1]") {
    // One of three has a listener: the first, the second, the last, whatever their order is.
    for (int i = 0; i < 3; ++i) {
        in_world(lab, world_of_many(3), [i](Stage& stage) {
            Listener& listener = stage.listen(address_of(i), "4000");
            start_check(stage, "many.test", "4000");
            listener.accept(every_address);
        });
    }
    // All three have one.
    in_world(lab, world_of_many(3), [](Stage& stage) {
        int visitors = 0;
        std::vector<Listener*> listeners;
        for (int i = 0; i < 3; ++i) listeners.push_back(&stage.listen(address_of(i), "4000"));
        Process& check = start_check(stage, "many.test", "4000");
        stage.wait_until([&check] { return check.ended(); });
        for (Listener* listener : listeners) visitors += listener->has_visitor() ? 1 : 0;
        stage.expect(visitors == 1, "a connection to the first address only",
                     "connections to " + std::to_string(visitors) + " addresses",
                     "stop at the first address that is open: break");
    });
}

TEST_CASE("The check tries the next address when one is silent",
          "[05_errors][connect_check][step:6][points:1]") {
    for (int i = 0; i < 2; ++i) {
        in_world(lab, world_of_many(2), [i](Stage& stage) {
            Listener& listener = stage.listen(address_of(i), "4000");
            stage.silent_port(address_of(1 - i), "4000");
            Process& check = start_check(stage, "many.test", "4000", {"--timeout", seconds(1)});
            stage.wait_until([&check] { return check.ended(); });
            stage.expect(check.ended(), "connect_check ends when its timeout is over",
                         "it waits on", no_deadline);
            listener.accept("one silent address must not use up the time of all");
        });
    }
}

TEST_CASE("The check tries the addresses of both families",
          "[05_errors][connect_check][step:6][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    for (const std::string address : {"127.0.0.1", "::1"}) {
        in_world(lab, {.hosts = "127.0.0.1 two.test\n::1 two.test\n"}, [&address](Stage& stage) {
            Listener& listener = stage.listen(address);
            start_check(stage, "two.test", listener.port());
            listener.accept(every_address);
        });
    }
}

TEST_CASE("The check ends at once when it is interrupted while it connects",
          "[05_errors][connect_check][step:6][points:1]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        Stage stage{lab};
        const std::string port = stage.silent_port();
        Process& check = start_check(stage, "127.0.0.1", port);
        stage.await_attempt(port);
        check.expect_running("a connection that is being asked for takes its time");
        check.signal(signal);
        check.expect_end_by(signal);
    }
}

TEST_CASE("The log names each address that was tried",
          "[05_errors][connect_check][step:6][points:1]") {
    in_world(lab, world_of_many(3), [](Stage& stage) {
        Process& check = start_check(stage, "many.test", "4000", {"--log", "check.log"});
        stage.wait_until([&] { return check.ended(); });
        const std::string log = stage.read_file("check.log");
        for (int i = 0; i < 3; ++i) expect_logged(stage, log, address_of(i) + ":4000", "refused");
        expect_log(stage, "check.log");
    });
}

TEST_CASE("The log writes an IPv6 address in brackets",
          "[05_errors][connect_check][step:6][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    in_world(lab, {.hosts = "::1 six.test\n"}, [](Stage& stage) {
        Process& check = start_check(stage, "six.test", "4000", {"--log", "check.log"});
        stage.wait_until([&] { return check.ended(); });
        expect_logged(stage, stage.read_file("check.log"), "[::1]:4000", "refused");
    });
}

// --- step 7: the outcome of a connection -----------------------------------------------------

TEST_CASE("A port that somebody listens on is open",
          "[05_errors][connect_check][step:7][points:1]") {
    Stage stage{lab};
    expect_check_works(stage);
}

TEST_CASE("A port that nobody listens on is refused",
          "[05_errors][connect_check][step:7][points:1]") {
    Stage stage{lab};
    const std::string port = stage.refusing_port();
    expect_outcome(start_check(stage, "127.0.0.1", port), "127.0.0.1", port, refused);
}

TEST_CASE("A port that is silent has timed out after the timeout",
          "[05_errors][connect_check][step:7][points:1]") {
    Stage stage{lab};
    const std::string port = stage.silent_port();
    Process& check = start_check(stage, "127.0.0.1", port, {"--timeout", "0.3"});
    expect_outcome(check, "127.0.0.1", port, timed_out,
                   "a silent host needs a Deadline around the connect, and an outcome of its own");
    stage.expect_at_least(check.run_time(), 0.3, "connect_check waits");
}

TEST_CASE("A host that a firewall hides has timed out",
          "[05_errors][connect_check][step:7][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        add_rule(stage, "tcp dport 4000 drop");
        Listener& listener = stage.listen("127.0.0.1", "4000");
        Process& check = start_check(stage, "127.0.0.1", "4000", {"--timeout", "0.2"});
        expect_outcome(check, "127.0.0.1", "4000", timed_out);
        stage.expect(!listener.has_visitor(), "no connection", "one came through");
    });
}

TEST_CASE("A host that a router can't reach is an error with its reason",
          "[05_errors][connect_check][step:7][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        add_rule(stage, "tcp dport 4000 reject with icmp type host-unreachable");
        Process& check = start_check(stage, "127.0.0.1", "4000");
        wait_for_end(stage, check);  // the first such answer may get lost in the system
        expect_outcome(check, "127.0.0.1", "4000", no_route);
    });
}

TEST_CASE("A network without a route is an error with its reason",
          "[05_errors][connect_check][step:7][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        Process& check = start_check(stage, "10.9.8.7", "4000");
        expect_outcome(check, "10.9.8.7", "4000", unreachable);
        if (!have_ipv6()) return;
        Process& six = start_check(stage, "fd00::7", "4000");
        expect_outcome(six, "fd00::7", "4000", unreachable);
    });
}

TEST_CASE("What the system itself gives up has timed out",
          "[05_errors][connect_check][step:7][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        // After a second the system tries once more, and after two more gives up, see tcp(7).
        std::ofstream retries{"/proc/sys/net/ipv4/tcp_syn_retries"};
        retries << 1 << std::flush;
        if (!retries) return skip("this machine does not let a test set tcp_syn_retries");
        const std::string port = stage.silent_port();
        Process& check = start_check(stage, "127.0.0.1", port, {"--timeout", "0"});
        wait_for_end(stage, check);
        expect_outcome(check, "127.0.0.1", port, timed_out,
                       "the system has a time limit too: its error is timed_out (ETIMEDOUT)");
    });
}

TEST_CASE("A timeout of 0 means no limit", "[05_errors][connect_check][step:7][points:1]") {
    Stage stage{lab};
    LatePort late{stage};
    Process& check = start_check(stage, "127.0.0.1", late.port(), {"--timeout", "0"});
    stage.await_attempt(late.port());
    late.open();
    wait_for_end(stage, check);
    expect_outcome(check, "127.0.0.1", late.port(), is_open, "a timeout of 0 means no limit");
}

TEST_CASE("A host that is slow to answer is open when it answers within the timeout",
          "[05_errors][connect_check][step:7][points:1]") {
    Stage stage{lab};
    LatePort late{stage};
    // It answers after a second; when nothing is said, the timeout is 5 seconds.
    Process& check = start_check(stage, "127.0.0.1", late.port());
    stage.await_attempt(late.port());
    late.open();
    wait_for_end(stage, check);
    expect_outcome(check, "127.0.0.1", late.port(), is_open, "the default is 5 seconds");
}

TEST_CASE("An IPv6 address stands in brackets", "[05_errors][connect_check][step:7][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    Stage stage{lab};
    Listener& listener = stage.listen("::1");
    expect_outcome(start_check(stage, "::1", listener.port()), "::1", listener.port(), is_open);
    const std::string port = stage.refusing_port("::1");
    expect_outcome(start_check(stage, "::1", port), "::1", port, refused);
    const std::string silent = stage.silent_port("::1");
    Process& check = start_check(stage, "::1", silent, {"--timeout", "0.1"});
    expect_outcome(check, "::1", silent, timed_out);
}

TEST_CASE("Host and port are printed as they were given",
          "[05_errors][connect_check][step:7][points:1]") {
    in_world(lab, {.hosts = "127.0.0.2 long.name.test short\n"}, [](Stage& stage) {
        stage.listen("127.0.0.2", "4000");
        std::vector<std::string> hosts{"long.name.test", "short", "SHORT", "Long.Name.Test",
                                       "127.0.0.2"};
        for (const std::string& host : hosts) {
            expect_outcome(start_check(stage, host, "4000"), host, "4000", is_open,
                           "print what the user typed, not what the look-up found");
        }
        if (!have_ipv6()) return;
        const std::string long_form = "0:0:0:0:0:0:0:1";
        expect_outcome(start_check(stage, long_form, "4000"), long_form, "4000", refused);
    });
}

TEST_CASE("A name is open when one of its addresses is open and the others refuse",
          "[05_errors][connect_check][step:7][points:1]") {
    for (int i = 0; i < 3; ++i) {
        in_world(lab, world_of_many(3), [i](Stage& stage) {
            stage.listen(address_of(i), "4000");
            Process& check = start_check(stage, "many.test", "4000");
            expect_outcome(check, "many.test", "4000", is_open, every_address);
        });
    }
}

TEST_CASE("A name is open when one of its addresses is open and the others are silent",
          "[05_errors][connect_check][step:7][points:2]") {
    for (int i = 0; i < 3; ++i) {
        in_world(lab, world_of_many(3), [i](Stage& stage) {
            for (int k = 0; k < 3; ++k) {
                if (k != i) stage.silent_port(address_of(k), "4000");
            }
            stage.listen(address_of(i), "4000");
            Process& check = start_check(stage, "many.test", "4000", {"--timeout", seconds(0.9)});
            expect_outcome(check, "many.test", "4000", is_open,
                           "one silent address must not use up the time of all");
        });
    }
}

TEST_CASE("A silent address leaves time for the next one even if that is slow to answer",
          "[05_errors][connect_check][step:7][points:2]") {
    in_world(lab, world_of_many(2), [](Stage& stage) {
        const std::vector<std::string> addresses = addresses_in_order(stage, "many.test");
        LatePort late{stage, addresses.back()};
        stage.silent_port(addresses.front(), late.port());
        Process& check = start_check(stage, "many.test", late.port(), {"--timeout", "3"});
        for (int i = 0; i < 3; ++i) stage.await_attempt(late.port(), addresses.back());
        late.open();
        wait_for_end(stage, check);
        expect_outcome(check, "many.test", late.port(), is_open,
                       "a share of what is left for each address that is left, this one included: "
                       "count down after, not before");
    });
}

TEST_CASE("When no address is open the outcome of the last one counts",
          "[05_errors][connect_check][step:7][points:2]") {
    const auto nobody = [](const std::string&) {};
    in_world(lab, world_of_many(2), [&](Stage& stage) {
        const auto silent = [&](const std::string& address) { stage.silent_port(address, "4000"); };
        expect_last_counts(stage, nobody, silent, timed_out);
    });
    in_world(lab, world_of_many(2), [&](Stage& stage) {
        const auto silent = [&](const std::string& address) { stage.silent_port(address, "4000"); };
        expect_last_counts(stage, silent, nobody, refused);
    });
    in_world(lab, world_of_many(3),
             [&](Stage& stage) { expect_last_counts(stage, nobody, nobody, refused); });
    // An address without a route comes last, see gai.conf(5).
    in_world(lab, {.hosts = "10.9.8.7 many.test\n127.0.0.2 many.test\n"}, [&](Stage& stage) {
        const std::string last = addresses_in_order(stage, "many.test").back();
        expect_last_counts(stage, nobody, nobody, last == "10.9.8.7" ? unreachable : refused);
    });
}

TEST_CASE("The timeout bounds all addresses together",
          "[05_errors][connect_check][step:7][points:2]") {
    // Were each of them given all of the time, they would take far longer than a test may wait.
    constexpr int count = 100;
    in_world(lab, world_of_many(count), [](Stage& stage) {
        for (int i = 0; i < count; ++i) stage.silent_port(address_of(i), "4000");
        Process& check = start_check(stage, "many.test", "4000", {"--timeout", seconds(0.3)});
        expect_outcome(check, "many.test", "4000", timed_out, whole_run);
    });
}

TEST_CASE("A look-up that takes its time is waited for",
          "[05_errors][connect_check][step:7][points:1]") {
    for (const std::string timeout : {"0", "5"}) {
        in_world(lab, world_of_dns, [&timeout](Stage& stage) {
            NameServer server{stage};
            stage.listen("127.0.0.1", "4000");
            Process& check = start_check(stage, "slow.test", "4000", {"--timeout", timeout});
            server.expect_question(check);
            stage.pass_time(0.3);
            server.answer();
            expect_outcome(check, "slow.test", "4000", is_open);
        });
    }
}

TEST_CASE("A look-up that takes a part of the time leaves only the rest to the connection",
          "[05_errors][connect_check][step:7][points:2]") {
    in_world(lab, world_of_dns, [](Stage& stage) {
        NameServer server{stage};
        LatePort late{stage};
        Process& check = start_check(stage, "slow.test", late.port(), {"--timeout", "1.5"});
        server.expect_question(check);
        stage.pass_time(0.9);
        server.answer();
        // The port answers a second after it is asked: too late, when 0.6 s are left.
        stage.await_attempt(late.port());
        late.open();
        wait_for_end(stage, check);
        expect_outcome(check, "slow.test", late.port(), timed_out, whole_run);
    });
}

TEST_CASE("A check that works explains itself and refuses wrong usage",
          "[05_errors][connect_check][step:7][points:1]") {
    Stage stage{lab};
    expect_check_works(stage);
    expect_help(stage, "connect_check",
                {{"HOST", ""},
                 {"PORT", ""},
                 {"--timeout SECONDS", "5"},
                 {"--log FILE", "none"},
                 {"--help", ""}});
    expect_usage_error(stage, "connect_check", {}, "HOST");
    expect_usage_error(stage, "connect_check", {"127.0.0.1"}, "PORT");
    expect_usage_error(stage, "connect_check", {"127.0.0.1", "4000", "third"}, "third");
    expect_usage_error(stage, "connect_check", {"127.0.0.1", "4000", "--colour"}, "--colour");
    expect_usage_error(stage, "connect_check", {"127.0.0.1", "4000", "--timeout"}, "--timeout");
    expect_usage_error(stage, "connect_check", {"127.0.0.1", "4000", "--log"}, "--log");
    for (const std::string port : {"0", "-1", "65536", "70000", "4294967297", "abc", "http", "80x",
                                   "8.0", " 80", "+80", ""}) {
        expect_usage_error(stage, "connect_check", {"127.0.0.1", port}, port);
    }
    for (const std::string limit : {"-1", "-0.5", "soon", "1s", "nan", "inf", ""}) {
        expect_usage_error(stage, "connect_check", {"127.0.0.1", "4000", "--timeout=" + limit},
                           "--timeout");
    }
    expect_usage_error(stage, "connect_check", {"", "4000"}, "");
    expect_usage_error(stage, "connect_check", {"127.0.0.1", "\x1b[2J"}, R"(\x1b[2J)");
}

TEST_CASE("The check reports that its output can't be written",
          "[05_errors][connect_check][step:7][points:1]") {
    Stage stage{lab};
    expect_check_works(stage);
    for (const StartOptions& options :
         {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
        for (const std::string& port : {stage.listen().port(), stage.refusing_port()}) {
            Process& check = start_check(stage, "127.0.0.1", port, {}, options);
            check.expect_error_like("connect_check: " + no_todo + ".+: .+", "one line on stderr");
            check.expect_exit(1, "an outcome that can't be printed is a failure");
        }
    }
}

TEST_CASE("The log tells what came out at each address",
          "[05_errors][connect_check][step:7][points:1]") {
    const World world{.hosts =
                          "127.0.0.2 one.test\n127.0.0.3 one.test\n"
                          "127.0.0.4 two.test\n127.0.0.5 three.test\n"
                          "10.9.8.7 four.test\n"};
    in_world(lab, world, [](Stage& stage) {
        const std::string before = "[20200101 00:00:00] before:1 - this line was there before\n";
        stage.write_file("check.log", before);
        stage.silent_port("127.0.0.4", "4000");
        stage.listen("127.0.0.5", "4000");
        for (const std::string host : {"one.test", "two.test", "three.test", "four.test"}) {
            Process& check =
                start_check(stage, host, "4000", {"--timeout", "0.2", "--log", "check.log"});
            stage.wait_until([&] { return check.ended(); });
        }
        const std::string log = stage.read_file("check.log");
        expect_logged(stage, log, "127.0.0.2:4000", "refused");
        expect_logged(stage, log, "127.0.0.3:4000", "refused");
        expect_logged(stage, log, "127.0.0.4:4000", "timed out");
        expect_logged(stage, log, "127.0.0.5:4000", "open");
        expect_logged(stage, log, "10.9.8.7:4000", "Network is unreachable");
        expect_log(stage, "check.log");
        stage.expect(log.starts_with(before), "new lines behind those that were there", quote(log));
    });
}

TEST_CASE("The check reports a log that can't be written to",
          "[05_errors][connect_check][step:7][points:1]") {
    Stage stage{lab};
    expect_check_works(stage);
    Process& check =
        start_check(stage, "127.0.0.1", stage.listen().port(), {"--log", "no/such/folder"});
    check.expect_error_like("connect_check: " + no_todo + ".*no/such/folder.*: .+",
                            "one line that names the log file");
    check.expect_exit(1);
}

// --- step 8: the outcome of a look-up --------------------------------------------------------

TEST_CASE("A name that does not exist is an address error with its reason",
          "[05_errors][connect_check][step:8][points:1]") {
    in_world(lab, {}, [](Stage& stage) {
        Listener& nobody = stage.listen("127.0.0.1", "4000");
        for (const std::string host : {"no-such-host.test", "no such host", "127.0.0.256"}) {
            expect_outcome(start_check(stage, host, "4000"), host, "4000", unknown_name);
        }
        stage.expect(!nobody.has_visitor(), "no connection to anybody", "one came");
    });
}

TEST_CASE("A name server that is not there is an address error with another reason",
          "[05_errors][connect_check][step:8][points:1]") {
    in_world(lab, world_of_dns, [](Stage& stage) {
        Process& check = start_check(stage, "some.test", "4000");
        expect_outcome(check, "some.test", "4000",
                       {"address error: Temporary failure in name resolution", 5});
    });
}

TEST_CASE("A host name can't drive the terminal", "[05_errors][connect_check][step:8][points:1]") {
    in_world(lab, {}, [](Stage& stage) {
        Process& first = start_check(stage, "127.0.0.1", "4000", {"--log", "check.log"});
        expect_outcome(first, "127.0.0.1", "4000", refused);
        const std::map<std::string, std::string> shown{
            {"re\x1b]0;d\x07.test", R"(re\x1b]0;d\x07.test)"},
            {"two\nlines\x7f", R"(two\x0alines\x7f)"},
            {"C1 \xc2\x9b broken \xff\xc3", R"(C1 \xc2\x9b broken \xff\xc3)"},
            {"back\\slash Gr\u00fc\u00dfe", "back\\slash Gr\u00fc\u00dfe"}};
        for (const auto& [host, text] : shown) {
            Process& check = start_check(stage, host, "4000", {"--log", "check.log"});
            check.expect_line_like(
                no_todo + std::regex_replace(text, std::regex{R"([\\\[\].])"}, R"(\$&)") +
                    ":4000: address error: .+",
                quote(text + ":4000: address error: REASON"),
                "what is printed may not hold control bytes");
            check.expect_exit(5, status_of_its_own);
        }
        expect_log(stage, "check.log");
        const std::string log = stage.read_file("check.log");
        const bool harmless = log.find_first_of("\x1b\x07\x7f") == std::string::npos;
        stage.expect(harmless, "no control bytes in the log", quote(log));
    });
}

TEST_CASE("A look-up that is never answered has timed out and is no address error",
          "[05_errors][connect_check][step:8][points:1]") {
    in_world(lab, world_of_dns, [](Stage& stage) {
        NameServer server{stage};
        Process& check = start_check(stage, "slow.test", "4000", {"--timeout", "0.2"});
        expect_end_of_look_up(stage, check, 0.2);
        expect_outcome(check, "slow.test", "4000", timed_out,
                       "time was up in the look-up: its error is asio::error::timed_out, and the "
                       "outcome timed_out, not address_error");
    });
}
