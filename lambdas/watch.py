"""Look after the watches, once a minute: start due runs, check access, send notices."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.observe import logger
from lambdas.wiring.watch import WatchContainer
from service.aws.faults import raises_service_busy
from service.imports.watches.tick import tick

MARGIN_SECONDS = 30
"""Time kept for the watch that is looked at last: its store (8 s) and the receiver of two webhooks (10 s each) may not
answer before their time limits."""

DEPLOYED = WatchContainer()


@raises_service_busy
@logger.inject_lambda_context
def handler(_event: dict[str, Any], context: LambdaContext, container: WatchContainer = DEPLOYED) -> dict[str, Any]:
    ticked = asdict(
        tick(
            container.ports,
            seconds_left=lambda: context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS,
        )
    )
    if any(ticked.values()):
        logger.info("watches looked after", extra=ticked)
    return ticked
