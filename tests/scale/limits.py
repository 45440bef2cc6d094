"""Where one stack first meets a limit of AWS: at how many services, what then happens, what then changes.

Computed from the calls of one look (calls.py), the product's constants (product.py) and the limits (assumptions.toml). An
estate like the examples is meant: as many alarms and secrets to a service as in systems/, all in one account and region.
"""

from dataclasses import dataclass

from assumptions import Assumptions, Limit
from calls import OBSERVE, PAUSE_ITEMS_A_LOOK, READS_SECRET, SCALE_STEP, count, serial_seconds
from product import Product

MINUTE = 60.0
# Answers take 0.8 to 1.6 of the assumed time in the simulation; the slowest of the reads that go out together about this.
STRETCH = 1.25
# What an answer has of one service (core's Outcome::to_answer), and of one in the layer: rounded up.
ANSWER_BYTES = 700


@dataclass(frozen=True)
class Met:
    """One limit."""

    what: str
    limit: str
    services: float
    when: str
    then: str
    change: str
    page: str


def met(told: Assumptions, facts: Product) -> list[Met]:
    """All of them, the nearest first."""
    return sorted(_of_ticks(told, facts) + _of_bursts(told, facts) + _of_steady_load(told, facts), key=lambda one: one.services)


def quiet_look_s(told: Assumptions) -> float:
    """How long one quiet look takes, when nothing is refused."""
    return STRETCH * serial_seconds([OBSERVE], told.latency_s)


def _of_ticks(told: Assumptions, facts: Product) -> list[Met]:
    alarms = told.buckets["cloudwatch:DescribeAlarms"]
    time_s = facts.timeout_s["scale"]
    share = 1 / facts.sweep_minutes
    by_quota = (alarms.burst + alarms.per_s * time_s) / share
    in_time = time_s / quiet_look_s(told)
    return [
        Met(
            "Lambda's time-out of a tick",
            f"{time_s} s",
            in_time / share,
            "each minute",
            "the last services of a minute are never swept",
            "read together; more stacks",
            "template.yaml; latencies assumed",
        ),
        Met(
            "DescribeAlarms in a tick",
            f"{alarms.per_s:g}/s",
            by_quota,
            "each minute",
            "looks end unread and are made again a minute later",
            "100 names a call; raise the quota",
            alarms.page,
        ),
    ]


def _in_a_minute(limit: Limit, calls: float) -> float:
    """How many services go through within a minute, with so many calls each."""
    return (limit.burst + limit.per_s * MINUTE) / calls


def _of_bursts(told: Assumptions, facts: Product) -> list[Met]:
    buckets = told.buckets
    definitions, modify = buckets["ecs:definition-read"], buckets["ecs:service-modify"]
    register, reads = buckets["ecs:definition-modify"], buckets["ecs:service-read"]
    partition, put = buckets["dynamodb:partition-read"], buckets["cloudwatch:PutMetricAlarm"]
    by_secret, step = count(READS_SECRET), count(SCALE_STEP)
    events, look_s = 2, serial_seconds(SCALE_STEP, told.latency_s)
    return [
        Met(
            "DescribeTaskDefinition by `rotate`",
            f"{definitions.burst:g}, then {definitions.per_s:g}/s",
            definitions.burst / by_secret["ecs:DescribeTaskDefinition"],
            "a secret is handed over; services of one system",
            "the look fails as a whole, and so does each later one",
            "a few at a time",
            definitions.page,
        ),
        Met(
            "RegisterTaskDefinition",
            f"{register.burst:g}, then {register.per_s:g}/s",
            _in_a_minute(register, 1),
            "all are pushed in a minute",
            "the rest begin at one a second, looking again each minute",
            "accounts",
            register.page,
        ),
        Met(
            "UpdateService",
            f"{modify.burst:g}, then {modify.per_s:g}/s",
            _in_a_minute(modify, 1),
            "all alarm in a minute",
            "the rest are scaled at five a second",
            "accounts; no pacing makes it faster",
            modify.page,
        ),
        Met(
            "DescribeServices in a storm",
            f"{reads.burst:g}, then {reads.per_s:g}/s",
            _in_a_minute(reads, events + step["ecs:DescribeServices"] - 1),
            "all alarm in a minute",
            "the look holds (unreadable) and comes again in a minute",
            "one way for alarms; a queue; read together",
            reads.page,
        ),
        Met(
            "Lambda concurrency",
            f"{told.limits['lambda_concurrency']:,}",
            told.limits["lambda_concurrency"] / events,
            "all alarm in one second",
            "Lambda queues events for up to an hour",
            "raise it; a queue",
            "Lambda quotas",
        ),
        Met(
            "pauses, one partition key",
            f"{partition.per_s:,.0f} read units/s",
            partition.per_s / PAUSE_ITEMS_A_LOOK / events,
            "all alarm in one second",
            "the ledger is unreadable: growing goes on, the rest waits",
            "spread the key; read pauses eventually consistent",
            partition.page,
        ),
        Met(
            "PutMetricAlarm by `alarms sync`",
            f"{put.per_s:g}/s",
            put.per_s * 900 * facts.fleet.services / facts.fleet.alarms,
            "first sync of all takes 15 minutes",
            "it goes on; nothing is lost",
            "stacks by system",
            put.page,
        ),
        Met(
            "Lambda concurrency",
            f"{told.limits['lambda_concurrency']:,}",
            told.limits["lambda_concurrency"] * MINUTE / events / look_s,
            "all alarm in a minute",
            "as above",
            "as above",
            "Lambda quotas",
        ),
    ]


def _of_steady_load(told: Assumptions, facts: Product) -> list[Met]:
    limits, does = told.limits, told.activity
    alarms, reads = told.buckets["cloudwatch:DescribeAlarms"], told.buckets["ecs:service-read"]
    metrics, labels = told.buckets["cloudwatch:GetMetricData"], told.buckets["secretsmanager:write"]
    a_look_each_s = 1 / (facts.sweep_minutes * MINUTE) + (3 + does["rechecks_a_cycle"]) * does["alarm_cycles_a_day"] / 86_400
    share = 1 / facts.sweep_minutes
    sweep_s = serial_seconds([["ecr:DescribeImages"]], told.latency_s)
    return [
        Met(
            "Auto Scaling groups",
            f"{limits['auto_scaling_groups']:,} a region",
            limits["auto_scaling_groups"],
            "each service on its own group",
            "no further group can be made",
            "raise it; accounts",
            "Quotas for Auto Scaling resources and groups",
        ),
        Met(
            "DescribeAlarms on average",
            f"{alarms.per_s:g}/s",
            alarms.per_s / a_look_each_s,
            "always",
            "everybody in the account who reads alarms is throttled",
            "100 names a call",
            alarms.page,
        ),
        Met(
            "Lambda's time-out of `deploy`'s sweep",
            f"{facts.timeout_s['deploy']} s",
            facts.timeout_s["deploy"] * facts.deploy_side_by_side / sweep_s,
            "every five minutes",
            "the last services of the list are never swept",
            "more side by side; stacks",
            "template.yaml; latencies assumed",
        ),
        Met(
            "DescribeServices on average",
            f"{reads.per_s:g}/s",
            reads.per_s / a_look_each_s,
            "always",
            "deployments and consoles are throttled too",
            "ten services a call",
            reads.page,
        ),
        Met(
            "Lambda's answer",
            f"{limits['lambda_response_bytes'] / 1e6:g} MB",
            limits["lambda_response_bytes"] / ANSWER_BYTES / share,
            "each minute",
            "the tick fails after its work is done",
            "a shorter answer",
            "Lambda quotas",
        ),
        Met(
            "GetMetricData",
            f"{metrics.per_s:g}/s",
            metrics.per_s / a_look_each_s,
            "always",
            "growing goes on by one, without the metric",
            "500 metrics a call",
            metrics.page,
        ),
        Met(
            "secrets' versions and labels",
            f"{labels.per_s:g}/s",
            labels.per_s * 3_600 / 4 * facts.fleet.services / facts.fleet.secrets,
            "all are rotated in one hour",
            "Secrets Manager tries again",
            "other hours",
            labels.page,
        ),
        Met(
            "EventBridge's invocations",
            f"{limits['eventbridge_invocations_per_s']:,}/s",
            limits["eventbridge_invocations_per_s"] * MINUTE,
            "all alarm in a minute",
            "events come later",
            "none needed",
            "Amazon EventBridge quotas",
        ),
        Met(
            "CreateSchedule",
            "5,000/s",
            told.buckets["scheduler:CreateSchedule"].per_s * MINUTE,
            "all alarm in a minute",
            "the next look is not arranged: Lambda tries again",
            "none needed",
            told.buckets["scheduler:CreateSchedule"].page,
        ),
        Met(
            "SNS's publish rate",
            "30,000/s",
            told.buckets["sns:Publish"].per_s * MINUTE,
            "all alarm in a minute",
            "a notice is lost, the history has it",
            "none needed",
            told.buckets["sns:Publish"].page,
        ),
    ]
