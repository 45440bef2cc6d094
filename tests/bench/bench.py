"""Measures every function beside a Python handler that does the same job, prints the tables and writes the document.

Run from the checkout: .venv/bin/python tests/bench/bench.py --functions target/release
Exits with 1 if a goal is missed; with --report-only it does not. With --only nothing is written, unless --document says where.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "proof")]
sys.dont_write_bytecode = True

import contenders  # noqa: E402
import jobs  # noqa: E402
import measures  # noqa: E402
import peers  # noqa: E402
import report  # noqa: E402
from harness.ministack import MiniStack  # noqa: E402
from harness.proxy import Line, server_tls  # noqa: E402
from harness.sandbox import FunctionFailed  # noqa: E402
from processor_share import NoShares, ProcessorShare  # noqa: E402
from report import Row, Table  # noqa: E402

NETWORK_DELAY_S = 0.020
# How long the local AWS takes for a roll-out.
TAKES_S = 0.2
RESIDENT_MB, ZIPPED_MB, START_MS, ROUND_TRIPS, DECISIONS = 16, 2.5, 3, 3, 500_000


def main() -> int:
    options = arguments()
    functions = [options.only] if options.only else list(jobs.JOBS)
    busy = report.other_work()
    folder = Path(tempfile.mkdtemp(prefix="nightshift-bench-"))
    try:
        tables = [function_table(function, folder, options) for function in functions]
        beside = [] if options.only or options.without_peers else peers.tables(options.functions, folder, options.peer_runs, say)
        if not options.only or options.only == "scale":
            tables[0].rows.append(decisions_row(options.decisions))
    except FunctionFailed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 2
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for table in (*tables, *beside):
        print("\n" + table.for_terminal())
    missed = [what for table in (*tables, *beside) for what in table.missed]
    document = options.document or (None if options.only else ROOT / "docs" / "benchmarks.md")
    if document:
        report.write_document(document, tables, beside, run_words(options), f"tests/bench/bench.py --functions {options.functions}", busy)
        print(f"\non a machine {busy}; written to {document}")
    if missed:
        print(f"bench: {len(missed)} goals missed: {'; '.join(missed)}", file=sys.stderr)
    return 1 if missed and not options.report_only else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--functions", type=Path, required=True, help="the folder of the release binaries")
    parser.add_argument("--only", choices=list(jobs.JOBS), help="one function alone, without the peers")
    parser.add_argument("--runs", type=int, help="so many runs of everything (default: what each needs)")
    parser.add_argument("--decisions", type=Path, help="the built example `decisions`; built here if it is not given")
    parser.add_argument("--document", type=Path, help="where to write the tables")
    parser.add_argument("--without-peers", action="store_true", help="leave the other tools out")
    parser.add_argument("--report-only", action="store_true", help="exit with 0 although a goal is missed")
    options = parser.parse_args()
    every = options.runs
    options.starts, options.firsts, options.warms = every or 30, every or 15, every or 20
    options.journeys, options.shares, options.peer_runs = every or 5, every or 5, every or 5
    return options


def run_words(options) -> str:
    return (
        f"{options.starts} cold starts, {options.firsts} first and {options.warms} warm rounds, "
        f"{options.journeys} over the delayed network, {options.shares} with 7 % of a processor"
    )


def function_table(function: str, folder: Path, options) -> Table:
    ours = contenders.nightshift(options.functions, function)
    theirs = contenders.python(function, ROOT / "target" / "bench" / "python")
    main_job, *more_jobs = jobs.JOBS[function]
    own = folder / function
    # A local AWS for each function: what it holds of the others would only slow it down.
    with MiniStack(own / "aws", takes_s=TAKES_S) as ministack:
        tls, authority = server_tls(own)
        with Line(ministack.port, tls) as near, Line(ministack.port) as far:
            far.delay_s = NETWORK_DELAY_S
            benches = [
                measures.Bench(ours, theirs, jobs.built(job, ministack.port, number, options.functions, own / str(number)), authority, own)
                for number, job in enumerate((main_job, *more_jobs), start=300_000_000_000)
            ]
            rows = start_rows(benches[0], near, options)
            rows += invocation_rows(benches[0], near, options)
            rows += journey_rows(benches, far, options)
            rows += share_rows(benches[0], near, options)
    return Table(f"`{function}`", contenders.PYTHON, rows + size_rows(ours, theirs, function))


def start_rows(bench: measures.Bench, line: Line, options) -> list[Row]:
    say(f"{bench.job.function}: {options.starts} cold starts of each")
    is_good = lambda pairs: pairs[0].our_median <= START_MS >= pairs[1].our_median  # noqa: E731
    cpu, wall, resident = measures.fastest(lambda: bench.cold_starts(line, options.starts), is_good)
    return [
        report.row_of_pair("cold start to first poll, CPU", cpu, "ms", at_most=START_MS, times_less=50),
        report.row_of_pair("cold start to first poll, wall", wall, "ms", at_most=START_MS, times_less=50),
        report.row_of_pair("resident at first poll", resident, "MB"),
    ]


def invocation_rows(bench: measures.Bench, line: Line, options) -> list[Row]:
    say(f"{bench.job.function}: {options.firsts} first and {options.warms} warm rounds of each, over TLS")
    titles = [part.title for part in bench.job.parts]
    is_good = lambda pairs: pairs[0].ratio >= 10  # noqa: E731
    first, with_start = measures.fastest(lambda: bench.first_invocations(line, options.firsts), is_good)
    warm, peak = bench.warm_rounds(line, options.warms)
    invocations = (options.warms + 1) * len(titles)
    return [
        report.row_of_pair(f"first invocation ({titles[0]}) with its TLS handshakes, CPU", first, "ms", times_less=10),
        report.row_of_pair("cold start and first invocation, CPU", with_start, "ms"),
        *(report.row_of_pair(f"warm invocation ({title}), CPU", pair, "ms") for title, pair in zip(titles, warm)),
        report.row_of_pair(f"peak resident after {invocations} invocations", peak, "MB", at_most=RESIDENT_MB),
    ]


def journey_rows(benches: list[measures.Bench], line: Line, options) -> list[Row]:
    """Theirs only for the first job: the handlers know no other."""
    rows = []
    for bench in benches:
        job = bench.job
        say(f"{job.function}: round trips of {job.name}")
        ours = bench.journeys(bench.ours, line, options.journeys)
        theirs = bench.journeys(bench.theirs, line, options.journeys) if bench is benches[0] else [None] * len(ours)
        for part, our, their in zip(job.parts, ours, theirs):
            name = part.title if bench is benches[0] else job.name
            most = lambda found, field: max(getattr(one, field) for one in found) if found else None  # noqa: E731
            if part.mutating:
                what = f"serial round trips to {part.mutating}, warm ({name})"
                rows.append(report.row_of_counts(what, most(our, "trips_to_change"), most(their, "trips_to_change"), ROUND_TRIPS))
            rows.append(report.row_of_counts(f"serial round trips in all, warm ({name})", most(our, "trips"), most(their, "trips")))
            rows.append(report.row_of_counts(f"calls in all, warm ({name})", most(our, "calls"), most(their, "calls")))
            if part.mutating and their:
                time = measures.Pair([one.ms_to_change for one in our], [one.ms_to_change for one in their])
                rows.append(report.row_of_pair(f"event to {part.mutating} answered, 20 ms away, warm ({name})", time, "ms"))
    return rows


def share_rows(bench: measures.Bench, line: Line, options) -> list[Row]:
    title = bench.job.parts[0].title
    names = f"first invocation ({title}) at 128 MB, wall", f"warm invocation ({title}) at 128 MB, wall"
    say(f"{bench.job.function}: {options.shares} rounds of each with 7 % of a processor")
    try:
        with ProcessorShare() as share:
            pairs = bench.with_a_share(line, share, options.shares)
        return [report.row_of_pair(name, pair, "ms") for name, pair in zip(names, pairs)]
    except NoShares as reason:
        return [Row(name, f"not measured: no control group here ({reason})") for name in names]


def size_rows(ours: contenders.Contender, theirs: contenders.Contender, function: str) -> list[Row]:
    files = contenders.binary_files(ours), contenders.python_files(theirs, function)
    unpacked = [sum(map(len, own.values())) / 1e6 for own in files]
    zipped = [contenders.zipped_mb(own) for own in files]
    return [
        report.row_of_pair("function unpacked", measures.Pair(unpacked[:1], unpacked[1:]), "MB"),
        report.row_of_pair("function zipped", measures.Pair(zipped[:1], zipped[1:]), "MB", at_most=ZIPPED_MB),
    ]


def decisions_row(binary: Path | None) -> Row:
    command = [str(binary)] if binary else built_decisions()
    say("decisions on one core")
    rate = max(measures.decisions_per_second(command) for _ in range(3))
    ratio = f"{report.figure(rate / DECISIONS)} × the goal"
    return Row("pure decisions on one core", f"{rate:,.0f} a second", ratio=ratio, goal=f"≥ {DECISIONS:,}", is_met=rate >= DECISIONS)


def built_decisions() -> list[str]:
    say("building the example that counts decisions")
    command = ["cargo", "build", "--release", "--quiet", "--locked", "-p", "nightshift-core", "--example", "decisions"]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise SystemExit(f"bench: {' '.join(command)} failed; the lines above say why")
    return [str(ROOT / "target" / "release" / "examples" / "decisions")]


def say(what: str) -> None:
    print(f"bench: {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
