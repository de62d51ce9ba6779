// Hostile: wants memory, and uses it.
#include <cstring>
#include <new>

int main() {
    constexpr std::size_t block = 64UL << 20;
    for (;;) {
        if (char* const memory = new (std::nothrow) char[block]) std::memset(memory, 1, block);
    }
}
