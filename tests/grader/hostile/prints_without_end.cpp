// Hostile: prints, and never stops.
#include <iostream>
#include <string>

int main() {
    const std::string block(65536, 'x');
    for (;;) {
        std::cout << block << '\n';
        std::cerr << block << '\n';
    }
}
