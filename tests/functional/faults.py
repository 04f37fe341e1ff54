"""Answers to order in the place of AWS's, as the errors that botocore makes of them."""

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
    """Cancels TransactWriteItems with the given reasons, then lets them through. Counts those since `fail`."""

    def __init__(self) -> None:
        self.sent = 0
        self._reasons: deque[list[str]] = deque()

    def fail(self, *reasons: list[str]) -> None:
        """Each a list of codes, one for each operation of the transaction."""
        self._reasons.extend(reasons)
        self.sent = 0

    def answer(self, **_: object) -> tuple[SimpleNamespace, dict[str, object]] | None:
        """botocore's event `before-call`: the answer in the place of DynamoDB's, None to ask that."""
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
    """Answers requests for a DynamoDB operation with an error, below botocore's retries; then lets them through."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        """Operations that were sent, refused or not."""
        self._operation, self._planned = "", deque[str]()

    def refuse(self, operation: str, code: str, times: int) -> None:
        self._operation, self._planned = operation, deque([code] * times)
        self.sent.clear()

    def answer(self, request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse | None:
        """botocore's event `before-send`."""
        operation = event_name.rpartition(".")[2]
        self.sent.append(operation)
        if operation != self._operation or not self._planned:
            return None
        # botocore asks moto's handler too, whose answer it ignores: let it do something without effect.
        request.headers["X-Amz-Target"], request.body = "DynamoDB_20120810.ListTables", b"{}"
        body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{self._planned.popleft()}", "message": "no"})
        return AWSResponse(request.url, 400, HTTPHeaders(), _Body(body.encode()))


@dataclass
class _Body:
    """As botocore reads an answer of urllib3."""

    content: bytes

    def stream(self) -> Iterator[bytes]:
        yield self.content


class SourcePreconditions:
    """moto 5.2 ignores `x-amz-copy-source-if-match`; this `before-call` handler answers in its place as S3 does."""

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
