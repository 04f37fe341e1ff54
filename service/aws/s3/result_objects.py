"""The service's own results in the clips bucket, each written only over the expected object."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.clients import object_error
from service.domain.errors import ObjectMissing, SourceUnavailable
from service.domain.s3_error_codes import NO_OBJECT
from service.domain.uris import s3_at
from service.ports.objects import StoredResult

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import PutObjectRequestTypeDef

NOTE = "clipferry-result"
"""User metadata of every result."""

_ANOTHER_WAS_FASTER = {"PreconditionFailed", "ConditionalRequestConflict"}


@dataclass(frozen=True)
class S3Results:
    client: "S3Client"
    bucket: str

    def find(self, key: str) -> StoredResult | None:
        try:
            head = self.client.head_object(Bucket=self.bucket, Key=key)
        except (ClientError, BotoCoreError) as error:
            known = object_error(error, operation="inspect", uri=str(s3_at(self.bucket, key)))
            if isinstance(known, ObjectMissing):
                return None
            raise known from error
        return StoredResult(head["ETag"].strip('"'), head["Metadata"].get(NOTE))

    def put(self, key: str, body: bytes, *, note: str, replaces: str | None) -> None:
        request: PutObjectRequestTypeDef = {
            "Bucket": self.bucket,
            "Key": key,
            "Body": body,
            "ContentType": "application/vnd.apache.parquet",
            "Metadata": {NOTE: note},
        }
        if replaces is None:
            request["IfNoneMatch"] = "*"
        else:
            request["IfMatch"] = f'"{replaces}"'
        uri = str(s3_at(self.bucket, key))
        try:
            self.client.put_object(**request)
        except (ClientError, BotoCoreError) as error:
            code = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else None
            # The object to replace may have been deleted in between.
            if code in _ANOTHER_WAS_FASTER or (replaces and code in NO_OBJECT):
                message = "another request wrote the object in between"
                raise SourceUnavailable(message, operation="store", uri=uri) from error
            raise object_error(error, operation="store", uri=uri) from error
