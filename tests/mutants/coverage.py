"""Line coverage of shared/core by tests: builds them instrumented, runs them, writes target/proof/coverage.json.

By the core's own tests, or with --functions by the in-memory tests of the functions too (for information; the promise is about the
core's own). The figures are llvm-cov's.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
WORK = ROOT / "target" / "coverage"
PROOF = ROOT / "target" / "proof" / "coverage.json"
CORE = ROOT / "shared" / "core" / "src"
OWN = ["--package", "nightshift-core"]
# In memory: what starts servers or a local AWS has tests of its own, and says little of the core.
FUNCTIONS = [*OWN, *(part for name in ("scale", "deploy", "approve", "rotate") for part in ("--package", f"nightshift-{name}"))]
SKIPPED = ("real::", "crash::", "canary::")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--functions", action="store_true", help="with the functions' in-memory tests too")
    parser.add_argument("--at-least", type=float, metavar="PERCENT", help="fail when a smaller share of the lines is run")
    parser.add_argument("--missing", action="store_true", help="list the lines that no test runs")
    arguments = parser.parse_args()
    llvm = Path(subprocess.run([HERE / "llvm.sh"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip())
    binaries = build(FUNCTIONS if arguments.functions else OWN)
    profile = run(binaries, llvm)
    export = [llvm / "llvm-cov", "export", "--instr-profile", profile, *objects(binaries), *sorted(CORE.rglob("*.rs"))]
    found = json.loads(subprocess.run(export, check=True, stdout=subprocess.PIPE).stdout)["data"][0]
    files = [
        {"path": str(Path(file["filename"]).relative_to(ROOT)), "lines": file["summary"]["lines"]["count"],
         "covered": file["summary"]["lines"]["covered"]}
        for file in found["files"]
    ]
    if arguments.missing:
        show = [llvm / "llvm-cov", "show", "--instr-profile", profile, *objects(binaries), *sorted(CORE.rglob("*.rs"))]
        list_missing(subprocess.run(show, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return report(files, arguments)


def build(packages: list[str]) -> list[tuple[Path, Path]]:
    """The instrumented test binaries, each with the folder that its tests expect to be in."""
    command = ["cargo", "test", "--locked", *packages, "--lib", "--tests", "--no-run", "--message-format", "json"]
    # Cargo keeps what a workspace wrapper makes apart from the rest, in the same folder.
    environment = os.environ | {"RUSTC_WORKSPACE_WRAPPER": str(HERE / "instrument.sh"), "CARGO_INCREMENTAL": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [
        (Path(message["executable"]), Path(message["manifest_path"]).parent)
        for message in messages
        if message.get("executable") and message["profile"]["test"]
    ]


def run(binaries: list[tuple[Path, Path]], llvm: Path) -> Path:
    WORK.mkdir(parents=True, exist_ok=True)
    for old in WORK.glob("*.profraw"):
        old.unlink()
    for binary, folder in binaries:
        environment = os.environ | {"LLVM_PROFILE_FILE": str(WORK / "%m-%p.profraw"), "INSTA_UPDATE": "no"}
        skips = [part for name in SKIPPED for part in ("--skip", name)]
        subprocess.run([binary, "--quiet", *skips], cwd=folder, env=environment, check=True)
    profile = WORK / "core.profdata"
    subprocess.run([llvm / "llvm-profdata", "merge", "--sparse", *WORK.glob("*.profraw"), "--output", profile], check=True)
    return profile


def objects(binaries: list[tuple[Path, Path]]) -> list[str]:
    first, *others = [str(binary) for binary, _ in binaries]
    return [first, *(f"--object={other}" for other in others)]


def list_missing(shown: str) -> None:
    """llvm-cov writes `  12|    0|source`: the lines that were counted and never run."""
    name = ""
    for line in shown.splitlines():
        if line.startswith("/") and line.endswith(":"):
            name = str(Path(line[:-1]).relative_to(ROOT))
        number, _, rest = line.partition("|")
        count, _, source = rest.partition("|")
        if number.strip().isdigit() and count.strip() == "0":
            print(f"{name}:{number.strip()}: {source}")


def report(files: list[dict], arguments: argparse.Namespace) -> int:
    lines, covered = sum(file["lines"] for file in files), sum(file["covered"] for file in files)
    percent = 100 * covered / lines
    name = "coverage-with-functions.json" if arguments.functions else PROOF.name
    PROOF.parent.mkdir(parents=True, exist_ok=True)
    PROOF.with_name(name).write_text(json.dumps({
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "command": " ".join(["tests/mutants/coverage.py", *sys.argv[1:]]),
        "lines": lines, "covered": covered, "percent": round(percent, 2), "files": files,
    }, indent=2) + "\n")
    for file in sorted(files, key=lambda file: file["covered"] - file["lines"])[:15]:
        print(f"coverage: {file['lines'] - file['covered']:4} of {file['lines']:4} lines not run in {file['path']}")
    print(f"coverage: {covered} of {lines} lines of shared/core, {percent:.2f} %")
    return 1 if arguments.at_least is not None and percent < arguments.at_least else 0


if __name__ == "__main__":
    sys.exit(main())
