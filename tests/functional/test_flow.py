"""The whole way of an import on the real adapters, in this process; only the state machine is a fake."""

from typing import TYPE_CHECKING

import pytest

from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.uploads import DynamoUploads
from service.aws.s3.state_files import S3StateFiles
from service.aws.s3.storage import S3Storage
from service.domain.clips import Clip, ClipStatus
from service.domain.jobs import Counts, Job, JobStatus
from service.imports.completion.finish import finish
from service.imports.intake.drop_bucket import accept_uploads, parse_event
from service.imports.queries.status import clips_page, get_job, jobs_page
from tests.builders import (
    CLIPS_BUCKET,
    DROP_BUCKET,
    PROJECT,
    SOURCE_BUCKET,
    World,
    import_list,
    object_created,
    own_access,
)
from tests.fakes.copying import OneCopier

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEYS = ["p/plain.zip", "p/a b+%20.zip", "p/日本.zip", "p/empty.zip", "p/" + "x" * 1_000]


@pytest.fixture
def flow(
    jobs: DynamoJobs, clips: DynamoClips, uploads: DynamoUploads, state: S3StateFiles, storage: S3Storage
) -> World:
    world = World(batch_clips=3, concurrency=2)
    world.jobs, world.clips, world.uploads = jobs, clips, uploads  # type: ignore[assignment]
    world.state, world.storage = state, storage  # type: ignore[assignment]
    world.copiers = OneCopier(storage)
    world.access = own_access(storage, jobs)
    return world


@pytest.fixture
def sources(s3: "S3Client") -> list[str]:
    for key in KEYS:
        s3.put_object(Bucket=SOURCE_BUCKET, Key=key, Body=b"" if "empty" in key else key.encode())
    s3.put_object(Bucket=SOURCE_BUCKET, Key="p/", Body=b"")
    return [f"s3://{SOURCE_BUCKET}/{key}" for key in KEYS]


def run(flow: World, job: Job) -> Job:
    found = flow.jobs
    flow.job = lambda job_id: found.get(job_id)  # type: ignore[assignment, method-assign, return-value]
    return flow.run(job.id)


def all_clips(flow: World, job: Job, status: ClipStatus | None = None) -> list[Clip]:
    found: list[Clip] = []
    cursor = None
    while True:
        page = clips_page(job, limit=2, cursor=cursor, status=status, ports=flow.status_ports)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


def test_a_prefix_lands_with_its_bytes(flow: World, sources: list[str], s3: "S3Client") -> None:
    done = run(flow, flow.submit_prefix("p/"))
    size = sum(len(key.encode()) for key in KEYS if "empty" not in key)
    assert done.status is JobStatus.COMPLETED
    assert done.counts == Counts(total=5, copied=5, bytes=size)
    clips = all_clips(flow, done)
    assert sorted(clip.source_uri for clip in clips) == sorted(sources)
    for clip in clips:
        bucket, _, key = clip.destination.removeprefix("s3://").partition("/")
        assert bucket == CLIPS_BUCKET
        assert key.startswith(f"{PROJECT}/-/source")
        landed = s3.get_object(Bucket=bucket, Key=key)
        source = clip.source_uri.removeprefix(f"s3://{SOURCE_BUCKET}/")
        assert landed["Body"].read() == (b"" if "empty" in source else source.encode())
        assert landed["ETag"].strip('"') == clip.etag
    assert jobs_page(PROJECT, limit=10, cursor=None, jobs=flow.jobs).items == [done]


def test_a_list_says_what_became_of_each_uri(flow: World, sources: list[str]) -> None:
    uris = [sources[0], f"s3://{SOURCE_BUCKET}/missing", "s3://private/x", sources[0], sources[3]]
    done = run(flow, flow.submit(import_list(uris, run_name_prefix="run-")))
    assert done.status is JobStatus.COMPLETED_WITH_ERRORS
    assert done.counts == Counts(total=5, copied=2, skipped=1, failed=2, bytes=len(KEYS[0]))
    clips = all_clips(flow, done)
    assert [clip.source_uri for clip in clips] == uris
    assert [(clip.status.value, clip.code) for clip in clips] == [
        ("COPIED", None),
        ("FAILED", "NOT_FOUND"),
        ("FAILED", "CANNOT_ACCESS"),
        ("SKIPPED", "DUPLICATE"),
        ("COPIED", None),
    ]
    assert clips[0].run_name == "run-plain"
    assert all_clips(flow, done, ClipStatus.FAILED) == clips[1:3]
    assert all_clips(flow, done, ClipStatus.COPIED) == [clips[0], clips[4]]


def test_a_source_that_changes_after_planning_fails_alone(flow: World, sources: list[str], s3: "S3Client") -> None:
    assert len(sources) == len(KEYS)
    job = flow.submit_prefix("p/")
    flow.plan(job.id)
    s3.put_object(Bucket=SOURCE_BUCKET, Key=KEYS[0], Body=b"changed")
    for batch in flow.batches(job.id):
        flow.copy(batch)
    assert finish(job.id, error=None, ports=flow.finish_ports).status is JobStatus.COMPLETED_WITH_ERRORS
    (failed,) = all_clips(flow, get_job(job.id, project=PROJECT, jobs=flow.jobs), ClipStatus.FAILED)
    assert (failed.source_uri, failed.code) == (f"s3://{SOURCE_BUCKET}/{KEYS[0]}", "SOURCE_CHANGED")


def test_repeated_upload_events_import_each_upload_once(flow: World, s3: "S3Client") -> None:
    s3.create_bucket(Bucket=DROP_BUCKET)
    names = [f"inbox/fleet/{n} ü+.zip" for n in range(5)]
    events = []
    for n, name in enumerate(names):
        etag = s3.put_object(Bucket=DROP_BUCKET, Key=name, Body=name.encode())["ETag"].strip('"')
        events.append(
            object_created(name, size=len(name.encode()), etag=etag, sequencer=f"{n:04d}", **{"version-id": None})
        )
    parsed = [parse_event(event, buckets=[DROP_BUCKET]) for event in events]
    uploads = [upload for upload in parsed if upload]
    for delivery in (uploads[:3], uploads[1:], uploads, uploads[:1] * 2):
        accept_uploads(delivery, flow.upload_ports)
    (job_id,) = flow.workflow.started
    job = flow.jobs.get(job_id)
    assert job
    done = run(flow, job)
    assert (done.project, done.status, done.counts.copied) == ("fleet", JobStatus.COMPLETED, 5)
    accept_uploads(uploads, flow.upload_ports)
    assert flow.workflow.started == [job_id]
    for name in names:
        landed = s3.get_object(Bucket=CLIPS_BUCKET, Key=f"fleet/-/drop/{name}")
        assert landed["Body"].read() == name.encode()


def test_many_batches_and_their_pages(flow: World, s3: "S3Client") -> None:
    flow.batch_clips = 30
    for n in range(130):
        s3.put_object(Bucket=SOURCE_BUCKET, Key=f"p/{n:04d}.zip", Body=b"x")
    done = run(flow, flow.submit_prefix("p/"))
    assert len(flow.batches(done.id)) == 5
    assert done.counts == Counts(total=130, copied=130, bytes=130)
    first = clips_page(done, limit=100, cursor=None, status=None, ports=flow.status_ports)
    second = clips_page(done, limit=100, cursor=first.next_cursor, status=None, ports=flow.status_ports)
    names = [clip.run_name for page in (first, second) for clip in page.items]
    assert names == [f"{n:04d}" for n in range(130)]
    assert not second.has_more


def test_what_failed_lands_in_a_second_run(flow: World, sources: list[str], s3: "S3Client") -> None:
    missing = [f"s3://{SOURCE_BUCKET}/late/{n}.zip" for n in range(3)]
    first = run(flow, flow.submit(import_list([*missing, *sources])))
    assert (first.counts.copied, first.counts.failed) == (5, 3)
    for n in range(3):
        s3.put_object(Bucket=SOURCE_BUCKET, Key=f"late/{n}.zip", Body=b"late")
    flow.retry(first.id, clips=[2])
    assert run(flow, first).counts.copied == 6
    flow.retry(first.id)
    done = run(flow, first)
    assert (done.status, done.run, done.counts.copied) == (JobStatus.COMPLETED, 2, 8)
    assert [ended.counts.copied for ended in done.runs] == [5, 6]
    assert [clip.status for clip in all_clips(flow, done)] == [ClipStatus.COPIED] * 8
    assert all_clips(flow, done, ClipStatus.FAILED) == []
