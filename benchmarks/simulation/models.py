"""Models of AWS: S3's rate of copies, a function's CPU, DynamoDB's partitions. Times are seconds of the loop.

Each figure names its source, or says "assumption".
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import md5

from service.aws.dynamodb.keys_of_rows import CLIP_SHARDS, clip_pk
from service.aws.s3.http.connections import Answer
from service.imports.previews.estimate import COPIES_PER_SECOND, COPY_BYTES_PER_SECOND, COPY_SECONDS, READ_SECONDS

# --- S3 --------------------------------------------------------------------------------------------------------------

BURST_SECONDS = 0.1
"""Requests that a prefix accepts at once, as a share of its rate: an assumption. S3 publishes none."""
SPREAD = 0.3
"""Spread of copy times (standard deviation of their logarithm): an assumption."""
READS_PER_SECOND = 5_500
"""GETs per second that S3 accepts at least below one partitioned prefix (S3 user guide, "Optimizing performance")."""
REFUSAL_SECONDS = 0.015
"""Seconds until S3 answers 503: an assumption."""

_COPIED = (
    b'<CopyObjectResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LastModified>2026-11-22T17:00:00.000Z'
    b"</LastModified><ETag>&quot;00000000000000000000000000000000&quot;</ETag></CopyObjectResult>"
)
_REFUSED = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
COPIED = Answer(200, {"content-type": "application/xml"}, _COPIED)
REFUSED = Answer(503, {"content-type": "application/xml"}, _REFUSED)


class TokenBucket:
    """Allows `rate` per second on average and `burst` at once; full at the beginning."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self._tokens, self._at = burst, 0.0

    def take(self, now: float) -> bool:
        tokens = self._tokens + (now - self._at) * self.rate
        self._at = now
        if tokens > self.burst:
            tokens = self.burst
        if tokens < 1.0:
            self._tokens = tokens
            return False
        self._tokens = tokens - 1.0
        return True


class ModelledS3:
    """Accepts copies while their prefix has rate left, and answers 503 beyond it. A copy takes time for its bytes.

    Clips are spread evenly over the prefixes. The model leaves out S3's own splitting of a busy prefix (after half
    an hour or so) and any limit on bandwidth: AWS states none for copies inside a region.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, prefixes: int, clips: int, clip_bytes: int, seed: int):
        rate = COPIES_PER_SECOND
        self._loop, self._count = loop, prefixes
        self._prefixes = [TokenBucket(rate, rate * BURST_SECONDS) for _ in range(prefixes)]
        self._seconds = COPY_SECONDS + clip_bytes / COPY_BYTES_PER_SECOND
        self._gauss = random.Random(seed).lognormvariate
        self._reads_end = [0.0] * prefixes
        self.reads = 0
        self.tries = bytearray(clips)
        """Requests for each clip."""
        self.copies = bytearray(clips)
        """Accepted copies of each clip."""
        self.taken: list[int] = []
        """Copies begun, by second of the loop."""
        self.refused = 0
        self.in_flight = self.most_in_flight = 0

    def arrive(self, clip: int, answered: "asyncio.Future[Answer]") -> None:
        """Receive a request for this clip now."""
        now = self._loop.time()
        tries = self.tries
        if tries[clip] < 255:
            tries[clip] += 1
        if not self._prefixes[clip % self._count].take(now):
            self.refused += 1
            self._loop.call_at(now + REFUSAL_SECONDS, _answer, answered, REFUSED)
            return
        second = int(now)
        taken = self.taken
        while len(taken) <= second:
            taken.append(0)
        taken[second] += 1
        self.copies[clip] += 1
        self.in_flight += 1
        if self.in_flight > self.most_in_flight:
            self.most_in_flight = self.in_flight
        seconds = self._seconds * self._gauss(-SPREAD * SPREAD / 2, SPREAD)
        self._loop.call_at(now + seconds, self._end, answered)

    async def read(self, clip: int) -> None:
        """Read a range of this clip's source. Reads above the rate wait: the model has no 503s for them."""
        now = self._loop.time()
        prefix = clip % self._count
        self._reads_end[prefix] = turn = max(now, self._reads_end[prefix]) + 1 / READS_PER_SECOND
        self.reads += 1
        await asyncio.sleep(turn - now + READ_SECONDS * self._gauss(-SPREAD * SPREAD / 2, SPREAD))

    def _end(self, answered: "asyncio.Future[Answer]") -> None:
        self.in_flight -= 1
        _answer(answered, COPIED)


def _answer(answered: "asyncio.Future[Answer]", answer: Answer) -> None:
    if not answered.done():
        answered.set_result(answer)


# --- Lambda ----------------------------------------------------------------------------------------------------------

VCPU_MB = 1_769
"""Memory with one vCPU; less memory has proportionally less (Lambda developer guide, "Configure memory")."""
COPY_CPU_SECONDS = 0.00017
"""CPU seconds of one copy in the worker, with its manifest entry and its row: measured by `benchmarks.copy`."""
READ_CPU_SECONDS = 0.00015
"""CPU seconds of one range read: measured by `benchmarks.copy --content-validation structure`."""
CHECK_CPU_SECONDS = 0.0008
"""CPU seconds to check a ClipGT zip's structure without its reads; a film takes a tenth: by `benchmarks.corpus`."""
ROW_CPU_SECONDS = 0.00011
"""CPU seconds to write one row: measured by `benchmarks.rows`."""
CONNECT_CPU_SECONDS = 0.001
"""CPU seconds to open a TLS connection: an assumption."""
COLD_CPU_SECONDS = 0.39
"""CPU seconds to import the copy function: measured by `benchmarks.start`."""
COLD_SECONDS = 0.25
"""Seconds to start a new sandbox before it imports anything: an assumption."""


class Cpu:
    """The CPU of one function. It does one piece of work at a time; Python uses at most one vCPU."""

    def __init__(self, memory_mb: int) -> None:
        self.slowness = 1 / min(1.0, memory_mb / VCPU_MB)
        self._free_at = 0.0

    def done_at(self, now: float, seconds: float) -> float:
        """Return when work submitted now is done. `seconds` is its time on a whole vCPU."""
        free_at = self._free_at
        self._free_at = (max(now, free_at)) + seconds * self.slowness
        return self._free_at


# --- DynamoDB --------------------------------------------------------------------------------------------------------

PARTITION_UNITS = 1_000
"""Writes per second of one partition (DynamoDB developer guide, "Burst and adaptive capacity")."""
WARM_UNITS = 4_000
"""Writes per second that a new on-demand table, or its index, accepts at once ("On-demand capacity mode")."""
SPLIT_SECONDS = 600.0
"""Seconds from a partition's first refusal until its split: an assumption. The guide says that on-demand tables may
throttle if traffic more than doubles within 30 minutes, and that hot partitions are split, but not when."""
WRITE_SECONDS = 0.01
"""Seconds of one BatchWriteItem: an assumption ("single-digit milliseconds" for an item, here up to 25)."""
TRANSACTION_SECONDS = 0.02
"""Seconds in which another transaction on the same row is a conflict: an assumption."""


@dataclass
class _Partition:
    """The partition of hashes from `low` up to `high`, out of 1."""

    low: float
    high: float
    bucket: TokenBucket = field(default_factory=lambda: TokenBucket(PARTITION_UNITS, PARTITION_UNITS))
    refused_at: float | None = None


class _Writes:
    """Partitions of a table or an index. A key's hash decides its partition."""

    def __init__(self, units: int) -> None:
        count = max(1, units // PARTITION_UNITS)
        self.partitions = [_Partition(n / count, (n + 1) / count) for n in range(count)]

    def at(self, place: float) -> _Partition:
        for partition in self.partitions:
            if place < partition.high:
                return partition
        return self.partitions[-1]

    def take(self, place: float, now: float) -> bool:
        partition = self.at(place)
        if partition.bucket.take(now):
            return True
        if partition.refused_at is None:
            partition.refused_at = now
        elif now - partition.refused_at >= SPLIT_SECONDS:
            middle = (partition.low + partition.high) / 2
            index = self.partitions.index(partition)
            self.partitions[index : index + 1] = [_Partition(partition.low, middle), _Partition(middle, partition.high)]
        return False


class ModelledTable:
    """Rows of clips under their real keys, their index entries, and a job's row.

    One index stands for both: they have the table's capacity and a key per clip. Rows are below 1 KB. The model leaves
    out reads, burst capacity, and adaptive capacity other than splits.
    """

    def __init__(self, *, job_id: str, units: int, seed: int) -> None:
        self._rows, self._index = _Writes(units), _Writes(units)
        self._places = [_place(clip_pk(job_id, shard)) for shard in range(CLIP_SHARDS)]
        self._random = random.Random(seed).random
        self.units = [0] * CLIP_SHARDS
        """Partitions of rows, by partition key."""
        self.hottest = 0
        """Maximum units of one key in one second."""
        self.refused = 0
        self.conflicts = 0
        self._second, self._in_second = -1, [0] * CLIP_SHARDS
        self._busy_until = 0.0

    def write(self, clips: Sequence[int], now: float) -> list[int]:
        """Run a BatchWriteItem; return the unprocessed rows."""
        left: list[int] = []
        if int(now) != self._second:
            self._second, self._in_second = int(now), [0] * CLIP_SHARDS
        in_second = self._in_second
        for clip in clips:
            shard = clip % CLIP_SHARDS
            if self._rows.take(self._places[shard], now) and self._index.take(self._random(), now):
                self.units[shard] += 1
                in_second[shard] += 1
            else:
                left.append(clip)
        self.refused += len(left)
        self.hottest = max(self.hottest, *in_second)
        return left

    def begin_transaction(self, now: float) -> bool:
        """Begin one on the job's row; False if another one is in progress."""
        if now < self._busy_until:
            self.conflicts += 1
            return False
        self._busy_until = now + TRANSACTION_SECONDS
        return True

    @property
    def partitions(self) -> int:
        return len(self._rows.partitions)


def _place(key: str) -> float:
    """Hash with MD5: DynamoDB's hash is not published, and any good hash spreads as evenly."""
    return int.from_bytes(md5(key.encode(), usedforsecurity=False).digest()[:7], "big") / 2**56
