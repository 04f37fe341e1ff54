"""`/v1/audit`."""

from service.domain.ids import new_job_id
from tests.unit.lambdas.api import Api
from tests.unit.lambdas.shapes import LIST


def test_each_change_is_recorded_with_its_request_before_it_is_made(api: Api) -> None:
    world = api.world
    job = world.run(world.submit_list(world.put_sources(1)).id)
    api("POST", f"/v1/imports/{job.id}/cancel")
    api("DELETE", f"/v1/imports/{job.id}")
    _, page = api.get("/v1/audit")
    assert [(one["action"], one["subject"]) for one in page["entries"]] == [
        ("import.delete", job.id),
        ("import.cancel", job.id),
        ("import.start", job.id),
    ]
    newest = page["entries"][0]
    assert set(newest) == {"id", "time", "action", "subject", "door", "key_id", "request_id", "details"}
    assert (newest["door"], newest["key_id"], newest["request_id"]) == ("api", "key_1", "request-1")
    assert api.get("/v1/audit", subject=job.id)[1]["entries"] == page["entries"]
    assert api("GET", "/v1/audit", project="other")[1]["entries"] == []


def test_nothing_is_cancelled_or_deleted_where_the_entry_cannot_be_written(api: Api) -> None:
    _, job = api("POST", "/v1/imports", LIST)
    for method, path in (("POST", f"/v1/imports/{job['id']}/cancel"), ("DELETE", f"/v1/imports/{job['id']}")):
        api.world.faults.plan("audit.add", [RuntimeError("no table")])
        assert api.refusal(method, path)[:2] == (500, "INTERNAL")
    assert not api.world.job(job["id"]).cancel_requested


def test_an_import_shows_its_own_entries(api: Api) -> None:
    _, job = api("POST", "/v1/imports", LIST)
    api("POST", "/v1/imports", LIST)
    assert (job["door"], job["key_id"]) == ("api", "key_1")
    status, page = api.get(f"/v1/imports/{job['id']}/audit")
    assert (status, [one["subject"] for one in page["entries"]]) == (200, [job["id"]])
    assert page["entries"][0]["request_id"] == "request-1"
    assert api.refusal("GET", f"/v1/imports/{job['id']}/audit", project="other")[:2] == (404, "NOT_FOUND")
    assert api.refusal("GET", "/v1/audit", project="")[:2] == (403, "FORBIDDEN")


def test_what_is_not_there_leaves_no_entry(api: Api) -> None:
    for method, path in (("POST", f"/v1/imports/{new_job_id()}/cancel"), ("DELETE", f"/v1/imports/{new_job_id()}")):
        assert api.refusal(method, path)[:2] == (404, "NOT_FOUND")
    assert api.get("/v1/audit")[1]["entries"] == []
