"""S3 and S3-compatible stores, by access keys or by a role."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError, IncompleteReadError
from botocore.httpsession import URLLib3Session
from urllib3.exceptions import HTTPError

from service.domain import s3_error_codes as s3_codes
from service.domain.archives import (
    archive_listed,
    archive_of,
    hides_archive,
    is_restored,
    is_restoring,
    restore_request,
)
from service.domain.errors import (
    AccessDenied,
    NotVersioned,
    ObjectError,
    ObjectMissing,
    ObjectRejected,
    RoleRefused,
    SourceChanged,
    SourceUnavailable,
    UnsafeUrl,
)
from service.domain.objects import ListedObject
from service.domain.requests import Restore
from service.domain.source_terms import NO_TERMS, SourceTerms
from service.domain.uris import Location
from service.domain.versions import standing_at
from service.sources.http import (
    CONNECT_SECONDS,
    MAX_TEXT_BYTES,
    READ_SECONDS,
    Asked,
    etag_of,
    key_of,
    reading,
    retry_after,
    size_of,
)
from service.sources.patience import Patience
from service.sources.port import HEADERS, Pin, SourceObject
from service.sources.regions import default_region
from service.support.clock import timestamp
from service.support.parallel_listing import Page, first_with_objects, pages_of
from service.support.usual_listing import usual_page
from service.support.version_pages import NO_VERSION, version_pages
from service.web.addresses import AddressRule
from service.web.pinned import pinned

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef
    from urllib3 import PoolManager

_TAGLESS = {"NotImplemented", "MethodNotAllowed", "NoSuchTagSet", "NoSuchTagSetError"}
"""Error codes of stores without tags, and of stores that report an object without tags as an error."""
_UNCONDITIONAL = {"NotImplemented", "501"}
"""Error codes of stores that know no conditional deletes."""
_TEXTS = {"Expires": "ExpiresString"}
_LISTED = "Listed"
"""The objects of a page, in botocore's answer, if our parser read them."""
_SHORT = MAX_TEXT_BYTES // 4
"""Keys of fewer characters have at most `MAX_TEXT_BYTES` in UTF-8."""
MAX_MESSAGE = 300
"""Maximum characters of a store's error message, which is untrusted."""


@dataclass(frozen=True, kw_only=True)
class S3Keys:
    """A caller's access keys. An `endpoint_url` means a store other than AWS; its region is `auto` unless given.
    Of AWS it is `default_region()`."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    region: str | None = None
    endpoint_url: str | None = None
    terms: SourceTerms = NO_TERMS


def client_config(*, connections: int, path_style: bool) -> Config:
    """Send checksums only if a store requires them, since others reject the trailers. `Patience` does the retries."""
    return Config(
        max_pool_connections=connections,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        signature_version="s3v4",
        s3={"addressing_style": "path" if path_style else "auto"},
    )


def s3_with_keys(keys: S3Keys, *, rule: AddressRule, connections: int = 16) -> "S3Adapter":
    """Make an adapter. Requests to the caller's endpoint, also after redirects, must satisfy `rule`."""
    custom = keys.endpoint_url is not None
    client = boto3.client(
        "s3",
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        aws_session_token=keys.session_token,
        region_name=keys.region or ("auto" if custom else default_region()),
        endpoint_url=keys.endpoint_url,
        config=client_config(connections=connections, path_style=custom),
    )
    send_pinned(client, rule if custom else None, connections=connections)
    parse_listings_fast(client)
    return S3Adapter(client, keys.terms, of_aws=not custom)


class _PinnedSession(URLLib3Session):
    """botocore's HTTP session, with connections to checked addresses."""

    def __init__(self, rule: AddressRule | None, connections: int) -> None:
        timeout: Any = (CONNECT_SECONDS, READ_SECONDS)
        super().__init__(timeout=timeout, max_pool_connections=connections)
        self._rule = rule
        manager: PoolManager = self._manager  # type: ignore[attr-defined]  # botocore has no parameter for it
        manager.pool_classes_by_scheme = pinned(rule, manager.pool_classes_by_scheme)

    def answer(self, request: "AWSPreparedRequest", **_event: Any) -> Any:
        """Raises `UnsafeUrl`."""
        if self._rule:
            self._rule.check_form(request.url)
        try:
            return self.send(request)
        except HTTPClientError as error:
            unsafe = error.kwargs.get("error")
            raise unsafe if isinstance(unsafe, UnsafeUrl) else error from None


def send_pinned(client: "S3Client", rule: AddressRule | None, *, connections: int) -> None:
    """Send the client's requests only to addresses that `rule` allows (None: any), and within their deadlines.

    botocore takes the answer of a `before-send` handler instead of sending the request itself.
    """
    client.meta.events.register("before-send.s3", _PinnedSession(rule, connections).answer)


@dataclass(frozen=True)
class _S3Body:
    stream: "StreamingBody"
    asked: Asked

    def read(self, size: int) -> bytes:
        try:
            return self.stream.read(size)
        except (BotoCoreError, ClientError) as error:
            raise s3_error(error, self.asked) from None
        except HTTPError as error:  # botocore lets TLS errors through
            raise self.asked.unavailable(error) from None

    def close(self) -> None:
        self.stream.close()


@dataclass(frozen=True)
class S3Adapter:
    client: "S3Client"
    terms: SourceTerms = NO_TERMS
    of_aws: bool = True
    """Whether it is S3 itself. Some other stores refuse requests with headers that they do not know."""
    page_objects: int = 1000

    @property
    def _payer(self) -> dict[str, Any]:
        return {"RequestPayer": "requester"} if self.terms.requester_pays else {}

    @property
    def _reading(self) -> dict[str, Any]:
        """Parameters of a HEAD or GET. botocore encodes the key and adds its MD5."""
        if self.terms.customer_key is None:
            return self._payer
        key = base64.b64decode(self.terms.customer_key)
        return {**self._payer, "SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}

    def list_pages(
        self, location: Location, *, start_after: str, patience: Patience
    ) -> Iterator[Sequence[ListedObject]]:
        """List S3's own buckets by concurrent ranges of keys; the order of other stores is not known to allow it."""
        if not self.of_aws:
            yield from (page.objects for page in self._pages(location, start_after, patience))
            return
        yield from pages_of(
            lambda after: first_with_objects(self._pages(location, after, patience)), start_after=start_after
        )

    def _pages(self, location: Location, start_after: str, patience: Patience) -> Iterator[Page]:
        asked, token = Asked("list", location), ""
        request: dict[str, Any] = {"Bucket": location.bucket, "Prefix": location.key, "MaxKeys": self.page_objects}
        request |= self._payer
        if self.of_aws:
            request["OptionalObjectAttributes"] = ["RestoreStatus"]
        if start_after:
            request["StartAfter"] = start_after
        while True:
            more = request | ({"ContinuationToken": token} if token else {})
            page = patience(lambda more=more: _named(asked, self.client.list_objects_v2, **more), str(location))  # type: ignore[misc]
            with reading(asked):
                if not page.keys() & {"Contents", "IsTruncated", "KeyCount"}:
                    raise LookupError("no listing")  # a listing without keys has KeyCount 0
                objects = page.get(_LISTED) or [
                    SourceObject(
                        key=key_of(item["Key"]),
                        size=size_of(item["Size"]),
                        etag=etag_of(item["ETag"]),
                        modified=timestamp(item["LastModified"]),
                        archive=archive_listed(item),
                        archive_hidden=hides_archive(item.get("StorageClass")),
                    )
                    for item in page.get("Contents", [])
                ]
            token = page.get("NextContinuationToken", "")
            if page.get("IsTruncated") and not token:
                message = "the listing says that more objects follow, but has no continuation token"
                raise asked.error(SourceUnavailable, message)
            yield Page(objects, more=bool(token))
            if not token:
                return

    def list_as_of(
        self, location: Location, as_of: str, *, start_after: str, only: bool, patience: Patience
    ) -> Iterator[Sequence[ListedObject]]:
        asked = Asked("list the versions of", location)
        request: dict[str, Any] = {"Bucket": location.bucket, "Prefix": location.key, "MaxKeys": self.page_objects}
        request |= self._payer
        if self.of_aws:
            request["OptionalObjectAttributes"] = ["RestoreStatus"]

        def answer(call: Any, **more: Any) -> Any:
            return patience(lambda: _named(asked, call, **more), str(location))

        def check_versioned() -> None:
            if "Status" not in answer(self.client.get_bucket_versioning, Bucket=location.bucket):
                raise asked.error(NotVersioned, "it keeps no versions")

        with reading(asked):
            pages = version_pages(
                lambda after: answer(self.client.list_object_versions, **request, **after),
                check_versioned,
                start_after=start_after,
            )
            yield from standing_at(pages, as_of, only=location.key if only else None)

    def stat(self, location: Location, version: str | None) -> SourceObject:
        asked = Asked("inspect", location)
        where = {"Bucket": location.bucket, "Key": location.key} | ({"VersionId": version} if version else {})
        with reading(asked):
            try:
                head = self.client.head_object(**where, **self._reading, ChecksumMode="ENABLED")  # type: ignore[arg-type]
            except ClientError as error:
                status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
                if error.operation_name == "HeadObject" and status in (301, 400, 403):
                    self._explain(where, asked)
                raise s3_error(error, asked) from None
            except (BotoCoreError, UnsafeUrl) as error:
                raise s3_error(error, asked) from None
            return SourceObject(
                key=location.key,
                size=size_of(head["ContentLength"]),
                etag=etag_of(head["ETag"]),
                version=version,
                modified=timestamp(head["LastModified"]),
                archive=archive_of(
                    head.get("StorageClass"),
                    tier=head.get("ArchiveStatus"),
                    restored=is_restored(head.get("Restore")),
                ),
                restoring=is_restoring(head.get("Restore")),
                checksums=whole_checksums(head),
                # botocore parses `Expires`, and keeps its text beside it.
                headers={name: str(value) for name in HEADERS if (value := head.get(_TEXTS.get(name, name)))},
                metadata=head.get("Metadata", {}),
            )

    def restore(self, location: Location, archive: str, how: Restore, version: str | None) -> None:
        asked = Asked("restore", location)
        where = {"Bucket": location.bucket, "Key": location.key} | ({"VersionId": version} if version else {})
        with reading(asked):
            try:
                self.client.restore_object(**where, **self._payer, RestoreRequest=restore_request(archive, how))  # type: ignore[arg-type]
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code", "")
                if code in s3_codes.DENIED:
                    raise asked.error(AccessDenied, f"access denied ({code}); it needs s3:RestoreObject") from None
                if code == "NotImplemented" or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 405:
                    raise asked.error(ObjectRejected, f"the store cannot restore archived objects ({code})") from None
                if code not in s3_codes.NOTHING_TO_RESTORE:
                    raise s3_error(error, asked) from None
            except (BotoCoreError, UnsafeUrl) as error:
                raise s3_error(error, asked) from None

    def commit_of(self, location: Location) -> str | None:  # noqa: ARG002
        return None

    def tags(self, location: Location, version: str | None) -> Mapping[str, str]:
        asked = Asked("read the tags of", location)
        where = {"Bucket": location.bucket, "Key": location.key} | ({"VersionId": version} if version else {})
        with reading(asked):
            try:
                answer = self.client.get_object_tagging(**where, **self._payer)  # type: ignore[arg-type]
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code", "")
                if code in _TAGLESS or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in (405, 501):
                    return {}
                if code in s3_codes.DENIED:
                    raise asked.error(AccessDenied, f"access denied ({code})") from None
                raise s3_error(error, asked) from None
            except (BotoCoreError, UnsafeUrl) as error:
                raise s3_error(error, asked) from None
            return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def _explain(self, where: dict[str, str], asked: Asked) -> None:
        """Raise the error of a GET: a HEAD has no body to tell wrong keys, expired tokens and missing rights apart."""
        answer = _named(asked, self.client.get_object, **where, **self._reading, Range="bytes=0-0")
        answer["Body"].close()

    def open(self, location: Location, start: int, length: int, pin: Pin) -> _S3Body:
        asked = Asked("read", location)
        request: GetObjectRequestTypeDef = {
            "Bucket": location.bucket,
            "Key": location.key,
            "Range": f"bytes={start}-{start + length - 1}",
            "IfMatch": f'"{pin.etag}"',
        }
        if pin.version:
            request["VersionId"] = pin.version
        answer = _named(asked, self.client.get_object, **request, **self._reading)
        body = _S3Body(answer["Body"], asked)
        if answer.get("ETag", "").strip('"') != pin.etag:
            body.close()
            raise asked.error(SourceChanged, "the object changed since the import was planned")
        if answer.get("ContentLength") != length:
            body.close()
            raise asked.error(ObjectRejected, "the store sent other bytes than the requested range")
        return body

    def remove(self, location: Location, pin: Pin) -> None:
        """Hide the key by a conditional delete, then delete the copied version, if the bucket has versions.

        A delete of the version alone would show the version before it. S3 checks the condition on the current version
        only ("How to perform conditional deletes"). Stores that ignore the condition, or refuse it, may lose an object
        that is written between the HEAD and the delete.
        """
        asked = Asked("delete", location)
        where = {"Bucket": location.bucket, "Key": location.key}
        with reading(asked):
            try:
                head = self.client.head_object(**where, **self._reading)  # type: ignore[arg-type]
            except (ClientError, BotoCoreError, UnsafeUrl) as error:
                missing = s3_error(error, asked)
                if not (isinstance(missing, ObjectMissing) and pin.version):
                    raise missing from None
                head = None
            current = head.get("VersionId") if head else None
            hides = head is not None and (not pin.version or pin.version == current)
            if head and hides:
                if (etag_of(head["ETag"]), size_of(head["ContentLength"])) != (pin.etag, pin.size):
                    raise asked.error(SourceChanged, "the object changed since the import was planned")
                self._delete_current(where, pin.etag, asked)
        version = pin.version or current
        if version and not (hides and version == NO_VERSION):  # there the first delete removed it
            _named(asked, self.client.delete_object, **where, VersionId=version, **self._payer)

    def _delete_current(self, where: dict[str, str], etag: str, asked: Asked) -> None:
        try:
            self.client.delete_object(**where, IfMatch=f'"{etag}"', **self._payer)  # type: ignore[arg-type]
        except ClientError as error:
            refused = error.response.get("Error", {}).get("Code") in _UNCONDITIONAL
            if self.of_aws or not refused:
                raise s3_error(error, asked) from None
            _named(asked, self.client.delete_object, **where, **self._payer)
        except (BotoCoreError, UnsafeUrl) as error:
            raise s3_error(error, asked) from None


def parse_listings_fast(client: "S3Client") -> None:
    """Parse pages of listings that have S3's own form with our parser; botocore's takes some 10 times as long."""
    # First, so that botocore does not parse the page to find an error with status 200.
    client.meta.events.register_first("before-parse.s3.ListObjectsV2", _parse_page)


def _parse_page(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_event: Any) -> None:
    """Let botocore parse a page without objects, and add the objects to its answer."""
    if response_dict["status_code"] != HTTPStatus.OK:
        return
    try:
        page = usual_page(response_dict["body"])
    except ValueError:  # botocore says what is wrong
        return
    if page and page.objects and all(0 < len(one.key) < _SHORT and 0 < len(one.etag) < _SHORT for one in page.objects):
        response_dict["body"] = b"<ListBucketResult/>"
        token = {"NextContinuationToken": page.token} if page.token else {}
        customized_response_dict |= {_LISTED: page.objects, "IsTruncated": page.more} | token


def whole_checksums(answer: Any) -> dict[str, str]:
    """Return the checksums of the whole object from an answer's `ChecksumCRC32C`, …, without composite ones (`…-7`)."""
    named = ((name.removeprefix("Checksum"), value) for name, value in answer.items() if name.startswith("Checksum"))
    return {kind: value for kind, value in named if kind != "Type" and "-" not in value}


def _named(asked: Asked, call: Any, **request: Any) -> Any:
    with reading(asked):  # botocore parses numbers and dates
        try:
            return call(**request)
        except (ClientError, BotoCoreError, UnsafeUrl) as error:
            raise s3_error(error, asked) from None


def s3_error(error: ClientError | BotoCoreError | UnsafeUrl, asked: Asked) -> ObjectError:
    """Map a failed call to a domain error. Unknown errors are final."""
    if isinstance(error, UnsafeUrl):
        return asked.error(AccessDenied, error.message)
    if isinstance(error, BotoCoreError):
        if isinstance(error, ConnectionError | HTTPClientError | IncompleteReadError):
            return asked.unavailable(error)
        return asked.error(ObjectRejected, f"botocore cannot build the request ({type(error).__name__})")
    told, metadata = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    code, status = told.get("Code", ""), metadata.get("HTTPStatusCode", 0)
    words: str = s3_codes.WORDS.get(code) or told.get("Message") or "no reason given"
    message = f"{words[:MAX_MESSAGE]} ({code[:64]})"
    wait = retry_after({"Retry-After": metadata.get("HTTPHeaders", {}).get("retry-after", "")})
    if code in s3_codes.LIMITED or status == 429 or (status == 503 and wait is not None):
        return asked.limited(message, wait)
    kind = s3_codes.error_of(code, status, error.operation_name, words)
    return asked.error(kind, f"the role cannot be assumed: {message}" if kind is RoleRefused else message)
