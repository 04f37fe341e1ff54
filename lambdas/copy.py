"""Copy one batch. In: `{"batch": {…}, "attempt": n}` (a line of the batch list); out: nothing, the rows tell it all."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.observe import logger, metrics, tracer
from lambdas.wiring import copy_ports
from service.imports.copying import copy_batch
from service.schema import Batch


@tracer.capture_lambda_handler
@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    batch = Batch(**event["batch"])
    logger.append_keys(job_id=batch.job_id, batch=batch.number, attempt=event["attempt"])
    tally = copy_batch(batch, attempt=int(event["attempt"]), ports=copy_ports())
    if tally:
        logger.info("batch copied", extra={"copied": tally.copied, "failed": tally.failed})
        metrics.add_metric("ClipsCopied", MetricUnit.Count, tally.copied)
        metrics.add_metric("ClipsFailed", MetricUnit.Count, tally.failed)
        metrics.add_metric("BytesCopied", MetricUnit.Bytes, tally.bytes)
    return {}
