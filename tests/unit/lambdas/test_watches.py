"""`/v1/watches`."""

from typing import Any

import pytest

from service.domain.errors import AccessDenied
from service.imports.watches.tick import tick
from tests.builders import SOURCE_BUCKET
from tests.unit.lambdas.api import Api

ROOT = f"s3://{SOURCE_BUCKET}/p/"
BODY = {"name": "fleet", "root_path": ROOT, "schedule": {"every": "15m"}}


def made(api: Api, **changes: Any) -> dict[str, Any]:
    status, watch = api("POST", "/v1/watches", BODY | changes)
    assert status == 201, watch
    found: dict[str, Any] = watch
    return found


def test_a_watch_is_made_shown_changed_run_and_deleted(api: Api) -> None:
    watch = made(api, labels=["a"], schedule={"cron": "0 2 * * *", "time_zone": "Europe/Berlin"})
    assert watch["schedule"] == {"cron": "0 2 * * *", "time_zone": "Europe/Berlin", "every": None}
    assert (watch["status"], watch["events"], watch["events_setup"], watch["failure"]) == ("ACTIVE", False, None, None)
    [run] = watch["runs"]
    assert (run["id"], run["cause"], run["status"]) == (watch["last_run"], "first", "PENDING")
    status, job = api.get(f"/v1/imports/{run['id']}")
    assert (status, job["trigger"], job["door"], job["watch_id"]) == (200, "watch", "watch", watch["id"])
    path = f"/v1/watches/{watch['id']}"
    assert api.get(path)[1]["id"] == watch["id"]
    assert [one["id"] for one in api.get("/v1/watches")[1]["watches"]] == [watch["id"]]
    status, changed = api("PATCH", path, {"name": "new", "schedule": {"every": "1h"}})
    assert (status, changed["name"], changed["schedule"]["every"], changed["labels"]) == (200, "new", "1h", ["a"])
    assert api("PATCH", path, {"paused": True})[1]["status"] == "PAUSED"
    assert api.refusal("POST", f"{path}/run")[:2] == (422, "INVALID_REQUEST")
    assert api("PATCH", path, {"paused": False})[1]["status"] == "ACTIVE"
    assert api("POST", f"{path}/run")[0] == 202
    assert api("DELETE", path)[0] == 204
    assert api.refusal("GET", path)[:2] == (404, "NOT_FOUND")
    assert {entry["action"] for entry in api.get("/v1/audit")[1]["entries"]} >= {
        "watch.create",
        "watch.change",
        "watch.delete",
    }


def test_the_query_of_a_webhook_is_kept_by_a_change_of_other_settings(api: Api) -> None:
    watch = made(api, settings={"notify": {"webhook_url": "https://hooks.example/a?token=t"}})
    shown = watch["settings"]["notify"]["webhook_url"]
    assert shown == "https://hooks.example/a"
    for given, stored in (
        (shown, "https://hooks.example/a?token=t"),
        ("https://hooks.example/b?token=u", "https://hooks.example/b?token=u"),
        (None, None),
    ):
        body = {"settings": {"keep_tags": False, "notify": {"webhook_url": given}}}
        assert api("PATCH", f"/v1/watches/{watch['id']}", body)[0] == 200
        found = api.world.watches.get("demo", watch["id"])
        assert found is not None
        assert (found.settings.notify.webhook_url, found.settings.keep_tags) == (stored, False)


def test_a_watch_with_events_says_what_to_switch_on_and_its_test_whether_it_is(api: Api) -> None:
    watch = made(api, events=True, schedule=None)
    assert "EventBridge" in watch["events_setup"]
    status, found = api("POST", f"/v1/watches/{watch['id']}/test")
    assert (status, found["ok"], [check["code"] for check in found["checks"]]) == (200, False, [None, "EVENTS_OFF"])
    api.world.bucket_events.on.add(SOURCE_BUCKET)
    assert api("POST", f"/v1/watches/{watch['id']}/test")[1]["ok"]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"schedule": None}, 422, "INVALID_REQUEST"),
        ({"schedule": {"every": "10s"}}, 422, "INVALID_SCHEDULE"),
        ({"schedule": {"cron": "0 2 * * *", "time_zone": "Nowhere"}}, 422, "INVALID_SCHEDULE"),
        ({"schedule": {"cron": "0 2 * * *", "every": "1m"}}, 422, "INVALID_SCHEDULE"),
        ({"root_path": "s3://clips/demo/"}, 422, "INVALID_REQUEST"),
        ({"root_path": "s3://elsewhere/"}, 403, "CANNOT_ACCESS"),
        ({"root_path": "gs://elsewhere/", "events": True}, 422, "EVENTS_UNAVAILABLE"),
        ({"settings": {}, "execution_settings_id": "es_" + "0" * 24}, 422, "INVALID_REQUEST"),
        ({"execution_settings_id": "es_" + "0" * 24}, 422, "UNKNOWN_EXECUTION_SETTINGS"),
        ({"nonsense": 1}, 422, "INVALID_REQUEST"),
    ],
)
def test_a_watch_that_could_not_run_is_refused_with_a_code(
    api: Api, changes: dict[str, Any], status: int, code: str
) -> None:
    assert api.refusal("POST", "/v1/watches", BODY | changes)[:2] == (status, code)
    assert api.get("/v1/watches")[1]["watches"] == []


def test_a_preset_and_settings_take_each_others_place(api: Api) -> None:
    _, preset = api("POST", "/v1/execution-settings", {"name": "p", "settings": {}})
    watch = made(api, execution_settings_id=preset["id"])
    assert watch["execution_settings_id"] == preset["id"]
    path = f"/v1/watches/{watch['id']}"
    changed = api("PATCH", path, {"settings": {"on_existing": "fail"}})[1]
    assert (changed["execution_settings_id"], changed["settings"]["on_existing"]) == (None, "fail")


def test_a_failing_watch_says_so(api: Api) -> None:
    watch = made(api)
    world = api.world
    world.run(watch["last_run"])
    world.storage.fail_list[SOURCE_BUCKET] = [AccessDenied("no", operation="list", uri=ROOT)]
    path = f"/v1/watches/{watch['id']}"
    assert api.refusal("POST", f"{path}/run")[:2] == (403, "CANNOT_ACCESS")

    world.clock.advance(3_600)
    tick(world.tick_ports)
    shown = api.get(path)[1]
    assert (shown["status"], shown["failure"]["code"], shown["failure"]["attempts"]) == ("FAILING", "CANNOT_ACCESS", 1)
    assert shown["lag_seconds"] is not None


def test_another_projects_watch_is_not_there(api: Api) -> None:
    watch = made(api)
    path = f"/v1/watches/{watch['id']}"
    for method, body in (("GET", None), ("PATCH", {"paused": True}), ("DELETE", None)):
        assert api(method, path, body, project="other")[0] == 404
