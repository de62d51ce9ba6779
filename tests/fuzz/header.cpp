// Lab 07: a binary header and the data behind it.
#include "fuzz.hpp"

#define main header_server_main
#include "../../solutions/07_headers/header_server.cpp"
#undef main

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::uint64_t max_size = 65536;
    const std::string_view bytes = fuzz::text_of(data, size);
    static asio::io_context io;
    tcp::socket client = fuzz::socket_with(io, bytes);
    Header header;
    std::string contents;
    try {
        header = read_header(client, fuzz::no_limit);
        check_size(header.size, max_size);
        contents = read_data(client, header.size, fuzz::no_limit);
    } catch (const wirelab::Error&) {
        const bool whole =
            size >= header_size && header.size <= max_size && size - header_size >= header.size;
        fuzz::require(!whole, "a whole message is not refused");
        return 0;
    }
    std::string wire;
    for (const std::uint32_t number : {header.version, header.size}) {
        for (const int shift : {24, 16, 8, 0}) wire += static_cast<char>(number >> shift & 0xff);
    }
    fuzz::require(contents.size() == header.size, "there is as much data as announced");
    fuzz::require(bytes.starts_with(wire + contents), "header and data are those of the wire");
    return 0;
}
