"""Errors that samples lead to on purpose, each with the reason. Everything else that is no answer makes the run fail, and so does an
entry here that nothing met."""

from dataclasses import dataclass
from fnmatch import fnmatch

from invocations import Row


@dataclass(frozen=True)
class Expected:
    """An error of a function with an event (a pattern of file names below events/)."""

    function: str
    event: str
    code: str
    because: str


NO_DATABASE = "the database of systems/ecs-postgres is a name here, no server: a step that needs it waits, which is an error on purpose"
EXPECTED = [
    Expected("RotateFunction", "rotate/step-2-set.json", "unavailable", NO_DATABASE),
    Expected("RotateFunction", "rotate/step-3-test.json", "unavailable", NO_DATABASE),
    Expected("RotateFunction", "rotate/step-4-finish.json", "unavailable", NO_DATABASE),
]


def unexplained(rows: list[Row]) -> list[str]:
    """What makes the run fail, a line each."""
    met: set[Expected] = set()
    problems = []
    for row in rows:
        if row.outcome == "error":
            fitting = [each for each in EXPECTED if fits(each, row)]
            met.update(fitting)
            if fitting:
                continue
        elif row.outcome not in ("crash", "timeout", "unexplained"):
            continue
        problems.append(f"{row.function} with {row.event}: {row.outcome} {row.reason}: {row.words}")
    idle = [each for each in EXPECTED if each not in met]
    problems += [
        f"no event led to {each.code} of {each.function} with {each.event}: take it out of tests/local/expectations.py" for each in idle
    ]
    return problems


def fits(expected: Expected, row: Row) -> bool:
    return (expected.function, expected.code) == (row.function, row.reason) and fnmatch(row.event, expected.event)


def because(row: Row) -> str:
    """Why an expected error is none; empty for everything else."""
    return next((each.because for each in EXPECTED if row.outcome == "error" and fits(each, row)), "")
