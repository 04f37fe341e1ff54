"""Read one clip, and link to its copy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from service.domain.batching import VIEWS
from service.domain.clip_names import extension
from service.domain.clips import Clip, ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import ClipNotThere, NotFound
from service.domain.ids import ordinal_of
from service.domain.jobs import Job
from service.domain.uris import parse_object
from service.imports.queries.find import FoundClip
from service.imports.queries.status import StatusPorts, clips_between, get_job
from service.ports.links import ClipLinks
from service.ports.state import Clock
from service.support.clock import timestamp

CONTENT_TYPES = {".mp4": "video/mp4", ".zip": "application/zip"}
"""The content type that links give to a clip, whatever its uploader said: a browser plays a film, and runs no page."""
OTHER_TYPE = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class ClipOfSet:
    found: FoundClip
    views: Sequence[Clip]
    """All clips of its set, the front view first; empty for a clip of no set."""


@dataclass(frozen=True, kw_only=True)
class ClipLink:
    url: str
    expires_at: str
    content_type: str


def get_clip(clip_id: str, *, project: str, ports: StatusPorts) -> ClipOfSet:
    """Raises `NotFound`, also for another project's clip, and before planning is complete."""
    job, ordinal = _job_and_ordinal(clip_id, project, ports)
    clips = clips_between(job, ordinal, ordinal + 1, ports)
    if not clips:
        raise NotFound(f"import {job.id} has no clip {clip_id!r}")
    clip = clips[0]
    if clip.set is None:
        return ClipOfSet(found=FoundClip(clip=clip, job=job), views=())
    first = ordinal_of(job.id, clip.set) or 0
    nearby = clips_between(job, first, min(first + len(VIEWS), job.counts.total), ports)
    return ClipOfSet(found=FoundClip(clip=clip, job=job), views=[one for one in nearby if one.set == clip.set])


def link_clip(
    clip_id: str,
    *,
    download: bool,
    seconds: int,
    project: str,
    ports: StatusPorts,
    links: ClipLinks,
    clock: Clock,
) -> ClipLink:
    """Return a link to the clip's copy. Raises `NotFound`, and `ClipNotThere` if the clip has no copy."""
    clip = get_clip(clip_id, project=project, ports=ports).found.clip
    there = clip.status is ClipStatus.COPIED or (clip.status is ClipStatus.SKIPPED and clip.code == ClipCode.UNCHANGED)
    if not there or clip.deleted_at is not None:
        state = "was deleted" if clip.deleted_at else f"is {clip.status}"
        raise ClipNotThere(f"clip {clip_id} {state}, so there is no copy to link to")
    key = parse_object(clip.destination).key
    content_type = CONTENT_TYPES.get(extension(key), OTHER_TYPE)
    expires = datetime.fromisoformat(clock()) + timedelta(seconds=seconds)
    return ClipLink(
        url=links.clip_url(
            key, seconds=seconds, content_type=content_type, name=PurePosixPath(key).name if download else None
        ),
        expires_at=timestamp(expires),
        content_type=content_type,
    )


def _job_and_ordinal(clip_id: str, project: str, ports: StatusPorts) -> tuple[Job, int]:
    job_id = clip_id.rpartition("-")[0]
    try:
        job = get_job(job_id, project=project, jobs=ports.jobs)
    except NotFound as error:
        raise NotFound(f"there is no clip {clip_id[:100]!r} in this project") from error
    ordinal = ordinal_of(job.id, clip_id)
    if ordinal is None or not job.planned or ordinal >= job.counts.total:
        raise NotFound(f"import {job.id} has no clip {clip_id[:100]!r}")
    return job, ordinal
