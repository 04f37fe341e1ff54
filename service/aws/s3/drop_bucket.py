"""Find the newest upload to a key of the drop bucket."""

from dataclasses import dataclass
from itertools import chain

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.clients import object_error
from service.aws.s3.session import S3Session
from service.domain.objects import ListedObject
from service.domain.uris import Location

VERSIONS_A_REQUEST = 20
"""The listing goes on with longer keys, which nobody needs: the first versions tell."""


@dataclass(frozen=True)
class S3DropBucket:
    """Implements `DropBucket`."""

    session: S3Session
    bucket: str

    def newest(self, at: Location) -> ListedObject | None:
        """S3 lists a key before longer ones, and its versions from the newest to the oldest (ListObjectVersions)."""
        if at.bucket != self.bucket:
            return None
        pages = self.session.client.get_paginator("list_object_versions").paginate(
            Bucket=at.bucket, Prefix=at.key, PaginationConfig={"PageSize": VERSIONS_A_REQUEST}
        )
        try:
            for page in pages:
                for version in page.get("Versions", []):
                    if version["Key"] == at.key:
                        named = None if version["VersionId"] == "null" else version["VersionId"]
                        etag = version["ETag"].strip('"')
                        return ListedObject(key=at.key, size=version["Size"], etag=etag, version=named)
                listed = chain(page.get("Versions", []), page.get("DeleteMarkers", []))
                if any(one["Key"] != at.key for one in listed):
                    break
        except (ClientError, BotoCoreError) as error:
            raise object_error(error, operation="list the versions of", uri=str(at)) from error
        return None
