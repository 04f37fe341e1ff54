"""Faults that a test plans for a port: errors before a call, after it, or a crash."""

import functools
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import Concatenate, ParamSpec, Protocol, TypeVar

Planned = Sequence[BaseException | None]
"""Exceptions of successive calls; None lets a call pass. Calls after the sequence pass."""


class CrashError(Exception):
    """The process crashed here: only the test catches this."""


@dataclass
class Faults:
    calls: Counter[str] = field(default_factory=Counter)
    lock: RLock = field(default_factory=RLock)
    _planned: dict[str, deque[BaseException | None]] = field(default_factory=dict)
    _calls_left: int | None = None
    _take_effect: bool = False

    def plan(self, call: str, errors: Planned) -> None:
        """`call` is `port.method`, such as `jobs.create`. The call has no effect when it raises."""
        self._planned[call] = deque(errors)

    def crash_in(self, calls: int, *, take_effect: bool = False) -> None:
        """Raise `CrashError` at the `calls`-th port call from now, and at all that follow until `revive`.

        `take_effect`: that call does its work before the crash.
        """
        self._calls_left, self._take_effect = calls, take_effect

    def revive(self) -> bool:
        """Start a new process; return whether the last one had crashed."""
        crashed = self._calls_left == 0
        self._calls_left = None
        return crashed

    def enter(self, call: str) -> bool:
        """Count the call and raise its planned exception; return True if it must crash after its effect."""
        self.calls[call] += 1
        if self._calls_left is not None:
            if self._calls_left == 0:
                raise CrashError(call)
            self._calls_left -= 1
            if self._calls_left == 0:
                if self._take_effect:
                    return True
                raise CrashError(call)
        raise_next(self._planned.get(call))
        return False


def raise_next(errors: "deque[BaseException | None] | None") -> None:
    error = errors.popleft() if errors else None
    if error:
        raise error


class _Port(Protocol):
    faults: Faults

    @property
    def port(self) -> str: ...


Self_ = TypeVar("Self_", bound=_Port)


Arguments = ParamSpec("Arguments")


Result = TypeVar("Result")


def port_call(
    method: Callable[Concatenate[Self_, Arguments], Result],
) -> Callable[Concatenate[Self_, Arguments], Result]:
    """Wrap a port's method: run one call at a time, count it, and raise its planned faults."""

    @functools.wraps(method)
    def call(self: Self_, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        name = f"{self.port}.{method.__name__}"
        with self.faults.lock:
            crash = self.faults.enter(name)
            result = method(self, *args, **kwargs)
        if crash:
            raise CrashError(name)
        return result

    return call
