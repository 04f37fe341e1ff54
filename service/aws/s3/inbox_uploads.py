"""Uploads of callers to the drop bucket, by presigned links."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.clients import object_error
from service.domain.errors import UploadGone
from service.domain.inbox import UploadedPart
from service.ports.inbox import UploadedObject, UploadLink

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHECKSUM_HEADER = "x-amz-checksum-sha256"
_MISSING = ("404", "NoSuchKey", "NotFound")


@dataclass(frozen=True)
class S3InboxUploads:
    """Implements `InboxUploads`. `client` signs for the hosts of the buckets (`s3_client(virtual_hosts=True)`)."""

    client: "S3Client"
    bucket: str

    def put_link(self, key: str, *, size: int, sha256: str, seconds: int) -> UploadLink:
        return self._link("put_object", {"Key": key}, size, sha256, seconds)

    def begin(self, key: str) -> str:
        with _mapped("begin an upload to", self._uri(key)):
            answer = self.client.create_multipart_upload(Bucket=self.bucket, Key=key, ChecksumAlgorithm="SHA256")
        return answer["UploadId"]

    def part_link(self, key: str, upload_id: str, *, number: int, size: int, sha256: str, seconds: int) -> UploadLink:
        part = {"Key": key, "UploadId": upload_id, "PartNumber": number}
        return self._link("upload_part", part, size, sha256, seconds)

    def parts(self, key: str, upload_id: str, *, first: int, last: int) -> Sequence[UploadedPart]:
        found: list[UploadedPart] = []
        marker = first - 1
        with _mapped("list the parts of", self._uri(key)):
            while True:
                answer = self.client.list_parts(
                    Bucket=self.bucket, Key=key, UploadId=upload_id, PartNumberMarker=marker
                )
                found += [
                    UploadedPart(
                        number=one["PartNumber"], size=one["Size"], etag=one["ETag"], sha256=one.get("ChecksumSHA256")
                    )
                    for one in answer.get("Parts", [])
                ]
                marker = int(answer.get("NextPartNumberMarker") or 0)
                if not answer.get("IsTruncated") or marker >= last:
                    return [part for part in found if part.number <= last]

    def complete(self, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> str:
        named: list[Any] = [
            {"PartNumber": part.number, "ETag": part.etag, "ChecksumSHA256": part.sha256} for part in parts
        ]
        with _mapped("complete the upload to", self._uri(key)):
            answer = self.client.complete_multipart_upload(
                Bucket=self.bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": named}
            )
        return answer["ETag"].strip('"')

    def abort(self, key: str, upload_id: str) -> None:
        try:
            with _mapped("abort the upload to", self._uri(key)):
                self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload_id)
        except UploadGone:
            return

    def find(self, key: str) -> UploadedObject | None:
        try:
            answer = self.client.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _MISSING:
                return None
            raise object_error(error, operation="look at", uri=self._uri(key)) from error
        except BotoCoreError as error:
            raise object_error(error, operation="look at", uri=self._uri(key)) from error
        return UploadedObject(
            size=answer["ContentLength"], etag=answer["ETag"].strip('"'), checksum=answer.get("ChecksumSHA256")
        )

    def _link(self, call: str, names: dict[str, Any], size: int, sha256: str, seconds: int) -> UploadLink:
        """Sign the size and the checksum, too: S3 takes exactly these bytes."""
        params = {"Bucket": self.bucket, **names, "ContentLength": size, "ChecksumSHA256": sha256}
        url = self.client.generate_presigned_url(call, Params=params, ExpiresIn=seconds)
        return UploadLink(url=url, headers={CHECKSUM_HEADER: sha256})

    def _uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"


@contextmanager
def _mapped(operation: str, uri: str) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise object_error(error, operation=operation, uri=uri) from error
