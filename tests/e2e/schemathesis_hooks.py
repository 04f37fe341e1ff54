"""Let the valid requests of schemathesis name things that exist, so that they can succeed.

The document stays as the service publishes it: only generated values change, and only in requests that fit it.
The test writes `values.json` (path in `VALUES`): {name of a field or parameter: [values]}.
"""

import itertools
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.core import NOT_SET

VALUES = "CLIPFERRY_SCHEMATHESIS_VALUES"


class Existing:
    """Values of existing things, each in turn."""

    def __init__(self, path: Path) -> None:
        values: dict[str, list[str]] = json.loads(path.read_text())
        self._values: dict[str, Iterator[str]] = {name: itertools.cycle(known) for name, known in values.items()}

    def replace(self, part: Any) -> Any:
        """Return a body or a group of parameters with existing things in place of values whose names are known."""
        if isinstance(part, list):
            return [self.replace(item) for item in part]
        if not isinstance(part, dict):
            return part
        return {name: self._value(name, value) for name, value in part.items()}

    def _value(self, name: str, value: Any) -> Any:
        if name == "views":
            return {view: next(self._values["exact_paths"]) for view in value}
        if name not in self._values or not value:
            return self.replace(value)
        if isinstance(value, list):
            return [next(self._values[name]) for _ in value]
        return next(self._values[name])


@cache
def existing() -> Existing:
    return Existing(Path(os.environ[VALUES]))


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    for part in ("path_parameters", "query", "body"):
        setattr(case, part, existing().replace(getattr(case, part)))
    job = (case.path_parameters or {}).get("job_id")
    for name in ("clip_ids", "video_ids"):
        if job and isinstance(case.body, dict) and case.body.get(name):
            case.body[name] = [f"{job}-0"]


@schemathesis.hook
def filter_failure(_context: Any, failure: Any, case: Any, _response: Any) -> bool:
    """Drop the finding that a body was accepted which is optional and not there, or `null`: the document allows it."""
    body = case.operation.definition.raw.get("requestBody")
    accepted = failure.title == "Schema-violating request accepted"
    return not (accepted and body and not body.get("required") and (case.body is None or case.body is NOT_SET))
