"""API keys. A project key is `cf_{id}_{secret}`: the id finds it, and only the secret's SHA-256 is stored.

A plain hash is enough because the secret has 192 random bits: there is nothing to guess from a dictionary.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from service.domain.errors import InvalidRequest, NotFound
from service.domain.ids import PROJECT_NAME
from service.domain.projects import Action, Actor, ApiKey
from service.ports.projects import KeyStore
from service.ports.state import Clock
from service.projects.audit import AuditPorts, record
from service.support.paging import Page, read_page

_FORMAT = re.compile(r"cf_([0-9a-f]{12})_([0-9a-f]{48})")


@dataclass(frozen=True)
class Caller:
    """The caller of a request: a project by one of its keys, or the admin, who has no project."""

    project: str | None
    key_id: str

    @property
    def is_admin(self) -> bool:
        return self.project is None


ADMIN = Caller(None, "admin")


def create_key(
    project: str, name: str, *, keys: KeyStore, clock: Clock, by: Actor, audit: AuditPorts
) -> tuple[ApiKey, str]:
    """Create a key; return it and its text, which is never shown again. Raises `InvalidRequest`."""
    if not PROJECT_NAME.fullmatch(project):
        raise InvalidRequest(
            "project must be 1 to 64 letters, digits, '.', '_' or '-' and begin with a letter or a digit"
        )
    key_id, secret = secrets.token_hex(6), secrets.token_hex(24)
    key = ApiKey(id=f"key_{key_id}", project=project, name=name, digest=_digest(secret), created_at=clock())
    record(Action.KEY_CREATE, key.id, project=project, by=by, ports=audit)
    keys.put(key)
    return key, f"cf_{key_id}_{secret}"


MAX_KEY = 128
"""Characters of a key. The admin key that a deployment generates has 40."""


def may_be_admin(text: str) -> bool:
    """Whether it can be the admin key, so that nothing else makes the service read that secret."""
    return not text.startswith("cf_") and 0 < len(text) <= MAX_KEY and text.isascii() and text.isprintable()


def authenticate(text: str, *, keys: KeyStore, admin_key: str | None) -> Caller | None:
    """Whose key this is; None for a key that is unknown, revoked or malformed.

    `admin_key` may be None for a text that `may_be_admin` excludes.
    """
    if admin_key and hmac.compare_digest(text.encode(errors="replace"), admin_key.encode()):
        return ADMIN
    match = _FORMAT.fullmatch(text)
    key = keys.get(f"key_{match[1]}") if match else None
    if match is None or key is None or not hmac.compare_digest(_digest(match[2]), key.digest):
        return None
    return Caller(key.project, key.id)


def keys_page(*, limit: int, cursor: str | None, keys: KeyStore) -> Page[ApiKey]:
    """Return a page of keys, oldest first. Raises `InvalidCursor`, `InvalidRequest`."""
    return read_page(keys.page, scope="keys", limit=limit, cursor=cursor)


def revoke_key(key_id: str, *, keys: KeyStore, by: Actor, audit: AuditPorts) -> None:
    """Raises `NotFound`."""
    key = keys.get(key_id)
    if key:
        record(Action.KEY_REVOKE, key_id, project=key.project, by=by, ports=audit)
    if not key or not keys.delete(key_id):
        raise NotFound(f"there is no key {key_id!r}")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
