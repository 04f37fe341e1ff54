"""Enforce the size of what passes through a state machine (`Limits.state_bytes`).

A larger input of an execution is refused. A larger payload, result or output of a state ends the execution with
`States.DataLimitExceeded`, which nothing but its own name catches.
"""

import json
from typing import Any

from local.emulated.limits import Limits

_STATES = ("_execute_task", "_execute_parallel", "_execute_map", "_execute_pass", "_execute_choice", "_execute_wait")


def limit_state(states: Any, limits: Limits) -> None:
    """Change the emulator's `stepfunctions`."""
    start, invoke, child = states._start_execution, states._invoke_resource, states._run_sub_machine

    def checked(value: Any, what: str) -> Any:
        if len(json.dumps(value, ensure_ascii=False).encode(errors="replace")) > limits.state_bytes:
            text = f"{what} with a size exceeding the maximum number of bytes service limit."
            raise states._ExecutionError("States.DataLimitExceeded", text)
        return value

    def start_execution(data: dict[str, Any]) -> Any:
        if len(str(data.get("input", "")).encode(errors="replace")) > limits.state_bytes:
            text = (
                "1 validation error detected: Value at 'input' failed to satisfy constraint: "
                f"Member must have length less than or equal to {limits.state_bytes}"
            )
            return states.error_response_json("ValidationException", text, 400)
        return start(data)

    def invoke_resource(resource: str, payload: Any) -> Any:
        checked(payload, f"The state/task '{resource}' got an input")
        return checked(invoke(resource, payload), f"The state/task '{resource}' returned a result")

    def run_child(machine: Any, start_at: str, data: Any, execution: Any, ctx: Any) -> Any:
        checked(data, f"The child that begins with '{start_at}' got an input")
        return child(machine, start_at, data, execution, ctx)

    def limited(execute: Any) -> Any:
        def run(definition: dict[str, Any], data: Any, *rest: Any) -> Any:
            output, following = execute(definition, data, *rest)
            return checked(output, f"A state of type {definition.get('Type')} returned an output"), following

        return run

    for name in _STATES:
        setattr(states, name, limited(getattr(states, name)))
    states._start_execution, states._invoke_resource = start_execution, invoke_resource
    states._run_sub_machine = run_child
