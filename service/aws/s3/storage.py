"""Read sources and write clips on S3. Copies are server-side: no clip passes through the function."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.clients import Unanswered, object_error
from service.aws.s3.copy_requests import NEEDS, Copy, PartCopies, copy_whole, written_if
from service.aws.s3.heads import Head, head_of, head_planned
from service.aws.s3.http.event_loop import each, run
from service.aws.s3.listing import fetcher
from service.aws.s3.range_reader import S3RangeReader
from service.aws.s3.session import CopySessions
from service.aws.s3.terms import listing_headers, payer_parameters, reading_headers
from service.domain.archives import restore_request
from service.domain.clips import Verification
from service.domain.errors import (
    ChecksumMismatch,
    DestinationChanged,
    NotVersioned,
    ObjectError,
    ObjectMissing,
    SourceChanged,
    UploadGone,
)
from service.domain.ids import MARK, mark_told, may_bear, source_mark, source_told
from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied, CopiedPart, ListedObject
from service.domain.requests import ImportSettings, Restore
from service.domain.s3_error_codes import NO_OBJECT, NOTHING_TO_RESTORE
from service.domain.uris import Location, s3_at
from service.domain.verification import compare_checksums, etags_agree, given_checksum, verdict
from service.formats.reader import Reading, run_async
from service.support.parallel_listing import pages_of

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectVersionTypeDef


CLOCK_SKEW = timedelta(minutes=1)
"""Seconds that a function's clock may be ahead of S3's when it searches for uploads that it began."""

RESTORE_NEEDS = {"RestoreObject": "s3:RestoreObject: name the bucket in the deploy setting restore_buckets"}


@dataclass(frozen=True, kw_only=True)
class S3Storage(CopySessions):
    """Uses the service's own identity, and optionally a role of another account.

    Implements `ServerSideCopier`, `ClipsBucket`, `ClipRemover`, `Restorer` and `Objects`.
    """

    def list_pages(self, at: Location, *, start_after: str = "") -> Iterator[Sequence[ListedObject]]:
        """List objects; a long listing uses concurrent ranges of keys (decision 63)."""
        try:
            headers = listing_headers(self.terms_of(at.bucket))
            fetch = fetcher(self.sources.requests, at.bucket, at.key, headers)
            yield from pages_of(fetch, start_after=start_after)
        except (ClientError, BotoCoreError) as error:
            raise object_error(error, operation="list", uri=str(at)) from error

    def list_as_of(
        self, at: Location, as_of: str, *, start_after: str = "", only: bool = False
    ) -> Iterator[Sequence[ListedObject]]:
        # Imported here: few imports ask for a time.
        from service.domain.versions import standing_at
        from service.support.version_pages import version_pages

        client, terms = self.sources.client, payer_parameters(self.terms_of(at.bucket))
        asked: Any = {"Bucket": at.bucket, "Prefix": at.key, "OptionalObjectAttributes": ["RestoreStatus"], **terms}

        def check_versioned() -> None:
            if "Status" not in client.get_bucket_versioning(Bucket=at.bucket):
                raise NotVersioned("it keeps no versions", operation="list the versions of", uri=str(at))

        def fetch(after: Mapping[str, str]) -> Mapping[str, Any]:
            return client.list_object_versions(**{**asked, **after})

        try:
            pages = version_pages(fetch, check_versioned, start_after=start_after)
            yield from standing_at(pages, as_of, only=at.key if only else None)
        except (ClientError, BotoCoreError) as error:
            raise object_error(error, operation="list the versions of", uri=str(at)) from error

    def stat(self, at: Location, *, version: str | None = None) -> ListedObject:
        try:
            headers = reading_headers(self.terms_of(at.bucket))
            head = run(head_of(self.sources.requests, at.bucket, at.key, version, headers))
            if not head.etag or head.size < 0:
                raise Unanswered(reason="the answer has no ETag or no size")
        except (ClientError, BotoCoreError) as error:
            raise object_error(error, operation="inspect", uri=str(at)) from error
        return ListedObject(
            key=at.key,
            size=head.size,
            etag=head.etag,
            version=head.version,
            modified=head.modified,
            archive=head.archive,
            restoring=head.restoring,
            copied_from=source_told(head.metadata, head.redirect),
            mark=mark_told(head.metadata, head.redirect),
        )

    def restore(self, entry: ManifestEntry, how: Restore) -> None:
        at = entry.location
        where = {"Bucket": at.bucket, "Key": at.key} | ({"VersionId": entry.version} if entry.version else {})
        payer = payer_parameters(self.terms_of(at.bucket))
        assert entry.archive is not None
        try:
            self.sources.client.restore_object(**where, **payer, RestoreRequest=restore_request(entry.archive, how))  # type: ignore[arg-type]
        except (ClientError, BotoCoreError) as error:
            code = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else None
            if code not in NOTHING_TO_RESTORE:
                raise object_error(error, operation="restore", uri=entry.source_uri, needs=RESTORE_NEEDS) from error

    def commit_of(self, at: Location) -> str | None:  # noqa: ARG002
        return None

    def reader(self, entry: ManifestEntry) -> S3RangeReader:
        return S3RangeReader(self.sources.requests, entry, reading_headers(self.terms_of(entry.location.bucket)))

    @property
    def streams(self) -> Literal[False]:
        return False

    def copy(self, entry: ManifestEntry, settings: ImportSettings, *, mark: str | None = None) -> Copied:
        return run(self._copied(entry, settings, mark))

    def copy_each(
        self,
        entries: Iterable[ManifestEntry],
        settings: ImportSettings,
        settled: Callable[[ManifestEntry, Copied | ObjectError], object],
        *,
        mark_of: Callable[[ManifestEntry], str],
        at_once: int,
        check: Callable[[ManifestEntry], Reading[bool]] | None = None,
    ) -> None:
        async def copied(entry: ManifestEntry) -> None:
            try:
                if check and not await run_async(check(entry), self.reader(entry).read_on_loop):
                    return
                outcome: Copied | ObjectError = await self._copied(entry, settings, mark_of(entry))
            except ObjectError as error:
                outcome = error
            settled(entry, outcome)

        run(each(copied, entries, at_once=at_once))

    async def _copied(self, entry: ManifestEntry, settings: ImportSettings, mark: str | None) -> Copied:
        with self._errors(entry):
            try:
                copy = await copy_whole(self, entry, settings, mark)
            except ClientError as error:
                await self._check_destination(entry, settings, error)
                raise
            return await self._verified(entry, copy)

    def begin_parts(self, entry: ManifestEntry, settings: ImportSettings, *, mark: str | None = None) -> str:
        with self._errors(entry):
            return self._parts.begin(entry, settings, mark)

    def copied_parts(self, destination: str, upload_id: str) -> Mapping[int, CopiedPart]:
        with self._errors_of_upload("list the parts of", destination):
            return self._parts.listed(destination, upload_id)

    def copy_part(self, entry: ManifestEntry, upload_id: str, number: int, span: tuple[int, int]) -> CopiedPart:
        with self._errors(entry):
            return self._parts.copy(entry, upload_id, number, span)

    def complete_parts(
        self,
        entry: ManifestEntry,
        upload_id: str,
        etags: Sequence[str],
        settings: ImportSettings,
        *,
        digests: Mapping[str, str] | None = None,  # noqa: ARG002  # S3 computes its own
    ) -> Copied:
        with self._errors(entry):
            try:
                copy = self._parts.complete(entry, upload_id, etags, settings)
            except ClientError as error:
                run(self._check_destination(entry, settings, error))
                raise
            return run(self._verified(entry, copy))

    async def _check_destination(self, entry: ManifestEntry, settings: ImportSettings, error: ClientError) -> None:
        """Raise `DestinationChanged` if S3 refused the write's condition, which its answer does not tell.

        A 412 may be about the source instead, and so may a 404 that answers `If-Match`.
        """
        metadata = error.response["ResponseMetadata"]
        condition = written_if(entry, settings, by_role=self.role is not None)
        if not condition or error.operation_name not in ("CopyObject", "CompleteMultipartUpload"):
            return
        gone = "if-match" in condition and error.response["Error"]["Code"] in NO_OBJECT
        if metadata["HTTPStatusCode"] != 412 and not gone:
            return
        there = await self._at_destination(entry)
        if (there.etag if there else None) == entry.destination_etag:
            return
        raise DestinationChanged(
            operation=self._operation(entry),
            uri=entry.source_uri,
            etag=there.etag if there else None,
            size=there.size if there else None,
            modified=there.modified if there else None,
            repeated=metadata.get("RetryAttempts", 0) > 0,
        )

    async def _at_destination(self, entry: ManifestEntry) -> Head | None:
        try:
            return await head_of(
                self.own.requests, self.clips_bucket, entry.destination, headers={"x-amz-checksum-mode": "ENABLED"}
            )
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise

    def landed(self, entry: ManifestEntry, *, etag: str | None = None, mark: str | None = None) -> Copied | None:
        """Without `etag`, the copy must have the source's ETag or name the source. S3 gives a copy another ETag if the
        source was uploaded in parts, or is encrypted with KMS.

        Never remove the object: another import may have written it.
        """
        return run(self._landed(entry, etag, mark))

    async def _landed(self, entry: ManifestEntry, etag: str | None, mark: str | None) -> Copied | None:
        with self._errors(entry):
            head = await self._at_destination(entry)
        if head is None or head.size != entry.size or not _is_copy(head, entry, etag):
            return None
        if mark is not None and not may_bear(mark, head.metadata, head.redirect, in_set=entry.group is not None):
            return None
        # The source still existed when it was copied.
        with suppress(ObjectMissing, SourceChanged), self._errors(entry):
            return await self._compared(entry, Copy(head.etag, head.checksums, head.version))
        return Copied(size=head.size, etag=head.etag, verified=Verification.UNVERIFIABLE)

    def abort(self, destination: str, upload_id: str) -> None:
        with suppress(UploadGone), self._errors_of_upload("abort the upload to", destination):
            self.own.client.abort_multipart_upload(Bucket=self.clips_bucket, Key=destination, UploadId=upload_id)

    def abort_begun_since(self, destination: str, moment: str) -> None:
        with self._errors_of_upload("list the uploads to", destination):
            begun = self._parts.begun_since(destination, datetime.fromisoformat(moment) - CLOCK_SKEW)
        for upload_id in begun:
            self.abort(destination, upload_id)

    async def _verified(self, entry: ManifestEntry, copy: Copy) -> Copied:
        """Compare the copy with its source, and remove it if it is certainly another object."""
        try:
            copied = await self._compared(entry, copy)
        except SourceChanged:
            await asyncio.to_thread(self._remove, entry.destination, copy.version)
            raise
        if copied is None:
            await asyncio.to_thread(self._remove, entry.destination, copy.version)
            whose = "its line in the manifest" if entry.checksum else "the source"
            message = f"the copy's checksum differs from that of {whose}; the copy was removed"
            raise ChecksumMismatch(message, operation=self._operation(entry), uri=entry.source_uri)
        return copied

    async def _compared(self, entry: ManifestEntry, copy: Copy) -> Copied | None:
        """Compare the copy with its source; None if it is certainly another object. Raises `SourceChanged`."""
        assert entry.size is not None, "planning pins every clip that is to be copied"
        assert entry.etag is not None
        agree = await self._checksums_agree(entry, copy)
        verified = verdict(etags=etags_agree(entry.etag, copy.etag), checksums=agree)
        return Copied(size=entry.size, etag=copy.etag, verified=verified) if verified else None

    async def _checksums_agree(self, entry: ManifestEntry, copy: Copy) -> bool | None:
        """Compare checksums; None if there are none to compare. A checksum from the caller is compared with the copy's
        if possible, else with the source's.
        """
        agree = etags_agree(str(entry.etag), copy.etag)
        given = given_checksum(entry.checksum)
        told = compare_checksums(given, copy.checksums)
        if told is not None or (agree and not given):
            return told
        source = await self._source_checksums(entry)
        of_source = compare_checksums(given, source)
        if of_source is False or (of_source and agree):
            return of_source
        return None if agree else compare_checksums(source, copy.checksums)

    def remove_marked(self, key: str, mark: str) -> None:
        try:
            for version in self._versions(key):
                if self._mark(key, version) == mark:
                    self._remove(key, version)
        except (ClientError, BotoCoreError) as error:
            raise object_error(error, operation="remove", uri=str(s3_at(self.clips_bucket, key))) from error

    def remove_up_to(self, key: str, *, etag: str) -> None:
        """Remove the oldest version first, so that no removal exposes an older version."""
        try:
            versions = self._listed_versions(key)
            newest = (n for n, one in enumerate(versions) if one["ETag"].strip('"') == etag)
            for version in reversed(versions[next(newest, len(versions)) :]):
                self._remove(key, version["VersionId"])
        except (ClientError, BotoCoreError) as error:
            raise object_error(error, operation="remove", uri=str(s3_at(self.clips_bucket, key))) from error

    def _versions(self, key: str) -> list[str]:
        return [version["VersionId"] for version in self._listed_versions(key)]

    def _listed_versions(self, key: str) -> "list[ObjectVersionTypeDef]":
        """Return the versions of exactly this key, newest first. The listing continues with longer keys."""
        pages = self.own.client.get_paginator("list_object_versions").paginate(Bucket=self.clips_bucket, Prefix=key)
        found: list[ObjectVersionTypeDef] = []
        for page in pages:
            versions = page.get("Versions", [])
            found += [version for version in versions if version["Key"] == key]
            if any(version["Key"] != key for version in versions):
                break
        return found

    def _mark(self, key: str, version: str) -> str | None:
        try:
            head = run(head_of(self.own.requests, self.clips_bucket, key, version))
        except ClientError as error:
            if isinstance(object_error(error, operation="inspect", uri=key), ObjectMissing):
                return None  # another delivery removed it in between
            raise
        return head.metadata.get(MARK)

    def _remove(self, key: str, version: str | None) -> None:
        """Remove this version, so that the previous one is current again. Not every store keeps versions."""
        if version:
            self.own.client.delete_object(Bucket=self.clips_bucket, Key=key, VersionId=version)
        else:
            self.own.client.delete_object(Bucket=self.clips_bucket, Key=key)

    @property
    def _parts(self) -> PartCopies:
        return PartCopies(self)

    @contextmanager
    def _errors(self, entry: ManifestEntry) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            raise object_error(error, operation=self._operation(entry), uri=entry.source_uri, needs=NEEDS) from error

    @contextmanager
    def _errors_of_upload(self, operation: str, destination: str) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            uri = str(s3_at(self.clips_bucket, destination))
            raise object_error(error, operation=operation, uri=uri) from error

    def _operation(self, entry: ManifestEntry) -> str:
        return f"copy to {s3_at(self.clips_bucket, entry.destination)} from"

    async def _source_checksums(self, entry: ManifestEntry) -> Mapping[str, str]:
        """Return the source's checksums. Costs a HEAD, so only if ETags cannot tell: multipart or KMS sources."""
        terms = self.terms_of(entry.location.bucket)
        return (await head_planned(self.sources.requests, entry, reading_headers(terms))).checksums


def _is_copy(head: Head, entry: ManifestEntry, etag: str | None) -> bool:
    """Whether the copy has this ETag; without one, whether it has the source's or names the source."""
    if etag is not None:
        return head.etag == etag
    named = source_mark(entry.size, entry.etag, entry.version)
    return head.etag == entry.etag or source_told(head.metadata, head.redirect) == named
