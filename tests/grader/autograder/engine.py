"""Runs many units on this machine, by GNU parallel: see parallel(1)."""

import os
import subprocess
from pathlib import Path

from . import kit

_JOBS_A_CORE = 2  # most of a test's time is waiting


def run_units(units: list[str], jobs: int | None, log: Path) -> bool:
    """Runs each unit; returns whether all of them came to a verdict.

    What a job prints is shown when it has ended, whole. One that dies takes nobody with it.
    """
    jobs = jobs or _JOBS_A_CORE * (os.cpu_count() or 1)
    parallel = ["parallel", "--will-cite", "--jobs", str(jobs), "--joblog", str(log), "--halt", "never", "--quote"]
    command = ["env", f"PYTHONPATH={kit.ROOT / 'tests/grader'}", "python3", "-m", "autograder.unit", "{}"]
    done = subprocess.run([*parallel, *command], input="".join(f"{unit}\n" for unit in units), text=True, check=False)
    return done.returncode == 0
