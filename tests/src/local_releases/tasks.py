"""ECS: service deployments that take a moment, succeed, fail, roll back and can be stopped; and task definitions that
CloudFormation makes as the API shows them.
"""

import json
import time

from ministack.core.responses import error_response_json, json_response, now_iso
from ministack.services import ecs
from ministack.services.cloudformation import provisioners

from . import instances
from .common import emit, later, set_fate, settle

BREAKER = "ECS deployment circuit breaker: tasks failed to start."


def service_arn(svc, kind, deployment_id):
    number = deployment_id.rsplit("/", 1)[-1]
    return svc["serviceArn"].replace(":service/", f":{kind}/", 1) + f"/{number}"


def revision_of(svc, deployment_id, definition):
    """A service revision's ARN: each deployment has its own, with the deployment's number."""
    arn = service_arn(svc, "service-revision", deployment_id)
    svc.setdefault("_revisions", {})[arn] = definition
    return arn


def update_service(original):
    """What UpdateService begins is IN_PROGRESS first; MiniStack alone has it COMPLETED at once."""

    def update(data):
        svc = find_service(data)
        before = (svc["deployments"][0]["id"], svc["taskDefinition"]) if svc else None
        answer = original(data)
        if svc and answer[0] == 200 and svc["deployments"][0]["id"] != before[0]:
            begin_deployment(svc, *before)
        # An update that changes nothing else leaves the roll-out that is under way as it is.
        for deployment in (svc or {}).get("_service_deployments", []):
            if deployment["status"] == "IN_PROGRESS":
                deployment["_primary"]["rolloutState"] = "IN_PROGRESS"
        return json_response({"service": service_view(svc)}) if svc and answer[0] == 200 else answer

    return update


def find_service(data):
    cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
    named = ecs._resolve_service_ref(data.get("service", ""))
    return ecs._services.get(f"{cluster}/{named[0]}") if cluster and named else None


def begin_deployment(svc, source_id, source):
    primary, now = svc["deployments"][0], time.time()
    primary["rolloutState"], primary["rolloutStateReason"] = "IN_PROGRESS", f"ECS deployment {primary['id']} in progress."
    deployment = {
        "serviceDeploymentArn": service_arn(svc, "service-deployment", primary["id"]),
        "serviceArn": svc["serviceArn"], "clusterArn": svc["clusterArn"], "status": "IN_PROGRESS",
        "createdAt": now, "startedAt": now, "updatedAt": now, "deploymentConfiguration": svc["deploymentConfiguration"],
        "deploymentCircuitBreaker": {"status": "MONITORING", "failureCount": 0, "threshold": 3},
        "sourceServiceRevisions": [counted(svc, revision_of(svc, source_id, source), 0)],
        "targetServiceRevision": counted(svc, revision_of(svc, primary["id"], svc["taskDefinition"]), svc["desiredCount"]),
        "_primary": primary, "_source": source,
    }
    svc.setdefault("_service_deployments", []).insert(0, deployment)
    tell_deployment(svc, primary, "INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS", primary["rolloutStateReason"])
    target = f"{svc['clusterArn'].rsplit('/', 1)[-1]}/{svc['serviceName']}"
    later(lambda: settle(target, lambda: deployment["status"] == "IN_PROGRESS", lambda fate: end_deployment(svc, deployment, fate)))


def counted(svc, revision, running):
    return {"arn": revision, "requestedTaskCount": svc["desiredCount"], "runningTaskCount": running, "pendingTaskCount": 0}


def end_deployment(svc, deployment, fate, reason=BREAKER):
    primary, now = deployment["_primary"], time.time()
    deployment["finishedAt"] = deployment["updatedAt"] = now
    if fate == "succeed":
        deployment["status"], primary["rolloutState"] = "SUCCESSFUL", "COMPLETED"
        primary["rolloutStateReason"] = f"ECS deployment {primary['id']} completed."
        drain_old_tasks(svc)
        tell_deployment(svc, primary, "INFO", "SERVICE_DEPLOYMENT_COMPLETED", primary["rolloutStateReason"])
        return
    deployment["status"], deployment["statusReason"] = "STOPPED", reason
    if reason == BREAKER:
        deployment["deploymentCircuitBreaker"] = {"status": "TRIGGERED", "failureCount": 3, "threshold": 3}
    primary["rolloutState"], primary["rolloutStateReason"], primary["failedTasks"] = "FAILED", reason, 3
    if fate == "roll_back":
        back = deployment["sourceServiceRevisions"][0]["arn"]
        deployment["status"], deployment["rollback"] = "ROLLBACK_SUCCESSFUL", {"reason": reason, "startedAt": now, "serviceRevisionArn": back}
        ecs._update_service({"cluster": svc["clusterArn"], "service": svc["serviceName"], "taskDefinition": deployment["_source"], "forceNewDeployment": True})
    # Sent with the circuit breaker or alarms only; a roll back shows nowhere but in the reason (ECS developer guide).
    tell_deployment(svc, primary, "ERROR", "SERVICE_DEPLOYMENT_FAILED", reason)


def drain_old_tasks(svc):
    """MiniStack leaves old tasks running where maximumPercent had not left room for all new ones beside them: the first pass
    stops them, the second one starts what is missing."""
    cluster = svc["clusterArn"].rsplit("/", 1)[-1]
    for _ in range(2):
        ecs._reconcile_service_tasks(cluster, f"{cluster}/{svc['serviceName']}")
    ecs._refresh_service_state(cluster, f"service:{svc['serviceName']}")


def tell_deployment(svc, primary, event_type, name, reason):
    detail = {"eventType": event_type, "eventName": name, "deploymentId": primary["id"], "updatedAt": now_iso(), "reason": reason}
    emit("aws.ecs", "ECS Deployment State Change", [svc["serviceArn"]], detail)


def service_view(svc):
    view = ecs._sanitize(svc)
    deployments = svc.get("_service_deployments") or []
    if deployments:
        view["currentServiceDeployment"] = deployments[0]["serviceDeploymentArn"]
    now = svc["deployments"][0]["id"]
    view["currentServiceRevisions"] = [counted(svc, revision_of(svc, now, svc["taskDefinition"]), svc["runningCount"])]
    return view


def describe_services(original):
    def describe(data):
        status, headers, body = original(data)
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
        for view in answer["services"]:
            svc = next(svc for svc in ecs._services.values() if svc["serviceArn"] == view["serviceArn"])
            view.update({name: value for name, value in service_view(svc).items() if name.startswith("currentService")})
            # MiniStack starts tasks wherever; on full instances ECS would not have started those.
            view["runningCount"] = min(view["runningCount"], svc.get("_room", view["runningCount"]))
        return json_response(answer)

    return describe


def all_deployments():
    return [deployment for svc in ecs._services.values() for deployment in svc.get("_service_deployments", [])]


def list_deployments(data):
    svc = find_service(data)
    if svc is None:
        return error_response_json("ServiceNotFoundException", "Service not found.", 400)
    wanted = data.get("status") or []
    fields = ("serviceDeploymentArn", "serviceArn", "clusterArn", "startedAt", "createdAt", "finishedAt", "status", "statusReason")
    found = [deployment for deployment in svc.get("_service_deployments", []) if not wanted or deployment["status"] in wanted]
    brief = [{name: deployment[name] for name in fields if name in deployment} | {"targetServiceRevisionArn": deployment["targetServiceRevision"]["arn"]} for deployment in found]
    return json_response({"serviceDeployments": brief})


def found_and_missing(name, known, wanted):
    """Batch reads answer what is there, and name what is not among the failures."""
    failures = [{"arn": arn, "reason": "MISSING"} for arn in wanted if arn not in known]
    return json_response({name: [known[arn] for arn in wanted if arn in known], "failures": failures})


def describe_deployments(data):
    known = {deployment["serviceDeploymentArn"]: ecs._sanitize(deployment) for deployment in all_deployments()}
    return found_and_missing("serviceDeployments", known, data.get("serviceDeploymentArns", []))


def describe_revisions(data):
    known = {}
    for svc in ecs._services.values():
        for arn, definition in svc.get("_revisions", {}).items():
            known[arn] = {"serviceRevisionArn": arn, "serviceArn": svc["serviceArn"], "clusterArn": svc["clusterArn"], "taskDefinition": definition}
    return found_and_missing("serviceRevisions", known, data.get("serviceRevisionArns", []))


def stop_deployment(data):
    """Rolls back, as is the default of stopType, or leaves everything as it is (ABORT)."""
    arn = data.get("serviceDeploymentArn", "")
    for svc in ecs._services.values():
        for deployment in svc.get("_service_deployments", []):
            if deployment["serviceDeploymentArn"] != arn:
                continue
            if deployment["status"] != "IN_PROGRESS":
                return error_response_json("ConflictException", "The service deployment is not in progress.", 400)
            fate = "fail" if data.get("stopType") == "ABORT" else "roll_back"
            end_deployment(svc, deployment, fate, "Service deployment was stopped by a request.")
            return json_response({"serviceDeploymentArn": arn})
    return error_response_json("ServiceDeploymentNotFoundException", "The service deployment was not found.", 400)


def set_rollout_fate(data):
    """For tests: how the next roll-out ends, or the one that hangs."""
    if data.get("group"):
        set_fate(data["group"], data["fate"])
        instances.settle_active(data["group"])
        return json_response({})
    target = f"{data['cluster']}/{data['service']}"
    set_fate(target, data["fate"], data.get("stays", False))
    svc = ecs._services.get(target)
    for deployment in (svc or {}).get("_service_deployments", []):
        settle(target, lambda: deployment["status"] == "IN_PROGRESS", lambda fate: end_deployment(svc, deployment, fate))
    return json_response({})


def set_task_room(data):
    """For tests: no more than so many tasks of the service find a place."""
    ecs._services[f"{data['cluster']}/{data['service']}"]["_room"] = data["room"]
    return json_response({})


def lower_keys(value, key=""):
    """Lower-cases members' first letters, but not the keys that people choose."""
    if isinstance(value, list):
        return [lower_keys(item, key) for item in value]
    if isinstance(value, dict):
        chosen = key in ("options", "dockerLabels")
        return {name if chosen else (lowered := name[:1].lower() + name[1:]): lower_keys(item, "" if chosen else lowered) for name, item in value.items()}
    return value


def install():
    actions = ecs._ACTION_MAP
    actions["UpdateService"] = update_service(actions["UpdateService"])
    actions["DescribeServices"] = describe_services(actions["DescribeServices"])
    actions.update(ListServiceDeployments=list_deployments, DescribeServiceDeployments=describe_deployments, SetRolloutFate=set_rollout_fate, SetTaskRoom=set_task_room)
    actions.update(DescribeServiceRevisions=describe_revisions, StopServiceDeployment=stop_deployment)
    # MiniStack leaves secrets, health checks and other nested members of a stack's definitions in capitals.
    provisioners._normalize_container_defs = lower_keys
