"""Decide whether another copy may begin in this call."""

from collections.abc import Callable, Iterable
from threading import Lock

from service.domain.clips import ClipRow, ClipStatus
from service.domain.codes import ClipCode
from service.domain.fates import CANCELLED, Fate
from service.domain.progress import too_many_failures
from service.imports.copying.watch import Watch
from service.support.stops import OutOfTime, Stopped


class Gate:
    """Stops copying when the import was cancelled, too many clips failed, or the call's time is over.

    `copy_batch` makes one for each call. Worker threads and the event loop of plain copies ask it before each copy, so
    it never waits for anything but its own lock. All checks also raise the error of a state that could not be read for
    too long (`Watch.state`).
    """

    def __init__(self, watch: Watch, out_of_time: Callable[[], bool]) -> None:
        self._watch, self._out_of_time = watch, out_of_time
        self._lock, self._begun = Lock(), False
        self._failed: set[int] = set()
        """Ordinals of failed clips. The import's own count of failures gets them only when the batch is counted."""
        self.advances = 0
        """Parts copied and uploads completed in this call."""

    def count_failures(self, rows: Iterable[ClipRow]) -> None:
        failed = [row.ordinal for row in rows if row.status is ClipStatus.FAILED]
        if failed:  # most clips do not fail, and need no lock
            self.count_failed(failed)

    def count_failed(self, ordinals: Iterable[int]) -> None:
        with self._lock:
            self._failed.update(ordinals)

    def count_advance(self) -> None:
        with self._lock:
            self.advances += 1

    def check_stop(self) -> None:
        """Raises `Stopped` if the import must copy nothing more, or another call counted the batch (`recorded`)."""
        state = self._watch.state
        if state.cancel_requested or state.recorded:
            raise Stopped(CANCELLED)
        failed = state.failed + len(self._failed)
        reason = too_many_failures(state.settings.tolerated_failures, failed=failed, total=state.total)
        if reason:
            message = f"the import stopped before this clip was copied: {reason}"
            raise Stopped(Fate(ClipStatus.CANCELLED, ClipCode.TOO_MANY_FAILURES, message))

    @property
    def stopped(self) -> bool:
        """Whether the import must copy nothing more."""
        try:
            self.check_stop()
        except Stopped:
            return True
        return False

    def check(self) -> None:
        """Raises `Stopped`, or `OutOfTime` if no other copy may begin in this call."""
        self.check_stop()
        if self._begun and self._out_of_time():
            raise OutOfTime

    def begin(self) -> bool:
        """Call it before a copy. Like `check`, but the call's first copy may begin even when time is over.

        Returns whether this is that first copy.
        """
        with self._lock:
            self.check()
            first, self._begun = not self._begun, True
            return first
