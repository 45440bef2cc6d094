"""Which calls one look makes, read off the code; the tables of computations and simulation both stand on these.

A look is a list of rounds: the calls of one round go out together, the next round begins when the last of them has answered.
"""

from collections import Counter

Look = list[list[str]]

# functions/scale/src/observe.rs: alarms, metrics, the service, who else scales it, the ledger. An Auto Scaling group has three
# Describe calls of EC2 Auto Scaling in place of the two in the middle; their limits are not published.
OBSERVE = [
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "ecs:DescribeServices",
    "application-autoscaling:DescribeScalableTargets",
    "dynamodb:BatchGetItem",
]

# functions/scale: nothing to do.
SCALE_QUIET: Look = [OBSERVE]

# functions/scale/src/{act,record}.rs: lease and last look, the step, the next look, the record, then history and a notice.
SCALE_STEP: Look = [
    OBSERVE,
    ["dynamodb:PutItem", "ecs:DescribeServices"],
    ["ecs:UpdateService"],
    ["scheduler:CreateSchedule"],
    ["dynamodb:PutItem"],
    ["dynamodb:PutItem", "sns:Publish"],
]

# The same event once more, by the other way: the record says so; one line of history.
SCALE_DUPLICATE: Look = [OBSERVE, ["dynamodb:PutItem"]]

# The alarm is back at OK, or a later look finds that: the record and a line of history.
SCALE_NOTE: Look = [OBSERVE, ["dynamodb:PutItem"], ["dynamodb:PutItem"]]

# Something could not be read: a look a minute later is arranged and noted.
SCALE_UNREAD: Look = [["scheduler:CreateSchedule"], ["dynamodb:PutItem"], ["dynamodb:PutItem"]]

# functions/deploy/src/observe.rs, first(): the book and the repository, which is read whole (1,000 images to a page).
DEPLOY_QUIET: Look = [["dynamodb:BatchGetItem", "ecr:DescribeImages"]]

# Of a release, the look that makes the revision and rolls it out: book; blueprint (shared/aws/src/targets/definitions.rs) with
# the lease; the revision; the book; the service as it is and UpdateService; the book, the next look, history and notice.
DEPLOY_START: Look = [
    ["dynamodb:BatchGetItem"],
    ["ecs:DescribeServices", "dynamodb:PutItem"],
    ["ecs:DescribeTaskDefinition", "ecs:DescribeTaskDefinition"],
    ["ecs:RegisterTaskDefinition"],
    ["dynamodb:PutItem"],
    ["ecs:DescribeServices"],
    ["ecs:UpdateService"],
    ["scheduler:CreateSchedule"],
    ["dynamodb:PutItem"],
    ["dynamodb:PutItem", "sns:Publish"],
]

# Who reads a secret stands in the task definition: the service, then its running and its newest definition.
READS_SECRET: Look = [["ecs:DescribeServices"], ["ecs:DescribeTaskDefinition", "ecs:DescribeTaskDefinition"]]

# Which token bucket a call draws from; what is not here has no published rate, or one that is far off.
BUCKETS = {
    "cloudwatch:DescribeAlarms": "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData": "cloudwatch:GetMetricData",
    "ecs:DescribeServices": "ecs:service-read",
    "ecs:UpdateService": "ecs:service-modify",
    "ecs:DescribeTaskDefinition": "ecs:definition-read",
    "ecs:RegisterTaskDefinition": "ecs:definition-modify",
    "scheduler:CreateSchedule": "scheduler:CreateSchedule",
    "sns:Publish": "sns:Publish",
}

# A BatchGetItem of `scale` reads the record, the override and three pauses (shared/aws/src/dynamodb.rs), each at least one
# read unit, whether it exists or not; of `deploy` the book and the three pauses. All pauses have one partition key.
READ_ITEMS = {"scale": 5, "deploy": 4, "rotate": 3}
PAUSE_ITEMS_A_LOOK = 3


def count(look: Look) -> Counter:
    """How often each call is made."""
    return Counter(call for together in look for call in together)


def serial_seconds(look: Look, latency_s: dict[str, float]) -> float:
    """How long it takes, each round as long as its slowest call."""
    return sum(max(latency_s[call] for call in together) for together in look)
