# Generated from clipferry/aio/client.py by `make client`: change that file.
"""The client of one service with one API key."""

import time
from types import TracebackType

import httpx
from typing_extensions import Self

from clipferry.config import Profile, resolve
from clipferry.resources.clips import Clips
from clipferry.resources.deployment import Deployment, Health
from clipferry.resources.imports import Imports
from clipferry.resources.others import Audit, Folders, Integrations, Keys, Presets, Previews, Webhooks
from clipferry.resources.uploads import Uploads
from clipferry.resources.watches import Watches
from clipferry.transport import Sleep, Transport
from clipferry.wire import ATTEMPTS, TIMEOUT


class Clipferry:
    """Send requests to the service at `base_url` with `api_key`. Threads may share one client.

    A missing argument comes from `CLIPFERRY_BASE_URL` or `CLIPFERRY_API_KEY`, else from a saved profile: `profile`,
    else `CLIPFERRY_PROFILE`, else the default profile. `attempts` is the maximum number of times that a request is
    sent, `timeout` the time limit of one of them. `transport` and `sleep` are for tests.

    Raises `ConfigError` if no URL or no key is found.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        profile: str | None = None,
        attempts: int = ATTEMPTS,
        timeout: httpx.Timeout = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        where = resolve(base_url, api_key, profile)
        self._http = Transport(where, attempts=attempts, timeout=timeout, transport=transport, sleep=sleep)
        self.imports = Imports(self._http, sleep=sleep)
        self.clips = Clips(self._http)
        self.previews = Previews(self._http)
        self.presets = Presets(self._http)
        self.settings = self.presets
        """The API's name of the presets."""
        self.watches = Watches(self._http)
        self.uploads = Uploads(self._http, sleep=sleep)
        self.integrations = Integrations(self._http)
        self.folders = Folders(self._http)
        self.keys = Keys(self._http)
        self.audit = Audit(self._http)
        self.webhooks = Webhooks(self._http)
        self.deployment = Deployment(self._http)
        self.health = Health(self._http)

    @property
    def where(self) -> Profile:
        """The service and the key that this client uses."""
        return self._http.where

    @property
    def clock_skew(self) -> float | None:
        """Seconds by which this machine's clock is ahead of the service's, by the last answer. None: not known."""
        return self._http.clock_skew

    def close(self) -> None:
        """Close the connections. A closed client cannot be used again."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
