"""Codes that say why a clip was not copied, and how an import came to its end. The values are stored and public.

Each code has a docstring of one line: what it means, and what to do about it. Codes of content validation are in
`service.formats.failures.Reason`.
"""

from enum import StrEnum


class ClipCode(StrEnum):
    """Why a clip was skipped, failed or cancelled."""

    # Skipped
    UNCHANGED = "UNCHANGED"
    """The same clip is at the destination already. Nothing to do; `on_existing: overwrite` copies it again."""
    DUPLICATE = "DUPLICATE"
    """An earlier line, URI or set of this import names the same object. Nothing to do."""
    SUPERSEDED = "SUPERSEDED"
    """A later upload to the same key replaced this one. Nothing to do."""
    FAILED_BEFORE = "FAILED_BEFORE"
    """This version failed its check in an earlier run of the watch. Replace the object, or run the watch now."""
    # Skipped or failed, by the import's setting `archived`
    ARCHIVED = "ARCHIVED"
    """The source is in an archive class or tier. Restore it, then retry; or import it with `archived: restore`."""

    # Failed: what the caller asked for
    INVALID_URI = "INVALID_URI"
    """The text is not a URI of an object. Correct it and import it again."""
    INVALID_LINE = "INVALID_LINE"
    """The manifest's line cannot be read. Correct the line and import it again; a retry cannot help."""
    INVALID_DESTINATION = "INVALID_DESTINATION"
    """The clip cannot have the name that its line or the template gives. Choose another name."""
    DESTINATION_TAKEN = "DESTINATION_TAKEN"
    """An earlier clip of this import has the same destination. Give each clip a name of its own."""
    EXISTS = "EXISTS"
    """An object is at the destination and `on_existing` is `fail`. Choose `skip` or `overwrite`, or another name."""
    UNSUPPORTED_EXTENSION = "UNSUPPORTED_EXTENSION"
    """The endpoint accepts only .mp4 files. Use `POST /v1/imports` for other clips."""
    SET_INCOMPLETE = "SET_INCOMPLETE"
    """Another view of the set failed, so none was imported. Fix that view, then retry."""

    # Failed: access to the source
    NOT_FOUND = "NOT_FOUND"
    """The store has no such object, bucket or version. Check the URI."""
    CANNOT_ACCESS = "CANNOT_ACCESS"
    """Nothing opens the bucket, or the store denies access. Grant the permission that the message names, then retry."""
    CREDENTIALS_REJECTED = "CREDENTIALS_REJECTED"
    """The credentials are wrong, expired or revoked. Save a new integration and import again."""
    CREDENTIALS_LOST = "CREDENTIALS_LOST"
    """The integration's credentials are no longer in Secrets Manager. Delete it, save it again and import again."""
    CANNOT_ASSUME_ROLE = "CANNOT_ASSUME_ROLE"
    """The role does not exist or does not trust the service. Check its trust policy and external id, then retry."""
    INTEGRATION_MISMATCH = "INTEGRATION_MISMATCH"
    """The named integration does not reach this URI. Name one that does, or none."""
    UNKNOWN_INTEGRATION = "UNKNOWN_INTEGRATION"
    """The project no longer has the integration that the import names. Save one and import again."""
    INTEGRATION_GONE = "INTEGRATION_GONE"
    """The integration was deleted after the import was planned. Save one for this bucket, then retry."""
    NOT_VERSIONED = "NOT_VERSIONED"
    """The bucket keeps no versions, so `as_of` cannot be answered. Import without it, or switch on versioning first."""
    BUCKET_ELSEWHERE = "BUCKET_ELSEWHERE"
    """The bucket has another region or endpoint. Save an integration with the right one, then import again."""

    # Failed: the object
    OBJECT_ERROR = "OBJECT_ERROR"
    """The object could not be read or copied, for the reason in the message. Retry."""
    OBJECT_REJECTED = "OBJECT_REJECTED"
    """The store refuses this object, for the reason in the message. Change or rename the object and import it again."""
    NO_SUCH_MEMBER = "NO_SUCH_MEMBER"
    """The zip has no member of this name. Check the part of the URI after `!/`; names are case-sensitive."""
    NO_SUCH_CLIP = "NO_SUCH_CLIP"
    """No object and no zip's member below the prefix has this clip id. Check id, prefix and filters, then retry."""
    IMPORT_AGAIN = "IMPORT_AGAIN"
    """A retry found clips, but cannot add them to its import. Import the clip ids again."""
    MEMBER_UNREADABLE = "MEMBER_UNREADABLE"
    """The member is encrypted, packed by another method than deflate, damaged or too large. Pack it again."""
    ZIP_UNREADABLE = "ZIP_UNREADABLE"
    """The zip's members cannot be read, for the reason in the message. Check the file, or pack it again."""
    CUSTOMER_KEY = "CUSTOMER_KEY"
    """A customer's key encrypts the object (SSE-C). Save an integration with that `customer_key`, then retry."""
    SOURCE_CHANGED = "SOURCE_CHANGED"
    """The object is no longer the one that was planned. Retry to import the new one."""
    CHECKSUM_MISMATCH = "CHECKSUM_MISMATCH"
    """The copy differed from its source and was removed. Retry; if it repeats, check the source."""
    UNKNOWN_FORMAT = "UNKNOWN_FORMAT"
    """Content validation knows only .zip and .mp4. Retry with `content_validation: none` to copy the clip."""
    SOURCE_UNAVAILABLE = "SOURCE_UNAVAILABLE"
    """The store did not answer. Retry later."""
    RATE_LIMITED = "RATE_LIMITED"
    """The store asked for fewer requests. Retry later."""
    RESTORE_TIMEOUT = "RESTORE_TIMEOUT"
    """The restore of the archived source was not complete in time. Retry once it is; that copies it."""
    UPLOAD_GONE = "UPLOAD_GONE"
    """The multipart upload disappeared before it was complete. Retry."""

    # Failed: the service
    RETRIES_EXHAUSTED = "RETRIES_EXHAUSTED"
    """The clip's batch never completed. Retry."""
    PLANNING_FAILED = "PLANNING_FAILED"
    """Planning stopped before it reached the clip. Retry."""
    MANIFEST_LOST = "MANIFEST_LOST"
    """The stored plan is damaged or missing. Import the source again."""

    # Cancelled
    CANCELLED = "CANCELLED"
    """The import was cancelled before this clip was copied. Retry to copy it."""
    TOO_MANY_FAILURES = "TOO_MANY_FAILURES"
    """The import stopped because more clips failed than `tolerated_failures` allows. Fix the failures, then retry."""


class KeptCode(StrEnum):
    """Why an import with `delete_source` kept a source. After a failed request it has the `ClipCode` of the error."""

    NOT_COPIED = "NOT_COPIED"
    """This import did not copy the clip. Delete the source yourself if nobody needs it."""
    NOT_VERIFIED = "NOT_VERIFIED"
    """No checksum and no MD5 proves that the copy equals the source. Compare them, then delete the source yourself."""
    COPY_CHANGED = "COPY_CHANGED"
    """The object at the destination is no longer this import's copy. Import the source again if you need it."""
    NOT_ALLOWED = "NOT_ALLOWED"
    """The integration or the deployment forbids it. Allow it for later imports, or delete the source yourself."""
    STILL_NEEDED = "STILL_NEEDED"
    """A set that failed or was cancelled has the same source. Retry the set, or delete the source yourself."""
    IN_A_ZIP = "IN_A_ZIP"
    """The clip is a member of a zip, which may hold more than this import copied. Delete the zip yourself."""
    SAME_KEY = "SAME_KEY"
    """Source and copy have the same key, so they may be one object. Nothing to do."""


class ImportCode(StrEnum):
    """Why an import completed as it did. An import that could not be planned has the code of its error instead."""

    NO_CLIPS = "NO_CLIPS"
    """The source holds no clips, or the filters let none through. Check the prefix and the filters."""
    CLIPS_FAILED = "CLIPS_FAILED"
    """Some clips failed; each has a code of its own. Fix them, then retry."""
    TOO_MANY_FAILURES = "TOO_MANY_FAILURES"
    """More clips failed than `tolerated_failures` allows. Fix the failures, then retry."""
    PLANNING_FAILED = "PLANNING_FAILED"
    """Planning did not complete. Retry."""
    CUT_SHORT = "CUT_SHORT"
    """The import was cancelled before its source was read to the end. Import the source again for the rest."""
