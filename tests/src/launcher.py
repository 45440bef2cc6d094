"""Runs MiniStack in this process, with additions that tests need.

It ends when standard input ends, that is when whoever started it is gone, however that ended, and takes the folder that
it is given as its argument with it: nothing stays behind.
Mail that SNS would send is written, a line of JSON for each, into the file that NIGHTSHIFT_MAILBOX names: MiniStack
itself only logs that there would have been one. And it knows from the start that Application Auto Scaling, which it
does not have, is a service of AWS: it would read four hundred service models to find that out (3 s, 400 MB).
How often one-time schedules are looked at says NIGHTSHIFT_SWEEP_SECONDS. What releases need stands in local_releases,
what rotations need in local_secrets. Where NIGHTSHIFT_RECORD names a folder, the functions' requests are recorded there,
for tests/proof/permissions.py.
"""

import base64
import json
import os
import shutil
import signal
import sys
import threading
import time

from ministack import app as ministack_app
from ministack.core import router
from ministack.services import scheduler, sns

# Beside the sources of the tests nothing is left behind.
sys.dont_write_bytecode = True
import local_releases  # noqa: E402
import local_secrets  # noqa: E402

starter_is_gone = threading.Event()


def end_with_starter():
    sys.stdin.buffer.read()
    starter_is_gone.set()
    os.kill(os.getpid(), signal.SIGTERM)


def deliver_mail(fanout):
    def fanout_and_mail(topic_arn, message_id, message, subject, structure="", attributes=None, **others):
        fanout(topic_arn, message_id, message, subject, structure, attributes, **others)
        topic = sns._topic_by_arn_any_scope(topic_arn) or {"subscriptions": []}
        for subscription in topic["subscriptions"]:
            if subscription.get("protocol") != "email":
                continue
            text = sns._resolve_message_for_protocol(message, structure, "email")
            if sns._matches_filter_policy(subscription, attributes or {}, text):
                mail = {"to": subscription["endpoint"], "topic": topic_arn, "subject": subject, "text": text}
                with open(os.environ["NIGHTSHIFT_MAILBOX"], "a", encoding="utf-8") as mailbox:
                    mailbox.write(json.dumps(mail) + "\n")

    return fanout_and_mail


def recorded(app, file):
    """Writes, a line of JSON for each, the requests of functions, and those that make the stacks that they belong to."""

    async def app_and_record(scope, receive, send):
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", [])}
        body = bytearray()

        async def receive_and_keep():
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        try:
            await app(scope, receive_and_keep, send)
        finally:
            if "app/nightshift-" in headers.get("user-agent", "") + headers.get("x-amz-user-agent", "") or b"ChangeSet" in body[:200]:
                query = scope["query_string"].decode("latin-1")
                path = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
                line = {"method": scope["method"], "path": path, "headers": headers, "body": base64.b64encode(body).decode()}
                with open(file, "a", encoding="utf-8") as recording:
                    recording.write(json.dumps(line) + "\n")

    return app_and_record


threading.Thread(target=end_with_starter, daemon=True).start()
# Not for the functions, which inherit the environment.
record = os.environ.pop("NIGHTSHIFT_RECORD", None)
if record:
    os.makedirs(record, exist_ok=True)
    ministack_app.app = recorded(ministack_app.app, os.path.join(record, f"{os.getpid()}-{time.time_ns()}.jsonl"))
sns._fanout = deliver_mail(sns._fanout)
router._KNOWN_AWS_SERVICE_NAMES = frozenset({"application-autoscaling"})
scheduler._SCHEDULE_TICK_INTERVAL = int(os.environ["NIGHTSHIFT_SWEEP_SECONDS"])
local_releases.install()
local_secrets.install()
folder = sys.argv.pop()
try:
    ministack_app.main()
finally:
    if starter_is_gone.is_set():
        shutil.rmtree(folder, ignore_errors=True)
