"""How many requests may be in flight at once, by what the store says of it."""

from dataclasses import dataclass, field
from threading import Condition, Lock


class NoTurn(Exception):
    """The requests in flight took so long that this one was not sent."""


@dataclass
class InFlight:
    """Halved when the store asks for fewer, one more after each round of answers; from 1 to `most`.

    Additive increase, multiplicative decrease: functions that share a prefix without knowing of each other come to
    share what it can take.
    """

    most: int
    wait_seconds: float = 120.0
    """Before `NoTurn`. Far more than the requests in flight take, and less than a call keeps for its end."""
    limit: float = field(init=False)
    _now: int = field(default=0, init=False)
    _cuts: int = field(default=0, init=False)
    _changed: Condition = field(default_factory=lambda: Condition(Lock()), init=False, repr=False)

    def __post_init__(self) -> None:
        self.limit = float(self.most)

    def begin(self) -> int:
        """Wait for a turn; what `end` wants to know. Raises `NoTurn`."""
        with self._changed:
            if self._now >= self.limit and not self._changed.wait_for(
                lambda: self._now < self.limit, self.wait_seconds
            ):
                raise NoTurn
            self._now += 1
            return self._cuts

    def end(self, begun: int, *, refused: bool) -> None:
        """`refused`: the store asked for fewer. What began before the last cut says nothing of the limit now."""
        with self._changed:
            self._now -= 1
            if refused:
                if begun == self._cuts:
                    self._cuts += 1
                    self.limit = max(1.0, self.limit / 2)
            elif self.limit < self.most:
                self.limit = min(float(self.most), self.limit + 1 / self.limit)
            self._changed.notify(2)

    def _has_turn(self) -> bool:
        return self._now < self.limit
