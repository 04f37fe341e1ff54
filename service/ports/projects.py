"""Ports of what a project owns: keys, folders, presets, integrations, audit log."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from service.domain.projects import ApiKey, AuditEntry, ExecutionSettings, Folder, Integration, WebhookSecretState


class KeyStore(Protocol):
    def put(self, key: ApiKey) -> None: ...

    def get(self, key_id: str) -> ApiKey | None: ...

    def page(self, *, limit: int, after: str | None) -> tuple[Sequence[ApiKey], str | None]: ...

    def delete(self, key_id: str) -> bool:
        """Return False if there is no such key."""
        ...


class AuditLog(Protocol):
    def add(self, entry: AuditEntry) -> None: ...

    def page(
        self, project: str, *, subject: str | None, limit: int, after: str | None
    ) -> tuple[Sequence[AuditEntry], str | None]:
        """Return one subject's or all entries, newest first. `after` and the second value are positions (None: end)."""
        ...


class FolderStore(Protocol):
    def create(self, folder: Folder, *, entry: AuditEntry) -> bool:
        """Write it and its audit entry. False, and nothing is written, if the id exists in the project."""
        ...

    def get(self, project: str, folder_id: str) -> Folder | None: ...

    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Folder], str | None]:
        """Return folders, oldest first."""
        ...


class ExecutionSettingsStore(Protocol):
    """Each change and its audit entry are one transaction."""

    def create(self, saved: ExecutionSettings, *, limit: int, entry: AuditEntry) -> bool:
        """Write it and its audit entry. False, and nothing is written, if the id exists in the project.

        Raises `TooManyExecutionSettings` if the project has `limit` of them.
        """
        ...

    def get(self, project: str, settings_id: str) -> ExecutionSettings | None: ...

    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[ExecutionSettings], str | None]:
        """Return presets, oldest first."""
        ...

    def replace(self, saved: ExecutionSettings, *, entry: AuditEntry) -> bool:
        """Return False, and write nothing, if the preset is gone."""
        ...

    def delete(self, project: str, settings_id: str, *, entry: AuditEntry) -> bool:
        """Return False if it is gone already."""
        ...


class IntegrationStore(Protocol):
    """Integrations of all states, and how many a project has."""

    def create(self, made: Integration, *, limit: int, entry: AuditEntry) -> bool:
        """Write it and its audit entry. False, and nothing is written, if the id exists in the project.

        Raises `TooManyIntegrations` if the project has `limit` of them.
        """
        ...

    def get(self, project: str, integration_id: str) -> Integration | None: ...

    def page(self, project: str, *, limit: int, after: str | None) -> tuple[Sequence[Integration], str | None]:
        """Return the ready ones, oldest first. A page may be short."""
        ...

    def settle(self, integration: Integration, now: str) -> bool:
        """Make it ready. False if it is being deleted, or gone."""
        ...

    def begin_delete(self, integration: Integration, now: str, *, entry: AuditEntry | None) -> bool:
        """Hide it from callers and write the entry. False if it has another state than `integration` by now."""
        ...

    def remove(self, integration: Integration) -> None:
        """Delete the record of one that is being deleted. Does nothing if it is gone already."""
        ...

    def unsettled(self) -> Iterator[Integration]:
        """Yield the integrations of all projects that are not ready."""
        ...

    def use(self, integration: Integration, now: str, *, entry: AuditEntry | None) -> bool:
        """Store when it was used, and write the entry. False if it is not ready any more."""
        ...

    def allow_delete(self, integration: Integration, allowed: bool, *, entry: AuditEntry) -> bool:
        """Store whether imports may delete sources, and write the entry. False if it is not ready any more."""
        ...


class IntegrationSecrets(Protocol):
    """Credentials by name. A value never changes."""

    def put(self, name: str, value: str) -> bool:
        """Return False if the name is taken."""
        ...

    def get(self, name: str) -> str | None: ...

    def delete(self, name: str) -> None:
        """Delete immediately and for good. Does nothing if there is none."""
        ...


class WebhookSecretStore(Protocol):
    def get(self, project: str) -> WebhookSecretState:
        """Return the state. A project that never rotated its secret has state 0 without a secret."""
        ...

    def replace(self, project: str, state: WebhookSecretState, *, entry: AuditEntry) -> bool:
        """Write the state and the audit entry. False if the stored state is not the predecessor of `state`."""
        ...


class Secrets(Protocol):
    def get(self, secret_id: str) -> str: ...
