"""Buckets, datasets and models of Hugging Face through the Hub's HTTP API, as `huggingface_hub` uses it.

`hub_files.py` has the URLs (docs/decisions/0030 and 0100). A listing has pages by `Link`. The URL of a file's bytes
names the content in a header and redirects to a signed URL on another host, which must not receive the token.
"""

import heapq
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3

from service.domain.errors import (
    AccessDenied,
    CredentialsRejected,
    ObjectError,
    ObjectMissing,
    ObjectRejected,
    SourceChanged,
    SourceUnavailable,
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
    json_of,
    key_of,
    reading,
    status_error,
)
from service.sources.hub_files import BucketFiles, HubFiles, RepoFiles, revision_url
from service.sources.patience import Patience
from service.sources.port import Pin, SourceObject
from service.support.clock import timestamp
from service.web.addresses import AddressRule

DEFAULT_ENDPOINT = "https://huggingface.co"
WINDOW_OBJECTS = 100_000
"""Maximum objects in memory. The Hub lists in any order, so the adapter sorts; longer listings take several passes."""
PAGE_OBJECTS = 1000
MAX_REDIRECTS = 5
MAX_COMMITS = 200
"""Commits whose properties a process keeps. They never change."""
_COMMIT = re.compile("[0-9a-f]{40}")
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
    commits: dict[str, RepoFiles] = field(default_factory=dict, repr=False)
    """The files of known commits, by `Location.bucket`. Branches and tags are asked for anew."""
    elsewhere: Http = field(init=False, repr=False)
    """For the hosts to which the Hub redirects."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "elsewhere", Http.of(16, self.rule))

    def list_pages(
        self, location: Location, *, start_after: str, patience: Patience
    ) -> Iterator[Sequence[SourceObject]]:
        """Yield an empty page once the Hub answers: the first sorted one takes the whole listing."""
        asked, after = Asked("list", location), start_after
        files = patience(lambda: self._files(location, None, asked), str(location))
        while True:
            listed = self._listed(files, asked, patience)
            first = next(listed)
            yield ()
            later = (found for page in chain([first], listed) for found in page if found.key > after)
            smallest = heapq.nsmallest(self.window, later, key=lambda found: found.key)
            pages = iter(smallest)
            while page := list(islice(pages, PAGE_OBJECTS)):
                yield page
            if len(smallest) < self.window:
                return
            after = smallest[-1].key

    def _listed(self, files: HubFiles, asked: Asked, patience: Patience) -> Iterator[Sequence[SourceObject]]:
        """Yield pages of the files whose path begins with the location's key, in the Hub's order; at least one."""
        location = asked.location
        url: str | None = f"{self.endpoint}{files.tree(location.key)}"
        while url:
            items, url = patience(lambda url=url: self._page(url, asked), str(location))  # type: ignore[misc]
            with reading(asked):
                below = [item for item in items if item["type"] == "file" and item["path"].startswith(location.key)]
                found = [files.object(item) for item in below]
            yield found

    def _page(self, url: str, asked: Asked) -> tuple[list[dict[str, Any]], str | None]:
        response = self._api("GET", url, asked)
        if response.status == 404 and asked.location.is_repository and _code(response) == "EntryNotFound":
            drained(response, asked)
            return [], None  # no such folder
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

    def list_as_of(self, location: Location, *_: object, **__: object) -> Iterator[Sequence[ListedObject]]:
        message = "as_of is not supported on Hugging Face; name a commit as @revision"
        raise Asked("list", location).error(ObjectRejected, message)

    def stat(self, location: Location, version: str | None) -> SourceObject:
        """`version` is a commit of a dataset or model; buckets keep no versions."""
        asked = Asked("inspect", location)
        files = self._files(location, version, asked)
        body = json.dumps({"paths": [location.key]}).encode()
        response = self._api("POST", f"{self.endpoint}{files.info}", asked, body)
        if response.status >= 300:
            raise self._error(response, asked)
        found = json_of(response, asked)
        with reading(asked):
            for item in found:
                if item["path"] == location.key and item.get("type", "file") == "file":
                    return files.object(item)
        raise asked.error(ObjectMissing, "there is no such object")

    def restore(self, location: Location, archive: str, how: Restore, version: str | None) -> None:  # noqa: ARG002
        raise Asked("restore", location).error(ObjectRejected, "the store has no archived objects")

    def commit_of(self, location: Location) -> str | None:
        files = self._files(location, None, Asked("read the commit of", location))
        return files.commit if isinstance(files, RepoFiles) else None

    def tags(self, location: Location, version: str | None) -> Mapping[str, str]:  # noqa: ARG002
        return {}

    def open(self, location: Location, start: int, length: int, pin: Pin) -> HttpBody:
        asked = Asked("read", location)
        span = {"Range": f"bytes={start}-{start + length - 1}", "Accept-Encoding": "identity"}
        files = self._files(location, pin.version, asked)
        url = f"{self.endpoint}{files.resolve(location.key)}"
        pinned = False
        for _ in range(MAX_REDIRECTS):
            at_hub = _origin(url) == _origin(self.endpoint)
            response = self._hub("GET", url, asked, span) if at_hub else self.elsewhere.send("GET", url, span, asked)
            if response.status >= 400:
                raise self._error(response, asked) if at_hub else _store_error(response, asked)
            named = files.named(response.headers, pin) if at_hub else None
            if named is False:
                response.close()
                raise asked.error(SourceChanged, "the object changed since the import was planned")
            pinned = pinned or named is not None
            target = response.get_redirect_location()
            if not target:
                if not pinned:
                    response.close()
                    lacking = "commit (X-Repo-Commit)" if location.is_repository else "content hash (X-Xet-Hash)"
                    raise asked.error(SourceChanged, f"the Hub's answer lacks the {lacking}")
                return body_of(response, asked, start, length, pin.size)
            drained(response, asked)
            url = urljoin(url, target)
        raise asked.error(AccessDenied, f"the Hub redirects more than {MAX_REDIRECTS} times")

    def remove(self, location: Location, pin: Pin) -> None:  # noqa: ARG002
        raise Asked("delete", location).error(ObjectRejected, "this service deletes nothing on Hugging Face")

    def _files(self, location: Location, commit: str | None, asked: Asked) -> HubFiles:
        """Return where the files are. Without a commit, ask which one the revision names, unless it is a commit."""
        if not location.is_repository:
            return BucketFiles(location.bucket)
        if commit:
            return RepoFiles(location.container, commit)
        if known := self.commits.get(location.bucket):
            return known
        response = self._api("GET", f"{self.endpoint}{revision_url(location)}", asked)
        if response.status >= 300:
            raise self._error(response, asked)
        found = json_of(response, asked)
        with reading(asked):
            changed = timestamp(datetime.fromisoformat(found["lastModified"]))
            files = RepoFiles(location.container, key_of(found["sha"]), changed)
        if _COMMIT.fullmatch(files.commit):
            while len(self.commits) >= MAX_COMMITS:
                self.commits.pop(next(iter(self.commits)), None)
            self.commits[f"{location.container}@{files.commit}"] = files
        return files

    def _api(self, method: str, url: str, asked: Asked, body: bytes | None = None) -> urllib3.BaseHTTPResponse:
        """Ask the Hub. It redirects from a former name of a repository to its present one, without a host."""
        for _ in range(MAX_REDIRECTS):
            response = self._hub(method, url, asked, body=body)
            target = response.get_redirect_location()
            if not target or urlsplit(target).netloc:
                break
            drained(response, asked)
            url = urljoin(url, target)
        return response

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
        headers, status, kind = response.headers, response.status, asked.location.bucket.partition("/")[0]
        kind = kind.removesuffix("s") if asked.location.is_repository else "bucket"
        if status in (401, 403) and _code(response) == "GatedRepo":
            needed = "this token's account must accept its conditions on the Hub" if self.token else "it needs a token"
            return asked.error(AccessDenied, f"the {kind} is gated: {needed} ({status})")
        if status == 404 and _code(response) == "RevisionNotFound":
            return asked.error(ObjectMissing, "there is no such revision (404); write a slash in its name as %2F")
        if status == 401 and not self.token:
            return asked.error(AccessDenied, f"there is no such public {kind}; a private one needs a token (401)")
        if status == 401 and _code(response) == "RepoNotFound":
            return asked.error(AccessDenied, f"this token can read no {kind} of this name (401)")
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


def _code(response: urllib3.BaseHTTPResponse) -> str | None:
    return response.headers.get("X-Error-Code")
