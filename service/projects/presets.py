"""Presets (execution settings): settings of imports, saved under an id that imports name."""

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from service.domain.errors import IdempotencyConflict, NotFound, UnknownExecutionSettings
from service.domain.ids import request_digest
from service.domain.limits import MAX_SETTINGS_BYTES, check_size
from service.domain.projects import Action, Actor, AuditEntry, ExecutionSettings
from service.domain.requests import ImportSettings
from service.domain.settings_limits import SettingsLimits
from service.domain.webhooks import kept_url
from service.ports.projects import ExecutionSettingsStore
from service.ports.state import Clock
from service.projects.audit import entry_of
from service.support.paging import Page, read_page

_ID = re.compile(r"es_[0-9a-f]{24}")

MAX_PER_PROJECT = 1_000
"""Maximum presets of a project: it reveals a program that saves one for each import."""


@dataclass(frozen=True, kw_only=True)
class ExecutionSettingsPorts:
    store: ExecutionSettingsStore
    clock: Clock
    audit_days: int
    limits: SettingsLimits


@dataclass(frozen=True, kw_only=True)
class ExecutionSettingsRequest:
    name: str
    """For people; several presets may share a name."""
    description: str | None = None
    settings: Mapping[str, object]
    """The caller's settings, already validated."""
    in_force: ImportSettings
    """The settings that an import has by them."""


def save(
    request: ExecutionSettingsRequest,
    *,
    project: str,
    by: Actor,
    ports: ExecutionSettingsPorts,
    idempotency_key: str | None = None,
) -> ExecutionSettings:
    """Save a preset under a new id. With a known idempotency key, return the preset that was saved with it.

    Raises `InvalidRequest`, `TooManyExecutionSettings`, `IdempotencyConflict`.
    """
    _check(request, ports)
    now = ports.clock()
    saved = ExecutionSettings(
        id=_id_for(project, idempotency_key) if idempotency_key else f"es_{secrets.token_hex(12)}",
        project=project,
        name=request.name,
        description=request.description,
        settings=request.settings,
        created_at=now,
        updated_at=now,
        request_digest=_digest(request),
    )
    entry = _entry(Action.EXECUTION_SETTINGS_CREATE, saved.id, project, by, now, ports)
    if ports.store.create(saved, limit=MAX_PER_PROJECT, entry=entry):
        return saved
    known = get_saved(saved.id, project=project, store=ports.store)
    if known.request_digest != saved.request_digest:
        raise IdempotencyConflict("this idempotency key was used with another request before")
    return known


def get_saved(settings_id: str, *, project: str, store: ExecutionSettingsStore) -> ExecutionSettings:
    """Return a preset. Raises `NotFound`, also for another project's."""
    saved = store.get(project, settings_id) if _ID.fullmatch(settings_id) else None
    if saved is None:
        raise NotFound(f"there is no preset {settings_id!r} in this project")
    return saved


def saved_for_import(settings_id: str, *, project: str, store: ExecutionSettingsStore) -> ExecutionSettings:
    """Return a preset for an import. Raises `UnknownExecutionSettings`."""
    try:
        return get_saved(settings_id, project=project, store=store)
    except NotFound as error:
        raise UnknownExecutionSettings(f"execution_settings_id: {error.message}") from error


def saved_page(
    project: str, *, limit: int, cursor: str | None, store: ExecutionSettingsStore
) -> Page[ExecutionSettings]:
    """Return a page of presets, oldest first. Raises `InvalidCursor`, `InvalidRequest`."""
    return read_page(partial(store.page, project), scope=f"execution settings of {project}", limit=limit, cursor=cursor)


def replace_saved(
    settings_id: str, request: ExecutionSettingsRequest, *, project: str, by: Actor, ports: ExecutionSettingsPorts
) -> ExecutionSettings:
    """Replace a preset. Running imports keep their settings.

    A webhook's URL without its query, as answers show it, keeps the stored query. Raises `InvalidRequest`, `NotFound`.
    """
    _check(request, ports)
    now = ports.clock()
    known = get_saved(settings_id, project=project, store=ports.store)
    settings = with_url(request.settings, lambda url: kept_url(url, _url_of(known.settings)))
    changed = replace(known, name=request.name, description=request.description, settings=settings, updated_at=now)
    entry = _entry(Action.EXECUTION_SETTINGS_REPLACE, settings_id, project, by, now, ports)
    if not ports.store.replace(changed, entry=entry):
        raise _gone(settings_id)
    return changed


def delete_saved(settings_id: str, *, project: str, by: Actor, ports: ExecutionSettingsPorts) -> None:
    """Delete a preset. Running imports continue. Raises `NotFound`."""
    get_saved(settings_id, project=project, store=ports.store)
    entry = _entry(Action.EXECUTION_SETTINGS_DELETE, settings_id, project, by, ports.clock(), ports)
    if not ports.store.delete(project, settings_id, entry=entry):
        raise _gone(settings_id)


def _url_of(settings: Mapping[str, object]) -> str | None:
    """The webhook's URL in the settings of a preset."""
    notify = settings.get("notify")
    url = notify.get("webhook_url") if isinstance(notify, Mapping) else None
    return url if isinstance(url, str) else None


def with_url(settings: Mapping[str, object], change: Callable[[str], str | None]) -> Mapping[str, object]:
    """The settings with another URL of the webhook, if they have one."""
    notify, url = settings.get("notify"), _url_of(settings)
    if url is None or not isinstance(notify, Mapping):
        return settings
    return {**settings, "notify": {**notify, "webhook_url": change(url)}}


def _check(request: ExecutionSettingsRequest, ports: ExecutionSettingsPorts) -> None:
    """Raises `InvalidRequest`."""
    check_size("settings", dict(request.settings), limit=MAX_SETTINGS_BYTES)
    ports.limits.check(request.in_force)


def _gone(settings_id: str) -> NotFound:
    return NotFound(f"there is no preset {settings_id!r} in this project")


def _entry(
    action: Action, settings_id: str, project: str, by: Actor, now: str, ports: ExecutionSettingsPorts
) -> AuditEntry:
    return entry_of(action, settings_id, project=project, by=by, now=now, days=ports.audit_days)


def _id_for(project: str, idempotency_key: str) -> str:
    digest = hashlib.sha256(f"execution settings\0{project}\0{idempotency_key}".encode()).hexdigest()
    return f"es_{digest[:24]}"


def _digest(request: ExecutionSettingsRequest) -> str:
    return request_digest(
        {"name": request.name, "description": request.description, "settings": dict(request.settings)}
    )
