"""How imports end before or after their time: cancelled, deleted."""

from typing import TYPE_CHECKING, Any

from local.stack import Stack
from tests.e2e.faults import Invoke, Pause, deleted_long_ago
from tests.e2e.support import all_clips, concluded, eventually, landed, put_all, settled, start, unique

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api


def waiting(api: "Api", job: dict[str, Any]) -> None:
    eventually(lambda: api.get(f"/v1/imports/{job['id']}")[1]["status"] == "COPYING", what="the plan")


def test_a_cancelled_import_copies_nothing_more_and_keeps_what_it_has(
    api: "Api", stack: Stack, s3: "S3Client", paused_copies: Pause
) -> None:
    prefix = f"{unique('cancel')}/"
    put_all(s3, stack.source_bucket, ((f"{prefix}{n:03d}.zip", b"x") for n in range(120)))
    with paused_copies():
        job = start(api, root_path=f"s3://{stack.source_bucket}/{prefix}")
        waiting(api, job)
        for _ in range(2):
            status, asked = api.post(f"/v1/imports/{job['id']}/cancel", None)
            assert (status, asked["cancel_requested"]) == (202, True)
        assert (asked["status"], asked["eta_seconds"]) == ("COPYING", None)
    ended = settled(api, job["id"])
    assert (ended["status"], ended["counts"]["cancelled"], ended["counts"]["total"]) == ("CANCELLED", 120, 120)
    assert {clip["status"] for clip in all_clips(api, job["id"])} == {"CANCELLED"}
    found = s3.list_objects_v2(Bucket=stack.clips_bucket, Prefix=f"{stack.project}/-/{stack.source_bucket}/{prefix}")
    assert found["KeyCount"] == 0
    status, refusal = api.post(f"/v1/imports/{job['id']}/cancel", None)
    assert (status, refusal["code"]) == (409, "ALREADY_ENDED")


def test_a_list_that_is_cancelled_before_it_is_inspected_is_cancelled_whole(
    api: "Api", stack: Stack, paused_plans: Pause
) -> None:
    uris = [f"s3://{stack.source_bucket}/{unique('none')}/{n}.zip" for n in range(5_000)]
    with paused_plans():
        job = start(api, exact_paths=uris)
        assert api.post(f"/v1/imports/{job['id']}/cancel", None)[0] == 202
    ended = settled(api, job["id"])
    assert (ended["status"], ended["counts"]["cancelled"], ended["counts"]["total"]) == ("CANCELLED", 5_000, 5_000)


def test_an_ended_import_tells_how_fast_it_was(api: "Api", stack: Stack, s3: "S3Client") -> None:
    prefix = f"{unique('rate')}/"
    put_all(s3, stack.source_bucket, ((f"{prefix}{n}.zip", b"x" * 100) for n in range(3)))
    job = settled(api, start(api, root_path=f"s3://{stack.source_bucket}/{prefix}")["id"])
    assert job["rate"]["clips"] > 0
    assert abs(job["rate"]["bytes"] - 100 * job["rate"]["clips"]) < 1e-6
    assert job["eta_seconds"] is None


def test_a_deleted_import_is_gone_and_its_clips_stay(
    api: "Api", stack: Stack, s3: "S3Client", dynamodb: "DynamoDBClient", invoke: Invoke, paused_copies: Pause
) -> None:
    prefix = f"{unique('delete')}/"
    put_all(s3, stack.source_bucket, ((f"{prefix}{n}.zip", b"x") for n in range(60)))
    with paused_copies():
        job = start(api, root_path=f"s3://{stack.source_bucket}/{prefix}", idempotency_key=prefix)
        waiting(api, job)
        status, refusal = api("DELETE", f"/v1/imports/{job['id']}")
        assert (status, refusal["code"]) == (409, "NOT_ENDED")
    ended = settled(api, job["id"])
    assert ended["status"] == "COMPLETED"
    concluded(dynamodb, stack, ended)
    kept = all_clips(api, job["id"])
    assert api("DELETE", f"/v1/imports/{job['id']}")[0] == 204
    for path in (f"/v1/imports/{job['id']}", f"/v1/imports/{job['id']}/clips"):
        assert api.get(path)[0] == 404
    assert job["id"] not in {listed["id"] for listed in api.get("/v1/imports")[1]["imports"]}
    deleted_long_ago(dynamodb, stack, job["id"])
    invoke("lambdas.sweep.handler", {})
    files = f"jobs/{job['id']}/"
    eventually(
        lambda: s3.list_objects_v2(Bucket=stack.state_bucket, Prefix=files)["KeyCount"] == 0, what="the files to go"
    )

    def rows() -> list[set[str]]:
        pages = dynamodb.get_paginator("scan").paginate(TableName=stack.table_name)
        return [set(row) for page in pages for row in page["Items"] if job["id"] in row["pk"]["S"]]

    eventually(lambda: rows() == [{"pk", "sk", "deleted_at", "expires_at"}], what="the rows to go")
    assert [landed(s3, clip) for clip in kept] == [b"x"] * 60
    status, refusal = api.post("/v1/imports", {"exact_paths": [kept[0]["source_uri"]], "idempotency_key": prefix})
    assert (status, refusal["code"]) == (409, "IDEMPOTENCY_CONFLICT")
