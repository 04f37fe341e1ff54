"""Stand-ins for what the documented tasks use of Airflow, Dagster and Prefect."""

import asyncio
import importlib
import json
import sys
from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import pytest


class Deferred(Exception):  # as Airflow's TaskDeferred
    """Raised by an operator that leaves its worker."""

    def __init__(self, trigger: Any, method_name: str, timeout: timedelta) -> None:
        super().__init__(method_name)
        self.trigger, self.method_name, self.timeout = trigger, method_name, timeout


class Operator:
    """Airflow's base class of operators, as far as a deferrable one uses it."""

    made: ClassVar[list["Operator"]] = []

    def __init__(self, *, task_id: str) -> None:
        self.task_id = task_id
        self.made.append(self)

    def defer(self, *, trigger: Any, method_name: str, timeout: timedelta) -> None:
        raise Deferred(trigger, method_name, timeout)


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put modules in place of the orchestrators' own, whose decorators leave functions as they are."""

    def decorator(function: Any = None, **_options: object) -> Any:
        return function or (lambda decorated: decorated)

    monkeypatch.setattr(Operator, "made", [])
    modules: dict[str, dict[str, Any]] = {
        "airflow": {},
        "airflow.sdk": {"dag": decorator, "task": decorator, "BaseOperator": Operator},
        "airflow.triggers": {},
        "airflow.triggers.base": {
            "BaseTrigger": object,
            "TriggerEvent": lambda payload: SimpleNamespace(payload=payload),
        },
        "dagster": {
            "asset": decorator,
            "AssetExecutionContext": object,
            "MaterializeResult": SimpleNamespace,
            "Failure": RuntimeError,
        },
        "prefect": {
            "flow": decorator,
            "task": decorator,
            "runtime": SimpleNamespace(flow_run=SimpleNamespace(id="flow-1")),
        },
    }
    for name, content in modules.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)


def provide_module(monkeypatch: pytest.MonkeyPatch, name: str, code: str) -> None:
    """Make a module of a page's code."""
    module = ModuleType(name)
    exec(compile(code, name, "exec"), vars(module))
    monkeypatch.setitem(sys.modules, name, module)


def run_deferred(task: Any) -> Any:
    """Run an operator until it defers, its trigger as the triggerer does, and its second half. Return the result.

    The trigger and its event go through JSON, because other processes run them.
    """
    context = {"ti": SimpleNamespace(dag_id="dag"), "run_id": "run-1"}
    with pytest.raises(Deferred) as left:
        task.execute(context)
    assert left.value.timeout > timedelta(0)
    path, given = json.loads(json.dumps(left.value.trigger.serialize()))
    module, _, name = path.rpartition(".")
    trigger = getattr(importlib.import_module(module), name)(**given)
    event = json.loads(json.dumps(asyncio.run(_first_event(trigger)).payload))
    return getattr(task, left.value.method_name)(context, event)


async def _first_event(trigger: Any) -> Any:
    async for event in trigger.run():
        return event
    raise AssertionError("the trigger has sent no event")
