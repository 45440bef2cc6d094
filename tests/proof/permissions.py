"""IAM, both ways: every call of every function is allowed by its role in template.yaml, and every statement is needed by a call.

    python tests/proof/permissions.py [--record FILE...] [--functions DIR] [--template FILE] [--world NAME...]

The calls are those of an uninterrupted run of every world of the proof, which this starts itself, and those of recordings of the
end-to-end tests: run them with NIGHTSHIFT_RECORD=<folder>, then name the folder or its files here. Each is held against AWS's
model of the request, translated into what AWS asks IAM, and evaluated offline: nothing here relies on the local AWS's own IAM.
Must never change a role to fit: what fails is printed, and the exit code is 1.
"""

import argparse
import datetime
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from driver import Run  # noqa: E402
from harness.ministack import ROOT, MiniStack  # noqa: E402
from iam.audit import Row, audit, idle_stars  # noqa: E402
from iam.evaluate import allows, matches  # noqa: E402
from iam.recordings import Heard, heard  # noqa: E402
from iam.resources import INSTANCE_ROLE, UnknownOperation, checks  # noqa: E402
from iam.scenes import CHAT, SCENES  # noqa: E402
from iam.template import Stack, Template  # noqa: E402
from worlds import WORLDS  # noqa: E402
from worlds.common import GROUP, TABLE  # noqa: E402
from worlds.deploy import APPROVAL_KEY  # noqa: E402

RESULTS = ROOT / "target" / "proof" / "permissions.json"
REGION = "us-east-1"
# What the worlds call what CloudFormation would have made.
WORLD_NAMES = {
    "ApprovalKey": f"{APPROVAL_KEY}-??????",
    "LedgerTable": TABLE,
    "PeopleTopic": "nightshift-proof",
    "ScheduleGroup": GROUP,
    "ScheduleRole": "nightshift-proof",
}


def world_stack(account: str, is_full: bool = True) -> Stack:
    """The stack that a world stands for, with every list of the template set or with none."""
    place = f"{REGION}:{account}"
    parameters = {
        "PeopleTopicArn": f"arn:aws:sns:{place}:nightshift-proof",
        "MoreTopicArns": f"arn:aws:sns:{place}:{CHAT}",
        "TaskRoleArns": ",".join(f"arn:aws:iam::{account}:role/{name}" for name in ("proof-task", INSTANCE_ROLE)),
        "RotatedSecretArns": ",".join(f"arn:aws:secretsmanager:{place}:secret:proof/{name}-??????" for name in ("signing", "cache")),
        "AdminSecretArns": f"arn:aws:secretsmanager:{place}:secret:proof/admin-??????",
        "SecretKeyArns": f"arn:aws:kms:{place}:key/00000000-0000-4000-8000-000000000000",
        "CacheArns": f"arn:aws:elasticache:{place}:replicationgroup:proof",
        "RotationSubnetIds": "subnet-0",
        "RotationSecurityGroupIds": "sg-0",
    }
    return Stack(account, REGION, "nightshift", parameters if is_full else {}, WORLD_NAMES)


def world_calls(binaries: Path, wanted: list[str]) -> tuple[list[Heard], list[str]]:
    """An uninterrupted run of every world, one after the other, and what did not go well in them."""
    found, problems, folder = [], [], Path(tempfile.mkdtemp(prefix="nightshift-permissions-"))
    worlds = [world for world in (*WORLDS, *SCENES) if not wanted or world.name in wanted]
    try:
        with MiniStack(folder / "aws", takes_s=0.3) as ministack:
            for number, world in enumerate(worlds):
                run = Run(world, ministack, number, binaries, folder)
                ending = run.go()
                of_calls = {f"{call.name}: {problem}" for call in ending.calls for problem in call.asked.problems}
                # What is wrong with a call is said with its function.
                problems += [f"{ending.world}: {problem}" for problem in ending.problems if problem not in of_calls]
                stack = world_stack(run.world.account.number)
                found += [Heard(world.function, stack, call.asked) for call in ending.calls]
                print(f"{ending.world}: {len(ending.calls)} calls", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return found, problems


def at_defaults(template: Template, calls: list[Heard]) -> list[str]:
    """With every parameter at its default a role says no more than with all of them set, but for its own topic and its task roles;
    what it then denies is only what a parameter's own statement had allowed."""
    problems = []
    for function in template.functions():
        account = "123456789012"
        full, bare = (template.statements(function, world_stack(account, is_full)) for is_full in (True, False))
        more = {statement.sid for statement in bare} - {statement.sid for statement in full}
        problems += [f"{function}: {sid} is there at the defaults only" for sid in sorted(more)]
    rows = {}
    for one in calls:
        bare = Stack(one.stack.account, one.stack.region, one.stack.name, {}, one.stack.physical)
        rows.setdefault((one.function, bare, one.stack), []).append(one)
    for (function, bare, full), own in rows.items():
        problems += denied_at_defaults(template, function, bare, full, own)
    return list(dict.fromkeys(problems))


def denied_at_defaults(template: Template, function: str, bare: Stack, full: Stack, calls: list[Heard]) -> list[str]:
    at_bare, at_full = template.statements(function, bare), template.statements(function, full)
    always = {statement.sid for statement in at_bare}
    problems = []
    for one in calls:
        try:
            found = checks(one.asked, one.stack.account, one.stack.secrets())
        except UnknownOperation:
            continue
        for check in found:
            by = {statement.sid for statement in at_full if matches(statement, check)}
            if by & always and not allows(at_bare, check):
                problems.append(f"{function}: denied at the defaults, though {sorted(by & always)} is there: {check}")
    return problems


def recordings(named: list[Path]) -> list[Path]:
    return [file for one in named for file in (sorted(one.glob("*.jsonl")) if one.is_dir() else [one])]


def show(rows: list[Row]) -> None:
    print(f"\n{'function':10}{'statements':>12}{'needed':>8}{'explained':>11}{'actions':>9}{'calls':>8}{'checks':>8}{'problems':>10}")
    for row in rows:
        figures = (row.statements, row.seen, row.explained, row.actions, row.calls, row.checks, len(row.problems))
        print(f"{row.function:10}" + "".join(f"{figure:>{width}}" for figure, width in zip(figures, (12, 8, 11, 9, 8, 8, 10))))
    for row in rows:
        for problem in row.problems:
            print(f"{row.function}: {problem}")


def write(rows: list[Row], problems: list[str]) -> None:
    """Without machine paths, so that the page can show it."""
    command = " ".join(["python tests/proof/permissions.py", *(re.sub(r".*/", "", argument) for argument in sys.argv[1:])])
    found = {"date": datetime.date.today().isoformat(), "command": command, "problems": problems}
    found["rows"] = [vars(row) for row in rows]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--record", type=Path, nargs="*", default=[], help="recordings of the end-to-end tests, files or folders")
    parser.add_argument("--functions", type=Path, default=ROOT / "target" / "debug", help="the folder of the built functions")
    parser.add_argument("--template", type=Path, default=ROOT / "template.yaml")
    parser.add_argument("--world", nargs="*", default=[], help="only these worlds, by name")
    chosen = parser.parse_args()
    template, files = Template.read(chosen.template), recordings(chosen.record)
    if chosen.record and not files:
        raise SystemExit("there is no recording in what --record names")
    calls, problems = world_calls(chosen.functions.resolve(), chosen.world)
    recorded = list(heard(files))
    if files and not recorded:
        raise SystemExit("no recording has a request of a function: were the functions built before the SDK said their names?")
    full = world_stack("123456789012")
    functions = template.functions()
    strangers = {one.function for one in calls + recorded} - set(functions)
    rows = [
        audit(template, function, [one for one in calls + recorded if one.function == function], full)
        for function in functions
    ]
    problems += [f"{name} is no function of the template" for name in sorted(strangers)] + at_defaults(template, calls)
    problems += idle_stars([template.statements(function, full) for function in functions])
    show(rows)
    for problem in problems:
        print(problem)
    write(rows, problems)
    is_good = not problems and not any(row.problems for row in rows)
    print(f"\n{'Nothing missing, nothing unused.' if is_good else 'FAILED'}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
