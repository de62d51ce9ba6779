// Runs a part of a test in a process of its own: for what is about stdout, signals and exit.
#pragma once

#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <string>

struct Forked {
    int status;  // the exit status; or minus the number of the signal that ended it
    std::string out;
    std::string err;
};

inline std::string take_contents(int file) {
    std::string text;
    std::array<char, 4096> part{};
    ::lseek(file, 0, SEEK_SET);
    for (;;) {
        const ssize_t size = ::read(file, part.data(), part.size());
        if (size <= 0) break;
        text.append(part.data(), static_cast<std::size_t>(size));
    }
    ::close(file);
    return text;
}

// Runs the body with its stdout and stderr captured, and returns what it printed; what it returns
// becomes the exit status. It must not use assertions: Catch2 reports in the parent.
inline Forked run_forked(const std::function<int()>& body) {
    constexpr int escaped_exception = 99;
    const int out = ::memfd_create("stdout", MFD_CLOEXEC);
    const int err = ::memfd_create("stderr", MFD_CLOEXEC);
    std::cout << std::flush;
    std::fflush(nullptr);  // the child must not print again what waits here
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(out, STDOUT_FILENO);
        ::dup2(err, STDERR_FILENO);
        int status = escaped_exception;
        try {
            status = body();
        } catch (const std::exception& error) {
            std::cerr << "an exception escaped: " << error.what() << std::endl;
        }
        std::cout << std::flush;
        ::_exit(status);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return {status, take_contents(out), take_contents(err)};
}
