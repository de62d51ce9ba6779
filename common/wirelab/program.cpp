#include <wirelab/log.hpp>
#include <wirelab/program.hpp>

#include <boost/system/system_error.hpp>

#include <fcntl.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <iostream>
#include <stdexcept>

namespace wirelab {

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

std::string joined(const std::deque<std::string>& words) {
    std::string line = Program::name();
    for (const std::string& word : words) line.append(" ").append(word);
    return line;
}

std::string take_first(std::deque<std::string>& words) {
    std::string first = std::move(words.front());
    words.pop_front();
    return first;
}

// An empty word would not be seen in a message.
std::string shown(const std::string& word) {
    return word.empty() ? "''" : word;
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

int Program::run_job(Words words, const std::function<int()>& job) {
    occupy_standard_streams();
    std::signal(SIGPIPE, SIG_IGN);
    // A shell script starts what it sends to the background with interrupts ignored.
    for (const int end : {SIGINT, SIGTERM}) std::signal(end, SIG_DFL);
    try {
        const StreamExceptions until_reported;
        const std::string command_line = joined(words);
        if (!read_command_line(std::move(words))) return 0;
        if (log_file_) open_log(*log_file_);
        log("started as " + command_line);
        const int status = job();
        std::cout << std::flush;
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
bool Program::read_command_line(Words words) {
    option("log", "FILE", log_file_, "append debug lines to FILE");
    flag("help", help_, "print this text, also -h");
    std::vector<std::string> values;
    bool options_end = false;
    while (!words.empty()) {
        std::string word = take_first(words);
        if (options_end || !word.starts_with('-') || word == "-") {
            values.push_back(std::move(word));
        } else if (word == "--") {
            options_end = true;
        } else {
            read_option(std::move(word), words);
        }
    }
    if (help_) {
        std::cout << usage() << std::flush;
        return false;
    }
    assign_arguments(values);
    return true;
}

// Reads "--name=value", or "--name" and its value from the words behind it.
void Program::read_option(std::string name, Words& behind) {
    std::optional<std::string> value;
    if (const auto equals = name.find('='); equals != std::string::npos) {
        value = name.substr(equals + 1);
        name.erase(equals);
    }
    const auto option = std::ranges::find_if(options_, [&name](const Parameter& known) {
        return name == "--" + known.name || (name == "-h" && known.name == "help");
    });
    if (option == options_.end()) throw UsageError{name, "unknown option"};
    if (option->value_name.empty()) {
        if (value) throw UsageError{name, "takes no value"};
    } else if (!value) {
        if (behind.empty()) throw UsageError{name, "missing value"};
        value = take_first(behind);
    }
    assign(*option, name, value.value_or(""));
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
        throw UsageError{shown(values[arguments_.size()]), "one argument too many"};
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
