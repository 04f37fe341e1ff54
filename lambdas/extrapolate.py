"""Extend the stationary tracks of a copied batch's clips, or of as many as fit one call.

In: `{"batch": {…}, "round": n, "extrapolated": {…}}`, where the batch is a line of the batch list, and `extrapolated`
is the answer of the last call. Out: `{"done", "round"}`, where `round` is the number of the next round. If that has to
wait for its turn, also `wait_seconds`, and `waiting_since` in seconds since 1970. Each clip's row has the result.

Executions of older definitions send no `extrapolated` and cannot wait.
"""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.observe import logger, metrics
from lambdas.turns import turn_of, waiting
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
        turn=turn_of(batch, event.get("extrapolated"), lambda: container.turns),
    )
    logger.info("clips extrapolated", extra={"clips": progress.done, "failed": progress.failed, "left": progress.left})
    metrics.add_metric("ClipsExtrapolated", MetricUnit.Count, progress.done)
    metrics.add_metric("ExtrapolationsFailed", MetricUnit.Count, progress.failed)
    return {"done": not progress.left, "round": round_number + 1, **waiting(progress.wait)}
