"""Gradescope's results.json: https://gradescope-autograders.readthedocs.io/en/latest/specs/

- A hidden requirement has `"visibility": "hidden"`: only instructors see it. Students then see no total
  score either ("If test cases are hidden, students will not be able to see their total score"), so the
  text at the top tells nothing that counts hidden points.
- The top-level score overrides the sum of the test cases'. A score that is withheld is left out, there
  and in every test case: no 0 is recorded, and the text at the top says to run it again.
- A requirement that is not judged has no score, no max_score and no status.
- All formats are "text", the one that shows markup as it is written.
- The page gives no limit of size; ours is a megabyte. (It does give limits of time: 10 minutes at
  first, at most 40, and after that a submission gets 0: stop before it.)
"""

import json
from typing import Any

from ..results import Requirement, Result, Submission
from ..standing import Standing, find_visible, judge_requirements, judge_submission
from ..visible import clean_line, render_within
from ..wording import tell, tell_builds

FILE = "gradescope.json"
CAP = 1_000_000


def convert(submission: Submission) -> str:
    return render_within(CAP, lambda limit: json.dumps(
        describe(submission, limit), ensure_ascii=False, indent=1) + "\n")


def describe(submission: Submission, limit: int) -> dict[str, Any]:
    standing = judge_submission(submission)
    tests = [describe_requirement(result, one, standing, limit)
             for result in submission.results for one in result.requirements]
    formats = {name: "text" for name in ("output_format", "test_output_format", "test_name_format")}
    score = {} if standing.withheld else {"score": standing.earned}
    return {
        **score,
        "execution_time": round(sum(result.seconds for result in submission.results), 1),
        "output": summarize(submission, standing, limit),
        **formats,
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def summarize(submission: Submission, standing: Standing, limit: int) -> str:
    """What a student reads first; without a word about hidden requirements."""
    visible = judge_requirements(one for result in submission.results for one in find_visible(result))
    lines = []
    if standing.withheld:
        reason = standing.describe()
        lines.append(reason[0].upper() + reason[1:])
    elif standing.is_partial():
        lines.append("This is a partial score: the run was cut short. Run it again.")
    lines.append(f"The requirements below: {visible.earned} of {visible.possible} points.")
    lines += [f"{result.lab} was judged in the sandbox {clean_line(result.sandbox.level)}: "
              f"{clean_line(result.sandbox.says)}" for result in submission.results]
    lines += [f"\n{result.lab}: {text}" for result in submission.results for text in tell_builds(result, limit)]
    return "\n".join(lines)


def describe_requirement(result: Result, one: Requirement, standing: Standing, limit: int) -> dict[str, Any]:
    judged = {}
    if one.decided():
        judged = {"status": one.outcome}
        if not standing.withheld:
            judged = {"score": one.earned(), "max_score": one.points, **judged}
    return {
        **judged,
        "name": f"{result.lab}: {clean_line(one.name)}",
        "output": tell(one, limit),
        "tags": [result.lab],
        "visibility": "hidden" if one.hidden else "visible",
    }
