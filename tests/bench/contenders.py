"""The functions that are measured: release binaries, and Python handlers in an environment of their own.

Owns how each is started and how large each is. The Python ones get what Lambda gives them: its own runtime client, nothing else
installed, everything compiled beforehand.
"""

import compileall
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

from harness.ministack import ROOT
from worlds.common import CLUSTER

HERE = Path(__file__).parent
HANDLERS = HERE / "handlers"
PYTHON = f"Python {sys.version_info.major}.{sys.version_info.minor} + boto3"
# What each handler is told that our function reads in the fleet file.
POLICIES = {
    "scale": {
        "cluster": CLUSTER,
        "service": "proof-api",
        "grow_alarm": "nightshift-proof-api-cpu-high",
        "shrink_alarm": "nightshift-proof-api-cpu-low",
        "grow_above": 70,
        "shrink_below": 30,
        "grow_by": 1,
        "shrink_by": 1,
        "min": 2,
        "max": 10,
        "cooldown_s": 120,
    },
    "deploy": {
        "system": "proof",
        "service": "shop",
        "cluster": CLUSTER,
        "ecs_service": "proof-shop",
        "repository": "proof/shop",
    },
    "approve": {},
    "rotate": {"system": "proof", "secret": "proof/signing"},
}


@dataclass(frozen=True)
class Contender:
    """A function that can be started."""

    title: str
    command: list[str]
    variables: dict[str, str]
    # The authorities that the function trusts on AWS, as PEM.
    authorities: Path

    def bundle(self, authority: Path, folder: Path) -> Path:
        """A file with the function's own authorities and one more, to be named by AWS_CA_BUNDLE."""
        file = folder / f"{self.authorities.stem}-and-ours.pem"
        file.write_bytes(self.authorities.read_bytes() + b"\n" + authority.read_bytes())
        return file


def nightshift(binaries: Path, function: str) -> Contender:
    """The release binary."""
    binary = binaries / function
    if not os.access(binary, os.X_OK):
        raise SystemExit(f"bench: no executable {binary}; run: cargo build --release -p nightshift-{function}")
    roots = ROOT / "shared" / "aws" / "src" / "amazon_roots.pem"
    return Contender("Nightshift", [str(binary.resolve())], {}, roots)


def python(function: str, folder: Path) -> Contender:
    """The Python handler, installed in a virtual environment under `folder` that is kept for the next time."""
    interpreter = environment_of(folder, HANDLERS / "requirements.txt", "the Python baseline (boto3 and Lambda's runtime client)")
    task_root = folder / "task"
    task_root.mkdir(exist_ok=True)
    shutil.copy(HANDLERS / f"{function}.py", task_root)
    compileall.compile_dir(task_root, quiet=1)
    variables = {
        "LAMBDA_TASK_ROOT": str(task_root),
        "_HANDLER": f"{function}.handler",
        "PYTHONPATH": str(task_root),
        "POLICY": json.dumps(POLICIES[function]),
    }
    command = [str(interpreter), "-m", "awslambdaric", f"{function}.handler"]
    return Contender(PYTHON, command, variables, site_packages(interpreter) / "botocore" / "cacert.pem")


def site_packages(interpreter: Path) -> Path:
    return next(interpreter.parent.parent.glob("lib/python3*/site-packages"))


def environment_of(folder: Path, requirements: Path, what: str) -> Path:
    """The interpreter of a virtual environment with these packages and nothing else; made anew if the list has changed."""
    mark = hashlib.sha256(requirements.read_bytes() + sys.version.encode() + str(folder).encode()).hexdigest()
    stamp, interpreter = folder / "installed", folder / "venv" / "bin" / "python"
    if stamp.exists() and stamp.read_text() == mark:
        return interpreter
    print(f"bench: installing {what}, once", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder / "venv", with_pip=True)
    command = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*command, "--requirement", str(requirements)], check=False).returncode:
        raise SystemExit(f"bench: pip could not install {requirements.relative_to(ROOT)}; the lines above say why")
    # Nobody asked for it; what is not there cannot cost the baseline anything.
    subprocess.run([str(interpreter), "-m", "pip", "uninstall", "--quiet", "--yes", "setuptools"], check=False)
    stamp.write_text(mark)
    return interpreter


def zipped_mb(files: dict[str, bytes]) -> float:
    """The size of a zip of these files at the highest compression, in MB of 1,000,000 bytes."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for name, content in files.items():
            out.writestr(name, content)
    return len(archive.getvalue()) / 1e6


def binary_files(contender: Contender) -> dict[str, bytes]:
    """What a zip of the binary holds."""
    return {"bootstrap": Path(contender.command[0]).read_bytes()}


def python_files(contender: Contender, function: str) -> dict[str, bytes]:
    """What a zip of the handler holds that brings its SDK with it, without compiled files and installation records."""
    site = site_packages(Path(contender.command[0]))
    left_out = ("pip", "setuptools", "_distutils_hack", "awslambdaric", "runtime_client", "snapshot_restore_py", "simplejson")
    files = {f"{function}.py": (HANDLERS / f"{function}.py").read_bytes()}
    for path in site.rglob("*"):
        relative = path.relative_to(site)
        is_record = any(part == "__pycache__" or part.endswith(".dist-info") for part in relative.parts)
        if path.is_file() and not is_record and not relative.parts[0].startswith(left_out):
            files[str(relative)] = path.read_bytes()
    return files
