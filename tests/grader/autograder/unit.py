"""Judges one unit, as an engine calls it: python3 -m autograder.unit '{"path": …, "lab": …, …}'

Prints one line. Exit status 0: there is a verdict. 3: there is none, and that is our fault.
"""

import json
import os
import sys
from pathlib import Path

from . import kit, sandbox, store
from .judge import Judge, Unit, digest
from .results import BadResult, Result
from .submission import Rejected


def encode(unit: Unit, level: str | None, again: bool) -> str:
    """Returns the one argument that says all; it has no line feed, and engines may quote it."""
    return json.dumps({"path": str(unit.path), "lab": unit.lab, "out": str(unit.out), "seed": unit.seed,
                       "only": unit.only, "level": level, "again": again})


def main(argument: str) -> int:
    words = json.loads(argument)
    level, again = words.pop("level"), words.pop("again")
    unit = Unit(**(words | {"path": Path(words["path"]), "out": Path(words["out"])}))
    if unit.only is None and not again and _is_done(unit):
        print(f"{unit.folder().name} {unit.lab}: judged before")
        return 0
    # GNU parallel gives each of the jobs that run at once a number.
    slot = int(os.environ.get("PARALLEL_JOBSLOT", "0"))
    result = Judge(unit, sandbox.choose(slot, level)).judge()
    print(_line(result), flush=True)
    if unit.only is not None:
        print("\n".join(f"{one.outcome}: {one.name}\n{one.message}" for one in result.requirements))
    return 3 if result.state == "error" else 0


def _is_done(unit: Unit) -> bool:
    """Is there a score, for these very files, by this state of the kit?"""
    try:
        result = store.read_result(unit.folder() / f"{unit.lab}.json")
        return result.is_score() and (result.source, result.kit) == (digest(unit.sources()), kit.version())
    except (OSError, BadResult, Rejected):
        return False


def _line(result: Result) -> str:
    if result.state == "error":
        return f"{result.submission} {result.lab}: no verdict, and that is not the submission's fault: {result.error}"
    points = result.count_points()
    undecided = f", {points['undecided']} could not be judged here" if points["undecided"] else ""
    return f"{result.submission} {result.lab}: {points['earned']} of {points['possible']} points{undecided}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
