"""The Docker engine that `sam local` needs: one that runs already, or Debian's, installed and started for as long as it is needed.

Must never stop or change an engine that it did not start: its own has a folder of its own for images and socket, and goes with it.
"""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

PACKAGES = ["docker.io", "busybox-static"]
INSTALL = f"sudo apt-get update && sudo apt-get install --yes --no-install-recommends {' '.join(PACKAGES)}"
START = "sudo dockerd &"
STARTS_WITHIN_S = 60
ENDS_WITHIN_S = 60
# Where the kernel has no packet filter or no overlay file system (containers, small virtual machines) the second or third one starts.
ATTEMPTS = [[], ["--iptables=false", "--ip6tables=false"], ["--iptables=false", "--ip6tables=false", "--storage-driver=vfs"]]


class NoEngine(Exception):
    """There is none, and none can be started here; the text says what to type."""


class Engine:
    """A Docker engine for as long as the block lasts; `host` is its DOCKER_HOST, `told` says in words where it is from."""

    def __enter__(self) -> "Engine":
        self._process = None
        self.host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        if shutil.which("docker") and _answers(self.host):
            self.told = "the engine that ran already"
            return self
        if os.environ.get("DOCKER_HOST"):
            raise NoEngine(f"no Docker engine answers at DOCKER_HOST, which is {self.host}; start it, or unset DOCKER_HOST")
        _install()
        self._folder = Path(tempfile.mkdtemp(prefix="nightshift-docker-"))
        self._log = self._folder / "dockerd.log"
        self.host = f"unix://{self._folder}/docker.sock"
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        for flags in ATTEMPTS:
            self._launch(flags)
            deadline = time.monotonic() + STARTS_WITHIN_S
            while time.monotonic() < deadline and self._process.poll() is None:
                if _answers(self.host):
                    self.told = f"dockerd {' '.join(flags)}".strip() + ", started for this run"
                    return
                time.sleep(0.2)
            self._stop()
        raise NoEngine(f"dockerd does not start here; its log ends with:\n{self._log.read_text()[-2000:]}")

    def _launch(self, flags: list[str]) -> None:
        places = {
            "--host": self.host,
            "--data-root": f"{self._folder}/data",
            "--exec-root": f"{self._folder}/run",
            "--pidfile": f"{self._folder}/pid",
        }
        command = ["dockerd", *(f"{name}={value}" for name, value in places.items()), *flags]
        with open(self._log, "ab") as log:
            # In a session of its own, or the Ctrl-C that ends this run ends the engine before its containers.
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def bridge_address(self) -> str:
        """The address under which containers reach this machine."""
        form = "{{range .IPAM.Config}}{{.Gateway}}{{end}}"
        found = subprocess.run(
            ["docker", "network", "inspect", "bridge", "--format", form], env=self.environment(), capture_output=True, text=True
        )
        if found.returncode or not found.stdout.strip():
            raise NoEngine(f"the engine has no bridge network that containers could reach this machine by: {found.stderr.strip()}")
        return found.stdout.strip()

    def environment(self) -> dict[str, str]:
        """The environment of a program that uses the engine."""
        return os.environ | self.environment_only()

    def environment_only(self) -> dict[str, str]:
        """What that environment has on top of this process's own."""
        return {"DOCKER_HOST": self.host}

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            return
        self._stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _answers(host: str) -> bool:
    return subprocess.run(["docker", "info"], env=os.environ | {"DOCKER_HOST": host}, capture_output=True).returncode == 0


def _install() -> None:
    """Sees to dockerd, docker and busybox, which the stand-in base image is made of."""
    is_root = os.geteuid() == 0
    missing = [name for name in ("docker", "dockerd", "busybox") if not shutil.which(name)]
    if missing and not (is_root and shutil.which("apt-get")):
        raise NoEngine(f"no Docker engine answers, and {', '.join(missing)} is not installed; type: {INSTALL} && {START}")
    if not is_root:
        raise NoEngine(f"no Docker engine answers, and only root may start one; type: {START}")
    if missing:
        print(f"sam-local: installing {' and '.join(PACKAGES)} (some 250 MB, a minute, once)", flush=True)
        _apt_get()


def _apt_get() -> None:
    # Debian would start the engine; this run starts its own.
    policy = Path("/usr/sbin/policy-rc.d")
    is_ours = not policy.exists()
    if is_ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update", "--quiet"], ["install", "--yes", "--quiet", "--no-install-recommends", *PACKAGES]):
            done = subprocess.run(["apt-get", *arguments], env=environment, capture_output=True, text=True)
            if done.returncode:
                raise NoEngine(f"apt-get {arguments[0]} failed:\n{done.stderr[-1500:]}\ntype: {INSTALL}")
    finally:
        if is_ours:
            policy.unlink()
