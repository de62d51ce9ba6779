#include <wirelab/endpoint.hpp>

namespace wirelab {

namespace ip = boost::asio::ip;

namespace {

std::string address_text(const ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        return ip::make_address_v4(ip::v4_mapped, address.to_v6()).to_string();
    }
    return address.to_string();
}

}  // namespace

std::string to_text(const ip::tcp::endpoint& endpoint) {
    return to_text(address_text(endpoint.address()), endpoint.port());
}

std::string to_text(const ip::udp::endpoint& endpoint) {
    return to_text(address_text(endpoint.address()), endpoint.port());
}

std::string to_text(std::string_view host, std::uint16_t port) {
    const bool brackets = host.find(':') != std::string_view::npos;
    std::string text{brackets ? "[" : ""};
    text.append(host).append(brackets ? "]:" : ":").append(std::to_string(port));
    return text;
}

}  // namespace wirelab
