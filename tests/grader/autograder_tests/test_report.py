"""The class report: what it counts, and that it is a page that needs nothing else."""

import unittest
from dataclasses import replace
from html.parser import HTMLParser

from autograder import report
from autograder.tally import tally_labs

from . import load_samples

SAMPLES = load_samples()
EMPTY = {"meta", "wbr"}


class Page(HTMLParser):
    """Checks that elements nest, and collects what is seen without unfolding anything."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.shown = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        for name, value in attributes:
            assert name not in ("src", "srcset") and not name.startswith("on"), (tag, name)
            if name == "id":
                self.ids.add(value or "")
            if name == "href":
                self.links.add(value or "")
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open and ("details" not in self.open or "summary" in self.open):
            self.shown += data


class ReportTest(unittest.TestCase):
    def setUp(self) -> None:
        self.text = report.render(list(SAMPLES.values()))
        self.page = Page(self.text)

    def test_the_page_stands_alone(self) -> None:
        self.assertEqual(self.page.open, [])
        self.assertFalse(self.page.seen & {"script", "img", "link", "iframe", "object", "form", "base", "i", "b"})
        self.assertEqual({link for link in self.page.links if not link.startswith("#")}, set())
        self.assertLessEqual({link[1:] for link in self.page.links}, self.page.ids)
        self.assertNotIn("url(", self.text)

    def test_hidden_requirements_are_folded_away(self) -> None:
        for secret in ("survives a client that resets", "SECRET"):
            self.assertIn(secret, self.text)
            self.assertNotIn(secret, self.page.shown)

    def test_counts(self) -> None:
        fortune, lines = tally_labs(list(SAMPLES.values()))
        first, second, third, hidden = fortune.requirements
        self.assertEqual([(one.passed, one.failed, one.unjudged) for one in (first, second, third, hidden)],
                         [(4, 1, 0), (1, 3, 1), (1, 2, 2), (2, 2, 1)])
        self.assertEqual({name: (place.state, place.step) for name, place in fortune.places.items()}, {
            "alice": ("done", 0), "=cmd() & sons": ("started", 2), "carol": ("unscored", 0),
            "dave": ("unscored", 2), "erin": ("unbuilt", 1)})
        self.assertEqual([(failure.what, failure.kind, len(failure.submissions)) for failure in lines.failures],
                         [("line_server", "build failed", 1), ("The server splits lines", "closed early", 1),
                          ("line_server", "rejected", 1)])

    def test_the_most_common_failure_comes_first(self) -> None:
        late = [replace(SAMPLES["dave"], name=name, results=(replace(SAMPLES["dave"].results[1], submission=name),))
                for name in ("x", "y")]
        lines = tally_labs([*SAMPLES.values(), *late])[1]
        self.assertEqual([(failure.kind, len(failure.submissions)) for failure in lines.failures],
                         [("closed early", 3), ("build failed", 1), ("rejected", 1)])

    def test_the_graders_errors_stand_apart(self) -> None:
        part = self.text.split('<section id="troubles">')[1].split("</section>")[0]
        for says in ("cannot start tcpdump", "&lt;bwrap&gt; no space left", "the run was cut short",
                     "the older score stands"):
            self.assertIn(says, part)

    def test_a_class_without_anybody(self) -> None:
        self.assertEqual(Page(report.render([])).open, [])

    def test_many_submissions(self) -> None:
        many = [replace(SAMPLES["dave"], name=f"student{number:03}", results=tuple(
            replace(result, submission=f"student{number:03}") for result in SAMPLES["dave"].results))
            for number in range(300)]
        text = report.render(many)
        self.assertEqual(Page(text).open, [])
        self.assertLess(len(text), 400_000)
