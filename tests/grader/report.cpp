#include "grader/report.hpp"

#include <wirelab/printable.hpp>

#include <algorithm>
#include <regex>
#include <string_view>

namespace grader {

namespace {

std::string mark(Outcome outcome, bool colour) {
    const bool passed = outcome == Outcome::passed;
    const bool failed = outcome == Outcome::failed;
    const std::string sign = passed ? "✓" : failed ? "✗" : "–";
    const std::string start = passed ? "\x1b[32m" : failed ? "\x1b[31m" : "\x1b[33m";
    return colour ? start + sign + "\x1b[0m" : sign;
}

std::string of(std::size_t some, std::size_t all) {
    return std::to_string(some) + " of " + std::to_string(all);
}

// A program that prints without end must not fill the student's screen.
std::string without_middle(const std::string& text) {
    constexpr std::size_t part = 16384;
    if (text.size() <= 2 * part) return text;
    const std::string left_out = std::to_string(text.size() - 2 * part);
    return text.substr(0, part) + "\n... " + left_out + " bytes left out ...\n" +
           text.substr(text.size() - part);
}

std::string failure_text(const Case& test_case) {
    std::string text = wirelab::printable_lines(without_middle(test_case.text));
    text.erase(text.find_last_not_of('\n') + 1);
    return text.empty() ? "the test case says no more" : text;
}

// Returns what harness::Stage::expect() has written of the likely cause.
std::string likely_cause(std::string_view text) {
    const std::size_t start = text.find("\nlikely    ");
    if (start == std::string_view::npos) return "";
    text.remove_prefix(start);
    return std::string{text.substr(0, text.find("\nwhat happened:"))};
}

std::string case_line(const Case& test_case, bool colour) {
    std::string line = mark(test_case.outcome, colour) + " step " + std::to_string(test_case.step) +
                       ": " + wirelab::printable(test_case.name);
    if (test_case.outcome == Outcome::skipped) {
        return line + " (skipped: " + wirelab::printable(test_case.text) + ")\n";
    }
    const bool passed = test_case.outcome == Outcome::passed;
    return line + " (" + of(passed ? test_case.points : 0, test_case.points) + " points)\n";
}

}  // namespace

Score score(const std::vector<Case>& cases) {
    Score result;
    for (const Case& test_case : cases) {
        if (test_case.outcome == Outcome::skipped) {
            ++result.skipped;
            continue;
        }
        ++result.total;
        result.total_points += test_case.points;
        if (test_case.outcome == Outcome::failed) continue;
        ++result.passed;
        result.points += test_case.points;
    }
    return result;
}

const Case* first_unmet(const std::vector<Case>& cases) {
    const Case* first = nullptr;
    for (const Case& test_case : cases) {
        const bool failed = test_case.outcome == Outcome::failed;
        if (failed && (!first || test_case.step < first->step)) first = &test_case;
    }
    return first;
}

std::size_t step_to_mend(const Case& unmet) {
    static const std::regex step{R"(\(steps? ([1-9]\d?)\b|\bTODO ([1-9]\d?) is not done yet)"};
    const std::string cause = likely_cause(unmet.text);
    std::smatch named;
    if (!std::regex_search(cause, named, step)) return unmet.step;
    const std::string number = named[1].matched ? named[1] : named[2];
    return std::min<std::size_t>(unmet.step, std::stoul(number));
}

std::string case_lines(std::vector<Case> cases, bool colour) {
    std::ranges::stable_sort(cases, {}, &Case::step);
    std::string lines;
    for (const Case& test_case : cases) lines += case_line(test_case, colour);
    return lines;
}

std::string summary(const std::string& lab, const std::vector<Case>& cases,
                    std::optional<std::uint64_t> todo) {
    const Score sum = score(cases);
    std::string text = "\n" + of(sum.passed, sum.total) + " requirements, " +
                       of(sum.points, sum.total_points) + " points";
    if (sum.skipped > 0) text += ", " + std::to_string(sum.skipped) + " skipped";
    text += "\n\n";

    const Case* const unmet = first_unmet(cases);
    if (!unmet) return text + "all requirements of lab " + lab + " are met\n";
    const std::uint64_t step = step_to_mend(*unmet);
    const std::string next = std::to_string(todo ? std::min(*todo, step) : step);
    return text + "step " + std::to_string(unmet->step) + ": " + wirelab::printable(unmet->name) +
           "\n" + failure_text(*unmet) + "\n\nnext: step " + next + "; read labs/" + lab +
           "/README.md, or ask ./lab hint " + lab.substr(0, 2) + " --step " + next + "\n";
}

}  // namespace grader
