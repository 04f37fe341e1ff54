"""HTTP for providers without a client library in this project: one connection pool, one mapping of errors."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from service.domain.errors import (
    AccessDenied,
    CredentialsRejected,
    ObjectError,
    ObjectMissing,
    ObjectRejected,
    RateLimited,
    SourceChanged,
    SourceUnavailable,
    UnsafeUrl,
)
from service.domain.uris import Location
from service.web.addresses import AddressRule
from service.web.pinned import pinned

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
"""Seconds without a byte; `Patience` limits the total time."""
MAX_TEXT_BYTES = 4_096
"""Maximum bytes (UTF-8) of a key, an ETag or a version in a store's answer: the longest path of Linux, for files of
Hugging Face. S3 and Google Cloud Storage allow keys of 1,024 bytes."""
MAX_SIZE = 2**63 - 1
"""Maximum size of an object in a store's answer. A row's number has 38 digits (DynamoDB): one size with more of them
would keep the rows of its whole batch from being written."""
MAX_ANSWER_BYTES = 16 * 1024**2
"""Maximum size of a JSON answer. A page of a listing is far smaller."""


@dataclass(frozen=True)
class Asked:
    """The operation and object of a request, for error messages."""

    operation: str
    location: Location

    def error(self, kind: type[ObjectError], message: str) -> ObjectError:
        return kind(message, operation=self.operation, uri=str(self.location))

    def unavailable(self, error: Exception) -> SourceUnavailable:
        """Name only the kind of the connection error: its text may contain a signed URL."""
        message = f"the connection failed ({type(error).__name__})"
        return SourceUnavailable(message, operation=self.operation, uri=str(self.location))

    def limited(self, message: str, retry_after: float | None) -> RateLimited:
        return RateLimited(message, operation=self.operation, uri=str(self.location), retry_after=retry_after)


@contextmanager
def reading(asked: Asked) -> Iterator[None]:
    """Map parse errors to `SourceUnavailable`. A store's answer may have any shape, or lack its size or its ETag."""
    try:
        yield
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        message = f"the store's answer cannot be read ({type(error).__name__})"
        raise asked.error(SourceUnavailable, message) from None


def etag_of(value: object) -> str:
    """Return the ETag without quotes. Raises `ValueError` if there is none, or as `key_of` does."""
    return key_of(value.strip('"') if isinstance(value, str) else None)


def size_of(value: object) -> int:
    """Return a size given as a number or as digits. Raises `ValueError`, also for more than `MAX_SIZE`."""
    if isinstance(value, bool) or not isinstance(value, int | str) or not 0 <= int(value) <= MAX_SIZE:
        raise ValueError("no size")
    return int(value)


def key_of(value: object) -> str:
    """Return the key. Raises `ValueError` if there is none, it is too long, or no valid Unicode."""
    if not isinstance(value, str) or not 1 <= len(value.encode()) <= MAX_TEXT_BYTES:
        raise ValueError("no key")
    return value


@dataclass(frozen=True)
class HttpBody:
    response: urllib3.BaseHTTPResponse
    asked: Asked

    def read(self, size: int) -> bytes:
        try:
            return self.response.read(size, decode_content=False)
        except HTTPError as error:
            raise self.asked.unavailable(error) from None

    def close(self) -> None:
        self.response.close()


@dataclass(frozen=True)
class Http:
    """Sends one request: no redirects, no retries. Bodies are never decompressed."""

    pool: urllib3.PoolManager
    rule: AddressRule | None = None

    @classmethod
    def of(cls, connections: int, rule: AddressRule | None = None) -> "Http":
        """Connect only where `rule` allows it. None: anywhere, for URLs that no caller gave."""
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        pool = urllib3.PoolManager(maxsize=connections, retries=False, timeout=timeout)
        pool.pool_classes_by_scheme = pinned(rule, pool.pool_classes_by_scheme)
        return cls(pool, rule)

    def send(
        self, method: str, url: str, headers: Mapping[str, str], asked: Asked, body: bytes | None = None
    ) -> urllib3.BaseHTTPResponse:
        """Raises `AccessDenied` if the rule forbids the URL."""
        try:
            if self.rule:
                self.rule.check_form(url)
            return self.pool.request(
                method, url, headers=headers, body=body, preload_content=False, decode_content=False, redirect=False
            )
        except UnsafeUrl as error:
            raise asked.error(AccessDenied, error.message) from None
        except HTTPError as error:
            raise asked.unavailable(error) from None


def json_of(response: urllib3.BaseHTTPResponse, asked: Asked) -> Any:
    """Return the answer's JSON and release the connection."""
    data = drained(response, asked)
    try:
        return json.loads(data)
    except ValueError:
        raise asked.error(SourceUnavailable, "the answer is not JSON") from None


def drained(response: urllib3.BaseHTTPResponse, asked: Asked) -> bytes:
    """Return the answer's body. Raises `ObjectRejected` above `MAX_ANSWER_BYTES`."""
    try:
        data = response.read(MAX_ANSWER_BYTES + 1, decode_content=True)
    except HTTPError as error:
        raise asked.unavailable(error) from None
    if len(data) > MAX_ANSWER_BYTES:
        response.close()
        raise asked.error(ObjectRejected, f"the answer has more than {MAX_ANSWER_BYTES:,} bytes")
    return data


def status_error(status: int, headers: Mapping[str, str], asked: Asked) -> ObjectError:
    """Map an HTTP status to a domain error."""
    wait = retry_after(headers)
    if status == 429 or (status == 503 and wait is not None):
        return asked.limited(f"the store asks for fewer requests ({status})", wait)
    if status >= 500 or status == 408:
        return asked.error(SourceUnavailable, f"the store failed ({status})")
    kinds: dict[int, tuple[type[ObjectError], str]] = {
        401: (CredentialsRejected, "the credentials are wrong, expired or revoked"),
        403: (AccessDenied, "access is denied"),
        404: (ObjectMissing, "there is no such object"),
        410: (ObjectMissing, "there is no such object"),
        412: (SourceChanged, "the object changed since the import was planned"),
        416: (SourceChanged, "the object is shorter than when the import was planned"),
    }
    kind, message = kinds.get(status, (ObjectRejected, "the store refuses"))
    return asked.error(kind, f"{message} ({status})")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds in `Retry-After`, which is a number or a date; None if it is absent or neither."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except ValueError:
        return None


def body_of(response: urllib3.BaseHTTPResponse, asked: Asked, start: int, length: int, size: int) -> HttpBody:
    """Return the body of a range request. Raises `ObjectRejected` if the store sends another range."""
    expected = f"bytes {start}-{start + length - 1}/"
    whole = response.status == 200 and start == 0 and length == size
    if whole or (response.status == 206 and response.headers.get("Content-Range", "").startswith(expected)):
        return HttpBody(response, asked)
    response.close()
    raise asked.error(ObjectRejected, f"the store sent other bytes than the requested range ({response.status})")
