"""Read imports and their clips."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from service.domain.clips import ClipStatus
from service.domain.jobs import JobStatus
from tests.paths import DATA
from tests.unit.lambdas.api import Api
from tests.unit.lambdas.shapes import CLIP_FIELDS, JOB_FIELDS, LIST


def test_a_job_shows_its_rate_and_when_it_will_have_ended(api: Api) -> None:
    world = api.world
    _, job = api("POST", "/v1/imports", {"exact_paths": [f"s3://source/{key}" for key in world.put_sources(250)]})
    assert (job["rate"], job["eta_seconds"]) == (None, None)
    world.plan(job["id"])
    world.clock.advance(10)
    world.copy(world.batches(job["id"])[0])
    _, job = api.get(f"/v1/imports/{job['id']}")
    # Each reading of the world's clock takes a millisecond, and threads read it now and then.
    assert job["rate"]["clips"] == pytest.approx(10, rel=0.05)
    assert job["rate"]["bytes"] == pytest.approx(100, rel=0.05)
    assert job["eta_seconds"] in (15, 16)
    _, page = api.get("/v1/imports")
    assert page["imports"][0]["eta_seconds"] in (15, 16)


def test_a_job_shows_how_far_its_restores_are(api: Api) -> None:
    world = api.world
    world.put_sources(2)
    found = world.storage.buckets["source"]["p/000001.zip"]
    world.storage.buckets["source"]["p/000001.zip"] = replace(found, archive="DEEP_ARCHIVE")
    _, job = api("POST", "/v1/imports", {"root_path": "s3://source/p/", "settings": {"archived": "restore"}})
    assert job["restores"] is None
    world.run(job["id"])
    _, job = api.get(f"/v1/imports/{job['id']}")
    restores = job["restores"]
    until, next_look = (datetime.fromisoformat(restores.pop(name)) for name in ("until", "next_look"))
    assert restores == {"requested": 1, "waiting": 1, "tier": "bulk", "hours": 48}
    assert until - next_look == pytest.approx(timedelta(hours=58), abs=timedelta(seconds=1))
    assert (job["status"], job["eta_seconds"]) == ("COPYING", None)
    _, job = api("POST", f"/v1/imports/{job['id']}/cancel")
    world.run(job["id"])
    _, job = api.get(f"/v1/imports/{job['id']}")
    assert (job["status"], job["restores"]["waiting"], job["restores"]["next_look"]) == ("CANCELLED", 0, None)


def test_a_clip_shows_what_verified_it_and_what_was_found_in_it(api: Api) -> None:
    clip = DATA / "clipgt" / "0b1734b6-2bf0-5e42-8f62-0d5a07cb8c3a.zip"
    api.world.storage.put_body("source", "good.zip", clip.read_bytes())
    api.world.storage.put_body("source", "bad.zip", b"<html>")
    body = {"exact_paths": ["s3://source/good.zip", "s3://source/bad.zip"]}
    _, job = api("POST", "/v1/imports", body | {"settings": {"content_validation": "structure"}})
    api.world.run(job["id"])
    good, bad = api.get(f"/v1/imports/{job['id']}/clips")[1]["clips"]
    assert (good["verified"], good["facts"]["clip_id"], good["code"]) == ("etag", clip.stem, None)
    assert (bad["verified"], bad["facts"], bad["code"]) == (None, None, "NOT_A_ZIP")
    assert [one["content"] for one in (good, bad)] == ["valid", "invalid"]
    _, found = api.get("/v1/clips", clip_id="bad")
    assert [(one["content"], one["content_code"], one["overruled"]) for one in found["clips"]] == [
        ("invalid", None, None)
    ]


def test_a_job_is_read_with_its_counts_and_its_clips(api: Api) -> None:
    job = api.world.run(api.world.submit_list([*api.world.put_sources(2), "missing"]).id)
    status, body = api.get(f"/v1/imports/{job.id}")
    assert status == 200
    assert set(body) == JOB_FIELDS
    assert body["status"] == JobStatus.COMPLETED_WITH_ERRORS
    assert body["counts"] == {
        "total": 3,
        "pending": 0,
        "copied": 2,
        "skipped": 0,
        "failed": 1,
        "cancelled": 0,
        "bytes": 20,
    }
    assert body["code"] == "CLIPS_FAILED"
    status, page = api.get(f"/v1/imports/{job.id}/clips")
    assert status == 200
    assert set(page) == {"clips", "next_cursor", "has_more"}
    assert [set(clip) for clip in page["clips"]] == [CLIP_FIELDS] * 3
    assert [clip["status"] for clip in page["clips"]] == ["COPIED", "COPIED", "FAILED"]
    assert page["clips"][0]["destination"] == "s3://clips/demo/-/source/p/000000.zip"
    assert page["clips"][2]["code"] == "NOT_FOUND"


def test_pages_follow_their_cursors(api: Api) -> None:
    job = api.world.planned_list(api.world.put_sources(5))
    path, ids, query = f"/v1/imports/{job.id}/clips", [], {"limit": "2"}
    while True:
        _, page = api.get(path, **query)
        ids += [clip["id"] for clip in page["clips"]]
        assert page["has_more"] == (page["next_cursor"] is not None)
        if not page["has_more"]:
            break
        query["cursor"] = page["next_cursor"]
    assert ids == [f"{job.id}-{n}" for n in range(5)]


def test_clips_are_filtered_by_status(api: Api) -> None:
    job = api.world.run(api.world.submit_list([*api.world.put_sources(2), "missing"]).id)
    for status in ClipStatus:
        _, page = api.get(f"/v1/imports/{job.id}/clips", status=status)
        expected = {"COPIED": 2, "FAILED": 1}.get(status, 0)
        assert [clip["status"] for clip in page["clips"]] == [status] * expected


def test_jobs_are_listed_newest_first(api: Api) -> None:
    made = [api("POST", "/v1/imports", LIST)[1]["id"] for _ in range(3)]
    _, first = api.get("/v1/imports", limit="2")
    assert set(first) == {"imports", "next_cursor", "has_more"}
    assert [job["id"] for job in first["imports"]] == made[:0:-1]
    _, second = api.get("/v1/imports", limit="2", cursor=first["next_cursor"])
    assert [job["id"] for job in second["imports"]] == made[:1]
    assert (second["has_more"], second["next_cursor"]) == (False, None)


def test_another_projects_job_is_not_there(api: Api) -> None:
    _, job = api("POST", "/v1/imports", LIST)
    for path in (f"/v1/imports/{job['id']}", f"/v1/imports/{job['id']}/clips", "/v1/imports/ij_nope"):
        project = "demo" if path.endswith("nope") else "other"
        assert api.refusal("GET", path, project=project)[:2] == (404, "NOT_FOUND")
    assert api("GET", "/v1/imports", project="other")[1]["imports"] == []


@pytest.mark.parametrize("path", ["/v1/imports", "/v1/imports/{id}/clips"])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"limit": "0"}, (422, "INVALID_REQUEST")),
        ({"limit": "1001"}, (422, "INVALID_REQUEST")),
        ({"limit": "many"}, (422, "INVALID_REQUEST")),
        ({"limit": "9" * 5_000}, (422, "INVALID_REQUEST")),
        ({"cursor": "garbage"}, (400, "INVALID_CURSOR")),
    ],
)
def test_wrong_queries_are_refused(api: Api, path: str, query: dict[str, str], expected: tuple[int, str]) -> None:
    job = api.world.planned_list(["a"])
    assert api.refusal("GET", path.format(id=job.id), query=query)[:2] == expected


def test_an_unknown_status_is_refused(api: Api) -> None:
    job = api.world.planned_list(["a"])
    status, code, detail = api.refusal("GET", f"/v1/imports/{job.id}/clips", query={"status": "LOST"})
    assert (status, code) == (422, "INVALID_REQUEST")
    assert detail.startswith("status: ")


def test_a_cursor_of_another_job_is_refused(api: Api) -> None:
    keys = api.world.put_sources(3)
    one, other = api.world.planned_list(keys), api.world.planned_list(keys)
    _, page = api.get(f"/v1/imports/{one.id}/clips", limit="1")
    query = {"cursor": page["next_cursor"]}
    assert api.refusal("GET", f"/v1/imports/{other.id}/clips", query=query)[:2] == (400, "INVALID_CURSOR")
