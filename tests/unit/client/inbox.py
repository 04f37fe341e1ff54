"""A service and a store that take uploads, without a network."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable
from typing import Any

import httpx

from clipferry import AsyncClipferry, Clipferry
from tests.unit.client.service import BASE_URL, KEY, refusal

STORE = "https://drop.example"


def sha256(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


class Inbox:
    """Answers like the API and S3. `objects` by key, `parts` by upload id; `puts` counts what the store was sent."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.puts: list[tuple[str, str]] = []
        self.keys_sent: list[str | None] = []
        self.refuse: Callable[[str], httpx.Response | Exception | None] = lambda _place: None
        """Called with the place of each PUT (`key` or `upload id/number`): None takes it."""
        self.asked: list[dict[str, Any]] = []
        self.others: Callable[[httpx.Request], httpx.Response] = lambda _request: httpx.Response(404)
        self._lock = threading.Lock()

    def client(self) -> Clipferry:
        return Clipferry(BASE_URL, KEY, transport=httpx.MockTransport(self.answer), sleep=lambda _seconds: None)

    def async_client(self) -> AsyncClipferry:
        async def sleep(_seconds: float) -> None:
            return None

        return AsyncClipferry(BASE_URL, KEY, transport=httpx.MockTransport(self.answer), sleep=sleep)

    def answer(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            if request.url.host == "drop.example":
                return self._put(request)
            path = request.url.path.partition("/prod")[2]
            if not path.startswith("/v1/uploads"):
                return self.others(request)
            body = json.loads(request.content)
            self.asked.append({"path": path, **body})
            return getattr(self, "_" + (path.removeprefix("/v1/uploads").strip("/") or "begin"))(body)  # type: ignore[no-any-return]

    def _put(self, request: httpx.Request) -> httpx.Response:
        place = request.url.path.strip("/")
        self.keys_sent.append(request.headers.get("x-api-key"))
        refused = self.refuse(place)
        if isinstance(refused, Exception):
            raise refused
        if refused is not None:
            return refused
        body = request.content
        if request.headers["x-amz-checksum-sha256"] != base64.b64encode(sha256(body)).decode():
            return httpx.Response(400, content=b"<Error><Code>BadDigest</Code></Error>")
        if "part" in request.url.params:
            upload_id = place
            if upload_id not in self.parts:
                return httpx.Response(404, content=b"<Error><Code>NoSuchUpload</Code></Error>")
            self.parts[upload_id][int(request.url.params["part"])] = body
            self.puts.append((upload_id, request.url.params["part"]))
        else:
            self.objects[place] = body
            self.puts.append((place, ""))
        return httpx.Response(200, headers={"ETag": '"etag"'})

    def _begin(self, body: dict[str, Any]) -> httpx.Response:
        uri = f"s3://drop/inbox/demo/{body['key']}"
        begun = {"uri": uri, "started_at": "2026-01-01T00:00:00.000Z", "link": None, "upload_id": None}
        begun |= {"part_bytes": None, "part_count": None, "expires_at": None}
        if "sha256" in body:
            return httpx.Response(201, json=begun | {"link": self._link(body["key"], body["sha256"])})
        upload_id = f"upload-{len(self.parts)}"
        self.parts[upload_id] = {}
        size = body.get("part_bytes") or 16 * 1024**2
        return httpx.Response(201, json=begun | {"upload_id": upload_id, "part_bytes": size, "part_count": 1})

    def _parts(self, body: dict[str, Any]) -> httpx.Response:
        there = self.parts.get(body["upload_id"])
        if there is None:
            return refusal(404, "UPLOAD_GONE")

        def of(part: dict[str, Any]) -> dict[str, Any]:
            have = base64.b64encode(sha256(there.get(part["number"], b""))).decode()
            link = self._link(body["upload_id"], part["sha256"], f"?part={part['number']}")
            done = part["number"] in there and have == part["sha256"]
            return {"number": part["number"], "link": None if done else link}

        return httpx.Response(200, json={"parts": [of(part) for part in body["parts"]], "expires_at": "later"})

    def _complete(self, body: dict[str, Any]) -> httpx.Response:
        there = self.parts.pop(body["upload_id"], None)
        if there is None:
            return refusal(404, "UPLOAD_GONE")
        numbers = sorted(there)
        digests = b"".join(sha256(there[number]) for number in numbers)
        if body["checksum"] != f"{base64.b64encode(sha256(digests)).decode()}-{len(numbers)}":
            self.parts[body["upload_id"]] = there
            return refusal(409, "UPLOAD_INCOMPLETE")
        self.objects[body["key"]] = b"".join(there[number] for number in numbers)
        return httpx.Response(200, json={"uri": f"s3://drop/inbox/demo/{body['key']}", "etag": "etag-1"})

    def _abort(self, body: dict[str, Any]) -> httpx.Response:
        self.parts.pop(body["upload_id"], None)
        return httpx.Response(204)

    @staticmethod
    def _link(place: str, checksum: str, query: str = "") -> dict[str, Any]:
        return {"url": f"{STORE}/{place}{query}", "headers": {"x-amz-checksum-sha256": checksum}}
