"""Where a submission is built and run: as far from everything else as this machine allows.

Three levels, the strongest that works is taken, and every result says which it was:

bubblewrap  namespaces of its own for files, processes and network (bwrap(1)); nothing but the system's
            programs and what is being judged is there to be seen
user        another user, with limits; for root in a container that forbids namespaces
limits      limits alone; for an ordinary user without namespaces

At each level the compiler and a submission's programs are started by `confine` (confine.cpp), which takes
their rights away, those to files too where the kernel has Landlock. The tests themselves are ours, and keep
theirs to make networks and play peers.
"""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import kit, store

CONFINE = kit.TESTS / "confine"

# The compiler's share: bytes of memory and of a file, seconds of the processor, processes.
_BUILD_LIMITS = ["prlimit", f"--as={3 << 30}", f"--fsize={64 << 20}", "--cpu=60", "--nproc=400", "--core=0"]

# Of /etc, what programs need to find libraries, names and times; it tells nothing of this machine.
_ETC = ["alternatives", "group", "ld.so.cache", "localtime", "passwd", "protocols", "services"]
_NAMES = {"hosts": "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 grader\n",
          "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
          "host.conf": "multi on\n"}

_SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64")
_LIBRARIES = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/lib", "/lib32", "/lib64")

# Programs that a submission could call instead of doing the work; and a shell is one more way in.
_OTHERS_WORK = [Path(folder) for folder in ("/usr/bin", "/usr/sbin", "/usr/local", "/usr/libexec", "/usr/games")
                if Path(folder).is_dir()]

# A hundred users who own nothing: each of the jobs that run at once has its own, so that none can touch
# another's processes, and limits count for each.
_FIRST_USER = 60_000
_USERS = 100


def user_of_job(slot: int) -> int:
    """Returns the number of the user that a job's submission runs as, if we are root; else 0."""
    return _FIRST_USER + slot % _USERS if os.geteuid() == 0 else 0


@dataclass(frozen=True)
class Sandbox:
    """How things are run at one level, for one job."""

    level: str
    says: str
    user: int  # 0: the one who grades

    def for_building(self, readable: list[Path], writable: list[Path]) -> list[str]:
        """Returns the words before a command that builds."""
        confined = [f"run:{folder}" for folder in _SYSTEM]
        confined += [f"read:{folder}" for folder in ("/etc", *readable)]
        confined += [f"write:{folder}" for folder in writable]
        words = [*_BUILD_LIMITS, str(CONFINE), str(self.user), *confined, "--"]
        if self.level != "bubblewrap":
            return words
        binds = _bind("--ro-bind", [*readable, CONFINE]) + _bind("--bind", writable)
        return [*_bubblewrap(), "--cap-add", "ALL", *binds, "--chdir", str(kit.BUILD), "--", *words]

    def for_testing(self, programs: Path) -> list[str]:
        """Returns the words before a test program that judges the programs in a folder."""
        hidden = [kit.ROOT, *_OTHERS_WORK] if self.level == "bubblewrap" else []
        confined = [f"hide:{folder}" for folder in hidden] + [f"run:{folder}" for folder in (*_LIBRARIES, programs)]
        launcher = [CONFINE, self.user, *confined, "read:/etc", "read:/usr/share", "write:.", "--"]
        environment = ["env", f"WIRELAB_PROGRAMS={programs}", "WIRELAB_LAUNCHER=" + "\n".join(map(str, launcher))]
        if self.level != "bubblewrap":
            return environment
        binds = _bind("--ro-bind", [kit.ROOT / "lab", kit.ROOT / "scripts", kit.TESTS, programs])
        return [*_bubblewrap(), "--cap-add", "ALL", *binds, "--", *environment]

    def end_all(self) -> None:
        """Ends what a submission has left running, where it had no process namespace that ends with it."""
        if self.level == "user":
            user = f"--reuid={self.user}"
            subprocess.run(["setpriv", user, "--clear-groups", "sh", "-c", "kill -KILL -1"], check=False)


def choose(slot: int, wanted: str | None = None) -> Sandbox:
    """Returns the strongest sandbox that works here, or the one that is wanted. Raises RuntimeError.

    Limits alone would not hold root: root runs nothing of a submission's as root.
    """
    for name, text in _NAMES.items():
        store.write_text(kit.BUILD / "grade" / name, text)
    user = user_of_job(slot)
    weaker = "user" if user else "limits"
    for level in ("bubblewrap", weaker):
        if wanted in (None, level) and _works(box := Sandbox(level, _SAYS[level], user)):
            return box
    raise RuntimeError(f"this machine allows no sandbox of the level {wanted or weaker}")


_SAYS = {
    "bubblewrap": "files, processes and network of its own",
    "user": "another user with limits; no namespaces here",
    "limits": "limits only; no namespaces here, and no root to become another user",
}


def _works(box: Sandbox) -> bool:
    """Tries it, on what building and testing need of it."""
    building = [*box.for_building([kit.BUILD / "common"], []), "/usr/bin/c++", "--version"]
    with tempfile.TemporaryDirectory(prefix="wirelab-grade-") as folder:
        program = Path(folder) / "program"
        shutil.copyfile("/usr/bin/true", program)
        for path in (program, program.parent):
            path.chmod(0o755)
        testing = [*box.for_testing(program.parent), "sh", "-c", f"exec $WIRELAB_LAUNCHER {program}"]  # the words, split
        return all(subprocess.run(words, check=False, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0
                   for words in (building, testing))


def _bind(option: str, paths: list[Path]) -> list[str]:
    """Shows paths where they are outside. Without the words about parents only root could get there."""
    words = []
    for path in paths:
        for parent in reversed(path.parents[:-1]):
            words += ["--perms", "755", "--dir", str(parent)]
        words += [option, str(path), str(path)]
    return words


def _bubblewrap() -> list[str]:
    words = ["bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
             "--die-with-parent", "--new-session", "--hostname", "grader", "--clearenv",
             "--setenv", "PATH", "/usr/sbin:/usr/bin:/sbin:/bin", "--setenv", "LANG", "C.UTF-8",
             "--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev",
             "--perms", "1777", "--size", str(1 << 30), "--tmpfs", "/tmp", "--perms", "755", "--dir", "/etc"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            words += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    for name in _ETC:
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for name in _NAMES:
        words += ["--ro-bind", str(kit.BUILD / "grade" / name), f"/etc/{name}"]
    if os.geteuid() != 0:
        words += ["--unshare-user", "--uid", "0", "--gid", "0"]
    return words
