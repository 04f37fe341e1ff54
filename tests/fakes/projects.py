"""Keys, audit, folders and presets in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.domain.errors import TooManyExecutionSettings
from service.domain.projects import ApiKey, AuditEntry, ExecutionSettings, Folder, WebhookSecretState
from tests.fakes.faults import Faults, port_call


@dataclass
class FakeKeys:
    faults: Faults = field(default_factory=Faults)
    rows: dict[str, ApiKey] = field(default_factory=dict)
    port = "keys"

    @port_call
    def put(self, key: ApiKey) -> None:
        self.rows[key.id] = key

    @port_call
    def get(self, key_id: str) -> ApiKey | None:
        return self.rows.get(key_id)

    @port_call
    def page(self, *, limit: int, after: str | None) -> tuple[Sequence[ApiKey], str | None]:
        positions = {f"{key.created_at}#{key.id}": key for key in self.rows.values()}
        rest = [position for position in sorted(positions) if after is None or position > after]
        shown = rest[:limit]
        return [positions[position] for position in shown], shown[-1] if len(rest) > limit else None

    @port_call
    def delete(self, key_id: str) -> bool:
        return self.rows.pop(key_id, None) is not None


@dataclass
class FakeAudit:
    """Shares its entries with the fakes that write them together with a change."""

    entries: list[AuditEntry]
    faults: Faults = field(default_factory=Faults)
    port = "audit"

    @port_call
    def add(self, entry: AuditEntry) -> None:
        self.entries.append(entry)

    @port_call
    def page(
        self, project: str, *, subject: str | None, limit: int, after: str | None
    ) -> tuple[Sequence[AuditEntry], str | None]:
        found = {one.id: one for one in self.entries if one.project == project and subject in (None, one.subject)}
        rest = [one for one in sorted(found, reverse=True) if after is None or one < after]
        shown = rest[:limit]
        return [found[one] for one in shown], shown[-1] if len(rest) > limit else None


@dataclass
class FakeFolders:
    entries: list[AuditEntry]
    faults: Faults = field(default_factory=Faults)
    rows: dict[tuple[str, str], Folder] = field(default_factory=dict)
    port = "folders"

    @port_call
    def create(self, folder: Folder, *, entry: AuditEntry) -> bool:
        if (folder.project, folder.id) in self.rows:
            return False
        self.rows[folder.project, folder.id] = folder
        self.entries.append(entry)
        return True

    @port_call
    def get(self, project: str, folder_id: str) -> Folder | None:
        return self.rows.get((project, folder_id))

    @port_call
    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Folder], str | None]:
        found = {f"{one.created_at}#{one.id}": one for one in self.rows.values() if one.project == project}
        rest = [position for position in sorted(found) if after is None or position > after]
        shown = rest[:limit]
        return [found[position] for position in shown], shown[-1] if len(rest) > limit else None


@dataclass
class FakeExecutionSettings:
    entries: list[AuditEntry]
    faults: Faults = field(default_factory=Faults)
    rows: dict[tuple[str, str], ExecutionSettings] = field(default_factory=dict)
    port = "execution_settings"

    @port_call
    def create(self, saved: ExecutionSettings, *, limit: int, entry: AuditEntry) -> bool:
        if (saved.project, saved.id) in self.rows:
            return False
        if sum(project == saved.project for project, _ in self.rows) >= limit:
            raise TooManyExecutionSettings(f"this project has {limit:,} execution settings, which is the limit")
        self.rows[saved.project, saved.id] = saved
        self.entries.append(entry)
        return True

    @port_call
    def get(self, project: str, settings_id: str) -> ExecutionSettings | None:
        return self.rows.get((project, settings_id))

    @port_call
    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[ExecutionSettings], str | None]:
        found = {f"{one.created_at}#{one.id}": one for one in self.rows.values() if one.project == project}
        rest = [position for position in sorted(found) if after is None or position > after]
        shown = rest[:limit]
        return [found[position] for position in shown], shown[-1] if len(rest) > limit else None

    @port_call
    def replace(self, saved: ExecutionSettings, *, entry: AuditEntry) -> bool:
        if (saved.project, saved.id) not in self.rows:
            return False
        self.rows[saved.project, saved.id] = saved
        self.entries.append(entry)
        return True

    @port_call
    def delete(self, project: str, settings_id: str, *, entry: AuditEntry) -> bool:
        if self.rows.pop((project, settings_id), None) is None:
            return False
        self.entries.append(entry)
        return True


@dataclass
class FakeSecrets:
    values: Mapping[str, str]

    def get(self, secret_id: str) -> str:
        return self.values[secret_id]


@dataclass
class FakeWebhookSecrets:
    entries: list[AuditEntry]
    states: dict[str, WebhookSecretState] = field(default_factory=dict)

    def get(self, project: str) -> WebhookSecretState:
        return self.states.get(project, WebhookSecretState())

    def replace(self, project: str, state: WebhookSecretState, *, entry: AuditEntry) -> bool:
        if self.get(project).current != state.current - 1:
            return False
        self.states[project] = state
        self.entries.append(entry)
        return True
