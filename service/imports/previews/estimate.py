"""Estimate an import's cost and time from the result of its planning.

`prices.json` beside this file has the prices, each with its unit and source. Every other assumption is a constant in
this module. An estimate gives the order of magnitude, not a quote: it leaves out retries, throttling and other imports.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from service.domain.batching import PART_CLIPS
from service.domain.multipart import MAX_OBJECT_BYTES, part_size
from service.domain.requests import ContentValidation, ImportSettings
from service.imports.manifest.skipped import files_of
from service.support.settings import Deployment

PRICES = Path(__file__).with_name("prices.json")
GIB = 1024**3
"""A GB of S3's bill (S3 FAQ, "How will I be charged and billed": byte-hours over 1,073,741,824) and of Lambda's."""

COPY_SECONDS = 0.05
"""Seconds of one copy request, without its bytes."""
COPY_BYTES_PER_SECOND = 85_000_000
"""Rate of one request (S3 user guide, "Performance guidelines": 85 to 90 MB/s per request; assumed for copies too)."""
STREAM_BYTES_PER_SECOND = 60_000_000
"""Rate of one function, all its copies together: an assumption, below the 600 Mbit/s measured for Lambda's network. Its
CPU alone passes 500 MB/s (decision 30)."""
STREAM_READ_SECONDS = 0.1
"""Seconds for HEAD and first byte of a clip in another store."""
COPIES_PER_SECOND = 3_500
"""Requests per second that S3 accepts at least below one prefix (S3 user guide, "Optimizing performance")."""
READ_SECONDS = 0.03
"""Seconds of one HEAD or range read."""
LIST_SECONDS = 0.008
"""One page of 1,000 keys: 5 ms of CPU, and S3's 20 ms, of which long listings wait for 8 at once (decision 63)."""
PLAN_SECONDS = 0.000025
"""CPU seconds to plan a clip and to write its line: 15 µs for a clip to copy, 22 for an unchanged one, measured by
`benchmarks.million` without the listings."""
BATCH_SECONDS = 0.5
"""Seconds of a batch without its copies: child execution, state, slice of the manifest, rows."""
FIXED_SECONDS = 10.0
"""Seconds for cold starts, start and end of the map, and finish."""
READS_PER_CLIP = {ContentValidation.NONE: 0, ContentValidation.STRUCTURE: 2, ContentValidation.DEEP: 8}
"""Range reads to validate a clip of some hundred megabytes (docs/validation.md); a small one takes one."""

COPY_GB = 1.0
"""Memory of the copy function (`COPY_MB` in stacks/import_functions.py)."""
PLAN_GB = 1_769 / 1_024
"""Memory of the plan function, which then has a whole vCPU (`FULL_VCPU_MB` in stacks/import_functions.py)."""
FUNCTION_CALLS = 3
"""Calls of plan, finish, and one sweep."""
TRANSITIONS = 7
"""Transitions of an import's own states, from Start to Done."""
TRANSITIONS_PER_BATCH = 5
"""Transitions of a batch's child execution (decisions 8 and 16)."""
WRITES_PER_IMPORT = 30
"""The job's row and its indexes from start to completion, its audit entry, and some tags in a transaction."""
PLACES_PER_CLIP = 2
"""Writes to the two indexes of clips (decision 18)."""
WRITES_PER_ROW = 2
"""A row is written in a transaction, where a write counts twice (decision 75)."""
WRITES_PER_CLIP = WRITES_PER_ROW + PLACES_PER_CLIP
WRITES_PER_BATCH = 7
"""One transaction of two rows, whose writes count twice, and three writes of its turn (decision 80)."""
READS_PER_BATCH = 6
"""The job's row and the batch's, and twice some 40 turns of 130 bytes."""
FILES_OF_SKIPPED = 2
"""Files that find skipped clips, for each `FILE_CLIPS`: one by clip id, one by URI (decision 92)."""
WRITES_PER_FAILURE = 1
"""Additional write: the place in the index of failures."""
SMALLEST_BILLED = {"STANDARD_IA": 128 * 1024, "ONEZONE_IA": 128 * 1024, "GLACIER_IR": 128 * 1024}
"""Minimum billed bytes of an object in these classes (S3 user guide, "Storage classes")."""


@dataclass(kw_only=True)
class Workload:
    """The work of an import, as planning counts it."""

    lists: int = 0
    """Listing requests of planning."""
    heads: int = 0
    """HEADs of planning."""
    batches: int = 0
    copied: int = 0
    skipped: int = 0
    skipped_by_plan: int = 0
    """Skipped clips that need no row (`ManifestEntry.is_settled`)."""
    failed: int = 0
    bytes: int = 0
    """Bytes of the clips to copy."""
    billed_bytes: int = 0
    """Bytes that the storage class bills for them."""
    largest: int = 0
    by_parts: int = 0
    """Clips that are copied by parts."""
    parts: int = 0
    """Parts of those clips."""
    streamed: int = 0
    """Clips that pass through the copy function."""
    streamed_by_parts: int = 0
    streamed_bytes: int = 0
    largest_streamed: int = 0
    compared: int = 0
    """Clips whose copies need another HEAD to be verified."""
    views: int = 0
    """Clips that belong to sets, with any result."""
    marked: int = 0
    """Views that need another HEAD, because their metadata is written again."""

    @property
    def clips(self) -> int:
        return self.copied + self.skipped + self.failed

    @property
    def copy_requests(self) -> int:
        return self.copied - self.by_parts + self.parts

    def add_copy(
        self,
        size: int,
        etag: str,
        *,
        settings: ImportSettings,
        deployment: Deployment,
        in_set: bool = False,
        streams: bool = False,
    ) -> None:
        """Count one clip to copy."""
        self.copied += 1
        self.bytes += size
        self.billed_bytes += max(size, SMALLEST_BILLED.get(settings.storage_class or "", 0))
        if streams:
            self._add_stream(size, deployment)
            return
        self.largest = max(self.largest, size)
        in_parts = size > deployment.multipart_threshold_bytes
        if in_parts:
            self.by_parts += 1
            self.parts += part_count(size, deployment.part_bytes)
        elif in_set and settings.keep_metadata:
            self.marked += 1
        if in_parts or "-" in etag:  # such an ETag is not an MD5, so checksums are compared
            self.compared += 1

    def _add_stream(self, size: int, deployment: Deployment) -> None:
        self.streamed += 1
        self.streamed_bytes += size
        self.largest_streamed = max(self.largest_streamed, size)
        if size > deployment.stream_part_bytes:
            self.by_parts += 1
            self.streamed_by_parts += 1
            self.parts += part_count(size, deployment.stream_part_bytes)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Cost of one import, in dollars."""

    s3_writes: float
    """COPY and PUT, also of parts, and the requests that begin and complete uploads."""
    s3_lists: float
    s3_reads: float
    """GET and HEAD."""
    lambda_: float
    step_functions: float
    dynamodb_writes: float
    dynamodb_reads: float

    @property
    def s3_requests(self) -> float:
        return self.s3_writes + self.s3_lists + self.s3_reads

    @property
    def dynamodb(self) -> float:
        return self.dynamodb_writes + self.dynamodb_reads

    @property
    def total(self) -> float:
        return self.s3_requests + self.lambda_ + self.step_functions + self.dynamodb


@dataclass(frozen=True, kw_only=True)
class Estimate:
    cost: Cost
    storage_per_month: float
    """Dollars per month for the copied bytes; not part of the import's cost."""
    seconds: int
    """Seconds from request to completion."""


@dataclass(frozen=True)
class PriceList:
    region: str
    as_of: str
    _prices: Mapping[str, Mapping[str, Any]]

    def of(self, name: str) -> float:
        """Return the price of one unit in dollars."""
        entry = self._prices[name]
        return float(entry["price"]) / int(entry["per"])


def price_list() -> PriceList:
    return read_prices(PRICES)


@cache
def read_prices(path: Path) -> PriceList:
    document = json.loads(path.read_text())
    return PriceList(document["region"], document["as_of"], document["prices"])


def estimate(work: Workload, *, settings: ImportSettings, deployment: Deployment) -> Estimate:
    """Estimate cost and time. Sources count as STANDARD, since a HEAD's price by class is not known."""
    storage_class, prices = settings.storage_class or "STANDARD", price_list()
    cost = Cost(
        s3_writes=_s3_writes(work, storage_class),
        s3_lists=work.lists * prices.of("s3.write.STANDARD"),
        s3_reads=_s3_reads(work, settings) * prices.of("s3.read.STANDARD"),
        lambda_=_lambda(work, settings, deployment),
        step_functions=(TRANSITIONS + TRANSITIONS_PER_BATCH * work.batches) * prices.of("states.transition"),
        dynamodb_writes=_dynamodb_writes(work) * prices.of("dynamodb.write"),
        dynamodb_reads=READS_PER_BATCH * work.batches * prices.of("dynamodb.read"),
    )
    return Estimate(
        cost=cost,
        storage_per_month=work.billed_bytes / GIB * price_list().of(f"s3.storage.{storage_class}"),
        seconds=math.ceil(_seconds(work, settings, deployment)),
    )


def part_count(size: int, part_bytes: int) -> int:
    """Return how many parts `service.domain.multipart.copy_parts` makes of an object."""
    return -(-size // _part_size(size, part_bytes))


def _part_size(size: int, part_bytes: int) -> int:
    return part_size(min(size, MAX_OBJECT_BYTES), part_bytes=part_bytes)


def _s3_writes(work: Workload, storage_class: str) -> float:
    """Return dollars. State files are STANDARD, whatever the copies are."""
    state_files = math.ceil(work.clips / PART_CLIPS) + 2 + FILES_OF_SKIPPED * files_of(work.skipped_by_plan)
    begun_and_ended = 2 * work.by_parts
    copies = (work.copy_requests + begun_and_ended) * price_list().of(f"s3.write.{storage_class}")
    return copies + state_files * price_list().of("s3.write.STANDARD")


def _s3_reads(work: Workload, settings: ImportSettings) -> int:
    looked_at = 2 * (work.by_parts - work.streamed_by_parts)  # their metadata and tags
    checked = READS_PER_CLIP[settings.content_validation] * work.copied
    return work.heads + work.batches + looked_at + work.compared + work.marked + checked


def _lambda(work: Workload, settings: ImportSettings, deployment: Deployment) -> float:
    busy = _busy_seconds(work, settings) / _at_once(work, settings, deployment) + _streaming_seconds(work)
    copying = busy + BATCH_SECONDS * work.batches
    seconds = COPY_GB * copying + PLAN_GB * _planning_seconds(work, deployment)
    calls = work.batches + FUNCTION_CALLS
    return seconds * price_list().of("lambda.gb_second") + calls * price_list().of("lambda.request")


def _dynamodb_writes(work: Workload) -> int:
    rows = WRITES_PER_CLIP * (work.clips - work.skipped_by_plan) + WRITES_PER_FAILURE * work.failed
    return rows + WRITES_PER_BATCH * work.batches + WRITES_PER_IMPORT


def _seconds(work: Workload, settings: ImportSettings, deployment: Deployment) -> float:
    """Return seconds of planning, then copying, which is bounded by concurrency, S3's rate and the largest clip."""
    allowed = min(deployment.map_concurrency, settings.max_concurrency or deployment.map_concurrency)
    functions = max(1, min(allowed, work.batches))
    in_flight = functions * _at_once(work, settings, deployment)
    copying = max(
        _busy_seconds(work, settings) / in_flight + _streaming_seconds(work) / functions,
        work.copy_requests / COPIES_PER_SECOND,
        _longest_copy(work, deployment),
        work.largest_streamed / STREAM_BYTES_PER_SECOND,
    )
    batches = BATCH_SECONDS * math.ceil(work.batches / functions)
    return FIXED_SECONDS + _planning_seconds(work, deployment) + batches + copying


def _at_once(work: Workload, settings: ImportSettings, deployment: Deployment) -> int:
    """Return the concurrent copies of one function. Plain copies, with checks of their structure, need no threads."""
    plain = settings.content_validation is not ContentValidation.DEEP and not work.views and not work.streamed
    return deployment.copy_concurrency if plain else min(deployment.copy_concurrency, deployment.copy_threads)


def _planning_seconds(work: Workload, deployment: Deployment) -> float:
    looked_up = LIST_SECONDS * work.lists + READ_SECONDS * work.heads / deployment.stat_concurrency
    return looked_up + PLAN_SECONDS * work.clips


def _busy_seconds(work: Workload, settings: ImportSettings) -> float:
    """Return the seconds of all requests of all copies, one after the other."""
    reads = READS_PER_CLIP[settings.content_validation] * work.copied + work.compared + work.marked
    copied_inside = work.bytes - work.streamed_bytes
    waits = COPY_SECONDS * work.copy_requests + STREAM_READ_SECONDS * work.streamed + READ_SECONDS * reads
    return waits + copied_inside / COPY_BYTES_PER_SECOND


def _streaming_seconds(work: Workload) -> float:
    """Return the seconds that one function streams."""
    return work.streamed_bytes / STREAM_BYTES_PER_SECOND


def _longest_copy(work: Workload, deployment: Deployment) -> float:
    """Return the seconds of the largest clip, whose parts are copied concurrently."""
    if work.largest <= deployment.multipart_threshold_bytes:
        return work.largest / COPY_BYTES_PER_SECOND
    at_once = min(deployment.copy_concurrency, deployment.copy_threads)
    waves = math.ceil(part_count(work.largest, deployment.part_bytes) / at_once)
    part = min(work.largest, _part_size(work.largest, deployment.part_bytes))
    return waves * (COPY_SECONDS + part / COPY_BYTES_PER_SECOND)
