"""The Service Authorization Reference: which actions there are, which resource types each knows, how their ARNs look.

Reads the copy that cfn-lint brings (made from https://servicereference.us-east-1.amazonaws.com, which AWS calls the programmatic
service authorization reference). Must never be corrected here: where AWS does otherwise than it says, the exception stands with
its source in exceptions.py.
"""

import functools
import json
import re
from importlib import resources

from cfnlint.data import AdditionalSpecs


class UnknownAction(Exception):
    """An action that the reference does not have."""


@functools.cache
def _services() -> dict:
    return json.loads((resources.files(AdditionalSpecs) / "Policies.json").read_text(encoding="utf-8"))


def resource_types(action: str) -> tuple[str, ...]:
    """The resource types that an action knows; none means that it has to be allowed on "*"."""
    service, _, name = action.partition(":")
    actions = _services().get(service, {}).get("Actions", {})
    if name.lower() not in actions:
        raise UnknownAction(action)
    return tuple(actions[name.lower()].get("Resources", ()))


def is_possible(action: str, resource: str) -> bool:
    """Whether the ARN is one of those types."""
    service = action.partition(":")[0]
    known = {name.lower(): value for name, value in _services()[service]["Resources"].items()}
    formats = [written for kind in resource_types(action) for written in known[kind.lower()]["ARNFormats"]]
    return any(_pattern(written).fullmatch(resource) for written in formats)


@functools.cache
def _pattern(written: str) -> re.Pattern:
    """`arn:${Partition}:ecs:${Region}:${Account}:cluster/.*` as a regular expression; its `.*` is one already."""
    return re.compile(re.sub(r"\$\{\w+\}", "[^:]*", written), re.DOTALL)
