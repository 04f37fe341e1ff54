"""Decide what becomes of a clip whose source is archived, and request the restores of those that wait for one."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from service.domain.archives import restore_hours
from service.domain.clips import ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import ObjectError
from service.domain.fates import Fate
from service.domain.jobs import Job, SourceKind
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.rate_windows import unless_window
from service.domain.requests import Archived
from service.domain.uris import Location
from service.imports.planning.context import PlanPorts
from service.imports.results.set_fates import whole_sets_or_failed

Look = Callable[[ManifestEntry], ListedObject]
"""Inspects a clip's source by a HEAD. Raises `ObjectError`s."""


def must_look(entry: ManifestEntry, found: ListedObject, job: Job) -> bool:
    """Whether `unless_archived` has to inspect the source: the answer decides the fate of a clip that has none yet."""
    return found.archive_hidden and entry.fate is None and job.settings.archived is not Archived.FAIL


def unless_archived(entry: ManifestEntry, found: ListedObject, job: Job, look: Look) -> ManifestEntry:
    """Return the clip. If its source is archived, the import's setting gives it its fate, unless it has one.

    A clip whose source is to be restored has no fate. Neither has one whose source changed since it was found: its copy
    fails.
    """
    if must_look(entry, found, job):
        try:
            found = look(entry)
        except ObjectError as error:
            return entry.with_fate(Fate.failed(unless_window(error)))
    if found.archive is None or found.etag != entry.etag:
        return entry
    entry = replace(entry, archive=found.archive)
    return entry if entry.fate else entry.with_fate(_fate(found.archive, job))


def _fate(archive: str, job: Job) -> Fate | None:
    settings = job.settings
    if settings.archived is Archived.RESTORE:
        if restore_hours(archive, settings.restore.tier):
            return None
        message = f"S3 does not restore from {archive} with the tier {settings.restore.tier}: choose standard or bulk"
        return Fate(ClipStatus.FAILED, ClipCode.ARCHIVED, message)
    # A set without one of its views is none, so there the view fails.
    if settings.archived is Archived.SKIP and job.source.kind is not SourceKind.SETS:
        return Fate(ClipStatus.SKIPPED, ClipCode.ARCHIVED, f"its source is archived ({archive})")
    message = f"its source is archived ({archive}): restore it (s3:RestoreObject), then retry"
    return Fate(ClipStatus.FAILED, ClipCode.ARCHIVED, message)


def may_restore(job: Job, at: Location) -> bool:
    """Whether the object must be inspected, even if its size and ETag are known, since it may be archived."""
    return job.settings.archived is Archived.RESTORE and at.scheme == "s3"


def request_restores(entries: Sequence[ManifestEntry], job: Job, ports: PlanPorts) -> Sequence[ManifestEntry]:
    """Request the restore of every archived source that has a clip to copy.

    Return the clips: those with `restore_hours` wait. A refused request fails its clip, and the set that it is in. A
    cancelled import requests nothing. Safe to repeat.
    """
    wanted = [entry for entry in entries if entry.archive and entry.status is ClipStatus.PENDING]
    if not wanted:
        return entries
    now = ports.jobs.get(job.id)
    if now is None or now.cancel_requested:
        return entries
    how, restorer = job.settings.restore, ports.restorer(job.project)

    def request(entry: ManifestEntry) -> ManifestEntry:
        try:
            restorer.restore(entry, how)
        except ObjectError as error:
            return entry.with_fate(Fate.failed(error))
        return replace(entry, restore_hours=restore_hours(entry.archive or "", how.tier))

    with ThreadPoolExecutor(ports.stat_concurrency) as pool:
        requested = {entry.ordinal: entry for entry in pool.map(request, wanted)}
    return whole_sets_or_failed(requested.get(entry.ordinal, entry) for entry in entries)
