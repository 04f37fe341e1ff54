"""Jobs and their batches."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.errors import NotFound
from service.domain.jobs import (
    Counts,
    Door,
    Job,
    JobStatus,
    JobTag,
    RecordedBatch,
    Restores,
    Retry,
    Source,
    SourceKind,
    Tally,
    Trigger,
)
from service.domain.manifest import BatchState
from service.domain.progress import runs_after
from service.domain.requests import ContentValidation, DeleteSource, ImportSettings, Tolerance
from service.ports.jobs import JobStore
from tests.builders import a_job
from tests.samples import FULL, SETTINGS


def state(**changes: Any) -> BatchState:
    return BatchState(project=FULL.project, created_at=FULL.created_at, mirrored=True, **changes)


def ended_job(jobs: JobStore) -> None:
    jobs.create(FULL)
    jobs.record_batch(FULL.id, 0, Tally(copied=1), "t1")
    jobs.end(FULL.id, status=JobStatus.COMPLETED, code=None, message=None, document={}, now="t2")


def counts(jobs: JobStore) -> Counts:
    job = jobs.get(FULL.id)
    assert job
    return job.counts


def failed_job(jobs: JobStore) -> Job:
    """Ended: of five clips two failed, one was cancelled."""
    jobs.create(FULL)
    jobs.end_planning(FULL.id, total=5, now="t1")
    jobs.record_batch(FULL.id, 0, Tally(copied=2, failed=2, cancelled=1, bytes=20), "t2")
    jobs.request_cancel(FULL.id, "t2")
    jobs.end(FULL.id, status=JobStatus.CANCELLED, code="CODE", message="why", document={}, now="t3")
    return got(jobs)


def got(jobs: JobStore) -> Job:
    job = jobs.get(FULL.id)
    assert job
    return job


ASKED = Retry(at="t4", key_id="key_2", selection="jobs/ij_1/x", idempotency="i", digest="d")


@pytest.mark.parametrize(
    "job",
    [
        a_job(),
        FULL,
        a_job(trigger=Trigger.UPLOAD, door=Door.UPLOAD, source=Source(kind=SourceKind.UPLOAD, uri="s3://drop/")),
        a_job(source=Source(kind=SourceKind.LIST, count=0)),
        a_job(source=Source(kind=SourceKind.MANIFEST, uri="s3://source/m.csv", size=7, etag="e-2", version="v")),
        a_job(settings=ImportSettings(tolerated_failures=Tolerance(count=0))),
        a_job(source=Source(kind=SourceKind.PREFIX, uri="s3://b/", as_of="2026-11-01T00:00:00.000Z")),
        a_job(settings=ImportSettings(delete_source=DeleteSource.AFTER_VERIFIED)),
    ],
)
def test_a_job_comes_back_as_it_was(jobs: JobStore, job: Job) -> None:
    assert jobs.create(job)
    assert jobs.get(job.id) == job


def test_an_absent_job_is_none(jobs: JobStore) -> None:
    assert jobs.get("ij_nope") is None


def test_a_job_is_created_once_and_the_second_writes_nothing(jobs: JobStore) -> None:
    assert jobs.create(FULL)
    assert not jobs.create(replace(FULL, folder="other", project="other"))
    assert jobs.get(FULL.id) == FULL
    assert jobs.page("other", limit=10, after=None) == ([], None)


def test_planning_begins_in_every_state_but_a_terminal_one(jobs: JobStore) -> None:
    jobs.create(FULL)
    for now in ("t1", "t2"):
        assert jobs.begin_planning(FULL.id, now) == replace(FULL, status=JobStatus.PLANNING, updated_at=now)
    jobs.end_planning(FULL.id, total=5, now="t3")
    again = jobs.begin_planning(FULL.id, "t4")
    assert again
    assert (again.status, again.counts.total) == (JobStatus.PLANNING, 5)
    jobs.end(FULL.id, status=JobStatus.FAILED, code=None, message=None, document={}, now="t5")
    assert jobs.begin_planning(FULL.id, "t6") is None
    assert jobs.begin_planning("ij_nope", "t7") is None
    assert jobs.get("ij_nope") is None
    ended = jobs.get(FULL.id)
    assert ended
    assert ended.updated_at == "t5"


def test_the_end_of_planning_sets_the_total(jobs: JobStore) -> None:
    jobs.create(FULL)
    jobs.end_planning(FULL.id, total=7, now="t1")
    expected = replace(
        FULL,
        status=JobStatus.COPYING,
        planned=True,
        planned_run=0,
        counts=Counts(total=7),
        updated_at="t1",
        copying_since="t1",
    )
    assert jobs.get(FULL.id) == expected
    jobs.begin_planning(FULL.id, "t2")
    jobs.end_planning(FULL.id, total=9, cut_short=True, now="t3")
    assert jobs.get(FULL.id) == replace(expected, updated_at="t3"), "the first end decides"


def test_what_the_plan_skips_is_counted_once_and_finds_the_job(jobs: JobStore) -> None:
    other = a_job("ij_2")
    for job in (FULL, other):
        jobs.create(job)
    jobs.end_planning(other.id, total=1, now="t1")
    jobs.end_planning(FULL.id, total=7, skipped=4, failed_before=3, now="t1")
    jobs.record_batch(FULL.id, 0, Tally(copied=2, skipped=1), "t2")
    jobs.end_planning(FULL.id, total=7, skipped=5, now="t3")
    counted = got(jobs)
    assert counted.counts == Counts(total=7, copied=2, skipped=5)
    assert (counted.skipped_by_plan, counted.settled_before, counted.failed_before) == (4, 4, 3)
    assert jobs.find("demo", JobTag.SKIPPED, "", limit=9, begin=None) == ([counted], None)
    jobs.end(FULL.id, status=JobStatus.COMPLETED, code=None, message=None, document={}, now="t4")
    jobs.delete(FULL.id, "t5")
    jobs.bury(FULL.id)
    assert jobs.find("demo", JobTag.SKIPPED, "", limit=9, begin=None) == ([], None)


def test_planning_does_not_reopen_an_ended_job(jobs: JobStore) -> None:
    jobs.create(FULL)
    jobs.end(FULL.id, status=JobStatus.CANCELLED, code=None, message=None, document={}, now="t1")
    jobs.end_planning(FULL.id, total=7, now="t2")
    job = jobs.get(FULL.id)
    assert job
    assert (job.status, job.planned, job.counts.total) == (JobStatus.CANCELLED, False, 0)


def test_a_job_ends_once(jobs: JobStore) -> None:
    jobs.create(FULL)
    assert jobs.end(FULL.id, status=JobStatus.FAILED, code="CODE", message="why", document={}, now="t1")
    assert not jobs.end(FULL.id, status=JobStatus.COMPLETED, code="OTHER", message="x", document={}, now="t2")
    ended = replace(FULL, status=JobStatus.FAILED, code="CODE", message="why", updated_at="t1", completed_at="t1")
    assert jobs.get(FULL.id) == ended
    assert not jobs.end("ij_nope", status=JobStatus.FAILED, code=None, message=None, document={}, now="t3")
    assert jobs.get("ij_nope") is None


def test_a_cancel_is_taken_until_the_job_ends(jobs: JobStore) -> None:
    jobs.create(FULL)
    assert not jobs.batch_state(FULL.id, 0).cancel_requested
    assert jobs.request_cancel(FULL.id, "t1")
    assert jobs.batch_state(FULL.id, 0) == state(recorded=False, cancel_requested=True, settings=SETTINGS)
    jobs.end(FULL.id, status=JobStatus.CANCELLED, code=None, message=None, document={}, now="t2")
    assert not jobs.request_cancel(FULL.id, "t3")
    assert not jobs.request_cancel("ij_nope", "t3")
    job = jobs.get(FULL.id)
    assert job
    assert (job.cancel_requested, job.updated_at) == (True, "t2")


def test_active_jobs_are_those_without_an_end_oldest_first(jobs: JobStore) -> None:
    for n in (3, 1, 2, 4):
        jobs.create(a_job(f"ij_{n}", created_at=f"2026-11-22T17:00:00.00{n}Z"))
    jobs.end("ij_2", status=JobStatus.COMPLETED, code=None, message=None, document={}, now="t")
    jobs.begin_planning("ij_1", "t")
    jobs.end_planning("ij_3", total=1, now="t")
    assert [job.id for job in jobs.active()] == ["ij_1", "ij_3", "ij_4"]


def test_more_than_100_active_jobs_are_all_seen(jobs: JobStore) -> None:
    names = [f"ij_{n:03d}" for n in range(130)]
    for name in names:
        jobs.create(a_job(name))
    assert [job.id for job in jobs.active()] == names


RESTORES = Restores(requested=4, waiting=4, hours=12, until="t9")


def planned_job(jobs: JobStore) -> Job:
    jobs.create(FULL)
    jobs.end_planning(FULL.id, total=5, now="t1")
    return got(jobs)


def test_a_job_waits_for_restores_until_its_next_execution_begins(jobs: JobStore) -> None:
    job = planned_job(jobs)
    assert jobs.batch_state(FULL.id, 0).restores_until == ""
    assert jobs.restoring(job, RESTORES, "t2")
    assert (got(jobs).restores, got(jobs).resumes, got(jobs).resume_at) == (RESTORES, 0, None)
    fewer = replace(RESTORES, waiting=2)
    assert jobs.restoring(job, fewer, "t3", resume_at="t5")
    job = got(jobs)
    assert (job.restores, job.resumes, job.resume_at, job.updated_at) == (fewer, 1, "t5", "t3")
    (active,) = jobs.active()
    assert active.project == job.project
    assert (active.resumes, active.resume_at, active.cancel_requested) == (1, "t5", False)
    assert jobs.batch_state(FULL.id, 0).restores_until == "t9"
    begun = jobs.begin_planning(FULL.id, "t6")
    assert begun
    assert (begun.resumes, begun.resume_at, begun.restores) == (1, None, fewer)


def test_a_job_waits_for_restores_only_if_it_is_as_it_was_seen(jobs: JobStore) -> None:
    job = planned_job(jobs)
    assert jobs.restoring(job, RESTORES, "t2", resume_at="t5")
    assert not jobs.restoring(job, RESTORES, "t2", resume_at="t6"), "it waits already"
    jobs.begin_planning(FULL.id, "t5")
    assert not jobs.restoring(job, RESTORES, "t5", resume_at="t6"), "its next execution has begun"
    jobs.request_cancel(FULL.id, "t5")
    assert not jobs.restoring(got(jobs), RESTORES, "t5", resume_at="t6")
    assert [one.cancel_requested for one in jobs.active()] == [True]
    assert not jobs.restoring(replace(job, run=1), RESTORES, "t5"), "another run"
    assert not jobs.restoring(a_job("ij_nope"), RESTORES, "t5")
    jobs.end(FULL.id, status=JobStatus.CANCELLED, code=None, message=None, document={}, now="t6")
    assert not jobs.restoring(got(jobs), RESTORES, "t7")


def test_the_end_of_a_job_ends_its_wait_and_a_retry_begins_without_one(jobs: JobStore) -> None:
    job = planned_job(jobs)
    assert jobs.restoring(job, RESTORES, "t2", resume_at="t5")
    jobs.end(FULL.id, status=JobStatus.FAILED, code=None, message=None, document={}, now="t3", resumes=1)
    assert (got(jobs).resume_at, got(jobs).restores) == (None, RESTORES)
    again = jobs.retry(got(jobs), ASKED)
    assert again
    assert (again.restores, again.resumes, again.resume_at) == (None, 0, None)


def test_a_job_is_deleted_once_and_only_after_its_end(jobs: JobStore) -> None:
    jobs.create(FULL)
    assert not jobs.delete(FULL.id, "t1")
    jobs.end(FULL.id, status=JobStatus.COMPLETED, code=None, message=None, document={}, now="t2")
    assert jobs.delete(FULL.id, "t3")
    assert not jobs.delete(FULL.id, "t4")
    assert not jobs.delete("ij_nope", "t4")
    assert jobs.get("ij_nope") is None


def test_a_deleted_job_is_in_no_list_but_that_of_the_deleted(jobs: JobStore) -> None:
    ended_job(jobs)
    jobs.delete(FULL.id, "t3")
    assert jobs.get(FULL.id) is None
    assert jobs.page("demo", limit=10, after=None) == ([], None)
    assert list(jobs.active()) == []
    assert list(jobs.deleted(before="t3")) == []
    assert list(jobs.deleted(before="t4")) == [FULL.id]
    assert not jobs.create(FULL)
    assert not jobs.request_cancel(FULL.id, "t4")
    assert jobs.begin_planning(FULL.id, "t4") is None
    assert jobs.batch_state(FULL.id, 9).recorded, "a worker that comes late writes nothing"


def test_a_projects_jobs_are_paged_newest_first(jobs: JobStore) -> None:
    for n in range(7):
        jobs.create(a_job(f"ij_{n}", created_at=f"2026-11-22T17:00:00.00{n}Z"))
    jobs.create(a_job("ij_x", project="other"))
    found: list[str] = []
    after = None
    for length in (3, 3, 1):
        page, after = jobs.page("demo", limit=3, after=after)
        assert len(page) == length
        found += [job.id for job in page]
    assert found == [f"ij_{n}" for n in (6, 5, 4, 3, 2, 1, 0)]
    assert after is None


def test_a_page_that_ends_with_the_last_job_says_so(jobs: JobStore) -> None:
    for n in range(4):
        jobs.create(a_job(f"ij_{n}"))
    page, after = jobs.page("demo", limit=4, after=None)
    assert [job.id for job in page] == ["ij_3", "ij_2", "ij_1", "ij_0"]
    assert after is None


def test_a_page_shows_jobs_whole(jobs: JobStore) -> None:
    jobs.create(FULL)
    assert jobs.page("demo", limit=1, after=None) == ([FULL], None)


def test_a_batch_is_recorded_and_counted_once(jobs: JobStore) -> None:
    jobs.create(FULL)
    jobs.end_planning(FULL.id, total=20, now="t")
    tally = Tally(copied=1, skipped=2, failed=3, cancelled=4, bytes=5 * 1024**4)
    assert jobs.record_batch(FULL.id, 0, tally, "t1")
    assert not jobs.record_batch(FULL.id, 0, tally, "t2")
    assert counts(jobs) == Counts(total=20, copied=1, skipped=2, failed=3, cancelled=4, bytes=5 * 1024**4)
    assert jobs.record_batch(FULL.id, 1, Tally(copied=10), "t3")
    assert counts(jobs).copied == 11
    job = jobs.get(FULL.id)
    assert job
    assert job.updated_at == "t3"


def test_recorded_batches_are_known_by_number(jobs: JobStore) -> None:
    jobs.create(FULL)
    for number in (0, 7, 12_345_678):
        jobs.record_batch(FULL.id, number, Tally(), "t")
    jobs.create(a_job("ij_10"))
    jobs.record_batch("ij_10", 3, Tally(), "t")
    assert jobs.recorded_batches(FULL.id) == {0, 7, 12_345_678}
    assert jobs.batch_state(FULL.id, 7) == state(recorded=True, cancel_requested=False, settings=SETTINGS)
    assert jobs.batch_state(FULL.id, 3) == state(recorded=False, cancel_requested=False, settings=SETTINGS)
    gone = BatchState(recorded=False, cancel_requested=True, settings=ImportSettings())
    assert jobs.batch_state("ij_nope", 3) == gone
    assert jobs.recorded_batches("ij_nope") == set()


def test_a_batch_knows_whether_its_clips_mirror_their_sources(jobs: JobStore) -> None:
    for kind in SourceKind:
        jobs.create(a_job(f"ij_{kind}", source=Source(kind=kind, uri="s3://source/")))
        assert jobs.batch_state(f"ij_{kind}", 0).mirrored == (
            kind in (SourceKind.CLIP_IDS, SourceKind.LIST, SourceKind.PREFIX)
        )


def test_a_batch_knows_how_many_clips_of_its_job_failed(jobs: JobStore) -> None:
    jobs.create(FULL)
    jobs.end_planning(FULL.id, total=20, now="t")
    jobs.record_batch(FULL.id, 0, Tally(failed=3), "t")
    state = jobs.batch_state(FULL.id, 1)
    assert (state.failed, state.total) == (3, 20)


def test_a_batch_of_an_absent_job_writes_nothing(jobs: JobStore) -> None:
    with pytest.raises(NotFound):
        jobs.record_batch("ij_nope", 0, Tally(copied=1), "t")
    assert jobs.recorded_batches("ij_nope") == set()
    assert jobs.get("ij_nope") is None


def test_a_late_batch_does_not_reopen_an_ended_job(jobs: JobStore) -> None:
    jobs.create(FULL)
    jobs.end(FULL.id, status=JobStatus.FAILED, code=None, message=None, document={}, now="t1")
    jobs.record_batch(FULL.id, 0, Tally(copied=1), "t2")
    job = jobs.get(FULL.id)
    assert job
    assert (job.status, job.completed_at) == (JobStatus.FAILED, "t1")


def test_a_retry_begins_the_next_run_and_keeps_the_one_before(jobs: JobStore) -> None:
    ended = failed_job(jobs)
    again = jobs.retry(ended, ASKED)
    expected = replace(
        ended,
        status=JobStatus.PENDING,
        run=1,
        runs=runs_after(ended),
        retry=ASKED,
        updated_at="t4",
        completed_at=None,
        code=None,
        message=None,
        copying_since=None,
        cancel_requested=False,
    )
    assert again == expected == got(jobs)
    assert [job.id for job in jobs.active()] == [expected.id]
    assert jobs.page("demo", limit=1, after=None) == ([expected], None)


def test_of_two_retries_at_once_one_begins_a_run(jobs: JobStore) -> None:
    ended = failed_job(jobs)
    first = jobs.retry(ended, ASKED)
    assert first
    assert jobs.retry(ended, replace(ASKED, key_id="key_3")) is None
    jobs.end(FULL.id, run=1, status=JobStatus.FAILED, code=None, message=None, document={}, now="t5")
    assert jobs.retry(ended, replace(ASKED, key_id="key_3")) is None, "it shows a run that is over"
    assert got(jobs).run == 1
    assert jobs.retry(a_job("ij_nope", completed_at="t"), ASKED) is None


@pytest.mark.parametrize("asked", [None, ContentValidation.NONE, ContentValidation.STRUCTURE])
def test_a_retry_may_check_in_another_way_for_its_run(jobs: JobStore, asked: ContentValidation | None) -> None:
    again = jobs.retry(failed_job(jobs), replace(ASKED, content_validation=asked))
    assert again
    assert again == got(jobs)
    assert (again.retry, again.settings) == (replace(ASKED, content_validation=asked), SETTINGS)
    expected = replace(SETTINGS, content_validation=asked) if asked else SETTINGS
    assert jobs.batch_state(FULL.id, 0, run=1).settings == expected


def test_the_codes_of_a_retry_are_kept(jobs: JobStore) -> None:
    asked = replace(ASKED, selection=None, codes=("CHANGED", "NOT_FOUND"))
    again = jobs.retry(failed_job(jobs), asked)
    assert again == got(jobs)
    assert got(jobs).retry == asked


def test_a_retry_and_a_delete_exclude_each_other(jobs: JobStore) -> None:
    ended = failed_job(jobs)
    jobs.retry(ended, ASKED)
    assert not jobs.delete(FULL.id, "t5")
    jobs.end(FULL.id, run=1, status=JobStatus.FAILED, code=None, message=None, document={}, now="t6")
    shown = got(jobs)
    assert jobs.delete(FULL.id, "t7")
    assert jobs.retry(shown, ASKED) is None
    assert list(jobs.active()) == []
    jobs.bury(FULL.id)
    assert jobs.retry(shown, ASKED) is None
    assert jobs.get(FULL.id) is None


def test_the_counts_of_a_retry_are_lowered_once(jobs: JobStore) -> None:
    again = jobs.retry(failed_job(jobs), ASKED)
    assert again
    assert jobs.begin_planning(FULL.id, "t5", run=1)
    assert jobs.reopen(again, Tally(failed=2, cancelled=1), "t6")
    opened = got(jobs)
    assert opened.counts == Counts(total=5, copied=2, bytes=20)
    assert (opened.status, opened.planned_run, opened.copying_since) == (JobStatus.COPYING, 1, "t6")
    assert (opened.settled_before, opened.bytes_before) == (2, 20)
    jobs.begin_planning(FULL.id, "t7", run=1)
    assert not jobs.reopen(again, Tally(failed=2, cancelled=1), "t8")
    assert got(jobs).counts == opened.counts


def test_a_retry_that_has_ended_is_not_reopened(jobs: JobStore) -> None:
    again = jobs.retry(failed_job(jobs), ASKED)
    assert again
    jobs.end(FULL.id, run=1, status=JobStatus.FAILED, code=None, message=None, document={}, now="t5")
    assert not jobs.reopen(again, Tally(failed=2), "t6")
    assert got(jobs).counts.failed == 2


def test_what_comes_late_from_a_run_does_not_touch_the_next(jobs: JobStore) -> None:
    assert jobs.retry(failed_job(jobs), ASKED)
    before = got(jobs)
    assert jobs.begin_planning(FULL.id, "t5", run=0) is None
    jobs.end_planning(FULL.id, run=0, total=9, now="t5")
    assert not jobs.end(FULL.id, run=0, status=JobStatus.FAILED, code=None, message=None, document={}, now="t5")
    assert not jobs.record_batch(FULL.id, 1, Tally(copied=1), "t5", run=0)
    assert jobs.batch_state(FULL.id, 1, run=0).recorded
    assert not jobs.batch_state(FULL.id, 1, run=1).recorded
    assert got(jobs) == before
    assert jobs.recorded_batches(FULL.id, run=0) == {0}


def test_batches_are_counted_run_by_run(jobs: JobStore) -> None:
    again = jobs.retry(failed_job(jobs), ASKED)
    assert again
    jobs.reopen(again, Tally(failed=2, cancelled=1), "t5")
    assert jobs.record_batch(FULL.id, 0, Tally(copied=3, bytes=30), "t6", run=1)
    assert not jobs.record_batch(FULL.id, 0, Tally(copied=3, bytes=30), "t7", run=1)
    assert got(jobs).counts == Counts(total=5, copied=5, bytes=50)
    assert (jobs.recorded_batches(FULL.id, run=1), jobs.recorded_batches(FULL.id)) == ({0}, {0})


def test_a_batch_that_comes_after_the_end_counts_nothing(jobs: JobStore) -> None:
    ended = failed_job(jobs)
    assert not jobs.record_batch(FULL.id, 7, Tally(copied=1), "t4")
    assert jobs.batch_state(FULL.id, 7).recorded
    assert got(jobs) == ended
    assert jobs.recorded_batches(FULL.id) == {0}


def test_a_job_without_clips_is_planned_anew(jobs: JobStore) -> None:
    jobs.create(FULL)
    jobs.end_planning(FULL.id, total=0, cut_short=True, now="t1")
    jobs.end(FULL.id, status=JobStatus.CANCELLED, code=None, message=None, document={}, now="t2")
    again = jobs.retry(got(jobs), ASKED)
    assert again
    assert (again.planned, again.planned_run, again.cut_short) == (False, None, False)
    jobs.end_planning(FULL.id, run=1, total=3, now="t3")
    assert (got(jobs).planned_run, got(jobs).counts.total) == (1, 3)


def test_an_end_can_bring_the_counts_along(jobs: JobStore) -> None:
    jobs.create(FULL)
    counted = Counts(total=3, copied=1, failed=2, bytes=10)
    jobs.end(FULL.id, status=JobStatus.FAILED, code=None, message=None, counts=counted, document={}, now="t1")
    assert got(jobs).counts == counted


def test_a_deleted_job_is_found_by_nothing(jobs: JobStore) -> None:
    jobs.create(replace(FULL, labels=("l",)))
    other = a_job("ij_2", labels=("l",))
    jobs.create(other)
    jobs.end(FULL.id, status=JobStatus.COMPLETED, code=None, message=None, document={}, now="t2")
    assert jobs.delete(FULL.id, "t3")
    assert jobs.get_some([FULL.id, other.id]) == {other.id: other}
    assert jobs.find("demo", JobTag.LABEL, "l", limit=9, begin=None) == ([other], None)
    while jobs.delete_some(FULL.id):
        pass
    jobs.bury(FULL.id)
    assert list(jobs.deleted(before="t4")) == []
    assert not jobs.create(FULL), "its execution's name stays taken"
    assert jobs.batch_state(FULL.id, 0).recorded
    assert not jobs.record_batch(FULL.id, 0, Tally(copied=1), "t4")
    jobs.bury("ij_nope")
    assert jobs.get("ij_nope") is None


def test_what_ends_planning_of_a_job_that_is_gone_does_nothing(jobs: JobStore) -> None:
    jobs.end_planning("ij_nope", total=3, now="t")
    assert jobs.get("ij_nope") is None
    assert not jobs.reopen(replace(FULL, run=1), Tally(failed=1), "t")


def test_recorded_batches_tell_when_they_were_counted_and_what_they_added(jobs: JobStore) -> None:
    jobs.create(FULL)
    assert jobs.recorded(FULL.id) == []
    tally = Tally(copied=1, skipped=2, failed=3, cancelled=4, bytes=5)
    jobs.record_batch(FULL.id, 0, tally, "t1")
    jobs.record_batch(FULL.id, 1, Tally(), "t2")
    assert sorted(jobs.recorded(FULL.id), key=lambda batch: batch.at) == [
        RecordedBatch(at="t1", tally=tally),
        RecordedBatch(at="t2", tally=Tally()),
    ]
    assert jobs.recorded(FULL.id, run=1) == []


def test_an_end_for_an_unplanned_attempt_gives_way_to_its_planning(jobs: JobStore) -> None:
    jobs.create(FULL)
    jobs.end_planning(FULL.id, total=3, now="t1")

    def end(now: str) -> bool:
        return jobs.end(FULL.id, status=JobStatus.FAILED, code=None, message=None, document={}, now=now, unplanned=True)

    assert not end("t2")
    assert got(jobs).status is JobStatus.COPYING
    jobs.create(a_job("ij_2"))
    assert jobs.end("ij_2", status=JobStatus.FAILED, code=None, message=None, document={}, now="t3", unplanned=True)
    assert jobs.retry(failed_job(jobs), ASKED)
    assert jobs.end(
        FULL.id, run=1, status=JobStatus.FAILED, code=None, message=None, document={}, now="t9", unplanned=True
    )
