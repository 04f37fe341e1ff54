"""Create, read and delete integrations.

The row is written before the secret and removed after it, and callers see it only in between. So a crash leaves a
hidden row that names the secret, and `mend` removes both.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field, replace
from functools import partial

from service.domain.errors import IdempotencyConflict, InvalidRequest, NotFound
from service.domain.ids import request_digest
from service.domain.projects import Action, Actor, AuditEntry, Integration, IntegrationState, IntegrationType
from service.domain.service_buckets import ServiceBuckets
from service.domain.uris import parse_prefix
from service.ports.projects import IntegrationSecrets, IntegrationStore
from service.ports.state import Clock
from service.projects.audit import entry_of
from service.projects.integrations.mend import remove
from service.projects.integrations.rules import location_of
from service.projects.slow_requests import SlowRequests
from service.sources.port import Sources
from service.support.paging import Page, read_page

MAX_PER_PROJECT = 100
"""Maximum integrations of a project: all are read to find the one for a URI, and each secret has a monthly price."""
ROLE_NAME_PREFIX = "clipferry-"
"""Functions assume only roles with this name prefix, since the own account may have roles that trust all of it."""

_ID = re.compile(r"in_[0-9a-f]{24}")
ROLE_ARN = re.compile(rf"arn:aws[a-z-]*:iam::\d{{12}}:role/{ROLE_NAME_PREFIX}[\w+=,.@-]{{1,54}}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class IntegrationPorts:
    store: IntegrationStore
    secrets: IntegrationSecrets
    sources: Sources
    clock: Clock
    audit_days: int
    service: ServiceBuckets
    """Buckets for which no integration is saved; their objects are imported without one."""
    slow: SlowRequests


@dataclass(frozen=True, kw_only=True)
class IntegrationRequest:
    type: IntegrationType
    name: str
    """For people; several integrations may share a name."""
    bucket: str
    prefix: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    role_arn: str | None = None
    requester_pays: bool = False
    allow_delete: bool = False
    credentials: str | None = field(default=None, repr=False)
    """In the form that `service.sources.build` reads; None if the type needs none."""


def create(
    request: IntegrationRequest, *, project: str, by: Actor, ports: IntegrationPorts, idempotency_key: str | None = None
) -> Integration:
    """Save an integration under a new id. With a known idempotency key, return the one that was saved with it.

    Raises `InvalidRequest`, `TooManyIntegrations`, `TooManySlowRequests`, `IdempotencyConflict`.
    """
    if request.allow_delete:
        _check_deletable(request.type)
    made = _new(request, project, by, ports.clock(), idempotency_key)
    check_integration(made, ports.service)
    with ports.slow.one(project):  # it resolves names whose name servers callers choose
        ports.sources.check(made, request.credentials)
    entry = _entry(Action.INTEGRATION_CREATE, made, by, made.created_at, ports)
    if not ports.store.create(made, limit=MAX_PER_PROJECT, entry=entry):
        made = _made_before(made, ports)
    if not _keeps(made, request.credentials, ports):
        raise IdempotencyConflict("this idempotency key was used with other credentials before")
    if not ports.store.settle(made, ports.clock()):
        ports.secrets.delete(made.secret_name)
        raise IdempotencyConflict("this integration was deleted while it was being created: send the request again")
    return get(made.id, project=project, store=ports.store)


def _new(request: IntegrationRequest, project: str, by: Actor, now: str, idempotency_key: str | None) -> Integration:
    endpoint_url = request.endpoint_url
    integration_id = _id_for(project, idempotency_key) if idempotency_key else f"in_{secrets.token_hex(12)}"
    return Integration(
        id=integration_id,
        project=project,
        name=request.name,
        type=request.type,
        bucket=request.bucket,
        prefix=request.prefix or None,
        region=request.region or ("auto" if endpoint_url and request.type is IntegrationType.S3 else None),
        endpoint_url=endpoint_url,
        role_arn=request.role_arn,
        requester_pays=request.requester_pays,
        allow_delete=request.allow_delete,
        external_id=secrets.token_hex(16) if request.type is IntegrationType.S3_ROLE else None,
        secret_name=f"{integration_id}/{secrets.token_hex(4)}",
        with_credentials=request.credentials is not None,
        state=IntegrationState.CREATING,
        touched_at=now,
        created_at=now,
        created_by=by.key_id,
        request_digest=_digest(request),
    )


def check_integration(made: Integration, service: ServiceBuckets) -> None:
    """Raises `InvalidRequest`."""
    location = location_of(made)
    if location.scheme == "s3" and service.has(location.bucket):
        raise InvalidRequest(f"bucket: {made.bucket} belongs to the service; import from it without an integration")
    if location.revision:
        raise InvalidRequest("bucket: leave out the revision; the URIs of imports name one")
    if parse_prefix(str(location)) != location:
        raise InvalidRequest(f"bucket: {made.bucket!a} is not the name of a bucket")
    if made.role_arn is not None and not ROLE_ARN.fullmatch(made.role_arn):
        raise InvalidRequest(
            f"role_arn: the role must be named {ROLE_NAME_PREFIX}… (arn:aws:iam::123456789012:role/{ROLE_NAME_PREFIX}…)"
        )


def _made_before(made: Integration, ports: IntegrationPorts) -> Integration:
    """Return the integration that the same request made or began to make. Raises `IdempotencyConflict`."""
    known = ports.store.get(made.project, made.id)
    if known is None or known.state is IntegrationState.DELETING:
        raise IdempotencyConflict("the integration of this idempotency key is being deleted: use another key")
    if known.request_digest != made.request_digest:
        raise IdempotencyConflict("this idempotency key was used with another request before")
    return known


def _keeps(made: Integration, credentials: str | None, ports: IntegrationPorts) -> bool:
    """Store the credentials if none are stored; return whether the stored ones are these."""
    if credentials is None:
        return True
    if made.state is IntegrationState.CREATING and ports.secrets.put(made.secret_name, credentials):
        return True
    kept = ports.secrets.get(made.secret_name)
    return kept is not None and hmac.compare_digest(kept.encode(), credentials.encode())


def get(integration_id: str, *, project: str, store: IntegrationStore) -> Integration:
    """Return an integration. Raises `NotFound`, also for another project's and for one being made or deleted."""
    found = _find(integration_id, project, store)
    if found is None or found.state is not IntegrationState.READY:
        raise _not_found(integration_id)
    return found


def page(project: str, *, limit: int, cursor: str | None, store: IntegrationStore) -> Page[Integration]:
    """Return a page of integrations, oldest first. Raises `InvalidCursor`, `InvalidRequest`."""
    return read_page(partial(store.page, project), scope=f"integrations of {project}", limit=limit, cursor=cursor)


def delete(integration_id: str, *, project: str, by: Actor, ports: IntegrationPorts) -> None:
    """Delete an integration and its credentials, also after an interrupted deletion. Raises `NotFound`."""
    found = _find(integration_id, project, ports.store)
    if found is None or found.state is IntegrationState.CREATING:
        raise _not_found(integration_id)
    if found.state is IntegrationState.READY:
        now = ports.clock()
        ports.store.begin_delete(found, now, entry=_entry(Action.INTEGRATION_DELETE, found, by, now, ports))
    remove(found, ports.store, ports.secrets)


def allow_delete(
    integration_id: str, allowed: bool, *, project: str, by: Actor, ports: IntegrationPorts
) -> Integration:
    """Let imports delete the objects that they copied, or no longer. Raises `NotFound`, `InvalidRequest`."""
    found = get(integration_id, project=project, store=ports.store)
    if allowed:
        _check_deletable(found.type)
    now = ports.clock()
    entry = entry_of(
        Action.INTEGRATION_CHANGE,
        found.id,
        project=project,
        by=by,
        now=now,
        days=ports.audit_days,
        details={"allow_delete": allowed},
    )
    if not ports.store.allow_delete(found, allowed, entry=entry):
        raise _not_found(integration_id)
    return replace(found, allow_delete=allowed)


def _check_deletable(kind: IntegrationType) -> None:
    if kind is IntegrationType.HF_BUCKET:
        raise InvalidRequest("allow_delete: this service deletes nothing on Hugging Face")


def _find(integration_id: str, project: str, store: IntegrationStore) -> Integration | None:
    return store.get(project, integration_id) if _ID.fullmatch(integration_id) else None


def _not_found(integration_id: str) -> NotFound:
    return NotFound(f"there is no integration {integration_id!r} in this project")


def _entry(action: Action, integration: Integration, by: Actor, now: str, ports: IntegrationPorts) -> AuditEntry:
    return entry_of(action, integration.id, project=integration.project, by=by, now=now, days=ports.audit_days)


def _id_for(project: str, idempotency_key: str) -> str:
    digest = hashlib.sha256(f"integration\0{project}\0{idempotency_key}".encode()).hexdigest()
    return f"in_{digest[:24]}"


def _digest(request: IntegrationRequest) -> str:
    """Hash the request without its credentials, which are compared with the stored ones instead."""
    asked: dict[str, object] = {
        "type": request.type,
        "name": request.name,
        "bucket": request.bucket,
        "prefix": request.prefix,
        "region": request.region,
        "endpoint_url": request.endpoint_url,
        "role_arn": request.role_arn,
        "with_credentials": request.credentials is not None,
    }
    # Requests without these fields keep the digest that they had before them.
    later = {"requester_pays": request.requester_pays, "allow_delete": request.allow_delete}
    return request_digest(asked | {name: True for name, value in later.items() if value})
