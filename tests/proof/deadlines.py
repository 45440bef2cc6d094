"""Deadlines: so much time left, and an AWS that is slow. The answer has to come half a second before Lambda ends the invocation, or
at once where less than that is left; and nothing may be half done that a later try does not bring to its end.
"""

import random
import time
from pathlib import Path

from driver import Ending, Run
from harness.ministack import MiniStack
from harness.proxy import Line
from harness.sandbox import FunctionFailed

# Seconds until Lambda's deadline; 900 is the most that Lambda gives.
TIMES_LEFT_S = (0.1, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.5, 8.0, 10.0, 15.0, 20.0, 30.0, 60.0, 900.0)
# How long each call takes, at most; each draws its own.
SLOWNESS_S = (0.3, 1.0, 2.0, 4.0, 8.0)
BEFORE_THE_END_S = 0.5
# Where less time is left than an answer needs, it has to come at once: a process start, a parse, an answer.
AT_ONCE_S = 0.15


class Late(Run):
    """One event of a world with little time and a slow AWS; afterwards all is well again, and it comes anew."""

    def go_late(self, reference: list[dict], seed: int) -> Ending:
        dice, world = random.Random(seed), self.world
        left_s, slow_s, at_event = dice.choice(TIMES_LEFT_S), dice.choice(SLOWNESS_S), dice.randrange(world.events)
        ending = Ending(f"{world.function}/{world.name}", f"seed {seed}: event {at_event}, {left_s:g} s left, calls of up to {slow_s:g} s")
        world.build()
        with Line(world.account.port) as line:
            self._line = line
            try:
                self._begin()
                for number in range(world.events):
                    world.before(number)
                    if number == at_event:
                        self._late(world.event(number), left_s, slow_s, dice, ending)
                    again = self._deliver(world.event(number), ending)
                    for _ in range(3):
                        if number != at_event or (not again.is_error and world.state() == reference[number]):
                            break
                        world.let_a_minute_pass()
                        looks = [] if again.is_error else world.take_schedules()
                        for event in looks or [world.event(number)]:
                            again = self._deliver(event, ending)
            except (FunctionFailed, TimeoutError) as failure:
                ending.problems.append(str(failure)[:2000])
            finally:
                self._end(ending)
            ending.state = world.state()
        ending.problems += world.broken(ending.calls)
        if ending.state != reference[-1]:
            ending.problems.append(f"ended as {ending.state}, not as {reference[-1]}")
        return ending

    def _late(self, event: dict, left_s: float, slow_s: float, dice: random.Random, ending: Ending) -> None:
        self._line.delay_s = lambda asked: dice.uniform(0, slow_s)
        began = time.monotonic()
        invocation = self._sandbox.invoke(event, self.world.function_arn, within_s=left_s, limit_s=left_s + 60)
        took_s = ending.took_s = time.monotonic() - began
        self._line.delay_s = 0.0
        ending.outcome = f"error:{invocation.code}" if invocation.is_error else "answered"
        # What AWS is still at work on comes to its end.
        time.sleep(min(slow_s, 1.0))
        self._line.drop_connections()
        self._take_calls(ending)
        self.world.let_a_minute_pass()
        limit_s = max(AT_ONCE_S, left_s - BEFORE_THE_END_S)
        if took_s > limit_s:
            ending.problems.append(f"answered after {took_s:.2f} s; with {left_s:g} s left, {limit_s:.2f} s are the most")


def late(reference, ministack: MiniStack, number: int, seed: int, binaries: Path, folder: Path) -> Ending:
    return Late(reference.world, ministack, number, binaries, folder).go_late(reference.states, seed)
