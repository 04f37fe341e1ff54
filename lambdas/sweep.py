"""Every minute: start jobs that never started, end and conclude those whose execution ended without that, purge deleted
ones, and remove what is left of integrations.
"""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.observe import logger, metrics
from lambdas.wiring.sweep import sweep_ports, unsettled_integrations
from service.imports.completion.delete import purge
from service.imports.completion.sweep import SweepPorts, sweep
from service.projects.integrations.manage import mend
from service.support.clock import utc_now

MARGIN_MS = 20_000
"""Left of the function's time when purging stops: its last slice and its clients' retries must fit."""

TIDY_SECONDS = 30
"""Left of the function's time when sweeping stops, for purging and for integrations."""


@metrics.log_metrics
@logger.inject_lambda_context
def handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    ports = sweep_ports()
    try:
        swept = asdict(sweep(ports, seconds_left=lambda: context.get_remaining_time_in_millis() / 1000 - TIDY_SECONDS))
        if any(swept.values()):
            logger.warning("orphaned jobs found", extra=swept)
        metrics.add_metric("ConclusionsFailed", MetricUnit.Count, len(swept["given_up"]))
    finally:
        _tidy(ports, context)
    return swept


def _tidy(ports: SweepPorts, context: LambdaContext) -> None:
    try:
        mended = mend(*unsettled_integrations(), utc_now)
        if mended:
            logger.warning("interrupted integrations removed", extra={"integrations": mended})
    finally:
        purged = purge(ports.finish, out_of_time=lambda: context.get_remaining_time_in_millis() < MARGIN_MS)
        if purged:
            logger.info("deleted jobs purged", extra={"purged": purged})
