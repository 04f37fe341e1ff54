"""Ports of what a project owns: keys, folders, presets, integrations, audit."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from service.domain.projects import ApiKey, AuditEntry, ExecutionSettings, Folder, Integration, WebhookSecretState


class KeyStore(Protocol):
    def put(self, key: ApiKey) -> None: ...

    def get(self, key_id: str) -> ApiKey | None: ...

    def page(self, *, limit: int, after: str | None) -> tuple[Sequence[ApiKey], str | None]: ...

    def delete(self, key_id: str) -> bool:
        """False where there is no such key."""
        ...


class AuditLog(Protocol):
    def add(self, entry: AuditEntry) -> None: ...

    def page(
        self, project: str, *, subject: str | None, limit: int, after: str | None
    ) -> tuple[Sequence[AuditEntry], str | None]:
        """Newest first, of one subject or of all; `after` and the second value are positions (None: the end)."""
        ...


class FolderStore(Protocol):
    def create(self, folder: Folder, *, entry: AuditEntry) -> bool:
        """Write it and its audit entry. False where one of that id exists in the project; nothing is written then."""
        ...

    def get(self, project: str, folder_id: str) -> Folder | None: ...

    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Folder], str | None]:
        """Oldest first."""
        ...


class ExecutionSettingsStore(Protocol):
    """Each change and its audit entry are one transaction."""

    def create(self, saved: ExecutionSettings, *, limit: int, entry: AuditEntry) -> bool:
        """False where settings of that id exist in the project; nothing is written then.

        Raises `TooManyExecutionSettings` where the project has `limit` of them.
        """
        ...

    def get(self, project: str, settings_id: str) -> ExecutionSettings | None: ...

    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[ExecutionSettings], str | None]:
        """Oldest first."""
        ...

    def replace(self, saved: ExecutionSettings, *, entry: AuditEntry) -> bool:
        """False where they are gone; nothing is written then."""
        ...

    def delete(self, project: str, settings_id: str, *, entry: AuditEntry) -> bool:
        """False where they are gone already."""
        ...


class IntegrationStore(Protocol):
    """Integrations of all states, and how many a project has."""

    def create(self, made: Integration, *, limit: int, entry: AuditEntry) -> bool:
        """Write it and its audit entry. False where one of that id exists in the project; nothing is written then.

        Raises `TooManyIntegrations` where the project has `limit` of them.
        """
        ...

    def get(self, project: str, integration_id: str) -> Integration | None: ...

    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Integration], str | None]:
        """Those that are ready, oldest first; pages may be short."""
        ...

    def settle(self, integration: Integration, now: str) -> bool:
        """Make it ready. False where it is being deleted, or gone."""
        ...

    def begin_delete(self, integration: Integration, now: str, *, entry: AuditEntry | None) -> bool:
        """Hide it from callers and write the entry. False where it has another state than `integration` by now."""
        ...

    def remove(self, integration: Integration) -> None:
        """Forget one that is being deleted; of one that is gone already, nothing."""
        ...

    def unsettled(self) -> Iterator[Integration]:
        """Those that are not ready, of all projects."""
        ...

    def use(self, integration: Integration, now: str, *, entry: AuditEntry | None) -> bool:
        """Keep that it was used, and write the entry. False where it is not ready any more."""
        ...


class IntegrationSecrets(Protocol):
    """Credentials by name. A value never changes."""

    def put(self, name: str, value: str) -> bool:
        """False where the name is taken."""
        ...

    def get(self, name: str) -> str | None: ...

    def delete(self, name: str) -> None:
        """At once and for good; also where there is none."""
        ...


class WebhookSecretStore(Protocol):
    def get(self, project: str) -> WebhookSecretState:
        """The first state, 0 and none, for a project that never rotated its secret."""
        ...

    def replace(self, project: str, state: WebhookSecretState, *, entry: AuditEntry) -> bool:
        """Write the state and the audit entry. False if the state before is not the one that `state` follows."""
        ...


class Secrets(Protocol):
    def get(self, secret_id: str) -> str: ...
