"""Makes text of unknown origin safe to put into files and pages, and keeps it short.

What a student's program prints ends up in messages. The tests write its control bytes as \\xNN
already, but nothing here relies on that.
"""

import re
from typing import Callable

# What XML 1.0 forbids (https://www.w3.org/TR/xml/#charsets), the other control characters, the
# halves of UTF-16 pairs, and what turns the direction of writing, which lets text look like another.
UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")


def clean(text: str) -> str:
    """Writes what is unsafe as an escape, as in \\x1b; newlines and tabs stay."""
    return UNSAFE.sub(escape, text)


def escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def clean_line(text: str) -> str:
    """The same in one line."""
    return " ".join(clean(text).split())


def shorten(text: str, limit: int) -> str:
    """Cuts the middle out of a text of more than so many bytes, and says so where it was."""
    data = text.encode(errors="replace")
    if len(data) <= limit:
        return text
    room = max(0, limit - 40)  # the rest is for the note
    head = data[:room * 2 // 3].decode(errors="ignore")
    tail = data[len(data) - room // 3:].decode(errors="ignore")
    left_out = len(data) - len(head.encode()) - len(tail.encode())
    return f"{head}\n[… {left_out} bytes left out …]\n{tail}".strip("\n")


def render_within(cap: int, render: Callable[[int], str]) -> str:
    """Calls render(limit of a message) with ever smaller limits until all of it fits into so many bytes."""
    for limit in (8192, 4096, 2048, 1024, 512, 256, 128, 0):
        text = render(limit)
        if len(text.encode()) <= cap:
            return text
    raise ValueError(f"even without messages there are {len(text.encode())} bytes, and {cap} are allowed")
