"""The state bucket: requests, manifests, batch lists."""

import math
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from service.aws.s3.http.event_loop import run
from service.aws.s3.range_reader import range_of
from service.aws.s3.session import S3Session
from service.domain.errors import NotFound, SourceChanged, StateFilesKept

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef, ObjectIdentifierTypeDef


@dataclass(frozen=True)
class S3StateFiles:
    session: S3Session
    bucket: str

    @property
    def client(self) -> "S3Client":
        return self.session.client

    def put(self, key: str, body: bytes) -> str:
        return self.client.put_object(Bucket=self.bucket, Key=key, Body=body)["ETag"].strip('"')

    def put_new(self, key: str, body: bytes) -> bytes:
        try:
            self.client.put_object(Bucket=self.bucket, Key=key, Body=body, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
            return self.get(key)
        return body

    def get(self, key: str) -> bytes:
        return self._read(key, self.session.requests.get("GetObject", self.bucket, key, bytes, most=math.inf))

    def get_range(self, key: str, *, start: int, length: int, etag: str) -> bytes:
        where: CopySourceTypeDef = {"Bucket": self.bucket, "Key": key}
        return self._read(key, range_of(self.session.requests, where, start, length, etag))

    def _read(self, key: str, asked: Coroutine[Any, Any, bytes]) -> bytes:
        """Not by the client: it reads an answer's body after its retries, so one that is cut off would be an error."""
        try:
            return run(asked)
        except ClientError as error:
            code, uri = error.response["Error"]["Code"], f"s3://{self.bucket}/{key}"
            if code == "PreconditionFailed":
                raise SourceChanged("the object was overwritten since", operation="read", uri=uri) from error
            if code == "NoSuchKey":
                raise NotFound(f"the state bucket has no object {key}") from error
            raise

    def delete_some(self, prefix: str) -> bool:
        """Delete at most a thousand objects, as many as one request lists and one deletes."""
        found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        if not found:
            return False
        keys: list[ObjectIdentifierTypeDef] = [{"Key": item["Key"]} for item in found]
        answer = self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": keys, "Quiet": True})
        if errors := answer.get("Errors"):
            raise StateFilesKept(f"{len(errors):,} files below {prefix} could not be deleted, first: {errors[0]}")
        return True
