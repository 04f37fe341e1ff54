"""The exit codes. docs/cli.md lists them."""

from clipferry.errors import (
    ClipferryError,
    ConfigError,
    ConnectionFailed,
    Forbidden,
    ServerError,
    Throttled,
    Unauthorized,
)
from clipferry.models.errors import WaitTimeout

OK = 0
REFUSED = 1
USAGE = 2
NO_ACCESS = 3
NOT_ALL_LANDED = 4
TIMED_OUT = 5
UNAVAILABLE = 6
NOTHING_FOUND = 7
INTERRUPTED = 130


class NothingFound(ClipferryError):
    """`--fail-if-empty` was given, and there is nothing to import."""

    code = "NOTHING_FOUND"


class NotImported(ClipferryError):
    """Uploads have not appeared in any import in time."""

    code = "NOT_IMPORTED"


def exit_code(error: ClipferryError) -> int:
    """The exit code of an error."""
    if isinstance(error, NothingFound):
        return NOTHING_FOUND
    if isinstance(error, (WaitTimeout, NotImported)):
        return TIMED_OUT
    if isinstance(error, (ConnectionFailed, ServerError, Throttled)):
        return UNAVAILABLE
    refused_key = isinstance(error, Forbidden) and error.code == "FORBIDDEN"
    return NO_ACCESS if refused_key or isinstance(error, (Unauthorized, ConfigError)) else REFUSED
