"""Limit the copies (CopyObject, UploadPartCopy) in flight and per second, guided by the store's refusals.

Each process has one limiter for all its copies. It runs on one event loop, so it needs no locks. A store limits the
rate, so the limiter adapts the rate. A limit on the number in flight would not do: small objects would be copied at a
high rate, large ones at a low rate, and each batch would begin with a burst.

Refusals have two causes. At the store's limit, it refuses a large share of requests until the rate falls. S3 also
refuses a few requests at random, at any rate; cutting the rate for those only loses time. So a single refusal costs
little, and a large share of refusals in a window cuts the rate to what the store accepted. The rate returns to that
level fast and exceeds it slowly, as CUBIC does (RFC 9438).
"""

import asyncio
import math
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

FIRST_RATE = 200.0
"""Initial requests per second of a process."""
FIRST_RAISE = 0.7
"""Increase per accepted request while others wait for the rate, until the store's limit is found, times 1 s divided by
the time that the request took. Answers clock it, as in TCP's slow start (RFC 5681): 0.7 more requests a second begin
within the time of one for each that was accepted, so the rate grows no faster than a store can refuse."""
LEAST_SECONDS = 0.001
"""Taken as the time of a request that took less: no store answers faster."""
WINDOW = 100
"""Requests over which the share of refusals is computed."""
FIRST_LIMIT = (4, 0.25)
"""The store's limit is found when a window has at least this number and this share of refusals. Holds for the first
`PROVEN` requests, or until the limit is found: functions that begin together find it early."""
LIMIT = (8, 0.16)
"""The same after that. With 3 % of random refusals it happens once in some 40,000 windows."""
MOST_CUT = 0.6
"""Maximum share by which one window cuts the rate."""
PENALTY = 10.0
"""Requests per second by which a refusal lowers the rate if its window does not cut it; never below half of the last
limit found."""
PROBE_RAISE = 0.06
"""Increase per request that waited, once the limit is known. PROBE_RAISE / PENALTY is the share of refusals at which
functions stay when they are at a prefix's limit: 6 of 1,000."""
RETURN_RAISE = 0.25
"""Additional increase: times the distance below the limit, as a share of it; whole after `CLEAN` requests without a
refusal."""
CLEAN = 100
FAST_CLEAN, FAST_RAISE = 30, 3.0
"""Used instead of `CLEAN` and `RETURN_RAISE` while the rate is below the remembered rate from before the last cuts: the
rate then doubles within 0.25 s."""
MEMORY_SECONDS = 2.0
"""Half-life of the rate before the last cuts, which is remembered after `PROVEN` requests."""
PROVEN = 500
MOST_FALL = 16
"""A cut leaves at least the remembered rate divided by this, so that an outage of a second costs little more time."""
LEAST_RATE = 1.0
CATCH_UP_SECONDS = 0.01
"""Timers fire late. A slot that is late by up to this time still counts as on time, so the rate is kept."""


class Slot(NamedTuple):
    """A request's permission to begin."""

    cuts: int
    """How many times the rate had been cut."""
    at: float
    """When, by the event loop's clock, in seconds."""


class NoTurn(Exception):
    """Timed out waiting for a request slot; the request was not sent."""


@dataclass
class InFlight:
    """Allows at most `most` requests in flight and `rate` per second.

    Functions that share a prefix without knowing of each other share its capacity.
    """

    most: int
    wait_seconds: float = 120.0
    """Seconds before `NoTurn`: far longer than a request, shorter than the margin at the end of a call."""
    rate: float = FIRST_RATE
    _limit: float | None = field(default=None, init=False)
    """The rate that the store accepted when its limit was last reached; None: never reached."""
    _before: float = field(default=0.0, init=False)
    """The rate before the last cuts, as of `_cut_at`."""
    _cut_at: float = field(default=0.0, init=False)
    _window: int = field(default=0, init=False)
    _refused: int = field(default=0, init=False)
    """Requests and refusals of the window."""
    _clean: int = field(default=0, init=False)
    """Requests since the last refusal."""
    _clean_from: float = field(default=0.0, init=False)
    """The rate after the last faster increase, which follows `CLEAN` requests without a refusal."""
    _begun: int = field(default=0, init=False)
    _now: int = field(default=0, init=False)
    _cuts: int = field(default=0, init=False)
    _next_at: float = field(default=0.0, init=False)
    """When the next request may begin."""
    _timer: asyncio.TimerHandle | None = field(default=None, init=False, repr=False)
    _waiting: "deque[asyncio.Future[None]]" = field(default_factory=deque, init=False, repr=False)

    async def begin(self) -> Slot:
        """Wait for a slot, which `end` expects. Raises `NoTurn`."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if not self._waiting and self._now < self.most and self._next_at <= now:
            self._take(now)
            return Slot(self._cuts, now)
        await self._turn(loop)
        return Slot(self._cuts, loop.time())

    def end(self, slot: Slot, *, refused: bool) -> None:
        """Free the slot. `refused`: the store refused the request. Refusals from before the last cut do not count."""
        self._now -= 1
        if refused and slot.cuts == self._cuts:
            self._refuse()
        elif not refused and self._limit is None and self._timer:
            seconds = asyncio.get_running_loop().time() - slot.at
            self.rate += FIRST_RAISE / max(seconds, LEAST_SECONDS)
        self._hand_over()

    @property
    def is_limited(self) -> bool:
        """Return whether the store's limit was found: a refused request should then wait longer before its next try."""
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
        """Return the increase for one request that waited for the rate."""
        if self._limit is None:
            return 0.0
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
        if self._limit is not None and not self._is_clean():
            self._clean_from = self.rate
        self._next_at = max(self._next_at, now - CATCH_UP_SECONDS) + 1 / self.rate

    def _hand_over(self, *, waited_for_rate: bool = False) -> None:
        """Give free slots to the requests that have waited longest."""
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
