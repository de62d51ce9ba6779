#include "kit.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace kit {

namespace fs = std::filesystem;

const fs::path& source() {
    static const fs::path path{WIRELAB_SOURCE};
    return path;
}

const fs::path& build() {
    static const fs::path path{WIRELAB_BUILD};
    return path;
}

std::vector<std::string> labs() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator{source() / "labs"}) {
        const std::string name = entry.path().filename();
        if (std::regex_match(name, std::regex{"[0-9]{2}_[a-z0-9_]+"})) names.push_back(name);
    }
    if (names.empty()) throw std::runtime_error{"no labs found"};
    std::ranges::sort(names);
    return names;
}

std::vector<std::string> programs(const fs::path& folder) {
    std::vector<std::string> names;
    for (const std::string& name : source_files(folder)) {
        if (name.ends_with(".cpp")) names.push_back(fs::path{name}.stem());
    }
    return names;
}

std::vector<std::string> source_files(const fs::path& folder) {
    std::vector<std::string> names;
    if (!fs::exists(folder)) return names;
    for (const auto& entry : fs::directory_iterator{folder}) {
        const fs::path ending = entry.path().extension();
        if (ending == ".cpp" || ending == ".hpp") names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
}

std::string read(const fs::path& file) {
    std::ifstream stream{file, std::ios::binary};
    if (!stream) throw std::runtime_error{"missing file " + file.string()};
    return {std::istreambuf_iterator<char>{stream}, {}};
}

std::vector<std::string> read_lines(const fs::path& file) {
    std::istringstream text{read(file)};
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
}

std::string trim(const std::string& line) {
    const auto first = line.find_first_not_of(" \t");
    if (first == std::string::npos) return "";
    return line.substr(first, line.find_last_not_of(" \t") - first + 1);
}

Run run(const std::vector<std::string>& command) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error{"no pipe"};
    const pid_t child = ::fork();
    if (child == 0) {
        std::vector<char*> arguments;
        for (const std::string& word : command)
            arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        ::dup2(ends[1], STDOUT_FILENO);
        ::close(ends[0]);
        ::close(ends[1]);
        ::execv(arguments.front(), arguments.data());
        ::_exit(127);
    }
    ::close(ends[1]);
    Run result;
    std::array<char, 65536> part;
    for (;;) {
        const ssize_t size = ::read(ends[0], part.data(), part.size());
        if (size <= 0) break;
        result.output.append(part.data(), static_cast<std::size_t>(size));
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
}

std::vector<grader::Case> run_lab_tests(const std::string& lab, const fs::path& programs,
                                        const std::string& test_case) {
    ::setenv("WIRELAB_PROGRAMS", programs.c_str(), 1);
    std::vector<std::string> command{build() / "tests" / (lab + "_test"), "-r", "xml", "-w",
                                     "NoAssertions"};
    if (!test_case.empty()) command.push_back(test_case);
    grader::CatchReader reader;
    auto cases = reader.read(run(command).output);
    const auto fault = reader.finish();
    // A run of skipped cases alone proves nothing, but here it is an answer.
    const bool all_skipped = !cases.empty() && std::ranges::all_of(cases, [](const auto& test) {
        return test.outcome == grader::Outcome::skipped;
    });
    if (fault && !all_skipped) throw std::runtime_error{lab + "_test: " + *fault};
    return cases;
}

}  // namespace kit
