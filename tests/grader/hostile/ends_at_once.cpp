// Hostile: ends with status 0 before main() begins, as if all were well.
#include <cstdlib>

namespace {

struct Early {
    Early() { std::_Exit(0); }
} const early;

}  // namespace

int main() {}
