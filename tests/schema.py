"""The part of JSON Schema that the schemas in docs/ use; an unknown keyword is an error."""

import json
import re
from typing import Any

from tests.paths import ROOT

IMPORT_ENDED: dict[str, Any] = json.loads((ROOT / "docs" / "import-ended.schema.json").read_text())
WATCH_NOTICE: dict[str, Any] = json.loads((ROOT / "docs" / "watch-notice.schema.json").read_text())
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}
_ANNOTATIONS = {"$schema", "title", "description"}


def validate(value: Any, schema: dict[str, Any] = IMPORT_ENDED, *, at: str = "$") -> None:
    """Raises `AssertionError` with the place of what does not fit."""
    for keyword, rule in schema.items():
        match keyword:
            case "type":
                kinds = rule if isinstance(rule, list) else [rule]
                assert any(isinstance(value, _TYPES[kind]) for kind in kinds), f"{at}: {value!r} is no {kinds}"
                assert not isinstance(value, bool), f"{at}: {value!r}"
            case "required":
                missing = [name for name in rule if value is not None and name not in value]
                assert not missing, f"{at} lacks {missing}"
            case "properties":
                for name, inner in rule.items():
                    if value is not None and name in value:
                        validate(value[name], inner, at=f"{at}.{name}")
            case "items":
                for index, item in enumerate(value):
                    validate(item, rule, at=f"{at}[{index}]")
            case "enum":
                assert value in rule, f"{at}: {value!r}"
            case "const":
                assert value == rule, f"{at}: {value!r}"
            case "pattern":
                assert re.search(rule, value), f"{at}: {value!r}"
            case "minimum":
                assert value >= rule, f"{at}: {value!r}"
            case _:
                assert keyword in _ANNOTATIONS, f"{at}: unknown keyword {keyword}"
