"""Faults and kills: every call of every world, struck in every way. What each run must end as is what an uninterrupted run of
the same world ended as.

The reference runs list the logical calls; the plan is the product of calls and strikes, or a seeded sample of it.
"""

import itertools
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from driver import Ending, Kill, Run
from harness.faults import KINDS, Fault, Target
from harness.ministack import MiniStack

# A local AWS keeps every account until it ends: 300 of them are some 200 MB.
RUNS_A_LOCAL_AWS = 300
# Runs mostly wait: for time limits, back-off, roll-outs.
SIDE_BY_SIDE = 12


@dataclass(frozen=True)
class Reference:
    """An uninterrupted run: the states after each event, and each event's logical calls in their order."""

    world: type
    states: list[dict]
    calls: list[list[Target]]


@dataclass(frozen=True)
class Job:
    """One run to be done."""

    reference: Reference
    at_event: int
    strike: Fault | Kill


def references(worlds: Iterable[type], binaries: Path, folder: Path) -> list[Reference]:
    """Runs every world without a fault. One that does not go well even so is no reference, and stops everything."""
    found = []
    with MiniStack(folder / "reference", takes_s=0.3) as ministack:
        for number, world in enumerate(worlds):
            run = Listing(world, ministack, number, binaries, folder / "reference-runs")
            ending = run.go()
            if ending.problems:
                raise SystemExit(f"{ending.world} does not go well without a fault: {ending.problems}")
            found.append(Reference(world, ending.state["states"], run.targets))
    return found


class Listing(Run):
    """A run that notes which logical calls each event brings."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.targets: list[list[Target]] = []

    def _deliver(self, event, ending: Ending):
        known = len(ending.calls)
        invocation = super()._deliver(event, ending)
        self.targets.append(list(dict.fromkeys(Target(call.name, call.number) for call in ending.calls[known:])))
        return invocation


def fault_jobs(references: list[Reference]) -> list[Job]:
    return [
        Job(reference, at_event, Fault(kind, target, is_lasting))
        for reference in references
        for at_event, targets in enumerate(reference.calls)
        for target in targets
        for kind, is_lasting in itertools.product(KINDS, (False, True))
    ]


def kill_jobs(references: list[Reference]) -> list[Job]:
    return [
        Job(reference, at_event, Kill(target, when))
        for reference in references
        for at_event, targets in enumerate(reference.calls)
        for target in targets
        for when in ("before", "after")
    ]


def sample(jobs: list[Job], share: float, seed: int) -> list[Job]:
    """A seeded part that has something of each world."""
    if share >= 1:
        return jobs
    dice = random.Random(seed)
    by_world: dict[type, list[Job]] = {}
    for job in jobs:
        by_world.setdefault(job.reference.world, []).append(job)
    return [job for own in by_world.values() for job in dice.sample(own, max(1, round(len(own) * share)))]


def carry_out(jobs: list[Job], binaries: Path, say: Callable[[str], None], seed: int = 7) -> list[Ending]:
    """All of them, in an order of chance so that slow ones are spread, several at a time."""
    jobs = jobs[:]
    random.Random(seed).shuffle(jobs)
    endings: list[Ending] = []
    began = time.monotonic()
    for first in range(0, len(jobs), RUNS_A_LOCAL_AWS):
        folder = Path(tempfile.mkdtemp(prefix="nightshift-proof-"))
        try:
            with MiniStack(folder / "aws", takes_s=0.3) as ministack, ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
                batch = list(enumerate(jobs[first : first + RUNS_A_LOCAL_AWS]))
                endings += pool.map(lambda one: carry_out_one(one[1], ministack, one[0], binaries, folder), batch)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        bad = sum(bool(ending.problems) for ending in endings)
        say(f"{len(endings)} of {len(jobs)} runs in {time.monotonic() - began:.0f} s, {bad} with a broken promise")
    return endings


def carry_out_one(job: Job, ministack: MiniStack, number: int, binaries: Path, folder: Path) -> Ending:
    run = Run(job.reference.world, ministack, number, binaries, folder)
    try:
        ending = run.go(job.reference.states, job.at_event, job.strike)
    except Exception as error:  # noqa: BLE001 - one run that the harness could not do must not hide the others
        world = job.reference.world
        ending = Ending(f"{world.function}/{world.name}", str(job.strike), problems=[f"the harness: {error!r}"])
    ending.struck = f"event {job.at_event}: {ending.struck}"
    return ending


def tally(endings: list[Ending]) -> list[tuple[str, int, Counter, int]]:
    """By world: runs, outcomes of the struck invocation, runs with a broken promise."""
    found = {}
    for ending in endings:
        runs, outcomes, broken = found.get(ending.world, (0, Counter(), 0))
        outcomes[ending.outcome] += 1
        found[ending.world] = (runs + 1, outcomes, broken + bool(ending.problems))
    return [(world, *rest) for world, rest in found.items()]
