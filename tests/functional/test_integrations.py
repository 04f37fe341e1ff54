"""Credentials of integrations in Secrets Manager, and the sources that are made of them."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from service.aws.clients import secrets_client, sts_client
from service.aws.secrets import IntegrationSecretsManager
from service.domain.errors import CredentialsLost, InvalidRequest, RoleRefused, UnsafeUrl
from service.domain.projects import Integration, IntegrationState, IntegrationType
from service.domain.source_terms import SourceTerms
from service.domain.uris import Location
from service.sources.build import CACHE_SECONDS, MAX_CACHED, CopyRoles, IntegrationSources
from service.sources.hub import HubAdapter
from service.sources.patience import Patience
from service.sources.patient import PatientSource
from service.sources.s3 import S3Adapter
from service.web.addresses import AddressRule
from tests.builders import an_integration
from tests.fakes.integrations import FakeIntegrationSecrets

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

PREFIX = "clipferry/Clipferry/integrations/"
KEYS = json.dumps({"access_key_id": "a", "secret_access_key": "b", "session_token": None})
GOOGLE = an_integration(type=IntegrationType.GCS)
CREATING, READY, DELETING = IntegrationState.CREATING, IntegrationState.READY, IntegrationState.DELETING


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_a_value_is_kept_below_the_prefix_and_deleted_at_once() -> None:
    secrets = IntegrationSecretsManager(secrets_client(), PREFIX)
    assert secrets.put("in_1/a", "one")
    (listed,) = secrets.client.list_secrets(IncludePlannedDeletion=True)["SecretList"]
    assert listed["Name"] == f"{PREFIX}in_1/a"
    secrets.delete("in_1/a")
    assert secrets.client.list_secrets(IncludePlannedDeletion=True)["SecretList"] == []


@pytest.fixture
def stub() -> Iterator[tuple[Stubber, IntegrationSecretsManager]]:
    client: SecretsManagerClient = boto3.client("secretsmanager")
    with Stubber(client) as stubber:
        yield stubber, IntegrationSecretsManager(client, PREFIX)
        stubber.assert_no_pending_responses()


def test_these_are_the_calls(stub: tuple[Stubber, IntegrationSecretsManager]) -> None:
    stubber, secrets = stub
    name = f"{PREFIX}in_1/a"
    description = "Clipferry: credentials of an integration"
    stubber.add_response("create_secret", {}, {"Name": name, "SecretString": "one", "Description": description})
    stubber.add_response("get_secret_value", {"SecretString": "one"}, {"SecretId": name})
    stubber.add_response("delete_secret", {}, {"SecretId": name, "ForceDeleteWithoutRecovery": True})
    assert secrets.put("in_1/a", "one")
    assert secrets.get("in_1/a") == "one"
    secrets.delete("in_1/a")


def test_a_secret_that_is_marked_as_deleted_is_gone_and_other_faults_pass(
    stub: tuple[Stubber, IntegrationSecretsManager],
) -> None:
    stubber, secrets = stub
    stubber.add_client_error("get_secret_value", "InvalidRequestException")
    stubber.add_client_error("delete_secret", "InvalidRequestException")
    assert secrets.get("in_1/a") is None
    secrets.delete("in_1/a")
    for method, ask in (
        ("create_secret", lambda: secrets.put("in_1/a", "one")),
        ("get_secret_value", lambda: secrets.get("in_1/a")),
        ("delete_secret", lambda: secrets.delete("in_1/a")),
    ):
        stubber.add_client_error(method, "AccessDeniedException")
        with pytest.raises(secrets.client.exceptions.ClientError, match="AccessDenied"):
            ask()


# --- sources ---------------------------------------------------------------------------------------------------------


def sources(secrets: dict[str, str] | None = None, **changes: Any) -> IntegrationSources:
    rule = AddressRule(resolve=lambda host, _: ["10.0.0.1" if host.startswith("inside") else "8.8.8.8"])
    made = IntegrationSources(secrets=FakeIntegrationSecrets(values=secrets or {}), rule=rule, sts=sts_client)
    return replace(made, **changes)


def test_a_source_is_kept_briefly_and_no_longer_than_its_credentials() -> None:
    now = [0.0]
    known = {"in_1/0": KEYS}
    made = sources(known, monotonic=lambda: now[0])
    first = made.source_for(an_integration())
    now[0] = CACHE_SECONDS - 1
    known.clear()
    assert made.source_for(an_integration()) is first
    with pytest.raises(CredentialsLost, match="in_1 are gone"):
        made.source_for(an_integration(secret_name="in_1/1"))
    now[0] = CACHE_SECONDS
    with pytest.raises(CredentialsLost):
        made.source_for(an_integration())


def test_not_too_many_are_kept() -> None:
    made = sources({f"in_{n}/0": KEYS for n in range(MAX_CACHED + 1)})
    first = made.source_for(an_integration("in_0"))
    for n in range(1, MAX_CACHED):
        made.source_for(an_integration(f"in_{n}"))
    assert made.source_for(an_integration("in_0")) is first
    made.source_for(an_integration(f"in_{MAX_CACHED}"))
    assert made.source_for(an_integration("in_0")) is not first


def test_each_type_gets_its_adapter() -> None:
    made = sources({"in_1/0": KEYS, "in_2/0": json.dumps({"token": "hf_t"})})
    endpoint = an_integration(endpoint_url="https://store.example.com", region="auto")
    keys = _adapter(made, endpoint)
    assert isinstance(keys, S3Adapter)
    assert (keys.client.meta.endpoint_url, keys.client.meta.region_name) == ("https://store.example.com", "auto")
    with_token = an_integration("in_2", type=IntegrationType.HF_BUCKET, bucket="maker/clips")
    hub = _adapter(made, with_token)
    assert isinstance(hub, HubAdapter)
    assert hub.token == "hf_t"
    public = _adapter(made, replace(with_token, secret_name="in_3/0", with_credentials=False))
    assert isinstance(public, HubAdapter)
    assert public.token is None
    assert "hf_t" not in repr(hub)


def _adapter(made: IntegrationSources, integration: Integration) -> object:
    source = made.source_for(integration)
    assert isinstance(source, PatientSource)
    return source.adapter


@pytest.mark.parametrize(
    ("integration", "credentials", "error", "words"),
    [
        (
            an_integration(endpoint_url="http://store.example.com"),
            KEYS,
            UnsafeUrl,
            "endpoint_url: .* must begin with https",
        ),
        (an_integration(endpoint_url="https://inside.example.com"), KEYS, UnsafeUrl, "endpoint_url: .* public"),
        (an_integration(endpoint_url="https://a:b:c"), KEYS, UnsafeUrl, "endpoint_url: the URL is malformed"),
        (an_integration(region="-"), KEYS, InvalidRequest, "region"),
        (GOOGLE, "{}", UnsafeUrl, "token_uri"),
        (
            GOOGLE,
            '{"token_uri": "https://inside.x/t"}',
            UnsafeUrl,
            "token_uri: .* public",
        ),
        (GOOGLE, '{"token_uri": "https://x/t"}', InvalidRequest, "not the key file"),
    ],
)
def test_what_no_source_can_be_made_of_is_refused(
    integration: Integration, credentials: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        sources().check(integration, credentials)


def test_a_good_endpoint_is_accepted() -> None:
    sources().check(an_integration(endpoint_url="https://store.example.com:9000/s3"), KEYS)
    sources().check(an_integration(type=IntegrationType.S3_ROLE, role_arn="r", external_id="e"), None)


def test_a_role_that_cannot_be_assumed_is_distinguished_from_a_missing_permission() -> None:
    sts = boto3.client("sts")
    role = an_integration(
        type=IntegrationType.S3_ROLE,
        role_arn="arn:aws:iam::222222222222:role/clipferry-read",
        external_id="e" * 32,
        with_credentials=False,
    )
    source = sources(sts=lambda: sts, patience=Patience(attempts=1)).source_for(role)
    asked = {
        "RoleArn": role.role_arn,
        "RoleSessionName": "clipferry",
        "ExternalId": "e" * 32,
        "DurationSeconds": 3600,
    }
    with Stubber(sts) as stubber:
        stubber.add_client_error("assume_role", "AccessDenied", "not authorized", 403, expected_params=asked)
        with pytest.raises(RoleRefused, match=r"the role cannot be assumed: not authorized") as caught:
            next(iter(source.list_pages(Location("s3", "fleet", ""))))
    assert caught.value.code == "CANNOT_ASSUME_ROLE"


@pytest.mark.parametrize("key", ["short", "a" * 44])
def test_a_customer_key_that_is_none_is_refused_when_it_is_saved(key: str) -> None:
    for kind in (IntegrationType.S3, IntegrationType.S3_ROLE):
        with pytest.raises(InvalidRequest, match="customer_key: it must be base64 of 32 bytes"):
            sources().check(an_integration(type=kind), json.dumps(json.loads(KEYS) | {"customer_key": key}))


def test_a_role_with_a_customer_key_copies_inside_s3_with_it() -> None:
    key = base64.b64encode(b"k" * 32).decode()
    role = an_integration(
        type=IntegrationType.S3_ROLE, role_arn="arn:aws:iam::222222222222:role/clipferry-a", requester_pays=True
    )
    made = CopyRoles(
        [str(role.role_arn)],
        sts=sts_client,
        clips_region="us-east-1",
        credentials_of=lambda _: json.dumps({"customer_key": key}),
    )
    clients = made.clients_of(role)
    assert clients is not None
    assert clients.terms == SourceTerms(requester_pays=True, customer_key=key)
    assert key not in repr(clients.terms)
