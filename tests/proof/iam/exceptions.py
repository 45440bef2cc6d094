"""What the recorded calls do not show, and where a role may name everything: each with its reason.

An entry that is seen after all, or that no role has any more, fails the check.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unseen:
    """Actions of a statement that no recorded call needs; without actions, all of the statement's."""

    functions: tuple[str, ...]
    sid: str
    because: str
    actions: tuple[str, ...] = ()


EVERYONE = ("scale", "deploy", "approve", "rotate")

UNSEEN = (
    Unseen(EVERYONE, "KeepFailures", "Lambda itself sends failed events to their destination, with the function's role"),
    Unseen(EVERYONE, "WriteLogs", "Lambda itself writes the function's output to its log group, with the function's role"),
    Unseen(EVERYONE, "Trace", "Lambda's X-Ray daemon sends the segments, with the function's role"),
    Unseen(
        ("deploy",),
        "ReadServiceRevisions",
        "a fallback, should ECS ever give a deployment and its service revision different numbers: the adapter's tests make the call",
    ),
    Unseen(
        ("deploy",),
        "InvalidateFrontEnds",
        "the local AWS ends an invalidation with the call that makes it, so that none is followed: the adapter's tests make the call",
        ("cloudfront:GetInvalidation",),
    ),
    Unseen(("rotate",), "UseSecretKeys", "Secrets Manager uses the key in the caller's name: no request of the function's own"),
    Unseen(
        ("rotate",),
        "RotateCaches",
        "the local AWS's ElastiCache keeps no passwords to rotate: the adapter's tests on recorded answers make these calls",
    ),
    Unseen(("rotate",), "LetLambdaKeepInterfaces", "Lambda itself makes the network interfaces, with the function's role"),
    Unseen(("rotate",), "KeepInterfacesFromCode", "a denial: no call of ours may meet it"),
)


@dataclass(frozen=True)
class Everything:
    """An action that is allowed on "*" although the reference gives it a resource type."""

    action: str
    because: str
    page: str


EVERYTHING = (
    Everything(
        "cloudwatch:DescribeAlarms",
        "with anything narrower composite alarms are left out",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html",
    ),
    Everything(
        "cloudwatch:GetMetricData",
        "metrics are no resources; a dataset, which is one, is never asked for",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/permissions-reference-cw.html",
    ),
    Everything(
        "ecs:ListTasks",
        "its type is the container instance; without one, as with Fargate, ECS asks for *",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html",
    ),
    Everything(
        "ec2:RunInstances",
        "subnets, images, volumes and more that only the launch template names; the condition holds it to launch templates",
        "https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html",
    ),
    *(
        Everything(
            f"ec2:{name}",
            "Lambda asks for it in this form before there is an interface",
            "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
        )
        for name in ("AssignPrivateIpAddresses", "CreateNetworkInterface", "DeleteNetworkInterface", "UnassignPrivateIpAddresses")
    ),
)

# Actions that the reference gives no resource type, and which are allowed on something narrower all the same.
NARROWER = {
    "logs:DescribeLogGroups": "CloudWatch Logs asks for arn:aws:logs:<region>:<account>:log-group::log-stream: and says so where it denies",
}
