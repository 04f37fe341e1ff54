"""The turns of batches, as the state machine passes them on."""

from collections.abc import Callable, Mapping
from typing import Any

from lambdas.observe import logger
from service.domain.manifest import Batch
from service.imports.lifecycle.turns import BatchTurn, NoTurn, TurnPorts, Wait


def turn_of(batch: Batch, last: Mapping[str, Any] | None, ports: Callable[[], TurnPorts]) -> BatchTurn | NoTurn:
    """`last` is the answer of the last call; executions of older definitions send none and cannot wait."""
    return NoTurn() if last is None else BatchTurn(batch, ports(), since=last.get("waiting_since"))


def waiting(wait: Wait | None) -> dict[str, Any]:
    """The part of an answer that makes the child wait."""
    if wait is None:
        return {}
    logger.info("waits for its turn", extra={"seconds": wait.seconds})
    return {"wait_seconds": wait.seconds, "waiting_since": wait.since}
