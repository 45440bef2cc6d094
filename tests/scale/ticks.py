"""The tick of every minute, simulated: whether it gets through its share of the services within the function's time."""

from dataclasses import dataclass, field

from assumptions import Assumptions
from calls import OBSERVE, SCALE_UNREAD
from product import Product
from simulation import Aws, Clock, Process, Sleep, Task, Together

# Lambda tries a failed asynchronous invocation again after one and after two minutes (Lambda developer guide, Error handling
# for asynchronous invocation).
RETRY_AFTER_S = (60.0, 120.0)


@dataclass(frozen=True)
class TickRun:
    """What came of some minutes of ticks."""

    busiest: int
    longest_s: float
    timeouts_an_hour: float
    given_up_an_hour: float
    unread_share: float
    seen_share: float
    rechecks_a_minute: float


def shares(system_sizes: list[int], minutes: int) -> list[list[int]]:
    """Which services each minute looks at, counted from nought in each of these."""
    turns: list[list[int]] = [[] for _ in range(minutes)]
    first = 0
    for size in system_sizes:
        for index in range(size):
            turns[index % minutes].append(first + index)
        first += size
    return turns


def one_system(services: int) -> list[int]:
    """All services in one system: every minute has the same share."""
    return [services]


def like_the_examples(services: int) -> list[int]:
    """Systems of the sizes of systems/: one of seven services and four of one, over and over."""
    sizes: list[int] = []
    pattern = [7, 1, 1, 1, 1]
    while sum(sizes) < services:
        sizes.append(min(pattern[len(sizes) % len(pattern)], services - sum(sizes)))
    return sizes


@dataclass(frozen=True)
class Way:
    """How a tick goes about it. As it is: one service after the other, each with reads of its own."""

    title: str = "as it is"
    # Every service has a number of its own, whatever its system (functions/scale/src/wakes.rs).
    counts_across_systems: bool = True
    # Alarms, metrics and services are read for so many at a time: 40 have fewer than 100 alarms, and ECS describes ten a call.
    read_together: int = 1
    # What is left to be read of each is read for so many side by side.
    side_by_side: int = 1


AS_IT_IS = Way()
COUNTED_APART = Way("as it was: counted in each system", counts_across_systems=False)
READ_TOGETHER = Way("besides read together, 40 at a time", True, read_together=40, side_by_side=8)
OF_EACH = ["application-autoscaling:DescribeScalableTargets", "dynamodb:BatchGetItem"]
SERVICES_A_CALL = 10


@dataclass
class _Ticks:
    told: Assumptions
    facts: Product
    clock: Clock
    aws: Aws
    turns: list[list[int]]
    way: Way
    process: Process = field(default_factory=Process)
    lengths: list[float] = field(default_factory=list)
    timeouts: int = 0
    given_up: int = 0
    looks: int = 0
    unread: int = 0
    rechecks: int = 0
    seen_at: dict[int, float] = field(default_factory=dict)
    widest_gap_s: dict[int, float] = field(default_factory=dict)
    recheck_at: dict[int, float] = field(default_factory=dict)

    def every_minute(self, minutes: int) -> Task:
        for _ in range(minutes):
            self.clock.start(self.tick(self.process, tries=0))
            yield Sleep(60.0)

    def tick(self, process: Process, tries: int) -> Task:
        """One invocation, and what Lambda makes of it if its time is over."""
        began = self.clock.now
        end = began + self.facts.timeout_s["scale"]
        turn = self.turns[int(began // 60) % len(self.turns)]
        for first in range(0, len(turn), self.way.read_together):
            some = turn[first : first + self.way.read_together]
            yield from self.look(process, some[0]) if len(some) == 1 else self.look_at_all(process, some)
            if self.clock.now >= end:
                self.timeouts += 1
                yield from self._failed(tries)
                return
        self.lengths.append(self.clock.now - began)

    def _failed(self, tries: int) -> Task:
        if tries == self.facts.retry_maximum:
            self.given_up += 1
            return
        yield Sleep(RETRY_AFTER_S[tries])
        self.clock.start(self.tick(Process(), tries + 1))

    def look(self, process: Process, service: int) -> Task:
        """One quiet service: the reads, and a look a minute later where one failed."""
        self.looks += 1
        if (yield from self.aws.all_of(process, OBSERVE)):
            self._was_seen(service)
            return
        yield from self._unread(process, service)

    def look_at_all(self, process: Process, services: list[int]) -> Task:
        """Several quiet services, with what can be asked together asked together."""
        self.looks += len(services)
        descriptions = -(-len(services) // SERVICES_A_CALL)
        together = ["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"] + ["ecs:DescribeServices"] * descriptions
        is_read = yield from self.aws.all_of(process, together)
        answers = yield Together([self.aws.all_of(process, OF_EACH) for _ in services], self.way.side_by_side)
        for service, own in zip(services, answers):
            if is_read and own:
                self._was_seen(service)
            else:
                yield from self._unread(process, service)

    def _unread(self, process: Process, service: int) -> Task:
        self.unread += 1
        if self.recheck_at.get(service, 0.0) > self.clock.now:
            return
        self.recheck_at[service] = self.clock.now + self.facts.look_again_s
        yield from self.aws.rounds(process, SCALE_UNREAD)
        self.rechecks += 1
        self.clock.start(self.look(Process(), service), after=self.facts.look_again_s)

    def _was_seen(self, service: int) -> None:
        since = self.clock.now - self.seen_at.get(service, 0.0)
        self.widest_gap_s[service] = max(self.widest_gap_s.get(service, 0.0), since)
        self.seen_at[service] = self.clock.now


def minutely(told: Assumptions, facts: Product, clock: Clock, aws: Aws, services: int, minutes: int, way: Way) -> Task:
    """The ticks of one system with so many services, as a task beside others."""
    return _Ticks(told, facts, clock, aws, shares([services], facts.sweep_minutes), way).every_minute(minutes)


def run(
    told: Assumptions, facts: Product, sizes: list[int], slowness: float = 1.0, way: Way = AS_IT_IS, minutes: int = 30, seed: int = 1
) -> TickRun:
    """So many minutes of ticks over systems of these sizes, with nothing else going on in the account."""
    clock = Clock()
    aws = Aws(clock, told, seed, slowness, facts.attempts, facts.first_backoff_s)
    counted = [sum(sizes)] if way.counts_across_systems else sizes
    ticks = _Ticks(told, facts, clock, aws, shares(counted, facts.sweep_minutes), way)
    clock.start(ticks.every_minute(minutes))
    clock.run(until=60.0 * minutes)
    services, hours = sum(sizes), minutes / 60
    # Twice the interval and one minute: one lost look may be made up for by the next.
    patience_s = 60.0 * (2 * facts.sweep_minutes + 1)
    end = 60.0 * minutes

    def is_seen(service: int) -> bool:
        gap_at_the_end = end - ticks.seen_at.get(service, 0.0)
        return max(ticks.widest_gap_s.get(service, end), gap_at_the_end) <= patience_s

    return TickRun(
        busiest=max(len(turn) for turn in ticks.turns),
        longest_s=max(ticks.lengths + ([float(facts.timeout_s["scale"])] if ticks.timeouts else []), default=0.0),
        timeouts_an_hour=ticks.timeouts / hours,
        given_up_an_hour=ticks.given_up / hours,
        unread_share=ticks.unread / ticks.looks if ticks.looks else 0.0,
        seen_share=sum(map(is_seen, range(services))) / services,
        rechecks_a_minute=ticks.rechecks / minutes,
    )
