"""What an import has cost, estimated from its counts."""

from dataclasses import replace

from service.domain.jobs import Counts, Source, SourceKind
from service.imports.previews.estimate import Workload, estimate
from service.imports.previews.spent import spent
from tests.builders import DEPLOYMENT, a_job

PREFIX = Source(kind=SourceKind.PREFIX, uri="s3://source/p/")


def test_before_planning_ends_only_the_start_has_cost_something() -> None:
    found = spent(a_job(source=PREFIX), batches=0, deployment=DEPLOYMENT)
    assert found.whole is None
    nothing = estimate(Workload(), settings=a_job().settings, deployment=DEPLOYMENT)
    assert found.so_far == nothing.cost.total > 0


def test_the_cost_grows_with_the_clips_up_to_that_of_the_whole() -> None:
    job = a_job(source=PREFIX, counts=Counts(total=4_000, copied=0))
    whole, before = set(), 0.0
    for copied in (1_000, 2_000, 4_000):
        counts = Counts(total=4_000, copied=copied, bytes=copied * 10**6)
        batches = -(-copied // DEPLOYMENT.batch_clips)
        found = spent(replace(job, counts=counts), batches=batches, deployment=DEPLOYMENT)
        assert before < found.so_far
        before = found.so_far
        whole.add(found.whole)
    assert whole == {before}


def test_a_job_that_ended_costs_what_a_preview_of_its_clips_says() -> None:
    counts = Counts(total=3, copied=2, failed=1, bytes=2_000)
    job = a_job(source=PREFIX, counts=counts)
    work = Workload(lists=1, batches=1, failed=1)
    for _ in range(2):
        work.add_copy(1_000, "etag", settings=job.settings, deployment=DEPLOYMENT)
    found = spent(job, batches=1, deployment=DEPLOYMENT)
    assert found.so_far == found.whole == estimate(work, settings=job.settings, deployment=DEPLOYMENT).cost.total


def test_large_clips_are_copied_in_parts() -> None:
    small = spent(a_job(source=PREFIX, counts=Counts(total=1, copied=1, bytes=1)), batches=1, deployment=DEPLOYMENT)
    size = 20 * DEPLOYMENT.multipart_threshold_bytes
    large = spent(a_job(source=PREFIX, counts=Counts(total=1, copied=1, bytes=size)), batches=1, deployment=DEPLOYMENT)
    assert large.so_far > small.so_far
