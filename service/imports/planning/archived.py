"""Decide what becomes of a clip whose source is archived."""

from dataclasses import replace

from service.domain.clips import ClipStatus
from service.domain.codes import ClipCode
from service.domain.fates import Fate
from service.domain.jobs import Job, SourceKind
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.requests import Archived


def unless_archived(entry: ManifestEntry, found: ListedObject, job: Job) -> ManifestEntry:
    """Return the clip. If its source is archived, it gets its fate by the import's setting, unless it has one."""
    if found.archive is None:
        return entry
    entry = replace(entry, archive=found.archive)
    return entry if entry.fate else entry.with_fate(_fate(found.archive, job))


def _fate(archive: str, job: Job) -> Fate:
    # A set without one of its views is none, so there the view fails.
    if job.settings.archived is Archived.SKIP and job.source.kind is not SourceKind.SETS:
        return Fate(ClipStatus.SKIPPED, ClipCode.ARCHIVED, f"its source is archived ({archive})")
    message = f"its source is archived ({archive}): restore it (s3:RestoreObject), then retry"
    return Fate(ClipStatus.FAILED, ClipCode.ARCHIVED, message)
