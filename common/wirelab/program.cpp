#include <wirelab/log.hpp>
#include <wirelab/program.hpp>

#include <boost/program_options.hpp>
#include <boost/system/system_error.hpp>

#include <fcntl.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <iostream>
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

// While this lives, std::cout throws when it can't be written. Not for longer: std::cerr flushes
// std::cout too, and so does the end of the program.
struct StreamExceptions {
    StreamExceptions() { std::cout.exceptions(std::ios::badbit | std::ios::failbit); }
    ~StreamExceptions() { std::cout.exceptions(std::ios::goodbit); }
};

// "--message=" gives an empty value, which Boost.Program_options takes as a separate word only.
std::vector<std::string> split_empty_values(int argc, char* argv[]) {
    std::vector<std::string> words;
    bool options_end = false;
    for (int i = 1; i < argc; ++i) {
        std::string word = argv[i];
        options_end = options_end || word == "--";
        const bool empty_value = !options_end && word.starts_with("--") && word.ends_with('=');
        if (empty_value) word.pop_back();
        words.push_back(std::move(word));
        if (empty_value) words.emplace_back();
    }
    return words;
}

std::vector<po::option> split_into_options(const std::vector<std::string>& words,
                                           const po::options_description& known) {
    using namespace po::command_line_style;
    try {
        // Abbreviated names would be refused once a new option made them ambiguous.
        const int style = unix_style & ~allow_guessing & ~allow_sticky;
        return po::command_line_parser{words}.options(known).style(style).run().options;
    } catch (const po::error& error) {
        throw UsageError{"wrong usage", error.what()};
    }
}

std::string command_line(int argc, char* argv[]) {
    std::string line = Program::name();
    for (int i = 1; i < argc; ++i) line.append(" ").append(argv[i]);
    return line;
}

template <typename Parameter>
void assign(const Parameter& parameter, const std::string& shown_name, const std::string& text) {
    try {
        parameter.assign(text);
    } catch (const std::invalid_argument& error) {
        throw UsageError{shown_name + " " + (text.empty() ? "''" : text), error.what()};
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

int Program::run_job(int argc, char* argv[], const std::function<int()>& job) {
    occupy_standard_streams();
    std::signal(SIGPIPE, SIG_IGN);
    try {
        const StreamExceptions until_reported;
        if (!read_command_line(argc, argv)) return 0;
        if (log_file_) open_log(*log_file_);
        log("started as " + command_line(argc, argv));
        const int status = job();
        log("ended with status " + std::to_string(status));
        return status;
    } catch (const UsageError& error) {
        report(std::string{error.what()} + " (try '" + name() + " --help')");
        return 2;
    } catch (const std::ios_base::failure&) {
        report("cannot write to standard output: " + reason_from_errno());
    } catch (const boost::system::system_error& error) {
        report("failed: " + reason(error.code()));
    } catch (const std::exception& error) {
        report(error.what());
    }
    return 1;
}

// Returns false when the user only asked for help, which has been printed.
bool Program::read_command_line(int argc, char* argv[]) {
    option("log", "FILE", log_file_, "append debug lines to FILE");
    flag("help", help_, "print this text, also -h");
    po::options_description known;
    for (const Parameter& option : options_) {
        const bool is_flag = option.value_name.empty();
        const std::string names = option.name == "help" ? "help,h" : option.name;
        const po::value_semantic* value = po::value<std::string>();
        if (is_flag) value = po::bool_switch();
        known.add_options()(names.c_str(), value);
    }

    std::vector<std::string> positional;
    for (const po::option& given : split_into_options(split_empty_values(argc, argv), known)) {
        if (given.string_key.empty()) {
            positional.push_back(given.value.front());
            continue;
        }
        const auto option = std::ranges::find(options_, given.string_key, &Parameter::name);
        assign(*option, "--" + option->name, given.value.empty() ? "" : given.value.front());
    }
    if (help_) {
        std::cout << usage() << std::flush;
        return false;
    }
    assign_arguments(positional);
    return true;
}

void Program::assign_arguments(const std::vector<std::string>& values) {
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
        if (i < values.size()) {
            assign(arguments_[i], arguments_[i].name, values[i]);
        } else if (arguments_[i].required) {
            throw UsageError{arguments_[i].name, "missing argument"};
        }
    }
    if (values.size() > arguments_.size()) {
        throw UsageError{values[arguments_.size()], "one argument too many"};
    }
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
