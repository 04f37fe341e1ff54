"""Limit how many copies are in flight, and how many a second begin, by what the store refuses.

Runs on one event loop, so it has no locks. Stores limit a rate, so the rate is what adapts: a number in flight would be
another rate for each size of object, and would go out all at once where a batch begins.

Two kinds of refusals come back. Where the store's limit is reached, a large share of the requests is refused until the
rate falls. S3 also refuses a few requests at random, at any rate, and cutting the rate for those only loses time. So a
single refusal costs little, a large share of refusals in a window cuts the rate to what the store took, and the rate
returns to that level fast and goes beyond it slowly, as CUBIC does (RFC 9438).
"""

import asyncio
import math
from collections import deque
from dataclasses import dataclass, field

FIRST_RATE = 200.0
"""Requests that each function begins a second at first."""
FIRST_RAISE = 20.0
"""How much each request that waited for the rate raises it until the store's limit is found: 3,000/s after 0.14 s."""
WINDOW = 100
"""Requests over which the share of refusals is taken."""
FIRST_LIMIT = (4, 0.25)
"""The limit is found when a window has so many refusals, and they are this share of its requests. Of the first `PROVEN`
requests, since functions that begin together soon find it."""
LIMIT = (8, 0.16)
"""The same later on. With 3 % of random refusals that happens once in some 40,000 windows."""
MOST_CUT = 0.6
"""The largest share of the rate that one window takes away."""
PENALTY = 10.0
"""Requests a second that any other refusal takes from the rate, down to half of the last known limit."""
PROBE_RAISE = 0.06
"""What each request that waited adds once the limit is known. PROBE_RAISE / PENALTY is the share of refusals at which
functions at a prefix's limit settle: 6 of 1,000."""
RETURN_RAISE = 0.25
"""What each adds besides, times how far the rate is below the limit; and after `CLEAN` requests without a refusal."""
CLEAN = 100
FAST_CLEAN, FAST_RAISE = 30, 3.0
"""The same while the rate is below the one before the last cuts (`MEMORY_SECONDS`): it doubles within 0.25 s."""
MEMORY_SECONDS = 2.0
"""Half-life of the rate before the last cuts, which is remembered after `PROVEN` requests."""
PROVEN = 500
MOST_FALL = 16
"""The rate never falls below this fraction of the remembered one, so an outage of a second costs little more."""
LEAST_RATE = 1.0
CATCH_UP_SECONDS = 0.01
"""Turns may be late by so much, since timers are, and are given together then."""


class NoTurn(Exception):
    """The requests before this one took so long that it was not sent."""


@dataclass
class InFlight:
    """At most `most` requests at once and `rate` a second.

    Functions that share a prefix without knowing of each other come to share what it can take.
    """

    most: int
    wait_seconds: float = 120.0
    """Before `NoTurn`. Far more than the requests in flight take, and less than a call keeps for its end."""
    rate: float = FIRST_RATE
    _limit: float | None = field(default=None, init=False)
    """The rate that the store took when its limit was last reached; None: it never was."""
    _before: float = field(default=0.0, init=False)
    """The rate before the last cuts, as of `_cut_at`."""
    _cut_at: float = field(default=0.0, init=False)
    _window: int = field(default=0, init=False)
    _refused: int = field(default=0, init=False)
    """Requests of the window, and refusals among them."""
    _clean: int = field(default=0, init=False)
    """Requests since the last refusal."""
    _clean_from: float = field(default=0.0, init=False)
    """The rate when so many without a refusal raised it faster."""
    _begun: int = field(default=0, init=False)
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
        """`refused`: the store asked for fewer. Refusals of requests from before the last cut do not count again."""
        self._now -= 1
        if refused and begun == self._cuts:
            self._refuse()
        self._hand_over()

    @property
    def is_limited(self) -> bool:
        """Whether the store's limit was reached: then refused requests should wait."""
        return self._limit is not None

    def _refuse(self) -> None:
        self._refused += 1
        if self._limit is not None and self._is_clean():
            self.rate = max(self._clean_from, self.rate * 0.7)
            self._limit = max(self._limit, self.rate)
        self._clean = 0
        share = self._refused / max(self._window, self._refused)
        refusals, least_share = FIRST_LIMIT if self._limit is None and self._begun < PROVEN else LIMIT
        if self._refused >= refusals and share >= least_share:
            self._cut(min(share, MOST_CUT))
        else:
            least = (self._limit or 0.0) / 2
            self.rate = max(LEAST_RATE, min(self.rate, least), self.rate - PENALTY)

    def _cut(self, share: float) -> None:
        now = asyncio.get_running_loop().time()
        if self._begun >= PROVEN:
            self._before, self._cut_at = max(self._remembered(now), self.rate), now
        self._limit = self.rate = max(LEAST_RATE, self._before / MOST_FALL, self.rate * (1 - share))
        self._cuts += 1
        self._window = self._refused = 0

    def _raise(self) -> float:
        """What one request that waited for the rate adds to it."""
        if self._limit is None:
            return FIRST_RAISE
        if self._is_clean():
            return FAST_RAISE if self._was_faster() else RETURN_RAISE
        return PROBE_RAISE + RETURN_RAISE * max(0.0, 1 - self.rate / self._limit)

    def _is_clean(self) -> bool:
        return self._clean >= (FAST_CLEAN if self._was_faster() else CLEAN)

    def _was_faster(self) -> bool:
        return self.rate < self._remembered(asyncio.get_running_loop().time())

    def _remembered(self, now: float) -> float:
        return self._before * math.pow(0.5, (now - self._cut_at) / MEMORY_SECONDS)

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
        self._begun += 1
        self._window += 1
        if self._window > WINDOW:
            self._window, self._refused = 1, 0
        self._clean += 1
        if not self._is_clean():
            self._clean_from = self.rate
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
                    self.rate += self._raise()

    def _tick(self) -> None:
        self._timer = None
        self._hand_over(waited_for_rate=True)


def _give_up(turn: "asyncio.Future[None]") -> None:
    if not turn.done():
        turn.set_exception(NoTurn())
