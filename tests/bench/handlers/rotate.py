"""The baseline of `rotate`: a signing key's four steps, as AWS's own rotation templates do them, with boto3.

Each step describes the secret, reads the ledger, does its part and writes the ledger's record; the last one also tells `deploy`
and arranges a look at the readers. Clients are made while the module is imported; calls run one after another.
"""

import datetime
import json
import os
import secrets
import uuid

import boto3
from botocore.exceptions import ClientError

secrets_manager = boto3.client("secretsmanager")
dynamodb = boto3.client("dynamodb")
functions = boto3.client("lambda")
scheduler = boto3.client("scheduler")

POLICY = json.loads(os.environ["POLICY"])
TABLE = os.environ["NIGHTSHIFT_TABLE"]


def handler(event, context):
    now = datetime.datetime.now(datetime.timezone.utc)
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    secret = secrets_manager.describe_secret(SecretId=arn)
    stages = secret["VersionIdsToStages"]
    if not secret.get("RotationEnabled"):
        raise ValueError("rotation is not switched on for this secret")
    if token not in stages and step != "createSecret":
        raise ValueError("the secret has no such version")
    if "AWSCURRENT" in stages.get(token, []):
        return {"decision": "hold", "reason": "current_already", "steps": []}
    version, is_paused = read_record()
    if is_paused:
        raise RuntimeError("paused")
    done = STEPS[step](arn, token, stages)
    if step == "finishSecret":
        tell(arn, token, context, now)
    write_record(version, token, step, now)
    print(json.dumps({"level": "INFO", "message": f"{POLICY['secret']}: {step}", "steps": done}))
    return {"decision": "act" if done else "hold", "reason": step, "steps": done, "plan_id": str(uuid.uuid4())}


def create(arn, token, stages):
    current = value_of(arn, "AWSCURRENT")
    try:
        pending = secrets_manager.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
        if follows(json.loads(pending["SecretString"]), current):
            return []
        raise ValueError("there is another pending version")
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
    value = current | {"key": current["next_key"], "previous_key": current["key"], "next_key": secrets.token_hex(32)}
    secrets_manager.put_secret_value(
        SecretId=arn, ClientRequestToken=token, SecretString=json.dumps(value), VersionStages=["AWSPENDING"]
    )
    # What cannot be read again was not stored.
    if not follows(value_of(arn, "AWSPENDING", token), current):
        raise RuntimeError("the new value is not what was stored")
    return ["made a new value"]


def nothing_to_set(arn, token, stages):
    check(arn, token)
    return []


def test(arn, token, stages):
    check(arn, token)
    return []


def finish(arn, token, stages):
    check(arn, token)
    current = next(version for version, labels in stages.items() if "AWSCURRENT" in labels)
    secrets_manager.update_secret_version_stage(
        SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
    )
    labels = secrets_manager.describe_secret(SecretId=arn)["VersionIdsToStages"][token]
    if "AWSCURRENT" not in labels:
        raise RuntimeError("the label did not move")
    return ["made the new version current"]


STEPS = {"createSecret": create, "setSecret": nothing_to_set, "testSecret": test, "finishSecret": finish}


def check(arn, token):
    if not follows(value_of(arn, "AWSPENDING", token), value_of(arn, "AWSCURRENT")):
        raise ValueError("the pending version does not follow on the current one")


def follows(pending, current):
    return pending["key"] == current["next_key"] and pending["previous_key"] == current["key"]


def value_of(arn, stage, version=None):
    asked = {"SecretId": arn, "VersionStage": stage} | ({"VersionId": version} if version else {})
    return json.loads(secrets_manager.get_secret_value(**asked)["SecretString"])


def tell(arn, token, context, now):
    """`deploy` starts the readers anew; a look says later whether they are healthy."""
    payload = {"nightshift": "rotated", "system": POLICY["system"], "secret": arn, "version": token}
    told = functions.invoke(
        FunctionName=os.environ["NIGHTSHIFT_DEPLOY_FUNCTION"], InvocationType="Event", Payload=json.dumps(payload).encode()
    )
    # An answer that is not read costs the connection, and the next call a handshake.
    told["Payload"].read()
    again = now + datetime.timedelta(minutes=2)
    scheduler.create_schedule(
        Name=f"rotate-{token}",
        GroupName=os.environ["NIGHTSHIFT_SCHEDULE_GROUP"],
        ScheduleExpression=f"at({again:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target={
            "Arn": context.invoked_function_arn,
            "RoleArn": os.environ["NIGHTSHIFT_SCHEDULE_ROLE_ARN"],
            "Input": json.dumps({"nightshift": "recheck", "secret": arn}),
        },
    )


def read_record():
    keys = [record_key(), {"pk": {"S": "pause"}, "sk": {"S": f"system#{POLICY['system']}"}}]
    answer = dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": keys, "ConsistentRead": True}})
    items = {item["pk"]["S"]: item for item in answer["Responses"].get(TABLE, [])}
    record = items.get(record_key()["pk"]["S"], {})
    return int(record.get("version", {"N": "0"})["N"]), "pause" in items


def write_record(seen_version, token, step, now):
    """Writes the record if nobody has written it since it was read."""
    item = record_key() | {
        "version": {"N": str(seen_version + 1)},
        "rotation": {"S": json.dumps({"version": token, "step": step, "at": now.isoformat()})},
    }
    dynamodb.put_item(
        TableName=TABLE,
        Item=item,
        ConditionExpression="attribute_not_exists(version) OR version = :seen",
        ExpressionAttributeValues={":seen": {"N": str(seen_version)}},
    )


def record_key():
    return {"pk": {"S": f"rotation#{POLICY['system']}"}, "sk": {"S": POLICY["secret"]}}
