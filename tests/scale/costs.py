"""What one stack costs a month, line by line, from what its functions call and what AWS asks for it.

Everything is per stack, that is, per region. What the services themselves cost is no part of it, nor what a VPC for `rotate`
does (a NAT gateway or endpoints), nor data that leaves AWS.
"""

from dataclasses import dataclass

from assumptions import Assumptions
from calls import DEPLOY_QUIET, PAUSE_ITEMS_A_LOOK, READ_ITEMS, SCALE_NOTE, SCALE_QUIET, SCALE_STEP, serial_seconds
from product import Product

DAYS = 365 / 12
READ_UNIT_BYTES = 4_096
WRITE_UNIT_BYTES = 1_024
FUNCTIONS = 4
# DynamoDB asks KMS for the table's key when nobody has used a connection for five minutes (DynamoDB Encryption at Rest).
KEY_CACHE_MINUTES = 5


@dataclass(frozen=True)
class Line:
    """One line of the bill."""

    price: str
    title: str
    quantity: float
    usd: float
    usd_less_free: float


@dataclass(frozen=True)
class Usage:
    """How often each thing happens in a month."""

    scale_looks: float
    scale_invocations: float
    scale_seconds: float
    deploy_looks: float
    deploy_invocations: float
    deploy_seconds: float
    rotate_looks: float
    rotate_invocations: float
    rotate_seconds: float
    steps: float
    told: float
    releases: float
    rotations: float


@dataclass(frozen=True)
class Way:
    """How the product goes about it, as far as money hangs on it. As it is: SNS tells of both transitions of an alarm and
    EventBridge of the one to ALARM."""

    events_an_alarm: int = 3


AS_IT_IS = Way()


def usage(told: Assumptions, facts: Product, services: int, way: Way = AS_IT_IS) -> Usage:
    """What happens in a month with so many services like those of systems/."""
    does, fleet = told.activity, facts.fleet
    minutes = does["hours_a_month"] * 60
    cycles = services * does["alarm_cycles_a_day"] * DAYS
    by_alarm, rechecks = way.events_an_alarm * cycles, does["rechecks_a_cycle"] * cycles
    swept = services * minutes / facts.sweep_minutes
    releases = services * does["releases_a_month"]
    secrets = services * fleet.secrets / fleet.services
    rotations = secrets * does["rotations_a_month"]
    quiet = serial_seconds(SCALE_QUIET, told.latency_s)
    step, note = serial_seconds(SCALE_STEP, told.latency_s), serial_seconds(SCALE_NOTE, told.latency_s)
    deploy_quiet = serial_seconds(DEPLOY_QUIET, told.latency_s)
    release_looks = releases * does["deploy_looks_a_release"]
    rotate_looks = secrets * does["hours_a_month"] + rotations * does["rotate_looks_a_rotation"]
    return Usage(
        scale_looks=swept + by_alarm + rechecks,
        scale_invocations=minutes + by_alarm + rechecks,
        scale_seconds=swept * quiet + cycles * step + (by_alarm - cycles + rechecks) * note,
        deploy_looks=swept + release_looks,
        deploy_invocations=minutes / facts.sweep_minutes + release_looks,
        # A release's look takes about as long as ten rounds.
        deploy_seconds=swept * deploy_quiet / facts.deploy_side_by_side + release_looks * 10 * deploy_quiet,
        rotate_looks=rotate_looks,
        rotate_invocations=does["hours_a_month"] + rotations * does["rotate_looks_a_rotation"],
        rotate_seconds=rotate_looks * deploy_quiet + rotations * does["rotate_looks_a_rotation"] * 1.0,
        steps=cycles * does["steps_a_cycle"],
        told=cycles * (way.events_an_alarm + does["rechecks_a_cycle"]),
        releases=releases,
        rotations=rotations,
    )


def bill(told: Assumptions, facts: Product, services: int, way: Way = AS_IT_IS) -> list[Line]:
    """The lines of one stack with so many services, in the order of the prices."""
    quantities = _quantities(told, facts, services, way)
    return [_line(told, name, title, quantity) for name, (title, quantity) in quantities.items()]


def total(lines: list[Line]) -> float:
    """All lines."""
    return sum(line.usd for line in lines)


def of_strangers(told: Assumptions, facts: Product, events: float = 1e6) -> float:
    """Events that concern nothing of ours: an invocation of a few milliseconds and a line in the log, one in twenty traced."""
    gigabytes = events * (told.activity["outcome_log_bytes"] / 3 + told.activity["platform_log_bytes"]) / 1e9
    quantities = {
        "lambda_request": events,
        "lambda_gb_second": events * 0.005 * facts.memory_gb,
        "log_gb": gigabytes,
        "log_gb_month": 3 * gigabytes,
        "trace": 0.05 * events,
    }
    return sum(told.prices[name].of(quantity) for name, quantity in quantities.items())


def metric_months(told: Assumptions, facts: Product, services: int) -> float:
    """Custom metrics as CloudWatch counts them: each for the hours in which it was sent."""
    does = told.activity
    scale_share = does["scale_hours_a_day"] / 24
    deploy_share = does["releases_a_month"] * does["deploy_hours_a_release"] / does["hours_a_month"]
    of_services = services * (does["scale_metrics_an_hour"] * scale_share + does["deploy_metrics_an_hour"] * min(1.0, deploy_share))
    return of_services + sum(facts.metrics_of_a_function.values())


def _quantities(told: Assumptions, facts: Product, services: int, way: Way) -> dict[str, tuple[str, float]]:
    does, fleet, used = told.activity, facts.fleet, usage(told, facts, services, way)
    queries = fleet.distinct_metrics / fleet.services
    invocations = used.scale_invocations + used.deploy_invocations + used.rotate_invocations
    seconds = used.scale_seconds + used.deploy_seconds + used.rotate_seconds
    alarms = services * fleet.alarms / fleet.services
    notices = used.steps + used.releases * 4 + used.rotations * 2
    secrets = services * fleet.secrets / fleet.services
    schedules = used.steps + used.told * 0.5 + used.releases * 3 + used.rotations * 3
    spoken = used.told + used.releases * does["deploy_looks_a_release"] + used.rotations * does["rotate_looks_a_rotation"]
    logged_gb = (spoken * does["outcome_log_bytes"] + invocations * does["platform_log_bytes"]) / 1e9
    reads, writes, stored_gb = _ledger(told, services, used)
    return {
        "lambda_request": ("Lambda requests", invocations),
        "lambda_gb_second": ("Lambda GB-seconds", seconds * facts.memory_gb),
        "get_metric_data": ("metrics asked of GetMetricData", used.scale_looks * queries),
        "cloudwatch_request": ("DescribeAlarms", used.scale_looks),
        "alarm": ("alarms", alarms + facts.stack_alarms),
        "custom_metric": ("custom metrics (embedded metric format)", metric_months(told, facts, services)),
        "log_gb": ("GB of logs", logged_gb),
        "log_gb_month": ("GB of logs kept for 90 days", logged_gb * 3),
        "dynamodb_read": ("DynamoDB read units", reads),
        "dynamodb_write": ("DynamoDB write units", writes),
        "dynamodb_gb_month": ("GB of ledger", stored_gb),
        "schedule": ("invocations by Scheduler", does["hours_a_month"] * (60 + 12 + 1) + schedules),
        "sns_request": ("SNS requests", services * does["alarm_cycles_a_day"] * DAYS * 2 + notices),
        "sns_mail": ("mails", notices * does["mails_a_notice"]),
        # X-Ray takes the first request of each second and 5 % of the rest: at these rates nearly all.
        "trace": ("traces", invocations),
        "secret": ("the key of approval links", 1),
        "secret_request": ("Secrets Manager calls", secrets * does["hours_a_month"] + used.rotations * does["rotate_secret_calls"]),
        "kms_request": ("KMS requests of the table", FUNCTIONS * does["hours_a_month"] * 60 / KEY_CACHE_MINUTES),
    }


def _units(size: float, unit: int) -> float:
    """What DynamoDB counts for an item of this size."""
    return max(1, -(-size // unit))


def _ledger(told: Assumptions, services: int, used: Usage) -> tuple[float, float, float]:
    does = told.activity
    record, book, history = does["record_bytes"], does["book_bytes"], does["history_bytes"]
    of_book = _units(book, READ_UNIT_BYTES) + PAUSE_ITEMS_A_LOOK
    of_record = _units(record, READ_UNIT_BYTES) + READ_ITEMS["scale"] - 1
    reads = used.scale_looks * of_record + used.deploy_looks * of_book + used.rotate_looks * READ_ITEMS["rotate"]
    records = used.steps * 2 + (used.told - used.steps) * 0.6
    histories = used.told + used.rotations * 4
    writes = records * _units(record, WRITE_UNIT_BYTES) + histories * _units(history, WRITE_UNIT_BYTES)
    # Of a release's writes six in ten are the book.
    of_releases = 0.6 * _units(book, WRITE_UNIT_BYTES) + 0.4 * _units(history, WRITE_UNIT_BYTES)
    writes += used.releases * does["deploy_dynamodb_writes"] * of_releases
    # History is kept for 90 days, three months.
    lines = 3 * (histories + used.releases * does["deploy_dynamodb_writes"] * 0.4)
    return reads, writes, (services * (record + book) + lines * history) / 1e9


def _line(told: Assumptions, name: str, title: str, quantity: float) -> Line:
    return Line(name, title, quantity, _usd(told, name, quantity), _usd(told, name, max(0.0, quantity - told.free.get(name, 0))))


def _usd(told: Assumptions, name: str, quantity: float) -> float:
    if name != "custom_metric":
        return told.prices[name].of(quantity)
    first = min(quantity, 10_000)
    return told.prices[name].of(first) + told.prices["custom_metric_over_10000"].of(quantity - first)
