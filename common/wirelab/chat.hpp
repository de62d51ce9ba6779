/// \file
/// What the three chat servers of lab 11 have in common, and is not what they are about.
#pragma once

#include <wirelab/program.hpp>
#include <wirelab/values.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/system/system_error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace wirelab {

/// The options of a chat server, with their defaults.
struct ChatOptions {
    boost::asio::ip::address bind = boost::asio::ip::address_v4::any();
    LocalPort port{40000};
    std::uint64_t max_line = 4096;            ///< bytes, without the line's end
    std::uint64_t max_backlog = 1024 * 1024;  ///< bytes that wait for one client
    Seconds timeout{30};

    /// Lets the program have these options.
    void add_to(Program& program);

    /// The longest line together with its newline, in bytes.
    std::size_t line_space() const;
};

/// Returns where the line `exit` begins in a text of whole lines, or the text's size if there is
/// none. Its end may be a newline, or a carriage return and a newline.
std::size_t find_exit(std::string_view lines);

/// Says why a server drops a client: "line over BYTES bytes" or "backlog over BYTES bytes".
std::string line_fault(const ChatOptions& options);
std::string backlog_fault(const ChatOptions& options);

/// Says the same of an error of its connection, in the words of reason(). That read_until() has not
/// found the end of a line in a full buffer (`boost::asio::error::not_found`) is a line_fault().
std::string fault(const boost::system::system_error& error, const ChatOptions& options);

}  // namespace wirelab
