"""Ports of object stores: look, read, copy, upload and remove."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from service.domain.errors import ObjectError
from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied, CopiedPart, LargeCopy, ListedObject, Sent
from service.domain.requests import ImportSettings
from service.domain.uris import Location
from service.formats.reader import RangeReader


class Objects(Protocol):
    """Looking at objects by one access. Errors are `ObjectError`s. Safe for threads."""

    def list_pages(self, at: Location, *, start_after: str = "") -> Iterator[Sequence[ListedObject]]:
        """Pages of objects whose keys begin with the location's, in UTF-8 binary order, those after `start_after`."""
        ...

    def stat(self, at: Location, *, version: str | None = None) -> ListedObject:
        """The object, or its named version."""
        ...

    def reader(self, entry: ManifestEntry) -> RangeReader:
        """Range reads of exactly the planned object."""
        ...


class SourceStorage(Objects, Protocol):
    """Looking at the sources of one project, each by its own access; without any at the clips bucket.

    `integration` is the id of the saved access that opens a source; None: the service's own, on Hugging Face nobody's.
    """

    def list_pages(
        self, at: Location, *, start_after: str = "", integration: str | None = None
    ) -> Iterator[Sequence[ListedObject]]: ...

    def stat(self, at: Location, *, version: str | None = None, integration: str | None = None) -> ListedObject: ...


class ManyCopier(Protocol):
    def copy_each(
        self,
        entries: Iterable[ManifestEntry],
        settings: ImportSettings,
        settled: Callable[[ManifestEntry, Copied | ObjectError], object],
        *,
        at_once: int,
    ) -> None:
        """Copy each as `Transfer.copy` does, so many in flight, and tell what became of it.

        `entries` is read, and `settled` called, by one thread, an entry whenever another copy may begin. What either
        raises ends it, after the copies that are in flight.
        """
        ...


class Transfer(Objects, Protocol):
    """Copying clips that one access opens into the clips bucket. Errors are `ObjectError`s. Safe for threads."""

    def streams(self, entry: ManifestEntry) -> bool:
        """Whether the clip's bytes pass through this process; else the store copies them on its side."""
        ...

    def copy(self, entry: ManifestEntry, settings: ImportSettings, *, mark: str | None = None) -> Copied:
        """Copy exactly the planned object (size, ETag, version) to its destination and compare the two.

        In one request, so at most 5 GiB, or where it streams one of its parts; larger ones go by parts. A `mark` is
        kept with the copy, for `remove_marked`.
        """
        ...

    def many(self, entry: ManifestEntry) -> ManyCopier | None:
        """What copies this clip and others that the same access opens; None where each takes a thread of its own."""
        ...

    def begin_parts(self, entry: ManifestEntry, settings: ImportSettings, *, mark: str | None = None) -> str:
        """Begin an upload to the clip's destination, with all that is to be kept of its source; the upload's id."""
        ...

    def copy_part(self, entry: ManifestEntry, upload_id: str, number: int, span: tuple[int, int]) -> CopiedPart:
        """Copy bytes `span[0]` to `span[1]` of exactly the planned object. Raises `UploadGone`.

        Of clips that do not stream; the others have `send_parts`.
        """
        ...

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
        """Read these parts of exactly the planned object (first and last byte, by number) and send them, in order, a
        few in flight. `whole`: they are all that it has, so its digests are told too.

        `check` is called before each part begins, and whatever it raises ends the sending; `advanced` is called after
        each part. Raises, also `UploadGone`, when no request is under way any more.
        """
        ...

    def complete_parts(
        self, entry: ManifestEntry, upload_id: str, etags: Sequence[str], *, digests: Mapping[str, str] | None = None
    ) -> Copied:
        """Make the object of its parts and compare it with its source. Raises `UploadGone`.

        `digests` as `send_parts` told them.
        """
        ...

    def landed(self, entry: ManifestEntry, etag: str, *, mark: str | None = None) -> Copied | None:
        """The object at the clip's destination, compared with its source.

        None where it has another ETag, or not the `mark` that is asked for. A streamed copy tells itself of which
        source object it is one: for it, the source's own ETag asks for any.
        """
        ...


class Storage(Transfer, Protocol):
    """And what is done to unfinished uploads and to copies, whatever they are of."""

    def copied_parts(self, destination: str, upload_id: str) -> Mapping[int, CopiedPart]:
        """By number, from 1. Raises `UploadGone`."""
        ...

    def abort(self, destination: str, upload_id: str) -> None:
        """Remove an unfinished upload and its parts, if it is there."""
        ...

    def abort_begun_since(self, destination: str, moment: str) -> None:
        """Remove all unfinished uploads to `destination` that began at `moment` or later."""
        ...

    def remove_marked(self, key: str, mark: str) -> None:
        """Remove from the clips bucket every version of `key` that was copied with this mark, and no other.

        What lay there before is there again.
        """
        ...


class ClipRemover(Protocol):
    def remove_up_to(self, key: str, *, etag: str) -> None:
        """Remove from the clips bucket the newest version of `key` with this ETag, and all before it.

        Where there is none, nothing; a version after it stays. Errors are `ObjectError`s.
        """
        ...


@dataclass(frozen=True)
class StoredResult:
    etag: str
    note: str | None
    """What it was stored with; None: the object is something else."""


class ResultStore(Protocol):
    """Results of the service's own, beside the clips. Errors are `ObjectError`s. Safe for threads."""

    def find(self, key: str) -> StoredResult | None: ...

    def put(self, key: str, body: bytes, *, note: str, replaces: str | None) -> None:
        """Store it in the place of the object with the ETag `replaces`, or of none.

        Raises `SourceUnavailable` where another one lies there by now. `note` is ASCII, 1 KiB at most.
        """
        ...


class LargeCopyStore(Protocol):
    """Which uploads are unfinished: at most one for a clip."""

    def claim(self, copy: LargeCopy) -> LargeCopy:
        """Keep `copy` unless the clip has one already; the one that is kept."""
        ...

    def update(self, copy: LargeCopy) -> bool:
        """Replace the one of the same token; False where there is none."""
        ...

    def remove(self, copy: LargeCopy) -> None:
        """Forget it, if it still has this token and upload."""
        ...

    def of(self, job_id: str, ordinals: Sequence[int]) -> Sequence[LargeCopy]:
        """Those of these clips."""
        ...

    def unfinished(self, job_id: str) -> Sequence[LargeCopy]: ...
