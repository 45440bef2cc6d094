"""Fleet files of any number of services, generated, and how long a built function takes to start with them.

A start is from the exec to the first poll of the Lambda Runtime API; CPU is the kernel's clock of the process.
"""

import os
import signal
import socket
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ticks import like_the_examples

RUNS = 9
LIMIT_S = 20.0

SYSTEM = """version: 1
system: s{system}
regions: [us-east-1]
services:
{services}paths:
  production:
    tags: {{ match: ["*"] }}
    stages:
      - name: production
        waves:
          - {{ regions: [us-east-1], bake: 5m }}
    deadline: 30m
"""
SERVICE = """  a{service}:
    runs_on:
      ecs: {{ cluster: s{system}, service: a{service} }}
    bounds: {{ min: 2, max: 10 }}
    rules:
      - {{ name: busy, when: {{ metric: cpu, above: 70, for: 3m }}, then: {{ to_target: 60 }} }}
      - {{ name: quiet, when: {{ metric: cpu, below: 30, for: 10m }}, then: {{ remove: 1 }} }}
    cooldown: {{ grow: 5m, shrink: 10m }}
    deploy: {{ repository: s{system}/a{service}, path: production }}
    rotated_secrets: {{ restart: true, settle: 3m }}
"""


def fleet_files(services: int) -> list[str]:
    """A file for each system; systems have the sizes of the examples."""
    files = []
    for system, size in enumerate(like_the_examples(services)):
        files.append(SYSTEM.format(system=system, services="".join(SERVICE.format(system=system, service=n) for n in range(size))))
    return files


class Unusable(Exception):
    """The function does not start, or not with these files."""


@dataclass(frozen=True)
class ColdStart:
    """A start with so many services."""

    services: int
    kilobytes: float
    cpu_ms: float
    wall_ms: float
    resident_mb: float


def cold_starts(function: Path, sizes: list[int]) -> list[ColdStart]:
    """Starts a built `scale` with generated fleet files; the median of some runs each."""
    found = []
    for services in sizes:
        with tempfile.TemporaryDirectory() as folder:
            size = 0
            for number, text in enumerate(fleet_files(services)):
                place = Path(folder) / "fleet" / f"s{number}"
                place.mkdir(parents=True)
                (place / "fleet.yaml").write_text(text, encoding="utf-8")
                size += len(text)
            # The first start reads the program from disk.
            starts = [_start(function, _environment(f"{folder}/fleet")) for _ in range(RUNS + 1)][1:]
        cpu_ms, wall_ms, resident_mb = (statistics.median(figures) for figures in zip(*starts))
        found.append(ColdStart(services, size / 1e3, cpu_ms, wall_ms, resident_mb))
    return found


def _start(function: Path, environment: dict[str, str]) -> tuple[float, float, float]:
    """CPU and wall in ms and MB resident at the first poll; then one event, which a function without its files refuses."""
    with socket.create_server(("127.0.0.1", 0)) as api:
        api.settimeout(LIMIT_S)
        environment = environment | {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.getsockname()[1]}"}
        began = time.monotonic_ns()
        silent = [(os.POSIX_SPAWN_OPEN, output, os.devnull, os.O_WRONLY, 0) for output in (1, 2)]
        pid = os.posix_spawn(function, [str(function)], environment, file_actions=silent)
        try:
            with api.accept()[0] as poll:
                poll.settimeout(LIMIT_S)
                poll.recv(1 << 16)
                wall_ms = (time.monotonic_ns() - began) / 1e6
                # clock_getcpuclockid(3): the clock of a process, all its threads.
                cpu_ms = time.clock_gettime_ns((~pid << 3) | 2) / 1e6
                resident_mb = _resident_mb(pid)
                _refuses_nothing(api, poll)
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return cpu_ms, wall_ms, resident_mb


def _refuses_nothing(api: socket.socket, poll: socket.socket) -> None:
    """Hands over an event that concerns nobody; an answer is good, an error is not."""
    deadline_ms = int((time.time() + LIMIT_S) * 1_000)
    arn = "arn:aws:lambda:us-east-1:111122223333:function:scale"
    headers = f"Lambda-Runtime-Aws-Request-Id: 1\r\nLambda-Runtime-Deadline-Ms: {deadline_ms}\r\nLambda-Runtime-Invoked-Function-Arn: {arn}"
    poll.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n{headers}\r\n\r\n{{}}".encode())
    answer = poll.recv(1 << 16)
    if not answer:
        # The runtime may take another connection for its answer.
        with api.accept()[0] as again:
            again.settimeout(LIMIT_S)
            answer = again.recv(1 << 16)
    path = answer.split(b" ", 2)[1].decode()
    if not path.endswith("/response"):
        raise Unusable(f"the function answered at {path}: {answer[-500:]!r}")


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1_024 / 1e6
    return 0.0


def _environment(fleet: str) -> dict[str, str]:
    return {
        "AWS_LAMBDA_FUNCTION_NAME": "scale",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": "log",
        "AWS_LAMBDA_LOG_STREAM_NAME": "log",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "NIGHTSHIFT_FLEET": fleet,
        "NIGHTSHIFT_TABLE": "t",
        "NIGHTSHIFT_MODE": "act",
        "NIGHTSHIFT_TOPIC_ARN": "arn:aws:sns:us-east-1:111122223333:t",
        "NIGHTSHIFT_SCHEDULE_GROUP": "g",
        "NIGHTSHIFT_SCHEDULE_ROLE_ARN": "arn:aws:iam::111122223333:role/r",
    }
