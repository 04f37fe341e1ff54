"""Pre-flight checks and previews."""

import pytest

from service.domain.errors import AccessDenied, ObjectRejected, SourceUnavailable
from tests.unit.lambdas.api import Api
from tests.unit.lambdas.shapes import SAVED

PREVIEW_FIELDS = {
    "root_path",
    "count",
    "bytes",
    "keys",
    "by_extension",
    "complete",
    "sample",
    "no_clips",
    "outcome",
    "estimate",
}


@pytest.mark.parametrize("path", ["/v1/imports", "/v1/previews"])
def test_a_prefix_that_cannot_be_listed_is_refused_with_a_code_that_says_why(api: Api, path: str) -> None:
    def refused(uri: str = "s3://source/p/") -> tuple[int, str]:
        return api.refusal("POST", path, {"root_path": uri})[:2]

    assert refused("s3://private/p/") == (403, "CANNOT_ACCESS")
    api.world.storage.fail_list["source"] = [AccessDenied("no", operation="list", uri="u")]
    assert refused() == (403, "CANNOT_ACCESS")
    api.world.storage.fail_list["source"] = [SourceUnavailable("slow", operation="list", uri="u")]
    assert refused() == (503, "SOURCE_UNAVAILABLE")
    api.world.storage.fail_list["source"] = [ObjectRejected("odd", operation="list", uri="u")]
    assert refused() == (502, "UNKNOWN_ERROR")
    api.world.storage.fail_list.clear()
    api.world.max_clips = 2
    api.world.put_sources(3)
    assert refused() == (422, "LIMIT_EXCEEDED")
    assert refused("p/") == (422, "INVALID_URI")
    assert not api.world.jobs.rows


def test_a_preview_says_all_of_it_and_creates_nothing(api: Api) -> None:
    api.world.put_sources(25, size=4)
    api.world.run(api.world.submit_list(["p/000000.zip"]).id)
    jobs = len(api.world.jobs.rows)
    status, found = api(
        "POST", "/v1/previews", {"root_path": "s3://source/p/", "run_name_prefix": "r-", "labels": ["l"]}
    )
    assert status == 200
    assert set(found) == PREVIEW_FIELDS
    assert (found["root_path"], found["count"], found["bytes"], found["complete"]) == ("s3://source/p/", 25, 100, True)
    assert len(found["keys"]) == len(found["sample"]) == 20
    assert found["by_extension"] == {".zip": {"count": 25, "bytes": 100}}
    assert found["outcome"] == {
        "to_copy": {"count": 24, "bytes": 96},
        "to_skip": {"count": 1, "bytes": 4, "by_code": {"UNCHANGED": {"count": 1, "bytes": 4}}},
        "to_fail": {"count": 0, "bytes": 0, "by_code": {}},
        "problems": [],
        "archived": {"by_archive": {}, "restore": {}, "tier": None, "hours": None},
    }
    assert found["sample"][:2] == [
        {
            "run_name": "r-000000",
            "source_uri": "s3://source/p/000000.zip",
            "destination": "s3://clips/demo/-/source/p/000000.zip",
            "size": 4,
            "action": "skip",
            "code": "UNCHANGED",
            "message": "the same clip is at the destination already",
        },
        {
            "run_name": "r-000001",
            "source_uri": "s3://source/p/000001.zip",
            "destination": "s3://clips/demo/-/source/p/000001.zip",
            "size": 4,
            "action": "copy",
            "code": None,
            "message": None,
        },
    ]
    assert len(api.world.jobs.rows) == jobs


def test_a_previews_estimate_is_dollars_and_seconds(api: Api) -> None:
    api.world.put_sources(1)
    _, found = api("POST", "/v1/previews", {"root_path": "s3://source/p/"})
    assert found["estimate"] == {
        # Two listings, three state files, the copy; one slice of the manifest.
        "cost": {
            "s3_requests": 0.0000304,
            "lambda": 0.000007841,
            "step_functions": 0.0003,
            "dynamodb": 0.000026375,
            "total": 0.000364616,
        },
        "storage_per_month": 0.0,
        "seconds": 11,
        "currency": "USD",
        "price_region": "us-east-1",
        "prices_as_of": "2026-11-22",
    }


def test_a_list_is_previewed_too(api: Api) -> None:
    status, found = api("POST", "/v1/previews", {"exact_paths": ["s3://source/gone.zip"]})
    assert (status, found["root_path"], found["count"]) == (200, None, 1)
    assert found["outcome"]["problems"][0]["action"] == "fail"
    assert found["outcome"]["to_fail"]["by_code"] == {"NOT_FOUND": {"count": 1, "bytes": 0}}


@pytest.mark.parametrize(
    "body", [{}, {"root_path": "s3://source/", "x": 1}, {"root_path": None}, [], {"exact_paths": []}]
)
def test_a_preview_validates_its_body(api: Api, body: object) -> None:
    assert api.refusal("POST", "/v1/previews", body)[:2] == (422, "INVALID_REQUEST")


def test_a_preview_takes_saved_settings_too(api: Api) -> None:
    _, made = api("POST", SAVED, {"name": "n", "settings": {}})
    api.world.put_sources(1)
    body = {"root_path": "s3://source/p/", "execution_settings_id": made["id"]}
    assert api("POST", "/v1/previews", body)[0] == 200
    body["execution_settings_id"] = "es_nope"
    assert api.refusal("POST", "/v1/previews", body)[:2] == (422, "UNKNOWN_EXECUTION_SETTINGS")
