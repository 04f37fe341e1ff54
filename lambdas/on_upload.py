"""Import uploads to the drop bucket, read from SQS.

SQS delivers failed messages again, then moves them to the dead-letter queue.
"""

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.observe import logger
from lambdas.wiring.on_upload import UploadContainer
from service.domain.errors import InvalidRequest
from service.domain.requests import Upload
from service.imports.intake.drop_bucket import accept_uploads, parse_event

DEPLOYED = UploadContainer()


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext, container: UploadContainer = DEPLOYED) -> dict[str, Any]:
    """Accept all messages' uploads together, so that many uploads make one job."""
    ports = container.ports
    uploads: list[Upload] = []
    unreadable: list[str] = []
    for record in event["Records"]:
        try:
            upload = parse_event(json.loads(record["body"]), buckets=[ports.drop_bucket])
        except (InvalidRequest, RecursionError, TypeError, ValueError) as error:
            logger.error("unreadable upload event", extra={"message_id": record["messageId"], "reason": str(error)})
            unreadable.append(record["messageId"])
        else:
            uploads += [upload] if upload else []
    accept_uploads(uploads, ports)
    logger.info("uploads accepted", extra={"uploads": len(uploads), "unreadable": len(unreadable)})
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in unreadable]}
