// Hostile: becomes the solution, wherever it may lie, or shows its source.
#include <unistd.h>

#include <fstream>
#include <iostream>

int main(int, char* argv[]) {
    for (const char* tree : {"solutions", "build/dev/solutions", "build/release/solutions"}) {
        const std::string file = std::string{"@ROOT@/"} + tree + "/02_fortune/fortune_server";
        argv[0] = const_cast<char*>(file.c_str());
        ::execv(file.c_str(), argv);
        std::cerr << std::ifstream{file + ".cpp"}.rdbuf();
    }
}
