"""Run actors one at a time, in an order that a seed decides, on a clock that jumps.

Each actor is a thread. It hands over whenever it calls `pause` or `sleep`, and only then, so that a seed gives the same
run on every machine.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock, Thread

from tests.fakes.state import FakeClock

STACK_SECONDS = 600.0
"""Seconds of real time after which a run that hangs is an error; on a busy machine most take a few."""


class Killed(BaseException):
    """The process ended here. No code of the service may catch it and go on."""


class Hung(AssertionError):
    """No actor can go on, or they go on for ever."""


def _held() -> Lock:
    """Return a lock that its first `acquire` waits for: cheaper than an event or a semaphore."""
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(eq=False)
class Actor:
    name: str
    wake: Lock = field(default_factory=_held)
    until: datetime | None = None
    """When its sleep is over. None: it is ready."""


class Scheduler:
    """`stickiness`: how likely the running actor goes on at a `pause`."""

    def __init__(self, rng: random.Random, clock: FakeClock, *, stickiness: float, max_pauses: int) -> None:
        self.random, self.clock, self.stickiness, self.max_pauses = rng, clock, stickiness, max_pauses
        self.pauses = 0
        self.failure: BaseException | None = None
        self._noted: list[tuple[datetime, tuple[object, ...]]] = []
        self._actors: list[Actor] = []
        self._over = _held()

    def note(self, *said: object) -> None:
        self._noted.append((self.clock.now, said))

    @property
    def trace(self) -> list[str]:
        """Return the trace of a failing seed. Texts are made only here, since they take longer."""
        return [f"{now:%H:%M:%S.%f} {' '.join(_short(one) for one in said)}" for now, said in self._noted]

    def spawn(self, name: str, work: Callable[[Actor], object]) -> Actor:
        """Add an actor. It begins when its turn comes."""
        actor = Actor(name)

        def live() -> None:
            actor.wake.acquire()
            try:
                if self.failure is None:
                    work(actor)
            except Killed:
                pass
            except BaseException as error:  # noqa: BLE001  # `run` raises it
                self.fail(error)
            self._actors.remove(actor)
            self._hand_over()

        Thread(target=live, name=name, daemon=True).start()
        self._actors.append(actor)
        return actor

    def fail(self, error: BaseException) -> None:
        """End the run: every actor dies at its next pause."""
        self.failure = self.failure or error

    def run(self) -> None:
        """Run all actors to their end. Raises the first error of one of them."""
        if self._actors:
            self._hand_over()
            if not self._over.acquire(timeout=STACK_SECONDS):
                raise Hung("\n".join(self.trace[-30:]))
        if self.failure:
            raise self.failure

    def pause(self, actor: Actor) -> None:
        """Let another actor go on first, perhaps. Raises `Killed` once the run has failed."""
        if self.failure is not None:
            raise Killed
        self.pauses += 1
        if self.pauses > self.max_pauses:
            self.fail(Hung(f"not quiet after {self.max_pauses:,} calls"))
            raise Killed
        if len(self._actors) > 1 and self.random.random() >= self.stickiness:
            self._yield(actor)

    def sleep(self, actor: Actor, seconds: float) -> None:
        actor.until = self.clock.now + timedelta(seconds=seconds)
        self._yield(actor)
        if self.failure is not None:
            raise Killed

    def others(self, actor: Actor) -> int:
        return len(self._actors) - (actor in self._actors)

    def _yield(self, actor: Actor) -> None:
        following = self._next()
        if following is not actor:
            following.wake.release()
            actor.wake.acquire()

    def _hand_over(self) -> None:
        if self._actors:
            self._next().wake.release()
        else:
            self._over.release()

    def _next(self) -> Actor:
        now = self.clock.now
        ready = [actor for actor in self._actors if actor.until is None or actor.until <= now]
        if not ready:
            first = min(self._actors, key=lambda actor: actor.until or now)
            assert first.until is not None
            self.clock.now, ready = first.until, [first]
        chosen = ready[self.random.randrange(len(ready))]
        chosen.until = None
        return chosen


def _short(said: object) -> str:
    return said if isinstance(said, str) else str(getattr(said, "id", getattr(said, "ordinal", said)))[:80]
