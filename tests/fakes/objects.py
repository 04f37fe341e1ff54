"""Object stores in memory."""

import hashlib
import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from service.domain.clips import Verification
from service.domain.errors import (
    DestinationChanged,
    NotVersioned,
    ObjectArchived,
    ObjectError,
    ObjectMissing,
    ObjectRejected,
    SourceChanged,
    SourceUnavailable,
    UploadGone,
)
from service.domain.ids import source_mark
from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied, CopiedPart, ListedObject, Sent
from service.domain.requests import ImportSettings, OnExisting, Restore
from service.domain.uris import Location, parse_object
from service.domain.verification import etag_of_parts
from service.domain.versions import Version, standing_at
from service.formats.reader import Reading, run
from service.ports.objects import StoredResult
from service.sources.port import Pin
from tests.fakes.faults import Faults, Planned, port_call, raise_next

_OF_PARTS = re.compile(r"[0-9a-f]{32}-\d+")


def one_by_one(
    copy: Callable[[ManifestEntry], Copied | None],
    entries: Iterable[ManifestEntry],
    settled: Callable[[ManifestEntry, Copied | ObjectError], object],
) -> None:
    """`ServerSideCopier.copy_each` with one copy at a time; `copy` returns None for entries that its check rejects."""
    for entry in entries:
        try:
            outcome: Copied | ObjectError | None = copy(entry)
        except ObjectError as error:
            outcome = error
        if outcome:
            settled(entry, outcome)


def _as_listed(found: ListedObject) -> ListedObject:
    """Like S3: listings have no version ids, no metadata, and no archive tiers of INTELLIGENT_TIERING."""
    archive = None if found.archive_hidden else found.archive
    return replace(found, version=None, copied_from=None, mark=None, archive=archive)


def _etag_of_copy(etag: str) -> str:
    """Like S3: the copy of an object that was uploaded in parts is an object of one part."""
    return hashlib.md5(etag.encode(), usedforsecurity=False).hexdigest() if _OF_PARTS.fullmatch(etag) else etag


def _mark(entry: ManifestEntry) -> str:
    return source_mark(entry.size, entry.etag, entry.version)


@dataclass
class FakeMultipart:
    """An unfinished upload: parts by number, each with its bytes of the source."""

    key: str
    begun_at: str
    settings: ImportSettings
    mark: str | None = None
    parts: dict[int, CopiedPart] = field(default_factory=dict)
    spans: dict[int, tuple[int, int]] = field(default_factory=dict)


@dataclass
class FakeStorage:
    """Buckets by name, of every store. Keys of `fail_stat`, `fail_read`, `fail_copy`, `fail_restore`: source key; of
    `fail_list`: bucket, page."""

    clips_bucket: str = "clips"
    drop_bucket: str = "drop"
    page_size: int = 1_000
    faults: Faults = field(default_factory=Faults)
    buckets: dict[str, dict[str, ListedObject]] = field(default_factory=lambda: defaultdict(dict))
    versions: dict[tuple[str, str, str], ListedObject] = field(default_factory=dict)
    deletions: set[tuple[str, str, str]] = field(default_factory=set)
    """Delete markers: bucket, key, time."""
    fail_list: dict[str, Planned] = field(default_factory=dict)
    fail_stat: dict[str, Planned] = field(default_factory=dict)
    fail_read: dict[str, Planned] = field(default_factory=dict)
    fail_copy: dict[str, Planned] = field(default_factory=dict)
    fail_restore: dict[str, Planned] = field(default_factory=dict)
    restores: dict[str, Restore] = field(default_factory=dict)
    """The last restore that was requested, by source key."""
    copies: Counter[str] = field(default_factory=Counter)
    """Successful copies by destination."""
    stats: Counter[str] = field(default_factory=Counter)
    listed_after: list[str] = field(default_factory=list)
    commits: dict[str, str] = field(default_factory=dict)
    """What revisions name now. A commit has a bucket of its own, `datasets/namespace/name@commit`."""
    commits_asked: Counter[str] = field(default_factory=Counter)
    together: list[int] = field(default_factory=list)
    """Ordinals copied by `copy_each`."""
    before_copy: Callable[[ManifestEntry], None] = lambda _entry: None
    copied_with: list[ImportSettings] = field(default_factory=list)
    bodies: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """Content for `reader`, for objects that have one."""
    read: Counter[str] = field(default_factory=Counter)
    multiparts: dict[str, FakeMultipart] = field(default_factory=dict)
    """Unfinished uploads by id."""
    parts_copied: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Parts by destination and number."""
    streamed: set[str] = field(default_factory=set)
    """Source keys whose clips are streamed."""
    streamed_from: dict[str, str] = field(default_factory=dict)
    """ETags of streamed sources by those of their copies."""
    before_part: Callable[[ManifestEntry, int], None] = lambda _entry, _number: None
    now: Callable[[], str] = lambda: "2026-11-22T17:00:00.000Z"
    marks: dict[str, list[tuple[ListedObject, str | None]]] = field(default_factory=lambda: defaultdict(list))
    """Versions in the clips bucket by key, oldest first, with their marks."""
    removed: Counter[str] = field(default_factory=Counter)
    """Removed versions by key."""
    fail_remove: dict[str, Planned] = field(default_factory=dict)
    opened_by: dict[str, set[str | None]] = field(default_factory=lambda: defaultdict(set))
    """Ids of the integrations with which a bucket was read, copied from or listed."""
    port = "storage"
    writes: int = 0
    """Number of objects put, which gives each its ETag and its time."""
    _begun: int = 0

    def put_body(self, bucket: str, key: str, body: bytes) -> ListedObject:
        self.bodies[bucket, key] = body
        return self.put(bucket, key, len(body))

    def put(self, bucket: str, key: str, size: int = 10, *, version: str | None = None) -> ListedObject:
        """Put a new object with a new ETag."""
        self.writes += 1
        modified = f"2026-01-01T00:00:{self.writes // 1000:02d}.{self.writes % 1000:03d}Z"
        item = ListedObject(key=key, size=size, etag=f"etag{self.writes}", version=version, modified=modified)
        self.buckets[bucket][key] = item
        if bucket == self.clips_bucket:
            self.marks[key].append((item, None))
        if version:
            self.versions[bucket, key, version] = item
        return item

    def list_pages(
        self, at: Location, *, start_after: str = "", integration: str | None = None
    ) -> Iterator[Sequence[ListedObject]]:
        self.opened_by[at.bucket].add(integration)
        self.listed_after.append(start_after)
        bucket = at.bucket
        keys = sorted((k for k in self.buckets[bucket] if k.startswith(at.key)), key=str.encode)
        rest = [k for k in keys if k.encode() > start_after.encode()]
        failures = deque(self.fail_list.get(bucket, ()))
        for first in range(0, max(1, len(rest)), self.page_size):
            with self.faults.lock:
                self.faults.enter("storage.list_page")
                raise_next(failures)
            there = self.buckets[bucket]  # objects may be deleted between two pages
            yield [_as_listed(there[k]) for k in rest[first : first + self.page_size] if k in there]

    def list_as_of(
        self,
        at: Location,
        as_of: str,
        *,
        start_after: str = "",
        only: bool = False,
        integration: str | None = None,
    ) -> Iterator[Sequence[ListedObject]]:
        """Of `versions` and `deletions`, one key a page. A bucket without either keeps no versions."""
        self.opened_by[at.bucket].add(integration)
        found = [
            Version(key=key, modified=item.modified or "", found=item)
            for (bucket, key, _), item in self.versions.items()
            if bucket == at.bucket
        ]
        found += [
            Version(key=key, modified=when, found=None) for bucket, key, when in self.deletions if bucket == at.bucket
        ]
        if not found:
            raise NotVersioned("it keeps no versions", operation="list the versions of", uri=str(at))
        wanted = sorted(
            (one for one in found if one.key.startswith(at.key) and one.key > start_after), key=lambda one: one.key
        )
        return standing_at([[one] for one in wanted], as_of, only=at.key if only else None)

    @port_call
    def stat(self, at: Location, *, version: str | None = None, integration: str | None = None) -> ListedObject:
        bucket, key = at.bucket, at.key
        self.opened_by[bucket].add(integration)
        self.stats[key] += 1
        self.fail(self.fail_stat, key)
        if version and (bucket, key, version) in self.versions:
            return replace(self.versions[bucket, key, version], archive_hidden=False)
        if key not in self.buckets[bucket]:
            raise ObjectMissing("Not Found (404)", operation="inspect", uri=str(at))
        return replace(self.buckets[bucket][key], archive_hidden=False)

    def commit_of(self, at: Location, *, integration: str | None = None) -> str | None:
        self.opened_by[at.bucket].add(integration)
        self.commits_asked[at.bucket] += 1
        return self.commits.get(at.bucket, at.revision)

    @port_call
    def restore(self, entry: ManifestEntry, how: Restore) -> None:
        at = entry.location
        self.fail(self.fail_restore, at.key)
        found = self.buckets[at.bucket][at.key]
        assert found.archive == entry.archive
        self.restores[at.key] = how
        self.buckets[at.bucket][at.key] = replace(found, restoring=True)

    def restored(self, bucket: str, key: str) -> None:
        """Let the object's restore be complete."""
        assert key in self.restores
        self.buckets[bucket][key] = replace(self.buckets[bucket][key], archive=None, restoring=False)

    @port_call
    def copy(self, entry: ManifestEntry, settings: ImportSettings, *, mark: str | None = None) -> Copied:
        self.copied_with.append(settings)
        self.before_copy(entry)
        found = self._planned(entry)
        self._check_destination(entry, settings)
        etag = _etag_of_copy(found.etag)
        landed = ListedObject(
            key=entry.destination,
            size=found.size,
            etag=etag,
            modified=self.now(),
            copied_from=_mark(entry),
            mark=mark,
        )
        if self.streams(entry):
            landed = replace(landed, etag=f"streamed-{found.etag}")
            self.streamed_from[landed.etag] = found.etag
        self.buckets[self.clips_bucket][entry.destination] = landed
        self.marks[entry.destination].append((landed, mark))
        self.copies[entry.destination] += 1
        self._copy_body(entry)
        return Copied(size=found.size, etag=landed.etag, verified=Verification.ETAG)

    def copier_of(self, entry: ManifestEntry) -> "FakeServerSideCopier | FakeStreamCopier":
        return FakeStreamCopier(self) if self.streams(entry) else FakeServerSideCopier(self)

    def streams(self, entry: ManifestEntry) -> bool:
        return entry.source_uri.removeprefix("s3://").partition("/")[2] in self.streamed

    def _planned(self, entry: ManifestEntry) -> ListedObject:
        """Return the source as planned, or raise its planned fault."""
        if entry.packed:
            return replace(self._planned(entry.zip_entry()), size=entry.packed.members[0].size, etag=entry.packed.etag)
        at = parse_object(entry.source_uri)
        bucket, key = at.bucket, at.key
        self.opened_by[bucket].add(entry.integration)
        self.fail(self.fail_copy, key)
        versioned = self.versions.get((bucket, key, entry.version)) if entry.version else None
        found = versioned or self.buckets[bucket].get(key)
        if found is None:
            raise ObjectMissing("no such key", operation="copy", uri=entry.source_uri)
        if found.etag != entry.etag:
            raise SourceChanged("another ETag", operation="copy", uri=entry.source_uri)
        if found.archive:
            raise ObjectArchived("it is archived", operation="copy", uri=entry.source_uri)
        return found

    @port_call
    def begin_parts(self, entry: ManifestEntry, settings: ImportSettings, *, mark: str | None = None) -> str:
        self._planned(entry)
        self._begun += 1
        upload_id = f"upload{self._begun}"
        self.multiparts[upload_id] = FakeMultipart(entry.destination, self.now(), settings, mark)
        return upload_id

    @port_call
    def copied_parts(self, destination: str, upload_id: str) -> Mapping[int, CopiedPart]:
        return dict(self._multipart(destination, upload_id).parts)

    @port_call
    def copy_part(self, entry: ManifestEntry, upload_id: str, number: int, span: tuple[int, int]) -> CopiedPart:
        assert not self.streams(entry)
        return self._part(entry, upload_id, number, span)

    @port_call
    def send_part(self, entry: ManifestEntry, upload_id: str, number: int, span: tuple[int, int]) -> CopiedPart:
        """Send one part; the process may crash between parts."""
        return self._part(entry, upload_id, number, span)

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
        assert self.streams(entry)
        assert spans
        assert whole == (0 in [first for first, _ in spans.values()] and not self._multipart_parts(upload_id))
        etags: dict[int, str] = {}
        for number in sorted(spans):
            check()
            etags[number] = self.send_part(entry, upload_id, number, spans[number]).etag
            advanced()
        return Sent(etags=etags, digests={"CRC32C": self._digest(etags.values())} if whole else None)

    def _multipart_parts(self, upload_id: str) -> Mapping[int, CopiedPart]:
        return self.multiparts[upload_id].parts if upload_id in self.multiparts else {}

    @staticmethod
    def _digest(etags: Iterable[str]) -> str:
        return hashlib.md5(" ".join(etags).encode(), usedforsecurity=False).hexdigest()

    def _part(self, entry: ManifestEntry, upload_id: str, number: int, span: tuple[int, int]) -> CopiedPart:
        self.before_part(entry, number)
        upload = self._multipart(entry.destination, upload_id)
        self._planned(entry)
        etag = hashlib.md5(f"{entry.etag} {span}".encode(), usedforsecurity=False).hexdigest()
        upload.parts[number] = CopiedPart(etag=etag, size=span[1] - span[0] + 1)
        upload.spans[number] = span
        self.parts_copied[entry.destination, number] += 1
        return upload.parts[number]

    def _check_destination(self, entry: ManifestEntry, settings: ImportSettings) -> None:
        """Check `If-Match` and `If-None-Match` like S3."""
        there = self.buckets[self.clips_bucket].get(entry.destination)
        etag = there.etag if there else None
        conditional = entry.upload or settings.on_existing is not OnExisting.OVERWRITE
        if conditional and etag != entry.destination_etag:
            raise DestinationChanged(
                operation="copy",
                uri=entry.source_uri,
                etag=etag,
                size=there.size if there else None,
                modified=there.modified if there else None,
            )

    @port_call
    def complete_parts(
        self,
        entry: ManifestEntry,
        upload_id: str,
        etags: Sequence[str],
        settings: ImportSettings,
        *,
        digests: Mapping[str, str] | None = None,
    ) -> Copied:
        assert digests is None or (self.streams(entry) and digests == {"CRC32C": self._digest(etags)})
        upload = self._multipart(entry.destination, upload_id)
        if [upload.parts[number].etag for number in sorted(upload.parts)] != list(etags):
            raise ObjectRejected("InvalidPart", operation="copy", uri=entry.source_uri)
        self._check_destination(entry, settings)
        spans = [upload.spans[number] for number in sorted(upload.spans)]
        assert [first for first, _ in spans] == [0, *(last + 1 for _, last in spans[:-1])], (
            "no byte twice, none left out"
        )
        size, etag = spans[-1][1] + 1, etag_of_parts(etags)
        if self.streams(entry):
            self.streamed_from[etag] = str(entry.etag)
        landed = ListedObject(
            key=entry.destination,
            size=size,
            etag=etag,
            modified=self.now(),
            copied_from=_mark(entry),
            mark=upload.mark,
        )
        self.buckets[self.clips_bucket][entry.destination] = landed
        self.marks[entry.destination].append((landed, upload.mark))
        self.copies[entry.destination] += 1
        self._copy_body(entry)
        del self.multiparts[upload_id]
        return Copied(size=size, etag=etag, verified=Verification.UNVERIFIABLE)

    def _copy_body(self, entry: ManifestEntry) -> None:
        at = parse_object(entry.source_uri)
        if (at.bucket, at.key) in self.bodies:
            self.bodies[self.clips_bucket, entry.destination] = self.bodies[at.bucket, at.key]

    @port_call
    def landed(self, entry: ManifestEntry, *, etag: str | None = None, mark: str | None = None) -> Copied | None:
        found = self.buckets[self.clips_bucket].get(entry.destination)
        if found is None:
            return None
        if self.streams(entry):
            same = self.streamed_from.get(found.etag) == entry.etag and etag in (None, found.etag)
        else:
            named = etag is None and found.copied_from == _mark(entry)
            same = found.etag == (etag or entry.etag) or named
        if not same:
            return None
        fitting = (mark,) if entry.group is not None else (mark, None)
        if mark is not None and self.marks[entry.destination][-1][1] not in fitting:
            return None
        return Copied(size=found.size, etag=found.etag, verified=Verification.UNVERIFIABLE)

    @port_call
    def abort(self, destination: str, upload_id: str) -> None:
        assert self.multiparts.get(upload_id, FakeMultipart(destination, "", ImportSettings())).key == destination
        self.multiparts.pop(upload_id, None)

    @port_call
    def abort_begun_since(self, destination: str, moment: str) -> None:
        for upload_id, upload in list(self.multiparts.items()):
            if upload.key == destination and upload.begun_at >= moment:
                del self.multiparts[upload_id]

    def _multipart(self, destination: str, upload_id: str) -> FakeMultipart:
        if upload_id not in self.multiparts:
            raise UploadGone("no such upload", operation="copy", uri=destination)
        assert self.multiparts[upload_id].key == destination
        return self.multiparts[upload_id]

    @port_call
    def remove_marked(self, key: str, mark: str) -> None:
        self.fail(self.fail_remove, key)
        left = [(item, other) for item, other in self.marks[key] if other != mark]
        self.removed[key] += len(self.marks[key]) - len(left)
        self.marks[key] = left
        if left:
            self.buckets[self.clips_bucket][key] = left[-1][0]
        else:
            self.buckets[self.clips_bucket].pop(key, None)

    @port_call
    def remove_up_to(self, key: str, *, etag: str) -> None:
        versions = [item for item, _ in self.marks[key]]
        newest = max((n for n, one in enumerate(versions) if one.etag == etag), default=-1)
        self.removed[key] += newest + 1
        self.marks[key] = self.marks[key][newest + 1 :]
        if not self.marks[key]:
            self.buckets[self.clips_bucket].pop(key, None)

    @port_call
    def newest(self, at: Location) -> ListedObject | None:
        if at.bucket != self.drop_bucket:
            return None
        versions = [item for (bucket, key, _), item in self.versions.items() if (bucket, key) == (at.bucket, at.key)]
        return self.buckets[at.bucket].get(at.key) or (versions[-1] if versions else None)

    @port_call
    def remove(self, etags: Mapping[str, str]) -> None:
        for key, etag in etags.items():
            self.fail(self.fail_remove, key)
            there = self.buckets[self.drop_bucket].get(key)
            if there and there.etag == etag:
                del self.buckets[self.drop_bucket][key]
                self.removed[key] += 1

    def reader(self, entry: ManifestEntry) -> "FakeReader":
        at = parse_object(entry.source_uri)
        self.opened_by[at.bucket].add(entry.integration)
        self.read[at.key] += 1
        self.fail(self.fail_read, at.key)
        return FakeReader(self.bodies[at.bucket, at.key])

    @staticmethod
    def fail(planned: dict[str, Planned], key: str) -> None:
        error, *rest = planned.get(key, ()) or (None,)
        planned[key] = rest
        if error:
            raise error


@dataclass(frozen=True)
class _FakeCopier:
    storage: FakeStorage

    def stat(self, at: Location, *, version: str | None = None) -> ListedObject:
        return self.storage.stat(at, version=version)

    def reader(self, entry: ManifestEntry) -> "FakeReader":
        return self.storage.reader(entry)

    def copy(self, entry: ManifestEntry, settings: ImportSettings, *, mark: str | None = None) -> Copied:
        return self.storage.copy(entry, settings, mark=mark)

    def begin_parts(self, entry: ManifestEntry, settings: ImportSettings, *, mark: str | None = None) -> str:
        return self.storage.begin_parts(entry, settings, mark=mark)

    def complete_parts(
        self,
        entry: ManifestEntry,
        upload_id: str,
        etags: Sequence[str],
        settings: ImportSettings,
        *,
        digests: Mapping[str, str] | None = None,
    ) -> Copied:
        return self.storage.complete_parts(entry, upload_id, etags, settings, digests=digests)

    def landed(self, entry: ManifestEntry, *, etag: str | None = None, mark: str | None = None) -> Copied | None:
        return self.storage.landed(entry, etag=etag, mark=mark)


class FakeServerSideCopier(_FakeCopier):
    @property
    def streams(self) -> Literal[False]:
        return False

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
        assert at_once > 0

        def copy(entry: ManifestEntry) -> Copied | None:
            self.storage.together.append(entry.ordinal)
            if check and not run(check(entry), self.storage.reader(entry)):
                return None
            return self.storage.copy(entry, settings, mark=mark_of(entry))

        one_by_one(copy, entries, settled)

    def copy_part(self, entry: ManifestEntry, upload_id: str, number: int, span: tuple[int, int]) -> CopiedPart:
        return self.storage.copy_part(entry, upload_id, number, span)


class FakeStreamCopier(_FakeCopier):
    @property
    def streams(self) -> Literal[True]:
        return True

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
        return self.storage.send_parts(entry, upload_id, spans, whole=whole, check=check, advanced=advanced)


@dataclass
class FakeReader:
    body: bytes

    @property
    def size(self) -> int:
        return len(self.body)

    def read(self, start: int, length: int) -> bytes:
        return self.body[start : start + length]


@dataclass
class FakeRemovals:
    """Deletes objects of any bucket but the clips bucket, each only as it is pinned. A fault may strike."""

    storage: FakeStorage
    port = "removals"

    def __post_init__(self) -> None:
        self.faults = self.storage.faults

    @port_call
    def remove(self, location: Location, pin: Pin) -> None:
        bucket = self.storage.buckets[location.bucket]
        assert location.bucket != self.storage.clips_bucket
        self.storage.fail(self.storage.fail_remove, location.key)
        there = bucket.get(location.key)
        if there is None:
            raise ObjectMissing("no such key", operation="delete", uri=str(location))
        if (there.etag, there.size) != (pin.etag, pin.size):
            raise SourceChanged("another ETag", operation="delete", uri=str(location))
        del bucket[location.key]


@dataclass
class FakeResults:
    """Results in the clips bucket of `storage`."""

    storage: FakeStorage
    faults: Faults = field(default_factory=Faults)
    notes: dict[str, str] = field(default_factory=dict)
    """Notes by ETag."""
    port = "results"

    @port_call
    def find(self, key: str) -> StoredResult | None:
        there = self.storage.buckets[self.storage.clips_bucket].get(key)
        return StoredResult(there.etag, self.notes.get(there.etag)) if there else None

    @port_call
    def put(self, key: str, body: bytes, *, note: str, replaces: str | None) -> None:
        there = self.storage.buckets[self.storage.clips_bucket].get(key)
        if (there.etag if there else None) != replaces:
            raise SourceUnavailable("another request wrote the object in between", operation="store", uri=key)
        self.notes[self.storage.put_body(self.storage.clips_bucket, key, body).etag] = note
