"""What the kit knows of its labs: their programs, their test cases, and how they are built."""

import json
import re
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / "build" / "dev"
TESTS = BUILD / "tests"


@dataclass(frozen=True)
class TestCase:
    """One requirement."""

    name: str
    program: str
    step: int
    points: int
    hidden: bool


def labs() -> list[str]:
    """Returns the names of all labs, in order."""
    return sorted(folder.name for folder in (ROOT / "labs").iterdir()
                  if re.fullmatch(r"\d\d_[a-z0-9_]+", folder.name))


def title(lab: str) -> str:
    """Returns what a lab's handout calls itself, without the lab's number."""
    first_line = (ROOT / "labs" / lab / "README.md").read_text(encoding="utf-8").partition("\n")[0]
    return first_line.partition(": ")[2]


def programs(lab: str) -> list[str]:
    """Returns the names of the programs that a lab asks for."""
    return sorted(source.stem for source in (ROOT / "labs" / lab).glob("*.cpp"))


def version() -> str:
    """Names this state of the kit, for results to be told apart; of a kit without history, its age."""
    git = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                         capture_output=True, text=True, check=False)
    return git.stdout.strip() or "unknown"


def test_program(lab: str) -> Path:
    return TESTS / f"{lab}_test"


def test_cases(lab: str) -> list[TestCase]:
    """Returns all requirements of a lab: what must be reported of every submission.

    Where there is no program each test case fails at once, and says who it is.
    """
    listing = BUILD / "grade" / f"{lab}.json"
    if not listing.exists() or listing.stat().st_mtime < test_program(lab).stat().st_mtime:
        _list_test_cases(lab, listing)
    return [TestCase(**entry) for entry in json.loads(listing.read_text(encoding="utf-8"))]


def _list_test_cases(lab: str, listing: Path) -> None:
    nowhere = BUILD / "grade" / "no-programs"
    nowhere.mkdir(parents=True, exist_ok=True)
    tests = subprocess.run([test_program(lab), "-r", "xml", "-w", "NoAssertions"], check=False,
                           stdout=subprocess.PIPE, env={"WIRELAB_PROGRAMS": str(nowhere)}, cwd="/")
    lines = subprocess.run([TESTS / "verdict", "--json"], input=tests.stdout, check=True,
                           stdout=subprocess.PIPE).stdout.decode().splitlines()
    cases = [json.loads(line) for line in lines]
    if len(cases) < 2 or cases.pop() != {"fault": None}:
        raise RuntimeError(f"the tests of {lab} can't be listed")
    fields = TestCase.__dataclass_fields__
    entries = [asdict(TestCase(**{key: case[key] for key in fields})) for case in cases]
    new = listing.with_suffix(".new")
    new.write_text(json.dumps(entries, indent=1), encoding="utf-8")
    new.replace(listing)


def build_commands(lab: str, program: str) -> list[str]:
    """Returns the shell commands, for BUILD, that compile and link a program of the kit's.

    They are Ninja's own: a submission is built just as the student built it.
    """
    target = f"labs.{lab}.{program}"
    listing = subprocess.run(["ninja", "-C", BUILD, "-t", "commands", target], check=True,
                             capture_output=True, text=True).stdout
    return [line for line in listing.splitlines() if f"CMakeFiles/{target}.dir/" in line]
