"""One large import through the real planning, batching, accounting, paging and reporting code, without a network.

`python -m benchmarks.million --clips 1000000`

Real: everything in `service.imports` and `service.domain`. Simulated: S3 (a computed listing, copies that take no
time), the table (SQLite for the clips, memory for the job), the state machine (a loop). State files and reports are on
disk. So the figures are the service's own time and memory, not those of AWS. Memory is read from /proc (Linux).

A second import of the same prefix follows, of which no clip changed.

Prints a line per phase and then one JSON line: `{"clips", "phases": {name: {"seconds", "cpu_seconds", "peak_rss_mb"}},
"counts", "median_page_ms"}`. The last one is the median of 21 pages spread over the first job.
"""

import argparse
import json
import pickle
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

from service.domain.clips import ClipRow, ClipStatus, Verification
from service.domain.destinations import destination_root
from service.domain.errors import NotFound, ObjectError, ObjectMissing, SourceChanged
from service.domain.jobs import Job, JobStatus
from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied, ListedObject
from service.domain.requests import ImportSettings
from service.domain.uris import Location
from service.imports.completion.finish import finish
from service.imports.completion.report import write_report
from service.imports.copying.batch import copy_batch
from service.imports.manifest.store import read_batches
from service.imports.queries.find_skipped import skipped_clips
from service.imports.queries.status import clips_page
from service.support.paging import encode_cursor
from tests.builders import SOURCE_BUCKET, World, import_prefix
from tests.fakes.objects import one_by_one

PAGE = 1_000
PAGES = 21
CLIP_BYTES = 200 * 1024**2
PREFIX = "clips/"
EVERY_NTH_FAILS = 1_000
BATCH_CLIPS = 250
SAMPLE_SECONDS = 0.02


@dataclass
class ComputedStorage:
    """Computes `count` clips in the source bucket. The copy of every thousandth fails."""

    count: int
    clips_bucket: str
    mended: bool = False
    """Whether these copies succeed too."""
    copied_below: str | None = None
    """Prefix of the clips bucket below which all clips were copied; None: the bucket is empty."""

    def list_pages(
        self, at: Location, *, start_after: str = "", integration: str | None = None
    ) -> Iterator[Sequence[ListedObject]]:
        assert integration is None
        below = ""
        if at.bucket == self.clips_bucket:
            if self.copied_below is None:
                yield []
                return
            below = self.copied_below
        first = int(start_after.removeprefix(at.key).removesuffix(".zip")) + 1 if start_after else 0
        for start in range(first, self.count, PAGE):
            yield [self.listed(number, below) for number in range(start, min(start + PAGE, self.count))]

    @staticmethod
    def listed(number: int, below: str = "") -> ListedObject:
        return ListedObject(key=f"{below}{PREFIX}{number:09d}.zip", size=CLIP_BYTES, etag=f"{number:032x}")

    def stat(self, at: Location, *, version: str | None = None, integration: str | None = None) -> ListedObject:
        assert (version, integration) == (None, None)
        if at.bucket == self.clips_bucket:
            raise ObjectMissing("no such key (404)", operation="inspect", uri=str(at))
        return self.listed(int(at.key.removeprefix(PREFIX).removesuffix(".zip")))

    streams: ClassVar = False

    def copier_of(self, _entry: ManifestEntry) -> "ComputedStorage":
        return self

    def copy_each(
        self,
        entries: Iterable[ManifestEntry],
        settings: ImportSettings,
        settled: Callable[[ManifestEntry, Copied | ObjectError], object],
        **_more: object,
    ) -> None:
        one_by_one(lambda entry: self.copy(entry, settings), entries, settled)

    def copy(self, entry: ManifestEntry, _settings: ImportSettings, **_more: object) -> Copied:
        assert entry.size is not None
        assert entry.etag is not None
        if entry.ordinal % EVERY_NTH_FAILS == EVERY_NTH_FAILS - 1 and not self.mended:
            raise SourceChanged("the object changed since planning", operation="copy", uri=entry.source_uri)
        return Copied(size=entry.size, etag=entry.etag, verified=Verification.ETAG)


@dataclass(frozen=True)
class DiskState:
    folder: Path

    def put(self, key: str, body: bytes) -> str:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        return sha256(body).hexdigest()

    def put_new(self, key: str, body: bytes) -> bytes:
        if not (self.folder / key).exists():
            self.put(key, body)
        return self.get(key)

    def get(self, key: str) -> bytes:
        try:
            return (self.folder / key).read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"there is no {key}") from error

    def get_range(self, key: str, *, start: int, length: int, etag: str) -> bytes:  # noqa: ARG002  # the port's
        with (self.folder / key).open("rb") as file:
            file.seek(start)
            return file.read(length)


@dataclass
class DiskClips:
    """Rows in SQLite. Look-ups by clip id and URI are missing: simulated indexes would prove nothing."""

    path: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._db = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode = off")
        self._db.execute("pragma synchronous = off")
        self._db.execute("create table rows (ordinal integer primary key, attention integer, row blob)")
        self._db.execute("create index unsuccessful on rows (ordinal) where attention")

    def put(self, _job_id: str, rows: Iterable[ClipRow]) -> None:
        values = [(row.ordinal, self._needs_attention(row), pickle.dumps(row)) for row in rows]
        with self._lock:
            self._db.execute("begin")
            self._db.executemany("insert or replace into rows values (?, ?, ?)", values)
            self._db.execute("commit")

    @staticmethod
    def _needs_attention(row: ClipRow) -> bool:
        return row.status in (ClipStatus.FAILED, ClipStatus.CANCELLED)

    def settle_each(self, job_id: str, rows: Sequence[ClipRow], *, run: int = 0) -> Sequence[ClipRow]:
        known = self.get(job_id, [row.ordinal for row in rows])
        settled = {n: row for n, row in known.items() if row.status is not ClipStatus.PENDING or row.run != run}
        self.put(job_id, (row for row in rows if row.ordinal not in settled))
        return [settled.get(row.ordinal, row) for row in rows]

    def reopen(self, job_id: str, rows: Sequence[ClipRow], *, run: int) -> bool:  # noqa: ARG002  # the port's
        self.put(job_id, rows)
        return True

    def get(self, _job_id: str, ordinals: Sequence[int]) -> Mapping[int, ClipRow]:
        marks = ",".join("?" * len(ordinals))
        found = self._query(f"select row from rows where ordinal in ({marks})", ordinals)
        return {row.ordinal: row for row in found}

    def in_order(self, _job_id: str, *, first: int) -> Iterator[ClipRow]:
        while rows := self._query("select row from rows where ordinal >= ? order by ordinal limit 1000", [first]):
            yield from rows
            first = rows[-1].ordinal + 1

    def failures(self, _job_id: str, *, first: int, limit: int) -> Sequence[ClipRow]:
        return self._query(
            "select row from rows where attention and ordinal >= ? order by ordinal limit ?", [first, limit]
        )

    def _query(self, sql: str, values: Sequence[object]) -> list[ClipRow]:
        with self._lock:
            return [pickle.loads(row) for (row,) in self._db.execute(sql, values).fetchall()]


@dataclass(frozen=True)
class DiskFiles:
    """Reports: parts are appended to one file."""

    folder: Path

    def put(self, key: str, body: bytes, _content_type: str) -> None:
        self._path(key).write_bytes(body)

    def begin(self, key: str, _content_type: str) -> str:
        self._path(key).write_bytes(b"")
        return key

    def put_part(self, key: str, _upload_id: str, number: int, body: bytes) -> str:
        with self._path(key).open("ab") as file:
            file.write(body)
        return str(number)

    def complete(self, _key: str, _upload_id: str, _etags: Sequence[str]) -> None:
        """Does nothing: the parts are in the file already."""

    def _path(self, key: str) -> Path:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


class Phases:
    """Times phases and samples this process's memory while they run."""

    def __init__(self) -> None:
        self.figures: dict[str, dict[str, float]] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        peak, done = [resident_mb()], threading.Event()

        def sample() -> None:
            while not done.wait(SAMPLE_SECONDS):
                peak.append(max(peak.pop(), resident_mb()))

        sampler = threading.Thread(target=sample)
        sampler.start()
        began, used = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            seconds, cpu = time.perf_counter() - began, time.process_time() - used
            done.set()
            sampler.join()
        self.figures[name] = {
            "seconds": round(seconds, 3),
            "cpu_seconds": round(cpu, 3),
            "peak_rss_mb": round(peak[0], 1),
        }
        print(f"{name:24} {seconds:9.2f} s   {peak[0]:7.1f} MB", file=sys.stderr)


def resident_mb() -> float:
    """Read it from /proc (Linux): `ru_maxrss` never falls, so it cannot measure a single phase."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1024**2


def run(clips: int, folder: Path, phases: Phases) -> World:
    """Run an import of `clips` clips, the retry of its failed clips, and the import again; read pages and reports."""
    world = World(max_clips=clips, batch_clips=BATCH_CLIPS)
    storage = ComputedStorage(clips, world.storage.clips_bucket)
    # The parts of the ports that this import needs.
    world.storage = storage  # type: ignore[assignment]
    world.copiers = storage  # type: ignore[assignment]
    world.state = DiskState(folder / "state")  # type: ignore[assignment]
    world.clips = DiskClips(folder / "clips.sqlite")  # type: ignore[assignment]
    world.files = DiskFiles(folder / "reports")  # type: ignore[assignment]
    job_id = world.submit(import_prefix(f"s3://{SOURCE_BUCKET}/{PREFIX}", validate=False)).id
    with phases.phase("plan"):
        world.plan(job_id)
    with phases.phase("copy and count"):
        copy_all(world, job_id)
    with phases.phase("finish"):
        finish(job_id, error=None, ports=world.finish_ports)
    for name, first in {"first": 0, "middle": clips // 2, "last": clips - PAGE}.items():
        with phases.phase(f"{name} page of {PAGE}"):
            page(world, job_id, first)
    with phases.phase("page of failures"):
        clips_page(world.job(job_id), limit=PAGE, cursor=None, status=ClipStatus.FAILED, ports=world.status_ports)
    with phases.phase("report"):
        write_report(world.job(job_id), {}, out_of_time=lambda: False, ports=world.conclude_ports)
    storage.mended = True
    with phases.phase("retry of the failed"):
        world.retry(job_id)
        world.plan(job_id)
        copy_all(world, job_id)
        finish(job_id, run=1, error=None, ports=world.finish_ports)
    job = world.job(job_id)
    assert job.status is JobStatus.COMPLETED
    assert job.counts.copied == clips
    import_again(world, storage, job, phases)
    return world


def import_again(world: World, storage: ComputedStorage, first: Job, phases: Phases) -> None:
    """Import the prefix once more: nothing changed, so nothing is written but the plan."""
    storage.copied_below = destination_root(first.project, first.folder, first.source.location) + "/"
    world.clips = DiskClips(Path(":memory:"))  # type: ignore[assignment]  # rows of one job only
    job_id = world.submit(import_prefix(str(first.source.uri), validate=False)).id
    with phases.phase("plan again, unchanged"):
        planned = world.plan(job_id)
    with phases.phase("finish, unchanged"):
        finish(job_id, error=None, ports=world.finish_ports)
    with phases.phase("page of unchanged"):
        page(world, job_id, first.counts.total // 2)
    with phases.phase("find an unchanged clip"):
        uri = f"s3://{SOURCE_BUCKET}/{storage.listed(first.counts.total // 2).key}"
        found, _ = skipped_clips(first.project, "url", uri, limit=PAGE, after=None, ports=world.status_ports)
    assert len(found) == 1
    job = world.job(job_id)
    assert (planned.batches, job.counts.skipped, job.status) == (0, first.counts.total, JobStatus.COMPLETED)
    assert not list(world.clips.in_order(job_id, first=0)), "no row is written"


def copy_all(world: World, job_id: str) -> None:
    for batch in read_batches(world.state, job_id, world.run_of(job_id)):
        copy_batch(batch, attempt=0, ports=world.copy_ports)


def median_page_ms(world: World, job_id: str) -> float:
    taken = []
    for number in range(PAGES):
        began = time.perf_counter()
        page(world, job_id, max(0, world.job(job_id).counts.total - PAGE) * number // (PAGES - 1))
        taken.append(time.perf_counter() - began)
    return round(statistics.median(taken) * 1000, 1)


def page(world: World, job_id: str, first: int) -> None:
    job = world.job(job_id)
    cursor = encode_cursor(str(max(0, first)), scope=f"clips of {job_id} ")
    clips_page(job, limit=PAGE, cursor=cursor, status=None, ports=world.status_ports)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1_000_000)
    clips = parser.parse_args().clips
    phases = Phases()
    with tempfile.TemporaryDirectory(prefix="clipferry-million-") as folder:
        world = run(clips, Path(folder), phases)
        job = min(world.jobs.rows.values(), key=lambda job: job.created_at)
        median = median_page_ms(world, job.id)
    print(json.dumps({"clips": clips, "phases": phases.figures, "counts": vars(job.counts), "median_page_ms": median}))


if __name__ == "__main__":
    main()
