"""Discrete events: functions that make calls to an AWS with token buckets, with the SDK's retries. No time passes, no thread runs.

A task is a generator. It yields a `Sleep`, or a `Together` of other tasks, and is gone on with when that is over; what it
returns is the value of the yield. Events at one time come in the order in which they were made, so that a seed gives one run.
"""

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field

from assumptions import Assumptions, Limit
from bucket import RetryQuota, TokenBucket
from calls import BUCKETS, Look

Task = Generator


@dataclass(frozen=True)
class Sleep:
    """Goes on so many seconds later."""

    seconds: float


@dataclass(frozen=True)
class Together:
    """Goes on when all have ended, with what each returned; at most `at_once` of them are under way, in order."""

    tasks: list[Task]
    at_once: int | None = None


class Clock:
    """Runs tasks until nothing is left to do, or until a time."""

    def __init__(self):
        self.now = 0.0
        self._due: list[tuple[float, int, Task, object]] = []
        self._number = itertools.count()
        self._waits: dict[int, tuple[Task, list, list, set]] = {}
        self._children: dict[int, tuple[int, int]] = {}

    def start(self, task: Task, after: float = 0.0) -> None:
        """Begins a task that nobody waits for."""
        self._later(after, task, None)

    def run(self, until: float = float("inf")) -> None:
        """Goes through all events up to a time."""
        while self._due and self._due[0][0] <= until:
            self.now, _, task, value = heapq.heappop(self._due)
            self._go_on(task, value)

    def _later(self, after: float, task: Task, value: object) -> None:
        heapq.heappush(self._due, (self.now + after, next(self._number), task, value))

    def _go_on(self, task: Task, value: object) -> None:
        try:
            wish = task.send(value)
        except StopIteration as ended:
            self._ended(task, ended.value)
            return
        if isinstance(wish, Sleep):
            self._later(wish.seconds, task, None)
        elif not wish.tasks:
            self._later(0.0, task, [])
        else:
            waiting = list(enumerate(wish.tasks))
            first = waiting[: wish.at_once or len(waiting)]
            self._waits[id(task)] = (task, [None] * len(waiting), waiting[len(first) :], {index for index, _ in waiting})
            for index, child in first:
                self._begin_child(id(task), index, child)

    def _begin_child(self, parent: int, index: int, child: Task) -> None:
        self._children[id(child)] = (parent, index)
        self._later(0.0, child, None)

    def _ended(self, task: Task, value: object) -> None:
        parent, index = self._children.pop(id(task), (None, 0))
        if parent is None:
            return
        waiter, values, left, open_ones = self._waits[parent]
        values[index] = value
        open_ones.discard(index)
        if left:
            next_index, next_child = left.pop(0)
            self._begin_child(parent, next_index, next_child)
        if not open_ones:
            del self._waits[parent]
            self._later(0.0, waiter, values)


@dataclass
class Tally:
    """What was asked of AWS, and what came of it."""

    calls: Counter = field(default_factory=Counter)
    attempts: Counter = field(default_factory=Counter)
    throttled: Counter = field(default_factory=Counter)
    failed: Counter = field(default_factory=Counter)

    def share_failed(self) -> float:
        """Of all calls, those that were throttled to the last attempt."""
        calls = sum(self.calls.values())
        return sum(self.failed.values()) / calls if calls else 0.0


class Process:
    """One execution environment of a function: it has the SDK's retry quotas, service by service."""

    def __init__(self):
        self.quotas: dict[str, RetryQuota] = {}

    def quota(self, api: str) -> RetryQuota:
        """The quota of the service that an API belongs to."""
        return self.quotas.setdefault(api.split(":", maxsplit=1)[0], RetryQuota())


class Aws:
    """One account in one region."""

    def __init__(self, clock: Clock, told: Assumptions, seed: int, slowness: float = 1.0, attempts: int = 3, first_backoff_s: float = 0.25):
        self.clock = clock
        self.tally = Tally()
        self._buckets = {api: TokenBucket(limit.burst, limit.per_s) for api, limit in told.buckets.items()}
        self._latency_s = told.latency_s
        self.dice = random.Random(seed)
        self._slowness = slowness
        self._attempts = attempts
        self._first_backoff_s = first_backoff_s

    def limit(self, limit: Limit) -> None:
        """Gives one bucket another size, as a raised quota does."""
        self._buckets[limit.api] = TokenBucket(limit.burst, limit.per_s)

    def call(self, process: Process, api: str) -> Task:
        """One call with its attempts; whether it succeeded. A refusal costs as much time as the quickest answer."""
        self.tally.calls[api] += 1
        quota = process.quota(api)
        for attempt in range(self._attempts):
            self.tally.attempts[api] += 1
            bucket = self._buckets.get(BUCKETS.get(api, ""))
            if bucket is None or bucket.take(self.clock.now):
                yield Sleep(self._latency_s[api] * self._slowness * self.dice.uniform(0.8, 1.6))
                quota.succeeded(attempt)
                return True
            self.tally.throttled[api] += 1
            yield Sleep(0.01 * self._slowness)
            if attempt + 1 == self._attempts or not quota.take():
                break
            # aws-smithy-runtime: a random part of the first back-off, which doubles with each attempt.
            yield Sleep(self.dice.random() * self._first_backoff_s * 2**attempt)
        self.tally.failed[api] += 1
        return False

    def rounds(self, process: Process, look: Look) -> Task:
        """The rounds of a look, up to the first in which a call fails; whether all succeeded."""
        for together in look:
            answers = yield Together([self.call(process, api) for api in together])
            if not all(answers):
                return False
        return True

    def all_of(self, process: Process, apis: Iterable[str]) -> Task:
        """Several calls together; whether all succeeded."""
        answers = yield Together([self.call(process, api) for api in apis])
        return all(answers)
