"""Finding clips across imports."""

from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from local.stack import Stack
from tests.e2e.faults import Invoke, deleted_long_ago
from tests.e2e.support import all_rows, concluded, eventually, imported, landed, put_all, unique
from tests.paths import DATA

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api


CLIP = DATA / "clipgt" / "0b1734b6-2bf0-5e42-8f62-0d5a07cb8c3a.zip"


def found(api: "Api", **query: object) -> list[dict[str, Any]]:
    return all_rows(api, "/v1/clips", "clips", **query)


def both_found(api: "Api", query: dict[str, str]) -> bool:
    return len(found(api, **query)) == 2


def test_a_clip_is_found_by_its_clip_id_and_by_its_uri_in_each_import(api: "Api", stack: Stack, s3: "S3Client") -> None:
    name = unique("fïnd %20+me")
    uri = f"s3://{stack.source_bucket}/{name}.mp4"
    put_all(s3, stack.source_bucket, [(f"{name}.mp4", b"here")])
    first = imported(api, exact_paths=[uri], labels=["a", "b"], folder="f", test_run_group_name=name)
    second = imported(api, exact_paths=[uri])
    for query in ({"clip_id": name}, {"original_clipgt_url": uri}):
        for limit in (1, 100):
            eventually(partial(both_found, api, query), what="the index")
            newest, oldest = found(api, limit=limit, **query)
            assert (newest["import_id"], newest["status"]) == (second["id"], "COPIED")
            assert (oldest["import_id"], oldest["status"]) == (first["id"], "COPIED")
    assert landed(s3, oldest) == b"here"
    assert (oldest["clip_id"], oldest["original_clipgt_url"], oldest["source_uri"]) == (name, uri, uri)
    assert (oldest["labels"], oldest["folder"], oldest["test_run_group_name"]) == (["a", "b"], "f", name)
    assert [clip["import_id"] for clip in found(api, clip_id=name, label="b", folder="f")] == [first["id"]]
    assert found(api, clip_id=name, label="other") == []


def test_content_validation_tells_the_clip_id_of_a_renamed_clip(api: "Api", stack: Stack, s3: "S3Client") -> None:
    key = f"{unique('renamed')}.zip"
    put_all(s3, stack.source_bucket, [(key, CLIP.read_bytes())])
    job = imported(api, exact_paths=[f"s3://{stack.source_bucket}/{key}"], settings={"content_validation": "structure"})
    [clip] = eventually(
        lambda: [one for one in found(api, clip_id=CLIP.stem) if one["import_id"] == job["id"]], what="the index"
    )
    assert (clip["clip_id"], clip["facts"]["clip_id"]) == (CLIP.stem, CLIP.stem)
    status, page = api.get(f"/v1/imports/{job['id']}/clips")
    assert (status, page["clips"][0]["clip_id"]) == (200, CLIP.stem)


def test_clips_are_found_by_label_folder_and_group_over_imports(api: "Api", stack: Stack, s3: "S3Client") -> None:
    name = unique("over")
    keys = [f"{name}/{n:02d}.zip" for n in range(30)]
    put_all(s3, stack.source_bucket, ((key, b"x") for key in keys))
    uris = [f"s3://{stack.source_bucket}/{key}" for key in keys]
    jobs = [imported(api, exact_paths=uris[: 10 * n], labels=[name], folder=name) for n in (1, 2, 3)]
    expected = [f"{job['id']}-{n}" for job in reversed(jobs) for n in range(job["counts"]["total"])]
    for limit in (7, 1_000):
        assert [clip["id"] for clip in found(api, limit=limit, label=name)] == expected
        assert [clip["id"] for clip in found(api, limit=limit, folder=name, label=name)] == expected
    group = jobs[1]["test_run_group_name"]
    assert {clip["import_id"] for clip in found(api, test_run_group=group)} == {jobs[1]["id"]}


def test_a_deleted_import_is_not_found_and_nothing_of_it_stays(
    api: "Api", stack: Stack, s3: "S3Client", dynamodb: "DynamoDBClient", invoke: Invoke
) -> None:
    name = unique("gone")
    put_all(s3, stack.source_bucket, [(f"{name}.zip", b"x")])
    job = imported(api, exact_paths=[f"s3://{stack.source_bucket}/{name}.zip"], labels=[name], folder=name)
    eventually(lambda: found(api, clip_id=name), what="the index")
    concluded(dynamodb, stack, job)
    assert api("DELETE", f"/v1/imports/{job['id']}")[0] == 204
    for query in ({"clip_id": name}, {"label": name}, {"folder": name}):
        assert found(api, **query) == []

    def left() -> set[str]:
        pages = dynamodb.get_paginator("scan").paginate(TableName=stack.table_name)
        rows = [row for page in pages for row in page["Items"] if job["id"] in row["pk"]["S"] + row["sk"]["S"]]
        return {row["sk"]["S"] for row in rows}

    deleted_long_ago(dynamodb, stack, job["id"])
    invoke("lambdas.sweep.handler", {})
    eventually(lambda: left() == {"JOB"}, what="the rows to go")


def test_another_project_finds_nothing(api: "Api", admin: "Api", stack: Stack, s3: "S3Client") -> None:
    name = unique("mine")
    put_all(s3, stack.source_bucket, [(f"{name}.zip", b"x")])
    imported(api, exact_paths=[f"s3://{stack.source_bucket}/{name}.zip"], labels=[name])
    eventually(lambda: found(api, clip_id=name), what="the index")
    _, key = admin.post("/v1/keys", {"project": unique("team"), "name": "test"})
    other = api.with_key(key["key"])
    for query in ({"clip_id": name}, {"label": name}, {"original_clipgt_url": quote(name)}):
        assert found(other, **query) == []


def test_a_question_that_asks_for_nothing_is_refused(api: "Api") -> None:
    status, answer = api.get("/v1/clips")
    assert (status, answer["code"]) == (422, "INVALID_REQUEST")
    assert "original_clipgt_url" in answer["detail"]
