"""Copy functions that process an import's batches as the state machine runs them: a child per batch.

Real: splitting into batches (`service.domain.batching.cut_batches` on the parts of a manifest), requests and retries
(`S3Requests`), the rate limiter (`InFlight`, one per sandbox, for its life), the order of a batch's clips
(`service.aws.s3.http.event_loop.each`), the transient errors (`is_passing`). `simulation.models` models the rest.
"""

import asyncio
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.simulation.models import (
    CHECK_CPU_SECONDS,
    COLD_CPU_SECONDS,
    COLD_SECONDS,
    CONNECT_CPU_SECONDS,
    COPY_CPU_SECONDS,
    READ_CPU_SECONDS,
    ROW_CPU_SECONDS,
    TRANSACTION_SECONDS,
    WRITE_SECONDS,
    Cpu,
    ModelledS3,
    ModelledTable,
)
from service.aws.clients import PATIENT, Untaken, is_passing
from service.aws.dynamodb.clips import LONGEST_PUT_WAIT, PUT_ATTEMPTS, ROWS_A_REQUEST
from service.aws.s3.http.connections import Answer, Connections, Endpoint
from service.aws.s3.http.event_loop import each
from service.aws.s3.http.rate_limiter import InFlight
from service.aws.s3.http.requests import Place, S3Requests
from service.aws.s3.http.sigv4 import Signer
from service.domain import manifest
from service.domain.batching import PART_CLIPS, cut_batches
from service.imports.copying.watch import WATCH_SECONDS
from service.imports.lifecycle.turns import BatchTurn, NoTurn, TurnPorts, Wait
from service.imports.previews.estimate import READ_SECONDS

CHILD_SECONDS = 0.1
"""Seconds of a child besides its function: start, states, end. An assumption."""
CHILDREN_PER_SECOND = 100
"""Children that a map begins per second: an assumption, far above what an import needs. The states stay far below an
account's 500 a second (Step Functions' quotas, regions other than the three largest)."""
ROUND_SECONDS = 720.0
"""A call of 900 s begins nothing in its last 180 s (`lambdas.copy.MARGIN_MS`)."""
RETRIES, RETRY_SECONDS = 4, 2.0
"""Retries of a failed batch, and seconds before the first: doubled each time, with full jitter (stacks/machine.py)."""
ROW_TRIES = 3
"""Tries to write the rows that BatchWriteItem left unprocessed, without a wait (pynamodb's `BatchWrite.commit`)."""
THROTTLED_WAITS = (0.05, 0.1, 0.2)
"""Seconds between tries after BatchWriteItem failed completely (botocore's `legacy` retries, as pynamodb sets them)."""
THROTTLED_SECONDS, THROTTLED_GROWTH, LONGEST_THROTTLED_WAIT = 2.0, 1.1, 900.0
"""The first wait for a throttled function, how much longer each next one is, and the longest (stacks/retries.py)."""
COMMIT_ATTEMPTS, COMMIT_WAIT, LONGEST_COMMIT_WAIT = 8, 0.05, 2.0
"""The same as in `service.aws.dynamodb.transactions.commit`."""

_KEY_AT = len(b"PUT /clips/")
_KEY_END = _KEY_AT + 10
_HEADERS = {
    "x-amz-copy-source": "fleet-recordings/2026/11/22/clip.zip",
    "x-amz-copy-source-if-match": '"00000000000000000000000000000000"',
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The deploy settings that matter here, and the copy function's memory."""

    batch_clips: int
    batch_bytes: int
    map_concurrency: int
    copy_concurrency: int
    memory_mb: int
    reads_per_clip: int = 0
    """Range reads per clip for `structure` checks: 1 or 2; 0: no checks."""


class Unfinished(Exception):
    """A failed call: a transient error, or rows or counts that were not written."""


@dataclass(eq=False)
class Batch:
    first: int
    count: int
    project: str = "a"
    """Its import's project. Here each project has one import."""
    written: set[int] = field(default_factory=set)
    """Clips that have a row."""
    wait: Wait | None = None
    """How long its next call waits for a turn."""


def batches_of(clips: int, clip_bytes: int, settings: Settings) -> Iterator[Batch]:
    """Split like `ManifestWriter`: within parts, by the batch rule."""
    known: dict[int, list[tuple[int, int]]] = {}
    for part in range(0, clips, PART_CLIPS):
        lines = min(PART_CLIPS, clips - part)
        if lines not in known:
            sizes = [clip_bytes] * lines
            known[lines] = list(cut_batches(sizes, max_clips=settings.batch_clips, max_bytes=settings.batch_bytes))
        for first, count in known[lines]:
            yield Batch(part + first, count)


class Unsigned(Signer):
    """Does not sign: a copy's measured CPU includes signing, and no modelled answer checks it."""

    def sign(self, keys: object, method: str, path: str, query: str, headers: Mapping[str, str]) -> dict[str, str]:  # noqa: ARG002
        return dict(headers)


@dataclass
class ModelledConnections(Connections):
    """The requests of one sandbox wait for its CPU, then reach S3. Opened connections stay open."""

    s3: ModelledS3 = field(kw_only=True)
    cpu: Cpu = field(kw_only=True)
    loop: asyncio.AbstractEventLoop = field(kw_only=True)
    opened: int = 0
    in_use: int = 0

    async def exchange(self, host: str, request: bytes, **_how: object) -> Answer:  # noqa: ARG002
        seconds = COPY_CPU_SECONDS
        self.in_use += 1
        if self.in_use > self.opened:
            self.opened += 1
            seconds += CONNECT_CPU_SECONDS
        loop = self.loop
        answered: asyncio.Future[Answer] = loop.create_future()
        at = self.cpu.done_at(loop.time(), seconds)
        loop.call_at(at, self.s3.arrive, int(request[_KEY_AT:_KEY_END]), answered)
        try:
            return await answered
        finally:
            self.in_use -= 1


class Sandbox:
    """One copy function's process."""

    def __init__(self, fleet: "Fleet") -> None:
        self.cpu = Cpu(fleet.settings.memory_mb)
        self.connections = ModelledConnections(443, True, PATIENT, s3=fleet.s3, cpu=self.cpu, loop=fleet.loop)
        endpoint = Endpoint("s3.us-east-1.amazonaws.com", 443, tls=True, bucket_in_host=True)
        self.requests = S3Requests(
            home=Place(endpoint, Unsigned(Credentials("key", "secret"), "us-east-1")),
            connections=self.connections,
            in_flight=InFlight(fleet.settings.copy_concurrency),  # like lambdas.wiring.copy
            attempts=PATIENT.attempts,
        )


class Fleet:
    """The map's children and their functions. Run them with `copy_all`."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        s3: ModelledS3,
        table: ModelledTable,
        settings: Settings,
        *,
        turns: TurnPorts | None = None,
        reserved: int = 0,
    ) -> None:
        """`turns`: batches take turns. `reserved`: calls at once, of all imports; 0: any number."""
        self.loop, self.s3, self.table, self.settings = loop, s3, table, settings
        self._turns, self._reserved, self._running = turns, reserved, 0
        self.first_copied: dict[str, float] = {}
        """When the first clip of each project was copied."""
        self.waits = self.throttled = 0
        """Calls that ended because it was not their turn, and calls that Lambda refused."""
        self.sandboxes: list[Sandbox] = []
        self._idle: list[Sandbox] = []
        self.billed_seconds = 0.0
        self.calls = self.batches = self.batches_tried_again = self.lost_batches = 0
        self.out_of_attempts = self.without_turn = 0
        self.counted = 0
        """Clips of the batches whose counts were recorded."""

    async def copy_all(self, batches: Iterator[Batch]) -> None:
        async def child(batch: Batch) -> None:
            self.batches += 1
            await asyncio.sleep(CHILD_SECONDS)
            await self._child(batch)

        async def begun(children: int) -> None:
            """Start children one after the other."""
            await asyncio.sleep(children / CHILDREN_PER_SECOND)
            for batch in batches:
                await child(batch)

        await asyncio.gather(*(begun(number) for number in range(self.settings.map_concurrency)))

    async def _child(self, batch: Batch) -> None:
        for attempt in range(RETRIES + 1):
            if attempt:
                self.batches_tried_again += 1
                await asyncio.sleep(random.uniform(0, RETRY_SECONDS * 2 ** (attempt - 1)))
            try:
                while not await self._call(batch):
                    if batch.wait:
                        self.waits += 1
                        await asyncio.sleep(batch.wait.seconds)
            except Unfinished:
                continue
            self.counted += batch.count
            return
        self.lost_batches += 1

    async def _call(self, batch: Batch) -> bool:
        """Run one call of the copy function; False if its time was over before the batch was complete."""
        await self._admitted()
        began = self.loop.time()
        sandbox = self._idle.pop() if self._idle else None
        if sandbox is None:
            sandbox = Sandbox(self)
            self.sandboxes.append(sandbox)
            await asyncio.sleep(COLD_SECONDS + COLD_CPU_SECONDS * sandbox.cpu.slowness)
        try:
            return await self._copy_batch(sandbox, batch, began)
        finally:
            self._idle.append(sandbox)
            self._running -= 1
            self.calls += 1
            self.billed_seconds += math.ceil((self.loop.time() - began) * 1000) / 1000

    async def _admitted(self) -> None:
        """Wait as the state machine does while Lambda throttles the function (stacks/retries.py)."""
        wait = THROTTLED_SECONDS
        while self._reserved and self._running >= self._reserved:
            self.throttled += 1
            await asyncio.sleep(random.uniform(0, wait))
            wait = min(LONGEST_THROTTLED_WAIT, wait * THROTTLED_GROWTH)
        self._running += 1

    async def _copy_batch(self, sandbox: Sandbox, batch: Batch, began: float) -> bool:
        """Like `service.imports.copying.batch.copy_batch`, for clips that are copied whole."""
        await asyncio.sleep(2 * READ_SECONDS)  # the batch's state, its slice of the manifest
        turn = self._turn(batch)
        if self._turns:
            await asyncio.sleep(3 * WRITE_SECONDS)
        batch.wait = turn.take(batch.project)
        if batch.wait:
            return False
        watching = self.loop.create_task(self._watch(turn))
        try:
            done = await self._copied(sandbox, batch, began, turn)
        finally:
            watching.cancel()
            turn.end()
        if not done:
            batch.wait = turn.wait_again()
        return done

    def _turn(self, batch: Batch) -> BatchTurn | NoTurn:
        if self._turns is None:
            return NoTurn()
        named = manifest.Batch(
            job_id=batch.project,
            number=batch.first,
            part_key="",
            part_etag="",
            start=0,
            length=0,
            first=batch.first,
            count=batch.count,
        )
        return BatchTurn(named, self._turns, since=batch.wait.since if batch.wait else None)

    async def _watch(self, turn: BatchTurn | NoTurn) -> None:
        """Like `service.imports.copying.watch`."""
        while self._turns:
            await asyncio.sleep(WATCH_SECONDS)
            turn.look()

    async def _copied(self, sandbox: Sandbox, batch: Batch, began: float, turn: BatchTurn | NoTurn) -> bool:
        pending = [clip for clip in range(batch.first, batch.first + batch.count) if clip not in batch.written]
        settled: list[int] = []
        faults = 0
        put = sandbox.requests.put

        def beginning() -> Iterator[int]:
            for clip in pending:
                if self.loop.time() - began > ROUND_SECONDS or (turn.lost and clip != pending[0]):
                    return
                yield clip

        async def copy(clip: int) -> None:
            nonlocal faults
            if reads := self.settings.reads_per_clip:
                await self._check(sandbox, clip, reads)
            try:
                await put("CopyObject", "clips", f"clips/{clip:010d}.zip", _HEADERS)
            except (ClientError, BotoCoreError) as error:
                if not is_passing(error):
                    raise
                faults += 1
                if isinstance(error, Untaken):
                    self.without_turn += 1
                else:
                    self.out_of_attempts += 1
            else:
                settled.append(clip)
                self.first_copied.setdefault(batch.project, self.loop.time())

        await each(copy, beginning(), at_once=min(self.settings.copy_concurrency, len(pending) or 1))
        await self._write(sandbox, batch, settled)
        if faults:
            raise Unfinished
        if len(settled) < len(pending):
            return False
        await self._count()
        return True

    async def _check(self, sandbox: Sandbox, clip: int, reads: int) -> None:
        """Like a check of structure on the event loop."""
        loop = self.loop
        for _ in range(reads):
            await asyncio.sleep(sandbox.cpu.done_at(loop.time(), READ_CPU_SECONDS) - loop.time())
            await self.s3.read(clip)
        await asyncio.sleep(sandbox.cpu.done_at(loop.time(), CHECK_CPU_SECONDS) - loop.time())

    async def _write(self, sandbox: Sandbox, batch: Batch, settled: list[int]) -> None:
        """Write rows. Raises `Unfinished` if the retries do not suffice."""
        loop = self.loop
        for start in range(0, len(settled), ROWS_A_REQUEST):
            rows = settled[start : start + ROWS_A_REQUEST]
            await asyncio.sleep(sandbox.cpu.done_at(loop.time(), ROW_CPU_SECONDS * len(rows)) - loop.time())
            for attempt in range(1, PUT_ATTEMPTS + 1):
                left = await self._put(rows)
                batch.written.update(set(rows).difference(left) if left else rows)
                if not left:
                    break
                rows = left
                await asyncio.sleep(random.uniform(0, min(LONGEST_PUT_WAIT, 0.1 * 2**attempt)))
            else:
                raise Unfinished

    async def _put(self, rows: list[int]) -> list[int]:
        """Write rows; return those that are left when the retries are used up."""
        for _ in range(ROW_TRIES):
            for wait in (*THROTTLED_WAITS, None):
                await asyncio.sleep(WRITE_SECONDS)
                left = self.table.write(rows, self.loop.time())
                if len(left) < len(rows):
                    break
                if wait is None:
                    return left
                await asyncio.sleep(wait)
            rows = left
            if not rows:
                break
        return rows

    async def _count(self) -> None:
        """Like `DynamoJobs.record_batch`. Raises `Unfinished` if the conflicts do not end."""
        for attempt in range(1, COMMIT_ATTEMPTS + 1):
            begun = self.table.begin_transaction(self.loop.time())
            await asyncio.sleep(TRANSACTION_SECONDS)
            if begun:
                return
            await asyncio.sleep(random.uniform(0, min(LONGEST_COMMIT_WAIT, COMMIT_WAIT * 2**attempt)))
        raise Unfinished
