"""Imports that run twice: what planning skips takes no row, no batch and no copy function, and is shown as before."""

import json
from typing import TYPE_CHECKING, Any

from local.stack import Stack
from tests.e2e.executions import events
from tests.e2e.support import all_clips, all_rows, eventually, imported, put_all, report, settled, unique

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

    from tests.e2e.conftest import Api


def rows_of(dynamodb: "DynamoDBClient", stack: Stack, job_id: str) -> int:
    """Rows of the import's clips, in all of their partitions."""
    return sum(
        dynamodb.query(
            TableName=stack.table_name,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"JOB#{job_id}#{shard:02d}"}},
            Select="COUNT",
        )["Count"]
        for shard in range(16)
    )


def states_entered(stepfunctions: "SFNClient", stack: Stack, job_id: str) -> list[str]:
    arn = f"{stack.state_machine_arn.replace(':stateMachine:', ':execution:')}:{job_id}"
    history = events(stepfunctions, arn)
    return [event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event]


def test_an_unchanged_prefix_writes_no_rows_and_calls_no_copy_function(
    api: "Api", stack: Stack, s3: "S3Client", dynamodb: "DynamoDBClient", stepfunctions: "SFNClient"
) -> None:
    prefix = unique("unchanged")
    put_all(s3, stack.source_bucket, ((f"{prefix}/{n}-{prefix}.zip", b"same") for n in range(3)))
    request = {"root_path": f"s3://{stack.source_bucket}/{prefix}/"}
    first, second = imported(api, **request), imported(api, **request)
    assert (second["status"], second["counts"]["skipped"], second["counts"]["total"]) == ("COMPLETED", 3, 3)
    assert (rows_of(dynamodb, stack, first["id"]), rows_of(dynamodb, stack, second["id"])) == (3, 0)
    assert "CopyBatches" in states_entered(stepfunctions, stack, first["id"])
    assert "CopyBatches" not in states_entered(stepfunctions, stack, second["id"])
    copied, skipped = all_clips(api, first["id"]), all_clips(api, second["id"], limit=2)
    told = {"status": "SKIPPED", "code": "UNCHANGED", "message": "the same clip is at the destination already"}
    own = {"id", "status", "code", "message", "verified"}
    for before, after in zip(copied, skipped, strict=True):
        assert {name: after[name] for name in told} == told
        assert {name: value for name, value in after.items() if name not in own} == {
            name: value for name, value in before.items() if name not in own
        }
    assert all_clips(api, second["id"], status="SKIPPED") == skipped
    assert [all_clips(api, second["id"], status=status) for status in ("PENDING", "COPIED", "FAILED")] == [[], [], []]
    query: dict[str, Any]
    for query in ({"clip_id": f"1-{prefix}"}, {"original_clipgt_url": skipped[1]["source_uri"]}):
        eventually(lambda query=query: len(all_rows(api, "/v1/clips", "clips", **query)) == 2, what="the index")  # type: ignore[misc]
        found = all_rows(api, "/v1/clips", "clips", limit=1, **query)
        assert [(clip["import_id"], clip["status"]) for clip in found] == [
            (second["id"], "SKIPPED"),
            (first["id"], "COPIED"),
        ]


def test_a_retry_beside_skipped_clips_copies_what_failed(
    api: "Api", stack: Stack, s3: "S3Client", dynamodb: "DynamoDBClient"
) -> None:
    prefix = unique("partly")
    uris = [f"s3://{stack.source_bucket}/{prefix}/{n}.zip" for n in range(3)]
    put_all(s3, stack.source_bucket, ((f"{prefix}/{n}.zip", b"same") for n in range(2)))
    imported(api, exact_paths=uris[:2])
    job = imported(api, exact_paths=uris)
    assert (job["status"], job["counts"]["skipped"], job["counts"]["failed"]) == ("COMPLETED_WITH_ERRORS", 2, 1)
    put_all(s3, stack.source_bucket, [(f"{prefix}/2.zip", b"late")])
    status, refusal = api.post(f"/v1/imports/{job['id']}/retry", {"clip_ids": [f"{job['id']}-0"]})
    assert (status, refusal["code"]) == (409, "NOTHING_TO_RETRY")
    assert api.post(f"/v1/imports/{job['id']}/retry", {})[0] == 202
    done = settled(api, job["id"])
    assert (done["status"], done["counts"]["skipped"], done["counts"]["copied"]) == ("COMPLETED", 2, 1)
    clips = all_clips(api, job["id"])
    assert [clip["status"] for clip in clips] == ["SKIPPED", "SKIPPED", "COPIED"]
    assert rows_of(dynamodb, stack, job["id"]) == 1
    assert [json.loads(line) for line in report(api, done, "jsonl").splitlines()] == clips
