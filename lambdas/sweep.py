"""Repair what other functions left unfinished, once a minute.

The sweep starts jobs that never started or whose wait for restores is over, ends and concludes jobs that lost their
execution, purges deleted jobs, and removes the rest of integrations whose creation or deletion was interrupted.
"""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.observe import logger, metrics
from lambdas.wiring.sweep import SweepContainer
from service.aws.faults import raises_service_busy
from service.imports.completion.delete import purge
from service.imports.completion.sweep import sweep
from service.projects.integrations.mend import mend
from service.support.clock import utc_now

MARGIN_MS = 20_000
"""Time kept when purging stops: enough for its last slice and the retries of its requests."""

PURGE_MS = 25_000
"""Time kept when the removal of integrations stops, for purging."""

TIDY_SECONDS = 30
"""Time kept when sweeping stops, for purging and for integrations."""

DEPLOYED = SweepContainer()


@raises_service_busy
@metrics.log_metrics
@logger.inject_lambda_context
def handler(_event: dict[str, Any], context: LambdaContext, container: SweepContainer = DEPLOYED) -> dict[str, Any]:
    try:
        swept = asdict(
            sweep(
                container.ports,
                seconds_left=lambda: context.get_remaining_time_in_millis() / 1000 - TIDY_SECONDS,
            )
        )
        if any(found for name, found in swept.items() if name != "resumed"):
            logger.warning("orphaned jobs found", extra=swept)
        elif swept["resumed"]:
            logger.info("waits for restores are over", extra={"resumed": swept["resumed"]})
        metrics.add_metric("ConclusionsFailed", MetricUnit.Count, len(swept["given_up"]))
    finally:
        _tidy(container, context)
    return swept


def _tidy(container: SweepContainer, context: LambdaContext) -> None:
    def out_of_time(kept_ms: int) -> bool:
        return context.get_remaining_time_in_millis() < kept_ms

    try:
        stores = container.integrations, container.integration_secrets
        mended = mend(*stores, utc_now, out_of_time=lambda: out_of_time(PURGE_MS))
        if mended:
            logger.warning("interrupted integrations removed", extra={"integrations": mended})
    finally:
        purged = purge(container.ports.finish, out_of_time=lambda: out_of_time(MARGIN_MS))
        if purged:
            logger.info("deleted jobs purged", extra={"purged": purged})
