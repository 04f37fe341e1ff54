"""Test an integration: list, read one byte of one object, and on S3 read its tags."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, islice

from service.domain.errors import AccessDenied, ClipferryError, CredentialsRejected, ObjectError, RoleRefused
from service.domain.projects import Action, Actor, Integration, IntegrationType
from service.projects.audit import entry_of
from service.projects.integrations.manage import IntegrationPorts, check_integration, get
from service.projects.integrations.rules import location_of
from service.sources.deadline import done_within
from service.sources.port import ObjectSource, Pin

PROBE_SECONDS = 15
"""Seconds. With the time of `done_within`, this is below API Gateway's limit of 29 seconds."""
OBJECTS_LOOKED_AT = 1_000
"""Objects in which it searches for one with content."""

NOT_TRIED = "NOT_TRIED"
TIMED_OUT = "TIMED_OUT"
_LIST, _READ, _TAGS = "list", "read", "tags"
PERMISSIONS = {
    IntegrationType.S3: {_LIST: "s3:ListBucket", _READ: "s3:GetObject", _TAGS: "s3:GetObjectTagging"},
    IntegrationType.S3_ROLE: {_LIST: "s3:ListBucket", _READ: "s3:GetObject", _TAGS: "s3:GetObjectTagging"},
    IntegrationType.GCS: {_LIST: "storage.objects.list", _READ: "storage.objects.get"},
    IntegrationType.HF_BUCKET: {_LIST: "read access to the bucket", _READ: "read access to the bucket"},
}


@dataclass(frozen=True)
class Check:
    action: str
    """`list`, `read`, or on S3 `tags`; without the last, imports work but do not keep tags."""
    ok: bool
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class Probe:
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks if check.action != _TAGS)


def probe(integration_id: str, *, project: str, by: Actor, ports: IntegrationPorts) -> Probe:
    """Test it now.

    Raises `NotFound`, `InvalidRequest` if it reaches the service's own buckets, `TooManySlowRequests`.
    """
    integration = get(integration_id, project=project, store=ports.store)
    check_integration(integration, ports.service)
    with ports.slow.one(project):
        return _probed(integration, by, ports)


def _probed(integration: Integration, by: Actor, ports: IntegrationPorts) -> Probe:
    project, now = integration.project, ports.clock()
    entry = entry_of(Action.INTEGRATION_TEST, integration.id, project=project, by=by, now=now, days=ports.audit_days)
    if not ports.store.use(integration, now, entry=entry):
        get(integration.id, project=project, store=ports.store)
    checks: list[Check] = []
    done_within(PROBE_SECONDS, lambda: _try(integration, lambda: ports.sources.source_for(integration), checks.append))
    found = {check.action: check for check in list(checks)}
    late = "the store did not answer in time"
    listed = found.get(_LIST) or Check(_LIST, False, TIMED_OUT, late)
    read = found.get(_READ) or _untried(_READ, listed, late)
    if _TAGS not in PERMISSIONS[integration.type]:
        return Probe((listed, read))
    return Probe((listed, read, found.get(_TAGS) or _untried(_TAGS, read, late)))


def _untried(action: str, before: Check, late: str) -> Check:
    if before.ok:
        return Check(action, False, TIMED_OUT, late)
    return Check(action, False, NOT_TRIED, f"it is tested after {before.action} works")


def _try(integration: Integration, opened: Callable[[], ObjectSource], tell: Callable[[Check], None]) -> None:
    where = location_of(integration)
    try:
        source = opened()
        objects = list(islice(chain.from_iterable(source.list_pages(where)), OBJECTS_LOOKED_AT))
    except ClipferryError as error:
        tell(_failed(_LIST, error, integration))
        return
    tell(Check(_LIST, True))
    found = next((one for one in objects if one.size), None)
    if found is None:
        tell(Check(_READ, False, NOT_TRIED, f"no object with content was found below {ascii(str(where))[1:-1]}"))
        return
    at, pin = where.at(found.key), Pin.of(found)
    if _tried(_READ, lambda: source.read(at, 0, 1, pin), integration, tell) and _TAGS in PERMISSIONS[integration.type]:
        _tried(_TAGS, lambda: source.tags(at, pin), integration, tell)


def _tried(action: str, call: Callable[[], object], integration: Integration, tell: Callable[[Check], None]) -> bool:
    try:
        call()
    except ObjectError as error:
        tell(_failed(action, error, integration))
        return False
    tell(Check(action, True))
    return True


def _failed(action: str, error: ClipferryError, integration: Integration) -> Check:
    message = error.message
    if isinstance(error, AccessDenied) and not isinstance(error, CredentialsRejected | RoleRefused):
        message += f"; the missing permission is {PERMISSIONS[integration.type][action]}"
    return Check(action, False, error.code, message)
