"""Start imports through the API."""

import pytest

from tests.unit.lambdas.api import Api
from tests.unit.lambdas.shapes import JOB_FIELDS, LIST


def test_a_list_is_accepted_with_the_whole_job(api: Api) -> None:
    body = LIST | {"folder": "f", "labels": ["l1", "l2"], "run_name_prefix": "r", "test_run_group_name": "g"}
    status, job = api("POST", "/v1/imports", body)
    assert status == 202
    assert set(job) == JOB_FIELDS
    assert job["counts"] == dict.fromkeys(("total", "pending", "copied", "skipped", "failed", "cancelled", "bytes"), 0)
    assert job["source"] == {"kind": "list", "uri": None, "count": 1, "as_of": None}
    assert (job["status"], job["project"], job["trigger"], job["completed_at"]) == ("PENDING", "demo", "api", None)
    assert (job["folder"], job["labels"], job["run_name_prefix"], job["test_run_group_name"]) == (
        "f",
        ["l1", "l2"],
        "r",
        "g",
    )
    assert api.world.workflow.started == [job["id"]]
    assert api.world.job(job["id"]).key_id == "key_1"


def test_a_prefix_is_accepted(api: Api) -> None:
    api.world.put_sources(2)
    status, job = api("POST", "/v1/imports", {"root_path": "s3://source/p/"})
    assert status == 202
    assert job["source"] == {"kind": "prefix", "uri": "s3://source/p/", "count": None, "as_of": None}
    assert job["test_run_group_name"].startswith("import-")


def test_clip_ids_go_with_a_prefix_up_to_the_limit_of_the_deployment(api: Api) -> None:
    request = {"root_path": "s3://source/p/", "validate": False}
    status, body = api("POST", "/v1/imports", request | {"clip_ids": ["a", "b", "a"]})
    assert (status, body["source"]) == (
        202,
        {"kind": "clip_ids", "uri": "s3://source/p/", "count": 2, "as_of": None},
    )
    for path in ("/v1/imports", "/v1/previews"):
        refused = api.refusal("POST", path, request | {"clip_ids": [str(number) for number in range(1_001)]})
        assert refused == (422, "INVALID_REQUEST", "clip_ids has 1,001 ids, 1 to 1,000 are allowed")


@pytest.mark.parametrize("body", [{}, LIST | {"root_path": "s3://source/p/"}, {"exact_paths": None, "root_path": None}])
def test_both_or_neither_path_is_refused(api: Api, body: object) -> None:
    status, code, detail = api.refusal("POST", "/v1/imports", body)
    assert (status, code) == (422, "INVALID_REQUEST")
    assert detail.startswith("Provide exactly one of exact_paths or root_path")


@pytest.mark.parametrize("uri", ["http://source/a", "source/a", "s3://", "s3://source", "s3://source/\\ud800"])
def test_an_invalid_uri_is_named_by_its_index(api: Api, uri: str) -> None:
    body = f'{{"exact_paths": ["s3://source/a.zip", "{uri}"]}}'
    status, code, detail = api.refusal("POST", "/v1/imports", body)
    assert (status, code) == (422, "INVALID_URI")
    assert detail.startswith("exact_paths[1]: ")


def test_an_empty_list_is_refused(api: Api) -> None:
    assert api.refusal("POST", "/v1/imports", {"exact_paths": []}) == (422, "INVALID_REQUEST", "exact_paths is empty")


def test_a_list_beyond_the_limit_is_refused(api: Api) -> None:
    api.world.max_clips = 2
    status, code, detail = api.refusal("POST", "/v1/imports", {"exact_paths": ["s3://source/a"] * 3})
    assert (status, code, detail) == (422, "INVALID_REQUEST", "exact_paths has 3 URIs, the limit is 2")


@pytest.mark.parametrize("name", ["Idempotency-Key", "idempotency-key", "IDEMPOTENCY-KEY"])
def test_header_and_body_name_the_same_job(api: Api, name: str) -> None:
    _, by_header = api("POST", "/v1/imports", LIST, headers={name: "k"})
    _, by_body = api("POST", "/v1/imports", LIST | {"idempotency_key": "k"})
    status, by_both = api("POST", "/v1/imports", LIST | {"idempotency_key": "k"}, headers={name: "k"})
    assert status == 202
    assert by_header["id"] == by_body["id"] == by_both["id"]
    assert api.world.workflow.started == [by_header["id"]]


def test_a_header_that_contradicts_the_body_is_refused(api: Api) -> None:
    status, code, detail = api.refusal(
        "POST", "/v1/imports", LIST | {"idempotency_key": "k"}, headers={"Idempotency-Key": "l"}
    )
    assert (status, code) == (422, "INVALID_REQUEST")
    assert "differ" in detail


@pytest.mark.parametrize("value", ["", "x" * 129])
def test_a_header_key_has_the_limits_of_the_bodys(api: Api, value: str) -> None:
    assert api.refusal("POST", "/v1/imports", LIST, headers={"Idempotency-Key": value})[:2] == (422, "INVALID_REQUEST")


def test_a_used_key_with_another_request_is_a_conflict(api: Api) -> None:
    api("POST", "/v1/imports", LIST, headers={"Idempotency-Key": "k"})
    body = LIST | {"folder": "f"}
    assert api.refusal("POST", "/v1/imports", body, headers={"Idempotency-Key": "k"})[:2] == (
        409,
        "IDEMPOTENCY_CONFLICT",
    )


def test_validate_false_takes_any_prefix(api: Api) -> None:
    assert api("POST", "/v1/imports", {"root_path": "s3://private/p/", "validate": False})[0] == 202


def test_sets_are_asked_for_and_their_clips_tell_role_and_set(api: Api) -> None:
    uris = [f"s3://source/{key}" for key in api.world.put_sources(3)]
    sets = [{"views": {"left": uris[1], "front": uris[0]}, "name": "drive"}, {"views": {"front": uris[2]}}]
    status, body = api("POST", "/v1/imports", {"sets": sets, "run_name_prefix": "a-"})
    assert (status, body["source"]) == (202, {"kind": "sets", "uri": None, "count": 2, "as_of": None})
    job = api.world.run(body["id"])
    _, page = api.get(f"/v1/imports/{job.id}/clips")
    assert [(clip["view"], clip["set"], clip["run_name"]) for clip in page["clips"]] == [
        ("front", f"{job.id}-0", "a-drive"),
        ("left", f"{job.id}-0", "a-drive"),
        ("front", f"{job.id}-2", "a-000002"),
    ]
    assert [clip["source_uri"] for clip in page["clips"]] == uris


@pytest.mark.parametrize(
    ("sets", "code", "place"),
    [
        ([], "INVALID_REQUEST", "sets is empty"),
        ([{"views": {}}], "INVALID_REQUEST", "sets[0].views: front is required"),
        (
            [{"views": {"front": "s3://bkt/k"}}, {"views": {"left": "s3://bkt/k"}}],
            "INVALID_REQUEST",
            "sets[1].views: front",
        ),
        (
            [{"views": {"front": "s3://bkt/k", "Left": "s3://bkt/l"}}],
            "INVALID_REQUEST",
            "sets[0].views: 'Left' is not a view",
        ),
        (
            [{"views": {"front": "s3://bkt/k", "left": "s3://bkt/k"}}],
            "INVALID_REQUEST",
            "sets[0].views.left: the same URI",
        ),
        (
            [{"views": {"front": "s3://bkt/k", "left": "b/k"}}],
            "INVALID_URI",
            "sets[0].views.left: 'b/k' is not an s3://",
        ),
        ([{"views": {"front": 1}}], "INVALID_REQUEST", "sets"),
        ([{"views": {"front": "s3://bkt/k"}, "names": "x"}], "INVALID_REQUEST", "names"),
    ],
)
def test_a_set_that_cannot_be_meant_is_refused_by_its_place(api: Api, sets: object, code: str, place: str) -> None:
    status, refused, detail = api.refusal("POST", "/v1/imports", {"sets": sets})
    assert (status, refused) == (422, code)
    assert place in detail
    assert not api.world.jobs.rows


def test_an_import_shows_the_time_at_which_it_sees_its_source(api: Api) -> None:
    api.world.storage.put("source", "p/a.zip", version="v1")
    request = {"root_path": "s3://source/p/", "as_of": "2026-11-01T01:00:00+01:00"}
    status, job = api("POST", "/v1/imports", request)
    assert (status, job["source"]["as_of"]) == (202, "2026-11-01T00:00:00.000Z")
    assert api.get(f"/v1/imports/{job['id']}")[1]["source"] == job["source"]
    api.world.storage.versions.clear()
    for path in ("/v1/imports", "/v1/previews"):
        assert api.refusal("POST", path, request)[:2] == (422, "NOT_VERSIONED")
