"""Credentials of integrations are in Secrets Manager, and nowhere else: planted, used, and searched for."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from local import aws
from local.stack import Stack
from tests.e2e.conftest import Api
from tests.e2e.secretsearch import kept_places, where
from tests.e2e.support import all_clips, all_rows, eventually, imported, receiver, report, settled, unique
from tests.servers.gate import Answer
from tests.sources.stores import Store

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient


PATH = "/v1/integrations"
CANARIES = tuple(f'canary "{n}" + 50%/~' for n in range(3))
"""No secrets: labels of an import, each planted in another form, to show that secrets would be found."""


class Overheard(Api):
    """Keeps every answer, as text."""

    def __init__(self, base_url: str, key: str) -> None:
        super().__init__(base_url, key)
        self.heard: list[str] = []

    def __call__(self, *arguments: Any, **options: Any) -> tuple[int, Any]:
        status, body = super().__call__(*arguments, **options)
        self.heard.append(json.dumps(body, ensure_ascii=False))
        return status, body


@dataclass
class Searched:
    """The planted secrets, and all places that could have stored them."""

    kept: set[str] = field(default_factory=set)
    """Secrets of saved integrations."""
    refused: set[str] = field(default_factory=set)
    """Secrets of rejected requests."""
    derived: set[str] = field(default_factory=set)
    """Secrets that stores issue for credentials."""
    jobs: list[str] = field(default_factory=list)
    vault: dict[str, str] = field(default_factory=dict)
    """Secrets Manager, before and after the integrations were deleted."""
    places: dict[str, str] = field(default_factory=dict)


def secrets_of(body: dict[str, Any]) -> set[str]:
    """The values that are secret in a request, and each line of a private key."""
    account = body.get("service_account", {})
    given = [body.get(name) for name in ("access_key_id", "secret_access_key", "session_token", "token")]
    lines = [line for line in account.get("private_key", "").splitlines() if len(line) > 30]
    return {value for value in (*given, account.get("private_key_id"), *lines) if value}


def vault(stack: Stack, ids: Iterable[str]) -> str:
    """Return Secrets Manager's secrets of these integrations."""
    client = aws.secrets(stack.aws_endpoint_url)
    names = [one["Name"] for page in client.get_paginator("list_secrets").paginate() for one in page["SecretList"]]
    names = [name for name in names if any(id_ in name for id_ in ids)]
    return "\n".join(client.get_secret_value(SecretId=name)["SecretString"] for name in names)


@pytest.fixture(scope="module")
def searched(
    api: "Api",
    admin: "Api",
    stack: Stack,
    s3: "S3Client",
    dynamodb: "DynamoDBClient",
    stepfunctions: "SFNClient",
    provider_stores: Mapping[str, Store],
) -> Iterator[Searched]:
    """Everything that a project does with integrations of every kind, good and wrong ones."""
    _, key = admin.post("/v1/keys", {"project": unique("secretive"), "name": "test"})
    team, found = Overheard(api.base_url, key["key"]), Searched()
    stores = {name: provider_stores[name] for name in ("s3", "gcs", "hf")}
    plant(team, stores, found)
    ids = [made["id"] for made in all_rows(team, PATH, "integrations", limit=2)]
    for id_ in ids:
        assert team.get(f"{PATH}/{id_}")[0] == 200
        assert team.post(f"{PATH}/{id_}/test", None)[0] == 200
    with receiver() as (url, got):
        use(team, stores, found, url)
        eventually(lambda: len(got) == 2, what="both webhooks")
    found.vault["before"] = vault(stack, ids)
    for id_ in ids:
        assert team("DELETE", f"{PATH}/{id_}")[0] == 204
    found.vault["after"] = vault(stack, ids)
    all_rows(team, "/v1/audit", "entries")
    found.places = {
        "answers": "\n".join(team.heard),
        "webhooks": "\n".join(f"{path} {headers} {body.decode()}" for path, headers, body in got),
        **kept_places(stack, s3, dynamodb, stepfunctions, found.jobs),
    }
    yield found
    for store in provider_stores.values():
        store.reset()


def plant(team: "Overheard", stores: Mapping[str, Store], found: Searched) -> None:
    """Good and wrong integrations of each store, one of a store that nobody serves, and requests that are refused."""
    for store in stores.values():
        for credentials in ("good", "wrong"):
            body = store.integration(credentials) | ({"prefix": "wrong/"} if credentials == "wrong" else {})
            if credentials == "wrong" and store.name == "s3":
                body |= {"secret_access_key": unique("wrong-secret"), "session_token": unique("wrong/session+token==")}
            if credentials == "wrong" and store.name == "hf":
                body["token"] = unique("hf_wrong")
            status, _ = team.post(PATH, {"name": store.name, **body})
            assert status == 201
            found.kept |= secrets_of(body)
    nowhere = {
        "type": "s3",
        "bucket": "nowhere",
        "endpoint_url": "http://127.0.0.1:9",
        "access_key_id": unique("NOWHERE"),
        "secret_access_key": unique("nowhere/secret"),
        "session_token": unique("nowhere/session"),
    }
    assert team.post(PATH, {"name": "nowhere", **nowhere})[0] == 201
    found.kept |= secrets_of(nowhere)
    spaced = unique("refused secret with spaces")
    planted = unique("refused")
    account = {"type": "service_account", "private_key": planted, "private_key_id": planted, "client_email": planted}
    for body in (
        nowhere | {"secret_access_key": spaced},
        nowhere | {"token": planted},
        {"type": "gcs", "bucket": "clips", "service_account": account},
        {"type": "gcs", "bucket": "clips", "service_account": json.dumps(account)},
        {"type": "hf_bucket", "bucket": "maker/clips", "token": [planted]},
    ):
        assert team.post(PATH, {"name": "refused", **body})[0] == 422
    found.refused = {spaced, planted}


def use(team: "Overheard", stores: Mapping[str, Store], found: Searched, webhook_url: str) -> None:
    """Previews, imports that work and that fail in all ways, a retry, reports, a deletion."""
    prefix, paths = unique("clips"), []
    for store in stores.values():
        for key in (f"{prefix}/a.zip", f"{prefix}/b.zip"):
            store.put(key, b"a clip")
        paths += [str(store.at(key)) for key in (f"{prefix}/a.zip", f"{prefix}/b.zip", f"{prefix}/gone", "wrong/a.zip")]
        # The next reads of bytes meet a store that is ill.
        store.fail_bytes(Answer(503), Answer(500))
        for path, status in (("/v1/previews", 403), ("/v1/imports", 403)):
            assert team.post(path, {"root_path": str(store.at("wrong/"))})[0] == status
    plain, second, third = CANARIES
    labels = [plain, quote(second, safe=""), base64.b64encode(f"?{third}?".encode()).decode()]
    request = {
        "exact_paths": [*paths, "s3://nowhere/a.zip"],
        "labels": labels,
        "settings": {"notify": {"webhook_url": webhook_url}},
    }
    assert team.post("/v1/previews", request)[0] == 200
    job = imported(team, **request)
    found.jobs.append(job["id"])
    codes = [clip["code"] for clip in all_clips(team, job["id"])]
    assert codes == [None, None, "NOT_FOUND", "CREDENTIALS_REJECTED"] * 3 + ["SOURCE_UNAVAILABLE"]
    assert team.post(f"/v1/imports/{job['id']}/retry", None)[0] == 202
    settled(team, job["id"])
    for form in ("csv", "jsonl", "summary", "failures"):
        team.heard.append(report(team, job, form).decode())
    other = imported(team, root_path=str(stores["gcs"].at(f"{prefix}/")), folder="again")
    assert other["counts"]["copied"] == 2
    assert team("DELETE", f"/v1/imports/{other['id']}")[0] == 204
    found.jobs.append(other["id"])
    google, hub = stores["gcs"], stores["hf"]
    asked = [header for one in google.front.requests if (header := one.headers.get("Authorization"))]
    found.derived |= {header.removeprefix("Bearer ") for header in asked}
    found.derived |= {one.path.partition("=")[2] for one in hub.bytes_gate.requests if "X-Signature=" in one.path}
    assert len(found.derived) > 4


def test_secrets_manager_has_what_was_planted_until_it_is_deleted(searched: Searched) -> None:
    assert where(searched.kept, searched.vault) == {"before": searched.kept}, "and so the search finds what is there"
    assert where(searched.refused, searched.vault) == {}


def test_nothing_of_it_is_anywhere_else(searched: Searched) -> None:
    assert where(searched.kept | searched.refused | searched.derived, searched.places) == {}


def test_the_search_reads_what_it_is_said_to_read(searched: Searched) -> None:
    found = where([searched.jobs[0]], searched.places)
    for place in ("answers", "webhooks", "table", "state bucket", "executions"):
        assert place in found
    for function in ("Plan", "Copy", "Finish"):
        assert any(place.startswith(f"log Pipeline{function}") for place in found), found.keys()


def test_the_search_knows_a_secret_in_each_form(searched: Searched) -> None:
    found = where(CANARIES, searched.places)
    assert found["answers"] == found["table"] == set(CANARIES)
    for text in CANARIES:
        for hidden in (
            text,
            json.dumps(text),
            quote(text),
            *(base64.b64encode(b"?" * n + text.encode()) for n in range(3)),
        ):
            assert where([text], {"place": f"before{hidden}after"}) == {"place": {text}}
