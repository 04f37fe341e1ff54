"""Clips as videos: three statuses, a set as its front view, pages by the last id or by an offset."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice

from service.domain.batching import PART_CLIPS, sets_of
from service.domain.clip_names import VIDEO_EXTENSION, extension
from service.domain.clips import Clip, ClipRow, ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import InvalidCursor, InvalidRequest, NotFound
from service.domain.ids import ordinal_of
from service.domain.jobs import Job, SourceKind
from service.domain.manifest import ManifestEntry
from service.domain.projects import FolderScope
from service.imports.manifest.store import read_entries, read_part
from service.imports.queries.status import StatusPorts, clip_of, get_job
from service.imports.results.clip_rows import with_rows_of_plan
from service.projects.folders import imports_into
from service.support.paging import MAX_PAGE

MAX_LISTED = 1_000
"""Videos in the list of the newest ones."""
JOBS_LISTED = 100
"""Imports that this list reads."""
MAX_LOOKED_AT = 20_000
"""Clips that this list reads; most of them may not be videos."""


class VideoStatus(StrEnum):
    PROCESSING = "PROCESSING"
    UPLOADED = "UPLOADED"
    UPLOADING_FAILED = "UPLOADING_FAILED"


_STATUS = {
    ClipStatus.PENDING: VideoStatus.PROCESSING,
    ClipStatus.COPIED: VideoStatus.UPLOADED,
    ClipStatus.SKIPPED: VideoStatus.UPLOADED,
    ClipStatus.FAILED: VideoStatus.UPLOADING_FAILED,
    ClipStatus.CANCELLED: VideoStatus.UPLOADING_FAILED,
}


@dataclass(frozen=True, kw_only=True)
class Video:
    """A clip, or the front view of a set with all views by role."""

    job: Job
    clip: Clip
    views: Mapping[str, Clip] | None = None

    @property
    def status(self) -> VideoStatus:
        return status_of(self.clip)


def status_of(clip: Clip) -> VideoStatus:
    return _STATUS[clip.status]


@dataclass(frozen=True, kw_only=True)
class VideoPage:
    videos: Sequence[Video]
    limit: int
    """The requested limit, at most 1,000."""
    has_more: bool

    @property
    def next_cursor(self) -> str | None:
        return self.videos[-1].clip.id if self.has_more else None


def total_of(job: Job) -> int:
    """Return the videos that the import named (a set counts once) or found, without deleted ones."""
    named = job.source.count if job.source.kind in (SourceKind.LIST, SourceKind.SETS) else None
    return (job.counts.total if named is None else named) - job.removed


# --- pages of an import ----------------------------------------------------------------------------------------------


def videos_page(job: Job, *, limit: int, cursor: str | None, offset: int | None, ports: StatusPorts) -> VideoPage:
    """Return a page in the import's order. It is empty until planning is complete.

    `cursor` is the last id of the previous page. Raises `InvalidCursor`, `InvalidRequest`, `NotFound`.
    """
    if limit < 1:
        raise InvalidRequest(f"limit is {limit}: it must be 1 or more")
    in_sets = job.source.kind is SourceKind.SETS
    first, limit = _first(job, cursor, offset, in_sets=in_sets), min(limit, MAX_PAGE)
    if not job.planned:
        return VideoPage(videos=[], limit=limit, has_more=False)
    while True:
        videos, following = (_sets if in_sets else _clips)(job, first, limit, ports)
        shown = [video for video in videos if video.clip.deleted_at is None]
        # A page needs a last id, so pages of deleted videos are skipped.
        if shown or following is None:
            return VideoPage(videos=shown, limit=limit, has_more=following is not None)
        first = following


def _first(job: Job, cursor: str | None, offset: int | None, *, in_sets: bool) -> int:
    """Return the ordinal of the page's first clip."""
    if cursor and offset is not None:
        raise InvalidRequest("Provide cursor or offset, not both")
    if offset is not None:
        if in_sets:
            raise InvalidRequest("offset is not supported for multi-view imports: use cursor")
        if offset < 0:
            raise InvalidRequest(f"offset is {offset}: it must be 0 or more")
        return offset
    if not cursor:
        return 0
    last = ordinal_of(job.id, cursor)
    if last is None:
        raise InvalidCursor(f"cursor is not the id of a video of import {job.id}")
    return last + 1


def _clips(job: Job, first: int, limit: int, ports: StatusPorts) -> tuple[list[Video], int | None]:
    last = min(first + limit, job.counts.total)
    entries = read_entries(ports.state, job.id, first, last, job.plan_rounds) if first < last else []
    clips = _overlaid(job, entries, ports)
    return [Video(job=job, clip=clip) for clip in clips], last if last < job.counts.total else None


def _sets(job: Job, first: int, limit: int, ports: StatusPorts) -> tuple[list[Video], int | None]:
    """Read a page of sets. A set has one result, so only front views need their rows; failed sets need all."""
    units = list(islice(_units(job, first, ports), limit + 1))
    shown = units[:limit]
    fronts = {clip.id: clip for clip in _overlaid(job, [unit[0] for unit in shown], ports)}
    videos = [_set_of(job, unit, fronts, ports) for unit in shown]
    failed = [
        entry
        for unit, video in zip(shown, videos, strict=True)
        if video.status is VideoStatus.UPLOADING_FAILED
        for entry in unit
    ]
    told = {clip.id: clip for clip in _overlaid(job, failed, ports)}
    videos = [
        replace(video, views={role: told.get(clip.id, clip) for role, clip in (video.views or {}).items()})
        for video in videos
    ]
    return videos, units[limit][0].ordinal if len(units) > limit else None


def _set_of(job: Job, unit: Sequence[ManifestEntry], fronts: Mapping[str, Clip], ports: StatusPorts) -> Video:
    views = [clip_of(job, entry, None, ports.clips_bucket) for entry in unit]
    front = fronts[views[0].id]
    alike = [front, *(replace(view, status=front.status) for view in views[1:])]
    return Video(job=job, clip=front, views={str(view.view): view for view in alike})


def _units(job: Job, first: int, ports: StatusPorts) -> Iterator[list[ManifestEntry]]:
    """Yield whole sets from the one whose front has ordinal `first`; parts are read when needed."""
    part, following = first // PART_CLIPS, first
    while following < job.counts.total:
        entries = read_part(ports.state, job.id, part, job.plan_rounds)
        following, part = entries[-1].ordinal + 1, part + 1
        yield from (unit for unit in sets_of(entries) if unit[0].ordinal >= first)


def _overlaid(job: Job, entries: Sequence[ManifestEntry], ports: StatusPorts) -> list[Clip]:
    """Build clips from manifest lines and rows. A clip that repeats another one has the result of that clip."""
    repeated = {entry.same_as for entry in entries if entry.same_as is not None}
    wanted = {entry.ordinal for entry in entries} | repeated
    stored = ports.clips.get(job.id, sorted(wanted)) if wanted else {}
    elsewhere = repeated - stored.keys() - {entry.ordinal for entry in entries}
    rows = with_rows_of_plan(job, [*entries, *_entries_of(job, elsewhere, ports)], stored)
    return [_with_fate(clip_of(job, e, rows.get(e.ordinal), ports.clips_bucket), e, rows) for e in entries]


def _entries_of(job: Job, ordinals: Collection[int], ports: StatusPorts) -> list[ManifestEntry]:
    parts = sorted({ordinal // PART_CLIPS for ordinal in ordinals})
    return [
        entry
        for part in parts
        for entry in read_part(ports.state, job.id, part, job.plan_rounds)
        if entry.ordinal in ordinals
    ]


def _with_fate(clip: Clip, entry: ManifestEntry, rows: Mapping[int, ClipRow]) -> Clip:
    if entry.same_as is None:
        return clip
    first = rows.get(entry.same_as)
    if first is None:
        return replace(clip, status=ClipStatus.PENDING)
    return replace(clip, status=first.status, code=first.code or clip.code, message=first.message or clip.message)


# --- one video, and the newest ---------------------------------------------------------------------------------------


def get_video(video_id: str, *, project: str, ports: StatusPorts, deleted_too: bool = False) -> Video:
    """Return a video. Raises `NotFound`, also before its import is planned, and by default for deleted videos."""
    job_id = video_id.rpartition("-")[0]
    ordinal = ordinal_of(job_id, video_id)
    try:
        job = get_job(job_id, project=project, jobs=ports.jobs)
    except NotFound as error:
        raise no_video(video_id) from error
    if ordinal is None or not job.planned or ordinal >= job.counts.total:
        raise no_video(video_id)
    row = ports.clips.get(job.id, [ordinal]).get(ordinal)
    if row is not None and row.source_uri and row.code != ClipCode.DUPLICATE:
        clip = clip_of(job, None, row, ports.clips_bucket)
    else:
        (clip,) = _overlaid(job, read_entries(ports.state, job.id, ordinal, ordinal + 1, job.plan_rounds), ports)
    if clip.deleted_at is not None and not deleted_too:
        raise no_video(video_id)
    return Video(job=job, clip=clip)


def no_video(video_id: str) -> NotFound:
    return NotFound(f"there is no video {video_id[:100]!a} in this project")


def newest_videos(
    project: str, *, folder: str | None, scopes: Collection[FolderScope], ports: StatusPorts
) -> list[Video]:
    """Return at most `MAX_LISTED` videos of the newest imports: of folders with this name, or of the project (None).

    Every `.mp4` is a video, whichever endpoint imported it. Imports whose manifest has expired are left out.
    """
    found: list[Video] = []
    looked_at = 0
    for job in _newest_jobs(project, folder, scopes, ports):
        first: int | None = 0
        while job.planned and first is not None and len(found) < MAX_LISTED and looked_at < MAX_LOOKED_AT:
            try:
                videos, first = _clips(job, first, PART_CLIPS, ports)
            except NotFound:
                break
            looked_at += len(videos)
            found += filter(_is_listed, videos)
    return found[:MAX_LISTED]


def _newest_jobs(
    project: str, folder: str | None, scopes: Collection[FolderScope], ports: StatusPorts
) -> Sequence[Job]:
    if folder is None:
        return ports.jobs.page(project, limit=JOBS_LISTED, after=None)[0]
    return imports_into(folder, scopes, project=project, jobs=ports.jobs, limit=JOBS_LISTED)


def _is_listed(video: Video) -> bool:
    return video.clip.deleted_at is None and extension(video.clip.source_uri) == VIDEO_EXTENSION
