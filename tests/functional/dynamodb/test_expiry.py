"""`expires_at` of an import's rows in the table."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.expiry import DAY, REMAINS_SECONDS, keep
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.multipart_uploads import DynamoLargeCopies
from service.domain.clips import ClipRow, ClipStatus
from service.domain.jobs import JobStatus, Retry, Tally
from service.domain.objects import LargeCopy
from service.support.clock import utc_now
from service.support.settings import RowSettings
from tests.functional.aws import TABLE
from tests.samples import FULL

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SLACK = 60
"""Seconds that the test may take."""
LARGE = LargeCopy(
    job_id=FULL.id, ordinal=5, token="t", destination="d", etag="e", part_bytes=5, begun_at="b", upload_id="u"
)


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    keep(RowSettings())


def expiries(dynamodb: "DynamoDBClient") -> dict[str, float | None]:
    """Days from now until each row expires, by the sort key's kind (or the partition key's, for tags)."""
    days: dict[str, float | None] = {}
    for item in dynamodb.scan(TableName=TABLE)["Items"]:
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        kind = "TAG" if not pk.startswith("JOB#") else "CLIP" if sk.isdigit() else sk.partition("#")[0]
        at = item.get("expires_at")
        days[kind] = (int(at["N"]) - time.time()) / DAY if at else None
    return days


def an_import(*, completed: bool) -> None:
    jobs, clips = DynamoJobs(), DynamoClips()
    jobs.create(FULL)
    jobs.end_planning(FULL.id, total=3, now=utc_now())
    clips.put(FULL.id, [ClipRow(ordinal=0, status=ClipStatus.COPIED)])
    clips.settle(FULL.id, [ClipRow(ordinal=1, status=ClipStatus.COPIED)])
    clips.settle_each(FULL.id, [ClipRow(ordinal=2, status=ClipStatus.COPIED)])
    DynamoLargeCopies().claim(LARGE)
    jobs.record_batch(FULL.id, 0, Tally(copied=3), utc_now())
    if completed:
        jobs.end(FULL.id, status=JobStatus.COMPLETED, code=None, message=None, document={}, now=utc_now())


@pytest.mark.parametrize(("retention", "hours"), [(31, 1), (90, 24), (400, 720)])
def test_no_row_of_an_import_expires_before_its_job_is_gone(
    dynamodb: "DynamoDBClient", retention: int, hours: int
) -> None:
    keep(RowSettings(row_retention_days=retention, longest_import_hours=hours))
    an_import(completed=True)
    found = expiries(dynamodb)
    others = retention + hours / 24 + 1
    expected = {
        "JOB": max(91, retention + hours / 24 + REMAINS_SECONDS / DAY),
        "END": retention,
        "CLIP": others,
        "BATCH": others,
        "LARGE": others,
        "TAG": others,
    }
    assert found == pytest.approx(expected, abs=SLACK / DAY)


def test_every_clip_expires_however_it_is_written(dynamodb: "DynamoDBClient") -> None:
    keep(RowSettings(row_retention_days=90, longest_import_hours=24))
    an_import(completed=False)
    rows = [item for item in dynamodb.scan(TableName=TABLE)["Items"] if item["sk"]["S"].isdigit()]
    assert len(rows) == 3
    assert all("expires_at" in item for item in rows)


def test_a_job_expires_only_once_it_has_completed_and_a_retry_takes_that_back(dynamodb: "DynamoDBClient") -> None:
    keep(RowSettings(row_retention_days=90, longest_import_hours=24))
    an_import(completed=False)
    assert expiries(dynamodb)["JOB"] is None
    DynamoJobs().end(FULL.id, status=JobStatus.FAILED, code=None, message=None, document={}, now=utc_now())
    assert expiries(dynamodb)["JOB"] is not None
    job = DynamoJobs().get(FULL.id)
    assert job
    DynamoJobs().retry(job, Retry(at=utc_now(), key_id="k", selection="s", idempotency="i", digest="d"))
    assert expiries(dynamodb)["JOB"] is None


def test_a_retry_moves_the_tags(dynamodb: "DynamoDBClient") -> None:
    keep(RowSettings(row_retention_days=31, longest_import_hours=1))
    an_import(completed=True)
    job = DynamoJobs().get(FULL.id)
    assert job
    keep(RowSettings(row_retention_days=365, longest_import_hours=1))
    DynamoJobs().retry(job, Retry(at=utc_now(), key_id="k", selection="s", idempotency="i", digest="d"))
    assert (expiries(dynamodb)["TAG"] or 0) > 365


def test_without_a_retention_no_row_expires(dynamodb: "DynamoDBClient") -> None:
    keep(RowSettings(row_retention_days=0, longest_import_hours=24))
    an_import(completed=True)
    assert set(expiries(dynamodb).values()) == {None}
