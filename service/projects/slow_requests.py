"""Limit the requests of one project that hold a function for long, because they wait for a store of the caller's."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from service.domain.errors import TooManySlowRequests
from service.domain.turns import Turn, may_begin
from service.ports.turns import TurnStore

LONGEST_SECONDS = 30.0
"""How long a turn counts if its process died: API Gateway gives up after 29 s, and the function ends with it."""


@dataclass(frozen=True, kw_only=True)
class SlowRequests:
    turns: Callable[[str], TurnStore]
    """The turns of a project's slow requests."""
    limit: int
    """How many a project may have at once."""
    lasts: float = LONGEST_SECONDS
    """Seconds for which a turn counts if its process died."""
    now: Callable[[], float] = time.time
    """Seconds since 1970."""

    def full(self, project: str) -> bool:
        """Whether the project has as many as it may."""
        now = self.now()
        return sum(turn.holds and turn.expires_at > now for turn in self.turns(project).all()) >= self.limit

    @contextmanager
    def one(self, project: str) -> Iterator[None]:
        """Count as one of the project's slow requests. Raises `TooManySlowRequests` if it has `limit` already."""
        now, store = self.now(), self.turns(project)
        mine = Turn(
            id=uuid.uuid4().hex, project=project, job_id="", since=now, holds=False, expires_at=now + self.lasts
        )
        store.put(mine)
        try:
            others = [turn for turn in store.all() if turn.id != mine.id and turn.expires_at > now]
            if not may_begin(mine, others, self.limit):
                raise TooManySlowRequests(
                    f"this project has {self.limit} requests under way that wait for a store, which is the limit: "
                    "wait until one of them is answered"
                )
            store.put(replace(mine, holds=True))
            yield
        finally:
            store.remove(mine.id)
