"""What the computations rely on of the product, read from its own files: so that a change there changes the page, or stops it.

Owns no figure. A fact that is no longer where it was is an error that says which file to look at.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Moved(Exception):
    """A fact is not where it was."""


@dataclass(frozen=True)
class Fleet:
    """The fleet files of systems/, counted."""

    services: int
    alarms: int
    distinct_metrics: int
    secrets: int


@dataclass(frozen=True)
class Product:
    """The facts."""

    fleet: Fleet
    sweep_minutes: int
    timeout_s: dict[str, int]
    memory_gb: float
    deploy_side_by_side: int
    attempts: int
    first_backoff_s: float
    look_again_s: int
    stack_alarms: int
    metrics_of_a_function: dict[str, int]
    retry_maximum: int
    calls_are_served_in_turn: bool
    readers_side_by_side: int


def read(root: Path = ROOT) -> Product:
    """Reads every fact."""
    template = _text(root, "template.yaml")
    scale, deploy = _text(root, "functions/scale/src/lib.rs"), _text(root, "functions/deploy/src/lib.rs")
    config = _text(root, "shared/aws/src/config.rs")
    timeouts = [int(seconds) for seconds in re.findall(r"^ {4,6}Timeout: (\d+)$", template, re.MULTILINE)]
    if len(timeouts) != 3:
        raise Moved("template.yaml: there were three time-outs, of all functions, of deploy and of rotate")
    return Product(
        fleet=fleet(root),
        sweep_minutes=_number(root, "functions/scale/src/wakes.rs", r"const SWEEP_MINUTES: i64 = (\d+);"),
        timeout_s=dict(zip(("scale", "deploy", "rotate"), timeouts)),
        memory_gb=_number(root, "template.yaml", r"^    MemorySize: (\d+)$") / 1_024,
        deploy_side_by_side=int(_only(deploy, "functions/deploy/src/lib.rs", r"const SIDE_BY_SIDE: usize = (\d+);")),
        attempts=int(_only(config, "shared/aws/src/config.rs", r"attempts: (\d+),")),
        first_backoff_s=int(_only(config, "shared/aws/src/config.rs", r"first_backoff: Duration::from_millis\((\d+)\)")) / 1_000,
        look_again_s=60
        * _number(root, "shared/core/src/scale/policy.rs", r"const SOON: SignedDuration = SignedDuration::from_mins\((\d+)\)"),
        stack_alarms=len(re.findall(r"Type: AWS::CloudWatch::Alarm$", template, re.MULTILINE)),
        metrics_of_a_function=_metrics(root),
        retry_maximum=_number(root, "template.yaml", r"^        MaximumRetryAttempts: (\d+)$"),
        calls_are_served_in_turn="for call in wakes.calls() {\n        outcomes.push((call.message_id.clone(), serve(" in scale,
        readers_side_by_side=1 if "for (name, service) in &self.call.fleet.services {" in _text(root, "functions/rotate/src/observe.rs") else 0,
    )


def fleet(root: Path = ROOT) -> Fleet:
    """Counts services, rules on metrics and secrets; a rule on a metric is an alarm (shared/core/src/alarms)."""
    services = alarms = metrics = secrets = 0
    for path in sorted(root.glob("systems/*/fleet.yaml")):
        part, service_metrics = "", set()
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith((" ", "#")):
                part = line.split(":")[0]
            elif re.match(r"  [^ #].*:", line):
                services += part == "services"
                secrets += part == "secrets"
                metrics += len(service_metrics)
                service_metrics = set()
            condition = re.search(r"when: \{ metric: (\w+)", line)
            if part == "services" and condition:
                alarms += 1
                service_metrics.add(condition[1])
        metrics += len(service_metrics)
    if not services or not alarms:
        raise Moved("systems/*/fleet.yaml: no service or no rule was found")
    return Fleet(services, alarms, metrics, secrets)


def _metrics(root: Path) -> dict[str, int]:
    """How many custom metrics each function has over all of its services."""
    common = _text(root, "shared/lambda/src/lines.rs")
    if "counts.iter().filter(|(_, count)| *count > 0)" not in common:
        raise Moved("shared/lambda/src/lines.rs: counts of nought were not sent")
    if "position(|known| *known == query)" not in _text(root, "functions/scale/src/observe.rs"):
        raise Moved("functions/scale/src/observe.rs: two rules on one metric asked for it once")
    files = {"scale": "shared/lambda/src/lines.rs", "deploy": "functions/deploy/src/lines.rs", "rotate": "functions/rotate/src/lines.rs"}
    found = {}
    for function, file in files.items():
        text = _text(root, file)
        body = text[text.index("pub fn metric_line(") :]
        body = body[: body.index("embedded_metrics(outcome.at")]
        ends = re.search(r"const ENDS: \[\(&str, EndKind\); (\d+)\]", text)
        named = len(set(re.findall(r'\("([A-Z]\w+)", ', body)) - {"Function", "System", "Service"})
        # Besides, the duration, and what is ignored is counted by function alone.
        found[function] = named + (int(ends[1]) if ends else 0) + 2
    return found


def _text(root: Path, file: str) -> str:
    return (root / file).read_text(encoding="utf-8")


def _only(text: str, file: str, pattern: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if not found:
        raise Moved(f"{file}: nothing matches {pattern}")
    return found[1]


def _number(root: Path, file: str, pattern: str) -> int:
    return int(_only(_text(root, file), file, pattern))
