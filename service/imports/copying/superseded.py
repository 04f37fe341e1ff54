"""Keep an older upload from replacing a later one at its destination, whichever import is faster (decision 83)."""

from contextlib import suppress
from dataclasses import replace

from service.domain.errors import AccessDenied, DestinationChanged, ObjectMissing, SourceChanged
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.imports.access.later_upload import later_upload
from service.imports.copying.context import BatchWork, Clip


def refuse_to_replace(work: BatchWork, clip: Clip, *, conflict: bool = False) -> None:
    """Raise `SourceChanged` if an upload would replace an object while a later upload to its key exists.

    Planning, or `decide` after a `conflict`, read the destination before this looks for a later upload. So if the later
    one lands after this look, the destination changes and the copy's condition fails. Other clips from the drop bucket
    are refused only after a conflict: what appeared at their destination may be the later object's copy.
    """
    entry = clip.entry
    if entry.destination_etag is None or not (entry.upload or conflict):
        return
    later = later_upload(entry, work.ports.drop)
    if later:
        if later.etag == entry.destination_etag:
            _put_back(work, clip, later)
        raise _changed(entry)


def give_back(work: BatchWork, clip: Clip) -> None:
    """After a copy: raise `SourceChanged` if a later upload has the bytes that the copy replaced.

    The copy's condition could not tell that the later upload had landed, so copy it once more.
    """
    entry = clip.entry
    if entry.destination_etag is None or not entry.upload:
        return
    later = later_upload(entry, work.ports.drop)
    if later and later.etag == entry.destination_etag:
        _put_back(work, clip, later)
        raise _changed(entry)


def _put_back(work: BatchWork, clip: Clip, later: ListedObject) -> None:
    """Copy the later upload over this one, if this one is at the destination."""
    entry = clip.entry
    if isinstance(clip.copier, AccessDenied):
        return
    ours = clip.copier.landed(entry)
    if ours is None:
        return
    newer = replace(entry, size=later.size, etag=later.etag, version=later.version, destination_etag=ours.etag)
    with suppress(DestinationChanged, ObjectMissing, SourceChanged):  # it is there, or a still later one took over
        clip.copier.copy(newer, work.settings)


def _changed(entry: ManifestEntry) -> SourceChanged:
    return SourceChanged("a later object was uploaded to its key", operation="copy", uri=entry.source_uri)
