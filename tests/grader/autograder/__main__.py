"""./lab grade: judges submissions with the tests that students run, each in a sandbox."""

import argparse
import random
import sys
from pathlib import Path

from . import engine, formats, kit, report, store
from .judge import Unit
from .submission import name_of
from .unit import encode
from .unit import main as judge_here


def parse_arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./lab grade", description=__doc__)
    parser.add_argument("submissions", nargs="+", type=Path, metavar="SUBMISSION",
                        help="a folder or an archive (zip, tar) that holds a student's labs/")
    parser.add_argument("--labs", default="", metavar="NN,…", help="the labs to judge (default: all)")
    parser.add_argument("--out", type=Path, default=Path("grades"), metavar="DIR",
                        help="where results go (default: %(default)s)")
    parser.add_argument("--format", action="append", default=[], choices=sorted(formats.NAMES),
                        help="write the results in this platform's format too; may be given again")
    parser.add_argument("--jobs", type=int, metavar="N", help="how many at once (default: two for each core)")
    parser.add_argument("--require-sandbox", action="store_true", help="refuse a weaker sandbox than bubblewrap")
    parser.add_argument("--sandbox", choices=["bubblewrap", "user", "limits"], help=argparse.SUPPRESS)
    parser.add_argument("--again", action="store_true", help="judge again what has been judged")
    parser.add_argument("--only", metavar="NAME", help="show one requirement, and write no result")
    parser.add_argument("--seed", type=int, metavar="N", help="of the tests' random numbers")
    return parser.parse_args(words)


def find_labs(wanted: str) -> list[str]:
    """Returns the labs that a list such as 02,03 names."""
    labs = {lab[:2]: lab for lab in kit.labs()}
    try:
        return [labs[number.strip()[:2].zfill(2)] for number in wanted.split(",")] if wanted else list(labs.values())
    except KeyError as error:
        raise SystemExit(f"lab grade: there is no lab {error.args[0]}") from None


def check_names(paths: list[Path]) -> None:
    """Two submissions of one name would overwrite each other's results."""
    seen: dict[str, Path] = {}
    for path in paths:
        if not path.exists():
            raise SystemExit(f"lab grade: {path}: there is no such file or folder")
        other = seen.setdefault(name_of(path), path)
        if other != path:
            raise SystemExit(f"lab grade: {other} and {path} would have the same name, {name_of(path)}")


def main() -> int:
    options = parse_arguments(sys.argv[1:])
    labs = find_labs(options.labs)
    check_names(options.submissions)
    level = options.sandbox or ("bubblewrap" if options.require_sandbox else None)
    seed = options.seed if options.seed is not None else random.randrange(2**31)
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    for lab in labs:
        kit.test_cases(lab)  # listed once, before many ask for it at once
    units = [encode(Unit(path.resolve(), lab, out, seed, options.only), level, options.again)
             for path in options.submissions for lab in labs]
    if options.only is not None:
        return max(judge_here(unit) for unit in units)
    complete = engine.run_units(units, options.jobs, out / "jobs.log")
    write_formats(out, [name_of(path) for path in options.submissions], labs, options.format)
    return 0 if complete else 1


def write_formats(out: Path, names: list[str], labs: list[str], wanted: list[str]) -> None:
    submissions = [store.load_submission(out / name, labs) for name in names]
    for without in formats.write_formats(wanted, submissions, out):
        print(f"not written, for there is no score: {without}", file=sys.stderr)
    store.write_text(out / report.FILE, report.render(store.load_class(out)))
    print(f"the class report is {out / report.FILE}")


if __name__ == "__main__":
    sys.exit(main())
