"""Extend the stationary tracks of a copied batch's clips; store each result beside its clip. Clip results stay.

Safe to repeat: a result names its clip and its rule version, and an existing result is reused.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from service.domain.clips import ClipRow, ClipStatus, Extrapolation, ExtrapolationStatus
from service.domain.errors import (
    BatchIncomplete,
    CannotExtrapolate,
    LayerTooLarge,
    NoObstacles,
    ObjectError,
    ResultKeyTaken,
    SourceUnavailable,
)
from service.domain.jobs import Job
from service.domain.manifest import Batch, ManifestEntry
from service.domain.uris import s3_at
from service.formats.clipgt import read_layer, read_layout
from service.formats.facts import Findings
from service.formats.failures import Finding
from service.formats.reader import Reader, run
from service.imports.extrapolation.result import Extrapolated
from service.imports.extrapolation.status import is_extrapolated, result_key
from service.imports.lifecycle.turns import BatchTurn, NoTurn, Wait
from service.imports.manifest.store import read_batch
from service.ports.clips import ClipStore
from service.ports.jobs import JobReader
from service.ports.objects import Objects, ResultStore
from service.ports.state import StateFiles

MAX_LAYER_BYTES = 32 * 1024**2
"""Maximum unpacked bytes of each of the two layers. The real clips' layers have 10 to 100 kB."""

FIGURES = ("tracks", "stationary", "rows", "added")

NO_TURN = NoTurn()

RULE = 1
"""Version of `service.imports.extrapolation.tracks`. Raise it with each change of the rule to replace older results."""


@dataclass(frozen=True, kw_only=True)
class ExtrapolatePorts:
    jobs: JobReader
    clips: ClipStore
    state: StateFiles
    objects: Objects
    results: ResultStore
    extrapolate: Callable[[bytes, bytes, float], Extrapolated]
    """Takes the obstacle layer, the egomotion layer and the distance. Raises `CannotExtrapolate`, `MemoryError`."""
    clips_bucket: str
    distance: float
    """Metres. The centre of a stationary track stays within this distance."""
    concurrency: int
    """Clips in progress; only one of them is decoded at a time."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One round: results stored on rows, and the number of clips left for the next round."""

    done: int = 0
    failed: int = 0
    left: int = 0
    wait: Wait | None = None
    """How long the next round waits for its turn. None: it may begin at once."""


@dataclass(frozen=True)
class Left:
    """A clip without a result: the import was stopped (`final`), or the round's time was over."""

    final: bool


def extrapolate_batch(
    batch: Batch, *, out_of_time: Callable[[], bool], ports: ExtrapolatePorts, turn: BatchTurn | NoTurn = NO_TURN
) -> Progress:
    """Extrapolate every clip of the batch that has no result yet; none if the job is cancelled or has completed.

    A clip's error is stored on its row. Each round that has its turn processes at least one clip; once the turn is
    lost, no further clip begins. Raises `BatchIncomplete` if a transient error stopped any of the clips.
    """
    entries = read_batch(ports.state, batch)
    rows = ports.clips.get(batch.job_id, [entry.ordinal for entry in entries])
    wanted = [
        (entry, row)
        for entry in entries
        if (row := rows.get(entry.ordinal)) and is_extrapolated(row) and row.extrapolation is None
    ]
    job = ports.jobs.get(batch.job_id)
    if not wanted or job is None or is_over(job, batch):
        return Progress()
    if wait := turn.take(job.project):
        return Progress(left=len(wanted), wait=wait)
    try:
        found = _outcomes(wanted, _Round(batch, ports, out_of_time, turn))
    finally:
        turn.end()
    passing = [outcome for outcome in found if isinstance(outcome, SourceUnavailable)]
    noted = [outcome for outcome in found if isinstance(outcome, ExtrapolationStatus)]
    late = [outcome for outcome in found if isinstance(outcome, Left) and not outcome.final]
    if passing and not (late and noted):
        raise BatchIncomplete(f"{len(passing)} clips failed with transient errors, first: {passing[0].message}")
    failed = noted.count(ExtrapolationStatus.FAILED)
    left = len(late) + len(passing)
    return Progress(done=len(noted) - failed, failed=failed, left=left, wait=turn.wait_again() if left else None)


def _outcomes(wanted: Sequence[tuple[ManifestEntry, ClipRow]], work: "_Round") -> "list[Outcome]":
    with ThreadPoolExecutor(work.ports.concurrency) as pool:
        found = list(pool.map(lambda clip: work.see_to(*clip), wanted))
    for number, clip in enumerate(wanted):
        # The other clips in progress may have used the memory: try it alone.
        if isinstance(found[number], MemoryError):
            found[number] = work.see_to(*clip, alone=True)
    return found


def is_over(job: Job, batch: Batch) -> bool:
    """Whether nothing more is to be done for the batch."""
    return job.status.terminal or job.run != batch.run or job.cancel_requested


Outcome = ExtrapolationStatus | Left | SourceUnavailable | MemoryError


@dataclass
class _Round:
    batch: Batch
    ports: ExtrapolatePorts
    out_of_time: Callable[[], bool]
    turn: BatchTurn | NoTurn
    _begun: bool = False
    _lock: Lock = field(default_factory=Lock)
    _decoding: Lock = field(default_factory=Lock)

    def see_to(self, planned: ManifestEntry, row: ClipRow, *, alone: bool = False) -> Outcome:
        """Return the clip's extrapolation, or why it has none. `alone`: no other clip is in progress."""
        job = self.ports.jobs.get(self.batch.job_id)
        if job is None or is_over(job, self.batch):
            return Left(final=True)
        self.turn.look()
        if not self._may_begin():
            return Left(final=False)
        try:
            made = self._extrapolation(planned, row)
        except SourceUnavailable as error:
            return error
        except MemoryError as error:
            if not alone:
                return error
            made = _failed(LayerTooLarge.code, "its unpacked layers exceed the function's memory")
        except Finding as error:
            made = _failed(error.reason, error.message)
        except (CannotExtrapolate, ObjectError) as error:
            made = _failed(error.code, error.message)
        self.ports.clips.extrapolated(self.batch.job_id, row.ordinal, made)
        return made.status

    def _may_begin(self) -> bool:
        with self._lock:
            if self._begun and (self.turn.lost or self.out_of_time()):
                return False
            self._begun = True
            return True

    def _extrapolation(self, planned: ManifestEntry, row: ClipRow) -> Extrapolation:
        ports = self.ports
        clip = self._clip(row)
        key = result_key(str(row.destination))
        of = {"of": clip.etag, "rule": RULE, "distance": ports.distance}
        there = ports.results.find(key)
        if there:
            noted = _noted(there.note)
            if noted is None:
                raise ResultKeyTaken(f"s3://{ports.clips_bucket}/{key} is not an extrapolation result of the service")
            if all(noted.get(name) == value for name, value in of.items()):
                return _done(key, noted)
        obstacle, egomotion = self._layers(clip, planned.location.key)
        with self._decoding:
            made = ports.extrapolate(obstacle, egomotion, ports.distance)
        figures = {name: getattr(made, name) for name in FIGURES}
        note = json.dumps(of | figures, separators=(",", ":"))
        ports.results.put(key, made.body, note=note, replaces=there.etag if there else None)
        return _done(key, figures)

    def _clip(self, row: ClipRow) -> ManifestEntry:
        """Return an entry for the clip in the clips bucket: the copy, or the object that was already there."""
        at = s3_at(self.ports.clips_bucket, str(row.destination))
        clip = ManifestEntry(
            ordinal=row.ordinal,
            source_uri=str(at),
            destination=str(row.destination),
            size=row.size,
            etag=row.etag,
        )
        if row.status is ClipStatus.COPIED:
            return clip
        there = self.ports.objects.stat(at)
        return replace(clip, size=there.size, etag=there.etag)

    def _layers(self, clip: ManifestEntry, name: str) -> tuple[bytes, bytes]:
        """Read the two members by range, from the clip that its source calls `name`.

        Raises `Finding`, `CannotExtrapolate`, `ObjectError`.
        """
        source = self.ports.objects.reader(clip)
        reader = Reader(source.size, name)
        layers = run(read_layout(name, reader, Findings("clipgt")), source).layers
        if "obstacle" not in layers:
            raise NoObstacles("the clip has no obstacle.parquet")
        obstacle, egomotion = layers["obstacle"], layers["egomotion_estimate"]
        for part in (obstacle, egomotion):
            size = part.member.size
            if size > MAX_LAYER_BYTES:
                raise LayerTooLarge(f"{part.layer} unpacks to {size:,} bytes, at most {MAX_LAYER_BYTES:,} are extended")
        return run(read_layer(reader, obstacle), source), run(read_layer(reader, egomotion), source)


def _noted(note: str | None) -> dict[str, Any] | None:
    """Return the object's note; None if it has none, or one that this service does not write."""
    try:
        noted = json.loads(note or "null")
    except ValueError:
        return None
    whole = isinstance(noted, dict) and all(type(noted.get(name)) is int for name in FIGURES)
    return noted if whole else None


def _done(key: str, figures: Mapping[str, int]) -> Extrapolation:
    return Extrapolation(
        status=ExtrapolationStatus.DONE,
        key=key,
        tracks=figures["tracks"],
        stationary=figures["stationary"],
        rows=figures["rows"],
        added=figures["added"],
    )


def _failed(code: str, message: str) -> Extrapolation:
    return Extrapolation(status=ExtrapolationStatus.FAILED, code=code, message=message)
