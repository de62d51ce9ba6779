#include <wirelab/error.hpp>
#include <wirelab/log.hpp>
#include <wirelab/printable.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
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
    // GCC writes the scope of an unnamed namespace as "{anonymous}", Clang as "(anonymous
    // namespace)".
    for (const std::string_view scope : {"{anonymous}::", "(anonymous namespace)::"}) {
        if (const auto at = signature.rfind(scope); at != std::string_view::npos) {
            signature.remove_prefix(at + scope.size());
        }
    }
    signature = signature.substr(0, signature.find('('));
    return signature.substr(signature.find_last_of(" *&") + 1);
}

}  // namespace wirelab
