#include <wirelab/log.hpp>
#include <wirelab/program.hpp>

#include <boost/program_options.hpp>
#include <boost/system/system_error.hpp>

#include <fcntl.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <iostream>
#include <new>
#include <stdexcept>

namespace wirelab {

namespace po = boost::program_options;

namespace {

std::string& program_name() {
    static std::string name;
    return name;
}

// A program started with a standard stream closed would get that stream's number for its next
// socket, and print into it. Each is taken here, opened the wrong way round so that its use fails.
void occupy_standard_streams() {
    for (int stream = 0; stream <= 2; ++stream) {
        const bool closed = ::fcntl(stream, F_GETFD) < 0;
        if (closed) static_cast<void>(::open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY));
    }
}

// Writing to a closed connection, or over a limit on file sizes, is an error like any other. SIGINT
// and SIGTERM end the program, whatever it inherited: a shell script, for one, starts what it sends
// to the background with interrupts ignored. See signal(7).
void prepare_signals() {
    for (const int failed_write : {SIGPIPE, SIGXFSZ}) std::signal(failed_write, SIG_IGN);
    sigset_t ends;
    ::sigemptyset(&ends);
    for (const int end : {SIGINT, SIGTERM}) {
        std::signal(end, SIG_DFL);
        ::sigaddset(&ends, end);
    }
    ::pthread_sigmask(SIG_UNBLOCK, &ends, nullptr);
}

// While this lives, std::cout throws when it can't be written. Not for longer: std::cerr flushes
// std::cout too, and so does the end of the program.
struct StreamExceptions {
    StreamExceptions() { std::cout.exceptions(std::ios::badbit | std::ios::failbit); }
    ~StreamExceptions() { std::cout.exceptions(std::ios::goodbit); }
};

std::string joined(const std::vector<std::string>& words) {
    std::string line = Program::name();
    for (const std::string& word : words) line.append(" ").append(word);
    return line;
}

// An empty word would not be seen in a message.
std::string shown(const std::string& word) {
    return word.empty() ? "''" : word;
}

std::vector<po::option> split(const std::vector<std::string>& words,
                              const po::options_description& known) {
    using namespace po::command_line_style;
    // Abbreviated names would be refused once a new option made them ambiguous.
    constexpr int style = unix_style & ~allow_guessing & ~allow_sticky;
    using Syntax = po::invalid_command_line_syntax;
    try {
        return po::command_line_parser{words}.options(known).style(style).run().options;
    } catch (const po::unknown_option& error) {
        throw UsageError{error.get_option_name(), "unknown option"};
    } catch (const Syntax& error) {
        const bool missing = error.kind() == Syntax::missing_parameter;
        throw UsageError{error.get_option_name(), missing ? "missing value" : "takes no value"};
    } catch (const po::error& error) {
        throw UsageError{"wrong usage", error.what()};
    }
}

template <typename Parameter>
void assign(const Parameter& parameter, const std::string& shown_name, const std::string& text) {
    try {
        parameter.assign(text);
    } catch (const std::invalid_argument& error) {
        throw UsageError{shown_name + " " + shown(text), error.what()};
    }
}

}  // namespace

Program::Program(std::string name, std::string summary) : summary_{std::move(summary)} {
    program_name() = std::move(name);
}

const std::string& Program::name() {
    return program_name();
}

void Program::flag(std::string name, bool& variable, std::string help) {
    options_.push_back({.name = std::move(name),
                        .value_name = "",
                        .help = std::move(help),
                        .default_text = "off",
                        .assign = [&variable](const std::string&) { variable = true; }});
}

int Program::run_job(const Words& words, const std::function<int()>& job) {
    occupy_standard_streams();
    prepare_signals();
    try {
        const StreamExceptions until_reported;
        const std::string command_line = joined(words);
        if (!read_command_line(words)) return 0;
        if (log_file_) open_log(*log_file_);
        log("started as " + command_line);
        const int status = job();
        std::cout << std::flush;
        log("ended with status " + std::to_string(status));
        return status;
    } catch (...) {
        return report_failure();
    }
}

int Program::report_failure() {
    std::cout.exceptions(std::ios::goodbit);  // see StreamExceptions; another thread's is not over
    try {
        throw;
    } catch (const UsageError& error) {
        report(std::string{error.what()} + " (try '" + name() + " --help')");
        return 2;
    } catch (const std::ios_base::failure&) {
        std::fflush(stdout);  // it fails again, and sets errno, which may have changed since
        report("cannot write to standard output: " + reason_from_errno());
    } catch (const boost::system::system_error& error) {
        report("failed: " + reason(error.code()));
    } catch (const std::bad_alloc&) {
        report("failed: Cannot allocate memory");
    } catch (const std::exception& error) {
        report(error.what());
    }
    return 1;
}

// Returns false when the user only asked for help, which has been printed.
bool Program::read_command_line(const Words& words) {
    option("log", "FILE", log_file_, "append debug lines to FILE");
    flag("help", help_, "print this text, also -h");
    po::options_description known;
    for (const Parameter& option : options_) {
        const std::string names = option.name == "help" ? "help,h" : option.name;
        if (option.is_flag()) known.add_options()(names.c_str(), po::bool_switch());
        if (!option.is_flag()) known.add_options()(names.c_str(), po::value<std::string>());
    }

    Words values;
    for (const po::option& given : split(attach_values(words), known)) {
        if (given.string_key.empty()) {
            values.push_back(given.value.front());
            continue;
        }
        const auto option = std::ranges::find(options_, given.string_key, &Parameter::name);
        assign(*option, "--" + option->name, given.value.empty() ? "" : given.value.front());
    }
    if (help_) {
        std::cout << usage() << std::flush;
        return false;
    }
    assign_arguments(values);
    return true;
}

// Makes "--name=value" of "--name" and the word behind it: for the library, a value of its own
// can't look like an option. An empty value must be a word of its own.
Program::Words Program::attach_values(const Words& words) const {
    Words attached;
    bool options_end = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
        attached.push_back(words[i]);
        options_end = options_end || words[i] == "--";
        const auto equals = words[i].find('=');
        const std::string name = words[i].substr(0, equals);
        // The library would take what stands behind "--=" for an argument.
        if (!options_end && words[i].starts_with("--=")) {
            throw UsageError{words[i], "unknown option"};
        }
        const bool is_last = equals == std::string::npos && i + 1 == words.size();
        if (options_end || is_last || !takes_value(name)) continue;
        const std::string value =
            equals == std::string::npos ? words[++i] : words[i].substr(equals + 1);
        attached.back() = value.empty() ? name : name + "=" + value;
        if (value.empty()) attached.emplace_back();
    }
    return attached;
}

bool Program::takes_value(const std::string& name) const {
    return std::ranges::any_of(options_, [&name](const Parameter& option) {
        return name == "--" + option.name && !option.is_flag();
    });
}

void Program::assign_arguments(const Words& values) {
    std::size_t used = 0;
    for (const Parameter& argument : arguments_) {
        if (argument.required && used == values.size()) {
            throw UsageError{argument.value_name, "missing argument"};
        }
        const std::size_t end = argument.repeated ? values.size() : used + 1;
        for (; used < std::min(end, values.size()); ++used) {
            assign(argument, argument.value_name, values[used]);
        }
    }
    if (used < values.size()) throw UsageError{shown(values[used]), "one argument too many"};
}

std::string Program::usage() const {
    std::string synopsis = "usage: " + name() + " [OPTION...]";
    std::string closing;
    for (const Parameter& argument : arguments_) {
        synopsis += argument.required ? " " + argument.name : " [" + argument.name;
        if (!argument.required) closing += "]";
    }
    std::string text = synopsis + closing + "\n" + summary_ + "\n\n";

    const auto add = [&text](const std::string& left, const Parameter& parameter) {
        constexpr std::size_t column = 22;
        const std::size_t gap = left.size() + 2 > column ? 2 : column - left.size();
        text += "  " + left + std::string(gap, ' ') + parameter.help;
        const std::string& value = parameter.default_text;
        if (!parameter.required) text += " (default: " + (value.empty() ? "none" : value) + ")";
        text += "\n";
    };
    for (const Parameter& argument : arguments_) add(argument.name, argument);
    for (const Parameter& option : options_) {
        add("--" + option.name + (option.value_name.empty() ? "" : " " + option.value_name),
            option);
    }
    return text;
}

}  // namespace wirelab
