"""Our functions beside the tools that people use for the same work: ecs-deploy for a push, Cloud Custodian for a sweep.

Each tool runs as it is run everywhere, as a process that starts, does its work and ends; ours is a function that starts, does the
same and stays. A tool that does not run here is left out, with its own words why.
"""

import os
import select
import time
from dataclasses import dataclass
from pathlib import Path

import contenders
import jobs
import report
from harness.ministack import ROOT, MiniStack
from harness.proxy import Line
from harness.sandbox import FunctionFailed, Sandbox
from measures import Pair
from report import Row, Table
from worlds import scale
from worlds.common import CLUSTER

LISTS = Path(__file__).parent / "peers"
SERVICES = 20
# How long the local AWS takes for a roll-out.
TAKES_S = 0.2


class PeerFailed(Exception):
    """The tool did not do the job; with the end of what it said."""


@dataclass(frozen=True)
class Run:
    """One piece of work, start included."""

    cpu_ms: float
    wall_ms: float
    resident_mb: float
    calls: int


class Sweep(scale.Tasks):
    """Twenty services of one cluster, none of them busy."""

    name, service_name, due = "sweep", "s01", {"sizes": [2] * SERVICES}

    @property
    def names(self) -> list[str]:
        return [f"s{number:02d}" for number in range(1, SERVICES + 1)]

    def build(self) -> None:
        super().build()
        definition = self.register("proof", "proof")
        for name in self.names[1:]:
            self.account.ecs("CreateService", cluster=CLUSTER, serviceName=f"proof-{name}", taskDefinition=definition, desiredCount=2)
        rules = "rules: [{ name: cpu-high, when: { metric: cpu, above: 70, for: 5m }, then: { add: 1 } }]\n    calendar:\n"
        # A tick looks at a fifth of all services, and at those whose bounds are others than ten minutes ago: here, always, all.
        for name, minutes, most in (("a", "*/15", 10), ("b", "5-59/15", 11), ("c", "10-59/15", 12)):
            rules += f'      - {{ name: {name}, cron: "{minutes} * * * *", timezone: UTC, bounds: {{ min: 2, max: {most} }} }}\n'
        services = "".join(
            f"  {name}:\n    runs_on: {{ ecs: {{ cluster: {CLUSTER}, service: proof-{name} }} }}\n"
            f"    bounds: {{ min: 2, max: 10 }}\n    {rules}"
            for name in self.names
        )
        self.fleet = self.folder / "fleet"
        self.fleet.mkdir()
        (self.fleet / "proof.yaml").write_text(f"version: 1\nsystem: proof\nregions: [us-east-1]\nservices:\n{services}")
        for self.service_name in self.names:
            self.put_alarm()
        self.again()

    def put_alarm(self) -> None:
        dimensions = scale._dimensions("Dimensions", self.metric()[1])
        self.account.query(
            "monitoring",
            "PutMetricAlarm",
            AlarmName=self.alarm("cpu-high"),
            Namespace="AWS/ECS",
            MetricName="CPUUtilization",
            Statistic="Average",
            Period=60,
            EvaluationPeriods=5,
            Threshold=70.0,
            ComparisonOperator="GreaterThanThreshold",
            **dimensions,
        )

    def again(self) -> None:
        for self.service_name in self.names:
            self.load(40.0)
        self.forget()

    def state(self) -> dict:
        found = []
        for first in range(0, SERVICES, 10):
            some = [f"proof-{name}" for name in self.names[first : first + 10]]
            found += self.account.ecs("DescribeServices", cluster=CLUSTER, services=some)["services"]
        return {"sizes": [service["desiredCount"] for service in found]}


def tables(binaries: Path, folder: Path, runs: int, say) -> list[Table]:
    found = []
    for measure, name, title in (
        (_pushes, "ecs-deploy", "A push, beside `ecs-deploy`"),
        (_sweeps, "c7n", f"A sweep over {SERVICES} services, beside Cloud Custodian (`c7n`)"),
    ):
        say(f"{runs} runs beside {name}")
        own = folder / name
        interpreter = contenders.environment_of(ROOT / "target" / "bench" / name, LISTS / f"{name}.txt", name)
        with MiniStack(own / "aws", takes_s=TAKES_S) as ministack:
            try:
                ours, theirs, about = measure(binaries, interpreter.parent, ministack.port, own, runs)
                found.append(Table(title, f"`{name}`", _rows(ours, theirs), about))
            except PeerFailed as failure:
                why = str(failure).strip().splitlines()[-1][:200]
                found.append(Table(title, f"`{name}`", [Row("nothing was measured", "–", f"does not run on the local AWS: {why}")]))
    return found


def _rows(ours: list[Run], theirs: list[Run]) -> list[Row]:
    pair = lambda field: Pair([getattr(run, field) for run in ours], [getattr(run, field) for run in theirs])  # noqa: E731
    return [
        report.row_of_pair("start and work, CPU", pair("cpu_ms"), "ms"),
        report.row_of_pair("start and work, wall", pair("wall_ms"), "ms"),
        report.row_of_pair("peak resident", pair("resident_mb"), "MB"),
        report.row_of_counts("calls to AWS", max(run.calls for run in ours), max(run.calls for run in theirs)),
    ]


def _pushes(binaries: Path, tools: Path, port: int, folder: Path, runs: int):
    world = jobs.built(jobs.Push, port, 400_000_000_000, binaries, folder / "world")

    def theirs(line: Line) -> Run:
        world.again()
        command = [str(tools / "ecs"), "deploy", CLUSTER, "proof-shop", "--image", "app", world.image(world.digest)]
        command += ["--region", world.region, "--no-deregister", "--timeout", "60"]
        run = _process(command, world, line, folder)
        state = world.ending()
        if (state["runs"], state["revisions made"]) != ("the new image", 1):
            raise PeerFailed(f"it ended as {state}")
        return run

    about = (
        "`ecs deploy … --image … --no-deregister` registers, rolls out and waits, a second between two looks. Ours is started anew, "
        "too, and handles the push, the end of the roll-out and the last look, with ledger, history and messages, which the tool does "
        "not have; it does not wait, so that the walls are of different things."
    )
    return *_in_turns(lambda line: _function(binaries, world, line, folder, world.round), theirs, port, runs), about


def _sweeps(binaries: Path, tools: Path, port: int, folder: Path, runs: int):
    world = jobs.built(Sweep, port, 400_000_000_001, binaries, folder / "world")

    def sweep(sandbox: Sandbox) -> list:
        invocation = sandbox.invoke({"nightshift": "calendar"}, world.function_arn)
        looked_at = len(invocation.answer.get("outcomes", []))
        if invocation.is_error or looked_at != SERVICES or world.state() != world.due:
            raise FunctionFailed(f"the sweep looked at {looked_at} and ended as {world.state()}: {str(invocation.answer)[:2000]}")
        return [invocation]

    def ours(line: Line) -> Run:
        world.again()
        return _function(binaries, world, line, folder, sweep)

    def theirs(line: Line) -> Run:
        world.again()
        out = folder / f"out-{time.monotonic_ns()}"
        command = [str(tools / "custodian"), "run", "--region", world.region, "--cache-period", "0", "--output-dir", str(out)]
        run = _process([*command, str(LISTS / "quiet-services.yaml")], world, line, folder)
        if not (out / "busy-services" / "resources.json").exists():
            raise PeerFailed("it wrote no result")
        return run

    about = (
        "Ours takes `{\"nightshift\":\"calendar\"}` while every service's calendar has just spoken: alarms, metrics, services, who "
        "else scales them and ledger of each. The policy (`tests/bench/peers/quiet-services.yaml`) reads the services and the metric of "
        "each. Neither finds anything to do."
    )
    return *_in_turns(ours, theirs, port, runs), about


def _in_turns(ours, theirs, port: int, runs: int) -> tuple[list[Run], list[Run]]:
    """A, B, B, A, ...; the first run of each reads its files from disk and does not count."""
    found = ([], [])
    with Line(port) as line:
        for run in range(runs + 1):
            both = [(ours, 0), (theirs, 1)]
            for one, side in both if run % 2 == 0 else both[::-1]:
                figures = one(line)
                if run:
                    found[side].append(figures)
    return found


def _function(binaries: Path, world, line: Line, folder: Path, work) -> Run:
    """A function's start, and its work."""
    command = [str(binaries / world.function)]
    with Sandbox(command, world.environment(line.url), str(folder / "function.log")) as sandbox:
        start = sandbox.start()
        line.take_calls()
        invocations = work(sandbox)
        cpu_ms, wall_ms = (start.cpu_ms, start.wall_ms)
        for invocation in invocations:
            cpu_ms, wall_ms = cpu_ms + invocation.cpu_ms, wall_ms + invocation.wall_ms
        return Run(cpu_ms, wall_ms, sandbox.memory_mb(), len(line.take_calls()))


def _process(command: list[str], world, line: Line, folder: Path) -> Run:
    """A tool's whole life."""
    environment = world.environment(line.url) | {"HOME": str(folder), "PATH": f"{Path(command[0]).parent}:/usr/bin:/bin"}
    log = folder / "tool.log"
    line.take_calls()
    opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    began_s = time.monotonic()
    redirect = [(os.POSIX_SPAWN_DUP2, opened, number) for number in (1, 2)]
    pid = os.posix_spawn(command[0], command, environment, file_actions=redirect)
    resident_mb = _watched_mb(pid)
    _, status, used = os.wait4(pid, 0)
    wall_ms = (time.monotonic() - began_s) * 1e3
    os.close(opened)
    if status != 0:
        raise PeerFailed(log.read_text(errors="replace")[-2000:])
    return Run((used.ru_utime + used.ru_stime) * 1e3, wall_ms, resident_mb, len(line.take_calls()))


def _watched_mb(pid: int) -> float:
    """The process's own high-water mark, looked at until it ends: what the kernel says afterwards begins with its parent's."""
    pidfd, peak_kib = os.pidfd_open(pid), 0
    try:
        while not select.select([pidfd], [], [], 0.02)[0]:
            with open(f"/proc/{pid}/status", encoding="ascii") as status:
                peak_kib = next((int(one.split()[1]) for one in status if one.startswith("VmHWM:")), peak_kib)
    finally:
        os.close(pidfd)
    return peak_kib * 1024 / 1e6
