"""A project may have a limited number of active imports."""

from tests.unit.lambdas.api import Api
from tests.unit.lambdas.shapes import LIST


def test_an_import_above_the_quota_is_refused_until_another_completes(api: Api) -> None:
    api.world.max_active = 2
    first, second = (api("POST", "/v1/imports", LIST)[1]["id"] for _ in range(2))
    status, code, detail = api.refusal("POST", "/v1/imports", LIST)
    assert (status, code, api.headers["Retry-After"]) == (429, "QUOTA_EXCEEDED", ["30"])
    assert "2 active imports" in detail
    assert set(api.world.jobs.rows) == {first, second}
    assert api("POST", "/v1/imports", LIST, project="other")[0] == 202
    api.world.run(first)
    assert api("POST", "/v1/imports", LIST)[0] == 202


def test_a_retry_counts_as_an_active_import(api: Api) -> None:
    api.world.max_active = 1
    failed = api("POST", "/v1/imports", LIST)[1]["id"]
    api.world.run(failed)
    api("POST", "/v1/imports", LIST)
    assert api.refusal("POST", f"/v1/imports/{failed}/retry")[:2] == (429, "QUOTA_EXCEEDED")
    assert api.refusal("POST", f"/api/import-jobs/{failed}/retry")[:2] == (429, "QUOTA_EXCEEDED")
    assert api.world.job(failed).run == 0


def test_a_repeated_request_returns_its_import_whatever_the_quota(api: Api) -> None:
    api.world.max_active = 1
    headers = {"Idempotency-Key": "k"}
    _, first = api("POST", "/v1/imports", LIST, headers=headers)
    assert api("POST", "/v1/imports", LIST, headers=headers) == (202, first)


def test_the_sdks_have_the_same_quota(api: Api) -> None:
    api.world.max_active = 1
    body = {"keys": ["a.mp4"], "bucket": "source"}
    assert api("POST", "/api/s3/upload", body)[0] == 200
    assert api.refusal("POST", "/api/s3/upload", body)[:2] == (429, "QUOTA_EXCEEDED")
