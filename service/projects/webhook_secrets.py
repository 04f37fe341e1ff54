"""The secrets that sign a project's webhooks: one that is current, and older ones until they expire.

Every secret is derived from one master secret, so the table keeps only the number of the current one and when each
older one expires. Each webhook is signed with all of them, as Standard Webhooks specifies, so receivers can change to
the new secret at any time before the old one expires.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.domain.errors import InvalidRequest, TableBusy
from service.domain.projects import Action, Actor, WebhookSecretState
from service.domain.webhooks import project_secret
from service.ports.projects import Secrets, WebhookSecretStore
from service.ports.state import Clock
from service.projects.audit import entry_of
from service.support.clock import timestamp

MAX_OVERLAP_SECONDS = 30 * 86_400
"""Maximum seconds for which a replaced secret still signs."""
MAX_OLDER = 4
"""Maximum older secrets that still sign: each adds 48 bytes to a header that receivers limit."""
_ATTEMPTS = 3
"""Tries if other requests rotate the same project's secret at the same time."""


@dataclass(frozen=True, kw_only=True)
class WebhookSecretPorts:
    store: WebhookSecretStore
    secrets: Secrets
    master_arn: str
    clock: Clock


@dataclass(frozen=True, kw_only=True)
class SigningSecrets:
    current: str
    older: tuple[str, ...]
    """Secrets that have not expired, newest first."""
    older_until: str | None
    """When the last of them expires."""


def signing_secrets(project: str, ports: WebhookSecretPorts) -> SigningSecrets:
    """Return the secrets that currently sign the project's webhooks."""
    return _derived(project, ports.store.get(project), ports)


def rotate(
    project: str, *, overlap_seconds: int, by: Actor, audit_days: int, ports: WebhookSecretPorts
) -> SigningSecrets:
    """Make a new current secret. The old one still signs for `overlap_seconds`. Written with its audit entry.

    Raises `InvalidRequest` while `MAX_OLDER` older secrets still sign, `TableBusy` if others keep rotating it.
    """
    for _ in range(_ATTEMPTS):
        now = ports.clock()
        known = ports.store.get(project)
        older = {number: until for number, until in known.older.items() if until > now}
        if overlap_seconds and len(older) >= MAX_OLDER:
            raise InvalidRequest(
                f"{MAX_OLDER} older secrets still sign, until {max(older.values())}: wait, or rotate with "
                "overlap_seconds 0, which invalidates them all"
            )
        until = timestamp(datetime.fromisoformat(now) + timedelta(seconds=overlap_seconds))
        changed = WebhookSecretState(
            current=known.current + 1, older={**older, known.current: until} if overlap_seconds else {}
        )
        entry = entry_of(Action.WEBHOOK_SECRET_ROTATE, project, project=project, by=by, now=now, days=audit_days)
        if ports.store.replace(project, changed, entry=entry):
            return _derived(project, changed, ports)
    raise TableBusy("other requests are rotating the webhook secret: nothing was changed, try again")


def _derived(project: str, state: WebhookSecretState, ports: WebhookSecretPorts) -> SigningSecrets:
    master, now = ports.secrets.get(ports.master_arn), ports.clock()
    valid = {number: until for number, until in state.older.items() if until > now}
    return SigningSecrets(
        current=project_secret(master, project, state.current),
        older=tuple(project_secret(master, project, number) for number in sorted(valid, reverse=True)),
        older_until=max(valid.values(), default=None),
    )
