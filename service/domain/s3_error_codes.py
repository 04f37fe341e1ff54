"""What the error codes of S3, and of stores that speak it, mean (S3 API reference, "Error responses"; STS besides).

Numbers are statuses: an answer to HEAD has no body, and botocore puts the status where the code would be.
"""

from collections.abc import Collection, Mapping

from service.domain.errors import (
    AccessDenied,
    BucketElsewhere,
    CredentialsRejected,
    ObjectError,
    ObjectMissing,
    ObjectRejected,
    RoleRefused,
    SourceChanged,
    SourceUnavailable,
    UploadGone,
)

LIMITED = frozenset({"SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded", "429"})
"""Fewer requests are asked for."""

DENIED = frozenset({"AccessDenied", "403", "Forbidden", "AllAccessDisabled", "AccountProblem", "KMS.DisabledException"})

_PASSING = LIMITED | {
    "RequestTimeout",
    "InternalError",
    "ServiceUnavailable",
    "503",
    "500",
    "OperationAborted",
    "ConditionalRequestConflict",
}

_CODES: Mapping[type[ObjectError], Collection[str]] = {
    ObjectMissing: {"NoSuchKey", "NoSuchBucket", "NoSuchVersion", "404", "NotFound"},
    UploadGone: {"NoSuchUpload"},
    AccessDenied: DENIED,
    CredentialsRejected: {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    },
    SourceChanged: {"PreconditionFailed", "412", "InvalidRange", "416"},
    BucketElsewhere: {
        "PermanentRedirect",
        "TemporaryRedirect",
        "Redirect",
        "301",
        "307",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
        "IncorrectEndpoint",
    },
}
_KINDS = {code: kind for kind, codes in _CODES.items() for code in codes}

WORDS = {
    "301": "the bucket is in another region",
    "307": "the bucket is in another region",
    "403": "access is denied",
    "404": "there is no such object",
    "412": "it is not the planned object any more",
}
"""For answers to HEAD: all that S3 says is the status."""


def is_passing(code: str, status: int) -> bool:
    """Whether another try may succeed."""
    return code in _PASSING or status >= 500 or status == 429


def error_of(code: str, status: int, operation: str) -> type[ObjectError]:
    """What an answer's code means, by S3's or STS's name of the operation. Of no known cause, it is final."""
    kind = _KINDS.get(code)
    if kind is None:
        return SourceUnavailable if is_passing(code, status) else ObjectRejected
    return RoleRefused if kind is AccessDenied and operation == "AssumeRole" else kind
