"""Extend the stationary tracks of a copied batch's clips, each into a file beside the clip. No clip's fate changes.

Everything can be repeated: a result tells which clip and which rule it is of, and one that is there is taken as it is.
"""

import json
from collections.abc import Callable, Mapping
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
from service.domain.manifest import Batch, ManifestEntry
from service.domain.uris import s3_at
from service.formats.clipgt import read_layer, read_layout
from service.formats.facts import Findings
from service.formats.failures import Finding
from service.formats.reader import Reader, run
from service.imports.extrapolation.result import Extrapolated
from service.imports.extrapolation.status import is_extrapolated, result_key
from service.imports.manifest.store import read_batch
from service.ports.clips import ClipStore
from service.ports.jobs import JobReader
from service.ports.objects import Objects, ResultStore
from service.ports.state import StateFiles

MAX_LAYER_BYTES = 32 * 1024**2
"""Unpacked, of each of the two layers. Those of the real clips take 10 to 100 kB."""

FIGURES = ("tracks", "stationary", "rows", "added")

RULE = 1
"""Of `service.imports.extrapolation.tracks`: raise it when the rule changes, so that older results are made again."""


@dataclass(frozen=True, kw_only=True)
class ExtrapolatePorts:
    jobs: JobReader
    clips: ClipStore
    state: StateFiles
    objects: Objects
    results: ResultStore
    extrapolate: Callable[[bytes, bytes, float], Extrapolated]
    """The obstacle and the egomotion layer, and the distance. Raises `CannotExtrapolate`, `MemoryError`."""
    clips_bucket: str
    distance: float
    """Metres within which the centre of a stationary track stays."""
    concurrency: int
    """Clips in work at once; only one of them is decoded."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One round: what was noted on rows, and how many clips are left for the next one."""

    done: int = 0
    failed: int = 0
    left: int = 0


@dataclass(frozen=True)
class Left:
    """Nothing is known of the clip yet: the import was stopped (`final`), or the round's time was over."""

    final: bool


def extrapolate_batch(batch: Batch, *, out_of_time: Callable[[], bool], ports: ExtrapolatePorts) -> Progress:
    """See to every clip of the batch that has no extrapolation yet; nothing once the job was cancelled or has ended.

    What is wrong with one clip is noted on its row. A round sees to one clip at least, whatever its time. Raises
    `BatchIncomplete` where a passing fault kept it from any of those it could see to.
    """
    entries = read_batch(ports.state, batch)
    rows = ports.clips.get(batch.job_id, [entry.ordinal for entry in entries])
    wanted = [
        (entry, row)
        for entry in entries
        if (row := rows.get(entry.ordinal)) and is_extrapolated(row) and row.extrapolation is None
    ]
    work = _Round(batch, ports, out_of_time)
    with ThreadPoolExecutor(ports.concurrency) as pool:
        found = list(pool.map(lambda clip: work.see_to(*clip), wanted))
    for number, clip in enumerate(wanted):
        # Perhaps only because of what its neighbours held.
        if isinstance(found[number], MemoryError):
            found[number] = work.see_to(*clip, alone=True)
    passing = [outcome for outcome in found if isinstance(outcome, SourceUnavailable)]
    noted = [outcome for outcome in found if isinstance(outcome, ExtrapolationStatus)]
    late = [outcome for outcome in found if isinstance(outcome, Left) and not outcome.final]
    if passing and not (late and noted):
        raise BatchIncomplete(f"{len(passing)} clips met a passing fault, first: {passing[0].message}")
    failed = noted.count(ExtrapolationStatus.FAILED)
    return Progress(done=len(noted) - failed, failed=failed, left=len(late) + len(passing))


Outcome = ExtrapolationStatus | Left | SourceUnavailable | MemoryError


@dataclass
class _Round:
    batch: Batch
    ports: ExtrapolatePorts
    out_of_time: Callable[[], bool]
    _begun: bool = False
    _lock: Lock = field(default_factory=Lock)
    _decoding: Lock = field(default_factory=Lock)

    def see_to(self, planned: ManifestEntry, row: ClipRow, *, alone: bool = False) -> Outcome:
        """What is on the clip's row now, or why there is nothing. `alone`: no other clip is in work."""
        job = self.ports.jobs.get(self.batch.job_id)
        if job is None or job.status.terminal or job.run != self.batch.run or job.cancel_requested:
            return Left(final=True)
        if not self._may_begin():
            return Left(final=False)
        try:
            made = self._extrapolation(planned, row)
        except SourceUnavailable as error:
            return error
        except MemoryError as error:
            if not alone:
                return error
            made = _failed(LayerTooLarge.code, "its layers unpack to more than the function's memory")
        except Finding as error:
            made = _failed(error.reason, error.message)
        except (CannotExtrapolate, ObjectError) as error:
            made = _failed(error.code, error.message)
        self.ports.clips.extrapolated(self.batch.job_id, row.ordinal, made)
        return made.status

    def _may_begin(self) -> bool:
        with self._lock:
            if self._begun and self.out_of_time():
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
                raise ResultKeyTaken(f"an object that is no result lies at s3://{ports.clips_bucket}/{key}")
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
        """The clip as it lies in the clips bucket: what was copied, or what lay there."""
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
        """Read the two members of the clip, which its source calls `name`.

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
                raise LayerTooLarge(f"{part.layer} unpacks to {size} bytes, at most {MAX_LAYER_BYTES} are extended")
        return run(read_layer(reader, obstacle), source), run(read_layer(reader, egomotion), source)


def _noted(note: str | None) -> dict[str, Any] | None:
    """None where the object is no result: it has no note, or one that this service does not write."""
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
