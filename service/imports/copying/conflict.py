"""Decide what becomes of a clip whose destination is not as planning found it."""

from dataclasses import replace

from service.domain.clips import ClipRow, ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import AccessDenied, DestinationChanged
from service.domain.fates import Fate
from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied
from service.domain.requests import OnExisting
from service.domain.verification import is_md5
from service.imports.copying.context import BatchWork, Clip
from service.imports.results.clip_rows import row_for, settled_rows

CONFLICTS = 3
"""How often one call copies a clip whose destination changes while it does."""

_UNCHANGED = Fate(ClipStatus.SKIPPED, ClipCode.UNCHANGED, "the same clip is at the destination by now")


def decide(work: BatchWork, clip: Clip, found: DestinationChanged) -> ClipRow | Clip | Copied:
    """The clip's row, the clip to copy over what lies there now, or the copy that an earlier try of ours made.

    After a try that may have made one, the same clip counts as ours unless it has the mark of another copy.

    Raises an `ObjectError` where the destination cannot be looked at.
    """
    entry = clip.entry
    # Another delivery of the batch may have copied it; its row says so.
    for row in settled_rows(work.ports.clips, work.job_id, [entry]).values():
        return row
    if (work.earlier or found.repeated) and not isinstance(clip.copier, AccessDenied):
        ours = clip.copier.landed(entry, mark=work.mark_of(entry))
        if ours:
            return ours
    on_existing, seen = work.settings.on_existing, replace(entry, destination_etag=found.etag)
    if on_existing is OnExisting.FAIL and found.etag is not None:
        return row_for(entry, Fate.failed(found))
    since = work.watch.state.created_at if _only_source(work) else None
    if on_existing is OnExisting.SKIP and _same(entry, found, since=since):
        return row_for(seen, _UNCHANGED)
    return replace(clip, entry=seen)


def _only_source(work: BatchWork) -> bool:
    """Whether no other object has a clip's destination: it mirrors its source."""
    return work.watch.state.mirrored and work.settings.destination is None


def _same(entry: ManifestEntry, found: DestinationChanged, *, since: str | None) -> bool:
    """Whether it is the same clip: by its ETag, else by its size if the object is younger than `since`.

    The size decides only where the ETags do not tell: those of objects that came in parts are no MD5s.
    """
    if found.etag is None or entry.etag is None:
        return False
    if found.etag == entry.etag:
        return True
    if since is None or found.modified is None or found.modified <= since or found.size != entry.size:
        return False
    return not (is_md5(found.etag) and is_md5(entry.etag))
