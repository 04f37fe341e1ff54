"""Keys of the indexes that find clips and imports."""

import hashlib

from service.domain.clip_names import gt_clip_id
from service.domain.clips import ClipKeys, ClipRow
from service.domain.jobs import Job, JobTag, WatchCause


def search_key(project: str, value: str) -> str:
    """Return the index key of a project's clip id or URI: 128 bits of a SHA-256, since a URI may have 1 KB."""
    return hashlib.sha256(f"{project}\0{value}".encode()).hexdigest()[:32]


def findable(row: ClipRow, *, job_id: str, project: str, created_at: str) -> ClipRow:
    """Return the row with its index keys."""
    if not row.source_uri:
        return row
    keys = ClipKeys(
        clip=search_key(project, gt_clip_id(row.source_uri, row.facts, row.clip_id)),
        url=search_key(project, row.source_uri),
        position=f"{job_position(created_at, job_id)}#{row.ordinal:010d}",
    )
    return row.with_keys(keys)


def job_position(created_at: str, job_id: str) -> str:
    """Return the job's sort key in lists that are ordered by time."""
    return f"{created_at}#{job_id}"


def tags_of(job: Job) -> list[tuple[JobTag, str]]:
    """Return what the job can be found by, each pair once."""
    labels = [(JobTag.LABEL, label) for label in dict.fromkeys(job.labels)]
    folder = [(JobTag.FOLDER, job.folder)] if job.folder is not None else []
    watch = [(JobTag.WATCH, job.watch.id)] if job.watch else []
    whole = [(JobTag.WATCH_PREFIX, job.watch.id)] if job.watch and job.watch.cause is not WatchCause.EVENTS else []
    skipped = [(JobTag.SKIPPED, "")] if job.skipped_by_plan else []
    return [(JobTag.GROUP, job.test_run_group_name), *labels, *folder, *watch, *whole, *skipped]
