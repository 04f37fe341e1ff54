"""Previews: what they say is what the import then does, and nothing is left of them."""

from typing import TYPE_CHECKING, Any

import pytest

from local.stack import Stack
from tests.e2e.support import all_clips, all_rows, imported, put_all, unique

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api


def lay_out(s3: "S3Client", stack: Stack, name: str, contents: dict[str, bytes]) -> str:
    prefix = f"{unique(name)}/"
    put_all(s3, stack.source_bucket, ((prefix + key, body) for key, body in contents.items()))
    return f"s3://{stack.source_bucket}/{prefix}"


def previewed(api: "Api", **request: object) -> dict[str, Any]:
    found: dict[str, Any]
    status, found = api.post("/v1/previews", request)
    assert status == 200, found
    outcome = found["outcome"]
    assert sum(outcome[fate]["count"] for fate in ("to_copy", "to_skip", "to_fail")) == found["count"]
    return found


ACTIONS = {"COPIED": "copy", "SKIPPED": "skip", "FAILED": "fail"}


def agrees(api: "Api", found: dict[str, Any], **request: object) -> bool:
    """Whether the import does with every clip, and calls it, what the preview said."""
    clips = all_clips(api, imported(api, **request)["id"])
    said = [(c["source_uri"], c["destination"], c["run_name"], c["action"], c["code"]) for c in found["sample"]]
    done = [(c["source_uri"], c["destination"], c["run_name"], ACTIONS[c["status"]], c["code"]) for c in clips]
    assert said == done
    return True


def test_a_prefix_is_previewed_as_it_is_imported(api: "Api", stack: Stack, s3: "S3Client") -> None:
    root = lay_out(s3, stack, "prefix", {f"{n}.zip": bytes([n]) for n in range(8)})
    request = {"root_path": root, "folder": "a/b", "run_name_prefix": "run-"}
    found = previewed(api, **request)
    assert (found["count"], found["bytes"], found["complete"]) == (8, 8, True)
    assert found["outcome"]["to_copy"] == {"count": 8, "bytes": 8}
    assert agrees(api, found, **request)


def test_a_second_preview_says_what_would_be_skipped(api: "Api", stack: Stack, s3: "S3Client") -> None:
    root = lay_out(s3, stack, "again", {f"{n}.zip": bytes([n]) for n in range(5)})
    first = previewed(api, root_path=root)
    imported(api, root_path=root)
    s3.put_object(Bucket=stack.source_bucket, Key=root.split("/", 3)[3] + "0.zip", Body=b"changed")
    again = previewed(api, root_path=root)
    assert again["outcome"]["to_copy"] == {"count": 1, "bytes": 7}
    assert again["outcome"]["to_skip"] == {
        "count": 4,
        "bytes": 4,
        "by_code": {"UNCHANGED": {"count": 4, "bytes": 4}},
    }
    assert again["estimate"]["cost"]["s3_requests"] < first["estimate"]["cost"]["s3_requests"]
    refused = previewed(api, root_path=root, settings={"on_existing": "fail"})
    assert refused["outcome"]["to_fail"]["by_code"]["EXISTS"]["count"] == 5
    assert agrees(api, again, root_path=root)


def test_a_list_is_checked_before_it_is_sent(api: "Api", stack: Stack, s3: "S3Client") -> None:
    root = lay_out(s3, stack, "list", {"a.zip": b"a"})
    uris = [root + "a.zip", root + "a.zip", root + "gone.zip", "s3://not-a-source/x.zip"]
    found = previewed(api, exact_paths=uris)
    assert (found["root_path"], found["count"], found["bytes"]) == (None, 4, 1)
    assert [problem["code"] for problem in found["outcome"]["problems"]] == ["NOT_FOUND", "CANNOT_ACCESS"]
    assert found["outcome"]["to_skip"]["by_code"] == {"DUPLICATE": {"count": 1, "bytes": 0}}
    assert agrees(api, found, exact_paths=uris)


def test_cost_and_time_are_estimated(api: "Api", stack: Stack, s3: "S3Client") -> None:
    root = lay_out(s3, stack, "cost", {f"{n}.zip": b"x" * 1_000 for n in range(30)})
    estimate = previewed(api, root_path=root)["estimate"]
    cost = estimate["cost"]
    parts = ("s3_requests", "lambda", "step_functions", "dynamodb")
    assert all(cost[part] > 0 for part in parts)
    assert cost["total"] == pytest.approx(sum(cost[part] for part in parts), abs=1e-7)
    assert 30 * 0.000005 < cost["s3_requests"] < 60 * 0.000005
    assert (estimate["currency"], estimate["price_region"]) == ("USD", "us-east-1")
    assert 0 < estimate["seconds"] < 60
    cold = previewed(api, root_path=root, settings={"storage_class": "GLACIER_IR"})["estimate"]
    assert cold["cost"]["s3_requests"] > cost["s3_requests"]


def test_nothing_is_left_of_a_preview(team: "Api", own: Stack, s3: "S3Client", dynamodb: "DynamoDBClient") -> None:
    root = lay_out(s3, own, "nothing", {"a.zip": b"a"})

    def rows() -> list[str]:
        """Rows that name the project or the clip; other tests' imports may still be at work."""
        pages = dynamodb.get_paginator("scan").paginate(TableName=own.table_name)
        texts = (str(row) for page in pages for row in page["Items"])
        return sorted(text for text in texts if own.project in text or root in text)

    def files() -> int:
        return s3.list_objects_v2(Bucket=own.state_bucket, Prefix="jobs/preview").get("KeyCount", 0)

    before = rows()
    previewed(team, root_path=root)
    previewed(team, exact_paths=[root + "a.zip"], idempotency_key=unique("key"), labels=["l"])
    assert (all_rows(team, "/v1/imports", "imports"), rows(), files()) == ([], before, 0)


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ({"root_path": "s3://not-a-source/p/"}, (403, "CANNOT_ACCESS")),
        ({"root_path": "p/"}, (422, "INVALID_URI")),
        ({"exact_paths": []}, (422, "INVALID_REQUEST")),
        ({}, (422, "INVALID_REQUEST")),
        ({"root_path": "s3://not-a-source/", "settings": {"storage_class": "DEEP"}}, (422, "INVALID_REQUEST")),
    ],
)
def test_what_cannot_be_imported_cannot_be_previewed(
    api: "Api", request_: dict[str, Any], answer: tuple[int, str]
) -> None:
    status, body = api.post("/v1/previews", request_)
    assert (status, body["code"]) == answer
