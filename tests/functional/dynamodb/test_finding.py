"""What finds clips and jobs in DynamoDB, and what it costs to keep."""

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.uploads import DynamoUploads
from service.domain.clips import ClipRow, ClipStatus
from service.domain.jobs import Job, JobStatus, JobTag
from service.domain.projects import AuditEntry
from service.domain.search_keys import findable, search_key
from tests.builders import a_job, an_upload
from tests.functional.conftest import TABLE
from tests.functional.dynamodb.test_audit import an_entry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def job_at(second: int, job_id: str, **changes: object) -> Job:
    return a_job(job_id, created_at=f"2026-11-22T17:00:{second:02d}.000Z", **changes)


def put(clips: DynamoClips, job: Job, *uris: str, status: ClipStatus = ClipStatus.COPIED) -> list[ClipRow]:
    rows = [
        findable(
            ClipRow(ordinal=ordinal, status=status, size=1, etag="e", source_uri=uri, destination=f"d/{uri}"),
            job_id=job.id,
            project=job.project,
            created_at=job.created_at,
        )
        for ordinal, uri in enumerate(uris)
    ]
    clips.put(job.id, rows)
    return rows


def items(dynamodb: "DynamoDBClient", start: str) -> list[tuple[str, str]]:
    found = [(item["pk"]["S"], item["sk"]["S"]) for item in dynamodb.scan(TableName=TABLE)["Items"]]
    return sorted(key for key in found if key[0].startswith(start))


def test_rows_are_found_by_both_keys_newest_first_in_pages(clips: DynamoClips) -> None:
    jobs = [job_at(n, f"ij_{n}") for n in range(5)]
    rows = {job.id: put(clips, job, "s3://b/other.zip", "s3://b/日本 %20.zip") for job in jobs}
    for index, value in (("clip", "日本 %20"), ("url", "s3://b/日本 %20.zip")):
        found: list[tuple[str, ClipRow]] = []
        after = None
        for length in (2, 2, 1):
            page, after = clips.find(index, search_key("demo", value), limit=2, after=after)  # type: ignore[arg-type]
            assert len(page) == length
            found += page
        assert after is None
        assert found == [(job.id, rows[job.id][1]) for job in reversed(jobs)]
        assert clips.find(index, search_key("other", value), limit=2, after=None) == ([], None)  # type: ignore[arg-type]


def test_a_key_that_many_clips_share_is_spread_and_paged_in_order(
    clips: DynamoClips, dynamodb: "DynamoDBClient"
) -> None:
    job = job_at(0, "ij_1")
    put(clips, job, *(f"s3://b/{n}/front.mp4" for n in range(41)))
    index = dynamodb.scan(TableName=TABLE, IndexName="clip")["Items"]
    assert sorted(Counter(item["clip_pk"]["S"] for item in index).values()) == [10, 10, 10, 11]
    found: list[int] = []
    after = None
    while True:
        page, after = clips.find("clip", search_key("demo", "front"), limit=7, after=after)
        found += [row.ordinal for _, row in page]
        if after is None:
            break
        assert len(page) == 7
    assert found == list(range(40, -1, -1))


def test_a_row_that_is_deleted_or_has_no_keys_is_not_found(clips: DynamoClips, dynamodb: "DynamoDBClient") -> None:
    job = job_at(0, "ij_1")
    put(clips, job, "s3://b/a.zip")
    while clips.delete_some(job.id):
        pass
    assert clips.find("clip", search_key("demo", "a"), limit=2, after=None) == ([], None)
    clips.put("ij_2", [ClipRow(ordinal=0, status=ClipStatus.COPIED)])
    for index in ("clip", "url"):
        assert dynamodb.scan(TableName=TABLE, IndexName=index)["Items"] == []


def test_a_common_row_fits_one_write_unit(clips: DynamoClips, dynamodb: "DynamoDBClient") -> None:
    """DynamoDB counts names and values; a URI and a destination of 150 bytes each are common."""
    job = a_job("ij_" + "0" * 24)
    put(clips, job, "s3://" + "b" * 30 + "/" + "k" * 114)
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert sum(len(name) + len(str(next(iter(value.values())))) for name, value in item.items()) < 900


def test_jobs_are_found_by_group_label_and_folder(jobs: DynamoJobs) -> None:
    one = job_at(1, "ij_1", labels=("a", "b", "a"), folder="f", test_run_group_name="g")
    two = job_at(2, "ij_2", labels=("b",), test_run_group_name="h")
    foreign = job_at(3, "ij_3", labels=("b",), project="other")
    for job in (one, two, foreign):
        assert jobs.create(job)
    for tag, value, expected in (
        (JobTag.LABEL, "a", [one]),
        (JobTag.LABEL, "b", [two, one]),
        (JobTag.FOLDER, "f", [one]),
        (JobTag.GROUP, "g", [one]),
        (JobTag.GROUP, "h", [two]),
        (JobTag.FOLDER, "a", []),
    ):
        assert jobs.find("demo", tag, value, limit=10, begin=None) == (expected, None)
    assert jobs.get_some(["ij_1", "ij_3", "ij_4"]) == {"ij_1": one, "ij_3": foreign}


def test_found_jobs_are_paged_from_a_position_that_is_included(jobs: DynamoJobs) -> None:
    made = [job_at(n, f"ij_{n}", labels=("l",)) for n in range(5)]
    for job in made:
        jobs.create(job)
    found: list[Job] = []
    begin = None
    for length in (2, 2, 1):
        page, begin = jobs.find("demo", JobTag.LABEL, "l", limit=2, begin=begin)
        assert len(page) == length
        found += page
    assert (found, begin) == (made[::-1], None)


def test_a_job_its_tags_and_its_entry_are_one_transaction(jobs: DynamoJobs, dynamodb: "DynamoDBClient") -> None:
    labels = tuple(f"{n:02d}" + "ü" * 126 for n in range(50))
    job = a_job(labels=labels, folder="f" * 64)
    assert jobs.create(job, entry=an_entry(subject=job.id))
    before = dynamodb.scan(TableName=TABLE)["Items"]
    assert len(before) == 1 + 50 + 2 + 1
    assert not jobs.create(a_job(labels=("other",)), entry=an_entry(subject=job.id))
    assert dynamodb.scan(TableName=TABLE)["Items"] == before


def test_an_upload_job_is_found_by_its_group_and_has_its_entry(
    uploads: DynamoUploads, jobs: DynamoJobs, dynamodb: "DynamoDBClient"
) -> None:
    job = a_job()
    many = [an_upload(str(n)) for n in range(uploads.max_uploads_per_claim)]
    entry: AuditEntry = an_entry(subject=job.id)
    uploads.open(job, many, "jobs/ij_1/uploads/x.jsonl", instead_of=None, entry=entry)
    assert jobs.find("demo", JobTag.GROUP, "group", limit=9, begin=None) == ([job], None)
    assert len(items(dynamodb, "AUDIT#demo")) == 1
    assert len(dynamodb.scan(TableName=TABLE)["Items"]) == 100, "as many as a transaction may have"


@pytest.mark.parametrize("crash", [False, True])
def test_burying_a_job_removes_what_it_is_found_by(
    jobs: DynamoJobs, dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch, crash: bool
) -> None:
    job, other = (job_at(n, f"ij_{n}", labels=("l", "m"), folder="f") for n in (1, 2))
    for one in (job, other):
        jobs.create(one)
        jobs.end(one.id, status=JobStatus.COMPLETED, code=None, message=None, document={}, now="t")
    jobs.delete(job.id, "t")
    assert jobs.find("demo", JobTag.LABEL, "l", limit=9, begin=None)[0] == [jobs.get(other.id)]
    if crash:
        with monkeypatch.context() as patch:
            patch.setattr("service.aws.dynamodb.jobs.TombstoneRow.save", lambda _self: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                jobs.bury(job.id)
    while jobs.delete_some(job.id):
        pass
    jobs.bury(job.id)
    jobs.bury(job.id)
    for start in ("LABEL#", "FOLDER#", "GROUP#"):
        assert {sk.rpartition("#")[2] for _, sk in items(dynamodb, start)} == {other.id}
    (row,) = [item for item in dynamodb.scan(TableName=TABLE)["Items"] if item["pk"]["S"] == "JOB#ij_1"]
    assert set(row) == {"pk", "sk", "deleted_at", "expires_at"}
    jobs.bury("ij_nope")
    assert items(dynamodb, "JOB#ij_nope") == []
