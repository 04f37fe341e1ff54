"""How many requests may be in flight at once, by what the store says of it. On one event loop, so without locks."""

import asyncio
from collections import deque
from dataclasses import dataclass, field


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
    _waiting: "deque[asyncio.Future[None]]" = field(default_factory=deque, init=False, repr=False)

    def __post_init__(self) -> None:
        self.limit = float(self.most)

    async def begin(self) -> int:
        """Wait for a turn; what `end` wants to know. Raises `NoTurn`."""
        if self._now < self.limit:
            self._now += 1
        else:
            await self._turn()
        return self._cuts

    def end(self, begun: int, *, refused: bool) -> None:
        """`refused`: the store asked for fewer. What began before the last cut says nothing of the limit now."""
        self._now -= 1
        if refused:
            if begun == self._cuts:
                self._cuts += 1
                self.limit = max(1.0, self.limit / 2)
        elif self.limit < self.most:
            self.limit = min(float(self.most), self.limit + 1 / self.limit)
        self._hand_over()

    async def _turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self.wait_seconds):
                await turn
        except TimeoutError:
            if turn.cancelled():
                raise NoTurn from None

    def _hand_over(self) -> None:
        """Turns that are free now, to those that wait the longest."""
        while self._now < self.limit and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._now += 1
