"""The two kinds of server-side copies: whole objects, and multipart copies. They raise botocore's errors.

The copies use our own client (`requests.py`), the other requests of an upload botocore's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode

from service.aws.clients import Unanswered
from service.aws.s3.heads import DESCRIBING, Head, etag_in, head_planned
from service.aws.s3.http.event_loop import run
from service.aws.s3.range_reader import source_object
from service.aws.s3.session import CopySessions
from service.aws.s3.terms import copying_headers, payer_parameters, reading_headers
from service.domain.ids import MARK, mark_places, source_mark
from service.domain.manifest import ManifestEntry
from service.domain.objects import CopiedPart
from service.domain.requests import ImportSettings, OnExisting
from service.domain.uris import is_access_point

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, CreateMultipartUploadRequestTypeDef
_AT_BOTH = "s3:GetObject (of a version: s3:GetObjectVersion) at the source and s3:PutObject at the destination"
NEEDS = {
    "HeadObject": "s3:GetObject (of a version: s3:GetObjectVersion)",
    "GetObjectTagging": "s3:GetObjectTagging at the source, or `keep_tags: false`",
    "CopyObject": f"{_AT_BOTH}, for tags also s3:GetObjectTagging and s3:PutObjectTagging",
    "CreateMultipartUpload": "s3:PutObject at the destination, for tags also s3:PutObjectTagging",
    "UploadPartCopy": _AT_BOTH,
    "CompleteMultipartUpload": "s3:PutObject at the destination",
}
"""Permissions of the requests of a copy (S3 user guide, "Required permissions for Amazon S3 API operations")."""

WHOLE_OBJECT_CHECKSUMS = ("CRC64NVME", "CRC32C", "CRC32")
"""Checksums that S3 computes over the whole of a multipart object (S3 user guide, "Checking integrity")."""


_CONDITIONS = {"if-match": "IfMatch", "if-none-match": "IfNoneMatch"}
"""botocore's parameter names."""


class Copy(NamedTuple):
    """S3's answer about the new object."""

    etag: str
    checksums: Mapping[str, str]
    version: str | None = None


async def copy_whole(sessions: CopySessions, entry: ManifestEntry, settings: ImportSettings, mark: str | None) -> Copy:
    """Send one CopyObject. It copies metadata and tags; for a set's mark, all metadata must be sent again."""
    terms = sessions.terms_of(entry.location.bucket)
    headers = (
        copied_from(entry) | copying_headers(terms) | written_if(entry, settings, by_role=sessions.role is not None)
    )
    if entry.checksum:  # S3 computes it over the source
        headers["x-amz-checksum-algorithm"] = entry.checksum.partition(":")[0]
    if settings.storage_class:
        headers["x-amz-storage-class"] = settings.storage_class
    in_metadata, redirect = _places(entry, mark)
    if redirect:
        headers["x-amz-website-redirect-location"] = redirect
    if in_metadata or not settings.keep_metadata:
        headers["x-amz-metadata-directive"] = "REPLACE"
    if in_metadata:
        reading = reading_headers(terms)
        head = await head_planned(sessions.sources.requests, entry, reading) if settings.keep_metadata else None
        headers |= as_headers(described(head, in_metadata))
    if not settings.keep_tags:
        headers["x-amz-tagging-directive"] = "REPLACE"
    answer = await sessions.copies.requests.put("CopyObject", sessions.clips_bucket, entry.destination, headers)
    return Copy(etag_in(answer.result), checksums_of(answer.result), answer.version)


@dataclass(frozen=True)
class PartCopies:
    """The requests of a multipart copy, each pinned to the same ETag.

    UploadPartCopy copies neither metadata nor tags, so both are read and set; the source's checksum kind is kept.
    """

    sessions: CopySessions

    def begin(self, entry: ManifestEntry, settings: ImportSettings, mark: str | None) -> str:
        terms = self.sessions.terms_of(entry.location.bucket)
        head = run(head_planned(self.sessions.sources.requests, entry, reading_headers(terms)))
        upload: CreateMultipartUploadRequestTypeDef = {
            "Bucket": self.sessions.clips_bucket,
            "Key": entry.destination,
        }
        kept = head if settings.keep_metadata else None
        in_metadata, redirect = _places(entry, mark)
        upload.update(described(kept, in_metadata))  # type: ignore[typeddict-item]  # parameter names of the request
        if redirect:
            upload["WebsiteRedirectLocation"] = redirect
        tags = self._tags(entry) if settings.keep_tags else {}
        if tags:
            upload["Tagging"] = urlencode(tags)
        if settings.storage_class:
            upload["StorageClass"] = settings.storage_class  # type: ignore[typeddict-item]  # checked at the edge
        kind = next((kind for kind in WHOLE_OBJECT_CHECKSUMS if "-" not in head.checksums.get(kind, "-")), None)
        if kind:
            upload["ChecksumAlgorithm"] = kind  # type: ignore[typeddict-item]  # one of three literals
            upload["ChecksumType"] = "FULL_OBJECT"
        upload_id = self.sessions.copies.client.create_multipart_upload(**upload).get("UploadId")
        if not upload_id:
            raise Unanswered(reason="the answer has no upload id")
        return upload_id

    def listed(self, key: str, upload_id: str) -> dict[int, CopiedPart]:
        """Return all stored parts by number. S3 lists 1,000 per page."""
        pages = self.sessions.own.client.get_paginator("list_parts").paginate(
            Bucket=self.sessions.clips_bucket, Key=key, UploadId=upload_id
        )
        return {
            part["PartNumber"]: CopiedPart(etag=part["ETag"].strip('"'), size=part["Size"])
            for page in pages
            for part in page.get("Parts", [])
            if part.keys() >= {"PartNumber", "ETag", "Size"}  # incomplete entries are copied again
        }

    def copy(self, entry: ManifestEntry, upload_id: str, number: int, span: tuple[int, int]) -> CopiedPart:
        first, last = span
        terms = self.sessions.terms_of(entry.location.bucket)
        headers = copied_from(entry) | copying_headers(terms) | {"x-amz-copy-source-range": f"bytes={first}-{last}"}
        query = (("partNumber", str(number)), ("uploadId", upload_id))
        sent = self.sessions.copies.requests.put(
            "UploadPartCopy", self.sessions.clips_bucket, entry.destination, headers, query
        )
        answer = run(sent)
        return CopiedPart(etag=etag_in(answer.result), size=last - first + 1)

    def complete(self, entry: ManifestEntry, upload_id: str, etags: Sequence[str], settings: ImportSettings) -> Copy:
        condition: Any = {
            _CONDITIONS[name]: value
            for name, value in written_if(entry, settings, by_role=self.sessions.role is not None).items()
        }
        parts: list[CompletedPartTypeDef] = [
            {"PartNumber": number, "ETag": f'"{etag}"'} for number, etag in enumerate(etags, 1)
        ]
        done = self.sessions.copies.client.complete_multipart_upload(
            Bucket=self.sessions.clips_bucket,
            Key=entry.destination,
            UploadId=upload_id,
            MultipartUpload={"Parts": parts},
            **condition,
        )
        return Copy(etag_in(done), checksums_of(done), done.get("VersionId"))

    def begun_since(self, key: str, moment: datetime) -> list[str]:
        """Return the ids of unfinished uploads to exactly this key that began at `moment` or later."""
        pages = self.sessions.own.client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self.sessions.clips_bucket, Prefix=key
        )
        return [
            upload["UploadId"]
            for page in pages
            for upload in page.get("Uploads", [])
            if upload["Key"] == key and upload["Initiated"] >= moment
        ]

    def _tags(self, entry: ManifestEntry) -> dict[str, str]:
        terms = payer_parameters(self.sessions.terms_of(entry.location.bucket))
        answer = self.sessions.sources.client.get_object_tagging(**source_object(entry), **terms)
        return {tag["Key"]: tag["Value"] for tag in answer.get("TagSet", [])}


def copied_from(entry: ManifestEntry) -> dict[str, str]:
    """Return headers that pin the copy to the planned object."""
    at = entry.location
    bucket = f"{at.bucket}/object" if is_access_point(at.bucket) else at.bucket
    source = quote(f"{bucket}/{at.key}", safe="/~")
    if entry.version:
        source = f"{source}?versionId={entry.version}"
    return {"x-amz-copy-source": source, "x-amz-copy-source-if-match": f'"{entry.etag}"'}


def written_if(entry: ManifestEntry, settings: ImportSettings, *, by_role: bool = False) -> dict[str, str]:
    """Return headers so that S3 overwrites only the object that planning found at the destination, or nothing.

    Empty if the import overwrites, since its planning looks only for uploads; and if a role of another account copies
    over an object, since `If-Match` needs s3:GetObject and such a role may not read clips.
    """
    if settings.on_existing is OnExisting.OVERWRITE and not entry.upload:
        return {}
    if entry.destination_etag is None:
        return {"if-none-match": "*"}
    return {} if by_role else {"if-match": f'"{entry.destination_etag}"'}


def as_headers(given: Mapping[str, Any]) -> dict[str, str]:
    """Convert the parameters of `described` to header names."""
    metadata = {f"x-amz-meta-{name}".lower(): value for name, value in given.get("Metadata", {}).items()}
    return {header: str(given[name]) for header, name in DESCRIBING.items() if name in given} | metadata


def described(head: Head | None, mark: str | None) -> dict[str, Any]:
    """Return the source's metadata (`head`; None: not kept) and the mark, as parameters of a write request."""
    given: dict[str, Any] = {**head.described, "Metadata": dict(head.metadata)} if head else {}
    if mark:
        given["Metadata"] = given.get("Metadata", {}) | {MARK: mark}
    return given


def checksums_of(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return `{"CRC32": base64, …}` from an S3 answer's `ChecksumCRC32`, …"""
    named = ((name.removeprefix("Checksum"), value) for name, value in answer.items() if name.startswith("Checksum"))
    return {kind: value for kind, value in named if kind != "Type"}


def _places(entry: ManifestEntry, mark: str | None) -> tuple[str | None, str | None]:
    """Return what `mark_places` does for the copy of this source."""
    source = source_mark(entry.size, entry.etag, entry.version)
    return mark_places(mark, in_set=entry.group is not None, source=source)
