"""What may be told to a gradebook: the one place that decides about scores.

- passed earns the points, failed loses them.
- error, of a requirement or of a whole result: the grader's own fault. The score is withheld, which
  is not 0: every converter says in its own way that there is none, and to run it again.
- skipped: this machine cannot judge it. It counts neither as earned nor as possible.
- waiting: the run was cut short. What is earned so far is a partial score, and is called that.
"""

from dataclasses import dataclass
from typing import Iterable

from .results import Requirement, Result, Submission
from .visible import clean_line


@dataclass(frozen=True)
class Standing:
    earned: int = 0
    possible: int = 0
    waiting: int = 0
    withheld: tuple[str, ...] = ()  # why there is no score

    def is_partial(self) -> bool:
        return self.waiting > 0

    def describe(self) -> str:
        if self.withheld:
            return f"no score: {'; '.join(self.withheld)}. This is not the submission's fault: run it again."
        if self.is_partial():
            return (f"{self.earned} of {self.possible} points so far: the run was cut short with "
                    f"{count(self.waiting, 'point')} still to be judged")
        return f"{self.earned} of {count(self.possible, 'point')}"


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def judge_requirements(requirements: Iterable[Requirement], withheld: tuple[str, ...] = ()) -> Standing:
    """Adds up the points; waiting ones are possible, skipped ones are not."""
    ones = [one for one in requirements if one.outcome != "skipped"]
    return Standing(
        earned=sum(one.earned() for one in ones),
        possible=sum(one.points for one in ones),
        waiting=sum(one.points for one in ones if one.outcome == "waiting"),
        withheld=withheld)


def judge_result(result: Result) -> Standing:
    withheld: tuple[str, ...] = ()
    if result.state == "error":
        withheld = (f"the grader failed ({clean_line(result.error or '')})",)
    elif any(one.outcome == "error" for one in result.requirements):
        withheld = ("the grader failed at a requirement",)
    return judge_requirements(result.requirements, withheld)


def judge_submission(submission: Submission) -> Standing:
    """The sum over all labs; one that has no score keeps back the whole."""
    standings = [(result.lab, judge_result(result)) for result in submission.results]
    withheld = [f"{lab}: {reason}" for lab, one in standings for reason in one.withheld]
    withheld += [f"{problem.lab}: {clean_line(problem.says)}" for problem in submission.problems]
    if not standings and not withheld:
        withheld = ["there is no result"]
    return Standing(
        earned=sum(one.earned for _, one in standings),
        possible=sum(one.possible for _, one in standings),
        waiting=sum(one.waiting for _, one in standings),
        withheld=tuple(withheld))


def find_visible(result: Result) -> list[Requirement]:
    return [one for one in result.requirements if not one.hidden]


def judge_hidden(result: Result) -> Standing | None:
    """The hidden requirements as a whole, None if there are none."""
    hidden = [one for one in result.requirements if one.hidden]
    return judge_requirements(hidden) if hidden else None
