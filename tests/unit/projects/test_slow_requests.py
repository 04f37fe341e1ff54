"""A project has a limited number of slow requests under way: all that wait for a store or a name server."""

from typing import Any

import pytest

from service.domain.errors import TooManySlowRequests
from service.projects.slow_requests import LONGEST_SECONDS
from tests.builders import PROJECT, World, an_integration
from tests.fakes.faults import CrashError
from tests.unit.lambdas.api import Api


@pytest.fixture
def api() -> Api:
    return Api(World())


def test_as_many_run_at_once_as_the_limit_says_for_each_project() -> None:
    world = World()
    world.max_slow = 2
    slow = world.slow_requests
    with slow.one(PROJECT), slow.one(PROJECT):
        with (
            pytest.raises(TooManySlowRequests, match="has 2 requests under way"),
            slow.one(PROJECT),
        ):
            pass
        with slow.one("other"):
            pass
    with slow.one(PROJECT), slow.one(PROJECT):
        pass
    assert [turns.rows for turns in world.slow.values()] == [{}, {}]


def test_a_request_that_fails_is_over() -> None:
    world = World()
    world.max_slow = 1
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), world.slow_requests.one(PROJECT):
            raise ZeroDivisionError


def test_a_request_whose_process_died_counts_until_no_function_can_be_at_it() -> None:
    world = World()
    world.max_slow = 1
    world.faults.plan("turns.remove", [CrashError("dead")])
    with pytest.raises(CrashError), world.slow_requests.one(PROJECT):
        pass
    world.clock.advance(LONGEST_SECONDS - 1)
    with pytest.raises(TooManySlowRequests), world.slow_requests.one(PROJECT):
        pass
    world.clock.advance(2)
    with world.slow_requests.one(PROJECT):
        pass


ID = f"in_{'0' * 24}"
PREVIEW = ("POST", "/v1/previews", {"root_path": "s3://source/p/"})
TEST = ("POST", f"/v1/integrations/{ID}/test", None)
IMPORT = ("POST", "/v1/imports", {"root_path": "s3://theirs/p/"})
MANIFEST = ("POST", "/v1/imports", {"manifest_uri": "s3://theirs/m.csv"})
NEW = {"type": "s3", "name": "n", "bucket": "theirs", "access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "s"}
INTEGRATION = ("POST", "/v1/integrations", NEW | {"endpoint_url": "https://store.example.com"})
WATCH = ("POST", "/v1/watches", {"name": "w", "root_path": "s3://source/p/", "schedule": {"every": "1h"}})


@pytest.mark.parametrize(("method", "path", "body"), [PREVIEW, TEST, IMPORT, MANIFEST, INTEGRATION, WATCH])
def test_another_one_is_refused_and_told_when_to_come_again(api: Api, method: str, path: str, body: Any) -> None:
    world = api.world
    world.put_sources(1)
    world.storage.put_body("theirs", "m.csv", b"uri\ns3://theirs/a.zip\n")
    world.integrations.rows[PROJECT, ID] = an_integration(ID, bucket="theirs", prefix=None)
    world.max_slow = 1
    with world.slow_requests.one(PROJECT):
        refused = api.refusal(method, path, body)
        assert (refused[:2], api.headers["Retry-After"]) == ((429, "TOO_MANY_SLOW_REQUESTS"), ["5"])
    assert api(method, path, body)[0] in (200, 201, 202)
    assert not world.slow[PROJECT].rows


def test_a_test_of_a_watch_is_one_of_them(api: Api) -> None:
    world = api.world
    world.put_sources(1)
    asked = {"name": "w", "root_path": "s3://source/p/", "schedule": {"every": "1h"}}
    status, watch = api("POST", "/v1/watches", asked)
    assert status == 201, watch
    world.max_slow = 1
    with world.slow_requests.one(PROJECT):
        refused = api.refusal("POST", f"/v1/watches/{watch['id']}/test")
        assert refused[:2] == (429, "TOO_MANY_SLOW_REQUESTS")
    assert api("POST", f"/v1/watches/{watch['id']}/test")[0] == 200


def test_a_run_of_a_watch_is_one_of_them(api: Api) -> None:
    world = api.world
    world.put_sources(1)
    _, watch = api(*WATCH)
    world.run(watch["last_run"])
    world.max_slow = 1
    with world.slow_requests.one(PROJECT):
        refused = api.refusal("POST", f"/v1/watches/{watch['id']}/run")
        assert refused[:2] == (429, "TOO_MANY_SLOW_REQUESTS")
    assert api("POST", f"/v1/watches/{watch['id']}/run")[0] in (200, 201, 202)


def test_an_unknown_integration_is_not_found_whatever_runs(api: Api) -> None:
    api.world.max_slow = 1
    with api.world.slow_requests.one(PROJECT):
        assert api.refusal("POST", f"/v1/integrations/{ID}/test")[:2] == (404, "NOT_FOUND")


def test_many_imports_at_once_may_come_from_the_deployments_own_buckets(api: Api) -> None:
    api.world.max_slow = 1
    with api.world.slow_requests.one(PROJECT):
        assert api("POST", "/v1/imports", {"root_path": "s3://source/p/"})[0] == 202


def test_a_watch_is_renamed_and_paused_whatever_runs_and_changed_if_there_is_a_turn(api: Api) -> None:
    world = api.world
    _, watch = api(*WATCH)
    world.max_slow = 1
    with world.slow_requests.one(PROJECT):
        path = f"/v1/watches/{watch['id']}"
        assert api("PATCH", path, {"name": "other", "paused": True})[0] == 200
        for body in ({"paused": False}, {"labels": ["l"]}):
            assert api.refusal("PATCH", path, body)[:2] == (429, "TOO_MANY_SLOW_REQUESTS")


def test_a_project_without_room_is_refused_before_its_store_is_asked(api: Api) -> None:
    world = api.world
    world.integrations.rows[PROJECT, ID] = an_integration(ID, bucket="theirs", prefix=None)
    world.max_active = 1
    assert api(*IMPORT)[0] == 202
    asked = world.faults.calls["storage.list_page"]
    assert api.refusal(*IMPORT)[:2] == (429, "QUOTA_EXCEEDED")
    assert world.faults.calls["storage.list_page"] == asked
