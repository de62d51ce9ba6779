// Hostile: leaves a process behind that belongs to nobody, and would be there for the next test.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

int main() {
    ::signal(SIGHUP, SIG_IGN);
    ::signal(SIGTERM, SIG_IGN);
    for (int generation = 0; generation < 2; ++generation) {
        if (::fork() > 0) ::_exit(0);
        ::setsid();
    }
    ::prctl(PR_SET_PDEATHSIG, 0);
    ::alarm(3600);  // it ends some day, should all else fail
    for (;;) ::pause();
}
