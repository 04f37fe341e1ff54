"""No clip is lost and no job stays active, whichever process is stopped in the middle."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from local.stack import Stack
from service.aws.dynamodb.job_rows import job_row
from service.domain.ids import new_job_id, request_digest
from service.domain.jobs import Job, JobStatus, Source, SourceKind, Trigger
from service.domain.state_keys import batches_key, request_key
from service.imports.inputs.uri_list import encode_uris
from tests.e2e.faults import Invoke
from tests.e2e.support import all_clips, eventually, put_all, settled, start, unique

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

    from tests.e2e.conftest import Api


LONG_AGO = "2026-01-01T00:00:00.000Z"


@pytest.fixture
def orphan(stack: Stack, s3: "S3Client", dynamodb: "DynamoDBClient") -> Callable[[list[str]], str]:
    """A job as a request leaves it that ended before it could start the execution, long ago."""

    def make(uris: list[str]) -> str:
        job = Job(
            id=new_job_id(),
            project=stack.project,
            status=JobStatus.PENDING,
            source=Source(kind=SourceKind.LIST, count=len(uris)),
            trigger=Trigger.API,
            created_at=LONG_AGO,
            updated_at=LONG_AGO,
            test_run_group_name="orphans",
            request_digest=request_digest(uris),
        )
        key = request_key(job.id, request_digest(uris))
        s3.put_object(Bucket=stack.state_bucket, Key=key, Body=encode_uris(tuple(uris)))
        dynamodb.put_item(TableName=stack.table_name, Item=job_row(job).to_dynamodb_dict())
        return job.id

    return make


def test_a_job_whose_execution_never_started_is_started_by_the_sweep(
    api: "Api", stack: Stack, s3: "S3Client", orphan: Callable[[list[str]], str], invoke: Invoke
) -> None:
    key = f"{unique('orphan')}.zip"
    s3.put_object(Bucket=stack.source_bucket, Key=key, Body=b"x")
    job_id = orphan([f"s3://{stack.source_bucket}/{key}"])
    assert api.get(f"/v1/imports/{job_id}")[1]["status"] == "PENDING"
    invoke("lambdas.sweep.handler", {})
    assert settled(api, job_id)["status"] == "COMPLETED"


def test_a_job_whose_execution_was_aborted_is_ended_by_the_sweep(
    api: "Api", stack: Stack, stepfunctions: "SFNClient", orphan: Callable[[list[str]], str], invoke: Invoke
) -> None:
    uris = [f"s3://{stack.source_bucket}/{n}.zip" for n in range(3)]
    job_id = orphan(uris)
    machine, payload = stack.state_machine_arn, json.dumps({"job_id": job_id, "run": 0, "wait_seconds": 600})
    arn = stepfunctions.start_execution(stateMachineArn=machine, name=job_id, input=payload)["executionArn"]
    stepfunctions.stop_execution(executionArn=arn)
    eventually(
        lambda: stepfunctions.describe_execution(executionArn=arn)["status"] == "ABORTED", what="the execution's end"
    )
    invoke("lambdas.sweep.handler", {})
    job = settled(api, job_id)
    assert (job["status"], job["counts"]["failed"]) == ("FAILED", 3)
    clips = all_clips(api, job_id)
    assert [clip["source_uri"] for clip in clips] == uris
    assert {clip["code"] for clip in clips} == {"PLANNING_FAILED"}


def test_a_batch_that_is_delivered_again_counts_once(api: "Api", stack: Stack, s3: "S3Client", invoke: Invoke) -> None:
    prefix = f"{unique('again')}/"
    put_all(s3, stack.source_bucket, ((f"{prefix}{n}.zip", b"x") for n in range(7)))
    job_id = start(api, root_path=f"s3://{stack.source_bucket}/{prefix}")["id"]
    before = settled(api, job_id)
    batches = s3.get_object(Bucket=stack.state_bucket, Key=batches_key(job_id))["Body"].read().splitlines()
    for attempt in (0, 0, 1):
        for batch in batches:
            invoke("lambdas.copy.handler", {"batch": json.loads(batch), "attempt": attempt, "round": 0})
    assert api.get(f"/v1/imports/{job_id}")[1]["counts"] == before["counts"]
