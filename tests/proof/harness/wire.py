"""What a request to AWS asks for: service, operation and parameters in any of AWS's protocols, held against AWS's own models.

The models are those that botocore brings: required members, types, lengths, ranges, enumerations and patterns, and members
that do not exist. Must never change a request.
"""

import base64
import functools
import json
import re
import urllib.parse
from dataclasses import dataclass, field

import botocore.session
import cbor2
from botocore.validate import ParamValidator

from .limits import documented_problems

# The name in a signature, where it is not the model's own.
MODEL_NAMES = {"monitoring": "cloudwatch", "elasticloadbalancing": "elbv2"}
QUERY_PROTOCOLS = ("query", "ec2")


@dataclass
class Asked:
    """One request, understood; `problems` is what AWS would refuse in it."""

    service: str
    operation: str
    params: dict
    protocol: str
    account: str = ""
    region: str = ""
    problems: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """As IAM and our errors write it: `ecs:DescribeServices`."""
        return f"{IAM_NAMES.get(self.service, self.service)}:{self.operation}"


# Where IAM's prefix is not the model's name.
IAM_NAMES = {"elbv2": "elasticloadbalancing"}


@functools.cache
def model_of(service: str):
    return _session().get_service_model(service)


@functools.cache
def _session():
    return botocore.session.Session()


def understand(method: str, path: str, headers: dict[str, str], body: bytes) -> Asked:
    """The request in words; never raises for what it does not understand, but says so among the problems."""
    scope = re.search(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/", headers.get("authorization", ""))
    account, region, signed = scope.groups() if scope else ("", "", "")
    name = MODEL_NAMES.get(signed, signed)
    try:
        model = model_of(name)
        protocol = _protocol(model, headers, path)
        operation, params = _READERS[protocol](model, method, path, headers, body)
        asked = Asked(name, operation.name, params, protocol, account, region)
        # XML bodies are not read; what a blob holds is its service's own matter.
        if protocol != "rest-xml" and operation.input_shape is not None:
            asked.problems = problems_of(params, operation.input_shape) + documented_problems(asked)
        return asked
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a request is a finding, not an end
        return Asked(name or "unknown", f"{method} {path[:60]}", {}, "unknown", account, region, [f"not understood: {error!r}"])


def _protocol(model, headers: dict[str, str], path: str) -> str:
    if headers.get("smithy-protocol") == "rpc-v2-cbor" or re.search(r"^/service/\w+/operation/\w+$", path):
        return "cbor"
    if "x-amz-target" in headers:
        return "json"
    return model.metadata["protocol"]


def _by_target(model, method, path, headers, body):
    operation = model.operation_model(headers["x-amz-target"].rpartition(".")[2])
    return operation, json.loads(body or b"{}")


def _by_cbor(model, method, path, headers, body):
    operation = model.operation_model(path.rpartition("/")[2])
    return operation, cbor2.loads(body) if body else {}


def _by_form(model, method, path, headers, body):
    form = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
    operation = model.operation_model(form.pop("Action"))
    form.pop("Version", None)
    left = set(form)
    params = _structure(operation.input_shape, "", form, left, model.metadata["protocol"]) if operation.input_shape else {}
    # What no member of the model takes is kept, so that it is found not to exist.
    return operation, params | {name: form[name] for name in left}


def _structure(shape, prefix: str, form: dict, left: set, protocol: str) -> dict:
    found = {}
    for name, member in shape.members.items():
        written = member.serialization.get("queryName") if protocol == "ec2" else None
        written = written or member.serialization.get("name", name)
        if protocol == "ec2" and "queryName" not in member.serialization:
            written = written[:1].upper() + written[1:]
        value = _value(member, f"{prefix}{written}", form, left, protocol)
        if value is not None:
            found[name] = value
    return found


def _value(shape, key: str, form: dict, left: set, protocol: str):
    if shape.type_name == "structure":
        return _structure(shape, f"{key}.", form, left, protocol) if any(name.startswith(f"{key}.") for name in form) else None
    if shape.type_name == "list":
        is_flat = protocol == "ec2" or shape.serialization.get("flattened")
        base = key if is_flat else f"{key}.{shape.member.serialization.get('name', 'member')}"
        items, number = [], 1
        while (item := _value(shape.member, f"{base}.{number}", form, left, protocol)) is not None:
            items.append(item)
            number += 1
        return items or None
    if shape.type_name == "map":
        base, found, number = (key if shape.serialization.get("flattened") else f"{key}.entry"), {}, 1
        names = (shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value"))
        while f"{base}.{number}.{names[0]}" in form:
            left.discard(f"{base}.{number}.{names[0]}")
            value = _value(shape.value, f"{base}.{number}.{names[1]}", form, left, protocol)
            found[form[f"{base}.{number}.{names[0]}"]] = value
            number += 1
        return found or None
    if key not in form:
        return None
    left.discard(key)
    return _scalar(shape, form[key])


def _scalar(shape, text: str):
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    if shape.type_name in ("integer", "long"):
        return int(text) if re.fullmatch(r"-?\d+", text) else text
    if shape.type_name in ("float", "double"):
        return float(text)
    return base64.b64decode(text) if shape.type_name == "blob" else text


def _by_path(model, method, path, headers, body):
    place, _, query = path.partition("?")
    for name in model.operation_names:
        operation = model.operation_model(name)
        template = operation.http["requestUri"].partition("?")[0]
        pattern = _as_pattern(template)
        found = re.fullmatch(pattern.rstrip("/") + "/?", place)
        if found and operation.http["method"] == method:
            return operation, _rest_params(operation, found.groupdict(), query, headers, body)
    raise ValueError(f"no operation of {model.service_name} has {method} {place}")


def _as_pattern(template: str) -> str:
    """`/schedules/{Name}` as a regular expression; a `+` in the braces takes slashes, too."""

    def label(found: re.Match) -> str:
        return f"(?P<{found[1]}>{'.+' if found[2] else '[^/]+'})"

    return re.sub(r"\\\{(\w+)(\\\+)?\\\}", label, re.escape(template))


def _rest_params(operation, in_path: dict, query: str, headers: dict[str, str], body: bytes) -> dict:
    shape = operation.input_shape
    asked = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
    found, is_json = {}, body[:1] == b"{" and not shape.serialization.get("payload")
    written = json.loads(body) if is_json else {}
    for name, member in shape.members.items():
        place, as_written = member.serialization.get("location"), member.serialization.get("name", name)
        if place == "uri" and as_written in in_path:
            found[name] = urllib.parse.unquote(in_path[as_written])
        elif place == "querystring" and as_written in asked:
            found[name] = _scalar(member, asked.pop(as_written))
        elif place == "header" and as_written.lower() in headers:
            found[name] = _scalar(member, headers[as_written.lower()])
        elif place is None and as_written in written:
            found[name] = written.pop(as_written)
    if shape.serialization.get("payload") and body:
        found[shape.serialization["payload"]] = body
    return found | written


_READERS = {"json": _by_target, "cbor": _by_cbor, "query": _by_form, "ec2": _by_form, "rest-json": _by_path, "rest-xml": _by_path}


def problems_of(params: dict, shape) -> list[str]:
    """What AWS's model of the request does not allow."""
    report = ParamValidator().validate(params, shape)
    found = [line for line in report.generate_report().splitlines() if line] if report.has_errors() else []
    _check(params, shape, shape.name, found)
    return found


def _check(value, shape, place: str, found: list[str]) -> None:
    """What botocore itself does not check: unknown members, upper bounds, enumerations, patterns."""
    if shape.type_name == "structure" and isinstance(value, dict) and not getattr(shape, "is_document_type", False):
        for name, member in value.items():
            if name not in shape.members:
                found.append(f"{place} has no member {name}")
            elif member is not None:
                _check(member, shape.members[name], f"{place}.{name}", found)
    elif shape.type_name == "list" and isinstance(value, list):
        _bounds(len(value), shape, place, "items", found)
        for item in value:
            _check(item, shape.member, place, found)
    elif shape.type_name == "map" and isinstance(value, dict):
        for name, item in value.items():
            _check(item, shape.value, f"{place}[{name}]", found)
    elif shape.type_name == "string" and isinstance(value, str):
        _bounds(len(value), shape, place, "characters", found)
        if shape.enum and value not in shape.enum:
            found.append(f"{place} is {value!r}, not one of {shape.enum}")
        _pattern(value, shape, place, found)
    elif shape.type_name in ("integer", "long") and isinstance(value, int):
        _bounds(value, shape, place, "", found)


def _bounds(number: int, shape, place: str, unit: str, found: list[str]) -> None:
    most = shape.metadata.get("max")
    if most is not None and number > most:
        found.append(f"{place}: {number} {unit}, {most} at most")


def _pattern(value: str, shape, place: str, found: list[str]) -> None:
    pattern = shape.metadata.get("pattern")
    try:
        is_bad = pattern is not None and re.search(f"^(?:{pattern})$", value, re.DOTALL) is None
    except re.error:
        # Java's expressions are not all Python's.
        return
    if is_bad:
        found.append(f"{place} is {value[:80]!r}, which {pattern} does not match")
