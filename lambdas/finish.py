"""Account for every batch of an import and set its final status.

In: `{"job_id", "run"}`, and `error: {"Error", "Cause"}` if the state machine caught an error;
out: `{"status", "ended_at"}`. `ended_at` is null where the import waits for restores, so nothing is concluded.
"""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.observe import logger, metrics
from lambdas.wiring.finish import FinishContainer
from service.aws.faults import raises_service_busy
from service.imports.completion.finish import finish

MARGIN_MS = 60_000
"""Left of the function's time when it stops: the last batch or slice of rows must fit."""

DEPLOYED = FinishContainer()


@raises_service_busy
@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext, container: FinishContainer = DEPLOYED) -> dict[str, Any]:
    logger.append_keys(job_id=event["job_id"], run=event["run"])
    caught = event.get("error")
    if caught:
        logger.error("the state machine caught an error", extra={"caught": caught})
    reason = caught["Error"] if caught else None
    ended = finish(
        event["job_id"],
        run=int(event["run"]),
        error=reason,
        ports=container.ports,
        out_of_time=lambda: context.get_remaining_time_in_millis() < MARGIN_MS,
    )
    if ended.now:
        logger.info("job ended", extra={"status": ended.status})
        metrics.add_metric(f"Jobs{ended.status}", MetricUnit.Count, 1)
    return {"status": ended.status, "ended_at": ended.at}
