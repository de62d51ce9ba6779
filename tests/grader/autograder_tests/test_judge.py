"""What becomes of a unit, whatever the build and the tests do."""

import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from autograder import judge, store
from autograder.judge import Judge, Unit
from autograder.kit import TestCase
from autograder.results import Build, Result
from autograder.run import BrokeOff, Report
from autograder.sandbox import Sandbox

LAB = "02_fortune"
CASES = [TestCase("It connects", "fortune_client", 1, 1, False), TestCase("It prints", "fortune_client", 2, 2, False),
         TestCase("It serves", "fortune_server", 5, 3, True)]
BUILT = [Build("fortune_client", "built"), Build("fortune_server", "built")]
ALL_PASSED = [Report(case.name, "passed", "") for case in CASES]


class JudgeTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name) / "out"
        self.submission = Path(folder.name) / "alice"
        source = self.submission / "labs" / LAB / "fortune_client.cpp"
        source.parent.mkdir(parents=True)
        source.write_text("int main() {}\n")
        self.runs: list[list[str]] = []

    def judge(self, *runs: list, builds: list[Build] | Exception = BUILT) -> Result:
        """Judges where the runs of the tests come out as given: reports, and perhaps an exception at last."""
        left = list(runs)

        def run_tests(_lab: str, names: list[str], *_rest: object) -> Iterator[Report]:
            self.runs.append(names)
            for item in left.pop(0):
                if isinstance(item, Exception):
                    raise item
                yield item

        made = {"side_effect": builds} if isinstance(builds, Exception) else {"return_value": builds}
        with (mock.patch.object(judge.kit, "test_cases", return_value=CASES),
              mock.patch.object(judge.kit, "version", return_value="1"),
              mock.patch.object(judge, "build_lab", **made),
              mock.patch.object(judge, "run_tests", run_tests)):
            unit = Unit(self.submission, LAB, self.out, seed=1)
            result = Judge(unit, Sandbox("limits", "", 0)).judge()
        if result.is_score():
            self.assertEqual(store.read_result(self.out / "alice" / f"{LAB}.json"), result)
        return result

    def outcomes(self, result: Result) -> list[tuple[str, str | None]]:
        return [(one.outcome, one.kind) for one in result.requirements]

    def test_all_is_well(self) -> None:
        result = self.judge(ALL_PASSED)
        self.assertEqual((result.state, result.count_points()["earned"]), ("complete", 6))
        self.assertEqual([one.hidden for one in result.requirements], [False, False, True])
        self.assertIn("--only 'It prints' --seed 1", result.requirements[1].replay)

    def test_without_a_program_its_requirements_fail_and_are_not_run(self) -> None:
        builds = [BUILT[0], Build("fortune_server", "missing")]
        result = self.judge(ALL_PASSED[:2], builds=builds)
        self.assertEqual(self.outcomes(result)[2], ("failed", "program missing"))
        self.assertEqual(self.runs, [["It connects", "It prints"]])

    def test_nothing_is_run_where_nothing_builds(self) -> None:
        builds = [Build(build.program, "failed", 0, "no") for build in BUILT]
        self.assertEqual(self.outcomes(self.judge(builds=builds)), 3 * [("failed", "build failed")])
        self.assertEqual(self.runs, [])

    def test_what_breaks_the_tests_off_once_may_be_chance(self) -> None:
        result = self.judge([ALL_PASSED[0], BrokeOff("gone")], ALL_PASSED[1:])
        self.assertEqual(result.count_points()["earned"], 6)
        self.assertEqual(self.runs, [[case.name for case in CASES], ["It prints", "It serves"]])

    def test_what_breaks_the_tests_off_twice_has_failed(self) -> None:
        result = self.judge([ALL_PASSED[0], BrokeOff("gone")], [BrokeOff("gone")], ALL_PASSED[2:])
        self.assertEqual(self.outcomes(result), [("passed", None), ("failed", "did not report"), ("passed", None)])

    def test_when_time_is_over_the_rest_has_failed(self) -> None:
        result = self.judge([ALL_PASSED[0], BrokeOff("over", timed_out=True)])
        self.assertEqual(self.outcomes(result), [("passed", None), *2 * [("failed", "timed out")]])

    def test_our_own_fault_is_no_score(self) -> None:
        result = self.judge(builds=OSError("no space"))
        self.assertEqual((result.state, result.is_score()), ("error", False))
        self.assertEqual(self.outcomes(result), 3 * [("waiting", None)])

    def test_our_own_fault_leaves_an_older_score(self) -> None:
        self.judge(ALL_PASSED)
        self.judge(builds=OSError("no space"))
        self.assertEqual(store.load_submission(self.out / "alice").results[0].count_points()["earned"], 6)

    def test_what_is_no_submission_is_rejected(self) -> None:
        (self.submission / "labs" / LAB / "fortune_client.cpp").unlink()
        self.assertEqual(self.outcomes(self.judge()), 3 * [("failed", "rejected")])

    def test_what_is_skipped_counts_neither_way(self) -> None:
        skipped = Report("It serves", "skipped", "no IPv6 here")
        self.assertEqual(self.judge([*ALL_PASSED[:2], skipped]).count_points(),
                         {"earned": 3, "possible": 6, "undecided": 3})
