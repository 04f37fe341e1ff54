"""Turn the API's JSON into frozen dataclasses. Fields that a class does not have are only kept in `raw`."""

import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from clipferry.errors import UnexpectedAnswer


@dataclass(frozen=True, kw_only=True)
class Model:
    """An answer of the API. The fields have the API's names."""

    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The answer's JSON, including fields that this version of the package does not know."""


M = TypeVar("M", bound=Model)


def decode(cls: type[M], data: object, place: str = "") -> M:
    """Make a `cls` of `data`. Raises `UnexpectedAnswer`, which names a field that is missing or has another type."""
    if not isinstance(data, dict):
        raise _unexpected(place or cls.__name__, "an object", data)
    values: dict[str, Any] = {"raw": data}
    for name, key, hint, optional in _fields_of(cls):  # type: ignore[arg-type]  # a class can be hashed
        if key in data:
            values[name] = _value(hint, data[key], f"{place}.{key}" if place else key)
        elif not optional:
            raise _unexpected(f"{place}.{key}" if place else key, "a value", None)
    return cls(**values)


def names_of(cls: type[Model]) -> list[str]:
    """The fields that an answer of this class has in the API's JSON."""
    return [key for _, key, _, _ in _fields_of(cls)]  # type: ignore[arg-type]  # a class can be hashed


@cache
def _fields_of(cls: type[Any]) -> list[tuple[str, str, Any, bool]]:
    """List (name, key in the JSON, type, whether it may be missing). `lambda_` has the key `lambda`; `_x` has none."""
    hints = get_type_hints(cls)
    return [
        (
            one.name,
            one.name.rstrip("_"),
            hints[one.name],
            one.default is not MISSING or one.default_factory is not MISSING,
        )
        for one in fields(cls)
        if one.name != "raw" and not one.name.startswith("_")
    ]


def _value(hint: Any, data: object, place: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return data
    if origin in (Union, types.UnionType):
        if data is None:
            return None
        return _value(next(one for one in arguments if one is not types.NoneType), data, place)
    if origin is tuple:
        if not isinstance(data, list):
            raise _unexpected(place, "a list", data)
        return tuple(_value(arguments[0], one, f"{place}[{index}]") for index, one in enumerate(data))
    if origin is not None:  # Mapping[str, …]
        if not isinstance(data, dict):
            raise _unexpected(place, "an object", data)
        return {key: _value(arguments[1], one, f"{place}.{key}") for key, one in data.items()}
    if issubclass(hint, Model):
        return decode(hint, data, place)
    accepted = (int, float) if hint is float else hint
    if not isinstance(data, accepted) or (isinstance(data, bool) and hint is not bool):
        raise _unexpected(place, hint.__name__, data)
    return data


def _unexpected(place: str, wanted: str, data: object) -> UnexpectedAnswer:
    return UnexpectedAnswer(f"the service's answer has {type(data).__name__} for {place}; expected {wanted}")
