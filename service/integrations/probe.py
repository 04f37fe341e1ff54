"""Whether an integration works: it lists, and reads one byte of one object."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, islice

from service.audit import entry_of
from service.errors import AccessDenied, ClipferryError, CredentialsRejected, ObjectError, RoleRefused
from service.imports.hurry import done_within
from service.integrations.access import location_of
from service.integrations.manage import IntegrationPorts, get
from service.schema import Action, Actor, Integration, IntegrationType
from service.sources.port import ObjectSource, SourceObject
from service.uris import Location

PROBE_SECONDS = 15
"""And those of `done_within`: below the 29 s after which API Gateway gives up."""
OBJECTS_LOOKED_AT = 1_000
"""To find one that is not empty."""

NOT_TRIED = "NOT_TRIED"
TIMED_OUT = "TIMED_OUT"
_LIST, _READ = "list", "read"
PERMISSIONS = {
    IntegrationType.S3: {_LIST: "s3:ListBucket", _READ: "s3:GetObject"},
    IntegrationType.S3_ROLE: {_LIST: "s3:ListBucket", _READ: "s3:GetObject"},
    IntegrationType.GCS: {_LIST: "storage.objects.list", _READ: "storage.objects.get"},
    IntegrationType.HF_BUCKET: {_LIST: "read access to the bucket", _READ: "read access to the bucket"},
}


@dataclass(frozen=True)
class Check:
    action: str
    """`list` or `read`."""
    ok: bool
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class Probe:
    checks: tuple[Check, Check]

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)


def probe(integration_id: str, *, project: str, by: Actor, ports: IntegrationPorts) -> Probe:
    """Try it now. Raises `NotFound`."""
    integration = get(integration_id, project=project, store=ports.store)
    now = ports.clock()
    entry = entry_of(Action.INTEGRATION_TEST, integration.id, project=project, by=by, now=now, days=ports.audit_days)
    if not ports.store.use(integration, now, entry=entry):
        get(integration_id, project=project, store=ports.store)
    checks: list[Check] = []
    done_within(PROBE_SECONDS, lambda: _try(integration, lambda: ports.sources.source_for(integration), checks.append))
    found = {check.action: check for check in list(checks)}
    late = "the store did not answer in time"
    listed = found.get(_LIST) or Check(_LIST, False, TIMED_OUT, late)
    return Probe((listed, found.get(_READ) or _unread(listed, late)))


def _unread(listed: Check, late: str) -> Check:
    if listed.ok:
        return Check(_READ, False, TIMED_OUT, late)
    return Check(_READ, False, NOT_TRIED, "it is not known what to read as long as listing fails")


def _try(integration: Integration, opened: Callable[[], ObjectSource], tell: Callable[[Check], None]) -> None:
    where = location_of(integration)
    try:
        source = opened()
        objects = list(islice(chain.from_iterable(source.list_pages(where)), OBJECTS_LOOKED_AT))
    except ClipferryError as error:
        tell(_failed(_LIST, error, integration))
        return
    tell(Check(_LIST, True))
    tell(_read(integration, source, where, objects))


def _read(integration: Integration, source: ObjectSource, where: Location, objects: list[SourceObject]) -> Check:
    found = next((one for one in objects if one.size), None)
    if found is None:
        return Check(_READ, False, NOT_TRIED, f"no object with content was found below {ascii(str(where))[1:-1]}")
    try:
        source.read(where.at(found.key), 0, 1, found.pin)
    except ObjectError as error:
        return _failed(_READ, error, integration)
    return Check(_READ, True)


def _failed(action: str, error: ClipferryError, integration: Integration) -> Check:
    message = error.message
    if isinstance(error, AccessDenied) and not isinstance(error, CredentialsRejected | RoleRefused):
        message += f"; the missing permission is {PERMISSIONS[integration.type][action]}"
    return Check(action, False, error.code, message)
