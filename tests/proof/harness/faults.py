"""What can go wrong with one call, and how AWS would say it in the protocol and with the codes of the operation's own model.

`Fault` says which logical call is struck (the first attempt alone, or every attempt of the same operation from then on). Must
never strike a call that it does not name.
"""

import json
from dataclasses import dataclass

import cbor2

from .wire import QUERY_PROTOCOLS, Asked, model_of

KINDS = (
    "refused",
    "connect_timeout",
    "reset_before",
    "reset_after",
    "error_500",
    "error_503",
    "throttled",
    "denied",
    "not_found",
    "conflict",
    "truncated",
    "empty",
    "hang",
    "other_shape",
)
# The call was done although its caller does not learn of it.
DONE_ALL_THE_SAME = ("reset_after", "truncated", "empty", "other_shape")
HANGS_S = 30.0


@dataclass(frozen=True)
class Target:
    """A logical call of an invocation: the n-th (from 0) of an operation; its retries are the same logical call."""

    name: str
    number: int

    def __str__(self) -> str:
        return f"{self.name}#{self.number}"


@dataclass(frozen=True)
class Fault:
    """One kind of failure of one call. `is_lasting` strikes every attempt, and every later call, of the operation."""

    kind: str
    target: Target
    is_lasting: bool

    def strikes(self, name: str, number: int, is_retry: bool) -> bool:
        if name != self.target.name:
            return False
        if self.is_lasting:
            return number >= self.target.number
        return number == self.target.number and not is_retry

    def __str__(self) -> str:
        return f"{self.kind} {'always' if self.is_lasting else 'once'} at {self.target}"


# What AWS calls things that every service may say.
COMMON = {
    "error_500": (500, "InternalFailure", "The request processing has failed because of an unknown error."),
    "error_503": (503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."),
    "throttled": (400, "ThrottlingException", "Rate exceeded"),
    "denied": (400, "AccessDeniedException", "User is not authorized to perform this action because no identity-based policy allows it"),
}
OF_QUERY = {"throttled": (400, "Throttling", "Rate exceeded"), "denied": (403, "AccessDenied", COMMON["denied"][2])}
# The words by which the operation's own errors are told.
WORDS = {"not_found": ("NotFound", "DoesNotExist", "NoSuch"), "conflict": ("ConditionalCheck", "Conflict", "InUse", "AlreadyExists", "InProgress")}
FALL_BACK = {"not_found": "ResourceNotFoundException", "conflict": "ConflictException"}


def error_of(kind: str, asked: Asked) -> tuple[int, str, str]:
    """Status, code and words of an error of this kind from this operation."""
    if kind in COMMON:
        return (OF_QUERY if asked.protocol in QUERY_PROTOCOLS else COMMON).get(kind, COMMON[kind])
    shapes = model_of(asked.service).operation_model(asked.operation).error_shapes
    for word in WORDS[kind]:
        for shape in shapes:
            if word in shape.name:
                code = shape.metadata.get("error", {}).get("code", shape.name)
                return shape.metadata.get("error", {}).get("httpStatusCode", 400), code, f"told by the proxy: {shape.name}"
    return 400, FALL_BACK[kind], f"told by the proxy: {kind}"


def written_error(kind: str, asked: Asked) -> tuple[int, list[tuple[str, str]], bytes]:
    """The error as an answer in the request's protocol."""
    status, code, words = error_of(kind, asked)
    if asked.protocol == "cbor":
        return status, _headers("application/cbor", [("smithy-protocol", "rpc-v2-cbor")]), cbor2.dumps({"__type": code, "message": words})
    if asked.protocol == "ec2":
        text = f"<Response><Errors><Error><Code>{code}</Code><Message>{words}</Message></Error></Errors><RequestID>x</RequestID></Response>"
        return status, _headers("text/xml"), text.encode()
    if asked.protocol in ("query", "rest-xml"):
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{words}</Message></Error>"
        return status, _headers("text/xml"), f"<ErrorResponse>{error}<RequestId>x</RequestId></ErrorResponse>".encode()
    return status, _headers("application/x-amz-json-1.1", [("x-amzn-errortype", code)]), json.dumps({"__type": code, "message": words}).encode()


def other_shape(asked: Asked) -> tuple[int, list[tuple[str, str]], bytes]:
    """An answer that says well done, and is of another operation."""
    strange = {"unexpected": [1, {"services": None}], "Item": "text", "services": {"not": "a list"}}
    if asked.protocol == "cbor":
        return 200, _headers("application/cbor", [("smithy-protocol", "rpc-v2-cbor")]), cbor2.dumps(strange)
    if asked.protocol in (*QUERY_PROTOCOLS, "rest-xml"):
        return 200, _headers("text/xml"), b"<SomethingElse><member>1</member></SomethingElse>"
    return 200, _headers("application/x-amz-json-1.1"), json.dumps(strange).encode()


def _headers(content_type: str, more: list[tuple[str, str]] | None = None) -> list[tuple[str, str]]:
    return [("Content-Type", content_type), ("x-amzn-RequestId", "proxy"), *(more or [])]
