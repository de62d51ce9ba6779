"""What is taken of a submission, and what is not, whatever it is made of."""

import io
import os
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

from autograder import submission
from autograder.submission import Rejected, name_of, read_submission

CLIENT = "labs/02_fortune/fortune_client.cpp"
CODE = b"int main() {}\n"
TAKEN = {"02_fortune": {"fortune_client.cpp": CODE}}


class SubmissionTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)

    def write(self, name: str, contents: bytes = CODE) -> Path:
        path = self.top / "alice" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents)
        return self.top / "alice"

    def zip(self, entries: dict[str, bytes], mode: int = 0o100644) -> Path:
        path = self.top / "alice.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, contents in entries.items():
                info = zipfile.ZipInfo(name)
                info.external_attr = mode << 16
                archive.writestr(info, contents)
        return path

    def tar(self, members: list[tarfile.TarInfo], mode: str = "w:gz") -> Path:
        path = self.top / "alice.tar.gz"
        with tarfile.open(path, mode) as archive:
            for member in members:
                member.size = len(CODE) if member.isreg() else 0
                archive.addfile(member, io.BytesIO(CODE) if member.isreg() else None)
        return path

    def assert_rejected(self, path: Path, words: str) -> None:
        with self.assertRaises(Rejected) as caught:
            read_submission(path)
        self.assertIn(words, str(caught.exception))


class WhatIsTaken(SubmissionTest):
    def test_sources_of_a_folder(self) -> None:
        self.write("labs/12_web/answers.hpp", b"#pragma once\n")
        self.assertEqual(read_submission(self.write(CLIENT)),
                         TAKEN | {"12_web": {"answers.hpp": b"#pragma once\n"}})

    def test_with_or_without_the_folder_labs(self) -> None:
        for name in (CLIENT, CLIENT.removeprefix("labs/"), f"wirelab-main/{CLIENT}", f"./{CLIENT}"):
            with self.subTest(name):
                self.assertEqual(read_submission(self.zip({name: CODE})), TAKEN)

    def test_every_kind_of_archive(self) -> None:
        for mode in ("w", "w:gz", "w:bz2", "w:xz"):
            with self.subTest(mode):
                self.assertEqual(read_submission(self.tar([tarfile.TarInfo(CLIENT)], mode)), TAKEN)

    def test_nothing_but_sources(self) -> None:
        for name in ("CMakeLists.txt", "labs/02_fortune/CMakeLists.txt", "labs/02_fortune/c++", "bin/g++",
                     "labs/02_fortune/x.so", "tests/labs/02_fortune_test.cpp", "labs/02_fortune/a/b.cpp",
                     "common/wirelab/todo.cpp", "labs/02_fortune/x.cpp.gch", ".git/hooks/pre-commit"):
            self.write(name)
        self.assertEqual(read_submission(self.write(CLIENT)), TAKEN)


class WhatIsLeft(SubmissionTest):
    def test_links_of_a_folder(self) -> None:
        alice = self.write(CLIENT)
        secret = self.top / "secret.cpp"
        secret.write_bytes(b"secret")
        (alice / "labs/02_fortune/fortune_server.cpp").symlink_to(secret)
        (alice / "labs/03_tcp_messages").symlink_to(self.top)
        self.assertEqual(read_submission(alice), TAKEN)

    def test_pipes_of_a_folder(self) -> None:
        alice = self.write(CLIENT)
        os.mkfifo(alice / "labs/02_fortune/fortune_server.cpp")
        self.assertEqual(read_submission(alice), TAKEN)

    def test_paths_that_lead_out(self) -> None:
        for name in (f"../{CLIENT}", f"/{CLIENT}", f"labs/../../{CLIENT}", "labs/02_fortune/../../x.cpp",
                     f"a/../{CLIENT}", "labs\\02_fortune\\x.cpp"):
            with self.subTest(name):
                self.assert_rejected(self.zip({name: CODE}), "has no file such as")

    def test_links_and_devices_of_an_archive(self) -> None:
        self.assert_rejected(self.zip({CLIENT: b"/etc/passwd"}, 0o120777), "has no file such as")
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            member = tarfile.TarInfo(CLIENT)
            member.type, member.linkname = kind, "/etc/passwd"
            with self.subTest(kind):
                self.assert_rejected(self.tar([member]), "has no file such as")


class WhatIsRejected(SubmissionTest):
    def test_one_file_twice(self) -> None:
        self.assert_rejected(self.zip({CLIENT: CODE, f"other/{CLIENT}": CODE}), "twice")

    def test_files_that_are_too_large(self) -> None:
        most = submission.MOST_BYTES_A_FILE
        self.assertEqual(len(read_submission(self.zip({CLIENT: b" " * most}))["02_fortune"]["fortune_client.cpp"]), most)
        self.assert_rejected(self.zip({CLIENT: b" " * (most + 1)}), "over 262144 bytes")

    def test_too_many_files(self) -> None:
        self.assert_rejected(self.zip({f"02_fortune/a{i}.cpp": b"" for i in range(201)}), "over 200 source files")
        eight = {f"02_fortune/a{i}.cpp": b" " * submission.MOST_BYTES_A_FILE for i in range(9)}
        self.assert_rejected(self.zip(eight), "over 2097152 bytes")

    def test_too_many_entries(self) -> None:
        with mock.patch.object(submission, "MOST_ENTRIES", 3):
            self.assert_rejected(self.zip({f"x{i}": b"" for i in range(4)}), "over 3 entries")

    def test_an_archive_that_grows(self) -> None:
        with mock.patch.object(submission, "MOST_BYTES_UNPACKED", 10_000):
            self.assert_rejected(self.tar([tarfile.TarInfo(f"x{i}") for i in range(40)]), "unpacks to over")

    def test_what_is_no_archive(self) -> None:
        for contents in (b"", b"hello", b"\x1f\x8b", b"PK\x03\x04", b"BZh9", b"\xfd7zXZ\0"):
            path = self.top / "alice.zip"
            path.write_bytes(contents)
            with self.subTest(contents):
                self.assert_rejected(path, "it can't be read")

    def test_an_archive_that_is_cut_off(self) -> None:
        whole = self.tar([tarfile.TarInfo(CLIENT)]).read_bytes()
        path = self.top / "cut.tar.gz"
        path.write_bytes(whole[:len(whole) // 2])
        self.assert_rejected(path, "it can't be read")


class Names(unittest.TestCase):
    def test_names_are_safe(self) -> None:
        for path, name in (("alice.tar.gz", "alice"), ("bob.ZIP", "bob"), ("a b/c;d.zip", "c_d"), (".zip", "_"),
                           ("..tar", "_"), ("über.tgz", "_ber"), ("alice", "alice"), ("a.b.zip", "a.b")):
            with self.subTest(path):
                self.assertEqual(name_of(Path(path)), name)
