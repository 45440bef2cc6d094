"""The two functions that are measured: the release binary, and the Python handler in an environment of its own.

Owns how each is started and how large each is. The Python one gets what Lambda gives it: its own runtime client, nothing
else installed, everything compiled beforehand.
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

from endpoint import CREDENTIALS
from estate import FUNCTION_ARN, GROUP, ROLE_ARN, TABLE, TOPIC_ARN

HERE = Path(__file__).parent


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

    def environment(self, endpoint_url: str, ca_bundle: Path | None) -> dict[str, str]:
        """What Lambda's sandbox has in its environment, the endpoint, and the function's own variables."""
        environment = CREDENTIALS | {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "AWS_LAMBDA_FUNCTION_NAME": FUNCTION_ARN.rpartition(":")[2],
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/nightshift-scale",
            "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": endpoint_url,
            "NIGHTSHIFT_MODE": "act",
            "NIGHTSHIFT_TABLE": TABLE,
            "NIGHTSHIFT_TOPIC_ARN": TOPIC_ARN,
            "NIGHTSHIFT_SCHEDULE_GROUP": GROUP,
            "NIGHTSHIFT_SCHEDULE_ROLE_ARN": ROLE_ARN,
        }
        if ca_bundle:
            environment["AWS_CA_BUNDLE"] = str(ca_bundle)
        return environment | self.variables


def nightshift(binary: Path) -> Contender:
    """The release binary, with the benchmark's fleet file."""
    if not os.access(binary, os.X_OK):
        raise SystemExit(f"bench: no executable {binary}; run: cargo build --release -p nightshift-scale")
    roots = HERE.parent.parent / "shared" / "aws" / "src" / "amazon_roots.pem"
    return Contender("Nightshift", [str(binary.resolve())], {"NIGHTSHIFT_FLEET": str(HERE / "fleet")}, roots)


def python(folder: Path) -> Contender:
    """The Python handler, installed in a virtual environment under `folder` that is kept for the next time."""
    interpreter = _python_environment(folder)
    task_root = folder / "task"
    shutil.rmtree(task_root, ignore_errors=True)
    task_root.mkdir(parents=True)
    shutil.copy(HERE / "python_handler.py", task_root)
    compileall.compile_dir(task_root, quiet=1)
    policy = {
        "cluster": "bench",
        "service": "bench-api",
        "grow_alarm": "nightshift-bench-api-cpu-high",
        "shrink_alarm": "nightshift-bench-api-cpu-low",
        "grow_above": 70,
        "shrink_below": 30,
        "grow_by": 1,
        "shrink_by": 1,
        "min": 2,
        "max": 10,
        "cooldown_s": 120,
    }
    variables = {
        "LAMBDA_TASK_ROOT": str(task_root),
        "_HANDLER": "python_handler.handler",
        "PYTHONPATH": str(task_root),
        "POLICY": json.dumps(policy),
    }
    title = f"Python {sys.version_info.major}.{sys.version_info.minor} + boto3"
    command = [str(interpreter), "-m", "awslambdaric", "python_handler.handler"]
    return Contender(title, command, variables, site_packages(interpreter) / "botocore" / "cacert.pem")


def site_packages(interpreter: Path) -> Path:
    return next(interpreter.parent.parent.glob("lib/python3*/site-packages"))


def _python_environment(folder: Path) -> Path:
    requirements = (HERE / "requirements.txt").read_bytes()
    mark = hashlib.sha256(requirements + sys.version.encode() + str(folder).encode()).hexdigest()
    stamp, interpreter = folder / "installed", folder / "venv" / "bin" / "python"
    if stamp.exists() and stamp.read_text() == mark:
        return interpreter
    print("bench: installing the Python baseline (boto3 and Lambda's runtime client, once)", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder / "venv", with_pip=True)
    command = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    installed = subprocess.run([*command, "--requirement", str(HERE / "requirements.txt")], check=False)
    if installed.returncode:
        raise SystemExit("bench: pip could not install tests/bench/requirements.txt; the lines above say why")
    # Lambda's environment has none of this; what is not there cannot cost the baseline anything.
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


def python_files(contender: Contender) -> dict[str, bytes]:
    """What a zip of the handler holds that brings its SDK with it, without compiled files and installation records."""
    site = site_packages(Path(contender.command[0]))
    left_out = ("pip", "setuptools", "_distutils_hack", "awslambdaric", "runtime_client", "snapshot_restore_py", "simplejson")
    files = {"python_handler.py": (HERE / "python_handler.py").read_bytes()}
    for path in site.rglob("*"):
        relative = path.relative_to(site)
        is_record = any(part == "__pycache__" or part.endswith(".dist-info") for part in relative.parts)
        if path.is_file() and not is_record and not relative.parts[0].startswith(left_out):
            files[str(relative)] = path.read_bytes()
    return files
