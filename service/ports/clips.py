"""Port of the clip rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, Protocol

from service.domain.clips import ClipRow, Extrapolation

ClipIndex = Literal["clip", "url"]


class ClipStore(Protocol):
    def put(self, job_id: str, rows: Iterable[ClipRow]) -> None:
        """Write the rows, whatever was there."""
        ...

    def in_order(self, job_id: str, *, first: int) -> Iterator[ClipRow]:
        """All rows from ordinal `first` on, by ordinal; read as they are asked for."""

    def settle(self, job_id: str, rows: Sequence[ClipRow], *, run: int = 0) -> Sequence[ClipRow]:
        """Write all rows of a set, or none where its fate is not open in this run of the job: the first one holds.

        Returns the rows that hold, which are pending where a later run is to settle them.
        """
        ...

    def settle_each(self, job_id: str, rows: Sequence[ClipRow], *, run: int = 0) -> Sequence[ClipRow]:
        """Write each row whose clip is not settled yet in this run of the job; a settled row never changes.

        Returns the row that holds for each clip, in any order: the given one, or the one of whoever was faster. It is
        pending where a later run is to settle the clip.
        """
        ...

    def reopen(self, job_id: str, rows: Sequence[ClipRow], *, run: int) -> bool:
        """Write the pending rows of a retry's clips, while its planning goes on. False once that is over: what was not
        written by then stays as the workers have it.
        """
        ...

    def get(self, job_id: str, ordinals: Sequence[int]) -> Mapping[int, ClipRow]: ...

    def failures(self, job_id: str, *, first: int, limit: int) -> Sequence[ClipRow]:
        """Failed and cancelled clips from ordinal `first` on, in order, at most `limit`."""
        ...

    def find(
        self, index: ClipIndex, key: str, *, limit: int, after: str | None
    ) -> tuple[Sequence[tuple[str, ClipRow]], str | None]:
        """(job id, row) of the clips that have `key` among their keys, newest import first; deleted ones are left out.

        A row is found a moment after it was written. `after` and the second value are positions (None: the end).
        """
        ...

    def remove(self, job_id: str, ordinals: Sequence[int], *, landed: int, now: str, run: int | None = None) -> bool:
        """Mark settled clips as deleted and count them on their job, as one, all or nothing.

        From then on no index finds them. False where one has no fate, or was deleted before, or the job is gone; with
        `run` also where the job is in another run by now, or that run is a retry that goes on.
        """
        ...

    def extrapolated(self, job_id: str, ordinal: int, extrapolation: Extrapolation) -> bool:
        """Note it on the row of a clip that landed, and nothing else; False where there is no such row."""
        ...

    def delete_some(self, job_id: str) -> bool:
        """Delete some of the job's rows; False where there were none."""
        ...
