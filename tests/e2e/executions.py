"""Executions of the state machine, the children of their maps, and their histories."""

from collections.abc import Iterator
from typing import Any


def executions(client: Any, machine: str) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator("list_executions").paginate(stateMachineArn=machine):
        yield from page["executions"]


def children(client: Any, execution: str) -> Iterator[str]:
    """Return the ARNs of an execution's map children."""
    for run in client.list_map_runs(executionArn=execution)["mapRuns"]:
        for page in client.get_paginator("list_executions").paginate(mapRunArn=run["mapRunArn"]):
            yield from (child["executionArn"] for child in page["executions"])


def events(client: Any, execution: str, **options: Any) -> Iterator[dict[str, Any]]:
    """Return the events of an execution's history."""
    for page in client.get_paginator("get_execution_history").paginate(executionArn=execution, **options):
        yield from page["events"]
