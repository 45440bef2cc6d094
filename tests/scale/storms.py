"""Alarm storms, simulated: a part of all services alarms within a minute, and each alarm wakes `scale` by two ways.

An event of SNS and one of EventBridge come for each alarm. As it is, each has an invocation of its own at once; paced, both
wait in a queue whose event source starts so many at a time.
"""

from collections import deque
from dataclasses import dataclass, field

from assumptions import Assumptions
from calls import OBSERVE, SCALE_DUPLICATE, SCALE_UNREAD
from product import Product
from simulation import Aws, Clock, Process, Sleep, Task, Together
from ticks import AS_IT_IS as TICKS_AS_THEY_ARE
from ticks import READ_TOGETHER, minutely
from ticks import Way as TickWay

# An event may stand in for an alarm that cannot be read for so long (EVENT_FRESH, shared/core/src/scale/policy.rs).
EVENT_FRESH_S = 120.0
# EventBridge tells of an alarm a little later than SNS, or before.
WAYS_APART_S = 2.0


@dataclass(frozen=True)
class Way:
    """How events get to the function."""

    title: str
    # Invocations at a time; none: as many as there are events.
    at_once: int | None = None
    # Events that one invocation takes, and reads alarms, metrics and services for together.
    batch: int = 1
    ticks: TickWay = TICKS_AS_THEY_ARE


AS_IT_IS = Way("as it is")
QUEUED = Way("queue, 4 at a time", at_once=4)
BATCHED = Way("queue, 2 at a time, read together", at_once=2, batch=10, ticks=READ_TOGETHER)
WAYS = (AS_IT_IS, QUEUED, BATCHED)


@dataclass(frozen=True)
class StormRun:
    """What came of a storm."""

    alarmed: int
    looks: int
    calls: int
    share_failed: float
    failed: dict[str, int]
    longest_wait_s: float
    all_served_s: float
    unserved: int
    most_waiting: int
    most_running: int


@dataclass
class _Service:
    alarmed_at: float
    served_at: float | None = None
    leased_until: float = 0.0
    recheck_at: float = 0.0


@dataclass
class _Storm:
    facts: Product
    clock: Clock
    aws: Aws
    way: Way
    services: list[_Service]
    queue: deque = field(default_factory=deque)
    idle: list[Process] = field(default_factory=list)
    workers: int = 0
    running: int = 0
    most_running: int = 0
    most_waiting: int = 0
    looks: int = 0

    def arrive(self, service: _Service, is_event: bool) -> None:
        """An event or a schedule has come."""
        if self.way.at_once is None:
            self.clock.start(self._invocation([(service, is_event)]))
            return
        self.queue.append((service, is_event))
        self.most_waiting = max(self.most_waiting, len(self.queue))
        if self.workers < self.way.at_once:
            self.workers += 1
            self.clock.start(self._worker())

    def _worker(self) -> Task:
        while self.queue:
            yield from self._invocation([self.queue.popleft() for _ in range(min(self.way.batch, len(self.queue)))])
        self.workers -= 1

    def _invocation(self, events: list[tuple[_Service, bool]]) -> Task:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        process = self.idle.pop() if self.idle else Process()
        if len(events) == 1:
            yield from self._look(process, *events[0], answers=None)
        else:
            yield from self._looks(process, events)
        self.idle.append(process)
        self.running -= 1

    def _looks(self, process: Process, events: list[tuple[_Service, bool]]) -> Task:
        """Of several events of one service one look is made, and what can be asked together is asked once."""
        of_service: dict[int, tuple[_Service, bool]] = {}
        for service, is_event in events:
            known = of_service.get(id(service), (service, False))
            of_service[id(service)] = (service, known[1] or is_event)
        together = yield Together([self.aws.call(process, api) for api in OBSERVE])
        answers = dict(zip(OBSERVE, together))
        for service, is_event in of_service.values():
            yield from self._look(process, service, is_event, answers)

    def _look(self, process: Process, service: _Service, is_event: bool, answers: dict[str, bool] | None) -> Task:
        self.looks += 1
        if answers is None:
            told = yield Together([self.aws.call(process, api) for api in OBSERVE])
            answers = dict(zip(OBSERVE, told))
        now = self.clock.now
        # Growing needs the service itself; the alarm may be vouched for by a fresh event, the metric may be missing.
        vouched = answers["cloudwatch:DescribeAlarms"] or (is_event and now - service.alarmed_at <= EVENT_FRESH_S)
        if service.served_at is not None:
            yield from self.aws.rounds(process, SCALE_DUPLICATE[1:])
        elif service.leased_until > now or not answers["ecs:DescribeServices"] or not vouched:
            yield from self._again(process, service)
        else:
            yield from self._step(process, service)

    def _step(self, process: Process, service: _Service) -> Task:
        service.leased_until = self.clock.now + self.facts.timeout_s["scale"] + 5
        # The last look may fail: growing goes on without it.
        yield Together([self.aws.call(process, "dynamodb:PutItem"), self.aws.call(process, "ecs:DescribeServices")])
        if not (yield from self.aws.call(process, "ecs:UpdateService")):
            service.leased_until = 0.0
            yield from self._again(process, service)
            return
        service.served_at = self.clock.now
        yield from self.aws.rounds(process, [["scheduler:CreateSchedule"], ["dynamodb:PutItem"], ["dynamodb:PutItem", "sns:Publish"]])
        service.leased_until = 0.0

    def _again(self, process: Process, service: _Service) -> Task:
        """A look a minute later, unless one is arranged that comes in time."""
        at = self.clock.now + self.facts.look_again_s
        if self.clock.now < service.recheck_at <= at:
            return
        service.recheck_at = at
        yield from self.aws.rounds(process, SCALE_UNREAD)
        self.clock.start(self._recheck(service), after=max(0.0, at - self.clock.now))

    def _recheck(self, service: _Service) -> Task:
        self.arrive(service, is_event=False)
        return
        yield

    def is_over(self) -> bool:
        """All are served, and nothing waits or runs."""
        return all(service.served_at is not None for service in self.services) and not self.queue and not self.running

    def begin(self, service: _Service, apart_s: float) -> Task:
        """Both ways of one alarm."""
        self.arrive(service, is_event=True)
        yield Sleep(apart_s)
        self.arrive(service, is_event=True)


def run(told: Assumptions, facts: Product, services: int, share: float, way: Way = AS_IT_IS, seed: int = 1, minutes: int = 60) -> StormRun:
    """`share` of so many services alarm within one minute, while ticks go on; until all is served and done, or so many minutes."""
    clock = Clock()
    aws = Aws(clock, told, seed, attempts=facts.attempts, first_backoff_s=facts.first_backoff_s)
    count = max(1, round(services * share))
    dice = aws.dice
    alarmed = [_Service(alarmed_at=dice.uniform(0.0, 60.0)) for _ in range(count)]
    storm = _Storm(facts, clock, aws, way, alarmed)
    for service in alarmed:
        clock.start(storm.begin(service, dice.uniform(0.0, WAYS_APART_S)), after=service.alarmed_at)
    # A tick's looks are taken for quiet ones: it could serve some of them sooner.
    clock.start(minutely(told, facts, clock, aws, services, minutes, way.ticks))
    for minute in range(1, minutes + 1):
        clock.run(until=60.0 * minute)
        if storm.is_over():
            break
    served = sorted(service.served_at - service.alarmed_at for service in alarmed if service.served_at is not None)
    end = float("inf")
    return StormRun(
        alarmed=count,
        looks=storm.looks,
        calls=sum(aws.tally.calls.values()),
        share_failed=aws.tally.share_failed(),
        failed=dict(aws.tally.failed),
        longest_wait_s=served[-1] if len(served) == count else end,
        all_served_s=max(service.served_at for service in alarmed if service.served_at is not None) if len(served) == count else end,
        unserved=count - len(served),
        most_waiting=storm.most_waiting,
        most_running=storm.most_running,
    )
