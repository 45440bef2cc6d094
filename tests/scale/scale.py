"""What a stack costs, where it meets limits, and what a simulation says of both: prints it and writes it into docs/scale.md.

python tests/scale/scale.py                                 writes every table but the measured one
python tests/scale/scale.py --function target/release/scale measures cold starts as well
python tests/scale/scale.py --check                         fails where the page is not what this would write
"""

import argparse
import datetime
import sys
from pathlib import Path

import assumptions
import fleets
import page
import product
import tables


# What stands between the markers of docs/scale.md; each from the assumptions and the product's facts.
TABLES = {
    "short": tables.short,
    "costs": tables.costs,
    "savings": tables.savings,
    "peers": tables.peers,
    "limits": tables.limits,
    "ticks": tables.tick_runs,
    "tick_sizes": tables.tick_sizes,
    "storms": tables.storm_runs,
    "releases": tables.release_runs,
    "secrets": tables.secret_runs,
    "cells": tables.cells,
    "prices": tables.prices,
    "assumed": tables.assumed,
}


def computed() -> dict[str, str]:
    """Every table that needs no measurement; the same at each run."""
    told, facts = assumptions.read(), product.read()
    return {name: write(told, facts) for name, write in TABLES.items()}


def main() -> int:
    """Writes the page, or checks it."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--function", type=Path, help="a release build of scale, to measure its cold start")
    arguments.add_argument("--check", action="store_true", help="change nothing; fail if the page is another")
    given = arguments.parse_args()
    found = computed()
    before = page.PAGE.read_text(encoding="utf-8")
    if given.check:
        if page.filled(before, found) != before:
            print("docs/scale.md is not what the model says now: run `make scale`", file=sys.stderr)
            return 1
        return 0
    found["made"] = f"Made on {datetime.date.today()} by `make scale`, which runs `tests/scale/scale.py`."
    if given.function:
        starts = fleets.cold_starts(given.function.resolve(), list(tables.SIZES))
        made = f"Measured on {datetime.date.today()} with `tests/scale/scale.py --function target/release/scale`.\n\n"
        found["cold_starts"] = made + tables.cold_starts(starts)
    elif page.is_empty(before, "cold_starts"):
        found["cold_starts"] = "Not measured yet: it needs a release build, which `make scale` makes."
    for name, text in found.items():
        print(f"\n{name}\n{text}")
    page.PAGE.write_text(page.filled(before, found), encoding="utf-8")
    print(f"\nwritten: {page.PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
