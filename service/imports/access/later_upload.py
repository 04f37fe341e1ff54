"""Find out whether a later object was uploaded to a clip's source key (decision 83)."""

from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.ports.objects import DropBucket


def later_upload(entry: ManifestEntry, drop: DropBucket) -> ListedObject | None:
    """Return the newest upload to the source's key if it is not the planned object; None for other buckets."""
    newest = drop.newest(entry.location)
    if newest is None or (newest.etag == entry.etag and entry.version in (None, newest.version)):
        return None
    return newest
