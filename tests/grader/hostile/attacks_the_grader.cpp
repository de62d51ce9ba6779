// Hostile: ends whatever it can reach, and tries to look into it before.
#include <signal.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>

int main() {
    const pid_t parent = ::getppid();
    if (::ptrace(PTRACE_SEIZE, parent, nullptr, nullptr) == 0) {
        std::cerr << "LEAK: it can trace the tests" << std::endl;
    }
    for (const pid_t target : {parent, pid_t{1}, pid_t{-1}}) ::kill(target, SIGKILL);
}
