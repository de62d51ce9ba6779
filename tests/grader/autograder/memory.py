"""Keeps a submission from taking the machine's memory: the kernel's limit counts address space, of
which a right program may have much (each thread's stack), so what is really used is looked at."""

import os
import signal
from pathlib import Path

MOST_BYTES = 768 * 1024 * 1024  # all processes of a run together

_PAGE = os.sysconf("SC_PAGE_SIZE")


def greediest(top: int) -> int | None:
    """Returns the process below `top` that uses most memory, if all of them use too much."""
    used = {process: _resident(process) for process in _descendants(top)}
    return max(used, key=used.__getitem__) if sum(used.values()) > MOST_BYTES else None


def end(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _descendants(top: int) -> list[int]:
    """See /proc/pid/task/tid/children in proc(5)."""
    found: list[int] = []
    waiting = [top]
    while waiting:
        process = waiting.pop()
        for task in _tasks(process):
            try:
                children = (task / "children").read_text().split()
            except OSError:
                continue  # it has just ended
            waiting += map(int, children)
            found += map(int, children)
    return found


def _tasks(process: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{process}/task").iterdir())
    except OSError:
        return []


def _resident(process: int) -> int:
    """See /proc/pid/statm in proc(5): the second number counts pages without those of files shared."""
    try:
        _, resident, shared, *_ = Path(f"/proc/{process}/statm").read_text().split()
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(shared)) * _PAGE
