"""What a function's binary is made of: its normal dependencies with their features and licences, from cargo's own resolution.

Asks cargo alone (`cargo tree`, `cargo metadata`), always with the lock file. Procedural macros and build scripts run while building
and are not in the binary; neither are development dependencies.
"""

import functools
import json
import re
import subprocess
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FUNCTIONS = ["scale", "deploy", "approve", "rotate"]
# Lambda's platform, whatever this machine is.
TARGET = "x86_64-unknown-linux-gnu"


@dataclass(frozen=True, order=True)
class Crate:
    """One crate at one version; `checksum` is the registry's, none for our own."""

    name: str
    version: str
    licence: str
    checksum: str | None
    features: tuple[str, ...]


@dataclass
class Contents:
    """Everything in one binary: the function's own crate, all crates, and who uses which (by name and version)."""

    function: str
    root: Crate
    crates: list[Crate] = field(default_factory=list)
    uses: dict[tuple[str, str], set[tuple[str, str]]] = field(default_factory=dict)


def contents(function: str) -> Contents:
    """What `cargo build -p nightshift-<function>` puts into its binary."""
    shape = ["--prefix", "depth", "--format", "\t{p}\t{f}", "--charset", "ascii"]
    listed = cargo("tree", "--package", f"nightshift-{function}", "--edges", "normal,no-proc-macro", "--target", TARGET, *shape)
    found: dict[tuple[str, str], Crate] = {}
    uses: dict[tuple[str, str], set[tuple[str, str]]] = {}
    above: list[tuple[str, str]] = []
    for line in listed.splitlines():
        depth, package, features = line.split("\t")
        name, version = package.split(" ")[:2]
        key = (name, version.removeprefix("v"))
        # A crate that was listed before carries a mark; its features and what it uses stand at the first place.
        if key not in found:
            found[key] = crate(key, tuple(sorted(filter(None, features.removesuffix(" (*)").split(",")))))
        del above[int(depth) :]
        if above:
            uses.setdefault(above[-1], set()).add(key)
        above.append(key)
    first = next(iter(found.values()))
    return Contents(function, first, sorted(found.values()), uses)


def crate(key: tuple[str, str], features: tuple[str, ...]) -> Crate:
    name, version = key
    return Crate(name, version, licences()[key], checksums().get(key), features)


@functools.cache
def licences() -> dict[tuple[str, str], str]:
    """Each crate's licence as an SPDX expression; the slash of old manifests means OR."""
    packages = json.loads(cargo("metadata", "--format-version", "1", "--filter-platform", TARGET))["packages"]
    return {(each["name"], each["version"]): re.sub(r"\s*/\s*", " OR ", each["license"] or "unknown") for each in packages}


@functools.cache
def checksums() -> dict[tuple[str, str], str]:
    """The registry's SHA-256 of each crate, as the lock file has it."""
    packages = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    return {(each["name"], each["version"]): each["checksum"] for each in packages if "checksum" in each}


@functools.cache
def compiler() -> str:
    """The version of Rust whose standard library is in every binary."""
    return tomllib.loads((ROOT / "rust-toolchain.toml").read_text())["toolchain"]["channel"]


def cargo(command: str, *arguments: str) -> str:
    done = subprocess.run(["cargo", command, "--locked", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"supply: cargo {command} failed:\n{done.stderr.strip()}")
    return done.stdout


def named_in(binary: Path) -> set[tuple[str, str]]:
    """The crates whose source files a binary names (for messages of panics): proof from the other end, though never all of them."""
    paths = re.findall(rb"/registry/src/[^/\0]+/([A-Za-z0-9_-]+)-(\d+\.\d+\.\d+[A-Za-z0-9.+-]*)/", binary.read_bytes())
    return {(name.decode(), version.decode()) for name, version in paths}
