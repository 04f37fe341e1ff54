"""Replace AWS's answers by the errors that botocore would raise."""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class FailingTransactions:
    """Cancels TransactWriteItems with the given reasons, then lets calls through. Counts the calls since `fail`."""

    def __init__(self) -> None:
        self.sent = 0
        self._reasons: deque[list[str]] = deque()

    def fail(self, *reasons: list[str]) -> None:
        """Lists of error codes, one code for each operation of the transaction."""
        self._reasons.extend(reasons)
        self.sent = 0

    def answer(self, **_: object) -> tuple[SimpleNamespace, dict[str, object]] | None:
        """Handle botocore's event `before-call`: return the answer in place of DynamoDB's; None: send the request."""
        self.sent += 1
        if not self._reasons:
            return None
        codes = self._reasons.popleft()
        message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{', '.join(codes)}]"
        return SimpleNamespace(status_code=400), {
            "Error": {"Code": "TransactionCanceledException", "Message": message},
            "CancellationReasons": [{"Code": code} for code in codes],
            "ResponseMetadata": {"HTTPStatusCode": 400},
        }


class Refusals:
    """Answers requests for a DynamoDB operation with an error, below botocore's retries; then lets requests through."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        """Operations that were sent, refused or not."""
        self._operation, self._planned = "", deque[str]()

    def refuse(self, operation: str, code: str, times: int) -> None:
        self._operation, self._planned = operation, deque([code] * times)
        self.sent.clear()

    def answer(self, request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse | None:
        """Handle botocore's event `before-send`."""
        operation = event_name.rpartition(".")[2]
        self.sent.append(operation)
        if operation != self._operation or not self._planned:
            return None
        # botocore also calls moto's handler and ignores its answer: give it a request without effect.
        request.headers["X-Amz-Target"], request.body = "DynamoDB_20120810.ListTables", b"{}"
        body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{self._planned.popleft()}", "message": "no"})
        return AWSResponse(request.url, 400, HTTPHeaders(), _Body(body.encode()))


@dataclass
class _Body:
    """A body with urllib3's interface for botocore."""

    content: bytes

    def stream(self) -> Iterator[bytes]:
        yield self.content


class SourcePreconditions:
    """moto 5.2 ignores `x-amz-copy-source-if-match`; this `before-call` handler answers like S3 instead."""

    def __init__(self, client: "S3Client") -> None:
        self.client = client

    def __call__(self, params: dict[str, Any], **_: object) -> tuple[SimpleNamespace, dict[str, object]] | None:
        wanted = params["headers"]["x-amz-copy-source-if-match"]
        path, _separator, version = params["headers"]["x-amz-copy-source"].partition("?versionId=")
        bucket, _slash, key = unquote(path).partition("/")
        try:
            if version:
                found = self.client.head_object(Bucket=bucket, Key=key, VersionId=version)
            else:
                found = self.client.head_object(Bucket=bucket, Key=key)
        except self.client.exceptions.ClientError:
            return None
        if found["ETag"] == wanted:
            return None
        return SimpleNamespace(status_code=412), {
            "Error": {"Code": "PreconditionFailed", "Message": "At least one of the pre-conditions did not hold"},
            "ResponseMetadata": {"HTTPStatusCode": 412},
        }
