"""One function process and the Lambda Runtime API that it polls.

Owns starting the process, handing it events, stopping, freezing and killing it, and reading its clocks: wall from just before
the exec, CPU from the kernel's clock of that process (nanoseconds, all threads, ended ones too). Must never know what the
function does.
"""

import json
import os
import selectors
import signal
import socket
import time
import uuid
from dataclasses import dataclass

NEXT = b"GET /2018-06-01/runtime/invocation/next"
# A Python handler with seven clients starts in less than a second on an idle machine.
START_LIMIT_S = 60.0
INVOKE_LIMIT_S = 60.0


class FunctionFailed(Exception):
    """The function ended, answered with an error where none may be, or did not answer; says so with the end of its log."""


class FunctionEnded(FunctionFailed):
    """The process is gone: it was killed, or it gave up."""


@dataclass(frozen=True)
class Start:
    """From just before the exec to the arrival of the first poll."""

    wall_ms: float
    cpu_ms: float
    resident_mb: float


@dataclass(frozen=True)
class Invocation:
    """From handing over the event to the next poll: the CPU that the function used, and when its answer arrived."""

    wall_ms: float
    cpu_ms: float
    began_s: float
    answer: dict
    # Whether the answer is an error: then it has `errorType` and `errorMessage`.
    is_error: bool = False

    @property
    def code(self) -> str:
        """The error's type without our prefix, or the empty text."""
        return str(self.answer.get("errorType", "")).removeprefix("Nightshift.") if self.is_error else ""


@dataclass
class _Request:
    connection: "_Connection"
    head: bytes
    body: bytes
    arrived_ns: int


class _Connection:
    """A kept-alive HTTP/1.1 connection of the function's."""

    def __init__(self, peer: socket.socket):
        self.peer = peer
        self.waiting = b""
        self.begun_ns = 0

    def receive(self) -> bool:
        """Takes in what has arrived; False when the function has closed."""
        arrived_ns = time.monotonic_ns()
        data = self.peer.recv(1 << 20)
        if not self.waiting:
            self.begun_ns = arrived_ns
        self.waiting += data
        return bool(data)

    def whole_request(self) -> _Request | None:
        head, separator, rest = self.waiting.partition(b"\r\n\r\n")
        if not separator:
            return None
        headers = head.lower()
        if b"transfer-encoding: chunked" in headers:
            body = _unchunked(rest)
            if body is None:
                return None
            self.waiting = b""
        else:
            length = 0
            for line in headers.split(b"\r\n")[1:]:
                if line.startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if len(rest) < length:
                return None
            body, self.waiting = rest[:length], rest[length:]
        return _Request(self, head, body, self.begun_ns)

    def answer(self, status: str, headers: dict[str, str], body: bytes) -> None:
        lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.peer.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def _unchunked(rest: bytes) -> bytes | None:
    body = b""
    while True:
        size, separator, rest = rest.partition(b"\r\n")
        if not separator:
            return None
        length = int(size.split(b";")[0], 16)
        if length == 0:
            return body
        if len(rest) < length + 2:
            return None
        body, rest = body + rest[:length], rest[length + 2 :]


class Sandbox:
    """Starts a command as Lambda would and serves it events one at a time."""

    def __init__(self, command: list[str], environment: dict[str, str], log_path: str):
        self._command = command
        self._environment = environment
        self._log_path = log_path
        self._pid = 0
        self._pidfd = -1
        self._selector = selectors.DefaultSelector()
        self._poll: _Request | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._selector.register(self._listener, selectors.EVENT_READ)

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Start:
        """Runs the command until its first poll."""
        port = self._listener.getsockname()[1]
        environment = self._environment | {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}"}
        log = os.open(self._log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        redirect = [(os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
        began_ns = time.monotonic_ns()
        self._pid = os.posix_spawn(self._command[0], self._command, environment, file_actions=redirect)
        self._pidfd = os.pidfd_open(self._pid)
        self._selector.register(self._pidfd, selectors.EVENT_READ)
        try:
            request = self._await(lambda request: request.head.startswith(NEXT), START_LIMIT_S)
        finally:
            os.close(log)
        cpu_ms = self._cpu_ns() / 1e6
        self._poll = request
        return Start((request.arrived_ns - began_ns) / 1e6, cpu_ms, self.memory_mb("VmRSS"))

    def invoke(self, event: dict | bytes, function_arn: str, within_s: float = 30.0, limit_s: float = INVOKE_LIMIT_S) -> Invocation:
        """Hands one event over, with so much time until Lambda's deadline, and waits for the answer and the next poll."""
        request_id = str(uuid.uuid4())
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + within_s) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": function_arn,
            "Lambda-Runtime-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
        }
        poll, self._poll = self._poll, None
        if poll is None:
            raise FunctionFailed("the function is not polling")
        cpu_before = self._cpu_ns()
        began_s, began_ns = time.monotonic(), time.monotonic_ns()
        poll.connection.answer("200 OK", headers, event if isinstance(event, bytes) else json.dumps(event).encode())
        answered = self._await(lambda request: request.head.startswith(b"POST "), limit_s)
        answered.connection.answer("202 Accepted", {}, b'{"status":"OK"}')
        is_response = f"/invocation/{request_id}/response".encode() in answered.head
        if not is_response and f"/invocation/{request_id}/error".encode() not in answered.head:
            raise self._failed(answered.body.decode(errors="replace"))
        self._poll = self._await(lambda request: request.head.startswith(NEXT), limit_s)
        cpu_ms = (self._cpu_ns() - cpu_before) / 1e6
        wall_ms = (answered.arrived_ns - began_ns) / 1e6
        return Invocation(wall_ms, cpu_ms, began_s, json.loads(answered.body or b"null"), not is_response)

    def kill(self) -> None:
        """SIGKILL, from whichever thread; whoever waits for the function finds it gone."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)

    def freeze(self) -> None:
        """As Lambda does between invocations: nothing runs until `thaw`."""
        os.kill(self._pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._pid, signal.SIGCONT)

    def descriptors(self) -> int:
        """How many files and sockets the process has open."""
        return len(os.listdir(f"/proc/{self._pid}/fd"))

    @property
    def pid(self) -> int:
        return self._pid

    def log(self) -> str:
        """What it has printed so far."""
        with open(self._log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def memory_mb(self, field: str = "VmHWM") -> float:
        """VmHWM is the most that was ever resident, VmRSS what is now; MB of 1,000,000 bytes are larger figures than MiB."""
        with open(f"/proc/{self._pid}/status", encoding="ascii") as status:
            kib = next(int(line.split()[1]) for line in status if line.startswith(field + ":"))
        return kib * 1024 / 1e6

    def stop(self) -> None:
        """Ends the process that was started, by its own id."""
        self.kill()
        self._reap()
        for key in list(self._selector.get_map().values()):
            if not isinstance(key.fileobj, int):
                key.fileobj.close()
        self._selector.close()

    def _reap(self) -> None:
        if self._pid:
            os.waitpid(self._pid, 0)
            self._selector.unregister(self._pidfd)
            os.close(self._pidfd)
            self._pid, self._pidfd = 0, -1

    def _cpu_ns(self) -> int:
        # clock_getcpuclockid(3) for another process: the complement of its id, with the scheduler's clock (2) in the low bits.
        return time.clock_gettime_ns((~self._pid << 3) | 2)

    def _await(self, is_wanted, limit_s: float) -> _Request:
        """Serves the function's connections until a request comes that is wanted."""
        deadline = time.monotonic() + limit_s
        while (left := deadline - time.monotonic()) > 0:
            for key, _ in self._selector.select(timeout=left):
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fd == self._pidfd:
                    self._reap()
                    raise FunctionEnded(str(self._failed("the process ended")))
                elif (request := self._receive(key.data)) is not None:
                    if is_wanted(request):
                        return request
                    raise self._failed(f"unexpected request {request.head[:80]!r}: {request.body[:2000]!r}")
        raise self._failed(f"no answer within {limit_s:.0f} s")

    def _accept(self) -> None:
        peer, _ = self._listener.accept()
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(peer, selectors.EVENT_READ, _Connection(peer))

    def _receive(self, connection: _Connection) -> _Request | None:
        try:
            is_open = connection.receive()
        except ConnectionResetError:
            is_open = False
        if is_open:
            return connection.whole_request()
        self._selector.unregister(connection.peer)
        connection.peer.close()
        return None

    def _failed(self, what: str) -> FunctionFailed:
        return FunctionFailed(f"{self._command[0]}: {what}\n--- end of its log ---\n{self.log()[-3000:]}")
