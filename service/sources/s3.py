"""S3 and S3-compatible stores, by access keys or by a role."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError, IncompleteReadError
from botocore.httpsession import URLLib3Session
from urllib3.exceptions import HTTPError

from service.domain import s3_error_codes as s3_codes
from service.domain.archives import archive_of, is_restored
from service.domain.errors import (
    AccessDenied,
    ObjectError,
    ObjectRejected,
    RoleRefused,
    SourceChanged,
    UnsafeUrl,
)
from service.domain.source_terms import NO_TERMS, SourceTerms
from service.domain.uris import Location
from service.sources.http import (
    CONNECT_SECONDS,
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
from service.support.clock import timestamp
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
_TEXTS = {"Expires": "ExpiresString"}
MAX_MESSAGE = 300
"""Maximum characters of a store's error message, which is untrusted."""


@dataclass(frozen=True, kw_only=True)
class S3Keys:
    """A caller's access keys. An `endpoint_url` means a store other than AWS; its region is `auto` unless given."""

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
        region_name=keys.region or ("auto" if custom else "us-east-1"),
        endpoint_url=keys.endpoint_url,
        config=client_config(connections=connections, path_style=custom),
    )
    send_pinned(client, rule if custom else None, connections=connections)
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
    ) -> Iterator[Sequence[SourceObject]]:
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
                objects = [
                    SourceObject(
                        key=key_of(item["Key"]),
                        size=size_of(item["Size"]),
                        etag=etag_of(item["ETag"]),
                        modified=timestamp(item["LastModified"]),
                        archive=archive_of(item.get("StorageClass"), restored=_is_restored(item)),
                    )
                    for item in page.get("Contents", [])
                ]
            yield objects
            token = page.get("NextContinuationToken", "")
            if not token:
                return

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
                checksums=whole_checksums(head),
                # botocore parses `Expires`, and keeps its text beside it.
                headers={name: str(value) for name in HEADERS if (value := head.get(_TEXTS.get(name, name)))},
                metadata=head.get("Metadata", {}),
            )

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


def _is_restored(item: Any) -> bool:
    """Whether a listing tells of a restored copy of the object."""
    return item.get("RestoreStatus", {}).get("IsRestoreInProgress") is False


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
