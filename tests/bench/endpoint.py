"""The AWS endpoint that both functions talk to: MiniStack behind a proxy that delays, records and, if wished, speaks TLS.

Owns the one MiniStack that it starts. Must answer nothing by itself except what MiniStack cannot: who scales a service
besides us (nobody), and a cluster's container instances (two that are full).
"""

import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
HOP_BY_HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"content-length"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class MiniStack:
    """A local AWS on a free port, for as long as the block lasts."""

    def __init__(self, folder: Path):
        self.port = free_port()
        self._folder = folder

    def __enter__(self) -> "MiniStack":
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= CREDENTIALS | {
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "LOG_LEVEL": "WARNING",
            # With a Docker daemon in reach it would start real containers.
            "DOCKER_HOST": "unix:///nonexistent",
            "TMPDIR": str(self._folder),
        }
        log = open(self._folder / "ministack.log", "wb")
        command = [str(Path(sys.executable).parent / "ministack")]
        self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=self._folder)
        log.close()
        deadline = time.monotonic() + 30
        while not self._is_healthy():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.__exit__()
                raise SystemExit(f"bench: MiniStack did not start:\n{(self._folder / 'ministack.log').read_text()[-2000:]}")
            time.sleep(0.1)
        return self

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_ministack/health", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@dataclass(frozen=True)
class Call:
    """One request of a function's: what it asked for, when it arrived, when it was answered."""

    operation: str
    began_s: float
    ended_s: float
    status: int
    is_first_on_connection: bool


@dataclass
class Proxy:
    """Forwards to MiniStack; `delay_s` is how long each request is on its way."""

    upstream_port: int
    tls: ssl.SSLContext | None = None
    delay_s: float = 0.0
    calls: list[Call] = field(default_factory=list)

    def __enter__(self) -> "Proxy":
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # A blocked accept does not notice a close.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def take_calls(self) -> list[Call]:
        calls, self.calls = self.calls, []
        return sorted(calls, key=lambda call: call.began_s)

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        upstream = http.client.HTTPConnection("127.0.0.1", self.upstream_port, timeout=30)
        try:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                peer = self.tls.wrap_socket(peer, server_side=True)
            with peer, peer.makefile("rb") as incoming:
                is_first = True
                while self._one(peer, incoming, upstream, is_first):
                    is_first = False
        except (OSError, ssl.SSLError):
            # The function closed its connection, or was ended.
            pass
        finally:
            upstream.close()

    def _one(self, peer, incoming, upstream: http.client.HTTPConnection, is_first: bool) -> bool:
        request_line = incoming.readline().split()
        if len(request_line) < 3:
            return False
        began_s = time.monotonic()
        headers = {}
        while (line := incoming.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            headers[name.strip().lower().decode()] = value.strip().decode()
        body = incoming.read(int(headers.get("content-length", "0")))
        method, path = request_line[0].decode(), request_line[1].decode()
        operation = operation_of(method, path, headers, body)
        time.sleep(self.delay_s)
        status, answer_headers, answer = stand_in(operation) or forward(upstream, method, path, headers, body)
        head = [f"HTTP/1.1 {status} {http.client.responses.get(status, '')}", f"Content-Length: {len(answer)}"]
        head += [f"{name}: {value}" for name, value in answer_headers if name.lower().encode() not in HOP_BY_HOP]
        # Recorded before the answer leaves: whoever reads the list after the answer finds the call in it.
        self.calls.append(Call(operation, began_s, time.monotonic(), status, is_first))
        peer.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + answer)
        return True


def forward(upstream: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str], body: bytes):
    upstream.request(method, path, body=body, headers=headers)
    answer = upstream.getresponse()
    return answer.status, answer.getheaders(), answer.read()


def operation_of(method: str, path: str, headers: dict[str, str], body: bytes) -> str:
    """The operation's name, in whichever of AWS's protocols the request is."""
    if "x-amz-target" in headers:
        return headers["x-amz-target"].rpartition(".")[2]
    if found := re.search(r"/operation/(\w+)", path):
        return found[1]
    if found := re.search(rb"(?:^|&)Action=(\w+)", body):
        return found[1].decode()
    if path.startswith("/schedules/") and method == "POST":
        return "CreateSchedule"
    return f"{method} {path}"


def stand_in(operation: str):
    """What MiniStack has no answer for: it knows no Application Auto Scaling and no container instances."""
    arns = [f"arn:aws:ecs:{REGION}:000000000000:container-instance/bench/{number:032x}" for number in (1, 2)]
    resources = lambda cpu, memory: [  # noqa: E731
        {"name": "CPU", "type": "INTEGER", "integerValue": cpu},
        {"name": "MEMORY", "type": "INTEGER", "integerValue": memory},
        {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22"]},
    ]
    instance = {
        "status": "ACTIVE",
        "agentConnected": True,
        "registeredResources": resources(2048, 3884),
        "remainingResources": resources(0, 0),
        "runningTasksCount": 1,
        "pendingTasksCount": 0,
        "attachments": [],
        "attributes": [],
    }
    answers = {
        "DescribeScalableTargets": {"ScalableTargets": []},
        "ListContainerInstances": {"containerInstanceArns": arns},
        "DescribeContainerInstances": {
            "containerInstances": [instance | {"containerInstanceArn": arn} for arn in arns],
            "failures": [],
        },
    }
    if operation not in answers:
        return None
    return 200, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(answers[operation]).encode()


def server_tls(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A TLS context for 127.0.0.1 and the file with the authority that it is to be trusted by."""
    authority, certificate, key = folder / "authority.pem", folder / "server.pem", folder / "server.key"
    from certificates import write_chain  # pyOpenSSL's library comes with the tools; only this mode needs it

    write_chain(authority, certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, authority
