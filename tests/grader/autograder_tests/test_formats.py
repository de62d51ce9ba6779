"""Every converter against its golden files and against the rules of its platform."""

import csv
import io
import json
import os
import tempfile
import unittest
import xml.etree.ElementTree as xml
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Callable
from unittest import mock

from autograder import report
from autograder.formats import NAMES, autolab, classroom50, gradescope, junit, prairielearn, write_formats
from autograder.formats import csv as gradebook
from autograder.results import Submission
from autograder.visible import UNSAFE

from . import GOLDEN, load_samples

RUNNER = {"CLASSROOM": "networks", "ASSIGNMENT": "lines", "SUBMISSION_TAG": "submit/2026-11-20T19-58-00Z-a1b2c3d",
          "COMMIT_URL": "https://example.org/commit/a1b2c3d", "RELEASE_URL": "https://example.org/releases/1",
          "OWNER": "alice", "ASSIGNMENT_TYPE": "individual"}
FILES = ("classroom50.json", "autolab.txt", "gradescope.json", "junit.xml", "prairielearn.json")
SECRETS = ("The server survives a client that resets", "SECRET", "survives-a-reset")
CONVERTERS: dict[str, Callable[[Submission], str | None]] = {
    "gradescope": gradescope.convert,
    "prairielearn": prairielearn.convert,
    "autolab": autolab.convert,
    "classroom50": lambda submission: classroom50.convert(submission, RUNNER),
    "junit": junit.convert,
}
SAMPLES = load_samples()


def convert(name: str, submission: str) -> str:
    text = CONVERTERS[name](SAMPLES[submission])
    assert text is not None
    return text


def grow(submission: Submission) -> Submission:
    """Five hundred requirements that fail with as much text as a result can hold."""
    result = submission.results[0]
    one = replace(result.requirements[1], message="<&\"\\\n" * 1600)
    many = tuple(replace(one, id=f"02_fortune/{number}") for number in range(500))
    return replace(submission, results=(replace(result, requirements=many),))


class GoldenTest(unittest.TestCase):
    def hold(self, path: str, text: str | None) -> None:
        file = GOLDEN / path
        if os.environ.get("WIRELAB_UPDATE_GOLDEN"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.unlink(missing_ok=True)
            if text is not None:
                file.write_bytes(text.encode())
        golden = file.read_bytes().decode() if file.exists() else None
        self.assertEqual(text, golden, path)

    def test_all_formats_are_tested(self) -> None:
        self.assertEqual({*CONVERTERS, "csv"}, set(NAMES))
        self.assertEqual(len(SAMPLES), 5)

    def test_submissions(self) -> None:
        for name, converter in CONVERTERS.items():
            for submission in SAMPLES.values():
                with self.subTest(format=name, submission=submission.name):
                    file = import_module(f"autograder.formats.{name}").FILE
                    self.hold(f"{submission.name}/{file}", converter(submission))

    def test_class(self) -> None:
        self.hold("grades.csv", gradebook.convert_class(list(SAMPLES.values())))
        self.hold("report.html", report.render(list(SAMPLES.values())))


class WriteTest(unittest.TestCase):
    def test_files_are_written_and_old_ones_do_not_outlive_their_score(self) -> None:
        with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, RUNNER):
            out = Path(folder)
            (out / "carol").mkdir()
            (out / "carol" / classroom50.FILE).write_text("{}", encoding="utf-8")
            without = write_formats(NAMES, [SAMPLES["alice"], SAMPLES["carol"]], out)
            self.assertEqual(without, ["classroom50: carol"])
            self.assertEqual({str(path.relative_to(out)) for path in out.glob("**/*.*")}, {
                "grades.csv", *(f"alice/{name}" for name in FILES), *(f"carol/{name}" for name in FILES[1:])})


class EveryFormatTest(unittest.TestCase):
    def test_nothing_unsafe_comes_through(self) -> None:
        for name, converter in CONVERTERS.items():
            for submission in SAMPLES.values():
                text = converter(submission) or ""
                self.assertIsNone(UNSAFE.search(text), (name, submission.name))
                text.encode()

    def test_caps_are_kept_and_cuts_are_told(self) -> None:
        large = grow(SAMPLES["=cmd() & sons"])
        for name, converter in CONVERTERS.items():
            text = converter(large) or ""
            self.assertLessEqual(len(text.encode()), import_module(f"autograder.formats.{name}").CAP, name)
            self.assertIn("bytes left out", text, name)

    def test_hidden_requirements_stay_hidden(self) -> None:
        for name, converter in CONVERTERS.items():
            for submission in SAMPLES.values():
                text = converter(submission) or ""
                if name == "gradescope":
                    value = json.loads(text)
                    value["tests"] = [test for test in value["tests"] if test["visibility"] != "hidden"]
                    text = json.dumps(value)
                for secret in SECRETS:
                    self.assertNotIn(secret, text, (name, submission.name))


class GradescopeTest(unittest.TestCase):
    def test_an_error_is_no_score(self) -> None:
        value = json.loads(convert("gradescope", "carol"))
        self.assertNotIn("score", value)
        self.assertTrue(all("score" not in test for test in value["tests"]))
        self.assertIn("run it again", value["output"])

    def test_scores(self) -> None:
        for submission, score in (("alice", 24), ("=cmd() & sons", 2), ("dave", 5), ("erin", 0)):
            value = json.loads(convert("gradescope", submission))
            self.assertEqual(value["score"], score)
            self.assertEqual(sum(test.get("score", 0) for test in value["tests"]), score)
            for test in value["tests"]:
                self.assertEqual("score" in test, test.get("status") in ("passed", "failed"))


class PrairieLearnTest(unittest.TestCase):
    def test_the_score_is_a_share_or_none(self) -> None:
        for submission, score in (("alice", 1), ("=cmd() & sons", 2 / 24), ("dave", 5 / 20), ("erin", 0)):
            value = json.loads(convert("prairielearn", submission))
            self.assertTrue(value["gradable"])
            self.assertAlmostEqual(value["score"], score, places=5)
        value = json.loads(convert("prairielearn", "carol"))
        self.assertFalse(value["gradable"])
        self.assertNotIn("score", value)
        self.assertIn("run it again", value["format_errors"][0])

    def test_every_row_has_points(self) -> None:
        for submission in SAMPLES:
            for row in json.loads(convert("prairielearn", submission))["tests"]:
                self.assertTrue(0 <= row["points"] <= row["max_points"], row)


class AutolabTest(unittest.TestCase):
    def test_the_last_line_alone_is_json(self) -> None:
        for submission, scores in (
                ("alice", {"02_fortune": 14, "06_lines": 10}), ("=cmd() & sons", {"02_fortune": 2, "06_lines": 0}),
                ("carol", {"02_fortune": None, "06_lines": None}), ("dave", {"02_fortune": 2, "06_lines": 3})):
            *lines, last = convert("autolab", submission).rstrip("\n").split("\n")
            self.assertEqual(json.loads(last)["scores"], scores)
            self.assertNotRegex(last, "[A-Za-z0-9]:")
            for line in lines:
                with self.assertRaises(ValueError, msg=line):
                    json.loads(line)

    def test_one_error_keeps_back_one_lab(self) -> None:
        carol, alice = SAMPLES["carol"], SAMPLES["alice"]
        mixed = replace(carol, results=(alice.results[0], carol.results[1]))
        last = autolab.convert(mixed).rstrip("\n").split("\n")[-1]
        self.assertEqual(json.loads(last), {"scores": {"02_fortune": 14}})


class Classroom50Test(unittest.TestCase):
    def test_the_sums_are_right_and_whole(self) -> None:
        for submission, score in (("alice", 24), ("=cmd() & sons", 2), ("erin", 0)):
            value = json.loads(convert("classroom50", submission))
            self.assertEqual((value["score"], value["max-score"]), (score, 24))
            for field in ("score", "max-score"):
                self.assertEqual(sum(test[field] for test in value["tests"]), value[field])
                self.assertTrue(all(type(test[field]) is int for test in value["tests"]))

    def test_what_is_no_whole_score_has_no_file(self) -> None:
        self.assertIsNone(CONVERTERS["classroom50"](SAMPLES["carol"]))
        self.assertIsNone(CONVERTERS["classroom50"](SAMPLES["dave"]))

    def test_without_the_runner_it_says_what_is_missing(self) -> None:
        with self.assertRaisesRegex(classroom50.NoRunner, "sets CLASSROOM, ASSIGNMENT"):
            classroom50.convert(SAMPLES["alice"], {})


class JUnitTest(unittest.TestCase):
    def test_it_can_be_read_back(self) -> None:
        for submission, counts in (("alice", (6, 0, 0, 0)), ("=cmd() & sons", (7, 6, 0, 0)),
                                   ("carol", (7, 0, 2, 3)), ("dave", (6, 2, 0, 2)), ("erin", (6, 6, 0, 0))):
            root = xml.fromstring(convert("junit", submission))
            names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
            self.assertEqual(len(set(names)), len(names))
            told = tuple(int(root.get(name, "")) for name in ("tests", "failures", "errors", "skipped"))
            self.assertEqual((submission, told), (submission, counts))
            for element in (*root.iter("failure"), *root.iter("error"), *root.iter("skipped")):
                self.assertEqual(element.get("message"), element.text)


class CsvTest(unittest.TestCase):
    def test_no_score_is_an_empty_cell(self) -> None:
        rows = {row["submission"]: row for row in
                csv.DictReader(io.StringIO(gradebook.convert_class(list(SAMPLES.values())), newline=""))}
        self.assertEqual((rows["carol"]["02_fortune"], rows["carol"]["total"]), ("", ""))
        self.assertEqual((rows["dave"]["02_fortune"], rows["dave"]["06_lines"], rows["dave"]["total"]), ("", "3", ""))
        self.assertEqual((rows["erin"]["02_fortune"], rows["erin"]["total"]), ("0", "0"))

    def test_nothing_is_a_formula(self) -> None:
        for text in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\n=1", "＝1"):
            self.assertTrue(gradebook.guard(text).startswith("'"), text)
        self.assertEqual(gradebook.guard("\r=1"), "\\x0d=1")
        self.assertEqual(gradebook.guard("alice"), "alice")
