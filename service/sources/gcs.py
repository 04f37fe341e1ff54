"""Google Cloud Storage through its JSON API, as a service account (docs/decisions/0030)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby, islice, takewhile
from threading import Lock
from typing import Any
from urllib.parse import quote, urlencode

import google.auth.exceptions
import google.auth.transport
import urllib3
from google.oauth2.service_account import Credentials
from urllib3.exceptions import HTTPError

from service.domain.errors import (
    AccessDenied,
    CredentialsRejected,
    InvalidRequest,
    NotVersioned,
    ObjectError,
    ObjectRejected,
    SourceChanged,
    UnsafeUrl,
)
from service.domain.objects import ListedObject
from service.domain.requests import Restore
from service.domain.uris import Location
from service.sources.http import (
    Asked,
    Http,
    HttpBody,
    body_of,
    drained,
    etag_of,
    json_of,
    key_of,
    reading,
    retry_after,
    size_of,
    status_error,
)
from service.sources.patience import Patience
from service.sources.port import HEADERS, Pin, SourceObject
from service.support.clock import timestamp
from service.support.parallel_listing import Page, first_with_objects, pages_of
from service.web.addresses import AddressRule

ENDPOINT = "https://storage.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
DELETING_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
"""Scope of tokens of integrations that allow to delete sources."""
_FIELDS = "name,size,etag,generation,updated,md5Hash,crc32c"
_KEPT = "cacheControl,contentDisposition,contentEncoding,contentLanguage,contentType,metadata"
_KEPT_VERSION = "#"
"""Begins the version of an object as of a time, `#generation`, which gcloud writes after an object's name. It is read
even if it is not live any more; without the sign a generation is read only while it is live."""
_LIMIT_REASONS = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"}


def gcs_with_account(
    account: str,
    *,
    rule: AddressRule,
    endpoint: str | None = None,
    connections: int = 16,
    requester_pays: bool = False,
    deletes: bool = False,
) -> "GcsAdapter":
    """`account` is the service account's key file (JSON). Raises `InvalidRequest` if it is not one.

    With `requester_pays`, Google charges the service account's project. `deletes`: whether it may delete objects.
    """
    token = _Token.of(account, Http.of(1, rule), DELETING_SCOPE if deletes else SCOPE)
    http = Http.of(connections, rule if endpoint else None)
    payer = token.credentials.project_id if requester_pays else None
    if requester_pays and not payer:
        raise InvalidRequest("service_account: it names no project_id, which requester_pays needs")
    return GcsAdapter(http, token, (endpoint or ENDPOINT).rstrip("/"), of_google=endpoint is None, payer=payer)


@dataclass(frozen=True)
class _Answer(google.auth.transport.Response):
    response: urllib3.BaseHTTPResponse

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self.response.headers

    @property
    def data(self) -> bytes:
        return self.response.data


@dataclass(frozen=True)
class _Transport(google.auth.transport.Request):
    """Sends google-auth's token requests. Its own urllib3 transport needs packages that nothing else uses here."""

    pool: urllib3.PoolManager

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002  # the pool's own
        **_: object,
    ) -> _Answer:
        try:
            return _Answer(self.pool.request(method, url, body=body, headers=headers, redirect=False))
        except HTTPError as error:
            raise google.auth.exceptions.TransportError(type(error).__name__) from None  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class _Token:
    """Access tokens of one service account, renewed before they expire. The token URL comes from a caller's file."""

    credentials: Credentials = field(repr=False)
    url: str
    http: Http
    """Connects only to addresses that the deployment's rule allows."""
    lock: Lock = field(default_factory=Lock, repr=False)

    @classmethod
    def of(cls, account: str, http: Http, scope: str) -> "_Token":
        try:
            fields = json.loads(account)
            credentials = Credentials.from_service_account_info(fields, scopes=[scope])  # type: ignore[no-untyped-call]
            url = str(fields["token_uri"])
        except (ValueError, TypeError, KeyError, AttributeError):
            # The parsers' messages may quote the key. Google raises ValueError for malformed files.
            raise InvalidRequest("this is not the key file (JSON) of a Google service account") from None
        return cls(credentials, url, http)

    def header(self, asked: Asked) -> dict[str, str]:
        with self.lock:
            if not self.credentials.valid:
                self._renew(asked)
            return {"Authorization": f"Bearer {self.credentials.token}"}

    def _renew(self, asked: Asked) -> None:
        try:
            if self.http.rule:
                self.http.rule.check_form(self.url)
            self.credentials.refresh(_Transport(self.http.pool))  # type: ignore[no-untyped-call]
        except UnsafeUrl as error:
            raise asked.error(AccessDenied, f"token_uri: {error.message}") from None
        except google.auth.exceptions.GoogleAuthError as error:
            if error.retryable or isinstance(error, google.auth.exceptions.TransportError):
                raise asked.unavailable(error) from None
            message = "Google gives no token for this service account: its key is wrong, expired or deleted"
            raise asked.error(CredentialsRejected, message) from None


@dataclass(frozen=True)
class GcsAdapter:
    http: Http
    token: _Token
    endpoint: str
    page_objects: int = 1000
    of_google: bool = False
    """Whether it is Google's own endpoint, whose order of keys is known."""
    payer: str | None = None
    """Project that pays for the requests; None: the bucket's."""

    def list_pages(
        self, location: Location, *, start_after: str, patience: Patience
    ) -> Iterator[Sequence[SourceObject]]:
        """List Google's own buckets by concurrent ranges of keys; other stores may have another order."""
        if not self.of_google:
            yield from (page.objects for page in self._pages(location, start_after, patience))  # type: ignore[misc]
            return
        yield from pages_of(  # type: ignore[misc]  # its pages are those of `_pages`
            lambda after: first_with_objects(self._pages(location, after, patience)), start_after=start_after
        )

    def _pages(self, location: Location, start_after: str, patience: Patience) -> Iterator[Page]:
        asked = Asked("list", location)
        query = {"fields": f"items({_FIELDS}),nextPageToken"}
        for page in self._answers(location, query, start_after, patience, asked):
            with reading(asked):
                objects = [one for one in map(_object, page.get("items", [])) if one.key > start_after]
            yield Page(objects, more=bool(page.get("nextPageToken")))

    def _answers(
        self, location: Location, query: dict[str, str], start_after: str, patience: Patience, asked: Asked
    ) -> Iterator[dict[str, Any]]:
        """Yield the pages of a listing as Google sends them; the first one may begin with `start_after` itself."""
        query = query | {"prefix": location.key, "maxResults": str(self.page_objects)}
        if start_after:
            query["startOffset"] = start_after
        while True:
            url = f"{self._bucket(location)}/o?{urlencode(query)}"
            page = patience(lambda url=url: self._json(url, asked), str(location))  # type: ignore[misc]
            yield page
            with reading(asked):
                if not (token := page.get("nextPageToken")):
                    return
                query["pageToken"] = token

    def list_as_of(
        self, location: Location, as_of: str, *, start_after: str, only: bool, patience: Patience
    ) -> Iterator[Sequence[ListedObject]]:
        found: Iterator[_Generation] = self._generations(location, start_after, patience)
        if only:
            found = takewhile(lambda one: one.found.key == location.key, found)
        stood = (_standing(list(of_key), as_of) for _, of_key in groupby(found, lambda one: one.found.key))
        objects = (one for one in stood if one)
        while page := list(islice(objects, self.page_objects)):
            yield page

    def _generations(self, location: Location, start_after: str, patience: Patience) -> Iterator["_Generation"]:
        """Yield the generations of all keys after `start_after`, by key. Raises `NotVersioned`."""
        asked, first = Asked("list the versions of", location), True
        query = {"versions": "true", "fields": f"items({_FIELDS},timeCreated,timeDeleted),nextPageToken"}
        for page in self._answers(location, query, start_after, patience, asked):
            with reading(asked):
                found = [_generation(item) for item in page.get("items", [])]
            if first and not any(one.deleted for one in found):
                self._check_versioned(location, patience, asked)
            first = False
            yield from (one for one in found if one.found.key > start_after)

    def _check_versioned(self, location: Location, patience: Patience, asked: Asked) -> None:
        url = f"{self._bucket(location)}?fields=versioning"
        try:
            bucket = patience(lambda: self._json(url, asked), str(location))
        except AccessDenied:
            raise asked.error(AccessDenied, "access is denied; as_of needs storage.buckets.get (403)") from None
        with reading(asked):
            if not bucket.get("versioning", {}).get("enabled"):
                raise asked.error(NotVersioned, "it keeps no versions")

    def stat(self, location: Location, version: str | None) -> SourceObject:
        query = {"fields": f"{_FIELDS},{_KEPT}"} | (_pinned(version) if version else {})
        asked = Asked("inspect", location)
        found = self._json(f"{self._object(location)}?{urlencode(query)}", asked)
        with reading(asked):
            return replace(_object(found), version=version) if _is_kept(version) else _object(found)

    def restore(self, location: Location, archive: str, how: Restore, version: str | None) -> None:  # noqa: ARG002
        raise Asked("restore", location).error(ObjectRejected, "the store has no archived objects")

    def commit_of(self, location: Location) -> str | None:  # noqa: ARG002
        return None

    def tags(self, location: Location, version: str | None) -> Mapping[str, str]:  # noqa: ARG002
        return {}

    def open(self, location: Location, start: int, length: int, pin: Pin) -> HttpBody:
        """Send `Accept-Encoding: gzip`: otherwise Google unpacks gzip objects and ignores the range."""
        asked = Asked("read", location)
        span = {"Range": f"bytes={start}-{start + length - 1}", "Accept-Encoding": "gzip"}
        generation = _generation_of(pin)
        url = f"{self._object(location)}?{urlencode({'alt': 'media'} | _pinned(pin.version or ''))}"
        response = self._send("GET", url, asked, span)
        if response.headers.get("X-Goog-Generation", generation) != generation:
            response.close()
            raise asked.error(SourceChanged, "the object changed since the import was planned")
        return body_of(response, asked, start, length, pin.size)

    def remove(self, location: Location, pin: Pin) -> None:
        """Delete the generation. Those before it stay noncurrent, if the bucket keeps them."""
        asked = Asked("delete", location)
        if not pin.holds(self.stat(location, pin.version)):
            raise asked.error(SourceChanged, "the object changed since the import was planned")
        url = f"{self._object(location)}?{urlencode({'generation': _generation_of(pin)})}"
        drained(self._send("DELETE", url, asked, {}), asked)

    def _bucket(self, location: Location) -> str:
        return f"{self.endpoint}/storage/v1/b/{quote(location.bucket, safe='')}"

    def _object(self, location: Location) -> str:
        return f"{self._bucket(location)}/o/{quote(location.key, safe='')}"

    def _json(self, url: str, asked: Asked) -> Any:
        return json_of(self._send("GET", url, asked, {}), asked)

    def _send(self, method: str, url: str, asked: Asked, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        if self.payer:
            url += f"&{urlencode({'userProject': self.payer})}"
        response = self.http.send(method, url, headers | self.token.header(asked), asked)
        if response.status >= 300:
            raise _error(response, asked)
        return response


def _error(response: urllib3.BaseHTTPResponse, asked: Asked) -> ObjectError:
    """Return the error of a failed answer. Google sends some rate limits as 403, with the limit as the reason."""
    body = drained(response, asked)
    if response.status == 403 and _reasons(body) & _LIMIT_REASONS:
        return asked.limited("the store asks for fewer requests (403)", retry_after(response.headers))
    return status_error(response.status, response.headers, asked)


def _reasons(body: bytes) -> set[str]:
    try:
        return {str(error["reason"]) for error in json.loads(body)["error"]["errors"]}
    except (ValueError, KeyError, TypeError):
        return set()


@dataclass(frozen=True)
class _Generation:
    found: SourceObject
    created: str
    deleted: str | None
    """When it was replaced or deleted; None: it is live."""


def _generation(item: dict[str, Any]) -> _Generation:
    found = _object(item)
    created, deleted = (
        timestamp(datetime.fromisoformat(item[name])) if name in item else None
        for name in ("timeCreated", "timeDeleted")
    )
    if created is None:
        raise ValueError("no time")
    return _Generation(replace(found, version=f"{_KEPT_VERSION}{found.version}"), created, deleted)


def _standing(generations: Sequence[_Generation], as_of: str) -> SourceObject | None:
    """Return the newest generation of a key that is not younger than `as_of`, unless it was deleted by then."""
    known = [one for one in generations if one.created <= as_of]
    newest = max(known, key=lambda one: one.created, default=None)
    return newest.found if newest and not (newest.deleted and newest.deleted <= as_of) else None


def _is_kept(version: str | None) -> bool:
    return version is not None and version.startswith(_KEPT_VERSION)


def _generation_of(pin: Pin) -> str:
    return (pin.version or "").removeprefix(_KEPT_VERSION)


def _pinned(version: str) -> dict[str, str]:
    """Return the query that reads a generation: a kept one whatever is live, any other one while it is live."""
    name = "generation" if _is_kept(version) else "ifGenerationMatch"
    return {name: version.removeprefix(_KEPT_VERSION)}


def _object(item: dict[str, Any]) -> SourceObject:
    known = {"CRC32C": item.get("crc32c"), "MD5": item.get("md5Hash")}  # Composite objects have no MD5.
    return SourceObject(
        key=key_of(item["name"]),
        size=size_of(item["size"]),
        etag=etag_of(item["etag"]),
        version=key_of(str(item["generation"])),
        modified=timestamp(datetime.fromisoformat(item["updated"])) if "updated" in item else None,
        checksums={kind: value for kind, value in known.items() if value},
        headers={name: item[field] for name in HEADERS if item.get(field := name[0].lower() + name[1:])},
        metadata=item.get("metadata", {}),
    )
