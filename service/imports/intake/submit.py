"""Accept an import: check the request, store its list and its job, start its execution."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from service.domain.destination_template import check_template
from service.domain.errors import (
    IdempotencyConflict,
    InvalidRequest,
    UnknownExecutionSettings,
)
from service.domain.ids import job_id_for, new_job_id, request_digest
from service.domain.jobs import Door, Job, JobStatus, Source, WatchRun
from service.domain.projects import Action, Actor
from service.domain.requests import ImportRequest, ImportSettings
from service.domain.state_keys import request_key
from service.domain.webhooks import check_url
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


@dataclass(frozen=True, kw_only=True)
class SubmitPorts:
    jobs: JobStore
    state: StateFiles
    workflow: Workflow
    clock: Clock
    access: SourceAccess
    max_clips: int
    max_concurrency: int
    """Upper limit of `settings.max_concurrency`."""
    preview_seconds: float
    defaults: ImportSettings
    """Values of settings that a request leaves out."""
    audit_days: int
    max_active: int
    """Active imports that a project may have."""
    allow_private_urls: bool = False
    """Whether webhooks may use http and private addresses."""


def no_saved_settings(settings_id: str) -> ImportSettings:
    """For endpoints without presets."""
    raise UnknownExecutionSettings(f"there are no execution settings {settings_id!r} here")


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
    `PreflightFailed`, `IdempotencyConflict`, `QuotaExceeded`. Once the job's row is written the job will run: if the
    start fails, the sweep starts it.
    """
    source = source_of(request, ports.max_clips, late=door is Door.NOMADICML)
    digest = _digest(request)
    job_id = job_id_for(project, request.idempotency_key) if request.idempotency_key else new_job_id()
    if request.idempotency_key and (known := ports.jobs.get(job_id)):
        return _again(known, digest, ports)

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
    entry = entry_of(Action.IMPORT_START, job_id, project=project, by=by, now=now, days=ports.audit_days)
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
    _check_settings(request.settings, ports)
    check_fields(request)
    if any(one is not None for one in (request.integration_id, request.root_path, request.manifest_uri)):
        source = _looked_at(source, request, ports.access.reach(project, request.integration_id), ports)
    return request, source


def _looked_at(source: Source, request: ImportRequest, reach: Reach, ports: SubmitPorts) -> Source:
    """List the prefix or pin the manifest; return the source. Raises as `preflight` and `open_manifest` do."""
    reach.check()
    if request.root_path is not None and request.validate:
        preflight(
            source.location,
            reach=reach,
            max_clips=ports.max_clips,
            seconds=ports.preview_seconds,
            filters=request.filters,
        )
    return source if request.manifest_uri is None else open_manifest(source.location, reach)


def _check_settings(settings: ImportSettings, ports: SubmitPorts) -> None:
    """Check the settings against this deployment's limits, also those of a preset. Raises `InvalidRequest`."""
    wanted = settings.max_concurrency
    if wanted is not None and not 1 <= wanted <= ports.max_concurrency:
        allowed = f"this deployment allows 1 to {ports.max_concurrency:,}"
        raise InvalidRequest(f"settings.max_concurrency is {wanted:,}, {allowed}")
    if settings.notify.webhook_url is not None:
        check_url(settings.notify.webhook_url, allow_private=ports.allow_private_urls)
    if settings.destination is not None:
        check_template(settings.destination)


def request_files(job: Job, request: ImportRequest) -> dict[str, bytes]:
    """Return the state files for the parts of a request that are too long for the job's row."""
    assert job.request_digest is not None
    key = request_key(job.id, job.request_digest)
    if named := request.exact_paths or request.directories:
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
