"""List a project's imports by conditions, newest first."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime

from service.domain.errors import InvalidRequest
from service.domain.ids import request_digest
from service.domain.jobs import Job, JobStatus, JobTag, Trigger
from service.domain.limits import MAX_TIME
from service.domain.search_keys import job_position
from service.imports.queries.status import jobs_page
from service.ports.jobs import JobStore
from service.support.clock import timestamp
from service.support.paging import Page, check_limit, decode_cursor, encode_cursor

READ_AT_ONCE = 100
"""Imports a read: one BatchGetItem."""
READS = 10
"""Reads a page; it may then be short, with more to come."""
_ABOVE = "!"
"""Follows a position to make one that is just above it: no position continues another."""

_Read = Callable[[str | None], tuple[Sequence[Job], str | None]]


@dataclass(frozen=True, kw_only=True)
class ImportFilter:
    """Conditions that an import must all satisfy. `created_after` ≤ its time < `created_before`."""

    status: JobStatus | None = None
    trigger: Trigger | None = None
    folder: str | None = None
    label: str | None = None
    watch: str | None = None
    """Id of the watch that started it."""
    created_after: str | None = None
    created_before: str | None = None

    def admits(self, job: Job) -> bool:
        return (
            self.status in (None, job.status)
            and self.trigger in (None, job.trigger)
            and self.folder in (None, job.folder)
            and (self.label is None or self.label in job.labels)
            and self.watch in (None, job.watch_id)
        )


def imports_page(project: str, wanted: ImportFilter, *, limit: int, cursor: str | None, jobs: JobStore) -> Page[Job]:
    """Return a page of imports. With conditions it may be shorter than `limit` although more follow.

    Raises `InvalidCursor`, `InvalidRequest`.
    """
    if wanted == ImportFilter():
        return jobs_page(project, limit=limit, cursor=cursor, jobs=jobs)
    check_limit(limit)
    earliest, position = (_moment(name, getattr(wanted, name)) for name in ("created_after", "created_before"))
    if earliest and position and earliest >= position:
        raise InvalidRequest("created_after is not before created_before: nothing could match")
    scope = f"jobs of {project} {request_digest(asdict(wanted))[:16]}"
    if cursor:
        position = decode_cursor(cursor, scope=scope)
    read, found = _reader(project, wanted, jobs), list[Job]()
    for _ in range(READS):
        some, following = read(position)
        for job in some:
            if earliest and job.created_at < earliest:
                return Page(found, None)
            if wanted.admits(job):
                found.append(job)
            if len(found) == limit:
                return Page(found, encode_cursor(job_position(job.created_at, job.id), scope=scope))
        position = following
        if position is None:
            return Page(found, None)
    return Page(found, encode_cursor(position, scope=scope) if position else None)


def _reader(project: str, wanted: ImportFilter, jobs: JobStore) -> _Read:
    """How to read the imports before a position (None: the newest), and the position before which the next ones are."""
    tags = ((JobTag.WATCH, wanted.watch), (JobTag.LABEL, wanted.label), (JobTag.FOLDER, wanted.folder))
    tag, value = next(((tag, value) for tag, value in tags if value is not None), (None, None))
    if tag is None or value is None:
        return lambda before: jobs.page(project, limit=READ_AT_ONCE, after=before)

    def tagged(before: str | None) -> tuple[Sequence[Job], str | None]:
        some, begin = jobs.find(project, tag, value, limit=READ_AT_ONCE, begin=before)
        older = [job for job in some if before is None or job_position(job.created_at, job.id) < before]
        return older, begin + _ABOVE if begin else None

    return tagged


def _moment(name: str, text: str | None) -> str | None:
    """The time in the format of `service.domain.jobs`, which sorts as text. Raises `InvalidRequest`."""
    if text is None:
        return None
    with suppress(ValueError):
        moment = datetime.fromisoformat(text) if len(text) <= MAX_TIME else None
        if moment is not None and moment.tzinfo is not None:
            return timestamp(moment)
    raise InvalidRequest(f"{name} is {text[:MAX_TIME]!a}: use ISO 8601 with a zone, such as 2026-11-22T17:00:00Z")
