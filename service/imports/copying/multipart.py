"""Copy a large object by a multipart upload, over as many calls as it takes.

The table has the upload from before it begins until the clip has its row, so any later call continues with the parts
that are there, or removes them. If several calls copy one clip, the first to claim it begins the upload.
"""

import logging
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, wait
from dataclasses import dataclass, field, replace
from threading import Event

from service.domain.errors import ObjectError, ObjectRejected, SourceUnavailable, UploadGone
from service.domain.manifest import ManifestEntry
from service.domain.multipart import MAX_OBJECT_BYTES, copy_parts, part_size
from service.domain.objects import Copied, LargeCopy, Sent
from service.domain.requests import ImportSettings
from service.domain.verification import etag_of_parts
from service.imports.copying.abort import remove_upload
from service.ports.objects import Copier, LargeCopyStore, ServerSideCopier, Uploads
from service.ports.state import Clock
from service.support.stops import OutOfTime, Stopped

log = logging.getLogger(__name__)

BEGINNINGS = 3
"""How often one call begins an upload for a clip. It begins another one only after someone else removed the last."""


@dataclass(frozen=True, kw_only=True)
class LargeCopies:
    job_id: str
    bucket: Uploads
    uploads: LargeCopyStore
    clock: Clock
    part_bytes: int
    stream_part_bytes: int
    pool: Executor
    """Runs server-side copies of parts. Threads that wait for parts must not fill it."""
    check: Callable[[], object]
    """Called before each request that takes long. Raises `OutOfTime` or `Stopped`."""
    advanced: Callable[[], None]
    """Called after each part and after each completed upload."""
    _completed: dict[int, LargeCopy] = field(default_factory=dict)

    def copy(
        self, entry: ManifestEntry, copier: Copier, settings: ImportSettings, *, mark: str | None = None
    ) -> Copied:
        """Copy the object. Call `settled` once its clip has a row.

        Raises `OutOfTime` or `SourceUnavailable` and leaves the upload for another call, or removes the upload and
        raises `Stopped` or another `ObjectError`.
        """
        assert entry.size is not None
        if entry.size > MAX_OBJECT_BYTES:
            raise ObjectRejected("it is larger than S3's largest object", operation="copy", uri=entry.source_uri)
        for _ in range(BEGINNINGS):
            upload = self._claimed(entry, copier, settings, mark)
            try:
                copied = self._go_on(upload, entry, copier, settings, mark)
            except UploadGone:
                self.uploads.remove(upload)
            except SourceUnavailable:
                raise
            except (ObjectError, Stopped):
                remove_upload(upload, self.bucket, self.uploads)
                raise
            else:
                self._completed[entry.ordinal] = upload
                return copied
        raise SourceUnavailable("its upload was removed again and again", operation="copy", uri=entry.source_uri)

    def settled(self, ordinal: int) -> None:
        """Forget the completed upload of a clip that has its row."""
        if upload := self._completed.pop(ordinal, None):
            self.uploads.remove(upload)

    def _claimed(self, entry: ManifestEntry, copier: Copier, settings: ImportSettings, mark: str | None) -> LargeCopy:
        """The clip's upload: the one that is open already, or a new one."""
        assert entry.size is not None
        assert entry.etag is not None
        wanted = LargeCopy(
            job_id=self.job_id,
            ordinal=entry.ordinal,
            token=secrets.token_hex(8),
            destination=entry.destination,
            etag=entry.etag,
            part_bytes=part_size(entry.size, part_bytes=self.stream_part_bytes if copier.streams else self.part_bytes),
            begun_at=self.clock(),
        )
        while (found := self.uploads.claim(wanted)).token != wanted.token:
            if found.upload_id and (found.etag, found.destination) == (wanted.etag, wanted.destination):
                return found
            # It belongs to another plan, or to a call that ended while it began the upload.
            if not remove_upload(found, self.bucket, self.uploads):
                raise SourceUnavailable("an old upload is in the way", operation="copy", uri=entry.source_uri)
        try:
            begun = replace(wanted, upload_id=copier.begin_parts(entry, settings, mark=mark))
        except SourceUnavailable:
            raise  # it may have begun all the same
        except ObjectError:
            self.uploads.remove(wanted)
            raise
        if self.uploads.update(begun):
            return begun
        remove_upload(begun, self.bucket, self.uploads)
        raise SourceUnavailable("another call began its upload too", operation="copy", uri=entry.source_uri)

    def _go_on(
        self, upload: LargeCopy, entry: ManifestEntry, copier: Copier, settings: ImportSettings, mark: str | None
    ) -> Copied:
        """Copy the parts that are missing, then complete. Raises `UploadGone` where nothing came of the upload."""
        assert entry.size is not None
        assert upload.upload_id is not None
        try:
            there = self.bucket.copied_parts(upload.destination, upload.upload_id)
        except UploadGone:
            # An earlier call may have completed it, and ended before it wrote the row.
            done = copier.landed(entry, etag=upload.completes_as, mark=mark) if upload.completes_as else None
            if done:
                return done
            raise
        spans = dict(enumerate(copy_parts(entry.size, part_bytes=upload.part_bytes), 1))
        etags = {
            number: there[number].etag
            for number, (first, last) in spans.items()
            if number in there and there[number].size == last - first + 1
        }
        missing = {number: span for number, span in spans.items() if number not in etags}
        sent = self._sent(missing, upload, entry, copier, whole=not etags)
        etags.update(sent.etags)
        self.check()
        parts = [etags[number] for number in spans]
        known = replace(upload, completes_as=etag_of_parts(parts))
        if known != upload and not self.uploads.update(known):
            raise SourceUnavailable("another call took its upload over", operation="copy", uri=entry.source_uri)
        try:
            copied = copier.complete_parts(entry, upload.upload_id, parts, settings, digests=sent.digests)
        except UploadGone:
            self.bucket.abort(upload.destination, upload.upload_id)  # S3 keeps one that it refuses to complete
            done = copier.landed(entry, etag=known.completes_as, mark=mark)
            if done:
                return done
            raise
        self.advanced()
        return copied

    def _sent(
        self,
        spans: Mapping[int, tuple[int, int]],
        upload: LargeCopy,
        entry: ManifestEntry,
        copier: Copier,
        *,
        whole: bool,
    ) -> Sent:
        """Raises only when no request is in flight any more: then the upload can be removed."""
        if not spans:
            return Sent(etags={})
        if not copier.streams:
            return Sent(etags=self._copied(spans, upload, entry, copier))
        return copier.send_parts(
            entry, str(upload.upload_id), spans, whole=whole, check=self.check, advanced=self.advanced
        )

    def _copied(
        self, spans: Mapping[int, tuple[int, int]], upload: LargeCopy, entry: ManifestEntry, copier: ServerSideCopier
    ) -> dict[int, str]:
        """ETags of these parts, by number."""
        halted = Event()

        def copy(number: int) -> str:
            if halted.is_set():
                return ""
            try:
                self.check()
                part = copier.copy_part(entry, str(upload.upload_id), number, spans[number])
            except BaseException:
                halted.set()
                raise
            self.advanced()
            return part.etag

        copies = {number: self.pool.submit(copy, number) for number in spans}
        wait(copies.values())
        errors = [error for error in (copied.exception() for copied in copies.values()) if error]
        if errors:
            raise next((error for error in errors if not isinstance(error, OutOfTime)), errors[0])
        return {number: copied.result() for number, copied in copies.items()}
