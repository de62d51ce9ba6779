"""Autolab's feedback, text that ends in an autoresult:
https://docs.autolabproject.com/lab/#writing-autograders

- Students read all of it. The last line is JSON: the points of each problem. Define a problem named as
  the lab, as in 02_fortune, for each; Autolab refuses the scores of problems that it does not know.
- A line before the last that is JSON may change how the rest is shown
  (https://docs.autolabproject.com/features/formatted-feedback/). What programs print is indented behind a
  bar, and a line of ours stands before the last, so nothing of theirs is ever in that place.
- A lab whose score is withheld has no key in "scores": an older score of it stands. If no lab has one,
  each stands there as null, for with no scores at all Autolab records a 0. This is from Autolab's
  source, not from its documents: https://github.com/autolab/Autolab, app/controllers/assessment/autograde.rb
- Autolab rewrites `word:` in the last line to `"word":`. Ours holds names of labs and numbers only.
- Hidden requirements are told as one line of points for each lab, without names, number and messages.
- Tango keeps the first and the last half of 1,000 KiB of output (MAX_OUTPUT_FILE_SIZE): ours is half as long.
"""

import json

from ..results import Requirement, Result, Submission
from ..standing import find_visible, judge_hidden, judge_result
from ..visible import clean, clean_line, render_within, shorten
from ..wording import explain, tell_builds

FILE = "autolab.txt"
CAP = 500_000


def convert(submission: Submission) -> str:
    return render_within(CAP, lambda limit: "\n".join([
        *(line for result in submission.results for line in describe_lab(result, limit)),
        *(f"{problem.lab}: no score: {clean_line(problem.says)}\n" for problem in submission.problems),
        "----- the points of each lab, for Autolab -----",
        write_autoresult(submission),
    ]) + "\n")


def write_autoresult(submission: Submission) -> str:
    standings = {result.lab: judge_result(result) for result in submission.results}
    scores = {lab: one.earned for lab, one in standings.items() if not one.withheld}
    if scores and len(scores) == len(standings) and not submission.problems:
        # One column for each lab and one for the sum, if a scoreboard has been set up with these.
        return json.dumps({"scores": scores, "scoreboard": [*scores.values(), sum(scores.values())]})
    missing = [*standings, *(problem.lab for problem in submission.problems)]
    return json.dumps({"scores": scores or dict.fromkeys(missing)})


def describe_lab(result: Result, limit: int) -> list[str]:
    lines = [f"{result.lab}: {clean_line(result.title)}",
             f"(sandbox {clean_line(result.sandbox.level)}: {clean_line(result.sandbox.says)})"]
    for text in tell_builds(result, limit):
        head, *rest = text.splitlines()
        lines += [f"  {head}", *(f"      | {line}" for line in rest)]
    for one in find_visible(result):
        lines += describe_requirement(one, limit)
    hidden = judge_hidden(result)
    if hidden:
        lines.append(f"  hidden requirements: {hidden.earned} of {hidden.possible} points")
    return [*lines, f"  all: {judge_result(result).describe()}", ""]


def describe_requirement(one: Requirement, limit: int) -> list[str]:
    points = f"{one.earned()}/{one.points}" if one.decided() else "-"
    outcome = one.outcome.upper() if one.outcome == "failed" else one.outcome
    lines = [f"  {outcome:8}{points:>6}  {clean_line(one.name)}"]
    if one.outcome == "passed":
        return lines
    lines.append(f"      {explain(one)}")
    lines += [f"      | {line}" for line in shorten(clean(one.message), limit).splitlines()]
    if one.outcome == "failed" and one.replay:
        lines.append(f"      run it again: {clean_line(one.replay)}")
    return lines
