"""The import calls of Foretify's Python SDK, on this service.

`clipferry ftx SCRIPT` runs scripts that were written for `ftx.shell.flow_executions`; new ones import this module.
The calls go where `login` said, else where `Clipferry()` goes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from clipferry.client import Clipferry
from clipferry.config import is_loopback
from clipferry.errors import ApiError
from clipferry.models.imports import Import
from clipferry.requests import Settings

PREFLIGHT_CODES = frozenset({"CANNOT_ACCESS", "LIMIT_EXCEEDED", "UNKNOWN_ERROR"})
SHOWN_ERRORS = 100
"""Failed clips that an execution's `errors` name at most; `counts` has how many there are."""

_STATUSES = {"COMPLETED_WITH_ERRORS": "FAILED", "CANCELLED": "FAILED"}
"""Foretify's executions end as COMPLETED or FAILED; one that lacks a clip is not reported as COMPLETED."""

T = TypeVar("T")


class FmanagerServerException(Exception):
    """The service said no."""

    def __init__(self, status_code: int, message: str, message_code: str) -> None:
        super().__init__(f"{message} ({message_code}, status {status_code})")
        self.status_code = status_code
        self.message = message
        self.message_code = message_code


_client: Clipferry | None = None


def login(
    host: str | None = None, user: str | None = None, port: int | str | None = None, https: bool | None = None
) -> None:
    """Send later calls to `host`: a name, or a full URL with the stage (`https://…/prod`); None: as `Clipferry()`.

    The key is that of `CLIPFERRY_API_KEY`, else of the profile that was saved for this URL. It says who asks, so
    `user` has no effect. `https` None: https, but for this machine. Raises `ConfigError`, `FmanagerServerException`.
    """
    del user
    client = Clipferry(base_url=url_of(host, port, https) if host else None)
    _asked(client.keys.current)
    use(client)


def use(client: Clipferry | None) -> None:
    """Send later calls by this client; None: as `Clipferry()`."""
    global _client
    _client = client


def url_of(host: str, port: int | str | None, https: bool | None) -> str:
    """The base URL that `login` means. A URL is taken as it is, but for a port that it lacks."""
    if "://" not in host:
        secure = https if https is not None else not is_loopback(urlsplit(f"//{host}").hostname or "")
        host = f"{'https' if secure else 'http'}://{host}"
    parts = urlsplit(host)
    if port in (None, "") or parts.port is not None:
        return host
    return parts._replace(netloc=f"{parts.netloc}:{port}").geturl()


def launch_batch_import_clipgt_from_cloud_storage(
    project_id: str | None = None,
    exact_paths: Sequence[str] | None = None,
    root_path: str | None = None,
    validate: bool = True,
    test_run_group_name: str | None = None,
    run_name_prefix: str | None = None,
    labels: Sequence[str] | None = None,
    stationary_extrapolation: bool = False,
    environment_settings_id: str | None = None,
    environment_settings: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Start the import of ClipGT clips: of `exact_paths`, or of all below `root_path`. Returns the flow execution.

    `project_id` has to be the project of the key; None takes that. `environment_settings` are the settings of an
    import, `environment_settings_id` the id of saved ones; unless `stationary_extrapolation` is True they say whether
    tracks are extended. `validate` lists `root_path` first; what is wrong with it is
    `ValueError: Pre-flight validation failed for root_path '…': CODE`, with nothing created.
    Raises `ValueError` for arguments that do not go together, `FmanagerServerException` for what the service refuses.
    """
    if (exact_paths is None) == (root_path is None):
        raise ValueError("Provide exactly one of exact_paths or root_path")
    if environment_settings is not None and environment_settings_id is not None:
        raise ValueError("Provide at most one of environment_settings and environment_settings_id")
    if isinstance(exact_paths, str):
        raise ValueError("exact_paths is a list of URIs, not one URI")
    client = _current()
    _check_project(client, project_id)
    try:
        job = client.imports.create(
            exact_paths=exact_paths,
            root_path=root_path,
            validate=validate,
            test_run_group_name=test_run_group_name,
            run_name_prefix=run_name_prefix,
            labels=labels,
            stationary_extrapolation=True if stationary_extrapolation else None,
            execution_settings_id=environment_settings_id,
            settings=cast(Settings, dict(environment_settings)) if environment_settings is not None else None,
        )
    except ApiError as refusal:
        if root_path is not None and validate and refusal.code in PREFLIGHT_CODES:
            text = f"Pre-flight validation failed for root_path '{root_path}': {refusal.code}"
            raise ValueError(text) from refusal
        raise _theirs(refusal) from refusal
    return _execution(client, job)


def get_by_id(id: str) -> dict[str, Any]:
    """How a flow execution stands: `id`, `status`, `counts`, `errors` and what it was given.

    `status` is PENDING, PLANNING, COPYING, and in the end COMPLETED (every clip landed) or FAILED; `import_status` is
    the service's own, which tells COMPLETED_WITH_ERRORS and CANCELLED apart. Raises `FmanagerServerException`.
    """
    client = _current()
    return _asked(lambda: _execution(client, client.imports.get(id)))


def _current() -> Clipferry:
    global _client
    if _client is None:
        _client = Clipferry()
    return _client


def _check_project(client: Clipferry, project_id: str | None) -> None:
    """A key sees one project: an import into another one than was asked for must not begin."""
    if project_id is None:
        return
    own = _asked(client.keys.current).project
    if own != project_id:
        of = f"of the project {own!r}" if own else "the admin key"
        raise FmanagerServerException(403, f"the key is {of}, not of {project_id!r}: use a key of it", "FORBIDDEN")


def _execution(client: Clipferry, job: Import) -> dict[str, Any]:
    failed = client.imports.clips(job.id, status="FAILED", limit=SHOWN_ERRORS) if job.counts.failed else ()
    own = [{"uri": None, "code": job.code, "message": job.message}] if job.code and job.ended else []
    return {
        "id": job.id,
        "status": _STATUSES.get(job.status, job.status),
        "import_status": job.status,
        "project_id": job.project,
        "test_run_group_name": job.test_run_group_name,
        "run_name_prefix": job.run_name_prefix,
        "labels": list(job.labels),
        "environment_settings_id": job.execution_settings_id,
        "environment_settings": dict(job.settings),
        "counts": dict(job.counts.raw),
        "errors": own + [{"uri": one.source_uri, "code": one.code, "message": one.message} for one in failed],
        "created_at": job.created_at,
        "completed_at": job.completed_at,
    }


def _asked(call: Callable[[], T]) -> T:
    try:
        return call()
    except ApiError as refusal:
        raise _theirs(refusal) from refusal


def _theirs(refusal: ApiError) -> FmanagerServerException:
    return FmanagerServerException(refusal.status, refusal.message, refusal.code)
