"""Port of the clip rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, Protocol

from service.domain.clips import ClipRow, Extrapolation, SourceFate

ClipIndex = Literal["clip", "url"]


class ClipStore(Protocol):
    def put(self, job_id: str, rows: Iterable[ClipRow]) -> None:
        """Write the rows over any that exist."""
        ...

    def in_order(self, job_id: str, *, first: int) -> Iterator[ClipRow]:
        """Yield all rows from ordinal `first` on, by ordinal; reads them when they are needed."""

    def settle(self, job_id: str, rows: Sequence[ClipRow], *, run: int = 0) -> Sequence[ClipRow]:
        """Write all rows of a set, or none if the set has a result in this run of the job: the first result is kept.

        Returns the stored rows, which are pending if a later run has reopened them.
        """
        ...

    def settle_each(self, job_id: str, rows: Sequence[ClipRow], *, run: int = 0) -> Sequence[ClipRow]:
        """Write each row whose clip has no result yet in this run of the job; a result never changes.

        Returns the stored row of each clip, in any order: the given one, or that of a worker that was faster. It is
        pending if a later run has reopened the clip.
        """
        ...

    def reopen(self, job_id: str, rows: Sequence[ClipRow], *, run: int) -> bool:
        """Write the pending rows of a retry's clips while the retry is being planned. Return False after that.

        The rows not written by then stay as the workers stored them.
        """
        ...

    def get(self, job_id: str, ordinals: Sequence[int]) -> Mapping[int, ClipRow]: ...

    def failures(self, job_id: str, *, first: int, limit: int) -> Sequence[ClipRow]:
        """Return up to `limit` failed and cancelled clips from ordinal `first` on, in order."""
        ...

    def find(
        self, index: ClipIndex, key: str, *, limit: int, after: str | None
    ) -> tuple[Sequence[tuple[str, ClipRow]], str | None]:
        """Return (job id, row) of clips with `key` among their keys, newest import first, without deleted ones.

        A row is found a moment after it was written. `after` and the second value are positions (None: the end).
        """
        ...

    def remove(self, job_id: str, ordinals: Sequence[int], *, landed: int, now: str, run: int | None = None) -> bool:
        """Mark clips with a result as deleted and count them on their job, all or nothing.

        No index finds them after that. Return False if one has no result or was deleted before, or the job is gone;
        with `run` also if the job is in another run now, or that run is an active retry.
        """
        ...

    def extrapolated(self, job_id: str, ordinal: int, extrapolation: Extrapolation) -> bool:
        """Store it on the row of a copied or skipped clip, and change nothing else. False if there is no such row."""
        ...

    def source_settled(self, job_id: str, ordinal: int, fate: SourceFate) -> bool:
        """Store it on the row of a copied clip, and change nothing else.

        False if there is no such row, or it has a fate already, which only a deletion replaces: that happened for sure.
        """
        ...

    def explained(self, job_id: str, row: ClipRow, message: str) -> bool:
        """Replace the message of a row with a result, and change nothing else.

        False if the row was deleted, or its status or message is another one by now: a retry may have begun.
        """
        ...

    def delete_some(self, job_id: str) -> bool:
        """Delete some of the job's rows. False if there were none."""
        ...
