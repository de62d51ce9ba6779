"""Builds the programs of one submission for one lab, in the sandbox.

A compiler is a way in: `#include` reads any file that there is, and a few lines make it take all memory.
So it sees the kit's helpers and the submission, and has limits of its own.
"""

import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

from . import kit
from .results import Build
from .sandbox import Sandbox

TIME_LIMIT = 120  # seconds, for one program
MOST_DIAGNOSTICS = 4096  # bytes
NOT_BEGUN = 125  # the status of confine when it fails itself


def build_lab(lab: str, sources: dict[str, bytes], box: Sandbox, work: Path) -> list[Build]:
    """Builds what a submission has for a lab; the programs are then in `work`/programs/`lab`."""
    folder = work / "sources"
    folder.mkdir()
    for name, contents in sources.items():
        (folder / name).write_bytes(contents)
    programs = work / "programs" / lab
    programs.mkdir(parents=True)
    return [_build_program(lab, program, folder, box, programs) for program in kit.programs(lab)]


def _build_program(lab: str, program: str, sources: Path, box: Sandbox, programs: Path) -> Build:
    if not (sources / f"{program}.cpp").exists():
        return Build(program, "missing")
    start = time.monotonic()
    output = programs.parents[1] / f"output-{program}"
    output.mkdir()
    output.chmod(0o777)  # whoever the compiler runs as may write here
    readable = [sources, kit.ROOT / "common", kit.BUILD / "common"]
    script = " && ".join(_redirect(line, lab, program, sources, output) for line in kit.build_commands(lab, program))
    built, words = _run([*box.for_building(readable, [output]), "/bin/sh", "-c", f"TMPDIR={output}; export TMPDIR; {script}"])
    if built:
        built = _take(output / program, programs / program)
    words = words.replace(f"{sources}/", f"labs/{lab}/").replace(f"{kit.ROOT}/", "")
    return Build(program, "built" if built else "failed", round(time.monotonic() - start, 2), words)


def _redirect(command: str, lab: str, program: str, sources: Path, output: Path) -> str:
    """Makes of a command that builds a program of the kit's one that builds the submission's.

    What the program says of itself, as a TODO does, names the source as the student knows it.
    """
    for ours, theirs in ((f"{kit.ROOT}/labs/{lab}/", f"{sources}/"),
                         (f"CMakeFiles/labs.{lab}.{program}.dir/labs/{lab}/", f"{output}/"),
                         (f"-o labs/{lab}/", f"-o {output}/"),
                         (" -std=c++20 ", f" -std=c++20 -fmacro-prefix-map={sources}/=labs/{lab}/ ")):
        command = command.replace(ours, theirs)
    return command


def _run(command: list[str]) -> tuple[bool, str]:
    """Runs the command; returns whether it succeeded, and the first of what it said."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          cwd=kit.BUILD, start_new_session=True) as process:
        timer = _kill_later(process)
        words = process.stdout.read(MOST_DIAGNOSTICS)
        while process.stdout.read(65536):  # the rest is of no use to anybody
            pass
        process.wait()
        timer.cancel()
    if process.returncode == NOT_BEGUN:
        raise RuntimeError(f"the sandbox of the compiler: {words.decode(errors='replace').strip()}")
    text = words.decode(errors="replace")
    if not timer.is_alive() and process.returncode == -signal.SIGKILL:
        text += f"\nit took over {TIME_LIMIT} s"
    if len(words) == MOST_DIAGNOSTICS:
        text += "\n… (there is more)"
    return process.returncode == 0, text


def _kill_later(process: subprocess.Popen) -> threading.Timer:
    timer = threading.Timer(TIME_LIMIT, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    return timer


def _take(output: Path, program: Path) -> bool:
    """Takes the program from where the compiler put it; false if that is no plain file."""
    try:
        descriptor = os.open(output, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as source, program.open("wb") as target:
        shutil.copyfileobj(source, target)
    program.chmod(0o755)
    return True
