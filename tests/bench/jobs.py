"""What both contenders do while they are measured: the worlds of tests/proof, made to happen again and again in one account.

Owns putting a world back before each measured round, and what must be true after it. Must never let a round count that ended
otherwise: then another job was measured.
"""

import datetime
import json
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from harness.ministack import Account
from harness.sandbox import FunctionFailed, Invocation, Sandbox
from worlds import approve, deploy, rotate, scale
from worlds.common import World, wait_until

# The alarm's metric is put anew after so long: what is older than two minutes is worth less to a decider.
FRESH_FOR_S = 45.0


@dataclass(frozen=True)
class Part:
    """One event of a job. `mutating` is the call that first changes the estate; empty where none does."""

    title: str
    mutating: str = ""


class Job:
    """A world with a way back. Mixed into a world's class, before it."""

    parts: tuple[Part, ...]
    due: dict

    def again(self) -> None:
        """Everything as it was before the first event, for another round of the same work."""
        raise NotImplementedError

    def ending(self) -> dict:
        """What the round came to; has to be `due`."""
        return self.state()

    def judge(self, invocations: list[Invocation]) -> None:
        """Stops everything if the round did not do the job."""
        for part, invocation in zip(self.parts, invocations):
            status = invocation.answer.get("statusCode", 200) if isinstance(invocation.answer, dict) else 0
            if invocation.is_error or status != 200:
                raise FunctionFailed(f"{self.function}, {part.title}: {str(invocation.answer)[:2000]}")
        if self.ending() != self.due:
            answers = [str(invocation.answer)[:500] for invocation in invocations]
            raise FunctionFailed(f"{self.function}/{self.name} ended as {self.ending()}, not as {self.due}; the answers were: {answers}")

    def round(self, sandbox: Sandbox, after_part=lambda number: None) -> list[Invocation]:
        """The whole job, once; `after_part` is called between its events."""
        self.again()
        invocations = []
        for number in range(len(self.parts)):
            self.before(number)
            invocations.append(sandbox.invoke(self.event(number), self.function_arn))
            after_part(number)
        self.judge(invocations)
        return invocations

    def forget(self) -> None:
        """An empty ledger, and no schedule."""
        for item in self.account.dynamodb("Scan", TableName="nightshift-proof")["Items"]:
            self.account.dynamodb("DeleteItem", TableName="nightshift-proof", Key={"pk": item["pk"], "sk": item["sk"]})
        self.take_schedules()


class _Grown(Job):
    """An alarm that makes three of two."""

    _loaded_at = float("-inf")

    def again(self) -> None:
        if time.monotonic() - self._loaded_at > FRESH_FOR_S:
            self.load()
            self._loaded_at = time.monotonic()
        self.restore()

    def event(self, number: int) -> dict:
        return self.new_event()


class Tasks(_Grown, scale.Tasks):
    parts, due = (Part("alarm", "UpdateService"),), {"tasks": 3}


class Group(_Grown, scale.Group):
    parts, due = (Part("alarm", "SetDesiredCapacity"),), {"instances": 3}


class TasksOnGroup(_Grown, scale.TasksOnGroup):
    parts, due = (Part("alarm", "SetDesiredCapacity"),), {"tasks": 3, "instances": 3}


class _Pushed(Job):
    """Another image, under a tag of its own."""

    _count = 0

    def again(self) -> None:
        wait_until("the service is at rest", self.is_settled)
        self.forget()
        self.messages.clear()
        self._count += 1
        self._tag = f"1.0.{self._count}"
        self.digest = self.push(self._tag)
        self._pushed_at = datetime.datetime.now(datetime.timezone.utc)
        self._revisions_before = len(self.revisions())

    def pushed(self) -> dict:
        event = super().pushed()
        event["detail"]["image-tag"] = self._tag
        return event


class Push(_Pushed, deploy.AtOnce):
    """A push, the end of its roll-out, and the look that closes the release."""

    parts = (Part("push", "RegisterTaskDefinition"), Part("end of the roll-out"), Part("last look"))
    due = {"runs": "the new image", "revisions made": 1, "releases": ["done: passed"]}

    def ending(self) -> dict:
        state = self.state()
        return {
            "runs": state["runs"],
            "revisions made": state["revisions"] - self._revisions_before,
            "releases": state["releases"],
        }


class Answer(_Pushed, approve.Answered):
    """A question's page, and the answer. The question itself is asked by our `deploy`, whoever is measured."""

    parts = (Part("page"), Part("answer", "UpdateItem"))
    due = {"answers": 1, "verdicts": ["approve"]}

    def build(self) -> None:
        deploy.Asked.build(self)

    def again(self) -> None:
        super().again()
        self.scan("IN_PROGRESS")
        self.have_handled("deploy", [lambda: deploy.Asked.event(self, 0)])
        self.scan("COMPLETE")
        self.have_handled("deploy", [lambda: deploy.Asked.event(self, 1)])
        asked = {message.fields.get("kind"): message.fields for message in self.messages}
        self.token = urllib.parse.parse_qs(urllib.parse.urlsplit(asked["approval"]["link"]).query)["t"][0]
        self.code = asked["approval_code"]["code"]


class Keys(Job, rotate.Keys):
    """The four steps of a rotation."""

    parts = (
        Part("createSecret", "PutSecretValue"),
        Part("setSecret"),
        Part("testSecret"),
        Part("finishSecret", "UpdateSecretVersionStage"),
    )
    due = {"current": "the new version", "is the next key": True}

    def build(self) -> None:
        """Without the world's own rotation, which would be under way for ever."""
        World.build(self)
        value = {"key": "a" * 64, "next_key": "b" * 64, "previous_key": ""}
        self.secret = self.account.secrets("CreateSecret", Name=self.secret_name, SecretString=json.dumps(value))["ARN"]

    def again(self) -> None:
        self.forget()
        self._next_key = self.value("AWSCURRENT")["next_key"]
        function = self.arn("lambda", "function:nightshift-rotate")
        begun = self.account.secrets(
            "RotateSecret", SecretId=self.secret, RotationLambdaARN=function, RotationRules={"ScheduleExpression": "rate(30 days)"}
        )
        self.version = begun["VersionId"]

    def ending(self) -> dict:
        return {"current": self.state()["current"], "is the next key": self.value("AWSCURRENT")["key"] == self._next_key}


# By function: the job that is measured in full, then those of which only the way to the change is.
JOBS: dict[str, tuple[type, ...]] = {
    "scale": (Tasks, Group, TasksOnGroup),
    "deploy": (Push,),
    "approve": (Answer,),
    "rotate": (Keys,),
}


def built(job: type, port: int, account: int, binaries: Path, folder: Path) -> World:
    """The job in an account of its own, ready for its first round."""
    folder.mkdir(parents=True, exist_ok=True)
    world = job(Account(port, f"{account:012d}"), binaries, folder)
    world.build()
    return world
