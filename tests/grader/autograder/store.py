"""The files of the results.

OUT/SUBMISSION/NN_topic.json is what counts. A result that is no score, because it is an error, has
one, or did not come to its end, never replaces one that is: it goes to NN_topic.attempt.json next to it.
"""

import json
import os
import uuid
from pathlib import Path
from typing import Any, Iterable

from .results import LAB, BadResult, Note, Result, Submission, from_json, to_json


def refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def read_result(path: Path) -> Result:
    try:
        return from_json(json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse_constant))
    except (ValueError, RecursionError) as error:
        raise BadResult(f"{path.name} is not JSON: {error}") from None
    except BadResult as error:
        raise BadResult(f"{path.name}: {error}") from None


def write_text(path: Path, text: str) -> None:
    """Readers see the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with open(temporary, "x", encoding="utf-8", newline="") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_result(folder: Path, result: Result) -> Path:
    """Writes a result into the folder of its submission, next to an older score rather than over it.

    Returns the path of the file that it wrote.
    """
    value = to_json(result)
    from_json(value)  # what we could not read again is never written
    path = folder / f"{result.lab}.json"
    attempt = folder / f"{result.lab}.attempt.json"
    target = path if result.is_score() or not holds_score(path) else attempt
    write_text(target, json.dumps(value, ensure_ascii=False, indent=1) + "\n")
    if target == path:
        attempt.unlink(missing_ok=True)
    return target


def holds_score(path: Path) -> bool:
    try:
        return read_result(path).is_score()
    except (OSError, BadResult):
        return False


def load_submission(folder: Path, labs: Iterable[str] = ()) -> Submission:
    """Reads all results of a submission; a lab that is asked for and has none is a problem."""
    results, problems, remarks = [], [], []
    found = {path.stem for path in folder.glob("*.json") if LAB.fullmatch(path.stem)}
    for lab in sorted(found | set(labs)):
        try:
            result = read_result(folder / f"{lab}.json")
            if (result.lab, result.submission) != (lab, folder.name):
                raise BadResult(f"{lab}.json is of {result.submission}, {result.lab}")
            results.append(result)
        except FileNotFoundError:
            problems.append(Note(lab, "it was not graded"))
        except (OSError, BadResult) as error:
            problems.append(Note(lab, f"its result cannot be read: {error}"))
        remarks += [Note(lab, says) for says in describe_attempt(folder / f"{lab}.attempt.json")]
    return Submission(folder.name, tuple(results), tuple(problems), tuple(remarks))


def describe_attempt(path: Path) -> list[str]:
    try:
        attempt = read_result(path)
    except FileNotFoundError:
        return []
    except (OSError, BadResult) as error:
        return [f"the older score stands, a later attempt cannot be read: {error}"]
    reason = attempt.error or ("a requirement could not be judged" if attempt.state == "complete"
                               else "it did not come to its end")
    return [f"the older score stands, a later attempt failed: {reason}"]


def load_class(out: Path, labs: Iterable[str] = ()) -> list[Submission]:
    """Reads the results of all submissions; a folder without any holds something else."""
    labs = tuple(labs)
    folders = sorted(path for path in out.iterdir() if path.is_dir())
    return [load_submission(folder, labs) for folder in folders
            if any(LAB.fullmatch(path.stem) for path in folder.glob("*.json"))]
