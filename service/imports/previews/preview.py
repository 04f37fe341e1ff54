"""What an import would do, cost and take: a dry run of its planning that writes nothing and ends in time."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from service.domain.destination_template import check_template
from service.domain.errors import NotFound
from service.domain.uris import parse_object, s3_at
from service.imports.access.reach import SourceAccess
from service.imports.inputs.caller_manifest import open_manifest
from service.imports.intake.preflight import check_limit, listing_errors
from service.imports.intake.submit import job_of, request_files, source_of
from service.imports.planning.context import ExpandPorts, PlanCursor
from service.imports.planning.sources import parts_of
from service.imports.previews.estimate import Deployment, Estimate, Workload, estimate
from service.planning import PART_CLIPS, batch_weight, cut_batches, extension, run_name
from service.ports import Clock
from service.projects.integrations.rules import AccessRule
from service.schema import ClipStatus, ImportRequest, ImportSettings, Job, ManifestEntry
from service.sources.deadline import HurriedStorage, OutOfTime, done_within

SAMPLE_CLIPS = 20
MAX_PROBLEMS = 20
MAX_EXTENSIONS = 100
OTHER = "other"
"""Counts what comes after the first 100 extensions; no extension lacks its dot."""
PREVIEW = "preview"
"""In the place of an id: the job of a preview is never written."""


@dataclass(frozen=True, kw_only=True)
class PreviewPorts:
    clock: Clock
    access: SourceAccess
    clips_bucket: str
    max_clips: int
    seconds: float
    deployment: Deployment
    defaults: ImportSettings
    copy_roles: Collection[str] = ()
    """ARNs of roles of integrations that may write clips."""
    monotonic: Callable[[], float] = time.monotonic


@dataclass
class Total:
    count: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        self.count += 1
        self.bytes += size


@dataclass
class Fates(Total):
    """Clips that are not copied, and why."""

    by_code: dict[str, Total] = field(default_factory=dict)

    def add_for(self, code: str, size: int) -> None:
        self.add(size)
        self.by_code.setdefault(code, Total()).add(size)


@dataclass(frozen=True, kw_only=True)
class PreviewedClip:
    run_name: str
    source_uri: str
    destination: str
    """`s3://clips-bucket/key`, empty where it has none."""
    size: int | None
    status: ClipStatus
    """PENDING: it would be copied."""
    code: str | None
    message: str | None


@dataclass
class Outcome:
    """What would happen to the clips. The three sum to the preview's count."""

    to_copy: Total = field(default_factory=Total)
    to_skip: Fates = field(default_factory=Fates)
    to_fail: Fates = field(default_factory=Fates)
    problems: list[PreviewedClip] = field(default_factory=list)
    """The first clips that would fail."""


@dataclass(kw_only=True)
class Preview:
    """Where `complete` is false, the time was up before all was looked at: every figure means "at least"."""

    root_path: str | None
    complete: bool
    count: int
    bytes: int
    keys: list[str]
    """The first 20 keys."""
    by_extension: dict[str, Total]
    sample: list[PreviewedClip]
    """The first 20 clips."""
    outcome: Outcome
    estimate: Estimate


def preview(request: ImportRequest, *, project: str, ports: PreviewPorts) -> Preview:
    """Plan for at most `ports.seconds`, keep nothing. Raises `InvalidRequest` or `PreflightFailed`."""
    source = source_of(request, ports.max_clips)
    if request.settings.destination is not None:
        check_template(request.settings.destination)
    reach = ports.access.reach(project, request.integration_id)
    reach.check()
    if request.manifest_uri is not None:
        source = open_manifest(request.manifest_uri, reach)
    job = job_of(
        request,
        source,
        job_id=PREVIEW,
        digest=PREVIEW,
        project=project,
        key_id=None,
        now=ports.clock(),
    )
    storage = HurriedStorage(ports.access.storage(project), ports.clips_bucket, ports.seconds, ports.monotonic)
    rule, roles = reach.rule, ports.copy_roles
    seen = _Seen(job, ports.clips_bucket, ports.deployment, lambda entry: _streams(entry, rule, roles))
    expand_ports = ExpandPorts(
        jobs=_NoRows(),
        state=_GivenFiles(request_files(job, request)),
        storage=storage,
        uploads=_NoRows(),
        access=ports.access.through(storage),
        clips_bucket=ports.clips_bucket,
        stat_concurrency=ports.deployment.stat_concurrency,
        # What is inspected at once: all that is lost of a list when the time is up.
        part_clips=ports.deployment.stat_concurrency,
    )
    late = False

    def look() -> None:
        nonlocal late
        try:
            for part in parts_of(job, PlanCursor(), expand_ports):
                assert part is not None, "nobody cancels a preview"
                seen.add(part.entries)
                check_limit(seen.count, ports.max_clips, request.root_path or "the source")
        except OutOfTime:
            late = True

    with listing_errors():
        ended = done_within(ports.seconds, look)
    complete = ended and not late and not storage.cut
    return seen.preview(request.root_path, complete=complete, lists=storage.lists, heads=storage.heads)


def _streams(entry: ManifestEntry, rule: AccessRule, copy_roles: Collection[str]) -> bool:
    """Whether the clip passes through the copy function: not where S3 can copy by the access that opens it."""
    if entry.integration is None:
        return parse_object(entry.source_uri).scheme != "s3"
    opener = rule.by_id.get(entry.integration)
    return opener is None or opener.role_arn not in copy_roles


class _NoRows:
    """The table as a preview's planning sees it."""

    def get(self, job_id: str) -> None:
        """There is no row, so nobody has cancelled the job."""

    def lists(self, job_id: str) -> Sequence[str]:  # noqa: ARG002  # the port's
        return ()


@dataclass(frozen=True)
class _GivenFiles:
    """State files that were never written."""

    files: Mapping[str, bytes]

    def get(self, key: str) -> bytes:
        if key not in self.files:
            raise NotFound(f"a preview has no {key}")
        return self.files[key]


class _Seen:
    """What the dry run has found so far. Its thread may still be at work when the answer is made."""

    def __init__(
        self, job: Job, clips_bucket: str, deployment: Deployment, streams: Callable[[ManifestEntry], bool]
    ) -> None:
        self._job, self._clips_bucket, self._deployment, self._streams = job, clips_bucket, deployment, streams
        self._lock = Lock()
        self._total = Total()
        self._keys: list[str] = []
        self._by_extension: dict[str, Total] = {}
        self._sample: list[PreviewedClip] = []
        self._outcome = Outcome()
        self._work = Workload()
        self._part: list[ManifestEntry] = []
        """The manifest part that is not full yet."""
        self._answered = False

    @property
    def count(self) -> int:
        return self._total.count

    def add(self, entries: Sequence[ManifestEntry]) -> None:
        """Raises `OutOfTime` once the answer is given."""
        with self._lock:
            if self._answered:
                raise OutOfTime
            for entry in entries:
                self._add(entry)

    def preview(self, root_path: str | None, *, complete: bool, lists: int, heads: int) -> Preview:
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
                outcome=self._outcome,
                estimate=estimate(self._work, settings=self._job.settings, deployment=self._deployment),
            )

    def _add(self, entry: ManifestEntry) -> None:
        size, key = entry.size or 0, parse_object(entry.source_uri).key
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
        else:
            outcome.to_fail.add_for(entry.code or OTHER, size)
            work.failed += 1
            if len(outcome.problems) < MAX_PROBLEMS:
                outcome.problems.append(self._shown(entry))

    def _end_part(self) -> None:
        """Count the batches of a manifest part, as the manifest's writer cuts them."""
        limits = self._deployment
        batches = cut_batches(
            [batch_weight(entry) for entry in self._part],
            max_clips=limits.batch_clips,
            max_bytes=limits.batch_bytes,
            groups=[entry.group for entry in self._part],
        )
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
