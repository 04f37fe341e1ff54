"""Rows that settle single clips: the first one holds, and more than one transaction takes works too."""

from service.aws.dynamodb.clips import ROWS_A_TRANSACTION, DynamoClips
from service.aws.dynamodb.jobs import DynamoJobs
from service.domain.clips import ClipRow, ClipStatus
from service.domain.jobs import Counts, JobStatus, Retry, Tally
from tests.builders import a_job

JOB = "ij_1"


def rows(status: ClipStatus, count: int, *, first: int = 0, run: int | None = None) -> list[ClipRow]:
    return [ClipRow(ordinal=n, status=status, size=1, run=run) for n in range(first, first + count)]


def test_the_first_row_of_a_clip_holds(clips: DynamoClips) -> None:
    failed = rows(ClipStatus.FAILED, 2)
    assert clips.settle_each(JOB, failed) == failed
    copied = rows(ClipStatus.COPIED, 4)
    held = clips.settle_each(JOB, copied)
    assert sorted(held, key=lambda row: row.ordinal) == [*failed, *copied[2:]]
    assert clips.get(JOB, range(4)) == {row.ordinal: row for row in held}


def test_more_rows_than_a_transaction_takes(clips: DynamoClips) -> None:
    count = ROWS_A_TRANSACTION + 5
    before = rows(ClipStatus.FAILED, 1, first=ROWS_A_TRANSACTION)
    clips.settle_each(JOB, before)
    held = clips.settle_each(JOB, rows(ClipStatus.COPIED, count))
    assert len(held) == count
    assert [row for row in held if row.status is ClipStatus.FAILED] == before
    assert len(clips.get(JOB, range(count))) == count
    assert clips.settle_each(JOB, []) == []


def test_a_retry_settles_what_it_made_pending_and_nothing_else(clips: DynamoClips) -> None:
    clips.put(JOB, [*rows(ClipStatus.PENDING, 1, run=1), *rows(ClipStatus.COPIED, 1, first=1)])
    late = clips.settle_each(JOB, rows(ClipStatus.FAILED, 2))
    assert {row.status for row in late} == {ClipStatus.PENDING, ClipStatus.COPIED}
    held = clips.settle_each(JOB, rows(ClipStatus.FAILED, 3), run=1)
    assert sorted((row.ordinal, row.status) for row in held) == [
        (0, ClipStatus.FAILED),
        (1, ClipStatus.COPIED),
        (2, ClipStatus.FAILED),
    ]


def test_clips_are_made_pending_only_while_their_retry_is_planned(jobs: DynamoJobs, clips: DynamoClips) -> None:
    job = a_job(JOB, counts=Counts(total=150))
    jobs.create(job)
    jobs.end_planning(JOB, total=150, now="t1")
    clips.settle_each(JOB, rows(ClipStatus.FAILED, 150))
    jobs.end(JOB, status=JobStatus.FAILED, code=None, message=None, document={}, now="t2")
    pending = rows(ClipStatus.PENDING, 150, run=1)
    assert not clips.reopen(JOB, pending, run=1)
    ended = jobs.get(JOB)
    assert ended
    begun = jobs.retry(ended, Retry(at="t3", key_id=None))
    assert begun
    assert clips.reopen(JOB, pending, run=1)
    assert {row.status for row in clips.get(JOB, range(150)).values()} == {ClipStatus.PENDING}
    assert jobs.reopen(begun, Tally(), "t4")
    copied = rows(ClipStatus.COPIED, 150)
    assert clips.settle_each(JOB, copied, run=1) == copied
    assert not clips.reopen(JOB, pending, run=1)
    assert {row.status for row in clips.get(JOB, range(150)).values()} == {ClipStatus.COPIED}
