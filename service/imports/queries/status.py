"""Read jobs and clips, a page at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from service.domain.batching import PART_CLIPS
from service.domain.clip_names import gt_clip_id, run_name
from service.domain.clips import Clip, ClipRow, ClipStatus
from service.domain.errors import InvalidCursor, NotFound
from service.domain.ids import ORDINAL_DIGITS, clip_id, is_job_id
from service.domain.jobs import Job
from service.domain.manifest import ManifestEntry
from service.imports.extrapolation.status import extrapolation_of
from service.imports.manifest.store import read_entries
from service.imports.results.clip_rows import with_rows_of_plan
from service.imports.results.source_fates import source_fate_of
from service.ports.clips import ClipStore
from service.ports.jobs import JobStore
from service.ports.state import StateFiles
from service.support.paging import Page, check_limit, decode_cursor, encode_cursor, read_page

SCAN_PARTS = 20
"""Manifest parts that one filtered page reads; the page may then be short, with more to come."""


@dataclass(frozen=True, kw_only=True)
class StatusPorts:
    jobs: JobStore
    clips: ClipStore
    state: StateFiles
    clips_bucket: str


def get_job(job_id: str, *, project: str, jobs: JobStore) -> Job:
    """Return the job. Raises `NotFound`, also for another project's job."""
    job = jobs.get(job_id) if is_job_id(job_id) else None
    if job is None or job.project != project:
        raise NotFound(f"there is no import {job_id!r} in this project")
    return job


def jobs_page(project: str, *, limit: int, cursor: str | None, jobs: JobStore) -> Page[Job]:
    """Return a page of jobs, newest first. Raises `InvalidCursor`, `InvalidRequest`."""
    return read_page(partial(jobs.page, project), scope=f"jobs of {project}", limit=limit, cursor=cursor)


def clips_page(
    job: Job, *, limit: int, cursor: str | None, status: ClipStatus | None, ports: StatusPorts
) -> Page[Clip]:
    """Return a page of clips in manifest order. It is empty until planning is complete.

    With a `status` other than FAILED and CANCELLED, a page may be shorter than `limit` although more follow.
    Raises `InvalidCursor`, `InvalidRequest`.
    """
    check_limit(limit)
    scope = f"clips of {job.id} {status or ''}"
    first = _ordinal(decode_cursor(cursor, scope=scope)) if cursor else 0
    if not job.planned:
        return Page([], None)
    if status in (ClipStatus.FAILED, ClipStatus.CANCELLED):
        clips, position = _unsuccessful(job, status, first, limit, ports)
    elif status is None:
        last = min(first + limit, job.counts.total)
        clips = clips_between(job, first, last, ports)
        position = last if last < job.counts.total else None
    else:
        clips, position = _scan(job, lambda clip: clip.status is status, first, limit, ports)
    return Page(clips, encode_cursor(str(position), scope=scope) if position is not None else None)


def clips_between(job: Job, first: int, last: int, ports: StatusPorts) -> list[Clip]:
    """Return the clips from ordinal `first` up to before `last`. Raises `NotFound` if the manifest has expired."""
    if first >= last:
        return []
    entries = read_entries(ports.state, job.id, first, last, job.plan_rounds)
    rows = with_rows_of_plan(job, entries, ports.clips.get(job.id, [entry.ordinal for entry in entries]))
    return [clip_of(job, entry, rows.get(entry.ordinal), ports.clips_bucket) for entry in entries]


def _scan(
    job: Job, wanted: Callable[[Clip], bool], first: int, limit: int, ports: StatusPorts
) -> tuple[list[Clip], int | None]:
    clips: list[Clip] = []
    for _ in range(SCAN_PARTS):
        last = min((first // PART_CLIPS + 1) * PART_CLIPS, job.counts.total)
        for offset, clip in enumerate(clips_between(job, first, last, ports)):
            if wanted(clip):
                clips.append(clip)
                if len(clips) == limit:
                    position = first + offset + 1
                    return clips, position if position < job.counts.total else None
        first = last
        if first >= job.counts.total:
            return clips, None
    return clips, first


def _unsuccessful(
    job: Job, status: ClipStatus, first: int, limit: int, ports: StatusPorts
) -> tuple[list[Clip], int | None]:
    rows = ports.clips.failures(job.id, first=first, limit=limit + 1)
    clips = [clip_of(job, None, row, ports.clips_bucket) for row in rows[:limit] if row.status is status]
    return clips, rows[limit].ordinal if len(rows) > limit else None


def clip_of(job: Job, entry: ManifestEntry | None, row: ClipRow | None, clips_bucket: str) -> Clip:
    """Build a clip from its manifest line, its row, or both; at least one is given.

    The row is newer than the manifest, since a retry looks at each source again.
    """
    described = entry or row
    assert described is not None
    assert described.source_uri is not None
    destination = (row.destination if row else None) or described.destination
    source = source_fate_of(job, row)
    uri = (row.source_uri if row else None) or described.source_uri
    return Clip(
        id=clip_id(job.id, described.ordinal),
        status=row.status if row else ClipStatus.PENDING,
        source_uri=uri,
        destination=f"s3://{clips_bucket}/{destination}" if destination else "",
        run_name=run_name(job.run_name_prefix, uri, described.set_name),
        clip_id=gt_clip_id(uri, row.facts if row else None, described.clip_id),
        size=row.size if row and row.size is not None else described.size,
        etag=(row.etag if row else None) or described.etag,
        verified=row.verified if row else None,
        facts=row.facts if row else None,
        code=row.code if row else None,
        message=row.message if row else None,
        view=described.view,
        set=clip_id(job.id, described.group) if described.group is not None else None,
        deleted_at=row.deleted_at if row else None,
        extrapolation=extrapolation_of(job, row),
        content=row.content if row else None,
        content_code=row.content_code if row else None,
        content_message=row.content_message if row else None,
        overruled=row.overruled if row else None,
        source_deleted=source.deleted if source else None,
        source_kept_code=source.code if source else None,
        source_kept_message=source.message if source else None,
    )


def _ordinal(position: str) -> int:
    if not position.isdecimal() or len(position) > ORDINAL_DIGITS:
        raise InvalidCursor("the cursor is invalid: use the next_cursor of an earlier page")
    return int(position)
