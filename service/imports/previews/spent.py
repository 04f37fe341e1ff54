"""Estimate what an import has cost so far, and what it will have cost, from its counts."""

import math
from dataclasses import dataclass

from service.domain.jobs import Job, SourceKind
from service.imports.previews.estimate import Workload, estimate, part_count, price_list
from service.support.settings import Deployment

KEYS_PER_LIST = 1_000
"""Keys of one listing request (S3, ListObjectsV2)."""


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Dollars. `whole` is None before planning ends, when the number of clips is not known."""

    so_far: float
    whole: float | None
    price_region: str
    prices_as_of: str


def spent(job: Job, *, batches: int, deployment: Deployment) -> Spent:
    """`batches`: those that are done. Clips count as if all had the average size of the copied ones."""
    counts, prices = job.counts, price_list()
    so_far = _cost(job, copied=counts.copied, batches=batches, deployment=deployment)
    whole = None
    if counts.total:
        all_batches = max(batches, math.ceil((counts.total - job.skipped_by_plan) / deployment.batch_clips))
        whole = so_far
        if counts.pending:
            whole = _cost(job, copied=counts.copied + counts.pending, batches=all_batches, deployment=deployment)
    return Spent(so_far=so_far, whole=whole, price_region=prices.region, prices_as_of=prices.as_of)


def _cost(job: Job, *, copied: int, batches: int, deployment: Deployment) -> float:
    counts = job.counts
    average = counts.bytes // counts.copied if counts.copied else 0
    in_parts = average > deployment.multipart_threshold_bytes
    listed = job.source.kind is SourceKind.PREFIX
    work = Workload(
        lists=math.ceil(counts.total / KEYS_PER_LIST) if listed else 0,
        heads=0 if listed else counts.total,
        batches=batches,
        copied=copied,
        skipped=counts.skipped,
        skipped_by_plan=job.skipped_by_plan,
        failed=counts.failed + counts.cancelled,
        bytes=average * copied,
        largest=average if copied else 0,
        by_parts=copied if in_parts else 0,
        parts=copied * part_count(average, deployment.part_bytes) if in_parts else 0,
    )
    return estimate(work, settings=job.settings, deployment=deployment).cost.total
