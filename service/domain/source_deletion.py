"""Decide whether imports may delete a source."""

from collections.abc import Collection

from service.domain.projects import Integration
from service.domain.uris import Location


def refusal(at: Location, opener: Integration | None, buckets: Collection[str]) -> str | None:
    """Return why the source may not be deleted; None where it may be.

    `opener` is the integration that opens it; None: the service's own access, which may delete in `buckets` only.
    """
    if at.scheme == "hf":
        return f"{_shown(at)} is on Hugging Face, where this service deletes nothing"
    if opener is not None:
        return None if opener.allow_delete else f"integration {opener.id} does not allow it (allow_delete)"
    if at.scheme == "s3" and at.bucket in buckets:
        return None
    return f"the deploy setting delete_source_buckets does not name {at.bucket}"


def _shown(at: Location) -> str:
    return ascii(str(at))[1:-1]
