"""Delete the sources of a completed import, as far as it asks for that and its copies are proven.

In: `{"job_id", "ended_at"}`; out: `{"ended_at"}`. The state machine calls `conclude` next, which asks for another round
if time ran out.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.observe import logger, metrics
from lambdas.wiring.delete_sources import DeleteSourcesContainer
from service.aws.faults import raises_service_busy
from service.imports.completion.delete_sources import delete_sources

MARGIN_MS = 180_000
"""Time kept when a round ends: enough for a batch whose stores are slow."""

DEPLOYED = DeleteSourcesContainer()


@raises_service_busy
@metrics.log_metrics
@logger.inject_lambda_context
def handler(
    event: dict[str, Any], context: LambdaContext, container: DeleteSourcesContainer = DEPLOYED
) -> dict[str, Any]:
    job_id, ended_at = event["job_id"], event["ended_at"]
    logger.append_keys(job_id=job_id)
    delete_sources(
        job_id,
        ended_at,
        out_of_time=lambda: context.get_remaining_time_in_millis() < MARGIN_MS,
        ports=container.ports,
    )
    return {"ended_at": ended_at}
