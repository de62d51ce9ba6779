"""The class report: one HTML page about all submissions, for teachers.

It needs nothing from outside and no script. What is about hidden requirements is folded away, so that
it is not on the wall when the page is. All text is escaped, and the page may load nothing, should
an escape ever be missing.
"""

from html import escape
from pathlib import Path
from statistics import median
from typing import Iterable, Sequence

from .results import Submission
from .standing import count
from .tally import Failure, LabTally, Place, RequirementTally, tally_labs
from .visible import clean, clean_line, shorten

FILE = "report.html"
MOST = 5  # failures of a lab that are shown at first
MOST_TROUBLES = 50
STATES = {  # the sign, its name, and what it means
    "done": ("✓", "done", "all requirements that could be judged passed"),
    "started": ("◐", "step", "some passed; the number is the first step that fails"),
    "nothing": ("✗", "no points", "it builds, and has no points yet"),
    "unbuilt": ("⚠", "not built", "what failed is missing or does not build"),
    "unscored": ("!", "no score", "the grader failed or was cut short"),
    "absent": ("–", "no result", "not graded"),
}
ORDER = ("unscored", "unbuilt", "nothing", "started", "done")
CLOCK = str.maketrans({"T": " ", "Z": " UTC"})
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p class="soft">{summary}</p>
</header>
<nav aria-label="Parts of this page">{links}</nav>
<main>
{parts}
</main>
</body>
</html>
"""


def write(text: str) -> str:
    """Text for the page: in one line, without what could hide or turn it, and escaped."""
    return escape(clean_line(text))


def render(submissions: Sequence[Submission], title: str = "Class report") -> str:
    labs = tally_labs(submissions)
    parts = [render_overview(labs), render_troubles(submissions),
             *(render_lab(lab) for lab in labs), render_matrix(submissions, labs)]
    anchors = [("overview", "Overview"), ("troubles", "The grader's own errors"),
               *((lab.lab, lab.lab) for lab in labs), ("matrix", "Who is where")]
    started = max((result.started for one in submissions for result in one.results), default="never")
    return PAGE.format(
        title=write(title),
        style=Path(__file__).with_name("report.css").read_text(encoding="utf-8"),
        summary=f"{count(len(submissions), 'submission')}, {count(len(labs), 'lab')}, "
                f"last graded {write(started.translate(CLOCK))}",
        links=" ".join(f'<a href="#{anchor}">{write(text)}</a>' for anchor, text in anchors),
        parts="\n".join(parts))


def render_table(caption: str, heads: Iterable[str], rows: Iterable[str]) -> str:
    """Heads that begin with # are of columns with numbers."""
    cells = "".join(f'<th scope="col" class="number">{head[1:]}</th>' if head.startswith("#") else
                    f'<th scope="col">{head}</th>' for head in heads)
    return (f'<div class="scroll"><table><caption>{caption}</caption><thead><tr>{cells}</tr></thead>\n'
            f'<tbody>\n{chr(10).join(rows)}\n</tbody></table></div>')


def render_mark(state: str, number: int = 0, named: bool = False) -> str:
    """A sign, with its name seen or only read out, and the number of a step."""
    sign, name, meaning = STATES[state]
    words = name if named else f'<span class="unseen">{name}</span>'
    return f'<span class="mark {state}" title="{escape(meaning)}">{sign} {words}{f" {number}" if number else ""}</span>'


def get_step(place: Place) -> int:
    return place.step if place.state == "started" else 0


def render_share(part: int, whole: int) -> str:
    percent = 100 * part // whole if whole else 0
    return (f'{part} of {whole}<span class="bar" aria-hidden="true">'
            f'<span style="width: {percent}%"></span></span>')


def render_overview(labs: Sequence[LabTally]) -> str:
    rows = []
    for lab in labs:
        scores = [100 * place.standing.earned / place.standing.possible for place in lab.places.values()
                  if place.state != "unscored" and place.standing.possible]
        states = [place.state for place in lab.places.values()]
        middle = f"{median(scores):.0f} %" if scores else "–"
        rows.append(
            f'<tr><th scope="row"><a href="#{lab.lab}">{lab.lab}</a> {write(lab.title)}</th>'
            f'<td>{render_share(states.count("done"), len(states))}</td><td class="number">{middle}</td>'
            f'<td class="number">{states.count("unbuilt")}</td>'
            f'<td class="number">{states.count("unscored")}</td></tr>')
    table = render_table("How many are done with each lab, and the share of its points that half of them have",
                         ["Lab", "Done", "#Half have", "#Not built", "#No score"], rows)
    return f'<section id="overview"><h2>Overview</h2>\n{table}</section>'


def render_troubles(submissions: Sequence[Submission]) -> str:
    """What is not the submissions' fault, apart from what is."""
    rows = [f'<tr><th scope="row" class="name">{write(one.name)}</th>'
            f'<td>{write(lab).replace("_", "_<wbr>")}</td><td>{write(shorten(text, 600))}</td></tr>'
            for one in submissions for lab, text in find_troubles(one)]
    heads = ["Submission", "Lab", "What happened"]
    body = "<p>None: every result is a score.</p>"
    if rows:
        body = render_table("None of these counts as 0. Run them again.", heads, rows[:MOST_TROUBLES])
    if rest := rows[MOST_TROUBLES:]:
        body += fold(f"{len(rest)} more", render_table("The rest", heads, rest))
    return f'<section id="troubles"><h2>The grader’s own errors</h2>\n{body}</section>'


def fold(summary: str, body: str) -> str:
    return f"<details><summary>{summary}</summary>{body}</details>"


def find_troubles(submission: Submission) -> list[tuple[str, str]]:
    troubles = []
    for result in submission.results:
        if result.state == "error":
            troubles.append((result.lab, result.error or ""))
        elif result.state == "running":
            troubles.append((result.lab, "the run was cut short"))
        troubles += [(result.lab, f"{'a hidden requirement' if one.hidden else one.name}: {one.message}")
                     for one in result.requirements if one.outcome == "error"]
    return troubles + [(note.lab, note.says) for note in (*submission.problems, *submission.remarks)]


def render_lab(lab: LabTally) -> str:
    visible = [tally for tally in lab.requirements if not tally.requirement.hidden]
    hidden = [tally for tally in lab.requirements if tally.requirement.hidden]
    folded = [render_requirements(f"{count(len(hidden), 'hidden requirement')}", hidden)] if hidden else []
    folded += [render_failure(failure) for failure in lab.failures if failure.hidden][:MOST]
    secret = fold("Hidden requirements, for teachers", "".join(folded)) if folded else ""
    shown = [failure for failure in lab.failures if not failure.hidden]
    rest = shown[MOST:]
    more = fold(count(len(rest), "less common failure"), "".join(map(render_failure, rest))) if rest else ""
    common = "".join(map(render_failure, shown[:MOST])) or "<p>No failures.</p>"
    return (f'<section id="{lab.lab}"><h2>{lab.lab} {write(lab.title)}</h2>\n'
            f"{render_requirements('How many submissions pass each requirement', visible)}\n{secret}\n"
            f"<h3>Where they are stuck</h3>\n{render_places(lab.places)}\n"
            f"<h3>The most common failures</h3>\n{common}{more}</section>")


def render_requirements(caption: str, tallies: Sequence[RequirementTally]) -> str:
    return render_table(caption, ["#Step", "Requirement", "Passed", "#Not judged"], (
        f'<tr><td class="number">{tally.requirement.step}</td>'
        f'<th scope="row">{write(tally.requirement.name)} '
        f'<span class="soft">({count(tally.requirement.points, "point")})</span></th>'
        f'<td>{render_share(tally.passed, tally.passed + tally.failed)}</td>'
        f'<td class="number">{tally.unjudged}</td></tr>'
        for tally in tallies))


def render_failure(failure: Failure) -> str:
    text = escape(shorten(clean(failure.example), 2000))
    example = fold(f"an example: {write(failure.of)}", f"<pre>{text}</pre>")
    return (f'<div class="failure"><strong>{len(failure.submissions)} ×</strong> {write(failure.what)}: '
            f'{write(failure.kind)}{example if text else ""}</div>\n')


def render_places(places: dict[str, Place]) -> str:
    groups: dict[tuple[int, int], list[str]] = {}
    for name, place in sorted(places.items()):
        groups.setdefault((ORDER.index(place.state), get_step(place)), []).append(name)
    rows = [f'<tr><td class="narrow">{render_mark(ORDER[state], step, named=True)}</td>'
            f'<td class="number narrow">{len(names)}</td><td>{fold_names(names)}</td></tr>'
            for (state, step), names in sorted(groups.items())]
    return render_table("The first step with a failure, and who is there", ["Where", "#How many", "Who"], rows)


def fold_names(names: Sequence[str]) -> str:
    text = ", ".join(write(name) for name in names)
    return text if len(names) <= 8 else fold(count(len(names), "name"), text)


def render_matrix(submissions: Sequence[Submission], labs: Sequence[LabTally]) -> str:
    heads = "".join(f'<th scope="col">{lab.lab.replace("_", "_<wbr>")}</th>' for lab in labs)
    rows = "\n".join(f'<tr><th scope="row">{write(one.name)}</th>'
                     f'{"".join(render_cell(lab.places.get(one.name)) for lab in labs)}</tr>' for one in submissions)
    legend = "".join(f"<li>{render_mark(state, named=True)} {escape(STATES[state][2])}</li>" for state in STATES)
    return (f'<section id="matrix"><h2>Who is where</h2>\n<ul class="legend">{legend}</ul>\n'
            f'<div class="matrix" tabindex="0" role="region" aria-label="Who is where"><table>'
            f"<caption>Each submission in each lab</caption>"
            f'<thead><tr><th scope="col">Submission</th>{heads}</tr></thead>\n'
            f"<tbody>\n{rows}\n</tbody></table></div></section>")


def render_cell(place: Place | None) -> str:
    if place is None:
        return f"<td>{render_mark('absent')}</td>"
    return f"<td>{render_mark(place.state, get_step(place))}</td>"
