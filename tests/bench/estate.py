"""What the functions scale: three services on the local AWS, loaded so that their alarms stand in ALARM.

Owns making them, putting them back to two before each measured invocation, and the event that wakes a function.
"""

import datetime
import itertools
import json
import time
from dataclasses import dataclass

import boto3

from endpoint import CREDENTIALS, REGION

ACCOUNT = "000000000000"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:nightshift-scale"
TABLE, GROUP = "nightshift-bench", "nightshift-bench"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:nightshift-bench"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/nightshift-bench"
LOAD_PERCENT = 90.0


@dataclass(frozen=True)
class Target:
    """A service of fleet/bench/fleet.yaml and the call that is to change it."""

    service: str
    title: str
    mutating_call: str


TASKS = Target("api", "ECS service", "UpdateService")
GROUP_ALONE = Target("web", "Auto Scaling group", "SetDesiredCapacity")
TASKS_ON_GROUP = Target("app", "ECS service on a full group", "SetDesiredCapacity")
TARGETS = (TASKS, GROUP_ALONE, TASKS_ON_GROUP)


class Estate:
    """The services on the local AWS at this port, without the proxy between."""

    def __init__(self, port: int):
        session = boto3.session.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )
        self._url = f"http://127.0.0.1:{port}"
        names = ("ecs", "autoscaling", "cloudwatch", "dynamodb", "scheduler", "sns")
        self._aws = {name: session.client(name, endpoint_url=self._url) for name in names}
        self._event_number = itertools.count()

    def create(self) -> None:
        """Makes everything that the functions read or write."""
        ecs, groups = self._aws["ecs"], self._aws["autoscaling"]
        ecs.create_cluster(clusterName="bench")
        container = {"name": "app", "image": "bench", "cpu": 512, "memory": 1024, "essential": True}
        definition = ecs.register_task_definition(
            family="bench", networkMode="awsvpc", cpu="512", memory="1024", containerDefinitions=[container]
        )["taskDefinition"]["taskDefinitionArn"]
        for name in ("bench-api", "bench-app"):
            ecs.create_service(cluster="bench", serviceName=name, taskDefinition=definition, desiredCount=2)
        groups.create_launch_configuration(LaunchConfigurationName="bench", ImageId="ami-0", InstanceType="t3.medium")
        for name in ("bench-web", "bench-instances"):
            groups.create_auto_scaling_group(
                AutoScalingGroupName=name,
                LaunchConfigurationName="bench",
                MinSize=2,
                MaxSize=10,
                DesiredCapacity=2,
                AvailabilityZones=["us-east-1a"],
            )
        schema = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
        kinds = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
        self._aws["dynamodb"].create_table(
            TableName=TABLE, KeySchema=schema, AttributeDefinitions=kinds, BillingMode="PAY_PER_REQUEST"
        )
        self._aws["sns"].create_topic(Name="nightshift-bench")
        self._aws["scheduler"].create_schedule_group(Name=GROUP)
        for target in TARGETS:
            self._create_alarms(target)

    def load(self) -> None:
        """Puts the metrics of a busy service, which takes the growing alarms to ALARM and the shrinking ones to OK."""
        now = datetime.datetime.now(datetime.timezone.utc)
        for target in TARGETS:
            namespace, dimensions = _metric_of(target)
            points = [
                {
                    "MetricName": "CPUUtilization",
                    "Dimensions": dimensions,
                    "Timestamp": now - datetime.timedelta(seconds=age_s),
                    "Value": LOAD_PERCENT,
                }
                for age_s in (180, 120, 60, 0)
            ]
            self._aws["cloudwatch"].put_metric_data(Namespace=namespace, MetricData=points)

    def restore(self) -> None:
        """Back to two of everything, with an empty ledger and no schedule, so that each invocation does the same job."""
        for name in ("bench-api", "bench-app"):
            self._aws["ecs"].update_service(cluster="bench", service=name, desiredCount=2)
        for name in ("bench-web", "bench-instances"):
            self._aws["autoscaling"].set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=2)
        items = self._aws["dynamodb"].scan(TableName=TABLE)["Items"]
        for item in items:
            self._aws["dynamodb"].delete_item(TableName=TABLE, Key={"pk": item["pk"], "sk": item["sk"]})
        for schedule in self._aws["scheduler"].list_schedules(GroupName=GROUP)["Schedules"]:
            self._aws["scheduler"].delete_schedule(Name=schedule["Name"], GroupName=GROUP)

    def event(self, target: Target) -> dict:
        """The alarm's state change as SNS hands it to a function; each is a new transition."""
        now = datetime.datetime.now(datetime.timezone.utc)
        # Never the same second twice: a repeated transition would rightly be ignored.
        changed_at = now - datetime.timedelta(seconds=90) + datetime.timedelta(milliseconds=next(self._event_number))
        namespace, dimensions = _metric_of(target)
        body = {
            "AlarmName": f"nightshift-bench-{target.service}-cpu-high",
            "AlarmDescription": None,
            "AWSAccountId": ACCOUNT,
            "NewStateValue": "ALARM",
            "NewStateReason": "Threshold Crossed: 5 datapoints were greater than the threshold (70.0).",
            "StateChangeTime": changed_at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000",
            "Region": "US East (N. Virginia)",
            "AlarmArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:nightshift-bench-{target.service}-cpu-high",
            "OldStateValue": "OK",
            "Trigger": {
                "MetricName": "CPUUtilization",
                "Namespace": namespace,
                "StatisticType": "Statistic",
                "Statistic": "AVERAGE",
                "Unit": None,
                "Dimensions": [{"name": one["Name"], "value": one["Value"]} for one in dimensions],
                "Period": 60,
                "EvaluationPeriods": 5,
                "ComparisonOperator": "GreaterThanThreshold",
                "Threshold": 70.0,
            },
        }
        sns = {
            "Type": "Notification",
            "MessageId": f"00000000-0000-4000-8000-{time.monotonic_ns() % 10**12:012d}",
            "TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms",
            "Subject": f'ALARM: "{body["AlarmName"]}"',
            "Message": json.dumps(body),
            "Timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "MessageAttributes": {},
        }
        return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "arn", "Sns": sns}]}

    def size(self, target: Target) -> int:
        """The desired count now: of tasks where there are tasks."""
        if target is GROUP_ALONE:
            groups = self._aws["autoscaling"].describe_auto_scaling_groups(AutoScalingGroupNames=["bench-web"])
            return groups["AutoScalingGroups"][0]["DesiredCapacity"]
        services = self._aws["ecs"].describe_services(cluster="bench", services=[f"bench-{target.service}"])
        return services["services"][0]["desiredCount"]

    def _create_alarms(self, target: Target) -> None:
        namespace, dimensions = _metric_of(target)
        for rule, comparison, threshold in (("cpu-high", "GreaterThanThreshold", 50.0), ("cpu-low", "LessThanThreshold", 30.0)):
            self._aws["cloudwatch"].put_metric_alarm(
                AlarmName=f"nightshift-bench-{target.service}-{rule}",
                Namespace=namespace,
                MetricName="CPUUtilization",
                Dimensions=dimensions,
                Statistic="Average",
                Period=60,
                EvaluationPeriods=5,
                Threshold=threshold,
                ComparisonOperator=comparison,
            )


def _metric_of(target: Target) -> tuple[str, list[dict[str, str]]]:
    if target is GROUP_ALONE:
        return "AWS/EC2", [{"Name": "AutoScalingGroupName", "Value": "bench-web"}]
    return "AWS/ECS", [
        {"Name": "ClusterName", "Value": "bench"},
        {"Name": "ServiceName", "Value": f"bench-{target.service}"},
    ]
