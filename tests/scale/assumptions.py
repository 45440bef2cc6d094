"""The figures of assumptions.toml, and nothing else: prices, limits, what a service does, how long AWS takes."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("assumptions.toml")


@dataclass(frozen=True)
class Price:
    """A list price of AWS in us-east-1."""

    name: str
    what: str
    usd: float
    per: float
    page: str
    seen: str

    def of(self, quantity: float) -> float:
        """US dollars for so many."""
        return quantity * self.usd / self.per


@dataclass(frozen=True)
class Limit:
    """A token bucket of one account in one region: so many calls at once, then so many a second."""

    api: str
    what: str
    burst: float
    per_s: float
    page: str

    def least_seconds(self, calls: float) -> float:
        """The least time in which so many calls go through, with a full bucket at first and nobody else in it."""
        return max(0.0, (calls - self.burst) / self.per_s)


@dataclass(frozen=True)
class Peer:
    """What something else costs a month, and for how many instances, services or pipelines."""

    what: str
    usd: float
    units: int
    page: str
    does: str


@dataclass(frozen=True)
class Assumptions:
    """The whole file."""

    prices: dict[str, Price]
    free: dict[str, float]
    buckets: dict[str, Limit]
    limits: dict[str, float]
    activity: dict[str, float]
    latency_s: dict[str, float]
    peers: list[Peer]


def read(path: Path = FILE) -> Assumptions:
    """Reads the file; a price without a known source says so with an empty `seen`."""
    with path.open("rb") as file:
        told = tomllib.load(file)
    return Assumptions(
        prices={name: Price(name, **price) for name, price in told["price"].items()},
        free=told["free"],
        buckets={api: Limit(api, **limit) for api, limit in told["bucket"].items()},
        limits=told["limit"],
        activity=told["activity"],
        latency_s={api: milliseconds / 1_000 for api, milliseconds in told["latency_ms"].items()},
        peers=[Peer(**peer) for peer in told["peer"]],
    )
