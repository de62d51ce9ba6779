// Lab 01: the contract of subnet, lookup and interfaces, from outside.
#include "harness/catch.hpp"
#include "harness/process.hpp"
#include "harness/rules.hpp"
#include "harness/stage.hpp"
#include "harness/world.hpp"

#include <boost/asio/ip/udp.hpp>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace harness;

namespace {

const std::string lab = "01_addresses";

// --- subnet ----------------------------------------------------------------------------------

// A run of subnet, and what it prints behind the labels.
struct Subnet {
    std::vector<std::string> arguments;
    std::string letter;
    std::string mask;
    std::string network;
    std::string broadcast;
    std::string hosts;
};

std::vector<std::string> split(const std::string& text, char separator) {
    std::istringstream stream{text};
    std::vector<std::string> parts;
    for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
    return parts;
}

Subnet run(const std::string& arguments, const std::string& letter, const std::string& mask,
           const std::string& network, const std::string& broadcast, const std::string& hosts) {
    return {split(arguments, ' '), letter, mask, network, broadcast, hosts};
}

// Worked out by hand.
const std::vector<Subnet> subnets{
    run("200.201.145.130/26", "C", "255.255.255.192 (/26)", "200.201.145.128", "200.201.145.191",
        "200.201.145.129 - 200.201.145.190 (62)"),
    run("200.201.145.130", "C", "255.255.255.0 (/24)", "200.201.145.0", "200.201.145.255",
        "200.201.145.1 - 200.201.145.254 (254)"),
    run("10.200.3.4", "A", "255.0.0.0 (/8)", "10.0.0.0", "10.255.255.255",
        "10.0.0.1 - 10.255.255.254 (16777214)"),
    run("172.16.254.9", "B", "255.255.0.0 (/16)", "172.16.0.0", "172.16.255.255",
        "172.16.0.1 - 172.16.255.254 (65534)"),
    run("172.29.254.9/12", "B", "255.240.0.0 (/12)", "172.16.0.0", "172.31.255.255",
        "172.16.0.1 - 172.31.255.254 (1048574)"),
    run("10.1.2.3 255.255.248.0", "A", "255.255.248.0 (/21)", "10.1.0.0", "10.1.7.255",
        "10.1.0.1 - 10.1.7.254 (2046)"),
    run("127.0.0.1/1", "A", "128.0.0.0 (/1)", "0.0.0.0", "127.255.255.255",
        "0.0.0.1 - 127.255.255.254 (2147483646)"),
    run("200.1.2.3/1", "C", "128.0.0.0 (/1)", "128.0.0.0", "255.255.255.255",
        "128.0.0.1 - 255.255.255.254 (2147483646)"),
    run("198.51.100.7/29", "C", "255.255.255.248 (/29)", "198.51.100.0", "198.51.100.7",
        "198.51.100.1 - 198.51.100.6 (6)"),
    run("198.51.100.7/30", "C", "255.255.255.252 (/30)", "198.51.100.4", "198.51.100.7",
        "198.51.100.5 - 198.51.100.6 (2)"),
};

const Subnet everything = run("1.2.3.4/0", "A", "0.0.0.0 (/0)", "0.0.0.0", "255.255.255.255",
                              "0.0.0.1 - 255.255.255.254 (4294967294)");

// Networks too small for a broadcast address.
const std::vector<Subnet> smallest{
    run("192.0.2.6/31", "C", "255.255.255.254 (/31)", "192.0.2.6", "none",
        "192.0.2.6 - 192.0.2.7 (2)"),
    run("192.0.2.7 255.255.255.254", "C", "255.255.255.254 (/31)", "192.0.2.6", "none",
        "192.0.2.6 - 192.0.2.7 (2)"),
    run("192.0.2.7/32", "C", "255.255.255.255 (/32)", "192.0.2.7", "none",
        "192.0.2.7 - 192.0.2.7 (1)"),
    run("0.0.0.0/32", "A", "255.255.255.255 (/32)", "0.0.0.0", "none", "0.0.0.0 - 0.0.0.0 (1)"),
};

std::string address_of(const Subnet& subnet) {
    const std::string& argument = subnet.arguments.front();
    return argument.substr(0, argument.find('/'));
}

// Starts subnet and expects its first two lines.
Process& start_subnet(Stage& stage, const std::vector<std::string>& arguments,
                      const std::string& address, const std::string& letter) {
    Process& program = stage.start("subnet", arguments);
    program.expect_line("address:   " + address);
    program.expect_line("class:     " + letter, "the leading bits of the address tell its class");
    return program;
}

Process& expect_mask(Stage& stage, const Subnet& subnet) {
    Process& program = start_subnet(stage, subnet.arguments, address_of(subnet), subnet.letter);
    program.expect_line("mask:      " + subnet.mask);
    return program;
}

Process& expect_network(Stage& stage, const Subnet& subnet) {
    Process& program = expect_mask(stage, subnet);
    program.expect_line("network:   " + subnet.network);
    program.expect_line("broadcast: " + subnet.broadcast);
    return program;
}

void expect_all(Stage& stage, const Subnet& subnet) {
    Process& program = expect_network(stage, subnet);
    program.expect_line("hosts:     " + subnet.hosts);
    program.expect_exit(0);
}

// The mask of a prefix, put together byte by byte.
std::string mask_text(int prefix) {
    static const std::vector<std::string> bytes{"0",   "128", "192", "224", "240",
                                                "248", "252", "254", "255"};
    std::string text;
    for (int byte = 0; byte < 4; ++byte) {
        const int ones = std::clamp(prefix - 8 * byte, 0, 8);
        text += (byte == 0 ? "" : ".") + bytes[static_cast<std::size_t>(ones)];
    }
    return text;
}

void expect_group(Stage& stage, const std::vector<std::string>& arguments,
                  const std::string& address, const std::string& mac) {
    Process& program = start_subnet(stage, arguments, address, "D (multicast)");
    program.expect_line("mac:       " + mac);
    program.expect_exit(0);
}

// --- lookup ----------------------------------------------------------------------------------

std::string numeric_text(const addrinfo& entry) {
    std::array<char, NI_MAXHOST> text{};
    ::getnameinfo(entry.ai_addr, entry.ai_addrlen, text.data(), text.size(), nullptr, 0,
                  NI_NUMERICHOST);
    return text.data();
}

// What the system says of a name.
struct LookUp {
    int failure = 0;
    std::set<std::string> addresses = {};
};

LookUp look_up(const std::string& name) {
    addrinfo* list = nullptr;
    LookUp result{.failure = ::getaddrinfo(name.c_str(), nullptr, nullptr, &list)};
    if (result.failure != 0) return result;
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        result.addresses.insert(numeric_text(*entry));
    }
    ::freeaddrinfo(list);
    return result;
}

// The name of 127.0.0.1, empty if the system knows none.
std::string name_of_loopback() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::array<char, NI_MAXHOST> name{};
    const int failure = ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), sizeof address,
                                      name.data(), name.size(), nullptr, 0, NI_NAMEREQD);
    return failure == 0 ? name.data() : "";
}

std::string host_name() {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    return name.data();
}

// Expects an address line for each of the addresses, in whichever order, and then the end.
void expect_addresses(Stage& stage, Process& program, const std::set<std::string>& addresses) {
    std::set<std::string> seen;
    while (seen.size() < addresses.size()) {
        const std::string line =
            program.expect_line_like("address: .+", "\"address: A\" for each address of the name");
        const std::string address = line.substr(line.find(' ') + 1);
        stage.expect(addresses.contains(address), "an address of the name", quote(address));
        stage.expect(seen.insert(address).second, "each address once", quote(address) + " again",
                     "the list that the system gives may hold an address several times");
    }
    program.expect_exit(0, "each address is printed once, and nothing else");
}

// Expects that the look-up of `culprit` failed for this reason.
void expect_error_line(Stage& stage, Process& program, const std::string& culprit,
                       const std::string& reason, std::string_view cause = "") {
    const std::string line = program.expect_error_like(
        "lookup: .+: .+", "one line like \"lookup: WHAT FAILED: REASON\"", cause);
    stage.expect(line.find(culprit) != std::string::npos, "the line names " + quote(culprit),
                 quote(line));
    stage.expect(line.ends_with(": " + reason), "the line ends with " + quote(": " + reason),
                 quote(line));
    program.expect_exit(1);
}

// The same, where the line that says what is looked up may be printed first, but need not.
void expect_failure(Stage& stage, Process& program, const std::string& first_line,
                    const std::string& culprit, const std::string& reason) {
    stage.wait_until([&] { return program.ended(); });
    if (!program.output().empty()) program.expect_line(first_line);
    expect_error_line(stage, program, culprit, reason);
}

// Whether the system asks nobody but itself for these two: who asks may have to wait.
bool knows_localhost() {
    std::ifstream file{"/etc/hosts"};
    for (std::string line; std::getline(file, line);) {
        std::istringstream words{line};
        std::string address;
        std::string name;
        if (words >> address >> name && address == "127.0.0.1" && name == "localhost") return true;
    }
    return false;
}

void expect_localhost(Stage& stage, const std::vector<std::string>& options = {}) {
    std::vector<std::string> arguments{"localhost"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    Process& program = stage.start("lookup", arguments);
    program.expect_line("name:    localhost");
    expect_addresses(stage, program, look_up("localhost").addresses);
}

// --- interfaces ------------------------------------------------------------------------------

std::string flag_names(unsigned flags) {
    std::string names;
    for (const auto& [flag, name] :
         std::vector<std::pair<unsigned, std::string>>{{IFF_UP, ",up"},
                                                       {IFF_LOOPBACK, ",loopback"},
                                                       {IFF_BROADCAST, ",broadcast"},
                                                       {IFF_MULTICAST, ",multicast"}}) {
        if ((flags & flag) != 0) names += name;
    }
    return names.empty() ? "-" : names.substr(1);
}

int count_ones(const void* bytes, int size) {
    int ones = 0;
    for (int bit = 0; bit < 8 * size; ++bit) {
        const int byte = static_cast<const unsigned char*>(bytes)[bit / 8];
        if ((byte & (0x80 >> bit % 8)) != 0) ++ones;
    }
    return ones;
}

// "ADDRESS/PREFIX", or nothing for what is no IP address.
std::string address_of(const ifaddrs& entry) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = entry.ifa_addr == nullptr ? AF_UNSPEC : entry.ifa_addr->sa_family;
    int prefix = 0;
    if (family == AF_INET) {
        const auto& address = reinterpret_cast<const sockaddr_in*>(entry.ifa_addr)->sin_addr;
        ::inet_ntop(family, &address, text.data(), text.size());
        prefix = count_ones(&reinterpret_cast<const sockaddr_in*>(entry.ifa_netmask)->sin_addr, 4);
    } else if (family == AF_INET6) {
        const auto& address = reinterpret_cast<const sockaddr_in6*>(entry.ifa_addr)->sin6_addr;
        ::inet_ntop(family, &address, text.data(), text.size());
        prefix =
            count_ones(&reinterpret_cast<const sockaddr_in6*>(entry.ifa_netmask)->sin6_addr, 16);
    } else {
        return "";
    }
    return std::string{text.data()} + "/" + std::to_string(prefix);
}

// The list that getifaddrs(3) gives, as lines of three words.
std::multiset<std::string> system_interfaces() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) fail("the test can't list the interfaces");
    std::multiset<std::string> lines;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        const std::string address = address_of(*entry);
        if (address.empty()) continue;
        lines.insert(entry->ifa_name + (" " + address) + " " + flag_names(entry->ifa_flags));
    }
    ::freeifaddrs(list);
    return lines;
}

// Runs the program to its end, and returns the lines that it printed.
std::vector<std::string> list_interfaces(Stage& stage) {
    Process& program = stage.start("interfaces");
    stage.wait_until([&] { return program.ended(); });
    const std::string lines = program.output();
    for (const std::string& line : split(lines, '\n')) program.expect_line(line);
    program.expect_exit(0);
    return split(lines, '\n');
}

// A line's words with one space between them. The zone behind an IPv6 address (fe80::1%eth0) says
// what the line begins with; it may be there or not.
std::string words_of(const std::string& line) {
    std::istringstream stream{line};
    std::string words;
    for (std::string word; stream >> word;) {
        const auto zone = word.find('%');
        if (zone != std::string::npos) word.erase(zone, word.find('/', zone) - zone);
        words += (words.empty() ? "" : " ") + word;
    }
    return words;
}

// Expects exactly the lines of the system's own list. The list may change while it is read.
void expect_system_interfaces(Stage& stage) {
    std::multiset<std::string> expected;
    std::multiset<std::string> got;
    for (int attempt = 0; attempt < 3; ++attempt) {
        expected = system_interfaces();
        got.clear();
        for (const std::string& line : list_interfaces(stage)) got.insert(words_of(line));
        if (got == expected || expected == system_interfaces()) break;
    }
    for (const std::string& line : expected) {
        stage.expect(got.contains(line), "a line " + quote(line), "no such line");
    }
    for (const std::string& line : got) {
        stage.expect(expected.contains(line), "no line but those of the interfaces", quote(line));
    }
    stage.expect(got.size() == expected.size(), std::to_string(expected.size()) + " lines",
                 std::to_string(got.size()));
}

// Changes the interfaces of a private network. False when the machine does not allow that.
bool run_ip(Stage& stage, const std::string& arguments) {
    Process& ip = stage.start_command("ip", split(arguments, ' '));
    stage.wait_until([&] { return ip.ended(); });
    return ip.state() == "ended with status 0";
}

void expect_contains(Stage& stage, const std::vector<std::string>& lines,
                     const std::string& expected) {
    const auto same = [&](const std::string& line) { return words_of(line) == expected; };
    const bool found = std::any_of(lines.begin(), lines.end(), same);
    stage.expect(found, "a line " + quote(expected) + ", in columns", "no such line");
}

// Returns where the words of the line begin.
std::vector<std::size_t> columns_of(const std::string& line) {
    std::vector<std::size_t> columns;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const bool begins = line[i] != ' ' && (i == 0 || line[i - 1] == ' ');
        if (begins) columns.push_back(i);
    }
    return columns;
}

void expect_table(Stage& stage, const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
        const auto columns = columns_of(line);
        stage.expect(columns.size() == 3, "three columns: NAME  ADDRESS/PREFIX  FLAGS",
                     quote(line));
        stage.expect(columns.front() == 0 && line.back() != ' ',
                     "no spaces at the line's beginning or end", quote(line));
        stage.expect(columns == columns_of(lines.front()),
                     "columns that begin where those of the first line do, " + quote(lines.front()),
                     quote(line));
        for (const std::size_t column : {columns[1], columns[2]}) {
            stage.expect(line.substr(column - 2, 2) == "  ", "two spaces between columns, or more",
                         quote(line));
        }
    }
}

}  // namespace

// --- subnet, step 1: the class ---------------------------------------------------------------

TEST_CASE("The class of an address is told by its leading bits",
          "[01_addresses][subnet][step:1][points:1]") {
    Stage stage{lab};
    const std::vector<std::pair<std::string, std::string>> table{
        {"0.0.0.0", "A"},
        {"127.255.255.255", "A"},
        {"128.0.0.0", "B"},
        {"191.255.255.255", "B"},
        {"192.0.0.0", "C"},
        {"223.255.255.255", "C"},
        {"224.0.0.0", "D (multicast)"},
        {"239.255.255.255", "D (multicast)"},
        {"240.0.0.0", "E (reserved)"},
        {"255.255.255.255", "E (reserved)"}};
    for (const auto& [address, letter] : table) start_subnet(stage, {address}, address, letter);
}

TEST_CASE("A class E address is only called reserved", "[01_addresses][subnet][step:1][points:1]") {
    Stage stage{lab};
    const std::vector<std::vector<std::string>> runs{{"250.1.2.3"}, {"250.1.2.3/8"}};
    for (const auto& arguments : runs) {
        start_subnet(stage, arguments, "250.1.2.3", "E (reserved)").expect_exit(0);
    }
}

// --- subnet, step 2: from prefix to mask -----------------------------------------------------

TEST_CASE("A prefix from 1 to 32 is shown as a mask", "[01_addresses][subnet][step:2][points:1]") {
    Stage stage{lab};
    for (int prefix = 1; prefix <= 32; ++prefix) {
        const std::string number = std::to_string(prefix);
        Process& program = start_subnet(stage, {"10.1.2.3/" + number}, "10.1.2.3", "A");
        program.expect_line("mask:      " + mask_text(prefix) + " (/" + number + ")");
    }
}

TEST_CASE("The prefix 0 is the mask without a single one",
          "[01_addresses][subnet][step:2][points:1]") {
    Stage stage{lab};
    Process& program = start_subnet(stage, {"10.1.2.3/0"}, "10.1.2.3", "A");
    program.expect_line("mask:      0.0.0.0 (/0)",
                        "a shift by 32 is undefined: it may leave the number as it is");
}

TEST_CASE("Without prefix or mask the mask is that of the class",
          "[01_addresses][subnet][step:2][points:1]") {
    Stage stage{lab};
    for (const auto& [address, letter, mask] :
         std::vector<std::array<std::string, 3>>{{"100.1.2.3", "A", "255.0.0.0 (/8)"},
                                                 {"150.1.2.3", "B", "255.255.0.0 (/16)"},
                                                 {"200.1.2.3", "C", "255.255.255.0 (/24)"}}) {
        start_subnet(stage, {address}, address, letter).expect_line("mask:      " + mask);
    }
}

// --- subnet, step 3: from mask to prefix -----------------------------------------------------

TEST_CASE("A mask in place of a prefix says the same", "[01_addresses][subnet][step:3][points:1]") {
    Stage stage{lab};
    for (int prefix = 0; prefix <= 32; ++prefix) {
        const std::string mask = mask_text(prefix);
        Process& program = start_subnet(stage, {"10.1.2.3", mask}, "10.1.2.3", "A");
        program.expect_line("mask:      " + mask + " (/" + std::to_string(prefix) + ")");
    }
}

TEST_CASE("A mask with holes is wrong usage", "[01_addresses][subnet][step:3][points:2]") {
    Stage stage{lab};
    start_subnet(stage, {"10.0.0.1", "255.255.255.0"}, "10.0.0.1", "A")
        .expect_line("mask:      255.255.255.0 (/24)");
    for (const std::string mask : {"255.0.255.0", "0.0.0.255", "255.255.255.1", "254.255.0.0",
                                   "0.0.0.1", "127.255.255.255", "255.255.253.0"}) {
        expect_usage_error(stage, "subnet", {"10.0.0.1", mask}, mask);
    }
    expect_usage_error(stage, "subnet", {"224.0.0.1", "255.0.255.0"}, "255.0.255.0");
}

// --- subnet, step 4: the network's ends ------------------------------------------------------

TEST_CASE("The network and its broadcast address are the two ends of the range",
          "[01_addresses][subnet][step:4][points:1]") {
    Stage stage{lab};
    for (const Subnet& subnet : subnets) expect_network(stage, subnet);
}

TEST_CASE("A network of one or two addresses has no broadcast address",
          "[01_addresses][subnet][step:4][points:1]") {
    Stage stage{lab};
    for (const Subnet& subnet : smallest) expect_network(stage, subnet);
}

// --- subnet, step 5: the hosts ---------------------------------------------------------------

TEST_CASE("The hosts are the addresses between the two ends",
          "[01_addresses][subnet][step:5][points:2]") {
    Stage stage{lab};
    for (const Subnet& subnet : subnets) expect_all(stage, subnet);
}

TEST_CASE("The network of all addresses has 4294967294 hosts",
          "[01_addresses][subnet][step:5][points:1]") {
    Stage stage{lab};
    expect_all(stage, everything);
}

TEST_CASE("In a network of one or two addresses every address is a host",
          "[01_addresses][subnet][step:5][points:1]") {
    Stage stage{lab};
    for (const Subnet& subnet : smallest) expect_all(stage, subnet);
}

TEST_CASE("The subnet program reports that its output can't be written",
          "[01_addresses][subnet][step:5][points:1]") {
    Stage stage{lab};
    expect_all(stage, subnets.front());
    for (const StartOptions& options :
         {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
        Process& program = stage.start("subnet", {"10.0.0.1"}, options);
        program.expect_error_like("subnet: .+: .+", "one line on stderr");
        program.expect_exit(1);
    }
}

TEST_CASE("A subnet program that works explains itself",
          "[01_addresses][subnet][step:5][points:1]") {
    Stage stage{lab};
    expect_all(stage, subnets.front());
    expect_help(stage, "subnet",
                {{"ADDRESS", ""}, {"MASK", "none"}, {"--log FILE", "none"}, {"--help", ""}});
}

TEST_CASE("A subnet program that works refuses wrong usage",
          "[01_addresses][subnet][step:5][points:2]") {
    Stage stage{lab};
    expect_all(stage, subnets.front());
    expect_usage_error(stage, "subnet", {}, "ADDRESS");
    for (const std::string address :
         {"10.0.0", "10.0.0.0.1", "10.0.0.256", "10.0.0.-1", "10.0.0.1x", " 10.0.0.1", "10..0.1",
          "localhost", "0x0a000001", "::1", "10,0,0,1", "10.0.0.1\x1b[2J"}) {
        const std::string shown = address.substr(0, address.find('\x1b'));
        expect_usage_error(stage, "subnet", {address}, shown);
        expect_usage_error(stage, "subnet", {"10.0.0.1", address}, shown);
        expect_usage_error(stage, "subnet", {address + "/8"}, shown);
    }
    for (const std::string prefix : {"33", "99", "-1", "+8", "4294967297", "8x", " 8", "8 ", "0x8",
                                     "1.5", "255.0.0.0", "8/8"}) {
        expect_usage_error(stage, "subnet", {"10.0.0.1/" + prefix}, prefix);
    }
    expect_usage_error(stage, "subnet", {"10.0.0.1/"}, "");
    expect_usage_error(stage, "subnet", {""}, "");
    expect_usage_error(stage, "subnet", {"10.0.0.1", ""}, "");
    expect_usage_error(stage, "subnet", {"10.0.0.1/8", "255.0.0.0"}, "255.0.0.0");
    expect_usage_error(stage, "subnet", {"10.0.0.1", "255.0.0.0", "third"}, "third");
    expect_usage_error(stage, "subnet", {"224.0.0.1/33"}, "33");
    expect_usage_error(stage, "subnet", {"240.0.0.1/33"}, "33");
    expect_usage_error(stage, "subnet", {"--mask", "10.0.0.1"}, "--mask");
    expect_usage_error(stage, "subnet", {"10.0.0.1", "\x1b[2J"}, R"(\x1b[2J)");
}

TEST_CASE("The subnet program writes a log of whole lines when asked",
          "[01_addresses][subnet][step:5][points:1]") {
    Stage stage{lab};
    for (int i = 0; i < 2; ++i) {
        Subnet logged = subnets.front();
        logged.arguments.insert(logged.arguments.end(), {"--log", "subnet.log"});
        expect_all(stage, logged);
        expect_log(stage, "subnet.log");
    }
}

// --- subnet, step 6: multicast ---------------------------------------------------------------

TEST_CASE("A multicast group is shown with its Ethernet address",
          "[01_addresses][subnet][step:6][points:2]") {
    Stage stage{lab};
    expect_group(stage, {"224.202.20.30"}, "224.202.20.30", "01:00:5e:4a:14:1e");
    expect_group(stage, {"224.0.0.1"}, "224.0.0.1", "01:00:5e:00:00:01");
    expect_group(stage, {"239.255.255.250"}, "239.255.255.250", "01:00:5e:7f:ff:fa");
    expect_group(stage, {"225.128.0.9"}, "225.128.0.9", "01:00:5e:00:00:09");
    expect_group(stage, {"232.127.10.171"}, "232.127.10.171", "01:00:5e:7f:0a:ab");
}

TEST_CASE("A prefix or mask says nothing of a multicast group",
          "[01_addresses][subnet][step:6][points:1]") {
    Stage stage{lab};
    expect_group(stage, {"224.0.0.251/24"}, "224.0.0.251", "01:00:5e:00:00:fb");
    expect_group(stage, {"224.0.0.251", "240.0.0.0"}, "224.0.0.251", "01:00:5e:00:00:fb");
}

// --- lookup, step 7: the machine's name ------------------------------------------------------

TEST_CASE("Without an argument lookup begins with the name of this machine",
          "[01_addresses][lookup][step:7][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        Process& program = stage.start("lookup");
        program.expect_line("name:    " + host_name());
    });
}

// --- lookup, step 8: failures ----------------------------------------------------------------

TEST_CASE("A name without an address is an error that names it and gives the reason",
          "[01_addresses][lookup][step:8][points:1]") {
    // No server is asked for a name whose first part is longer than the DNS allows.
    const std::string name = "no-such-name-" + std::string(60, 'x') + ".invalid";
    Stage stage{lab};
    const LookUp system = look_up(name);
    Process& program = stage.start("lookup", {name});
    expect_failure(stage, program, "name:    " + name, name, ::gai_strerror(system.failure));
}

TEST_CASE("A name in no list of names is not known", "[01_addresses][lookup][step:8][points:1]") {
    in_world(lab, {}, [](Stage& stage) {
        Process& program = stage.start("lookup", {"nosuch.invalid"});
        expect_failure(stage, program, "name:    nosuch.invalid", "nosuch.invalid",
                       "Name or service not known");
    });
}

TEST_CASE("A machine that can't look up its own name still prints it and then the error",
          "[01_addresses][lookup][step:8][points:1]") {
    in_world(lab, {.host_name = "nameless"}, [](Stage& stage) {
        Process& program = stage.start("lookup");
        program.expect_line("name:    nameless");
        expect_error_line(stage, program, "nameless", "Name or service not known");
    });
}

TEST_CASE("The name in an error can't drive the terminal",
          "[01_addresses][lookup][step:8][points:1]") {
    in_world(lab, {}, [](Stage& stage) {
        const std::string name = "red\x1b[31m\xff.invalid";
        const std::string shown = R"(red\x1b[31m\xff.invalid)";
        Process& program = stage.start("lookup", {name});
        expect_failure(stage, program, "name:    " + shown, shown, "Name or service not known");
    });
}

TEST_CASE("While it waits for an answer lookup has shown the machine's name and can be interrupted",
          "[01_addresses][lookup][step:8][points:1]") {
    in_world(lab, {.sources = "dns"}, [](Stage& stage) {
        using udp = boost::asio::ip::udp;
        // A name server that never answers.
        udp::socket server{stage.io(), udp::endpoint{boost::asio::ip::address_v4::loopback(), 53}};
        for (const int signal : {SIGINT, SIGTERM}) {
            bool asked = false;
            server.async_wait(udp::socket::wait_read, [&](auto error) { asked = !error; });
            Process& program = stage.start("lookup");
            program.expect_line("name:    wirelab-host", "output is flushed line by line");
            stage.wait_until([&] { return asked; });
            stage.expect(asked, "a question to the name server", "none");
            program.signal(signal);
            program.expect_end_by(signal);
            std::array<char, 512> question;
            while (server.available() > 0) server.receive(boost::asio::buffer(question));
        }
    });
}

// --- lookup, step 9: from address to name ----------------------------------------------------

TEST_CASE("The name of 127.0.0.1 is the one that the system gives",
          "[01_addresses][lookup][step:9][points:1]") {
    if (!knows_localhost()) return skip("this machine has no localhost in /etc/hosts");
    Stage stage{lab};
    Process& program = stage.start("lookup", {"127.0.0.1"});
    program.expect_line("address: 127.0.0.1");
    program.expect_line("name:    " + name_of_loopback());
    program.expect_exit(0);
}

TEST_CASE("An address is printed first and then its name from the reverse look-up",
          "[01_addresses][lookup][step:9][points:2]") {
    in_world(lab, {.hosts = "10.0.0.7 seven.example seven\nfd00::7 seven-of-six\n"},
             [](Stage& stage) {
                 for (const auto& [address, name] : std::map<std::string, std::string>{
                          {"10.0.0.7", "seven.example"}, {"fd00::7", "seven-of-six"}}) {
                     Process& program = stage.start("lookup", {address});
                     program.expect_line("address: " + address);
                     program.expect_line("name:    " + name);
                     program.expect_exit(0);
                 }
             });
}

TEST_CASE("An address without a name is an error and not its own name",
          "[01_addresses][lookup][step:9][points:2]") {
    in_world(lab, {}, [](Stage& stage) {
        for (const std::string address : {"10.0.0.8", "fd00::8"}) {
            Process& program = stage.start("lookup", {address});
            program.expect_line("address: " + address);
            expect_error_line(stage, program, address, "Name or service not known",
                              "getnameinfo gives the number as the name unless told otherwise");
        }
    });
}

TEST_CASE("An IPv6 address keeps the zone behind its percent sign",
          "[01_addresses][lookup][step:9][points:1]") {
    in_world(lab, {.hosts = "fe80::5 neighbour\n"}, [](Stage& stage) {
        Process& program = stage.start("lookup", {"fe80::5%lo"});
        program.expect_line("address: fe80::5%lo");
        program.expect_line_like("name:    neighbour(%lo)?", "\"name:    neighbour\"");
        program.expect_exit(0);
    });
}

TEST_CASE("A name that comes from elsewhere can't drive the terminal",
          "[01_addresses][lookup][step:9][points:1]") {
    const World world{.hosts = "10.0.0.9 evil\x1b[31m\x7f\xff\xc2\x9b.name\n"};
    in_world(lab, world, [](Stage& stage) {
        Process& program = stage.start("lookup", {"10.0.0.9"});
        program.expect_line("address: 10.0.0.9");
        program.expect_line(R"(name:    evil\x1b[31m\x7f\xff\xc2\x9b.name)");
        program.expect_exit(0);
    });
}

// --- lookup, step 10: from name to addresses -------------------------------------------------

TEST_CASE("A name is printed with each of its addresses once",
          "[01_addresses][lookup][step:10][points:2]") {
    if (!knows_localhost()) return skip("this machine has no localhost in /etc/hosts");
    Stage stage{lab};
    expect_localhost(stage);
}

TEST_CASE("A name with addresses of both families is printed with all of them",
          "[01_addresses][lookup][step:10][points:1]") {
    const World world{.hosts = "10.0.0.7 both\nfd00::7 both\n10.0.0.8 both\n"};
    in_world(lab, world, [](Stage& stage) {
        Process& program = stage.start("lookup", {"both"});
        program.expect_line("name:    both");
        expect_addresses(stage, program, {"10.0.0.7", "10.0.0.8", "fd00::7"});
    });
}

TEST_CASE("An address that the system gives twice is printed once",
          "[01_addresses][lookup][step:10][points:1]") {
    const World world{.hosts = "10.0.0.7 twice\n10.0.0.8 twice\n10.0.0.7 other twice\n"};
    in_world(lab, world, [](Stage& stage) {
        Process& program = stage.start("lookup", {"twice"});
        program.expect_line("name:    twice");
        expect_addresses(stage, program, {"10.0.0.7", "10.0.0.8"});
    });
}

TEST_CASE("Without an argument lookup prints the machine's name and its addresses",
          "[01_addresses][lookup][step:10][points:1]") {
    in_world(lab, {.hosts = "10.0.0.1 wirelab-host\nfd00::1 wirelab-host\n"}, [](Stage& stage) {
        Process& program = stage.start("lookup");
        program.expect_line("name:    wirelab-host");
        expect_addresses(stage, program, {"10.0.0.1", "fd00::1"});
    });
}

TEST_CASE("The lookup program reports that its output can't be written",
          "[01_addresses][lookup][step:10][points:1]") {
    if (!knows_localhost()) return skip("this machine has no localhost in /etc/hosts");
    Stage stage{lab};
    expect_localhost(stage);
    for (const StartOptions& options :
         {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
        Process& program = stage.start("lookup", {"localhost"}, options);
        program.expect_error_like("lookup: .+: .+", "one line on stderr");
        program.expect_exit(1);
    }
}

TEST_CASE("A lookup program that works explains itself and refuses wrong usage",
          "[01_addresses][lookup][step:10][points:1]") {
    if (!knows_localhost()) return skip("this machine has no localhost in /etc/hosts");
    Stage stage{lab};
    expect_localhost(stage);
    expect_help(stage, "lookup",
                {{"NAME|ADDRESS", "none"}, {"--log FILE", "none"}, {"--help", ""}});
    expect_usage_error(stage, "lookup", {""}, "");
    expect_usage_error(stage, "lookup", {"localhost", "second"}, "second");
    expect_usage_error(stage, "lookup", {"--timeout", "1", "localhost"}, "--timeout");
    expect_usage_error(stage, "lookup", {"localhost", "\x1b[2J"}, R"(\x1b[2J)");
}

TEST_CASE("The lookup program writes a log of whole lines when asked",
          "[01_addresses][lookup][step:10][points:1]") {
    if (!knows_localhost()) return skip("this machine has no localhost in /etc/hosts");
    Stage stage{lab};
    expect_localhost(stage, {"--log=lookup.log"});
    expect_log(stage, "lookup.log");
}

// --- interfaces, step 13 ---------------------------------------------------------------------

TEST_CASE("There is a line with name and address and prefix and flags for each address",
          "[01_addresses][interfaces][step:13][points:2]") {
    Stage stage{lab};
    expect_system_interfaces(stage);
}

TEST_CASE("Loopback alone is listed where it is the only interface",
          "[01_addresses][interfaces][step:13][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        expect_contains(stage, list_interfaces(stage), "lo 127.0.0.1/8 up,loopback");
        expect_system_interfaces(stage);
    });
}

TEST_CASE("A prefix may end within a byte", "[01_addresses][interfaces][step:13][points:1]") {
    if (!have_command("ip")) return skip("ip is not installed");
    in_private_network([] {
        Stage stage{lab};
        expect_contains(stage, list_interfaces(stage), "lo 127.0.0.1/8 up,loopback");
        for (const std::string address : {"10.1.2.3/21", "172.16.0.1/30", "192.0.2.7/32"}) {
            if (!run_ip(stage, "address add " + address + " dev lo")) continue;
            expect_contains(stage, list_interfaces(stage), "lo " + address + " up,loopback");
        }
        expect_system_interfaces(stage);
    });
}

TEST_CASE("IPv6 addresses are listed as well", "[01_addresses][interfaces][step:13][points:1]") {
    if (!have_ipv6()) return skip("this machine has no IPv6");
    in_private_network([] {
        Stage stage{lab};
        expect_contains(stage, list_interfaces(stage), "lo ::1/128 up,loopback");
        if (have_command("ip") && run_ip(stage, "address add fd00:1:2::3/47 dev lo")) {
            expect_contains(stage, list_interfaces(stage), "lo fd00:1:2::3/47 up,loopback");
        }
    });
}

TEST_CASE("The flags are those that hold and no others",
          "[01_addresses][interfaces][step:13][points:1]") {
    if (!have_command("ip")) return skip("ip is not installed");
    in_private_network([] {
        Stage stage{lab};
        expect_contains(stage, list_interfaces(stage), "lo 127.0.0.1/8 up,loopback");
        if (run_ip(stage, "link add cable0 type veth peer name cable1") &&
            run_ip(stage, "address add 10.1.2.3/24 dev cable0")) {
            expect_contains(stage, list_interfaces(stage),
                            "cable0 10.1.2.3/24 broadcast,multicast");
            run_ip(stage, "link set cable0 up");
            expect_contains(stage, list_interfaces(stage),
                            "cable0 10.1.2.3/24 up,broadcast,multicast");
        }
        if (run_ip(stage, "link set lo down")) expect_system_interfaces(stage);
    });
}

TEST_CASE("The columns are aligned", "[01_addresses][interfaces][step:13][points:1]") {
    Stage stage{lab};
    expect_table(stage, list_interfaces(stage));
    if (!have_command("ip")) return;
    in_private_network([] {
        Stage inside{lab};
        run_ip(inside, "address add 192.168.100.200/32 dev lo");
        run_ip(inside, "link add cable-to-nowhere type veth peer name cable1");
        run_ip(inside, "address add 10.1.2.3/24 dev cable-to-nowhere");
        const auto lines = list_interfaces(inside);
        expect_contains(inside, lines, "lo 127.0.0.1/8 up,loopback");
        expect_table(inside, lines);
    });
}

TEST_CASE("Where there is no address nothing is printed",
          "[01_addresses][interfaces][step:13][points:1]") {
    if (!have_command("ip")) return skip("ip is not installed");
    in_private_network([] {
        Stage stage{lab};
        expect_contains(stage, list_interfaces(stage), "lo 127.0.0.1/8 up,loopback");
        run_ip(stage, "address flush dev lo");
        expect_system_interfaces(stage);
    });
}

TEST_CASE("The interfaces program reports that its output can't be written",
          "[01_addresses][interfaces][step:13][points:1]") {
    in_private_network([] {
        Stage stage{lab};
        expect_contains(stage, list_interfaces(stage), "lo 127.0.0.1/8 up,loopback");
        for (const StartOptions& options :
             {StartOptions{.stdout_file = "/dev/full"}, StartOptions{.no_stdout = true}}) {
            Process& program = stage.start("interfaces", {}, options);
            program.expect_error_like("interfaces: .+: .+", "one line on stderr");
            program.expect_exit(1);
        }
    });
}

TEST_CASE("An interfaces program that works explains itself and refuses wrong usage",
          "[01_addresses][interfaces][step:13][points:1]") {
    Stage stage{lab};
    list_interfaces(stage);
    expect_help(stage, "interfaces", {{"--log FILE", "none"}, {"--help", ""}});
    expect_usage_error(stage, "interfaces", {"lo"}, "lo");
    expect_usage_error(stage, "interfaces", {""}, "");
    expect_usage_error(stage, "interfaces", {"--all"}, "--all");
    expect_usage_error(stage, "interfaces", {"\x1b[2J"}, R"(\x1b[2J)");
}

TEST_CASE("The interfaces program writes a log of whole lines when asked",
          "[01_addresses][interfaces][step:13][points:1]") {
    Stage stage{lab};
    list_interfaces(stage);
    Process& program = stage.start("interfaces", {"--log", "interfaces.log"});
    stage.wait_until([&] { return program.ended(); });
    expect_log(stage, "interfaces.log");
}
