"""The unit of work: one submission, one lab, one result file.

Everything that another unit would need is written down there, so units may run in any order, on any
machine that shares the folder, and again.
"""

import hashlib
import shlex
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from . import kit, store
from .compiler import build_lab
from .kinds import kind_of
from .results import Build, Requirement, Result
from .results import Sandbox as SandboxNote
from .run import BrokeOff, Report, run_tests
from .sandbox import Sandbox
from .submission import Rejected, name_of, read_submission

MOST_SECONDS = 300  # for the tests of one lab; those of a right submission take less than ten


@dataclass(frozen=True)
class Unit:
    """What is to be judged."""

    path: Path
    lab: str
    out: Path
    seed: int
    only: str | None = None  # the name of the one requirement to look at

    def folder(self) -> Path:
        return self.out / name_of(self.path)

    def sources(self) -> dict[str, bytes]:
        """Returns the files that count. Raises Rejected."""
        return read_submission(self.path).get(self.lab, {})


def digest(sources: dict[str, bytes]) -> str:
    """Names these files: the same files have the same name, and others another."""
    parts = (f"{name} {len(contents)}\n".encode() + contents for name, contents in sorted(sources.items()))
    return hashlib.sha256(b"".join(parts)).hexdigest()


class Judge:
    """Judges one unit, and rewrites its result after every step."""

    def __init__(self, unit: Unit, box: Sandbox):
        self._unit = unit
        self._box = box
        self._start = time.monotonic()
        self._last = self._start
        self._order = [case.name for case in kit.test_cases(unit.lab) if unit.only in (None, case.name)]
        if not self._order:
            raise RuntimeError(f"{unit.lab} has no test case of that name")
        self._requirements = {one.name: one for one in self._expected()}
        self._result = Result(
            submission=name_of(unit.path), lab=unit.lab, title=kit.title(unit.lab), kit=kit.version(),
            state="running", sandbox=SandboxNote(box.level, box.says),
            started=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), seed=unit.seed)

    def judge(self) -> Result:
        """Does it, and returns the result as written. What goes wrong with us is no verdict."""
        try:
            self._build_and_test()
            state, error = "complete", None
        except Rejected as rejected:
            self._fail_waiting(self._order, "rejected", f"this submission is not judged: {rejected}")
            state, error = "complete", None
        except Exception as fault:  # noqa: BLE001 whatever it is, it is not the student's
            state, error = "error", f"{type(fault).__name__}: {fault}"
        self._box.end_all()
        self._result = replace(self._result, state=state, error=error)
        self._write()
        return self._result

    def _expected(self) -> Iterator[Requirement]:
        unit = self._unit
        for case in kit.test_cases(unit.lab):
            if case.name in self._order:
                words = ["./lab", "grade", str(unit.path), "--labs", unit.lab[:2], "--only", case.name,
                         "--seed", str(unit.seed)]
                yield Requirement(
                    id=f"{unit.lab}/{_slug(case.name)}", name=case.name, program=case.program, step=case.step,
                    points=case.points, hidden=case.hidden, outcome="waiting", replay=shlex.join(words))

    def _build_and_test(self) -> None:
        sources = self._unit.sources()
        self._result = replace(self._result, source=digest(sources))
        with tempfile.TemporaryDirectory(prefix="wirelab-grade-") as folder:
            work = Path(folder)
            work.chmod(0o755)
            builds = build_lab(self._unit.lab, sources, self._box, work)
            self._result = replace(self._result, build=tuple(builds))
            for build in builds:
                self._note_build(build)
            self._write()
            self._test(work / "programs")

    def _note_build(self, build: Build) -> None:
        """Without its program a requirement is not met, and there is nothing to run."""
        if build.outcome == "built":
            return
        names = [one.name for one in self._requirements.values() if one.program == build.program]
        if build.outcome == "missing":
            self._fail_waiting(names, "program missing", f"{build.program}.cpp is not in the submission")
        else:
            self._fail_waiting(names, "build failed", f"{build.program} does not build: see what the compiler says")

    def _test(self, programs: Path) -> None:
        """Runs what is waiting. Where the tests break off, that is of the test case that was running."""
        deadline = time.monotonic() + MOST_SECONDS
        broke_off_at = None
        while waiting := self._waiting():
            try:
                seconds = max(0.0, deadline - time.monotonic())
                for report in run_tests(self._unit.lab, waiting, programs, self._box, self._unit.seed, seconds):
                    self._note(report)
                return
            except BrokeOff as fault:
                if fault.timed_out:
                    return self._fail_waiting(waiting, "timed out", f"{fault}: {MOST_SECONDS} s for all its tests")
                running = self._waiting()[0]
                # Once may be chance. Twice, and it is what this program does to the tests.
                if running == broke_off_at:
                    self._fail_waiting([running], "did not report", f"{fault} while this was tested, twice")
                broke_off_at = running

    def _note(self, report: Report) -> None:
        now = time.monotonic()
        one = replace(self._requirements[report.name], outcome=report.outcome, message=report.text,
                      seconds=round(now - self._last, 3))
        if report.outcome == "failed":
            kind, signal = kind_of(report.text)
            one = replace(one, kind=kind, signal=signal)
        self._requirements[report.name] = one
        self._write()
        self._last = now

    def _fail_waiting(self, names: list[str], kind: str, message: str) -> None:
        for name in names:
            if (one := self._requirements[name]).outcome == "waiting":
                self._requirements[name] = replace(one, outcome="failed", kind=kind, message=message)

    def _waiting(self) -> list[str]:
        return [name for name in self._order if self._requirements[name].outcome == "waiting"]

    def _write(self) -> None:
        self._result = replace(self._result, requirements=tuple(self._requirements.values()),
                               seconds=round(time.monotonic() - self._start, 2))
        if self._unit.only is None:  # a replay is for reading, and no score
            store.write_result(self._unit.folder(), self._result)


def _slug(name: str) -> str:
    words = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in name.lower())
    return "-".join(filter(None, words.split("-")))
