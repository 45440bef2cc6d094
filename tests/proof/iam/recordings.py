"""Recordings of the end-to-end tests: which function of which stack asked for what.

tests/src/launcher.py writes them, one file for each local AWS: the requests of functions, and those that make stacks, which say
in which region and with which parameters a stack is. Must never guess whose a request was: the SDK says it (`app/<function>`).
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.wire import Asked, understand

from .template import Stack

# The local AWS's account where the key is not an account's number.
ACCOUNT = "000000000000"
# A parameter that only Nightshift's own template has.
OWN_PARAMETER = "FleetLocation"


@dataclass(frozen=True)
class Heard:
    """One request of one function of one stack."""

    function: str
    stack: Stack
    asked: Asked


class BadRecording(Exception):
    """A recording that cannot be read."""


def heard(files: Iterable[Path]) -> Iterator[Heard]:
    """All requests of functions."""
    for file in files:
        stacks: dict[str, Stack] = {}
        for line in file.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            asked = understand(record["method"], record["path"], record["headers"], base64.b64decode(record["body"]))
            if asked.service == "cloudformation":
                _remember(asked, stacks)
                continue
            name = function_of(record["headers"])
            if name is None:
                continue
            stack_name, _, function = name.rpartition("-")
            if stack_name not in stacks:
                raise BadRecording(f"{file}: {name} asks before there is a stack {stack_name}")
            yield Heard(function, stacks[stack_name], asked)


def function_of(headers: dict[str, str]) -> str | None:
    """The whole name of the function that asks, if it is one: `nightshift-us-west-2-scale`."""
    for header in ("user-agent", "x-amz-user-agent"):
        found = re.search(r"\bapp/(nightshift(?:-[A-Za-z0-9_]+)+)", headers.get(header, ""))
        if found:
            return found[1]
    return None


def _remember(asked: Asked, stacks: dict[str, Stack]) -> None:
    if asked.operation not in ("CreateChangeSet", "CreateStack", "UpdateStack"):
        return
    given = asked.params.get("Parameters", [])
    if not any(parameter["ParameterKey"] == OWN_PARAMETER for parameter in given):
        return
    name = asked.params["StackName"]
    known = stacks[name].parameters if name in stacks else {}
    # A parameter without a value keeps the one it has.
    fresh = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in given if "ParameterValue" in parameter}
    stacks[name] = Stack(ACCOUNT, asked.region, name, known | fresh)
