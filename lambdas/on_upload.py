"""Import uploads to the drop bucket, from SQS. A message that cannot be read goes to the dead-letter queue, alone."""

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
    """Accept the uploads of all messages together, so that many of them make one import."""
    ports = container.ports
    uploads: list[Upload] = []
    unreadable: list[str] = []
    for record in event["Records"]:
        try:
            upload = parse_event(_parsed(record["body"]), drop_bucket=ports.drop_bucket)
        except (InvalidRequest, ValueError, RecursionError) as error:
            logger.error("unreadable upload event", extra={"message_id": record["messageId"], "reason": str(error)})
            unreadable.append(record["messageId"])
        else:
            uploads += [upload] if upload else []
    accept_uploads(uploads, ports)
    logger.info("uploads accepted", extra={"uploads": len(uploads), "unreadable": len(unreadable)})
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in unreadable]}


def _parsed(body: str) -> Any:
    """The event, all of it valid Unicode: an escaped surrogate would fail later, with all uploads of the batch.

    Raises `ValueError`, `RecursionError` for thousands of brackets.
    """
    event = json.loads(body)
    json.dumps(event, ensure_ascii=False).encode()
    return event
