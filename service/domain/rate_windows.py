"""How long an import waits where a store said when it may be asked again, such as the Hub's windows of five minutes."""

import math
from collections.abc import Iterable

from service.domain.errors import ObjectError, RateLimited

LONGEST_WAIT_SECONDS = 3_600
"""The longest single wait, whatever a store says. After it the store is asked again."""


def window_seconds(errors: Iterable[Exception]) -> int | None:
    """Return the seconds until the last of these windows ends, at least 1; None if no error names one."""
    named = [error.retry_after for error in errors if isinstance(error, RateLimited) and error.retry_after is not None]
    return max(1, math.ceil(min(LONGEST_WAIT_SECONDS, max(named)))) if named else None


def unless_window(error: ObjectError) -> ObjectError:
    """Return the error, or raise it if the store said when to ask again: then the import waits, and no clip fails."""
    if window_seconds([error]) is not None:
        raise error
    return error
