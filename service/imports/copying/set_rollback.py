"""Remove the copies of a set that did not land whole."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from service.domain.errors import ObjectError, SourceUnavailable
from service.domain.ids import set_mark
from service.domain.manifest import ManifestEntry
from service.imports.copying.abort import remove_upload
from service.imports.results.set_fates import to_copy
from service.ports.objects import LargeCopyStore, Storage

REMOVALS_IN_FLIGHT = 8
"""Destinations of a set that are cleared at a time."""


def take_back(
    entries: Sequence[ManifestEntry], job_id: str, storage: Storage, uploads: LargeCopyStore
) -> dict[int, ObjectError]:
    """Remove every copy that was ever made or begun for the planned set; why it cannot be done, by ordinal.

    Raises `SourceUnavailable` where another try may do it.
    """
    copied = to_copy(entries)
    # First, so that none of them becomes a copy after those were removed.
    for upload in uploads.of(job_id, [entry.ordinal for entry in copied]):
        remove_upload(upload, storage, uploads)

    def remove(entry: ManifestEntry) -> ObjectError | None:
        assert entry.group is not None
        try:
            storage.remove_marked(entry.destination, set_mark(job_id, entry.group))
        except SourceUnavailable:
            raise
        except ObjectError as error:
            return error
        return None

    with ThreadPoolExecutor(REMOVALS_IN_FLIGHT) as pool:
        kept = zip(copied, pool.map(remove, copied), strict=True)
    return {entry.ordinal: error for entry, error in kept if error}
