"""The resources with a few calls each."""

from collections.abc import Iterator
from typing import Literal, Unpack

from clipferry.decode import decode
from clipferry.models import (
    ApiKey,
    AuditEntry,
    Caller,
    CountedFolder,
    CreatedKey,
    ExecutionSettings,
    Folder,
    FoundClip,
    Integration,
    IntegrationTest,
    Preview,
)
from clipferry.requests import ImportRequest, IntegrationRequest, Settings, body_of
from clipferry.resources.base import Resource, new_key
from clipferry.transport import path_of


class Clips(Resource):
    """`/v1/clips`."""

    def find(
        self,
        *,
        clip_id: str | None = None,
        original_clipgt_url: str | None = None,
        label: str | None = None,
        folder: str | None = None,
        test_run_group: str | None = None,
        limit: int | None = None,
    ) -> Iterator[FoundClip]:
        """Clips of all imports for which all that is given holds (at least one), of the newest import first."""
        wanted = {"clip_id": clip_id, "original_clipgt_url": original_clipgt_url, "label": label, "folder": folder}
        return self._pages(
            FoundClip, "/v1/clips", "clips", limit=limit, query={**wanted, "test_run_group": test_run_group}
        )


class Previews(Resource):
    """`/v1/previews`."""

    def create(self, **request: Unpack[ImportRequest]) -> Preview:
        """What an import of this would do, cost and take. Nothing is written."""
        return decode(Preview, self._http.call("POST", "/v1/previews", body=body_of(request), repeatable=True))


class SavedSettings(Resource):
    """`/v1/execution-settings`."""

    def create(
        self, name: str, settings: Settings, *, description: str | None = None, idempotency_key: str | None = None
    ) -> ExecutionSettings:
        body = body_of({"name": name, "settings": settings, "description": description})
        key = idempotency_key or new_key()
        answer = self._http.call("POST", "/v1/execution-settings", body=body, idempotency_key=key, repeatable=True)
        return decode(ExecutionSettings, answer)

    def list(self, *, limit: int | None = None) -> Iterator[ExecutionSettings]:
        """Oldest first."""
        return self._pages(ExecutionSettings, "/v1/execution-settings", "execution_settings", limit=limit)

    def get(self, settings_id: str) -> ExecutionSettings:
        path = path_of("execution-settings", settings_id)
        return decode(ExecutionSettings, self._http.call("GET", path, repeatable=True))

    def replace(
        self, settings_id: str, name: str, settings: Settings, *, description: str | None = None
    ) -> ExecutionSettings:
        """Name, description and settings, all three."""
        body = body_of({"name": name, "settings": settings, "description": description})
        path = path_of("execution-settings", settings_id)
        return decode(ExecutionSettings, self._http.call("PUT", path, body=body, repeatable=True))

    def delete(self, settings_id: str) -> None:
        self._http.call("DELETE", path_of("execution-settings", settings_id), repeatable=True)


class Integrations(Resource):
    """`/v1/integrations`."""

    def create(self, *, idempotency_key: str | None = None, **request: Unpack[IntegrationRequest]) -> Integration:
        key, body = idempotency_key or new_key(), body_of(request)
        answer = self._http.call("POST", "/v1/integrations", body=body, idempotency_key=key, repeatable=True)
        return decode(Integration, answer)

    def list(self, *, limit: int | None = None) -> Iterator[Integration]:
        """Oldest first."""
        return self._pages(Integration, "/v1/integrations", "integrations", limit=limit)

    def get(self, integration_id: str) -> Integration:
        path = path_of("integrations", integration_id)
        return decode(Integration, self._http.call("GET", path, repeatable=True))

    def test(self, integration_id: str) -> IntegrationTest:
        """List below its prefix and read one byte. Each test is in the audit, so no try is made twice."""
        path = path_of("integrations", integration_id, "test")
        return decode(IntegrationTest, self._http.call("POST", path, repeatable=False))

    def delete(self, integration_id: str) -> None:
        """With its credentials, at once and for good."""
        self._http.call("DELETE", path_of("integrations", integration_id), repeatable=True)


class Folders(Resource):
    """`/v1/folders`."""

    def create(
        self,
        name: str,
        *,
        scope: Literal["user", "org"] = "user",
        description: str | None = None,
        idempotency_key: str | None = None,
    ) -> Folder:
        """Raises `Conflict` (FOLDER_EXISTS) where the project has one of this name in this scope."""
        body = body_of({"name": name, "scope": scope, "description": description})
        key = idempotency_key or new_key()
        return decode(Folder, self._http.call("POST", "/v1/folders", body=body, idempotency_key=key, repeatable=True))

    def list(self, *, limit: int | None = None) -> Iterator[Folder]:
        """Oldest first."""
        return self._pages(Folder, "/v1/folders", "folders", limit=limit)

    def get(self, folder_id: str) -> CountedFolder:
        """With its `clip_count`. Raises `NotFound`."""
        return decode(CountedFolder, self._http.call("GET", path_of("folders", folder_id), repeatable=True))


class Keys(Resource):
    """`/v1/keys`: for the admin key, all but `current`."""

    def current(self) -> Caller:
        """What this client's key is. Raises `Unauthorized` if it is none."""
        return decode(Caller, self._http.call("GET", "/v1/key", repeatable=True))

    def create(self, project: str, name: str) -> CreatedKey:
        """Not tried again where the first try may have worked: each call makes a key."""
        body = {"project": project, "name": name}
        return decode(CreatedKey, self._http.call("POST", "/v1/keys", body=body, repeatable=False))

    def list(self, *, limit: int | None = None) -> Iterator[ApiKey]:
        """Oldest first."""
        return self._pages(ApiKey, "/v1/keys", "keys", limit=limit)

    def revoke(self, key_id: str) -> None:
        self._http.call("DELETE", path_of("keys", key_id), repeatable=True)


class Audit(Resource):
    """`/v1/audit`."""

    def list(self, *, subject: str | None = None, limit: int | None = None) -> Iterator[AuditEntry]:
        """Who asked for which change, newest first; with `subject` only of this id."""
        return self._pages(AuditEntry, "/v1/audit", "entries", limit=limit, query={"subject": subject})


class Webhooks(Resource):
    """`/v1/webhook-secret`."""

    def secret(self) -> str:
        """`whsec_…`: verifies the project's webhooks (Standard Webhooks)."""
        return str(self._http.call("GET", "/v1/webhook-secret", repeatable=True)["secret"])
