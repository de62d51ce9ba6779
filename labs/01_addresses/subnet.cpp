// Lab 01, subnet: what an IPv4 address and its mask say, worked out bit by bit.
#include <wirelab/program.hpp>
#include <wirelab/todo.hpp>

#include <boost/asio/ip/address_v4.hpp>

#include <bit>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

using boost::asio::ip::address_v4;

// The two ends of a network: what is between them is for hosts.
struct Network {
    std::uint32_t address;
    std::uint32_t broadcast;
};

struct Hosts {
    std::uint32_t first;
    std::uint32_t last;
    std::uint32_t count;
};

// Returns the class of the address, 'A' to 'E'.
char class_of(std::uint32_t address) {
    // 1: The leading bits tell the class: 0 is A, 10 is B, 110 is C, 1110 is D, 1111 is E.
    wirelab::todo(1, "tell the class", address);
}

// Returns the mask that begins with `prefix` ones: 255.255.255.192 for 26.
std::uint32_t mask_of(int prefix) {
    // 2: Shift 32 ones to the left, so that `prefix` of them stay and zeros follow. C++ does not
    // say what a shift by 32 does: a prefix of 0 needs care.
    wirelab::todo(2, "make a mask", prefix);
}

// Returns how many ones the mask begins with; nothing for a mask with holes (255.0.255.0).
std::optional<int> prefix_of(std::uint32_t mask) {
    // 3: Count the ones at the left. If the mask has another one behind them, it has a hole.
    wirelab::todo(3, "count the ones of the mask", mask);
}

// Returns the network's own address and its broadcast address.
Network network_of(std::uint32_t address, std::uint32_t mask) {
    // 4: Where the mask has zeros, the network's address has zeros and the broadcast address ones.
    wirelab::todo(4, "find the network's two ends", address, mask);
}

// Returns the first and the last address that a host of this network can have.
Hosts hosts_of(const Network& network) {
    // 5: The hosts are between the network's two ends. A network of only one or two addresses
    // (/32, /31) has none to spare: its ends are hosts. Count the hosts, both ends included.
    wirelab::todo(5, "find the hosts", network);
}

// Returns the 48 bits of the Ethernet address to which the group's packets go.
std::uint64_t ethernet_address_of(std::uint32_t group) {
    // 6: The low 23 bits are those of the group, the others those of 01:00:5e:00:00:00.
    wirelab::todo(6, "make the Ethernet address of the group", group);
}

std::string address_text(std::uint32_t address) {
    return address_v4{address}.to_string();
}

std::string ethernet_text(std::uint64_t address) {
    std::string text;
    for (int shift = 44; shift >= 0; shift -= 4) {
        text += "0123456789abcdef"[(address >> shift) & 0xf];
        if (shift % 8 == 0 && shift > 0) text += ':';
    }
    return text;
}

// Reads an address or a mask; `name` is what the usage text calls it.
std::uint32_t parse_address(const std::string& name, const std::string& text) {
    boost::system::error_code error;
    const address_v4 address = boost::asio::ip::make_address_v4(text, error);
    if (error) throw wirelab::UsageError{name + " '" + text + "'", "not an IPv4 address"};
    return address.to_uint();
}

// Reads the number behind the slash: one or two digits, nothing else.
int parse_prefix(const std::string& text) {
    const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
    const bool number = digits && (text.size() == 1 || text.size() == 2);
    const int prefix = number ? std::stoi(text) : -1;
    if (prefix < 0 || prefix > 32) {
        throw wirelab::UsageError{"PREFIX '" + text + "'", "not a number from 0 to 32"};
    }
    return prefix;
}

int parse_mask(const std::string& text) {
    const std::optional<int> prefix = prefix_of(parse_address("MASK", text));
    if (!prefix) throw wirelab::UsageError{"MASK '" + text + "'", "not ones first, then zeros"};
    return *prefix;
}

void print(std::string_view label, const std::string& value) {
    std::cout << std::left << std::setw(11) << label << value << std::endl;
}

void print_network(std::uint32_t address, int prefix) {
    const std::uint32_t mask = mask_of(prefix);
    print("mask:", address_text(mask) + " (/" + std::to_string(prefix) + ")");

    const Network network = network_of(address, mask);
    print("network:", address_text(network.address));
    print("broadcast:", prefix < 31 ? address_text(network.broadcast) : "none");

    const Hosts hosts = hosts_of(network);
    print("hosts:", address_text(hosts.first) + " - " + address_text(hosts.last) + " (" +
                        std::to_string(hosts.count) + ")");
}

// Prints all that follows from the address. Without a prefix, it is the one of the class.
void print_address(std::uint32_t address, std::optional<int> prefix) {
    print("address:", address_text(address));
    const char letter = class_of(address);
    if (letter == 'E') {
        print("class:", "E (reserved)");
    } else if (letter == 'D') {
        print("class:", "D (multicast)");
        print("mac:", ethernet_text(ethernet_address_of(address)));
    } else {
        const int bytes = letter - 'A' + 1;
        print("class:", std::string{letter});
        print_network(address, prefix.value_or(8 * bytes));
    }
}

int main(int argc, char* argv[]) {
    std::string argument;
    std::optional<std::string> mask;
    wirelab::Program program{"subnet", "Prints the network that an IPv4 address belongs to."};
    program.required_argument("ADDRESS[/PREFIX]", argument, "an IPv4 address, its prefix 0 to 32");
    program.argument("MASK", mask, "a mask such as 255.255.0.0, in place of a prefix");

    return program.run(argc, argv, [&] {
        const std::size_t slash = argument.find('/');
        const bool has_prefix = slash != std::string::npos;
        const std::uint32_t address = parse_address("ADDRESS", argument.substr(0, slash));
        std::optional<int> prefix;
        if (has_prefix) prefix = parse_prefix(argument.substr(slash + 1));
        if (has_prefix && mask)
            throw wirelab::UsageError{"MASK '" + *mask + "'", "besides a prefix"};
        if (mask) prefix = parse_mask(*mask);
        print_address(address, prefix);
    });
}
