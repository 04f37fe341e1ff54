"""The handlers that the state machine calls, with something else in the place of their use cases."""

import importlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.builders import LambdaContext

USE_CASES = {
    "plan": "plan",
    "copy": "copy_batch",
    "extrapolate": "extrapolate_batch",
    "finish": "finish",
    "delete_sources": "delete_sources",
    "conclude": "conclude",
}
"""Handler → the function that its module calls."""

CONTEXT: Any = LambdaContext()
CONTAINER = SimpleNamespace(
    ports=None,
    turns=None,
    settings=SimpleNamespace(state_bucket="state", map_concurrency=40),
    limit_memory=lambda: None,
)


def replace_use_case(name: str, use_case: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module(f"lambdas.{name}")
    monkeypatch.setattr(module, USE_CASES[name], use_case)


def call(name: str, event: dict[str, Any]) -> Any:
    handler = importlib.import_module(f"lambdas.{name}").handler
    return handler(event, CONTEXT, CONTAINER)
