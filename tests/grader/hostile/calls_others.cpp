// Hostile: lets programs that are there already do the work.
#include <unistd.h>
#include <cstdlib>

int main() {
    std::system("nc -l -p 54321; python3 -m http.server 54321; exec sh");
    for (const char* command : {"nc", "socat", "python3", "perl", "sh", "busybox"}) {
        ::execlp(command, command, "--help", nullptr);
    }
    return 3;
}
