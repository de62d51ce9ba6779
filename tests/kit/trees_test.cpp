// Stubs, solutions, tests and mistakes: each lab has all its parts, and they agree.
#include "harness/catch.hpp"
#include "kit.hpp"

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

struct Todo {
    int step;
    std::size_t line;
};

bool is_todo(const std::string& line) {
    return kit::trim(line).starts_with("wirelab::todo(");
}

// Returns the number behind `prefix` at the line's beginning, 0 if there is none.
int number_behind(const std::string& line, const std::string& prefix) {
    std::smatch match;
    const std::regex pattern{prefix + R"(([0-9]+)[:,\]].*)"};
    const std::string text = kit::trim(line);
    return std::regex_match(text, match, pattern) ? std::stoi(match[1]) : 0;
}

// Holds a stub against its solution: every line of the stub that is no todo stands in the solution,
// in order, and where the solution has more there is a todo in the stub. Returns the difference.
std::string difference(const std::vector<std::string>& stub,
                       const std::vector<std::string>& solution) {
    std::size_t at = 0;
    bool gap = false;
    bool in_todo = false;
    for (std::size_t i = 0; i < stub.size(); ++i) {
        if (is_todo(stub[i])) gap = in_todo = true;
        if (in_todo) {
            in_todo = !stub[i].ends_with(';');
            continue;
        }
        const std::size_t expected = at;
        while (at < solution.size() && solution[at] != stub[i]) ++at;
        if (at == solution.size()) {
            return "stub line " + std::to_string(i + 1) + " is not in the solution: " + stub[i];
        }
        if (at != expected && !gap) {
            return "solution line " + std::to_string(expected + 1) +
                   " has no TODO in its place: " + solution[expected];
        }
        if (at == expected && gap) {
            return "nothing in the solution stands for the TODO above stub line " +
                   std::to_string(i + 1);
        }
        ++at;
        gap = false;
    }
    return at == solution.size() ? "" : "the solution goes on behind the stub's end";
}

// The steps that a file's comments "// N: …" announce, and those of its todo lines, in order.
std::vector<int> announced_steps(const fs::path& file) {
    std::vector<int> steps;
    for (const std::string& line : kit::read_lines(file)) {
        if (const int step = number_behind(line, "// ")) steps.push_back(step);
    }
    return steps;
}

std::vector<int> todo_steps(const fs::path& file) {
    std::vector<int> steps;
    for (const std::string& line : kit::read_lines(file)) {
        if (const int step = number_behind(line, R"(wirelab::todo\()")) steps.push_back(step);
    }
    return steps;
}

// All steps of a lab's stubs.
std::set<int> steps_of(const std::string& lab) {
    std::set<int> steps;
    const fs::path folder = kit::source() / "labs" / lab;
    for (const std::string& name : kit::source_files(folder)) {
        for (const int step : todo_steps(folder / name)) steps.insert(step);
    }
    return steps;
}

struct TestCase {
    std::string name;
    std::string tags;
};

// The test cases of a lab, as its source has them.
std::vector<TestCase> test_cases(const std::string& lab) {
    const std::string text = kit::read(kit::source() / "tests/labs" / (lab + "_test.cpp"));
    const std::regex head{R"re(TEST_CASE\(\s*"([^"]*)",\s*"([^"]*)"\s*\))re"};
    std::vector<TestCase> found;
    for (std::sregex_iterator match{text.begin(), text.end(), head}, end; match != end; ++match) {
        found.push_back({(*match)[1], (*match)[2]});
    }
    return found;
}

std::set<int> headings(const fs::path& file, const std::string& prefix) {
    std::set<int> steps;
    for (const std::string& line : kit::read_lines(file)) {
        if (const int step = number_behind(line, prefix)) steps.insert(step);
    }
    return steps;
}

std::set<int> one_to(std::size_t last) {
    std::set<int> numbers;
    for (std::size_t i = 1; i <= last; ++i) numbers.insert(static_cast<int>(i));
    return numbers;
}

}  // namespace

TEST_CASE("Each source has a stub and a solution of the same name") {
    for (const std::string& lab : kit::labs()) {
        CAPTURE(lab);
        REQUIRE(!kit::programs(kit::source() / "labs" / lab).empty());
        CHECK(kit::source_files(kit::source() / "labs" / lab) ==
              kit::source_files(kit::source() / "solutions" / lab));
    }
}

TEST_CASE("A stub and its solution differ in the TODO places only") {
    for (const std::string& lab : kit::labs()) {
        for (const std::string& name : kit::source_files(kit::source() / "labs" / lab)) {
            const std::string file = lab + "/" + name;
            CAPTURE(file);
            const auto stub = kit::read_lines(kit::source() / "labs" / file);
            const auto solution = kit::read_lines(kit::source() / "solutions" / file);
            CHECK(difference(stub, solution) == "");
            CHECK(std::ranges::none_of(solution, is_todo));
        }
        CAPTURE(lab);
        CHECK(!steps_of(lab).empty());  // not in every file: some are given, to be read
    }
}

TEST_CASE("One number ties together the steps of a handout and its TODOs and hints and tests") {
    for (const std::string& lab : kit::labs()) {
        CAPTURE(lab);
        const fs::path folder = kit::source() / "labs" / lab;
        const std::set<int> steps = steps_of(lab);
        CHECK(steps == one_to(steps.size()));
        for (const std::string& name : kit::source_files(folder)) {
            const fs::path file = folder / name;
            CAPTURE(name);
            CHECK(announced_steps(file) == todo_steps(file));
            CHECK(std::ranges::is_sorted(todo_steps(file)));
        }
        CHECK(headings(folder / "README.md", "### Step ") == steps);
        CHECK(headings(folder / "hints.md", "## Step ") == steps);
        for (const TestCase& test : test_cases(lab)) {
            CAPTURE(test.name);
            CHECK(
                steps.contains(number_behind(test.tags.substr(test.tags.find("step:")), "step:")));
        }
    }
}

TEST_CASE("Each lab has all its parts") {
    for (const std::string& lab : kit::labs()) {
        CAPTURE(lab);
        for (const std::string& part :
             std::vector<std::string>{"labs/" + lab + "/README.md", "labs/" + lab + "/hints.md",
                                      "labs/" + lab + "/demo.sh", "slides/" + lab + ".md",
                                      "tests/labs/" + lab + "_test.cpp"}) {
            CAPTURE(part);
            CHECK(fs::exists(kit::source() / part));
        }
        std::size_t mistakes = 0;
        for (const auto& entry : fs::directory_iterator{kit::source() / "tests/mistakes" / lab}) {
            if (entry.path().extension() == ".patch") ++mistakes;
        }
        CHECK(mistakes >= 8);
    }
}

// A test case that no wrong program fails might be one that none can fail.
TEST_CASE("Every test case is named by a mistake that it must catch") {
    const std::string mark = "Caught by: ";
    for (const std::string& lab : kit::labs()) {
        std::set<std::string> caught;
        for (const auto& entry : fs::directory_iterator{kit::source() / "tests/mistakes" / lab}) {
            for (const std::string& line : kit::read_lines(entry.path())) {
                if (line.starts_with(mark)) caught.insert(line.substr(mark.size()));
            }
        }
        for (const TestCase& test : test_cases(lab)) {
            CAPTURE(test.name);
            CHECK(caught.contains(test.name));
        }
    }
}

TEST_CASE("Every test case has a step and points and a name that a command line can hold") {
    for (const std::string& lab : kit::labs()) {
        const std::regex tags{"\\[" + lab + R"(\]\[[a-z_]+\]\[step:\d+\]\[points:\d+\])"};
        CHECK(!test_cases(lab).empty());
        for (const TestCase& test : test_cases(lab)) {
            CAPTURE(test.name);
            CHECK(test.name.find_first_of(",;[]\"\\*") == std::string::npos);
            CHECK(std::regex_match(test.tags, tags));
        }
    }
}
