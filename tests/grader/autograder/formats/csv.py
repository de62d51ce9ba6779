"""A table for gradebooks: one row for each submission, a column for each lab, the total, what was possible.

- An empty cell is no score, never 0: the lab was not graded, the grader failed, or the run was cut short.
  The total is empty as soon as one of its labs is; the last column says why.
- A lab's points include the hidden requirements; it is teachers who read this.
- Text that a spreadsheet would take for a formula begins with an apostrophe, and all text is quoted:
  https://owasp.org/www-community/attacks/CSV_Injection and RFC 4180. UTF-8 without a byte-order mark.
"""

import csv
import io
from typing import Sequence

from ..results import Submission
from ..standing import Standing, judge_result
from ..visible import clean_line

FILE = "grades.csv"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def convert_class(submissions: Sequence[Submission]) -> str:
    labs = sorted({result.lab for one in submissions for result in one.results} |
                  {problem.lab for one in submissions for problem in one.problems})
    text = io.StringIO()
    table = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    table.writerow(["submission", *labs, "total", "possible", "note"])
    for submission in sorted(submissions, key=lambda one: one.name):
        table.writerow(describe_row(submission, labs))
    return text.getvalue()


def describe_row(submission: Submission, labs: Sequence[str]) -> list[str | int]:
    standings = {result.lab: judge_result(result) for result in submission.results}
    scores = {lab: one for lab, one in standings.items() if not one.withheld and not one.is_partial()}
    whole = len(scores) == len(labs)
    return [
        guard(submission.name),
        *(scores[lab].earned if lab in scores else "" for lab in labs),
        sum(one.earned for one in scores.values()) if whole else "",
        sum(one.possible for one in scores.values()) if whole else "",
        guard("; ".join(find_remarks(submission, standings, labs))),
    ]


def find_remarks(submission: Submission, standings: dict[str, Standing], labs: Sequence[str]) -> list[str]:
    remarks = [f"{lab}: {'; '.join(one.withheld) or one.describe()}"
               for lab, one in standings.items() if one.withheld or one.is_partial()]
    remarks += [f"{note.lab}: {note.says}" for note in (*submission.problems, *submission.remarks)]
    known = {*standings, *(problem.lab for problem in submission.problems)}
    return remarks + [f"{lab}: no result" for lab in labs if lab not in known]


def guard(text: str) -> str:
    """No cell of text begins like a formula."""
    text = clean_line(text)
    return f"'{text}" if text.startswith(FORMULA) else text
