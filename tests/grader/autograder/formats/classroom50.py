"""Classroom 50's result.json: https://github.com/foundation50/classroom50/wiki/Advanced-Autograding,
schemas/result-v1.schema.json and runner.py's validate_result() in https://github.com/foundation50/classroom50

- Points are integers; the score is the sum of the tests' scores. The file must not pass 10 MiB, and all
  of a class are collected in one: messages are kept short.
- There is no way to say "not judged": passed is true or false, and scores are numbers. So a score that is
  withheld, or would be partial, gets no file: the command must then end with a status other than 0,
  which the runner reports as an infrastructure error. What is skipped has no row.
- Hidden requirements are one row for each lab, with their points alone.
- Who submitted what comes from the environment that the runner gives to an autograder. It puts in
  `owner`, `assignment_type` and the time of the submission itself.
"""

import json
import os
from typing import Any, Mapping

from ..results import Result, Submission
from ..standing import find_visible, judge_hidden, judge_submission
from ..visible import clean, clean_line, render_within, shorten
from ..wording import explain, tell_builds

FILE = "classroom50.json"
CAP = 256 * 1024
FIELDS = {"classroom": "CLASSROOM", "assignment": "ASSIGNMENT", "submission": "SUBMISSION_TAG",
          "commit": "COMMIT_URL", "release": "RELEASE_URL"}


class NoRunner(Exception):
    """The environment is not that of Classroom 50's runner."""


def convert(submission: Submission, environment: Mapping[str, str] = os.environ) -> str | None:
    """None: there is no score, and no file must be left that says otherwise."""
    missing = [name for name in FIELDS.values() if not environment.get(name)]
    if missing:
        raise NoRunner(f"Classroom 50's runner sets {', '.join(missing)}; this is not run by it")
    standing = judge_submission(submission)
    if standing.withheld or standing.is_partial():
        return None
    return render_within(CAP, lambda limit: json.dumps(
        describe(submission, environment, min(limit, 2048)), ensure_ascii=False, indent=1) + "\n")


def describe(submission: Submission, environment: Mapping[str, str], limit: int) -> dict[str, Any]:
    tests = [row for result in submission.results for row in describe_lab(result, limit)]
    return {
        "schema": "classroom50/result/v1",
        **{field: environment[name] for field, name in FIELDS.items()},
        **name_owner(environment),
        "review": environment.get("REVIEW_URL") or environment["COMMIT_URL"],
        "datetime": max(result.started for result in submission.results),
        "score": sum(row["score"] for row in tests),
        "max-score": sum(row["max-score"] for row in tests),
        "tests": tests,
    }


def name_owner(environment: Mapping[str, str]) -> dict[str, str]:
    owner = environment.get("OWNER") or environment.get("USERNAME")
    kind = environment.get("ASSIGNMENT_TYPE")
    return {**({"assignment_type": kind} if kind else {}), **({"owner": owner} if owner else {})}


def describe_lab(result: Result, limit: int) -> list[dict[str, Any]]:
    rows = []
    for one in find_visible(result):
        if not one.decided():
            continue
        row = describe_row(f"{result.lab}: {clean_line(one.name)}", one.earned(), one.points)
        row["passed"] = one.outcome == "passed"
        if one.outcome == "failed":
            row["message"] = f"{explain(one)}\n{shorten(clean(one.message), limit)}".strip()
        rows.append(row)
    if rows and (builds := tell_builds(result, limit)):
        rows[0]["message"] = "\n".join([rows[0].get("message", ""), *builds]).strip()
    hidden = judge_hidden(result)
    if hidden and hidden.possible:
        rows.append(describe_row(f"{result.lab}: hidden requirements", hidden.earned, hidden.possible))
    return rows


def describe_row(name: str, score: int, maximum: int) -> dict[str, Any]:
    return {"test-name": name, "passed": score == maximum, "score": score, "max-score": maximum}
