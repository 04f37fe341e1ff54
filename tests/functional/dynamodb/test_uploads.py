"""Claims of uploads: all or nothing, each once."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.uploads import CLAIM_SECONDS, DynamoUploads
from service.domain.errors import TableBusy
from service.domain.jobs import Job, JobStatus, Source, SourceKind, Trigger
from service.domain.requests import Upload
from service.domain.state_keys import upload_list_key
from service.ports.uploads import AlreadyClaimed, GatheringClosed
from tests.builders import a_job, an_upload
from tests.functional.conftest import TABLE
from tests.functional.faults import FailingTransactions

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

JOB = a_job(trigger=Trigger.UPLOAD, source=Source(kind=SourceKind.UPLOAD, uri="s3://drop/"))
NEXT = replace(JOB, id="ij_2")
A, B, C = (an_upload(name) for name in "abc")


def claim(uploads: DynamoUploads, name: str, *items: Upload, job: Job = JOB) -> None:
    uploads.claim(job.id, items, upload_list_key(job.id, name))


def open_(uploads: DynamoUploads, name: str, *items: Upload, job: Job = JOB, instead_of: str | None = None) -> None:
    uploads.open(job, items, upload_list_key(job.id, name), instead_of=instead_of)


def everything(dynamodb: "DynamoDBClient") -> list[object]:
    return dynamodb.scan(TableName=TABLE)["Items"]  # type: ignore[return-value]


def test_a_first_claim_makes_the_job_that_gathers(uploads: DynamoUploads, jobs: DynamoJobs) -> None:
    assert uploads.gathering_job("demo") is None
    open_(uploads, "one", A, B)
    assert jobs.get(JOB.id) == JOB
    assert uploads.gathering_job("demo") == JOB.id
    assert uploads.gathering_job("other") is None
    assert uploads.lists(JOB.id) == [upload_list_key(JOB.id, "one")]
    assert [job.id for job in jobs.active()] == [JOB.id]
    assert [job.id for job in jobs.page("demo", limit=10, after=None)[0]] == [JOB.id]


def test_later_claims_join_the_job(uploads: DynamoUploads) -> None:
    open_(uploads, "b", A)
    claim(uploads, "a", B)
    claim(uploads, "c", C)
    assert uploads.lists(JOB.id) == [upload_list_key(JOB.id, name) for name in "abc"]
    assert uploads.lists("ij_nope") == []


def test_a_claimed_upload_refuses_the_whole_list_and_names_its_job(
    uploads: DynamoUploads, dynamodb: "DynamoDBClient"
) -> None:
    open_(uploads, "one", A)
    before = everything(dynamodb)
    for refused in (
        lambda: open_(uploads, "two", B, A, C, job=NEXT, instead_of=JOB.id),
        lambda: claim(uploads, "two", B, A, C),
        lambda: claim(uploads, "two", A),
    ):
        with pytest.raises(AlreadyClaimed) as caught:
            refused()
        assert caught.value.owners == {A.identity: JOB.id}
        assert everything(dynamodb) == before


def test_a_job_that_is_planned_takes_no_more(
    uploads: DynamoUploads, jobs: DynamoJobs, dynamodb: "DynamoDBClient"
) -> None:
    open_(uploads, "one", A)
    jobs.begin_planning(JOB.id, "t")
    before = everything(dynamodb)
    with pytest.raises(GatheringClosed):
        claim(uploads, "two", B)
    jobs.end(JOB.id, status=JobStatus.COMPLETED, code=None, message=None, document={}, now="t")
    with pytest.raises(GatheringClosed):
        claim(uploads, "two", B)
    assert len(everything(dynamodb)) == len(before) + 1, "how it ended"


def test_a_job_that_is_absent_takes_nothing(uploads: DynamoUploads, dynamodb: "DynamoDBClient") -> None:
    with pytest.raises(GatheringClosed):
        claim(uploads, "one", A)
    assert everything(dynamodb) == []


def test_claimed_uploads_are_told_of_before_a_closed_job(uploads: DynamoUploads, jobs: DynamoJobs) -> None:
    open_(uploads, "one", A)
    jobs.begin_planning(JOB.id, "t")
    with pytest.raises(AlreadyClaimed):
        claim(uploads, "two", A, B)


def test_a_new_job_takes_over_the_gathering(uploads: DynamoUploads, jobs: DynamoJobs) -> None:
    open_(uploads, "one", A)
    jobs.begin_planning(JOB.id, "t")
    open_(uploads, "two", B, job=NEXT, instead_of=JOB.id)
    assert uploads.gathering_job("demo") == "ij_2"
    assert uploads.lists(JOB.id) == [upload_list_key(JOB.id, "one")]


@pytest.mark.parametrize("instead_of", [None, "ij_0"])
def test_only_one_of_two_deliveries_opens_a_job(
    uploads: DynamoUploads, dynamodb: "DynamoDBClient", instead_of: str | None
) -> None:
    open_(uploads, "one", A)
    before = everything(dynamodb)
    with pytest.raises(GatheringClosed):
        open_(uploads, "two", B, job=NEXT, instead_of=instead_of)
    assert everything(dynamodb) == before


def test_a_job_that_was_thought_to_gather_must_still_do_so(uploads: DynamoUploads) -> None:
    with pytest.raises(GatheringClosed):
        open_(uploads, "one", A, instead_of="ij_0")
    assert uploads.gathering_job("demo") is None


@pytest.mark.parametrize("method", [claim, open_])
def test_the_largest_claim_fits_one_transaction(
    uploads: DynamoUploads, jobs: DynamoJobs, method: Callable[..., None]
) -> None:
    if method is claim:
        jobs.create(JOB)
    many = [an_upload(str(n)) for n in range(uploads.max_uploads_per_claim)]
    method(uploads, "many", *many)
    with pytest.raises(AlreadyClaimed) as caught:
        claim(uploads, "again", *many)
    assert caught.value.owners == {upload.identity: JOB.id for upload in many}


def test_claims_outlive_the_messages_and_expire(
    uploads: DynamoUploads, dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.aws.dynamodb.uploads.time.time", lambda: 1_000_000.5)
    open_(uploads, "one", A)
    expiring = [item for item in everything(dynamodb) if "expires_at" in item]  # type: ignore[operator]
    assert [item["expires_at"] for item in expiring] == [{"N": str(1_000_000 + CLAIM_SECONDS)}]  # type: ignore[index]
    assert CLAIM_SECONDS > 28 * 24 * 3600


def test_conflicting_claims_are_tried_again(
    uploads: DynamoUploads, transactions: FailingTransactions, no_sleep: list[float]
) -> None:
    transactions.fail(["TransactionConflict", "None", "None", "None"])
    open_(uploads, "one", A)
    assert len(no_sleep) == 1
    assert uploads.gathering_job("demo") == JOB.id


def test_conflicts_without_an_end_are_raised(uploads: DynamoUploads, transactions: FailingTransactions) -> None:
    transactions.fail(*[["TransactionConflict", "None", "None", "None"]] * 20)
    with pytest.raises(TableBusy):
        open_(uploads, "one", A)
    assert uploads.gathering_job("demo") is None
