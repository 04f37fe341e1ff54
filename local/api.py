"""A small client of the service's own API, for the local tools and the tests."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TIMEOUT_SECONDS = 60.0


class ApiError(Exception):
    """The API said no. The text is its own `detail`."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Api:
    """Calls below `base_url` with `key` in `X-API-Key` (none if empty)."""

    def __init__(self, base_url: str, key: str) -> None:
        self._base_url = base_url
        self._key = key
        # Loopback only: a proxy of the user's has no business here.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def send(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request, whatever its answer. `body` is sent as it is if bytes, else as JSON."""
        url = self._base_url + path
        if query:
            url += "?" + urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} if data is not None else {}
        if self._key:
            sent["X-API-Key"] = self._key
        request = urllib.request.Request(url, data=data, method=method, headers=sent | dict(headers or {}))
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                return _answer(answer)
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error)

    def call(
        self, method: str, path: str, *, body: object = None, query: Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        """One request that should succeed: its JSON object. Raises `ApiError` on any status from 400."""
        answer = self.send(method, path, body=body, query=query)
        try:
            content = answer.json()
        except ValueError:
            content = {}
        if answer.status >= 400:
            said = content if isinstance(content, dict) else {}
            detail = said.get("detail") or answer.body.decode(errors="replace")[:500] or "no detail"
            raise ApiError(answer.status, said.get("code", ""), f"{method} {path}: {answer.status}: {detail}")
        if not isinstance(content, dict):
            raise ApiError(answer.status, "", f"{method} {path}: not a JSON object: {answer.body[:200]!r}")
        return content

    def pages(self, path: str, name: str, query: Mapping[str, object] | None = None) -> Iterator[dict[str, Any]]:
        """All items of a list, page by page; `name` is the list's key in the answer."""
        cursor = None
        while True:
            page = self.call("GET", path, query={**(query or {}), "cursor": cursor})
            yield from page[name]
            if not page["has_more"]:
                return
            cursor = page["next_cursor"]


def _answer(answer: http.client.HTTPResponse | urllib.error.HTTPError) -> Answer:
    return Answer(status=answer.status or 0, headers=dict(answer.headers.items()), body=answer.read())
