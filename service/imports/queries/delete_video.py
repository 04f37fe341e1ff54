"""Delete one video: its object, and its entry in all lists. The counts of its import stay."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.batching import PART_CLIPS
from service.domain.clips import ClipRow, ClipStatus
from service.domain.errors import NotEnded
from service.domain.ids import ordinal_of
from service.domain.jobs import Job
from service.domain.search_keys import findable
from service.imports.manifest.store import read_entries, read_part
from service.imports.queries.status import StatusPorts
from service.imports.queries.videos import Video, no_video
from service.imports.results.clip_rows import row_of_plan
from service.ports.objects import ClipRemover
from service.ports.state import Clock

_LANDED = (ClipStatus.COPIED, ClipStatus.SKIPPED)


@dataclass(frozen=True, kw_only=True)
class RemovePorts:
    status: StatusPorts
    storage: ClipRemover
    clock: Clock


def remove(video: Video, *, ports: RemovePorts) -> None:
    """Delete the video, or the whole set if it is a view. Objects go first, so that a repeat finds the rest.

    Removes only an object with the ETag that the import copied or found, so a later import's object stays. A clip that
    repeats another one, that a later upload replaced, or whose source is archived has no object of its own. A clip that
    planning skipped gets a row first, which tells that it was deleted. Raises `NotFound` if another request deleted it
    first, `NotEnded` while the video is being imported, and `ObjectError`s.
    """
    job, rows = video.job, _rows(video, ports.status)
    if any(row.status is ClipStatus.PENDING for row in rows) or not rows:
        raise NotEnded(f"video {video.clip.id} is being imported: delete it after it is uploaded or has failed")
    landed = [row for row in rows if row.status in _LANDED]
    if not landed:
        _check_not_retried(job, ports)
    for row in landed:
        if row.destination and row.etag and row.landed:
            ports.storage.remove_up_to(row.destination, etag=row.etag)
    ordinals = [row.ordinal for row in rows]
    # A copied clip stays copied in every attempt; a failed one must not be deleted while a retry may copy it.
    run = None if landed else job.run
    if not ports.status.clips.remove(job.id, ordinals, landed=len(landed), now=ports.clock(), run=run):
        _check_not_retried(job, ports)
        raise no_video(video.clip.id)


def _check_not_retried(job: Job, ports: RemovePorts) -> None:
    """Raises `NotEnded`."""
    now = ports.status.jobs.get(job.id)
    if now and now.run and not now.status.terminal:
        raise NotEnded(f"import {job.id} is being retried: delete its failed videos after it has completed")


def _rows(video: Video, ports: StatusPorts) -> Sequence[ClipRow]:
    """Return the rows of the video, or of all views of its set; none if one has no result yet."""
    job = video.job
    ordinal = ordinal_of(job.id, video.clip.id)
    group = ordinal_of(job.id, video.clip.set) if video.clip.set else None
    assert ordinal is not None
    ordinals = [ordinal] if group is None else _views(job, group, ports)
    found = ports.clips.get(job.id, ordinals)
    if len(found) == len(ordinals):
        return [found[ordinal] for ordinal in ordinals]
    return [] if group is not None else _row_made(job, ordinal, ports)


def _row_made(job: Job, ordinal: int, ports: StatusPorts) -> Sequence[ClipRow]:
    """Store the row of a clip whose result is the plan; none for another one."""
    (entry,) = read_entries(ports.state, job.id, ordinal, ordinal + 1, job.plan_rounds)
    row = row_of_plan(job, entry)
    if row is None:
        return []
    made = findable(row, job_id=job.id, project=job.project, created_at=job.created_at)
    return ports.clips.settle_each(job.id, [made], run=job.run)


def _views(job: Job, group: int, ports: StatusPorts) -> list[int]:
    """Return the ordinals of a set's views."""
    # A set that exceeds the end of a part is stored in the next one.
    for part in (group // PART_CLIPS, group // PART_CLIPS + 1):
        entries = read_part(ports.state, job.id, part, job.plan_rounds)
        if views := [entry.ordinal for entry in entries if entry.group == group]:
            return views
    raise AssertionError("a set lies in the part of its last view")
