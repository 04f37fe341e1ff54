"""The async client, on a service without a network."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from clipferry import AsyncClipferry, AsyncImport, ConnectionFailed, NotFound, WaitTimeout
from tests.unit.client.service import FakeService, clip, job, page, refusal

T = TypeVar("T")


def run(service: FakeService, use: Callable[[AsyncClipferry], Awaitable[T]]) -> T:
    async def go() -> T:
        async with service.async_client() as client:
            return await use(client)

    return asyncio.run(go())


def test_an_import_is_started_awaited_and_its_clips_are_read() -> None:
    rows = [clip(0), clip(1, "FAILED", code="NOT_FOUND", message="gone")]
    service = FakeService(
        job("PENDING"),
        job("COPYING"),
        job("COMPLETED_WITH_ERRORS"),
        page("clips", rows[:1], "next"),
        page("clips", rows[1:]),
    )
    seen: list[str] = []

    async def use(client: AsyncClipferry) -> tuple[AsyncImport, list[str]]:
        started = await client.imports.create(root_path="s3://clips/")
        ended = await started.wait(progress=lambda now: seen.append(now.status))
        return ended, [one.status async for one in ended.clips()]

    ended, statuses = run(service, use)
    assert (ended.status, seen) == ("COMPLETED_WITH_ERRORS", ["COPYING", "COMPLETED_WITH_ERRORS"])
    assert statuses == ["COPIED", "FAILED"]
    assert [path for _, path in service.asked][-1].endswith("cursor=next")


def test_a_temporary_refusal_is_repeated_after_the_pause_that_the_service_asked_for() -> None:
    service = FakeService(refusal(429, "THROTTLED", **{"Retry-After": "7"}), job())

    async def use(client: AsyncClipferry) -> AsyncImport:
        return await client.imports.get("ij_1")

    assert run(service, use).id == "ij_1"
    assert service.slept[0] >= 7


def test_errors_are_those_of_the_sync_client() -> None:
    async def get(client: AsyncClipferry) -> AsyncImport:
        return await client.imports.get("ij_2")

    with pytest.raises(NotFound, match="no such import"):
        run(FakeService(refusal(404, "NOT_FOUND", "no such import")), get)
    with pytest.raises(ConnectionFailed):
        run(FakeService(*[httpx.ConnectError("refused")] * 5), get)


def test_waiting_ends_after_the_timeout_with_the_last_state() -> None:
    async def use(client: AsyncClipferry) -> None:
        await client.imports.wait("ij_1", timeout=0)

    with pytest.raises(WaitTimeout) as raised:
        run(FakeService(job("COPYING")), use)
    assert isinstance(raised.value.job, AsyncImport)


def test_requests_of_one_client_run_at_the_same_time() -> None:
    """Each answer waits for the other request: calls one after the other would never end."""
    met = asyncio.Barrier(2)

    async def answer(request: httpx.Request) -> httpx.Response:
        await met.wait()
        return httpx.Response(200, json=job(id=request.url.path.rpartition("/")[2]))

    async def use() -> list[str]:
        async with FakeService().async_client(transport=httpx.MockTransport(answer)) as client:
            both = await asyncio.gather(client.imports.get("ij_1"), client.imports.get("ij_2"))
        return [one.id for one in both]

    assert asyncio.run(asyncio.wait_for(use(), 10)) == ["ij_1", "ij_2"]


def test_a_report_is_downloaded_without_the_key(tmp_path: Path) -> None:
    link = {"url": "https://files.example/report.csv?signed", "uri": "s3://state/report.csv", "bytes": 4}
    service = FakeService(link | {"expires_at": "2026-01-01T01:00:00Z"}, httpx.Response(200, content=b"rows"))

    async def use(client: AsyncClipferry) -> None:
        await client.imports.download_report("ij_1", tmp_path / "report.csv")

    run(service, use)
    assert (tmp_path / "report.csv").read_bytes() == b"rows"
    assert "x-api-key" not in service.requests[-1].headers
