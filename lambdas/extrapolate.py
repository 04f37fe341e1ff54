"""Extend the stationary tracks of a copied batch's clips, or of as many as fit one call.

In: `{"batch": {…}, "round": n}`, where the batch is a line of the batch list; out: `{"done", "round"}`, where
`round` is the number of the next round. Each clip's row has the result.
"""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.observe import logger, metrics
from lambdas.wiring.extrapolate import ExtrapolateContainer
from service.aws.faults import raises_service_busy
from service.domain.manifest import Batch
from service.imports.extrapolation.batch import extrapolate_batch

MARGIN_MS = 60_000
"""Time kept when a round starts no more clips: a clip takes a second, a hostile one longer."""

DEPLOYED = ExtrapolateContainer()


@raises_service_busy
@metrics.log_metrics
@logger.inject_lambda_context
def handler(
    event: dict[str, Any], context: LambdaContext, container: ExtrapolateContainer = DEPLOYED
) -> dict[str, Any]:
    batch, round_number = Batch(**event["batch"]), int(event["round"])
    logger.append_keys(job_id=batch.job_id, batch=batch.number, round=round_number)
    container.limit_memory()
    progress = extrapolate_batch(
        batch,
        out_of_time=lambda: context.get_remaining_time_in_millis() < MARGIN_MS,
        ports=container.ports,
    )
    logger.info("clips extrapolated", extra={"clips": progress.done, "failed": progress.failed, "left": progress.left})
    metrics.add_metric("ClipsExtrapolated", MetricUnit.Count, progress.done)
    metrics.add_metric("ExtrapolationsFailed", MetricUnit.Count, progress.failed)
    return {"done": not progress.left, "round": round_number + 1}
