"""The errors that this package raises. All of them are a `ClipferryError`; `clipferry.models.errors` has one more."""


class ClipferryError(Exception):
    """The base of all; its text is a sentence for people."""


class ConfigError(ClipferryError):
    """No base URL or no key is known, or the profiles cannot be read."""


class InvalidId(ClipferryError, ValueError):
    """What was given cannot be the id of anything; nothing was asked."""


class ConnectionFailed(ClipferryError):
    """The service gave no answer, after all tries."""


class UnexpectedAnswer(ClipferryError):
    """Something answered that is not this API: the base URL may be wrong, or the client too old."""


class ApiError(ClipferryError):
    """The service said no.

    `code` is stable and for programs (docs/api.md lists them; empty if the answer had none), `message` is for people,
    `request_id` finds the request in the service's logs.
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
        """Seconds, where the answer named some."""


class Unauthorized(ApiError):
    """401: no valid key."""


class Forbidden(ApiError):
    """403: not with this kind of key, or a source that the service cannot read."""


class NotFound(ApiError):
    """404: no such thing in this project."""


class Conflict(ApiError):
    """409: not in this state, or an idempotency key that was used with another request."""


class TooLarge(ApiError):
    """413: the request's body. Name the clips in an object and import that by `manifest_uri`."""


class Invalid(ApiError):
    """400 or 422: the request can never succeed as it is."""


class Throttled(ApiError):
    """429, after all tries."""


class ServerError(ApiError):
    """5xx, after all tries."""


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
    return _KINDS.get(status, ServerError if status >= 500 else ApiError)
