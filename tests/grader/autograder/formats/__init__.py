"""Converters from our results to what platforms read. Each module names the platform's documents.

A module has FILE and either convert(submission), for a file in the submission's folder, or
convert_class(submissions), for one file about all of them.
"""

from importlib import import_module
from pathlib import Path
from typing import Iterable, Sequence

from ..results import Submission
from ..store import write_text

NAMES = ("gradescope", "prairielearn", "autolab", "classroom50", "junit", "csv")


def write_formats(names: Iterable[str], submissions: Sequence[Submission], out: Path) -> list[str]:
    """Writes the files; returns which submissions got none because there is no score, as "format: name"."""
    without = []
    for name in names:
        module = import_module(f"{__name__}.{name}")
        if hasattr(module, "convert_class"):
            write_text(out / module.FILE, module.convert_class(submissions))
            continue
        for submission in submissions:
            path = out / submission.name / module.FILE
            text = module.convert(submission)
            if text is None:
                path.unlink(missing_ok=True)
                without.append(f"{name}: {submission.name}")
            else:
                write_text(path, text)
    return without
