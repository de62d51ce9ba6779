"""JUnit XML, as GitLab, Jenkins and others read it: https://docs.gitlab.com/ci/testing/unit_test_reports/
and https://github.com/jenkinsci/xunit-plugin (junit-10.xsd); there is no one standard.

- A test case is known by classname and name together; of two that are the same GitLab takes the first.
  classname is the lab and the program, and a name that occurs twice gets a number.
- GitLab shows the text in the element, others its attribute `message`: both hold all of it.
- failed is a <failure>. error is an <error>, and so is a result that is one: reports count these apart.
  skipped and waiting are <skipped>. What does not build is a test case that fails. There are no scores.
- Hidden requirements are left out, and are not in the counts.
- Only characters that XML 1.0 allows; GitLab takes 30 MB, ours is 5 MB at most.
"""

import xml.etree.ElementTree as xml

from ..results import Result, Submission
from ..standing import find_visible
from ..visible import clean, clean_line, render_within, shorten
from ..wording import tell, tell_builds

FILE = "junit.xml"
CAP = 5_000_000
ELEMENTS = {"failed": "failure", "error": "error", "skipped": "skipped", "waiting": "skipped"}


def convert(submission: Submission) -> str:
    return render_within(CAP, lambda limit: render(submission, limit))


def render(submission: Submission, limit: int) -> str:
    root = xml.Element("testsuites", name=clean_line(submission.name))
    for result in submission.results:
        add_suite(root, result, limit)
    for problem in submission.problems:
        suite = xml.SubElement(root, "testsuite", name=problem.lab)
        add_case(suite, problem.lab, "the grader", 0, "error", "grader", clean_line(problem.says))
        add_counts(suite)
    add_counts(root)
    xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{xml.tostring(root, encoding="unicode")}\n'


def add_suite(root: xml.Element, result: Result, limit: int) -> None:
    suite = xml.SubElement(root, "testsuite", name=result.lab, timestamp=result.started.rstrip("Z"))
    for text in tell_builds(result, limit):
        add_case(suite, result.lab, text.splitlines()[0].rstrip(":"), 0, "failure", "build failed", text)
    used: set[tuple[str, str]] = set()
    for one in find_visible(result):
        classname = f"{result.lab}.{clean_line(one.program)}"
        name = make_unique(classname, clean_line(one.name), used)
        add_case(suite, classname, name, one.seconds, ELEMENTS.get(one.outcome),
                 one.kind or one.outcome, tell(one, limit))
    if result.state == "error":
        text = shorten(clean(result.error or ""), limit)
        add_case(suite, result.lab, "the grader", 0, "error", "grader", text)
    add_counts(suite)


def make_unique(classname: str, name: str, used: set[tuple[str, str]]) -> str:
    number, unique = 1, name
    while (classname, unique) in used:
        number += 1
        unique = f"{name} ({number})"
    used.add((classname, unique))
    return unique


def add_case(suite: xml.Element, classname: str, name: str, seconds: float,
             element: str | None, kind: str, text: str) -> None:
    case = xml.SubElement(suite, "testcase", classname=classname, name=name, time=f"{seconds:.3f}")
    if element == "skipped":
        xml.SubElement(case, element, message=text).text = text
    elif element:
        xml.SubElement(case, element, message=text, type=kind).text = text


def add_counts(element: xml.Element) -> None:
    element.set("tests", str(len(element.findall(".//testcase"))))
    for name in ("failure", "error", "skipped"):
        plural = {"failure": "failures", "error": "errors"}.get(name, name)
        element.set(plural, str(len(element.findall(f".//{name}"))))
    seconds = sum(float(case.get("time", 0)) for case in element.iter("testcase"))
    element.set("time", f"{seconds:.3f}")
