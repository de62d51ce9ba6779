"""How a failure is called, from reports such as the tests write."""

import unittest

from autograder.kinds import kind_of

HAPPENED = '\nwhat happened:\n    0.000 s  $ fortune_client 127.0.0.1 43631\n'


class Kinds(unittest.TestCase):
    def assert_kind(self, report: str, kind: str, signal: str | None = None) -> None:
        self.assertEqual(kind_of(report), (kind, signal))

    def test_a_program_that_is_missing(self) -> None:
        self.assert_kind("the program 02_fortune/fortune_client is missing: it has not been built", "program missing")

    def test_a_step_that_is_not_done(self) -> None:
        self.assert_kind("expected  a connection to 127.0.0.1:43631\ngot       none came\n"
                         "likely    TODO 1 is not done yet: look up the host" + HAPPENED, "not done yet")

    def test_a_crash(self) -> None:
        self.assert_kind('expected  fortune_client ends with status 0\ngot       fortune_client was ended by SIGSEGV; '
                         'on stdout nothing' + HAPPENED, "crashed", "SIGSEGV")

    def test_a_server_that_does_not_listen(self) -> None:
        for expected in ('fortune_server prints "listening on 127.0.0.1:PORT" with the real port, as soon as it can '
                         'accept', "a server that accepts connections on 127.0.0.1 port 4000"):
            with self.subTest(expected):
                self.assert_kind(f"expected  {expected}\ngot       nothing" + HAPPENED, "did not listen")

    def test_a_program_that_hangs(self) -> None:
        self.assert_kind("expected  fortune_client ends with status 0\ngot       fortune_client is still running; "
                         "nothing more on stdout" + HAPPENED, "timed out")
        self.assert_kind("expected  peer 1 receives \"x\"\ngot       nothing" + HAPPENED +
                         "    5.002 s  test gives up waiting\n", "timed out")

    def test_a_program_that_ends_too_early(self) -> None:
        self.assert_kind('expected  fortune_client prints the line "a"\ngot       fortune_client ended with status 0; '
                         'on stdout nothing' + HAPPENED, "closed early")

    def test_a_wrong_answer(self) -> None:
        self.assert_kind('expected  fortune_client prints the line "a"\ngot       the line "b"' + HAPPENED,
                         "wrong answer")
        self.assert_kind("", "wrong answer")

    def test_what_programs_say_does_not_count(self) -> None:
        for said in ("was ended by SIGSEGV", "is still running", "TODO 1 is not done yet", "\\x0a was ended by SIGABRT",
                     '\\" was ended by SIGBUS \\"', "test gives up waiting"):
            with self.subTest(said):
                self.assert_kind(f'expected  fortune_client prints the line "a"\ngot       the line "{said}"' +
                                 HAPPENED, "wrong answer")
