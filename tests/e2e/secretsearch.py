"""Search for secrets wherever the service keeps, says or logs something, in whatever form they are there."""

import base64
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from local import aws
from local.stack import Stack
from tests.e2e.executions import children, events, executions

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient


def forms(secret: str) -> set[str]:
    """As it is, in JSON, in a URL, in Base64 at each place within a longer text."""
    found = {secret, json.dumps(secret)[1:-1], quote(secret), quote(secret, safe=""), quote_plus(secret)}
    for shift in range(3):
        data = b"\0" * shift + secret.encode()
        # Characters that the neighbours have no bit of.
        whole = slice((8 * shift + 5) // 6, 8 * len(data) // 6)
        found |= {encode(data).decode()[whole] for encode in (base64.b64encode, base64.urlsafe_b64encode)}
    return found


def where(secrets: Iterable[str], places: Mapping[str, str]) -> dict[str, set[str]]:
    """The secrets that are found, by place."""
    wanted = {secret: forms(secret) for secret in secrets}
    found = {
        place: {secret for secret, shapes in wanted.items() if any(shape in text for shape in shapes)}
        for place, text in places.items()
    }
    return {place: secrets for place, secrets in found.items() if secrets}


def kept_places(
    stack: Stack, s3: "S3Client", dynamodb: "DynamoDBClient", stepfunctions: "SFNClient", job_ids: Iterable[str]
) -> dict[str, str]:
    """All rows, state files and events of logs; what the state machine was told and says of these jobs."""
    return {
        "table": _table(dynamodb, stack.table_name),
        "state bucket": _objects(s3, stack.state_bucket),
        "executions": "".join(_executions(stepfunctions, stack.state_machine_arn, tuple(job_ids))),
        **_logs(aws.session().client("logs", endpoint_url=stack.aws_endpoint_url, config=aws.CONFIG)),
    }


def _table(dynamodb: Any, name: str) -> str:
    pages = dynamodb.get_paginator("scan").paginate(TableName=name)
    return "\n".join(json.dumps(item, default=_text) for page in pages for item in page["Items"])


def _objects(s3: Any, bucket: str) -> str:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]

    def read(key: str) -> str:
        try:
            answer = s3.get_object(Bucket=bucket, Key=key)
        except s3.exceptions.NoSuchKey:  # a deleted import's files are removed meanwhile
            return ""
        return f"{key} {answer['Metadata']} {_text(answer['Body'].read())}"

    with ThreadPoolExecutor(16) as pool:
        return "\n".join(pool.map(read, keys))


def _executions(stepfunctions: Any, machine: str, job_ids: tuple[str, ...]) -> Iterable[str]:
    """Inputs, outputs and histories of executions, and of the children of their maps."""
    for execution in executions(stepfunctions, machine):
        if execution["name"].startswith(job_ids):
            arn = execution["executionArn"]
            yield from (_execution(stepfunctions, one) for one in (arn, *children(stepfunctions, arn)))


def _execution(stepfunctions: Any, arn: str) -> str:
    said = stepfunctions.describe_execution(executionArn=arn)
    return json.dumps([said, *events(stepfunctions, arn, includeExecutionData=True)], default=_text)


def _logs(logs: Any) -> dict[str, str]:
    groups = [
        one["logGroupName"]
        for page in logs.get_paginator("describe_log_groups").paginate()
        for one in page["logGroups"]
    ]
    found = {}
    for group in groups:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        found[f"log {group.rsplit('/', 1)[-1]}"] = "\n".join(
            event["message"] for page in pages for event in page["events"]
        )
    return found


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
