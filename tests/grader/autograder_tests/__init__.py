"""Tests of the grader's Python parts: python3 -m unittest discover -s tests/grader/autograder_tests -t tests/grader

Results that were written by hand are in samples/, what must become of them in golden/. When a format
changes on purpose, WIRELAB_UPDATE_GOLDEN=1 writes golden/ anew; read the difference before it is kept.
"""

from pathlib import Path

from autograder.results import Submission
from autograder.store import load_class

FOLDER = Path(__file__).parent
SAMPLES = FOLDER / "samples"
GOLDEN = FOLDER / "golden"


def load_samples() -> dict[str, Submission]:
    return {one.name: one for one in load_class(SAMPLES, ("02_fortune", "06_lines"))}
