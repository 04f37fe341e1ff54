"""Copy one batch of clips, or as much of it as fits one call, and record each result.

In: `{"batch": {…}, "attempt": n, "round": n, "copied": {…}}`, where the batch is a line of the batch list, and `copied`
is the answer of the last call. Out: `{"done", "round"}`, where `round` is the number of the next round. If that has to
wait for its turn, also `wait_seconds`, and `waiting_since` in seconds since 1970. Each clip's row has its result. Clips
that wait for restores have none: a later execution copies them.

Executions of older definitions send no `copied` and cannot wait.
"""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.observe import logger, metrics
from lambdas.turns import turn_of, waiting
from lambdas.wiring.copy import CopyContainer
from service.aws.faults import raises_service_busy
from service.domain.manifest import Batch
from service.imports.copying.batch import Restoring, Unfinished, copy_batch
from service.imports.lifecycle.turns import Wait

MARGIN_MS = 180_000
"""Time kept when a round stops starting copies: enough to finish those in flight and to write rows."""

DEPLOYED = CopyContainer()


@raises_service_busy
@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext, container: CopyContainer = DEPLOYED) -> dict[str, Any]:
    batch = Batch(**event["batch"])
    round_number = int(event["round"])
    logger.append_keys(job_id=batch.job_id, batch=batch.number, attempt=event["attempt"], round=round_number)
    tally = copy_batch(
        batch,
        attempt=int(event["attempt"]),
        round_number=round_number,
        out_of_time=lambda: context.get_remaining_time_in_millis() < MARGIN_MS,
        turn=turn_of(batch, event.get("copied"), lambda: container.turns),
        ports=container.ports,
    )
    if isinstance(tally, Wait):
        return {"done": False, "round": round_number, **waiting(tally)}
    if isinstance(tally, Unfinished):
        logger.info("round ended", extra={"left": tally.left})
        return {"done": False, "round": round_number + 1, **waiting(tally.wait)}
    if isinstance(tally, Restoring):
        logger.info("clips wait for restores", extra={"left": tally.left})
        return {"done": True, "round": round_number + 1}
    if tally:
        logger.info("batch copied", extra={"copied": tally.copied, "failed": tally.failed})
        metrics.add_metric("ClipsCopied", MetricUnit.Count, tally.copied)
        metrics.add_metric("ClipsFailed", MetricUnit.Count, tally.failed)
        metrics.add_metric("BytesCopied", MetricUnit.Bytes, tally.bytes)
    return {"done": True, "round": round_number + 1}
