"""Invokes every function with every sample event of events/ through `sam local invoke`, against a local AWS, and prints what came of it.

Run from the checkout, with the tools of `make setup`: .venv/bin/python tests/local/run.py
Writes target/proof/sam-local.json. Exits with 1 if a function crashed, ran out of time or failed without a reason that
tests/local/expectations.py knows, and with 3 where there is no Docker engine.
"""

import argparse
import datetime
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import expectations  # noqa: E402
from engine import Engine, NoEngine  # noqa: E402
from estate import Estate, NotDeployed  # noqa: E402
from invocations import Job, Row, run_all  # noqa: E402

FUNCTIONS = {"scale": "ScaleFunction", "deploy": "DeployFunction", "approve": "ApproveFunction", "rotate": "RotateFunction"}
FOLDER = ROOT / "target" / "sam-local"
IMAGE = "nightshift-sam-local:stand-in"
SAM = Path(sys.executable).parent / "sam"


def main() -> int:
    options = arguments()
    # Whoever ends this run ends the engine and the local AWS that it started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    try:
        with Engine() as engine:
            say(f"Docker: {engine.told}")
            rows, deployed_s = measured(engine, options)
    except NoEngine as missing:
        print(f"sam-local: {missing}", file=sys.stderr)
        return 3
    except NotDeployed as problem:
        print(f"sam-local: {problem}", file=sys.stderr)
        return 2
    took = time.monotonic() - began
    write(rows, options, engine.told, took)
    problems = expectations.unexplained(rows)
    if options.only:
        problems = [problem for problem in problems if not problem.startswith("no event led")]
    print(table(rows))
    say(f"{len(rows)} invocations in {took:.0f} s, {deployed_s:.0f} s of them until everything was deployed")
    for problem in problems:
        print(f"sam-local: {problem}", file=sys.stderr)
    return 1 if problems else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--functions", type=Path, help="a folder with the built functions and the command line; without it they are built as for AWS"
    )
    parser.add_argument("--only", default="", help="only events whose file name has this in it")
    parser.add_argument("--at-once", type=int, default=os.cpu_count(), help="how many functions are invoked side by side")
    return parser.parse_args()


def measured(engine: Engine, options: argparse.Namespace) -> tuple[list[Row], float]:
    began = time.monotonic()
    shutil.rmtree(FOLDER / "run", ignore_errors=True)
    (FOLDER / "run").mkdir(parents=True)
    functions = options.functions.resolve() if options.functions else built()
    template = assembled(functions)
    with Estate(engine.bridge_address()) as estate:
        image(engine, estate.endpoint)
        say(f"a local AWS at {estate.endpoint}; deploying five systems and Nightshift there")
        estate.deploy_systems()
        environments = estate.deploy_nightshift(template, estate.environment | engine.environment_only())
        say(f"{estate.make_busy(functions / 'nightshift')} alarms stand")
        estate.begin_sample_rotation()
        jobs = samples(estate.at_home(), options.only)
        deployed_s = time.monotonic() - began
        say(f"{len(jobs)} times sam local invoke ({len(FUNCTIONS)} functions, {len(jobs) // len(FUNCTIONS)} events)")
        os.environ.update(estate.environment | engine.environment_only())
        rows = run_all(jobs, sam_arguments(template, environments), FOLDER / "run", options.at_once, progress())
    return rows, deployed_s


def built() -> Path:
    """A folder with the functions as for AWS, and the command line. The base image has this machine's C library, as they need it."""
    say("building the functions and the command line (some minutes the first time)")
    packages = [f"--package=nightshift-{name}" for name in [*FUNCTIONS, "cli"]]
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--bins", *packages]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise NotDeployed(f"{' '.join(command)} failed; the lines above say why")
    return ROOT / "target" / "release"


def assembled(functions: Path) -> Path:
    """A checkout in small, as `sam build` would make it: the template as it is, the functions and the layer where it says they are."""
    checkout = FOLDER / "assembled"
    shutil.rmtree(checkout, ignore_errors=True)
    for name in FUNCTIONS:
        code = checkout / "functions" / name
        code.mkdir(parents=True)
        shutil.copy(functions / name, code / "bootstrap")
        # What a debug build carries besides would be packed and unpacked again and again.
        subprocess.run(["strip", str(code / "bootstrap")], check=False)
    for fleet in (ROOT / "systems").glob("*/fleet.yaml"):
        target = checkout / "systems" / "fleet" / fleet.parent.name
        target.mkdir(parents=True)
        shutil.copy(fleet, target)
    shutil.copy(ROOT / "template.yaml", checkout)
    return checkout / "template.yaml"


def image(engine: Engine, endpoint: str) -> None:
    """The stand-in for Lambda's base image. sam hands on only variables that the template has: the endpoint is in the image instead."""
    command = [str(ROOT / "tests/tools/base-image.sh"), f"--tag={IMAGE}", endpoint]
    done = subprocess.run(command, env=engine.environment(), capture_output=True, text=True)
    if done.returncode:
        raise NotDeployed(done.stderr.strip())


def samples(at_home: dict[str, str], only: str) -> list[Job]:
    """Every function with every sample. A sample is unchanged but for its account, and the six characters at the end of a secret's ARN."""
    names = sorted(str(path.relative_to(ROOT / "events")) for path in (ROOT / "events").rglob("*.json"))
    for name in names:
        text = (ROOT / "events" / name).read_text()
        for theirs, here in at_home.items():
            text = text.replace(theirs, here)
        path = FOLDER / "run" / "events" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    chosen = [name for name in names if only in name]
    return [Job(function, name, FOLDER / "run" / "events" / name) for function in FUNCTIONS.values() for name in chosen]


def sam_arguments(template: Path, environments: dict[str, dict[str, str]]) -> list[str]:
    """What each `sam local invoke` is given: the environment as deployed, but for the fleet files, which the layer brings."""
    variables = FOLDER / "run" / "environment.json"
    variables.write_text(json.dumps({name: values | {"NIGHTSHIFT_FLEET": "/opt/fleet"} for name, values in environments.items()}, indent=2))
    architecture = "arm64" if platform.machine() == "aarch64" else "x86_64"
    layers = FOLDER / "layers"
    layers.mkdir(exist_ok=True)
    return [
        *("--template", str(template), "--env-vars", str(variables), "--invoke-image", IMAGE, "--skip-pull-image"),
        *("--parameter-overrides", f"Architecture={architecture}", "--layer-cache-basedir", str(layers), "--region", "us-east-1"),
    ]


def progress():
    """Says now and then how far it is."""
    seen = []

    def told(row: Row) -> None:
        seen.append(row)
        if len(seen) % 20 == 0:
            say(f"{len(seen)} done, the last: {row.function} {row.event}: {row.outcome} {row.reason} ({row.seconds} s)")

    return told


def table(rows: list[Row]) -> str:
    """A line for each row."""
    lines = [("function", "event", "outcome", "reason", "ms", "expected because")]
    for row in rows:
        milliseconds = "" if row.milliseconds is None else f"{row.milliseconds:.0f}"
        lines.append(
            (row.function.removesuffix("Function").lower(), row.event, row.outcome, row.reason, milliseconds, expectations.because(row))
        )
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    return "\n".join("  ".join([*(cell.ljust(width) for cell, width in zip(line, widths)), line[5]]).rstrip() for line in lines)


def write(rows: list[Row], options: argparse.Namespace, engine: str, took: float) -> None:
    """target/proof/sam-local.json."""
    proof = ROOT / "target" / "proof"
    proof.mkdir(parents=True, exist_ok=True)
    functions = f" --functions {os.path.relpath(options.functions, ROOT)}" if options.functions else ""
    document = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "command": f".venv/bin/python tests/local/run.py{functions}{f' --only {options.only}' if options.only else ''}",
        "engine": engine,
        "seconds": round(took),
        "rows": [
            {
                "function": row.function.removesuffix("Function").lower(),
                "event": row.event,
                "outcome": row.outcome,
                "reason": row.reason,
                "milliseconds": row.milliseconds,
                "sam_seconds": row.seconds,
                "expected_because": expectations.because(row),
            }
            for row in rows
        ],
    }
    (proof / "sam-local.json").write_text(json.dumps(document, indent=2) + "\n")


def say(text: str) -> None:
    print(f"sam-local: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
