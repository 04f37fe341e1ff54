"""Find clips across a project's imports: by clip id or URI, or by label, folder and group of the import."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from service.domain.batching import PART_CLIPS
from service.domain.clip_names import gt_clip_id
from service.domain.clips import Clip, ClipRow
from service.domain.errors import InvalidCursor, InvalidRequest, NotFound
from service.domain.ids import ORDINAL_DIGITS, request_digest
from service.domain.jobs import Job, JobTag
from service.domain.search_keys import job_position, search_key, tags_of
from service.imports.queries.find_skipped import skipped_clips
from service.imports.queries.status import SCAN_PARTS, StatusPorts, clip_of, clips_between
from service.ports.clips import ClipIndex
from service.support.paging import Page, check_limit, decode_cursor, encode_cursor

JOBS_LOOKED_AT = 100
"""Imports that one page by label, folder or group reads: one BatchGetItem."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Search conditions, at least one. A clip must satisfy all of them."""

    clip_id: str | None = None
    original_clipgt_url: str | None = None
    label: str | None = None
    folder: str | None = None
    test_run_group: str | None = None

    @property
    def tags(self) -> list[tuple[JobTag, str]]:
        """Return the conditions on the import, the rarest first."""
        asked = (
            (JobTag.GROUP, self.test_run_group),
            (JobTag.LABEL, self.label),
            (JobTag.FOLDER, self.folder),
        )
        return [(tag, value) for tag, value in asked if value is not None]

    def admits(self, job: Job) -> bool:
        return set(self.tags) <= set(tags_of(job))

    def admits_row(self, row: ClipRow) -> bool:
        assert row.source_uri is not None
        return self.original_clipgt_url in (None, row.source_uri) and self.clip_id in (
            None,
            gt_clip_id(row.source_uri, row.facts, row.clip_id),
        )


@dataclass(frozen=True, kw_only=True)
class FoundClip:
    """A clip and its import."""

    clip: Clip
    job: Job


def find_clips(project: str, wanted: Wanted, *, limit: int, cursor: str | None, ports: StatusPorts) -> Page[FoundClip]:
    """Return a page of clips, newest import first. It may be shorter than `limit` although more follow.

    By clip id and URI, only clips with a result are found, and those that wait for a retry. Raises `InvalidCursor`,
    `InvalidRequest`.
    """
    check_limit(limit)
    if not any(value is not None for value in asdict(wanted).values()):
        raise InvalidRequest(f"Provide at least one of {', '.join(asdict(wanted))}")
    scope = f"found in {project} {request_digest(asdict(wanted))[:16]}"
    after = decode_cursor(cursor, scope=scope) if cursor else None
    if wanted.clip_id is None and wanted.original_clipgt_url is None:
        found, position = _by_job(project, wanted, limit, after, ports)
    else:
        found, position = _by_row(project, wanted, limit, after, ports)
    return Page(found, encode_cursor(position, scope=scope) if position else None)


def _by_row(
    project: str, wanted: Wanted, limit: int, after: str | None, ports: StatusPorts
) -> tuple[Sequence[FoundClip], str | None]:
    """Search by clip id or URI: the index for rows, files for clips that planning skipped. Both go newest first."""
    index, value = _index(wanted)
    indexed, indexed_to = ports.clips.find(index, search_key(project, value), limit=limit, after=after)
    skipped, skipped_to = skipped_clips(project, index, value, limit=limit, after=after, ports=ports)
    jobs = dict(ports.jobs.get_some({job_id for job_id, _ in indexed}))
    jobs |= {clip.job.id: clip.job for clip in skipped}
    at = {row.keys.position: (job_id, row) for job_id, row in indexed if row.keys}
    at |= {clip.position: (clip.job.id, clip.row) for clip in skipped}
    reached = max(indexed_to or "", skipped_to or "")
    positions = sorted((position for position in at if position >= reached), reverse=True)
    shown = [at[position] for position in positions[:limit]]
    found = [
        FoundClip(clip=clip_of(jobs[job_id], None, row, ports.clips_bucket), job=jobs[job_id])
        for job_id, row in shown
        if job_id in jobs and jobs[job_id].project == project and wanted.admits(jobs[job_id]) and wanted.admits_row(row)
    ]
    return found, (positions[limit - 1] if len(positions) > limit else reached or None)


def _index(wanted: Wanted) -> tuple[ClipIndex, str]:
    """Return the index and value to search by; a URI is rarer than a clip id."""
    if wanted.original_clipgt_url is not None:
        return "url", wanted.original_clipgt_url
    assert wanted.clip_id is not None
    return "clip", wanted.clip_id


def _by_job(
    project: str, wanted: Wanted, limit: int, after: str | None, ports: StatusPorts
) -> tuple[Sequence[FoundClip], str | None]:
    """Search by label, folder or group. A position is `{job's position}#{ordinal}` of the next page's first clip."""
    begin, ordinal = _split(after) if after else (None, 0)
    tag, value = wanted.tags[0]
    jobs, following = ports.jobs.find(project, tag, value, limit=JOBS_LOOKED_AT, begin=begin)
    found: list[FoundClip] = []
    parts = 0
    for job in jobs:
        position = job_position(job.created_at, job.id)
        first = ordinal if position == begin else 0
        while job.planned and wanted.admits(job) and first < job.counts.total:
            if len(found) == limit or parts == SCAN_PARTS:
                return found, f"{position}#{first}"
            last = min(first + limit - len(found), (first // PART_CLIPS + 1) * PART_CLIPS, job.counts.total)
            try:
                clips = clips_between(job, first, last, ports)
            except NotFound:  # its manifest has expired
                break
            finally:
                parts += 1
            found += [FoundClip(clip=clip, job=job) for clip in clips]
            first = last
    return found, f"{following}#0" if following else None


def _split(position: str) -> tuple[str, int]:
    begin, _, ordinal = position.rpartition("#")
    if not begin or not ordinal.isdecimal() or len(ordinal) > ORDINAL_DIGITS:
        raise InvalidCursor("the cursor is invalid: use the next_cursor of an earlier page")
    return begin, int(ordinal)
