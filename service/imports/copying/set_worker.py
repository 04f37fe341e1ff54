"""Copy the sets of a batch, each as a unit: all of its views land, or none."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from service.domain.clips import ClipRow, ClipStatus
from service.domain.errors import AccessDenied, ClipferryError, DestinationChanged, ObjectError, SourceUnavailable
from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied
from service.domain.requests import OnExisting
from service.formats.facts import Verdict
from service.formats.failures import ContentInvalid, UnknownFormat
from service.imports.copying.conflict import CONFLICTS
from service.imports.copying.content import validate_content
from service.imports.copying.context import BatchWork, Clip, with_search_keys
from service.imports.copying.set_rollback import take_back
from service.imports.copying.superseded import refuse_to_replace
from service.imports.copying.worker import Result
from service.imports.results.clip_rows import Failure, copied_row, failure_fate, row_for
from service.imports.results.set_fates import failed_set, landed, to_copy
from service.support.stops import OutOfTime, Stopped


@dataclass(frozen=True)
class SetWorker:
    """Copies the sets of a batch and writes all rows of a set at once. `views` runs the copies."""

    work: BatchWork
    views: ThreadPoolExecutor

    def settle(self, entries: list[ManifestEntry]) -> Sequence[Result | ObjectError]:
        """Return the set's rows, or why it has none yet: the end of the call's time, or a fault to try again.

        If several deliveries of the batch are at work, the first to write the rows decides. Each delivery that finds
        the set failed removes its copies: another one may have copied after the first removal.
        """
        work = self.work
        try:
            rows: Sequence[ClipRow] = _held(entries, work.known)
            if len(rows) < len(entries):
                rows = self._settled(entries)
            if any(row.status is ClipStatus.PENDING for row in rows):
                return [OutOfTime()]  # a retry of the import has begun: its workers settle the set
            kept = {} if landed(rows) else take_back(entries, work.job_id, work.ports.bucket, work.ports.large)
        except (SourceUnavailable, OutOfTime) as reason:
            return [reason]
        return list(kept.values())[:1] or rows

    def _settled(self, entries: list[ManifestEntry]) -> Sequence[ClipRow]:
        """The rows that decide: ours, unless another delivery was faster; no rows of a deleted import."""
        work, made = self.work, self._land(entries)
        state = work.watch.state
        if state.recorded:
            return _held(entries, work.ports.clips.get(work.job_id, [entry.ordinal for entry in entries]))
        rows = work.ports.clips.settle(work.job_id, with_search_keys(made, work.batch, state), run=work.batch.run)
        work.gate.count_failures(rows)
        if landed(rows):
            for entry in entries:
                work.large.settled(entry.ordinal)
        return rows

    def _land(self, entries: list[ManifestEntry]) -> list[ClipRow]:
        """Validate every view, then copy them; return the rows that the set is to have.

        Raises `SourceUnavailable` or `OutOfTime` where no view failed for good: the next round finds the copies again.
        """
        wanted = to_copy(entries)
        planned = {entry.ordinal: row_for(entry, entry.fate) for entry in entries if entry.fate}
        if not wanted:
            return list(planned.values())
        try:
            self.work.gate.check()
            views = self._copied(wanted)
            final = {n: failure_fate(error) for n, error in views.failures.items() if not isinstance(error, _Passing)}
            if final:
                return [row_for(entry, fate) for entry, fate in failed_set(entries, final)]
            if views.failures:
                self.work.gate.check_stop()
            for kind in (Stopped, OutOfTime, SourceUnavailable):
                for reason in views.failures.values():
                    if isinstance(reason, kind):
                        raise reason
        except Stopped as stop:
            return [row_for(entry, stop.fate) for entry in entries]
        rows = planned | {
            entry.ordinal: copied_row(entry, views.verdicts[entry.ordinal], views.copies[entry.ordinal])
            for entry in wanted
        }
        return [rows[entry.ordinal] for entry in entries]

    def _copied(self, wanted: Sequence[ManifestEntry]) -> "_Views":
        views, gate = _Views(), self.work.gate
        clips = [self.work.clip(entry) for entry in wanted]
        for clip, found in zip(clips, self.views.map(self._validate, clips), strict=True):
            if isinstance(found, ClipferryError):
                views.failures[clip.entry.ordinal] = found
            else:
                views.verdicts[clip.entry.ordinal] = found
        # Large views first: they continue over several rounds. The others are copied when nothing else is left.
        large = [clip for clip in clips if clip.large]
        list(self.views.map(lambda clip: self._copy(clip, views, gate.check), large))
        whole = [clip for clip in clips if not clip.large]
        if whole and not views.failures:
            # The first set of a round is copied whatever the time, as a first clip is.
            check = gate.check_stop if gate.begin() else gate.check
            list(self.views.map(lambda clip: self._copy(clip, views, check), whole))
        return views

    def _validate(self, clip: Clip) -> Verdict | Failure | None:
        try:
            return validate_content(clip, self.work.settings.content_validation)
        except (ContentInvalid, ObjectError, UnknownFormat) as error:
            return error

    def _copy(self, clip: Clip, views: "_Views", check: Callable[[], None]) -> None:
        """Copy the view, unless another one failed."""
        entry = clip.entry
        if views.failures:
            return
        try:
            check()
            there = self._of_earlier_round(clip)
            views.copies[entry.ordinal] = there or self._over_what_is_there(clip)
        except (ObjectError, OutOfTime, Stopped) as reason:
            views.failures[entry.ordinal] = reason

    def _over_what_is_there(self, clip: Clip) -> Copied:
        """Copy the view, also over the same clip: a set has copies of its own. With `fail` nothing may lie there."""
        for _ in range(CONFLICTS):
            try:
                return self.work.copy(clip)
            except DestinationChanged as found:
                repeated = found.repeated and not isinstance(clip.copier, AccessDenied)
                mark = self.work.mark_of(clip.entry)
                ours = clip.copier.landed(clip.entry, mark=mark) if repeated else None  # type: ignore[union-attr]
                if ours:
                    return ours
                if self.work.settings.on_existing is OnExisting.FAIL and found.etag is not None:
                    raise
                clip = replace(clip, entry=replace(clip.entry, destination_etag=found.etag))
                refuse_to_replace(self.work, clip, conflict=True)
        raise SourceUnavailable("its destination keeps changing", operation="copy", uri=clip.entry.source_uri)

    def _of_earlier_round(self, clip: Clip) -> Copied | None:
        """The set's own copy that an earlier round made in one request. A large view is found by its upload."""
        if not self.work.earlier or clip.large or isinstance(clip.copier, AccessDenied):
            return None
        return clip.copier.landed(clip.entry, mark=self.work.mark_of(clip.entry))


@dataclass(frozen=True)
class _Views:
    """Results of a set's views so far, by ordinal."""

    verdicts: dict[int, Verdict | None] = field(default_factory=dict)
    copies: dict[int, Copied] = field(default_factory=dict)
    failures: dict[int, Failure | OutOfTime | Stopped] = field(default_factory=dict)


_Passing = (SourceUnavailable, OutOfTime, Stopped)


def _held(entries: Sequence[ManifestEntry], rows: Mapping[int, ClipRow]) -> list[ClipRow]:
    return [rows[entry.ordinal] for entry in entries if entry.ordinal in rows]
