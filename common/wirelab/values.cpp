#include <wirelab/values.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <stdexcept>

namespace wirelab {

namespace {

// from_chars() takes no leading space and no plus sign, and reports what does not fit.
template <typename Number>
bool read_whole(const std::string& text, Number& number) {
    const char* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, number);
    return result.ec == std::errc{} && result.ptr == end;
}

std::uint16_t parse_port(const std::string& text, std::uint16_t lowest) {
    std::uint16_t number = 0;
    if (!read_whole(text, number) || number < lowest) {
        throw std::invalid_argument{"not a port number from " + std::to_string(lowest) +
                                    " to 65535"};
    }
    return number;
}

}  // namespace

std::chrono::nanoseconds Seconds::duration() const {
    constexpr double thirty_years = 1e9;
    const std::chrono::duration<double> seconds{is_none() ? thirty_years
                                                          : std::min(seconds_, thirty_years)};
    return std::chrono::duration_cast<std::chrono::nanoseconds>(seconds);
}

void parse(const std::string& text, std::string& value) {
    value = text;
}

void parse(const std::string& text, std::uint8_t& value) {
    if (!read_whole(text, value)) throw std::invalid_argument{"not a whole number from 0 to 255"};
}

void parse(const std::string& text, std::uint32_t& value) {
    if (!read_whole(text, value)) {
        throw std::invalid_argument{"not a whole number from 0 to 4294967295"};
    }
}

void parse(const std::string& text, std::uint64_t& value) {
    if (!read_whole(text, value))
        throw std::invalid_argument{"not a whole number from 0 to 18446744073709551615"};
}

void parse(const std::string& text, Port& value) {
    value.number = parse_port(text, 1);
}

void parse(const std::string& text, LocalPort& value) {
    value.number = parse_port(text, 0);
}

void parse(const std::string& text, Host& value) {
    if (text.empty()) throw std::invalid_argument{"not a host name or address"};
    value.name = text;
}

void parse(const std::string& text, Seconds& value) {
    double seconds = 0;
    const char* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, seconds, std::chars_format::fixed);
    const bool is_number = result.ec == std::errc{} && result.ptr == end;
    if (!is_number || !std::isfinite(seconds) || std::signbit(seconds)) {
        throw std::invalid_argument{"not a number of seconds from 0 upwards"};
    }
    value = Seconds{seconds};
}

void parse(const std::string& text, boost::asio::ip::address& value) {
    boost::system::error_code error;
    value = boost::asio::ip::make_address(text, error);
    if (error) throw std::invalid_argument{"not an IP address"};
}

void parse(const std::string& text, boost::asio::ip::address_v4& value) {
    boost::system::error_code error;
    value = boost::asio::ip::make_address_v4(text, error);
    if (error) throw std::invalid_argument{"not an IPv4 address"};
}

void parse(const std::string& text, Group& value) {
    parse(text, value.address);
    if (!value.address.is_multicast()) throw std::invalid_argument{"not a multicast address"};
    const bool scoped = text.find('%') != std::string::npos;
    if (scoped && value.address.to_v6().scope_id() == 0) {
        throw std::invalid_argument{"the scope is no interface of this machine"};
    }
}

std::string to_text(const std::string& value) {
    return value;
}

std::string to_text(std::uint32_t value) {
    return std::to_string(value);
}

std::string to_text(std::uint64_t value) {
    return std::to_string(value);
}

std::string to_text(Seconds value) {
    std::ostringstream text;
    text << value.count();
    return text.str();
}

std::string to_text(const boost::asio::ip::address& value) {
    return value.to_string();
}

}  // namespace wirelab
