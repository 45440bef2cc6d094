"""Whether IAM statements of one identity allow a request: the part of IAM's evaluation logic that template.yaml needs.

Follows "Policy evaluation logic" and "IAM JSON policy elements: Condition operators" of the IAM user guide. What it does not
know (an operator, a statement's element) is an error: it must never be a pass.
"""

import functools
import re
from dataclasses import dataclass


class UnknownOperator(Exception):
    """A condition operator that is not understood here."""


@dataclass(frozen=True)
class Statement:
    """One statement; `conditions` are (operator, context key, values), all of which have to hold."""

    sid: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Check:
    """One thing that AWS asks IAM: an action, one resource ("*" where the action names none), what is known of the request."""

    action: str
    resource: str
    context: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __str__(self) -> str:
        known = "".join(f", {key} = {' '.join(values)}" for key, values in self.context)
        return f"{self.action} on {self.resource}{known}"


def allows(statements: list[Statement], check: Check) -> bool:
    """An explicit denial wins; else somebody has to allow it."""
    matching = [statement for statement in statements if matches(statement, check)]
    is_denied = any(statement.effect == "Deny" for statement in matching)
    return not is_denied and any(statement.effect == "Allow" for statement in matching)


def matches(statement: Statement, check: Check) -> bool:
    """Whether the statement speaks about the check. Its conditions are always looked at, so that an unknown one is found."""
    context = {key.lower(): values for key, values in check.context}
    holds = [_holds(operator, context.get(key.lower()), wanted) for operator, key, wanted in statement.conditions]
    return (
        any(action_matches(action, check.action) for action in statement.actions)
        and any(resource_matches(resource, check.resource) for resource in statement.resources)
        and all(holds)
    )


def action_matches(pattern: str, action: str) -> bool:
    """Actions are compared without regard to case."""
    return _like(pattern.lower(), action.lower())


def resource_matches(pattern: str, resource: str) -> bool:
    """A wildcard before the resource part does not reach over a colon; in the resource part it reaches over everything."""
    return pattern == "*" or (resource != "*" and _arn_like(pattern, resource))


def _arn_like(pattern: str, arn: str) -> bool:
    wanted, found = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(found) == 6 and all(_like(one, other) for one, other in zip(wanted, found))


@functools.cache
def _compiled(pattern: str) -> re.Pattern:
    return re.compile("".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern), re.DOTALL)


def _like(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


_OPERATORS = {
    "StringEquals": lambda wanted, found: wanted == found,
    "StringLike": _like,
    # ArnEquals and ArnLike are the same.
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
}


def _holds(operator: str, found: tuple[str, ...] | None, wanted: tuple[str, ...]) -> bool:
    set_operator, _, plain = operator.rpartition(":")
    if plain not in _OPERATORS or set_operator not in ("", "ForAllValues"):
        raise UnknownOperator(operator)
    test = _OPERATORS[plain]
    hits = [any(test(one, value) for one in wanted) for value in found or ()]
    if set_operator == "ForAllValues":
        # True, too, where the request has no such key.
        return all(hits)
    # A key that is missing matches nothing, and what several values mean without a set operator is not defined.
    return len(hits) == 1 and hits[0]
