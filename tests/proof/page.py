"""docs/reliability.md: each part of the proof owns the lines between its two markers, and its last whole run rewrites them.

Owns how results are shown, there and on the terminal. Must never write a figure that is not in a result, nor touch another
part's lines.
"""

import json
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
RESULTS = ROOT / "target" / "proof"
# Result file without its ending -> the columns of its table: heading, and the value in a row.
Columns = list[tuple[str, object]]


def _outcomes(row: dict) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(row["outcomes"].items(), key=lambda one: -one[1]))


STRUCK: Columns = [
    ("work", lambda row: row["world"]),
    ("runs", lambda row: row["runs"]),
    ("how the struck invocation ended", _outcomes),
    ("broken promises", lambda row: len(row["problems"])),
]
COLUMNS: dict[str, Columns] = {
    "faults": STRUCK,
    "crashes": STRUCK,
    "delivery": [STRUCK[0], ("delivered", lambda row: row["kind"]), *STRUCK[1:]],
    "deadlines": [*STRUCK[:2], ("answers", _outcomes), STRUCK[3]],
    "freeze": [*STRUCK[:2], ("first invocation after the thaw", _outcomes), STRUCK[3]],
    "soak": [
        STRUCK[0],
        ("invocations", lambda row: f"{row['invocations']:,}"),
        ("resident in the end", lambda row: f"{row['resident_mb']:.1f} MB"),
        ("growth", lambda row: f"{row['growth_mb'] * 1000:+.0f} kB"),
        ("descriptors", lambda row: f"{row['descriptors']} ({row['descriptor_growth']:+d})"),
        ("failed", lambda row: row["failed"]),
    ],
    "schedules": [
        ("function", lambda row: row["function"]),
        ("what", lambda row: row["kind"]),
        ("runs", lambda row: f"{row['runs']:,}"),
        ("broken promises", lambda row: row["failures"]),
    ],
    "soak-fakes": [
        ("function", lambda row: row["function"]),
        ("invocations", lambda row: f"{row['invocations']:,}"),
        ("seconds", lambda row: f"{row['seconds']:.0f}"),
        ("growth", lambda row: f"{row['rss_growth_kb']:+.0f} kB"),
        ("descriptors", lambda row: f"{row['fd_growth']:+d}"),
    ],
    "fuzz": [
        ("parser", lambda row: row["name"]),
        ("executions", lambda row: f"{row['executions']:,}"),
        ("seconds", lambda row: f"{row['seconds']:.0f}"),
        ("findings", lambda row: row["findings"]),
    ],
    "permissions": [
        ("function", lambda row: row["function"]),
        ("calls", lambda row: f"{row['calls']:,}"),
        ("statements", lambda row: row["statements"]),
        ("actions", lambda row: row["actions"]),
        ("seen", lambda row: row["seen"]),
        ("explained", lambda row: row["explained"]),
    ],
    "mutants": [
        ("mutants in all", lambda row: f"{row['mutants_in_all']:,}"),
        ("tried", lambda row: f"{row['sampled']:,}"),
        ("caught", lambda row: f"{row['caught']:,} and {row['timeout']} by running on for ever"),
        ("not noticed", lambda row: row["missed"]),
        ("do not compile", lambda row: row["unviable"]),
        ("cannot be planted", lambda row: row["not_planted"]),
        ("share caught", lambda row: f"{row['percent']} % (95 % interval {row['interval'][0]} to {row['interval'][1]} %)"),
    ],
    "coverage": [
        ("lines", lambda row: f"{row['lines']:,}"),
        ("run by the core's own tests", lambda row: f"{row['covered']:,}"),
        ("share", lambda row: f"{row['percent']} %"),
    ],
    "sam-local": [
        ("function", lambda row: row["function"]),
        ("invocations", lambda row: row["invocations"]),
        ("answers", _outcomes),
        ("crashed, timed out, or an error that no one expects", lambda row: row["unexplained"]),
    ],
}


def _by_function(result: dict) -> list[dict]:
    """What sam local said, counted: one row a function."""
    found: dict[str, dict] = {}
    for row in result["rows"]:
        own = found.setdefault(row["function"], {"function": row["function"], "invocations": 0, "outcomes": Counter(), "unexplained": 0})
        own["invocations"] += 1
        own["outcomes"][row["outcome"]] += 1
        is_explained = row["outcome"] != "error" or row["expected_because"]
        own["unexplained"] += row["outcome"] in ("crash", "timeout", "unexplained") or not is_explained
    return list(found.values())


# Where the rows of a result are, if not in its "rows".
ROWS = {"fuzz": lambda result: result["targets"], "mutants": lambda result: [result], "coverage": lambda result: [result], "sam-local": _by_function}


def table(name: str, result: dict) -> list[list[str]]:
    columns, rows = COLUMNS[name], ROWS.get(name, lambda result: result["rows"])(result)
    return [[heading for heading, _ in columns], *([str(value(row)) for _, value in columns] for row in rows)]


def terminal(name: str, result: dict) -> str:
    lines = table(name, result)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    padded = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    return "\n".join([padded[0], "-" * len(padded[0]), *padded[1:]])


def markdown(name: str, result: dict) -> str:
    lines = table(name, result)
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def section(name: str, result: dict) -> str:
    """The lines between a part's markers."""
    took = f", {result['seconds']} s" if result.get("seconds") else ""
    seed = f", seed {result['seed']}" if "seed" in result else ""
    return f"{result['date']}, `{result['command']}`{seed}{took}:\n\n{markdown(name, result)}"


def rewrite(names: list[str] | None = None) -> list[str]:
    """Puts these results, or every one that is there, into their parts of the page; the names of those that were."""
    text, written = PAGE.read_text(encoding="utf-8"), []
    for name in names or COLUMNS:
        file = RESULTS / f"{name}.json"
        begin, end = f"<!-- {name}: written by its run -->", f"<!-- /{name} -->"
        if not file.exists() or begin not in text:
            continue
        inside = section(name, json.loads(file.read_text()))
        text = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n{inside}\n{end}", text, flags=re.DOTALL)
        written.append(name)
    PAGE.write_text(text, encoding="utf-8")
    return written


if __name__ == "__main__":
    print(f"docs/reliability.md: rewrote {', '.join(rewrite()) or 'nothing: no results in target/proof'}")
