"""The result format: reading, checking, writing, and which result stands."""

import copy
import json
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator

from autograder.results import BadResult, Result, from_json, to_json
from autograder.schema import find_faults, load_schema
from autograder.store import load_submission, read_result, write_result

from . import SAMPLES

try:
    import jsonschema
except ImportError:
    jsonschema = None

STRANGE = (None, True, 0, -1, 1.5, 2.0, "", "x" * 9000, "complete", [], {}, [{}], {"level": "bubblewrap"})


def read_sample(submission: str = "dave", lab: str = "02_fortune") -> dict[str, Any]:
    return json.loads((SAMPLES / submission / f"{lab}.json").read_text(encoding="utf-8"))


def find_places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        yield value, key
        yield from find_places(item)


def mutate(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Copies of a result in which one thing is strange, missing or too much."""
    for number in range(len(list(find_places(value)))):
        for strange in STRANGE:
            changed = copy.deepcopy(value)
            container, key = list(find_places(changed))[number]
            container[key] = strange
            yield changed
        changed = copy.deepcopy(value)
        container, key = list(find_places(changed))[number]
        del container[key]
        yield changed
    for key in ("unknown", "Format"):
        yield {**value, key: 1}


class SchemaTest(unittest.TestCase):
    def test_samples_are_valid(self) -> None:
        paths = list(SAMPLES.glob("*/*.json"))
        self.assertGreater(len(paths), 9)
        for path in paths:
            self.assertEqual(list(find_faults(json.loads(path.read_text(encoding="utf-8")))), [], path)

    def test_each_strange_thing_is_found(self) -> None:
        good = read_sample()
        for place, value, says in (
                (("seed",), "1", "result.seed is not of type integer"),
                (("seed",), True, "result.seed is not of type integer"),
                (("lab",), "../02", "result.lab does not match ^[0-9][0-9]_[a-z0-9_]+$"),
                (("format",), "wirelab/result/v2", "result.format is not 'wirelab/result/v1'"),
                (("requirements", 0, "points"), -1, "result.requirements[0].points is less than 0"),
                (("requirements", 1, "message"), "x" * 8193,
                 "result.requirements[1].message has more than 8192 characters")):
            changed = copy.deepcopy(good)
            *path, last = place
            container = changed
            for key in path:
                container = container[key]
            container[last] = value
            self.assertEqual(list(find_faults(changed)), [says])
        del good["points"]
        self.assertEqual(list(find_faults(good)), ["result has no points"])

    @unittest.skipIf(jsonschema is None, "the library jsonschema is not installed")
    def test_agrees_with_the_library(self) -> None:
        jsonschema.Draft202012Validator.check_schema(load_schema())
        validator = jsonschema.Draft202012Validator(load_schema())
        sample = read_sample()
        sample["requirements"] = sample["requirements"][:1]
        sample["build"] = sample["build"][:1]
        verdicts = set()
        for changed in mutate(sample):
            ours = not list(find_faults(changed))
            self.assertEqual(ours, validator.is_valid(changed), changed)
            verdicts.add(ours)
        self.assertEqual(verdicts, {True, False})


class ResultTest(unittest.TestCase):
    def test_what_is_written_is_what_was_read(self) -> None:
        for path in SAMPLES.glob("*/*.json"):
            result = read_result(path)
            self.assertEqual(from_json(to_json(result)), from_json(to_json(from_json(to_json(result)))))

    def test_parts_that_contradict_each_other_are_refused(self) -> None:
        for change, says in (
                (lambda value: value["points"].update(earned=9), "the points"),
                (lambda value: value["requirements"][1].update(id=value["requirements"][0]["id"]), "the same id"),
                (lambda value: value.update(state="error"), "state and error"),
                (lambda value: value.update(error="a reason"), "state and error"),
                (lambda value: value.update(state="complete"), "still waiting"),
                (lambda value: value["requirements"][0].update(kind="crashed"), "is passed, its kind is crashed"),
                (lambda value: value["requirements"][1].update(kind=None), "is failed, its kind is None"),
                (lambda value: value["requirements"][1].update(signal="SIGSEGV"), "has a signal")):
            value = read_sample()
            change(value)
            with self.assertRaisesRegex(BadResult, says):
                from_json(value)

    def test_written_text_is_safe_and_short(self) -> None:
        result = read_result(SAMPLES / "=cmd() & sons" / "02_fortune.json")
        awkward = replace(result.requirements[1], message="\0\x1b[1m\ud800" * 9000, name="two\nlines \u202e")
        value = to_json(replace(result, requirements=(result.requirements[0], awkward)))
        written = value["requirements"][1]
        self.assertEqual(written["name"], "two lines \\u202e")
        self.assertTrue(written["message"].startswith("\\x00\\x1b[1m\\ud800\\x00"))
        self.assertIn("bytes left out", written["message"])
        self.assertLessEqual(len(written["message"].encode()), 8192)
        json.dumps(value, ensure_ascii=False).encode()


class StoreTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name) / "dave"
        self.running = read_result(SAMPLES / "dave" / "02_fortune.json")
        self.score = replace(self.running, state="complete", requirements=self.running.requirements[:2])
        self.error = replace(self.running, state="error", error="no memory", requirements=())

    def write(self, *results: Result) -> Path:
        for result in results:
            path = write_result(self.folder, result)
        self.assertFalse([one for one in self.folder.iterdir() if one.name.startswith(".")])
        return path

    def test_an_error_does_not_overwrite_a_score(self) -> None:
        self.write(self.score)
        self.assertEqual(self.write(self.running, self.error).name, "02_fortune.attempt.json")
        submission = load_submission(self.folder)
        self.assertEqual(submission.results, (self.score,))
        self.assertEqual(submission.remarks[0].says, "the older score stands, a later attempt failed: no memory")

    def test_an_error_of_a_requirement_does_not_overwrite_a_score(self) -> None:
        failed = replace(self.score.requirements[1], outcome="error", kind="grader")
        self.write(self.score, replace(self.score, requirements=(self.score.requirements[0], failed)))
        self.assertEqual(load_submission(self.folder).results, (self.score,))

    def test_a_score_overwrites_everything(self) -> None:
        newer = replace(self.score, seed=99)
        self.write(self.error, self.running, self.score, self.error, newer)
        submission = load_submission(self.folder)
        self.assertEqual((submission.results, submission.remarks), ((newer,), ()))
        self.assertEqual([path.name for path in self.folder.iterdir()], ["02_fortune.json"])

    def test_without_a_score_the_last_one_stands(self) -> None:
        self.write(self.running, self.error)
        self.assertEqual(load_submission(self.folder).results, (self.error,))

    def test_numbers_that_json_does_not_have_are_refused(self) -> None:
        path = self.write(self.score)
        text = path.read_text(encoding="utf-8")
        for number in ("NaN", "Infinity"):
            path.write_text(text.replace('"seconds": 12.3', f'"seconds": {number}'), encoding="utf-8")
            with self.assertRaisesRegex(BadResult, f"{number} is no JSON"):
                read_result(path)

    def test_what_cannot_be_read_is_a_problem_and_no_score(self) -> None:
        self.write(self.score)
        for lab, text in (("03_lines", "{"), ("04_x", "NaN"), ("05_x", "[]"), ("06_x", "[" * 100000),
                          ("07_x", (self.folder / "02_fortune.json").read_text(encoding="utf-8"))):
            (self.folder / f"{lab}.json").write_text(text, encoding="utf-8")
        (self.folder / "08_x.json").write_bytes(b"\xff")
        submission = load_submission(self.folder, ("02_fortune", "09_x"))
        self.assertEqual(submission.results, (self.score,))
        self.assertEqual([problem.lab for problem in submission.problems],
                         ["03_lines", "04_x", "05_x", "06_x", "07_x", "08_x", "09_x"])
        self.assertEqual(submission.problems[-1].says, "it was not graded")
        self.assertIn("is of dave, 02_fortune", submission.problems[4].says)
