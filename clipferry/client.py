"""The client: one object for one service and one key."""

import time
from types import TracebackType
from typing import Self

import httpx

from clipferry.config import Profile, resolve
from clipferry.resources.imports import Imports
from clipferry.resources.others import Audit, Clips, Folders, Integrations, Keys, Previews, SavedSettings, Webhooks
from clipferry.transport import ATTEMPTS, Sleep, Transport


class Clipferry:
    """Talks to the service at `base_url` with `api_key`.

    What is not given comes from `CLIPFERRY_BASE_URL` and `CLIPFERRY_API_KEY`, else from the profile (`profile`, else
    `CLIPFERRY_PROFILE`, else the default one that `clipferry login` saved). Safe to share among threads.
    Raises `ConfigError` if that leaves either open. `transport` and `sleep` are for tests.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        profile: str | None = None,
        attempts: int = ATTEMPTS,
        transport: httpx.BaseTransport | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        where = resolve(base_url, api_key, profile)
        self._http = Transport(where, attempts=attempts, transport=transport, sleep=sleep)
        self.imports = Imports(self._http, sleep=sleep)
        self.clips = Clips(self._http)
        self.previews = Previews(self._http)
        self.settings = SavedSettings(self._http)
        self.integrations = Integrations(self._http)
        self.folders = Folders(self._http)
        self.keys = Keys(self._http)
        self.audit = Audit(self._http)
        self.webhooks = Webhooks(self._http)

    @property
    def where(self) -> Profile:
        return self._http.where

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
