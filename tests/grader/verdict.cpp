// Judges a lab: reads what its test program reports, prints what the student needs to know.
#include "grader/case_json.hpp"
#include "grader/catch_xml.hpp"
#include "grader/progress.hpp"
#include "grader/report.hpp"

#include <wirelab/error.hpp>
#include <wirelab/program.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The exit status, besides those of Program.
constexpr int some_failed = 1;
constexpr int run_broke_off = 3;

// The name becomes a word in the progress file and a path in what is printed.
void check_lab_name(const std::string& lab) {
    const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
    const auto is_word = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
    const bool good = lab.size() > 3 && is_digit(lab[0]) && is_digit(lab[1]) && lab[2] == '_' &&
                      std::ranges::all_of(lab, is_word);
    if (!good) throw wirelab::UsageError{"--lab " + lab, "not a lab's name such as 02_fortune"};
}

bool want_colour() {
    const char* const no_colour = std::getenv("NO_COLOR");  // see no-color.org
    return ::isatty(STDOUT_FILENO) && (!no_colour || *no_colour == '\0');
}

// Returns the bytes that are there as soon as there are some, none at the end.
std::string_view read_some(std::array<char, 65536>& buffer) {
    const ssize_t size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (size < 0) throw wirelab::Error{"cannot read the report", wirelab::reason_from_errno()};
    return {buffer.data(), static_cast<std::size_t>(size)};
}

// Reads the report to its end, and hands on each test case as soon as it has ended.
void follow(grader::CatchReader& reader, const std::function<void(grader::Case)>& hand_on) {
    std::array<char, 65536> buffer;
    for (auto bytes = read_some(buffer); !bytes.empty(); bytes = read_some(buffer)) {
        for (grader::Case& test_case : reader.read(bytes)) hand_on(std::move(test_case));
    }
}

// For other programs: each test case, and at last whether the run counts.
int tell_in_json() {
    grader::CatchReader reader;
    follow(reader, [](const grader::Case& test_case) {
        std::cout << grader::case_json(test_case) << std::flush;
    });
    const auto fault = reader.finish();
    std::cout << grader::end_json(fault) << std::flush;
    return fault ? run_broke_off : 0;
}

int judge(const std::string& lab, const std::optional<std::string>& progress,
          std::optional<std::uint64_t> todo) {
    grader::CatchReader reader;
    std::vector<grader::Case> cases;
    follow(reader, [&cases](grader::Case test_case) { cases.push_back(std::move(test_case)); });
    if (const auto fault = reader.finish()) {
        wirelab::report("this run does not count, and that is not your program's fault: " + *fault);
        return run_broke_off;
    }
    std::cout << grader::case_lines(cases, want_colour()) << grader::summary(lab, cases, todo)
              << std::flush;
    if (progress) grader::save_progress(*progress, grader::progress_line(lab, cases));
    return grader::score(cases).all_passed() ? 0 : some_failed;
}

int main(int argc, char* argv[]) {
    std::optional<std::string> lab;
    std::optional<std::string> progress;
    std::optional<std::uint64_t> todo;
    bool as_json = false;
    wirelab::Program program{"verdict", "Judges a lab by the XML that its tests write (stdin)."};
    program.option("lab", "NN_topic", lab, "the lab that is tested; must be given without --json");
    program.option("progress", "FILE", progress, "write what has passed into FILE");
    program.option("todo", "STEP", todo, "the lowest step with a TODO left in the sources");
    program.flag("json", as_json, "print a line of JSON for each test case, and no verdict");

    return program.run(argc, argv, [&] {
        if (as_json) return tell_in_json();
        if (!lab) throw wirelab::UsageError{"--lab", "missing option"};
        check_lab_name(*lab);
        return judge(*lab, progress, todo);
    });
}
