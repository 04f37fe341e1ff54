"""Plan an import, or as much of it as fits one call: turn its source into a manifest and batches.

In: `{"job_id", "run", "cursor", "can_wait": true}`;
out: `{"job_id", "done", "cursor", "batches": {"bucket", "key", "count"}, "concurrency", "extrapolate"}`,
and `wait_seconds` if a source asked to wait before the next round.

Executions of older definitions send no `can_wait`: they would call again at once.
"""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.observe import logger, metrics
from lambdas.wiring.plan import PlanContainer
from service.aws.faults import raises_service_busy
from service.imports.planning.context import cursor_of
from service.imports.planning.plan import plan

MARGIN_MS = 60_000
"""Time kept when a round ends: enough to inspect one more part and to store the plan."""

DEPLOYED = PlanContainer()


@raises_service_busy
@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext, container: PlanContainer = DEPLOYED) -> dict[str, Any]:
    logger.append_keys(job_id=event["job_id"], run=event["run"])
    planned = plan(
        event["job_id"],
        cursor_of(event["cursor"] or {}),
        run=int(event["run"]),
        out_of_time=lambda: context.get_remaining_time_in_millis() < MARGIN_MS,
        can_wait="can_wait" in event,
        ports=container.ports,
    )
    logger.info("round planned", extra={"batches": planned.batches, "done": planned.cursor is None})
    settings = container.settings
    if planned.failed:
        metrics.add_metric("JobsFAILED", MetricUnit.Count, 1)
    return {
        "job_id": event["job_id"],
        "done": planned.cursor is None,
        "cursor": asdict(planned.cursor) if planned.cursor else None,
        "batches": {
            "bucket": settings.state_bucket,
            "key": planned.batches_key,
            "count": planned.batches,
        },
        "concurrency": min(planned.max_concurrency or settings.map_concurrency, settings.map_concurrency),
        "extrapolate": planned.extrapolate,
        **({"wait_seconds": planned.wait_seconds} if planned.wait_seconds else {}),
    }
