"""Common first mistakes of users, and the API's answers: a clear message, a stable code, nothing created."""

from typing import TYPE_CHECKING

import pytest

from local.stack import Stack
from tests.e2e.support import all_clips, all_rows, imported, start, unique

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.e2e.conftest import Api


@pytest.mark.parametrize(
    ("request_body", "status", "code"),
    [
        pytest.param({}, 422, "INVALID_REQUEST", id="neither path"),
        pytest.param({"exact_paths": ["s3://b-b-b/k"], "root_path": "s3://b-b-b/"}, 422, "INVALID_REQUEST", id="both"),
        pytest.param({"exact_paths": []}, 422, "INVALID_REQUEST", id="empty list"),
        pytest.param({"exact_paths": "s3://b-b-b/k"}, 422, "INVALID_REQUEST", id="a string for a list"),
        pytest.param({"exact_paths": ["s3://b-b-b/k", 7]}, 422, "INVALID_REQUEST", id="a number for a URI"),
        pytest.param({"exact_paths": ["https://b-b-b/k"]}, 422, "INVALID_URI", id="another scheme"),
        pytest.param({"exact_paths": ["s3://b-b-b"]}, 422, "INVALID_URI", id="no key"),
        pytest.param({"exact_paths": ["s3://b-b-b/" + "k" * 1025]}, 422, "INVALID_URI", id="a key beyond S3's"),
        pytest.param({"root_path": "s3://UPPER/"}, 422, "INVALID_URI", id="a bucket name that cannot be"),
        pytest.param({"root_path": "s3://b-b-b/", "validate": "yes"}, 422, "INVALID_REQUEST", id="a string for a bool"),
        pytest.param({"root_path": "s3://b-b-b/", "wait": True}, 422, "INVALID_REQUEST", id="an unknown field"),
        pytest.param({"root_path": "s3://b-b-b/", "labels": "x"}, 422, "INVALID_REQUEST", id="a string for labels"),
        pytest.param(["s3://b-b-b/k"], 422, "INVALID_REQUEST", id="a list for an object"),
        pytest.param(b"{not json", 422, "INVALID_REQUEST", id="not JSON"),
        pytest.param(b"", 422, "INVALID_REQUEST", id="no body"),
    ],
)
def test_a_bad_request_says_what_is_wrong(team: "Api", request_body: object, status: int, code: str) -> None:
    answer = team.post("/v1/imports", request_body)
    assert (answer[0], answer[1]["code"]) == (status, code), answer
    assert isinstance(answer[1]["detail"], str)
    assert len(answer[1]["detail"]) > 5
    assert all_rows(team, "/v1/imports", "imports") == []


def test_curl_without_a_content_type_is_understood(api: "Api", stack: Stack) -> None:
    body = f'{{"root_path": "s3://{stack.source_bucket}/samples/"}}'.encode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert api("POST", "/v1/previews", body, headers=form)[0] == 200


@pytest.mark.parametrize(
    ("megabytes", "said"), [(5.5, "the limit is"), (8, "API Gateway"), (11, "above API Gateway's 10 MB")]
)
def test_a_body_that_is_too_large_is_a_413_that_says_what_to_do(api: "Api", megabytes: float, said: str) -> None:
    """The function refuses what reaches it; Lambda takes no more than 6 MB, the gateway no more than 10 MB."""
    answer = api.post("/v1/imports", {"exact_paths": ["s3://some-bucket/" + "k" * 900] * int(megabytes * 1_090)})
    assert (answer[0], answer[1]["code"]) == (413, "BODY_TOO_LARGE")
    assert said in answer[1]["detail"]
    assert "manifest_uri" in answer[1]["detail"]


def test_a_bucket_that_the_service_may_not_read_fails_the_preflight(api: "Api", stack: Stack) -> None:
    for bucket in (stack.forbidden_bucket, "no-such-bucket-anywhere", stack.clips_bucket, stack.state_bucket):
        for path in ("/v1/imports", "/v1/previews"):
            status, answer = api.post(path, {"root_path": f"s3://{bucket}/"})
            assert (status, answer["code"]) == (403, "CANNOT_ACCESS"), answer


def test_without_preflight_a_forbidden_prefix_becomes_a_failed_job(api: "Api", stack: Stack) -> None:
    job = imported(api, root_path=f"s3://{stack.forbidden_bucket}/", validate=False)
    assert (job["status"], job["code"]) == ("FAILED", "CANNOT_ACCESS")
    assert stack.forbidden_bucket in job["message"]


def test_another_projects_job_is_not_there(api: "Api", admin: "Api", stack: Stack) -> None:
    job = start(api, exact_paths=[f"s3://{stack.source_bucket}/not/there.zip"])
    _, other_key = admin.post("/v1/keys", {"project": "other", "name": "test"})
    other = api.with_key(other_key["key"])
    for path in (f"/v1/imports/{job['id']}", f"/v1/imports/{job['id']}/clips", "/v1/imports/ij_none"):
        status, answer = other.get(path)
        assert (status, answer["code"]) == (404, "NOT_FOUND")
    assert job["id"] not in {row["id"] for row in all_rows(other, "/v1/imports", "imports")}


def test_a_cursor_of_another_job_is_refused(api: "Api", stack: Stack) -> None:
    uris = [f"s3://{stack.source_bucket}/not/{n}.zip" for n in range(3)]
    first, second = (imported(api, exact_paths=uris)["id"] for _ in range(2))
    _, page = api.get(f"/v1/imports/{first}/clips", limit=1)
    for cursor in (page["next_cursor"], "garbage", "e30", "💥"):
        status, answer = api.get(f"/v1/imports/{second}/clips", cursor=cursor)
        assert (status, answer["code"]) == (400, "INVALID_CURSOR")
    assert len(all_clips(api, first, limit=1)) == 3


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"limit": "many"}, {"status": "copied"}])
def test_a_bad_query_says_what_is_wrong(api: "Api", stack: Stack, query: dict[str, object]) -> None:
    job = start(api, exact_paths=[f"s3://{stack.source_bucket}/not/there.zip"])
    status, answer = api.get(f"/v1/imports/{job['id']}/clips", **query)
    assert (status, answer["code"]) == (422, "INVALID_REQUEST"), answer


def test_the_same_idempotency_key_gives_the_same_job_and_another_request_a_conflict(api: "Api", stack: Stack) -> None:
    key, body = unique("key"), {"exact_paths": [f"s3://{stack.source_bucket}/not/there.zip"]}
    _, first = api("POST", "/v1/imports", body, headers={"Idempotency-Key": key})
    _, second = api("POST", "/v1/imports", body, headers={"idempotency-key": key})
    _, third = api.post("/v1/imports", body | {"idempotency_key": key})
    assert first["id"] == second["id"] == third["id"]
    status, answer = api("POST", "/v1/imports", body | {"folder": "f"}, headers={"Idempotency-Key": key})
    assert (status, answer["code"]) == (409, "IDEMPOTENCY_CONFLICT")


def test_routes_that_are_not_there_are_404_with_a_code(api: "Api") -> None:
    for method, path in (("GET", "/v1/nothing"), ("GET", "/")):
        status, answer = api(method, path)
        assert (status, answer["code"]) == (404, "NOT_FOUND"), (method, path, answer)


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/app/", "/app/assets/index.js"])
def test_another_method_of_an_open_page_is_a_405_with_a_key_and_a_401_without(api: "Api", path: str) -> None:
    status, answer = api("POST", path, {})
    assert (status, answer["code"]) == (405, "METHOD_NOT_ALLOWED")
    status, answer = api.with_key("")("POST", path, {})
    assert (status, answer["code"]) == (401, "UNAUTHORIZED")


def test_a_method_that_a_route_does_not_take_is_a_405(api: "Api") -> None:
    status, answer = api("DELETE", "/v1/imports")
    assert (status, answer["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert "GET, POST" in answer["detail"]


def test_a_preview_counts_what_an_import_would_take(api: "Api", stack: Stack, s3: "S3Client") -> None:
    prefix = f"{unique('preview')}/"
    for name, body in (
        ("a.ZIP", b"12"),
        ("b.zip", b"3"),
        ("c.mp4", b"4567"),
        ("none", b""),
        ("sub/", b""),
        ("._a.ZIP", b"5"),
    ):
        s3.put_object(Bucket=stack.source_bucket, Key=prefix + name, Body=body)
    status, found = api.post("/v1/previews", {"root_path": f"s3://{stack.source_bucket}/{prefix}"})
    assert status == 200
    assert (found["count"], found["bytes"], found["complete"], found["no_clips"]) == (4, 7, True, 2)
    assert found["keys"] == [prefix + name for name in ("a.ZIP", "b.zip", "c.mp4", "none")]
    assert found["by_extension"] == {
        ".zip": {"count": 2, "bytes": 3},
        ".mp4": {"count": 1, "bytes": 4},
        "": {"count": 1, "bytes": 0},
    }


def test_the_reference_is_open_and_names_every_route(api: "Api") -> None:
    reader = api.with_key("")
    status, document = reader.get("/openapi.json")
    assert status == 200
    assert set(document["paths"]) >= {"/v1/imports", "/v1/imports/{job_id}/clips", "/v1/previews", "/v1/keys"}
    status, page = reader.get("/docs")
    assert status == 200
    assert "swagger" in page.lower()
