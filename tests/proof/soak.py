"""Soak: many thousands of invocations of one process. Memory and descriptors must not grow.

The local AWS answers each kind of call once; after that the line answers from memory, so that the time goes into the function.
"""

import time
from dataclasses import asdict, dataclass
from pathlib import Path

from driver import Ending, Run
from harness.ministack import MiniStack
from harness.proxy import Line

MOST_GROWTH_MB = 1.0


@dataclass
class Soaked:
    """One process after its invocations. Growth is from the first tenth to the end: pools and allocators fill in between."""

    world: str
    invocations: int
    seconds: float
    resident_mb: float
    growth_mb: float
    descriptors: int
    descriptor_growth: int
    failed: int
    problems: list[str]

    def row(self) -> dict:
        return asdict(self)


class Soaking(Run):
    """The same event over and over, after a first one that did the work."""

    def soak(self, invocations: int, say) -> Soaked:
        world = self.world
        world.build()
        with Line(world.account.port) as line:
            self._line = line
            self._begin()
            try:
                world.before(0)
                event = world.event(0)
                self._deliver(event, Ending("", ""))
                line.memory = {}
                return self._many(event, invocations, say)
            finally:
                self._end(Ending("", ""))

    def _many(self, event: dict, invocations: int, say) -> Soaked:
        world, sandbox, failed, began = self.world, self._sandbox, 0, time.monotonic()
        early_mb = early_descriptors = 0.0
        for number in range(invocations):
            failed += sandbox.invoke(event, world.function_arn).is_error
            if number % 100 == 99:
                self._line.take_calls()
            if number == invocations // 10:
                early_mb, early_descriptors = sandbox.memory_mb("VmRSS"), sandbox.descriptors()
                say(f"{world.function}: {number} invocations, {early_mb:.2f} MB resident, {early_descriptors} descriptors")
        late_mb, late_descriptors = sandbox.memory_mb("VmRSS"), sandbox.descriptors()
        found = Soaked(
            f"{world.function}/{world.name}",
            invocations,
            time.monotonic() - began,
            late_mb,
            late_mb - early_mb,
            late_descriptors,
            int(late_descriptors - early_descriptors),
            failed,
            [],
        )
        if found.growth_mb >= MOST_GROWTH_MB:
            found.problems.append(f"it grew by {found.growth_mb:.2f} MB")
        if found.descriptor_growth > 0:
            found.problems.append(f"{found.descriptor_growth} descriptors more")
        if failed:
            found.problems.append(f"{failed} invocations failed")
        return found


def soak(worlds, invocations: int, binaries: Path, folder: Path, say) -> list[Soaked]:
    """The first world of each function, one after the other."""
    firsts = {world.function: world for world in reversed(worlds)}
    with MiniStack(folder / "aws", takes_s=0.3) as ministack:
        runs = [Soaking(world, ministack, number, binaries, folder) for number, world in enumerate(firsts.values())]
        return [run.soak(invocations, say) for run in runs]
