"""S3 writes: conditions on the destination, redirects of copies, the smallest part, and the version in events.

The emulator checks conditions on PutObject and CompleteMultipartUpload, but not on CopyObject; its copies keep the
website redirect location of their source with the metadata; it takes parts of any size; its "Object Created" events
name no version.
"""

import json
import threading
from typing import Any
from xml.etree import ElementTree as ET

from local.emulated.limits import Limits

Headers = dict[str, str]
_CONFLICT = "The conditional request cannot succeed due to a conflicting operation against this resource."
_NOT_IMPLEMENTED = "A header you provided implies functionality that is not implemented"
_TOO_SMALL = "Your proposed upload is smaller than the minimum allowed size"


def check_conditions(s3: Any) -> None:
    """`If-None-Match: *` and `If-Match` on CopyObject, PutObject and CompleteMultipartUpload ("Conditional writes").

    - 412 `PreconditionFailed`: the destination exists, or has another ETag.
    - 404 `NoSuchKey`: `If-Match` for a key that does not exist.
    - 409 `ConditionalRequestConflict`: the key was deleted while a multipart upload to it was under way.
    - 501 `NotImplemented`: `If-None-Match` with anything but `*`.
    """
    copy, complete, check = s3._copy_object, s3._complete_multipart_upload, s3._check_put_preconditions
    fire_async = s3._fire_s3_event_async

    def check_write(headers: Headers, existing: Any) -> Any:
        if headers.get("if-none-match", "*").strip() != "*":
            return s3._error("NotImplemented", _NOT_IMPLEMENTED, 501)
        return check(headers, existing)

    def copy_object(bucket: str, key: str, headers: Headers) -> Any:
        destination = s3._ensure_bucket(bucket)
        refused = destination and check_write(headers, destination["objects"].get(key))
        return refused or copy(bucket, key, headers)

    def complete_upload(bucket: str, key: str, body: bytes, query: Any, headers: Headers | None = None) -> Any:
        upload = s3._multipart_uploads.get(s3._qp(query, "uploadId"))
        conditional = {"if-match", "if-none-match"} & (headers or {}).keys()
        if upload and upload.get("deleted_meanwhile") and conditional:
            return s3._error("ConditionalRequestConflict", _CONFLICT, 409)
        return complete(bucket, key, body, query, headers)

    def fire(bucket: str, key: str, event: str, *rest: Any, **options: Any) -> None:
        if event.startswith("s3:ObjectRemoved:"):
            for upload in s3._multipart_uploads.values():
                if (upload["bucket"], upload["key"]) == (bucket, key):
                    upload["deleted_meanwhile"] = True
        fire_async(bucket, key, event, *rest, **options)

    s3._check_put_preconditions, s3._copy_object = check_write, copy_object
    s3._complete_multipart_upload, s3._fire_s3_event_async = complete_upload, fire


def redirect_as_requested(s3: Any) -> None:
    """A copy has the website redirect location that its request names, also with metadata of the source ("CopyObject",
    `x-amz-website-redirect-location`)."""
    copy, name = s3._copy_object, "x-amz-website-redirect-location"

    def copy_object(bucket: str, key: str, headers: Headers) -> Any:
        answer = copy(bucket, key, headers)
        if answer[0] == 200:
            kept = s3._ensure_bucket(bucket)["objects"][key]["preserved_headers"]
            kept.pop(name, None)
            kept.update({name: headers[name]} if name in headers else {})
        return answer

    s3._copy_object = copy_object


def refuse_small_parts(s3: Any, limits: Limits) -> None:
    """400 `EntityTooSmall` for a completion in which a part other than the last is below `limits.part_bytes`."""
    complete = s3._complete_multipart_upload

    def complete_upload(bucket: str, key: str, body: bytes, query: Any, headers: Headers | None = None) -> Any:
        upload = s3._multipart_uploads.get(s3._qp(query, "uploadId"))
        parts = (upload or {}).get("parts", {})
        small = [number for number in _numbers(body)[:-1] if parts.get(number, {}).get("size", 0) < limits.part_bytes]
        if upload and small and small[0] in parts:
            part = parts[small[0]]
            return s3._object_error(
                "EntityTooSmall",
                _TOO_SMALL,
                400,
                ProposedSize=str(part["size"]),
                MinSizeAllowed=str(limits.part_bytes),
                PartNumber=str(small[0]),
                ETag=part["etag"].strip('"'),
            )
        return complete(bucket, key, body, query, headers)

    s3._complete_multipart_upload = complete_upload


def name_versions(s3: Any, events: Any) -> None:
    """Add `version-id` to the object of an event of a versioned bucket ("EventBridge event message structure")."""
    fire, dispatch, current = s3._fire_s3_event, events._dispatch_event, threading.local()

    def fire_event(*args: Any, **options: Any) -> None:
        current.version = options.get("version_id")
        try:
            fire(*args, **options)
        finally:
            current.version = None

    def dispatch_event(event: dict[str, Any], *rest: Any, **options: Any) -> Any:
        version = getattr(current, "version", None)
        if version and event.get("Source") == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event = {**event, "Detail": json.dumps(detail)}
        return dispatch(event, *rest, **options)

    s3._fire_s3_event, events._dispatch_event = fire_event, dispatch_event


def _numbers(body: bytes) -> list[int]:
    """The part numbers of a CompleteMultipartUpload request, sorted. Malformed ones are the emulator's to refuse."""
    try:
        found = [element.text for element in ET.fromstring(body).iter() if element.tag.endswith("PartNumber")]
        return sorted(int(text or "") for text in found)
    except (ET.ParseError, ValueError):
        return []
