"""One local AWS (MiniStack, with the additions that the end-to-end tests give it) for as long as a block lasts.

Every 12-digit access key is an account of its own there, so that any number of runs share one process and see nothing of
each other. Must never leave anything running: it ends with its standard input, however the starter ended.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LAUNCHER = ROOT / "tests" / "src" / "launcher.py"
REGION = "us-east-1"
STARTS_WITHIN_S = 40.0


class AwsRefused(Exception):
    """The local AWS answered with an error to a call of the harness's own."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class MiniStack:
    """A local AWS on a free port; `folder` has to be its own, and goes with it."""

    def __init__(self, folder: Path, takes_s: float = 1.0):
        self.port = free_port()
        self._folder = folder
        self._takes_s = takes_s

    def __enter__(self) -> "MiniStack":
        self._folder.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "LOG_LEVEL": "ERROR",
            "AUTH": "false",
            # With a Docker daemon in reach it would start real containers.
            "DOCKER_HOST": "unix:///nonexistent",
            "TMPDIR": str(self._folder),
            "NIGHTSHIFT_MAILBOX": str(self._folder / "mail.jsonl"),
            # Whoever wants a schedule run does it: none may come in between.
            "NIGHTSHIFT_SWEEP_SECONDS": "86400",
            "NIGHTSHIFT_TAKES_SECONDS": str(self._takes_s),
        }
        with open(self._folder / "ministack.log", "wb") as log:
            command = [sys.executable, str(LAUNCHER), str(self._folder)]
            self._process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self._folder)
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not self._is_up():
            if time.monotonic() > deadline or self._process.poll() is not None:
                words = (self._folder / "ministack.log").read_text(errors="replace")[-2000:]
                self.__exit__()
                raise SystemExit(f"the local AWS did not start:\n{words}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def resident_mb(self) -> float:
        with open(f"/proc/{self._process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) * 1024 / 1e6

    def _is_up(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            connection.request("GET", "/_ministack/health")
            return connection.getresponse().status == 200
        except OSError:
            return False


class Account:
    """The harness's own hands in one account of the local AWS: raw calls, without an SDK's cost of a client for each."""

    def __init__(self, port: int, number: str, region: str = REGION):
        self.port = port
        self.number = number
        self.region = region
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def json(self, service: str, target: str, body: dict) -> dict:
        """A call of a JSON protocol; `target` is what stands in X-Amz-Target."""
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
        return json.loads(self._send("POST", "/", service, json.dumps(body).encode(), headers) or b"{}")

    def query(self, service: str, action: str, **fields: object) -> str:
        """A call of the query protocol; the answer is XML."""
        body = urllib.parse.urlencode({"Action": action, **fields}).encode()
        return self._send("POST", "/", service, body, {"Content-Type": "application/x-www-form-urlencoded"}).decode()

    def rest(self, method: str, service: str, path: str, body: dict | bytes | None = None) -> dict:
        encoded = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        answer = self._send(method, path, service, encoded, {"Content-Type": "application/json"})
        return json.loads(answer) if answer[:1] in (b"{", b"[") else {"text": answer.decode()}

    def ecs(self, operation: str, **body: object) -> dict:
        return self.json("ecs", f"AmazonEC2ContainerServiceV20141113.{operation}", body)

    def ecr(self, operation: str, **body: object) -> dict:
        return self.json("ecr", f"AmazonEC2ContainerRegistry_V20150921.{operation}", body)

    def dynamodb(self, operation: str, **body: object) -> dict:
        return self.json("dynamodb", f"DynamoDB_20120810.{operation}", body)

    def secrets(self, operation: str, **body: object) -> dict:
        return self.json("secretsmanager", f"secretsmanager.{operation}", body)

    def _send(self, method: str, path: str, service: str, body: bytes, headers: dict[str, str]) -> bytes:
        scope = f"20260101/{self.region}/{service}/aws4_request"
        headers |= {"Authorization": f"AWS4-HMAC-SHA256 Credential={self.number}/{scope}, SignedHeaders=host, Signature=none"}
        was_half_done = False
        for is_last in (False, False, True):
            try:
                self._connection.request(method, path, body=body, headers=headers)
                answer = self._connection.getresponse()
                found = answer.read()
                # A table of the local AWS that another thread wrote to while this one read it.
                if b"changed size during iteration" in found and not is_last:
                    was_half_done = True
                    continue
                break
            except (http.client.HTTPException, OSError):
                # A kept-alive connection may have ended meanwhile.
                self._connection.close()
                if is_last:
                    raise
        # What the first try made before it broke off stands there already.
        if answer.status >= 300 and not (was_half_done and b"not idempotent" in found):
            raise AwsRefused(f"{service} {headers.get('X-Amz-Target', path)}: {answer.status} {found[:500]!r}")
        return found
