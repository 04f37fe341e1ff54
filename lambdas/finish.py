"""End a job.

In: `{"job_id"}` and, where the state machine caught one, `error: {"Error", "Cause"}`; out: its
`status` and when it `ended_at`.
"""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.observe import logger, metrics, tracer
from lambdas.wiring import finish_ports
from service.imports.finish import finish


@tracer.capture_lambda_handler
@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    logger.append_keys(job_id=event["job_id"])
    caught = event.get("error")
    if caught:
        logger.error("the state machine caught an error", extra={"caught": caught})
    ports = finish_ports()
    status = finish(event["job_id"], error=caught["Error"] if caught else None, ports=ports)
    job = ports.jobs.get(event["job_id"])
    if status:
        logger.info("job ended", extra={"status": status})
        metrics.add_metric(f"Jobs{status}", MetricUnit.Count, 1)
    return {"status": status, "ended_at": job.completed_at if job else None}
