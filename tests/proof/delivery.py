"""Delivery as AWS does it: events twice, late, out of order, and many at once on one service, with real processes.

What must hold: nothing is done twice, nothing is done that the events do not ask for, and once everything has been delivered in
its order the end is that of an uninterrupted run.
"""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from driver import Ending, Run
from harness.ministack import MiniStack
from harness.proxy import Line
from harness.sandbox import FunctionFailed, Sandbox


class Shuffled(Run):
    """The events of a world in an order of chance, some of them twice; then, as always, in their order."""

    def go_shuffled(self, reference: list[dict], seed: int) -> Ending:
        dice = random.Random(seed)
        order = [number for number in range(self.world.events) for _ in range(dice.choice((1, 1, 2, 3)))]
        dice.shuffle(order)
        self._order = order
        ending = self.go(reference)
        ending.struck = f"seed {seed}: {' '.join(map(str, order))}"
        ending.outcome = "in the end as it should be" if not ending.problems else "broken"
        return ending

    def _begin(self) -> None:
        super()._begin()
        for number in self._order:
            # An early event may fail with a code: its sender comes again.
            self._deliver(self.world.event(number), self._early)
        self.world.let_a_minute_pass()

    @property
    def _early(self) -> Ending:
        if not hasattr(self, "_before"):
            self._before = Ending("", "")
        return self._before

    def _end(self, ending: Ending) -> None:
        ending.calls = self._early.calls + ending.calls
        super()._end(ending)


class AtOnce(Run):
    """One event handed to several processes at the same moment: each is a sandbox of the same function."""

    def go_at_once(self, reference: list[dict], processes: int, at_event: int) -> Ending:
        world = self.world
        ending = Ending(f"{world.function}/{world.name}", f"event {at_event} at once in {processes} processes")
        world.build()
        with Line(world.account.port) as line:
            self._line = line
            try:
                self._begin()
                for number in range(world.events):
                    world.before(number)
                    if number == at_event:
                        self._all_at_once(processes, world.event(number), ending)
                    else:
                        self._deliver(world.event(number), ending)
                self._take_calls(ending)
            except (FunctionFailed, TimeoutError) as failure:
                ending.problems.append(str(failure)[:2000])
            finally:
                self._end(ending)
            ending.state = world.state()
        ending.problems += world.broken(ending.calls)
        if ending.state != reference[-1]:
            ending.problems.append(f"ended as {ending.state}, not as {reference[-1]}")
        ending.outcome = ending.outcome or "nobody failed"
        return ending

    def _all_at_once(self, processes: int, event: dict, ending: Ending) -> None:
        # Each process has a line of its own, so that calls are counted for each.
        lines = [Line(self.world.account.port).__enter__() for _ in range(processes)]
        sandboxes = []
        try:
            for number, line in enumerate(lines):
                log = str(self._folder / f"at-once-{number}.log")
                sandboxes.append(Sandbox([self._binary], self.world.environment(line.url), log))
            with ThreadPoolExecutor(processes) as pool:
                list(pool.map(lambda sandbox: sandbox.start(), sandboxes))
                answers = list(pool.map(lambda sandbox: sandbox.invoke(event, self.world.function_arn), sandboxes))
            failed = [answer.code for answer in answers if answer.is_error]
            ending.outcome = f"{len(failed)} come again: {failed[0]}" if failed else "nobody failed"
            for sandbox in sandboxes:
                if "panicked at" in sandbox.log():
                    ending.problems.append("it panicked")
        finally:
            for sandbox in sandboxes:
                sandbox.stop()
            for line in lines:
                calls = line.take_calls()
                ending.calls += calls
                self.world.heard(calls)
                line.__exit__()
        ending.calls.sort(key=lambda call: call.began_s)
        if failed:
            self.world.let_a_minute_pass()
            self._deliver(event, ending)
            self.world.let_a_minute_pass()


def shuffled(reference, ministack: MiniStack, number: int, seed: int, binaries: Path, folder: Path) -> Ending:
    return Shuffled(reference.world, ministack, number, binaries, folder).go_shuffled(reference.states, seed)


def at_once(reference, ministack: MiniStack, number: int, seed: int, binaries: Path, folder: Path) -> Ending:
    dice = random.Random(seed)
    run = AtOnce(reference.world, ministack, number, binaries, folder)
    return run.go_at_once(reference.states, dice.randint(2, 16), dice.randrange(reference.world.events))


__all__ = ["at_once", "shuffled"]
