"""Find clips that planning skipped. No index has them: a page searches the files of the imports that skipped clips."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice

from service.domain.batching import PART_CLIPS
from service.domain.clips import ClipRow
from service.domain.errors import InvalidCursor, NotFound
from service.domain.ids import ORDINAL_DIGITS
from service.domain.jobs import Job, JobTag
from service.domain.search_keys import job_position
from service.imports.manifest.skipped import FILE_CLIPS, files_of, possible_ordinals
from service.imports.manifest.store import read_part
from service.imports.queries.status import StatusPorts
from service.imports.results.clip_rows import row_of_plan
from service.ports.clips import ClipIndex

JOBS_SEARCHED = 100
"""Imports that one page searches: one BatchGetItem."""
CLIPS_SEARCHED = 4_000_000
"""Clips of the files that one page reads: 16 MB, about half a second."""
PARTS_READ = 50
"""Manifest parts that one page reads to show the clips that it found: some 15 MB."""
THREADS = 8
_PAST_ALL = 10**ORDINAL_DIGITS - 1
"""An ordinal above that of any clip."""


@dataclass(frozen=True)
class Skipped:
    """A skipped clip, as the row that it would have."""

    job: Job
    row: ClipRow

    @property
    def position(self) -> str:
        """Like `ClipKeys.position`."""
        return _position(self.job, self.row.ordinal)


@dataclass(frozen=True)
class _File:
    job: Job
    number: int
    before: int
    """Clips from this ordinal on were searched by an earlier page."""

    @property
    def first(self) -> int:
        return self.number * FILE_CLIPS


def skipped_clips(
    project: str, index: ClipIndex, value: str, *, limit: int, after: str | None, ports: StatusPorts
) -> tuple[list[Skipped], str | None]:
    """Return at most `limit` clips that may have the clip id or URI, newest import first, below the position `after`.

    The second value is the position down to which the search came (None: to the end). Raises `InvalidCursor`.
    """
    files, position = _files(project, value if index == "url" else None, after, ports)
    search = partial(_ordinals, index=index, value=value, limit=limit, ports=ports)
    with ThreadPoolExecutor(THREADS) as pool:
        hits = [(file.job, n) for file, some in zip(files, pool.map(search, files), strict=True) for n in some]
        shown = _within_bounds(hits, limit)
        clips = list(_clips(shown, pool, ports))
    return clips, _position(*shown[-1]) if len(shown) < len(hits) else position


def _files(project: str, uri: str | None, after: str | None, ports: StatusPorts) -> tuple[list[_File], str | None]:
    """Return the files to search, newest first, and the position where they end."""
    begin, before = _split(after) if after else (None, _PAST_ALL)
    jobs, following = ports.jobs.find(project, JobTag.SKIPPED, "", limit=JOBS_SEARCHED, begin=begin)
    files: list[_File] = []
    clips = 0
    for job in jobs:
        if uri is not None and job.source.kind.below_prefix and not uri.startswith(str(job.source.location)):
            continue
        end = min(before if job_position(job.created_at, job.id) == begin else _PAST_ALL, job.counts.total)
        for number in reversed(range(files_of(end))):
            if clips >= CLIPS_SEARCHED:
                return files, _position(files[-1].job, files[-1].first)
            files.append(_File(job, number, end))
            clips += min(end - files[-1].first, FILE_CLIPS)
    return files, f"{following}#{_PAST_ALL}" if following else None


def _ordinals(file: _File, *, index: ClipIndex, value: str, limit: int, ports: StatusPorts) -> list[int]:
    job = file.job
    found = possible_ordinals(ports.state, job.id, index, file.number, job.plan_rounds, value, before=file.before)
    return list(islice(found, limit + 1))  # one more tells that the file has more


def _within_bounds(hits: Sequence[tuple[Job, int]], limit: int) -> Sequence[tuple[Job, int]]:
    """Return the first hits that one page can show."""
    parts: set[tuple[str, int]] = set()
    for shown, (job, ordinal) in enumerate(hits[:limit]):
        parts.add((job.id, ordinal // PART_CLIPS))
        if len(parts) > PARTS_READ:
            return hits[:shown]
    return hits[:limit]


def _clips(hits: Sequence[tuple[Job, int]], pool: Executor, ports: StatusPorts) -> Iterator[Skipped]:
    """Yield the hits that planning skipped and that have no row since: a clip that was deleted has one."""
    by_part: dict[tuple[str, int], tuple[Job, list[int]]] = {}
    for job, ordinal in hits:
        by_part.setdefault((job.id, ordinal // PART_CLIPS), (job, []))[1].append(ordinal)
    read = partial(_of_part, ports=ports)
    return (clip for clips in pool.map(read, by_part.values()) for clip in clips)


def _of_part(hits: tuple[Job, list[int]], *, ports: StatusPorts) -> list[Skipped]:
    job, ordinals = hits
    try:
        entries = {
            entry.ordinal: entry for entry in read_part(ports.state, job.id, ordinals[0] // PART_CLIPS, job.plan_rounds)
        }
    except NotFound:  # it has expired
        return []
    rows = [row for ordinal in ordinals if ordinal in entries and (row := row_of_plan(job, entries[ordinal]))]
    stored = ports.clips.get(job.id, [row.ordinal for row in rows]) if rows else {}
    return [Skipped(job, row) for row in rows if row.ordinal not in stored]


def _position(job: Job, ordinal: int) -> str:
    return f"{job_position(job.created_at, job.id)}#{ordinal:0{ORDINAL_DIGITS}d}"


def _split(position: str) -> tuple[str, int]:
    job, _, ordinal = position.rpartition("#")
    if not job or not ordinal.isdecimal() or len(ordinal) > ORDINAL_DIGITS:
        raise InvalidCursor("the cursor is invalid: use the next_cursor of an earlier page")
    return job, int(ordinal)
