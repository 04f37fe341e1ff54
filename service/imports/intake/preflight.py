"""List a prefix for a caller before its import is accepted."""

from collections.abc import Collection

from service.domain.clip_names import is_no_clip
from service.domain.errors import LimitExceeded
from service.domain.filters import selection
from service.domain.requests import Filters
from service.domain.uris import Location
from service.imports.access.again import Again
from service.imports.access.reach import Reach
from service.imports.access.source_errors import source_errors
from service.sources.deadline import done_within


def preflight(
    location: Location,
    *,
    reach: Reach,
    max_clips: int,
    again: Again,
    filters: Filters | None = None,
    clip_ids: Collection[str] | None = None,
) -> bool:
    """List the prefix for `again.seconds`, to refuse an import that cannot succeed. Planning finds later problems.

    Return False if the store did not answer in time. Raises `InvalidRequest` (filters), one of `access.REFUSALS`,
    `LimitExceeded`, `PreflightUnknown` or `SourceUnavailable`.
    """
    wanted = selection(filters, location.key, clip_ids=clip_ids)
    reach.prefix_opener(location)
    deadline = again.monotonic() + again.seconds

    def count() -> None:
        found = 0
        for page in reach.list_pages(location):
            found += sum(not is_no_clip(item.key, item.size) and wanted.wants(item) for item in page)
            check_limit(found, max_clips, str(location))
            if again.monotonic() > deadline:
                return

    with source_errors():
        return done_within(again.seconds, lambda: again(count))


def check_limit(clips: int, max_clips: int, source: str) -> None:
    """Raises `LimitExceeded`."""
    if clips > max_clips:
        raise LimitExceeded(f"{source} holds more than {max_clips:,} objects, the limit of one import")
