"""Fuzzes every parser with libFuzzer and writes what came of it to target/proof/fuzz.json.

    tests/fuzz/run.py                      a minute for all targets together
    tests/fuzz/run.py --long 10000000      at least so many executions for all targets together
    tests/fuzz/run.py --target fleet       one target alone; may be given several times

It builds tests/fuzz once more, with coverage counters and optimised, below target/fuzz; nothing else is rebuilt. Only the Rust
toolchain and a C++ compiler are needed. A finding ends its target: the input is put into tests/fuzz/corpus/<target>/, where
`cargo test -p nightshift-fuzz` runs it from then on, and the command fails.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/fuzz"
BUILD = ROOT / "target/fuzz"
RESULT = ROOT / "target/proof/fuzz.json"
# What is run in every execution is optimised; the rest (the SDK, the functions) is built as fast as can be.
OPTIMISED = {"jiff": 2, "nightshift-core": 2, "nightshift-fuzz": 1, "postgres-protocol": 2, "roxmltree": 2, "saphyr-parser": 2,
             "serde_json": 2}
# Executions are shared out by how fast a target is: those with sockets, whole functions or the SDK get few of them.
SHARES = {"event": 2, "handlers": 0.2, "page": 0.8, "fleet": 0.7, "words": 2, "calendar": 0.7, "rotation_cron": 18, "tags": 18, "link": 18,
          "signed_link": 14, "secret": 12, "ledger": 12, "blueprint": 1, "uploads": 0.6, "aws": 0.3, "redis": 0.2, "postgresql": 0.2}
SHORT_SECONDS = 60
# A parser that takes longer than this for 16 KB has gone astray.
TIMEOUT_SECONDS = 10
LONGEST = 16 * 1024


def build():
    """The fuzzing binary; its path."""
    settings = [f'profile.dev.package."{name}".opt-level={level}' for name, level in OPTIMISED.items()]
    command = ["cargo", "build", "--locked", "-p", "nightshift-fuzz", "--features", "libfuzzer", "--bin", "fuzz",
               "--target-dir", str(BUILD)]
    for setting in settings:
        command += ["--config", setting]
    # Coverage counters for our own crates only: libFuzzer looks through every counter after every execution. Parsers of others
    # that are generic (serde_json, saphyr-parser) are compiled into ours, and counted there.
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "RUSTC_WORKSPACE_WRAPPER": str(HERE / "covered-rustc.sh")})
    return BUILD / "debug/fuzz"


def fuzz(binary, name, limit):
    """Runs one target; its line of the result."""
    corpus, findings = BUILD / "corpus" / name, BUILD / "findings" / name
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    kept = HERE / "corpus" / name
    command = [str(binary), *limit, f"-max_len={LONGEST}", f"-timeout={TIMEOUT_SECONDS}", "-rss_limit_mb=1024", "-print_final_stats=1",
               "-seed=1", "-use_value_profile=0", "-verbosity=1", f"-artifact_prefix={findings}/", str(corpus)]
    if kept.is_dir():
        command.append(str(kept))
    environment = {**os.environ, "NIGHTSHIFT_FUZZ_TARGET": name, "NIGHTSHIFT_FUZZ_SEEDS": str(corpus)}
    before = set(findings.iterdir())
    began = time.monotonic()
    # The functions write their log to standard output, libFuzzer to standard error.
    ended = subprocess.run(command, cwd=BUILD, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    seconds = time.monotonic() - began
    told = ended.stderr.decode(errors="replace")
    executions = re.findall(r"stat::number_of_executed_units:\s*(\d+)", told) or re.findall(r"^#(\d+)\s", told, re.M) or ["0"]
    coverage = re.findall(r"cov: (\d+)", told) or ["0"]
    new = sorted(set(findings.iterdir()) - before)
    if ended.returncode < 0 and not new:
        # libFuzzer ends itself where it finds something, and writes that down.
        sys.exit(f"fuzz: {name} was ended from outside by signal {-ended.returncode}; run it again")
    for path in new:
        kept.mkdir(parents=True, exist_ok=True)
        content = path.read_bytes()
        (kept / f"{path.name.split('-')[0]}-{hashlib.sha256(content).hexdigest()[:12]}").write_bytes(content)
    if ended.returncode != 0:
        sys.stderr.write(told[-6000:] + "\n")
    return {"name": name, "executions": int(executions[-1]), "seconds": round(seconds, 1), "corpus": sum(1 for _ in corpus.iterdir()),
            "coverage": int(coverage[-1]), "findings": len(new) if new else int(ended.returncode != 0)}


def names():
    """The targets, as src/targets/mod.rs has them."""
    text = (HERE / "src/targets/mod.rs").read_text()
    found = re.findall(r'Target \{ name: "(\w+)"', text)
    missing = set(found) ^ set(SHARES)
    if missing:
        sys.exit(f"fuzz: tests/fuzz/run.py and src/targets/mod.rs do not have the same targets: {sorted(missing)}")
    return found


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    how_long = parser.add_mutually_exclusive_group()
    how_long.add_argument("--short", action="store_true", help=f"{SHORT_SECONDS} s for all targets together (the default)")
    how_long.add_argument("--long", type=int, metavar="N", help="at least N executions for all targets together")
    parser.add_argument("--target", action="append", metavar="NAME", help="only this target")
    parser.add_argument("--build-only", action="store_true", help="build, and run nothing")
    return parser.parse_args()


def write(results, command):
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    RESULT.write_text(json.dumps({"date": date, "command": command, "targets": results}, indent=2) + "\n")


def main():
    wanted = arguments()
    chosen = [name for name in names() if not wanted.target or name in wanted.target]
    if unknown := set(wanted.target or []) - set(chosen):
        sys.exit(f"fuzz: there is no target {', '.join(sorted(unknown))}")
    binary = build()
    if wanted.build_only:
        return
    command = " ".join(["tests/fuzz/run.py", *sys.argv[1:]])
    shares = sum(SHARES[name] for name in chosen)
    results = []
    line = "{:<14} {:>12} {:>9} {:>10} {:>8} {:>9} {:>9}"
    print(line.format("target", "executions", "seconds", "per second", "corpus", "coverage", "findings"))
    for name in chosen:
        share = SHARES[name] / shares
        seconds = max(1, round(SHORT_SECONDS / len(chosen)))
        limit = [f"-runs={int(wanted.long * share) + 1}"] if wanted.long else [f"-max_total_time={seconds}"]
        result = fuzz(binary, name, limit)
        results.append(result)
        write(results, command)
        speed = round(result["executions"] / max(result["seconds"], 0.1))
        print(line.format(name, result["executions"], result["seconds"], speed, result["corpus"], result["coverage"], result["findings"]),
              flush=True)
    total = sum(result["executions"] for result in results)
    found = sum(result["findings"] for result in results)
    print(line.format("all", total, round(sum(result["seconds"] for result in results), 1), "", "", "", found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
