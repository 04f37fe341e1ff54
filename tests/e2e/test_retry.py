"""Retries of failed and cancelled clips: all of them or the named ones, once per idempotency key, with a history."""

import json
from typing import TYPE_CHECKING, Any

from local.stack import Stack
from tests.e2e.faults import Invoke, Pause, deleted_long_ago
from tests.e2e.support import (
    all_clips,
    assert_counts_sum,
    concluded,
    eventually,
    landed,
    put_all,
    receiver,
    settled,
    start,
    unique,
)
from tests.schema import validate

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api


def failed_import(
    api: "Api", stack: Stack, s3: "S3Client", *, there: int = 2, missing: int = 3
) -> tuple[dict[str, Any], list[str]]:
    """An ended list: some clips landed, the last ones are not there yet. The job and the missing keys."""
    prefix = unique("retry")
    keys = [f"{prefix}/{n:03d}.zip" for n in range(there + missing)]
    put_all(s3, stack.source_bucket, ((key, b"first") for key in keys[:there]))
    job = settled(api, start(api, exact_paths=[f"s3://{stack.source_bucket}/{key}" for key in keys])["id"])
    assert (job["counts"]["copied"], job["counts"]["failed"]) == (there, missing)
    return job, keys[there:]


def retried(api: "Api", job: dict[str, Any], body: object = None, **headers: str) -> dict[str, Any]:
    again: dict[str, Any]
    status, again = api("POST", f"/v1/imports/{job['id']}/retry", body, headers=headers)
    assert status == 202, again
    assert_counts_sum(again)
    return again


def refused(api: "Api", job: dict[str, Any], body: object = None, **headers: str) -> tuple[int, str]:
    status, refusal = api("POST", f"/v1/imports/{job['id']}/retry", body, headers=headers)
    return status, refusal["code"]


def test_an_object_that_appears_later_lands_by_a_retry(api: "Api", stack: Stack, s3: "S3Client") -> None:
    job, missing = failed_import(api, stack, s3)
    put_all(s3, stack.source_bucket, ((key, b"late") for key in missing))
    again = retried(api, job)
    assert (again["run"], again["completed_at"], again["code"]) == (1, None, None)
    ended = settled(api, job["id"])
    assert (ended["status"], ended["counts"]["copied"], ended["counts"]["bytes"]) == ("COMPLETED", 5, 22)
    clips = all_clips(api, job["id"])
    assert [landed(s3, clip) for clip in clips] == [b"first"] * 2 + [b"late"] * 3
    assert [clip["size"] for clip in clips] == [5, 5, 4, 4, 4]
    (before,) = ended["runs"]
    assert (before["run"], before["status"], before["code"]) == (0, "COMPLETED_WITH_ERRORS", "CLIPS_FAILED")
    assert before["counts"] == job["counts"]
    assert (before["started_at"], before["completed_at"]) == (job["created_at"], job["completed_at"])
    assert refused(api, job) == (409, "NOTHING_TO_RETRY")


def test_each_end_has_a_report_and_a_webhook_of_its_own(api: "Api", stack: Stack, s3: "S3Client") -> None:
    prefix = unique("ends")
    put_all(s3, stack.source_bucket, [(f"{prefix}/here.zip", b"first")])
    uris = [f"s3://{stack.source_bucket}/{prefix}/{name}.zip" for name in ("here", "late")]
    with receiver() as (url, got):
        job = settled(api, start(api, exact_paths=uris, settings={"notify": {"webhook_url": url}})["id"])
        eventually(lambda: len(got) == 1, what="the first webhook")
        put_all(s3, stack.source_bucket, [(f"{prefix}/late.zip", b"late")])
        retried(api, job)
        ended = settled(api, job["id"])
        eventually(lambda: len(got) == 2, what="the second webhook")
    first, second = (json.loads(body) for _, _, body in got)
    for run, (document, shown) in enumerate(((first, job), (second, ended))):
        validate(document)
        assert (document["run"], document["ended_at"]) == (run, shown["completed_at"])
        assert document["counts"] == {name: n for name, n in shown["counts"].items() if name != "pending"}
        lines = s3.get_object(Bucket=document["report"]["bucket"], Key=document["report"]["jsonl"])["Body"].read()
        statuses = [json.loads(line)["status"] for line in lines.splitlines()]
        assert statuses == ["COPIED", "COPIED" if run else "FAILED"]
    assert first["event_id"] != second["event_id"]


def test_only_the_clips_that_are_named_run_again(api: "Api", stack: Stack, s3: "S3Client") -> None:
    job, missing = failed_import(api, stack, s3)
    put_all(s3, stack.source_bucket, ((key, b"late") for key in missing))
    retried(api, job, {"clip_ids": [f"{job['id']}-3"]})
    ended = settled(api, job["id"])
    assert (ended["status"], ended["counts"]["copied"], ended["counts"]["failed"]) == ("COMPLETED_WITH_ERRORS", 3, 2)
    assert [clip["status"] for clip in all_clips(api, job["id"])] == ["COPIED", "COPIED", "FAILED", "COPIED", "FAILED"]
    assert refused(api, job, {"clip_ids": [f"{job['id']}-3"]}) == (409, "NOTHING_TO_RETRY")
    assert refused(api, job, {"clip_ids": [f"{job['id']}-5"]}) == (422, "INVALID_REQUEST")
    assert len(all_clips(api, job["id"], status="FAILED")) == 2


def test_a_job_can_be_retried_twice(api: "Api", stack: Stack, s3: "S3Client") -> None:
    job, missing = failed_import(api, stack, s3)
    retried(api, job)
    ended = settled(api, job["id"])
    assert (ended["run"], ended["counts"]) == (1, job["counts"])
    put_all(s3, stack.source_bucket, ((key, b"late") for key in missing))
    retried(api, job)
    ended = settled(api, job["id"])
    assert (ended["status"], ended["run"], ended["counts"]["copied"]) == ("COMPLETED", 2, 5)
    assert [run["counts"]["copied"] for run in ended["runs"]] == [2, 2]


def test_a_cancelled_import_is_brought_to_its_end(
    api: "Api", stack: Stack, s3: "S3Client", paused_copies: Pause
) -> None:
    prefix = f"{unique('resume')}/"
    put_all(s3, stack.source_bucket, ((f"{prefix}{n:03d}.zip", b"x") for n in range(30)))
    with paused_copies():
        job = start(api, root_path=f"s3://{stack.source_bucket}/{prefix}")
        eventually(lambda: api.get(f"/v1/imports/{job['id']}")[1]["status"] == "COPYING", what="the plan")
        assert refused(api, job) == (409, "NOT_ENDED")
        assert api.post(f"/v1/imports/{job['id']}/cancel", None)[0] == 202
    assert settled(api, job["id"])["counts"]["cancelled"] == 30
    assert not retried(api, job)["cancel_requested"]
    ended = settled(api, job["id"])
    assert (ended["status"], ended["counts"]["copied"], ended["cancel_requested"]) == ("COMPLETED", 30, False)
    assert {clip["status"] for clip in all_clips(api, job["id"])} == {"COPIED"}
    assert ended["rate"]["clips"] > 0


def test_a_repeated_key_is_one_run(api: "Api", stack: Stack, s3: "S3Client") -> None:
    job, missing = failed_import(api, stack, s3)
    key = {"Idempotency-Key": unique("key")}
    put_all(s3, stack.source_bucket, ((name, b"late") for name in missing))
    for _ in range(3):
        assert retried(api, job, {"clip_ids": [f"{job['id']}-2"]}, **key)["run"] == 1
    assert refused(api, job, {"clip_ids": [f"{job['id']}-4"]}, **key) == (409, "IDEMPOTENCY_CONFLICT")
    ended = settled(api, job["id"])
    assert retried(api, job, {"clip_ids": [f"{job['id']}-2"]}, **key) == ended
    assert (ended["run"], ended["counts"]["copied"]) == (1, 3)


def test_a_prefix_that_was_cancelled_at_any_point_is_brought_to_its_end(
    api: "Api", stack: Stack, s3: "S3Client"
) -> None:
    prefix = f"{unique('scratch')}/"
    put_all(s3, stack.source_bucket, ((f"{prefix}{n}.zip", b"x") for n in range(3)))
    job = start(api, root_path=f"s3://{stack.source_bucket}/{prefix}")
    api.post(f"/v1/imports/{job['id']}/cancel", None)
    ended = settled(api, job["id"])
    if ended["status"] == "COMPLETED":  # all was copied before the cancel was noticed
        assert refused(api, job) == (409, "NOTHING_TO_RETRY")
        return
    retried(api, job)
    ended = settled(api, job["id"])
    assert (ended["status"], ended["counts"]["copied"]) == ("COMPLETED", 3)


def test_a_deleted_import_leaves_nothing_of_its_runs(
    api: "Api", stack: Stack, s3: "S3Client", dynamodb: "DynamoDBClient", invoke: Invoke
) -> None:
    job, _ = failed_import(api, stack, s3)
    retried(api, job, {"clip_ids": [f"{job['id']}-2"]})
    settled(api, job["id"])
    retried(api, job)
    ended = settled(api, job["id"])
    assert ended["run"] == 2
    concluded(dynamodb, stack, ended)
    assert api("DELETE", f"/v1/imports/{job['id']}")[0] == 204
    status, refusal = api("POST", f"/v1/imports/{job['id']}/retry")
    assert (status, refusal["code"]) == (404, "NOT_FOUND")
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
