"""The dashboard's files, and the routes that it needs."""

from pathlib import Path
from typing import Any

import pytest

from lambdas.routes import dashboard
from tests.unit.lambdas.api import Api
from tests.unit.lambdas.shapes import CLIP_FIELDS


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text('<script src="./assets/a-1.js"></script>')
    (tmp_path / "assets" / "a-1.js").write_text("run()")
    (tmp_path / "assets" / "a-1.css").write_text("a{}")
    (tmp_path / "secret.py").write_text("no")
    monkeypatch.setattr(dashboard, "BUILT", tmp_path)
    dashboard.names.cache_clear()
    dashboard.read.cache_clear()
    return tmp_path


@pytest.mark.usefixtures("built")
def test_the_page_is_never_kept_and_loads_nothing_from_elsewhere(api: Api) -> None:
    answer = api.raw("GET", "/app/")
    headers = answer["multiValueHeaders"]
    assert (answer["statusCode"], headers["Cache-Control"], headers["X-Content-Type-Options"]) == (
        200,
        ["no-store"],
        ["nosniff"],
    )
    assert headers["Content-Type"] == ["text/html; charset=utf-8"]
    (policy,) = headers["Content-Security-Policy"]
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data: blob:",
        "connect-src": "'self' https://clips.example.com https://drop.example.com",
        "media-src": "'self' https://clips.example.com",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


@pytest.mark.usefixtures("built")
def test_a_path_without_a_slash_leads_to_the_folder_behind_whatever_stage(api: Api) -> None:
    answer = api.raw("GET", "/app")
    assert (answer["statusCode"], answer["multiValueHeaders"]["Location"]) == (302, ["app/"])


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(("name", "kind"), [("a-1.js", "text/javascript"), ("a-1.css", "text/css")])
def test_files_with_a_hash_in_their_name_are_kept_for_good(api: Api, name: str, kind: str) -> None:
    answer = api.raw("GET", f"/app/assets/{name}")
    headers = answer["multiValueHeaders"]
    assert (answer["statusCode"], headers["Content-Type"]) == (200, [f"{kind}; charset=utf-8"])
    assert headers["Cache-Control"] == ["public, max-age=31536000, immutable"]


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    "path", ["/app/assets/a-2.js", "/app/assets/..%2Fsecret.py", "/app/secret.py", "/app/index.html"]
)
def test_no_other_file_is_sent(api: Api, path: str) -> None:
    answer = api.raw("GET", path)
    assert (answer["statusCode"], answer["multiValueHeaders"]["Cache-Control"]) == (404, ["no-store"])


def test_a_deployment_without_the_built_files_says_what_to_do(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashboard, "BUILT", tmp_path)
    dashboard.read.cache_clear()
    status, code, detail = api.refusal("GET", "/app/")
    assert (status, code) == (404, "NOT_FOUND")
    assert "make setup" in detail
    dashboard.read.cache_clear()


@pytest.mark.parametrize(
    ("sent", "allowed"),
    [("https://tools.example.com", True), ("https://evil.example.com", False), ("null", False), (None, False)],
)
def test_pages_of_the_deployments_origins_may_read_answers(api: Api, sent: str | None, allowed: bool) -> None:
    for method, path in (("GET", "/v1/key"), ("GET", "/nope"), ("POST", "/v1/imports")):
        headers = api.raw(method, path, headers={"Origin": sent} if sent else {})["multiValueHeaders"]
        assert headers.get("Access-Control-Allow-Origin") == ([sent] if allowed else None)
        assert ("Vary" in headers) == allowed


def test_imports_are_listed_by_conditions_and_a_typo_is_an_error(api: Api) -> None:
    world = api.world
    job = world.run(world.submit_list(world.put_sources(1), labels=("l",), folder="f").id)
    world.submit_list(world.put_sources(1, prefix="q/"))
    queries = (
        {"label": "l"},
        {"folder": "f"},
        {"status": "COMPLETED"},
        {"created_before": "2100-01-01T00:00:00Z", "label": "l"},
    )
    for query in queries:
        status, page = api("GET", "/v1/imports", query=query)
        assert (status, [one["id"] for one in page["imports"]]) == (200, [job.id])
    for query in (
        {"state": "FAILED"},
        {"status": "failed"},
        {"trigger": "x"},
        {"created_after": "x"},
        {"folder": "x" * 65},
    ):
        assert api.refusal("GET", "/v1/imports", query=query)[:2] == (422, "INVALID_REQUEST")


def test_failures_timeline_clip_and_link_have_their_shapes(api: Api) -> None:
    world = api.world
    job = world.run(world.submit_list([*world.put_sources(1), "gone.zip"]).id)

    def got(path: str) -> dict[str, Any]:
        status, body = api("GET", path)
        assert status == 200
        assert api.refusal("GET", path, project="other")[:2] == (404, "NOT_FOUND")
        return dict(body)

    failures = got(f"/v1/imports/{job.id}/failures")
    (group,) = failures.pop("groups")
    assert failures == {"complete": True}
    (example,) = group.pop("examples")
    assert group == {"status": "FAILED", "code": "NOT_FOUND", "count": 1, "failed_check": 0}
    assert set(example) == CLIP_FIELDS
    timeline = got(f"/v1/imports/{job.id}/timeline")
    assert [phase["name"] for phase in timeline["phases"]] == ["planning", "copying"]
    assert timeline["points"][-1]["done"] == {"copied": 1, "skipped": 0, "failed": 1, "cancelled": 0, "bytes": 10}
    assert set(timeline["cost"]) == {"so_far", "whole", "price_region", "prices_as_of"}
    clip = got(f"/v1/clips/{job.id}-0")
    assert set(clip) == CLIP_FIELDS | {"import_id", "folder", "labels", "test_run_group_name", "views"}
    link = got(f"/v1/clips/{job.id}-0/link")
    assert set(link) == {"url", "expires_at", "content_type"}
    assert "name=000000.zip" in api("GET", f"/v1/clips/{job.id}-0/link", query={"download": "true"})[1]["url"]
    assert api.refusal("GET", f"/v1/clips/{job.id}-1/link")[:2] == (409, "CLIP_NOT_THERE")
