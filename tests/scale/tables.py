"""The tables of docs/scale.md, each as Markdown."""

from collections.abc import Iterable, Sequence
from functools import cache
from math import inf

import assumptions
import product
import storms
import ticks
import waves
from assumptions import Assumptions
from cells import ESTATES, MOST_SERVICES_A_STACK, cost, fixed_part
from costs import Way, bill, of_strangers, total
from fleets import ColdStart
from limits import met
from product import Product

SIZES = (5, 100, 1_000)
SIMULATED = (5, 100, 1_000, 5_000)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], left: int = 1) -> str:
    """A table whose first columns stand to the left."""
    return "\n".join([_line(heads), _line(["---"] * left + ["---:"] * (len(heads) - left)), *map(_line, rows)])


def _line(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def number(value: float) -> str:
    """With as many digits as mean something."""
    if value == inf:
        return "never"
    if value == 0:
        return "0"
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.2g}" if value < 1 else f"{value:.3g}"


def usd(value: float) -> str:
    """Dollars and cents."""
    return f"{value:,.2f}"


def percent(share: float) -> str:
    """A share; what is not quite all or nothing is not told as if it were."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    return "100 %" if share == 1 else f"{min(99.9, 100 * share):.1f} %"


def seconds(value: float) -> str:
    """Seconds, or minutes where there are many."""
    if value == inf:
        return "never"
    if value == 0:
        return "0"
    return f"{value:.1f} s" if value < 120 else f"{value / 60:.1f} min"


def costs(told: Assumptions, facts: Product) -> str:
    bills = [bill(told, facts, size) for size in SIZES]
    rows, small = [], []
    for lines in zip(*bills):
        if lines[-1].usd < 1:
            small.append(lines)
        else:
            rows.append([lines[0].title, *(f"{number(line.quantity)} · {usd(line.usd)}" for line in lines)])
    titles = ", ".join(lines[0].title for lines in small)
    rows.append([f"less than a dollar each: {titles}", *(usd(sum(lines[place].usd for lines in small)) for place in range(len(SIZES)))])
    totals = [total(lines) for lines in bills]
    rows.append(["**together**", *(f"**{usd(amount)}**" for amount in totals)])
    rows.append(["less free tiers", *(usd(sum(line.usd_less_free for line in lines)) for lines in bills)])
    rows.append(["for each service", *(usd(amount / size) for amount, size in zip(totals, SIZES))])
    return table(["a month: quantity · USD", *(f"{size:,} services" for size in SIZES)], rows)


def savings(told: Assumptions, facts: Product) -> str:
    size = SIZES[-1]
    ways = [
        ("as it is", Way()),
        ("alarms told one way: SNS, to ALARM and to OK", Way(events_an_alarm=2)),
    ]
    rows = [[title, usd(amount), usd(amount / size)] for title, way in ways for amount in [total(bill(told, facts, size, way))]]
    rows.append(["besides: a million events of others (any alarm, any upload) that wake a function", usd(of_strangers(told, facts)), "–"])
    return table([f"{size:,} services", "USD a month", "each"], rows)


def peers(told: Assumptions, facts: Product) -> str:
    own = [
        [f"Nightshift, {size:,} services", usd(amount), usd(amount / size), "scales, releases, rotates", "above"]
        for size in SIZES[-1:]
        for amount in [total(bill(told, facts, size))]
    ]
    others = [[peer.what, usd(peer.usd), usd(peer.usd / peer.units), peer.does, peer.page] for peer in told.peers]
    heads = ["what", "USD a month", "each", "does", "source"]
    return "\n".join(
        ["| " + " | ".join(heads) + " |", "| --- | ---: | ---: | --- | --- |"] + ["| " + " | ".join(row) + " |" for row in own + others]
    )


def limits(told: Assumptions, facts: Product) -> str:
    rows = [[number(one.services), one.what, one.limit, one.when, one.then, one.change, one.page] for one in met(told, facts)]
    heads = ["services", "limit", "is", "met when", "then", "what changes", "source"]
    return "\n".join(["| " + " | ".join(heads) + " |", "| ---: |" + " --- |" * 6] + ["| " + " | ".join(row) + " |" for row in rows])


def tick_runs(told: Assumptions, facts: Product) -> str:
    ways = [ticks.COUNTED_APART, ticks.AS_IT_IS, ticks.READ_TOGETHER]
    rows = []
    for size in SIMULATED:
        for way in ways if size > min(SIMULATED) else ways[:1]:
            run = ticks.run(told, facts, ticks.like_the_examples(size), way=way)
            rows.append(
                [
                    f"{size:,}",
                    way.title,
                    f"{run.busiest:,}",
                    seconds(run.longest_s),
                    number(run.timeouts_an_hour),
                    number(run.given_up_an_hour),
                    percent(run.unread_share),
                    percent(run.seen_share),
                ]
            )
    heads = ["services", "tick", "in the busiest minute", "longest tick", "cut off an hour", "given up an hour", "unread looks", "swept"]
    return table(heads, rows, left=2)


@cache
def first_cut_off(is_like_the_examples: bool, slowness: float) -> int:
    """From how many services on a tick is cut off, to ten; by halving, as more services never take less time."""
    told, facts = assumptions.read(), product.read()
    layout = ticks.like_the_examples if is_like_the_examples else ticks.one_system
    fits, cut = 5, 8_000
    while cut - fits > 10:
        middle = (fits + cut) // 2
        run = ticks.run(told, facts, layout(middle), slowness, minutes=facts.sweep_minutes)
        fits, cut = (fits, middle) if run.timeouts_an_hour else (middle, cut)
    return round(cut, -1)


def tick_sizes(_: Assumptions, __: Product) -> str:
    slow = (0.5, 1.0, 2.0, 4.0)
    layouts = [("systems like the examples", True), ("one system", False)]
    rows = [[title, *(f"{first_cut_off(is_like, slowness):,}" for slowness in slow)] for title, is_like in layouts]
    return table(["services from which a tick is cut off", *(f"{slowness:g} × the assumed answers" for slowness in slow)], rows)


def storm_runs(told: Assumptions, facts: Product) -> str:
    rows = []
    for size in SIMULATED:
        for share in (0.1, 0.5, 1.0) if size > min(SIMULATED) else (1.0,):
            row = [f"{size:,}", f"{max(1, round(size * share)):,}"]
            # The alarms themselves take a minute to come.
            row.append(seconds(max(0.0, told.buckets["ecs:service-modify"].least_seconds(size * share) - 60)))
            for way in storms.WAYS:
                run = storms.run(told, facts, size, share, way)
                late = f"{run.unserved:,} not in an hour" if run.unserved else seconds(run.longest_wait_s)
                row += [late, percent(run.share_failed), f"{max(run.most_waiting, run.most_running):,}"]
            rows.append(row)
    heads = ["services", "alarm in a minute", "wait by ECS alone"]
    for way in storms.WAYS:
        heads += [f"{way.title}: longest wait", "calls refused for good", "longest queue" if way.at_once else "most at once"]
    return table(heads, rows, left=0)


def release_runs(told: Assumptions, facts: Product) -> str:
    rows = []
    for size in SIMULATED[1:3]:
        for at_once in (None, 2):
            run = waves.release_wave(told, facts, size, at_once)
            title = "as it is" if at_once is None else f"queue, {at_once} at a time"
            rows.append(
                [
                    f"{size:,}",
                    title,
                    f"{run.looks:,}",
                    f"{run.refused:,}",
                    seconds(run.half_begun_s),
                    seconds(run.all_begun_s),
                    seconds(told.buckets["ecs:definition-modify"].least_seconds(size)),
                ]
            )
    heads = ["pushed in a minute", "way", "looks", "calls refused for good", "half begun", "all begun", "ECS's least"]
    return table(heads, rows, left=2)


def secret_runs(told: Assumptions, facts: Product) -> str:
    rows = []
    for size in (5, 20, 40, 60, 100, 300, 1_000):
        run = waves.rotated_secret(told, facts, size)
        ends = "failure queue" if run.ends_in_failure else ("done" if run.tries == 1 else f"done at try {run.tries}")
        rows.append(
            [
                f"{size:,}",
                seconds(run.first_s),
                percent(run.unread_share),
                ends,
                percent(run.never_asked_share),
                percent(run.by_rotate_unread_share),
                f"{seconds(run.paced_s)}, {percent(run.paced_unread_share)}",
            ]
        )
    heads = [
        "ECS services",
        "`deploy`, first try",
        "unread in it",
        "the event ends",
        "unread in every try",
        "`rotate`'s look: unread",
        "paced: time, unread",
    ]
    return table(heads, rows)


def cells(told: Assumptions, facts: Product) -> str:
    rows = []
    for estate in ESTATES:
        found = cost(told, facts, estate)
        rows.append(
            [
                estate.title,
                f"{estate.services:,}",
                f"{estate.stacks:,}",
                usd(found.usd),
                usd(found.hub_usd),
                usd(found.usd / estate.services),
                seconds(found.longest_storm_s),
            ]
        )
    heads = [
        "one region",
        "services",
        f"stacks of at most {MOST_SERVICES_A_STACK}",
        "USD a month",
        "events to a hub, USD",
        "each",
        "all of the largest account scaled, at least",
    ]
    return table(heads, rows)


def plain(amount: float) -> str:
    """A price with all its digits, and two at least."""
    whole, digits = f"{amount:.10f}".split(".")
    return f"{whole}.{digits.rstrip('0').ljust(2, '0')}"


def prices(told: Assumptions, _: Product) -> str:
    by_source: dict[tuple[str, str], list[str]] = {}
    for price in told.prices.values():
        by_source.setdefault((price.page, price.seen), []).append(f"{price.what}: {plain(price.usd)} for {price.per:,}")
    rows = [[page, "; ".join(items), seen or "**no source found**"] for (page, seen), items in by_source.items()]
    return table(["page", "USD", "read in"], rows, left=3)


def assumed(told: Assumptions, facts: Product) -> str:
    does = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in told.activity.items())
    takes = ", ".join(f"{api.split(':')[1]} {1_000 * value:g}" for api, value in told.latency_s.items())
    fleet = facts.fleet
    return (
        f"Counted in systems/: {fleet.services} services with {fleet.alarms} alarms on {fleet.distinct_metrics} metrics, and "
        f"{fleet.secrets} secrets.\nA service does: {does}.\nAWS answers in ms: {takes}."
    )


def short(told: Assumptions, facts: Product) -> str:
    """What the page comes to, in sentences."""
    lines = bill(told, facts, SIZES[-1])
    share = next(line.usd for line in lines if line.price == "custom_metric") / total(lines)
    each, alone = usd(total(lines) / SIZES[-1]), usd(fixed_part(told, facts))
    nearest = number(met(told, facts)[0].services)
    usual, slow = (f"{first_cut_off(True, slowness):,}" for slowness in (1.0, 2.0))
    asks, changes = told.buckets["cloudwatch:DescribeAlarms"], told.buckets["ecs:service-modify"]
    at_most = f"{asks.burst + asks.per_s * facts.timeout_s['scale']:g}"
    wait = seconds(storms.run(told, facts, SIZES[-1], 1.0).longest_wait_s)
    by_ecs = f"of which {seconds(changes.least_seconds(SIZES[-1]) - 60)} are ECS's {changes.per_s:g} changes a second"
    sentences = [
        f"A service costs about {each} USD a month; {percent(share)} of that is custom metrics.",
        f"**A rotated secret** whose readers stand in task definitions only is in trouble from {nearest} ECS services in a system on.",
        f"**A minute's tick** no longer gets through its share from about {usual} services on, or from {slow}",
        f"where AWS answers half as fast. One by one it may ask for {at_most} services' alarms and no more, side by side or not.",
        f"**An alarm storm** over all of {SIZES[-1]:,} services loses nothing. The last one waits {wait}, {by_ecs}.",
        f"A stack that looks after nothing costs about {alone} USD a month: the price of a further account or region.",
    ]
    return "\n".join(("  " if sentence.startswith("where") else "- ") + sentence for sentence in sentences)


def cold_starts(found: list[ColdStart]) -> str:
    rows = [
        [
            f"{start.services:,}",
            f"{start.kilobytes:,.0f} kB",
            f"{start.cpu_ms:.1f} ms",
            f"{start.wall_ms:.1f} ms",
            f"{start.resident_mb:.1f} MB",
        ]
        for start in found
    ]
    return table(["services", "fleet files", "CPU to first poll", "wall", "resident"], rows)
