"""No two requests of one project can pass the limit of active imports, in DynamoDB."""

import contextlib
from dataclasses import replace
from typing import Any

import pytest

from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.keys_of_rows import job_pk
from service.aws.dynamodb.table import JobRow
from service.domain.errors import QuotaExceeded
from service.domain.jobs import JobStatus, Retry, SourceKind, Trigger
from service.imports.lifecycle.end import end_job
from tests.builders import a_job
from tests.functional.aws import hooked

LIMIT = 3


def end(jobs: DynamoJobs, job_id: str, now: str = "2026-11-29T12:00:00.000Z") -> None:
    job = jobs.get(job_id)
    assert job
    assert end_job(job, JobStatus.FAILED, None, None, jobs=jobs, now=now)


def test_one_transaction_writes_the_job_and_checks_the_limit(jobs: DynamoJobs) -> None:
    asked: list[dict[str, Any]] = []

    def record(params: dict[str, Any], **_: object) -> None:
        asked.append(params)

    with hooked("provide-client-params.dynamodb.TransactWriteItems", record):
        jobs.create(a_job("ij_1"), max_active=LIMIT)
    (request,) = asked
    update = request["TransactItems"][-1]["Update"]
    assert update["Key"] == {"pk": {"S": "ACTIVE#demo"}, "sk": {"S": "COUNT"}}
    assert update["ConditionExpression"] == "(attribute_not_exists (#0) OR #0 < :0)"
    assert update["UpdateExpression"] == "ADD #0 :1"
    assert update["ExpressionAttributeValues"] == {":0": {"N": str(LIMIT)}, ":1": {"N": "1"}}


def test_no_more_than_the_limit_are_active(jobs: DynamoJobs) -> None:
    accepted = 0
    for number in range(8):
        with contextlib.suppress(QuotaExceeded):
            accepted += jobs.create(a_job(f"ij_{number}"), max_active=LIMIT)
    assert accepted == LIMIT
    assert [number for number in range(8) if jobs.get(f"ij_{number}")] == [0, 1, 2]


def test_an_import_that_ends_makes_room_once(jobs: DynamoJobs) -> None:
    jobs.create(a_job("ij_1"), max_active=1)
    with pytest.raises(QuotaExceeded, match="1 active imports"):
        jobs.create(a_job("ij_2"), max_active=1)
    assert jobs.create(replace(a_job("ij_2"), project="other"), max_active=1)
    first = jobs.get("ij_1")
    assert first
    end(jobs, "ij_1")
    assert not end_job(first, JobStatus.FAILED, None, None, jobs=jobs, now="2026-11-29T12:00:01.000Z")
    assert jobs.create(a_job("ij_3"), max_active=1)
    with pytest.raises(QuotaExceeded):
        jobs.create(a_job("ij_4"), max_active=1)


def test_a_job_that_exists_is_no_matter_of_the_quota(jobs: DynamoJobs) -> None:
    jobs.create(a_job("ij_1"), max_active=1)
    assert not jobs.create(a_job("ij_1"), max_active=1)


def test_a_retry_needs_room(jobs: DynamoJobs) -> None:
    jobs.create(a_job("ij_1"), max_active=1)
    end(jobs, "ij_1")
    jobs.create(a_job("ij_2"), max_active=1)
    ended = jobs.get("ij_1")
    assert ended
    again = Retry(at="2026-11-29T12:01:00.000Z", key_id=None)
    with pytest.raises(QuotaExceeded):
        jobs.retry(ended, again, max_active=1)
    assert jobs.get("ij_1") == ended
    end(jobs, "ij_2", "2026-11-29T12:02:00.000Z")
    begun = jobs.retry(ended, again, max_active=1)
    assert begun
    assert begun.run == 1
    assert jobs.retry(ended, again, max_active=5) is None
    with pytest.raises(QuotaExceeded):
        jobs.create(a_job("ij_3"), max_active=1)


def test_imports_that_uploads_start_do_not_count(jobs: DynamoJobs) -> None:
    jobs.create(replace(a_job("ij_1"), counted=False))
    assert jobs.create(a_job("ij_2"), max_active=1)
    end(jobs, "ij_1")
    with pytest.raises(QuotaExceeded):
        jobs.create(a_job("ij_3"), max_active=1)


def test_room_can_be_looked_at_before_anything_is_written(jobs: DynamoJobs) -> None:
    jobs.check_room("demo", max_active=1)
    jobs.create(a_job("ij_1"), max_active=1)
    with pytest.raises(QuotaExceeded, match="1 active imports"):
        jobs.check_room("demo", max_active=1)
    jobs.check_room("demo", max_active=2)
    end(jobs, "ij_1")
    jobs.check_room("demo", max_active=1)


@pytest.mark.parametrize(
    ("trigger", "kind", "counted"),
    [
        (Trigger.API, SourceKind.MANIFEST, True),
        (Trigger.UPLOAD, SourceKind.MANIFEST, False),
        (Trigger.UPLOAD, SourceKind.UPLOAD, False),
        (Trigger.WATCH, SourceKind.PREFIX, True),
        (Trigger.WATCH, SourceKind.UPLOAD, False),
    ],
)
def test_of_rows_of_before_those_count_that_did(
    jobs: DynamoJobs, trigger: Trigger, kind: SourceKind, counted: bool
) -> None:
    """Else an import that ends would leave the count too high or too low for good."""
    job = a_job("ij_1")
    jobs.create(replace(job, trigger=trigger, source=replace(job.source, kind=kind)))
    JobRow(job_pk("ij_1"), "JOB").update(actions=[JobRow.counted.remove()])
    found = jobs.get("ij_1")
    assert found
    assert found.counted is counted
