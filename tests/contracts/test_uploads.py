"""Claims of uploads: all or nothing, each once."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from service.domain.jobs import Job, JobStatus, Source, SourceKind, Trigger
from service.domain.requests import Upload
from service.domain.state_keys import upload_list_key
from service.ports.jobs import JobStore
from service.ports.uploads import AlreadyClaimed, GatheringClosed, UploadStore
from tests.builders import a_job, an_upload

JOB = a_job(trigger=Trigger.UPLOAD, source=Source(kind=SourceKind.UPLOAD, uri="s3://drop/"))

NEXT = replace(JOB, id="ij_2")

A, B, C = (an_upload(name) for name in "abc")


def claim(uploads: UploadStore, name: str, *items: Upload, job: Job = JOB) -> None:
    uploads.claim(job.id, items, upload_list_key(job.id, name))


def open_(uploads: UploadStore, name: str, *items: Upload, job: Job = JOB, instead_of: str | None = None) -> None:
    uploads.open(job, items, upload_list_key(job.id, name), instead_of=instead_of)


def test_a_first_claim_makes_the_job_that_gathers(uploads: UploadStore, jobs: JobStore) -> None:
    assert uploads.gathering_job("demo") is None
    open_(uploads, "one", A, B)
    assert jobs.get(JOB.id) == JOB
    assert uploads.gathering_job("demo") == JOB.id
    assert uploads.gathering_job("other") is None
    assert uploads.lists(JOB.id) == [upload_list_key(JOB.id, "one")]
    assert [job.id for job in jobs.active()] == [JOB.id]
    assert [job.id for job in jobs.page("demo", limit=10, after=None)[0]] == [JOB.id]


def test_later_claims_join_the_job(uploads: UploadStore) -> None:
    open_(uploads, "b", A)
    claim(uploads, "a", B)
    claim(uploads, "c", C)
    assert uploads.lists(JOB.id) == [upload_list_key(JOB.id, name) for name in "abc"]
    assert uploads.lists("ij_nope") == []


def test_a_claimed_upload_refuses_the_whole_list_and_names_its_job(
    uploads: UploadStore, rows: Callable[[], object]
) -> None:
    open_(uploads, "one", A)
    before = rows()
    attempts: list[Callable[[], None]] = [
        lambda: open_(uploads, "two", B, A, C, job=NEXT, instead_of=JOB.id),
        lambda: claim(uploads, "two", B, A, C),
        lambda: claim(uploads, "two", A),
    ]
    for refused in attempts:
        with pytest.raises(AlreadyClaimed) as caught:
            refused()
        assert caught.value.owners == {A.identity: JOB.id}
        assert rows() == before


def assert_closed(uploads: UploadStore, batch: str, upload: Upload, rows: Callable[[], object]) -> None:
    before = rows()
    with pytest.raises(GatheringClosed):
        claim(uploads, batch, upload)
    assert rows() == before


def test_a_job_that_is_planned_takes_no_more(uploads: UploadStore, jobs: JobStore, rows: Callable[[], object]) -> None:
    open_(uploads, "one", A)
    jobs.begin_planning(JOB.id, "t")
    assert_closed(uploads, "two", B, rows)
    jobs.end(JOB.id, status=JobStatus.COMPLETED, code=None, message=None, document={}, now="t")
    assert_closed(uploads, "two", B, rows)


def test_a_cancelled_job_takes_no_more(uploads: UploadStore, jobs: JobStore, rows: Callable[[], object]) -> None:
    open_(uploads, "one", A)
    jobs.request_cancel(JOB.id, "t")
    assert_closed(uploads, "two", B, rows)


def test_a_job_that_is_absent_takes_nothing(uploads: UploadStore, rows: Callable[[], object]) -> None:
    assert_closed(uploads, "one", A, rows)


def test_claimed_uploads_are_told_of_before_a_closed_job(uploads: UploadStore, jobs: JobStore) -> None:
    open_(uploads, "one", A)
    jobs.begin_planning(JOB.id, "t")
    with pytest.raises(AlreadyClaimed):
        claim(uploads, "two", A, B)


def test_a_new_job_takes_over_the_gathering(uploads: UploadStore, jobs: JobStore) -> None:
    open_(uploads, "one", A)
    jobs.begin_planning(JOB.id, "t")
    open_(uploads, "two", B, job=NEXT, instead_of=JOB.id)
    assert uploads.gathering_job("demo") == "ij_2"
    assert uploads.lists(JOB.id) == [upload_list_key(JOB.id, "one")]


@pytest.mark.parametrize("instead_of", [None, "ij_0"])
def test_only_one_of_two_deliveries_opens_a_job(
    uploads: UploadStore, rows: Callable[[], object], instead_of: str | None
) -> None:
    open_(uploads, "one", A)
    before = rows()
    with pytest.raises(GatheringClosed):
        open_(uploads, "two", B, job=NEXT, instead_of=instead_of)
    assert rows() == before


def test_a_job_that_was_thought_to_gather_must_still_do_so(uploads: UploadStore) -> None:
    with pytest.raises(GatheringClosed):
        open_(uploads, "one", A, instead_of="ij_0")
    assert uploads.gathering_job("demo") is None


@pytest.mark.parametrize("method", [claim, open_])
def test_the_largest_claim_fits_one_transaction(
    uploads: UploadStore, jobs: JobStore, method: Callable[..., None]
) -> None:
    if method is claim:
        jobs.create(JOB)
    many = [an_upload(str(n)) for n in range(uploads.max_uploads_per_claim)]
    method(uploads, "many", *many)
    with pytest.raises(AlreadyClaimed) as caught:
        claim(uploads, "again", *many)
    assert caught.value.owners == {upload.identity: JOB.id for upload in many}


def test_lists_of_uploads_go_with_their_job(uploads: UploadStore, jobs: JobStore) -> None:
    open_(uploads, "one", A)
    jobs.end(JOB.id, status=JobStatus.COMPLETED, code=None, message=None, document={}, now="t")
    jobs.delete(JOB.id, "t")
    while jobs.delete_some(JOB.id):
        pass
    assert uploads.lists(JOB.id) == []
    with pytest.raises(AlreadyClaimed):
        claim(uploads, "two", A)
