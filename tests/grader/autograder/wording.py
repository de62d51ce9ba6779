"""What a student reads about a requirement."""

from .results import Requirement, Result
from .visible import clean, clean_line, shorten

UNJUDGED = {
    "error": "not judged: the grader failed, which is not your fault",
    "skipped": "not judged: this machine cannot, it does not count",
    "waiting": "not judged yet: the run was cut short",
}


def explain(one: Requirement) -> str:
    """The outcome in words."""
    if one.outcome == "failed":
        return f"{one.kind} ({clean_line(one.signal)})" if one.signal else one.kind or "failed"
    return UNJUDGED.get(one.outcome, one.outcome)


def tell(one: Requirement, limit: int) -> str:
    """The outcome, the message cut to so many bytes, and how to see it again."""
    parts = [explain(one), shorten(clean(one.message), limit)]
    if one.outcome == "failed" and one.replay:
        parts.append(f"Run it again: {clean_line(one.replay)}")
    return "\n".join(part for part in parts if part)


def tell_builds(result: Result, limit: int) -> list[str]:
    """What kept programs from being built, once for each program and not for each of its requirements."""
    texts = []
    for one in result.build:
        if one.outcome == "failed":
            texts.append(f"{clean_line(one.program)} does not build:\n{shorten(clean(one.diagnostics), limit)}")
        elif one.outcome == "missing":
            texts.append(f"{clean_line(one.program)} is not in the submission")
    return texts
