"""Copy objects with the shipped worker: `copy_batch` on the copy function's storage and settings.

`python -m benchmarks.copy --endpoint-url URL --source-bucket B --prefix P --destination-bucket D --count N
--concurrency C`, with credentials from the usual environment variables; without `--endpoint-url`, on S3.

`--content-validation structure` checks each object before its copy, so it must be a clip (`benchmarks.stub --body`).

Copies batches of `--batch-clips` clips, planned from the listing, one after another like one copy function, which
keeps its connections. Stores no job, rows or manifest. Prints one JSON line: `copied`, `failed`, `seconds` and
`cpu_seconds` of the copying, `peak_rss_mb` of the process. Apart from these it reports the listings of sources and
destinations, which a deployment does in planning (`list_seconds`, `list_cpu_seconds`), and the CPU time for Python,
imports and clients, once per process (`start_cpu_seconds`).
"""

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from benchmarks.measure import Stopwatch, as_program, cpu_seconds, peak_rss_mb, use_endpoint
from service.aws.s3.session import own_session
from service.aws.s3.storage import S3Storage
from service.domain.clips import ClipRow, ClipStatus
from service.domain.errors import BatchIncomplete
from service.domain.manifest import Batch, BatchState, ManifestEntry
from service.domain.objects import ListedObject
from service.domain.requests import ContentValidation, ImportSettings, OnExisting
from service.domain.uris import Location, parse_prefix
from service.imports.copying.batch import copy_batch
from service.imports.copying.context import CopyPorts
from service.imports.manifest.format import encode_entry
from service.imports.planning.existing import Destinations, settled_by

BATCH_CLIPS = 1_000
MULTIPART_THRESHOLD = 1024**3
PART_BYTES = 256 * 1024**2


@dataclass
class OneBatch:
    """State files and job of the current batch: its manifest only, without a stored job."""

    lines: bytes = b""
    settings: ImportSettings = field(default_factory=ImportSettings)

    def get_range(self, _key: str, **_range: Any) -> bytes:
        return self.lines

    def batch_state(self, *_batch: Any, **_run: Any) -> BatchState:
        return BatchState(recorded=False, cancel_requested=False, settings=self.settings, created_at="2026-01-01")

    def record_batch(self, *_batch: Any, **_run: Any) -> bool:
        return True


@dataclass(frozen=True)
class OneCopier:
    storage: S3Storage

    def copier_of(self, _entry: ManifestEntry) -> S3Storage:
        return self.storage


@dataclass
class CountedRows:
    """Counts rows and drops them, so that the measured memory is the worker's."""

    fates: Counter[ClipStatus] = field(default_factory=Counter)
    first_failure: str | None = None

    def settle_each(self, _job_id: str, rows: Sequence[ClipRow], **_run: Any) -> Sequence[ClipRow]:
        for row in rows:
            self.fates[row.status] += 1
            if row.status is ClipStatus.FAILED and self.first_failure is None:
                self.first_failure = row.message
        return rows

    def get(self, *_ordinals: Any) -> Mapping[int, ClipRow]:
        return {}


def copy_all(
    storage: S3Storage,
    at: Location,
    destination: str,
    *,
    count: int,
    batch_clips: int,
    concurrency: int,
    settings: ImportSettings | None = None,
) -> dict[str, Any]:
    """Copy the first `count` objects under `at` to `{destination}/{key}`."""
    work, rows = OneBatch(settings=settings or ImportSettings(on_existing=OnExisting.OVERWRITE)), CountedRows()
    # The parts of the ports that this batch needs.
    ports = CopyPorts(
        jobs=work,  # type: ignore[arg-type]
        clips=rows,  # type: ignore[arg-type]
        state=work,  # type: ignore[arg-type]
        copiers=lambda _project: OneCopier(storage),
        restorer=lambda _project: storage,
        bucket=storage,
        drop=None,  # type: ignore[arg-type]
        large=None,  # type: ignore[arg-type]
        clock=lambda: "2026-01-01T00:00:00.000Z",
        copies_at_once=concurrency,
        threads=concurrency,
        multipart_threshold=MULTIPART_THRESHOLD,
        part_bytes=PART_BYTES,
    )
    objects = islice((item for page in storage.list_pages(at) for item in page), count)
    # Planning looks there too, so that a copy may replace what it found.
    there = Destinations(storage, storage.clips_bucket, prefix=f"{destination}/", start_after="")
    first, listing, copying = 0, Stopwatch(), Stopwatch()
    while True:
        with listing:
            listed = list(islice(objects, batch_clips))
            entries = [planned(at, destination, there, ordinal, item) for ordinal, item in enumerate(listed, first)]
            work.lines = b"".join(map(encode_entry, entries))
        if not entries:
            break
        batch = Batch(
            job_id="ij_benchmark",
            number=first // batch_clips,
            part_key="",
            part_etag="",
            start=0,
            length=len(work.lines),
            first=first,
            count=len(entries),
        )
        with copying:
            try:
                copy_batch(batch, attempt=0, ports=ports)
            except BatchIncomplete as incomplete:
                rows.first_failure = rows.first_failure or incomplete.message
        first += len(entries)
    copied = rows.fates[ClipStatus.COPIED]
    figures: dict[str, Any] = {"copied": copied, "failed": first - copied}
    figures |= copying.figures() | {f"list_{name}": value for name, value in listing.figures().items()}
    return figures | ({"first_failure": rows.first_failure} if rows.first_failure else {})


def planned(at: Location, destination: str, there: Destinations, ordinal: int, item: ListedObject) -> ManifestEntry:
    """Return the entry that planning would write."""
    key = f"{destination}/{item.key}"
    entry = ManifestEntry(
        ordinal=ordinal, source_uri=str(at.at(item.key)), destination=key, size=item.size, etag=item.etag
    )
    return settled_by(entry, item, there.find(key), OnExisting.OVERWRITE, by_time=False)


def storage_of(bucket: str, concurrency: int) -> S3Storage:
    """Return the storage that `lambdas.wiring` makes."""
    return S3Storage(own=own_session(connections=concurrency), clips_bucket=bucket)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint-url")
    parser.add_argument("--source-bucket", required=True)
    parser.add_argument("--prefix", default="")
    parser.add_argument("--destination-bucket", required=True)
    parser.add_argument("--destination-prefix", default="benchmark", help="copies are written to {this}/{key}")
    parser.add_argument("--count", type=int, default=3_000)
    parser.add_argument("--concurrency", type=int, default=128)
    parser.add_argument("--batch-clips", type=int, default=BATCH_CLIPS)
    parser.add_argument("--content-validation", choices=list(ContentValidation), default=ContentValidation.NONE)
    given = parser.parse_args()
    use_endpoint(given.endpoint_url)
    storage = storage_of(given.destination_bucket, given.concurrency)
    started = cpu_seconds()
    figures = copy_all(
        storage,
        parse_prefix(f"s3://{given.source_bucket}/{given.prefix}"),
        given.destination_prefix,
        count=given.count,
        batch_clips=given.batch_clips,
        concurrency=given.concurrency,
        settings=ImportSettings(
            on_existing=OnExisting.OVERWRITE, content_validation=ContentValidation(given.content_validation)
        ),
    )
    memory = {"peak_rss_mb": round(peak_rss_mb(), 1)}
    print(json.dumps(figures | memory | {"start_cpu_seconds": round(started, 3)}))


if __name__ == "__main__":
    as_program(main)
