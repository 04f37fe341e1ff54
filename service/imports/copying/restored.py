"""Find out which clips of a batch still wait for the restore of their source."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from service.domain.batching import whole_sets
from service.domain.clips import ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import ObjectError, SourceUnavailable
from service.domain.fates import Fate
from service.domain.manifest import ManifestEntry
from service.domain.requests import Restore
from service.imports.results.set_fates import whole_sets_or_failed
from service.ports.objects import Copiers, Restorer
from service.support.parallel import each

_TIMED_OUT = Fate(
    ClipStatus.FAILED,
    ClipCode.RESTORE_TIMEOUT,
    "the restore of its source was not complete in the time that the import waits (restore_wait_hours)",
)


@dataclass(frozen=True)
class Waiting:
    """Looks at the sources of clips that wait for restores."""

    copiers: Copiers
    restorer: Restorer
    how: Restore
    threads: int

    def without_archived(
        self, entries: Sequence[ManifestEntry], known: Collection[int], *, overdue: bool
    ) -> list[ManifestEntry]:
        """Return the clips that need not wait any longer for the restore of their source, by a HEAD of each.

        All views of a set wait for each other. `known` clips have a result. If the import waited long enough
        (`overdue`), all are returned, and those that are still archived fail. Until then a restore that is not under
        way, because S3 lost it or the restored copy expired, is requested again; a refused request fails its clip.
        """
        asked = [entry for entry in entries if _may_be_archived(entry) and entry.ordinal not in known]
        answers = each(lambda entry: self._look(entry, overdue=overdue), asked, threads=self.threads)
        looked = {entry.ordinal: answer for entry, answer in zip(asked, answers, strict=True)}
        waiting = whole_sets(entries, {ordinal for ordinal, answer in looked.items() if answer is True})
        fates = {ordinal: answer for ordinal, answer in looked.items() if isinstance(answer, Fate)}
        decided = whole_sets_or_failed(
            entry.with_fate(fates[entry.ordinal]) if entry.ordinal in fates else entry for entry in entries
        )
        return [entry for entry in decided if entry.status is ClipStatus.FAILED or entry.ordinal not in waiting]

    def _look(self, entry: ManifestEntry, *, overdue: bool) -> Fate | bool:
        """Return whether the clip waits, or its fate.

        A source that does not answer is looked at again later. Any other error counts as restored: the copy meets it,
        and decides.
        """
        try:
            found = self.copiers.copier_of(entry).stat(entry.location, version=entry.version)
        except SourceUnavailable:
            return not overdue
        except ObjectError:
            return False
        if found.archive is None:
            return False
        if overdue:
            return _TIMED_OUT
        return found.restoring or self._request(replace(entry, archive=found.archive))

    def _request(self, entry: ManifestEntry) -> Fate | bool:
        try:
            self.restorer.restore(entry, self.how)
        except SourceUnavailable:
            return True
        except ObjectError as error:
            return Fate.failed(error)
        return True


def _may_be_archived(entry: ManifestEntry) -> bool:
    """Also a view whose source could be read when it was planned: its restored copy may expire while others wait."""
    if entry.fate or entry.packed:
        return False
    return bool(entry.restore_hours) or entry.group is not None
