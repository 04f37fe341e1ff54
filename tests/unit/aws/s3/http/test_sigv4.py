"""Signatures are botocore's, to the letter."""

import time
from datetime import UTC, datetime
from types import SimpleNamespace
from urllib.parse import quote, urlencode

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from service.aws.s3.http.sigv4 import Signer

MOMENT = "20261122T170000Z"
HOST = "clips.s3.eu-central-1.amazonaws.com"
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


def frozen(credentials: Credentials) -> ReadOnlyCredentials:
    return credentials.get_frozen_credentials()


def botocores(credentials: Credentials, path: str, query: str, headers: dict[str, str]) -> str:
    url = f"https://{HOST}{path}{'?' + query if query else ''}"
    request = AWSRequest("PUT", url, headers=headers)
    request.context.update(client_config=Config(s3={"payload_signing_enabled": True}), payload_signing_enabled=True)
    S3SigV4Auth(credentials, "s3", "eu-central-1").add_auth(request)
    return str(request.headers["Authorization"])


@pytest.fixture(autouse=True)
def _at_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    be_it(datetime.strptime(MOMENT, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC), monkeypatch)


def be_it(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """For both signers."""
    clock = SimpleNamespace(time=now.timestamp, gmtime=time.gmtime, strftime=time.strftime)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: now)
    monkeypatch.setattr("service.aws.s3.http.sigv4.time", clock)


@given(
    key=keys,
    query=st.dictionaries(st.sampled_from(["partNumber", "uploadId"]), keys),
    metadata=st.dictionaries(st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True), printable, max_size=5),
    token=st.none() | st.from_regex(r"[A-Za-z0-9/+=]{1,60}", fullmatch=True),
)
def test_any_request_has_the_signature_that_botocore_gives_it(
    key: str, query: dict[str, str], metadata: dict[str, str], token: str | None
) -> None:
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
    path = "/" + quote(key, safe="/~")
    asked = urlencode(sorted(query.items()), quote_via=quote, safe="~")
    headers = {"host": HOST, "x-amz-copy-source": "bucket/a%20b", "content-type": "video/mp4"}
    headers |= {f"x-amz-meta-{name}": value for name, value in metadata.items()}
    signed = Signer(credentials, "eu-central-1").sign(frozen(credentials), "PUT", path, asked, headers)
    assert signed["x-amz-date"] == MOMENT
    assert signed.get("x-amz-security-token") == token
    assert signed["authorization"] == botocores(credentials, path, asked, headers)


def test_a_key_serves_for_the_secret_and_the_day_it_was_made_for(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = Credentials("AKIDEXAMPLE", "one", None)
    signer = Signer(credentials, "eu-central-1")
    headers = {"host": HOST}
    first = signer.sign(frozen(credentials), "PUT", "/k", "", headers)["authorization"]
    credentials.secret_key = "two"
    second = signer.sign(frozen(credentials), "PUT", "/k", "", headers)["authorization"]
    assert second == botocores(credentials, "/k", "", headers) != first
    be_it(datetime(2026, 11, 23, tzinfo=UTC), monkeypatch)
    third = signer.sign(frozen(credentials), "PUT", "/k", "", headers)
    assert third["x-amz-date"] == "20261123T000000Z"
    assert third["authorization"] == botocores(credentials, "/k", "", headers)
