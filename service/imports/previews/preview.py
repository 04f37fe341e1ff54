"""Preview an import: plan it without writing anything, for a limited time."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from service.domain.codes import ClipCode
from service.domain.errors import NotFound
from service.domain.manifest import ManifestEntry
from service.domain.requests import ImportRequest, ImportSettings
from service.domain.settings_limits import SettingsLimits
from service.imports.access.deletion import check_deletion
from service.imports.access.reach import SourceAccess
from service.imports.access.source_errors import source_errors
from service.imports.inputs.caller_manifest import open_manifest
from service.imports.intake.preflight import check_limit
from service.imports.intake.request_source import source_of
from service.imports.intake.submit import request_files
from service.imports.lifecycle.new_job import job_of
from service.imports.planning.context import ExpandPorts, PlanCursor
from service.imports.planning.sources import parts_of
from service.imports.previews.result import Preview
from service.imports.previews.tally import PreviewTally
from service.ports.state import Clock
from service.projects.integrations.rules import AccessRule
from service.projects.slow_requests import SlowRequests
from service.sources.deadline import HurriedStorage, done_within
from service.support.settings import Deployment
from service.support.stops import OutOfTime

PREVIEW = "preview"
"""Id of a preview's job, which is never stored."""


@dataclass(frozen=True, kw_only=True)
class PreviewPorts:
    clock: Clock
    access: SourceAccess
    clips_bucket: str
    limits: SettingsLimits
    max_clips: int
    max_clip_ids: int = 0
    """Clip ids that one request may name."""
    seconds: float
    deployment: Deployment
    defaults: ImportSettings
    copy_roles: Collection[str] = ()
    """ARNs of integrations' roles that may write clips."""
    delete_buckets: Collection[str] = ()
    """Source buckets in which imports may delete what they copied."""
    slow: SlowRequests
    monotonic: Callable[[], float] = time.monotonic


def preview(request: ImportRequest, *, project: str, ports: PreviewPorts) -> Preview:
    """Plan for at most `ports.seconds` and store nothing.

    Raises `InvalidRequest`, `PreflightFailed`, one of `SOURCE_UNFIT`, `SourceUnavailable` or
    `TooManySlowRequests`.
    """
    with ports.slow.one(project):
        return _planned(request, project, ports)


def _planned(request: ImportRequest, project: str, ports: PreviewPorts) -> Preview:
    source = source_of(request, ports.max_clips, max_clip_ids=ports.max_clip_ids)
    ports.limits.check(request.settings)
    reach = ports.access.reach(project, request.integration_id, source.as_of, members=request.settings.members)
    reach.check()
    check_deletion(request, source, reach, ports.delete_buckets)
    if request.manifest_uri is not None:
        source = open_manifest(source.location, reach)
    job = job_of(
        request,
        source,
        job_id=PREVIEW,
        digest=PREVIEW,
        project=project,
        now=ports.clock(),
    )
    storage = HurriedStorage(ports.access.storage(project), ports.clips_bucket, ports.seconds, ports.monotonic)
    rule, roles = reach.rule, ports.copy_roles
    seen = PreviewTally(job, ports.clips_bucket, ports.deployment, lambda entry: _streams(entry, rule, roles))
    expand_ports = ExpandPorts(
        state=_GivenFiles(request_files(job, request)),
        storage=storage,
        access=ports.access.through(storage),
        clips_bucket=ports.clips_bucket,
        stat_concurrency=ports.deployment.stat_concurrency,
        # Clips that are inspected concurrently: the part of a list that is lost when time is up.
        part_clips=ports.deployment.stat_concurrency,
    )
    late = False

    def look() -> None:
        nonlocal late
        try:
            for part in parts_of(job, PlanCursor(), expand_ports):
                assert part is not None, "a preview cannot be cancelled"
                # A listing that was cut tells of no clip id that it is missing.
                seen.add([one for one in part.entries if not (storage.cut and one.code == ClipCode.NO_SUCH_CLIP)])
                check_limit(seen.count, ports.max_clips, request.root_path or "the source")
        except OutOfTime:
            late = True

    with source_errors():
        ended = done_within(ports.seconds, look)
    complete = ended and not late and not storage.cut
    return seen.preview(
        request.root_path,
        complete=complete,
        lists=storage.lists,
        heads=storage.heads,
        no_clips=storage.no_clips,
    )


def _streams(entry: ManifestEntry, rule: AccessRule, copy_roles: Collection[str]) -> bool:
    """Return whether the clip must be streamed, because S3 cannot copy it with the credentials that open it."""
    if entry.packed:
        return True
    if entry.integration is None:
        return entry.location.scheme != "s3"
    opener = rule.by_id.get(entry.integration)
    return opener is None or opener.role_arn not in copy_roles


@dataclass(frozen=True)
class _GivenFiles:
    """State files in memory."""

    files: Mapping[str, bytes]

    def get(self, key: str) -> bytes:
        if key not in self.files:
            raise NotFound(f"a preview has no {key}")
        return self.files[key]
