"""Let callers upload files into their project's inbox, by links that S3 takes without other credentials.

The service keeps no state about an upload: S3 has its parts, and every request names the key, which begins with the
name of its project.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.domain.errors import InvalidRequest, UploadGone, UploadIncomplete
from service.domain.inbox import (
    MAX_PUT_BYTES,
    UploadPlan,
    check_bytes,
    composite,
    digest_of,
    inbox_key,
    upload_plan,
)
from service.domain.uris import s3_at
from service.ports.inbox import InboxUploads, UploadLink
from service.ports.state import Clock
from service.support.clock import timestamp


@dataclass(frozen=True, kw_only=True)
class InboxPorts:
    store: InboxUploads
    clock: Clock
    url_seconds: int
    """How long a link works."""
    max_bytes: int
    """The largest file."""


@dataclass(frozen=True, kw_only=True)
class Begun:
    """Either `link` (one request writes the file), or `upload_id` and `plan` (parts)."""

    uri: str
    started_at: str
    link: UploadLink | None = None
    expires_at: str | None = None
    upload_id: str | None = None
    plan: UploadPlan | None = None


@dataclass(frozen=True, kw_only=True)
class PartLink:
    """`link` is None where the part is there already, with this checksum."""

    number: int
    link: UploadLink | None


@dataclass(frozen=True, kw_only=True)
class PartLinks:
    parts: Sequence[PartLink]
    expires_at: str


@dataclass(frozen=True, kw_only=True)
class Uploaded:
    uri: str
    etag: str


def put_file(key: str, *, size: int, sha256: str, project: str, ports: InboxPorts) -> Begun:
    """Return a link that writes the file in one request. Raises `InvalidRequest`, `UploadTooLarge`."""
    check_bytes(size, limit=min(ports.max_bytes, MAX_PUT_BYTES))
    digest_of(sha256)
    whole = inbox_key(project, key)
    link = ports.store.put_link(whole, size=size, sha256=sha256, seconds=ports.url_seconds)
    return Begun(uri=_uri(whole, ports), started_at=ports.clock(), link=link, expires_at=_expiry(ports))


def begin_file(key: str, *, size: int, part_bytes: int | None, project: str, ports: InboxPorts) -> Begun:
    """Begin a multipart upload. Raises `InvalidRequest`, `UploadTooLarge`."""
    plan, whole = upload_plan(size, part_bytes, limit=ports.max_bytes), inbox_key(project, key)
    return Begun(uri=_uri(whole, ports), started_at=ports.clock(), upload_id=ports.store.begin(whole), plan=plan)


def link_parts(
    key: str, upload_id: str, wanted: Sequence[tuple[int, str]], *, plan: UploadPlan, project: str, ports: InboxPorts
) -> PartLinks:
    """Return a link for each wanted part (number, SHA-256) that is not there yet.

    Raises `InvalidRequest`, `UploadGone`.
    """
    whole, numbers = inbox_key(project, key), [number for number, _ in wanted]
    if len(set(numbers)) < len(numbers):
        raise InvalidRequest("parts names a number twice")
    sizes = {number: plan.bytes_of(number) for number in numbers}
    for _, sha256 in wanted:
        digest_of(sha256)
    found = ports.store.parts(whole, upload_id, first=min(numbers), last=max(numbers))
    there = {(part.number, part.sha256, part.size) for part in found}

    def link(number: int, sha256: str) -> UploadLink | None:
        if (number, sha256, sizes[number]) in there:
            return None
        return ports.store.part_link(
            whole, upload_id, number=number, size=sizes[number], sha256=sha256, seconds=ports.url_seconds
        )

    expires = _expiry(ports)
    return PartLinks(
        parts=[PartLink(number=number, link=link(number, sha256)) for number, sha256 in wanted], expires_at=expires
    )


def complete_file(
    key: str, upload_id: str, checksum: str, *, plan: UploadPlan, project: str, ports: InboxPorts
) -> Uploaded:
    """Make the object of its parts, if they are those that `checksum` (composite SHA-256) stands for.

    A second call has the same result. Raises `UploadIncomplete`, `UploadGone`.
    """
    whole = inbox_key(project, key)
    try:
        parts = ports.store.parts(whole, upload_id, first=1, last=plan.count)
        there = {part.number for part in parts if part.size == plan.bytes_of(part.number) and part.sha256}
        missing = [number for number in range(1, plan.count + 1) if number not in there]
        if missing:
            named = ", ".join(map(str, missing[:10])) + (", …" if len(missing) > 10 else "")
            raise UploadIncomplete(f"{len(missing):,} of {plan.count:,} parts are not there: {named}")
        if composite([part.sha256 or "" for part in parts]) != checksum:
            raise UploadIncomplete("a part differs from the file: ask for links to all parts again")
        return Uploaded(uri=_uri(whole, ports), etag=ports.store.complete(whole, upload_id, parts))
    except UploadGone:
        # The answer to an earlier call may have been lost.
        done = ports.store.find(whole)
        if done and (done.size, done.checksum) == (plan.size, checksum):
            return Uploaded(uri=_uri(whole, ports), etag=done.etag)
        raise


def abort_file(key: str, upload_id: str, *, project: str, ports: InboxPorts) -> None:
    """Remove an upload and its parts. Nothing happens if it is gone. Raises `InvalidRequest` for the key."""
    ports.store.abort(inbox_key(project, key), upload_id)


def _uri(key: str, ports: InboxPorts) -> str:
    return str(s3_at(ports.store.bucket, key))


def _expiry(ports: InboxPorts) -> str:
    return timestamp(datetime.fromisoformat(ports.clock()) + timedelta(seconds=ports.url_seconds))
