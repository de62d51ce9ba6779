"""What a result holds, and its JSON, wirelab/result/v1 (result.schema.json); store.py has the files."""

import re
from dataclasses import asdict, dataclass, replace
from typing import Any, Iterator

from .schema import find_faults
from .visible import clean, clean_line, shorten

FORMAT = "wirelab/result/v1"
LAB = re.compile(r"[0-9][0-9]_[a-z0-9_]+")
LIMIT = 8192  # bytes of a message


class BadResult(Exception):
    """A file that is no result; the text says why."""


@dataclass(frozen=True)
class Requirement:
    id: str
    name: str
    program: str
    step: int
    points: int
    hidden: bool
    outcome: str
    kind: str | None = None
    signal: str | None = None
    message: str = ""
    seconds: float = 0
    replay: str = ""

    def decided(self) -> bool:
        return self.outcome in ("passed", "failed")

    def earned(self) -> int:
        return self.points if self.outcome == "passed" else 0


@dataclass(frozen=True)
class Build:
    program: str
    outcome: str
    seconds: float = 0
    diagnostics: str = ""


@dataclass(frozen=True)
class Sandbox:
    level: str
    says: str = ""


@dataclass(frozen=True)
class Result:
    submission: str
    lab: str
    title: str
    kit: str
    state: str
    sandbox: Sandbox
    started: str
    source: str | None = None
    error: str | None = None
    seconds: float = 0
    seed: int = 0
    build: tuple[Build, ...] = ()
    requirements: tuple[Requirement, ...] = ()

    def count_points(self) -> dict[str, int]:
        return {
            "earned": sum(one.earned() for one in self.requirements),
            "possible": sum(one.points for one in self.requirements),
            "undecided": sum(one.points for one in self.requirements if not one.decided()),
        }

    def is_score(self) -> bool:
        return self.state == "complete" and all(one.outcome != "error" for one in self.requirements)


@dataclass(frozen=True)
class Note:
    lab: str
    says: str


@dataclass(frozen=True)
class Submission:
    """All results of a submission, by lab. Problems keep its score back; remarks do not."""
    name: str
    results: tuple[Result, ...] = ()
    problems: tuple[Note, ...] = ()
    remarks: tuple[Note, ...] = ()


def to_json(result: Result) -> dict[str, Any]:
    """The JSON object of a result, its free text made safe and cut to size."""
    tidy = replace(
        result,
        title=shorten(clean_line(result.title), 300),
        error=None if result.error is None else shorten(clean(result.error), LIMIT),
        sandbox=replace(result.sandbox, says=shorten(clean_line(result.sandbox.says), 300)),
        build=tuple(replace(one, diagnostics=shorten(clean(one.diagnostics), LIMIT))
                    for one in result.build),
        requirements=tuple(replace(one, name=shorten(clean_line(one.name), 300),
                                   message=shorten(clean(one.message), LIMIT),
                                   replay=shorten(clean_line(one.replay), 2000))
                           for one in result.requirements))
    value = asdict(tidy)
    value.update(build=list(value["build"]), requirements=list(value["requirements"]))
    return {"format": FORMAT, **value, "points": result.count_points()}


def from_json(value: Any) -> Result:
    for fault in find_faults(value):
        raise BadResult(fault)
    fields = {name: item for name, item in value.items() if name not in ("format", "points")}
    fields["sandbox"] = Sandbox(**value["sandbox"])
    fields["build"] = tuple(Build(**one) for one in value["build"])
    fields["requirements"] = tuple(
        Requirement(**{**one, "points": int(one["points"]), "step": int(one["step"])})
        for one in value["requirements"])
    result = Result(**fields)
    for fault in find_contradictions(result, value["points"]):
        raise BadResult(fault)
    return result


def find_contradictions(result: Result, points: dict[str, int]) -> Iterator[str]:
    """Tells what no schema can: where the parts of a result do not fit together."""
    if points != result.count_points():
        yield f"the points {points} are not those of the requirements, {result.count_points()}"
    if len({one.id for one in result.requirements}) < len(result.requirements):
        yield "two requirements have the same id"
    if (result.state == "error") != (result.error is not None):
        yield "state and error do not agree"
    if result.state == "complete" and any(one.outcome == "waiting" for one in result.requirements):
        yield "it is complete, and a requirement is still waiting"
    for one in result.requirements:
        if (one.kind is not None) != (one.outcome in ("failed", "error")):
            yield f"{one.id} is {one.outcome}, its kind is {one.kind}"
        if one.signal is not None and one.kind != "crashed":
            yield f"{one.id} has a signal, its kind is {one.kind}"
