#include "grader/progress.hpp"
#include "grader/report.hpp"

#include <wirelab/error.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <map>

namespace grader {

namespace {

using Lines = std::map<std::string, std::string>;  // by lab

void add(Lines& lines, const std::string& line) {
    const std::string lab = line.substr(0, line.find(' '));
    if (!lab.empty()) lines[lab] = line;
}

Lines load(const std::string& file) {
    Lines lines;
    std::ifstream in{file};
    if (!in && errno != ENOENT) {
        throw wirelab::Error{"cannot read " + file, wirelab::reason_from_errno()};
    }
    for (std::string line; std::getline(in, line);) add(lines, line);
    return lines;
}

}  // namespace

std::string progress_line(const std::string& lab, const std::vector<Case>& cases) {
    const Score sum = score(cases);
    const Case* const unmet = first_unmet(cases);
    std::string line = lab;
    for (const std::size_t number : {sum.passed, sum.total, sum.points, sum.total_points}) {
        line += " " + std::to_string(number);
    }
    return line + " " + (unmet ? std::to_string(step_to_mend(*unmet)) : "-");
}

void save_progress(const std::string& file, const std::string& line) {
    Lines lines = load(file);
    add(lines, line);
    const std::string temporary = file + "." + std::to_string(::getpid());
    std::ofstream out{temporary};
    for (const auto& [lab, text] : lines) out << text << '\n';
    out.close();
    if (!out || std::rename(temporary.c_str(), file.c_str()) != 0) {
        const std::string reason = wirelab::reason_from_errno();
        std::remove(temporary.c_str());
        throw wirelab::Error{"cannot write " + file, reason};
    }
}

}  // namespace grader
