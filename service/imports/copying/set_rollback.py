"""Remove the copies of a set that did not land whole."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from service.domain.errors import ObjectError, SourceUnavailable
from service.domain.ids import copy_mark
from service.domain.manifest import ManifestEntry
from service.imports.copying.abort import remove_upload
from service.imports.results.set_fates import to_copy
from service.ports.objects import ClipsBucket, LargeCopyStore

REMOVALS_IN_FLIGHT = 8
"""How many destinations of a set are cleared at a time."""


def take_back(
    entries: Sequence[ManifestEntry], job_id: str, bucket: ClipsBucket, uploads: LargeCopyStore
) -> dict[int, ObjectError]:
    """Remove every copy that was made or begun for the planned set. Return the copies that stay, with the reason, by
    ordinal. Raises `SourceUnavailable` where another try may succeed.
    """
    copied = to_copy(entries)
    # Uploads first: one that completed later would be a copy again.
    for upload in uploads.of(job_id, [entry.ordinal for entry in copied]):
        remove_upload(upload, bucket, uploads)

    def remove(entry: ManifestEntry) -> ObjectError | None:
        assert entry.group is not None
        try:
            bucket.remove_marked(entry.destination, copy_mark(job_id, entry.ordinal, entry.group))
        except SourceUnavailable:
            raise
        except ObjectError as error:
            return error
        return None

    with ThreadPoolExecutor(REMOVALS_IN_FLIGHT) as pool:
        kept = zip(copied, pool.map(remove, copied), strict=True)
    return {entry.ordinal: error for entry, error in kept if error}
