"""Runs a part of the proof, or all of it, and says what became of it; a whole run also rewrites its part of docs/reliability.md.

    .venv/bin/python tests/proof/run.py faults crashes delivery deadlines freeze soak [--short] [--functions target/debug]

--short is what CI runs: a seeded sample of each part. Exits with 1 if a promise is broken.
"""

import argparse
import datetime
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import deadlines  # noqa: E402
import delivery  # noqa: E402
import freezes  # noqa: E402
import matrix  # noqa: E402
import page  # noqa: E402
import soak  # noqa: E402
import worlds  # noqa: E402
from driver import Ending  # noqa: E402
from harness.ministack import MiniStack  # noqa: E402

RESULTS = ROOT / "target" / "proof"


@dataclass
class Proof:
    """What every part works with."""

    binaries: Path
    folder: Path
    worlds: list[type]
    options: argparse.Namespace
    _references: list[matrix.Reference] | None = None

    @property
    def references(self) -> list[matrix.Reference]:
        if self._references is None:
            self._references = matrix.references(self.worlds, self.binaries, self.folder)
        return self._references

    def amount(self, whole: int, short: int) -> int:
        return short if self.options.short else whole

    def share(self, short: float) -> float:
        return self.options.share or (short if self.options.short else 1.0)


def faults(proof: Proof) -> list[dict]:
    jobs = matrix.sample(matrix.fault_jobs(proof.references), proof.share(0.02), proof.options.seed)
    return rows_of(matrix.carry_out(jobs, proof.binaries, say, proof.options.seed))


def crashes(proof: Proof) -> list[dict]:
    jobs = matrix.sample(matrix.kill_jobs(proof.references), proof.share(0.15), proof.options.seed)
    return rows_of(matrix.carry_out(jobs, proof.binaries, say, proof.options.seed))


def seeded(proof: Proof, one, each: int) -> list[Ending]:
    """So many seeds of each world, several at a time, a new local AWS for every few hundred."""
    jobs = [(reference, proof.options.seed * 1_000_003 + seed) for seed in range(each) for reference in proof.references]
    endings: list[Ending] = []
    for first in range(0, len(jobs), matrix.RUNS_A_LOCAL_AWS):
        folder = Path(tempfile.mkdtemp(prefix="nightshift-proof-"))
        try:
            with MiniStack(folder / "aws", takes_s=0.3) as ministack, ThreadPoolExecutor(matrix.SIDE_BY_SIDE) as pool:
                batch = list(enumerate(jobs[first : first + matrix.RUNS_A_LOCAL_AWS]))
                endings += pool.map(lambda job: one(job[1][0], ministack, job[0], job[1][1], proof.binaries, folder), batch)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        say(f"{len(endings)} of {len(jobs)} runs, {sum(bool(ending.problems) for ending in endings)} with a broken promise")
    return endings


def delivered(proof: Proof) -> list[dict]:
    in_any_order = seeded(proof, delivery.shuffled, proof.amount(25, 1))
    at_once = seeded(proof, delivery.at_once, proof.amount(20, 1))
    return rows_of(in_any_order, "any order") + rows_of(at_once, "at once")


def late(proof: Proof) -> list[dict]:
    return rows_of(seeded(proof, deadlines.late, proof.amount(40, 2)))


def frozen(proof: Proof) -> list[dict]:
    lengths = [5.0] if proof.options.short else [5.0] * 5 + [60.0, 120.0]
    return rows_of(freezes.freeze_all(proof.worlds, lengths, proof.binaries, proof.folder / "freeze"))


def soaked(proof: Proof) -> list[dict]:
    found = soak.soak(proof.worlds, proof.options.invocations or proof.amount(20_000, 500), proof.binaries, proof.folder / "soak", say)
    return [one.row() for one in found]


PARTS = {"faults": faults, "crashes": crashes, "delivery": delivered, "deadlines": late, "freeze": frozen, "soak": soaked}


def rows_of(endings: list[Ending], kind: str = "") -> list[dict]:
    """One row a world: how many runs, how the struck invocations ended, what was broken, and how long answers took at most."""
    rows: dict[str, dict] = {}
    for ending in endings:
        empty = {"world": ending.world, "kind": kind, "runs": 0, "not_struck": 0, "outcomes": Counter(), "slowest_s": 0.0, "calls": 0, "problems": []}
        row = rows.setdefault(ending.world, empty)
        row["runs"] += 1
        row["not_struck"] += not ending.is_struck
        row["outcomes"][ending.outcome.partition(":")[0] if ending.outcome.startswith(("answer", "error")) else ending.outcome] += 1
        row["slowest_s"] = max(row["slowest_s"], ending.took_s)
        row["calls"] += len(ending.calls)
        if ending.problems:
            row["problems"].append(f"{ending.struck}: {'; '.join(dict.fromkeys(ending.problems))[:600]}")
    return [row | {"outcomes": dict(row["outcomes"])} for row in rows.values()]


def run_part(name: str, proof: Proof) -> list[str]:
    """Runs one part, prints its table, keeps its result; what was broken."""
    say(f"{name}: {'a sample' if proof.options.short else 'the whole'}")
    began = time.monotonic()
    rows = PARTS[name](proof)
    how_much = f" --share {proof.options.share:g}" if proof.options.share else ""
    if name == "soak" and proof.options.invocations:
        how_much = f" --invocations {proof.options.invocations}"
    result = {
        "date": datetime.date.today().isoformat(),
        "command": f"tests/proof/run.py {name}{how_much}",
        "seconds": round(time.monotonic() - began),
        "seed": proof.options.seed,
        "rows": rows,
    }
    print(page.terminal(name, result), flush=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}{'-short' if proof.options.short else ''}.json").write_text(json.dumps(result, indent=1))
    if not proof.options.short and not proof.options.only:
        page.rewrite([name])
    return [f"{name}: {row['world']}: {problem}" for row in rows for problem in row["problems"]]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which parts; all if none is named")
    parser.add_argument("--functions", type=Path, default=ROOT / "target" / "debug", help="the folder with the functions' binaries")
    parser.add_argument("--short", action="store_true", help="a seeded sample of each part, as CI runs it")
    parser.add_argument("--share", type=float, default=0.0, help="of faults and crashes this share alone, from 0 to 1, drawn by the seed")
    parser.add_argument("--invocations", type=int, help="so many invocations of each function in the soak")
    parser.add_argument("--only", help="only worlds with this in their function/name")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another sample and another order")
    return parser.parse_args()


def say(what: str) -> None:
    print(f"proof: {what}", flush=True)


def main() -> int:
    options = arguments()
    chosen = [world for world in worlds.WORLDS if not options.only or options.only in f"{world.function}/{world.name}"]
    missing = [world.function for world in chosen if not (options.functions / world.function).exists()]
    if missing or not chosen:
        print(f"proof: {options.functions} has no {', '.join(sorted(set(missing)))}; run: cargo build --workspace --bins", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="nightshift-proof-"))
    try:
        proof = Proof(options.functions.resolve(), folder, chosen, options)
        broken = [problem for name in options.parts or PARTS for problem in run_part(name, proof)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for problem in broken:
        print(f"proof: BROKEN {problem}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
