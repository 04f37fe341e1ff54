"""Saved integrations on a store that speaks S3, started here with credentials of its own."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from local import aws
from local.stack import Stack
from service.sources.s3 import client_config
from tests.e2e.support import all_rows
from tests.servers.seaweed import ADMIN, READER, seaweed

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from tests.e2e.conftest import Api


PATH = "/v1/integrations"
WRONG = "wrong-secret-never-shown"
PREFIX = "clipferry/"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a store with `clips`, which the reader may read, and `private`, which it may not."""
    with seaweed(tmp_path_factory.mktemp("store") / "seaweed") as url:
        admin = boto3.client(
            "s3",
            endpoint_url=url,
            aws_access_key_id=ADMIN.access_key_id,
            aws_secret_access_key=ADMIN.secret_access_key,
            region_name="us-east-1",
            config=client_config(connections=4, path_style=True),
        )
        for bucket in ("clips", "private"):
            admin.create_bucket(Bucket=bucket)
            admin.put_object(Bucket=bucket, Key="a/clip.zip", Body=b"clip")
        yield url


@pytest.fixture(scope="module")
def secrets(stack: Stack) -> "SecretsManagerClient":
    return aws.session().client("secretsmanager", endpoint_url=stack.aws_endpoint_url, config=aws.CONFIG)


def body(store: str, **changes: object) -> dict[str, Any]:
    keys = {"access_key_id": READER.access_key_id, "secret_access_key": READER.secret_access_key}
    return {"name": "store", "type": "s3", "bucket": "clips", "endpoint_url": store, **keys, **changes}


def saved(api: "Api", request: dict[str, Any], **headers: str) -> dict[str, Any]:
    answer: dict[str, Any]
    status, answer = api("POST", PATH, request, headers=headers)
    assert status == 201, answer
    return answer


def tried(api: "Api", made: dict[str, Any]) -> tuple[list[tuple[str, str | None]], list[dict[str, Any]]]:
    status, answer = api.post(f"{PATH}/{made['id']}/test", None)
    assert status == 200, answer
    assert answer["ok"] == all(check["ok"] for check in answer["checks"] if check["action"] != "tags")
    return [(check["action"], check["code"]) for check in answer["checks"]], answer["checks"]


def kept(secrets: "SecretsManagerClient") -> set[str]:
    """Names of the secrets of integrations."""
    pages = secrets.get_paginator("list_secrets").paginate()
    names = (one["Name"] for page in pages for one in page["SecretList"])
    return {name for name in names if name.startswith(PREFIX)}


def test_one_is_saved_tested_listed_and_deleted_with_its_secret(
    team: "Api", store: str, secrets: "SecretsManagerClient"
) -> None:
    before = kept(secrets)
    made = saved(team, body(store, prefix="a/"))
    assert made["id"].startswith("in_")
    assert (made["region"], made["endpoint_url"], made["last_used"]) == ("auto", store, None)
    (name,) = kept(secrets) - before
    assert made["id"] in name
    assert json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])["access_key_id"] == READER.access_key_id
    assert tried(team, made)[0] == [("list", None), ("read", None), ("tags", None)]
    (shown,) = all_rows(team, PATH, "integrations", limit=1)
    assert shown["last_used"] is not None
    assert shown | {"last_used": None} == made
    assert team.get(f"{PATH}/{made['id']}") == (200, shown)
    assert team("DELETE", f"{PATH}/{made['id']}")[0] == 204
    assert kept(secrets) == before
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/test")):
        status, answer = team(method, f"{PATH}/{made['id']}{path}")
        assert (status, answer["code"]) == (404, "NOT_FOUND")
    actions = [entry["action"] for entry in all_rows(team, "/v1/audit", "entries")]
    assert actions == ["integration.delete", "integration.test", "integration.create", "key.create"]


@pytest.mark.parametrize(
    ("changes", "expected", "words"),
    [
        ({"secret_access_key": WRONG}, ["CREDENTIALS_REJECTED", "NOT_TRIED"], "s3://clips/"),
        ({"access_key_id": "NOBODY"}, ["CREDENTIALS_REJECTED", "NOT_TRIED"], "s3://clips/"),
        ({"bucket": "private"}, ["CANNOT_ACCESS", "NOT_TRIED"], "the missing permission is s3:ListBucket"),
        ({"prefix": "nothing/"}, [None, "NOT_TRIED"], "no object with content"),
        ({"endpoint_url": "http://127.0.0.1:9"}, ["SOURCE_UNAVAILABLE", "NOT_TRIED"], "the connection failed"),
    ],
)
def test_a_test_says_what_does_not_work(
    team: "Api", store: str, changes: dict[str, Any], expected: list[str | None], words: str
) -> None:
    codes, checks = tried(team, saved(team, body(store, **changes)))
    assert codes == list(zip(("list", "read", "tags"), [*expected, "NOT_TRIED"], strict=True))
    told = next(check["message"] for check in checks if check["message"])
    assert words in told
    assert WRONG not in json.dumps(checks)


def test_a_role_comes_with_its_policies_and_must_be_named_for_us(team: "Api", stack: Stack) -> None:
    request = {
        "name": "account",
        "type": "s3_role",
        "bucket": stack.source_bucket,
        "role_arn": "arn:aws:iam::222222222222:role/clipferry-read",
    }
    made = saved(team, request)
    statement = made["trust_policy"]["Statement"][0]
    assert statement["Condition"]["StringEquals"] == {"sts:ExternalId": made["external_id"]}
    assert statement["Principal"]["AWS"].endswith(":root")
    status, answer = team.post(PATH, request | {"role_arn": "arn:aws:iam::222222222222:role/Admin"})
    assert (status, answer["code"]) == (422, "INVALID_REQUEST")


def test_an_idempotency_key_saves_once(team: "Api", store: str, secrets: "SecretsManagerClient") -> None:
    before = kept(secrets)
    first, again = (saved(team, body(store), **{"Idempotency-Key": "k"}) for _ in range(2))
    assert first == again
    assert len(kept(secrets) - before) == 1
    status, answer = team("POST", PATH, body(store, secret_access_key=WRONG), headers={"Idempotency-Key": "k"})
    assert (status, answer["code"]) == (409, "IDEMPOTENCY_CONFLICT")


def test_another_projects_integrations_are_not_there(api: "Api", team: "Api", store: str) -> None:
    made = saved(api, body(store))
    assert team.get(f"{PATH}/{made['id']}")[0] == 404
    assert team("DELETE", f"{PATH}/{made['id']}")[0] == 404
    assert team.post(f"{PATH}/{made['id']}/test", None)[0] == 404
    assert team.get(PATH)[1]["integrations"] == []
    assert api("DELETE", f"{PATH}/{made['id']}")[0] == 204
