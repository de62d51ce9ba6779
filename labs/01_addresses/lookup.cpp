// Lab 01, lookup: from a name to its addresses, from an address to its name.
#include <wirelab/log.hpp>
#include <wirelab/printable.hpp>
#include <wirelab/program.hpp>
#include <wirelab/todo.hpp>

#include <limits.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <string>

// A list made by getaddrinfo(), freed with its owner: one entry for each address of a host.
using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

// Why a look-up failed, in the system's own words.
std::string reason_of(int failure) {
    if (failure == EAI_SYSTEM) return wirelab::reason_from_errno();
    return ::gai_strerror(failure);
}

// Returns the name that this machine has given itself.
std::string machine_name() {
    std::array<char, HOST_NAME_MAX + 1> name{};

    // 7: Ask the system for its name. If it does not tell, say so.
    wirelab::todo(7, "ask for this machine's name", name);

    return name.data();
}

// Looks up the addresses of a host. Returns 0, or the reason why there are none as a number.
int look_up(const std::string& host, int flags, AddressList& list) {
    addrinfo hints{};
    hints.ai_flags = flags;
    addrinfo* first = nullptr;
    int failure = 0;

    // 8: Ask for addresses of both families. Without a hint, each would come three times: for
    // TCP, for UDP and for raw sockets. Ask for those of one type of socket.
    wirelab::todo(8, "look up the addresses", host, hints, failure);

    list.reset(first);
    return failure;
}

// Returns the address of the entry as text, or its name: the flags say which.
std::string text_of(const addrinfo& entry, int flags, const std::string& host) {
    std::array<char, NI_MAXHOST> text{};

    // 9: Have the entry's socket address turned into text. If that fails, say so.
    wirelab::todo(9, "turn the address into text", entry, flags, host, text);

    // A name may come from anybody's name server, with any bytes in it.
    return wirelab::printable(text.data());
}

void print_addresses(const std::string& name) {
    std::cout << "name:    " << wirelab::printable(name) << std::endl;
    AddressList list{nullptr, &::freeaddrinfo};
    const int failure = look_up(name, 0, list);
    if (failure != 0)
        throw wirelab::Error{"cannot look up the addresses of " + name, reason_of(failure)};
    std::set<std::string> seen;

    // 10: Walk along the list, from entry to ai_next, and print each address (NI_NUMERICHOST)
    // once: a name that has two entries for one address in /etc/hosts has it twice in the list.
    wirelab::todo(10, "print each address once", list, seen);
}

void print_name(const addrinfo& entry, const std::string& address) {
    const std::string number = text_of(entry, NI_NUMERICHOST, address);
    std::cout << "address: " << number << std::endl;
    // Without NI_NAMEREQD, an address that has no name would be given as its own name.
    const std::string name = text_of(entry, NI_NAMEREQD, address);
    std::cout << "name:    " << name << std::endl;
}

int main(int argc, char* argv[]) {
    std::optional<wirelab::Host> host;
    wirelab::Program program{"lookup", "Looks up the addresses of a name, or an address's name."};
    program.argument("NAME|ADDRESS", host, "what to look up, this machine if left out");

    return program.run(argc, argv, [&] {
        if (!host) return print_addresses(machine_name());
        AddressList list{nullptr, &::freeaddrinfo};
        // With AI_NUMERICHOST nobody is asked: the text is an address, or the look-up fails.
        const bool is_address = look_up(*host, AI_NUMERICHOST, list) == 0;
        wirelab::log(host->name + (is_address ? " is an address" : " is a name"));
        if (is_address) return print_name(*list, *host);
        print_addresses(*host);
    });
}
