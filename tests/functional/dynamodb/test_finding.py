"""The indexes for clips and jobs in DynamoDB, and the cost of their entries."""

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from service.aws.dynamodb.clips import DynamoClips
from service.aws.dynamodb.jobs import DynamoJobs
from service.aws.dynamodb.keys_of_rows import SEARCH_SHARDS, search_pk
from service.aws.dynamodb.uploads import DynamoUploads
from service.domain.jobs import JobStatus, JobTag
from service.domain.projects import AuditEntry
from service.domain.search_keys import search_key
from service.ports.clips import ClipIndex
from tests.builders import a_job, an_upload
from tests.functional.aws import TABLE
from tests.samples import an_entry, job_at, put

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def items(dynamodb: "DynamoDBClient", start: str) -> list[tuple[str, str]]:
    found = [(item["pk"]["S"], item["sk"]["S"]) for item in dynamodb.scan(TableName=TABLE)["Items"]]
    return sorted(key for key in found if key[0].startswith(start))


def test_a_key_that_many_clips_share_is_spread_and_paged_in_order(
    clips: DynamoClips, dynamodb: "DynamoDBClient"
) -> None:
    job = job_at(0, "ij_1")
    put(clips, job, *(f"s3://b/{n}/front.mp4" for n in range(41)))
    index = dynamodb.scan(TableName=TABLE, IndexName="clip")["Items"]
    assert len({item["clip_pk"]["S"] for item in index}) == SEARCH_SHARDS
    found: list[int] = []
    after = None
    while True:
        page, after = clips.find("clip", search_key("demo", "front"), limit=7, after=after)
        found += [row.ordinal for _, row in page]
        if after is None:
            break
        assert len(page) == 7
    assert found == list(range(40, -1, -1))


@pytest.mark.parametrize("views", [1, 2, 3, 4, 5, 6, 7, 8, 16])
def test_one_view_of_every_scene_is_spread_evenly(views: int) -> None:
    """Its clips are each `views`th of the listing: shards by ordinal would put all of four views' into one."""
    ordinals = range(0, 8_000 * views, views)
    shards = Counter(search_pk("key", f"2026-01-01T00:00:00.000Z#ij_1#{n:010d}") for n in ordinals)
    assert len(shards) == SEARCH_SHARDS
    assert max(shards.values()) < 1.15 * 1_000


@pytest.mark.parametrize("index", ["clip", "url"])
def test_rows_of_before_are_found_in_order(clips: DynamoClips, dynamodb: "DynamoDBClient", index: ClipIndex) -> None:
    """They lie in four shards, by their ordinals."""
    put(clips, job_at(0, "ij_1"), *("s3://b/front.mp4" for _ in range(12)))
    for item in dynamodb.scan(TableName=TABLE)["Items"]:
        for name in ("clip_pk", "url_pk"):
            key = item[name]["S"].partition("#")[0]
            item[name] = {"S": f"{key}#{int(item['sk']['S']) % 4}"}
        dynamodb.put_item(TableName=TABLE, Item=item)
    put(clips, job_at(1, "ij_2"), *("s3://b/front.mp4" for _ in range(12)))
    value = "front" if index == "clip" else "s3://b/front.mp4"
    found, after = clips.find(index, search_key("demo", value), limit=24, after=None)
    assert [(job, row.ordinal) for job, row in found] == [
        (job, n) for job in ("ij_2", "ij_1") for n in range(11, -1, -1)
    ]
    assert after is None


def test_a_common_row_fits_one_write_unit(clips: DynamoClips, dynamodb: "DynamoDBClient") -> None:
    """DynamoDB counts names and values; a URI and a destination of 150 bytes each are common."""
    job = a_job("ij_" + "0" * 24)
    put(clips, job, "s3://" + "b" * 30 + "/" + "k" * 114)
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert sum(len(name) + len(str(next(iter(value.values())))) for name, value in item.items()) < 900


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
