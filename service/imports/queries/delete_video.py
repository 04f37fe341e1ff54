"""Delete one video: its object in the clips bucket, and it from every list. Its import's counts stay as they were."""

from dataclasses import dataclass

from service.domain.batching import PART_CLIPS
from service.domain.clips import Clip, ClipRow, ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import NotEnded
from service.domain.ids import ordinal_of
from service.domain.jobs import Job
from service.imports.manifest.store import read_part
from service.imports.queries.status import StatusPorts
from service.imports.queries.videos import Video, no_video
from service.ports.objects import ClipRemover
from service.ports.state import Clock

_LANDED = (ClipStatus.COPIED, ClipStatus.SKIPPED)
_OF_ANOTHER_CLIP = (ClipCode.DUPLICATE, ClipCode.SUPERSEDED)
"""The object at the destination is another clip's."""


@dataclass(frozen=True, kw_only=True)
class RemovePorts:
    status: StatusPorts
    storage: ClipRemover
    clock: Clock


def remove(video: Video, *, ports: RemovePorts) -> None:
    """Delete it, or the whole set where it is a view of one. Objects first, so that a repeat finds what is left.

    Only an object with the very ETag that the import copied, or found, is removed; a later import's stays. A clip that
    repeats another one, or that a later upload replaced, has no object of its own. Raises `NotFound` where another
    request was faster, `NotEnded` while the video is on its way, and `ObjectError`s.
    """
    job, rows = video.job, _rows(video, ports.status)
    if any(row.status is ClipStatus.PENDING for row in rows) or not rows:
        raise NotEnded(f"video {video.clip.id} is being imported: delete it when it is uploaded or has failed")
    landed = [row for row in rows if row.status in _LANDED]
    if not landed and job.run and not job.status.terminal:
        raise NotEnded(f"import {job.id} is being retried: delete its failed videos when it has ended")
    for row in landed:
        if row.destination and row.etag and row.code not in _OF_ANOTHER_CLIP:
            ports.storage.remove_up_to(row.destination, etag=row.etag)
    ordinals = [row.ordinal for row in rows]
    if not ports.status.clips.remove(job.id, ordinals, landed=len(landed), now=ports.clock()):
        raise no_video(video.clip.id)


def _rows(video: Video, ports: StatusPorts) -> list[ClipRow]:
    """Of the video, or of all views of its set; none where one has no row yet."""
    ordinals = _ordinals(video.job, video.clip, ports)
    found = ports.clips.get(video.job.id, ordinals)
    return [found[ordinal] for ordinal in ordinals if ordinal in found] if len(found) == len(ordinals) else []


def _ordinals(job: Job, clip: Clip, ports: StatusPorts) -> list[int]:
    ordinal = ordinal_of(job.id, clip.id)
    group = ordinal_of(job.id, clip.set) if clip.set else None
    assert ordinal is not None
    if group is None:
        return [ordinal]
    # A set that runs over the end of a part lies in the next one.
    for part in (group // PART_CLIPS, group // PART_CLIPS + 1):
        entries = read_part(ports.state, job.id, part)
        if views := [entry.ordinal for entry in entries if entry.group == group]:
            return views
    raise AssertionError("a set lies in the part of its last view")
