"""What Nightshift is made of and whether it is sound: the lock file, a bill of materials and the licences of each function, the templates.

Run from the checkout, with the tools of `make setup`: .venv/bin/python tests/supply/run.py
With --write it brings the table of licences in docs/supply-chain.md up to date instead of failing. Exits with 1 if anything is wrong.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOOLS = ROOT / "target" / "tools" / "supply"
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the table of licences into docs/supply-chain.md")
    options = parser.parse_args()
    if Path(sys.prefix) != TOOLS:
        set_up()
        os.execv(TOOLS / "bin" / "python", [str(TOOLS / "bin" / "python"), *sys.argv])
    problems = timed("lock file", lock_file)
    problems += timed("bills and licences", lambda: bills(options.write))
    problems += timed("templates", templates)
    for problem in problems:
        print(f"supply: {problem}", file=sys.stderr)
    say("all clean" if not problems else f"{len(problems)} problems")
    return 1 if problems else 0


def set_up() -> None:
    """The tools of requirements.txt, in a folder of their own; at once where they are there already."""
    wanted = (HERE / "requirements.txt").read_text() + sys.version
    stamp = TOOLS / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say("installing checkov and its libraries into target/tools/supply (300 MB, a minute, once)")
    began = time.monotonic()
    pip = [str(TOOLS / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", "--clear", str(TOOLS)], [*pip, "--requirement", str(HERE / "requirements.txt")]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"supply: {' '.join(command)} failed:\n{done.stderr[-2000:]}")
    stamp.write_text(wanted)
    say(f"installed in {time.monotonic() - began:.0f} s")


def timed(what: str, part) -> list[str]:
    began = time.monotonic()
    problems, words = part()
    say(f"{what}: {words} ({time.monotonic() - began:.1f} s)")
    return problems


def lock_file() -> tuple[list[str], str]:
    import lock

    problems = lock.problems()
    return problems, "committed, in step, and used by every command" if not problems else f"{len(problems)} problems"


def bills(write: bool) -> tuple[list[str], str]:
    import bill
    import licences
    from contents import FUNCTIONS, contents

    problems, words = [], []
    everything = [contents(function) for function in FUNCTIONS]
    for each in everything:
        path = bill.write(each)
        named, missing = bill.missing_from(each)
        problems += [f"{path.name} lacks {crate}, which the built function names" for crate in missing]
        words.append(f"{each.function} {len(each.crates)} crates" + (f", {named} of them named in the binary" if named else ""))
    problems += [
        f"{crate.name} {crate.version} has no licence" for each in everything for crate in each.crates if crate.licence == "unknown"
    ]
    table = licences.table(everything)
    if write:
        licences.write(table)
    elif not licences.is_current(table):
        problems.append("the table of licences in docs/supply-chain.md is out of date: make supply-write")
    return problems, "; ".join(words)


def templates() -> tuple[list[str], str]:
    import templates as checked

    return checked.problems()


def say(text: str) -> None:
    print(f"supply: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
