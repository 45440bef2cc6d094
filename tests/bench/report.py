"""The tables: what was measured, for both, as a ratio, against its goal; on the terminal and as docs/benchmarks.md.

Owns the goals' wording. Must never print a time without its ratio, nor anything that names the machine. The table of variants
between its two markers is written by variants.py and kept as it stands.
"""

import datetime
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

from measures import Pair

PAGE = Path(__file__).parent / "page.md"
VARIANTS = ("<!-- variants: written by tests/bench/variants.py -->", "<!-- end of variants -->")


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


@dataclass(frozen=True)
class Table:
    """What was measured of one function, or beside one other tool."""

    title: str
    rival: str
    rows: list[Row]
    about: str = ""

    @property
    def header(self) -> tuple[str, ...]:
        return ("what", "Nightshift", self.rival, "ratio", "goal", "met")

    @property
    def missed(self) -> list[str]:
        return [f"{self.title}: {row.what}" for row in self.rows if row.is_met is False]

    def for_terminal(self) -> str:
        """Columns padded to their widest cell."""
        lines = [self.header, *(row.cells for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.header))]
        padded = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
        return "\n".join([self.title, padded[0], "-" * len(padded[0]), *padded[1:]])

    def for_document(self) -> str:
        lines = [self.header, ("---",) + ("---:",) * 3 + ("---", "---"), *(row.cells for row in self.rows)]
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return f"### {self.title}\n\n" + (f"{self.about}\n\n" if self.about else "") + table


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
        times(pair.ratio),
        ", ".join(goals) or "–",
        all(met) if met else None,
    )


def row_of_counts(what: str, ours: int, theirs: int | None, at_most: int | None = None) -> Row:
    """A row of numbers that are the same in each run."""
    ratio = times(theirs / ours) if theirs is not None and ours else "–"
    goal = f"≤ {at_most}" if at_most is not None else "–"
    return Row(what, str(ours), "–" if theirs is None else str(theirs), ratio, goal, None if at_most is None else ours <= at_most)


def times(ratio: float) -> str:
    """How much less ours takes; more, where it is so."""
    if f"{ratio:.2f}" == "1.00":
        return "equal"
    return f"{figure(ratio)} × less" if ratio >= 1 else f"{figure(1 / ratio)} × more"


def figure(number: float) -> str:
    """Three significant digits."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}" if number >= 10 else f"{number:.2f}"


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


def between_markers(text: str) -> str:
    """The table of variants that is in the page, without its markers; empty if there is none."""
    found = re.search(re.escape(VARIANTS[0]) + r"\n(.*?)\n?" + re.escape(VARIANTS[1]), text, re.DOTALL)
    return found[1] if found else ""


def write_document(path: Path, functions: list[Table], peers: list[Table], runs: str, command: str, busy: str) -> None:
    """Writes docs/benchmarks.md whole, but for the table of variants."""
    kept = between_markers(path.read_text(encoding="utf-8")) if path.exists() else ""
    missed = [what for table in (*functions, *peers) for what in table.missed]
    fields = {
        "TODAY": datetime.date.today().isoformat(),
        "COMMAND": command,
        "MACHINE": f"{machine_class()}, {busy}",
        "RUNS": runs,
        "MISSED": "Every goal is met." if not missed else "Missed: " + "; ".join(missed) + ".",
        "FUNCTIONS": "\n\n".join(table.for_document() for table in functions),
        "PEERS": "\n\n".join(table.for_document() for table in peers),
        "VARIANTS": f"{VARIANTS[0]}\n{kept or 'Not measured yet: `make bench-variants`.'}\n{VARIANTS[1]}",
    }
    text = PAGE.read_text(encoding="utf-8")
    for name, value in fields.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
