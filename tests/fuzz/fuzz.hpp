// What the fuzz targets share. Each defines LLVMFuzzerTestOneInput(), see tests/fuzz/README.md.
#pragma once

#include <wirelab/values.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fuzz {

inline const wirelab::Seconds no_limit{0};

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

// Stops the process, which the fuzzer notices, when a promise is broken.
inline void require(bool kept, std::string_view promise) {
    if (kept) return;
    std::cerr << "broken promise: " << promise << std::endl;
    std::abort();
}

// Returns a socket from which exactly these bytes can be read, and then the end of the stream.
// They must fit into a socket's buffer: 64 KiB do.
inline boost::asio::ip::tcp::socket socket_with(boost::asio::io_context& io,
                                                std::string_view bytes) {
    int ends[2] = {};
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "there are sockets");
    const auto sent = ::send(ends[1], bytes.data(), bytes.size(), MSG_NOSIGNAL);
    require(sent == static_cast<ssize_t>(bytes.size()), "the bytes fit into the socket's buffer");
    ::close(ends[1]);
    boost::asio::ip::tcp::socket socket{io};
    socket.assign(boost::asio::ip::tcp::v4(), ends[0]);
    return socket;
}

}  // namespace fuzz
