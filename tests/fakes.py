"""In-memory implementations of every port, with faults and crashes to order.

All fakes of a `World` (tests/builders.py) share one `Faults`: it counts the calls (`faults.calls["jobs.create"]`),
raises what a test plans for them, and ends "the process" after a number of calls.
"""

import functools
import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from service.domain.clips import ClipRow, ClipStatus, Extrapolation, Verification
from service.domain.ends import Delivery, End
from service.domain.errors import (
    NotFound,
    ObjectError,
    ObjectMissing,
    ObjectRejected,
    SourceChanged,
    SourceUnavailable,
    TooManyExecutionSettings,
    TooManyIntegrations,
    UploadGone,
    UploadLost,
)
from service.domain.ids import conclusion_name, execution_name
from service.domain.jobs import Counts, Job, JobStatus, JobTag, Retry, Tally
from service.domain.manifest import BatchState, ManifestEntry
from service.domain.objects import Copied, CopiedPart, LargeCopy, ListedObject, Sent
from service.domain.progress import runs_after
from service.domain.projects import ApiKey, AuditEntry, ExecutionSettings, Folder, Integration, IntegrationState
from service.domain.requests import ImportSettings, Upload
from service.domain.search_keys import job_position, tags_of
from service.domain.uris import Location, parse_object
from service.domain.verification import etag_of_parts
from service.ports.clips import ClipIndex, ClipStore
from service.ports.delivery import EventBus, ExecutionState, WebhookAnswer, WebhookSender, Workflow
from service.ports.jobs import EndStore, JobStore
from service.ports.objects import ClipRemover, LargeCopyStore, ResultStore, Storage, StoredResult
from service.ports.projects import (
    AuditLog,
    ExecutionSettingsStore,
    FolderStore,
    IntegrationSecrets,
    IntegrationStore,
    KeyStore,
    Secrets,
)
from service.ports.state import Clock, ReportFiles, StateFiles
from service.ports.uploads import AlreadyClaimed, GatheringClosed, UploadStore
from service.sources.port import CHUNK_BYTES, ObjectSource, Pin, SourceObject, Sources

Planned = Sequence[BaseException | None]
"""What successive calls raise; None lets a call through, and so does the end of the sequence."""


class CrashError(Exception):
    """The process ended here: nobody catches this but the test."""


@dataclass
class Faults:
    calls: Counter[str] = field(default_factory=Counter)
    lock: RLock = field(default_factory=RLock)
    _planned: dict[str, deque[BaseException | None]] = field(default_factory=dict)
    _calls_left: int | None = None
    _take_effect: bool = False

    def plan(self, call: str, errors: Planned) -> None:
        """`call` is `port.method`, such as `jobs.create`. The call has no effect when it raises."""
        self._planned[call] = deque(errors)

    def crash_in(self, calls: int, *, take_effect: bool = False) -> None:
        """Raise `CrashError` at the `calls`-th port call from now, and at all that follow until `revive`.

        `take_effect`: that call does its work before the crash.
        """
        self._calls_left, self._take_effect = calls, take_effect

    def revive(self) -> bool:
        """A new process; tells whether the last one had crashed."""
        crashed = self._calls_left == 0
        self._calls_left = None
        return crashed

    def enter(self, call: str) -> bool:
        """Count the call and raise what is planned for it; True where it is to crash after its effect."""
        self.calls[call] += 1
        if self._calls_left is not None:
            if self._calls_left == 0:
                raise CrashError(call)
            self._calls_left -= 1
            if self._calls_left == 0:
                if self._take_effect:
                    return True
                raise CrashError(call)
        raise_next(self._planned.get(call))
        return False


def raise_next(errors: "deque[BaseException | None] | None") -> None:
    error = errors.popleft() if errors else None
    if error:
        raise error


class _Port(Protocol):
    faults: Faults

    @property
    def port(self) -> str: ...


Self_ = TypeVar("Self_", bound=_Port)
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def port_call(
    method: Callable[Concatenate[Self_, Arguments], Result],
) -> Callable[Concatenate[Self_, Arguments], Result]:
    """One call at a time, counted, with the faults that are planned for it."""

    @functools.wraps(method)
    def call(self: Self_, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        name = f"{self.port}.{method.__name__}"
        with self.faults.lock:
            crash = self.faults.enter(name)
            result = method(self, *args, **kwargs)
        if crash:
            raise CrashError(name)
        return result

    return call


def one_by_one(
    copy: Callable[[ManifestEntry], Copied],
    entries: Iterable[ManifestEntry],
    settled: Callable[[ManifestEntry, Copied | ObjectError], object],
) -> None:
    """A `ManyCopier`'s `copy_each` with one copy in flight."""
    for entry in entries:
        try:
            outcome: Copied | ObjectError = copy(entry)
        except ObjectError as error:
            outcome = error
        settled(entry, outcome)


@dataclass
class FakeClock:
    """Every look moves it by a millisecond, so that times differ and sort."""

    now: datetime = datetime(2026, 11, 22, 17, tzinfo=UTC)

    def __call__(self) -> str:
        self.now += timedelta(milliseconds=1)
        return self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class FakeMultipart:
    """An unfinished upload: parts by number, each with the bytes of the source that it holds."""

    key: str
    begun_at: str
    settings: ImportSettings
    mark: str | None = None
    parts: dict[int, CopiedPart] = field(default_factory=dict)
    spans: dict[int, tuple[int, int]] = field(default_factory=dict)


@dataclass
class FakeStorage:
    """Buckets by name, of every store. `fail_stat` and `fail_copy` go by source key, `fail_list` by bucket and page."""

    clips_bucket: str = "clips"
    page_size: int = 1_000
    faults: Faults = field(default_factory=Faults)
    buckets: dict[str, dict[str, ListedObject]] = field(default_factory=lambda: defaultdict(dict))
    versions: dict[tuple[str, str, str], ListedObject] = field(default_factory=dict)
    fail_list: dict[str, Planned] = field(default_factory=dict)
    fail_stat: dict[str, Planned] = field(default_factory=dict)
    fail_copy: dict[str, Planned] = field(default_factory=dict)
    copies: Counter[str] = field(default_factory=Counter)
    """Successful copies by destination."""
    stats: Counter[str] = field(default_factory=Counter)
    listed_after: list[str] = field(default_factory=list)
    together: list[int] = field(default_factory=list)
    """Ordinals that went through `copy_each`."""
    before_copy: Callable[[ManifestEntry], None] = lambda _entry: None
    copied_with: list[ImportSettings] = field(default_factory=list)
    bodies: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """What `reader` reads, for the objects that have one."""
    read: Counter[str] = field(default_factory=Counter)
    multiparts: dict[str, FakeMultipart] = field(default_factory=dict)
    """Unfinished uploads by id."""
    parts_copied: Counter[tuple[str, int]] = field(default_factory=Counter)
    """By destination and number."""
    streamed: set[str] = field(default_factory=set)
    """Source keys whose bytes pass through the process."""
    streamed_from: dict[str, str] = field(default_factory=dict)
    """What a streamed copy tells of its source: the source's ETag by the copy's."""
    before_part: Callable[[ManifestEntry, int], None] = lambda _entry, _number: None
    now: Callable[[], str] = lambda: "2026-11-22T17:00:00.000Z"
    marks: dict[str, list[tuple[ListedObject, str | None]]] = field(default_factory=lambda: defaultdict(list))
    """Versions of the clips bucket by key, oldest first, with what they were marked with."""
    removed: Counter[str] = field(default_factory=Counter)
    """Versions that were removed, by key."""
    fail_remove: dict[str, Planned] = field(default_factory=dict)
    opened_by: dict[str, set[str | None]] = field(default_factory=lambda: defaultdict(set))
    """Ids of the integrations by which a bucket was read, copied from or listed."""
    port = "storage"
    _writes: int = 0
    _begun: int = 0

    def put_body(self, bucket: str, key: str, body: bytes) -> ListedObject:
        self.bodies[bucket, key] = body
        return self.put(bucket, key, len(body))

    def put(self, bucket: str, key: str, size: int = 10, *, version: str | None = None) -> ListedObject:
        """A new object, with an ETag that none had before."""
        self._writes += 1
        modified = f"2026-01-01T00:00:{self._writes // 1000:02d}.{self._writes % 1000:03d}Z"
        item = ListedObject(key=key, size=size, etag=f"etag{self._writes}", version=version, modified=modified)
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
            # As S3 lists: no version ids.
            yield [replace(self.buckets[bucket][k], version=None) for k in rest[first : first + self.page_size]]

    @port_call
    def stat(self, at: Location, *, version: str | None = None, integration: str | None = None) -> ListedObject:
        bucket, key = at.bucket, at.key
        self.opened_by[bucket].add(integration)
        self.stats[key] += 1
        self._fail(self.fail_stat, key)
        if version and (bucket, key, version) in self.versions:
            return self.versions[bucket, key, version]
        if key not in self.buckets[bucket]:
            raise ObjectMissing("Not Found (404)", operation="inspect", uri=str(at))
        return self.buckets[bucket][key]

    @port_call
    def copy(self, entry: ManifestEntry, settings: ImportSettings, *, mark: str | None = None) -> Copied:
        self.copied_with.append(settings)
        self.before_copy(entry)
        found = self._planned(entry)
        landed = ListedObject(key=entry.destination, size=found.size, etag=found.etag)
        if self.streams(entry):
            landed = replace(landed, etag=f"streamed-{found.etag}")
            self.streamed_from[landed.etag] = found.etag
        self.buckets[self.clips_bucket][entry.destination] = landed
        self.marks[entry.destination].append((landed, mark))
        self.copies[entry.destination] += 1
        self._copy_body(entry)
        return Copied(size=found.size, etag=landed.etag, verified=Verification.ETAG)

    def many(self, entry: ManifestEntry) -> "FakeStorage | None":
        return None if self.streams(entry) else self

    def copy_each(
        self,
        entries: Iterable[ManifestEntry],
        settings: ImportSettings,
        settled: Callable[[ManifestEntry, Copied | ObjectError], object],
        *,
        at_once: int,
    ) -> None:
        assert at_once > 0

        def copy(entry: ManifestEntry) -> Copied:
            self.together.append(entry.ordinal)
            return self.copy(entry, settings)

        one_by_one(copy, entries, settled)

    def streams(self, entry: ManifestEntry) -> bool:
        return entry.source_uri.removeprefix("s3://").partition("/")[2] in self.streamed

    def _planned(self, entry: ManifestEntry) -> ListedObject:
        """The source as it was planned, or what is ordered to go wrong with it."""
        at = parse_object(entry.source_uri)
        bucket, key = at.bucket, at.key
        self.opened_by[bucket].add(entry.integration)
        self._fail(self.fail_copy, key)
        versioned = self.versions.get((bucket, key, entry.version)) if entry.version else None
        found = versioned or self.buckets[bucket].get(key)
        if found is None:
            raise ObjectMissing("no such key", operation="copy", uri=entry.source_uri)
        if found.etag != entry.etag:
            raise SourceChanged("another ETag", operation="copy", uri=entry.source_uri)
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
        """One of `send_parts`, between which the process may end."""
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

    @port_call
    def complete_parts(
        self, entry: ManifestEntry, upload_id: str, etags: Sequence[str], *, digests: Mapping[str, str] | None = None
    ) -> Copied:
        assert digests is None or (self.streams(entry) and digests == {"CRC32C": self._digest(etags)})
        upload = self._multipart(entry.destination, upload_id)
        if [upload.parts[number].etag for number in sorted(upload.parts)] != list(etags):
            raise ObjectRejected("InvalidPart", operation="copy", uri=entry.source_uri)
        spans = [upload.spans[number] for number in sorted(upload.spans)]
        assert [first for first, _ in spans] == [0, *(last + 1 for _, last in spans[:-1])], (
            "no byte twice, none left out"
        )
        size, etag = spans[-1][1] + 1, etag_of_parts(etags)
        if self.streams(entry):
            self.streamed_from[etag] = str(entry.etag)
        landed = ListedObject(key=entry.destination, size=size, etag=etag)
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
    def landed(self, entry: ManifestEntry, etag: str, *, mark: str | None = None) -> Copied | None:
        found = self.buckets[self.clips_bucket].get(entry.destination)
        if found is None:
            return None
        told = self.streamed_from.get(found.etag) if self.streams(entry) else found.etag
        if etag not in (found.etag, told) or (self.streams(entry) and told != entry.etag):
            return None
        if mark is not None and self.marks[entry.destination][-1][1] != mark:
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
        self._fail(self.fail_remove, key)
        left = [(item, other) for item, other in self.marks[key] if other != mark]
        self.removed[key] += len(self.marks[key]) - len(left)
        self.marks[key] = left
        if left:
            self.buckets[self.clips_bucket][key] = left[-1][0]
        else:
            self.buckets[self.clips_bucket].pop(key, None)

    @port_call
    def remove_up_to(self, key: str, *, etag: str, size: int | None = None) -> None:
        versions = [item for item, _ in self.marks[key]]
        newest = max((n for n, one in enumerate(versions) if one.etag == etag or one.size == size), default=-1)
        self.removed[key] += newest + 1
        self.marks[key] = self.marks[key][newest + 1 :]
        if not self.marks[key]:
            self.buckets[self.clips_bucket].pop(key, None)

    def reader(self, entry: ManifestEntry) -> "FakeReader":
        at = parse_object(entry.source_uri)
        self.opened_by[at.bucket].add(entry.integration)
        self.read[at.key] += 1
        return FakeReader(self.bodies[at.bucket, at.key])

    @staticmethod
    def _fail(planned: dict[str, Planned], key: str) -> None:
        error, *rest = planned.get(key, ()) or (None,)
        planned[key] = rest
        if error:
            raise error


@dataclass
class FakeReader:
    body: bytes

    @property
    def size(self) -> int:
        return len(self.body)

    def read(self, start: int, length: int) -> bytes:
        return self.body[start : start + length]

    def read_tail(self, length: int) -> tuple[bytes, int]:
        return self.body[max(0, self.size - length) :], self.size


@dataclass
class FakeResults:
    """In the clips bucket of `storage`."""

    storage: FakeStorage
    faults: Faults = field(default_factory=Faults)
    notes: dict[str, str] = field(default_factory=dict)
    """By ETag."""
    port = "results"

    @port_call
    def find(self, key: str) -> StoredResult | None:
        there = self.storage.buckets[self.storage.clips_bucket].get(key)
        return StoredResult(there.etag, self.notes.get(there.etag)) if there else None

    @port_call
    def put(self, key: str, body: bytes, *, note: str, replaces: str | None) -> None:
        there = self.storage.buckets[self.storage.clips_bucket].get(key)
        if (there.etag if there else None) != replaces:
            raise SourceUnavailable("another write was faster", operation="store", uri=key)
        self.notes[self.storage.put_body(self.storage.clips_bucket, key, body).etag] = note


@dataclass
class FakeStateFiles:
    """ETags are MD5s, as for plain S3 objects: the same bytes have the same one."""

    faults: Faults = field(default_factory=Faults)
    files: dict[str, bytes] = field(default_factory=dict)
    port = "state"

    @port_call
    def put(self, key: str, body: bytes) -> str:
        self.files[key] = body
        return self.etag(key)

    @port_call
    def get(self, key: str) -> bytes:
        if key not in self.files:
            raise NotFound(f"the state bucket has no {key}")
        return self.files[key]

    @port_call
    def get_range(self, key: str, *, start: int, length: int, etag: str) -> bytes:
        if key not in self.files:
            raise NotFound(f"the state bucket has no {key}")
        if self.etag(key) != etag:
            raise SourceChanged("it was written again", operation="read", uri=key)
        return self.files[key][start : start + length]

    @port_call
    def delete_some(self, prefix: str) -> bool:
        found = [key for key in self.files if key.startswith(prefix)][:2]
        for key in found:
            del self.files[key]
        return bool(found)

    def etag(self, key: str) -> str:
        return hashlib.md5(self.files[key], usedforsecurity=False).hexdigest()


@dataclass
class FakeJobs:
    faults: Faults = field(default_factory=Faults)
    rows: dict[str, Job] = field(default_factory=dict)
    batches: dict[str, dict[tuple[int, int], Tally]] = field(default_factory=lambda: defaultdict(dict))
    hidden: dict[str, str] = field(default_factory=dict)
    """Deleted jobs and when they were."""
    buried: set[str] = field(default_factory=set)
    audit: list[AuditEntry] = field(default_factory=list)
    ends: dict[tuple[str, str], End] = field(default_factory=dict)
    port = "jobs"

    @port_call
    def create(self, job: Job, *, entry: AuditEntry | None = None) -> bool:
        if job.id in self.rows or job.id in self.hidden:
            return False
        self.rows[job.id] = job
        self.audit += [entry] if entry else []
        return True

    @port_call
    def get(self, job_id: str) -> Job | None:
        return self.rows.get(job_id)

    @port_call
    def get_some(self, job_ids: Collection[str]) -> Mapping[str, Job]:
        return {job_id: self.rows[job_id] for job_id in job_ids if job_id in self.rows}

    @port_call
    def find(
        self, project: str, tag: JobTag, value: str, *, limit: int, begin: str | None
    ) -> tuple[Sequence[Job], str | None]:
        found = {
            job_position(job.created_at, job.id): job
            for job in self.rows.values()
            if job.project == project and (tag, value) in tags_of(job)
        }
        rest = [position for position in sorted(found, reverse=True) if begin is None or position <= begin]
        return [found[position] for position in rest[:limit]], rest[limit] if len(rest) > limit else None

    @port_call
    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Job], str | None]:
        positions = {f"{job.created_at}#{job.id}": job for job in self.rows.values() if job.project == project}
        rest = [position for position in sorted(positions, reverse=True) if after is None or position < after]
        shown = rest[:limit]
        return [positions[position] for position in shown], shown[-1] if len(rest) > limit else None

    @port_call
    def begin_planning(self, job_id: str, now: str, *, run: int = 0) -> Job | None:
        return self._update(job_id, run, status=JobStatus.PLANNING, updated_at=now)

    @port_call
    def end_planning(self, job_id: str, *, run: int = 0, total: int, cut_short: bool = False, now: str) -> None:
        job = self.rows[job_id]
        changes = {"planned": True, "planned_run": run, "copying_since": now, "cut_short": cut_short, "updated_at": now}
        self._update(job_id, run, status=JobStatus.COPYING, counts=replace(job.counts, total=total), **changes)

    @port_call
    def retry(self, job: Job, retry: Retry) -> Job | None:
        now = self.rows.get(job.id)
        if now is None or not now.status.terminal or now.run != job.run:
            return None
        unplanned = {"planned": False, "planned_run": None, "cut_short": False} if job.counts.total == 0 else {}
        self.rows[job.id] = replace(
            now,
            status=JobStatus.PENDING,
            run=job.run + 1,
            runs=runs_after(job),
            retry=retry,
            updated_at=retry.at,
            cancel_requested=False,
            completed_at=None,
            code=None,
            message=None,
            copying_since=None,
            **unplanned,  # type: ignore[arg-type]
        )
        return self.rows[job.id]

    @port_call
    def reopen(self, job: Job, again: Tally, now: str) -> bool:
        current = self.rows.get(job.id)
        if current is None or current.planned_run is None or current.planned_run >= job.run:
            return False
        counts = current.counts
        changes = {
            "planned_run": job.run,
            "counts": replace(
                counts, failed=counts.failed - again.failed, cancelled=counts.cancelled - again.cancelled
            ),
            "settled_before": job.counts.settled - again.settled,
            "bytes_before": job.counts.bytes,
            "copying_since": now,
            "updated_at": now,
        }
        return self._update(job.id, job.run, status=JobStatus.COPYING, **changes) is not None

    @port_call
    def end(
        self,
        job_id: str,
        *,
        run: int = 0,
        status: JobStatus,
        code: str | None,
        message: str | None,
        counts: Counts | None = None,
        document: Mapping[str, object],
        now: str,
    ) -> bool:
        changes = {"counts": counts} if counts else {}
        ended = self._update(
            job_id, run, status=status, code=code, message=message, updated_at=now, completed_at=now, **changes
        )
        if ended:
            self.ends[job_id, now] = End(job_id=job_id, ended_at=now, run=run, document=dict(document), touched_at=now)
        return ended is not None

    @port_call
    def request_cancel(self, job_id: str, now: str) -> bool:
        return self._update(job_id, None, cancel_requested=True, updated_at=now) is not None

    def _update(self, job_id: str, run: int | None, **changes: object) -> Job | None:
        """None where the job is absent, terminal or in another run (None: any); nothing changes then."""
        job = self.rows.get(job_id)
        if job is None or job.status.terminal or run not in (None, job.run):
            return None
        self.rows[job_id] = replace(job, **changes)  # type: ignore[arg-type]
        return self.rows[job_id]

    @port_call
    def record_batch(self, job_id: str, number: int, tally: Tally, now: str, *, run: int = 0) -> bool:
        job = self.rows[job_id]
        if (run, number) in self.batches[job_id] or job.status.terminal or job.run != run:
            return False
        counts = replace(
            job.counts,
            copied=job.counts.copied + tally.copied,
            skipped=job.counts.skipped + tally.skipped,
            failed=job.counts.failed + tally.failed,
            cancelled=job.counts.cancelled + tally.cancelled,
            bytes=job.counts.bytes + tally.bytes,
        )
        self.rows[job_id] = replace(job, counts=counts, updated_at=now)
        self.batches[job_id][run, number] = tally
        return True

    @port_call
    def batch_state(self, job_id: str, number: int, *, run: int = 0) -> BatchState:
        job = self.rows.get(job_id)
        over = job_id in self.hidden or (job is not None and (job.status.terminal or job.run != run))
        return BatchState(
            recorded=over or (run, number) in self.batches[job_id],
            cancel_requested=job is None or job.cancel_requested,
            settings=job.settings if job else ImportSettings(),
            project=job.project if job else "",
            created_at=job.created_at if job else "",
            failed=job.counts.failed if job else 0,
            total=job.counts.total if job else 0,
        )

    @port_call
    def recorded_batches(self, job_id: str, *, run: int = 0) -> set[int]:
        return {number for of, number in self.batches[job_id] if of == run}

    @port_call
    def delete(self, job_id: str, now: str) -> bool:
        job = self.rows.get(job_id)
        if job is None or not job.status.terminal:
            return False
        del self.rows[job_id]
        self.hidden[job_id] = now
        return True

    def deleted(self) -> Iterator[str]:
        yield from [job_id for job_id in self.hidden if job_id not in self.buried]

    @port_call
    def delete_some(self, job_id: str) -> bool:
        ends = [self.ends.pop(key) for key in list(self.ends) if key[0] == job_id]
        return bool(self.batches.pop(job_id, None) or ends)

    @port_call
    def bury(self, job_id: str) -> None:
        self.buried.add(job_id)

    def active(self) -> Iterator[Job]:
        with self.faults.lock:
            self.faults.enter("jobs.active")
            found = [job for job in self.rows.values() if not job.status.terminal]
        yield from sorted(found, key=lambda job: (job.created_at, job.id))


@dataclass
class FakeClips:
    """Shares the jobs with `FakeJobs`, where it has them: both live in one table."""

    faults: Faults = field(default_factory=Faults)
    jobs: FakeJobs | None = None
    rows: dict[str, dict[int, ClipRow]] = field(default_factory=lambda: defaultdict(dict))
    writes: Counter[tuple[str, int]] = field(default_factory=Counter)
    port = "clips"

    def put(self, job_id: str, rows: Iterable[ClipRow]) -> None:
        """Rows one by one: a crash leaves those before it."""
        for row in rows:
            self._put(job_id, row)

    @port_call
    def settle(self, job_id: str, rows: Sequence[ClipRow], *, run: int = 0) -> Sequence[ClipRow]:
        held = self.rows[job_id]
        there = [held.get(row.ordinal) for row in rows]
        if all(row.status is ClipStatus.PENDING and row.run == run if row else run == 0 for row in there):
            held.update({row.ordinal: row for row in rows})
            self.writes.update((job_id, row.ordinal) for row in rows)
        return [held[row.ordinal] for row in rows]

    @port_call
    def _put(self, job_id: str, row: ClipRow) -> None:
        self.rows[job_id][row.ordinal] = row
        self.writes[job_id, row.ordinal] += 1

    @port_call
    def get(self, job_id: str, ordinals: Sequence[int]) -> Mapping[int, ClipRow]:
        rows = self.rows[job_id]
        return {ordinal: rows[ordinal] for ordinal in ordinals if ordinal in rows}

    def in_order(self, job_id: str, *, first: int) -> Iterator[ClipRow]:
        with self.faults.lock:
            self.faults.enter("clips.in_order")
        yield from (row for ordinal, row in sorted(self.rows[job_id].items()) if ordinal >= first)

    @port_call
    def failures(self, job_id: str, *, first: int, limit: int) -> Sequence[ClipRow]:
        rows = sorted(self.rows[job_id].items())
        unsuccessful = (ClipStatus.FAILED, ClipStatus.CANCELLED)
        kept = [row for ordinal, row in rows if ordinal >= first and row.deleted_at is None]
        return [row for row in kept if row.status in unsuccessful][:limit]

    @port_call
    def find(
        self, index: ClipIndex, key: str, *, limit: int, after: str | None
    ) -> tuple[Sequence[tuple[str, ClipRow]], str | None]:
        found = {
            row.keys.position: (job_id, row)
            for job_id, rows in self.rows.items()
            for row in rows.values()
            if row.keys and key == (row.keys.clip if index == "clip" else row.keys.url)
        }
        rest = [position for position in sorted(found, reverse=True) if after is None or position < after]
        shown = rest[:limit]
        return [found[position] for position in shown], shown[-1] if len(rest) > limit else None

    @port_call
    def remove(self, job_id: str, ordinals: Sequence[int], *, landed: int, now: str) -> bool:
        assert self.jobs is not None
        rows, job = self.rows[job_id], self.jobs.rows.get(job_id)
        found = [rows[ordinal] for ordinal in ordinals if ordinal in rows]
        open_ = [row for row in found if row.status is ClipStatus.PENDING or row.deleted_at]
        if job is None or open_ or len(found) < len(ordinals):
            return False
        rows.update({row.ordinal: replace(row, deleted_at=now, keys=None) for row in found})
        self.jobs.rows[job_id] = replace(job, removed=job.removed + 1, removed_landed=job.removed_landed + landed)
        return True

    @port_call
    def extrapolated(self, job_id: str, ordinal: int, extrapolation: Extrapolation) -> bool:
        row = self.rows[job_id].get(ordinal)
        if row is None or row.status not in (ClipStatus.COPIED, ClipStatus.SKIPPED):
            return False
        self.rows[job_id][ordinal] = replace(row, extrapolation=extrapolation)
        return True

    @port_call
    def delete_some(self, job_id: str) -> bool:
        rows = self.rows.get(job_id, {})
        some = list(rows)[:2]
        for ordinal in some:
            del rows[ordinal]
        return bool(some)


@dataclass
class FakeLargeCopies:
    faults: Faults = field(default_factory=Faults)
    rows: dict[tuple[str, int], LargeCopy] = field(default_factory=dict)
    port = "large"

    @port_call
    def claim(self, copy: LargeCopy) -> LargeCopy:
        return self.rows.setdefault((copy.job_id, copy.ordinal), copy)

    @port_call
    def update(self, copy: LargeCopy) -> bool:
        kept = self.rows.get((copy.job_id, copy.ordinal))
        if kept is None or kept.token != copy.token:
            return False
        self.rows[copy.job_id, copy.ordinal] = copy
        return True

    @port_call
    def remove(self, copy: LargeCopy) -> None:
        kept = self.rows.get((copy.job_id, copy.ordinal))
        if kept and (kept.token, kept.upload_id) == (copy.token, copy.upload_id):
            del self.rows[copy.job_id, copy.ordinal]

    @port_call
    def of(self, job_id: str, ordinals: Sequence[int]) -> Sequence[LargeCopy]:
        return [self.rows[job_id, ordinal] for ordinal in ordinals if (job_id, ordinal) in self.rows]

    @port_call
    def unfinished(self, job_id: str) -> Sequence[LargeCopy]:
        return [copy for (owner, _), copy in sorted(self.rows.items()) if owner == job_id]


@dataclass
class FakeKeys:
    faults: Faults = field(default_factory=Faults)
    rows: dict[str, ApiKey] = field(default_factory=dict)
    port = "keys"

    @port_call
    def put(self, key: ApiKey) -> None:
        self.rows[key.id] = key

    @port_call
    def get(self, key_id: str) -> ApiKey | None:
        return self.rows.get(key_id)

    @port_call
    def page(self, *, limit: int, after: str | None) -> tuple[Sequence[ApiKey], str | None]:
        positions = {f"{key.created_at}#{key.id}": key for key in self.rows.values()}
        rest = [position for position in sorted(positions) if after is None or position > after]
        shown = rest[:limit]
        return [positions[position] for position in shown], shown[-1] if len(rest) > limit else None

    @port_call
    def delete(self, key_id: str) -> bool:
        return self.rows.pop(key_id, None) is not None


@dataclass
class FakeUploads:
    """Shares the jobs with `FakeJobs`, as both live in one table."""

    jobs: FakeJobs
    faults: Faults = field(default_factory=Faults)
    max_uploads_per_claim: int = 95
    owners: dict[str, str] = field(default_factory=dict)
    gathering: dict[str, str] = field(default_factory=dict)
    claimed_lists: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    before_claim: Callable[[], None] = lambda: None
    port = "uploads"

    @port_call
    def gathering_job(self, project: str) -> str | None:
        return self.gathering.get(project)

    @port_call
    def claim(self, job_id: str, uploads: Sequence[Upload], list_key: str) -> None:
        self._refuse_claimed(uploads)
        job = self.jobs.rows.get(job_id)
        if job is None or job.status is not JobStatus.PENDING or job.run:
            raise GatheringClosed
        self._take(job_id, uploads, list_key)

    @port_call
    def open(
        self,
        job: Job,
        uploads: Sequence[Upload],
        list_key: str,
        *,
        instead_of: str | None,
        entry: AuditEntry | None = None,
    ) -> None:
        self._refuse_claimed(uploads)
        if self.gathering.get(job.project) != instead_of or job.id in self.jobs.rows:
            raise GatheringClosed
        self.jobs.rows[job.id] = job
        self.jobs.audit += [entry] if entry else []
        self.gathering[job.project] = job.id
        self._take(job.id, uploads, list_key)

    def _refuse_claimed(self, uploads: Sequence[Upload]) -> None:
        self.before_claim()
        assert len(uploads) <= self.max_uploads_per_claim
        assert len({u.identity for u in uploads}) == len(uploads), "a transaction may touch an item once only"
        owned = {u.identity: self.owners[u.identity] for u in uploads if u.identity in self.owners}
        if owned:
            raise AlreadyClaimed(owned)

    def _take(self, job_id: str, uploads: Sequence[Upload], list_key: str) -> None:
        self.owners.update({u.identity: job_id for u in uploads})
        self.claimed_lists[job_id].add(list_key)

    @port_call
    def lists(self, job_id: str) -> Sequence[str]:
        return sorted(self.claimed_lists[job_id])


@dataclass
class FakeAudit:
    """Shares its entries with whoever writes them along with a change."""

    entries: list[AuditEntry]
    faults: Faults = field(default_factory=Faults)
    port = "audit"

    @port_call
    def add(self, entry: AuditEntry) -> None:
        self.entries.append(entry)

    @port_call
    def page(
        self, project: str, *, subject: str | None, limit: int, after: str | None
    ) -> tuple[Sequence[AuditEntry], str | None]:
        found = {one.id: one for one in self.entries if one.project == project and subject in (None, one.subject)}
        rest = [one for one in sorted(found, reverse=True) if after is None or one < after]
        shown = rest[:limit]
        return [found[one] for one in shown], shown[-1] if len(rest) > limit else None


@dataclass
class FakeFolders:
    entries: list[AuditEntry]
    faults: Faults = field(default_factory=Faults)
    rows: dict[tuple[str, str], Folder] = field(default_factory=dict)
    port = "folders"

    @port_call
    def create(self, folder: Folder, *, entry: AuditEntry) -> bool:
        if (folder.project, folder.id) in self.rows:
            return False
        self.rows[folder.project, folder.id] = folder
        self.entries.append(entry)
        return True

    @port_call
    def get(self, project: str, folder_id: str) -> Folder | None:
        return self.rows.get((project, folder_id))

    @port_call
    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Folder], str | None]:
        found = {f"{one.created_at}#{one.id}": one for one in self.rows.values() if one.project == project}
        rest = [position for position in sorted(found) if after is None or position > after]
        shown = rest[:limit]
        return [found[position] for position in shown], shown[-1] if len(rest) > limit else None


@dataclass
class FakeExecutionSettings:
    entries: list[AuditEntry]
    faults: Faults = field(default_factory=Faults)
    rows: dict[tuple[str, str], ExecutionSettings] = field(default_factory=dict)
    port = "execution_settings"

    @port_call
    def create(self, saved: ExecutionSettings, *, limit: int, entry: AuditEntry) -> bool:
        if (saved.project, saved.id) in self.rows:
            return False
        if sum(project == saved.project for project, _ in self.rows) >= limit:
            raise TooManyExecutionSettings("too many")
        self.rows[saved.project, saved.id] = saved
        self.entries.append(entry)
        return True

    @port_call
    def get(self, project: str, settings_id: str) -> ExecutionSettings | None:
        return self.rows.get((project, settings_id))

    @port_call
    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[ExecutionSettings], str | None]:
        found = {f"{one.created_at}#{one.id}": one for one in self.rows.values() if one.project == project}
        rest = [position for position in sorted(found) if after is None or position > after]
        shown = rest[:limit]
        return [found[position] for position in shown], shown[-1] if len(rest) > limit else None

    @port_call
    def replace(self, saved: ExecutionSettings, *, entry: AuditEntry) -> bool:
        if (saved.project, saved.id) not in self.rows:
            return False
        self.rows[saved.project, saved.id] = saved
        self.entries.append(entry)
        return True

    @port_call
    def delete(self, project: str, settings_id: str, *, entry: AuditEntry) -> bool:
        if self.rows.pop((project, settings_id), None) is None:
            return False
        self.entries.append(entry)
        return True


@dataclass
class FakeIntegrations:
    entries: list[AuditEntry]
    faults: Faults = field(default_factory=Faults)
    rows: dict[tuple[str, str], Integration] = field(default_factory=dict)
    port = "integrations"

    @port_call
    def create(self, made: Integration, *, limit: int, entry: AuditEntry) -> bool:
        if (made.project, made.id) in self.rows:
            return False
        if sum(project == made.project for project, _ in self.rows) >= limit:
            raise TooManyIntegrations("too many")
        self.rows[made.project, made.id] = made
        self.entries.append(entry)
        return True

    @port_call
    def get(self, project: str, integration_id: str) -> Integration | None:
        return self.rows.get((project, integration_id))

    @port_call
    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Integration], str | None]:
        found = {f"{one.created_at}#{one.id}": one for one in self.rows.values() if one.project == project}
        rest = [position for position in sorted(found) if after is None or position > after]
        shown = rest[:limit]
        ready = [found[position] for position in shown if found[position].state is IntegrationState.READY]
        return ready, shown[-1] if len(rest) > limit else None

    @port_call
    def settle(self, integration: Integration, now: str) -> bool:
        known = self._same(integration)
        if known is None or known.state is IntegrationState.DELETING:
            return False
        if known.state is IntegrationState.CREATING:
            self._put(replace(known, state=IntegrationState.READY, touched_at=now))
        return True

    @port_call
    def begin_delete(self, integration: Integration, now: str, *, entry: AuditEntry | None) -> bool:
        known = self._same(integration)
        if known is None or known.state is not integration.state:
            return False
        self._put(replace(known, state=IntegrationState.DELETING, touched_at=now), entry)
        return True

    @port_call
    def remove(self, integration: Integration) -> None:
        known = self._same(integration)
        if known and known.state is IntegrationState.DELETING:
            del self.rows[known.project, known.id]

    @port_call
    def unsettled(self) -> Iterator[Integration]:
        return iter([one for one in self.rows.values() if one.state is not IntegrationState.READY])

    @port_call
    def use(self, integration: Integration, now: str, *, entry: AuditEntry | None) -> bool:
        known = self._same(integration)
        if known is None or known.state is not IntegrationState.READY:
            return False
        self._put(replace(known, last_used=now), entry)
        return True

    def _same(self, integration: Integration) -> Integration | None:
        known = self.rows.get((integration.project, integration.id))
        return known if known and known.secret_name == integration.secret_name else None

    def _put(self, changed: Integration, entry: AuditEntry | None = None) -> None:
        self.rows[changed.project, changed.id] = changed
        if entry:
            self.entries.append(entry)


@dataclass
class FakeIntegrationSecrets:
    faults: Faults = field(default_factory=Faults)
    values: dict[str, str] = field(default_factory=dict)
    port = "integration_secrets"

    @port_call
    def put(self, name: str, value: str) -> bool:
        if name in self.values:
            return False
        self.values[name] = value
        return True

    @port_call
    def get(self, name: str) -> str | None:
        return self.values.get(name)

    @port_call
    def delete(self, name: str) -> None:
        self.values.pop(name, None)


@dataclass
class FakeSource:
    """`objects` by key; `errors` are raised by `list`, `read`."""

    objects: dict[str, bytes] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)
    read_keys: list[str] = field(default_factory=list)

    def list_pages(self, location: Location, *, start_after: str = "") -> Iterator[Sequence[SourceObject]]:
        self._fail("list")
        for key in sorted(self.objects):
            if key.startswith(location.key) and key > start_after:
                yield [self._object(key)]

    def stat(self, location: Location, pin: Pin | None = None, *, version: str | None = None) -> SourceObject:
        assert pin is None
        assert version is None
        return self._object(location.key)

    def tags(self, location: Location, pin: Pin) -> Mapping[str, str]:  # noqa: ARG002
        self._fail("tags")
        return {}

    def read(self, location: Location, start: int, length: int, pin: Pin) -> bytes:
        self._fail("read")
        assert pin == self._object(location.key).pin
        self.read_keys.append(location.key)
        return self.objects[location.key][start : start + length]

    def chunks(
        self, location: Location, start: int, length: int, pin: Pin, chunk_bytes: int = CHUNK_BYTES
    ) -> Iterator[bytes]:
        assert length <= chunk_bytes
        yield self.read(location, start, length, pin)

    def _object(self, key: str) -> SourceObject:
        return SourceObject(key=key, size=len(self.objects[key]), etag=hashlib.md5(self.objects[key]).hexdigest())

    def _fail(self, call: str) -> None:
        if call in self.errors:
            raise self.errors[call]


@dataclass
class FakeSources:
    """One source for all integrations; `refusal` is what `check` raises, `lost` what `source_for` does."""

    source: FakeSource = field(default_factory=FakeSource)
    refusal: Exception | None = None
    lost: Exception | None = None

    def check(self, integration: Integration, credentials: str | None) -> None:
        assert integration.with_credentials == (credentials is not None)
        if self.refusal:
            raise self.refusal

    def source_for(self, integration: Integration) -> FakeSource:
        assert integration.state is IntegrationState.READY
        if self.lost:
            raise self.lost
        return self.source


@dataclass
class FakeWorkflow:
    """Remembers by name which executions were started, and with which wait."""

    faults: Faults = field(default_factory=Faults)
    waits: dict[str, int] = field(default_factory=dict)
    states: dict[str, ExecutionState] = field(default_factory=dict)
    conclusions: dict[str, End] = field(default_factory=dict)
    port = "workflow"

    @property
    def started(self) -> list[str]:
        return list(self.waits)

    @port_call
    def start(self, job_id: str, *, run: int = 0, wait_seconds: int = 0) -> None:
        name = execution_name(job_id, run)
        if name not in self.waits:
            self.waits[name] = wait_seconds
            self.states[name] = ExecutionState.RUNNING

    @port_call
    def state(self, name: str) -> ExecutionState:
        return self.states.get(name, ExecutionState.ABSENT)

    @port_call
    def conclude(self, end: End) -> None:
        name = conclusion_name(end.job_id, end.ended_at, end.executions)
        if name not in self.conclusions:
            self.conclusions[name] = end
            self.states[name] = ExecutionState.RUNNING


@dataclass
class FakeSecrets:
    values: Mapping[str, str]

    def get(self, secret_id: str) -> str:
        return self.values[secret_id]


@dataclass
class FakeEnds:
    """Shares the jobs with `FakeJobs`, as both live in one table."""

    jobs: FakeJobs
    faults: Faults = field(default_factory=Faults)
    port = "ends"

    @port_call
    def get(self, job_id: str, ended_at: str) -> End | None:
        return self.jobs.ends.get((job_id, ended_at))

    def open(self) -> Iterator[End]:
        with self.faults.lock:
            self.faults.enter("ends.open")
            found = [end for end in self.jobs.ends.values() if not end.closed]
        yield from sorted(found, key=lambda end: (end.ended_at, end.job_id))

    @port_call
    def save(self, end: End, *, now: str) -> bool:
        return self._write(end, replace(end, touched_at=now)) is not None

    @port_call
    def restart(self, end: End, *, failures: int, webhook: Delivery | None, now: str) -> End | None:
        known = self.jobs.ends[end.job_id, end.ended_at]
        executions = end.executions + 1
        return self._write(
            end,
            replace(
                known,
                executions=executions,
                failures=failures,
                webhook=webhook or known.webhook,
                closed=False,
                touched_at=now,
            ),
        )

    def _write(self, read: End, new: End) -> End | None:
        known = self.jobs.ends.get((read.job_id, read.ended_at))
        if known is None or known.executions != read.executions:
            return None
        self.jobs.ends[read.job_id, read.ended_at] = new
        job = self.jobs.rows.get(read.job_id)
        if job and job.completed_at == read.ended_at and new.webhook:
            self.jobs.rows[read.job_id] = replace(job, webhook=new.webhook)
        return new


@dataclass
class FakeReportFiles:
    faults: Faults = field(default_factory=Faults)
    bucket: str = "state"
    files: dict[str, bytes] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    """Unfinished multipart uploads: their parts by number."""
    port = "files"

    @port_call
    def put(self, key: str, body: bytes, content_type: str) -> None:
        self.files[key], self.types[key] = body, content_type

    @port_call
    def begin(self, key: str, content_type: str) -> str:
        upload_id = f"upload{self.faults.calls['files.begin']}"
        self.uploads[upload_id], self.types[key] = {}, content_type
        return upload_id

    @port_call
    def put_part(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        if upload_id not in self.uploads:
            raise UploadLost(key)
        self.uploads[upload_id][number] = body
        return f"etag{number}"

    @port_call
    def complete(self, key: str, upload_id: str, etags: Sequence[str]) -> None:
        if upload_id not in self.uploads:
            raise UploadLost(key)
        parts = self.uploads.pop(upload_id)
        self.files[key] = b"".join(parts[number] for number in range(1, len(etags) + 1))

    def url(self, key: str, *, seconds: int, name: str) -> str:
        return f"https://{self.bucket}/{key}?seconds={seconds}&name={name}"


@dataclass
class FakeBus:
    faults: Faults = field(default_factory=Faults)
    events: list[Mapping[str, object]] = field(default_factory=list)
    port = "bus"

    @port_call
    def put(self, detail_type: str, detail: Mapping[str, object], *, time: str) -> None:
        assert (detail_type, time) == ("Clipferry Import Ended", detail["ended_at"])
        self.events.append(detail)


@dataclass
class FakeSender:
    """Answers 200, or in turn what `answers` has: a status, an answer, or what is raised."""

    faults: Faults = field(default_factory=Faults)
    answers: deque[int | WebhookAnswer | Exception] = field(default_factory=deque)
    sent: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    port = "sender"

    @port_call
    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        self.sent.append((url, headers, body))
        answer = self.answers.popleft() if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, WebhookAnswer) else WebhookAnswer(answer)


def _fakes_are_ports() -> None:
    """Read by mypy alone."""
    jobs = FakeJobs()
    _clock: Clock = FakeClock()
    _storage: Storage = FakeStorage()
    _remover: ClipRemover = FakeStorage()
    _state: StateFiles = FakeStateFiles()
    _jobs: JobStore = jobs
    _clips: ClipStore = FakeClips()
    _keys: KeyStore = FakeKeys()
    _large: LargeCopyStore = FakeLargeCopies()
    _uploads: UploadStore = FakeUploads(jobs)
    _audit: AuditLog = FakeAudit([])
    _folders: FolderStore = FakeFolders([])
    _execution_settings: ExecutionSettingsStore = FakeExecutionSettings([])
    _integrations: IntegrationStore = FakeIntegrations([])
    _integration_secrets: IntegrationSecrets = FakeIntegrationSecrets()
    _source: ObjectSource = FakeSource()
    _sources: Sources = FakeSources()
    _workflow: Workflow = FakeWorkflow()
    _secrets: Secrets = FakeSecrets({})
    _ends: EndStore = FakeEnds(jobs)
    _files: ReportFiles = FakeReportFiles()
    _results: ResultStore = FakeResults(FakeStorage())
    _bus: EventBus = FakeBus()
    _sender: WebhookSender = FakeSender()
