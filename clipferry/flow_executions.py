"""The import calls of Foretify's Python SDK, for this service.

`clipferry ftx SCRIPT` runs scripts that import `ftx.shell.flow_executions`. New scripts import this module instead.
Requests go to the service of `login`, else to the service that `Clipferry()` finds.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from clipferry.client import Clipferry
from clipferry.config import is_loopback
from clipferry.errors import ApiError
from clipferry.job import Import
from clipferry.requests import Settings

PREFLIGHT_CODES = {
    "CANNOT_ACCESS": "CANNOT_ACCESS",
    "LIMIT_EXCEEDED": "LIMIT_EXCEEDED",
    **dict.fromkeys(("UNKNOWN_ERROR", "SOURCE_UNAVAILABLE", "RATE_LIMITED"), "UNKNOWN_ERROR"),
}
"""Foretify's three codes, by those of the service."""
SHOWN_ERRORS = 100
"""Maximum failed clips in the `errors` of an execution; `counts` has their number."""

_STATUSES = {"COMPLETED_WITH_ERRORS": "FAILED", "CANCELLED": "FAILED"}
"""Foretify's executions end as COMPLETED or FAILED. An import that lacks a clip must not be reported as COMPLETED."""

T = TypeVar("T")


class FmanagerServerException(Exception):
    """The service refused the request. The fields have the names of Foretify's SDK."""

    def __init__(self, status_code: int, message: str, message_code: str) -> None:
        super().__init__(f"{message} ({message_code}, status {status_code})")
        self.status_code = status_code
        self.message = message
        self.message_code = message_code


_client: Clipferry | None = None


def login(
    host: str | None = None, user: str | None = None, port: int | str | None = None, https: bool | None = None
) -> None:
    """Send later calls to `host`: a host name, or a full URL with the stage (`https://.../prod`).

    Without a `host`, `Clipferry()` finds the service. The key is `CLIPFERRY_API_KEY`, else the key of the profile that
    was saved for this URL. The key identifies the user, so `user` has no effect. If `https` is None, it is used except
    for this machine. Raises `ConfigError`, and `FmanagerServerException` if the service does not accept the key.
    """
    del user
    client = Clipferry(base_url=url_of(host, port, https) if host else None)
    _asked(client.keys.current)
    use(client)


def use(client: Clipferry | None) -> None:
    """Send later calls with this client; None returns to the service that `Clipferry()` finds."""
    global _client
    _client = client


def url_of(host: str, port: int | str | None, https: bool | None) -> str:
    """Make the base URL from the arguments of `login`. A full URL only gets the port, if it has none."""
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
    """Start an import of `exact_paths`, or of all objects below `root_path`, and return it as a flow execution.

    `project_id` must be the project of the key, or None. `environment_settings` are the settings of the import,
    `environment_settings_id` is a preset's id. `stationary_extrapolation` True extends the stationary tracks; False
    leaves that to the settings. `validate` lists `root_path` before the import is created.

    Raises `ValueError` for arguments that exclude each other, and for a `root_path` that fails its validation
    (`Pre-flight validation failed for root_path '...': CODE`; then no import is created). Raises
    `FmanagerServerException` if the service refuses the request.
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
            text = f"Pre-flight validation failed for root_path '{root_path}': {PREFLIGHT_CODES[refusal.code]}"
            raise ValueError(text) from refusal
        raise _theirs(refusal) from refusal
    return _execution(client, job)


def get_by_id(id: str) -> dict[str, Any]:
    """Return a flow execution: `id`, `status`, `counts`, `errors` and the arguments of the import.

    `status` is PENDING, PLANNING or COPYING, then COMPLETED (every clip was copied or skipped) or FAILED.
    `import_status` is the service's own status, which also knows COMPLETED_WITH_ERRORS and CANCELLED. `errors` has
    `uri`, `code` and `message` of the import's own error and of its first 100 failed clips.
    Raises `FmanagerServerException`.
    """
    client = _current()
    return _asked(lambda: _execution(client, client.imports.get(id)))


def _current() -> Clipferry:
    global _client
    if _client is None:
        _client = Clipferry()
    return _client


def _check_project(client: Clipferry, project_id: str | None) -> None:
    """Refuse an import into another project than the caller named: a key can only use its own project."""
    if project_id is None:
        return
    own = _asked(client.keys.current).project
    if own != project_id:
        of = f"of the project {own!r}" if own else "the admin key"
        text = f"the key is {of}, not of {project_id!r}: use a key of that project"
        raise FmanagerServerException(403, text, "FORBIDDEN")


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
