"""Source objects and the clips bucket on S3. Copies are server-side: no clip passes through the function."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.clients import object_error
from service.aws.copies import Copy, CopyParts, CopyWhole, checksums_of, head_planned
from service.aws.ranges import S3RangeReader
from service.clock import timestamp
from service.errors import ChecksumMismatch
from service.planning import S3Uri
from service.schema import Copied, ImportSettings, ListedObject, ManifestEntry
from service.verification import compare_checksums, etags_agree, given_checksum, verdict

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectRequestTypeDef


@dataclass(frozen=True, kw_only=True)
class S3Storage:
    client: "S3Client"
    clips_bucket: str
    multipart_threshold: int
    """Objects above this many bytes are copied by parts; at most 5 GiB, the end of CopyObject."""
    part_bytes: int

    def list_pages(self, bucket: str, prefix: str, *, start_after: str = "") -> Iterator[Sequence[ListedObject]]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, StartAfter=start_after
        )
        try:
            for page in pages:
                yield [
                    ListedObject(
                        key=item["Key"],
                        size=item["Size"],
                        etag=item["ETag"].strip('"'),
                        modified=timestamp(item["LastModified"]),
                    )
                    for item in page.get("Contents", [])
                ]
        except (ClientError, BotoCoreError) as error:
            raise object_error(error, operation="list", uri=str(S3Uri(bucket, prefix))) from error

    def stat(self, bucket: str, key: str, *, version: str | None = None) -> ListedObject:
        named: HeadObjectRequestTypeDef = {"Bucket": bucket, "Key": key}
        if version:
            named["VersionId"] = version
        try:
            head = self.client.head_object(**named)
        except (ClientError, BotoCoreError) as error:
            raise object_error(error, operation="inspect", uri=str(S3Uri(bucket, key))) from error
        return ListedObject(
            key=key,
            size=head["ContentLength"],
            etag=head["ETag"].strip('"'),
            version=head.get("VersionId"),
            modified=timestamp(head["LastModified"]),
        )

    def reader(self, entry: ManifestEntry) -> S3RangeReader:
        return S3RangeReader(self.client, entry)

    def copy(self, entry: ManifestEntry, settings: ImportSettings) -> Copied:
        assert entry.size is not None, "planning pins every clip that is to be copied"
        assert entry.etag is not None
        copier = CopyParts if entry.size > self.multipart_threshold else CopyWhole
        try:
            copy = copier(self, entry, settings).run()
            checksums = self._checksums_agree(entry, copy)
            verified = verdict(etags=etags_agree(entry.etag, copy.etag), checksums=checksums)
            if verified is None:
                self.client.delete_object(Bucket=self.clips_bucket, Key=entry.destination)
        except (ClientError, BotoCoreError) as error:
            raise object_error(error, operation=self._operation(entry), uri=entry.source_uri) from error
        if verified is None:
            whose = "its line in the manifest" if entry.checksum else "the source"
            message = f"the copy has another checksum than {whose} and was removed"
            raise ChecksumMismatch(message, operation=self._operation(entry), uri=entry.source_uri)
        return Copied(size=entry.size, etag=copy.etag, verified=verified)

    def _checksums_agree(self, entry: ManifestEntry, copy: Copy) -> bool | None:
        """None where no checksum tells. What the caller gave counts against the copy, else against the source."""
        agree = etags_agree(str(entry.etag), copy.etag)
        given = given_checksum(entry.checksum)
        told = compare_checksums(given, copy.checksums)
        if told is not None or (agree and not given):
            return told
        source = self._source_checksums(entry)
        of_source = compare_checksums(given, source)
        if of_source is False or (of_source and agree):
            return of_source
        return None if agree else compare_checksums(source, copy.checksums)

    def _operation(self, entry: ManifestEntry) -> str:
        return f"copy to {S3Uri(self.clips_bucket, entry.destination)} from"

    def _source_checksums(self, entry: ManifestEntry) -> dict[str, str]:
        """One HEAD, and only where the ETags say nothing: sources uploaded in parts, or encrypted with KMS."""
        return checksums_of(head_planned(self.client, entry))
