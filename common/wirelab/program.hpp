/// \file
/// What every program of the kit needs and no lab is about: options, help, exit status, errors.
#pragma once

#include <wirelab/error.hpp>
#include <wirelab/values.hpp>

#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace wirelab {

/// The frame of a program: knows its command line, runs its job, reports what went wrong.
///
/// ~~~
/// wirelab::Host host{"127.0.0.1"};
/// wirelab::Seconds timeout{10};
/// wirelab::Program program{"fortune_client", "Asks a fortune server for one fortune."};
/// program.argument("HOST", host, "the server's name or address");
/// program.option("timeout", "SECONDS", timeout, "how long to wait for the server");
/// return program.run(argc, argv, [&] { std::cout << ask(host, timeout) << std::endl; });
/// ~~~
///
/// A variable's value before run() is its default. Every program also has `--help`, `-h` and
/// `--log FILE`. An option's value is the next word, whatever that is, or stands behind `=`; names
/// are not to be abbreviated. Of an option that is given twice the last value counts, as with most
/// programs: so a script's command line can be overridden by adding to it. Behind `--` every word
/// is an argument. The exit status is 0 if the job was done, 1 if it failed, 2 for wrong usage.
class Program {
public:
    Program(std::string name, std::string summary);

    /// Adds the option `--NAME VALUE_NAME`; see parse() for the types that a variable can have.
    template <typename T>
    void option(std::string name, std::string value_name, T& variable, std::string help) {
        options_.push_back(describe(std::move(name), std::move(value_name), variable, help));
    }

    /// Adds the option `--NAME`, which takes no value and sets the variable to true.
    void flag(std::string name, bool& variable, std::string help);

    /// Adds a positional argument that may be left out.
    template <typename T>
    void argument(std::string name, T& variable, std::string help) {
        arguments_.push_back(describe(name, name, variable, help));
    }

    /// Adds a positional argument that must be there.
    template <typename T>
    void required_argument(std::string name, T& variable, std::string help) {
        argument(std::move(name), variable, std::move(help));
        arguments_.back().required = true;
    }

    /// Adds the arguments behind all others, of which at least one must be there: `FILE...`.
    template <typename T>
    void required_arguments(std::string name, std::vector<T>& variable, std::string help) {
        arguments_.push_back(
            {.name = name + "...",
             .value_name = name,
             .help = std::move(help),
             .default_text = "",
             .assign =
                 [&variable](const std::string& text) { parse(text, variable.emplace_back()); },
             .required = true,
             .repeated = true});
    }

    /// Reads the command line, runs the job and returns the exit status: what the job returns, or
    /// 0 if it returns nothing. A failure of the job or of stdout is reported on stderr: status 1,
    /// or 2 for a UsageError. SIGPIPE is ignored, so writing to a closed socket is an error like
    /// any other; SIGINT and SIGTERM end the program, even if whoever started it ignored them.
    template <typename Job>
    int run(int argc, char* argv[], Job job) {
        return run_job(Words(argv + 1, argv + argc), [&job] {
            if constexpr (std::is_void_v<std::invoke_result_t<Job>>) {
                job();
                return 0;
            } else {
                return job();
            }
        });
    }

    /// Reports the exception that is being handled, and returns the exit status for it. run() does
    /// so for its job; other threads do it for theirs, see Background.
    static int report_failure();

    /// The name of the running program, as report() prints it.
    static const std::string& name();

private:
    struct Parameter {
        std::string name;
        std::string value_name;
        std::string help;
        std::string default_text;
        std::function<void(const std::string&)> assign;
        bool required = false;
        bool repeated = false;

        bool is_flag() const { return value_name.empty(); }
    };

    template <typename T>
    static Parameter describe(std::string name, std::string value_name, T& variable,
                              std::string help) {
        return {std::move(name), std::move(value_name), std::move(help), to_text(variable),
                [&variable](const std::string& text) { parse(text, variable); }};
    }

    using Words = std::vector<std::string>;
    int run_job(const Words& words, const std::function<int()>& job);
    bool read_command_line(const Words& words);
    Words attach_values(const Words& words) const;
    bool takes_value(const std::string& name) const;
    void assign_arguments(const Words& values);
    std::string usage() const;

    std::string summary_;
    std::vector<Parameter> options_;
    std::vector<Parameter> arguments_;
    std::optional<std::string> log_file_;
    bool help_ = false;
};

}  // namespace wirelab
