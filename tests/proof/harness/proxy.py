"""The line between one function and the local AWS: records every call, delays it, strikes it with a fault, or kills the caller.

Each line listens on a port of its own, so that a connection can be refused and any number of functions run side by side. Must
answer nothing by itself except the fault that it was told, and what the local AWS cannot: who scales a service besides us
(nobody), and a cluster's container instances (two that are full).
"""

import http.client
import json
import socket
import ssl
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from .faults import DONE_ALL_THE_SAME, HANGS_S, Fault, other_shape, written_error
from .limits import Buckets
from .ministack import REGION
from .wire import Asked, understand

HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length")
# An RST instead of a FIN when the socket is closed.
RESET = struct.pack("ii", 1, 0)
# How long connections are refused, or not taken, where it is to happen once: the first retry comes within 250 ms.
REFUSED_FOR_S, NOT_TAKEN_FOR_S = 0.15, 1.3


@dataclass(frozen=True)
class Call:
    """One attempt of a call: what it asked for, when it arrived, when it was answered."""

    asked: Asked
    number: int
    is_retry: bool
    began_s: float
    ended_s: float
    status: int
    is_first_on_connection: bool
    fault: str = ""

    @property
    def name(self) -> str:
        return self.asked.name

    @property
    def operation(self) -> str:
        return self.asked.operation


class Line:
    """Forwards to the local AWS on a port; the knobs may be turned between invocations."""

    def __init__(self, upstream_port: int, tls: ssl.SSLContext | None = None, buckets: Buckets | None = None):
        self._upstream_port = upstream_port
        self._tls = tls
        self._buckets = buckets
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._fillers: list[socket.socket] = []
        self._peers: set[socket.socket] = set()
        self._seen: dict[str, int] = {}
        self._counts: dict[str, int] = defaultdict(int)
        self.calls: list[Call] = []
        self.delay_s: float | Callable[[Asked], float] = 0.0
        self.fault: Fault | None = None
        self.struck = 0
        # Called with the logical call and whether it is before or after it was done; it may kill the caller.
        self.on_call: Callable[[str, int, str], None] | None = None
        # Where it is set, answers are kept by what was asked, and given again without asking the local AWS.
        self.memory: dict[str, tuple] | None = None

    def __enter__(self) -> "Line":
        self._listen(0)
        self.port = self._listener.getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._silence()
        self.drop_connections()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def take_calls(self) -> list[Call]:
        """What was called since the last time, in the order in which it arrived; logical calls are counted from 0 again."""
        with self._lock:
            calls, self.calls = self.calls, []
            self._seen.clear()
            self._counts.clear()
        return sorted(calls, key=lambda call: call.began_s)

    def heal(self) -> None:
        """No fault any more."""
        self.fault, self.on_call, self.struck = None, None, 0
        if self._listener is None or self._fillers:
            self._silence()
            self._listen(self.port)

    def drop_connections(self) -> None:
        """Closes every open connection, as AWS does with idle ones."""
        with self._lock:
            peers, self._peers = self._peers, set()
        for peer in peers:
            _close(peer)

    def _listen(self, port: int, backlog: int = 128) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(backlog)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _silence(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            # A blocked accept does not notice a close.
            _close(listener)
        for filler in self._fillers:
            _close(filler)
        self._fillers = []

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._peers.add(peer)
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        upstream = http.client.HTTPConnection("127.0.0.1", self._upstream_port, timeout=60)
        try:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                wrapped = self._tls.wrap_socket(peer, server_side=True)
                with self._lock:
                    self._peers = self._peers - {peer} | {wrapped}
                peer = wrapped
            with peer, peer.makefile("rb") as incoming:
                is_first = True
                while self._one(peer, incoming, upstream, is_first):
                    is_first = False
        except (OSError, ValueError, http.client.HTTPException):
            # The function closed its connection, or was ended.
            pass
        finally:
            with self._lock:
                self._peers.discard(peer)
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
        asked = understand(method, path, headers, body)
        number, is_retry = self._counted(asked, headers, body)
        fault = self.fault if self.fault and self.fault.strikes(asked.name, number, is_retry) else None

        def note(status: int) -> None:
            # Before the answer leaves: whoever reads the list after the answer finds the call in it.
            found = Call(asked, number, is_retry, began_s, time.monotonic(), status, is_first, fault.kind if fault else "")
            with self._lock:
                self.calls.append(found)

        self._tell(asked.name, number, "before")
        time.sleep(self.delay_s(asked) if callable(self.delay_s) else self.delay_s)
        if fault is None:
            answer = self._answer(asked, upstream, method, path, headers, body)
            note(answer[0])
            self._tell(asked.name, number, "after")
            peer.sendall(_written(*answer))
            return True
        self.struck += 1
        done = self._answer(asked, upstream, method, path, headers, body) if fault.kind in DONE_ALL_THE_SAME else None
        note(0)
        return self._strike(fault, asked, peer, done)

    def _counted(self, asked: Asked, headers: dict[str, str], body: bytes) -> tuple[int, bool]:
        """Which logical call of its operation this is, and whether it was tried before."""
        identity = headers.get("amz-sdk-invocation-id") or f"{asked.name} {hash(body)}"
        with self._lock:
            is_retry = identity in self._seen
            if not is_retry:
                self._seen[identity] = self._counts[asked.name]
                self._counts[asked.name] += 1
            return self._seen[identity], is_retry

    def _tell(self, name: str, number: int, when: str) -> None:
        if self.on_call is not None:
            self.on_call(name, number, when)

    def _answer(self, asked: Asked, upstream, method: str, path: str, headers: dict[str, str], body: bytes):
        if self._buckets and not self._buckets.allow(asked):
            return written_error("throttled", asked)
        if self.memory is None:
            return stand_in(asked) or forward(upstream, method, path, headers, body)
        # Of a secret, versions are told apart; elsewhere times and tokens, which differ in each request, would fill the memory.
        key = f"{asked.name} {asked.params}" if asked.service == "secretsmanager" else asked.name
        if key not in self.memory:
            self.memory[key] = stand_in(asked) or forward(upstream, method, path, headers, body)
        return self.memory[key]

    def _strike(self, fault: Fault, asked: Asked, peer: socket.socket, done) -> bool:
        kind = fault.kind
        if kind in ("refused", "connect_timeout"):
            self._shut(kind, fault.is_lasting)
        if kind in ("refused", "connect_timeout", "reset_before", "reset_after"):
            _reset(peer)
            return False
        if kind == "hang":
            self._hang(peer)
            return False
        if kind == "truncated":
            whole = _written(*done)
            peer.sendall(whole[: len(whole) - max(1, len(done[2]) // 2 + 1)])
            return False
        if kind == "empty":
            peer.sendall(_written(200, [], b""))
        elif kind == "other_shape":
            peer.sendall(_written(*other_shape(asked)))
        else:
            peer.sendall(_written(*written_error(kind, asked)))
        return True

    def _hang(self, peer: socket.socket) -> None:
        """Says nothing until the caller has gone, or until half a minute is over."""
        peer.settimeout(HANGS_S)
        try:
            peer.recv(1)
        except (OSError, ValueError):
            pass

    def _shut(self, kind: str, is_lasting: bool) -> None:
        """From now on nobody gets a connection: at once (refused), or never an answer (the queue of connections is full)."""
        self._silence()
        if kind == "connect_timeout":
            self._listen_deaf()
        if not is_lasting:
            pause = REFUSED_FOR_S if kind == "refused" else NOT_TAKEN_FOR_S
            timer = threading.Timer(pause, self._open_again, args=(self.fault,))
            timer.daemon = True
            timer.start()

    def _open_again(self, fault: Fault | None) -> None:
        if self.fault is fault:
            self._silence()
            self._listen(self.port)

    def _listen_deaf(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(0)
        self._listener = listener
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._fillers.append(filler)


def forward(upstream: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str], body: bytes):
    upstream.request(method, path, body=body, headers=headers)
    answer = upstream.getresponse()
    return answer.status, answer.getheaders(), answer.read()


def _written(status: int, headers: list[tuple[str, str]], body: bytes) -> bytes:
    head = [f"HTTP/1.1 {status} {http.client.responses.get(status, '')}", f"Content-Length: {len(body)}"]
    head += [f"{name}: {value}" for name, value in headers if name.lower() not in HOP_BY_HOP]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def _reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def _close(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    one.close()


def stand_in(asked: Asked):
    """What the local AWS has no answer for: it knows no Application Auto Scaling and no container instances, and another function
    that is called for later is taken note of and not run."""
    if asked.name == "lambda:Invoke":
        return 202, [], b""
    cluster = str(asked.params.get("cluster", "")).rpartition("/")[2]
    arns = [f"arn:aws:ecs:{asked.region or REGION}:{asked.account}:container-instance/{cluster}/{number:032x}" for number in (1, 2)]
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
    if asked.operation not in answers:
        return None
    return 200, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(answers[asked.operation]).encode()


def server_tls(folder) -> tuple[ssl.SSLContext, object]:
    """A TLS context for 127.0.0.1 and the file with the authority that it is to be trusted by."""
    authority, certificate, key = folder / "authority.pem", folder / "server.pem", folder / "server.key"
    from .certificates import write_chain  # pyOpenSSL's library comes with the tools; only this mode needs it

    write_chain(authority, certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, authority
