"""Cancel, retry and delete imports through the API."""

import pytest

from service.domain.errors import TableBusy
from service.domain.requests import ContentValidation, ImportSettings
from service.imports.planning.retry import INDEX_LAG_SECONDS
from tests.unit.lambdas.api import Api


def test_an_import_is_cancelled_and_an_ended_one_is_not(api: Api) -> None:
    api.world.put_sources(1)
    _, job = api("POST", "/v1/imports", {"exact_paths": ["s3://source/p/000000.zip"]})
    for _ in range(2):
        status, cancelled = api("POST", f"/v1/imports/{job['id']}/cancel")
        assert (status, cancelled["cancel_requested"], cancelled["status"]) == (202, True, "PENDING")
    api.world.run(job["id"])
    status, code, detail = api.refusal("POST", f"/v1/imports/{job['id']}/cancel")
    assert (status, code) == (409, "ALREADY_ENDED")
    assert "CANCELLED" in detail
    assert api.refusal("POST", "/v1/imports/ij_nope/cancel")[:2] == (404, "NOT_FOUND")
    assert api.refusal("POST", f"/v1/imports/{job['id']}/cancel", project="other")[:2] == (404, "NOT_FOUND")


def test_failed_clips_of_an_ended_import_are_run_again(api: Api) -> None:
    keys = api.world.put_sources(2)
    job = api.world.submit_list([*keys, "missing", "missing too"])
    path = f"/v1/imports/{job.id}/retry"
    assert api.refusal("POST", path)[:2] == (409, "NOT_ENDED")
    api.world.run(job.id)
    status, again = api("POST", path)
    assert (status, again["status"], again["run"], again["completed_at"]) == (202, "PENDING", 1, None)
    assert again["counts"]["failed"] == 2
    (before,) = again["runs"]
    assert (before["run"], before["status"], before["code"], before["key_id"]) == (
        0,
        "COMPLETED_WITH_ERRORS",
        "CLIPS_FAILED",
        "key_1",
    )
    assert before["counts"]["copied"] == 2
    assert api.world.workflow.started == [job.id, f"{job.id}-r1"]
    entries = [
        (entry.action, entry.by.key_id, entry.by.request_id)
        for entry in api.world.audit.entries
        if entry.subject == job.id
    ]
    assert entries[-1] == ("import.retry", "key_1", "request-1")
    for key in ("missing", "missing too"):
        api.world.storage.put("source", key)
    api.world.run(job.id)
    assert api.refusal("POST", path)[:2] == (409, "NOTHING_TO_RETRY")
    assert api.refusal("POST", path, project="other")[:2] == (404, "NOT_FOUND")


@pytest.mark.parametrize("named", [True, False])
def test_a_retry_overrules_failed_checks_and_the_audit_says_what(api: Api, named: bool) -> None:
    api.world.storage.put_body("source", "bad.zip", b"<html>")
    settings = ImportSettings(content_validation=ContentValidation.STRUCTURE)
    job = api.world.run(api.world.submit_list(["bad.zip", "missing"], settings=settings).id)
    body = {"content_validation": "none"} | ({"clip_ids": [f"{job.id}-0"]} if named else {})
    assert api("POST", f"/v1/imports/{job.id}/retry", body)[0] == 202
    api.world.clock.advance(INDEX_LAG_SECONDS)
    api.world.run(job.id)
    bad, missing = api.get(f"/v1/imports/{job.id}/clips")[1]["clips"]
    assert (bad["status"], bad["content"], bad["overruled"]["code"]) == ("COPIED", "invalid", "NOT_A_ZIP")
    assert bad["overruled"]["message"]
    assert (missing["status"], missing["overruled"]) == ("FAILED", None)
    _, trail = api.get(f"/v1/imports/{job.id}/audit")
    assert trail["entries"][0]["details"] == {
        "content_validation": "none",
        "instead_of": "structure",
        "clips": 1 if named else None,
        "clip_ids": [f"{job.id}-0"] if named else None,
    }
    assert trail["entries"][-1]["details"] is None


def test_clips_are_run_again_by_their_code(api: Api) -> None:
    api.world.storage.put_body("source", "bad.zip", b"<html>")
    settings = ImportSettings(content_validation=ContentValidation.STRUCTURE)
    job = api.world.run(api.world.submit_list(["bad.zip", "missing"], settings=settings).id)
    path = f"/v1/imports/{job.id}/retry"
    both = {"codes": ["NOT_FOUND"], "clip_ids": [f"{job.id}-1"]}
    assert api.refusal("POST", path, both)[:2] == (422, "INVALID_REQUEST")
    assert api.refusal("POST", path, {"codes": []})[:2] == (422, "INVALID_REQUEST")
    assert api.refusal("POST", path, {"codes": ["EXISTS"]})[:2] == (409, "NOTHING_TO_RETRY")
    assert api("POST", path, {"codes": ["NOT_A_ZIP"], "content_validation": "none"})[0] == 202
    api.world.clock.advance(INDEX_LAG_SECONDS)
    api.world.run(job.id)
    assert [clip["status"] for clip in api.get(f"/v1/imports/{job.id}/clips")[1]["clips"]] == ["COPIED", "FAILED"]
    assert api.get(f"/v1/imports/{job.id}/audit")[1]["entries"][0]["details"]["codes"] == ["NOT_A_ZIP"]


def test_chosen_clips_are_run_again_once_for_an_idempotency_key(api: Api) -> None:
    job = api.world.run(api.world.submit_list(["a", "b"]).id)
    path, chosen = f"/v1/imports/{job.id}/retry", {"clip_ids": [f"{job.id}-1"]}
    headers = {"Idempotency-Key": "k"}
    for _ in range(2):
        status, again = api("POST", path, chosen, headers=headers)
        assert (status, again["run"]) == (202, 1)
    assert api.refusal("POST", path, {}, headers=headers)[:2] == (409, "IDEMPOTENCY_CONFLICT")
    api.world.run(job.id)
    assert api("POST", path, chosen, headers=headers)[1]["run"] == 1
    assert api.world.job(job.id).run == 1


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"clip_ids": []}, "clip_ids"),
        ({"clip_ids": "x"}, "clip_ids"),
        ({"clip_ids": [1]}, "clip_ids[0]"),
        ({"clip_ids": ["x"] * 10_001}, "10000"),
        ({"clips": ["x"]}, "clips"),
        ({"clip_ids": ["elsewhere-0"]}, "elsewhere-0"),
        ([], "Not an object"),
    ],
)
def test_a_retry_that_cannot_be_is_refused(api: Api, body: object, place: str) -> None:
    job = api.world.run(api.world.submit_list(["a"]).id)
    status, code, detail = api.refusal("POST", f"/v1/imports/{job.id}/retry", body)
    assert (status, code) == (422, "INVALID_REQUEST")
    assert place in detail
    assert api.world.job(job.id) == job


def test_an_ended_import_is_deleted_and_a_running_one_is_not(api: Api) -> None:
    api.world.put_sources(1)
    _, job = api("POST", "/v1/imports", {"exact_paths": ["s3://source/p/000000.zip"]})
    path = f"/v1/imports/{job['id']}"
    assert api.refusal("DELETE", path)[:2] == (409, "NOT_ENDED")
    api.world.run(job["id"])
    assert api.refusal("DELETE", path, project="other")[:2] == (404, "NOT_FOUND")
    assert api("DELETE", path) == (204, None)
    for method, gone in (("DELETE", path), ("GET", path), ("GET", f"{path}/clips"), ("POST", f"{path}/cancel")):
        assert api.refusal(method, gone)[:2] == (404, "NOT_FOUND")
    assert api.get("/v1/imports")[1]["imports"] == []


@pytest.mark.parametrize(("method", "path", "port"), [("POST", "/cancel", "request_cancel"), ("DELETE", "", "delete")])
def test_a_change_that_meets_a_busy_table_may_be_asked_again(api: Api, method: str, path: str, port: str) -> None:
    job = api.world.submit_list(api.world.put_sources(1))
    if method == "DELETE":
        api.world.run(job.id)
    api.world.faults.plan(f"jobs.{port}", [TableBusy("try again")])
    assert api.refusal(method, f"/v1/imports/{job.id}{path}") == (503, "TABLE_BUSY", "try again")
    (retry_after,) = [value for name, value in api.headers.items() if name.lower() == "retry-after"]
    assert "5" in retry_after
    assert api(method, f"/v1/imports/{job.id}{path}")[0] in (202, 204)
