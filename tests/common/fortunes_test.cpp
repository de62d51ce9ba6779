// Where fortunes come from.
#include "harness/catch.hpp"
#include "harness/stage.hpp"

#include <wirelab/error.hpp>
#include <wirelab/fortunes.hpp>
#include <wirelab/printable.hpp>

#include <set>
#include <string>
#include <vector>

using namespace wirelab;
using namespace std::string_literals;

namespace {

using Fortunes = std::vector<std::string>;

std::string failure_to_load(const std::string& file) {
    try {
        load_fortunes(file);
    } catch (const Error& error) {
        return error.what();
    }
    return "loaded";
}

}  // namespace

TEST_CASE("Without a separator each line is a fortune", "[common][fortunes]") {
    CHECK(split_fortunes("one\ntwo\n") == Fortunes{"one", "two"});
    CHECK(split_fortunes("one\ntwo") == Fortunes{"one", "two"});
    CHECK(split_fortunes("one\r\ntwo\r\n") == Fortunes{"one", "two"});
    CHECK(split_fortunes("\n\none\n \t\ntwo\n\n") == Fortunes{"one", "two"});
    CHECK(split_fortunes("100 %\n% of\n%%\n % \n") == Fortunes{"100 %", "% of", "%%", " % "});
}

TEST_CASE("Lines of a percent sign alone separate fortunes of several lines",
          "[common][fortunes]") {
    CHECK(split_fortunes("one\nand more\n%\ntwo\n") == Fortunes{"one\nand more", "two"});
    CHECK(split_fortunes("one\nand more\n%\ntwo") == Fortunes{"one\nand more", "two"});
    CHECK(split_fortunes("one\n\nand more\n%\n") == Fortunes{"one\n\nand more"});
    CHECK(split_fortunes("one\nand more\n%") == Fortunes{"one\nand more"});
    CHECK(split_fortunes("5 %\n%%\n%\n %\n") == Fortunes{"5 %\n%%", " %"});
}

TEST_CASE("A fortune file may come from Windows", "[common][fortunes]") {
    CHECK(split_fortunes("one\r\nand more\r\n%\r\ntwo\r\n%\r\n") ==
          Fortunes{"one\nand more", "two"});
    CHECK(split_fortunes("one\r\n%\ntwo\n%\r\nthree\r") == Fortunes{"one", "two", "three"});
}

TEST_CASE("Blank entries are no fortunes", "[common][fortunes]") {
    CHECK(split_fortunes("%\none\n%\n") == Fortunes{"one"});
    CHECK(split_fortunes("%\n%\n\n%\n \t \n%\none\n%\n%") == Fortunes{"one"});
    CHECK(split_fortunes("%\r\n\r\n%\r\none\r\n%\r\n") == Fortunes{"one"});
    for (const std::string text :
         {"", "\n", "\n\n \t\v\f\r\n", "%", "%\n", "\r\n", "%\n%\n\n%\r\n"}) {
        CAPTURE(text);
        CHECK(split_fortunes(text).empty());
    }
}

TEST_CASE("Every byte of a fortune is kept", "[common][fortunes]") {
    const std::string bytes = "\x80\xff\0\x1b\r middle"s;
    CHECK(split_fortunes(bytes + "\n") == Fortunes{bytes});
    CHECK(split_fortunes("%\n" + bytes + "\n%\n") == Fortunes{bytes});
    const std::string spaced = "  indented, and blanks at the end  ";
    CHECK(split_fortunes(spaced) == Fortunes{spaced});
}

TEST_CASE("Fortunes are read from a file of any size", "[common][fortunes]") {
    const harness::Stage stage{"common"};
    const std::string large(1'000'000, 'x');
    stage.write_file("fortunes", "small\n%\n" + large + "\n");
    const Fortunes fortunes = load_fortunes(stage.path("fortunes"));
    const bool equal = fortunes == Fortunes{"small", large};
    CHECK(equal);
    stage.write_file("buffer", std::string(4096, 'y'));
    CHECK(load_fortunes(stage.path("buffer")) == Fortunes{std::string(4096, 'y')});
}

TEST_CASE("A fortune file that is no use is refused by name", "[common][fortunes]") {
    const harness::Stage stage{"common"};
    CHECK(failure_to_load("/missing/file") ==
          "cannot read /missing/file: No such file or directory");
    CHECK(failure_to_load("/") == "cannot read /: Is a directory");
    const std::string file = stage.path("blank");
    stage.write_file("blank", "%\n\n%\n");
    CHECK(failure_to_load(file) == "cannot use " + file + ": it holds no fortune");
    CHECK(failure_to_load("/dev/zero") == "cannot use /dev/zero: it is too large");
    stage.write_file("blank", "");
    CHECK(failure_to_load(file) == "cannot use " + file + ": it holds no fortune");
}

TEST_CASE("The kit has fortunes of its own that are fit to print", "[common][fortunes]") {
    const Fortunes& fortunes = built_in_fortunes();
    CHECK(fortunes.size() >= 10);
    CHECK(std::set<std::string>(fortunes.begin(), fortunes.end()).size() == fortunes.size());
    for (const std::string& fortune : fortunes) {
        CHECK(!fortune.empty());
        CHECK(!fortune.ends_with('\n'));
        CHECK(printable_lines(fortune) == fortune);
    }
}

TEST_CASE("Each fortune is drawn in the end and no other", "[common][fortunes]") {
    CHECK(draw({"the only one"}) == "the only one");
    const Fortunes fortunes{"one", "two", "three"};
    // Two thousand draws miss one of three once in 10^351 runs.
    std::set<std::string> drawn;
    for (int i = 0; i < 2000; ++i) drawn.insert(draw(fortunes));
    CHECK(drawn == std::set<std::string>{"one", "two", "three"});
}
