"""List a prefix for a caller before its import is accepted."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from service.domain.clip_names import is_folder_marker
from service.domain.errors import (
    AccessDenied,
    CannotAccess,
    LimitExceeded,
    ObjectError,
    ObjectMissing,
    PreflightUnknown,
)
from service.domain.filters import selection
from service.domain.requests import Filters
from service.domain.uris import Location
from service.imports.access.reach import Reach
from service.sources.deadline import done_within


def preflight(
    location: Location,
    *,
    reach: Reach,
    max_clips: int,
    seconds: float,
    filters: Filters | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> bool:
    """List the prefix for `seconds`, to refuse an import that cannot succeed. Later problems are found by planning.

    Return False if the store did not answer in time. Raises `InvalidRequest` (filters), one of `access.REFUSALS`,
    `LimitExceeded` or `PreflightUnknown`.
    """
    wanted = selection(filters, location.key)
    reach.prefix_opener(location)
    deadline = monotonic() + seconds

    def count() -> None:
        found = 0
        for page in reach.list_pages(location):
            found += sum(not is_folder_marker(item.key, item.size) and wanted.wants(item) for item in page)
            check_limit(found, max_clips, str(location))
            if monotonic() > deadline:
                return

    with listing_errors():
        return done_within(seconds, count)


def check_limit(clips: int, max_clips: int, source: str) -> None:
    """Raises `LimitExceeded`."""
    if clips > max_clips:
        raise LimitExceeded(f"{source} holds more than {max_clips:,} objects, the limit of one import")


@contextmanager
def listing_errors() -> Iterator[None]:
    """Translate errors of listing to the three preflight errors."""
    try:
        yield
    except (AccessDenied, ObjectMissing) as error:
        raise CannotAccess(error.message) from error
    except ObjectError as error:
        raise PreflightUnknown(error.message) from error
