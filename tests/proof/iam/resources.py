"""From one understood request to what AWS asks IAM about it: actions, resources, and the context that our policies look at.

After the Service Authorization Reference's pages of each service; where another page says more, it stands at the function.
An operation that is not in the table is an error. Must never name a resource that the request does not mean: what a request
leaves open (a random suffix, an id behind a name) is a stand-in that only a wildcard matches.
"""

from collections.abc import Callable
from dataclasses import dataclass

from harness.wire import Asked

from .evaluate import Check

# The six characters after a secret's name, and ids that only AWS knows.
SUFFIX, SOME_ID = "??????", "some-id"
# The role in the instance profile of a launch template, which the request does not tell.
INSTANCE_ROLE = "proof-instances"


class UnknownOperation(Exception):
    """An operation of which is not known here what AWS asks."""


@dataclass(frozen=True)
class Place:
    """Where a request is answered, and the whole ARNs that the stack's parameters tell."""

    account: str
    region: str
    known: tuple[str, ...] = ()

    def arn(self, service: str, rest: str, region: str | None = None) -> str:
        return f"arn:aws:{service}:{self.region if region is None else region}:{self.account}:{rest}"

    def named(self, service: str, kind: str, name: str) -> str:
        """`name` may be an ARN already."""
        return name if name.startswith("arn:") else self.arn(service, f"{kind}{name}")


def checks(asked: Asked, account: str, known: tuple[str, ...] = ()) -> list[Check]:
    """Everything that has to be allowed for the request. `known` are ARNs of secrets, which a request may name by their names."""
    handler = _TABLE.get(asked.name)
    if handler is None:
        raise UnknownOperation(asked.name)
    own = ACTIONS.get(asked.name, asked.name)
    found = handler(asked.params, Place(account, asked.region, known))
    return [Check(check.action or own, check.resource, check.context) for check in found]


# Where the action is not named as the operation (Lambda's page: "InvokeFunction ... the API operation Invoke").
ACTIONS = {"lambda:Invoke": "lambda:InvokeFunction"}


def _own(resource: str, **context: str | list[str]) -> Check:
    """A check of the operation's own action. Keys are written with a double underscore for the colon."""
    return _other("", resource, **context)


def _other(action: str, resource: str, **context: str | list[str]) -> Check:
    pairs = ((key.replace("__", ":"), (value,) if isinstance(value, str) else tuple(value)) for key, value in context.items())
    return Check(action, resource, tuple(pairs))


def _everything(params: dict, place: Place) -> list[Check]:
    return [_own("*")]


def _pass_role(role: str, service: str, place: Place) -> Check:
    """IAM user guide, "Grant a user permissions to pass a role to an AWS service"."""
    arn = role if role.startswith("arn:") else place.arn("iam", f"role/{role}", region="")
    return _other("iam:PassRole", arn, iam__PassedToService=service)


# ---- ECS ------------------------------------------------------------------------------------------------------------------
def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _in_cluster(kind: str, member: str) -> Callable[[dict, Place], list[Check]]:
    """ARNs of things in a cluster, which may be named by their ARN or their last part."""

    def find(params: dict, place: Place) -> list[Check]:
        cluster, named = _last(params.get("cluster", "default")), params[member]
        names = named if isinstance(named, list) else [named]
        return [_own(place.named("ecs", f"{kind}/{cluster}/", name)) for name in names]

    return find


def _cluster(params: dict, place: Place) -> list[Check]:
    return [_own(place.named("ecs", "cluster/", params.get("cluster", "default")))]


def _of_service(kind: str, member: str) -> Callable[[dict, Place], list[Check]]:
    """The reference requires the service beside the deployment or revision; so does the ECS developer guide's "Permissions
    required for viewing Amazon ECS service deployments"."""

    def find(params: dict, place: Place) -> list[Check]:
        named = params[member]
        arns = named if isinstance(named, list) else [named]
        services = [arn.replace(f":{kind}/", ":service/").rpartition("/")[0] for arn in arns]
        return [_own(resource) for resource in dict.fromkeys(arns + services)]

    return find


def _list_tasks(params: dict, place: Place) -> list[Check]:
    """Without a container instance ECS asks for "*": that is the resource its denials name."""
    instance = params.get("containerInstance")
    cluster = _last(params.get("cluster", "default"))
    return [_own(place.named("ecs", f"container-instance/{cluster}/", instance) if instance else "*")]


def _register(params: dict, place: Place) -> list[Check]:
    """The roles are handed over, and tags on creation are an action of their own (ECS developer guide, "Grant permission to tag
    resources during creation")."""
    revision = place.arn("ecs", f"task-definition/{params['family']}:{SOME_ID}")
    found = [_own(revision)]
    roles = dict.fromkeys(params[member] for member in ("taskRoleArn", "executionRoleArn") if params.get(member))
    found += [_pass_role(role, "ecs-tasks.amazonaws.com", place) for role in roles]
    if params.get("tags"):
        found.append(_other("ecs:TagResource", revision, ecs__CreateAction="RegisterTaskDefinition"))
    return found


# ---- EC2 and Auto Scaling -------------------------------------------------------------------------------------------------
def _group(params: dict, place: Place) -> list[Check]:
    return [_own(place.arn("autoscaling", f"autoScalingGroup:{SOME_ID}:autoScalingGroupName/{params['AutoScalingGroupName']}"))]


def _start_refresh(params: dict, place: Place) -> list[Check]:
    """Auto Scaling user guide, "Control Amazon EC2 launch template usage": whoever names a template has to be able to launch what
    it says, with its tags and its instance profile's role. What it says only AWS knows: one of each is asked for."""
    template = params.get("DesiredConfiguration", {}).get("LaunchTemplate")
    if not template:
        return _group(params, place)
    arn = place.arn("ec2", f"launch-template/{template.get('LaunchTemplateId', SOME_ID)}")
    image = f"arn:aws:ec2:{place.region}::image/{SOME_ID}"
    kinds = ("instance", "network-interface", "security-group", "subnet", "volume")
    launched = [arn, image, *(place.arn("ec2", f"{kind}/{SOME_ID}") for kind in kinds)]
    tagged = [place.arn("ec2", f"{kind}/{SOME_ID}") for kind in ("instance", "volume")]
    return [
        *_group(params, place),
        *(_other("ec2:RunInstances", resource, ec2__LaunchTemplate=arn) for resource in launched),
        *(_other("ec2:CreateTags", resource, ec2__CreateAction="RunInstances") for resource in tagged),
        _pass_role(INSTANCE_ROLE, "ec2.amazonaws.com", place),
    ]


def _make_version(params: dict, place: Place) -> list[Check]:
    return [_own(place.arn("ec2", f"launch-template/{params.get('LaunchTemplateId', SOME_ID)}"))]


def _read_versions(params: dict, place: Place) -> list[Check]:
    """ResolveAlias reads the parameters that the template names in the caller's name."""
    parameter = _other("ssm:GetParameters", place.arn("ssm", f"parameter/{SOME_ID}"))
    return [_own("*"), *([parameter] if params.get("ResolveAlias") else [])]


# ---- the rest, by service -------------------------------------------------------------------------------------------------
def _one(service: str, kind: str, member: str, region: str | None = None) -> Callable[[dict, Place], list[Check]]:
    """One or several resources that one member names."""

    def find(params: dict, place: Place) -> list[Check]:
        named = params[member]
        names = list(named) if isinstance(named, (list, dict)) else [named]
        return [_own(name if name.startswith("arn:") else place.arn(service, f"{kind}{name}", region)) for name in names]

    return find


def _repository(params: dict, place: Place) -> list[Check]:
    account = params.get("registryId", place.account)
    return [_own(Place(account, place.region).arn("ecr", f"repository/{params['repositoryName']}"))]


def _scan(params: dict, place: Place) -> list[Check]:
    """With enhanced scanning ECR asks Inspector in the caller's name (ECR user guide, "Required IAM permissions" of enhanced
    scanning); whether a registry has it the request does not tell."""
    return [*_repository(params, place), _other("inspector2:ListCoverage", "*"), _other("inspector2:ListFindings", "*")]


def _schedule(params: dict, place: Place) -> list[Check]:
    name = f"schedule/{params.get('GroupName', 'default')}/{params['Name']}"
    return [_own(place.arn("scheduler", name)), _pass_role(params["Target"]["RoleArn"], "scheduler.amazonaws.com", place)]


def _secret(params: dict, place: Place) -> list[Check]:
    """A secret may be named by its name, its ARN, or its ARN without the six characters, which a parameter may tell."""
    named = params["SecretId"]
    if named.startswith("arn:") and len(named.rpartition("-")[2]) == len(SUFFIX):
        return [_own(named)]
    stem = named if named.startswith("arn:") else place.arn("secretsmanager", f"secret:{named}")
    whole = [arn for arn in place.known if arn.rpartition("-")[0] == stem]
    return [_own(whole[0] if whole else f"{stem}-{SUFFIX}")]


def _parameters(params: dict, place: Place) -> list[Check]:
    return [_own(place.named("ssm", "parameter/", name if name.startswith("arn:") else name.lstrip("/"))) for name in params["Names"]]


def _topic(params: dict, place: Place) -> list[Check]:
    return [_own(params.get("TopicArn") or params["TargetArn"])]


def _function(params: dict, place: Place) -> list[Check]:
    """A function may be named by its name, its ARN, or part of it, each with a version."""
    named = params["FunctionName"]
    return [_own(named if named.startswith("arn:") else place.arn("lambda", f"function:{named.rpartition('function:')[2]}"))]


def _put_events(params: dict, place: Place) -> list[Check]:
    """EventBridge user guide, "Using IAM policy conditions": the keys of a call's entries."""
    buses: dict[str, list[dict]] = {}
    for entry in params["Entries"]:
        buses.setdefault(place.named("events", "event-bus/", entry.get("EventBusName", "default")), []).append(entry)
    keys = {"events__source": "Source", "events__detail-type": "DetailType"}
    return [
        _own(bus, **{key: list(dict.fromkeys(entry[member] for entry in entries if member in entry)) for key, member in keys.items()})
        for bus, entries in buses.items()
    ]


def _pipeline(params: dict, place: Place) -> list[Check]:
    return [_own(place.arn("codepipeline", f"{params['pipelineName']}/{params['stageName']}/{params['actionName']}"))]


def _log_groups(params: dict, place: Place) -> list[Check]:
    """The reference has no resource; what CloudWatch Logs names when it denies the call is a log group without a name."""
    return [_own(place.arn("logs", "log-group::log-stream:"))]


def _everything_of(kind: str, member: str) -> Callable[[dict, Place], list[Check]]:
    """ElastiCache: a Describe that names one thing asks for it, one that names none for all of its kind."""

    def find(params: dict, place: Place) -> list[Check]:
        return [_own(place.arn("elasticache", f"{kind}:{params.get(member, '*')}"))]

    return find


_TABLE: dict[str, Callable[[dict, Place], list[Check]]] = {
    "application-autoscaling:DescribeScalableTargets": _everything,
    "autoscaling:DescribeAutoScalingGroups": _everything,
    "autoscaling:DescribeInstanceRefreshes": _everything,
    "autoscaling:DescribePolicies": _everything,
    "autoscaling:RollbackInstanceRefresh": _group,
    "autoscaling:SetDesiredCapacity": _group,
    "autoscaling:StartInstanceRefresh": _start_refresh,
    "cloudfront:CreateInvalidation": _one("cloudfront", "distribution/", "DistributionId", region=""),
    "cloudfront:GetInvalidation": _one("cloudfront", "distribution/", "DistributionId", region=""),
    # With anything narrower composite alarms are left out (CloudWatch API reference, DescribeAlarms).
    "cloudwatch:DescribeAlarms": _everything,
    "cloudwatch:GetMetricData": _everything,
    "codepipeline:PutApprovalResult": _pipeline,
    "dynamodb:BatchGetItem": _one("dynamodb", "table/", "RequestItems"),
    "dynamodb:PutItem": _one("dynamodb", "table/", "TableName"),
    "dynamodb:UpdateItem": _one("dynamodb", "table/", "TableName"),
    "ec2:CreateLaunchTemplateVersion": _make_version,
    "ec2:DescribeLaunchTemplateVersions": _read_versions,
    "ecr:BatchGetImage": _repository,
    "ecr:DescribeImageScanFindings": _scan,
    "ecr:DescribeImages": _repository,
    "ecs:DescribeContainerInstances": _in_cluster("container-instance", "containerInstances"),
    "ecs:DescribeServiceDeployments": _of_service("service-deployment", "serviceDeploymentArns"),
    "ecs:DescribeServiceRevisions": _of_service("service-revision", "serviceRevisionArns"),
    "ecs:DescribeServices": _in_cluster("service", "services"),
    "ecs:DescribeTaskDefinition": _everything,
    "ecs:DescribeTasks": _in_cluster("task", "tasks"),
    "ecs:ListContainerInstances": _cluster,
    "ecs:ListServiceDeployments": _in_cluster("service", "service"),
    "ecs:ListTasks": _list_tasks,
    "ecs:RegisterTaskDefinition": _register,
    "ecs:StopServiceDeployment": _of_service("service-deployment", "serviceDeploymentArn"),
    "ecs:UpdateService": _in_cluster("service", "service"),
    "elasticache:DescribeReplicationGroups": _everything_of("replicationgroup", "ReplicationGroupId"),
    "elasticache:DescribeUsers": _everything_of("user", "UserId"),
    "elasticache:ModifyReplicationGroup": _everything_of("replicationgroup", "ReplicationGroupId"),
    "elasticache:ModifyUser": _everything_of("user", "UserId"),
    "elasticloadbalancing:DescribeTargetGroups": _everything,
    "events:PutEvents": _put_events,
    "iam:GetInstanceProfile": _one("iam", "instance-profile/", "InstanceProfileName", region=""),
    "iam:GetRole": _one("iam", "role/", "RoleName", region=""),
    "lambda:GetFunctionUrlConfig": _function,
    "lambda:Invoke": _function,
    "logs:DescribeLogGroups": _log_groups,
    "scheduler:CreateSchedule": _schedule,
    "secretsmanager:DescribeSecret": _secret,
    "secretsmanager:GetSecretValue": _secret,
    "secretsmanager:PutSecretValue": _secret,
    "secretsmanager:UpdateSecretVersionStage": _secret,
    "sns:Publish": _topic,
    "ssm:GetParameters": _parameters,
}
