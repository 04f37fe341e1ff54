"""Read typed settings from the CDK's context: the `clipferry` object in cdk.json, and `-c key=value` over it."""

import re
import typing
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from service.domain.errors import InvalidSettings


def read_context(context: Mapping[str, Any], kinds: Mapping[str, Any]) -> dict[str, Any]:
    """The values that the context gives for the settings `kinds` (name → type). Absent ones are left out.

    `context` is `app.node.get_all_context()`. Raises `InvalidSettings` for unknown names and wrong types. The context
    outside of the `clipferry` object also has names of others, so only one that is almost a setting's counts as wrong.
    """
    declared = context.get("clipferry") or {}
    if not isinstance(declared, Mapping):
        raise InvalidSettings("the context key clipferry must be an object of deploy settings")
    unknown = sorted(set(declared) - set(kinds))
    if unknown:
        raise InvalidSettings(f"unknown deploy settings: {', '.join(unknown)}. Known are: {', '.join(kinds)}")
    for name in context.keys() - kinds.keys():
        if near := get_close_matches(name, kinds, n=1, cutoff=0.8):
            raise InvalidSettings(f"unknown deploy setting {name}; the nearest is {near[0]}")
    values: dict[str, Any] = {}
    for name, kind in kinds.items():
        override = context.get(name)
        if override is not None:
            values[name] = _parse(name, kind, override)
        elif name in declared:
            values[name] = _parse(name, kind, declared[name])
    return values


def _parse(name: str, kind: object, value: Any) -> Any:
    """The typed value of a setting, from JSON or from the text of `-c name=text` (lists separated by commas)."""
    parse, description = _PARSERS[kind if kind in _PARSERS else typing.get_origin(kind)]
    parsed = parse(value)
    if parsed is None:
        raise InvalidSettings(f"{name} must be {description}, not {value!r}")
    return parsed


def _bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else {"true": True, "false": False}.get(value)


def _int(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    # JSON numbers cross jsii as floats.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None


_PARSERS: dict[Any, tuple[Callable[[Any], Any], str]] = {
    bool: (_bool, "true or false"),
    int: (_int, "a whole number"),
    str: (_text, "text"),
    tuple: (_texts, "a list of texts"),
}
