"""Expand a job's source into its manifest, in rounds that each fit into one invocation."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice

from service.errors import CannotAccess, ClipferryError, LimitExceeded, ObjectError, SourceUnavailable
from service.imports.access import SourceAccess
from service.imports.manifest import ManifestWriter
from service.imports.submit import requested_uris
from service.imports.uploads import claimed_uploads
from service.planning import (
    PART_CLIPS,
    S3Uri,
    destination_key,
    duplicates_of_first,
    is_folder_marker,
    parse_object_uri,
    parse_prefix_uri,
)
from service.ports import Clock, JobStore, StateFiles, Storage, UploadStore
from service.schema import ClipStatus, Job, JobStatus, ManifestEntry, SourceKind


@dataclass(frozen=True, kw_only=True)
class PlanPorts:
    jobs: JobStore
    state: StateFiles
    storage: Storage
    uploads: UploadStore
    clock: Clock
    access: SourceAccess
    max_clips: int
    batch_clips: int
    batch_bytes: int
    stat_concurrency: int


@dataclass(frozen=True, kw_only=True)
class PlanCursor:
    """Where the next round goes on."""

    round_number: int = 0
    ordinal: int = 0
    batches: int = 0
    start_after: str = ""
    """Last key of the prefix that is in the manifest."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The end of a round: a cursor where more is to be listed, else the list of batches."""

    cursor: PlanCursor | None = None
    batches: int = 0
    batches_key: str = ""


def plan(job_id: str, cursor: PlanCursor, *, out_of_time: Callable[[], bool], ports: PlanPorts) -> Planned:
    """One round. Writes whole manifest parts until the source is exhausted or `out_of_time()` says so.

    A source that cannot be listed for good ends the job as FAILED; passing faults of listing are raised for another
    try. What is wrong with one URI of a list is that clip's fate.
    """
    job = ports.jobs.begin_planning(job_id, ports.clock())
    if job is None:
        return Planned()
    writer = ManifestWriter(
        ports.state,
        job.id,
        ports.batch_clips,
        ports.batch_bytes,
        ordinal=cursor.ordinal,
        batches=cursor.batches,
        round_number=cursor.round_number,
    )
    try:
        for part in _PARTS[job.source.kind](job, cursor, ports):
            writer.write_part(part.entries)
            if writer.ordinal > ports.max_clips:
                raise LimitExceeded(f"the source holds more than {ports.max_clips:,} clips, the limit of one import")
            if out_of_time() and len(part.entries) == PART_CLIPS:
                writer.end_round()
                return Planned(
                    cursor=PlanCursor(
                        round_number=writer.round_number,
                        ordinal=writer.ordinal,
                        batches=writer.batches,
                        start_after=part.last_key,
                    )
                )
    except SourceUnavailable:
        raise
    except ClipferryError as error:
        now = ports.clock()
        ports.jobs.end(job.id, status=JobStatus.FAILED, code=error.code, message=error.message, now=now)
        return Planned()
    key = writer.end()
    ports.jobs.end_planning(job.id, total=writer.ordinal, now=ports.clock())
    return Planned(batches=writer.batches, batches_key=key)


@dataclass(frozen=True)
class _Part:
    entries: Sequence[ManifestEntry]
    last_key: str = ""


def _prefix_parts(job: Job, cursor: PlanCursor, ports: PlanPorts) -> Iterator[_Part]:
    assert job.source.uri is not None
    location = parse_prefix_uri(job.source.uri)
    refusal = ports.access.refusal(location.bucket)
    if refusal:
        raise CannotAccess(refusal)
    pages = ports.storage.list_pages(location.bucket, location.key, start_after=cursor.start_after)
    found = (item for page in pages for item in page if not is_folder_marker(item.key, item.size))
    ordinal = cursor.ordinal
    while items := list(islice(found, PART_CLIPS)):
        entries = [
            ManifestEntry(
                ordinal=ordinal + index,
                source_uri=str(S3Uri(location.bucket, item.key)),
                destination=destination_key(job.project, job.folder, location.bucket, item.key),
                size=item.size,
                etag=item.etag,
            )
            for index, item in enumerate(items)
        ]
        yield _Part(entries, items[-1].key)
        ordinal += len(entries)


def _list_parts(job: Job, cursor: PlanCursor, ports: PlanPorts) -> Iterator[_Part]:
    uris = requested_uris(job, ports.state)
    repeats = duplicates_of_first(uris)
    inspect = partial(_inspect, job=job, uris=uris, repeats=repeats, ports=ports)
    with ThreadPoolExecutor(ports.stat_concurrency) as pool:
        for first in range(cursor.ordinal, len(uris), PART_CLIPS):
            ordinals = range(first, min(first + PART_CLIPS, len(uris)))
            yield _Part(list(pool.map(inspect, ordinals)))


def _inspect(
    ordinal: int, *, job: Job, uris: Sequence[str], repeats: dict[int, int], ports: PlanPorts
) -> ManifestEntry:
    """Pin one listed URI by a HEAD; what is wrong with it becomes its fate, not the job's."""
    uri = uris[ordinal]
    location = parse_object_uri(uri)
    settled = partial(
        ManifestEntry,
        ordinal=ordinal,
        source_uri=uri,
        destination=destination_key(job.project, job.folder, location.bucket, location.key),
    )
    if ordinal in repeats:
        message = f"the same URI is clip {repeats[ordinal]} of this list"
        return settled(status=ClipStatus.SKIPPED, code="DUPLICATE", message=message)
    refusal = ports.access.refusal(location.bucket)
    if refusal:
        return settled(status=ClipStatus.FAILED, code="CANNOT_ACCESS", message=refusal)
    try:
        found = ports.storage.stat(location.bucket, location.key)
    except ObjectError as error:
        return settled(status=ClipStatus.FAILED, code=error.code, message=error.message)
    return settled(size=found.size, etag=found.etag, version=found.version)


def _upload_parts(job: Job, cursor: PlanCursor, ports: PlanPorts) -> Iterator[_Part]:
    """Uploads were pinned by their events. Of several uploads to one key only the last one is a clip to copy."""
    claimed = claimed_uploads(job.id, ports.uploads, ports.state)
    newest: dict[str, str] = {}
    for upload in claimed:
        newest[upload.key] = max(newest.get(upload.key, ""), upload.sequencer)
    for first in range(cursor.ordinal, len(claimed), PART_CLIPS):
        entries = []
        for ordinal, upload in enumerate(claimed[first : first + PART_CLIPS], first):
            superseded = upload.sequencer < newest[upload.key]
            entry = ManifestEntry(
                ordinal=ordinal,
                source_uri=str(S3Uri(upload.bucket, upload.key)),
                destination=destination_key(job.project, job.folder, upload.bucket, upload.key),
                size=upload.size,
                etag=upload.etag,
                version=upload.version,
                status=ClipStatus.SKIPPED if superseded else ClipStatus.PENDING,
                code="SUPERSEDED" if superseded else None,
                message="a later upload to the same key is in this job" if superseded else None,
            )
            entries.append(entry)
        yield _Part(entries)


_PARTS: dict[SourceKind, Callable[[Job, PlanCursor, PlanPorts], Iterator[_Part]]] = {
    SourceKind.PREFIX: _prefix_parts,
    SourceKind.LIST: _list_parts,
    SourceKind.UPLOAD: _upload_parts,
}
