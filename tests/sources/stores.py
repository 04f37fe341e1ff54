"""The providers for the conformance suite: put an object into the store, read it with the product's client."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import boto3
import urllib3
from cryptography.hazmat.primitives.asymmetric import rsa

from service.domain.uris import Location, Scheme
from service.sources.gcs import gcs_with_account
from service.sources.hub import HubAdapter
from service.sources.patience import Patience
from service.sources.patient import PatientSource
from service.sources.port import Adapter
from service.sources.s3 import S3Keys, client_config, s3_with_keys
from service.web.addresses import AddressRule
from tests.servers.fake_gcs import fake_gcs
from tests.servers.gate import Answer, Fault, Gate, Request, gate_to
from tests.servers.google import Google, google_accounts
from tests.servers.hub import Hub, hub
from tests.servers.seaweed import ADMIN, READER, seaweed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PROVIDERS = ("s3", "gcs", "hf", "hf-public")
TOKEN = "hf_never-shown-in-any-message"
LANDING = "landing"
"""The clips bucket, in SeaweedFS, without a gate."""
ANYWHERE = AddressRule(allow_private=True)
EXPIRED = b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
PAGE = 3


@dataclass
class Store:
    name: str
    scheme: Scheme
    bucket: str
    forbidden: str
    """An existing bucket that the good credentials may not read."""
    put: Callable[[str, bytes], None]
    adapter: Callable[[str], Adapter]
    """Makes an adapter with these credentials: `good` or `wrong`."""
    integration: Callable[[str], dict[str, Any]]
    """The body of `POST /v1/integrations` for the same credentials; empty if no credentials are needed."""
    expire: Callable[[], None]
    """Makes the good credentials expire."""
    front: Gate
    """Gate in front of all requests."""
    bytes_gate: Gate
    """Gate in front of the objects' bytes."""
    is_bytes: Callable[[Request], bool]
    secrets: tuple[str, ...]
    odd_key: str = "odd/ä +%25?&=#~'\" ()[]*:;,@!$日本.zip"
    restore: Callable[[], None] = lambda: None
    slept: list[float] = field(default_factory=list)

    def source(self, credentials: str = "good") -> PatientSource:
        return PatientSource(self.adapter(credentials), Patience(sleep=self.slept.append))

    def at(self, key: str, bucket: str | None = None) -> Location:
        return Location(self.scheme, bucket or self.bucket, key)

    def fail_bytes(self, *faults: Fault) -> None:
        self.bytes_gate.fail(*faults, matches=self.is_bytes)

    def reset(self) -> None:
        self.restore()
        self.front.reset()
        self.bytes_gate.reset()
        self.slept.clear()


@dataclass
class Stores:
    landing: "S3Client"
    by_name: dict[str, Store]


def start_stores(stack: ExitStack, folder: Path) -> Stores:
    endpoint = stack.enter_context(seaweed(folder / "seaweed"))
    admin = _admin(endpoint)
    for bucket in ("clips", "private", LANDING):
        admin.create_bucket(Bucket=bucket)
    admin.put_object(Bucket="private", Key="clip", Body=b"private")
    s3 = _s3(admin, stack.enter_context(gate_to(endpoint)))
    gcs = _gcs(stack, folder)
    private, public = _hub(stack)
    return Stores(admin, {store.name: store for store in (s3, gcs, private, public)})


def _admin(endpoint: str) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=ADMIN.access_key_id,
        aws_secret_access_key=ADMIN.secret_access_key,
        region_name="us-east-1",
        config=client_config(connections=16, path_style=True),
    )


def _s3(admin: "S3Client", gate: Gate) -> Store:
    def keys(credentials: str) -> dict[str, Any]:
        return {
            "access_key_id": READER.access_key_id,
            "secret_access_key": READER.secret_access_key if credentials == "good" else "wrong-secret-never-shown",
            "endpoint_url": gate.url,
        }

    def adapter(credentials: str) -> Adapter:
        return replace(s3_with_keys(S3Keys(**keys(credentials)), rule=ANYWHERE), page_objects=PAGE)

    return Store(
        name="s3",
        scheme="s3",
        bucket="clips",
        forbidden="private",
        put=lambda key, data: _done(admin.put_object(Bucket="clips", Key=key, Body=data)),
        adapter=adapter,
        integration=lambda credentials: {"type": "s3", "bucket": "clips", **keys(credentials)},
        expire=lambda: setattr(gate, "permit", lambda _: Answer(400, body=EXPIRED)),
        restore=lambda: setattr(gate, "permit", lambda _: None),
        front=gate,
        bytes_gate=gate,
        is_bytes=lambda request: request.method == "GET" and "?" not in request.path,
        secrets=(READER.secret_access_key, "wrong-secret-never-shown"),
    )


def _gcs(stack: ExitStack, folder: Path) -> Store:
    server = stack.enter_context(fake_gcs(folder / "gcs"))
    google: Google = stack.enter_context(google_accounts(allowed={"clips"}))
    gate = stack.enter_context(gate_to(server))
    gate.permit = google.permit
    deleted = rsa.generate_private_key(65537, 2048)
    http = urllib3.PoolManager()
    for bucket in ("clips", "private"):
        _done(http.request("POST", f"{server}/storage/v1/b?project=p", json={"name": bucket}))

    def put(key: str, data: bytes, bucket: str = "clips") -> None:
        name = quote(key, safe="")
        http.request("POST", f"{server}/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}", body=data)

    def account(credentials: str) -> str:
        return google.account(None if credentials == "good" else deleted)

    def adapter(credentials: str) -> Adapter:
        return replace(gcs_with_account(account(credentials), rule=ANYWHERE, endpoint=gate.url), page_objects=PAGE)

    def integration(credentials: str) -> dict[str, Any]:
        saved = {"service_account": json.loads(account(credentials)), "endpoint_url": gate.url}
        return {"type": "gcs", "bucket": "clips", **saved}

    def revoked(request: Request) -> Answer | None:
        google.revoke()
        return google.permit(request)

    def expire() -> None:
        gate.permit = revoked

    def restore() -> None:
        gate.permit = google.permit

    put("clip", b"private", "private")
    return Store(
        name="gcs",
        scheme="gs",
        bucket="clips",
        forbidden="private",
        put=put,
        adapter=adapter,
        integration=integration,
        expire=expire,
        restore=restore,
        front=gate,
        bytes_gate=gate,
        is_bytes=lambda request: "alt=media" in request.path,
        secrets=("PRIVATE KEY", "ya29."),
        odd_key="odd/ä +%25?&=#~'\"\\ ()[]*:;,@!$//日本.zip",
    )


def _hub(stack: ExitStack) -> tuple[Store, Store]:
    state: Hub = stack.enter_context(hub(TOKEN))
    front = stack.enter_context(gate_to(state.url))
    store = stack.enter_context(gate_to(state.store_url))
    state.url, state.store_url = front.url, store.url
    state.buckets = {"maker/clips": {}, "maker/open": {}, "maker/private": {"clip": b"private"}}
    state.public.add("maker/open")
    state.hidden.add("maker/private")

    def make(name: str, bucket: str, token: str | None) -> Store:
        def shown(credentials: str) -> str | None:
            return token if credentials == "good" else "hf_wrong-never-shown"

        def adapter(credentials: str) -> Adapter:
            return HubAdapter(rule=ANYWHERE, token=shown(credentials), endpoint=front.url, window=2 * PAGE)

        def integration(credentials: str) -> dict[str, Any]:
            given = shown(credentials)
            return {"type": "hf_bucket", "bucket": bucket, "token": given} if given else {}

        def expire() -> None:
            state.token = "hf_another"
            if token is None:
                state.public.discard(bucket)

        def restore() -> None:
            state.token = TOKEN
            state.public.add("maker/open")

        return Store(
            name=name,
            scheme="hf",
            bucket=bucket,
            forbidden="maker/private",
            put=lambda key, data: state.buckets[bucket].update({key: data}),
            adapter=adapter,
            integration=integration,
            expire=expire,
            restore=restore,
            front=front,
            bytes_gate=store,
            is_bytes=lambda _: True,
            secrets=(TOKEN, "hf_wrong", "X-Signature"),
            odd_key="odd/ä +%25?&=#~'\"\\ ()[]*:;,@!$日本.zip",
        )

    return make("hf", "maker/clips", TOKEN), make("hf-public", "maker/open", None)


def _done(_: Any) -> None:
    """For calls whose answer is not needed."""
