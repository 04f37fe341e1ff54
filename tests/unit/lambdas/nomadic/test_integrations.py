"""Cloud integrations: the saved ones of the project, in the shape of these SDKs."""

import json
from typing import Any

import pytest

from service.domain.jobs import Door
from tests.builders import an_integration
from tests.unit.lambdas.nomadic.conftest import Sdk

PATH = "/api/cloud-integrations"
FIELDS = {
    *("id", "name", "type", "bucket", "prefix", "region", "endpoint_url", "role_arn", "created_at", "last_used"),
    *("created_by", "created_by_display_name", "is_owner"),
}
BODIES: dict[str, dict[str, Any]] = {
    "s3": {
        "name": "n",
        "type": "s3",
        "access_key_id": "AKIA",
        "secret_access_key": "planted",
        "session_token": None,
        "region": "auto",
        "endpoint_url": "https://store.example",
        "bucket": "fleet",
        "prefix": None,
        "new_field": 1,
    },
    "gcs": {"name": "n", "type": "gcs", "service_account": {"private_key": "planted"}, "bucket": "fleet"},
    "hf-bucket": {"name": "n", "type": "hf_bucket", "token": "planted", "bucket": "maker/clips", "prefix": "a/"},
}


@pytest.mark.parametrize("kind", BODIES)
def test_one_is_added_listed_and_deleted(sdk: Sdk, kind: str) -> None:
    status, made = sdk("POST", f"{PATH}/{kind}", BODIES[kind])
    assert status == 201
    assert set(made) == FIELDS
    assert (made["created_by"], made["created_by_display_name"], made["is_owner"]) == ("key_1", "the fleet's", True)
    assert made["type"] == BODIES[kind]["type"]
    listed = sdk.get(PATH)
    assert listed == [made]
    assert "planted" not in json.dumps(listed)
    assert sdk("DELETE", f"{PATH}/{made['id']}") == (200, {"status": "deleted", "id": made["id"]})
    assert sdk.get(PATH) == []
    assert sdk.refusal("DELETE", f"{PATH}/{made['id']}")[0] == 404
    assert {entry.by.door for entry in sdk.world.jobs.audit} == {Door.NOMADICML}


def test_another_keys_integration_is_not_the_callers(sdk: Sdk) -> None:
    for number, maker in enumerate(("key_gone", None)):
        one = an_integration(f"in_{number:024x}", created_by=maker)
        sdk.world.integrations.rows["demo", one.id] = one
    for shown in sdk.get(PATH):
        assert (shown["is_owner"], shown["created_by_display_name"]) == (False, None)


def test_the_same_request_saves_once(sdk: Sdk) -> None:
    first, again = (sdk("POST", f"{PATH}/s3", BODIES["s3"], headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert first == again


@pytest.mark.parametrize(
    ("kind", "changes"),
    [("s3", {"secret_access_key": None}), ("gcs", {"service_account": "text"}), ("hf-bucket", {"bucket": "no"})],
)
def test_what_is_wrong_is_said_without_secrets(sdk: Sdk, kind: str, changes: dict[str, object]) -> None:
    status, detail = sdk.refusal("POST", f"{PATH}/{kind}", BODIES[kind] | changes)
    assert status == 422
    assert "planted" not in detail
