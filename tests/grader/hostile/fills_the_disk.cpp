// Hostile: writes files as long as there is room, wherever it may.
#include <fstream>
#include <string>
#include <vector>

int main() {
    const std::string block(1 << 20, 'x');
    for (const std::string folder : {"./", "../", "/tmp/", "/var/tmp/", "/dev/shm/"}) {
        for (int number = 0; number < 64; ++number) {
            std::ofstream file{folder + "wirelab-fill-" + std::to_string(number)};
            for (int i = 0; i < 256 && file << block; ++i) continue;
        }
    }
}
