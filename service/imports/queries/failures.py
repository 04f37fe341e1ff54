"""Count an import's failed and cancelled clips by code, with examples."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from service.domain.clips import Clip, ClipStatus
from service.domain.jobs import Job
from service.imports.queries.status import StatusPorts, clip_of

EXAMPLES = 3
"""Clips that a group shows."""
READ_AT_ONCE = 1_000
MAX_READ = 5_000
"""Failed clips that one answer counts, about two seconds of reads. Counts then mean "at least"."""


@dataclass(kw_only=True)
class FailureGroup:
    """Clips that failed, or were cancelled, with one code."""

    status: ClipStatus
    code: str
    count: int = 0
    failed_check: int = 0
    """Clips among them whose content validation failed; a retry with `content_validation: none` copies them."""
    examples: list[Clip] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Failures:
    groups: Sequence[FailureGroup]
    """The largest first."""
    complete: bool
    """False: the counts are at least this high."""


def failures_of(job: Job, ports: StatusPorts) -> Failures:
    """Return the groups. Failures that planning found count from the end of planning, others when they happen."""
    groups: dict[tuple[ClipStatus, str], FailureGroup] = {}
    first = read = 0
    while read < MAX_READ:
        rows = ports.clips.failures(job.id, first=first, limit=READ_AT_ONCE)
        for row in rows:
            code = row.code or ""
            group = groups.setdefault((row.status, code), FailureGroup(status=row.status, code=code))
            group.count += 1
            group.failed_check += row.failed_check
            if len(group.examples) < EXAMPLES:
                group.examples.append(clip_of(job, None, row, ports.clips_bucket))
        read += len(rows)
        if len(rows) < READ_AT_ONCE:
            return Failures(groups=_largest_first(groups.values()), complete=True)
        first = rows[-1].ordinal + 1
    return Failures(groups=_largest_first(groups.values()), complete=False)


def _largest_first(groups: Iterable[FailureGroup]) -> Sequence[FailureGroup]:
    return sorted(groups, key=lambda group: (-group.count, group.code))
