"""The errors that this package raises. All of them are a `ClipferryError`; `clipferry.models.errors` has one more."""


class ClipferryError(Exception):
    """The base class. Its text is a sentence for people, `code` is stable, for programs."""

    code = "ERROR"


class ConfigError(ClipferryError):
    """The URL or the key is missing or not valid, or the profiles cannot be read."""

    code = "CONFIG"


class InvalidId(ClipferryError, ValueError):
    """The text cannot be an id. No request was sent."""

    code = "INVALID_ID"


class ConnectionFailed(ClipferryError):
    """The service did not answer any of the attempts."""

    code = "NO_ANSWER"


class UnexpectedAnswer(ClipferryError):
    """The answer is not this API's: the URL may be wrong, or this package too old."""

    code = "UNEXPECTED_ANSWER"


class FileChanged(ClipferryError):
    """A local file changed while it was uploaded. Nothing was imported of it."""

    code = "FILE_CHANGED"


class LinkExpired(ClipferryError):
    """S3 refused an upload by a link, again with a new one: links expire after minutes."""

    code = "LINK_EXPIRED"


class ApiError(ClipferryError):
    """The service refused the request.

    `status` is the HTTP status. `code` is stable, for programs: docs/reference/codes.md lists all. It is empty if the
    answer had none. `message` is for people. `request_id` finds the request in the service's logs.
    """

    def __init__(
        self, *, status: int, code: str, message: str, request_id: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(f"{message} ({code or status})")
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id
        self.retry_after = retry_after
        """Seconds to wait, if the answer has a `Retry-After`."""


class Unauthorized(ApiError):
    """401: the key is missing, unknown or revoked."""


class Forbidden(ApiError):
    """403: this kind of key may not do it, or the service cannot read the source."""


class NotFound(ApiError):
    """404: the project has nothing with this id, or there is no such route."""


class Conflict(ApiError):
    """409: not possible in the present state, or the idempotency key was used with another request."""


class TooLarge(ApiError):
    """413: the request's body is too large. Write the URIs to an object, and import it with `manifest_uri`."""


class Invalid(ApiError):
    """400 or 422: the request is not valid, and will not succeed later either."""


class Throttled(ApiError):
    """429 in the last attempt: too many requests."""


class ServerError(ApiError):
    """5xx in the last attempt."""


_KINDS: dict[int, type[ApiError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    422: Invalid,
    429: Throttled,
}


def kind_of(status: int) -> type[ApiError]:
    """The error class of an HTTP status."""
    return _KINDS.get(status, ServerError if status >= 500 else ApiError)
