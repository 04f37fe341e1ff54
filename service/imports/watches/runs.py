"""Start the run of a watch that is due. Whoever starts it, and however often, it is one import."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from service.domain.errors import (
    SOURCE_UNFIT,
    ClipferryError,
    IdempotencyConflict,
    InvalidRequest,
    PreflightFailed,
    PreflightUnknown,
    QuotaExceeded,
    SourceUnavailable,
    UnknownExecutionSettings,
)
from service.domain.ids import job_id_for
from service.domain.jobs import Door, Source, WatchCause, WatchRun
from service.domain.rate_windows import window_seconds
from service.domain.requests import ImportRequest, ImportSettings
from service.domain.watches import POSTPONED_SECONDS as POSTPONED
from service.domain.watches import Watch, failed, looked_at, readable, request_of, run_key, started
from service.imports.intake.preflight import preflight
from service.imports.intake.request_source import source_of
from service.imports.intake.submit import SubmitPorts, checked, submit
from service.ports.watches import WatchStore

MAX_FAILED_RUNS = 20
"""Earlier runs with failures that a run looks at. Clips that failed in older ones are tried again."""
REFUSED = (InvalidRequest, PreflightFailed, SourceUnavailable, *SOURCE_UNFIT)
"""Errors for which a watch cannot run: its source cannot be read, or something that it names is gone."""


@dataclass(frozen=True, kw_only=True)
class RunPorts:
    store: WatchStore
    submit: SubmitPorts
    """Without a limit of slow requests of its own: a request about a watch is one as a whole."""
    saved_settings: Callable[[str, str], ImportSettings]
    """Reads a preset, by project and id. Raises `UnknownExecutionSettings`."""


def serve(watch: Watch, ports: RunPorts) -> Watch | None:
    """Start the run that is due, unless the last one still goes on; then it waits. Return the watch as stored.

    None: another caller changed the watch meanwhile. The run it has started, or starts, is the same import.
    """
    now = ports.submit.clock()
    if is_running(watch, ports):
        return ports.store.save(looked_at(watch, now, again_in=POSTPONED))
    found = readable(watch, now)
    try:
        job_id = _started(found, ports)
    except QuotaExceeded:
        return ports.store.save(looked_at(found, now, again_in=POSTPONED))
    except REFUSED as error:
        return ports.store.save(failed_by(watch, error, now))
    return ports.store.save(started(found, job_id, now))


def is_running(watch: Watch, ports: RunPorts) -> bool:
    """Whether the watch's last run still goes on."""
    last = ports.submit.jobs.get(watch.last_run) if watch.last_run else None
    return last is not None and not last.status.terminal


def check(watch: Watch, ports: RunPorts) -> Watch | None:
    """See whether the watch could run now, without a run. Return the watch as stored, None as `serve` does."""
    now = ports.submit.clock()
    try:
        check_source(watch, ports)
    except REFUSED as error:
        return ports.store.save(failed_by(watch, error, now))
    lost = watch.failure is not None and watch.failure.told
    found = readable(watch, now)
    return ports.store.save(found if lost else looked_at(found, now))


def check_source(watch: Watch, ports: RunPorts) -> None:
    """Check the watch's request and list its source. Raises one of `REFUSED`."""
    (request, source), limit = check_request(watch, ports), ports.submit.max_clips
    reach = ports.submit.access.reach(watch.project, watch.integration_id, members=request.settings.members)
    if not preflight(source.location, reach=reach, max_clips=limit, again=ports.submit.again, filters=request.filters):
        raise PreflightUnknown(f"{watch.root_path} was not listed in time")


def check_request(watch: Watch, ports: RunPorts) -> tuple[ImportRequest, Source]:
    """Check the request of the watch's imports, and return it with the preset's settings. It looks at no store.

    Raises one of `REFUSED`.
    """
    request = request_of(watch)
    return checked(
        request,
        source_of(request, ports.submit.max_clips),
        project=watch.project,
        ports=ports.submit,
        saved_settings=partial(ports.saved_settings, watch.project),
    )


def failed_by(watch: Watch, error: ClipferryError, now: str) -> Watch:
    """Note an attempt that this error ended."""
    sure = not isinstance(error, (PreflightUnknown, SourceUnavailable))
    asked_wait = window_seconds([error]) or 0
    return failed(watch, error.code, error.message, now, sure=sure, asked_wait=asked_wait)


def webhook_url(watch: Watch, ports: RunPorts) -> str | None:
    """Return the URL by the watch's settings or its preset; None if it has none, or if the preset is gone."""
    preset = watch.execution_settings_id
    try:
        settings = ports.saved_settings(watch.project, preset) if preset else watch.settings
    except UnknownExecutionSettings:
        return None
    return settings.notify.webhook_url


def _started(watch: Watch, ports: RunPorts) -> str:
    check_source(watch, ports)
    request = request_of(watch, at=watch.next_run_at)
    try:
        job = submit(
            request,
            project=watch.project,
            key_id=watch.created_by,
            ports=ports.submit,
            door=Door.WATCH,
            saved_settings=partial(ports.saved_settings, watch.project),
            watch=WatchRun(id=watch.id, cause=watch.next_cause, failed_runs=_failed_runs(watch, ports)),
        )
    except IdempotencyConflict:
        # The run was started before the watch was changed, or before the import was deleted.
        return job_id_for(watch.project, run_key(watch))
    return job.id


def _failed_runs(watch: Watch, ports: RunPorts) -> tuple[str, ...]:
    """Return the runs whose broken clips the due run leaves: none if it is the first, or a caller asked for it."""
    tries_all = watch.next_cause in (WatchCause.FIRST, WatchCause.MANUAL)
    last = ports.submit.jobs.get(watch.last_run) if watch.last_run and not tries_all else None
    if last is None:
        return ()
    before = last.watch.failed_runs if last.watch else ()
    return (*before, *([last.id] if last.counts.failed else []))[-MAX_FAILED_RUNS:]


def quick(ports: SubmitPorts) -> SubmitPorts:
    """Return the ports for checks that list the first page of a prefix and no more."""
    return replace(ports, again=replace(ports.again, seconds=0))
