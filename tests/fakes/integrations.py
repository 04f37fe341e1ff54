"""Integrations and their secrets in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from service.domain.errors import TooManyIntegrations
from service.domain.projects import AuditEntry, Integration, IntegrationState
from tests.fakes.faults import Faults, port_call


@dataclass
class FakeIntegrations:
    entries: list[AuditEntry]
    faults: Faults = field(default_factory=Faults)
    rows: dict[tuple[str, str], Integration] = field(default_factory=dict)
    port = "integrations"

    @port_call
    def create(self, made: Integration, *, limit: int, entry: AuditEntry) -> bool:
        if (made.project, made.id) in self.rows:
            return False
        if sum(project == made.project for project, _ in self.rows) >= limit:
            raise TooManyIntegrations(f"this project has {limit:,} integrations, which is the limit")
        self.rows[made.project, made.id] = made
        self.entries.append(entry)
        return True

    @port_call
    def get(self, project: str, integration_id: str) -> Integration | None:
        return self.rows.get((project, integration_id))

    @port_call
    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Integration], str | None]:
        found = {f"{one.created_at}#{one.id}": one for one in self.rows.values() if one.project == project}
        rest = [position for position in sorted(found) if after is None or position > after]
        shown = rest[:limit]
        ready = [found[position] for position in shown if found[position].state is IntegrationState.READY]
        return ready, shown[-1] if len(rest) > limit else None

    @port_call
    def settle(self, integration: Integration, now: str) -> bool:
        known = self._same(integration)
        if known is None or known.state is IntegrationState.DELETING:
            return False
        if known.state is IntegrationState.CREATING:
            self._put(replace(known, state=IntegrationState.READY, touched_at=now))
        return True

    @port_call
    def begin_delete(self, integration: Integration, now: str, *, entry: AuditEntry | None) -> bool:
        known = self._same(integration)
        if known is None or known.state is not integration.state:
            return False
        self._put(replace(known, state=IntegrationState.DELETING, touched_at=now), entry)
        return True

    @port_call
    def remove(self, integration: Integration) -> None:
        known = self._same(integration)
        if known and known.state is IntegrationState.DELETING:
            del self.rows[known.project, known.id]

    @port_call
    def unsettled(self) -> Iterator[Integration]:
        return iter([one for one in self.rows.values() if one.state is not IntegrationState.READY])

    @port_call
    def use(self, integration: Integration, now: str, *, entry: AuditEntry | None) -> bool:
        known = self._same(integration)
        if known is None or known.state is not IntegrationState.READY:
            return False
        self._put(replace(known, last_used=now), entry)
        return True

    @port_call
    def allow_delete(self, integration: Integration, allowed: bool, *, entry: AuditEntry) -> bool:
        known = self._same(integration)
        if known is None or known.state is not IntegrationState.READY:
            return False
        self._put(replace(known, allow_delete=allowed), entry)
        return True

    def _same(self, integration: Integration) -> Integration | None:
        known = self.rows.get((integration.project, integration.id))
        return known if known and known.secret_name == integration.secret_name else None

    def _put(self, changed: Integration, entry: AuditEntry | None = None) -> None:
        self.rows[changed.project, changed.id] = changed
        if entry:
            self.entries.append(entry)


@dataclass
class FakeIntegrationSecrets:
    faults: Faults = field(default_factory=Faults)
    values: dict[str, str] = field(default_factory=dict)
    port = "integration_secrets"

    @port_call
    def put(self, name: str, value: str) -> bool:
        if name in self.values:
            return False
        self.values[name] = value
        return True

    @port_call
    def get(self, name: str) -> str | None:
        return self.values.get(name)

    @port_call
    def delete(self, name: str) -> None:
        self.values.pop(name, None)
