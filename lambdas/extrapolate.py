"""Extend the stationary tracks of a copied batch's clips, or of as many as fit one call.

In: `{"batch": {…}, "round": n}`, where the batch is a line of the batch list; out: `{"done", "round"}`, where
`round` is the number of the next round. Each clip's row has the result.
"""

import os
import resource
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.observe import logger, metrics
from lambdas.wiring.extrapolate import extrapolate_ports
from service.domain.manifest import Batch
from service.imports.extrapolation.batch import extrapolate_batch

MARGIN_MS = 60_000
"""Time kept when a round starts no more clips: a clip takes a second, a hostile one longer."""

OTHERS_MB = 200
"""Memory for code and libraries, which the limit below does not count."""


def limit_memory() -> None:
    """Make a hostile layer that unpacks to gigabytes raise `MemoryError` instead of ending the process."""
    data = (int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) - OTHERS_MB) * 1024**2
    resource.setrlimit(resource.RLIMIT_DATA, (data, resource.getrlimit(resource.RLIMIT_DATA)[1]))


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    batch, round_number = Batch(**event["batch"]), int(event["round"])
    logger.append_keys(job_id=batch.job_id, batch=batch.number, round=round_number)
    limit_memory()
    progress = extrapolate_batch(
        batch,
        out_of_time=lambda: context.get_remaining_time_in_millis() < MARGIN_MS,
        ports=extrapolate_ports(),
    )
    logger.info("clips extrapolated", extra={"clips": progress.done, "failed": progress.failed, "left": progress.left})
    metrics.add_metric("ClipsExtrapolated", MetricUnit.Count, progress.done)
    metrics.add_metric("ExtrapolationsFailed", MetricUnit.Count, progress.failed)
    return {"done": not progress.left, "round": round_number + 1}
