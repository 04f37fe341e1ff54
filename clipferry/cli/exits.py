"""Exit codes, and what an error tells to do next. docs/cli.md lists the codes."""

from clipferry.errors import (
    ApiError,
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
INTERRUPTED = 130

_NEXT = {
    "FORBIDDEN": "`clipferry keys current` says what the key is; `clipferry login` saves another",
    "CANNOT_ACCESS": "check the bucket's name; what the service may not read needs `clipferry integrations add`",
    "UNKNOWN_INTEGRATION": "`clipferry integrations list` shows the saved ones",
    "INTEGRATION_MISMATCH": "`clipferry integrations show ID` says what it reaches",
    "LIMIT_EXCEEDED": "import parts of it: a longer --prefix, or --include and --exclude",
    "BODY_TOO_LARGE": 'put the URIs into an object, a line each ({"uri": "s3://…"}), and import that by --manifest',
    "ALREADY_ENDED": "`clipferry status ID` says how; `clipferry retry ID` runs again what did not land",
    "NOT_ENDED": "wait for its end with `clipferry status ID --watch`, or `clipferry cancel ID`",
    "REPORT_PENDING": "try again in a few seconds, or give --wait",
    "NO_REPORT": "`clipferry clips ID --json` has the same",
    "NOTHING_TO_RETRY": "`clipferry clips ID` says how each clip ended",
    "IDEMPOTENCY_CONFLICT": "a new request needs a new --idempotency-key",
    "FOLDER_EXISTS": "`clipferry folders list` shows it",
    "UNKNOWN_EXECUTION_SETTINGS": "`clipferry settings list` shows the saved ones",
    "INVALID_URI": "URIs look like s3://bucket/key, gs://bucket/object or hf://buckets/namespace/name/path",
    "NOT_FOUND": "`clipferry jobs` lists the imports of the key's project",
}


def exit_code(error: ClipferryError) -> int:
    if isinstance(error, WaitTimeout):
        return TIMED_OUT
    if isinstance(error, (ConnectionFailed, ServerError, Throttled)):
        return UNAVAILABLE
    refused_key = isinstance(error, Forbidden) and error.code == "FORBIDDEN"
    return NO_ACCESS if refused_key or isinstance(error, (Unauthorized, ConfigError)) else REFUSED


def what_next(error: ClipferryError) -> str | None:
    """A sentence for people, with commands in backticks; None where the error itself says it."""
    if isinstance(error, Unauthorized):
        return "`clipferry login` saves a key; CLIPFERRY_API_KEY goes before it"
    if isinstance(error, ConnectionFailed):
        return "`clipferry profile list` shows where the service is expected; try again if that is right"
    if isinstance(error, WaitTimeout):
        return f"`clipferry status {error.job.id} --watch` comes back to it, `clipferry cancel {error.job.id}` ends it"
    if isinstance(error, ApiError) and error.code in _NEXT:
        return _NEXT[error.code]
    if isinstance(error, (ServerError, Throttled)):
        return "try again in a while; the service's logs know the request by its id"
    return None
