"""The roles of a CloudFormation template as plain IAM statements, for one account, region and set of parameters.

Knows the intrinsic functions that template.yaml uses, and no others: an unknown one is an error, never a guess. Must never
loosen a statement; only names that CloudFormation itself makes up become patterns (`<stack>-<logical id>-*`).
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .evaluate import Statement

# What a Ref gives, and how an ARN is written, by type; `{name}` is the physical name, `{place}` is `<region>:<account>`.
ARNS = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:{place}:table/{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    # CloudFormation's Arn of a log group ends in `:*` (AWS::Logs::LogGroup, "Return values").
    "AWS::Logs::LogGroup": "arn:aws:logs:{place}:log-group:{name}:*",
    "AWS::SNS::Topic": "arn:aws:sns:{place}:{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:{place}:{name}",
    "AWS::SecretsManager::Secret": "arn:aws:secretsmanager:{place}:secret:{name}",
    "AWS::Serverless::Function": "arn:aws:lambda:{place}:function:{name}",
}
REF_IS_ARN = ("AWS::SNS::Topic", "AWS::SecretsManager::Secret")
NAMES = {
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::Scheduler::ScheduleGroup": "Name",
    "AWS::Serverless::Function": "FunctionName",
}
NO_VALUE = object()


class TemplateError(Exception):
    """Something in the template that is not understood here."""


@dataclass(frozen=True)
class Stack:
    """Where and how the template is deployed; `physical` names resources that were not named by CloudFormation."""

    account: str
    region: str
    name: str = "nightshift"
    parameters: dict[str, str] = field(default_factory=dict)
    physical: dict[str, str] = field(default_factory=dict)

    def secrets(self) -> tuple[str, ...]:
        """The ARNs of secrets that the parameters name, whole or with question marks."""
        arns = [arn for value in self.parameters.values() for arn in value.split(",")]
        return tuple(arn for arn in arns if arn.startswith("arn:aws:secretsmanager:"))

    def __hash__(self) -> int:
        return hash((self.account, self.region, self.name, *sorted(self.parameters.items()), *sorted(self.physical.items())))


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms; `!Sub x` becomes {"Fn::Sub": x}, as in the long form."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


class Template:
    """A template that has been read."""

    def __init__(self, text: str):
        self._whole = yaml.load(text, _Loader)
        self._resources = self._whole["Resources"]

    @classmethod
    def read(cls, path: Path) -> "Template":
        return cls(path.read_text(encoding="utf-8"))

    def functions(self) -> dict[str, str]:
        """Each function by the last part of its name, and the logical id of its role."""
        found = {}
        for resource in self._resources.values():
            if resource["Type"] == "AWS::Serverless::Function":
                properties = resource["Properties"]
                name = re.sub(r"^\$\{AWS::StackName\}-", "", properties["FunctionName"]["Fn::Sub"])
                found[name] = properties["Role"]["Fn::GetAtt"][0]
        return found

    def statements(self, function: str, stack: Stack) -> list[Statement]:
        """What the role of a function says in this stack."""
        return self.statements_of_role(self.functions()[function], stack)

    def statements_of_role(self, role: str, stack: Stack) -> list[Statement]:
        properties = self._resources[role]["Properties"]
        if "ManagedPolicyArns" in properties:
            raise TemplateError(f"{role} has managed policies, which are not read here")
        resolver = _Resolver(self._whole, stack)
        found = []
        for policy in properties["Policies"]:
            for written in policy["PolicyDocument"]["Statement"]:
                value = resolver.value(written)
                if value is not NO_VALUE:
                    found.append(_statement(value, role))
        sids = [statement.sid for statement in found]
        if len(set(sids)) != len(sids):
            raise TemplateError(f"{role} has a Sid twice: {sids}")
        return found


def _statement(value: dict, role: str) -> Statement:
    unknown = set(value) - {"Sid", "Effect", "Action", "Resource", "Condition"}
    # `Sid: No` is a boolean in YAML.
    if unknown or not isinstance(value.get("Sid"), str):
        raise TemplateError(f"a statement of {role} has {unknown or 'no Sid'}: {value}")
    conditions = tuple(
        (operator, key, tuple(_flat(wanted))) for operator, keys in value.get("Condition", {}).items() for key, wanted in keys.items()
    )
    return Statement(value["Sid"], value["Effect"], tuple(_flat(value["Action"])), tuple(_flat(value["Resource"])), conditions)


def _flat(value) -> list[str]:
    if isinstance(value, list):
        return [inner for item in value for inner in _flat(item)]
    if not isinstance(value, str) or "${" in value:
        raise TemplateError(f"not a plain text: {value!r}")
    return [value]


class _Resolver:
    """Intrinsic functions, for one stack."""

    def __init__(self, whole: dict, stack: Stack):
        self._whole = whole
        self._stack = stack
        unknown = set(stack.parameters) - set(whole.get("Parameters", {}))
        if unknown:
            raise TemplateError(f"the template has no parameters {sorted(unknown)}")

    def value(self, written):
        if isinstance(written, list):
            values = [self.value(item) for item in written]
            return [value for value in values if value is not NO_VALUE]
        if not isinstance(written, dict):
            return written
        if len(written) == 1:
            (name, inside), = written.items()
            if name == "Ref":
                return self._ref(inside)
            if name.startswith("Fn::"):
                return self._function(name, inside)
        values = {name: self.value(inside) for name, inside in written.items()}
        return {name: value for name, value in values.items() if value is not NO_VALUE}

    def _function(self, name: str, inside):
        if name == "Fn::If":
            condition, then, otherwise = inside
            return self.value(then if self._holds(condition) else otherwise)
        if name == "Fn::Sub":
            return self._sub(inside)
        if name == "Fn::GetAtt":
            return self._attribute(*inside)
        if name == "Fn::Join":
            return inside[0].join(self.value(inside[1]))
        raise TemplateError(f"{name} is not known here")

    def _holds(self, condition: str) -> bool:
        return self._test(self._whole["Conditions"][condition])

    def _test(self, written: dict) -> bool:
        (name, inside), = written.items()
        if name == "Fn::Equals":
            left, right = (self.value(item) for item in inside)
            return str(left) == str(right)
        if name == "Fn::Not":
            return not self._test(inside[0])
        if name == "Condition":
            return self._holds(inside)
        raise TemplateError(f"{name} is not known in a condition")

    def _ref(self, name: str):
        pseudo = self._pseudo(name)
        if pseudo is not None:
            return pseudo
        if name in self._whole.get("Parameters", {}):
            parameter = self._whole["Parameters"][name]
            value = self._stack.parameters.get(name, str(parameter.get("Default", "")))
            # An empty list parameter is a list with one empty text, as in CloudFormation.
            return value.split(",") if parameter["Type"] == "CommaDelimitedList" else value
        kind = self._kind(name)
        return self._arn(name) if kind in REF_IS_ARN else self._name(name)

    def _pseudo(self, name: str):
        return {
            "AWS::AccountId": self._stack.account,
            "AWS::NoValue": NO_VALUE,
            "AWS::Partition": "aws",
            "AWS::Region": self._stack.region,
            "AWS::StackName": self._stack.name,
            "AWS::URLSuffix": "amazonaws.com",
        }.get(name)

    def _sub(self, text: str) -> str:
        if not isinstance(text, str):
            raise TemplateError(f"Fn::Sub with a map is not known here: {text}")

        def put(found: re.Match) -> str:
            name = found[1]
            value = self._attribute(*name.split(".", 1)) if "." in name else self._ref(name)
            if not isinstance(value, str):
                raise TemplateError(f"{name} is no text in {text}")
            return value

        return re.sub(r"\$\{([^!}]+)\}", put, text)

    def _attribute(self, name: str, attribute: str) -> str:
        if attribute != "Arn":
            raise TemplateError(f"{name}.{attribute} is not known here")
        return self._arn(name)

    def _kind(self, name: str) -> str:
        if name not in self._whole["Resources"]:
            raise TemplateError(f"there is no {name}")
        return self._whole["Resources"][name]["Type"]

    def _name(self, name: str) -> str:
        if name in self._stack.physical:
            return self._stack.physical[name]
        given = self._whole["Resources"][name].get("Properties", {}).get(NAMES.get(self._kind(name), ""))
        return self.value(given) if given is not None else f"{self._stack.name}-{name}-*"

    def _arn(self, name: str) -> str:
        kind = self._kind(name)
        if kind not in ARNS:
            raise TemplateError(f"the ARN of a {kind} is not known here")
        place = f"{self._stack.region}:{self._stack.account}"
        return ARNS[kind].format(place=place, account=self._stack.account, name=self._name(name))
