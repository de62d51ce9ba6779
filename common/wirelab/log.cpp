#include <wirelab/error.hpp>
#include <wirelab/log.hpp>
#include <wirelab/printable.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <ctime>

namespace wirelab {

namespace {

int log_file = -1;

std::string time_text() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    std::array<char, 32> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y%m%d %H:%M:%S", &local);
    return {text.data(), size};
}

}  // namespace

void open_log(const std::string& file) {
    log_file = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (log_file < 0) throw Error{"cannot open the log file " + file, reason_from_errno()};
}

void log(std::string_view message, const std::source_location& here) {
    if (log_file < 0) return;
    std::string line = "[" + time_text() + "] ";
    line.append(bare_function_name(here.function_name()));
    line.append(":").append(std::to_string(here.line())).append(" - ");
    line.append(printable(message)).append("\n");
    static_cast<void>(!::write(log_file, line.data(), line.size()));
}

std::string_view bare_function_name(std::string_view signature) {
    std::size_t start = 0;
    int depth = 0;
    for (std::size_t i = 0; i < signature.size(); ++i) {
        const std::string_view rest = signature.substr(i);
        // "operator()(int)": the first parentheses may be the name's own.
        const bool is_operator = i == start && rest.starts_with("operator");
        if (depth == 0 && is_operator) return rest.substr(0, rest.find('(', 9));
        const char c = rest.front();
        // The parameters end the name. "(anonymous namespace)", as Clang calls it, begins one.
        if (depth == 0 && i > start && c == '(') return signature.substr(start, i - start);
        if (c == '(' || c == '<') ++depth;
        if (c == ')' || c == '>') --depth;
        if (depth == 0 && std::string_view{" *&:"}.find(c) != std::string_view::npos) start = i + 1;
    }
    return signature.substr(start);
}

}  // namespace wirelab
