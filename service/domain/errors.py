"""All domain errors. Each class has one stable code, listed in docs/reference/codes.md; none knows HTTP."""

from typing import ClassVar

from service.domain.codes import ClipCode


class ClipferryError(Exception):
    """Base of all domain errors: `code` is stable and for programs, the message is for people."""

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
    code = ClipCode.INVALID_URI


class InvalidManifest(InvalidRequest):
    """The object at `manifest_uri` is not a manifest; the message names the line."""

    code = "INVALID_MANIFEST"


class InvalidDestination(InvalidRequest):
    """A manifest or a template gives a clip a name that it cannot have."""

    code = ClipCode.INVALID_DESTINATION


class UnsafeUrl(InvalidRequest):
    """A caller's URL is not https, or does not lead to a public address."""

    code = "UNSAFE_URL"


class InvalidCursor(InvalidRequest):
    code = "INVALID_CURSOR"


class BodyTooLarge(InvalidRequest):
    code = "BODY_TOO_LARGE"


class NotFound(ClipferryError):
    code = "NOT_FOUND"


class QuotaExceeded(ClipferryError):
    """The project has as many active imports as the deployment allows. A later try may succeed."""

    code = "QUOTA_EXCEEDED"


class TooManySlowRequests(QuotaExceeded):
    """The project has as many requests under way that wait for a caller's store as the deployment allows."""

    code = "TOO_MANY_SLOW_REQUESTS"


class Forbidden(ClipferryError):
    code = "FORBIDDEN"


class UnknownExecutionSettings(InvalidRequest):
    """An import names a preset that the project does not have."""

    code = "UNKNOWN_EXECUTION_SETTINGS"


class TooManyExecutionSettings(InvalidRequest):
    code = "TOO_MANY_EXECUTION_SETTINGS"


class UnknownIntegration(InvalidRequest):
    """The project has no integration of this id."""

    code = ClipCode.UNKNOWN_INTEGRATION


class IntegrationMismatch(InvalidRequest):
    """The named integration does not reach the URI."""

    code = ClipCode.INTEGRATION_MISMATCH


class TooManyIntegrations(InvalidRequest):
    code = "TOO_MANY_INTEGRATIONS"


class DeleteSourceRefused(InvalidRequest):
    """An import asks to delete its sources, and the deployment, the integration or the store does not allow it."""

    code = "DELETE_SOURCE_REFUSED"


class InvalidSchedule(InvalidRequest):
    """The schedule of a watch is malformed, or never comes."""

    code = "INVALID_SCHEDULE"


class EventsUnavailable(InvalidRequest):
    """The bucket's events cannot reach this deployment."""

    code = "EVENTS_UNAVAILABLE"


class TooManyWatches(InvalidRequest):
    code = "TOO_MANY_WATCHES"


class WatchChanged(ClipferryError):
    """Other requests changed the watch at the same time, again and again."""

    code = "WATCH_CHANGED"


class WatchesIncomplete(ClipferryError):
    """Some watches could not be looked at; the function's error alarm reports it."""

    code = "WATCHES_INCOMPLETE"


class FolderExists(ClipferryError):
    """The project has a folder of this name in this scope."""

    code = "FOLDER_EXISTS"


class NotSupported(ClipferryError):
    """The service does not implement this call of the NomadicML SDKs."""

    code = "NOT_SUPPORTED"


class IdempotencyConflict(ClipferryError):
    """The idempotency key was used with another request before."""

    code = "IDEMPOTENCY_CONFLICT"


class ClipNotThere(ClipferryError):
    """The clip has no copy: it failed, waits, is a duplicate, or was deleted."""

    code = "CLIP_NOT_THERE"


class NotEnded(ClipferryError):
    """The import is still running; the request must wait until it completes."""

    code = "NOT_ENDED"


class ReportPending(ClipferryError):
    """The import has completed; its report is being written."""

    code = "REPORT_PENDING"


class NoReport(NotFound):
    """No report could be written for this attempt."""

    code = "NO_REPORT"


class NoWebhook(ClipferryError):
    """The import or watch has no webhook to send again."""

    code = "NO_WEBHOOK"


class WebhookUnreachable(ClipferryError):
    """A webhook got no answer; another attempt may succeed."""

    code = "WEBHOOK_UNREACHABLE"


class WebhookRefused(ClipferryError):
    """The service's rules do not allow a webhook to this address."""

    code = "WEBHOOK_REFUSED"


class UploadLost(ClipferryError):
    """The store no longer knows this multipart upload; start a new one."""

    code = "UPLOAD_LOST"


class UploadIncomplete(ClipferryError):
    """A caller completes an upload whose parts are missing, or differ from the file."""

    code = "UPLOAD_INCOMPLETE"


class UploadTooLarge(InvalidRequest):
    """A file is larger than the deployment, or S3 in one request, allows."""

    code = "UPLOAD_TOO_LARGE"


class EventRefused(ClipferryError):
    """EventBridge did not accept the event."""

    code = "EVENT_REFUSED"


class AlreadyEnded(ClipferryError):
    """The import has completed, so there is nothing to cancel."""

    code = "ALREADY_ENDED"


class NothingToRetry(ClipferryError):
    """None of the import's clips, or none of those named, failed or was cancelled."""

    code = "NOTHING_TO_RETRY"


class PreflightFailed(ClipferryError):
    """A prefix cannot be imported. Subclasses have the three codes that Foretify scripts know."""

    code = "PREFLIGHT_FAILED"


class CannotAccess(PreflightFailed):
    code = ClipCode.CANNOT_ACCESS


class LimitExceeded(PreflightFailed):
    code = "LIMIT_EXCEEDED"


class PreflightUnknown(PreflightFailed):
    code = "UNKNOWN_ERROR"


class ObjectError(ClipferryError):
    """An object could not be read or copied. `operation` and `uri` say which call failed."""

    code = ClipCode.OBJECT_ERROR

    def __init__(self, message: str, *, operation: str, uri: str) -> None:
        super().__init__(f"cannot {operation} {uri}: {message}")
        self.operation = operation
        self.uri = uri


class ObjectMissing(ObjectError):
    code = ClipCode.NOT_FOUND


class AccessDenied(ObjectError):
    code = ClipCode.CANNOT_ACCESS


class CredentialsRejected(AccessDenied):
    """The credentials are unknown to the store, expired or revoked; other ones are needed."""

    code = ClipCode.CREDENTIALS_REJECTED


class CredentialsLost(AccessDenied):
    """An integration's credentials are no longer in Secrets Manager."""

    code = ClipCode.CREDENTIALS_LOST


class RoleRefused(AccessDenied):
    """The service cannot assume an integration's role."""

    code = ClipCode.CANNOT_ASSUME_ROLE


class IntegrationGone(AccessDenied):
    """The integration that opened the object was deleted after its import was planned."""

    code = ClipCode.INTEGRATION_GONE


class SourceChanged(ObjectError):
    """The object is no longer the planned one: its ETag differs."""

    code = ClipCode.SOURCE_CHANGED


class DestinationChanged(ObjectError):
    """Another object is at the destination than planning found there; nothing was written.

    `etag`, `size` and `modified` are its own, None where there is none; `repeated`: an earlier try of the same request
    got no clear answer and may have written it.
    """

    code = ClipCode.EXISTS

    def __init__(
        self,
        message: str = "an object is at the destination by now",
        *,
        operation: str,
        uri: str,
        etag: str | None = None,
        size: int | None = None,
        modified: str | None = None,
        repeated: bool = False,
    ) -> None:
        super().__init__(message, operation=operation, uri=uri)
        self.etag, self.size, self.modified, self.repeated = etag, size, modified, repeated


class ChecksumMismatch(ObjectError):
    """The copy differs from its source and was removed."""

    code = ClipCode.CHECKSUM_MISMATCH


class ObjectRejected(ObjectError):
    """The store refuses this object permanently: an invalid key, beyond a limit."""

    code = ClipCode.OBJECT_REJECTED


class ObjectArchived(ObjectRejected):
    """The object is in an archive class or tier, and must be restored before it can be read."""

    code = ClipCode.ARCHIVED


class MemberMissing(ObjectMissing):
    """The zip has no member of this name."""

    code = ClipCode.NO_SUCH_MEMBER


class MemberUnreadable(ObjectRejected):
    """The member is encrypted, packed in a way that is not read, too large to unpack, or damaged."""

    code = ClipCode.MEMBER_UNREADABLE


class ZipUnreadable(ObjectRejected):
    """The object whose members are wanted is not a whole zip, or one beyond the limits of `service.formats.limits`."""

    code = ClipCode.ZIP_UNREADABLE


class CustomerKeyWrong(ObjectRejected):
    """A customer's key encrypts the object (SSE-C), and the request brought none or another one."""

    code = ClipCode.CUSTOMER_KEY


class BucketElsewhere(ObjectRejected):
    """The bucket is in another region, or behind another endpoint."""

    code = ClipCode.BUCKET_ELSEWHERE


class NotVersioned(ObjectRejected):
    """The bucket keeps no versions, so nobody knows what it held at a time."""

    code = ClipCode.NOT_VERSIONED


SOURCE_UNFIT = (BucketElsewhere, CustomerKeyWrong, NotVersioned, ObjectArchived, ZipUnreadable)
"""The source cannot be read as it is, and the code says what to do."""


class SourceUnavailable(ObjectError):
    """The store throttled, failed or did not answer; another attempt may succeed."""

    code = ClipCode.SOURCE_UNAVAILABLE


class UploadGone(ObjectError):
    """The multipart upload does not exist, since it was completed or aborted; or S3 refuses to complete it for good."""

    code = ClipCode.UPLOAD_GONE


class RateLimited(SourceUnavailable):
    """The store asks for fewer requests. `retry_after` is in seconds, if the store gives it."""

    code = ClipCode.RATE_LIMITED

    def __init__(self, message: str, *, operation: str, uri: str, retry_after: float | None = None) -> None:
        super().__init__(message, operation=operation, uri=uri)
        self.retry_after = retry_after


class CannotExtrapolate(ClipferryError):
    """A clip's stationary tracks cannot be extended; another attempt would fail too."""

    code = "CANNOT_EXTRAPOLATE"


class NoObstacles(CannotExtrapolate):
    """The clip has no obstacle layer."""

    code = "NO_OBSTACLES"


class LayerUnusable(CannotExtrapolate):
    """A layer cannot be decoded, or lacks a column that the rule needs."""

    code = "LAYER_UNUSABLE"


class LayerTooLarge(CannotExtrapolate):
    """A layer is, or would become, too large for the function's memory."""

    code = "LAYER_TOO_LARGE"


class ResultKeyTaken(CannotExtrapolate):
    """Another object lies at the result's key and is kept."""

    code = "RESULT_KEY_TAKEN"


class ServiceBusy(ClipferryError):
    """An AWS service throttled a request, failed or did not answer: another attempt may succeed."""

    code = "SERVICE_BUSY"


class BatchIncomplete(ClipferryError):
    """Some clips of a batch met a transient fault; the state machine runs the batch again."""

    code = "BATCH_INCOMPLETE"


class TableBusy(ClipferryError):
    """The table refused a request until all its tries were used, by conflicts or throttles. A later try may succeed."""

    code = "TABLE_BUSY"


class WorkflowUnavailable(ClipferryError):
    """The state machine could not be reached. The job is stored, and the sweep starts it later."""

    code = "WORKFLOW_UNAVAILABLE"


class SweepIncomplete(ClipferryError):
    """The sweep could not handle some jobs; the function's error alarm reports it."""

    code = "SWEEP_INCOMPLETE"


class FinishIncomplete(ClipferryError):
    """Accounting for a lost import takes longer than one call. What is done is kept; the next call continues."""

    code = "FINISH_INCOMPLETE"


class SelectionIncomplete(ClipferryError):
    """The index of failures does not show all clips of a retry yet; the state machine tries again."""

    code = "SELECTION_INCOMPLETE"


class StateFilesKept(ClipferryError):
    """The state bucket did not delete some objects; the sweep tries again."""

    code = "STATE_FILES_KEPT"
