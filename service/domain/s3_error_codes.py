"""Meaning of the error codes of S3, of stores with its API, and of STS (S3 API reference, "Error responses").

Numbers are HTTP statuses: an answer to HEAD has no body, so botocore gives the status as the code.
"""

import re
from collections.abc import Collection, Mapping

from service.domain.errors import (
    AccessDenied,
    BucketElsewhere,
    CredentialsRejected,
    CustomerKeyWrong,
    ObjectArchived,
    ObjectError,
    ObjectMissing,
    ObjectRejected,
    RoleRefused,
    SourceChanged,
    SourceUnavailable,
    UploadGone,
)

LIMITED = frozenset({"SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded", "429"})
"""The store asks for fewer requests."""

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
    ObjectArchived: {"InvalidObjectState", "ObjectNotInActiveTierError"},
    SourceChanged: {"PreconditionFailed", "412", "InvalidRange", "416"},
    BucketElsewhere: {
        "PermanentRedirect",
        "TemporaryRedirect",
        "Redirect",
        "301",
        "302",
        "307",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
        "IncorrectEndpoint",
    },
}
NOTHING_TO_RESTORE = frozenset({"RestoreAlreadyInProgress", "ObjectAlreadyInActiveTierError", "InvalidObjectState"})
"""RestoreObject's errors if the restore is under way, or the object is not archived any more."""

NO_OBJECT = frozenset({"NoSuchKey", "404"})
"""No such object, also if a write's `If-Match` finds nothing at its key (S3 user guide, "Conditional
write behavior")."""

_KINDS = {code: kind for kind, codes in _CODES.items() for code in codes}

_ABOUT_KEYS = {"AccessDenied", "InvalidArgument", "InvalidRequest"}
_CUSTOMER_KEY = re.compile(r"a form of server side encryption|encryption parameters|customer.provided", re.IGNORECASE)

WORDS = {
    "301": "the bucket is in another region",
    "302": "the bucket is in another region",
    "307": "the bucket is in another region",
    "403": "access is denied",
    "404": "there is no such object",
    "412": "it is not the planned object any more",
    "IllegalLocationConstraintException": "S3 refuses the request between these regions, one of which is an opt-in "
    "region: enable both for the account, put the source into the clips bucket's region, or save an integration with "
    "keys, whose clips are streamed",
}
"""Messages for answers to HEAD, which have only a status, and in place of S3's own that do not say what to do."""


def is_passing(code: str, status: int) -> bool:
    """Whether another attempt may succeed."""
    return code in _PASSING or status >= 500 or status == 429


def error_of(code: str, status: int, operation: str, message: str = "") -> type[ObjectError]:
    """Return the error class for a code. `operation` is its name in S3 or STS. Unknown codes are permanent.

    S3 has no code of its own for a missing or wrong customer key, so its message decides. An upload whose completion
    met a conflict cannot be completed any more (S3 user guide, "Conditional write behavior").
    """
    if code in _ABOUT_KEYS and _CUSTOMER_KEY.search(message):
        return CustomerKeyWrong
    if code == "ConditionalRequestConflict" and operation == "CompleteMultipartUpload":
        return UploadGone
    kind = _KINDS.get(code)
    if kind is None:
        return SourceUnavailable if is_passing(code, status) else ObjectRejected
    return RoleRefused if kind is AccessDenied and operation == "AssumeRole" else kind
