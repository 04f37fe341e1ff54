"""Objects in an archive of S3: they must be restored before they can be read (S3 user guide, "Archival storage")."""

from collections.abc import Mapping

CLASSES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes whose objects are archived. GLACIER_IR is none of them: its objects are read at once."""


def archive_of(storage_class: str | None, *, tier: str | None = None, restored: bool = False) -> str | None:
    """Return the archive that an object lies in, None if it can be read.

    `tier`: `x-amz-archive-status` of a HEAD, the archive tier of an INTELLIGENT_TIERING object. A listing does not have
    it. `restored`: whether a restored copy is there.
    """
    if restored:
        return None
    return tier or (storage_class if storage_class in CLASSES else None)


def archive_in(headers: Mapping[str, str]) -> str | None:
    """Return the archive by the headers of a HEAD, names in lower case."""
    return archive_of(
        headers.get("x-amz-storage-class"),
        tier=headers.get("x-amz-archive-status"),
        restored=is_restored(headers.get("x-amz-restore")),
    )


def is_restored(header: str | None) -> bool:
    """Whether `x-amz-restore` tells of a restored copy: `ongoing-request="false", expiry-date="…"`."""
    return 'ongoing-request="false"' in (header or "")
