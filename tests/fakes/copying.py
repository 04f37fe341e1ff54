"""Fakes for copying: a watch without a thread, and a single copier for all clips."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from service.domain.manifest import BatchState, ManifestEntry
from service.imports.copying.watch import WATCH_SECONDS
from service.ports.objects import Copier


@dataclass
class LookWhenOld:
    """A `Watch` that reads the state when asked, if it is older than `WATCH_SECONDS`."""

    read: Callable[[], BatchState]
    monotonic: Callable[[], float]
    _read_at: float = field(init=False)
    _state: BatchState = field(init=False)

    @property
    def state(self) -> BatchState:
        now = self.monotonic()
        if now - self._read_at >= WATCH_SECONDS:
            self._state, self._read_at = self.read(), now
        return self._state

    def __enter__(self) -> Self:
        self._read_at = self.monotonic()
        self._state = self.read()
        return self

    def __exit__(self, *_error: object) -> None:
        pass


@dataclass(frozen=True)
class OneCopier:
    """A `Copiers` with one copier for every clip."""

    copier: Copier

    def copier_of(self, _entry: ManifestEntry) -> Copier:
        return self.copier
