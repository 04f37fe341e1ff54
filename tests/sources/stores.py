"""The providers for the conformance suite: put an object into the store, read it with the product's client."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import boto3
import pytest
import urllib3
from botocore.credentials import Credentials
from cryptography.hazmat.primitives.asymmetric import rsa

from service.aws.s3.http.rate_limiter import InFlight
from service.aws.s3.session import RoleSessions, session_of
from service.aws.s3.storage import S3Storage
from service.domain.manifest import ManifestEntry
from service.domain.objects import ListedObject
from service.domain.requests import Restore
from service.domain.source_terms import SourceTerms
from service.domain.uris import Location, Scheme
from service.ports.objects import Copier
from service.sources.gcs import gcs_with_account
from service.sources.hub import HubAdapter
from service.sources.memory import Memory
from service.sources.patience import Patience
from service.sources.patient import PatientSource
from service.sources.port import CHUNK_BYTES, Adapter, ObjectSource, Pin, SourceObject
from service.sources.roles import S3Role, s3_with_role
from service.sources.s3 import S3Adapter, S3Keys, client_config, s3_with_keys
from service.sources.stream_copy import MIN_PART_BYTES, StreamCopy
from service.sources.streaming import StreamingStorage
from service.web.addresses import AddressRule
from tests.servers.fake_gcs import fake_gcs
from tests.servers.gate import Answer, Fault, Gate, Request, gate_to
from tests.servers.google import Google, google_accounts
from tests.servers.hub import Hub, hub
from tests.servers.seaweed import ADMIN, DELETER, OWN, READER, seaweed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PROVIDERS = ("own", "s3", "role", "gcs", "hf", "hf-public", "hf-repo")
"""`own`: S3 by the service's own role, which copies inside S3. `s3`: a store with its API, by keys. `role`: S3 of
another account."""
SAVED = ("s3", "gcs", "hf", "hf-public")
"""Providers that a deployed stack opens by an integration, or without one."""
DATASET = "hf-repo"
"""A dataset on Hugging Face, with a token."""
TOKEN = "hf_never-shown-in-any-message"
VERSIONS = "versions"
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
    """Makes an adapter with these credentials: `good`, `wrong`, or `deletes`, which may also delete."""
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
    hub: Hub | None = None
    """The Hub behind the store, where it keeps commits."""
    paying: Callable[[Adapter], Adapter] | None = None
    """Makes the adapter pay for its requests."""
    pays: Callable[[Request], bool] = lambda request: request.headers.get("x-amz-request-payer") == "requester"
    write: Callable[[str, bytes | None], datetime] | None = None
    """Puts an object into the bucket `VERSIONS`, which keeps versions; None deletes it. Returns the store's time."""
    own: Callable[[str], S3Storage] | None = None
    """Makes the service's own access with these credentials, which reads and copies by itself."""

    def source(self, credentials: str = "good") -> ObjectSource:
        if self.own:
            return OwnSource(self.own(credentials))
        return PatientSource(self.adapter(credentials), Patience(sleep=self.slept.append))

    def under(self, terms: SourceTerms) -> ObjectSource:
        """The source of S3, under these terms."""
        if self.own:
            own = self.own("good")
            return OwnSource(replace(own, role=RoleSessions(reads=own.own, copies=own.own, terms=terms)))
        adapter = self.adapter("good")
        assert isinstance(adapter, S3Adapter)
        return PatientSource(replace(adapter, terms=terms))

    def payer(self) -> ObjectSource:
        """The source, which pays for its requests."""
        if self.paying:
            return PatientSource(self.paying(self.adapter("good")))
        return self.under(SourceTerms(requester_pays=True))

    def copier(self, landing: "S3Client") -> Copier:
        if self.own:
            return self.own("good")
        memory = Memory(2 * MIN_PART_BYTES, reused=MIN_PART_BYTES)
        copy = StreamCopy(client=landing, clips_bucket=LANDING, memory=memory, part_bytes=MIN_PART_BYTES)
        return StreamingStorage(copier=copy, source=self.source())

    def at(self, key: str, bucket: str | None = None) -> Location:
        return Location(self.scheme, bucket or self.bucket, key)

    def fail_bytes(self, *faults: Fault) -> None:
        self.bytes_gate.fail(*faults, matches=self.is_bytes)

    def reset(self) -> None:
        self.restore()
        self.front.reset()
        self.bytes_gate.reset()
        self.slept.clear()


@dataclass(frozen=True)
class OwnSource:
    """The service's own access as an `ObjectSource`, so that the suite reads all providers alike."""

    storage: S3Storage

    def list_pages(self, location: Location, *, start_after: str = "") -> Iterator[Sequence[SourceObject]]:
        for page in self.storage.list_pages(location, start_after=start_after):
            yield [_as_source(found) for found in page]

    def list_as_of(
        self, location: Location, as_of: str, *, start_after: str = "", only: bool = False
    ) -> Iterator[Sequence[ListedObject]]:
        return self.storage.list_as_of(location, as_of, start_after=start_after, only=only)

    def stat(self, location: Location, pin: Pin | None = None, *, version: str | None = None) -> SourceObject:
        assert pin is None, "its copies are pinned by the request that copies"
        return _as_source(self.storage.stat(location, version=version))

    def restore(self, location: Location, archive: str, how: Restore, *, version: str | None = None) -> None:
        raise NotImplementedError

    def commit_of(self, location: Location) -> str | None:
        return self.storage.commit_of(location)

    def tags(self, location: Location, pin: Pin) -> Mapping[str, str]:
        raise NotImplementedError

    def remove(self, location: Location, pin: Pin) -> None:
        """As the function `delete_sources` does."""
        S3Adapter(self.storage.own.client).remove(location, pin)

    def read(self, location: Location, start: int, length: int, pin: Pin) -> bytes:
        return self.storage.reader(entry_of(location, pin, "")).read(start, length)

    def chunks(
        self, location: Location, start: int, length: int, pin: Pin, chunk_bytes: int = CHUNK_BYTES
    ) -> Iterator[bytes]:
        for first in range(start, min(start + length, pin.size), chunk_bytes):
            yield self.read(location, first, min(chunk_bytes, start + length - first), pin)


def _as_source(found: ListedObject) -> SourceObject:
    return SourceObject(**vars(found))


def entry_of(location: Location, pin: Pin, destination: str) -> ManifestEntry:
    return ManifestEntry(
        ordinal=0,
        source_uri=str(location),
        destination=destination,
        size=pin.size,
        etag=pin.etag,
        version=pin.version,
    )


@dataclass
class Stores:
    landing: "S3Client"
    by_name: dict[str, Store]


def start_stores(stack: ExitStack, folder: Path) -> Stores:
    endpoint = stack.enter_context(seaweed(folder / "seaweed"))
    admin = _admin(endpoint)
    for bucket in ("clips", "private", VERSIONS, LANDING):
        admin.create_bucket(Bucket=bucket)
    admin.put_bucket_versioning(Bucket=VERSIONS, VersioningConfiguration={"Status": "Enabled"})
    admin.put_object(Bucket="private", Key="clip", Body=b"private")
    s3, role, own = (make(admin, stack.enter_context(gate_to(endpoint))) for make in (_s3, _role, _own))
    gcs = _gcs(stack, folder)
    private, public, repo = _hub(stack)
    return Stores(admin, {store.name: store for store in (own, s3, role, gcs, private, public, repo)})


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
        who = DELETER if credentials == "deletes" else READER
        return {
            "access_key_id": who.access_key_id,
            "secret_access_key": "wrong-secret-never-shown" if credentials == "wrong" else who.secret_access_key,
            "endpoint_url": gate.url,
        }

    def adapter(credentials: str) -> Adapter:
        return replace(s3_with_keys(S3Keys(**keys(credentials)), rule=ANYWHERE), page_objects=PAGE)

    def write(key: str, data: bytes | None) -> datetime:
        if data is None:
            admin.delete_object(Bucket=VERSIONS, Key=key)
            return datetime.now(UTC)
        admin.put_object(Bucket=VERSIONS, Key=key, Body=data)
        return admin.head_object(Bucket=VERSIONS, Key=key)["LastModified"]

    return Store(
        name="s3",
        scheme="s3",
        bucket="clips",
        forbidden="private",
        put=lambda key, data: _done(admin.put_object(Bucket="clips", Key=key, Body=data)),
        adapter=adapter,
        integration=lambda credentials: {"type": "s3", "bucket": "clips", **keys(credentials)},
        write=write,
        expire=lambda: setattr(gate, "permit", lambda _: Answer(400, body=EXPIRED)),
        restore=lambda: setattr(gate, "permit", lambda _: None),
        front=gate,
        bytes_gate=gate,
        is_bytes=lambda request: request.method == "GET" and "?" not in request.path,
        secrets=(READER.secret_access_key, DELETER.secret_access_key, "wrong-secret-never-shown"),
    )


def _role(admin: "S3Client", gate: Gate) -> Store:
    """A role whose session STS gives: the reader's keys."""

    def adapter(credentials: str) -> Adapter:
        who = DELETER if credentials == "deletes" else READER
        secret = "wrong-secret-never-shown" if credentials == "wrong" else who.secret_access_key
        role = S3Role(role_arn="arn:aws:iam::222222222222:role/clipferry-fleet", external_id="e", region="us-east-1")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL_S3", gate.url)
            return replace(s3_with_role(role, sts=_Sts(who.access_key_id, secret)), page_objects=PAGE)  # type: ignore[arg-type]

    return replace(_s3(admin, gate), name="role", adapter=adapter, integration=lambda _: {})


@dataclass(frozen=True)
class _Sts:
    key_id: str
    secret: str

    def assume_role(self, **_: object) -> dict[str, Any]:
        given = {"AccessKeyId": self.key_id, "SecretAccessKey": self.secret}
        expiry = datetime.now(UTC) + timedelta(hours=1)
        return {"Credentials": {**given, "SessionToken": "", "Expiration": expiry}}


def _own(admin: "S3Client", gate: Gate) -> Store:
    def own(credentials: str) -> S3Storage:
        who = DELETER if credentials == "deletes" else OWN
        secret = "wrong-secret-never-shown" if credentials == "wrong" else who.secret_access_key
        client = boto3.client(
            "s3",
            endpoint_url=gate.url,
            aws_access_key_id=who.access_key_id,
            aws_secret_access_key=secret,
            region_name="us-east-1",
            config=client_config(connections=4, path_style=True),
        )
        session = session_of(client, Credentials(who.access_key_id, secret), in_flight=InFlight(4))
        return S3Storage(own=session, clips_bucket=LANDING)

    return replace(
        _s3(admin, gate),
        name="own",
        integration=lambda _: {},
        is_bytes=lambda request: request.method == "GET" and "?" not in request.path,
        own=own,
    )


def _gcs(stack: ExitStack, folder: Path) -> Store:
    server = stack.enter_context(fake_gcs(folder / "gcs"))
    google: Google = stack.enter_context(google_accounts(allowed={"clips", VERSIONS}))
    gate = stack.enter_context(gate_to(server))
    gate.permit = google.permit
    deleted = rsa.generate_private_key(65537, 2048)
    http = urllib3.PoolManager()
    for bucket in ("clips", "private", VERSIONS):
        made = {"name": bucket, "versioning": {"enabled": bucket == VERSIONS}}
        _done(http.request("POST", f"{server}/storage/v1/b?project=p", json=made))

    def put(key: str, data: bytes, bucket: str = "clips") -> None:
        name = quote(key, safe="")
        http.request("POST", f"{server}/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}", body=data)

    def write(key: str, data: bytes | None) -> datetime:
        where = f"{server}/storage/v1/b/{VERSIONS}/o/{quote(key, safe='')}"
        if data is None:
            _done(http.request("DELETE", where))
            return datetime.now(UTC)
        put(key, data, VERSIONS)
        return datetime.fromisoformat(http.request("GET", where).json()["timeCreated"])

    def account(credentials: str) -> str:
        return google.account(deleted if credentials == "wrong" else None)

    def adapter(credentials: str) -> Adapter:
        made = gcs_with_account(
            account(credentials), rule=ANYWHERE, endpoint=gate.url, deletes=credentials == "deletes"
        )
        return replace(made, page_objects=PAGE)

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
        write=write,
        adapter=adapter,
        integration=integration,
        expire=expire,
        restore=restore,
        front=gate,
        bytes_gate=gate,
        is_bytes=lambda request: "alt=media" in request.path,
        secrets=("PRIVATE KEY", "ya29."),
        paying=lambda adapter: replace(adapter, payer="our project"),  # type: ignore[type-var]
        pays=lambda request: "userProject=our+project" in request.path,
        odd_key="odd/ä +%25?&=#~'\"\\ ()[]*:;,@!$//日本.zip",
    )


def _hub(stack: ExitStack) -> tuple[Store, Store, Store]:
    state: Hub = stack.enter_context(hub(TOKEN))
    front = stack.enter_context(gate_to(state.url))
    store = stack.enter_context(gate_to(state.store_url))
    state.url, state.store_url = front.url, store.url
    state.buckets = {"maker/clips": {}, "maker/open": {}, "maker/private": {"clip": b"private"}}
    state.public.add("maker/open")
    state.hidden |= {"maker/private", "datasets/maker/private"}
    state.commit("datasets/maker/clips")
    state.commit("datasets/maker/private", clip=b"private")

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

    repo = replace(
        make("hf-repo", "datasets/maker/clips", TOKEN),
        forbidden="datasets/maker/private",
        put=lambda key, data: _done(state.commit("datasets/maker/clips", **{key: data})),
        hub=state,
    )
    return make("hf", "maker/clips", TOKEN), make("hf-public", "maker/open", None), repo


def _done(_: Any) -> None:
    """For calls whose answer is not needed."""
