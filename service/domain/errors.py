"""Every way the service says no. Each class has one stable code, listed in docs/api.md; none knows HTTP."""

from typing import ClassVar


class ClipferryError(Exception):
    """Base of all domain errors: `code` is stable and machine-readable, the text is for people."""

    code: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidSettings(ClipferryError):
    code = "INVALID_SETTINGS"


class InvalidRequest(ClipferryError):
    """The caller's request can never succeed as it is."""

    code = "INVALID_REQUEST"


class InvalidUri(InvalidRequest):
    code = "INVALID_URI"


class InvalidManifest(InvalidRequest):
    """The object that `manifest_uri` names is no manifest; the sentence names the line."""

    code = "INVALID_MANIFEST"


class InvalidDestination(InvalidRequest):
    """A clip cannot have the name that a manifest or a template gives it."""

    code = "INVALID_DESTINATION"


class UnsafeUrl(InvalidRequest):
    """A URL that a caller gave is not https, or does not lead to a public address."""

    code = "UNSAFE_URL"


class InvalidCursor(InvalidRequest):
    code = "INVALID_CURSOR"


class BodyTooLarge(InvalidRequest):
    code = "BODY_TOO_LARGE"


class NotFound(ClipferryError):
    code = "NOT_FOUND"


class Forbidden(ClipferryError):
    code = "FORBIDDEN"


class UnknownExecutionSettings(InvalidRequest):
    """An import names saved settings that the project does not have."""

    code = "UNKNOWN_EXECUTION_SETTINGS"


class TooManyExecutionSettings(InvalidRequest):
    code = "TOO_MANY_EXECUTION_SETTINGS"


class UnknownIntegration(InvalidRequest):
    """The project has no integration of this id."""

    code = "UNKNOWN_INTEGRATION"


class IntegrationMismatch(InvalidRequest):
    """The integration that was named does not reach the URI."""

    code = "INTEGRATION_MISMATCH"


class TooManyIntegrations(InvalidRequest):
    code = "TOO_MANY_INTEGRATIONS"


class FolderExists(ClipferryError):
    """The project has a folder of this name in this scope."""

    code = "FOLDER_EXISTS"


class NotSupported(ClipferryError):
    """A call of the NomadicML SDKs that has no counterpart here."""

    code = "NOT_SUPPORTED"


class IdempotencyConflict(ClipferryError):
    """The idempotency key was used before with another request."""

    code = "IDEMPOTENCY_CONFLICT"


class NotEnded(ClipferryError):
    """The job still runs: this has to wait for its end."""

    code = "NOT_ENDED"


class ReportPending(ClipferryError):
    """The job has ended, its report is being written."""

    code = "REPORT_PENDING"


class NoReport(NotFound):
    """No report could be written of this end."""

    code = "NO_REPORT"


class NoWebhook(ClipferryError):
    """The job has no webhook to send again."""

    code = "NO_WEBHOOK"


class WebhookUnreachable(ClipferryError):
    """A webhook got no answer: another try may succeed."""

    code = "WEBHOOK_UNREACHABLE"


class WebhookRefused(ClipferryError):
    """A webhook may not be sent to this address, by the service's own rules."""

    code = "WEBHOOK_REFUSED"


class UploadLost(ClipferryError):
    """The store does not know this multipart upload (any more): it has to begin anew."""

    code = "UPLOAD_LOST"


class EventRefused(ClipferryError):
    """EventBridge did not take the event."""

    code = "EVENT_REFUSED"


class AlreadyEnded(ClipferryError):
    """The job has its terminal status: there is nothing left to cancel."""

    code = "ALREADY_ENDED"


class NothingToRetry(ClipferryError):
    """No clip of the job, or none of those named, failed or was cancelled."""

    code = "NOTHING_TO_RETRY"


class PreflightFailed(ClipferryError):
    """A prefix cannot be imported. `reason` is one of the three codes that Foretify scripts know."""

    code = "PREFLIGHT_FAILED"


class CannotAccess(PreflightFailed):
    code = "CANNOT_ACCESS"


class LimitExceeded(PreflightFailed):
    code = "LIMIT_EXCEEDED"


class PreflightUnknown(PreflightFailed):
    code = "UNKNOWN_ERROR"


class ObjectError(ClipferryError):
    """One object could not be read or copied; `operation` and `uri` say which call met it."""

    code = "OBJECT_ERROR"

    def __init__(self, message: str, *, operation: str, uri: str) -> None:
        super().__init__(f"cannot {operation} {uri}: {message}")
        self.operation = operation
        self.uri = uri


class ObjectMissing(ObjectError):
    code = "NOT_FOUND"


class AccessDenied(ObjectError):
    code = "CANNOT_ACCESS"


class CredentialsRejected(AccessDenied):
    """The store does not know the credentials, or they have expired or were revoked: others are needed."""

    code = "CREDENTIALS_REJECTED"


class CredentialsLost(AccessDenied):
    """The credentials of an integration are not in Secrets Manager any more."""

    code = "CREDENTIALS_LOST"


class RoleRefused(AccessDenied):
    """The role of an integration cannot be assumed."""

    code = "CANNOT_ASSUME_ROLE"


class IntegrationGone(AccessDenied):
    """The integration that opened the object while its import was planned was deleted since."""

    code = "INTEGRATION_GONE"


class SourceChanged(ObjectError):
    """The object is no longer the one that was planned (another ETag)."""

    code = "SOURCE_CHANGED"


class DestinationChanged(ObjectError):
    """Another object lies at the destination than planning found there; nothing was written.

    `etag`, `size` and `modified` are its own, None where there is none; `repeated`: an earlier try of the same request
    got no clear answer and may have written it.
    """

    code = "EXISTS"

    def __init__(
        self,
        *,
        operation: str,
        uri: str,
        etag: str | None,
        size: int | None,
        modified: str | None = None,
        repeated: bool = False,
    ) -> None:
        super().__init__("an object lies at the destination by now", operation=operation, uri=uri)
        self.etag, self.size, self.modified, self.repeated = etag, size, modified, repeated


class ChecksumMismatch(ObjectError):
    """The copy is not its source; it was removed."""

    code = "CHECKSUM_MISMATCH"


class ObjectRejected(ObjectError):
    """The store refuses this object for good (archived, an invalid key, over its limits)."""

    code = "OBJECT_REJECTED"


class BucketElsewhere(ObjectRejected):
    """The bucket lies in another region, or behind another endpoint, than the one that was asked."""

    code = "BUCKET_ELSEWHERE"


class SourceUnavailable(ObjectError):
    """The store answered with throttling, a server error or not at all: another try may succeed."""

    code = "SOURCE_UNAVAILABLE"


class UploadGone(ObjectError):
    """There is no such unfinished upload: it was completed or aborted."""

    code = "UPLOAD_GONE"


class RateLimited(SourceUnavailable):
    """The store asks for fewer requests; `retry_after` are the seconds that it wants, where it says."""

    code = "RATE_LIMITED"

    def __init__(self, message: str, *, operation: str, uri: str, retry_after: float | None = None) -> None:
        super().__init__(message, operation=operation, uri=uri)
        self.retry_after = retry_after


class CannotExtrapolate(ClipferryError):
    """A clip's stationary tracks cannot be extended, and no second try will change that."""

    code = "CANNOT_EXTRAPOLATE"


class NoObstacles(CannotExtrapolate):
    """The clip has no obstacle layer."""

    code = "NO_OBSTACLES"


class LayerUnusable(CannotExtrapolate):
    """A layer cannot be decoded, or lacks a column that the rule needs."""

    code = "LAYER_UNUSABLE"


class LayerTooLarge(CannotExtrapolate):
    """A layer is, or would get, larger than the function can hold."""

    code = "LAYER_TOO_LARGE"


class ResultKeyTaken(CannotExtrapolate):
    """Another object lies where the result belongs; it stays as it is."""

    code = "RESULT_KEY_TAKEN"


class BatchIncomplete(ClipferryError):
    """Some clips of a batch met a passing fault: the state machine is to run the batch again."""

    code = "BATCH_INCOMPLETE"


class WorkflowUnavailable(ClipferryError):
    """The state machine could not be reached; the job is kept and the sweep starts it later."""

    code = "WORKFLOW_UNAVAILABLE"


class SweepIncomplete(ClipferryError):
    """Some unfinished jobs could not be looked after; the function's error alarm tells."""

    code = "SWEEP_INCOMPLETE"


class SelectionIncomplete(ClipferryError):
    """The index of failures does not show yet all that a retry is to run again: the state machine is to try again."""

    code = "SELECTION_INCOMPLETE"


class StateFilesKept(ClipferryError):
    """The state bucket did not delete what it was told to; the sweep tries again."""

    code = "STATE_FILES_KEPT"
