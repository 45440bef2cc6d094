"""Limits that AWS documents and its models do not carry: how much one call takes, and how many calls a second.

The figures are those of the API references ("up to 10 services in a single operation") and, for request rates, of "Request
throttling for the Amazon ECS API" (ECS API reference): token buckets by account and region.
"""

import json
import threading
import time
from collections import defaultdict
from dataclasses import dataclass

# (service, operation) -> member, the most items.
MOST_ITEMS = {
    ("ecs", "DescribeServices"): ("services", 10),
    ("ecs", "DescribeTasks"): ("tasks", 100),
    ("ecs", "DescribeContainerInstances"): ("containerInstances", 100),
    ("ecs", "DescribeServiceDeployments"): ("serviceDeploymentArns", 20),
    ("ecs", "DescribeServiceRevisions"): ("serviceRevisionArns", 20),
    ("autoscaling", "DescribeAutoScalingGroups"): ("AutoScalingGroupNames", 100),
    ("cloudwatch", "DescribeAlarms"): ("AlarmNames", 100),
    ("cloudwatch", "GetMetricData"): ("MetricDataQueries", 500),
    ("events", "PutEvents"): ("Entries", 10),
    ("dynamodb", "TransactWriteItems"): ("TransactItems", 100),
}
# (service, operation) -> member, the most bytes of its JSON or text.
MOST_BYTES = {
    ("sns", "Publish"): ("Message", 262_144),
    ("events", "PutEvents"): ("Entries", 262_144),
    ("dynamodb", "PutItem"): ("Item", 409_600),
    ("lambda", "Invoke"): ("Payload", 262_144),
}


def documented_problems(asked) -> list[str]:
    """What AWS's documentation does not allow in this request."""
    key, found = (asked.service, asked.operation), []
    if key in MOST_ITEMS:
        member, most = MOST_ITEMS[key]
        count = len(asked.params.get(member) or ())
        if count > most:
            found.append(f"{member}: {count} items, {most} at most in one call")
    if key in MOST_BYTES:
        member, most = MOST_BYTES[key]
        value = asked.params.get(member) or ""
        size = len(value) if isinstance(value, bytes) else len((value if isinstance(value, str) else json.dumps(value, default=str)).encode())
        if size > most:
            found.append(f"{member}: {size} bytes, {most} at most")
    if key == ("dynamodb", "BatchGetItem"):
        count = sum(len(table["Keys"]) for table in asked.params["RequestItems"].values())
        if count > 100:
            found.append(f"{count} items, 100 at most in one BatchGetItem")
    subject = asked.params.get("Subject") if key == ("sns", "Publish") else None
    if subject is not None and (len(subject) > 100 or not subject.isascii() or "\n" in subject):
        found.append(f"the subject is no line of at most 100 ASCII characters: {subject!r}")
    return found


@dataclass
class Bucket:
    """A token bucket: so many calls at once, and so many more a second."""

    burst: float
    per_second: float
    tokens: float = 0.0
    filled_at: float = 0.0

    def take(self, now: float) -> bool:
        self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.per_second)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


# The ECS buckets: names of the operations that share one, burst, refill a second.
ECS_BUCKETS = (
    ("service reads", ("DescribeServices", "ListServices", "ListServicesByNamespace"), 100, 20),
    ("service writes", ("UpdateService", "CreateService", "DeleteService"), 50, 5),
    ("definition writes", ("RegisterTaskDefinition", "DeregisterTaskDefinition"), 20, 1),
    ("definition reads", ("DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies"), 50, 20),
    ("cluster reads", ("DescribeTasks", "ListTasks", "DescribeContainerInstances", "ListContainerInstances", "DescribeClusters"), 100, 20),
    ("task writes", ("RunTask", "StopTask", "UpdateContainerInstancesState"), 100, 40),
    ("deployment reads", ("DescribeServiceDeployments", "ListServiceDeployments", "DescribeServiceRevisions"), 50, 20),
)


class Buckets:
    """ECS's token buckets of every account and region, full at the beginning."""

    def __init__(self):
        self._lock = threading.Lock()
        self._buckets: dict[tuple, Bucket] = {}
        self._kind = {operation: (name, burst, rate) for name, operations, burst, rate in ECS_BUCKETS for operation in operations}
        self.refused: dict[str, int] = defaultdict(int)

    def allow(self, asked) -> bool:
        """Whether ECS would take this call now."""
        if asked.service != "ecs" or asked.operation not in self._kind:
            return True
        name, burst, rate = self._kind[asked.operation]
        with self._lock:
            now = time.monotonic()
            bucket = self._buckets.setdefault((asked.account, asked.region, name), Bucket(burst, rate, burst, now))
            is_allowed = bucket.take(now)
            self.refused[name] += not is_allowed
        return is_allowed
