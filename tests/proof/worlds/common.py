"""What every world shares: its account on the local AWS, the ledger, the topic, the schedules, and a function's environment.

A world is one piece of work for one function: what is there before, the events that bring it about, and what must be true in
the end. Must never look at a function's answer to judge what it did: only at what the local AWS holds, and at what was called.
"""

import base64
import json
import re
import time
import urllib.parse
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from harness.ministack import REGION, ROOT, Account
from harness.proxy import Call, Line
from harness.sandbox import FunctionFailed, Sandbox

FLEET = ROOT / "tests" / "proof" / "fleet"
# Looked for in everything that a function lets out; base64, URLs and JSON write it otherwise.
ACCESS_KEY_CANARY = "Canary/of+the=Access\"Key7Q4m2zK1v"
TABLE, GROUP, CLUSTER = "nightshift-proof", "nightshift-proof", "proof"


@dataclass(frozen=True)
class Message:
    """One message that a function published: SNS's parameters."""

    subject: str
    text: str

    @property
    def fields(self) -> dict:
        """What machines get of it."""
        try:
            body = json.loads(self.text)
            return json.loads(body["https"]) if "https" in body else body
        except (ValueError, TypeError, KeyError):
            return {}


class World(ABC):
    """One function's work in one account. Events are numbered from 0; each is ready once `before` has returned."""

    function: str
    name: str
    events: int

    def __init__(self, account: Account, binaries: Path, folder: Path):
        self.account = account
        self.binaries = binaries
        # Its own, for logs and files.
        self.folder = folder
        self.fleet = FLEET
        self.messages: list[Message] = []

    @property
    def region(self) -> str:
        return self.account.region

    @property
    def function_arn(self) -> str:
        return self.arn("lambda", f"function:nightshift-{self.function}")

    def arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account.number}:{rest}"

    def environment(self, endpoint: str, ca_bundle: str | None = None) -> dict[str, str]:
        """What Lambda's sandbox has in its environment, the endpoint, and the function's own variables."""
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            # Its number is the account that the local AWS finds in it.
            "AWS_ACCESS_KEY_ID": self.account.number,
            "AWS_SECRET_ACCESS_KEY": ACCESS_KEY_CANARY,
            "AWS_LAMBDA_FUNCTION_NAME": f"nightshift-{self.function}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/nightshift-{self.function}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "proof",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": endpoint,
            "NIGHTSHIFT_FLEET": str(self.fleet),
            "NIGHTSHIFT_MODE": "act",
            "NIGHTSHIFT_TABLE": TABLE,
            "NIGHTSHIFT_TOPIC_ARN": self.arn("sns", "nightshift-proof"),
            "NIGHTSHIFT_SCHEDULE_GROUP": GROUP,
            "NIGHTSHIFT_SCHEDULE_ROLE_ARN": f"arn:aws:iam::{self.account.number}:role/nightshift-proof",
        }
        if ca_bundle:
            environment["AWS_CA_BUNDLE"] = ca_bundle
        return environment | self.more_environment()

    def more_environment(self) -> dict[str, str]:
        return {}

    def build(self) -> None:
        """What every function works with; a world adds its own."""
        schema = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
        kinds = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
        self.account.dynamodb(
            "CreateTable", TableName=TABLE, KeySchema=schema, AttributeDefinitions=kinds, BillingMode="PAY_PER_REQUEST"
        )
        self.account.query("sns", "CreateTopic", Name="nightshift-proof")
        self.account.rest("POST", "scheduler", f"/schedule-groups/{GROUP}", {})

    def before(self, number: int) -> None:
        """Whatever has to have happened before this event comes."""

    @abstractmethod
    def event(self, number: int) -> dict:
        """The event, the same each time that it is asked for."""

    @abstractmethod
    def state(self) -> dict:
        """What is to be the same in the end, however the way was: without times and ids."""

    def accepts(self, state: dict, strike: object) -> bool:
        """Whether a struck run may also end so: what AWS says for good is believed, and people are told."""
        return False

    def broken(self, calls: list[Call]) -> list[str]:
        """What must never be in the calls of one world, from its beginning on: each sentence is one broken promise."""
        return []

    def canaries(self) -> list[str]:
        """Secrets that may stand in no log, no message, nowhere in the ledger, and in no call but those to Secrets Manager."""
        return [ACCESS_KEY_CANARY]

    def leaks(self, calls: list[Call]) -> list[str]:
        """Where a canary was let out, in any of the spellings in which it could be."""
        places = {"a message": " ".join(message.subject + message.text for message in self.messages)}
        places["the ledger"] = json.dumps(self.account.dynamodb("Scan", TableName=TABLE)["Items"])
        places["a call"] = " ".join(str(call.asked.params) for call in calls if call.asked.service != "secretsmanager")
        for log in self.folder.glob("*.log"):
            places[f"the log {log.stem}"] = log.read_text(errors="replace")
        found = []
        for canary in self.canaries():
            for place, text in places.items():
                if any(spelling in text for spelling in _spellings(canary)):
                    found.append(f"a secret is in {place}")
        return found

    def heard(self, calls: list[Call]) -> None:
        """Takes in what a function told people."""
        for call in calls:
            if call.name == "sns:Publish" and 200 <= call.status < 300:
                self.messages.append(Message(call.asked.params.get("Subject", ""), call.asked.params.get("Message", "")))

    def have_handled(self, function: str, events: list) -> list[dict]:
        """Another function's part, without faults: its answers. What it told people is heard."""
        own, answers = self.function, []
        self.function = function
        try:
            with Line(self.account.port) as line:
                command = [str(self.binaries / function)]
                with Sandbox(command, self.environment(line.url), str(self.folder / f"{function}-before.log")) as sandbox:
                    sandbox.start()
                    for event in events:
                        invocation = sandbox.invoke(event() if callable(event) else event, self.function_arn)
                        if invocation.is_error:
                            raise FunctionFailed(f"{function} before {self.name}: {invocation.answer}")
                        answers.append(invocation.answer)
                        self.heard(line.take_calls())
        finally:
            self.function = own
        return answers

    def items(self) -> list[dict]:
        """Everything in the ledger, in plain values."""
        found = self.account.dynamodb("Scan", TableName=TABLE)["Items"]
        return [{name: _plain(value) for name, value in item.items()} for item in found]

    def ledger(self, pk: str) -> dict:
        """The first item with this key, its JSON read; empty if there is none."""
        item = next((item for item in self.items() if item["pk"] == pk), {})
        for name, value in item.items():
            if isinstance(value, str) and value[:1] in "{[":
                item[name] = json.loads(value)
        return item

    def let_a_minute_pass(self) -> None:
        """Has every lease in the ledger run out, as it has when Lambda's first retry comes, a minute later."""
        past = "2020-01-01T00:00:00Z"
        for item in self.account.dynamodb("Scan", TableName=TABLE)["Items"]:
            aged = {name: {"S": _aged(value["S"], past)} if "S" in value else value for name, value in item.items()}
            aged |= {"lease_until": {"S": past}} if "lease_until" in item else {}
            if aged != item:
                self.account.dynamodb("PutItem", TableName=TABLE, Item=aged)

    def schedules(self) -> list[tuple[str, str, dict]]:
        """One-time schedules that a function has arranged for itself: name, when, what it is to be handed."""
        listed = self.account.rest("GET", "scheduler", f"/schedules?ScheduleGroup={GROUP}&MaxResults=100")["Schedules"]
        found = []
        for one in listed:
            whole = self.account.rest("GET", "scheduler", f"/schedules/{one['Name']}?groupName={GROUP}")
            found.append((one["Name"], whole["ScheduleExpression"], json.loads(whole["Target"]["Input"])))
        return sorted(found, key=lambda one: one[1])

    def take_schedules(self) -> list[dict]:
        """What the schedules hand over, earliest first, as if their times had come; they are gone then."""
        taken = []
        for name, _, handed in self.schedules():
            self.account.rest("DELETE", "scheduler", f"/schedules/{name}?groupName={GROUP}&clientToken=x")
            taken.append(handed)
        return taken

    def service(self, name: str) -> dict:
        return self.account.ecs("DescribeServices", cluster=CLUSTER, services=[name])["services"][0]

    def desired_capacity(self, group: str) -> int:
        answer = self.account.query("autoscaling", "DescribeAutoScalingGroups", **{"AutoScalingGroupNames.member.1": group})
        return int(re.search(r"<DesiredCapacity>(\d+)<", answer)[1])

    def register(self, family: str, image: str, **more: object) -> str:
        container = {"name": "app", "image": image, "cpu": 512, "memory": 1024, "essential": True} | more
        made = self.account.ecs(
            "RegisterTaskDefinition", family=family, networkMode="awsvpc", cpu="512", memory="1024", containerDefinitions=[container]
        )
        return made["taskDefinition"]["taskDefinitionArn"]


def done(calls: list[Call], name: str) -> list[Call]:
    """The calls of an operation that AWS carried out, whether the caller learned of it or not."""
    return [call for call in calls if call.name == name and (200 <= call.status < 300 or call.fault in CARRIED_OUT)]


CARRIED_OUT = ("reset_after", "truncated", "empty", "other_shape")


def wait_until(what: str, is_so, limit_s: float = 20.0) -> None:
    deadline = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not come about within {limit_s:.0f} s: {what}")
        time.sleep(0.02)


def _spellings(secret: str) -> list[str]:
    """As it is, escaped for JSON and for URLs, in hexadecimal digits, and in base64 wherever it begins."""
    found = [secret, json.dumps(secret)[1:-1], urllib.parse.quote(secret, safe=""), secret.encode().hex(), secret.encode().hex().upper()]
    for before in range(3):
        whole = base64.b64encode(b"x" * before + secret.encode()).decode().rstrip("=")
        # The first and the last group also say something of what stands beside.
        inner = whole[4 if before else 0 : -4]
        found += [inner, inner.replace("+", "-").replace("/", "_")]
    return found


def _aged(text: str, past: str) -> str:
    """The end of a lease in a JSON text, replaced; the text itself where there is none."""
    if '"lease"' not in text:
        return text
    value = json.loads(text)
    lease = value.get("lease") if isinstance(value, dict) else None
    if not lease:
        return text
    lease["until"] = past
    return json.dumps(value)


def _plain(value: dict):
    (kind, inner), = value.items()
    if kind == "M":
        return {name: _plain(one) for name, one in inner.items()}
    if kind == "L":
        return [_plain(one) for one in inner]
    return float(inner) if kind == "N" else inner


__all__ = ["CLUSTER", "FLEET", "GROUP", "REGION", "TABLE", "Message", "World", "done", "wait_until"]
