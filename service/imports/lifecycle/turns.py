"""Take turns: work on a batch only while its project is entitled to one of the slots that all imports share."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock

from service.domain.manifest import Batch
from service.domain.turns import (
    LEASE_SECONDS,
    RENEW_SECONDS,
    Turn,
    longest_wait,
    look_seconds,
    may_begin,
    must_end,
    next_wait,
)
from service.ports.turns import TurnStore


@dataclass(frozen=True, kw_only=True)
class TurnPorts:
    store: TurnStore
    slots: int
    """Batches that may be copied or extrapolated at once, of all imports together."""
    now: Callable[[], float] = time.time
    """Seconds since 1970."""
    jitter: Callable[[], float] = random.random


@dataclass(frozen=True)
class Wait:
    """The batch waits for its turn: call again after `seconds`, and say then since when it waits."""

    seconds: int
    since: float


class NoTurn:
    """Stands for a turn where a batch needs none: its execution is older than turns and cannot wait."""

    lost = False

    def take(self, _project: str) -> Wait | None:
        return None

    def look(self) -> None:
        pass

    def end(self) -> None:
        pass

    def wait_again(self) -> Wait | None:
        return None

    def wait_for(self, _seconds: int) -> Wait | None:
        return None


class BatchTurn:
    """One call's turn. `take` it before the work, `look` at the others every few seconds, `end` it afterwards.

    A turn that is not ended expires, so a slot is free again a minute or so after its process died.
    """

    def __init__(self, batch: Batch, ports: TurnPorts, *, since: float | None = None) -> None:
        """`since` is when the batch began to wait, if it did."""
        self._batch, self._ports, self._since = batch, ports, since
        self._id = f"{batch.job_id}#{batch.run:04d}#{batch.number:08d}"
        self._held: Turn | None = None
        self._over, self._lock = False, Lock()
        """The watch's thread looks while the call ends the turn: a look must not write the turn again afterwards."""
        self._look_at = self._renew_at = 0.0
        self.lost = False
        """Whether others are entitled to the slot now: begin no more clips."""

    def take(self, project: str) -> Wait | None:
        """Take a slot, or return how long to wait for one."""
        now = self._ports.now()
        mine, others = self._ask(project, now if self._since is None else self._since, now)
        if not may_begin(mine, others, self._ports.slots):
            return self._wait(mine, others, now)
        self._held = replace(mine, since=now, holds=True)
        self._renew(now)
        self._look_at = now + look_seconds(len(others))
        return None

    def look(self) -> None:
        """Renew the turn and see whether others need its slot, if it is time for that."""
        with self._lock:
            now, mine = self._ports.now(), self._held
            if mine is None or self._over or self.lost or now < self._look_at:
                return
            if now >= self._renew_at:
                self._renew(now)
            others = self._others(now)
            self.lost = must_end(mine, others, self._ports.slots)
            self._look_at = now + look_seconds(len(others))

    def end(self) -> None:
        """Give the slot back, or stop waiting for one."""
        with self._lock:
            self._over = True
            if self._held or self._since is not None:
                self._ports.store.remove(self._id)

    def wait_again(self) -> Wait | None:
        """Wait for another turn after this one was lost. None if it was not lost: the next call may begin at once."""
        if not self.lost or not self._held:
            return None
        now = self._ports.now()
        mine, others = self._ask(self._held.project, now, now)
        return self._wait(mine, others, now)

    def wait_for(self, seconds: int) -> Wait | None:
        """Wait because a source asks for it: the slot is free meanwhile. `end` removes the turn."""
        return Wait(seconds, self._ports.now() + seconds)

    def _ask(self, project: str, since: float, now: float) -> tuple[Turn, Sequence[Turn]]:
        """Write that the batch waits, then read: of two calls that ask at once, at least one sees the other."""
        expires_at = now + longest_wait(now - since) + LEASE_SECONDS
        mine = Turn(
            id=self._id, project=project, job_id=self._batch.job_id, since=since, holds=False, expires_at=expires_at
        )
        self._ports.store.put(mine)
        return mine, self._others(now)

    def _others(self, now: float) -> Sequence[Turn]:
        return [turn for turn in self._ports.store.all() if turn.id != self._id and turn.expires_at > now]

    def _wait(self, mine: Turn, others: Sequence[Turn], now: float) -> Wait:
        return Wait(next_wait(now - mine.since, len(others), self._ports.jitter()), mine.since)

    def _renew(self, now: float) -> None:
        assert self._held
        self._held = replace(self._held, expires_at=now + LEASE_SECONDS)
        self._ports.store.put(self._held)
        self._renew_at = now + RENEW_SECONDS
