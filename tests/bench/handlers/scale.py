"""The baseline: the same job for one ECS service as people write it in Python, with boto3.

Parse the alarm, read it again with its metric, the service, who else scales it and the ledger; decide; take the lease, look
once more, set the desired count; arrange the next look, write the record and the history, tell people. Clients are made
while the module is imported, as AWS recommends. Calls run one after another, as nearly every boto3 handler's do.
"""

import datetime
import json
import math
import os
import uuid

import boto3
from botocore.exceptions import ClientError

ecs = boto3.client("ecs")
cloudwatch = boto3.client("cloudwatch")
application_autoscaling = boto3.client("application-autoscaling")
dynamodb = boto3.client("dynamodb")
scheduler = boto3.client("scheduler")
sns = boto3.client("sns")

POLICY = json.loads(os.environ["POLICY"])
TABLE = os.environ["NIGHTSHIFT_TABLE"]


def handler(event, context):
    now = datetime.datetime.now(datetime.timezone.utc)
    alarm = parse(event)
    if alarm["name"] not in (POLICY["grow_alarm"], POLICY["shrink_alarm"]) or alarm["state"] != "ALARM":
        return {"decision": "hold", "reason": "not_ours", "steps": []}
    seen = observe(now)
    plan = decide(seen, POLICY, now.timestamp())
    if plan["to"] != plan["from"]:
        act(plan, seen, context, now)
    again = now + datetime.timedelta(seconds=POLICY["cooldown_s"])
    record(plan, seen, context, now, again)
    print(json.dumps({"level": "INFO", "message": f"{plan['from']} -> {plan['to']}", "reason": plan["reason"]}))
    return {"decision": plan["decision"], "reason": plan["reason"], "steps": [plan], "plan_id": str(uuid.uuid4())}


def parse(event):
    """EventBridge's `detail`, or the SNS message."""
    if "detail" in event:
        return {"name": event["detail"]["alarmName"], "state": event["detail"]["state"]["value"]}
    body = json.loads(event["Records"][0]["Sns"]["Message"])
    return {"name": body["AlarmName"], "state": body["NewStateValue"]}


def observe(now):
    alarms = cloudwatch.describe_alarms(AlarmNames=[POLICY["grow_alarm"], POLICY["shrink_alarm"]])["MetricAlarms"]
    end = now.replace(second=0, microsecond=0)
    metric = {
        "Namespace": "AWS/ECS",
        "MetricName": "CPUUtilization",
        "Dimensions": [
            {"Name": "ClusterName", "Value": POLICY["cluster"]},
            {"Name": "ServiceName", "Value": POLICY["service"]},
        ],
    }
    query = {"Id": "cpu", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Average"}}
    data = cloudwatch.get_metric_data(
        MetricDataQueries=[query], StartTime=end - datetime.timedelta(minutes=15), EndTime=end, ScanBy="TimestampDescending"
    )["MetricDataResults"][0]
    newest = max(zip(data["Timestamps"], data["Values"]), default=(None, None))
    targets = application_autoscaling.describe_scalable_targets(
        ServiceNamespace="ecs", ResourceIds=[f"service/{POLICY['cluster']}/{POLICY['service']}"]
    )["ScalableTargets"]
    items = dynamodb.batch_get_item(
        RequestItems={TABLE: {"Keys": [key("service"), key("pause")], "ConsistentRead": True}}
    )["Responses"].get(TABLE, [])
    by_kind = {item["sk"]["S"]: item for item in items}
    stored = by_kind.get("service", {})
    return {
        "states": {alarm["AlarmName"]: alarm["StateValue"] for alarm in alarms},
        "metric": newest[1],
        "metric_age_s": (now - newest[0]).total_seconds() if newest[0] else math.inf,
        "service": describe_service(),
        "is_owned_elsewhere": bool(targets),
        "is_paused": "pause" in by_kind,
        "version": int(stored.get("version", {"N": "0"})["N"]),
        "acted_at": float(stored.get("acted_at", {"N": "0"})["N"]),
        "lease_until": float(stored.get("lease_until", {"N": "0"})["N"]),
    }


def describe_service():
    answer = ecs.describe_services(cluster=POLICY["cluster"], services=[POLICY["service"]])
    service = answer["services"][0]
    return {
        "desired": service["desiredCount"],
        "running": service["runningCount"],
        "is_rolling_out": len(service["deployments"]) > 1,
    }


def decide(seen, policy, now_s):
    """The new count: one rule up, one down, bounds, cooldown, lease, pause. Pure."""
    current = seen["service"]["desired"]
    plan = {"decision": "hold", "from": current, "to": current, "reason": "quiet"}
    if seen["is_paused"] or seen["is_owned_elsewhere"] or seen["lease_until"] > now_s:
        return plan | {"reason": "stopped"}
    if now_s - seen["acted_at"] < policy["cooldown_s"]:
        return plan | {"reason": "in_cooldown"}
    if seen["metric"] is None or seen["metric_age_s"] > 600:
        return plan | {"reason": "metric_missing"}
    if seen["states"].get(policy["grow_alarm"]) == "ALARM" and seen["metric"] > policy["grow_above"]:
        wish, decision = current + policy["grow_by"], "grow"
    elif seen["states"].get(policy["shrink_alarm"]) == "ALARM" and seen["metric"] < policy["shrink_below"]:
        if seen["service"]["is_rolling_out"] or seen["service"]["running"] != current or seen["metric_age_s"] > 120:
            return plan | {"reason": "uncertain"}
        wish, decision = current - policy["shrink_by"], "shrink"
    else:
        return plan
    size = max(policy["min"], min(policy["max"], wish))
    if size == current:
        return plan | {"reason": "at_bound"}
    return {"decision": decision, "from": current, "to": size, "reason": "rule"}


def act(plan, seen, context, now):
    store(seen["version"], seen["version"] + 1, now, lease_until=now.timestamp() + 35, acted_at=now.timestamp())
    if describe_service()["desired"] != plan["from"]:
        raise RuntimeError("the service changed while it was being decided on")
    ecs.update_service(cluster=POLICY["cluster"], service=POLICY["service"], desiredCount=plan["to"])
    seen["version"] += 1


def record(plan, seen, context, now, again):
    try:
        scheduler.create_schedule(
            Name=f"recheck-{POLICY['service']}-{int(again.timestamp())}",
            GroupName=os.environ["NIGHTSHIFT_SCHEDULE_GROUP"],
            ScheduleExpression=f"at({again:%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Target={
                "Arn": context.invoked_function_arn,
                "RoleArn": os.environ["NIGHTSHIFT_SCHEDULE_ROLE_ARN"],
                "Input": json.dumps({"nightshift": "recheck", "service": POLICY["service"]}),
            },
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConflictException":
            raise
    sns.publish(
        TopicArn=os.environ["NIGHTSHIFT_TOPIC_ARN"],
        Subject=f"{POLICY['service']}: {plan['decision']} from {plan['from']} to {plan['to']}",
        Message=json.dumps({"default": f"{plan['from']} -> {plan['to']}: {plan['reason']}", "https": json.dumps(plan)}),
        MessageStructure="json",
        MessageAttributes={"service": {"DataType": "String", "StringValue": POLICY["service"]}},
    )
    store(seen["version"], seen["version"] + 1, now, lease_until=0, acted_at=now.timestamp())
    history = key(f"history#{now.isoformat()}")
    history |= {"plan": {"S": json.dumps(plan)}, "expires_at": {"N": str(int(now.timestamp()) + 90 * 86_400)}}
    dynamodb.put_item(TableName=TABLE, Item=history)


def store(seen_version, version, now, lease_until, acted_at):
    """Writes the record if nobody has written it since it was read."""
    dynamodb.update_item(
        TableName=TABLE,
        Key=key("service"),
        UpdateExpression="SET version = :new, lease_until = :lease, acted_at = :acted",
        ConditionExpression="attribute_not_exists(version) OR version = :seen",
        ExpressionAttributeValues={
            ":new": {"N": str(version)},
            ":seen": {"N": str(seen_version)},
            ":lease": {"N": str(lease_until)},
            ":acted": {"N": str(acted_at)},
        },
    )


def key(kind):
    return {"pk": {"S": f"python/{POLICY['service']}"}, "sk": {"S": kind}}
