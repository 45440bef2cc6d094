"""The lock file: committed, in step with the manifests, and used by every cargo command that builds or resolves anything."""

import ast
import re
import subprocess
from pathlib import Path

from contents import ROOT

# These read the lock file and would write it. Others (fmt, --version) do not, and cargo-deny is told by its own option.
RESOLVES = {
    "bench",
    "build",
    "check",
    "clippy",
    "doc",
    "fetch",
    "fuzz",
    "install",
    "lambda",
    "metadata",
    "nextest",
    "run",
    "rustc",
    "test",
    "tree",
}
# A command line in a Makefile or a script, up to what ends it; lines that go on are joined first.
COMMAND = re.compile(r"(?:^|[\s;&|(@])(?:\$\(VENV\)/|\.venv/bin/)?cargo(?:-lambda)?\s+(?:\+\S+\s+)?([a-z]+)((?:\$\([^)]*\)|[^;&|)\n])*)")


def problems() -> list[str]:
    """What is wrong, a line each."""
    lines = []
    listed = git("ls-files", "--error-unmatch", "Cargo.lock")
    if listed.returncode:
        lines.append("Cargo.lock is not committed")
    metadata = subprocess.run(["cargo", "metadata", "--locked", "--format-version", "1"], cwd=ROOT, capture_output=True, text=True)
    if metadata.returncode:
        lines.append(f"Cargo.lock is not in step with the manifests: {metadata.stderr.strip()[-300:]}")
    for name in git("ls-files", "--cached", "--others", "--exclude-standard").stdout.splitlines():
        path = ROOT / name
        if not path.is_file() or name.startswith("docs/"):
            continue
        lines += [f"{name}:{line}: `{words}` without --locked" for line, words in unlocked(path)]
    return lines


def unlocked(path: Path) -> list[tuple[int, str]]:
    """Cargo commands in a file that may change the lock file, with their lines."""
    if path.name == "Makefile" or path.suffix == ".sh" or path.parent.name == ".ci":
        return unlocked_in_script(path.read_text())
    if path.suffix == ".py":
        return unlocked_in_python(path.read_text())
    if path.suffix == ".rs":
        return unlocked_in_rust(path.read_text())
    return []


def unlocked_in_script(text: str) -> list[tuple[int, str]]:
    # Joined lines are padded, so that the numbers stay right; what is only said to people is no command.
    code = re.sub(r"(?m)^\s*#.*$", "", text)
    code = re.sub(r"\\\n", "  ", code)
    code = re.sub(r"(?:echo|printf|say|fail)\s+(?:\"[^\"]*\"|'[^']*')", "", code)
    return [
        (code[: match.start(1)].count("\n") + 1, f"cargo {match[1]}{match[2].rstrip()}")
        for match in COMMAND.finditer(code)
        if match[1] in RESOLVES and "--locked" not in match[2]
    ]


def unlocked_in_python(text: str) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.List):
            continue
        words = [each.value for each in node.elts if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        if len(words) > 1 and words[0] == "cargo" and words[1] in RESOLVES and "--locked" not in words:
            found.append((node.lineno, " ".join(words)))
    return found


def unlocked_in_rust(text: str) -> list[tuple[int, str]]:
    if 'env!("CARGO")' not in text and 'Command::new("cargo")' not in text:
        return []
    lists = re.finditer(r'\[\s*"([a-z]+)"([^\]]*)\]', text)
    return [
        (text[: match.start()].count("\n") + 1, f"cargo {match[1]}{match[2]}")
        for match in lists
        if match[1] in RESOLVES and "--locked" not in match[2]
    ]


def git(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
