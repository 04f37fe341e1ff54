"""Accept an import: check the request, store its list and its job, start its execution."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace

from service.domain.errors import (
    IdempotencyConflict,
    UnknownExecutionSettings,
)
from service.domain.ids import job_id_for, new_job_id, request_digest
from service.domain.jobs import Door, Job, JobStatus, Source, WatchRun
from service.domain.projects import Action, Actor
from service.domain.requests import ImportRequest, ImportSettings
from service.domain.settings_limits import SettingsLimits
from service.domain.state_keys import request_key
from service.imports.access.again import Again
from service.imports.access.deletion import check_deletion
from service.imports.access.reach import Reach, SourceAccess
from service.imports.inputs.caller_manifest import open_manifest
from service.imports.inputs.uri_list import encode_uris
from service.imports.inputs.view_sets import encode_sets
from service.imports.intake.preflight import preflight
from service.imports.intake.request_source import check_fields, source_of
from service.imports.lifecycle.new_job import job_of
from service.imports.lifecycle.start import start
from service.ports.delivery import Workflow
from service.ports.jobs import JobStore
from service.ports.state import Clock, StateFiles
from service.projects.audit import entry_of
from service.projects.slow_requests import SlowRequests

_Turn = AbstractContextManager[None]


@dataclass(frozen=True, kw_only=True)
class SubmitPorts:
    jobs: JobStore
    state: StateFiles
    workflow: Workflow
    clock: Clock
    access: SourceAccess
    max_clips: int
    max_clip_ids: int = 0
    """Clip ids that one request may name."""
    limits: SettingsLimits
    again: Again
    """How long the source of a request is looked at, and asked again while it is unavailable."""
    defaults: ImportSettings
    """Values of settings that a request leaves out."""
    audit_days: int
    max_active: int
    """Active imports that a project may have."""
    slow: SlowRequests | None = None
    """Limits how many requests of a project wait for a caller's store at once; None: the caller of `submit` does."""
    delete_buckets: Collection[str] = ()
    """Source buckets in which imports may delete what they copied."""


def no_saved_settings(settings_id: str) -> ImportSettings:
    """For endpoints without presets."""
    raise UnknownExecutionSettings(f"there is no preset {settings_id!r} in this project")


def submit(
    request: ImportRequest,
    *,
    project: str,
    key_id: str | None,
    ports: SubmitPorts,
    door: Door = Door.API,
    request_id: str | None = None,
    saved_settings: Callable[[str], ImportSettings] = no_saved_settings,
    watch: WatchRun | None = None,
) -> Job:
    """Create the job and return it. With a known idempotency key, return the job that was created with it.

    `saved_settings` reads a preset; it raises `UnknownExecutionSettings`. Raises `InvalidRequest` and its subclasses,
    `PreflightFailed`, one of `SOURCE_UNFIT`, `SourceUnavailable`, `IdempotencyConflict`, `QuotaExceeded`.
    Once the job's row is written the job will run: if the start fails, the sweep starts it.
    """
    late = door is Door.NOMADICML
    source = source_of(request, ports.max_clips, max_clip_ids=ports.max_clip_ids, late=late)
    digest = _digest(request)
    job_id = job_id_for(project, request.idempotency_key) if request.idempotency_key else new_job_id()
    if request.idempotency_key and (known := ports.jobs.get(job_id)):
        return _again(known, digest, ports)

    ports.jobs.check_room(project, max_active=ports.max_active)
    request, source = checked(request, source, project=project, ports=ports, saved_settings=saved_settings)
    now = ports.clock()
    job = job_of(
        request,
        source,
        job_id=job_id,
        digest=digest,
        project=project,
        key_id=key_id,
        now=now,
        door=door,
        watch=watch,
    )
    for key, body in request_files(job, request).items():
        ports.state.put(key, body)
    by = Actor(door=door, key_id=key_id, request_id=request_id)
    entry = entry_of(
        Action.IMPORT_START,
        job_id,
        project=project,
        by=by,
        now=now,
        days=ports.audit_days,
        details=request.settings.audit_details,
    )
    if not ports.jobs.create(job, entry=entry, max_active=ports.max_active):
        known = ports.jobs.get(job_id)
        if known is None:
            raise IdempotencyConflict("this idempotency key was used by an import that is gone since: use a new one")
        return _again(known, digest, ports)
    start(job, ports.workflow)
    return job


def checked(
    request: ImportRequest,
    source: Source,
    *,
    project: str,
    ports: SubmitPorts,
    saved_settings: Callable[[str], ImportSettings],
) -> tuple[ImportRequest, Source]:
    """Check the request and look at its source. Return both, with the settings in force and the manifest pinned.

    Raises as `submit` does.
    """
    saved_id = request.execution_settings_id
    if saved_id is not None:
        request = replace(request, settings=saved_settings(saved_id))
    if request.stationary_extrapolation is not None:
        asked = replace(request.settings, stationary_extrapolation=request.stationary_extrapolation)
        request = replace(request, settings=asked)
    ports.limits.check(request.settings)
    check_fields(request)
    named = any(one is not None for one in (request.integration_id, request.root_path, request.manifest_uri))
    if named or request.settings.deletes_sources:
        reach = ports.access.reach(project, request.integration_id, source.as_of, members=request.settings.members)
        check_deletion(request, source, reach, ports.delete_buckets)
        reach.check()
        with _turn(source, request, project, reach, ports):
            source = _looked_at(source, request, reach, ports)
    return request, source


def _turn(source: Source, request: ImportRequest, project: str, reach: Reach, ports: SubmitPorts) -> _Turn:
    """Count the look at a store that the deployment did not choose.

    Raises one of `access.REFUSALS`, or on entry `TooManySlowRequests`.
    """
    if ports.slow is None or not (request.manifest_uri or (request.root_path is not None and request.validate)):
        return nullcontext()
    opener = reach.manifest_opener if request.manifest_uri else reach.prefix_opener
    ours = source.location.scheme == "s3" and opener(source.location) is None
    return nullcontext() if ours else ports.slow.one(project)


def _looked_at(source: Source, request: ImportRequest, reach: Reach, ports: SubmitPorts) -> Source:
    """List the prefix or pin the manifest; return the source. Raises as `preflight` and `open_manifest` do."""
    if request.root_path is not None and request.validate:
        preflight(
            source.location,
            reach=reach,
            max_clips=ports.max_clips,
            again=ports.again,
            filters=request.filters,
            clip_ids=request.clip_ids,
        )
    return source if request.manifest_uri is None else open_manifest(source.location, reach, ports.again)


def request_files(job: Job, request: ImportRequest) -> dict[str, bytes]:
    """Return the state files for the parts of a request that are too long for the job's row."""
    assert job.request_digest is not None
    key = request_key(job.id, job.request_digest)
    if named := request.exact_paths or request.directories or tuple(dict.fromkeys(request.clip_ids or ())):
        return {key: encode_uris(named)}
    return {key: encode_sets(request.sets)} if request.sets is not None else {}


def _digest(request: ImportRequest) -> str:
    """Hash the request without its idempotency key. Of a preset only the id counts, since it may change."""
    asked = asdict(request) | {"idempotency_key": None}
    return request_digest(asked if request.execution_settings_id is None else asked | {"settings": None})


def _again(job: Job, digest: str, ports: SubmitPorts) -> Job:
    if job.request_digest != digest:
        raise IdempotencyConflict("this idempotency key was used with another request before")
    if job.status is JobStatus.PENDING:
        start(job, ports.workflow)
    return job
