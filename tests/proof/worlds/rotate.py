"""What `rotate` does: the four steps of a rotation, as Secrets Manager calls them."""

import json

from harness.ministack import AwsRefused

from .common import World, done

FIRST = "Canary0ofTheFirstKey7Q4m2zK1vX9b8A3t5c6d7e8f9g0h1j2k3m4n5p6q7r8s"
SECOND = "Canary0ofTheNextKey9Z8y7X6w5V4u3T2s1R0q9P8o7N6m5L4k3J2i1H0g9F8e7"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


class Keys(World):
    """A signing key that `rotate` makes itself."""

    function, name, events = "rotate", "signing key", 4
    secret_name = "proof/signing"

    def more_environment(self) -> dict[str, str]:
        return {"NIGHTSHIFT_DEPLOY_FUNCTION": "nightshift-deploy"}

    def build(self) -> None:
        super().build()
        value = {"key": FIRST, "next_key": SECOND, "previous_key": ""}
        self.secret = self.account.secrets("CreateSecret", Name=self.secret_name, SecretString=json.dumps(value))["ARN"]
        function = self.arn("lambda", "function:nightshift-rotate")
        begun = self.account.secrets(
            "RotateSecret", SecretId=self.secret, RotationLambdaARN=function, RotationRules={"ScheduleExpression": "rate(30 days)"}
        )
        self.version = begun["VersionId"]

    def event(self, number: int) -> dict:
        return {"Step": STEPS[number], "SecretId": self.secret, "ClientRequestToken": self.version}

    def value(self, label: str) -> dict:
        return json.loads(self.account.secrets("GetSecretValue", SecretId=self.secret, VersionStage=label)["SecretString"])

    def state(self) -> dict:
        described = self.account.secrets("DescribeSecret", SecretId=self.secret)["VersionIdsToStages"]
        current = next(version for version, labels in described.items() if "AWSCURRENT" in labels)
        return {
            "versions": len(described),
            "current": "the new version" if current == self.version else "the old version",
            "key": self.value("AWSCURRENT").get("key") == SECOND,
        }

    def canaries(self) -> list[str]:
        """Also every value that the function has made itself."""
        found = super().canaries()
        for version in self.account.secrets("DescribeSecret", SecretId=self.secret)["VersionIdsToStages"]:
            try:
                text = self.account.secrets("GetSecretValue", SecretId=self.secret, VersionId=version)["SecretString"]
            except AwsRefused:
                # A version without a value has nothing to tell.
                continue
            found += [value for value in json.loads(text).values() if isinstance(value, str) and len(value) >= 16]
        return found

    def broken(self, calls) -> list[str]:
        values = {str(call.asked.params.get("SecretString")) for call in done(calls, "secretsmanager:PutSecretValue")}
        return [f"{len(values)} different values for one version"] if len(values) > 1 else []
