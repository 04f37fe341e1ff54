"""How many requests are in flight, and how many a second begin, by what the store says. On one event loop, so no locks.

What a store limits is a rate, so the rate is what is held: a number in flight would be another rate for each size of
object, and goes out all at once where a batch begins.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field

FIRST_RATE = 200.0
"""Begun a second at first, by each function."""
FIRST_RAISE = 40.0
"""What each request that waited for the rate raises it by, until the first refusal: 3,000 a second after 0.07 s."""
RAISE = 0.25
"""The same afterwards: a quarter more each second."""
CUT = 0.7
"""What a refusal leaves of the rate."""
LEAST_RATE = 1.0
CATCH_UP_SECONDS = 0.01
"""Turns of so long that may be late, since timers are, and are given together."""


class NoTurn(Exception):
    """The requests before this one took so long that it was not sent."""


@dataclass
class InFlight:
    """At most `most` at once, and `rate` a second: more while requests wait for it, less when the store refuses.

    Functions that share a prefix without knowing of each other come to share what it can take.
    """

    most: int
    wait_seconds: float = 120.0
    """Before `NoTurn`. Far more than the requests in flight take, and less than a call keeps for its end."""
    rate: float = FIRST_RATE
    _raise: float = field(default=FIRST_RAISE, init=False)
    _now: int = field(default=0, init=False)
    _cuts: int = field(default=0, init=False)
    _next_at: float = field(default=0.0, init=False)
    """When the rate allows another one to begin."""
    _timer: asyncio.TimerHandle | None = field(default=None, init=False, repr=False)
    _waiting: "deque[asyncio.Future[None]]" = field(default_factory=deque, init=False, repr=False)

    async def begin(self) -> int:
        """Wait for a turn; what `end` wants to know. Raises `NoTurn`."""
        loop = asyncio.get_running_loop()
        if not self._waiting and self._now < self.most and self._next_at <= loop.time():
            self._take(loop.time())
        else:
            await self._turn(loop)
        return self._cuts

    def end(self, begun: int, *, refused: bool) -> None:
        """`refused`: the store asked for fewer. What began before the last cut says nothing of the rate now."""
        self._now -= 1
        if refused and begun == self._cuts:
            self._cuts += 1
            self._raise = RAISE
            self.rate = max(LEAST_RATE, self.rate * CUT)
        self._hand_over()

    async def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        turn = loop.create_future()
        self._waiting.append(turn)
        self._hand_over()
        too_late = loop.call_later(self.wait_seconds, _give_up, turn)
        try:
            await turn
        finally:
            too_late.cancel()

    def _take(self, now: float) -> None:
        self._now += 1
        self._next_at = max(self._next_at, now - CATCH_UP_SECONDS) + 1 / self.rate

    def _hand_over(self, *, waited_for_rate: bool = False) -> None:
        """Turns that are free now, to those that wait the longest."""
        if not self._waiting or self._now >= self.most or self._timer:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._waiting and self._now < self.most:
            if self._next_at > now:
                self._timer = loop.call_at(self._next_at, self._tick)
                return
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._take(now)
                if waited_for_rate:
                    self.rate += self._raise

    def _tick(self) -> None:
        self._timer = None
        self._hand_over(waited_for_rate=True)


def _give_up(turn: "asyncio.Future[None]") -> None:
    if not turn.done():
        turn.set_exception(NoTurn())
