"""`archived: restore`: S3 restores what is archived, and the import copies it then."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from local.stack import Stack
from tests.e2e.faults import Invoke, control, due_now
from tests.e2e.support import all_clips, eventually, landed, settled, start, unique

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api

RESTORE = {"archived": "restore", "restore": {"tier": "standard", "days": 2}}
SOON, LATE = 0.001, 3_600.0
"""Seconds that the emulator takes for a restore."""


@pytest.fixture
def prefix(stack: Stack, s3: "S3Client") -> Iterator[str]:
    """Four clips, two of them archived, whose restores take long until a test says otherwise."""
    control(stack, "limits", {"restore_seconds": LATE})
    prefix = f"{unique('archived')}/"
    for name in "abcd":
        storage_class = "GLACIER" if name in "bd" else "STANDARD"
        s3.put_object(Bucket=stack.source_bucket, Key=f"{prefix}{name}.zip", Body=b"x" * 9, StorageClass=storage_class)  # type: ignore[arg-type]
    yield prefix
    control(stack, "limits", {"restore_seconds": 2.0})


def waiting(api: "Api", job_id: str, *, after: str = "") -> dict[str, Any]:
    """Return the import once it waits for its restores, for a look later than `after`."""

    def look() -> dict[str, Any] | None:
        status, job = api.get(f"/v1/imports/{job_id}")
        assert status == 200, job
        restores = job["restores"]
        return job if restores and (restores["next_look"] or "") > after else None

    found: dict[str, Any] = eventually(look, what="the wait for restores")
    return found


def look_again(stack: Stack, dynamodb: "DynamoDBClient", invoke: Invoke, job_id: str) -> None:
    """Let the time of the next look come, and the sweep start its execution."""
    due_now(dynamodb, stack, job_id)
    invoke("lambdas.sweep.handler", {})


def test_archived_clips_are_restored_waited_for_and_copied(
    api: "Api", stack: Stack, s3: "S3Client", dynamodb: "DynamoDBClient", invoke: Invoke, prefix: str
) -> None:
    root = f"s3://{stack.source_bucket}/{prefix}"
    status, preview = api.post("/v1/previews", {"root_path": root, "settings": RESTORE})
    assert status == 200, preview
    archived = preview["outcome"]["archived"]
    assert (preview["outcome"]["to_copy"]["count"], archived["by_archive"]["GLACIER"]["count"]) == (4, 2)
    assert (archived["tier"], archived["hours"]) == ("standard", 5)
    assert archived["restore"]["standard"] > 0
    job = waiting(api, start(api, root_path=root, settings=RESTORE)["id"])
    assert (job["status"], job["counts"]["copied"], job["counts"]["pending"]) == ("COPYING", 2, 2)
    assert (job["restores"]["requested"], job["restores"]["waiting"], job["restores"]["tier"]) == (2, 2, "standard")
    head = s3.head_object(Bucket=stack.source_bucket, Key=f"{prefix}b.zip")
    assert head["Restore"] == 'ongoing-request="true"'
    look_again(stack, dynamodb, invoke, job["id"])
    job = waiting(api, job["id"], after=job["restores"]["next_look"])
    assert job["counts"]["pending"] == 2
    control(stack, "limits", {"restore_seconds": SOON})
    look_again(stack, dynamodb, invoke, job["id"])
    job = settled(api, job["id"])
    assert (job["status"], job["counts"]["copied"], job["restores"]["waiting"]) == ("COMPLETED", 4, 0)
    clips = all_clips(api, job["id"])
    assert [landed(s3, clip) for clip in clips] == [b"x" * 9] * 4


def test_a_restore_that_is_under_way_already_is_waited_for(
    api: "Api", stack: Stack, s3: "S3Client", dynamodb: "DynamoDBClient", invoke: Invoke, prefix: str
) -> None:
    tier = {"GlacierJobParameters": {"Tier": "Bulk"}, "Days": 1}
    s3.restore_object(Bucket=stack.source_bucket, Key=f"{prefix}b.zip", RestoreRequest=tier)  # type: ignore[arg-type]
    uri = f"s3://{stack.source_bucket}/{prefix}b.zip"
    job = waiting(api, start(api, exact_paths=[uri], settings=RESTORE)["id"])
    control(stack, "limits", {"restore_seconds": SOON})
    look_again(stack, dynamodb, invoke, job["id"])
    assert settled(api, job["id"])["counts"]["copied"] == 1


def test_a_restore_that_was_lost_is_requested_again(
    api: "Api", stack: Stack, s3: "S3Client", dynamodb: "DynamoDBClient", invoke: Invoke, prefix: str
) -> None:
    bucket, key = stack.source_bucket, f"{prefix}b.zip"
    job = waiting(api, start(api, exact_paths=[f"s3://{bucket}/{key}"], settings=RESTORE)["id"])
    # The same object again, without its restore.
    s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": key}, StorageClass="GLACIER")
    assert "Restore" not in s3.head_object(Bucket=bucket, Key=key)
    look_again(stack, dynamodb, invoke, job["id"])
    job = waiting(api, job["id"], after=job["restores"]["next_look"])
    assert s3.head_object(Bucket=bucket, Key=key)["Restore"] == 'ongoing-request="true"'
    control(stack, "limits", {"restore_seconds": SOON})
    look_again(stack, dynamodb, invoke, job["id"])
    assert settled(api, job["id"])["counts"]["copied"] == 1


def test_a_cancel_ends_the_wait_at_once_and_a_retry_copies_what_is_restored(
    api: "Api", stack: Stack, prefix: str
) -> None:
    root = f"s3://{stack.source_bucket}/{prefix}"
    job = waiting(api, start(api, root_path=root, settings=RESTORE)["id"])
    status, _ = api.post(f"/v1/imports/{job['id']}/cancel", None)
    assert status == 202
    job = settled(api, job["id"])
    assert (job["status"], job["counts"]["copied"], job["counts"]["cancelled"]) == ("CANCELLED", 2, 2)
    control(stack, "limits", {"restore_seconds": SOON})
    assert api.post(f"/v1/imports/{job['id']}/retry", None)[0] == 202
    job = settled(api, job["id"])
    assert (job["status"], job["counts"]["copied"]) == ("COMPLETED", 4)


def test_a_set_waits_for_all_of_its_views(
    api: "Api", stack: Stack, dynamodb: "DynamoDBClient", invoke: Invoke, prefix: str
) -> None:
    root = f"s3://{stack.source_bucket}/{prefix}"
    sets = [{"views": {"front": f"{root}a.zip", "rear": f"{root}b.zip"}}]
    job = waiting(api, start(api, sets=sets, settings=RESTORE)["id"])
    assert (job["counts"]["pending"], job["restores"]["waiting"]) == (2, 2)
    control(stack, "limits", {"restore_seconds": SOON})
    look_again(stack, dynamodb, invoke, job["id"])
    assert settled(api, job["id"])["counts"]["copied"] == 2


def test_without_an_archive_in_the_way_nothing_waits(api: "Api", stack: Stack, prefix: str) -> None:
    uri = f"s3://{stack.source_bucket}/{prefix}a.zip"
    job = settled(api, start(api, exact_paths=[uri], settings=RESTORE)["id"])
    assert (job["status"], job["restores"]) == ("COMPLETED", None)
