// Hostile: takes a hidden file along as data while it is built.
#include <unistd.h>

asm(R"(
    .section .rodata
secret:
    .incbin "@ROOT@/tests/labs/02_fortune_test.cpp"
secret_end:
)");
extern const char secret[];
extern const char secret_end[];

int main() {
    static_cast<void>(!::write(2, secret, static_cast<std::size_t>(secret_end - secret)));
}
