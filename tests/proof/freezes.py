"""Freeze and thaw: Lambda stops a sandbox between invocations for seconds or hours, and AWS closes the sockets that idle meanwhile.

The first invocation after that must not fail: a request on a dead socket costs a new connection, never an error.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from driver import Ending, Run
from harness.ministack import MiniStack
from harness.proxy import Line
from harness.sandbox import FunctionFailed


class Frozen(Run):
    """One process: an invocation, a freeze in which every connection is closed, the same event again; for each length."""

    def go_frozen(self, lengths_s: list[float]) -> list[Ending]:
        world, endings = self.world, []
        world.build()
        with Line(world.account.port) as line:
            self._line = line
            self._begin()
            try:
                world.before(0)
                event, first = world.event(0), Ending("", "")
                self._deliver(event, first)
                for length_s in lengths_s:
                    endings.append(self._one(event, length_s))
            finally:
                self._end(first)
        return endings

    def _one(self, event: dict, length_s: float) -> Ending:
        ending = Ending(f"{self.world.function}/{self.world.name}", f"frozen for {length_s:g} s")
        self._sandbox.freeze()
        self._line.drop_connections()
        time.sleep(length_s)
        self._sandbox.thaw()
        self.world.let_a_minute_pass()
        try:
            invocation = self._deliver(event, ending)
        except FunctionFailed as failure:
            ending.problems.append(str(failure)[:500])
            return ending
        ending.outcome = f"error:{invocation.code}" if invocation.is_error else "done"
        errors = invocation.answer.get("errors") if isinstance(invocation.answer, dict) else None
        if invocation.is_error or errors:
            ending.problems.append(f"failed after the thaw: {invocation.answer}")
        return ending


def freeze_all(worlds, lengths_s: list[float], binaries: Path, folder: Path) -> list[Ending]:
    """Every world on its own, all at once: it is nearly all waiting."""
    with MiniStack(folder / "aws", takes_s=0.3) as ministack, ThreadPoolExecutor(len(worlds)) as pool:
        runs = [Frozen(world, ministack, number, binaries, folder) for number, world in enumerate(worlds)]
        return [ending for endings in pool.map(lambda run: run.go_frozen(lengths_s), runs) for ending in endings]
