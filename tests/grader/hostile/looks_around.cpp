// Hostile: tells what it finds in its environment, in /proc, and where others' work would lie.
#include <filesystem>
#include <fstream>
#include <iostream>

extern char** environ;

namespace fs = std::filesystem;

namespace {

void show(const fs::path& file) {
    std::ifstream stream{file};
    std::string text;
    if (std::getline(stream, text, '\xff')) {
        std::cerr << "LEAK: " << file << ": " << text.size() << " bytes\n";
    }
}

}  // namespace

int main() {
    for (char** entry = environ; *entry; ++entry) {
        if (std::string_view{*entry}.starts_with("WIRELAB"))
            std::cerr << "LEAK: " << *entry << '\n';
    }
    std::error_code none;
    for (const auto& process : fs::directory_iterator{"/proc", none}) {
        if (process.path().filename() == "self" || process.path().filename() == "thread-self")
            continue;
        if (process.path().filename() == std::to_string(::getpid())) continue;
        for (const char* file : {"environ", "maps", "mem"}) show(process.path() / file);
    }
    for (const char* folder :
         {"@ROOT@/solutions", "@ROOT@/tests", "@ROOT@/.git", "@OUT@", "/root", "/home"}) {
        for (const auto& entry : fs::directory_iterator{folder, none}) {
            std::cerr << "LEAK: " << entry.path() << '\n';
        }
    }
    show("/etc/shadow");
}
