"""Show a watch to callers: its last runs, how far it is behind, and whether its events come."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from service.domain.errors import ClipferryError
from service.domain.jobs import Job, JobTag, WatchCause
from service.domain.requests import Filters
from service.domain.watches import Watch
from service.imports.watches.manage import WatchPorts
from service.imports.watches.runs import REFUSED, check_source

RUNS_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class WatchReport:
    runs: Sequence[Job]
    """The last imports, newest first."""
    lag_seconds: int | None
    """For how long the oldest object that is known not to have landed has waited; None if none is known."""
    complete_until: str | None
    """Objects that are older than this have landed, as the runs without a failure found."""
    missed_by_events: int | None
    """Objects that the last scheduled run had to copy although their events should have; None without such a run.

    A run by other filters, or from before events were switched on, does not count."""


@dataclass(frozen=True, kw_only=True)
class WatchCheck:
    """One step of a watch's test."""

    action: str
    """`list`, or `events`."""
    ok: bool
    code: str | None = None
    message: str | None = None


def report(watch: Watch, ports: WatchPorts) -> WatchReport:
    """Read the watch's last imports, and its last runs of the whole prefix, and conclude from them."""
    runs, whole = (
        ports.submit.jobs.find(watch.project, tag, watch.id, limit=RUNS_SHOWN, begin=None)[0]
        for tag in (JobTag.WATCH, JobTag.WATCH_PREFIX)
    )
    now = ports.submit.clock()
    # Imports by older code have only the tag of all runs.
    proofs = [job for job in (*runs, *whole) if _reads_prefix(job) and _has_filters_of(job, watch)]
    complete = [_limit(job, watch) or job.created_at for job in proofs if _is_complete(job)]
    return WatchReport(
        runs=runs,
        lag_seconds=_lag(watch, [*runs, *whole], now),
        complete_until=max(complete, key=datetime.fromisoformat, default=None),
        missed_by_events=_missed(watch, proofs),
    )


def test(watch: Watch, ports: WatchPorts) -> Sequence[WatchCheck]:
    """List the source, and look whether the bucket sends its events, if the watch wants them.

    Raises `TooManySlowRequests`.
    """
    with ports.slow.one(watch.project):
        checks = [_listed(watch, ports)]
        if watch.events:
            problem = ports.events.problem(watch.location.bucket)
            code = problem and "EVENTS_OFF"
            checks.append(WatchCheck(action="events", ok=problem is None, code=code, message=problem))
        return checks


def _listed(watch: Watch, ports: WatchPorts) -> WatchCheck:
    try:
        check_source(watch, ports)
    except REFUSED as error:
        return WatchCheck(action="list", ok=False, code=_code(error), message=error.message)
    return WatchCheck(action="list", ok=True)


def _code(error: ClipferryError) -> str:
    return str(error.code)


def _lag(watch: Watch, runs: Sequence[Job], now: str) -> int | None:
    """The oldest of: an import that still has clips to settle, a run that waits, the beginning of a failure."""
    waiting = [job.created_at for job in runs if not job.status.terminal]
    if not watch.paused:
        waiting += [watch.next_run_at] if watch.next_run_at and watch.next_run_at <= now else []
        waiting += [watch.failure.since] if watch.failure else []
    if not waiting:
        return None
    return int((datetime.fromisoformat(now) - datetime.fromisoformat(min(waiting))).total_seconds())


def _is_complete(job: Job) -> bool:
    """Whether no clip is missing of what the import found."""
    lacking = job.counts.failed or job.counts.cancelled or job.failed_before or job.cut_short
    return job.completed_at is not None and job.planned and not lacking


def _reads_prefix(job: Job) -> bool:
    return job.watch is not None and job.watch.cause is not WatchCause.EVENTS


def _has_filters_of(job: Job, watch: Watch) -> bool:
    """Whether it was started with the watch's present filters, apart from what a scheduled run leaves to events."""
    own = watch.filters or Filters()
    return replace(job.filters or Filters(), modified_before=own.modified_before) == own


def _limit(job: Job, watch: Watch) -> str | None:
    """Objects that changed from this time on were left to their events. None: no object was."""
    limit = job.filters.modified_before if job.filters else None
    own = watch.filters.modified_before if watch.filters else None
    return limit if limit != own else None


def _missed(watch: Watch, proofs: Sequence[Job]) -> int | None:
    if not watch.events:
        return None
    scheduled = (job for job in proofs if job.watch and job.watch.cause is WatchCause.SCHEDULED and job.completed_at)
    return next((job.counts.copied for job in scheduled if _limit(job, watch)), None)
