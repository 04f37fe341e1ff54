"""`/v1/integrations`."""

import json
from typing import Any

import pytest

from service.domain.errors import AccessDenied, CredentialsRejected
from tests.unit.lambdas.api import Api

INTEGRATIONS = "/v1/integrations"

PLANTED = "planted-and-never-shown"

S3_KEYS = {
    "name": "n",
    "type": "s3",
    "bucket": "fleet",
    "access_key_id": f"AKIA-{PLANTED}",
    "secret_access_key": f"secret-{PLANTED}",
    "session_token": f"token-{PLANTED}",
}

ROLE = {"name": "n", "type": "s3_role", "bucket": "fleet", "role_arn": "arn:aws:iam::222222222222:role/clipferry-read"}

ACCOUNT = {"type": "service_account", "private_key": PLANTED, "client_email": "a@b", "token_uri": "https://t"}

GCS_ACCOUNT = {"name": "n", "type": "gcs", "bucket": "fleet", "service_account": ACCOUNT}

HF_TOKEN = {"name": "n", "type": "hf_bucket", "bucket": "maker/clips", "token": f"hf_{PLANTED}"}

INTEGRATION_FIELDS = {
    "id",
    "name",
    "type",
    "bucket",
    "prefix",
    "region",
    "endpoint_url",
    "role_arn",
    "requester_pays",
    "allow_delete",
    "external_id",
    "trust_policy",
    "permission_policy",
    "created_at",
    "created_by",
    "last_used",
}


@pytest.mark.parametrize("body", [S3_KEYS, ROLE, GCS_ACCOUNT, HF_TOKEN])
def test_an_integration_is_saved_read_tested_and_deleted(api: Api, body: dict[str, Any]) -> None:
    status, made = api("POST", INTEGRATIONS, body | {"prefix": "a/"})
    assert (status, set(made)) == (201, INTEGRATION_FIELDS)
    assert (made["type"], made["bucket"], made["prefix"]) == (body["type"], body["bucket"], "a/")
    assert made["created_by"] == "key_1"
    path = f"{INTEGRATIONS}/{made['id']}"
    assert api.get(path) == (200, made)
    assert api.get(INTEGRATIONS) == (200, {"integrations": [made], "next_cursor": None, "has_more": False})
    api.world.sources.source.objects = {"a/clip": b"clip"}
    actions = ("list", "read", "tags") if body["type"].startswith("s3") else ("list", "read")
    works = [{"action": action, "ok": True, "code": None, "message": None} for action in actions]
    assert api("POST", f"{path}/test") == (200, {"ok": True, "checks": works})
    assert api.get(path)[1]["last_used"] is not None
    for method, sub in (("GET", ""), ("DELETE", ""), ("POST", "/test")):
        assert api.refusal(method, path + sub, project="other")[:2] == (404, "NOT_FOUND")
    assert api("DELETE", path) == (204, None)
    assert api.refusal("DELETE", path)[:2] == (404, "NOT_FOUND")
    assert api.world.integration_secrets.values == {}


def test_credentials_are_kept_as_the_sources_read_them(api: Api) -> None:
    for body in (S3_KEYS, GCS_ACCOUNT, HF_TOKEN):
        assert api("POST", INTEGRATIONS, body)[0] == 201
    s3, gcs, hugging_face = (json.loads(text) for text in api.world.integration_secrets.values.values())
    assert s3 == {name: S3_KEYS[name] for name in ("access_key_id", "secret_access_key", "session_token")}
    assert gcs == ACCOUNT
    assert hugging_face == {"token": HF_TOKEN["token"]}


def test_optional_fields_may_be_null(api: Api) -> None:
    keys = {"name": "n", "type": "s3", "bucket": "fleet", "access_key_id": "a", "secret_access_key": "b"}
    nothing = dict.fromkeys(("session_token", "region", "endpoint_url", "prefix"))
    assert api("POST", INTEGRATIONS, keys | nothing)[0] == 201
    hugging_face = {"name": "n", "type": "hf_bucket", "bucket": "maker/clips", "token": None, "prefix": None}
    assert api("POST", INTEGRATIONS, hugging_face)[0] == 201
    endpoint = {"endpoint_url": "https://store.example.com:9000/s3"}
    assert api("POST", INTEGRATIONS, keys | nothing | endpoint)[1]["region"] == "auto"


def test_a_role_comes_with_its_policies_and_nothing_else_does(api: Api) -> None:
    _, made = api("POST", INTEGRATIONS, ROLE)
    condition = made["trust_policy"]["Statement"][0]["Condition"]
    assert condition["StringEquals"] == {"sts:ExternalId": made["external_id"]}
    assert made["permission_policy"]["Statement"][0]["Resource"] == "arn:aws:s3:::fleet"
    _, made = api("POST", INTEGRATIONS, S3_KEYS)
    assert (made["external_id"], made["trust_policy"], made["permission_policy"]) == (None, None, None)


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"name": "n", "bucket": "b"}, "body"),
        (S3_KEYS | {"type": "ftp"}, "body"),
        (without(S3_KEYS, "secret_access_key"), "s3.secret_access_key"),
        (without(S3_KEYS, "name"), "s3.name"),
        (S3_KEYS | {"secret_access_key": f"{PLANTED} with spaces"}, "s3.secret_access_key"),
        (S3_KEYS | {"secret_access_key": PLANTED * 20}, "s3.secret_access_key"),
        (S3_KEYS | {"secret_access_key": [PLANTED]}, "s3.secret_access_key"),
        (S3_KEYS | {"session_token": f"{PLANTED}\r\nX-Header: 1"}, "s3.session_token"),
        (S3_KEYS | {"region": "evil.example.com/"}, "s3.region"),
        (S3_KEYS | {"endpoint_url": "ftp://store.example.com"}, "s3.endpoint_url"),
        (S3_KEYS | {"endpoint_url": "https://user@store.example.com"}, "s3.endpoint_url"),
        (S3_KEYS | {"endpoint_url": "https://store.example.com/?a=b"}, "s3.endpoint_url"),
        (S3_KEYS | {"role_arn": "x"}, "s3.role_arn"),
        (S3_KEYS | {"token": PLANTED}, "s3.token"),
        (without(ROLE, "role_arn"), "s3_role.role_arn"),
        (ROLE | {"external_id": "mine"}, "s3_role.external_id"),
        (GCS_ACCOUNT | {"service_account": PLANTED}, "gcs.service_account"),
        (GCS_ACCOUNT | {"service_account": {"private_key": PLANTED * 800}}, "gcs.service_account"),
        (HF_TOKEN | {"token": f"{PLANTED}\n"}, "hf_bucket.token"),
    ],
)
def test_a_wrong_integration_is_named_without_its_secrets(api: Api, body: object, place: str) -> None:
    status, code, detail = api.refusal("POST", INTEGRATIONS, body)
    assert (status, code) == (422, "INVALID_REQUEST")
    assert detail.startswith(f"{place}: "), detail
    assert place != "body" or "'type'" in detail
    assert PLANTED not in detail
    assert api.world.integrations.rows == {}


def test_an_idempotency_key_saves_one_integration(api: Api) -> None:
    headers = {"Idempotency-Key": "k"}
    first, second = (api("POST", INTEGRATIONS, S3_KEYS, headers=headers) for _ in range(2))
    assert first == second
    other = S3_KEYS | {"secret_access_key": "another"}
    assert api.refusal("POST", INTEGRATIONS, other, headers=headers)[:2] == (409, "IDEMPOTENCY_CONFLICT")


def test_planted_secrets_are_in_no_answer_no_row_and_no_log(
    api: Api, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    world = api.world
    answers: list[Any] = []
    refused = CredentialsRejected("refused", operation="list", uri="s3://fleet/")
    for body in (S3_KEYS, GCS_ACCOUNT, HF_TOKEN):
        for error in (None, refused, AccessDenied("denied", operation="list", uri="s3://fleet/")):
            world.sources.source.errors = {"list": error} if error else {}
            _, made = api("POST", INTEGRATIONS, body)
            path = f"{INTEGRATIONS}/{made['id']}"
            answers += [made, api.get(path), api("POST", f"{path}/test"), api.get(INTEGRATIONS), api.get("/v1/audit")]
        for port in ("integrations.create", "integration_secrets.put", "integrations.settle"):
            world.faults.plan(port, [RuntimeError("no table")])
            answers.append(api("POST", INTEGRATIONS, body))
            assert answers[-1][0] == 500
        answers.append(api("POST", INTEGRATIONS, body | {"more": 1}))
    assert PLANTED in str(world.integration_secrets.values)
    assert PLANTED not in json.dumps(answers)
    assert PLANTED not in repr(world.integrations.rows) + repr(world.audit.entries)
    out, err = capfd.readouterr()
    assert "no table" in out + err + caplog.text, "the logs were looked at"
    assert PLANTED not in out + err + caplog.text


CUSTOMER_KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="


@pytest.mark.parametrize("body", [S3_KEYS, ROLE])
def test_a_customer_key_is_a_credential_and_who_pays_is_none(api: Api, body: dict[str, Any]) -> None:
    status, made = api("POST", INTEGRATIONS, body | {"requester_pays": True, "customer_key": CUSTOMER_KEY})
    assert (status, made["requester_pays"]) == (201, True)
    assert CUSTOMER_KEY not in json.dumps(made)
    (secret,) = api.world.integration_secrets.values.values()
    assert json.loads(secret)["customer_key"] == CUSTOMER_KEY
    (saved,) = api.world.integrations.rows.values()
    assert CUSTOMER_KEY not in repr(saved)


def test_a_bucket_may_be_an_access_point_or_a_dataset(api: Api) -> None:
    for body, bucket in (
        (ROLE, "arn:aws:s3:eu-west-1:222222222222:accesspoint/fleet"),
        (S3_KEYS, "fleet-x1y2-s3alias"),
        (HF_TOKEN, "datasets/maker/clips"),
    ):
        status, made = api("POST", INTEGRATIONS, body | {"bucket": bucket})
        assert (status, made["bucket"]) == (201, bucket), made
    assert api.refusal("POST", INTEGRATIONS, HF_TOKEN | {"bucket": "datasets/maker/clips@main"})[0] == 422
    status, _, detail = api.refusal("POST", INTEGRATIONS, ROLE | {"bucket": "fleet--use1-az4--x-s3"})
    assert (status, "directory buckets" in detail) == (422, True)


@pytest.mark.parametrize("body", [S3_KEYS, ROLE, GCS_ACCOUNT])
def test_what_an_integration_allows_can_change(api: Api, body: dict[str, Any]) -> None:
    _, made = api("POST", INTEGRATIONS, body)
    path = f"{INTEGRATIONS}/{made['id']}"
    assert made["allow_delete"] is False
    for allowed in (True, False):
        assert api("PATCH", path, {"allow_delete": allowed})[1]["allow_delete"] is allowed
        assert api.get(path)[1]["allow_delete"] is allowed
    assert api.refusal("PATCH", path, {"bucket": "other"})[:2] == (422, "INVALID_REQUEST")
    assert api.refusal("PATCH", path, {"allow_delete": True}, project="other")[:2] == (404, "NOT_FOUND")
    changes = [one for one in api.get("/v1/audit")[1]["entries"] if one["action"] == "integration.change"]
    assert [one["details"] for one in changes] == [{"allow_delete": False}, {"allow_delete": True}]
    assert api("POST", INTEGRATIONS, body | {"allow_delete": True})[1]["allow_delete"] is True


def test_nothing_is_deleted_on_hugging_face(api: Api) -> None:
    _, made = api("POST", INTEGRATIONS, HF_TOKEN)
    path = f"{INTEGRATIONS}/{made['id']}"
    assert api.refusal("PATCH", path, {"allow_delete": True})[:2] == (422, "INVALID_REQUEST")
    assert api("PATCH", path, {"allow_delete": False})[0] == 200
    assert api.refusal("POST", INTEGRATIONS, HF_TOKEN | {"allow_delete": True})[:2] == (422, "INVALID_REQUEST")
