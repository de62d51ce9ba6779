"""PrairieLearn's results.json: https://docs.prairielearn.com/externalGrading/#grading-results

- `score` is a number from 0 to 1. A score that is withheld is `"gradable": false` with format_errors:
  no points are awarded or lost, and the attempt does not count.
- Test cases are for the element pl-external-grader-results, which drops all points as soon as one test
  case has none. So what is not judged has 0 of 0 points, which the element shows as neither right nor wrong.
- Hidden requirements have no row of their own, just one for all of them with their points, for the
  element adds up the rows. Their names, number and messages are not in the file.
- A partial score counts what was not run yet as possible: else who stops the run would gain by it.
- The file must stay under 1 MB. The element escapes markup, and turns colour codes into colours;
  we leave none. The database behind it takes no NUL.
"""

import json
from typing import Any

from ..results import Requirement, Result, Submission
from ..standing import Standing, find_visible, judge_hidden, judge_submission
from ..visible import clean, clean_line, render_within, shorten
from ..wording import explain, tell_builds

FILE = "prairielearn.json"
CAP = 900_000


def convert(submission: Submission) -> str:
    return render_within(CAP, lambda limit: json.dumps(
        describe(submission, limit), ensure_ascii=False, indent=1) + "\n")


def describe(submission: Submission, limit: int) -> dict[str, Any]:
    standing = judge_submission(submission)
    if standing.withheld or standing.possible == 0:
        nothing = "no score: nothing could be judged on this machine"
        verdict = {"gradable": False, "format_errors": [standing.describe() if standing.withheld else nothing]}
    else:
        verdict = {"gradable": True, "score": divide(standing.earned, standing.possible)}
    builds = [f"{result.lab}: {text}" for result in submission.results for text in tell_builds(result, limit)]
    return {
        **verdict,
        "message": summarize(submission, standing),
        **({"output": "\n\n".join(builds)} if builds else {}),
        "tests": [row for result in submission.results for row in describe_lab(result, limit)],
    }


def divide(earned: int, possible: int) -> float:
    """Rounds down, for 1 means that everything passed."""
    return earned * 1_000_000 // possible / 1_000_000


def summarize(submission: Submission, standing: Standing) -> str:
    lines = [f"{result.lab}: judged in the sandbox {clean_line(result.sandbox.level)}, "
             f"{clean_line(result.sandbox.says)}" for result in submission.results]
    return "\n".join([standing.describe(), *lines])


def describe_lab(result: Result, limit: int) -> list[dict[str, Any]]:
    rows = [describe_requirement(result, one, limit) for one in find_visible(result)]
    hidden = judge_hidden(result)
    if hidden:
        rows.append({
            "name": f"{result.lab}: hidden requirements",
            "points": hidden.earned,
            "max_points": hidden.possible - hidden.waiting,
        })
    return rows


def describe_requirement(result: Result, one: Requirement, limit: int) -> dict[str, Any]:
    row = {
        "name": f"{result.lab}: {clean_line(one.name)}",
        "points": one.earned(),
        "max_points": one.points if one.decided() else 0,
        "message": explain(one),
    }
    if one.message:
        row["output"] = shorten(clean(one.message), limit)
    if one.outcome == "failed" and one.replay:
        row["description"] = f"Run it again: {clean_line(one.replay)}"
    return row
