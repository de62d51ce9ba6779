"""Runs the tests of one lab in the sandbox, and tells of each test case as soon as it has ended."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import kit, memory
from .sandbox import Sandbox


@dataclass(frozen=True)
class Report:
    """What the tests say of one requirement."""

    name: str
    outcome: str  # passed, failed or skipped
    text: str


class BrokeOff(Exception):
    """The tests ended before all of the test cases had: by themselves, or since their time was over."""

    def __init__(self, reason: str, timed_out: bool = False):
        super().__init__(reason)
        self.timed_out = timed_out


def run_tests(lab: str, names: list[str], programs: Path, box: Sandbox, seed: int,
              seconds: float) -> Iterator[Report]:
    """Yields a report of each test case that is named. Raises BrokeOff if not all of them come."""
    # Names come by the standard input: on the command line Catch2 would take them for patterns.
    tests = [str(kit.test_program(lab)), "-r", "xml", "-w", "NoAssertions", "--rng-seed", str(seed),
             "-f", "/dev/stdin"]
    missing = set(names)
    with _started([*box.for_testing(programs), *tests], names) as (process, output):
        watch = _Watch(process, seconds)
        try:
            for line in output:
                entry = json.loads(line)
                if "name" not in entry:
                    break
                missing.discard(entry["name"])
                yield Report(entry["name"], entry["outcome"], entry["text"])
        finally:
            watch.stop()
    if watch.reason or missing:
        raise BrokeOff(watch.reason or "the tests broke off", timed_out=watch.timed_out)


@contextmanager
def _started(command: list[str], names: list[str]) -> Iterator:
    """Starts the tests, and `verdict` which reads their XML; ends both."""
    read_end, write_end = os.pipe()
    with (subprocess.Popen(command, stdin=subprocess.PIPE, stdout=write_end, stderr=subprocess.DEVNULL,
                           cwd="/", start_new_session=True) as tests,
          subprocess.Popen([kit.TESTS / "verdict", "--json"], stdin=read_end, stdout=subprocess.PIPE) as verdict):
        os.close(read_end)
        os.close(write_end)
        try:
            with tests.stdin as stdin:
                stdin.write("".join(f"{name}\n" for name in names).encode())
        except BrokenPipeError:
            pass  # it did not even begin; its missing report tells
        try:
            yield tests, verdict.stdout
        finally:
            _end(tests)


def _end(process: subprocess.Popen) -> None:
    """Ends a sandbox with all that is in it: whoever is left behind has no parent to wait for it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class _Watch:
    """Ends a run that takes too long, or too much memory."""

    _INTERVAL = 0.2  # seconds

    def __init__(self, process: subprocess.Popen, seconds: float):
        self.reason = ""
        self.timed_out = False
        self._process = process
        self._rounds = int(seconds / self._INTERVAL)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        for _ in range(self._rounds):
            if self._done.wait(self._INTERVAL):
                return
            if greedy := memory.greediest(self._process.pid):
                memory.end(greedy)  # its test case fails by that, and the others go on
        self.reason, self.timed_out = "the time for this lab was over", True
        _end(self._process)
