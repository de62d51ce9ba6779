// A receiver's answer in lab 04, as the sender reads it.
#include "fuzz.hpp"

#define main file_send_main
#include "../../solutions/04_file_transfer/file_send.cpp"
#undef main

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes = fuzz::text_of(data, size);
    static asio::io_context io;
    tcp::socket receiver = fuzz::socket_with(io, bytes);
    const std::string answer = read_answer(receiver, fuzz::no_limit);
    fuzz::require(bytes.starts_with(answer), "an answer is what came");
    const std::string_view line = bytes.substr(0, std::min(bytes.find('\n'), max_answer));
    fuzz::require(answer.starts_with(line), "an answer is read to its end or to the limit");
    fuzz::require(answer.size() < max_answer + 256, "no answer is endless");
    return 0;
}
