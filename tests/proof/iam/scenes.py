"""Work that no world of the proof has, for its calls alone: chat topics that a fleet file names, readers of a secret, and a
question of CodePipeline, which the local AWS has not.

They are worlds like the others; each is one of those with another fleet file, or with the events of one more kind of work. What
they are to end as is looked at nowhere: the function's calls are what counts.
"""

import base64
import datetime
import io
import json
import socketserver
import threading
import urllib.parse
import zipfile

from harness.sandbox import FunctionFailed
from worlds.approve import Answered
from worlds.common import CLUSTER, FLEET, World
from worlds.deploy import APPROVAL_KEY, AtOnce
from worlds.rotate import Keys
from worlds.scale import Tasks

from . import scenes_deploy

CHAT = "proof-chat"
PIPELINE = "release"


class Chatting(World):
    """A mixin: the fleet file names a chat topic, which exists."""

    def build(self) -> None:
        super().build()
        self.account.query("sns", "CreateTopic", Name=CHAT)
        text = (FLEET / "proof" / "fleet.yaml").read_text()
        chat = self.arn("sns", CHAT)
        text = self.changed(text.replace("\nservices:\n", f"\nnotices: {{ chat_topic: '{chat}' }}\nservices:\n", 1))
        self.fleet = self.folder / "fleet"
        (self.fleet / "proof").mkdir(parents=True)
        (self.fleet / "proof" / "fleet.yaml").write_text(text)

    def changed(self, text: str) -> str:
        return text


class ScaleWithChat(Chatting, Tasks):
    name = "tasks, told in a chat"


class DeployWithChat(Chatting, AtOnce):
    name = "push, told in a chat"


class KeysHandedOver(Chatting, Keys):
    """Keys whose reader takes them up by itself, beside a service of which it has to be looked up that it reads none."""

    name, events = "signing key, handed over, told in a chat", 6

    def build(self) -> None:
        super().build()
        self.account.ecs("CreateCluster", clusterName=CLUSTER)
        definition = self.register("proof-reader", "proof")
        self.account.ecs("CreateService", cluster=CLUSTER, serviceName="proof-reader", taskDefinition=definition, desiredCount=1)

    def changed(self, text: str) -> str:
        return text.replace("  web:\n", "  web:\n    rotated_secrets: { restart: false }\n", 1)

    def event(self, number: int) -> dict:
        return super().event(number) if number < 4 else {"nightshift": "rotation", "system": "proof", "secret": self.secret_name}


class LetsNobodyIn(socketserver.BaseRequestHandler):
    """Redis's words for a wrong password, whatever is asked."""

    def handle(self) -> None:
        while self.request.recv(4096):
            self.request.sendall(b"-WRONGPASS invalid username-password pair or user is disabled.\r\n")


class CacheWithAdmin(Chatting, Keys):
    """A Redis user whom an admin sets, on a server that lets nobody in: the admin's secret is read to try."""

    name, events, secret_name = "redis user with an admin", 2, "proof/cache"

    def build(self) -> None:
        super().build()
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), LetsNobodyIn)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        value = {"host": "127.0.0.1", "port": server.server_address[1], "username": "admin", "password": "a" * 32}
        self.account.secrets("CreateSecret", Name="proof/admin", SecretString=json.dumps(value))
        body = {"SecretId": self.secret, "SecretString": json.dumps(value | {"username": "app"}), "VersionStages": ["AWSCURRENT"]}
        self.account.secrets("PutSecretValue", **body)

    def changed(self, text: str) -> str:
        return text + "  proof/cache:\n    redis: { admin_secret: proof/admin, tls: plaintext }\n    readers: [web]\n"

    def state(self) -> dict:
        return {}

    def broken(self, calls) -> list[str]:
        return []


class Pipeline(Chatting, Answered):
    """CodePipeline asks, and a person answers; the local AWS cannot take the answer, which is asked for all the same."""

    name, events = "question of CodePipeline", 3

    def more_environment(self) -> dict[str, str]:
        # Without the page's address, as in the template: it asks for its own.
        return {"NIGHTSHIFT_APPROVAL_KEY_ARN": APPROVAL_KEY, "NIGHTSHIFT_DEPLOY_FUNCTION": "nightshift-deploy"}

    def build(self) -> None:
        World.build(self)
        self.account.secrets("CreateSecret", Name=APPROVAL_KEY, SecretString="k" * 64)
        self.account.query("sns", "CreateTopic", Name=CHAT)
        text = (FLEET / "proof" / "fleet.yaml").read_text()
        by = f"[{{ name: lead }}, {{ name: second, topic: '{self.arn('sns', CHAT)}' }}]"
        text += f"\npipelines:\n  {PIPELINE}:\n    approval: {{ by: {by}, expires: 1d }}\n"
        self.fleet = self.folder / "fleet"
        (self.fleet / "proof").mkdir(parents=True)
        (self.fleet / "proof" / "fleet.yaml").write_text(text)
        self.make_function_with_url()

    def make_function_with_url(self) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("bootstrap", "#!/bin/sh\n")
        code = {"ZipFile": base64.b64encode(packed.getvalue()).decode()}
        role = f"arn:aws:iam::{self.account.number}:role/nightshift-approve"
        made = {"FunctionName": "nightshift-approve", "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": role, "Code": code}
        self.account.rest("POST", "lambda", "/2015-03-31/functions", made)
        self.account.rest("POST", "lambda", "/2021-10-31/functions/nightshift-approve/url", {"AuthType": "NONE"})

    def asked(self) -> dict:
        """As CodePipeline asks (CodePipeline user guide, "JSON data format for manual approval notifications")."""
        ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
        approval = {"pipelineName": PIPELINE, "stageName": "Approve", "actionName": "Ask"}
        approval |= {"token": "0f7d3e4a-1111-2222-3333-444455556666", "expires": ends.strftime("%Y-%m-%dT%H:%MZ")}
        body = {"region": self.region, "consoleLink": "https://console.aws.amazon.com/", "approval": approval}
        sns = {"Type": "Notification", "MessageId": "m", "TopicArn": self.arn("sns", "pipelines"), "Message": json.dumps(body)}
        return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns}]}

    def event(self, number: int) -> dict:
        if number == 0:
            return self.asked()
        asked = {message.fields.get("kind"): message.fields for message in self.messages}
        if "approval" not in asked:
            raise FunctionFailed(f"nobody was asked: {[message.subject for message in self.messages]}")
        self.token = urllib.parse.parse_qs(urllib.parse.urlsplit(asked["approval"]["link"]).query)["t"][0]
        self.code = asked["approval_code"]["code"]
        return self.visit("GET") if number == 1 else self.visit("POST", {"t": self.token, "code": self.code, "verdict": "approve"})

    def state(self) -> dict:
        return {}

    def broken(self, calls) -> list[str]:
        return []


SCENES = (ScaleWithChat, DeployWithChat, KeysHandedOver, CacheWithAdmin, Pipeline, *scenes_deploy.SCENES)
