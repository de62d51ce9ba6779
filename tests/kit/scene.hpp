// What the tests of the harness share: scripts of bash that play programs under test.
#pragma once

#include "harness/process.hpp"
#include "harness/stage.hpp"

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace harness {

// Sets an environment variable, or removes it, for as long as this lives.
class Environment {
public:
    Environment(std::string name, const std::optional<std::string>& value)
        : name_{std::move(name)}, before_{get(name_)} {
        set(value);
    }
    ~Environment() { set(before_); }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

private:
    static std::optional<std::string> get(const std::string& name) {
        const char* value = std::getenv(name.c_str());
        return value == nullptr ? std::nullopt : std::optional<std::string>{value};
    }
    void set(const std::optional<std::string>& value) const {
        if (value) ::setenv(name_.c_str(), value->c_str(), 1);
        if (!value) ::unsetenv(name_.c_str());
    }

    std::string name_;
    std::optional<std::string> before_;
};

// For waits for what never comes: they end after a tenth of a second.
struct Hurry : Environment {
    Hurry() : Environment{"WIRELAB_TIME_SCALE", "0.02"} {}
};

// Makes a script of bash the program of the stage's lab, 00_lab; the environment must name the
// stage's folder as the one of programs.
inline void install(const Stage& stage, const std::string& script) {
    namespace fs = std::filesystem;
    fs::create_directory(stage.path("00_lab"));
    stage.write_file("new", "#!/usr/bin/env bash\nulimit -c 0\n" + script + "\n");
    fs::permissions(stage.path("new"), fs::perms::owner_all);
    // Not written over the one before: that may be about to start, and then can't be opened.
    fs::rename(stage.path("new"), stage.path("00_lab/program"));
}

// A stage whose one program is a script of bash.
struct Scene {
    Stage stage{"00_lab"};
    Environment programs{"WIRELAB_PROGRAMS", stage.path("")};

    Process& start(const std::string& script, const std::vector<std::string>& arguments = {},
                   const StartOptions& options = {}) {
        install(stage, script);
        return stage.start("program", arguments, options);
    }

    void wait_for_end(Process& process) {
        stage.expect(stage.wait_until([&] { return process.ended(); }), "the end", "none");
    }
};

inline bool have_namespaces() {
    return std::system("unshare -rn true 2> /dev/null") == 0;
}

inline bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// A report as it is but for the times.
inline std::string without_times(const std::string& report) {
    return std::regex_replace(report, std::regex{" *[0-9]+[.][0-9]{3} s  "}, "");
}

}  // namespace harness
