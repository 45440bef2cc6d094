"""The baseline of `approve`: shows a question that `deploy` has asked and takes the answer, with boto3.

Checks the link's signature and the code with the standard library, reads the release's book and the answers, and writes an
answer once. Clients are made while the module is imported; the key is read once for each process.
"""

import base64
import datetime
import functools
import hashlib
import hmac
import html
import json
import os
import urllib.parse

import boto3
from botocore.exceptions import ClientError

secrets_manager = boto3.client("secretsmanager")
dynamodb = boto3.client("dynamodb")
functions = boto3.client("lambda")

TABLE = os.environ["NIGHTSHIFT_TABLE"]
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MOST_WRONG_CODES = 5
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="robots" content="noindex"><title>{title}</title></head>
<body><main><h1>{title}</h1>{body}</main></body>
</html>
"""
FORM = """<p>{text}</p>
<form method="post"><input type="hidden" name="t" value="{token}"><label>Code <input name="code"></label>
<button name="verdict" value="approve">Approve</button><button name="verdict" value="reject">Reject</button></form>"""


def handler(event, context):
    now = datetime.datetime.now(datetime.timezone.utc)
    is_post = event["requestContext"]["http"]["method"] == "POST"
    fields = dict(urllib.parse.parse_qsl(form_of(event) if is_post else event["rawQueryString"]))
    claims = read_token(fields.get("t", ""), now)
    if claims is None:
        return page(400, "This link is not good", "<p>Open the newest mail.</p>")
    about = claims["q"]["r"]
    book, answers = observe(about, claims["a"])
    release = book.get("active") or {}
    approval = release.get("approvals", {}).get(about["s"])
    is_open = release.get("id") == about["r"] and approval and not answers and approval["expires_at"] > stamp(now)
    if not is_open:
        return page(409 if is_post else 410, "This question is closed", "<p>Nothing is to be answered any more.</p>")
    if not is_post:
        image = release["change"]["image"]
        text = f"{image['repository']} {', '.join(image['tags'])} ({about['d'][7:19]}), running now: {approval['running']}"
        form = FORM.format(text=html.escape(text), token=html.escape(fields["t"]))
        return page(200, f"Release to {html.escape(about['s'])}?", form)
    if not is_code(fields["t"], fields.get("code", "")):
        count_wrong(about, claims["a"])
        return page(403, "That is not your code", "<p>Take the newest mail's.</p>")
    answer(about, claims["a"], fields["verdict"], event["requestContext"]["http"]["sourceIp"], now)
    print(json.dumps({"level": "INFO", "message": f"{about['service']}: {fields['verdict']}", "release": about["r"]}))
    return page(200, "Thank you", f"<p>You have said {html.escape(fields['verdict'])}.</p>")


def form_of(event):
    return base64.b64decode(event["body"]).decode() if event["isBase64Encoded"] else event["body"]


@functools.cache
def key():
    return secrets_manager.get_secret_value(SecretId=os.environ["NIGHTSHIFT_APPROVAL_KEY_ARN"])["SecretString"].encode()


def signature(label, words):
    return hmac.new(key(), label + words.encode(), hashlib.sha256).digest()


def read_token(token, now):
    """What a link says, if it is ours and still good."""
    words, _, signed = token.rpartition(".")
    if not words.startswith("ns1."):
        return None
    if not hmac.compare_digest(unpadded(signed), signature(b"nightshift approval link 1\0", words)):
        return None
    claims = json.loads(unpadded(words.removeprefix("ns1.")))
    return claims if now.timestamp() < claims["e"] else None


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def is_code(token, typed):
    bits = 0
    for letter in typed.upper().replace("-", "").replace(" ", ""):
        bits = bits << 5 | LETTERS.index({"O": "0", "I": "1", "L": "1"}.get(letter, letter))
    words = token.rpartition(".")[0]
    return hmac.compare_digest(bits.to_bytes(8, "big")[-5:], signature(b"nightshift approval code 1\0", words)[:5])


def observe(about, approver):
    service = f"{about['system']}/{about['service']}"
    book_key = {"pk": {"S": f"release#{service}"}, "sk": {"S": "book"}}
    pauses = [{"pk": {"S": "pause"}, "sk": {"S": sk}} for sk in ("all", f"system#{about['system']}", f"service#{service}")]
    items = read([book_key, *pauses])
    book = next((json.loads(item["book"]["S"]) for item in items if item["pk"] == book_key["pk"]), {})
    return book, [item for item in read([answer_key(about, approver)]) if "verdict" in item]


def read(keys):
    answer = dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": keys, "ConsistentRead": True}})
    return answer["Responses"].get(TABLE, [])


def answer(about, approver, verdict, source_ip, now):
    """Writes the answer if there is none, and has `deploy` look."""
    dynamodb.update_item(
        TableName=TABLE,
        Key=answer_key(about, approver),
        UpdateExpression="SET verdict = :verdict, #at = :at, via = :via, expires_at = :expires",
        ConditionExpression="attribute_not_exists(verdict) AND (attribute_not_exists(wrong_codes) OR wrong_codes < :most)",
        ExpressionAttributeNames={"#at": "at"},
        ExpressionAttributeValues={
            ":verdict": {"S": verdict},
            ":at": {"S": stamp(now)},
            ":via": {"S": f"page, from {source_ip}"},
            ":expires": {"N": str(int(now.timestamp()) + 90 * 86_400)},
            ":most": {"N": str(MOST_WRONG_CODES)},
        },
    )
    command = {"nightshift": "release", "system": about["system"], "service": about["service"], "verb": "answered", "by": approver}
    try:
        told = functions.invoke(
            FunctionName=os.environ["NIGHTSHIFT_DEPLOY_FUNCTION"], InvocationType="Event", Payload=json.dumps(command).encode()
        )
        # An answer that is not read costs the connection, and the next call a handshake.
        told["Payload"].read()
    except ClientError as error:
        print(json.dumps({"level": "WARN", "message": f"deploy was not told: {error}"}))


def count_wrong(about, approver):
    dynamodb.update_item(
        TableName=TABLE,
        Key=answer_key(about, approver),
        UpdateExpression="ADD wrong_codes :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )


def answer_key(about, approver):
    return {"pk": {"S": f"answer#{about['system']}/{about['service']}"}, "sk": {"S": f"{about['r']}#{about['s']}#{approver}"}}


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def page(status, title, body):
    headers = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": PAGE.format(title=title, body=body)}
