#include "rules.hpp"

#include <netdb.h>

#include <regex>
#include <sstream>
#include <string_view>

namespace harness {

namespace {

bool has_line_with(const std::string& text, const HelpEntry& entry) {
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        const auto name = line.find(entry.name);
        if (name == std::string::npos) continue;
        const auto behind = name + entry.name.size();
        if (line.find(entry.default_value, behind) != std::string::npos) return true;
    }
    return false;
}

std::string take_help(Stage& stage, const std::string& program, const std::string& option) {
    Process& help = stage.start(program, {option});
    help.expect_line_like(".*" + program + ".*", "a usage text that names it");
    stage.wait_until([&] { return help.ended(); });
    stage.expect(help.state() == "ended with status 0" && help.errors().empty(),
                 program + " " + option + " ends with status 0, with nothing on stderr",
                 program + " " + help.state());
    return help.output();
}

}  // namespace

void expect_help(Stage& stage, const std::string& program, const std::vector<HelpEntry>& entries) {
    const std::string text = take_help(stage, program, "--help");
    stage.expect(take_help(stage, program, "-h") == text, "-h prints the same as --help",
                 "another text");
    for (const HelpEntry& entry : entries) {
        stage.expect(has_line_with(text, entry),
                     program + " --help has a line with " + entry.name + " and its default, " +
                         entry.default_value,
                     "no such line");
    }
}

void expect_usage_error(Stage& stage, const std::string& program,
                        const std::vector<std::string>& arguments, const std::string& culprit) {
    Process& process = stage.start(program, arguments);
    const std::string pointer = "(try '" + program + " --help')";
    const std::string line = process.expect_error_like(
        program + ": .+", "one line that begins with \"" + program + ": \"");
    stage.expect(line.ends_with(pointer), "the line ends with " + pointer, quote(line));
    stage.expect(line.find(culprit) != std::string::npos, "the line names " + quote(culprit),
                 quote(line));
    process.expect_exit(2, "wrong usage has its own exit status");
}

std::string look_up_failure() {
    std::string words;
    for (const int code : {EAI_NONAME, EAI_AGAIN, EAI_FAIL, EAI_NODATA}) {
        words.append(words.empty() ? "" : "|").append(::gai_strerror(code));
    }
    return ".*(" + words + ").*";
}

std::string all_bytes() {
    std::string bytes;
    for (int value = 0; value < 256; ++value) bytes += static_cast<char>(value);
    return bytes;
}

std::string all_bytes_shown() {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (unsigned value = 0; value < 256; ++value) {
        if (value == '\t' || (value >= 0x20 && value < 0x7f)) {
            text += static_cast<char>(value);
        } else {
            text.append("\\x").append({digits[value / 16], digits[value % 16]});
        }
    }
    return text;
}

void expect_log(Stage& stage, const std::string& file) {
    static const std::regex pattern{R"(\[\d{8} \d\d:\d\d:\d\d\] [^ ]+:[1-9]\d* - .+)"};
    std::istringstream lines{stage.read_file(file)};
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        stage.expect(std::regex_match(line, pattern),
                     "log lines like [YYYYMMDD HH:MM:SS] FUNCTION:LINE - MESSAGE", quote(line));
    }
    stage.expect(count > 0, "lines in the log", "an empty file, or none");
}

}  // namespace harness
