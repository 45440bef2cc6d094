"""Runs the planted mutants: each against the tests that reach it, quickest first, until one of them fails.

Owns the verdicts. A mutant counts as caught only where a test failed, or did not end, with it on and with nothing else changed;
every test passes with none on, or nothing is hunted at all.
"""

import os
import resource
import selectors
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

# Beside what a test needs without a mutant: for those that loop for ever. CPU time, since other work may share the machine.
LEAST_CPU_SECONDS = 3
TIMES_SLOWER = 10
MOST_MEMORY = 4 << 30
# The quick tests of a mutant run in one process, slow ones one after another.
QUICK_SECONDS = 0.05
BATCH = 40
# Before all others, one by one: most mutants are caught by one of the tests that caught the one beside it.
LIKELY = 3
# How a process ends that came to a deleted arm which no other arm covers (plant.py).
NOT_COVERED = 99
# Properties are tried with the same cases each time, and not made smaller when they fail.
ENVIRONMENT = {
    "PROPTEST_RNG_SEED": "11",
    "PROPTEST_CASES": "48",
    "PROPTEST_MAX_SHRINK_ITERS": "0",
    "PROPTEST_DISABLE_FAILURE_PERSISTENCE": "true",
    "INSTA_UPDATE": "no",
    "INSTA_OUTPUT": "none",
    "RUST_TEST_THREADS": "1",
    "RUST_BACKTRACE": "0",
}


@dataclass
class Test:
    """A test, what it costs and which mutants it reaches."""

    binary: Path
    name: str
    seconds: float = 0.0
    reaches: set[int] = field(default_factory=set)
    # Some tests provoke a panic and pass: there a panic is no verdict before the end.
    panics: bool = False


@dataclass
class Result:
    """What came of a mutant."""

    verdict: str
    by: str = ""
    seconds: float = 0.0


class Hunt:
    """The built binaries and what is known of their tests."""

    def __init__(self, binaries: list[Path], folder: Path, scratch: Path):
        self.binaries, self.folder, self.scratch = binaries, folder, scratch
        # Else every process asks cargo where the snapshots are.
        self.environment = os.environ | ENVIRONMENT | {"INSTA_WORKSPACE_ROOT": str(folder.parents[1])}
        self.tests: list[Test] = []
        # Tests that caught something of a file are tried first on what comes next of it.
        self.catches: Counter[tuple[str, str]] = Counter()

    def survey(self) -> None:
        """Runs every test alone, with no mutant on, and notes what it reaches. A failing test ends it all."""
        for binary in self.binaries:
            listing = subprocess.run([binary, "--list", "--format", "terse"], cwd=self.folder, capture_output=True, text=True, check=True)
            names = [line.removesuffix(": test") for line in listing.stdout.splitlines() if line.endswith(": test")]
            for name in names:
                self.tests.append(self.survey_one(Test(binary, name)))

    def survey_one(self, test: Test) -> Test:
        reached = self.scratch / "reached"
        reached.unlink(missing_ok=True)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [test.binary, "--exact", test.name, "--nocapture"],
            cwd=self.folder,
            env=self.environment | {"MUTANTS_REACHED": str(reached)},
            capture_output=True,
            text=True,
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            raise SystemExit(f"mutants: {test.name} fails with no mutant on:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        test.seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        test.panics = "panicked at" in done.stderr
        test.reaches = {int(line) for line in reached.read_text().split()} if reached.exists() else set()
        return test

    def hunt(self, number: int, file: str) -> Result:
        """One mutant of a file."""
        began = time.monotonic()
        reaching = [test for test in self.tests if number in test.reaches]
        if not reaching:
            return Result("missed", "no test reaches it")
        for batch in self.batches(reaching, file):
            verdict, by = self.run(number, batch)
            if verdict == "unviable":
                return Result(verdict, by, time.monotonic() - began)
            if verdict != "missed":
                self.catches[file, by] += 1
                return Result(verdict, by, time.monotonic() - began)
        return Result("missed", f"{len(reaching)} tests reach it", time.monotonic() - began)

    def batches(self, tests: list[Test], file: str) -> list[list[Test]]:
        """The likeliest first: what caught something of this file before, then what reaches little else. Slow ones go alone."""
        likely = sorted(tests, key=lambda test: (-self.catches[file, test.name], len(test.reaches)))
        first, rest = likely[:LIKELY], likely[LIKELY:]
        out = [[test] for test in first]
        for binary in self.binaries:
            quick = [test for test in rest if test.binary == binary and test.seconds < QUICK_SECONDS]
            out += [quick[at : at + BATCH] for at in range(0, len(quick), BATCH)]
        slow = sorted((test for test in rest if test.seconds >= QUICK_SECONDS), key=lambda test: test.seconds)
        return out + [[test] for test in slow]

    def run(self, number: int, batch: list[Test]) -> tuple[str, str]:
        """Whether one of them fails with the mutant on; ends at the first panic, before a test makes its case smaller."""
        cpu = int(LEAST_CPU_SECONDS + TIMES_SLOWER * sum(test.seconds for test in batch))

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
            resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        process = subprocess.Popen(
            [batch[0].binary, "--exact", *(test.name for test in batch), "--nocapture"],
            cwd=self.folder,
            env=self.environment | {"MUTANT": str(number)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=limit,
        )
        may_panic = any(test.panics for test in batch)
        try:
            by = self.watch(process, may_panic, cpu)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        if by is not None:
            return ("caught", by or batch[0].name)
        code = process.returncode
        if code == 0:
            return ("missed", "")
        if code == NOT_COVERED:
            return ("unviable", "E0004: a match is not exhaustive without the arm")
        is_out_of_time = code in (-24, -9)
        return ("timeout" if is_out_of_time else "caught", batch[0].name)

    @staticmethod
    def watch(process: subprocess.Popen, may_panic: bool, cpu: int) -> str | None:
        """The test that panicked, as soon as one does; none if the process ended or had to be ended."""
        deadline = time.monotonic() + 60 + 20 * cpu
        current, rest = "", b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while time.monotonic() < deadline:
                if not selector.select(1.0):
                    continue
                chunk = os.read(process.stdout.fileno(), 65536)
                if not chunk:
                    process.wait()
                    return None
                *lines, rest = (rest + chunk).split(b"\n")
                for line in [*lines, rest]:
                    if line.startswith(b"test ") and b" ... " in line:
                        current = line[5:].split(b" ... ")[0].decode(errors="replace")
                    if b"panicked at" in line and not may_panic:
                        return current
        return None
