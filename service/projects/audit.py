"""The audit log: who requested which change, when, and through which API. Entries are added and read, never changed.

Each endpoint writes the entry before the change, so no change lacks an entry; an entry alone means a request without
effect. Starting an import and changing presets write their entries in the transaction of the change itself.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from service.domain.projects import Action, Actor, AuditEntry
from service.ports.projects import AuditLog
from service.ports.state import Clock
from service.support.paging import Page, read_page


@dataclass(frozen=True, kw_only=True)
class AuditPorts:
    log: AuditLog
    clock: Clock
    retention_days: int


def entry_of(
    action: Action,
    subject: str,
    *,
    project: str,
    by: Actor,
    now: str,
    days: int,
    details: Mapping[str, object] | None = None,
) -> AuditEntry:
    """Return a new entry, which expires after `days`."""
    expires_at = datetime.fromisoformat(now) + timedelta(days=days)
    return AuditEntry(
        id=f"{now}#{secrets.token_hex(8)}",
        project=project,
        time=now,
        action=action,
        subject=subject,
        by=by,
        expires_at=int(expires_at.timestamp()),
        details=details,
    )


def record(
    action: Action,
    subject: str,
    *,
    project: str,
    by: Actor,
    ports: AuditPorts,
    details: Mapping[str, object] | None = None,
) -> None:
    """Add an entry. Call it once the subject is known to exist, and before the change."""
    ports.log.add(
        entry_of(
            action,
            subject,
            project=project,
            by=by,
            now=ports.clock(),
            days=ports.retention_days,
            details=details,
        ),
    )


def audit_page(project: str, *, subject: str | None, limit: int, cursor: str | None, log: AuditLog) -> Page[AuditEntry]:
    """Return a page, newest first, of one subject or of all. Raises `InvalidCursor`, `InvalidRequest`."""
    scope = f"audit of {project} {subject or ''}"
    return read_page(partial(log.page, project, subject=subject), scope=scope, limit=limit, cursor=cursor)
