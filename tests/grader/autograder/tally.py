"""Counts over a class: what passed, which failures are common, who is where."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Iterable, Sequence

from .results import Requirement, Result, Submission
from .standing import Standing, judge_result
from .wording import explain

OF_A_PROGRAM = ("build failed", "program missing", "rejected")


@dataclass
class RequirementTally:
    requirement: Requirement
    passed: int = 0
    failed: int = 0
    unjudged: int = 0


@dataclass
class Failure:
    """A failure that several submissions share, and the message that one of them got."""
    what: str
    kind: str
    hidden: bool
    example: str
    of: str
    submissions: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Place:
    """Where a submission is in a lab."""
    state: str  # done, started, nothing, unbuilt, unscored
    step: int   # the first that fails, 0 if none does
    standing: Standing


@dataclass
class LabTally:
    lab: str
    title: str
    places: dict[str, Place]
    requirements: list[RequirementTally]
    failures: list[Failure]


def tally_labs(submissions: Sequence[Submission]) -> list[LabTally]:
    by_lab: dict[str, list[Result]] = defaultdict(list)
    for submission in submissions:
        for result in submission.results:
            by_lab[result.lab].append(result)
    return [tally_lab(lab, by_lab[lab]) for lab in sorted(by_lab)]


def tally_lab(lab: str, results: Sequence[Result]) -> LabTally:
    return LabTally(
        lab=lab,
        title=results[0].title,
        places={result.submission: find_place(result) for result in results},
        requirements=count_requirements(results),
        failures=collect_failures(results))


def find_place(result: Result) -> Place:
    standing = judge_result(result)
    failing = [one for one in result.requirements if one.outcome == "failed"]
    step = min((one.step for one in failing), default=0)
    if standing.withheld or standing.is_partial():
        return Place("unscored", step, standing)
    if not failing:
        return Place("done", 0, standing)
    if all(one.kind in OF_A_PROGRAM for one in failing):
        return Place("unbuilt", step, standing)
    return Place("started" if standing.earned else "nothing", step, standing)


def count_requirements(results: Iterable[Result]) -> list[RequirementTally]:
    tallies: dict[str, RequirementTally] = {}
    for result in results:
        for one in result.requirements:
            tally = tallies.setdefault(one.id, RequirementTally(one))
            if one.outcome == "passed":
                tally.passed += 1
            elif one.outcome == "failed":
                tally.failed += 1
            else:
                tally.unjudged += 1
    return sorted(tallies.values(), key=lambda tally: tally.requirement.step)


def collect_failures(results: Iterable[Result]) -> list[Failure]:
    """The most common first. One cause is one failure: a program that does not build fails all its tests."""
    failures: dict[tuple[str, str], Failure] = {}
    for result in sorted(results, key=lambda result: result.submission):
        diagnostics = {one.program: one.diagnostics for one in result.build}
        for one in result.requirements:
            if one.outcome != "failed":
                continue
            what, example = describe(one, diagnostics)
            failure = failures.setdefault((what, explain(one)), Failure(
                what, explain(one), one.hidden and what == one.name, example, result.submission))
            failure.submissions.add(result.submission)
    return sorted(failures.values(), key=lambda failure: -len(failure.submissions))


def describe(one: Requirement, diagnostics: dict[str, str]) -> tuple[str, str]:
    """What failed, and an example."""
    if one.kind in OF_A_PROGRAM:
        return one.program or "the submission", diagnostics.get(one.program) or one.message
    if one.kind == "not done yet":
        return f"step {one.step}", one.message
    return one.name, one.message
