"""Secrets Manager as rotations need it, where MiniStack does otherwise: put in the place of MiniStack's own.

RotateSecret makes a version with the label AWSPENDING and no value, as Secrets Manager does; MiniStack makes a copy of the
current version current. Neither calls the rotation function here: the harness does that in Secrets Manager's stead
(see rotation.rs). A label is on one version, a version has one value, and one without a value cannot be read.
"""

import time

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import secretsmanager

PENDING = "AWSPENDING"


def rotate(original):
    def begin(data):
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        if not secret or secret.get("DeletedDate") or secretsmanager._is_replica(secret):
            return original(data)
        under_way = [version for version in secret["Versions"].values() if PENDING in version["Stages"] and "AWSCURRENT" not in version["Stages"]]
        if under_way and data.get("RotateImmediately", True):
            return error_response_json("InvalidRequestException", "A previous rotation isn't complete. That rotation will be reattempted.", 400)
        for name in ("RotationLambdaARN", "RotationRules"):
            secret[name] = data.get(name) or secret.get(name)
        if not secret["RotationLambdaARN"]:
            return error_response_json("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.", 400)
        secret["RotationEnabled"] = True
        answer = {"ARN": secret["ARN"], "Name": secret["Name"]}
        if data.get("RotateImmediately", True):
            answer["VersionId"] = data.get("ClientRequestToken") or new_uuid()
            secretsmanager._remove_stage_everywhere(secret, PENDING)
            version = {"SecretString": None, "SecretBinary": None, "CreatedDate": int(time.time()), "Stages": [PENDING]}
            secret["Versions"][answer["VersionId"]] = version
        return json_response(answer)

    return begin


def put_value(original):
    def put(data):
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        token = data.get("ClientRequestToken")
        there = secret["Versions"].get(token) if secret else None
        if there and there["SecretString"] is not None:
            if there["SecretString"] != data.get("SecretString"):
                return error_response_json("ResourceExistsException", "The version exists already, with another value.", 400)
            return json_response({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token, "VersionStages": there["Stages"]})
        answer = original(data)
        if secret and answer[0] == 200 and PENDING in data.get("VersionStages", []):
            secretsmanager._remove_stage_everywhere(secret, PENDING, except_version_id=token)
        return answer

    return put


def get_value(original):
    def get(data):
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        if secret and not secret.get("DeletedDate"):
            version = secret["Versions"].get(data.get("VersionId"))
            if not data.get("VersionId"):
                _, version = secretsmanager._find_stage_version(secret, data.get("VersionStage", "AWSCURRENT"))
            if version and version["SecretString"] is None and version.get("SecretBinary") is None:
                words = "Secrets Manager can't find the specified secret value for this version."
                return error_response_json("ResourceNotFoundException", words, 400)
        return original(data)

    return get


def install():
    secretsmanager._rotate_secret = rotate(secretsmanager._rotate_secret)
    secretsmanager._put_secret_value = put_value(secretsmanager._put_secret_value)
    secretsmanager._get_secret_value = get_value(secretsmanager._get_secret_value)
