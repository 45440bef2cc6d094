"""The baseline of `deploy`: an image that was pushed is rolled out at once, watched and closed, as people write it with boto3.

A push: read the book, the image, the service and its definition, take the lease, register a revision with the image by its
digest, roll it out, arrange a look. The end of the roll-out: see whether it ended well. The last look: close the release.
Clients are made while the module is imported; calls run one after another.
"""

import datetime
import json
import os
import uuid

import boto3

ecs = boto3.client("ecs")
ecr = boto3.client("ecr")
dynamodb = boto3.client("dynamodb")
scheduler = boto3.client("scheduler")
sns = boto3.client("sns")

POLICY = json.loads(os.environ["POLICY"])
SERVICE = f"{POLICY['system']}/{POLICY['service']}"
TABLE = os.environ["NIGHTSHIFT_TABLE"]
# What DescribeTaskDefinition says and RegisterTaskDefinition does not take.
READ_ONLY = {
    *("taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities", "registeredAt", "registeredBy"),
    *("deregisteredAt", "deleteRequestedAt"),
}


def handler(event, context):
    now = datetime.datetime.now(datetime.timezone.utc)
    book, version, is_paused = read_book()
    if is_paused:
        return {"decision": "hold", "reason": "paused", "steps": []}
    turn = Turn(book, version, context, now)
    if event.get("source") == "aws.ecr":
        steps = turn.begin(event["detail"])
    elif event.get("source") == "aws.ecs":
        steps = turn.watch(event["detail"])
    else:
        steps = turn.close()
    print(json.dumps({"level": "INFO", "message": f"{SERVICE}: {'; '.join(steps)}"}))
    return {"decision": "advance" if steps else "hold", "reason": "quiet", "steps": steps, "plan_id": str(uuid.uuid4())}


class Turn:
    """One invocation's part of a release."""

    def __init__(self, book, version, context, now):
        self.book, self.version, self.context, self.now = book, version, context, now

    def begin(self, detail):
        if detail["repository-name"] != POLICY["repository"] or detail["action-type"] != "PUSH":
            return []
        digest = detail["image-digest"]
        image = ecr.describe_images(repositoryName=POLICY["repository"], imageIds=[{"imageDigest": digest}])["imageDetails"][0]
        service = describe_service()
        if image["imagePushedAt"].timestamp() <= self.book.get("newest", 0) or len(service["deployments"]) > 1:
            return []
        seen = ecs.describe_task_definition(taskDefinition=service["taskDefinition"], include=["TAGS"])
        before = seen["taskDefinition"]
        # The lease: whoever else came meanwhile finds another version.
        self.store(lease_until=self.now.timestamp() + 35)
        uri = f"{image['registryId']}.dkr.ecr.{os.environ['AWS_REGION']}.amazonaws.com/{POLICY['repository']}@{digest}"
        after = {name: value for name, value in before.items() if name not in READ_ONLY}
        after["containerDefinitions"] = [container | {"image": uri} for container in before["containerDefinitions"]]
        tags = {"tags": seen["tags"]} if seen.get("tags") else {}
        revision = ecs.register_task_definition(**after, **tags)["taskDefinition"]["taskDefinitionArn"]
        leg = {"state": {"state": "starting", "from": before["taskDefinitionArn"], "to": revision}}
        release = {"id": f"{self.now:%Y%m%dt%H%M%Sz}-{digest[7:19]}", "tags": image.get("imageTags", []), "legs": [leg], "end": None}
        self.book |= {"active": release, "newest": image["imagePushedAt"].timestamp()}
        self.store(lease_until=self.now.timestamp() + 35)
        if describe_service()["taskDefinition"] != before["taskDefinitionArn"]:
            raise RuntimeError("the service changed while it was being released to")
        rolled = ecs.update_service(cluster=POLICY["cluster"], service=POLICY["ecs_service"], taskDefinition=revision)
        primary = next(one for one in rolled["service"]["deployments"] if one["status"] == "PRIMARY")
        leg["state"] |= {"state": "rolling", "handle": primary["id"]}
        self.look_in(60)
        return self.record([f"made {revision}", f"rolled out {primary['id']}"], "begins")

    def watch(self, detail):
        release = self.book.get("active")
        if not release or release["legs"][0]["state"]["state"] != "rolling":
            return []
        state, service = release["legs"][0]["state"], describe_service()
        primary = next(one for one in service["deployments"] if one["status"] == "PRIMARY")
        names = {"cluster": POLICY["cluster"], "service": POLICY["ecs_service"]}
        arns = [one["serviceDeploymentArn"] for one in ecs.list_service_deployments(**names)["serviceDeployments"][:1]]
        found = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"] if arns else []
        stopped = ecs.list_tasks(cluster=POLICY["cluster"], serviceName=POLICY["ecs_service"], desiredStatus="STOPPED")["taskArns"]
        died = ecs.describe_tasks(cluster=POLICY["cluster"], tasks=stopped)["tasks"] if stopped else []
        is_ours = service["taskDefinition"] == state["to"] and primary["id"] == state["handle"]
        has_ended_well = primary["rolloutState"] == "COMPLETED" and all(one["status"] == "SUCCESSFUL" for one in found)
        ours = [task for task in died if task["taskDefinitionArn"] == state["to"]]
        if not is_ours or any(task.get("stopCode") == "EssentialContainerExited" for task in ours):
            state["state"] = "failed"
            return self.record([], "failed")
        if not has_ended_well or service["runningCount"] < service["desiredCount"]:
            self.look_in(60)
            return self.record([], "rolls")
        state["state"] = "passed"
        self.look_in(5)
        return self.record(["it has ended well"], "passed")

    def close(self):
        release = self.book.get("active")
        if not release or release["legs"][0]["state"]["state"] != "passed":
            return []
        release["end"] = "done"
        self.book["ended"] = [release, *self.book.get("ended", [])][:20]
        self.book["active"] = None
        return self.record(["closed"], "done")

    def record(self, steps, word):
        self.store(lease_until=0)
        text = f"{SERVICE}: {word}"
        history = {"pk": {"S": f"history#{SERVICE}"}, "sk": {"S": self.now.isoformat()}}
        history |= {"entry": {"S": json.dumps({"text": text, "steps": steps})}}
        dynamodb.put_item(TableName=TABLE, Item=history | {"expires_at": {"N": str(int(self.now.timestamp()) + 90 * 86_400)}})
        sns.publish(
            TopicArn=os.environ["NIGHTSHIFT_TOPIC_ARN"],
            Subject=text,
            Message=json.dumps({"default": text, "https": json.dumps({"service": POLICY["service"], "steps": steps})}),
            MessageStructure="json",
            MessageAttributes={"service": {"DataType": "String", "StringValue": POLICY["service"]}},
        )
        return steps

    def store(self, lease_until):
        """Writes the book if nobody has written it since it was read."""
        item = book_key() | {"book": {"S": json.dumps(self.book)}, "version": {"N": str(self.version + 1)}}
        item |= {"lease_until": {"N": str(lease_until)}}
        dynamodb.put_item(
            TableName=TABLE,
            Item=item,
            ConditionExpression="attribute_not_exists(pk) OR version = :seen",
            ExpressionAttributeValues={":seen": {"N": str(self.version)}},
        )
        self.version += 1

    def look_in(self, seconds):
        at = self.now + datetime.timedelta(seconds=seconds)
        scheduler.create_schedule(
            Name=f"{POLICY['service']}-{uuid.uuid4()}",
            GroupName=os.environ["NIGHTSHIFT_SCHEDULE_GROUP"],
            ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Target={
                "Arn": self.context.invoked_function_arn,
                "RoleArn": os.environ["NIGHTSHIFT_SCHEDULE_ROLE_ARN"],
                "Input": json.dumps({"nightshift": "recheck", "service": POLICY["service"]}),
            },
        )


def describe_service():
    return ecs.describe_services(cluster=POLICY["cluster"], services=[POLICY["ecs_service"]])["services"][0]


def read_book():
    pauses = [{"pk": {"S": "pause"}, "sk": {"S": sk}} for sk in ("all", f"system#{POLICY['system']}", f"service#{SERVICE}")]
    keys = {TABLE: {"Keys": [book_key(), *pauses], "ConsistentRead": True}}
    items = {item["pk"]["S"]: item for item in dynamodb.batch_get_item(RequestItems=keys)["Responses"].get(TABLE, [])}
    book = items.get(book_key()["pk"]["S"])
    return json.loads(book["book"]["S"]) if book else {}, int(book["version"]["N"]) if book else 0, "pause" in items


def book_key():
    return {"pk": {"S": f"release#{SERVICE}"}, "sk": {"S": "book"}}
