#include "classroom.hpp"
#include "catch.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <regex>
#include <sstream>
#include <utility>

namespace harness {

namespace {

std::string front_door() {
    return WIRELAB_SOURCE "/lab";
}

std::vector<std::string> environment_in(const Stage& stage) {
    return {"WIRELAB_CLASSROOM=" + stage.path("classroom")};
}

StartOptions keeper_options(const Stage& stage) {
    StartOptions options;
    options.environment = environment_in(stage);
    return options;
}

std::string text(double number) {
    std::ostringstream text;
    text << number;
    return text.str();
}

std::vector<std::string> keeper_arguments(const Lan& lan) {
    return {"classroom", "keep", std::to_string(lan.hosts), text(lan.loss),
            lan.rate == 0 ? "" : text(lan.rate)};
}

// What the machine must have, beyond namespaces; empty if it has it.
std::string missing_command(const Lan& lan) {
    std::vector<std::string> needed{"bash",  "bridge",  "hostname", "ip",
                                    "mount", "nsenter", "setpriv",  "unshare"};
    if (lan.loss != 0) needed.emplace_back("nft");
    if (lan.rate != 0) needed.emplace_back("tc");
    for (const std::string& command : needed) {
        if (!have_command(command)) return command;
    }
    return "";
}

}  // namespace

Classroom::Classroom(Stage& stage, const Lan& lan)
    : stage_{stage},
      keeper_{stage, "lab", front_door(), keeper_arguments(lan), keeper_options(stage)} {
    // No program of the lab's takes part, so this is not a matter of patience().
    const auto limit = std::chrono::seconds{30} * time_scale();
    stage.wait_until([this] { return keeper_.output() == "ready\n" || keeper_.ended(); },
                     std::chrono::duration_cast<Clock::duration>(limit));
    const std::string& errors = keeper_.errors();
    // Only the kernel's refusals are no fault of ours; scripts/classroom.sh names them so.
    if (std::regex_search(errors, std::regex{"this machine's kernel|network namespaces"})) {
        skip(errors.substr(0, errors.find('\n')));
    }
    keeper_.expect_line("ready",
                        "scripts/classroom.sh has failed: this is not the program's fault");
}

Process& Classroom::start(const std::string& host, const std::string& program,
                          std::vector<std::string> arguments, const StartOptions& options) {
    return stage_.start(program, std::move(arguments), options_on(host, options));
}

Process& Classroom::start_command(const std::string& host, const std::string& command,
                                  std::vector<std::string> arguments) {
    return stage_.start_command(command, std::move(arguments), options_on(host, {}));
}

StartOptions Classroom::options_on(const std::string& host, StartOptions options) const {
    options.label = options.label.empty() ? host : host + ": " + options.label;
    options.by = {front_door(), "classroom", "run", host, "--"};
    for (std::string& variable : environment_in(stage_)) options.environment.push_back(variable);
    return options;
}

DatagramPeer& Classroom::datagrams(const std::string& host, const std::string& port,
                                   DatagramOptions options) {
    options.label = host;
    if (options.own_address.empty()) options.own_address = address(host);
    return on(host, [&]() -> DatagramPeer& { return stage_.datagrams("0.0.0.0", port, options); });
}

DatagramPeer& Classroom::datagrams_v6(const std::string& host, const std::string& port,
                                      DatagramOptions options) {
    options.label = host;
    if (options.own_address.empty()) options.own_address = address_v6(host) + "%eth0";
    return on(host, [&]() -> DatagramPeer& { return stage_.datagrams("::", port, options); });
}

Capture& Classroom::capture(const std::string& host, const std::string& interface) {
    return on(host, [&]() -> Capture& { return stage_.capture(interface, host); });
}

std::string Classroom::address(const std::string& host) const {
    return "10.0.0." + host.substr(1);
}

// It is made of the Ethernet address, 02:00:00:00:00:02 (RFC 4291, appendix A).
std::string Classroom::address_v6(const std::string& host) const {
    std::ostringstream address;
    address << "fe80::ff:fe00:" << std::hex << std::stoi(host.substr(1));
    return address.str();
}

// The hosts' networks have names only where the keeper sees them.
std::string Classroom::network(const std::string& host) const {
    return "/proc/" + std::to_string(keeper_.pid()) + "/root" + stage_.path("classroom/" + host);
}

Classroom::Visit::Visit(const std::string& network)
    : home_{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)} {
    const int away = ::open(network.c_str(), O_RDONLY | O_CLOEXEC);
    const bool there = away >= 0 && ::setns(away, CLONE_NEWNET) == 0;
    const std::string reason = std::strerror(errno);
    if (away >= 0) ::close(away);
    if (there) return;
    ::close(home_);
    fail("the test can't enter the network " + network + ": " + reason);
}

Classroom::Visit::~Visit() {
    if (::setns(home_, CLONE_NEWNET) != 0) ::_exit(1);  // all that follows would be elsewhere
    ::close(home_);
}

void in_classroom(const std::string& lab, const Lan& lan,
                  const std::function<void(Stage&, Classroom&)>& body) {
    const std::string missing = missing_command(lan);
    if (!missing.empty()) return skip("the command " + missing + " is missing");
    in_private_network([&] {
        Stage stage{lab};
        Classroom classroom{stage, lan};
        body(stage, classroom);
    });
}

}  // namespace harness
