"""Every minute: start jobs that never started, end jobs whose execution ended without them."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.observe import logger, tracer
from lambdas.wiring import sweep_ports
from service.imports.sweep import sweep


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    swept = asdict(sweep(sweep_ports()))
    if any(swept.values()):
        logger.warning("orphaned jobs found", extra=swept)
    return swept
