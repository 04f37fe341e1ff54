"""Hugging Face buckets through the Hub's HTTP API, as `huggingface_hub` uses it (docs/decisions/0030).

Listing: `GET /api/buckets/{ns}/{name}/tree/{prefix}?recursive=true`, pages by `Link`. Properties of one file:
`POST …/paths-info`. Bytes: `GET /buckets/{ns}/{name}/resolve/{path}`, which names the content (`X-Xet-Hash`) and
redirects to a signed URL on another host, which must not receive the token.
"""

import heapq
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import urllib3

from service.domain.errors import (
    AccessDenied,
    CredentialsRejected,
    ObjectError,
    ObjectMissing,
    SourceChanged,
    SourceUnavailable,
)
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
    size_of,
    status_error,
)
from service.sources.patience import Patience
from service.sources.port import Pin, SourceObject
from service.support.clock import timestamp
from service.web.addresses import AddressRule

DEFAULT_ENDPOINT = "https://huggingface.co"
WINDOW_OBJECTS = 100_000
"""Maximum objects in memory. The Hub lists in any order, so the adapter sorts; longer listings take several passes."""
PAGE_OBJECTS = 1000
MAX_REDIRECTS = 5
_RATE = re.compile(r'"\w+"\s*;\s*r\s*=\s*(?P<left>\d+)\s*;\s*t\s*=\s*(?P<seconds>\d+)')
_NEXT = re.compile(r'<(?P<url>[^>]*)>\s*;\s*rel="next"')


def hub_endpoint(environment: Mapping[str, str] = os.environ) -> str:
    """Return the Hub's URL from the variable that all Hugging Face tools read."""
    return environment.get("HF_ENDPOINT", DEFAULT_ENDPOINT).rstrip("/")


@dataclass(frozen=True, kw_only=True)
class HubAdapter:
    """Without a token, only public buckets can be read."""

    rule: AddressRule
    token: str | None = field(default=None, repr=False)
    endpoint: str = field(default_factory=hub_endpoint)
    http: Http = field(default_factory=lambda: Http.of(16), repr=False)
    """For the Hub, whose URL the deployment sets."""
    window: int = WINDOW_OBJECTS
    elsewhere: Http = field(init=False, repr=False)
    """For the hosts to which the Hub redirects."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "elsewhere", Http.of(16, self.rule))

    def list_pages(
        self, location: Location, *, start_after: str, patience: Patience
    ) -> Iterator[Sequence[SourceObject]]:
        after = start_after
        while True:
            later = (found for found in self._every(location, patience) if found.key > after)
            smallest = heapq.nsmallest(self.window, later, key=lambda found: found.key)
            pages = iter(smallest)
            while page := list(islice(pages, PAGE_OBJECTS)):
                yield page
            if len(smallest) < self.window:
                return
            after = smallest[-1].key

    def _every(self, location: Location, patience: Patience) -> Iterator[SourceObject]:
        """Yield the files whose path begins with the location's key, in the Hub's order."""
        asked = Asked("list", location)
        prefix = f"/{quote(location.key, safe='')}" if location.key else ""
        url: str | None = f"{self.endpoint}/api/buckets/{location.bucket}/tree{prefix}?recursive=true"
        while url:
            items, url = patience(lambda url=url: self._page(url, asked), str(location))  # type: ignore[misc]
            with reading(asked):
                files = [item for item in items if item["type"] == "file" and item["path"].startswith(location.key)]
                found = [_object(item) for item in files]
            yield from found

    def _page(self, url: str, asked: Asked) -> tuple[list[dict[str, Any]], str | None]:
        response = self._hub("GET", url, asked)
        if response.status >= 300:
            raise self._error(response, asked)
        following = _NEXT.search(response.headers.get("Link", ""))
        items = json_of(response, asked)
        if following is None:
            return items, None
        further = urljoin(url, following["url"])
        if _origin(further) != _origin(self.endpoint):
            message = "the next page of the listing is on another host, which must not receive the token"
            raise asked.error(AccessDenied, message)
        return items, further

    def stat(self, location: Location, version: str | None) -> SourceObject:  # noqa: ARG002  # buckets keep no versions
        asked = Asked("inspect", location)
        url = f"{self.endpoint}/api/buckets/{location.bucket}/paths-info"
        response = self._hub("POST", url, asked, body=json.dumps({"paths": [location.key]}).encode())
        if response.status >= 300:
            raise self._error(response, asked)
        found = json_of(response, asked)
        with reading(asked):
            for item in found:
                if item["path"] == location.key:
                    return _object(item)
        raise asked.error(ObjectMissing, "there is no such object")

    def tags(self, location: Location, version: str | None) -> Mapping[str, str]:  # noqa: ARG002
        return {}

    def open(self, location: Location, start: int, length: int, pin: Pin) -> HttpBody:
        asked = Asked("read", location)
        span = {"Range": f"bytes={start}-{start + length - 1}", "Accept-Encoding": "identity"}
        url = f"{self.endpoint}/buckets/{location.bucket}/resolve/{quote(location.key, safe='')}"
        pinned = False
        for _ in range(MAX_REDIRECTS):
            at_hub = _origin(url) == _origin(self.endpoint)
            response = self._hub("GET", url, asked, span) if at_hub else self.elsewhere.send("GET", url, span, asked)
            if response.status >= 400:
                raise self._error(response, asked) if at_hub else _store_error(response, asked)
            found = response.headers.get("X-Xet-Hash") if at_hub else None
            if found not in (None, pin.etag):
                response.close()
                raise asked.error(SourceChanged, "the object changed since the import was planned")
            pinned = pinned or found is not None
            target = response.get_redirect_location()
            if not target:
                if not pinned:
                    response.close()
                    raise asked.error(SourceChanged, "the Hub's answer lacks the content hash (X-Xet-Hash)")
                return body_of(response, asked, start, length, pin.size)
            drained(response, asked)
            url = urljoin(url, target)
        raise asked.error(AccessDenied, f"the Hub redirects more than {MAX_REDIRECTS} times")

    def _hub(
        self, method: str, url: str, asked: Asked, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> urllib3.BaseHTTPResponse:
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        return self.http.send(method, url, sent, asked, body)

    def _error(self, response: urllib3.BaseHTTPResponse, asked: Asked) -> ObjectError:
        """Map an error. The Hub also answers 401 if a bucket is private or absent and the request has no token."""
        drained(response, asked)
        headers, status = response.headers, response.status
        if status == 401 and not self.token:
            return asked.error(AccessDenied, "there is no such public bucket; a private one needs a token (401)")
        if status == 401 and headers.get("X-Error-Code") == "RepoNotFound":
            return asked.error(AccessDenied, "this token can read no bucket of this name (401)")
        if status == 401:
            return asked.error(CredentialsRejected, "the token is wrong, expired or revoked (401)")
        rate = _RATE.search(headers.get("RateLimit", ""))
        if status == 429 and rate and rate["left"] == "0":
            return asked.limited("the Hub asks for fewer requests (429)", float(rate["seconds"]))
        return status_error(status, headers, asked)


def _store_error(response: urllib3.BaseHTTPResponse, asked: Asked) -> ObjectError:
    """Map an error of the store behind the Hub. The signed URL is the only credential there."""
    drained(response, asked)
    if response.status in (401, 403):
        return asked.error(SourceUnavailable, "the Hub's signed URL has expired")
    return status_error(response.status, response.headers, asked)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _object(item: dict[str, Any]) -> SourceObject:
    changed = item.get("uploadedAt") or item.get("mtime")
    return SourceObject(
        key=key_of(item["path"]),
        size=size_of(item["size"]),
        etag=etag_of(item["xetHash"]),
        modified=timestamp(datetime.fromisoformat(changed)) if changed else None,
    )
