"""Other ways to build or to start `scale`, each measured beside the one that is shipped; writes their table into the document.

A variant is other variables for Cargo, a patch, or other authorities to trust. It is built from a copy of the checkout, in a build
folder of its own that all variants share; each takes minutes. Must never touch the checkout or its build folder.

Run: .venv/bin/python tests/bench/variants.py [--functions target/release] [--only NAME ...] [--without-builds]
"""

import argparse
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "proof")]
sys.dont_write_bytecode = True

import contenders  # noqa: E402
import jobs  # noqa: E402
import measures  # noqa: E402
import report  # noqa: E402
from harness.ministack import MiniStack  # noqa: E402
from harness.proxy import Line, server_tls  # noqa: E402
from processor_share import NoShares, ProcessorShare  # noqa: E402

PLACE = ROOT / "target" / "variants"
SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
FUNCTION = "scale"


@dataclass(frozen=True)
class Variant:
    """One difference from what is shipped."""

    name: str
    about: str
    cargo: dict[str, str] = field(default_factory=dict)
    patch: str = ""
    bundle: Path | None = None

    @property
    def is_built(self) -> bool:
        return bool(self.cargo or self.patch)


VARIANTS = (
    Variant("opt-level-s", "`opt-level = \"s\"` instead of z", {"CARGO_PROFILE_RELEASE_OPT_LEVEL": "s"}),
    Variant("opt-level-3", "`opt-level = 3` instead of z", {"CARGO_PROFILE_RELEASE_OPT_LEVEL": "3"}),
    Variant("thin-lto", "`lto = \"thin\"` instead of fat", {"CARGO_PROFILE_RELEASE_LTO": "thin"}),
    Variant("mimalloc", "mimalloc instead of the system's allocator", patch="mimalloc.patch"),
    Variant("aws-lc-rs", "rustls on aws-lc-rs instead of ring", patch="aws-lc-rs.patch"),
    Variant("lazy-clients", "SDK clients made at their first use instead of at start", patch="lazy-clients.patch"),
    Variant("warm-connections", "five connections opened during start, by reads that nobody needs", patch="warm-connections.patch"),
    Variant("system-roots", "the system's certificates (`AWS_CA_BUNDLE`) instead of Amazon's five", bundle=SYSTEM_BUNDLE),
)
COLUMNS = (
    ("start_cpu", "cold start, CPU"),
    ("start_wall", "cold start, wall"),
    ("first_cpu", "first invocation, CPU"),
    ("both_cpu", "start and first, CPU"),
    ("first_small", "first at 128 MB, wall"),
    ("warm_cpu", "warm, CPU"),
    ("peak", "peak resident"),
    ("zipped", "zipped"),
)


def main() -> int:
    options = arguments()
    names = options.only or [variant.name for variant in VARIANTS]
    wanted = [variant for variant in VARIANTS if variant.name in names and not (options.without_builds and variant.is_built)]
    shipped = contenders.nightshift(options.functions, FUNCTION)
    results = read_results()
    # Before hours of builds it is known that the result has a place.
    write_table(options.document, table(results))
    for variant in wanted:
        other = contender(variant, shipped)
        if other is None:
            continue
        print(f"variants: measuring {variant.name}", flush=True)
        results[variant.name] = measured(other, shipped, options) | {"on": datetime.date.today().isoformat()}
        (PLACE / "results.json").write_text(json.dumps(results, indent=1))
        print(f"variants: {json.dumps(results[variant.name])}", flush=True)
    write_table(options.document, table(results))
    print(table(results))
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--functions", type=Path, default=ROOT / "target" / "release", help="the folder of the shipped binaries")
    parser.add_argument("--only", nargs="+", choices=[variant.name for variant in VARIANTS], help="these variants alone")
    parser.add_argument("--without-builds", action="store_true", help="only what needs no build")
    parser.add_argument("--runs", type=int, default=20, help="runs of each")
    parser.add_argument("--document", type=Path, default=ROOT / "docs" / "benchmarks.md", help="where the table is written")
    return parser.parse_args()


def read_results() -> dict:
    PLACE.mkdir(parents=True, exist_ok=True)
    file = PLACE / "results.json"
    return json.loads(file.read_text()) if file.exists() else {}


def contender(variant: Variant, shipped: contenders.Contender) -> contenders.Contender | None:
    """The variant, built if it has to be; none if that fails or its file is not there."""
    if not variant.is_built:
        if not variant.bundle.exists():
            print(f"variants: {variant.name} is left out: there is no {variant.bundle}", file=sys.stderr)
            return None
        return replace(shipped, title=variant.name, authorities=variant.bundle)
    binary = built(variant)
    return replace(shipped, title=variant.name, command=[str(binary)]) if binary else None


def built(variant: Variant) -> Path | None:
    """Builds a copy of the checkout as it is now, uncommitted changes included."""
    tree = PLACE / variant.name / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    if variant.patch:
        patched = subprocess.run(["patch", "-p1", "--input", str(HERE / "variants" / variant.patch)], cwd=tree, check=False)
        if patched.returncode:
            print(f"variants: {variant.name} is left out: its patch no longer fits", file=sys.stderr)
            return None
    print(f"variants: building {variant.name} (some minutes)", flush=True)
    environment = os.environ | variant.cargo | {"CARGO_TARGET_DIR": str(PLACE / "target")}
    command = ["cargo", "build", "--locked", "--release", "--quiet", "-p", f"nightshift-{FUNCTION}"]
    if variant.patch:
        # It may bring a crate that the lock file does not know.
        command.remove("--locked")
    if subprocess.run(command, cwd=tree, env=environment, check=False).returncode:
        print(f"variants: {variant.name} is left out: it does not build; the lines above say why", file=sys.stderr)
        return None
    binary = PLACE / variant.name / FUNCTION
    shutil.copy2(PLACE / "target" / "release" / FUNCTION, binary)
    shutil.rmtree(tree)
    return binary


def measured(other: contenders.Contender, shipped: contenders.Contender, options) -> dict[str, list[float]]:
    """By column: the shipped one's median, the variant's, and the median of the ratios of neighbouring runs."""
    folder = Path(tempfile.mkdtemp(prefix="nightshift-variants-"))
    try:
        with MiniStack(folder / "aws") as ministack:
            tls, authority = server_tls(folder)
            job = jobs.built(jobs.Tasks, ministack.port, 300_000_000_000, options.functions, folder / "world")
            # The variant stands where Python stands otherwise: a ratio above 1 is what it takes more.
            bench = measures.Bench(shipped, other, job, authority, folder)
            with Line(ministack.port, tls) as line:
                return figures(bench, line, options.runs)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def figures(bench: measures.Bench, line: Line, runs: int) -> dict[str, list[float]]:
    start_cpu, start_wall, _ = bench.cold_starts(line, runs)
    first, both = bench.first_invocations(line, runs)
    (warm,), peak = bench.warm_rounds(line, runs)
    zipped = measures.Pair(*([contenders.zipped_mb(contenders.binary_files(one))] for one in (bench.ours, bench.theirs)))
    found = {"start_cpu": start_cpu, "start_wall": start_wall, "first_cpu": first, "both_cpu": both, "warm_cpu": warm}
    found |= {"peak": peak, "zipped": zipped}
    try:
        with ProcessorShare() as share:
            found["first_small"] = bench.with_a_share(line, share, max(2, runs // 4))[0]
    except NoShares as reason:
        print(f"variants: no control group with a processor's share here ({reason})", file=sys.stderr)
    return {name: [pair.our_median, pair.their_median, pair.ratio] for name, pair in found.items()}


def table(results: dict) -> str:
    """Each variant beside what is shipped, in the run of its day."""
    lines = [("variant", *(title for _, title in COLUMNS), "measured on"), ("---", *["---:"] * len(COLUMNS), "---")]
    for variant in VARIANTS:
        if variant.name not in results:
            lines.append((variant.about, *["–"] * len(COLUMNS), "not measured"))
            continue
        own = results[variant.name]
        lines.append((variant.about, *(cell(own.get(name), name) for name, _ in COLUMNS), own["on"]))
    intro = (
        "The `scale` function, shipped → changed, and by how much (`make bench-variants`; both take turns; the ratio is the median "
        "of neighbouring runs').\n\n"
    )
    return intro + "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cell(found: list[float] | None, name: str) -> str:
    if not found:
        return "–"
    shipped, other, ratio = found
    unit = "MB" if name in ("peak", "zipped") else "ms"
    return f"{report.figure(shipped)} → {report.figure(other)} {unit} ({(ratio - 1) * 100:+.0f} %)"


def write_table(document: Path, text: str) -> None:
    """Between the markers, and nowhere else."""
    begin, end = report.VARIANTS
    page = document.read_text(encoding="utf-8") if document.exists() else ""
    if begin not in page or end not in page:
        raise SystemExit(f"variants: {document} has no place for the table; write it with: make bench")
    whole = f"{begin}\n{text}\n{end}"
    page = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: whole, page, flags=re.DOTALL)
    document.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
