"""Objects in an archive of S3: they must be restored before they can be read (S3 user guide, "Archival storage")."""

from collections.abc import Mapping
from typing import Any

from service.domain.requests import Restore, RestoreTier

CLASSES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes whose objects are archived. GLACIER_IR is none of them: its objects are read at once."""

TIERING = frozenset({"ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS"})
"""Archive tiers of INTELLIGENT_TIERING. A restore moves the object back, so it takes no number of days."""

_HIDING = "INTELLIGENT_TIERING"

_HOURS = {RestoreTier.EXPEDITED: 1, RestoreTier.STANDARD: 5, RestoreTier.BULK: 12}
_DEEP_HOURS = {RestoreTier.STANDARD: 12, RestoreTier.BULK: 48}
"""S3 user guide, "Archive retrieval options". Expedited takes 1 to 5 minutes, and longer from 250 MB on."""


def restore_hours(archive: str, tier: RestoreTier) -> int | None:
    """Return how many hours a restore takes at most as a rule; None if S3 does not offer the tier."""
    return (_DEEP_HOURS if archive.startswith("DEEP_") else _HOURS).get(tier)


def restore_request(archive: str, how: Restore) -> dict[str, Any]:
    """Return the `RestoreRequest` of S3's RestoreObject."""
    request: dict[str, Any] = {"GlacierJobParameters": {"Tier": how.tier.value.capitalize()}}
    return request if archive in TIERING else {"Days": how.days, **request}


def archive_of(storage_class: str | None, *, tier: str | None = None, restored: bool = False) -> str | None:
    """Return the archive that an object lies in, None if it can be read.

    `tier`: `x-amz-archive-status` of a HEAD, the archive tier of an INTELLIGENT_TIERING object. A listing does not have
    it. `restored`: whether a restored copy is there.
    """
    if restored:
        return None
    return tier or (storage_class if storage_class in CLASSES else None)


def hides_archive(storage_class: str | None) -> bool:
    """Whether an object of a listing may lie in an archive tier, which only a HEAD shows."""
    return storage_class == _HIDING


def archive_listed(item: Mapping[str, Any]) -> str | None:
    """Return the archive by an object or version of a listing, as botocore gives it."""
    restored = item.get("RestoreStatus", {}).get("IsRestoreInProgress") is False
    return archive_of(item.get("StorageClass"), restored=restored)


def archive_in(headers: Mapping[str, str]) -> str | None:
    """Return the archive by the headers of a HEAD, names in lower case."""
    return archive_of(
        headers.get("x-amz-storage-class"),
        tier=headers.get("x-amz-archive-status"),
        restored=is_restored(headers.get("x-amz-restore")),
    )


def is_restoring(header: str | None) -> bool:
    """Whether `x-amz-restore` tells of a restore that is under way."""
    return 'ongoing-request="true"' in (header or "")


def is_restored(header: str | None) -> bool:
    """Whether `x-amz-restore` tells of a restored copy: `ongoing-request="false", expiry-date="…"`."""
    return 'ongoing-request="false"' in (header or "")
