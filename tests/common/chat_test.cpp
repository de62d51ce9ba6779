// What the chat servers have in common.
#include "harness/catch.hpp"

#include <wirelab/chat.hpp>

#include <boost/asio/error.hpp>

#include <cstdint>
#include <string>

using namespace wirelab;

TEST_CASE("The line exit is found where it begins", "[common][chat]") {
    CHECK(find_exit("exit\n") == 0);
    CHECK(find_exit("exit\r\n") == 0);
    CHECK(find_exit("one\nexit\ntwo\n") == 4);
    CHECK(find_exit("\n\nexit\r\nexit\n") == 2);
    CHECK(find_exit("one\ntwo\nexit\n") == 8);
}

TEST_CASE("Where there is no line exit the whole text is before it", "[common][chat]") {
    for (const std::string text : {"", "\n", "one\ntwo\n", "exit now\n", " exit\n", "exit \n",
                                   "the exit\n", "Exit\n", "exit\r\r\n", "exi\nt\n", "\rexit\n"}) {
        CAPTURE(text);
        CHECK(find_exit(text) == text.size());
    }
}

TEST_CASE("A line has room for its newline whatever the limit is", "[common][chat]") {
    ChatOptions options;
    CHECK(options.line_space() == 4097);
    options.max_line = 0;
    CHECK(options.line_space() == 1);
    options.max_line = UINT64_MAX;
    CHECK(options.line_space() == SIZE_MAX);
}

TEST_CASE("A fault says which limit was passed or what has failed", "[common][chat]") {
    ChatOptions options;
    options.max_line = 10;
    options.max_backlog = 20;
    CHECK(line_fault(options) == "line over 10 bytes");
    CHECK(backlog_fault(options) == "backlog over 20 bytes");
    CHECK(fault(boost::asio::error::not_found, options) == "line over 10 bytes");
    CHECK(fault(boost::asio::error::connection_reset, options) == "Connection reset by peer");
    CHECK(fault(boost::asio::error::timed_out, options) == "timed out");
}
