"""Complete an import: write its report and send its event and webhook.

In: `{"job_id", "ended_at", "can_delete"}`; out: `{"ended_at", "done", "wait_seconds"}`. The state machine calls the
function again after `wait_seconds`, until `done`. If the answer has `delete_sources`, it calls that function before.
Without `ended_at` the function does nothing: the job does not exist, runs again, or waits for restores. Executions of
older definitions send no `can_delete`.
"""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.observe import logger, metrics
from lambdas.wiring.conclude import ConcludeContainer
from service.aws.faults import raises_service_busy
from service.imports.completion.conclude import Concluded, conclude

MARGIN_MS = 120_000
"""Time kept when a round of the report ends: enough for one more part, an event and a webhook."""

DEPLOYED = ConcludeContainer()


@raises_service_busy
@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext, container: ConcludeContainer = DEPLOYED) -> dict[str, Any]:
    job_id, ended_at = event["job_id"], event["ended_at"]
    logger.append_keys(job_id=job_id)
    concluded = Concluded()
    if ended_at:
        concluded = conclude(
            job_id,
            ended_at,
            out_of_time=lambda: context.get_remaining_time_in_millis() < MARGIN_MS,
            ports=container.ports,
            can_delete=bool(event.get("can_delete")),
        )
    logger.info(
        "import concluded" if concluded.done else "conclusion continues", extra={"wait": concluded.wait_seconds}
    )
    if concluded.webhook:
        metrics.add_metric(f"Webhooks{concluded.webhook}", MetricUnit.Count, 1)
    deletion = {"delete_sources": True} if concluded.delete_sources else {}
    return {"ended_at": ended_at, "done": concluded.done, "wait_seconds": concluded.wait_seconds, **deletion}
