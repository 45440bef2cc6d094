"""Drives one world from its first event to its last, struck once on the way, and says what became of it.

What AWS would do is done here: an event whose invocation failed comes again, a look that a function arranged for itself comes
when it is due, the next event comes when the world is ready for it. Must never repair anything by itself.
"""

import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from harness.faults import Fault, Target
from harness.ministack import Account, MiniStack
from harness.proxy import Call, Line
from harness.sandbox import FunctionEnded, FunctionFailed, Invocation, Sandbox

# How often an event comes again, at most: Lambda's two retries, and one by hand from the failure queue.
AGAIN = 3


@dataclass(frozen=True)
class Kill:
    """SIGKILL to the function, before or after the n-th call of an operation was carried out."""

    target: Target
    when: str

    def __str__(self) -> str:
        return f"killed {self.when} {self.target}"


@dataclass
class Ending:
    """How one run of a world ended."""

    world: str
    struck: str
    # One word for the struck invocation: done, error:<code>, answer:<status>, killed.
    outcome: str = ""
    is_struck: bool = True
    took_s: float = 0.0
    state: dict = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)


class Run:
    """One world in one account; use once."""

    def __init__(self, world_class, ministack: MiniStack, number: int, binaries: Path, folder: Path):
        own = folder / f"run-{number}"
        own.mkdir(parents=True)
        self.world = world_class(Account(ministack.port, f"{100_000_000_000 + number}"), binaries, own)
        self._folder = own
        self._binary = str(binaries / world_class.function)
        self._sandbox: Sandbox | None = None
        self._logs = 0
        self._line: Line | None = None

    def go(self, reference: list[dict] | None = None, at_event: int = -1, strike: Fault | Kill | None = None) -> Ending:
        """All events in order; `strike` strikes one of them, and what is left undone is delivered again. Without a reference the
        states after each event become one: `Ending.state` holds them as a list under "states"."""
        world, states = self.world, []
        ending = Ending(f"{world.function}/{world.name}", str(strike or "nothing"))
        world.build()
        with Line(world.account.port) as line:
            self._line = line
            try:
                self._begin()
                for number in range(world.events):
                    world.before(number)
                    if number == at_event:
                        self._struck(ending, number, strike, reference)
                    else:
                        self._deliver(world.event(number), ending)
                    states.append(world.state())
            except TimeoutError as failure:
                # A release that was refused has no roll-out to wait for.
                states.append(world.state())
                if not world.accepts(states[-1], strike):
                    ending.problems.append(str(failure))
            except FunctionFailed as failure:
                ending.problems.append(str(failure)[:2000])
            finally:
                self._end(ending)
        ending.calls += line.take_calls()
        ending.state = states[-1] if states else {}
        ending.problems += world.broken(ending.calls) + world.leaks(ending.calls)
        ending.problems += [f"{call.name}: {problem}" for call in ending.calls for problem in call.asked.problems]
        if reference is None:
            ending.state = {"states": states}
        elif states and states[-1] != reference[-1] and not world.accepts(states[-1], strike):
            ending.problems.append(f"ended as {states[-1]}, not as {reference[-1]}")
        return ending

    def _begin(self) -> None:
        self._logs += 1
        log = str(self._folder / f"{self.world.function}-{self._logs}.log")
        self._sandbox = Sandbox([self._binary], self.world.environment(self._line.url), log)
        self._sandbox.start()

    def _end(self, ending: Ending) -> None:
        if self._sandbox is not None:
            log = self._sandbox.log()
            if "panicked at" in log:
                ending.problems.append(f"it panicked: {log[log.index('panicked at'):][:300]}")
            self._sandbox.stop()
            self._sandbox = None

    def _deliver(self, event: dict, ending: Ending) -> Invocation:
        """One event without a fault, to a living process. What fails even so (a machine that was busy) comes again, as from Lambda."""
        for _ in range(1 + AGAIN):
            invocation = self._sandbox.invoke(event, self.world.function_arn)
            self._take_calls(ending)
            if not invocation.is_error:
                break
            self.world.let_a_minute_pass()
        return invocation

    def _take_calls(self, ending: Ending) -> list[Call]:
        calls = self._line.take_calls()
        ending.calls += calls
        self.world.heard(calls)
        return calls

    def _struck(self, ending: Ending, number: int, strike: Fault | Kill, reference: list[dict]) -> None:
        began, is_well = time.monotonic(), False
        event = self.world.event(number)
        if isinstance(strike, Kill):
            self._killed(event, strike, ending)
        else:
            self._line.fault = strike
            invocation = self._sandbox.invoke(event, self.world.function_arn)
            ending.took_s = time.monotonic() - began
            # Reads go out side by side and looks see the world as it is: now and then a call does not come.
            ending.is_struck = self._line.struck > 0
            calls = self._take_calls(ending)
            self._line.heal()
            is_well = self._judge(invocation, calls, strike, ending)
        for _ in range(AGAIN):
            if is_well and self.world.state() == reference[number]:
                break
            self.world.let_a_minute_pass()
            # What was done comes again only if it failed; else the look that was arranged comes.
            looks = self.world.take_schedules() if is_well else []
            for again in looks or [event]:
                is_well = not self._deliver(again, ending).is_error
        self.world.let_a_minute_pass()

    def _killed(self, event: dict, kill: Kill, ending: Ending) -> None:
        sandbox, once = self._sandbox, threading.Event()

        def on_call(name: str, number: int, when: str) -> None:
            if (name, number, when) == (kill.target.name, kill.target.number, kill.when) and not once.is_set():
                once.set()
                sandbox.kill()

        self._line.on_call = on_call
        ending.outcome = "killed"
        try:
            sandbox.invoke(event, self.world.function_arn)
            ending.is_struck = False
        except FunctionEnded:
            pass
        # What was under way at the moment of the kill is finished by AWS all the same.
        time.sleep(0.05)
        self._line.heal()
        self._take_calls(ending)
        self._end(ending)
        self._begin()

    def _judge(self, invocation: Invocation, calls: list[Call], strike: Fault, ending: Ending) -> bool:
        """Success, a typed error that comes again, or a typed error that a person was told of; whether it was a success."""
        answer = invocation.answer
        if invocation.is_error:
            ending.outcome = f"error:{invocation.code}"
            if not str(answer.get("errorType", "")).startswith("Nightshift."):
                ending.problems.append(f"an error without a code of ours: {json.dumps(answer)[:500]}")
            # Without the ledger nothing may be told that is not stored; then the alarm on the function's errors tells.
            is_told = any(call.name == "sns:Publish" for call in calls) or strike.target.name.startswith("dynamodb:")
            if invocation.code == "refused_by_aws" and not is_told:
                ending.problems.append(f"permanent, and nobody was told: {answer.get('errorMessage')}")
            return False
        status = answer.get("statusCode") if isinstance(answer, dict) else None
        if status is not None:
            ending.outcome = f"answer:{status}"
            return status < 500
        ending.outcome = "done" if isinstance(answer, dict) and "decision" in answer else "strange"
        if ending.outcome == "strange":
            ending.problems.append(f"an answer without a decision: {json.dumps(answer)[:300]}")
        return True
