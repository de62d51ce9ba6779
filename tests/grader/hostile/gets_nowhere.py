#!/usr/bin/env python3
"""usage: gets_nowhere.py SOURCE LEVEL: grades a hostile program, as the student's fortune_server, at a level.

Exit status 0: it got no point, with a reason for each, and left nothing behind. 4: the level is not to be
had here. Anything else: the grader has a hole.
"""

import sys
import tempfile
from pathlib import Path

from autograder import kit, sandbox
from autograder.judge import Judge, Unit
from autograder.results import Result

LAB = "02_fortune"
MARK = "LEAK: "  # what a hostile program prints when it has seen what it should not
# Of the files that some try to take along: of the kit's tests, and of the solution.
SECRETS = ["tests/labs/02_fortune_test.cpp", "solutions/02_fortune/fortune_server.cpp"]

# Without a network of its own a program can send to whom it likes.
BEYOND = {"user": {"reaches_outside"}, "limits": {"reaches_outside"}}


def submit(source: Path, folder: Path) -> Path:
    lab = folder / "mallory" / "labs" / LAB
    lab.mkdir(parents=True)
    text = source.read_text(encoding="utf-8").replace("@ROOT@", str(kit.ROOT)).replace("@OUT@", str(folder))
    (lab / "fortune_server.cpp").write_text(text, encoding="utf-8")
    return folder / "mallory"


def find_slot(source: Path, level: str) -> int:
    """A user for each: these tests run at once, and look who is left behind."""
    levels = ["bubblewrap", "user", "limits"]
    names = sorted(path.stem for path in source.parent.glob("*.cpp"))
    return len(levels) * names.index(source.stem) + levels.index(level)


def find_faults(result: Result, user: int) -> list[str]:
    faults = []
    if result.state != "complete":
        faults.append(f"it is {result.state}: {result.error}")
    if earned := result.count_points()["earned"]:
        names = [one.name for one in result.requirements if one.outcome == "passed"]
        faults.append(f"it earned {earned} points: {names}")
    faults += [f"{one.name} has no verdict but is {one.outcome}" for one in result.requirements
               if one.outcome != "failed"]
    told = "\n".join([one.message for one in result.requirements] + [one.diagnostics for one in result.build])
    faults += [line.strip() for line in told.splitlines() if MARK in line and "#include" not in line][:3]
    for file in SECRETS:
        if any(line in told for line in _telling_lines(kit.ROOT / file)):
            faults.append(f"it shows lines of {file}")
    faults += [f"it left the process {process} behind" for process in _processes_of(user)]
    return faults


def _telling_lines(file: Path) -> list[str]:
    return [line for line in file.read_text(encoding="utf-8").splitlines() if len(line) > 60]


def _processes_of(user: int) -> list[str]:
    if user == 0:
        return []
    return [path.name for path in Path("/proc").iterdir() if path.name.isdigit() and _owner(path) == user]


def _owner(path: Path) -> int:
    try:
        return path.stat().st_uid
    except FileNotFoundError:
        return -1


def main(source: Path, level: str) -> int:
    if source.stem in BEYOND.get(level, set()):
        print(f"the level {level} does not keep a program from this")
        return 4
    try:
        box = sandbox.choose(find_slot(source, level), level)
    except RuntimeError as error:
        print(error)
        return 4
    with tempfile.TemporaryDirectory(prefix="wirelab-hostile-") as name:
        folder = Path(name)
        unit = Unit(submit(source, folder), LAB, folder / "out", seed=1)
        faults = find_faults(result := Judge(unit, box).judge(), box.user)
    kinds = sorted({one.kind or one.outcome for one in result.requirements if one.program == "fortune_server"})
    print(f"{source.stem} at the level {level}: {', '.join(kinds)}; {result.seconds} s")
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
