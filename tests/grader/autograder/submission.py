"""What a student handed in: a folder or an archive, of which only plain source files are taken.

Nothing of a submission is trusted. Names decide what is taken, and everything else is left where it
is: links, devices, build files, paths that lead out. Nothing is ever unpacked under a name of its own
choosing.
"""

import bz2
import gzip
import lzma
import os
import re
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

# Far more than the labs need: their largest program has 10 KB.
MOST_FILES = 200
MOST_BYTES_A_FILE = 256 * 1024
MOST_BYTES = 2 * 1024 * 1024
MOST_BYTES_UNPACKED = 256 * 1024 * 1024
MOST_ENTRIES = 20_000

# The labs may stand in a folder `labs`, and all of it in one folder more, as archives like to have it.
_SOURCE = re.compile(r"(?:(?!\.\.?/)[^/]+/)?(?:labs/)?(\d\d_[a-z0-9_]+)/([A-Za-z0-9_]+\.[ch]pp)")
_SUFFIXES = re.compile(r"(\.tar\.(gz|bz2|xz)|\.tgz|\.tar|\.zip)$", re.IGNORECASE)

Sources = dict[str, dict[str, bytes]]  # lab → file's name → contents


class Rejected(Exception):
    """This submission can't be judged; the reason is its student's to read."""


def name_of(path: Path) -> str:
    """Returns a submission's name, which is safe as a file's: of letters, digits, `.`, `_` and `-`."""
    name = path.name if path.is_dir() else _SUFFIXES.sub("", path.name)
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".") or "_"


def read_submission(path: Path) -> Sources:
    """Returns the sources of each lab. Raises Rejected."""
    sources: Sources = {}
    count = size = 0
    for name, open_file in _entries(path):
        match = _SOURCE.fullmatch(name.removeprefix("./"))
        if not match:
            continue
        lab, file = match.groups()
        if file in sources.setdefault(lab, {}):
            raise Rejected(f"it has {lab}/{file} twice")
        with open_file() as stream:
            contents = stream.read(MOST_BYTES_A_FILE + 1)
        count, size = count + 1, size + len(contents)
        if len(contents) > MOST_BYTES_A_FILE:
            raise Rejected(f"{lab}/{file} has over {MOST_BYTES_A_FILE} bytes")
        if count > MOST_FILES or size > MOST_BYTES:
            raise Rejected(f"it has over {MOST_FILES} source files, or over {MOST_BYTES} bytes in them")
        sources[lab][file] = contents
    if not sources:
        raise Rejected("it has no file such as labs/02_fortune/fortune_client.cpp")
    return sources


def _entries(path: Path) -> Iterator:
    """Yields the name of each regular file, and a function that opens it for reading."""
    try:
        if path.is_dir():
            yield from _entries_of_folder(path)
        elif zipfile.is_zipfile(path):
            yield from _entries_of_zip(path)
        else:
            yield from _entries_of_tar(path)
    except (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, lzma.LZMAError,
            tarfile.TarError, zipfile.BadZipFile) as error:
        raise Rejected(f"it can't be read: {error}") from error


def _counted(names: Iterator) -> Iterator:
    for count, name in enumerate(names):
        if count == MOST_ENTRIES:
            raise Rejected(f"it has over {MOST_ENTRIES} entries")
        yield name


def _entries_of_folder(top: Path) -> Iterator:
    for folder, _, files in _counted(os.walk(top)):  # it does not follow links
        for file in files:
            path = Path(folder, file)
            if not stat.S_ISREG(path.lstat().st_mode):
                continue
            yield path.relative_to(top).as_posix(), lambda path=path: _open_regular(path)


def _open_regular(path: Path) -> IO[bytes]:
    """Opens the file unless somebody has put a link or a pipe in its place meanwhile."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path.name} is no regular file")
    return os.fdopen(descriptor, "rb")


def _entries_of_zip(path: Path) -> Iterator:
    with zipfile.ZipFile(path) as archive:
        for info in _counted(archive.infolist()):
            kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the archive's maker knows none
            if not info.is_dir() and kind in (0, stat.S_IFREG):
                yield info.filename, lambda info=info: archive.open(info)


def _entries_of_tar(path: Path) -> Iterator:
    with _open_unpacked(path) as unpacked, tarfile.open(fileobj=_Limited(unpacked), mode="r|") as archive:
        for member in _counted(archive):
            if member.isreg():
                yield member.name, lambda member=member: archive.extractfile(member)


def _open_unpacked(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        start = file.read(6)
    for magic, opener in ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open)):
        if start.startswith(magic):
            return opener(path)
    return path.open("rb")


class _Limited:
    """A stream that ends with an error where a small archive would unpack to a huge one."""

    def __init__(self, stream: IO[bytes]):
        self._stream = stream
        self._left = MOST_BYTES_UNPACKED

    def read(self, size: int) -> bytes:
        part = self._stream.read(size)
        self._left -= len(part)
        if self._left < 0:
            raise OSError(f"it unpacks to over {MOST_BYTES_UNPACKED} bytes")
        return part
