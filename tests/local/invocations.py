"""`sam local invoke`, once for each function and event, each in a process of its own.

SAM's own entry point is called in a forked process: what takes longest of a `sam` command, importing itself (1.5 s of CPU), is done
once. Events of one function go in their order, since they share its records; functions go side by side.
"""

import json
import os
import re
import signal
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

# A whole `sam local invoke`; the function itself has the template's time-out.
ENDS_WITHIN_S = 180
LOG_ENDS_WITHIN_S = 2


@dataclass(frozen=True)
class Job:
    """One function and one event; `name` is the event's file below events/."""

    function: str
    name: str
    event: Path


@dataclass(frozen=True)
class Row:
    """What came of it, how long sam's call to the function took, and the whole command. An outcome is a decision, `page`, `error` (typed by
    us), or what must not be: `crash`, `timeout`, `unexplained`."""

    function: str
    event: str
    outcome: str
    reason: str
    milliseconds: float | None
    seconds: float
    words: str = ""


def run_all(jobs: list[Job], arguments: list[str], folder: Path, at_once: int, told) -> list[Row]:
    """Every job's row, in the order of the jobs; `told` is called with each as it comes."""
    import_sam()
    waiting: dict[str, list[Job]] = {}
    for job in jobs:
        waiting.setdefault(job.function, []).append(job)
    running: dict[int, tuple[Job, float]] = {}
    rows: dict[Job, Row] = {}
    while waiting or running:
        busy = {job.function for job, _ in running.values()}
        for function in [name for name in waiting if name not in busy][: at_once - len(running)]:
            job = waiting[function].pop(0)
            if not waiting[function]:
                del waiting[function]
            running[fork(job, arguments, folder)] = (job, time.monotonic())
        process, status = os.wait()
        if process not in running:
            raise ChildProcessError("the local AWS or the Docker engine has ended in the middle of the run")
        job, began = running.pop(process)
        rows[job] = row_of(job, folder, os.waitstatus_to_exitcode(status), time.monotonic() - began)
        told(rows[job])
    return [rows[job] for job in jobs]


def import_sam() -> None:
    """Imports all that `sam local invoke` needs, so that a forked process has it."""
    import samcli.commands.local.invoke.cli
    import samcli.lib.utils.resources
    import samcli.local.docker.container  # noqa: F401
    from samcli.commands.local.cli_common import invoke_context  # noqa: F401


def fork(job: Job, arguments: list[str], folder: Path) -> int:
    """Starts `sam local invoke` for one job in a process of its own; its id."""
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        signal.alarm(ENDS_WITHIN_S)
        for descriptor, stream in ((1, "out"), (2, "err")):
            os.dup2(os.open(path_of(job, folder, stream), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), descriptor)
        from samcli.cli.main import cli

        measure_call(path_of(job, folder, "milliseconds"))
        cli.main(args=["local", "invoke", job.function, "--event", str(job.event), *arguments], prog_name="sam")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        # The container's log is read in a thread that may be behind the answer; its last line is the one with the time.
        for thread in threading.enumerate():
            if thread is not threading.current_thread():
                thread.join(timeout=LOG_ENDS_WITHIN_S)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def measure_call(path: Path) -> None:
    """Has sam's call to the runtime's emulator in the container measured: the function's start and its work, and not the container's."""
    import requests

    post = requests.post

    def measured(*arguments, **named):
        began = time.perf_counter()
        try:
            return post(*arguments, **named)
        finally:
            path.write_text(f"{(time.perf_counter() - began) * 1000:.1f}")

    requests.post = measured


def path_of(job: Job, folder: Path, stream: str) -> Path:
    return folder / f"{job.function}-{job.name.replace('/', '-')}.{stream}"


def output(job: Job, folder: Path, stream: str) -> str:
    path = path_of(job, folder, stream)
    return path.read_text(errors="replace") if path.exists() else ""


def row_of(job: Job, folder: Path, code: int, seconds: float) -> Row:
    """Reads what `sam local invoke` printed: the answer on standard output, everything else on standard error."""
    outcome, reason, words = judged(code, output(job, folder, "out"), output(job, folder, "err"))
    milliseconds = output(job, folder, "milliseconds")
    return Row(job.function, job.name, outcome, reason, float(milliseconds) if milliseconds else None, round(seconds, 2), words)


def judged(code: int, out: str, err: str) -> tuple[str, str, str]:
    """Outcome, reason and words."""
    tail = err.strip()[-800:]
    if re.search(r"timed out after \d+ seconds", err):
        return "timeout", "the function's time ran out", tail
    if code:
        return "unexplained", f"sam local invoke ended with {code}", tail
    try:
        answer = json.loads(out.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return "unexplained", "no answer", tail
    if not isinstance(answer, dict):
        return "unexplained", "an answer that is no object", out[-800:]
    if kind := answer.get("errorType"):
        words = str(answer.get("errorMessage", ""))
        return ("error", kind.removeprefix("Nightshift."), words) if kind.startswith("Nightshift.") else ("crash", kind, f"{words}\n{tail}")
    if "statusCode" in answer:
        return "page", str(answer["statusCode"]), ""
    outcomes = answer.get("outcomes") or [answer]
    decisions = [str(each.get("decision", "")) for each in outcomes]
    reasons = [str(each.get("reason", "")) for each in outcomes]
    if not all(decisions):
        return "unexplained", "an answer without a decision", out[-800:]
    return "; ".join(dict.fromkeys(decisions)), "; ".join(dict.fromkeys(reasons)), str(answer.get("text", ""))
