"""Measures the scale function beside a Python handler that does the same job, prints the table and writes the document.

Run from the checkout: .venv/bin/python tests/bench/bench.py --function target/release/scale
Exits with 1 if a goal is missed; with --report-only it does not.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import contenders  # noqa: E402
import estate  # noqa: E402
import measures  # noqa: E402
import report  # noqa: E402
from endpoint import MiniStack, Proxy, server_tls  # noqa: E402
from report import Row  # noqa: E402

NETWORK_DELAY_S = 0.020
RESIDENT_MB, ZIPPED_MB, START_MS, ROUND_TRIPS, DECISIONS = 16, 2.5, 3, 3, 500_000


def main() -> int:
    options = arguments()
    ours = contenders.nightshift(options.function)
    decisions = [str(options.decisions)] if options.decisions else built_decisions()
    theirs = contenders.python(ROOT / "target" / "bench" / "python")
    folder = Path(tempfile.mkdtemp(prefix="nightshift-bench-"))
    busy = report.other_work()
    try:
        rows = measure_all(ours, theirs, decisions, folder, options)
    except measures.FunctionFailed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 2
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("\n" + report.terminal_table(rows))
    missed = [row.what for row in rows if row.is_met is False]
    runs = f"{options.runs} cold starts, {options.first_runs} first and {options.warm_runs} warm invocations"
    report.write_document(options.document, rows, runs, "tests/bench/bench.py --function target/release/scale", busy)
    print(f"\non a machine {busy}; written to {options.document.relative_to(ROOT) if options.document.is_relative_to(ROOT) else options.document}")
    if missed:
        print(f"bench: {len(missed)} goals missed: {'; '.join(missed)}", file=sys.stderr)
    return 1 if missed and not options.report_only else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--function", type=Path, required=True, help="the release binary of scale")
    parser.add_argument("--decisions", type=Path, help="the built example `decisions`; built here if it is not given")
    parser.add_argument("--document", type=Path, default=ROOT / "docs" / "benchmarks.md", help="where to write the table")
    parser.add_argument("--runs", type=int, default=30, help="cold starts of each function")
    parser.add_argument("--first-runs", type=int, default=15, help="first invocations of each function")
    parser.add_argument("--warm-runs", type=int, default=20, help="warm invocations of each function")
    parser.add_argument("--report-only", action="store_true", help="exit with 0 although a goal is missed")
    return parser.parse_args()


def built_decisions() -> list[str]:
    say("building the example that counts decisions")
    command = ["cargo", "build", "--release", "--quiet", "--locked", "-p", "nightshift-core", "--example", "decisions"]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise SystemExit(f"bench: {' '.join(command)} failed; the lines above say why")
    return [str(ROOT / "target" / "release" / "examples" / "decisions")]


def measure_all(ours, theirs, decisions: list[str], folder: Path, options) -> list[Row]:
    with MiniStack(folder) as ministack:
        services = estate.Estate(ministack.port)
        services.create()
        services.load()
        tls, authority = server_tls(folder)
        with Proxy(ministack.port, tls) as near, Proxy(ministack.port, delay_s=NETWORK_DELAY_S) as far:
            bench = measures.Bench(ours, theirs, services, authority, folder)
            rows = start_rows(bench, near, options)
            rows += invocation_rows(bench, services, near, options)
            rows += journey_rows(bench, services, far)
    return rows + size_rows(ours, theirs) + decision_rows(decisions)


def start_rows(bench: measures.Bench, proxy: Proxy, options) -> list[Row]:
    say(f"{options.runs} cold starts of each")
    is_good = lambda pairs: pairs[0].our_median <= START_MS >= pairs[1].our_median  # noqa: E731
    cpu, wall, resident = measures.fastest(lambda: bench.cold_starts(proxy, options.runs), is_good)
    return [
        report.row_of_pair("cold start to first poll, CPU", cpu, "ms", at_most=START_MS, times_less=50),
        report.row_of_pair("cold start to first poll, wall", wall, "ms", at_most=START_MS, times_less=50),
        report.row_of_pair("resident at first poll", resident, "MB"),
    ]


def invocation_rows(bench: measures.Bench, services: estate.Estate, proxy: Proxy, options) -> list[Row]:
    say(f"{options.first_runs} first and {options.warm_runs} warm invocations of each, over TLS")
    services.load()
    is_good = lambda pairs: pairs[0].ratio >= 10  # noqa: E731
    first, with_start = measures.fastest(lambda: bench.first_invocations(proxy, estate.TASKS, options.first_runs), is_good)
    services.load()
    warm, peak = bench.warm_invocations(proxy, estate.TASKS, options.warm_runs)
    return [
        report.row_of_pair("first invocation with its TLS handshakes, CPU", first, "ms", times_less=10),
        report.row_of_pair("cold start and first invocation, CPU", with_start, "ms"),
        report.row_of_pair("warm invocation, CPU", warm, "ms"),
        report.row_of_pair(f"peak resident after {options.warm_runs + 1} invocations", peak, "MB", at_most=RESIDENT_MB),
    ]


def journey_rows(bench: measures.Bench, services: estate.Estate, proxy: Proxy) -> list[Row]:
    rows = []
    theirs = None
    for target in estate.TARGETS:
        say(f"round trips to {target.mutating_call}: {target.title}")
        services.load()
        ours = bench.journeys(bench.ours, proxy, target, runs=5)
        if target is estate.TASKS:
            theirs = bench.journeys(bench.theirs, proxy, target, runs=5)
        trips = max(journey.round_trips for journey in ours)
        what = f"serial round trips to {target.mutating_call}, warm ({target.title})"
        python = str(max(journey.round_trips for journey in theirs)) if target is estate.TASKS else "–"
        ratio = f"{report.figure(float(python) / trips)} × less" if target is estate.TASKS else "–"
        rows.append(Row(what, str(trips), python, ratio, f"≤ {ROUND_TRIPS}", trips <= ROUND_TRIPS))
    time = measures.Pair(
        [journey.milliseconds for journey in bench.journeys(bench.ours, proxy, estate.TASKS, runs=5)],
        [journey.milliseconds for journey in theirs or []],
    )
    rows.append(report.row_of_pair("event to UpdateService answered, 20 ms away, warm", time, "ms"))
    return rows


def size_rows(ours: contenders.Contender, theirs: contenders.Contender) -> list[Row]:
    our_files, their_files = contenders.binary_files(ours), contenders.python_files(theirs)
    unpacked = [sum(map(len, files.values())) / 1e6 for files in (our_files, their_files)]
    zipped = [contenders.zipped_mb(files) for files in (our_files, their_files)]
    return [
        report.row_of_pair("function unpacked", measures.Pair(unpacked[:1], unpacked[1:]), "MB"),
        report.row_of_pair("function zipped", measures.Pair(zipped[:1], zipped[1:]), "MB", at_most=ZIPPED_MB),
    ]


def decision_rows(command: list[str]) -> list[Row]:
    say("decisions on one core")
    rate = max(measures.decisions_per_second(command) for _ in range(3))
    ratio = f"{report.figure(rate / DECISIONS)} × the goal"
    return [Row("pure decisions on one core", f"{rate:,.0f} a second", ratio=ratio, goal=f"≥ {DECISIONS:,}", is_met=rate >= DECISIONS)]


def say(what: str) -> None:
    print(f"bench: {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
