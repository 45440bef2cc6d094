"""The measurements of one function. Both contenders take turns (A, B, B, A, ...), so that what disturbs the machine disturbs both.

Every figure is the median over its runs; ratios are given as medians of the pairs' ratios, taken in the same turn.
"""

import itertools
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from contenders import Contender
from harness.proxy import Call, Line
from harness.sandbox import FunctionFailed, Invocation, Sandbox
from processor_share import ProcessorShare


@dataclass
class Pair:
    """One quantity of both functions, run by run."""

    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    @property
    def our_median(self) -> float:
        return statistics.median(self.ours)

    @property
    def their_median(self) -> float:
        return statistics.median(self.theirs)

    @property
    def ratio(self) -> float:
        """How many times more the other takes: the median of the ratios of the runs that were made in the same turn."""
        return statistics.median(their / our for our, their in zip(self.ours, self.theirs))


@dataclass(frozen=True)
class Journey:
    """The calls of one invocation, in all and up to the first that changes the estate (0 where none does)."""

    trips: int
    calls: int
    new_connections: int
    trips_to_change: int = 0
    ms_to_change: float = 0.0


class Bench:
    """Starts and invokes both functions on one job."""

    def __init__(self, ours: Contender, theirs: Contender, job, authority: Path, folder: Path):
        self.ours = ours
        self.theirs = theirs
        self.job = job
        self._bundles = {contender.title: str(contender.bundle(authority, folder)) for contender in (ours, theirs)}
        self._folder = folder
        self._number = itertools.count()

    def sandbox(self, contender: Contender, line: Line) -> Sandbox:
        """A sandbox whose function talks through this line."""
        bundle = self._bundles[contender.title] if line.url.startswith("https:") else None
        environment = self.job.environment(line.url, bundle) | contender.variables
        return Sandbox(contender.command, environment, str(self._folder / f"{self.job.function}-{next(self._number)}.log"))

    def turns(self, runs: int):
        """(A, B), (B, A), (A, B), ...: the pair's index says whose list a figure belongs to."""
        for run in range(runs):
            both = [(self.ours, 0), (self.theirs, 1)]
            yield run, both if run % 2 == 0 else both[::-1]

    def cold_starts(self, line: Line, runs: int) -> tuple[Pair, Pair, Pair]:
        """CPU and wall in milliseconds from exec to first poll, and MB resident at that moment."""
        starts = ([], [])
        # The first run of each reads its files from disk and does not count.
        for run, both in self.turns(runs + 1):
            for contender, side in both:
                with self.sandbox(contender, line) as sandbox:
                    start = sandbox.start()
                if run:
                    starts[side].append(start)
        return tuple(
            Pair(*([getattr(start, name) for start in found] for found in starts))
            for name in ("cpu_ms", "wall_ms", "resident_mb")
        )

    def first_invocations(self, line: Line, runs: int) -> tuple[Pair, Pair]:
        """CPU in milliseconds of a process's first invocation alone, and of start and first invocation together."""
        alone, together = ([], []), ([], [])
        for _, both in self.turns(runs):
            for contender, side in both:
                with self.sandbox(contender, line) as sandbox:
                    start = sandbox.start()
                    first = self.job.round(sandbox)[0]
                alone[side].append(first.cpu_ms)
                together[side].append(start.cpu_ms + first.cpu_ms)
        return Pair(*alone), Pair(*together)

    def warm_rounds(self, line: Line, runs: int) -> tuple[list[Pair], Pair]:
        """CPU in milliseconds of each part of the job in a process that has done it before, and the most MB resident after all."""
        parts, peak = [([], []) for _ in self.job.parts], Pair()
        with self.sandbox(self.ours, line) as ours, self.sandbox(self.theirs, line) as theirs:
            sandboxes = (ours, theirs)
            for sandbox in sandboxes:
                sandbox.start()
                self.job.round(sandbox)
            for _, both in self.turns(runs):
                for _, side in both:
                    for found, invocation in zip(parts, self.job.round(sandboxes[side])):
                        found[side].append(invocation.cpu_ms)
            peak = Pair([ours.memory_mb()], [theirs.memory_mb()])
        return [Pair(*found) for found in parts], peak

    def journeys(self, contender: Contender, line: Line, runs: int) -> list[list[Journey]]:
        """Warm rounds over a network that delays, by part: how the first mutating call was reached."""
        found: list[list[Journey]] = [[] for _ in self.job.parts]
        with self.sandbox(contender, line) as sandbox:
            sandbox.start()
            for run in range(runs + 1):
                calls: list[list[Call]] = []
                line.take_calls()
                invocations = self.job.round(sandbox, lambda _: calls.append(line.take_calls()))
                if run:
                    for own, part, heard, invocation in zip(found, self.job.parts, calls, invocations):
                        own.append(journey(heard, invocation, part.mutating))
        return found

    def with_a_share(self, line: Line, share: ProcessorShare, runs: int) -> tuple[Pair, Pair]:
        """Wall in milliseconds of the first event in a new process and in a warm one that have a small share of a processor."""
        first, warm = ([], []), ([], [])
        for _, both in self.turns(runs):
            for contender, side in both:
                with self.sandbox(contender, line) as sandbox:
                    sandbox.start()
                    # Lambda starts a function with a whole processor.
                    share.take_in(sandbox.pid)
                    first[side].append(self.job.round(sandbox)[0].wall_ms)
                    warm[side].append(self.job.round(sandbox)[0].wall_ms)
        return Pair(*first), Pair(*warm)


def journey(calls: list[Call], invocation: Invocation, mutating: str) -> Journey:
    """Serial round trips: the longest chain of calls of which each began after the one before had ended."""
    whole = Journey(longest_chain(calls), len(calls), sum(call.is_first_on_connection for call in calls))
    if not mutating:
        return whole
    change = next((call for call in calls if call.operation == mutating), None)
    if change is None:
        raise FunctionFailed(f"no {mutating} among {[call.operation for call in calls]}: {invocation.answer}")
    before = [call for call in calls if call.ended_s <= change.began_s]
    milliseconds = (change.ended_s - invocation.began_s) * 1e3
    return Journey(whole.trips, whole.calls, whole.new_connections, longest_chain(before) + 1, milliseconds)


def longest_chain(calls: list[Call]) -> int:
    length, last_end = 0, float("-inf")
    for call in sorted(calls, key=lambda call: call.ended_s):
        if call.began_s >= last_end:
            length, last_end = length + 1, call.ended_s
    return length


def decisions_per_second(command: list[str]) -> float:
    """What the example `decisions` prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return float(done.stdout.split()[0])


def fastest(measure, is_good, attempts: int = 3, pause_s: float = 2.0):
    """Measures again if the result is not good: other work on the machine can only make a program look slower."""
    best = measure()
    for _ in range(attempts - 1):
        if is_good(best):
            break
        time.sleep(pause_s)
        again = measure()
        best = min(best, again, key=lambda pairs: pairs[0].our_median + pairs[1].our_median)
    return best
