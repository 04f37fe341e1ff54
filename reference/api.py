"""The reference of the API, from its OpenAPI document."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from reference.text import cell, table

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "clipferry")

Schema = Mapping[str, Any]

INTRODUCTION = """# API reference

This page lists all operations. It is generated from the document that the service returns at `/openapi.json`. The
service shows the same document at `/docs`, where a browser can send requests. The [API guide](../api.md) explains how
operations work together, and [codes](codes.md) lists every error code.

Send your key in the header `X-API-Key`. Every error answer is an [Error](#error). Each operation names the errors that
it has besides these:
"""

VERBS = ("post", "get", "put", "patch", "delete")
"""The order of operations in a section: whole collections first, and what makes a thing before what reads it."""

ANY_OPERATION = frozenset({"401", "429", "500", "502", "503", "504"})
"""Every operation can answer with these statuses."""


def page() -> str:
    from lambdas.api import app
    from lambdas.reference import document

    return "\n".join(lines(json.loads(document(app)))) + "\n"


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The page of an OpenAPI document that names its tags in the order of the sections."""
    yield INTRODUCTION
    yield from table(("status", "meaning"), _common_errors(document["paths"]))
    for tag in document["tags"]:
        yield f"## {tag['name']}\n"
        yield f"{tag['description']}\n"
        tagged = [
            (path.count("/"), VERBS.index(verb), path, operation)
            for path, verbs in document["paths"].items()
            for verb, operation in verbs.items()
            if tag["name"] in operation["tags"]
        ]
        for _, verb, path, operation in sorted(tagged, key=lambda one: one[:3]):
            yield from _operation(f"{VERBS[verb].upper()} {path}", operation)
    yield "## Objects\n"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f"### {name}\n"
        yield f"{schema.get('description', '')}\n"
        yield from _fields(schema)


def _common_errors(paths: Mapping[str, Any]) -> list[tuple[str, str]]:
    some_operation = next(iter(next(iter(paths.values())).values()))
    return [(status, some_operation["responses"][status]["description"]) for status in sorted(ANY_OPERATION)]


def _operation(call: str, operation: Schema) -> Iterator[str]:
    yield f"### {operation['summary']}\n"
    yield f"```http\n{call}\n```\n"
    parameters = operation.get("parameters", [])
    if parameters:
        yield "**Parameters**\n"
        rows = [
            (f"`{one['name']}`", one["in"], _type(one["schema"]), _meaning(one | one["schema"])) for one in parameters
        ]
        yield from table(("name", "in", "type", "meaning"), rows)
    if "requestBody" in operation:
        yield from _content("Body", operation["requestBody"]["content"])
    errors = []
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            yield from _content(f"Answer {status}", answer.get("content", {}))
        elif status not in ANY_OPERATION:
            errors.append((status, answer["description"]))
    if errors:
        yield "**Errors**\n"
    yield from table(("status", "meaning"), errors)


def _content(title: str, content: Mapping[str, Any]) -> Iterator[str]:
    """The type of a body or an answer, and its examples."""
    (media,) = content.values() if content else ({},)
    yield f"**{title}**: {_type(media['schema'])}\n" if "schema" in media else f"**{title}**: no content\n"
    for example in media.get("examples", {}).values():
        text = json.dumps(example["value"], indent=2, ensure_ascii=False).replace("\n", "\n    ")
        yield f'??? example "{example["summary"]}"\n    ```json\n    {text}\n    ```\n'


def _fields(schema: Schema) -> Iterator[str]:
    if "properties" not in schema:
        yield f"{_type(schema)}\n"
        return
    required = schema.get("required", ())
    rows = [
        (f"`{name}`", _type(one), "yes" if name in required else "", _meaning(one))
        for name, one in schema["properties"].items()
    ]
    yield from table(("field", "type", "required", "meaning"), rows)


def _type(schema: Schema) -> str:
    """A type in words, with links to the objects of this page."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for kind in ("anyOf", "oneOf"):
        if kind in schema:
            return " or ".join(dict.fromkeys(map(_type, schema[kind])))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type", "any value"))


def _meaning(schema: Schema) -> str:
    """The description, with the default and the limits of a number."""
    parts = [schema.get("description", "")]
    if schema.get("default") not in (None, [], {}):
        parts.append(f"Default: `{json.dumps(schema['default'])}`.")
    if "minimum" in schema and "maximum" in schema:
        parts.append(f"From {schema['minimum']} to {schema['maximum']}.")
    return cell(" ".join(part for part in parts if part))
