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
    """Everything that a role's policies allow: resource → actions. Deny statements and conditions are not expected."""
    allowed: dict[str, set[str]] = {}
    for policy in properties(template, "AWS::IAM::Policy").values():
        if role not in {text(name).strip("${}") for name in policy["Roles"]}:
            continue
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            assert "Condition" not in statement
            actions, targets = _list(statement["Action"]), _list(statement["Resource"])
            for target in targets:
                allowed.setdefault(text(target), set()).update(actions)
    return allowed


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
