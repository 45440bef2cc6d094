"""Many releases at once, and one rotated secret that every service is asked about, simulated."""

from collections import deque
from dataclasses import dataclass, field

from assumptions import Assumptions
from calls import DEPLOY_START, READS_SECRET, Look
from product import Product
from simulation import Aws, Clock, Process, Sleep, Task, Together
from ticks import RETRY_AFTER_S

TO_THE_REVISION: Look = DEPLOY_START[:4]
TO_THE_ROLL_OUT: Look = DEPLOY_START[4:7]
THE_REST: Look = DEPLOY_START[7:]
LEASE_AND_LOOK: Look = DEPLOY_START[:2]
LATER: Look = [["scheduler:CreateSchedule"], ["dynamodb:PutItem"]]


@dataclass(frozen=True)
class WaveRun:
    """What came of releases that were pushed in one minute."""

    looks: int
    refused: int
    half_begun_s: float
    all_begun_s: float
    unbegun: int
    most_running: int


@dataclass
class _Wave:
    facts: Product
    clock: Clock
    aws: Aws
    at_once: int | None
    has_revision: set[int] = field(default_factory=set)
    begun_at: dict[int, float] = field(default_factory=dict)
    queue: deque = field(default_factory=deque)
    workers: int = 0
    running: int = 0
    most_running: int = 0
    looks: int = 0

    def arrive(self, service: int) -> Task:
        if self.at_once is None:
            yield from self._look(service)
            return
        self.queue.append(service)
        if self.workers < self.at_once:
            self.workers += 1
            while self.queue:
                yield from self._look(self.queue.popleft())
            self.workers -= 1

    def _look(self, service: int) -> Task:
        self.looks += 1
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        if (yield from self._way(Process(), service)):
            self.begun_at[service] = self.clock.now
        else:
            self.clock.start(self.arrive(service), after=self.facts.look_again_s)
        self.running -= 1

    def _way(self, process: Process, service: int) -> Task:
        """As far as it goes; what was done already is found done."""
        first = LEASE_AND_LOOK if service in self.has_revision else TO_THE_REVISION
        if (yield from self.aws.rounds(process, first)):
            self.has_revision.add(service)
            if (yield from self.aws.rounds(process, TO_THE_ROLL_OUT)):
                yield from self.aws.rounds(process, THE_REST)
                return True
        yield from self.aws.rounds(process, LATER)
        return False


def release_wave(told: Assumptions, facts: Product, services: int, at_once: int | None = None, seed: int = 1, hours: int = 4) -> WaveRun:
    """A push for each service within one minute, all free to begin."""
    clock = Clock()
    aws = Aws(clock, told, seed, attempts=facts.attempts, first_backoff_s=facts.first_backoff_s)
    wave = _Wave(facts, clock, aws, at_once)
    for service in range(services):
        clock.start(wave.arrive(service), after=aws.dice.uniform(0.0, 60.0))
    clock.run(until=3_600.0 * hours)
    begun, end = sorted(wave.begun_at.values()), float("inf")
    return WaveRun(
        looks=wave.looks,
        refused=sum(aws.tally.failed.values()),
        half_begun_s=begun[services // 2] if len(begun) > services // 2 else end,
        all_begun_s=begun[-1] if len(begun) == services else end,
        unbegun=services - len(begun),
        most_running=wave.most_running,
    )


@dataclass(frozen=True)
class SecretRun:
    """What came of one rotated secret, of which every ECS service is asked whether it reads it."""

    first_s: float
    unread_share: float
    tries: int
    ends_in_failure: bool
    never_asked_share: float
    by_rotate_unread_share: float
    paced_s: float
    paced_unread_share: float


# What would do: two services at a time, and of each only the definition that runs. That is about what AWS gives in the long run.
PACED_SIDE_BY_SIDE = 2
READS_SECRET_ONCE: Look = [["ecs:DescribeServices"], ["ecs:DescribeTaskDefinition"]]


def rotated_secret(told: Assumptions, facts: Product, services: int, seed: int = 1) -> SecretRun:
    """`deploy` asks some side by side; any one unread fails the invocation. `rotate` asks a few at a time."""
    clock = Clock()
    aws = Aws(clock, told, seed, attempts=facts.attempts, first_backoff_s=facts.first_backoff_s)
    tries: list[tuple[float, set[int]]] = []
    clock.start(_ask(clock, aws, facts, services, tries))
    clock.run()
    alone = Aws(Clock(), told, seed, attempts=facts.attempts, first_backoff_s=facts.first_backoff_s)
    answers: list[bool] = []
    alone.clock.start(_ask_all(alone, services, READS_SECRET, facts.readers_side_by_side, answers))
    alone.clock.run()
    calm = Aws(Clock(), told, seed, attempts=facts.attempts, first_backoff_s=facts.first_backoff_s)
    calmly: list[bool] = []
    calm.clock.start(_ask_all(calm, services, READS_SECRET_ONCE, PACED_SIDE_BY_SIDE, calmly))
    calm.clock.run()
    return SecretRun(
        first_s=tries[0][0],
        unread_share=len(tries[0][1]) / services,
        tries=len(tries),
        ends_in_failure=bool(tries[-1][1]),
        never_asked_share=len(set.intersection(*(unread for _, unread in tries))) / services,
        by_rotate_unread_share=answers.count(False) / len(answers),
        paced_s=calm.clock.now,
        paced_unread_share=calmly.count(False) / len(calmly),
    )


def _ask(clock: Clock, aws: Aws, facts: Product, services: int, tries: list[tuple[float, set[int]]]) -> Task:
    for pause_s in (0.0, *RETRY_AFTER_S[: facts.retry_maximum]):
        yield Sleep(pause_s)
        process, began = Process(), clock.now
        end = began + facts.timeout_s["deploy"]

        def one(process: Process = process, end: float = end) -> Task:
            if clock.now >= end:
                return False
            is_read = yield from aws.rounds(process, [["dynamodb:BatchGetItem"], *READS_SECRET])
            return is_read and clock.now < end

        answers = yield Together([one() for _ in range(services)], facts.deploy_side_by_side)
        tries.append((min(clock.now, end) - began, {service for service, answer in enumerate(answers) if not answer}))
        if all(answers):
            return


def _ask_all(aws: Aws, services: int, look: Look, at_once: int | None, answers: list[bool]) -> Task:
    process = Process()
    told = yield Together([aws.rounds(process, look) for _ in range(services)], at_once)
    answers.extend(told)
