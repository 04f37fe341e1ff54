"""Ports of object stores: list, read, copy, upload and remove."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from service.domain.errors import ObjectError
from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied, CopiedPart, LargeCopy, ListedObject, Sent
from service.domain.requests import ImportSettings, Restore
from service.domain.uris import Location
from service.formats.reader import RangeReader, Reading


class Objects(Protocol):
    """Read access to objects with one set of credentials. Errors are `ObjectError`s. Thread-safe."""

    def list_pages(self, at: Location, *, start_after: str = "") -> Iterator[Sequence[ListedObject]]:
        """Yield pages of objects whose key begins with the location's, in UTF-8 binary order, after `start_after`.

        Pages may be empty. The first one comes once the store has answered, even if all must be read to be sorted.
        """
        ...

    def list_as_of(
        self, at: Location, as_of: str, *, start_after: str = "", only: bool = False
    ) -> Iterator[Sequence[ListedObject]]:
        """Like `list_pages`, with the objects as they stood at a time, each with its version.

        `only`: exactly the object with the location's key. Raises `NotVersioned` if the bucket keeps no versions.
        """
        ...

    def stat(self, at: Location, *, version: str | None = None) -> ListedObject:
        """Return the object, or its named version."""
        ...

    def commit_of(self, at: Location) -> str | None:
        """Return the commit that the location's revision names now; None for stores without commits."""
        ...

    def reader(self, entry: ManifestEntry) -> RangeReader:
        """Return a reader for ranges of exactly the planned object."""
        ...


class SourceStorage(Objects, Protocol):
    """Read access to the sources of one project, and to the clips bucket.

    `integration` is the id of the one that opens a source. None: the service's own role; for Hugging Face no token.
    """

    def list_pages(
        self, at: Location, *, start_after: str = "", integration: str | None = None
    ) -> Iterator[Sequence[ListedObject]]: ...

    def list_as_of(
        self,
        at: Location,
        as_of: str,
        *,
        start_after: str = "",
        only: bool = False,
        integration: str | None = None,
    ) -> Iterator[Sequence[ListedObject]]: ...

    def stat(self, at: Location, *, version: str | None = None, integration: str | None = None) -> ListedObject: ...

    def commit_of(self, at: Location, *, integration: str | None = None) -> str | None: ...


class Restorer(Protocol):
    """Restores archived objects of one project's sources. Errors are `ObjectError`s. Thread-safe."""

    def restore(self, entry: ManifestEntry, how: Restore) -> None:
        """Request the restore of the entry's source from `entry.archive`. Do nothing if it is under way or done."""
        ...


class AnyCopier(Protocol):
    """Copies clips of one source into the clips bucket. Errors are `ObjectError`s. Thread-safe."""

    def stat(self, at: Location, *, version: str | None = None) -> ListedObject:
        """Return the source object, or its named version."""
        ...

    def reader(self, entry: ManifestEntry) -> RangeReader:
        """Read ranges of exactly the planned object."""
        ...

    def copy(self, entry: ManifestEntry, settings: ImportSettings, *, mark: str | None = None) -> Copied:
        """Copy exactly the planned object (size, ETag, version) in one request, and compare copy and source.

        Larger objects need parts. The copy keeps `mark`, for `landed` and `remove_marked`. Raises `DestinationChanged`
        if the destination holds another object than planning found, unless the import overwrites.
        """
        ...

    def begin_parts(self, entry: ManifestEntry, settings: ImportSettings, *, mark: str | None = None) -> str:
        """Begin a multipart upload that keeps the source's metadata and tags; return its id."""
        ...

    def complete_parts(
        self,
        entry: ManifestEntry,
        upload_id: str,
        etags: Sequence[str],
        settings: ImportSettings,
        *,
        digests: Mapping[str, str] | None = None,
    ) -> Copied:
        """Complete the upload and compare copy and source. Raises `UploadGone`, and what `copy` raises.
        The upload may still be there after `UploadGone`, if its destination was written or deleted meanwhile.

        `digests` are those of `StreamCopier.send_parts`.
        """
        ...

    def landed(self, entry: ManifestEntry, *, etag: str | None = None, mark: str | None = None) -> Copied | None:
        """Compare the object at the destination with its source. None if it is not a copy of the planned object.

        Without `etag` the copier decides by its own rule. If `etag` or `mark` is given, the object must have it; only
        outside of sets it may lack a mark, as copies by older code do.
        """
        ...


class ServerSideCopier(AnyCopier, Protocol):
    """The store copies. A single request copies up to 5 GiB."""

    @property
    def streams(self) -> Literal[False]: ...

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
        """Copy the entries, at most `at_once` at a time, and report each result.

        `check` reads ranges of exactly the planned object before it is copied. If it returns False, the entry is
        neither copied nor reported. One thread reads `entries`, runs `check` and calls `settled`: none of them may
        block. If one of them raises, the running copies finish and the error is raised.
        """
        ...

    def copy_part(self, entry: ManifestEntry, upload_id: str, number: int, span: tuple[int, int]) -> CopiedPart:
        """Copy bytes `span[0]` to `span[1]` of exactly the planned object. Raises `UploadGone`."""
        ...


class StreamCopier(AnyCopier, Protocol):
    """The bytes pass through this process. A single request copies one part."""

    @property
    def streams(self) -> Literal[True]: ...

    def send_parts(
        self,
        entry: ManifestEntry,
        upload_id: str,
        spans: Mapping[int, tuple[int, int]],
        *,
        whole: bool,
        check: Callable[[], object],
        advanced: Callable[[], None],
    ) -> Sent:
        """Read these parts of exactly the planned object (first and last byte, by number) and upload them in order.

        `whole`: these are all parts of the object, so return its digests too. `check` is called before each part and
        may raise; `advanced` is called after each part. Raises, also `UploadGone`, only when no request is in flight.
        """
        ...


Copier = ServerSideCopier | StreamCopier


class Copiers(Protocol):
    """The copiers of one project's sources."""

    def copier_of(self, entry: ManifestEntry) -> Copier:
        """Raises `AccessDenied` if the integration that opens the source is gone."""
        ...


class Uploads(Protocol):
    """Unfinished multipart uploads to the clips bucket. Errors are `ObjectError`s. Thread-safe."""

    def copied_parts(self, destination: str, upload_id: str) -> Mapping[int, CopiedPart]:
        """Return the parts by number, from 1. Raises `UploadGone`."""
        ...

    def abort(self, destination: str, upload_id: str) -> None:
        """Remove an upload and its parts, if it exists."""
        ...

    def abort_begun_since(self, destination: str, moment: str) -> None:
        """Remove all uploads to `destination` that began at `moment` or later."""
        ...


class ClipsBucket(Uploads, Protocol):
    def remove_marked(self, key: str, mark: str) -> None:
        """Remove every version of `key` that was copied with this mark. The version before them shows again."""
        ...


class DropBucket(Protocol):
    def newest(self, at: Location) -> ListedObject | None:
        """Return the newest version of an uploaded object, even if the key was deleted since.

        None if no version is left, and for objects of other buckets. Errors are `ObjectError`s. Thread-safe.
        """
        ...


class UploadRemover(Protocol):
    def remove(self, etags: Mapping[str, str]) -> None:
        """Remove objects of the drop bucket, given by key with their ETag; at most 1,000.

        Leave an object that has another ETag by now, and one that is gone. S3 keeps a removed object as a noncurrent
        version. Raises `ObjectError`s; safe to repeat.
        """
        ...


class SourceRemovals(Protocol):
    """Deletes the sources of one project's clips. Errors are `ObjectError`s. Thread-safe."""

    def refusal(self, entry: ManifestEntry) -> str | None:
        """Return why the source may not be deleted; None where it may be. Raises `IntegrationGone`."""
        ...

    def remove(self, entry: ManifestEntry) -> None:
        """Delete exactly the planned object. Raises `SourceChanged`; `ObjectMissing` if it is gone already."""
        ...


class ClipRemover(Protocol):
    def remove_up_to(self, key: str, *, etag: str) -> None:
        """Remove from the clips bucket the newest version of `key` with this ETag, and all versions before it.

        Do nothing if there is none; later versions stay. Errors are `ObjectError`s.
        """
        ...


@dataclass(frozen=True)
class StoredResult:
    etag: str
    note: str | None
    """The note stored with it. None: the object is not a result of this service."""


class ResultStore(Protocol):
    """Results that the service stores beside the clips. Errors are `ObjectError`s. Thread-safe."""

    def find(self, key: str) -> StoredResult | None: ...

    def put(self, key: str, body: bytes, *, note: str, replaces: str | None) -> None:
        """Store it over the object with the ETag `replaces`; None: only if no object is there.

        Raises `SourceUnavailable` if another object is there by now. `note` is ASCII, at most 1 KiB.
        """
        ...


class LargeCopyStore(Protocol):
    """Unfinished multipart uploads of clips, at most one for each clip."""

    def claim(self, copy: LargeCopy) -> LargeCopy:
        """Store `copy` unless the clip has an upload already; return the stored one."""
        ...

    def update(self, copy: LargeCopy) -> bool:
        """Replace the record of the same token. False if there is none."""
        ...

    def remove(self, copy: LargeCopy) -> None:
        """Delete the record if it still has this token and upload."""
        ...

    def of(self, job_id: str, ordinals: Sequence[int]) -> Sequence[LargeCopy]:
        """Return the records of these clips."""
        ...

    def unfinished(self, job_id: str) -> Sequence[LargeCopy]: ...
