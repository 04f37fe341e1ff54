"""A fake service with prepared answers, without a network."""

import json
from collections import deque
from typing import Any

import httpx

from clipferry import AsyncClipferry, Clipferry

BASE_URL = "https://clips.example/prod"
KEY = "cf_000000000000_secret"

Answer = httpx.Response | Exception


def refusal(status: int, code: str, detail: str = "no", **headers: str) -> httpx.Response:
    return httpx.Response(
        status, json={"detail": detail, "code": code}, headers={"x-amzn-RequestId": "request-1"} | headers
    )


def counts(**given: int) -> dict[str, int]:
    fates = {name: given.get(name, 0) for name in ("pending", "copied", "skipped", "failed", "cancelled")}
    return fates | {"total": sum(fates.values()), "bytes": given.get("bytes", 0)}


def job(status: str = "COMPLETED", **given: Any) -> dict[str, Any]:
    """Return the API's answer for an import."""
    return {
        "id": "ij_1",
        "status": status,
        "project": "demo",
        "source": {"kind": "prefix", "uri": "s3://clips/", "count": None},
        "trigger": "request",
        "door": "api",
        "key_id": "key_1",
        "folder": None,
        "labels": [],
        "run_name_prefix": None,
        "test_run_group_name": "group-1",
        "filters": None,
        "settings": {"on_existing": "skip"},
        "execution_settings_id": None,
        "integration_id": None,
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": "2026-01-01T00:00:09.000Z",
        "completed_at": "2026-01-01T00:01:10.000Z" if status.startswith(("COMPLETED", "FAILED", "CANC")) else None,
        "cancel_requested": False,
        "run": 0,
        "runs": [],
        "counts": counts(copied=2, bytes=200),
        "rate": None,
        "eta_seconds": None,
        "code": None,
        "message": None,
        "webhook": None,
    } | given


def clip(ordinal: int = 0, status: str = "COPIED", **given: Any) -> dict[str, Any]:
    return {
        "id": f"ij_1-{ordinal}",
        "status": status,
        "source_uri": f"s3://clips/{ordinal}.zip",
        "destination": f"s3://mine/{ordinal}.zip",
        "run_name": str(ordinal),
        "clip_id": str(ordinal),
        "original_clipgt_url": f"s3://clips/{ordinal}.zip",
        "size": 100,
        "etag": "e",
        "verified": "etag",
        "facts": None,
        "code": None,
        "message": None,
        "view": None,
        "set": None,
        "content": None,
        "content_code": None,
        "content_message": None,
        "overruled": None,
    } | given


def failures(*groups: dict[str, Any], complete: bool = True) -> dict[str, Any]:
    """Return the API's answer for an import's failures."""
    return {"groups": list(groups), "complete": complete}


def group(code: str, count: int = 1, **given: Any) -> dict[str, Any]:
    """Return the clips that failed with one code, as the API counts them."""
    examples = [clip(0, "FAILED", code=code, message="no")]
    return {"status": "FAILED", "code": code, "count": count, "failed_check": 0, "examples": examples} | given


def page(name: str, rows: list[dict[str, Any]], cursor: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={name: rows, "next_cursor": cursor, "has_more": cursor is not None})


class FakeService:
    """Answers each request with the next of `answers` (JSON with 200). Records requests and pauses."""

    def __init__(self, *answers: Answer | object) -> None:
        self._answers = deque(answers)
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []

    def client(self, **options: Any) -> Clipferry:
        return Clipferry(BASE_URL, KEY, transport=httpx.MockTransport(self.answer), sleep=self.slept.append, **options)

    def async_client(self, **options: Any) -> AsyncClipferry:
        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        options.setdefault("transport", httpx.MockTransport(self.answer))
        return AsyncClipferry(BASE_URL, KEY, sleep=sleep, **options)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert self._answers, f"one request too many: {request.method} {request.url}"
        given = self._answers.popleft()
        if callable(given):
            given = given(request)
        if isinstance(given, Exception):
            raise given
        return given if isinstance(given, httpx.Response) else httpx.Response(200, json=given)

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Return the method and the path with query of each request."""
        base = httpx.URL(BASE_URL).raw_path.decode()
        return [(one.method, one.url.raw_path.decode().removeprefix(base)) for one in self.requests]

    def body(self, index: int = -1) -> Any:
        return json.loads(self.requests[index].content)
