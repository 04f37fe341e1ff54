"""Settle the sets of a batch, each as a unit: all of its views land and have their rows, or none."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from service.domain.clips import ClipRow, ClipStatus
from service.domain.errors import ClipferryError, ObjectError, SourceUnavailable
from service.domain.ids import set_mark
from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied
from service.formats.failures import ContentInvalid, UnknownFormat
from service.imports.copying.set_rollback import take_back
from service.imports.copying.worker import BatchRound, Fate, validate_content
from service.imports.results.clip_rows import Facts, Failure, code_of, copied_row, row_for
from service.imports.results.set_fates import failed_set, landed, stopped_set, to_copy
from service.imports.results.stops import OutOfTime, Stopped


@dataclass(frozen=True)
class SetWorker:
    """Settles sets of a batch: a set has rows, all of them, from the moment that its fate is known.

    `views` is where copies run, so no more of them are in flight than it has threads.
    """

    work: BatchRound
    views: ThreadPoolExecutor
    earlier: bool = False
    """Whether copies of an earlier round or attempt may be there."""

    def settle(self, entries: list[ManifestEntry]) -> Sequence[Fate | ObjectError]:
        """The set's rows, or why it goes on in another round, or the fault for which it is to be tried again.

        The first delivery of the batch to write the rows decides. After a set has failed its copies are removed, by
        every delivery that comes upon it: one that still copied may have come after the first removal.
        """
        work = self.work
        try:
            rows: Sequence[ClipRow] = _held(entries, work.known)
            if len(rows) < len(entries):
                rows = self._settled(entries)
            if any(row.status is ClipStatus.PENDING for row in rows):
                return [OutOfTime()]  # a later run has begun: its workers settle the set
            kept = {} if landed(rows) else take_back(entries, work.job_id, work.storage, work.ports.large)
        except (SourceUnavailable, OutOfTime) as reason:
            return [reason]
        return list(kept.values())[:1] or rows

    def _settled(self, entries: list[ManifestEntry]) -> Sequence[ClipRow]:
        """The rows that decide: ours, unless another delivery was faster. None of a deleted import."""
        work, fates = self.work, self._land(entries)
        if work.watch().recorded:
            return _held(entries, work.ports.clips.get(work.job_id, [entry.ordinal for entry in entries]))
        rows = work.ports.clips.settle(work.job_id, work.findable(fates), run=work.run)
        work.written.update(row.ordinal for row in rows)
        work.count_failures(rows)
        if landed(rows):
            for entry in filter(work.is_large, entries):
                work.forget_upload(entry.ordinal)
        return rows

    def _land(self, entries: list[ManifestEntry]) -> list[ClipRow]:
        """Look into every view before any is copied. Raises `SourceUnavailable` or `OutOfTime` where nothing final is
        in the way; what was copied is found again by the next round.
        """
        wanted = to_copy(entries)
        if not wanted:
            return _rows_of(entries)
        try:
            self.work.check()
            views = self._copied(wanted)
            final = {n: (code_of(e), e.message) for n, e in views.failures.items() if not isinstance(e, _Passing)}
            if final:
                return _rows_of(failed_set(entries, final))
            if views.failures:
                self.work.check_stop()
            for kind in (Stopped, OutOfTime, SourceUnavailable):
                for reason in views.failures.values():
                    if isinstance(reason, kind):
                        raise reason
        except Stopped as stop:
            return _rows_of(stopped_set(entries, stop.code, stop.message))
        rows = {
            entry.ordinal: copied_row(entry, views.facts[entry.ordinal], views.copies[entry.ordinal])
            for entry in wanted
        }
        return [rows.get(row.ordinal, row) for row in _rows_of(entries)]

    def _copied(self, wanted: Sequence[ManifestEntry]) -> "_Views":
        views, work = _Views(), self.work
        for entry, found in zip(wanted, self.views.map(self._look_into, wanted), strict=True):
            if isinstance(found, ClipferryError):
                views.failures[entry.ordinal] = found
            else:
                views.facts[entry.ordinal] = found
        # Large views go on where they were; those of one request are copied when nothing else is left to do.
        list(self.views.map(lambda entry: self._copy(entry, views, work.check), filter(work.is_large, wanted)))
        whole = [entry for entry in wanted if not work.is_large(entry)]
        if whole and not views.failures:
            # A set that comes first in its round is let through as a clip would be.
            check = work.check_stop if work.begin() else work.check
            list(self.views.map(lambda entry: self._copy(entry, views, check), whole))
        return views

    def _look_into(self, entry: ManifestEntry) -> Facts | Failure:
        try:
            return validate_content(entry, self.work.settings.content_validation, self.work.storage)
        except (ContentInvalid, ObjectError, UnknownFormat) as error:
            return error

    def _copy(self, entry: ManifestEntry, views: "_Views", check: Callable[[], None]) -> None:
        """Not after a failure of another view."""
        assert entry.group is not None
        if views.failures:
            return
        mark = set_mark(self.work.job_id, entry.group)
        try:
            check()
            there = self._of_earlier_round(entry, mark)
            views.copies[entry.ordinal] = there or self.work.copy(entry, mark=mark)
        except (ObjectError, OutOfTime, Stopped) as reason:
            views.failures[entry.ordinal] = reason

    def _of_earlier_round(self, entry: ManifestEntry, mark: str) -> Copied | None:
        """This set's copy of one request, where its ETag tells, or it does so itself; one by parts by its upload."""
        if not self.earlier or self.work.is_large(entry):
            return None
        assert entry.etag is not None
        return self.work.storage.landed(entry, entry.etag, mark=mark)


@dataclass(frozen=True)
class _Views:
    """What became of a set's views, by ordinal."""

    facts: dict[int, Facts] = field(default_factory=dict)
    copies: dict[int, Copied] = field(default_factory=dict)
    failures: dict[int, Failure | OutOfTime | Stopped] = field(default_factory=dict)


_Passing = (SourceUnavailable, OutOfTime, Stopped)


def _held(entries: Sequence[ManifestEntry], rows: Mapping[int, ClipRow]) -> list[ClipRow]:
    return [rows[entry.ordinal] for entry in entries if entry.ordinal in rows]


def _rows_of(entries: Sequence[ManifestEntry]) -> list[ClipRow]:
    return [row_for(entry, entry.status, entry.code, entry.message) for entry in entries]
