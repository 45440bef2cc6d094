"""ECR: tells EventBridge of pushes and scans, and knows what scans have found."""

import json

from ministack.core.responses import error_response_json, get_account_id, json_response
from ministack.services import ecr

from .common import emit, later, scope

# (account, region, repository) -> how long ago the pushes happened of which EventBridge does not hear.
lost = {}


def put_image(original):
    """ECR tells of each push, with the tag if there is one (ECR user guide, "Amazon ECR events and EventBridge")."""

    def put(data):
        answer = original(data)
        if answer[0] != 200:
            return answer
        name = data["repositoryName"]
        digest = json.loads(answer[2])["image"]["imageId"]["imageDigest"]
        image = ecr._find_image(name, {"imageDigest": digest})
        if (*scope(), name) in lost:
            # Best effort means that an event may never come.
            image["imagePushedAt"] -= lost[(*scope(), name)]
            image["_scan"] = {"status": "COMPLETE", "imageScanFindings": {}}
            return answer
        detail = {"action-type": "PUSH", "result": "SUCCESS", "repository-name": name, "image-digest": digest}
        if data.get("imageTag"):
            detail["image-tag"] = data["imageTag"]
        emit("aws.ecr", "ECR Image Action", [], detail)
        if ecr._repositories[name]["imageScanningConfiguration"].get("scanOnPush") and "_scan" not in image:
            image["_scan"] = {"status": "IN_PROGRESS", "imageScanFindings": {}}
            later(lambda: finish_scan(name, image, {}, "COMPLETE"))
        return answer

    return put


def finish_scan(name, image, findings, status):
    if image.get("_scan", {}).get("status") not in (None, "IN_PROGRESS"):
        return
    image["_scan"] = {"status": status, "imageScanFindings": findings}
    if status == "IN_PROGRESS":
        return
    detail = {"scan-status": status, "repository-name": name, "image-digest": image["imageDigest"], "image-tags": image.get("imageTags", [])}
    # Severities without a finding are absent, as in ECR's events.
    detail["finding-severity-counts"] = findings.get("findingSeverityCounts", {})
    emit("aws.ecr", "ECR Image Scan", [ecr._repositories[name]["repositoryArn"]], detail)


def find_image(data, image_id):
    name = data.get("repositoryName", "")
    if name not in ecr._repositories:
        return None, error_response_json("RepositoryNotFoundException", f"The repository with name '{name}' does not exist", 400)
    image = ecr._find_image(name, image_id)
    if image is None:
        return None, error_response_json("ImageNotFoundException", f"The image with imageId {image_id} does not exist", 400)
    return image, None


def describe_scan(data):
    image, error = find_image(data, data.get("imageId", {}))
    if error:
        return error
    scan = image.get("_scan")
    if scan is None:
        return error_response_json("ScanNotFoundException", "Image scan does not exist for the image", 400)
    answer = {"registryId": get_account_id(), "repositoryName": data["repositoryName"], "imageId": image["imageId"]}
    answer["imageScanStatus"] = {"status": scan["status"], "description": ""}
    if scan["status"] in ("COMPLETE", "ACTIVE"):
        answer["imageScanFindings"] = {"findings": [], "findingSeverityCounts": {}, **scan["imageScanFindings"]}
    return json_response(answer)


def put_scan(data):
    """For tests: the scan ends so. IN_PROGRESS is one that does not end."""
    image, error = find_image(data, {"imageDigest": data.get("imageDigest"), "imageTag": data.get("imageTag")})
    if error:
        return error
    image["_scan"] = {"status": "IN_PROGRESS", "imageScanFindings": {}}
    finish_scan(data["repositoryName"], image, data.get("imageScanFindings", {}), data.get("status", "COMPLETE"))
    return json_response({})


def lose_pushes(data):
    """For tests: from now on nobody is told of pushes to the repository, and they are some seconds old."""
    lost[(*scope(), data["repositoryName"])] = data["secondsAgo"]
    return json_response({})


def describe_images(original):
    """An image that is not there is an error in ECR, and an empty list in MiniStack."""

    def describe(data):
        for image_id in data.get("imageIds") or []:
            _, error = find_image(data, image_id)
            if error:
                return error
        return original(data)

    return describe


def with_more_actions(original):
    more = {"DescribeImageScanFindings": describe_scan, "PutImageScanFindings": put_scan, "LosePushes": lose_pushes}

    async def handle(method, path, headers, body, query):
        action = headers.get("x-amz-target", "").split(".")[-1]
        if action in more:
            return more[action](json.loads(body or b"{}"))
        return await original(method, path, headers, body, query)

    return handle


def install():
    ecr.handle_request = with_more_actions(ecr.handle_request)
    ecr._put_image = put_image(ecr._put_image)
    ecr._describe_images = describe_images(ecr._describe_images)
