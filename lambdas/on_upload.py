"""Import uploads to the drop bucket, and objects that appear in watched buckets, both read from SQS.

SQS delivers failed messages again, then moves them to the dead-letter queue.
"""

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.observe import logger
from lambdas.wiring.on_upload import UploadContainer
from service.domain.errors import InvalidRequest
from service.domain.requests import Upload
from service.imports.intake.arrivals import Arrival, parse_arrival
from service.imports.intake.drop_bucket import accept_uploads, parse_event

WAIT_SECONDS = 300
"""After this time a manifest is read again for which its project had no room. Even thousands of them leave the function
time for other uploads."""

DEPLOYED = UploadContainer()


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext, container: UploadContainer = DEPLOYED) -> dict[str, Any]:
    """Accept all messages' objects together, so that many objects make one job."""
    ports = container.ports
    uploads: list[Upload] = []
    messages: dict[str, str] = {}
    arrivals: list[Arrival] = []
    unreadable: list[str] = []
    for record in event["Records"]:
        try:
            body = json.loads(record["body"])
            bucket = _bucket(body)
            # The deploy settings may name the drop bucket among the source buckets, too.
            if bucket != ports.drop_bucket and bucket in container.source_buckets:
                arrival = parse_arrival(body, buckets=container.source_buckets)
                arrivals += [arrival] if arrival else []
            else:
                upload = parse_event(body, buckets=[ports.drop_bucket])
                if upload:
                    uploads.append(upload)
                    messages[upload.identity] = record["body"]
        except (InvalidRequest, RecursionError, TypeError, ValueError) as error:
            logger.error("unreadable upload event", extra={"message_id": record["messageId"], "reason": str(error)})
            unreadable.append(record["messageId"])
    waiting = [messages[upload.identity] for upload in accept_uploads(uploads, ports)]
    taken = container.accept_arrivals(arrivals) if arrivals else 0
    if waiting:
        container.queue.put_back(waiting, seconds=WAIT_SECONDS)
    counted = {"uploads": len(uploads), "arrivals": len(arrivals), "taken": taken}
    counted |= {"unreadable": len(unreadable), "waiting": len(waiting)}
    logger.info("uploads accepted", extra=counted)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in unreadable]}


def _bucket(event: Any) -> object:
    """The bucket that an event names; None for what is no event."""
    try:
        return event["detail"]["bucket"]["name"]
    except (KeyError, TypeError):
        return None
