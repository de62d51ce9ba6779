"""What the benchmarks share: programs started side by side in one run, and ratios of medians.

A figure of one machine says little, and of one day less; a ratio of two programs that took turns in
the same run says more. So each benchmark plays its rounds in turn, and prints the ratios last.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

PROGRAMS = os.environ.get("WIRELAB_PROGRAMS", "build/release/solutions")
ROUNDS = int(os.environ.get("WIRELAB_ROUNDS", "5"))


def program(lab, name):
    file = os.path.join(os.path.abspath(PROGRAMS), lab, name)
    if not os.access(file, os.X_OK):
        sys.exit(f"{sys.argv[0]}: {file} is missing: build it first, or call ./lab bench")
    return file


def need_netcat():
    """Other netcats take other options."""
    if shutil.which("nc") is None or "OpenBSD" not in subprocess.run(["nc", "-h"], capture_output=True, text=True).stderr:
        sys.exit(f"{sys.argv[0]}: OpenBSD's netcat is not installed (./lab setup does that)")


class RamDisk:
    """A folder in memory: what is measured is the network, not a disk."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="wirelab-", dir="/dev/shm")
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path)


def start(*arguments, **options):
    return subprocess.Popen(arguments, **options)


def port_of(server):
    """Waits for the line `listening on ADDRESS:PORT` on the server's stdout."""
    line = server.stdout.readline()
    found = re.fullmatch(r"listening on .*:(\d+)\n", line)
    if not found:
        sys.exit(f"{sys.argv[0]}: no server: {line!r}")
    return int(found[1])


class Stopwatch:
    """Measures the time that a block takes: `with Stopwatch() as watch: …`, then watch.seconds."""

    def __enter__(self):
        self.begin = time.perf_counter()
        return self

    def __exit__(self, *_):
        self.seconds = time.perf_counter() - self.begin


def seconds(run):
    with Stopwatch() as watch:
        run()
    return watch.seconds


def compare(unit, work, contestants, measure=seconds):
    """Lets the contestants, name to run, take turns; returns each one's median rate.

    `measure` calls a run and returns the seconds that it took.
    """
    times = {name: [] for name in contestants}
    for number in range(ROUNDS):
        for name, run in contestants.items():
            times[name].append(measure(run))
            print(f"  round {number + 1}  {name:<28} {work / times[name][-1]:>12,.0f} {unit}", flush=True)
    return {name: work / statistics.median(taken) for name, taken in times.items()}


def print_ratio(what, rates, ours, other):
    print(f"{what}: {rates[ours] / rates[other]:.2f} times {other}")
