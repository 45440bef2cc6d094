"""The measurements. Both functions take turns (A, B, A, B, ...), so that what disturbs the machine disturbs both alike.

Every figure is the median over its runs; ratios are given as medians of the pairs' ratios, taken in the same turn.
"""

import itertools
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from contenders import Contender
from endpoint import Call, Proxy
from estate import FUNCTION_ARN, Estate, Target
from sandbox import FunctionFailed, Invocation, Sandbox, Start


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
    """The calls of one invocation, up to the first that changes the estate."""

    round_trips: int
    milliseconds: float
    calls_before: int
    calls: int
    new_connections: int


class Bench:
    """Starts and invokes both functions against one endpoint."""

    def __init__(self, ours: Contender, theirs: Contender, estate: Estate, authority: Path, folder: Path):
        self.ours = ours
        self.theirs = theirs
        self._estate = estate
        self._bundles = {contender.title: contender.bundle(authority, folder) for contender in (ours, theirs)}
        self._folder = folder
        self._number = itertools.count()

    def sandbox(self, contender: Contender, proxy: Proxy) -> Sandbox:
        """A sandbox whose function talks to this proxy."""
        environment = contender.environment(proxy.url, self._bundles[contender.title] if proxy.tls else None)
        return Sandbox(contender.command, environment, str(self._folder / f"function-{next(self._number)}.log"))

    def cold_starts(self, proxy: Proxy, runs: int) -> tuple[Pair, Pair, Pair]:
        """CPU and wall in milliseconds from exec to first poll, and MB resident at that moment."""
        starts: tuple[list[Start], list[Start]] = ([], [])
        # The first run of each reads its files from disk and does not count.
        for run in range(runs + 1):
            for contender, found in zip((self.ours, self.theirs), starts):
                with self.sandbox(contender, proxy) as sandbox:
                    start = sandbox.start()
                if run:
                    found.append(start)
        return tuple(
            Pair(*([getattr(start, name) for start in found] for found in starts))
            for name in ("cpu_ms", "wall_ms", "resident_mb")
        )

    def first_invocations(self, proxy: Proxy, target: Target, runs: int) -> tuple[Pair, Pair]:
        """CPU in milliseconds of the first invocation alone, and of start and first invocation together."""
        alone, together = Pair(), Pair()
        for _ in range(runs):
            for contender, first, both in ((self.ours, alone.ours, together.ours), (self.theirs, alone.theirs, together.theirs)):
                with self.sandbox(contender, proxy) as sandbox:
                    start = sandbox.start()
                    invocation = self.invoke(sandbox, target)
                first.append(invocation.cpu_ms)
                both.append(start.cpu_ms + invocation.cpu_ms)
        return alone, together

    def warm_invocations(self, proxy: Proxy, target: Target, runs: int) -> tuple[Pair, Pair]:
        """CPU in milliseconds of each later invocation of one process, and the most MB that were resident after all."""
        cpu, peak = Pair(), Pair()
        with self.sandbox(self.ours, proxy) as ours, self.sandbox(self.theirs, proxy) as theirs:
            both = ((ours, cpu.ours, peak.ours), (theirs, cpu.theirs, peak.theirs))
            for sandbox, _, _ in both:
                sandbox.start()
                self.invoke(sandbox, target)
            for _ in range(runs):
                for sandbox, found, _ in both:
                    found.append(self.invoke(sandbox, target).cpu_ms)
            for sandbox, _, found in both:
                found.append(sandbox.memory_mb())
        return cpu, peak

    def journeys(self, contender: Contender, proxy: Proxy, target: Target, runs: int) -> list[Journey]:
        """Warm invocations over a network that delays: how the first mutating call was reached."""
        journeys = []
        with self.sandbox(contender, proxy) as sandbox:
            sandbox.start()
            for run in range(runs + 1):
                proxy.take_calls()
                invocation = self.invoke(sandbox, target)
                calls = proxy.take_calls()
                if run:
                    journeys.append(journey(calls, invocation, target))
        return journeys

    def invoke(self, sandbox: Sandbox, target: Target) -> Invocation:
        """One invocation that must grow the target from 2 to 3; anything else would be measuring another job."""
        self._estate.restore()
        invocation = sandbox.invoke(self._estate.event(target), FUNCTION_ARN)
        size = self._estate.size(target)
        if size != 3:
            raise FunctionFailed(f"{target.title} has {size} after the invocation, not 3; the answer was: {invocation.answer}")
        return invocation


def journey(calls: list[Call], invocation: Invocation, target: Target) -> Journey:
    """Serial round trips: the longest chain of calls of which each began after the one before had ended, to the mutating one."""
    mutating = next((call for call in calls if call.operation == target.mutating_call), None)
    if mutating is None:
        raise FunctionFailed(f"no {target.mutating_call} among {[call.operation for call in calls]}: {invocation.answer}")
    before = [call for call in calls if call.ended_s <= mutating.began_s]
    chain, last_end = 0, float("-inf")
    for call in sorted(before, key=lambda call: call.ended_s):
        if call.began_s >= last_end:
            chain, last_end = chain + 1, call.ended_s
    return Journey(
        round_trips=chain + 1,
        milliseconds=(mutating.ended_s - invocation.began_s) * 1e3,
        calls_before=len(before),
        calls=len(calls),
        new_connections=sum(call.is_first_on_connection for call in calls),
    )


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
