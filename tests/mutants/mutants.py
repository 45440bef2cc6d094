"""Mutation testing of shared/core: every mutant that cargo-mutants knows, compiled once, switched on one at a time.

A build and a whole test run for each of some thousand mutants takes a day. Here all are planted into one copy of the core
(`plant.py`); each then costs only the tests that reach it (`hunt.py`). Writes target/proof/mutants.json.
"""

import argparse
import datetime
import json
import math
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import plant
from hunt import Hunt, Result

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "target" / "mutants"
TREE, BUILD, LISTED = WORK / "tree", WORK / "build", WORK / "listed.json"
PROOF = ROOT / "target" / "proof" / "mutants.json"
CONFIG = Path(__file__).with_name("mutants.toml")
CORE = "shared/core/src"
# The dependencies are optimized, once: the tests spend their time there. The core is not, since it is built after each change.
PROFILE = {"CARGO_PROFILE_DEV_DEBUG": "false", "CARGO_PROFILE_DEV_OPT_LEVEL": "1", "CARGO_INCREMENTAL": "1"}
TESTS = "shared/core/tests/"
# Of each property, where its test says how many: a mutant that lives is tried by all tests that reach it.
FEWER_CASES = b"48"
IN_CONSTANT = "it is in a constant"
OF_CORE = ["--config", "profile.dev.package.nightshift-core.opt-level=0"]


def main() -> int:
    arguments = parsed()
    began = time.monotonic()
    sources, mutants = sources_and_mutants()
    copy_tree()
    binaries, unviable = build(mutants, sources)
    apart = {mutant["number"]: mutant["apart"] for mutant in mutants if mutant.get("apart")}
    chosen = list(choose(mutants, arguments))
    say(f"{len(mutants)} mutants, {len(unviable)} do not compile, {len(apart)} cannot be planted; {len(chosen)} chosen")
    hunt = Hunt(binaries, TREE / "shared" / "core", WORK)
    hunt.survey()
    say(f"{len(hunt.tests)} tests take {sum(test.seconds for test in hunt.tests):.1f} s of CPU and pass with no mutant on")
    results: dict[int, Result] = {}
    # In an order of no meaning, so that a run that stops early has drawn a sample.
    random.Random(arguments.seed).shuffle(chosen)
    for index, mutant in enumerate(chosen):
        if arguments.minutes and time.monotonic() - began > 60 * arguments.minutes:
            chosen = chosen[:index]
            break
        number = mutant["number"]
        if number in unviable:
            results[number] = Result("unviable", unviable[number])
        elif number in apart:
            results[number] = Result("apart", apart[number])
        else:
            results[number] = hunt.hunt(number, mutant["file"])
        if results[number].verdict == "missed":
            print(f"MISSED {mutant['name']} ({results[number].by})", flush=True)
        if index % 200 == 199:
            say(f"{index + 1} of {len(chosen)} after {time.monotonic() - began:.0f} s: {dict(Counter(r.verdict for r in results.values()))}")
    return report(arguments, mutants, chosen, results, time.monotonic() - began)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="every mutant (the default)")
    which.add_argument("--sample", type=int, metavar="N", help="N mutants, drawn with --seed")
    which.add_argument("--shard", metavar="K/N", help="the K-th (from 0) of N parts")
    which.add_argument("--changed", nargs="?", const="HEAD", metavar="REVISION", help="mutants in lines that changed since (HEAD)")
    parser.add_argument("--seed", type=int, default=1, help="for the order and --sample")
    parser.add_argument("--minutes", type=float, help="stop after so long; what was tried by then is a sample")
    parser.add_argument("--file", action="append", default=[], help="only files whose path contains this (repeatable)")
    parser.add_argument("--at-least", type=float, metavar="PERCENT", help="fail when a smaller share is caught")
    return parser.parse_args()


def listed(more: list[str]) -> list[dict]:
    """cargo-mutants' own list, in a stable order, numbered from 1."""
    command = ["cargo", "mutants", "--config", str(CONFIG), "--list", "--json", "--package", "nightshift-core", *more]
    found = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    for number, mutant in enumerate(found, start=1):
        mutant["number"] = number
    return found


def sources_and_mutants() -> tuple[dict[str, bytes], list[dict]]:
    """The core's files, and the mutants of just these: whoever edits one meanwhile would shift every place after it."""
    while True:
        sources = {str(path.relative_to(ROOT)): path.read_bytes() for path in sorted((ROOT / CORE).rglob("*.rs"))}
        mutants = listed([])
        if all((ROOT / name).read_bytes() == content for name, content in sources.items()):
            return sources, mutants


def choose(mutants: list[dict], arguments: argparse.Namespace) -> list[dict]:
    if arguments.file:
        mutants = [mutant for mutant in mutants if any(part in mutant["file"] for part in arguments.file)]
    if arguments.sample:
        return random.Random(arguments.seed).sample(mutants, min(arguments.sample, len(mutants)))
    if arguments.shard:
        part, parts = (int(number) for number in arguments.shard.split("/"))
        return mutants[part::parts]
    if arguments.changed:
        change = WORK / "change.diff"
        with change.open("w") as out:
            subprocess.run(["git", "diff", arguments.changed, "--", CORE], cwd=ROOT, check=True, stdout=out)
        if not change.stat().st_size:
            return []
        names = {mutant["name"] for mutant in listed(["--in-diff", str(change)])}
        return [mutant for mutant in mutants if mutant["name"] in names]
    return mutants


def copy_tree() -> None:
    """The checkout as it is, without what git ignores; a file that is as it was keeps its time, so that cargo keeps its build."""
    TREE.mkdir(parents=True, exist_ok=True)
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    files = {name for name in names.stdout.split("\0") if name and (ROOT / name).is_file()}
    for there in [path for path in TREE.rglob("*") if path.is_file() or path.is_symlink()]:
        if str(there.relative_to(TREE)) not in files | {f"{CORE}/mutation.rs"}:
            there.unlink()
    for name in files:
        if not name.startswith(f"{CORE}/"):
            content = (ROOT / name).read_bytes()
            if name.startswith(TESTS):
                content = re.sub(rb"(\bcases: |\bwith_cases\()[\d_]+", rb"\g<1>" + FEWER_CASES, content)
            write_if_other(TREE / name, content, (ROOT / name).stat().st_mode)


def plant_all(mutants: list[dict], sources: dict[str, bytes], unviable: set[int]) -> None:
    by_file: dict[str, list] = {}
    for mutant in mutants:
        if mutant["number"] not in unviable and not mutant.get("apart"):
            by_file.setdefault(mutant["file"], []).append((mutant["number"], mutant))
    for name, source in sources.items():
        planted, left_out = plant.plant(source, by_file.get(name, []))
        for number, reason in left_out.items():
            mutants[number - 1]["apart"] = reason
        if name == f"{CORE}/lib.rs":
            planted += b"\n#[doc(hidden)]\npub mod mutation;\n"
        write_if_other(TREE / name, planted, 0o644)
    write_if_other(TREE / CORE / "mutation.rs", plant.SWITCH.lstrip().encode(), 0o644)


def write_if_other(path: Path, content: bytes, mode: int) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def build(mutants: list[dict], sources: dict[str, bytes]) -> tuple[list[Path], dict[int, str]]:
    """The test binaries with all mutants that compile; those that the compiler complains of are taken out until it is content."""
    unviable: dict[int, str] = known_unviable(mutants)
    for _ in range(40):
        plant_all(mutants, sources, set(unviable))
        done = subprocess.run(
            ["cargo", "test", "--locked", "--offline", "--package", "nightshift-core", "--lib", "--test", "suite", "--no-run",
             "--message-format", "json", *OF_CORE],
            cwd=TREE, env=os.environ | PROFILE | {"CARGO_TARGET_DIR": str(BUILD)}, stdout=subprocess.PIPE, text=True, check=False,
        )
        messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode == 0:
            built = [Path(message["executable"]) for message in messages if message.get("executable")]
            return sorted(set(built)), unviable
        complaints = complained(messages)
        say(f"{len(complaints)} mutants more do not compile")
        if not complaints:
            raise SystemExit("mutants: the planted core does not compile, and not because of a mutant:\n" + first_error(messages))
        for number, why in complaints.items():
            mutant = mutants[number - 1]
            # Nothing can be called in a constant: that is the planting, not the mutant.
            if why.startswith("E0015"):
                mutant["apart"] = IN_CONSTANT
            else:
                unviable[number] = why
        refused = {mutants[number - 1]["name"]: why for number, why in unviable.items()}
        constant = {mutant["name"]: IN_CONSTANT for mutant in mutants if mutant.get("apart") == IN_CONSTANT}
        LISTED.write_text(json.dumps(refused | constant, indent=1))
    raise SystemExit("mutants: the planted core still does not compile")


def known_unviable(mutants: list[dict]) -> dict[int, str]:
    """From the last run, so that it need not be found out anew; what has compiled meanwhile is only not tried."""
    known = json.loads(LISTED.read_text()) if LISTED.exists() else {}
    for mutant in mutants:
        if known.get(mutant["name"]) == IN_CONSTANT:
            mutant["apart"] = IN_CONSTANT
    known = {name: why for name, why in known.items() if why != IN_CONSTANT}
    return {mutant["number"]: known[mutant["name"]] for mutant in mutants if mutant["name"] in known}


def complained(messages: list[dict]) -> dict[int, str]:
    """The mutants that errors point at, by the marks that `plant.py` leaves."""
    found: dict[int, str] = {}
    lines: dict[str, list[str]] = {}
    for message in messages:
        error = message.get("message") or {}
        if message.get("reason") != "compiler-message" or error.get("level") != "error":
            continue
        code = (error.get("code") or {}).get("code") or "E?"
        for span in sorted(error["spans"], key=lambda span: not span["is_primary"]):
            name = span["file_name"]
            text = lines.setdefault(name, (TREE / name).read_text().splitlines())
            number = marked(text, span["line_start"])
            if number:
                found[number] = f"{code}: {error['message']}"
                break
    return found


def marked(text: list[str], line: int) -> int | None:
    """The mutant that a line belongs to: a mutant's own lines begin at `/*#7*/` and end at `/*#*/`."""
    if line > len(text) or text[line - 1].startswith("/*#*/"):
        return None
    for at in range(line - 1, -1, -1):
        if at < line - 1 and "/*#*/" in text[at]:
            return None
        mark = re.match(r"/\*#(\d+)\*/", text[at])
        if mark:
            return int(mark.group(1))
    return None


def first_error(messages: list[dict]) -> str:
    errors = [m["message"].get("rendered") or "" for m in messages if m.get("reason") == "compiler-message"
              and m["message"].get("level") == "error"]
    return "\n".join(errors[:5])


def report(arguments: argparse.Namespace, mutants: list[dict], chosen: list[dict], results: dict[int, Result], seconds: float) -> int:
    counts = Counter(result.verdict for result in results.values())
    caught, missed = counts["caught"] + counts["timeout"], counts["missed"]
    tried = caught + missed
    percent = 100 * caught / tried if tried else 100.0
    low, high = (percent, percent) if len(chosen) == len(mutants) else wilson(caught, tried)
    survivors = [{"name": m["name"], "why": results[m["number"]].by} for m in chosen if results[m["number"]].verdict == "missed"]
    by_file = Counter(m["file"] for m in chosen if results[m["number"]].verdict == "missed")
    PROOF.parent.mkdir(parents=True, exist_ok=True)
    PROOF.write_text(json.dumps({
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "command": "tests/mutants/run.sh " + " ".join(sys.argv[1:]),
        "seconds": round(seconds),
        "mutants_in_all": len(mutants), "sampled": len(chosen),
        "caught": counts["caught"], "missed": missed, "unviable": counts["unviable"], "timeout": counts["timeout"],
        "not_planted": counts["apart"],
        "percent": round(percent, 2), "interval": [round(low, 2), round(high, 2)],
        "survivors_by_file": dict(by_file.most_common()),
        "survivors": survivors,
    }, indent=2) + "\n")
    say(f"{caught} of {tried} caught ({counts['timeout']} by not ending): {percent:.1f} %"
        f" [{low:.1f}, {high:.1f}]; {missed} missed, {counts['unviable']} do not compile, {counts['apart']} not planted;"
        f" {seconds:.0f} s")
    for name, number in by_file.most_common(12):
        say(f"  {number:4} missed in {name}")
    return 1 if arguments.at_least is not None and percent < arguments.at_least else 0


def wilson(caught: int, tried: int) -> tuple[float, float]:
    """The 95 % interval of a share, in percent."""
    if not tried:
        return (0.0, 100.0)
    z, share = 1.96, caught / tried
    middle = share + z * z / (2 * tried)
    spread = z * math.sqrt(share * (1 - share) / tried + z * z / (4 * tried * tried))
    return (100 * (middle - spread) / (1 + z * z / tried), 100 * (middle + spread) / (1 + z * z / tried))


def say(text: str) -> None:
    print(f"mutants: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
