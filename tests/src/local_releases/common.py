"""What the parts share: doing things a moment later, telling EventBridge, and the fate of roll-outs."""

import json
import os
import threading

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import eventbridge

# How long a roll-out or a scan takes, in seconds.
TAKES = float(os.environ.get("NIGHTSHIFT_TAKES_SECONDS", "1.0"))
# (account, region, target) -> fate, and whether it stays; a target is cluster/service or a group's name.
fates = {}


def scope():
    return get_account_id(), get_region()


def later(work):
    """Does the work a moment later, for the account and region of this request."""
    account, region = scope()

    def run():
        with request_scope(account, region):
            work()

    timer = threading.Timer(TAKES, run)
    timer.daemon = True
    timer.start()


def emit(source, detail_type, resources, detail):
    """An event of AWS's own, which nobody may put through the API."""
    entry = {"Source": source, "DetailType": detail_type, "Resources": resources, "Detail": json.dumps(detail)}
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def settle(target, is_pending, end):
    """Ends a roll-out by its fate, unless it hangs or has ended meanwhile. A fate is used up by that, unless it stays."""
    fate, stays = fates.get((*scope(), target), ("succeed", False))
    if fate != "hang" and is_pending():
        if not stays:
            fates.pop((*scope(), target), None)
        end(fate)


def set_fate(target, fate, stays=False):
    fates[(*scope(), target)] = fate, stays
