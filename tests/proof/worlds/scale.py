"""What `scale` does: an alarm stands in ALARM, a service has two and is to have three."""

import datetime
import json

from .common import CLUSTER, World, done

LOAD_PERCENT = 90.0


class Scaling(World):
    """One service of the fleet file that is busy. `mutating_call` is the one that is to set its size."""

    function = "scale"
    events = 1
    service_name: str
    mutating_call = "UpdateService"

    def build(self) -> None:
        super().build()
        self._changed_at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=90)
        self._count = 0
        self.make_estate()
        for rule, comparison, threshold in (("cpu-high", "GreaterThanThreshold", 70.0), ("cpu-low", "LessThanThreshold", 30.0)):
            self.account.query(
                "monitoring",
                "PutMetricAlarm",
                AlarmName=self.alarm(rule),
                Namespace=self.metric()[0],
                MetricName="CPUUtilization",
                Statistic="Average",
                Period=60,
                EvaluationPeriods=5,
                Threshold=threshold,
                ComparisonOperator=comparison,
                **_dimensions("Dimensions", self.metric()[1]),
            )
        self.load()

    def make_estate(self) -> None:
        self.account.ecs("CreateCluster", clusterName=CLUSTER)
        definition = self.register("proof", "proof")
        name = f"proof-{self.service_name}"
        self.account.ecs("CreateService", cluster=CLUSTER, serviceName=name, taskDefinition=definition, desiredCount=2)

    def make_group(self, name: str) -> None:
        self.account.query("autoscaling", "CreateLaunchConfiguration", LaunchConfigurationName=name, ImageId="ami-0", InstanceType="t3.medium")
        self.account.query(
            "autoscaling",
            "CreateAutoScalingGroup",
            AutoScalingGroupName=name,
            LaunchConfigurationName=name,
            MinSize=2,
            MaxSize=10,
            DesiredCapacity=2,
            **{"AvailabilityZones.member.1": f"{self.region}a"},
        )

    def metric(self) -> tuple[str, dict[str, str]]:
        return "AWS/ECS", {"ClusterName": CLUSTER, "ServiceName": f"proof-{self.service_name}"}

    def alarm(self, rule: str) -> str:
        return f"nightshift-proof-{self.service_name}-{rule}"

    def load(self, percent: float = LOAD_PERCENT) -> None:
        """Puts the metrics of a busy service, which takes the growing alarm to ALARM and the shrinking one to OK."""
        now, fields = datetime.datetime.now(datetime.timezone.utc), {}
        for number, age_s in enumerate((180, 120, 60, 0), start=1):
            prefix = f"MetricData.member.{number}"
            at = (now - datetime.timedelta(seconds=age_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
            fields |= {f"{prefix}.MetricName": "CPUUtilization", f"{prefix}.Timestamp": at, f"{prefix}.Value": percent}
            fields |= _dimensions(f"{prefix}.Dimensions", self.metric()[1])
        self.account.query("monitoring", "PutMetricData", Namespace=self.metric()[0], **fields)

    def event(self, number: int) -> dict:
        return self.transition("cpu-high", "ALARM", self._changed_at)

    def new_event(self) -> dict:
        """A transition that was never told before."""
        self._count += 1
        return self.transition("cpu-high", "ALARM", self._changed_at + datetime.timedelta(milliseconds=self._count))

    def transition(self, rule: str, state: str, changed_at: datetime.datetime) -> dict:
        """An alarm's state change as SNS hands it to a function."""
        namespace, dimensions = self.metric()
        body = {
            "AlarmName": self.alarm(rule),
            "AlarmDescription": None,
            "AWSAccountId": self.account.number,
            "NewStateValue": state,
            "NewStateReason": "Threshold Crossed: 5 datapoints were greater than the threshold (70.0).",
            "StateChangeTime": changed_at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000",
            "Region": "US East (N. Virginia)",
            "AlarmArn": self.arn("cloudwatch", f"alarm:{self.alarm(rule)}"),
            "OldStateValue": "OK" if state == "ALARM" else "ALARM",
            "Trigger": {
                "MetricName": "CPUUtilization",
                "Namespace": namespace,
                "StatisticType": "Statistic",
                "Statistic": "AVERAGE",
                "Unit": None,
                "Dimensions": [{"name": name, "value": value} for name, value in dimensions.items()],
                "Period": 60,
                "EvaluationPeriods": 5,
                "ComparisonOperator": "GreaterThanThreshold",
                "Threshold": 70.0,
            },
        }
        sns = {
            "Type": "Notification",
            "MessageId": f"00000000-0000-4000-8000-{int(changed_at.timestamp() * 1000) % 10**12:012d}",
            "TopicArn": self.arn("sns", "alarms"),
            "Subject": f'{state}: "{body["AlarmName"]}"',
            "Message": json.dumps(body),
            "Timestamp": changed_at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "MessageAttributes": {},
        }
        return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "arn", "Sns": sns}]}

    def size(self) -> int:
        return self.service(f"proof-{self.service_name}")["desiredCount"]

    def state(self) -> dict:
        return {"tasks": self.size()}

    def restore(self) -> None:
        """Back to two of everything, with an empty ledger and no schedule, so that each measured invocation does the same job."""
        self.account.ecs("UpdateService", cluster=CLUSTER, service=f"proof-{self.service_name}", desiredCount=2)
        self.forget()

    def forget(self) -> None:
        for item in self.account.dynamodb("Scan", TableName="nightshift-proof")["Items"]:
            self.account.dynamodb("DeleteItem", TableName="nightshift-proof", Key={"pk": item["pk"], "sk": item["sk"]})
        self.take_schedules()

    def accepts(self, state: dict, strike) -> bool:
        """What AWS says is not there is left to the sweep, which comes to every service within five minutes; people are told."""
        is_told = any("nothing done" in message.subject for message in self.messages)
        return state == self.untouched() and getattr(strike, "kind", "") == "not_found" and is_told

    def untouched(self) -> dict:
        return {"tasks": 2}

    def broken(self, calls) -> list[str]:
        sizes = [call.asked.params.get("desiredCount") for call in done(calls, "ecs:UpdateService")]
        return [f"tasks were set to {size}, not to 3" for size in sizes if size != 3]


class Tasks(Scaling):
    """Tasks on Fargate."""

    name, service_name = "tasks", "api"


class Group(Scaling):
    """An Auto Scaling group."""

    name, service_name, mutating_call = "group", "web", "SetDesiredCapacity"

    def make_estate(self) -> None:
        self.make_group("proof-web")

    def metric(self):
        return "AWS/EC2", {"AutoScalingGroupName": "proof-web"}

    def size(self) -> int:
        return self.desired_capacity("proof-web")

    def state(self) -> dict:
        return {"instances": self.size()}

    def untouched(self) -> dict:
        return {"instances": 2}

    def restore(self) -> None:
        self.account.query("autoscaling", "SetDesiredCapacity", AutoScalingGroupName="proof-web", DesiredCapacity=2)
        self.forget()

    def broken(self, calls) -> list[str]:
        return [f"instances were set to {size}" for size in _capacities(calls) if size != 3]


class TasksOnGroup(Scaling):
    """Tasks on a group whose instances are full."""

    name, service_name, mutating_call = "tasks on a full group", "app", "SetDesiredCapacity"

    def make_estate(self) -> None:
        super().make_estate()
        self.make_group("proof-instances")
        self.account.ecs("SetTaskRoom", cluster=CLUSTER, service="proof-app", room=2)

    def untouched(self) -> dict:
        return {"tasks": 2, "instances": 2}

    def state(self) -> dict:
        return {"tasks": self.size(), "instances": self.desired_capacity("proof-instances")}

    def accepts(self, state: dict, strike) -> bool:
        """Where the room on the instances cannot be read, the tasks grow all the same, and the next look sees to the instances."""
        reads_room = ("ecs:ListContainerInstances", "ecs:DescribeContainerInstances", "ecs:DescribeTaskDefinition")
        is_seen_later = state == {"tasks": 3, "instances": 2} and strike.target.name in reads_room
        return is_seen_later or super().accepts(state, strike)

    def restore(self) -> None:
        self.account.query("autoscaling", "SetDesiredCapacity", AutoScalingGroupName="proof-instances", DesiredCapacity=2)
        super().restore()

    def broken(self, calls) -> list[str]:
        return super().broken(calls) + [f"instances were set to {size}" for size in _capacities(calls) if size != 3]


def _capacities(calls) -> list[int]:
    return [call.asked.params.get("DesiredCapacity") for call in done(calls, "autoscaling:SetDesiredCapacity")]


def _dimensions(prefix: str, dimensions: dict[str, str]) -> dict[str, str]:
    fields = {}
    for number, (name, value) in enumerate(dimensions.items(), start=1):
        fields |= {f"{prefix}.member.{number}.Name": name, f"{prefix}.member.{number}.Value": value}
    return fields


__all__ = ["Group", "Scaling", "Tasks", "TasksOnGroup"]
