"""Reading a template: resources by type or construct, tokens as stable text."""

import json
import re
from collections.abc import Mapping
from typing import Any

from aws_cdk.assertions import Template

_HASH = re.compile(r"[0-9A-F]{8}$")


def resources(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """Resources of a CloudFormation type, by logical id without the CDK's hash."""
    found = template.find_resources(kind)
    return {_HASH.sub("", name): dict(resource) for name, resource in found.items()}


def properties(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    return {name: resource["Properties"] for name, resource in resources(template, kind).items()}


def text(value: Any) -> str:
    """A value with tokens as text: `${StorageState.Arn}/jobs/*`, free of hashes."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join(text(item) for item in value)
    assert isinstance(value, Mapping), value
    ((function, argument),) = value.items()
    if function == "Ref":
        return f"${{{_HASH.sub('', argument)}}}"
    if function == "Fn::GetAtt":
        return f"${{{_HASH.sub('', argument[0])}.{argument[1]}}}"
    if function == "Fn::Join":
        return str(argument[0]).join(text(part) for part in argument[1])
    return json.dumps(value, sort_keys=True)


def environment(template: Template, function: str) -> dict[str, str]:
    variables = properties(template, "AWS::Lambda::Function")[function]["Environment"]["Variables"]
    return {name: text(value) for name, value in variables.items()}


def grants(template: Template, role: str) -> dict[str, set[str]]:
    """Everything that a role's policies allow: resource → actions. Conditions are not expected."""
    statements = _statements(template, role, "Allow")
    assert not [statement for statement in statements if "Condition" in statement]
    return _actions(statements)


def conditional_grants(template: Template, role: str, condition: dict[str, Any]) -> dict[str, set[str]]:
    """Return the actions that a role's policies allow on exactly this condition, by resource."""
    statements = _statements(template, role, "Allow")
    return _actions([statement for statement in statements if statement.get("Condition", {}) == condition])


def _actions(statements: list[dict[str, Any]]) -> dict[str, set[str]]:
    allowed: dict[str, set[str]] = {}
    for statement in statements:
        for target in _list(statement["Resource"]):
            allowed.setdefault(text(target), set()).update(_list(statement["Action"]))
    return allowed


def denials(template: Template, role: str) -> list[tuple[set[str], set[str], dict[str, Any]]]:
    """The Deny statements of a role's policies: resources, actions, conditions."""
    return [
        ({text(one) for one in _list(found["Resource"])}, set(_list(found["Action"])), found.get("Condition", {}))
        for found in _statements(template, role, "Deny")
    ]


def _statements(template: Template, role: str, effect: str) -> list[dict[str, Any]]:
    return [
        statement
        for policy in properties(template, "AWS::IAM::Policy").values()
        if role in {text(name).strip("${}") for name in policy["Roles"]}
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == effect
    ]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
