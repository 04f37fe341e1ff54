"""Find the clips that failed their check in earlier runs of a watch, so that its scheduled runs leave them."""

from collections.abc import Mapping

from service.domain.clips import ClipRow, ClipStatus
from service.domain.codes import ClipCode
from service.domain.fates import Fate
from service.domain.jobs import Job
from service.domain.manifest import ManifestEntry
from service.imports.planning.context import ExpandPorts

MAX_READ = 10_000
"""Failed clips of earlier runs that a round of planning reads, some four seconds. Others are tried again."""
READ_AT_ONCE = 1_000

Known = Mapping[tuple[str, str], Fate]
"""Fates by source URI and ETag."""


def failed_before(job: Job, ports: ExpandPorts) -> Known:
    """Read the clips that failed in the job's `WatchRun.failed_runs`, those of the newest run first.

    A run with another `content_validation` proves nothing.
    """
    found: dict[tuple[str, str], Fate] = {}
    left = MAX_READ
    for job_id in reversed(job.watch.failed_runs if job.watch else ()):
        run = ports.access.jobs.get(job_id)
        if run is None or run.settings.content_validation is not job.settings.content_validation:
            continue
        first, more = 0, True
        while more and left > 0:
            assert ports.clips is not None, "a preview is of no watch"
            rows = ports.clips.failures(job_id, first=first, limit=min(READ_AT_ONCE, left))
            more = len(rows) == min(READ_AT_ONCE, left)
            left -= len(rows)
            for row in rows:
                first = row.ordinal + 1
                if row.source_uri and row.etag and _is_broken(row):
                    found.setdefault((row.source_uri, row.etag), _fate(row, job_id))
    return found


def left_if_broken(entry: ManifestEntry, known: Known) -> ManifestEntry:
    """Return the clip, skipped if this version of its source failed its check before and nothing else decides it."""
    if not known or not (entry.fate is None or entry.code == ClipCode.MEMBER_UNREADABLE):
        return entry
    return entry.with_fate(known.get((entry.source_uri, entry.etag or "")))


def _is_broken(row: ClipRow) -> bool:
    checked = row.failed_check and row.overruled is None
    return row.status is ClipStatus.FAILED and (checked or row.code == ClipCode.MEMBER_UNREADABLE)


def _fate(row: ClipRow, job_id: str) -> Fate:
    message = f"this version failed in import {job_id} of the watch ({row.code}): replace it, or run the watch now"
    return Fate(ClipStatus.SKIPPED, ClipCode.FAILED_BEFORE, message)
