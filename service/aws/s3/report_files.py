"""Files of reports in the state bucket."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.errors import UploadLost

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class S3ReportFiles:
    client: "S3Client"
    bucket: str

    def put(self, key: str, body: bytes, content_type: str) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)

    def begin(self, key: str, content_type: str) -> str:
        answer = self.client.create_multipart_upload(Bucket=self.bucket, Key=key, ContentType=content_type)
        return answer["UploadId"]

    def put_part(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        try:
            answer = self.client.upload_part(
                Bucket=self.bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=body
            )
        except self.client.exceptions.NoSuchUpload as error:
            raise UploadLost(f"the upload of {key} is gone") from error
        return answer["ETag"]

    def complete(self, key: str, upload_id: str, etags: Sequence[str]) -> None:
        try:
            self.client.complete_multipart_upload(
                Bucket=self.bucket,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(etags, 1)]},
            )
        except self.client.exceptions.NoSuchUpload as error:
            raise UploadLost(f"the upload of {key} is gone") from error

    def url(self, key: str, *, seconds: int, name: str) -> str:
        params = {
            "Bucket": self.bucket,
            "Key": key,
            "ResponseContentDisposition": f'attachment; filename="{name}"',
        }
        return self.client.generate_presigned_url("get_object", Params=params, ExpiresIn=seconds)
