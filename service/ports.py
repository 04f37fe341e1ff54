"""What the use cases need from outside, as Protocols. Adapters are in `service.aws`, fakes in `tests.fakes`.

Unless a method says otherwise it raises nothing of its own; faults of the network or of AWS pass through and the
caller's caller (the state machine, the queue) tries again.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from service.domain.errors import ObjectError
from service.domain.uris import Location
from service.formats.reader import RangeReader
from service.schema import (
    ApiKey,
    AuditEntry,
    BatchState,
    ClipRow,
    Copied,
    CopiedPart,
    Counts,
    Delivery,
    End,
    ExecutionSettings,
    Extrapolation,
    Folder,
    ImportSettings,
    Integration,
    Job,
    JobStatus,
    JobTag,
    LargeCopy,
    ListedObject,
    ManifestEntry,
    Retry,
    Sent,
    Tally,
    Upload,
)


class Clock(Protocol):
    def __call__(self) -> str:
        """Now, in the format that `service.schema` names."""
        ...


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
    def remove_up_to(self, key: str, *, etag: str, size: int | None = None) -> None:
        """Remove from the clips bucket the newest version of `key` with this ETag (or `size`), and all before it.

        Where there is none, nothing; a version after it stays. Errors are `ObjectError`s.
        """
        ...


class StateReader(Protocol):
    def get(self, key: str) -> bytes:
        """Raises `NotFound`."""
        ...


class StateFiles(StateReader, Protocol):
    """Objects in the state bucket: requests, manifests, batch lists."""

    def put(self, key: str, body: bytes) -> str:
        """Store and return the ETag."""
        ...

    def get_range(self, key: str, *, start: int, length: int, etag: str) -> bytes:
        """Part of the object that has this very ETag. Raises `SourceChanged` where it has another, `NotFound`."""
        ...

    def delete_some(self, prefix: str) -> bool:
        """Delete some of the objects below `prefix`; False where there were none."""
        ...


class JobReader(Protocol):
    def get(self, job_id: str) -> Job | None: ...


class JobStore(JobReader, Protocol):
    """Whatever names a `run` does nothing where the job is in another one by now."""

    def create(self, job: Job, *, entry: AuditEntry | None = None) -> bool:
        """Write the job, what it is found by and its audit entry, all or nothing.

        False where a job of that id exists already; nothing is written then.
        """
        ...

    def get_some(self, job_ids: Collection[str]) -> Mapping[str, Job]:
        """Those that exist, by id."""
        ...

    def find(
        self, project: str, tag: JobTag, value: str, *, limit: int, begin: str | None
    ) -> tuple[Sequence[Job], str | None]:
        """The project's jobs with this tag, newest first, from position `begin` on, which is included.

        At most `limit` are looked at; deleted ones are left out. The second value is where to go on (None: the end).
        """
        ...

    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Job], str | None]:
        """Newest first; `after` and the second value are positions (None: the end)."""
        ...

    def begin_planning(self, job_id: str, now: str, *, run: int = 0) -> Job | None:
        """Close a pending job for further uploads and return it; None where the run has ended or the job is absent."""
        ...

    def end_planning(self, job_id: str, *, run: int = 0, total: int, cut_short: bool = False, now: str) -> None: ...

    def retry(self, job: Job, retry: Retry) -> Job | None:
        """Begin the run after the ended one that `job` shows, which goes into the history.

        A job without clips is to be planned anew. None where it is in another run by now, or deleted.
        """
        ...

    def reopen(self, job: Job, again: Tally, now: str) -> bool:
        """End the planning of a retry: take the former fates of its clips off the counts, once.

        False where that was done before, or the run has ended.
        """
        ...

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
        """Set the run's terminal status and any `counts`, and open an `End` with `document`: once, all or nothing.

        False where the run has ended already.
        """
        ...

    def request_cancel(self, job_id: str, now: str) -> bool:
        """False where the job is terminal already."""
        ...

    def record_batch(self, job_id: str, number: int, tally: Tally, now: str, *, run: int = 0) -> bool:
        """Add the batch's tally to the counts, once. False where it was recorded before or its run has ended."""
        ...

    def batch_state(self, job_id: str, number: int, *, run: int = 0) -> BatchState:
        """In one call. A job that is gone counts as cancelled; batches of a run that has ended as recorded."""
        ...

    def recorded_batches(self, job_id: str, *, run: int = 0) -> set[int]: ...

    def delete(self, job_id: str, now: str) -> bool:
        """Hide a terminal job from every other method and put it on the list of deleted ones; else False.

        Its id stays taken, and its batches count as recorded.
        """
        ...

    def deleted(self) -> Iterator[str]:
        """Ids of deleted jobs that are not buried."""
        ...

    def delete_some(self, job_id: str) -> bool:
        """Delete some of the rows that belong to the job's; False where there were none."""
        ...

    def bury(self, job_id: str) -> None:
        """Leave of a deleted job nothing but a tombstone, which goes when the id can be used again."""
        ...

    def active(self) -> Iterator[Job]:
        """Jobs without a terminal status, oldest first."""
        ...


ClipIndex = Literal["clip", "url"]


class EndStore(Protocol):
    """Ends of jobs. Those that are not closed are the outbox: nothing that hangs on an end gets lost."""

    def get(self, job_id: str, ended_at: str) -> End | None: ...

    def open(self) -> Iterator[End]:
        """All that are not closed, oldest first."""
        ...

    def save(self, end: End, *, now: str) -> bool:
        """Keep its report, event, webhook and `closed`; the webhook on the job, too, where this is its last end.

        False, and nothing is kept, where another execution began since `end` was read, or the end is gone.
        """
        ...

    def restart(self, end: End, *, failures: int, webhook: Delivery | None, now: str) -> End | None:
        """Open the end (again) for one execution more and return it as it is then; None where another was faster."""
        ...


class ReportFiles(Protocol):
    """Files of reports in the state bucket, written at once or by parts."""

    @property
    def bucket(self) -> str: ...

    def put(self, key: str, body: bytes, content_type: str) -> None: ...

    def begin(self, key: str, content_type: str) -> str:
        """The id of a multipart upload."""
        ...

    def put_part(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        """Store part `number` (from 1; all but the last have 5 MiB or more), also again; its ETag.

        Raises `UploadLost`.
        """
        ...

    def complete(self, key: str, upload_id: str, etags: Sequence[str]) -> None:
        """Raises `UploadLost`."""
        ...

    def url(self, key: str, *, seconds: int, name: str) -> str:
        """Where anyone can download the file, under `name`, for that long."""
        ...


class EventBus(Protocol):
    def put(self, detail_type: str, detail: Mapping[str, object], *, time: str) -> None:
        """Raises `EventRefused`."""
        ...


@dataclass(frozen=True)
class WebhookAnswer:
    status: int
    retry_after: str | None = None
    """The header, as it came."""


class WebhookSender(Protocol):
    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """Raises `WebhookUnreachable`, `WebhookRefused`."""
        ...


class ClipStore(Protocol):
    def put(self, job_id: str, rows: Iterable[ClipRow]) -> None: ...

    def in_order(self, job_id: str, *, first: int) -> Iterator[ClipRow]:
        """All rows from ordinal `first` on, by ordinal; read as they are asked for."""

    def settle(self, job_id: str, rows: Sequence[ClipRow], *, run: int = 0) -> Sequence[ClipRow]:
        """Write all rows of a set, or none where its fate is not open in this run of the job: the first one holds.

        Returns the rows that hold, which are pending where a later run is to settle them.
        """
        ...

    def get(self, job_id: str, ordinals: Sequence[int]) -> Mapping[int, ClipRow]: ...

    def failures(self, job_id: str, *, first: int, limit: int) -> Sequence[ClipRow]:
        """Failed and cancelled clips from ordinal `first` on, in order, at most `limit`."""
        ...

    def find(
        self, index: ClipIndex, key: str, *, limit: int, after: str | None
    ) -> tuple[Sequence[tuple[str, ClipRow]], str | None]:
        """(job id, row) of the clips that have `key` among their keys, newest import first; deleted ones are left out.

        A row is found a moment after it was written. `after` and the second value are positions (None: the end).
        """
        ...

    def remove(self, job_id: str, ordinals: Sequence[int], *, landed: int, now: str) -> bool:
        """Mark settled clips as deleted and count them on their job, as one, all or nothing.

        From then on no index finds them. False where one has no fate, or was deleted before, or the job is gone.
        """
        ...

    def extrapolated(self, job_id: str, ordinal: int, extrapolation: Extrapolation) -> bool:
        """Note it on the row of a clip that landed, and nothing else; False where there is no such row."""
        ...

    def delete_some(self, job_id: str) -> bool:
        """Delete some of the job's rows; False where there were none."""
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


class KeyStore(Protocol):
    def put(self, key: ApiKey) -> None: ...

    def get(self, key_id: str) -> ApiKey | None: ...

    def page(self, *, limit: int, after: str | None) -> tuple[Sequence[ApiKey], str | None]: ...

    def delete(self, key_id: str) -> bool:
        """False where there is no such key."""
        ...


class GatheringClosed(Exception):
    """The uploads cannot be added as asked: the job's planning began, or another job gathers by now."""


class AlreadyClaimed(Exception):
    """Some uploads belong to jobs already: `owners` maps their identities to job ids. Nothing was written."""

    def __init__(self, owners: Mapping[str, str]) -> None:
        super().__init__(f"{len(owners)} uploads belong to jobs already")
        self.owners = owners


class UploadLists(Protocol):
    def lists(self, job_id: str) -> Sequence[str]:
        """State keys of all lists that were claimed for the job, in a stable order."""
        ...


class UploadStore(UploadLists, Protocol):
    """Which upload belongs to which job. A claim and its membership are one transaction."""

    @property
    def max_uploads_per_claim(self) -> int: ...

    def gathering_job(self, project: str) -> str | None:
        """Id of the job that took this project's last uploads; it may have closed since."""
        ...

    def claim(self, job_id: str, uploads: Sequence[Upload], list_key: str) -> None:
        """Make all `uploads` the pending job's, listed in state object `list_key`, or none of them.

        Raises `GatheringClosed` or `AlreadyClaimed`.
        """
        ...

    def open(
        self,
        job: Job,
        uploads: Sequence[Upload],
        list_key: str,
        *,
        instead_of: str | None,
        entry: AuditEntry | None = None,
    ) -> None:
        """Like `claim` for a job that is written with them, as by `JobStore.create`, and becomes the gathering job.

        Raises `GatheringClosed` where the gathering job is no longer `instead_of`: another delivery was faster.
        """
        ...


class AuditLog(Protocol):
    def add(self, entry: AuditEntry) -> None: ...

    def page(
        self, project: str, *, subject: str | None, limit: int, after: str | None
    ) -> tuple[Sequence[AuditEntry], str | None]:
        """Newest first, of one subject or of all; `after` and the second value are positions (None: the end)."""
        ...


class FolderStore(Protocol):
    def create(self, folder: Folder, *, entry: AuditEntry) -> bool:
        """Write it and its audit entry. False where one of that id exists in the project; nothing is written then."""
        ...

    def get(self, project: str, folder_id: str) -> Folder | None: ...

    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Folder], str | None]:
        """Oldest first."""
        ...


class ExecutionSettingsStore(Protocol):
    """Each change and its audit entry are one transaction."""

    def create(self, saved: ExecutionSettings, *, limit: int, entry: AuditEntry) -> bool:
        """False where settings of that id exist in the project; nothing is written then.

        Raises `TooManyExecutionSettings` where the project has `limit` of them.
        """
        ...

    def get(self, project: str, settings_id: str) -> ExecutionSettings | None: ...

    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[ExecutionSettings], str | None]:
        """Oldest first."""
        ...

    def replace(self, saved: ExecutionSettings, *, entry: AuditEntry) -> bool:
        """False where they are gone; nothing is written then."""
        ...

    def delete(self, project: str, settings_id: str, *, entry: AuditEntry) -> bool:
        """False where they are gone already."""
        ...


class IntegrationStore(Protocol):
    """Integrations of all states, and how many a project has."""

    def create(self, made: Integration, *, limit: int, entry: AuditEntry) -> bool:
        """Write it and its audit entry. False where one of that id exists in the project; nothing is written then.

        Raises `TooManyIntegrations` where the project has `limit` of them.
        """
        ...

    def get(self, project: str, integration_id: str) -> Integration | None: ...

    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Integration], str | None]:
        """Those that are ready, oldest first; pages may be short."""
        ...

    def settle(self, integration: Integration, now: str) -> bool:
        """Make it ready. False where it is being deleted, or gone."""
        ...

    def begin_delete(self, integration: Integration, now: str, *, entry: AuditEntry | None) -> bool:
        """Hide it from callers and write the entry. False where it has another state than `integration` by now."""
        ...

    def remove(self, integration: Integration) -> None:
        """Forget one that is being deleted; of one that is gone already, nothing."""
        ...

    def unsettled(self) -> Iterator[Integration]:
        """Those that are not ready, of all projects."""
        ...

    def use(self, integration: Integration, now: str, *, entry: AuditEntry | None) -> bool:
        """Keep that it was used, and write the entry. False where it is not ready any more."""
        ...


class IntegrationSecrets(Protocol):
    """Credentials by name. A value never changes."""

    def put(self, name: str, value: str) -> bool:
        """False where the name is taken."""
        ...

    def get(self, name: str) -> str | None: ...

    def delete(self, name: str) -> None:
        """At once and for good; also where there is none."""
        ...


class ExecutionState(StrEnum):
    ABSENT = "ABSENT"
    RUNNING = "RUNNING"
    ENDED = "ENDED"


class Workflow(Protocol):
    def start(self, job_id: str, *, run: int = 0, wait_seconds: int = 0) -> None:
        """Start the run's execution, named by job and run; a second start of the same run does nothing."""
        ...

    def state(self, name: str) -> ExecutionState: ...

    def conclude(self, end: End) -> None:
        """Start the execution that concludes `end` for the `end.executions`th time; a second start does nothing."""
        ...


class Secrets(Protocol):
    def get(self, secret_id: str) -> str: ...
