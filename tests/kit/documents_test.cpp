// Handouts and decks: what they show and promise is what the kit holds.
#include "harness/catch.hpp"
#include "kit.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

struct Fence {
    std::string language;
    std::size_t line;
    std::vector<std::string> lines;
};

// The fenced blocks of a Markdown file.
std::vector<Fence> fences(const fs::path& file) {
    std::vector<Fence> found;
    bool inside = false;
    std::size_t number = 0;
    for (const std::string& line : kit::read_lines(file)) {
        ++number;
        if (line.starts_with("```")) {
            if (!inside) found.push_back({line.substr(3), number, {}});
            inside = !inside;
        } else if (inside) {
            found.back().lines.push_back(kit::trim(line));
        }
    }
    return found;
}

std::vector<std::string> trimmed_lines(const fs::path& file) {
    std::vector<std::string> lines;
    for (const std::string& line : kit::read_lines(file)) lines.push_back(kit::trim(line));
    return lines;
}

// The sources that code in a text may come from.
std::vector<std::vector<std::string>> sources(const std::set<std::string>& folders) {
    std::vector<std::vector<std::string>> files;
    for (const std::string& folder : folders) {
        for (const auto& entry : fs::recursive_directory_iterator{kit::source() / folder}) {
            const fs::path ending = entry.path().extension();
            if (ending == ".cpp" || ending == ".hpp") files.push_back(trimmed_lines(entry.path()));
        }
    }
    return files;
}

// Splits a block at the lines that stand for what was left out.
std::vector<std::vector<std::string>> runs(const Fence& fence) {
    std::vector<std::vector<std::string>> parts{{}};
    for (const std::string& line : fence.lines) {
        if (line == "// …") {
            parts.emplace_back();
        } else {
            parts.back().push_back(line);
        }
    }
    std::erase_if(parts, [](const auto& part) { return part.empty(); });
    return parts;
}

bool stands_in(const std::vector<std::string>& run,
               const std::vector<std::vector<std::string>>& files) {
    return std::ranges::any_of(
        files, [&run](const auto& file) { return !std::ranges::search(file, run).empty(); });
}

void check_code(const fs::path& text, const std::set<std::string>& folders) {
    CAPTURE(text);
    const auto files = sources(folders);
    std::size_t checked = 0;
    for (const Fence& fence : fences(text)) {
        CAPTURE(fence.line);
        CHECK(std::set<std::string>{"cpp", "console", "text"}.contains(fence.language));
        if (fence.language != "cpp") continue;
        for (const auto& run : runs(fence)) {
            CAPTURE(run);
            CHECK(stands_in(run, files));
            ++checked;
        }
    }
    CHECK(checked > 0);
}

// An option or argument as a text names it: its name with the value's, and its default.
using Entries = std::map<std::string, std::string>;

// Reads "  --port PORT   … (default: 54321)" lines of a usage text.
Entries entries_of_help(const std::string& help) {
    Entries entries;
    std::istringstream lines{help};
    const std::regex pattern{R"(  (\S+(?: \S+)?)  +(\S.*?)(?: \(default: (.*)\))?)"};
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (!std::regex_match(line, match, pattern)) continue;
        entries[match[1]] = match[3].matched ? match[3].str() : "required";
    }
    return entries;
}

// Reads the rows "| `--port PORT` | 54321 | … |" of the table of options below "### PROGRAM", or
// below "### PROGRAM, PROGRAM" where some have the same.
Entries entries_of_handout(const fs::path& handout, const std::string& program) {
    Entries entries;
    bool in_section = false;
    bool in_table = false;
    const std::regex row{R"(\| `([^`]+)` \| (.*?) \|.*)"};
    for (const std::string& line : kit::read_lines(handout)) {
        if (line.starts_with("#")) {
            const std::string programs = ", " + line.substr(std::min<std::size_t>(4, line.size()));
            in_section = line.starts_with("### ") &&
                         (programs + ",").find(", " + program + ",") != std::string::npos;
        }
        in_table = (in_table && line.starts_with("|")) || line == "| option | default | meaning |";
        std::smatch match;
        if (in_section && in_table && std::regex_match(line, match, row)) {
            std::string name = match[1];
            std::string value = match[2];
            std::erase(name, '\\');  // "\|" is how a table writes "|"
            std::erase(value, '`');
            entries[name] = value;
        }
    }
    return entries;
}

std::string to_text(const Entries& entries) {
    std::string text;
    for (const auto& [name, value] : entries) text += name + " = " + value + "\n";
    return text;
}

}  // namespace

TEST_CASE("Code shown in handouts stands in compiled files that students have") {
    for (const std::string& lab : kit::labs()) {
        check_code(kit::source() / "labs" / lab / "README.md", {"labs", "common"});
    }
}

TEST_CASE("Code shown in decks stands in compiled files") {
    for (const std::string& lab : kit::labs()) {
        check_code(kit::source() / "slides" / (lab + ".md"), {"labs", "solutions", "common"});
    }
}

TEST_CASE("The options of each program are those of its handout") {
    for (const std::string& lab : kit::labs()) {
        for (const std::string& program : kit::programs(kit::source() / "solutions" / lab)) {
            CAPTURE(lab, program);
            const kit::Run help = kit::run({kit::build() / "solutions" / lab / program, "--help"});
            CHECK(help.status == 0);
            const Entries of_help = entries_of_help(help.output);
            CHECK(of_help.contains("--help"));
            CHECK(of_help.contains("--log FILE"));
            const fs::path handout = kit::source() / "labs" / lab / "README.md";
            CHECK(to_text(entries_of_handout(handout, program)) == to_text(of_help));
        }
    }
}

TEST_CASE("Handouts have the sections of every handout in their order") {
    const std::vector<std::string> wanted{
        "## What you will learn",
        "## The idea",
        "## The protocol",
        "## Steps",
        "## What the tests will run",
        "## When it does not work",
        "## Going further",
        "## The contract",
    };
    for (const std::string& lab : kit::labs()) {
        CAPTURE(lab);
        std::vector<std::string> sections;
        for (const std::string& line :
             kit::read_lines(kit::source() / "labs" / lab / "README.md")) {
            if (line.starts_with("## ")) sections.push_back(line);
        }
        CHECK(sections == wanted);
    }
}

TEST_CASE("The TODOs that a handout shows are those of the stubs") {
    // The line's number is left out: it depends on what the reader has written above.
    const std::regex place{
        R"((labs/[a-z0-9_/]+\.[ch]pp):(?:\d+|…): TODO (\d+) is not done yet: (.*))"};
    std::size_t found = 0;
    for (const std::string& lab : kit::labs()) {
        for (const std::string& line :
             kit::read_lines(kit::source() / "labs" / lab / "README.md")) {
            std::smatch match;
            if (!std::regex_search(line, match, place)) continue;
            CAPTURE(lab, line);
            ++found;
            const std::string todo = "wirelab::todo(" + match[2].str() + ", \"" + match[3].str();
            CHECK(kit::read(kit::source() / match[1].str()).find(todo) != std::string::npos);
        }
    }
    CHECK(found > 0);
}

TEST_CASE("Every step has three hints") {
    const std::regex step{"## Step .*"};
    const std::regex hint{R"([0-9]+\. .*)"};
    for (const std::string& lab : kit::labs()) {
        CAPTURE(lab);
        std::size_t steps = 0;
        std::size_t hints = 0;
        for (const std::string& line : kit::read_lines(kit::source() / "labs" / lab / "hints.md")) {
            if (std::regex_match(line, step)) ++steps;
            if (std::regex_match(line, hint)) ++hints;
        }
        CHECK(steps > 0);
        CHECK(hints == 3 * steps);
    }
}
