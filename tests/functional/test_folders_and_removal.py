"""Folders, and the deletion of single clips, in DynamoDB and S3."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.folders import DynamoFolders
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.s3.storage import S3Storage
from service.domain.clips import ClipRow, ClipStatus
from service.domain.projects import Action, AuditEntry, Folder, FolderScope
from service.domain.requests import VideoUpload
from service.domain.search_keys import findable
from tests.builders import ASKER, CLIPS_BUCKET, PROJECT, a_job
from tests.functional.botorequests import boto_session
from tests.functional.conftest import TABLE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

JOB = "ij_1"
NOW = "2026-11-22T18:00:00.000Z"


def an_audit(subject: str) -> AuditEntry:
    return AuditEntry(
        id=f"{NOW}#{subject}",
        project=PROJECT,
        time=NOW,
        action=Action.FOLDER_CREATE,
        subject=subject,
        by=ASKER,
        expires_at=2_000_000_000,
    )


def items(dynamodb: "DynamoDBClient") -> list[dict[str, object]]:
    return dynamodb.scan(TableName=TABLE)["Items"]  # type: ignore[return-value]


# --- folders ---------------------------------------------------------------------------------------------------------


def a_folder(folder_id: str, **changes: Any) -> Folder:
    folder = Folder(
        id=folder_id,
        project=PROJECT,
        scope=FolderScope.USER,
        name="Rig",
        description=None,
        created_at=NOW,
        created_by="key_1",
    )
    return replace(folder, **changes)


def test_a_folder_is_kept_once_with_its_audit(dynamodb: "DynamoDBClient") -> None:
    store, folder = DynamoFolders(), a_folder("fd_1", scope=FolderScope.ORG, idempotency="hash")
    assert store.get(PROJECT, "fd_1") is None
    assert store.create(folder, entry=an_audit("a"))
    assert not store.create(replace(folder, description="other"), entry=an_audit("b"))
    assert store.get(PROJECT, "fd_1") == folder
    assert store.get("other", "fd_1") is None
    assert len(items(dynamodb)) == 2


@pytest.mark.usefixtures("dynamodb")
def test_folders_are_paged_oldest_first() -> None:
    store = DynamoFolders()
    made = [a_folder(f"fd_{9 - n}", created_at=f"2026-01-0{n}T00:00:00.000Z", description=f"{n}") for n in (1, 2, 3)]
    for folder in (made[2], made[0], made[1], a_folder("fd_4", project="other")):
        assert store.create(folder, entry=an_audit(folder.id))
    page, after = store.page(PROJECT, limit=2, after=None)
    assert page == made[:2]
    assert store.page(PROJECT, limit=2, after=after) == (made[2:], None)
    assert store.page(PROJECT, limit=3, after=None) == (made, None)
    assert store.page("none", limit=3, after=None) == ([], None)


# --- clips -----------------------------------------------------------------------------------------------------------


def put(clips: DynamoClips, *rows: ClipRow) -> None:
    clips.put(JOB, [findable(row, job_id=JOB, project=PROJECT, created_at="t") for row in rows])


def a_row(ordinal: int, status: ClipStatus = ClipStatus.COPIED) -> ClipRow:
    return ClipRow(ordinal=ordinal, status=status, source_uri=f"s3://source/{ordinal}.mp4", destination=f"d/{ordinal}")


def test_clips_are_marked_and_counted_at_once(jobs: DynamoJobs, clips: DynamoClips) -> None:
    jobs.create(a_job(JOB, video_upload=VideoUpload(provider="gcs", bucket="b", folder_id="fd_1")))
    put(clips, a_row(0), a_row(1), a_row(2, ClipStatus.FAILED))
    assert clips.remove(JOB, [0, 1], landed=2, now=NOW)
    assert clips.remove(JOB, [2], landed=0, now=NOW)
    assert not clips.remove(JOB, [2], landed=0, now=NOW)
    job = jobs.get(JOB)
    assert job is not None
    assert (job.removed, job.removed_landed) == (2, 2)
    assert job.video_upload == VideoUpload(provider="gcs", bucket="b", folder_id="fd_1")
    rows = clips.get(JOB, [0, 1, 2])
    assert {row.deleted_at for row in rows.values()} == {NOW}
    assert rows[0] == replace(a_row(0), deleted_at=NOW)


def test_a_marked_clip_is_in_no_index_and_stays_so_when_it_is_written_again(
    jobs: DynamoJobs, clips: DynamoClips, dynamodb: "DynamoDBClient"
) -> None:
    jobs.create(a_job(JOB))
    put(clips, a_row(0, ClipStatus.FAILED))
    assert len(clips.failures(JOB, first=0, limit=5)) == 1
    clips.remove(JOB, [0], landed=0, now=NOW)
    for _ in range(2):
        assert clips.failures(JOB, first=0, limit=5) == []
        (item,) = [item for item in items(dynamodb) if "deleted_at" in item]
        assert not [name for name in item if name.startswith(("attention_", "clip_", "url_"))]
        clips.put(JOB, clips.get(JOB, [0]).values())


@pytest.mark.parametrize("other", [None, a_row(1, ClipStatus.PENDING)])
def test_of_several_clips_all_are_marked_or_none(jobs: DynamoJobs, clips: DynamoClips, other: ClipRow | None) -> None:
    jobs.create(a_job(JOB))
    put(clips, a_row(0), *([other] if other else []))
    assert not clips.remove(JOB, [0, 1], landed=1, now=NOW)
    assert clips.get(JOB, [0])[0].deleted_at is None
    job = jobs.get(JOB)
    assert job is not None
    assert job.removed == 0


def test_clips_of_a_job_that_is_gone_are_left_alone(jobs: DynamoJobs, clips: DynamoClips) -> None:
    assert jobs.get(JOB) is None
    put(clips, a_row(0))
    assert not clips.remove(JOB, [0], landed=1, now=NOW)


# --- objects ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def written(s3: "S3Client") -> dict[bytes, str]:
    """ETag by body of three versions of `d/x`, and of `d/x2`."""
    s3.put_bucket_versioning(Bucket=CLIPS_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=CLIPS_BUCKET, Key="d/x2", Body=b"one")
    bodies = (b"one", b"second", b"the third")
    return {body: s3.put_object(Bucket=CLIPS_BUCKET, Key="d/x", Body=body)["ETag"].strip('"') for body in bodies}


def left(s3: "S3Client") -> list[tuple[str, int]]:
    found = s3.list_object_versions(Bucket=CLIPS_BUCKET, Prefix="d/")
    assert not found.get("DeleteMarkers")
    return sorted((one["Key"], one["Size"]) for one in found.get("Versions", []))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"the third", []),
        (b"second", [9]),
        (b"one", [6, 9]),
        (None, [3, 6, 9]),
    ],
)
def test_a_version_goes_with_all_before_it(
    s3: "S3Client", written: dict[bytes, str], body: bytes | None, expected: list[int]
) -> None:
    storage = S3Storage(own=boto_session(s3), clips_bucket=CLIPS_BUCKET)
    for _ in range(2):
        storage.remove_up_to("d/x", etag=written[body] if body else "none")
        assert left(s3) == [*(("d/x", length) for length in expected), ("d/x2", 3)]
