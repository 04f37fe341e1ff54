"""Remove uploads from the drop bucket, each only if it is still the object that was imported."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.clients import object_error
from service.domain.uris import s3_at

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

_GONE_OR_CHANGED = frozenset({"PreconditionFailed", "NoSuchKey", "ConditionalRequestConflict", "404", "409", "412"})
"""S3's answers for an object that another one replaced, that is gone, or that somebody is writing at this moment.

An answer without a body has its status as its code."""
_NOT_IN_XML = re.compile("[\x00-\x1f\x7f\ufffe\uffff]")
"""Characters of keys that XML 1.0 cannot hold, or that its readers change."""


@dataclass(frozen=True)
class S3UploadRemoval:
    """Implements `UploadRemover` by conditional deletes.

    They name no version, so on the versioned bucket S3 adds a delete marker and no version is lost.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
    """

    client: "S3Client"
    bucket: str

    def remove(self, etags: Mapping[str, str]) -> None:
        try:
            for key, error in self._refused(etags):
                if error.response["Error"].get("Code") not in _GONE_OR_CHANGED:
                    raise object_error(error, operation="remove", uri=str(s3_at(self.bucket, key)))
        except (BotoCoreError, ClientError) as error:
            raise object_error(error, operation="remove objects of", uri=f"s3://{self.bucket}/") from error

    def _refused(self, etags: Mapping[str, str]) -> Iterator[tuple[str, ClientError]]:
        """Delete the objects and yield those that S3 refuses."""
        unwritable = {key for key in etags if _NOT_IN_XML.search(key)}
        objects: list[ObjectIdentifierTypeDef] = [
            {"Key": key, "ETag": etag} for key, etag in etags.items() if key not in unwritable
        ]
        if objects:
            answer = self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True})
            for refused in answer.get("Errors", []):
                response: Any = {"Error": refused}
                yield refused["Key"], ClientError(response, "DeleteObjects")
        for key in unwritable:
            try:
                self.client.delete_object(Bucket=self.bucket, Key=key, IfMatch=f'"{etags[key]}"')
            except ClientError as error:
                yield key, error
