"""The templates under checkov: every finding is mended, or excepted with a reason in exceptions.yaml.

Looks at nothing else and fetches nothing (checkov's own policies come with it). A template that cannot be read is a failure.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

from contents import ROOT

EXCEPTIONS = Path(__file__).resolve().parent / "exceptions.yaml"
FOLDER = ROOT / "target" / "supply"


@dataclass(frozen=True, order=True)
class Finding:
    """What checkov would have otherwise; `where` is "<template> <resource>"."""

    check: str
    where: str
    words: str


def problems(root: Path = ROOT) -> tuple[list[str], str]:
    """What makes the run fail, a line each, and a sentence about the rest."""
    findings, passed = found(root)
    exceptions = [
        (each["check"], pattern, each["because"]) for each in yaml.safe_load(EXCEPTIONS.read_text()) for pattern in each["findings"]
    ]
    lines = [
        f"exceptions.yaml: {check} {pattern}: no reason is given" for check, pattern, because in exceptions if not str(because).strip()
    ]
    used = set()
    for finding in findings:
        fitting = {(check, pattern) for check, pattern, _ in exceptions if check == finding.check and fnmatchcase(finding.where, pattern)}
        used |= fitting
        if not fitting:
            lines.append(f"{finding.where}: {finding.check} {finding.words}")
    idle = [(check, pattern) for check, pattern, _ in exceptions if (check, pattern) not in used]
    lines += [f"exceptions.yaml: {check} {pattern}: nothing is found there any more, take it out" for check, pattern in idle]
    return lines, f"{passed} checks passed, {len(findings)} findings are excepted for {len(exceptions)} reasons and places"


def found(root: Path) -> tuple[list[Finding], int]:
    """All findings, and how many checks passed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    templates = [root / "template.yaml", *sorted((root / "systems").glob("*/stack.yaml"))]
    read = {str(written_out(path)): str(path.relative_to(root)) for path in templates}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "BC_", "PRISMA_"))}
    command = [
        str(Path(sys.executable).parent / "checkov"),
        "--framework",
        "cloudformation",
        "--compact",
        "--output",
        "json",
        "--skip-download",
    ]
    done = subprocess.run([*command, "--file", *read], cwd=root, env=environment, capture_output=True, text=True)
    try:
        report = json.loads(done.stdout)
        summary, results = report["summary"], report["results"]
    except (ValueError, KeyError, TypeError):
        raise SystemExit(f"supply: checkov gave no report:\n{done.stdout[-1000:]}\n{done.stderr[-1000:]}") from None
    seen = {each["file_abs_path"] for each in results["failed_checks"] + results["passed_checks"]}
    if summary["parsing_errors"] or seen != set(read):
        unread = [read[path] for path in read if path not in seen]
        raise SystemExit(f"supply: checkov could not read {', '.join(unread) or 'a template'}:\n{done.stderr[-1000:]}")
    findings = {(each["check_id"], read[each["file_abs_path"]], each["resource"], each["check_name"]) for each in results["failed_checks"]}
    return sorted(Finding(check, f"{path} {resource.rsplit('.', 1)[-1]}", name) for check, path, resource, name in findings), summary[
        "passed"
    ]


def written_out(path: Path) -> Path:
    """The template itself, or, where it has loops that checkov does not know, what they come to."""
    if "AWS::LanguageExtensions" not in path.read_text():
        return path
    expanded = FOLDER / f"{path.parent.name}.json"
    python = ROOT / ".venv" / "bin" / "python"
    done = subprocess.run([str(python), str(Path(__file__).parent / "expand.py"), str(path)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(
            f"supply: the loops of {path.relative_to(path.parent.parent.parent)} cannot be written out:\n{done.stderr[-1500:]}"
        )
    expanded.write_text(done.stdout)
    return expanded
