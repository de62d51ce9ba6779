"""Says in two words how a requirement was not met, from the report of its test case.

A report begins with lines of the tests' own: `expected …`, `got …`, perhaps `likely …`. What programs
have said stands there in quotation marks with its control bytes escaped, so it can't make a line of its
own; but it can hold any words. That is why only what stands outside quotation marks counts.
"""

import re

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_ENDED_BY = re.compile(r"was ended by (SIG[A-Z0-9]+|signal \d+)")


def kind_of(report: str) -> tuple[str, str | None]:
    """Returns the kind of failure and, of a crash, the signal."""
    lines = _QUOTED.sub('""', report).split("\n")
    expected = _line(lines, "expected  ")
    got = _line(lines, "got       ")
    if lines[0].startswith("the program ") and " is missing" in lines[0]:
        return "program missing", None
    if _line(lines, "likely    ").startswith("TODO "):
        return "not done yet", None
    if crash := _ENDED_BY.search(got):
        return "crashed", crash.group(1)
    if "listening on" in report.split("\n", 1)[0] or "a server that accepts connections" in expected:
        return "did not listen", None
    if "is still running" in got or any(line.endswith("gives up waiting") for line in lines):
        return "timed out", None
    if "ended with status" in got or "closed" in got or "end of the stream" in got:
        return "closed early", None
    return "wrong answer", None


def _line(lines: list[str], start: str) -> str:
    return next((line.removeprefix(start) for line in lines if line.startswith(start)), "")
