"""A hundred thousand services: how many stacks that is, and what it costs, for two ways in which they may lie in accounts."""

from dataclasses import dataclass

from assumptions import Assumptions
from costs import DAYS, bill, total
from product import Product

# No stack has more services than this: below what a tick gets through as systems are counted now, with a margin for slow days.
MOST_SERVICES_A_STACK = 250


@dataclass(frozen=True)
class Accounts:
    """So many accounts with so many services each, all in one region."""

    accounts: int
    services: int

    @property
    def stacks(self) -> int:
        """Stacks of one account, by system."""
        return max(1, -(-self.services // MOST_SERVICES_A_STACK))


@dataclass(frozen=True)
class Estate:
    """An estate in accounts of several sizes."""

    title: str
    parts: tuple[Accounts, ...]

    @property
    def accounts(self) -> int:
        """All accounts."""
        return sum(part.accounts for part in self.parts)

    @property
    def services(self) -> int:
        """All services."""
        return sum(part.accounts * part.services for part in self.parts)

    @property
    def stacks(self) -> int:
        """All stacks."""
        return sum(part.accounts * part.stacks for part in self.parts)


ESTATES = (
    Estate("one account, 1,000 services", (Accounts(1, 1_000),)),
    Estate("100 accounts, 100 each", (Accounts(100, 100),)),
    Estate("1,000 accounts, 100 each", (Accounts(1_000, 100),)),
    Estate("1,000 accounts, of 3,000, 300 and 48", (Accounts(10, 3_000), Accounts(90, 300), Accounts(900, 48))),
)


def fixed_part(told: Assumptions, facts: Product) -> float:
    """What a stack costs that looks after nothing: two stacks of half the size, less one of the whole."""
    return 2 * total(bill(told, facts, 50)) - total(bill(told, facts, 100))


@dataclass(frozen=True)
class Cost:
    """What an estate costs a month."""

    estate: Estate
    usd: float
    hub_usd: float
    longest_storm_s: float


def cost(told: Assumptions, facts: Product, estate: Estate) -> Cost:
    """The stacks' bills, and notices to a hub: one event for each step and each release."""
    usd = 0.0
    for part in estate.parts:
        own = part.services / part.stacks
        usd += part.accounts * part.stacks * total(bill(told, facts, round(own)))
    does = told.activity
    events = estate.services * (does["alarm_cycles_a_day"] * DAYS + does["releases_a_month"] * 4)
    # However many stacks: the buckets are the account's.
    largest = max(part.services for part in estate.parts)
    return Cost(estate, usd, told.prices["cross_account_event"].of(events), told.buckets["ecs:service-modify"].least_seconds(largest))
