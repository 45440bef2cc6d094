"""What `deploy` does: pushes that become releases, on tasks and on instances, with and without people; restarts; front ends."""

import base64
import datetime
import json
import re
import time

from .common import CLUSTER, FLEET, World, done, wait_until

APPROVAL_KEY = "proof/approval-key"
KEY_CANARY = "Canary0ofTheApprovalKey7Q4m2zK1vX9b8A3t5c6d7e8f9g0h1j2k3m4n5p6q7"
APPROVAL_URL = "https://proof.lambda-url.us-east-1.on.aws/"


class Releasing(World):
    """One service of the fleet file whose repository gets a new image."""

    function = "deploy"
    service_name: str
    scans = False
    # How many deployments one release of it is.
    roll_outs = 1

    @property
    def repository(self) -> str:
        return f"proof/{self.service_name}"

    def more_environment(self) -> dict[str, str]:
        return {"NIGHTSHIFT_APPROVAL_KEY_ARN": APPROVAL_KEY, "NIGHTSHIFT_APPROVAL_URL": APPROVAL_URL}

    def build(self) -> None:
        super().build()
        self.account.secrets("CreateSecret", Name=APPROVAL_KEY, SecretString=KEY_CANARY)
        self.account.ecr("CreateRepository", repositoryName=self.repository, imageScanningConfiguration={"scanOnPush": self.scans})
        self.make_target()
        self.digest = self.push("1.0.0")
        self._pushed_at = datetime.datetime.now(datetime.timezone.utc)

    def accepts(self, state: dict, strike: object) -> bool:
        """A target or an image of which AWS says that it is not there ends the release, and people are told."""
        end = state["releases"][0].partition(":")[0] if state.get("releases") else ""
        is_told = any(message.fields.get("kind") == end for message in self.messages)
        kinds = {"refused": ("not_found", "denied", "conflict"), "failed": ("not_found",)}
        return getattr(strike, "kind", "") in kinds.get(end, ()) and is_told

    def canaries(self) -> list[str]:
        return [*super().canaries(), KEY_CANARY]

    def make_target(self) -> None:
        self.account.ecs("CreateCluster", clusterName=CLUSTER)
        definition = self.register(f"proof-{self.service_name}", self.image("sha256:" + "0" * 64))
        name = f"proof-{self.service_name}"
        configuration = {"minimumHealthyPercent": 100, "maximumPercent": 200}
        self.account.ecs(
            "CreateService",
            cluster=CLUSTER,
            serviceName=name,
            taskDefinition=definition,
            desiredCount=1,
            deploymentConfiguration=configuration | {"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        )

    def image(self, digest: str) -> str:
        return f"{self.account.number}.dkr.ecr.{self.region}.amazonaws.com/{self.repository}@{digest}"

    def push(self, tag: str) -> str:
        manifest = json.dumps({"schemaVersion": 2, "image": f"{self.repository}:{tag}"})
        made = self.account.ecr("PutImage", repositoryName=self.repository, imageTag=tag, imageManifest=manifest)
        return made["image"]["imageId"]["imageDigest"]

    def pushed(self) -> dict:
        detail = {"action-type": "PUSH", "result": "SUCCESS", "repository-name": self.repository, "image-digest": self.digest}
        return self.told("aws.ecr", "ECR Image Action", [], detail | {"image-tag": "1.0.0"})

    def told(self, source: str, kind: str, resources: list[str], detail: dict) -> dict:
        """An event as EventBridge hands it over."""
        at = self._pushed_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        identity = {"version": "0", "id": "4f5ec5f5-0b4f-4c67-a4a3-0f5d4f8e7e0d", "account": self.account.number, "region": self.region}
        return identity | {"detail-type": kind, "source": source, "time": at, "resources": resources, "detail": detail}

    def rolled_out(self, how: str = "COMPLETED") -> dict:
        primary = self.service(f"proof-{self.service_name}")["deployments"][0]
        detail = {"eventType": "INFO", "eventName": f"SERVICE_DEPLOYMENT_{how}", "deploymentId": primary["id"], "reason": "told by the proof"}
        arn = self.arn("ecs", f"service/{CLUSTER}/proof-{self.service_name}")
        return self.told("aws.ecs", "ECS Deployment State Change", [arn], detail)

    def look(self) -> dict:
        """The look that the function arranged for itself, now."""
        return {"nightshift": "recheck", "system": "proof", "service": self.service_name, "attempt": 1, "because": "proof"}

    def is_settled(self) -> bool:
        return self.service(f"proof-{self.service_name}")["deployments"][0].get("rolloutState") != "IN_PROGRESS"

    def revisions(self) -> list[str]:
        found, page = [], {}
        while True:
            answer = self.account.ecs("ListTaskDefinitions", familyPrefix=f"proof-{self.service_name}", **page)
            found += answer["taskDefinitionArns"]
            if not answer.get("nextToken"):
                return found
            page = {"nextToken": answer["nextToken"]}

    def book(self) -> dict:
        return self.ledger(f"release#proof/{self.service_name}").get("book", {})

    def state(self) -> dict:
        revision = self.service(f"proof-{self.service_name}")["taskDefinition"]
        definition = self.account.ecs("DescribeTaskDefinition", taskDefinition=revision)["taskDefinition"]
        image = definition["containerDefinitions"][0]["image"]
        return {
            "runs": "the new image" if image.endswith(self.digest) else "the old image",
            "revision": int(revision.rpartition(":")[2]),
            "revisions": len(self.revisions()),
            "releases": standings(self.book()),
        }

    def broken(self, calls) -> list[str]:
        found = [f"desired count was set to {call.asked.params['desiredCount']}" for call in calls if "desiredCount" in call.asked.params]
        made = done(calls, "ecs:RegisterTaskDefinition")
        if len(made) > 1:
            found.append(f"{len(made)} revisions were registered for one release")
        # Asked twice without forcing it, ECS has one deployment (ECS API reference, forceNewDeployment).
        rolled = self.account.ecs("ListServiceDeployments", cluster=CLUSTER, service=f"proof-{self.service_name}")["serviceDeployments"]
        return found + ([f"{len(rolled)} roll-outs of one release"] if len(rolled) > self.roll_outs else [])


def standings(book: dict) -> list[str]:
    """How each release stands: its end or where its legs are, without times and ids."""
    releases = [*book.get("ended", []), *([book["active"]] if book.get("active") else []), *book.get("waiting", [])]
    found = []
    for release in releases:
        end = release.get("end")
        legs = ",".join(leg["state"]["state"] for leg in release.get("legs", []))
        ended = end if isinstance(end, str) else next((str(end[name]) for name in ("end", "how", "kind", "outcome") if name in (end or {})), "in hand")
        found.append(f"{ended}: {legs}")
    return found


class AtOnce(Releasing):
    """A push that rolls out at once, is watched and ends well."""

    name, service_name, events = "push", "shop", 3

    def before(self, number: int) -> None:
        if number == 1:
            wait_until("the roll-out ends", self.is_settled)

    def event(self, number: int) -> dict:
        return [self.pushed, self.rolled_out, self.look][number]()


class RolledBack(Releasing):
    """A push whose tasks do not start: ECS rolls back, and the release has failed."""

    name, service_name, events = "push that fails", "shop", 2
    # Who dies right after the roll-out has begun, and comes back when ECS has rolled it back already, finds the old revision
    # running and tries once more.
    roll_outs = 3

    def build(self) -> None:
        super().build()
        # The image is bad: whoever rolls it out finds ECS rolling it back.
        self.account.ecs("SetRolloutFate", cluster=CLUSTER, service="proof-shop", fate="roll_back", stays=True)

    def before(self, number: int) -> None:
        if number == 1:
            wait_until("the roll back ends", lambda: self.revisions()[-1] != self.service("proof-shop")["taskDefinition"] and self.is_settled())

    def event(self, number: int) -> dict:
        return [self.pushed, lambda: self.rolled_out("FAILED")][number]()



class Asked(Releasing):
    """A push that waits for its scan, and then for a person."""

    name, service_name, events, scans = "push with scan and question", "till", 2, True

    def build(self) -> None:
        super().build()
        self.scan("IN_PROGRESS")

    def before(self, number: int) -> None:
        if number == 1:
            self.scan("COMPLETE")

    def scan(self, status: str) -> None:
        self.account.ecr("PutImageScanFindings", repositoryName=self.repository, imageDigest=self.digest, status=status)

    def event(self, number: int) -> dict:
        detail = {"scan-status": "COMPLETE", "repository-name": self.repository, "image-digest": self.digest, "image-tags": ["1.0.0"]}
        scanned = self.told("aws.ecr", "ECR Image Scan", [], detail | {"finding-severity-counts": {}})
        return [self.pushed(), scanned][number]

    def state(self) -> dict:
        kinds = {message.fields.get("kind") for message in self.messages}
        return super().state() | {"link": "approval" in kinds, "code": "approval_code" in kinds}


class Restarted(Releasing):
    """A rotated secret: the tasks that read it are started anew, once."""

    name, service_name, events = "restart", "reader", 3

    def accepts(self, state: dict, strike) -> bool:
        """A service of which AWS says that it is not there reads no secret."""
        is_missing = getattr(strike, "kind", "") == "not_found" and strike.target.name == "ecs:DescribeServices"
        return is_missing and not state["restarted"] or super().accepts(state, strike)

    def make_target(self) -> None:
        self.secret = self.account.secrets("CreateSecret", Name="proof/api-key", SecretString="one")["ARN"]
        self.account.ecs("CreateCluster", clusterName=CLUSTER)
        definition = self.register("proof-reader", "proof", secrets=[{"name": "KEY", "valueFrom": self.secret}])
        self.account.ecs("CreateService", cluster=CLUSTER, serviceName="proof-reader", taskDefinition=definition, desiredCount=1)
        self._first = self.service("proof-reader")["deployments"][0]["id"]
        time.sleep(0.01)
        self.account.secrets("PutSecretValue", SecretId=self.secret, SecretString="two")

    def before(self, number: int) -> None:
        if number == 1:
            # It settles for five seconds, so that several rotations are one restart.
            time.sleep(5.2)
        if number == 2:
            wait_until("the restart ends", self.is_settled)

    def event(self, number: int) -> dict:
        detail = {"eventName": "RotationSucceeded", "eventSource": "secretsmanager.amazonaws.com"}
        detail |= {"eventTime": self._pushed_at.strftime("%Y-%m-%dT%H:%M:%SZ"), "additionalEventData": {"SecretId": self.secret}}
        rotated = self.told("aws.secretsmanager", "AWS Service Event via CloudTrail", [], detail)
        return rotated if number == 0 else self.look() if number == 1 else self.rolled_out()

    def state(self) -> dict:
        is_new = self.service("proof-reader")["deployments"][0]["id"] != self._first
        return {"restarted": is_new, "revisions": len(self.revisions()), "releases": standings(self.book())}

    def broken(self, calls) -> list[str]:
        restarts = done(calls, "ecs:UpdateService")
        return [f"{len(restarts)} restarts of one rotation"] if len(restarts) > 1 else []


class OnInstances(Releasing):
    """A push onto an Auto Scaling group: a new version of its launch template, and an instance refresh."""

    name, service_name, events = "push onto instances", "rack", 3

    def make_target(self) -> None:
        script = f"#!/bin/bash\nimage={self.image('sha256:' + '0' * 64)}\ndocker run --detach \"$image\"\n"
        fields = {"LaunchTemplateData.ImageId": "ami-0", "LaunchTemplateData.InstanceType": "t3.small"}
        fields |= {"LaunchTemplateData.UserData": base64.b64encode(script.encode()).decode()}
        made = self.account.query("ec2", "CreateLaunchTemplate", Version="2016-11-15", LaunchTemplateName="proof-rack", **fields)
        template = re.search(r"<launchTemplateId>(lt-\w+)<", made)[1]
        self.account.query(
            "autoscaling",
            "CreateAutoScalingGroup",
            AutoScalingGroupName="proof-rack",
            MinSize=1,
            MaxSize=4,
            DesiredCapacity=1,
            **{"LaunchTemplate.LaunchTemplateId": template, "LaunchTemplate.Version": "1", "AvailabilityZones.member.1": "us-east-1a"},
        )

    def before(self, number: int) -> None:
        if number == 1:
            wait_until("the refresh ends", lambda: "Successful" in self.refreshes())

    def refreshes(self) -> list[str]:
        answer = self.account.query("autoscaling", "DescribeInstanceRefreshes", AutoScalingGroupName="proof-rack")
        return re.findall(r"<Status>(\w+)</Status>", answer)

    def versions(self) -> int:
        answer = self.account.query("ec2", "DescribeLaunchTemplateVersions", Version="2016-11-15", LaunchTemplateName="proof-rack")
        return len(re.findall(r"<versionNumber>(\d+)</versionNumber>", answer))

    def event(self, number: int) -> dict:
        detail = {"InstanceRefreshId": "proof", "AutoScalingGroupName": "proof-rack"}
        arn = self.arn("autoscaling", "autoScalingGroup:x:autoScalingGroupName/proof-rack")
        succeeded = self.told("aws.autoscaling", "EC2 Auto Scaling Instance Refresh Succeeded", [arn], detail)
        return [self.pushed(), succeeded, self.look()][number]

    def state(self) -> dict:
        return {"versions": self.versions(), "refreshes": self.refreshes(), "releases": standings(self.book())}

    def broken(self, calls) -> list[str]:
        refreshes = done(calls, "autoscaling:StartInstanceRefresh")
        # The same token again makes no second version.
        versions = {call.asked.params.get("ClientToken") for call in done(calls, "ec2:CreateLaunchTemplateVersion")}
        found = [f"{len(refreshes)} refreshes of one release"] if len(refreshes) > 1 else []
        return found + ([f"{len(versions)} versions for one release"] if len(versions) > 1 else [])


class FrontEnd(Releasing):
    """An upload of a front end: one invalidation, once the bucket is quiet."""

    name, service_name, events = "front end", "shop", 2

    def build(self) -> None:
        super().build()
        origin = "<Origins><Quantity>1</Quantity><Items><Origin><Id>o</Id><DomainName>proof-site.s3.amazonaws.com</DomainName></Origin></Items></Origins>"
        behaviour = "<DefaultCacheBehavior><TargetOriginId>o</TargetOriginId><ViewerProtocolPolicy>allow-all</ViewerProtocolPolicy></DefaultCacheBehavior>"
        config = f"<DistributionConfig><CallerReference>{time.time_ns()}</CallerReference><Comment>proof</Comment><Enabled>true</Enabled>{origin}{behaviour}</DistributionConfig>"
        answer = self.account.rest("POST", "cloudfront", "/2020-05-31/distribution", config.encode())
        self.distribution = re.search(r"<Id>(E\w+)</Id>", answer["text"])[1]
        self.fleet = self.folder / "fleet"
        self.fleet.mkdir(parents=True, exist_ok=True)
        text = (FLEET / "proof" / "fleet.yaml").read_text()
        (self.fleet / "proof.yaml").write_text(text.replace("E00000000PROOF", self.distribution))

    def event(self, number: int) -> dict:
        # The bucket has been quiet for as long as it has to be.
        at = self._pushed_at - datetime.timedelta(seconds=30)
        made = {"name": "proof-site"}, {"key": "index.html", "size": 5, "etag": "e", "sequencer": "00691C8A13B5D2E7F4"}
        detail = {"version": "0", "bucket": made[0], "object": made[1], "reason": "PutObject"}
        uploaded = self.told("aws.s3", "Object Created", ["arn:aws:s3:::proof-site"], detail) | {"time": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
        due = self._pushed_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return uploaded if number == 0 else {"nightshift": "front_end", "system": "proof", "front_end": "site", "due": due}

    def before(self, number: int) -> None:
        if number == 1:
            time.sleep(5.2)

    def state(self) -> dict:
        answer = self.account.rest("GET", "cloudfront", f"/2020-05-31/distribution/{self.distribution}/invalidation")
        return {"invalidations": len(re.findall(r"<InvalidationSummary>", answer["text"]))}

    def broken(self, calls) -> list[str]:
        return []
