"""Ends of jobs: opened with the status, kept step by step, closed, opened again."""

from dataclasses import replace

import pytest

from service.domain.ends import Delivery, DeliveryStatus, End
from service.domain.errors import TableBusy
from service.domain.jobs import JobStatus, Retry
from service.ports.jobs import EndStore, JobStore
from tests.builders import a_job
from tests.contracts.conftest import Stores

PENDING = Delivery(ended_at="t1", status=DeliveryStatus.PENDING)

DELIVERED = Delivery(
    ended_at="t1",
    status=DeliveryStatus.DELIVERED,
    attempts=3,
    last_status_code=204,
    last_attempt_at="t2",
    delivered_at="t2",
)


@pytest.fixture
def ends(stores: Stores) -> EndStore:
    """With one job that ended at `t1`."""
    stores.jobs.create(a_job())
    assert end_job(stores.jobs, "ij_1", "t1")
    return stores.ends


def end_job(jobs: JobStore, job_id: str, now: str, run: int = 0) -> bool:
    document = {"event_id": f"{job_id}-{now}", "counts": {"total": 1}, "labels": ["日本"], "seconds": 1.5}
    status = JobStatus.COMPLETED
    return jobs.end(job_id, run=run, status=status, code=None, message=None, document=document, now=now)


def read(ends: EndStore) -> End:
    found = ends.get("ij_1", "t1")
    assert found
    return found


def test_an_end_opens_with_its_document_in_the_transaction_that_ends_the_job(ends: EndStore, jobs: JobStore) -> None:
    document = {"event_id": "ij_1-t1", "counts": {"total": 1}, "labels": ["日本"], "seconds": 1.5}
    assert read(ends) == End(job_id="ij_1", ended_at="t1", document=document, touched_at="t1")
    assert not end_job(jobs, "ij_1", "t2")
    assert not end_job(jobs, "ij_nope", "t2")
    assert ends.get("ij_1", "t2") is None
    assert ends.get("ij_nope", "t2") is None


def test_an_end_knows_the_execution_that_ended_its_run(ends: EndStore, jobs: JobStore) -> None:
    jobs.create(a_job("ij_2"))
    status = JobStatus.COMPLETED
    assert jobs.end("ij_2", status=status, code=None, message=None, document={}, now="t1", resumes=3)
    found = ends.get("ij_2", "t1")
    assert found
    assert found.resumes == 3


def test_an_end_knows_its_run_and_two_at_the_same_time_stay_two(ends: EndStore, jobs: JobStore) -> None:
    ended = jobs.get("ij_1")
    assert ended
    assert jobs.retry(ended, Retry(at="t1", key_id="key_2"))
    assert not end_job(jobs, "ij_1", "t2"), "of the run before"
    with pytest.raises(TableBusy):
        end_job(jobs, "ij_1", "t1", run=1)
    assert end_job(jobs, "ij_1", "t2", run=1)
    assert not end_job(jobs, "ij_1", "t2", run=1)
    assert [(end.run, end.ended_at) for end in ends.open()] == [(0, "t1"), (1, "t2")]


def test_open_ends_are_found_oldest_first(ends: EndStore, jobs: JobStore) -> None:
    for name, at in (("ij_3", "t3"), ("ij_2", "t2")):
        jobs.create(a_job(name))
        end_job(jobs, name, at)
    assert [end.job_id for end in ends.open()] == ["ij_1", "ij_2", "ij_3"]
    assert ends.save(replace(read(ends), closed=True), now="t4")
    assert [end.job_id for end in ends.open()] == ["ij_2", "ij_3"]


def test_more_than_a_hundred_open_ends_are_all_seen(ends: EndStore, jobs: JobStore) -> None:
    for n in range(100, 220):
        jobs.create(a_job(f"ij_{n}"))
        end_job(jobs, f"ij_{n}", f"t{n}")
    assert len(list(ends.open())) == 121


def test_a_closed_end_is_found_once_its_uploads_are_due(ends: EndStore, jobs: JobStore) -> None:
    for name, at, due in (("ij_2", "t2", "t6"), ("ij_3", "t3", "t5"), ("ij_4", "t4", "")):
        jobs.create(a_job(name))
        end_job(jobs, name, at)
        end = ends.get(name, at)
        assert end
        assert ends.save(replace(end, uploads_due=due, closed=True), now="t4")
    assert ends.save(replace(read(ends), uploads_due="t5"), now="t4"), "open: whoever concludes it sees to them"
    assert [end.job_id for end in ends.due("t5")] == []
    assert [end.job_id for end in ends.due("t7")] == ["ij_3", "ij_2"]
    (found,) = ends.due("t6")
    opened = ends.restart(found, failures=0, webhook=None, now="t7")
    assert opened == replace(found, closed=False, executions=1, touched_at="t7")
    assert [end.job_id for end in ends.due("t7")] == ["ij_2"]
    assert [end.job_id for end in ends.open()] == ["ij_1", "ij_3"]
    assert ends.save(replace(opened, uploads_due="", closed=True), now="t8")
    assert [end.job_id for end in ends.due("t9")] == ["ij_2"]
    assert [end.job_id for end in ends.open()] == ["ij_1"]


def test_every_step_is_kept_and_the_webhook_is_on_the_job_too(ends: EndStore, jobs: JobStore) -> None:
    done = replace(read(ends), report={"csv": 5, "jsonl": 6}, event_sent_at="t2", webhook=DELIVERED, closed=True)
    assert ends.save(done, now="t3")
    assert read(ends) == replace(done, touched_at="t3")
    job = jobs.get("ij_1")
    assert job
    assert (job.webhook, job.status, job.updated_at) == (DELIVERED, JobStatus.COMPLETED, "t1")


def test_that_the_sources_are_done_is_kept(ends: EndStore) -> None:
    assert not read(ends).sources_done
    assert ends.save(replace(read(ends), sources_done=True), now="t3")
    assert read(ends).sources_done
    assert ends.save(read(ends), now="t4")
    assert (read(ends).sources_done, read(ends).closed) == (True, False)


def test_the_webhook_of_an_end_that_is_not_the_last_is_not_the_jobs(ends: EndStore, jobs: JobStore) -> None:
    later = replace(read(ends), webhook=DELIVERED)
    jobs.delete("ij_1", "t2")
    jobs.bury("ij_1")
    assert ends.save(later, now="t3"), "the end is kept all the same"
    jobs.create(a_job("ij_2"))
    end_job(jobs, "ij_2", "t2")
    assert (
        ends.save(End(job_id="ij_2", ended_at="t1", document={}, touched_at="t", webhook=DELIVERED), now="t3") is False
    )
    job = jobs.get("ij_2")
    assert job
    assert job.webhook is None


def test_an_end_that_is_gone_is_not_written_again(ends: EndStore, jobs: JobStore) -> None:
    end = read(ends)
    jobs.delete("ij_1", "t2")
    while jobs.delete_some("ij_1"):
        pass
    assert not ends.save(replace(end, webhook=PENDING), now="t3")
    assert ends.restart(end, failures=1, webhook=None, now="t3") is None
    assert ends.get("ij_1", "t1") is None
    assert list(ends.open()) == []


def test_an_end_is_opened_again_for_one_execution_and_an_older_one_keeps_nothing(
    ends: EndStore, jobs: JobStore
) -> None:
    assert ends.save(replace(read(ends), webhook=DELIVERED, closed=True), now="t2")
    closed = read(ends)
    opened = ends.restart(closed, failures=2, webhook=PENDING, now="t3")
    assert opened == replace(closed, webhook=PENDING, closed=False, executions=1, failures=2, touched_at="t3")
    assert read(ends) == opened
    assert [end.executions for end in ends.open()] == [1]
    job = jobs.get("ij_1")
    assert job
    assert job.webhook == PENDING
    assert ends.restart(closed, failures=2, webhook=PENDING, now="t4") is None
    assert not ends.save(replace(closed, closed=True), now="t4")
    assert read(ends) == opened
