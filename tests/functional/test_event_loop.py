"""No way of copying a batch blocks the event loop of all copies: real storage on moto, watched by asyncio."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from service.aws.s3.http.requests import CopyAnswer
from service.aws.s3.session import S3Session
from service.aws.s3.storage import S3Storage
from service.domain.jobs import Tally
from service.domain.requests import ContentValidation, ImportRequest, ImportSettings, OnExisting
from service.imports.copying.batch import copy_batch
from service.imports.copying.watch import BatchWatch
from service.ports.objects import Copier
from service.sources.memory import Memory
from service.sources.patient import PatientSource
from service.sources.s3 import S3Adapter
from service.sources.stream_copy import MIN_PART_BYTES, StreamCopy
from service.sources.streaming import StreamingStorage
from tests.builders import CLIPS_BUCKET, SOURCE_BUCKET, World, a_set, import_list, import_sets, own_access
from tests.fakes.copying import OneCopier
from tests.functional.botorequests import BotoRequests
from tests.loop_watch import SLOW_SECONDS, TRIES, blocking_calls
from tests.paths import DATA

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CLIP = "0b1734b6-2bf0-5e42-8f62-0d5a07cb8c3a.zip"
SMALL = [f"small/{number}.zip" for number in range(5)]
VALID = [f"valid/{number}/{CLIP}" for number in range(8)]
LARGE = [f"large/{number}.zip" for number in range(2)]
"""Each takes two parts."""


class InThreads(BotoRequests):
    """Asks moto in other threads, so that the loop is free meanwhile, as it is while a socket waits."""

    async def put(self, *args: Any, **named: Any) -> CopyAnswer:
        return await asyncio.to_thread(asyncio.run, super().put(*args, **named))

    async def head(self, *args: Any, **named: Any) -> Any:
        return await asyncio.to_thread(asyncio.run, super().head(*args, **named))

    async def get(self, *args: Any, **named: Any) -> Any:
        return await asyncio.to_thread(asyncio.run, super().get(*args, **named))


class Blocking(InThreads):
    """Waits on the loop before each copy."""

    async def put(self, *args: Any, **named: Any) -> CopyAnswer:
        Event().wait(2 * SLOW_SECONDS)
        return await super().put(*args, **named)


AGAIN = ImportSettings(on_existing=OnExisting.OVERWRITE)


def listed(keys: list[str], settings: ImportSettings = AGAIN) -> ImportRequest:
    return import_list([f"s3://{SOURCE_BUCKET}/{key}" for key in keys], settings=settings)


PLAIN, MULTIPART = listed(SMALL), listed(LARGE)
VALIDATED = listed(VALID, replace(AGAIN, content_validation=ContentValidation.STRUCTURE))
GROUPED = import_sets(a_set(*SMALL), settings=AGAIN)


def server_side(requests: BotoRequests) -> S3Storage:
    return S3Storage(own=S3Session(requests, requests.client), clips_bucket=CLIPS_BUCKET)


def streaming(requests: BotoRequests) -> StreamingStorage:
    copier = StreamCopy(client=requests.client, clips_bucket=CLIPS_BUCKET, memory=Memory(4 * MIN_PART_BYTES))
    return StreamingStorage(source=PatientSource(S3Adapter(requests.client)), copier=copier)


@pytest.fixture
def sources(s3: "S3Client") -> "S3Client":
    clip = (DATA / "clipgt" / CLIP).read_bytes()
    bodies = [*((key, b"small") for key in SMALL), *((key, clip) for key in VALID)]
    for key, body in [*bodies, *((key, bytes(MIN_PART_BYTES + 1)) for key in LARGE)]:
        s3.put_object(Bucket=SOURCE_BUCKET, Key=key, Body=body)
    return s3


def blocking_in(request: ImportRequest, storage: S3Storage, copier: Copier, tries: int = TRIES) -> list[str]:
    """Copy the request's batches as a copy function does, again and again; what blocked the loop each time."""

    def scenario() -> None:
        world = World(
            concurrency=4,
            multipart_threshold=MIN_PART_BYTES,
            part_bytes=MIN_PART_BYTES,
            stream_part_bytes=MIN_PART_BYTES,
        )
        world.storage = storage  # type: ignore[assignment]
        world.access, world.copiers = own_access(storage, world.jobs), OneCopier(copier)
        job = world.submit(request)
        world.plan(job.id)
        (batch,) = world.batches(job.id)
        tally = copy_batch(batch, attempt=0, ports=replace(world.copy_ports, watch=BatchWatch))
        assert isinstance(tally, Tally)
        assert tally.copied == batch.count

    return blocking_calls(scenario, tries)


@pytest.mark.parametrize(
    ("asked", "copier_by"),
    [
        pytest.param(PLAIN, server_side, id="plain"),
        pytest.param(VALIDATED, server_side, id="validated"),
        pytest.param(MULTIPART, server_side, id="multipart"),
        pytest.param(GROUPED, server_side, id="grouped"),
        pytest.param(PLAIN, streaming, id="streamed"),
        pytest.param(MULTIPART, streaming, id="streamed-in-parts"),
    ],
)
def test_no_way_of_copying_blocks_the_loop(
    sources: "S3Client", asked: ImportRequest, copier_by: Callable[[BotoRequests], Copier]
) -> None:
    requests = InThreads(sources)
    assert blocking_in(asked, server_side(requests), copier_by(requests)) == []


@pytest.mark.parametrize("asked", [PLAIN, VALIDATED, MULTIPART, GROUPED])
def test_a_call_that_blocks_the_loop_is_reported(sources: "S3Client", asked: ImportRequest) -> None:
    reports = blocking_in(asked, server_side(InThreads(sources)), server_side(Blocking(sources)), tries=2)
    assert all(report.startswith("Executing <Task ") for report in reports)
    assert reports
