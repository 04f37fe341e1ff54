"""The parts of the API that have a few calls each."""

from collections.abc import AsyncIterator
from typing import Literal

from typing_extensions import Unpack

from clipferry.aio.resources.base import Resource
from clipferry.decode import decode
from clipferry.models import (
    ApiKey,
    AuditEntry,
    Caller,
    CountedFolder,
    CreatedKey,
    Folder,
    Integration,
    IntegrationTest,
    Preset,
    Preview,
    WebhookSecret,
)
from clipferry.requests import ImportRequest, IntegrationRequest, Settings, body_of
from clipferry.wire import new_key, path_of


class Previews(Resource):
    """`/v1/previews`."""

    async def create(self, **request: Unpack[ImportRequest]) -> Preview:
        """Report what an import would copy, skip and fail, its cost and its time. Changes nothing."""
        return decode(Preview, await self._http.call("POST", "/v1/previews", body=body_of(request), repeatable=True))


class Presets(Resource):
    """`/v1/execution-settings`: saved settings of imports. `settings_id` is `Preset.id`."""

    async def create(
        self, name: str, settings: Settings, *, description: str | None = None, idempotency_key: str | None = None
    ) -> Preset:
        """Save settings under a new id. Names need not be unique."""
        body = body_of({"name": name, "settings": settings, "description": description})
        key = idempotency_key or new_key()
        answer = await self._http.call(
            "POST", "/v1/execution-settings", body=body, idempotency_key=key, repeatable=True
        )
        return decode(Preset, answer)

    def list(self, *, limit: int | None = None) -> AsyncIterator[Preset]:
        """Yield the project's presets, oldest first."""
        return self._pages(Preset, "/v1/execution-settings", "execution_settings", limit=limit)

    async def get(self, settings_id: str) -> Preset:
        """Raises `NotFound`."""
        path = path_of("execution-settings", settings_id)
        return decode(Preset, await self._http.call("GET", path, repeatable=True))

    async def replace(
        self, settings_id: str, name: str, settings: Settings, *, description: str | None = None
    ) -> Preset:
        """Replace name, description and settings, all three. Raises `NotFound`."""
        body = body_of({"name": name, "settings": settings, "description": description})
        path = path_of("execution-settings", settings_id)
        return decode(Preset, await self._http.call("PUT", path, body=body, repeatable=True))

    async def delete(self, settings_id: str) -> None:
        """Delete a preset. Imports that used it keep their settings. Raises `NotFound`."""
        await self._http.call("DELETE", path_of("execution-settings", settings_id), repeatable=True)


class Integrations(Resource):
    """`/v1/integrations`: saved access to buckets. `integration_id` is `Integration.id`."""

    async def create(self, *, idempotency_key: str | None = None, **request: Unpack[IntegrationRequest]) -> Integration:
        """Save access to a bucket. Raises `Invalid` if the fields do not fit the type."""
        key, body = idempotency_key or new_key(), body_of(request)
        answer = await self._http.call("POST", "/v1/integrations", body=body, idempotency_key=key, repeatable=True)
        return decode(Integration, answer)

    def list(self, *, limit: int | None = None) -> AsyncIterator[Integration]:
        """Yield the project's integrations, oldest first."""
        return self._pages(Integration, "/v1/integrations", "integrations", limit=limit)

    async def get(self, integration_id: str) -> Integration:
        """Raises `NotFound`."""
        path = path_of("integrations", integration_id)
        return decode(Integration, await self._http.call("GET", path, repeatable=True))

    async def test(self, integration_id: str) -> IntegrationTest:
        """List the bucket and read one byte. Not repeated after a lost answer, because the audit records every test."""
        path = path_of("integrations", integration_id, "test")
        return decode(IntegrationTest, await self._http.call("POST", path, repeatable=False))

    async def change(self, integration_id: str, *, allow_delete: bool) -> Integration:
        """Let imports with `delete_source` delete what they copied, or no longer. Raises `NotFound`."""
        path, body = path_of("integrations", integration_id), {"allow_delete": allow_delete}
        return decode(Integration, await self._http.call("PATCH", path, body=body, repeatable=True))

    async def delete(self, integration_id: str) -> None:
        """Delete an integration and its credentials. This cannot be undone. Raises `NotFound`."""
        await self._http.call("DELETE", path_of("integrations", integration_id), repeatable=True)


class Folders(Resource):
    """`/v1/folders`. `folder_id` is `Folder.id`."""

    async def create(
        self,
        name: str,
        *,
        scope: Literal["user", "org"] = "user",
        description: str | None = None,
        idempotency_key: str | None = None,
    ) -> Folder:
        """Create a folder. Raises `Conflict` (FOLDER_EXISTS) if the project has this name in this scope."""
        body = body_of({"name": name, "scope": scope, "description": description})
        key = idempotency_key or new_key()
        return decode(
            Folder, await self._http.call("POST", "/v1/folders", body=body, idempotency_key=key, repeatable=True)
        )

    def list(self, *, limit: int | None = None) -> AsyncIterator[Folder]:
        """Yield the project's folders, oldest first."""
        return self._pages(Folder, "/v1/folders", "folders", limit=limit)

    async def get(self, folder_id: str) -> CountedFolder:
        """Return a folder with its `clip_count`. Raises `NotFound`."""
        return decode(CountedFolder, await self._http.call("GET", path_of("folders", folder_id), repeatable=True))


class Keys(Resource):
    """`/v1/key` and `/v1/keys`. All calls except `current` need the admin key; others raise `Forbidden`."""

    async def current(self) -> Caller:
        """Describe the key of this client. Raises `Unauthorized` if it is not valid."""
        return decode(Caller, await self._http.call("GET", "/v1/key", repeatable=True))

    async def create(self, project: str, name: str) -> CreatedKey:
        """Create a key of `project`. Not repeated after a lost answer, because each request creates a key."""
        body = {"project": project, "name": name}
        return decode(CreatedKey, await self._http.call("POST", "/v1/keys", body=body, repeatable=False))

    def list(self, *, limit: int | None = None) -> AsyncIterator[ApiKey]:
        """Yield the keys of all projects, oldest first."""
        return self._pages(ApiKey, "/v1/keys", "keys", limit=limit)

    async def revoke(self, key_id: str) -> None:
        """Revoke a key at once. This cannot be undone. Raises `NotFound`."""
        await self._http.call("DELETE", path_of("keys", key_id), repeatable=True)


class Audit(Resource):
    """`/v1/audit`."""

    def list(self, *, subject: str | None = None, limit: int | None = None) -> AsyncIterator[AuditEntry]:
        """Yield the project's changes and who requested them, newest first. `subject` selects the id of one thing."""
        return self._pages(AuditEntry, "/v1/audit", "entries", limit=limit, query={"subject": subject})


class Webhooks(Resource):
    """`/v1/webhook-secret`."""

    async def get(self) -> WebhookSecret:
        """Return the secret that verifies the project's webhooks, and until when replaced ones sign as well."""
        return decode(WebhookSecret, await self._http.call("GET", "/v1/webhook-secret", repeatable=True))

    async def secret(self) -> str:
        """Return `whsec_...`, which verifies the project's webhooks (Standard Webhooks)."""
        return (await self.get()).secret

    async def rotate(self, *, overlap_seconds: int | None = None) -> WebhookSecret:
        """Replace the secret. The replaced one signs for `overlap_seconds` more, at most 30 days; 1 day if None.

        0 ends all replaced secrets at once. Not repeated after a lost answer, because each request makes a new secret.
        """
        body = body_of({"overlap_seconds": overlap_seconds})
        answer = await self._http.call("POST", "/v1/webhook-secret/rotate", body=body, repeatable=False)
        return decode(WebhookSecret, answer)
