"""Releases that no world of the proof has, for their calls alone: a definition that names everything that one can name, alarms,
a second region, roll-outs that are taken back, and an image for several platforms.
"""

import json
import re

from worlds.common import CLUSTER, FLEET
from worlds.deploy import Asked, AtOnce, OnInstances

ALARM = "proof-fail"
PATH = "waves: [{ regions: [us-east-1], bake: 0s }]"


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Bent:
    """A mixin for releases whose fleet file is another one, and whose alarm exists."""

    def build(self) -> None:
        super().build()
        text = self.changed((FLEET / "proof" / "fleet.yaml").read_text())
        self.fleet = self.folder / "fleet"
        (self.fleet / "proof").mkdir(parents=True)
        (self.fleet / "proof" / "fleet.yaml").write_text(text)
        self.account.query(
            "monitoring",
            "PutMetricAlarm",
            AlarmName=ALARM,
            Namespace="Proof",
            MetricName="Failures",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )

    def changed(self, text: str) -> str:
        return text.replace(PATH, f"waves: [{{ regions: [us-east-1], bake: 0s, alarms: [{ALARM}] }}]", 1)

    def alarm(self) -> None:
        self.account.query("monitoring", "SetAlarmState", AlarmName=ALARM, StateValue="ALARM", StateReason="proof")

    def fate(self, **target: str) -> None:
        self.account.ecs("SetRolloutFate", **target)

    def state(self) -> dict:
        return {}

    def broken(self, calls) -> list[str]:
        return []


class NamesEverything(Bent, AtOnce):
    """A definition with roles, secrets, parameters and a log group, behind a target group; and a wave in a second region."""

    name = "push, everything named, two regions"

    def changed(self, text: str) -> str:
        text = text.replace("regions: [us-east-1]\n", "regions: [us-east-1, us-west-2]\n", 1)
        waves = f"waves: [{{ regions: [us-east-1], bake: 0s, alarms: [{ALARM}] }}, {{ regions: [us-west-2], bake: 0s }}]"
        return text.replace(PATH, waves, 1)

    def make_target(self) -> None:
        self.account.query("iam", "CreateRole", RoleName="proof-task", AssumeRolePolicyDocument=trust("ecs-tasks.amazonaws.com"))
        secret = self.account.secrets("CreateSecret", Name="proof/value", SecretString="one")["ARN"]
        self.account.json("ssm", "AmazonSSM.PutParameter", {"Name": "/proof/value", "Value": "one", "Type": "SecureString"})
        self.account.json("logs", "Logs_20140328.CreateLogGroup", {"logGroupName": "/proof/shop"})
        target_group = self.make_target_group()
        self.account.ecs("CreateCluster", clusterName=CLUSTER)
        role = f"arn:aws:iam::{self.account.number}:role/proof-task"
        secrets = [{"name": "A", "valueFrom": secret}, {"name": "B", "valueFrom": self.arn("ssm", "parameter/proof/value")}]
        options = {"awslogs-group": "/proof/shop", "awslogs-region": self.region, "awslogs-stream-prefix": "app"}
        container = {"name": "app", "image": self.image("sha256:" + "0" * 64), "cpu": 256, "memory": 512, "essential": True}
        container |= {"secrets": secrets, "logConfiguration": {"logDriver": "awslogs", "options": options}}
        container |= {"portMappings": [{"containerPort": 80}]}
        named = {"family": "proof-shop", "networkMode": "awsvpc", "cpu": "256", "memory": "512", "containerDefinitions": [container]}
        definition = self.account.ecs("RegisterTaskDefinition", taskRoleArn=role, executionRoleArn=role, **named)["taskDefinition"]
        balancers = [{"targetGroupArn": target_group, "containerName": "app", "containerPort": 80}]
        service = {"cluster": CLUSTER, "serviceName": "proof-shop", "taskDefinition": definition["taskDefinitionArn"], "desiredCount": 1}
        self.account.ecs("CreateService", loadBalancers=balancers, **service)


    def make_target_group(self) -> str:
        def make(action: str, of: str, **fields: object) -> str:
            answer = self.account.query("elasticloadbalancing", action, Version="2015-12-01", **fields)
            return re.search(f"<{of}>([^<]+)<", answer)[1]

        subnets = {"Subnets.member.1": "subnet-0", "Subnets.member.2": "subnet-1"}
        http = {"Protocol": "HTTP", "Port": 80}
        target_group = make("CreateTargetGroup", "TargetGroupArn", Name="proof-shop", VpcId="vpc-0", TargetType="ip", **http)
        balancer = make("CreateLoadBalancer", "LoadBalancerArn", Name="proof-shop", **subnets)
        forward = {"DefaultActions.member.1.Type": "forward", "DefaultActions.member.1.TargetGroupArn": target_group}
        make("CreateListener", "ListenerArn", LoadBalancerArn=balancer, **http, **forward)
        return target_group


class TakenBack(Bent, AtOnce):
    """A roll-out that an alarm ends."""

    name, events = "push that an alarm takes back", 2

    def build(self) -> None:
        super().build()
        self.fate(cluster=CLUSTER, service="proof-shop", fate="hang")

    def before(self, number: int) -> None:
        if number == 1:
            self.alarm()

    def event(self, number: int) -> dict:
        return self.pushed() if number == 0 else self.look()


class RefreshTakenBack(Bent, OnInstances):
    """The same on instances, whose template names an instance profile."""

    name, events = "push onto instances that an alarm takes back", 2

    def make_target(self) -> None:
        self.account.query("iam", "CreateRole", RoleName="proof-instances", AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
        self.account.query("iam", "CreateInstanceProfile", InstanceProfileName="proof-rack")
        self.account.query("iam", "AddRoleToInstanceProfile", InstanceProfileName="proof-rack", RoleName="proof-instances")
        super().make_target()
        fields = {"SourceVersion": "1", "LaunchTemplateData.IamInstanceProfile.Name": "proof-rack"}
        self.account.query("ec2", "CreateLaunchTemplateVersion", Version="2016-11-15", LaunchTemplateName="proof-rack", **fields)
        group = {"AutoScalingGroupName": "proof-rack", "LaunchTemplate.LaunchTemplateName": "proof-rack", "LaunchTemplate.Version": "2"}
        self.account.query("autoscaling", "UpdateAutoScalingGroup", **group)
        self.fate(group="proof-rack", fate="hang")

    def before(self, number: int) -> None:
        if number == 1:
            self.alarm()

    def event(self, number: int) -> dict:
        return self.pushed() if number == 0 else self.look()


class ManyPlatforms(Asked):
    """An index of images, each of which has a scan of its own."""

    name, events = "push of an index", 1
    INDEX = "application/vnd.oci.image.index.v1+json"

    def push(self, tag: str) -> str:
        one = super().push(f"{tag}-amd64")
        platform = {"os": "linux", "architecture": "amd64"}
        entry = {"digest": one, "mediaType": "application/vnd.oci.image.manifest.v1+json", "platform": platform}
        manifest = json.dumps({"schemaVersion": 2, "mediaType": self.INDEX, "manifests": [entry]})
        index = {"repositoryName": self.repository, "imageTag": tag, "imageManifest": manifest, "imageManifestMediaType": self.INDEX}
        return self.account.ecr("PutImage", **index)["image"]["imageId"]["imageDigest"]

    def state(self) -> dict:
        return {}

    def broken(self, calls) -> list[str]:
        return []


SCENES = (NamesEverything, TakenBack, RefreshTakenBack, ManyPlatforms)
