"""Holds one function's role against what its calls need: nothing missing, nothing unused, nothing twice, no needless "*".

Works on what was heard, from wherever it comes. Must never pass what it does not understand: an operation, an action or an ARN
that is not known is a failure like a denial.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from .evaluate import Check, Statement, action_matches, allows, matches
from .exceptions import EVERYTHING, NARROWER, UNSEEN, Unseen
from .recordings import Heard
from .reference import UnknownAction, is_possible, resource_types
from .resources import UnknownOperation, checks
from .template import Stack, Template


@dataclass
class Row:
    """What was found of one function."""

    function: str
    statements: int = 0
    actions: int = 0
    # Statements that some call needed, and those whose reason stands in exceptions.py.
    seen: int = 0
    explained: int = 0
    calls: int = 0
    checks: int = 0
    problems: list[str] = field(default_factory=list)


def audit(template: Template, function: str, heard: Iterable[Heard], full: Stack, unseen: Iterable[Unseen] = UNSEEN) -> Row:
    """`full` is a stack with every parameter set, whose statements are all that there can be."""
    row = Row(function)
    statements = template.statements(function, full)
    row.statements = len(statements)
    row.actions = sum(len(statement.actions) for statement in statements)
    own = [one for one in unseen if function in one.functions]
    # Which action of which statement was needed, that is, whose absence would have denied something.
    spoken_of: set[tuple[str, str]] = set()
    needed: set[tuple[str, str]] = set()
    known: dict[Stack, list[Statement]] = {}
    for stack, check in _checks(heard, row):
        if stack not in known:
            known[stack] = template.statements(function, stack)
        hits = [statement for statement in known[stack] if matches(statement, check)]
        spoken_of |= {(statement.sid, action) for statement in hits for action in statement.actions if action_matches(action, check.action)}
        if not allows(known[stack], check):
            denials = [statement.sid for statement in hits if statement.effect == "Deny"]
            row.problems.append(f"{'denied by ' + ', '.join(denials) if denials else 'not allowed'}: {check}")
            continue
        needed.update(without_which_denied(known[stack], check))
    _judge_unused(row, statements, needed, spoken_of, own)
    row.problems += stars(statements)
    row.problems = list(dict.fromkeys(row.problems))
    return row


def _checks(heard: Iterable[Heard], row: Row) -> Iterable[tuple[Stack, Check]]:
    """Each check once for each stack."""
    done: set[tuple[Stack, Check]] = set()
    for one in heard:
        row.calls += 1
        row.problems += [f"{one.asked.name}: {problem}" for problem in one.asked.problems]
        try:
            found = checks(one.asked, one.stack.account, one.stack.secrets())
        except UnknownOperation:
            row.problems.append(f"{one.asked.name} is not in the table of iam/resources.py")
            continue
        except (KeyError, TypeError) as error:
            row.problems.append(f"{one.asked.name} cannot be read: {error!r}")
            continue
        for check in found:
            if (one.stack, check) not in done:
                done.add((one.stack, check))
                row.checks += 1
                row.problems += _impossible(check)
                yield one.stack, check


def _impossible(check: Check) -> list[str]:
    """What the table says is held against the reference, so that a resource that AWS would never ask about is found."""
    try:
        types = resource_types(check.action)
    except UnknownAction:
        return [f"the reference has no action {check.action}"]
    if check.resource == "*" or check.action in NARROWER or is_possible(check.action, check.resource):
        return []
    return [f"{check.resource} is none of {', '.join(types) or 'no resource types'} of {check.action}"]


def without_which_denied(statements: list[Statement], check: Check) -> list[tuple[str, str]]:
    """The statements (and their actions) whose removal, each alone, denies the check."""
    return [
        (statement.sid, action)
        for statement in statements
        if statement.effect == "Allow" and not allows([other for other in statements if other is not statement], check)
        for action in statement.actions
        if action_matches(action, check.action)
    ]


def _judge_unused(row: Row, statements: list[Statement], needed: set, spoken_of: set, own: list[Unseen]) -> None:
    sids = {statement.sid for statement in statements}
    for statement in statements:
        lacking = [action for action in statement.actions if (statement.sid, action) not in needed]
        excuses = [one for one in own if one.sid == statement.sid]
        left = [action for action in lacking if not any(not one.actions or action in one.actions for one in excuses)]
        for action in left:
            why = "others allow all of it" if (statement.sid, action) in spoken_of else "not seen here, and no reason is given"
            row.problems.append(f"{statement.sid}: {action} is needed by no call: {why}")
        row.seen += not lacking
        row.explained += bool(lacking) and not left
    for one in own:
        if one.sid not in sids:
            row.problems.append(f"exceptions.py explains {one.sid}, which is no more")
        else:
            actions = next(statement.actions for statement in statements if statement.sid == one.sid)
            row.problems += [f"exceptions.py explains {one.sid}: {name}, which is no more" for name in one.actions if name not in actions]
            met = [action for action in one.actions or actions if (one.sid, action) in spoken_of]
            row.problems += [f"exceptions.py explains {one.sid}: {action}, which is seen after all" for action in met]


def stars(statements: list[Statement]) -> list[str]:
    """Resources that are wider than the action needs, or that the action does not know. What denies may be as wide as it likes."""
    allowed, found = {one.action for one in EVERYTHING}, []
    for statement in (statement for statement in statements if statement.effect == "Allow"):
        for action in statement.actions:
            try:
                types = resource_types(action)
            except UnknownAction:
                found.append(f"{statement.sid}: the reference has no action {action}")
                continue
            if "*" in statement.resources and types and action not in allowed:
                found.append(f"{statement.sid}: {action} on *, though it takes {', '.join(types[:4])}")
            if statement.resources != ("*",) and not types and action not in NARROWER:
                found.append(f"{statement.sid}: {action} takes no resource, so that only * allows it")
    return found


def idle_stars(roles: list[list[Statement]]) -> list[str]:
    """Exceptions for actions that no role has on "*" any more, or none narrower."""
    allowed = [(action, statement) for role in roles for statement in role if statement.effect == "Allow" for action in statement.actions]
    wide = {action for action, statement in allowed if "*" in statement.resources}
    narrow = {action for action, statement in allowed if "*" not in statement.resources}
    idle = [one.action for one in EVERYTHING if one.action not in wide] + [action for action in NARROWER if action not in narrow]
    return [f"exceptions.py has {action}, which no role needs any more" for action in idle]


__all__ = ["Row", "audit", "idle_stars", "stars", "without_which_denied"]
