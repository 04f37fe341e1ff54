"""Nothing blocks the event loop of all copies: neither reads of the table nor STS.

A call that blocks waits here until the loop has run something else. On the loop's own thread that would never happen.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.credentials import DeferredRefreshableCredentials

from service.aws.s3.http import event_loop
from service.aws.s3.http.sigv4 import Signer
from service.domain.clips import ClipRow
from service.domain.errors import ObjectError
from service.domain.jobs import Tally
from service.domain.manifest import BatchState, ManifestEntry
from service.domain.objects import Copied
from service.domain.requests import ImportSettings
from service.formats.reader import Reading
from service.imports.copying.batch import copy_batch
from service.imports.copying.context import CopyPorts
from service.imports.copying.watch import BatchWatch
from tests.builders import World
from tests.fakes.copying import OneCopier
from tests.fakes.objects import FakeServerSideCopier

PATIENCE_SECONDS = 20.0


@dataclass
class Blocking:
    """Calls that return only after the loop has answered, as a slow server would."""

    threads: list[str] = field(default_factory=list)
    """Names of the threads that called."""
    called: dict[str, threading.Event] = field(default_factory=lambda: defaultdict(threading.Event))

    def call(self) -> None:
        name = threading.current_thread().name
        self.threads.append(name)
        alive = threading.Event()

        async def answer() -> None:
            alive.set()

        asyncio.run_coroutine_threadsafe(answer(), event_loop.loop())
        assert alive.wait(PATIENCE_SECONDS), "the loop waits for this call"
        self.called[name].set()

    def wait_for(self, name: str) -> None:
        assert self.called[name].wait(PATIENCE_SECONDS), f"the thread {name} called nothing"


@dataclass(frozen=True)
class OnTheLoop(FakeServerSideCopier):
    """Reads entries and reports results on the event loop, as `S3Storage` does. `before` runs before each copy."""

    before: Callable[[ManifestEntry], None]

    def copy_each(
        self,
        entries: Iterable[ManifestEntry],
        settings: ImportSettings,
        settled: Callable[[ManifestEntry, Copied | ObjectError], object],
        *,
        mark_of: Callable[[ManifestEntry], str],
        at_once: int,
        check: Callable[[ManifestEntry], Reading[bool]] | None = None,  # noqa: ARG002  # nothing here is checked
    ) -> None:
        async def copy(entry: ManifestEntry) -> None:
            await asyncio.to_thread(self.before, entry)
            settled(entry, self.storage.copy(entry, settings, mark=mark_of(entry)))

        event_loop.run(event_loop.each(copy, entries, at_once=at_once))


def test_the_batchs_state_and_rows_go_by_other_threads_while_copies_are_in_flight() -> None:
    world, blocking = World(concurrency=4, batch_clips=300), Blocking()
    job = world.planned_list(world.put_sources(300))
    (batch,) = world.batches(job.id)

    def before(entry: ManifestEntry) -> None:
        blocking.wait_for("batch-watch")
        if entry.ordinal > 200:
            blocking.wait_for("rows")

    copier = OnTheLoop(world.storage, before)
    read, put = world.jobs.batch_state, world.clips.settle_each

    def batch_state(*args: Any, **named: Any) -> BatchState:
        blocking.call()
        return read(*args, **named)

    def put_rows(job_id: str, rows: Sequence[ClipRow], *, run: int = 0) -> Sequence[ClipRow]:
        blocking.call()
        return put(job_id, rows, run=run)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.jobs, "batch_state", batch_state)
        patch.setattr(world.clips, "settle_each", put_rows)
        ports = CopyPorts(
            jobs=world.jobs,
            clips=world.clips,
            state=world.state,
            copiers=lambda _: OneCopier(copier),
            restorer=lambda _: world.storage,
            bucket=world.storage,
            drop=world.storage,
            large=world.large,
            clock=world.clock,
            copies_at_once=4,
            threads=4,
            multipart_threshold=10**9,
            part_bytes=10**8,
            watch=lambda look: BatchWatch(look, seconds=0.01),
        )
        assert copy_batch(batch, attempt=0, ports=ports) == Tally(copied=300, bytes=3_000)
    assert "s3" not in blocking.threads


def test_a_roles_keys_are_renewed_in_a_thread_once_for_all_requests() -> None:
    blocking = Blocking()
    ends: Sequence[timedelta] = (timedelta(minutes=5), timedelta(hours=1))

    def assume() -> dict[str, str]:
        end = datetime.now(UTC) + ends[min(len(blocking.threads), 1)]
        blocking.call()
        number = len(blocking.threads)
        return {"access_key": f"key{number}", "secret_key": "s", "token": "t", "expiry_time": end.isoformat()}

    signer = Signer(DeferredRefreshableCredentials(assume, "sts-assume-role"), "eu-central-1")

    async def keys(requests: int) -> set[str | None]:
        found = await asyncio.gather(*(signer.keys() for _ in range(requests)))
        return {one.access_key for one in found}

    assert event_loop.run(keys(50)) <= {"key1", "key2"}
    assert event_loop.run(keys(50)) == {"key2"}, "the first session was about to end"
    assert event_loop.run(keys(50)) == {"key2"}
    assert len(blocking.threads) == 2
    assert "s3" not in blocking.threads
