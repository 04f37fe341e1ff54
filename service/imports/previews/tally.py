"""Count the clips that a preview finds."""

from collections.abc import Callable, Sequence
from threading import Lock

from service.domain.batching import PART_CLIPS, batches_of
from service.domain.clip_names import extension, run_name
from service.domain.clips import ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import InvalidUri
from service.domain.jobs import Job
from service.domain.manifest import ManifestEntry
from service.domain.member_reads import neighbours_together
from service.domain.requests import Archived
from service.domain.uris import s3_at
from service.imports.previews.estimate import Workload, estimate
from service.imports.previews.result import Outcome, Preview, PreviewedClip, Total
from service.support.settings import Deployment
from service.support.stops import OutOfTime

SAMPLE_CLIPS = 20


MAX_PROBLEMS = 20


MAX_EXTENSIONS = 100


OTHER = "other"
"""Counts clips beyond the first 100 extensions. All other keys begin with a dot."""


class PreviewTally:
    """Counts of the dry run so far. Its thread may still be running when the answer is sent."""

    def __init__(
        self, job: Job, clips_bucket: str, deployment: Deployment, streams: Callable[[ManifestEntry], bool]
    ) -> None:
        self._job, self._clips_bucket, self._deployment, self._streams = job, clips_bucket, deployment, streams
        self._lock = Lock()
        self._total = Total()
        self._keys: list[str] = []
        self._by_extension: dict[str, Total] = {}
        self._sample: list[PreviewedClip] = []
        restores = job.settings.archived is Archived.RESTORE
        self._outcome = Outcome(tier=job.settings.restore.tier if restores else None)
        self._work = Workload()
        self._part: list[ManifestEntry] = []
        """The manifest part in progress."""
        self._answered = False

    @property
    def count(self) -> int:
        return self._total.count

    def add(self, entries: Sequence[ManifestEntry]) -> None:
        """Count the entries. Raises `OutOfTime` once the answer is built."""
        with self._lock:
            if self._answered:
                raise OutOfTime
            for entry in entries:
                self._add(entry)

    def preview(self, root_path: str | None, *, complete: bool, lists: int, heads: int, no_clips: int) -> Preview:
        with self._lock:
            self._answered = True
            self._work.lists, self._work.heads = lists, heads
            self._end_part()
            return Preview(
                root_path=root_path,
                complete=complete,
                count=self._total.count,
                bytes=self._total.bytes,
                keys=self._keys,
                by_extension=self._by_extension,
                sample=self._sample,
                no_clips=no_clips,
                outcome=self._outcome,
                estimate=estimate(self._work, settings=self._job.settings, deployment=self._deployment),
            )

    def _add(self, entry: ManifestEntry) -> None:
        size, key = entry.size or 0, _key_of(entry)
        self._total.add(size)
        self._add_extension(extension(key), size)
        if len(self._keys) < SAMPLE_CLIPS:
            self._keys.append(key)
            self._sample.append(self._shown(entry))
        self._add_outcome(entry, size)
        self._part.append(entry)
        if len(self._part) == PART_CLIPS:
            self._end_part()

    def _add_extension(self, kind: str, size: int) -> None:
        if kind not in self._by_extension and len(self._by_extension) >= MAX_EXTENSIONS:
            kind = OTHER
        self._by_extension.setdefault(kind, Total()).add(size)

    def _add_outcome(self, entry: ManifestEntry, size: int) -> None:
        outcome, work = self._outcome, self._work
        if entry.archive and (entry.code == ClipCode.ARCHIVED or entry.status is ClipStatus.PENDING):
            outcome.archived.setdefault(entry.archive, Total()).add(size)
        work.views += entry.group is not None
        if entry.status is ClipStatus.PENDING:
            outcome.to_copy.add(size)
            work.add_copy(
                size,
                entry.etag or "",
                settings=self._job.settings,
                deployment=self._deployment,
                in_set=entry.group is not None,
                streams=self._streams(entry),
            )
        elif entry.status is ClipStatus.SKIPPED:
            outcome.to_skip.add_for(entry.code or OTHER, size)
            work.skipped += 1
            work.skipped_by_plan += entry.is_settled(self._job.settings)
        else:
            outcome.to_fail.add_for(entry.code or OTHER, size)
            work.failed += 1
            if len(outcome.problems) < MAX_PROBLEMS:
                outcome.problems.append(self._shown(entry))

    def _end_part(self) -> None:
        """Count the batches of a manifest part, split as the manifest's writer does."""
        limits = self._deployment
        batched = [entry for entry in self._part if not entry.is_settled(self._job.settings)]
        batches = batches_of(neighbours_together(batched), max_clips=limits.batch_clips, max_bytes=limits.batch_bytes)
        self._work.batches += sum(1 for _ in batches)
        self._part = []

    def _shown(self, entry: ManifestEntry) -> PreviewedClip:
        return PreviewedClip(
            run_name=run_name(self._job.run_name_prefix, entry.source_uri),
            source_uri=entry.source_uri,
            destination=str(s3_at(self._clips_bucket, entry.destination)) if entry.destination else "",
            size=entry.size,
            status=entry.status,
            code=entry.code,
            message=entry.message,
        )


def _key_of(entry: ManifestEntry) -> str:
    """Return the source's key; its whole URI if that is none."""
    try:
        return entry.location.key
    except InvalidUri:
        return entry.source_uri
