"""A project has a limited number of slow requests under way: previews, and tests of integrations."""

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
        with pytest.raises(TooManySlowRequests, match="has 2 previews and tests under way"), slow.one(PROJECT):
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


@pytest.mark.parametrize(("method", "path", "body"), [PREVIEW, TEST])
def test_another_one_is_refused_and_told_when_to_come_again(api: Api, method: str, path: str, body: Any) -> None:
    world = api.world
    world.put_sources(1)
    world.integrations.rows[PROJECT, ID] = an_integration(ID)
    world.max_slow = 1
    with world.slow_requests.one(PROJECT):
        refused = api.refusal(method, path, body)
        assert (refused[:2], api.headers["Retry-After"]) == ((429, "TOO_MANY_SLOW_REQUESTS"), ["5"])
    assert api(method, path, body)[0] == 200
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


def test_an_unknown_integration_is_not_found_whatever_runs(api: Api) -> None:
    api.world.max_slow = 1
    with api.world.slow_requests.one(PROJECT):
        assert api.refusal("POST", f"/v1/integrations/{ID}/test")[:2] == (404, "NOT_FOUND")
