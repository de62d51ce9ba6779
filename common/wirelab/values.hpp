/// \file
/// The kinds of values that options take, each with the range that it allows.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace wirelab {

/// A port to send to: 1–65535 (RFC 9293, section 3.1; port 0 is reserved).
struct Port {
    std::uint16_t number = 0;
    operator std::uint16_t() const { return number; }
};

/// A port to listen on: 0–65535, where 0 asks the system for any free port (ip(7)).
struct LocalPort {
    std::uint16_t number = 0;
    operator std::uint16_t() const { return number; }
};

/// The name or address of a host to talk to; never empty.
struct Host {
    std::string name;
    operator const std::string&() const { return name; }
};

/// The address of a multicast group (RFC 1112, RFC 4291 section 2.7).
struct Group {
    boost::asio::ip::address address;
    operator const boost::asio::ip::address&() const { return address; }
};

/// A time limit in seconds; 0 means no limit.
class Seconds {
public:
    explicit Seconds(double seconds) : seconds_{seconds} {}
    bool is_none() const { return seconds_ == 0; }
    double count() const { return seconds_; }

    /// Returns 30 years for no limit and for any longer one, so that no later sum overflows.
    std::chrono::nanoseconds duration() const;

private:
    double seconds_;
};

/// Reads an option's value from its text. What the type does not allow is refused by throwing
/// std::invalid_argument, which says what the value should have been. Numbers are plain digits
/// (seconds may have a point): no sign, no space, no unit.
void parse(const std::string& text, std::string& value);
void parse(const std::string& text, std::uint8_t& value);
void parse(const std::string& text, std::uint32_t& value);
void parse(const std::string& text, std::uint64_t& value);
void parse(const std::string& text, Port& value);
void parse(const std::string& text, LocalPort& value);
void parse(const std::string& text, Host& value);
void parse(const std::string& text, Seconds& value);
void parse(const std::string& text, boost::asio::ip::address& value);
void parse(const std::string& text, boost::asio::ip::address_v4& value);
void parse(const std::string& text, Group& value);

template <typename T>
void parse(const std::string& text, std::optional<T>& value) {
    parse(text, value.emplace());
}

/// Returns a value as `--help` shows it; empty for a value that is not there.
std::string to_text(const std::string& value);
std::string to_text(std::uint32_t value);
std::string to_text(std::uint64_t value);
std::string to_text(Seconds value);
std::string to_text(const boost::asio::ip::address& value);
inline std::string to_text(std::uint8_t value) {
    return to_text(std::uint32_t{value});
}
inline std::string to_text(const boost::asio::ip::address_v4& value) {
    return value.to_string();
}
inline std::string to_text(const Group& value) {
    return to_text(value.address);
}
inline std::string to_text(const Host& value) {
    return value.name;
}
inline std::string to_text(Port value) {
    return to_text(std::uint64_t{value.number});
}
inline std::string to_text(LocalPort value) {
    return to_text(std::uint64_t{value.number});
}

template <typename T>
std::string to_text(const std::optional<T>& value) {
    return value ? to_text(*value) : "";
}

}  // namespace wirelab
