// The places where the reader's own code belongs.
#include "harness/catch.hpp"

#include <wirelab/error.hpp>
#include <wirelab/todo.hpp>

#include <string>

namespace {

constexpr int line_of_todo = __LINE__ + 2;
std::string unfinished(int number, const std::string& used_later) {
    wirelab::todo(7, "read to the end", number, used_later);
}

}  // namespace

TEST_CASE("A TODO that is reached names its file and line and number and task", "[common][todo]") {
    std::string message;
    try {
        unfinished(1, "text");
    } catch (const wirelab::Error& error) {
        message = error.what();
    }
    const std::string expected = "tests/common/todo_test.cpp:" + std::to_string(line_of_todo) +
                                 ": TODO 7 is not done yet: read to the end";
    CHECK(message == expected);
}

TEST_CASE("A TODO stands as well without names", "[common][todo]") {
    CHECK_THROWS_AS(wirelab::todo(1, "connect to the server"), wirelab::Error);
}
