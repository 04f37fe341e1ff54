"""Imports whose requests and calls fail as often as one likes; and a count of what was lost, doubled or miscounted.

Real: planning, batches, copying, rows, counting and completion (`service.imports`), and the conditions of the job's row
(`tests.fakes`). Simulated: the listing, the copies and the rows' table, in bytes instead of objects, and the state
machine, with its retries. Calls follow each other; `tests/model` lets them interleave at any request.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal
from unittest import mock

from benchmarks.pages import with_figures
from benchmarks.report import table
from service.domain.clips import ClipRow, ClipStatus, Verification
from service.domain.errors import (
    ClipferryError,
    DestinationChanged,
    ObjectError,
    ServiceBusy,
    SourceUnavailable,
)
from service.domain.jobs import Job
from service.domain.manifest import Batch, ManifestEntry
from service.domain.objects import Copied, ListedObject
from service.domain.requests import ImportSettings
from service.domain.uris import Location
from service.imports.completion.finish import finish
from service.imports.copying import batch as copy_module
from service.imports.copying.batch import Unfinished, copy_batch
from service.imports.manifest.store import read_batch
from service.imports.planning.context import PlanCursor, Planned
from service.imports.planning.plan import plan
from tests.builders import CLIPS_BUCKET, SOURCE_BUCKET, World, import_prefix
from tests.model.rows import RowsAtOnce

RESULTS = Path(__file__).parents[1] / "results" / "faults.json"
PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN = "<!-- faults: written by python -m benchmarks.simulate --faults 0.3 --publish -->"
END = "<!-- end of faults -->"

CLIPS = 10_000_000
CLIPS_OF_AN_IMPORT = 250_000
"""More clips are several imports, one after the other, so that they fit into memory."""
LISTED_AT_ONCE = 1_000
PASSING_TRIES, CRASH_TRIES = 16, 3
"""How often the state machine calls a function that meets a passing error, or dies (`stacks.retries`)."""
LATE_BATCHES = 50
"""Batches of which a late or repeated call may come after other batches."""

Rule = Literal["counted-once", "conditional-copies"]
RULES: tuple[Rule, ...] = ("counted-once", "conditional-copies")


class Killed(BaseException):
    """The function died here."""


@dataclass
class Faults:
    """Draws faults of requests and calls; a quarter of `share` each is refused, lost after its effect, sent or called
    twice, and killed. Requests are killed with their call.
    """

    share: float
    random: random.Random
    drawn: Counter[str] = field(default_factory=Counter)
    kill_at: int | None = None
    """Requests that the present call may still send before it dies."""

    def call(self) -> str | None:
        """Return what befalls a call of a function."""
        kind = self._draw("call")
        self.kill_at = self.random.randrange(2, 400) if kind == "killed" else None
        return kind

    def request(self, send: Callable[[], Any], refused: Exception) -> Any:
        if self.kill_at is not None:
            self.kill_at -= 1
            if self.kill_at < 0:
                raise Killed
        kind = self._draw("request") if self.share else None
        if kind == "refused":
            raise refused
        answer = send()
        if kind == "lost":
            raise refused
        return send() if kind == "twice" else answer

    def _draw(self, of: str) -> str | None:
        drawn = self.random.random()
        if drawn >= self.share:
            return None
        kind = ("refused", "lost", "twice", "killed")[int(4 * drawn / self.share)]
        if of == "request" and kind == "killed":
            kind = "refused"  # a call dies once, and its requests with it
        self.drawn[f"{of}s {kind}"] += 1
        return kind


@dataclass
class Copies:
    """Source and clips bucket: a byte for each clip says how often it was written."""

    count: int
    faults: Faults
    conditional: bool
    clips_bucket: str = CLIPS_BUCKET
    streams: bool = False

    def __post_init__(self) -> None:
        self.written = bytearray(self.count)

    def list_pages(
        self, at: Location, *, start_after: str = "", integration: str | None = None
    ) -> Iterator[Sequence[ListedObject]]:
        assert integration is None
        first = int(start_after[-13:-4]) + 1 if start_after and at.bucket == SOURCE_BUCKET else 0
        for start in range(first, self.count if at.bucket == SOURCE_BUCKET else 0, LISTED_AT_ONCE):
            numbers = range(start, min(start + LISTED_AT_ONCE, self.count))
            yield [ListedObject(key=f"p/{number:09d}.zip", size=1, etag=f"{number:032x}") for number in numbers]

    def copier_of(self, _entry: ManifestEntry) -> "Copies":
        return self

    def copy_each(self, entries: Any, _settings: ImportSettings, settled: Callable[..., object], **_: object) -> None:
        for entry in entries:
            try:
                outcome: Copied | ObjectError = self.copy(entry)
            except ObjectError as error:
                outcome = error
            settled(entry, outcome)

    def copy(self, entry: ManifestEntry, _settings: object = None, **_: object) -> Copied:
        refused = SourceUnavailable("slow down", operation="copy", uri="")
        answer: Copied = self.faults.request(lambda: self._copy(entry), refused)
        return answer

    def _copy(self, entry: ManifestEntry) -> Copied:
        if self.written[entry.ordinal] and self.conditional:
            raise DestinationChanged(operation="copy", uri="", etag=entry.etag, size=1, modified=None, repeated=True)
        self.written[entry.ordinal] += 1
        return self._copied(entry)

    @staticmethod
    def _copied(entry: ManifestEntry) -> Copied:
        return Copied(size=1, etag=str(entry.etag), verified=Verification.ETAG)

    def landed(self, entry: ManifestEntry, **_: object) -> Copied | None:
        return self._copied(entry) if self.written[entry.ordinal] else None


_STATUSES = (None, *ClipStatus)
_ROW = vars(ClipRow(ordinal=0, status=ClipStatus.COPIED, size=1))
_CODES = {status: number for number, status in enumerate(_STATUSES)}


@dataclass
class Rows:
    """The rows of an import's clips: a byte each."""

    count: int
    faults: Faults

    def __post_init__(self) -> None:
        self.statuses = bytearray(self.count)

    def settle_each(self, _job_id: str, rows: Sequence[ClipRow], *, run: int = 0) -> Sequence[ClipRow]:
        assert run == 0
        stored: Sequence[ClipRow] = self.faults.request(lambda: self._settle(rows), ServiceBusy("slow down"))
        return stored

    def _settle(self, rows: Sequence[ClipRow]) -> Sequence[ClipRow]:
        for row in rows:
            self.statuses[row.ordinal] = self.statuses[row.ordinal] or _CODES[row.status]
        return [row if self.statuses[row.ordinal] == _CODES[row.status] else self._row(row.ordinal) for row in rows]

    def get(self, _job_id: str, ordinals: Sequence[int]) -> Mapping[int, ClipRow]:
        return {ordinal: self._row(ordinal) for ordinal in ordinals if self.statuses[ordinal]}

    def _row(self, ordinal: int) -> ClipRow:
        status = _STATUSES[self.statuses[ordinal]]
        assert status is not None
        row = object.__new__(ClipRow)  # half of the time that the class itself takes
        vars(row).update(_ROW, ordinal=ordinal, status=status)
        return row


@dataclass
class Found:
    clips: int = 0
    copied: int = 0
    failed: int = 0
    """Clips whose batch used all its tries: their rows say so, and a retry copies them."""
    lost: int = 0
    """Clips without a result, or with the result `COPIED` and without an object."""
    doubled: int = 0
    """Clips that were counted, or written, more than once."""
    miscounted: int = 0
    """Differences between an import's counts and its rows."""
    unended: int = 0

    def add(self, job: Job, copies: Copies, rows: Rows) -> None:
        by_status = Counter(_STATUSES[code] for code in rows.statuses)
        counts = job.counts
        self.clips += copies.count
        self.copied += by_status[ClipStatus.COPIED]
        self.failed += by_status[ClipStatus.FAILED]
        copied = _CODES[ClipStatus.COPIED]
        pairs = zip(rows.statuses, copies.written, strict=True)
        self.lost += sum(not status or (status == copied and not written) for status, written in pairs)
        self.doubled += max(0, counts.settled - copies.count) + sum(written > 1 for written in copies.written)
        counted = {ClipStatus.COPIED: counts.copied, ClipStatus.FAILED: counts.failed, None: counts.pending}
        self.miscounted += sum(abs(by_status[status] - number) for status, number in counted.items())
        self.unended += not job.status.terminal


def simulate_faults(clips: int, *, share: float, seed: int, without: Rule | None = None) -> dict[str, Any]:
    """Import the clips with these faults; `without` breaks a rule, to see that the count notices."""
    faults, found, began = Faults(share, random.Random(seed)), Found(), time.process_time()
    with (
        mock.patch.object(copy_module, "RowWriter", RowsAtOnce),
        mock.patch("tests.model.rows.ROWS_A_WRITE", 100),
        mock.patch.object(copy_module, "read_batch", lru_cache(maxsize=2 * LATE_BATCHES)(_read_batch)),
    ):
        for first in range(0, clips, CLIPS_OF_AN_IMPORT):
            _Import(min(CLIPS_OF_AN_IMPORT, clips - first), faults, without).run(found)
    drawn = {name: faults.drawn[name] for name in sorted(faults.drawn)}
    seconds = round(time.process_time() - began)
    return {"share": share, "seed": seed, **vars(found), "faults": drawn, "simulated_in_cpu_seconds": seconds}


def publish(result: Mapping[str, Any]) -> None:
    """Write the result to `RESULTS` and its table to docs/reliability.md, between its markers."""
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    PAGE.write_text(with_figures(PAGE.read_text(), BEGIN, END, figures(result)))


def figures(result: Mapping[str, Any]) -> str:
    names = ("clips", "copied", "failed", "lost", "doubled", "miscounted")
    faults = ", ".join(f"{number:,} {name}" for name, number in result["faults"].items())
    said = f"Seed {result['seed']}, {result['share']:.0%} of the requests and of the calls: {faults}."
    return f"{table(names, [[f'{result[name]:,}' for name in names]])}\n\n{said}"


@dataclass(frozen=True, eq=False)
class _State:
    """Hashable, so that a batch that is copied again is decoded once: the state files are the same."""

    files: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.files, name)


def _read_batch(state: Any, batch: Batch) -> list[ManifestEntry]:
    return read_batch(state, batch)


class _Import:
    def __init__(self, count: int, faults: Faults, without: Rule | None) -> None:
        self.faults, self.without = faults, without
        self.copies, self.rows = Copies(count, faults, without != "conditional-copies"), Rows(count, faults)
        self.world = World(max_clips=count, batch_clips=500)
        self.world.storage = self.world.copiers = self.copies  # type: ignore[assignment]
        self.world.clips = self.rows  # type: ignore[assignment]
        self.world.state = _State(self.world.state)  # type: ignore[assignment]
        self.world.monotonic = lambda: 0.0
        self.late: list[Batch] = []
        record = self.world.jobs.record_batch

        def recorded(job_id: str, number: int, *given: Any, run: int = 0) -> bool:
            def send() -> bool:
                if without == "counted-once":
                    self.world.jobs.batches[job_id].pop((run, number), None)
                return record(job_id, number, *given, run=run)

            counted: bool = faults.request(send, ServiceBusy("slow down"))
            return counted

        self.world.jobs.record_batch = recorded  # type: ignore[method-assign, assignment]

    def run(self, found: Found) -> None:
        world = self.world
        job_id = world.submit(import_prefix(f"s3://{SOURCE_BUCKET}/p/", validate=False)).id
        cursor: PlanCursor | None = PlanCursor()
        while cursor is not None:
            cursor = (self._step(lambda _attempt, begin=cursor: self._plan(job_id, begin)) or Planned()).cursor  # type: ignore[misc]
        for batch in world.batches(job_id):
            self._step(lambda attempt, batch=batch: self._copy(batch, attempt))  # type: ignore[misc]
            if len(self.late) > LATE_BATCHES:
                with suppress(Killed, ClipferryError):
                    self._call(lambda: self._copy(self.late.pop(0), 0))
        try:
            while not world.job(job_id).status.terminal:
                self._step(lambda _attempt: finish(job_id, error=None, ports=world.finish_ports))
        except AssertionError:  # its counts do not add up, so it cannot end
            assert self.without
        found.add(world.job(job_id), self.copies, self.rows)

    def _plan(self, job_id: str, cursor: PlanCursor) -> Planned:
        return plan(job_id, cursor, out_of_time=lambda: self.faults.random.random() < 0.02, ports=self.world.plan_ports)

    def _copy(self, batch: Batch, attempt: int) -> object:
        if self.faults.share and self.faults.random.random() < self.faults.share / 4:
            self.late.append(batch)
        done = copy_batch(batch, attempt=attempt, ports=self.world.copy_ports)
        assert not isinstance(done, Unfinished)
        return done

    def _step(self, function: Callable[[int], Any]) -> Any:
        """Call a function as the state machine does. None where all tries failed."""
        passing = crashes = 0
        while passing < PASSING_TRIES and crashes < CRASH_TRIES:
            try:
                return self._call(partial(function, passing + crashes))
            except Killed:
                crashes += 1
            except ClipferryError:
                passing += 1
        return None

    def _call(self, function: Callable[[], Any]) -> Any:
        kind = self.faults.call()
        if kind == "refused":
            raise ServiceBusy("too many calls")
        answer = function()
        if kind == "twice":
            answer = function()
        if kind == "lost":
            raise ServiceBusy("no answer")
        return answer
