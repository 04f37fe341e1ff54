"""One suite for every provider: what planning and copying rely on, against servers on this machine."""

import base64
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.domain.clips import Verification
from service.domain.errors import (
    AccessDenied,
    ChecksumMismatch,
    CredentialsRejected,
    MemberUnreadable,
    NotVersioned,
    ObjectError,
    ObjectMissing,
    RateLimited,
    SourceChanged,
    SourceUnavailable,
    UploadGone,
)
from service.domain.manifest import ManifestEntry
from service.domain.member_reads import joined_reads, neighbours_together
from service.domain.multipart import copy_parts
from service.domain.objects import Copied, Sent
from service.domain.requests import ImportSettings
from service.domain.source_terms import SourceTerms
from service.formats.archive import DEFLATED, STORED
from service.formats.members import members_of
from service.ports.objects import Copier
from service.sources.members import JoinedReads, MemberSource
from service.sources.memory import Memory
from service.sources.port import Pin
from service.sources.stream_copy import MIN_PART_BYTES, StreamCopy
from service.sources.streaming import StreamingStorage
from service.support.clock import timestamp
from tests.servers.gate import Answer, Cut, Slow
from tests.sources.stores import LANDING, PAGE, VERSIONS, Store, Stores, entry_of
from tests.unit.formats.making import Raw, write_zip

SMALL = b"a clip of a few bytes"
MEDIUM = os.urandom(300_000)
LARGE = os.urandom(2 * MIN_PART_BYTES + 123_457)
SETTINGS = ImportSettings()
ON_THE_HUB = "the Hub has no such thing"
ONE_COMMIT = "a commit never changes, so the planned object stays"


def failing(kind: type[ObjectError], store: Store, call: Callable[[], object]) -> ObjectError:
    """The error, which must be of exactly that class and tell no secret."""
    with pytest.raises(ObjectError) as caught:
        call()
    assert type(caught.value) is kind, caught.value
    chain: BaseException | None = caught.value
    while chain:
        assert not [secret for secret in store.secrets if secret in str(chain)]
        chain = chain.__cause__
    return caught.value


def put(store: Store, key: str, data: bytes) -> Pin:
    store.put(key, data)
    return Pin.of(store.source().stat(store.at(key)))


def exempt(**why: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Leave out a case for providers, which have it in another form or not at all; docs/sources.md says so too."""

    def marked(test: Callable[..., None]) -> Callable[..., None]:
        test.exempt = why  # type: ignore[attr-defined]
        return test

    return marked


class OutOfTime(Exception):
    pass


def an_entry(store: Store, key: str, pin: Pin, destination: str) -> ManifestEntry:
    return entry_of(store.at(key), pin, destination)


@dataclass
class Upload:
    """An upload as the engine drives it, which asks the store each time which parts are there."""

    stores: Stores
    store: Store
    entry: ManifestEntry
    id: str = ""

    @property
    def copier(self) -> Copier:
        return self.store.copier(self.stores.landing)

    def begin(self) -> "Upload":
        self.id = self.copier.begin_parts(self.entry, SETTINGS)
        return self

    def there(self) -> dict[int, str]:
        parts = self.stores.landing.list_parts(Bucket=LANDING, Key=self.entry.destination, UploadId=self.id)
        return {part["PartNumber"]: part["ETag"].strip('"') for part in parts.get("Parts", [])}

    def send(self, *, parts: int = 99, check: Callable[[], object] = lambda: None) -> Copied:
        """Completed after at most so many parts; raises `OutOfTime` before one more."""
        begun = 0

        def limited() -> None:
            nonlocal begun
            check()
            if begun == parts:
                raise OutOfTime
            begun += 1

        there = self.there()
        spans = dict(enumerate(copy_parts(self.entry.size or 0, part_bytes=MIN_PART_BYTES), 1))
        missing = {number: span for number, span in spans.items() if number not in there}
        sent = self.sent(missing, whole=not there, check=limited)
        etags = [{**there, **sent.etags}[number] for number in spans]
        return self.copier.complete_parts(self.entry, self.id, etags, SETTINGS, digests=sent.digests)

    def sent(self, missing: dict[int, tuple[int, int]], *, whole: bool, check: Callable[[], object]) -> Sent:
        copier = self.copier
        if copier.streams:
            return copier.send_parts(self.entry, self.id, missing, whole=whole, check=check, advanced=lambda: None)
        etags = {}
        for number, span in missing.items():
            check()
            etags[number] = copier.copy_part(self.entry, self.id, number, span).etag
        return Sent(etags=etags)

    def abort(self) -> None:
        self.stores.landing.abort_multipart_upload(Bucket=LANDING, Key=self.entry.destination, UploadId=self.id)


def landed(stores: Stores, key: str) -> bytes:
    return stores.landing.get_object(Bucket=LANDING, Key=key)["Body"].read()


def expected(store: Store) -> Verification:
    """Hugging Face buckets tell no checksum that can be computed of a file's bytes alone."""
    if store.name in ("own", "s3", "role"):
        return Verification.ETAG
    return Verification.CHECKSUM if store.name in ("gcs", "hf-repo") else Verification.UNVERIFIABLE


def test_small(store: Store, stores: Stores) -> None:
    pin = put(store, "small/clip.zip", SMALL)
    source, where = store.source(), store.at("small/clip.zip")
    found = source.stat(where)
    assert (found.key, found.size, found.etag) == ("small/clip.zip", len(SMALL), pin.etag)
    assert found.modified
    assert found.modified.endswith("Z")
    assert source.read(where, 0, 1000, pin) == SMALL
    assert source.read(where, 2, 4, pin) == SMALL[2:6]
    assert list(source.chunks(where, 0, len(SMALL), pin, chunk_bytes=8)) == [SMALL[:8], SMALL[8:16], SMALL[16:]]
    done = store.copier(stores.landing).copy(an_entry(store, "small/clip.zip", pin, f"{store.name}/small"), SETTINGS)
    assert (done.size, done.verified) == (len(SMALL), expected(store))
    assert landed(stores, f"{store.name}/small") == SMALL


def test_empty(store: Store, stores: Stores) -> None:
    pin = put(store, "empty/clip.zip", b"")
    source, where = store.source(), store.at("empty/clip.zip")
    assert pin.size == 0
    assert source.read(where, 0, 10, pin) == b""
    store.copier(stores.landing).copy(an_entry(store, "empty/clip.zip", pin, f"{store.name}/empty"), SETTINGS)
    assert landed(stores, f"{store.name}/empty") == b""


def test_large_in_parts(store: Store, stores: Stores) -> None:
    pin = put(store, "large/clip.mp4", LARGE)
    key = f"{store.name}/large"
    done = Upload(stores, store, an_entry(store, "large/clip.mp4", pin, key)).begin().send()
    assert done.etag.endswith("-3")
    # Bytes that pass through show their MD5; SeaweedFS keeps no checksum to compare its own copies by.
    assert done.verified is (Verification.UNVERIFIABLE if store.name == "own" else expected(store))
    assert hashlib.sha256(landed(stores, key)).digest() == hashlib.sha256(LARGE).digest()


def test_resumed_by_later_invocations(store: Store, stores: Stores) -> None:
    pin = put(store, "resumed/clip.mp4", LARGE)
    key = f"{store.name}/resumed"
    item = an_entry(store, "resumed/clip.mp4", pin, key)
    upload = Upload(stores, store, item).begin()
    for number in (1, 2):
        with pytest.raises(OutOfTime):
            upload.send(parts=1)
        assert list(upload.there()) == list(range(1, number + 1))
    assert store.copier(stores.landing).landed(item) is None
    store.front.requests.clear()
    store.bytes_gate.requests.clear()
    done = upload.send()
    assert done.verified is (Verification.CHECKSUM if store.name == "gcs" else Verification.UNVERIFIABLE)
    read = len([request for request in store.bytes_gate.requests if store.is_bytes(request)])
    assert read == (0 if store.name == "own" else 1), "the missing part, unless the store copies"
    assert landed(stores, key) == LARGE
    again = store.copier(stores.landing).landed(item, etag=done.etag)
    assert again is not None
    assert (again.etag, again.size) == (done.etag, done.size)


def test_an_upload_that_is_gone(store: Store, stores: Stores) -> None:
    item = an_entry(store, "gone/clip.mp4", put(store, "gone/clip.mp4", LARGE), f"{store.name}/gone")
    upload = Upload(stores, store, item).begin()
    upload.abort()
    spans = {1: (0, MIN_PART_BYTES - 1)}
    failing(UploadGone, store, lambda: upload.sent(spans, whole=False, check=lambda: None))
    failing(UploadGone, store, lambda: upload.copier.complete_parts(item, upload.id, ["0" * 32], SETTINGS))


@pytest.mark.parametrize("group", [None, 0])
def test_a_copy_names_its_source(store: Store, stores: Stores, group: int | None) -> None:
    pin = put(store, "landed/clip.zip", SMALL)
    item = replace(an_entry(store, "landed/clip.zip", pin, f"{store.name}/landed-{group}"), group=group)
    assert store.copier(stores.landing).landed(item) is None
    done = store.copier(stores.landing).copy(item, SETTINGS, mark="ij_1-0")
    assert store.copier(stores.landing).landed(item, mark="ij_1-0") is not None
    assert store.copier(stores.landing).landed(item, etag=done.etag) is not None
    # SeaweedFS keeps no redirect locations, so only a set's mark tells: `tests/e2e/test_imports.py` has the others.
    assert (store.copier(stores.landing).landed(item, mark="ij_1-5") is None) is (group is not None)
    assert store.copier(stores.landing).landed(item, etag="0" * 32) is None
    again = put(store, "landed/clip.zip", SMALL.swapcase())
    changed = replace(an_entry(store, "landed/clip.zip", again, item.destination), group=group)
    assert store.copier(stores.landing).landed(changed, mark="ij_1-0") is None
    assert store.copier(stores.landing).landed(item, mark="ij_1-0") is not None, "what was copied was copied"


def test_odd_key_characters(store: Store) -> None:
    pin = put(store, store.odd_key, SMALL)
    source, where = store.source(), store.at(store.odd_key)
    listed = [found for page in source.list_pages(store.at("odd/")) for found in page]
    assert [(found.key, found.etag) for found in listed] == [(store.odd_key, pin.etag)]
    assert source.read(where, 0, 1000, pin) == SMALL


def test_missing(store: Store) -> None:
    source = store.source()
    failing(ObjectMissing, store, lambda: source.stat(store.at("missing")))
    pin = Pin(size=10, etag="0" * 32, version="1" if store.name == "gcs" else None)
    failing(ObjectMissing, store, lambda: source.read(store.at("missing"), 0, 10, pin))
    assert [found for page in source.list_pages(store.at("missing/")) for found in page] == []


def test_missing_bucket(store: Store) -> None:
    source = store.source()
    bucket = {"hf-repo": "datasets/no/such"}.get(store.name, "no/such" if store.scheme == "hf" else "no-such-bucket")
    # Who may not see a bucket is not told whether it is there; SeaweedFS and the Hub with a token tell.
    kind = AccessDenied if store.name in ("gcs", "hf-public", "own", "role", "s3") else ObjectMissing
    failing(kind, store, lambda: list(source.list_pages(store.at("", bucket))))
    failing(kind, store, lambda: source.stat(store.at("clip", bucket)))


def test_forbidden(store: Store) -> None:
    source, where = store.source(), store.at("clip", store.forbidden)
    failing(AccessDenied, store, lambda: source.stat(where))
    failing(AccessDenied, store, lambda: list(source.list_pages(store.at("", store.forbidden))))
    pin = Pin(size=7, etag="0" * 32, version="1")
    failing(AccessDenied, store, lambda: source.read(where, 0, 7, pin))


@exempt(own="nobody gives it credentials")
def test_wrong_credentials(store: Store) -> None:
    pin = put(store, "wrong/clip.zip", SMALL)
    source, where = store.source("wrong"), store.at("wrong/clip.zip")
    failing(CredentialsRejected, store, lambda: source.stat(where))
    failing(CredentialsRejected, store, lambda: list(source.list_pages(store.at("wrong/"))))
    failing(CredentialsRejected, store, lambda: source.read(where, 0, 10, pin))


def test_expired_credentials(store: Store) -> None:
    pin = put(store, "expired/clip.zip", SMALL)
    source, where = store.source(), store.at("expired/clip.zip")
    assert source.read(where, 0, 1, pin) == SMALL[:1]
    # A public bucket has no credentials that could expire; it can be made private.
    kind = AccessDenied if store.name == "hf-public" else CredentialsRejected
    store.expire()
    failing(kind, store, lambda: source.stat(where))
    store.expire()
    failing(kind, store, lambda: source.read(where, 0, 10, pin))


def planned_members(store: Store, stores: Stores, key: str) -> list[ManifestEntry]:
    """The members of a zip as planning finds them, in the order of their names, by a listing as by a HEAD."""
    found = next(one for page in store.source().list_pages(store.at(key)) for one in page)
    assert Pin.of(found) == Pin.of(store.source().stat(store.at(key)))
    zip_reader = store.copier(stores.landing).reader(an_entry(store, key, Pin.of(found), ""))
    entries = []
    for ordinal, one in enumerate(members_of(found, zip_reader)):
        pin = Pin(size=one.size, etag=one.etag, version=one.version)
        entry = an_entry(store, one.key, pin, f"{store.name}/{key}/{ordinal}")
        entries.append(replace(entry, ordinal=ordinal, packed=one.packed))
    return joined_reads(neighbours_together(entries))


def member_copier(store: Store, stores: Stores, entry: ManifestEntry, joined: JoinedReads) -> StreamingStorage:
    memory = Memory(2 * MIN_PART_BYTES, reused=MIN_PART_BYTES)
    stream = StreamCopy(client=stores.landing, clips_bucket=LANDING, memory=memory, part_bytes=MIN_PART_BYTES)
    reader = store.copier(stores.landing).reader(entry.zip_entry())
    return StreamingStorage(copier=stream, source=MemberSource(entry, reader, joined))


def test_members_of_zips(store: Store, stores: Stores) -> None:
    contents = {
        "b.json": (SMALL, DEFLATED),
        "a.mp4": (MEDIUM, STORED),
        "ä/large.mp4": (LARGE, STORED),
        "packed.bin": (LARGE[: MIN_PART_BYTES + 1], DEFLATED),
        "empty": (b"", STORED),
    }
    members = [Raw(name.encode(), data, method=method, flags=0x800) for name, (data, method) in contents.items()]
    store.put("chunk_0000.zip", write_zip(members))
    entries, joined = planned_members(store, stores, "chunk_0000.zip"), JoinedReads()
    assert [entry.location.member for entry in entries] == list(contents), "in the order of their bytes"
    store.bytes_gate.requests.clear()
    copiers = [member_copier(store, stores, entry, joined) for entry in entries]
    for entry, copier in zip(entries[:2], copiers, strict=False):
        assert copier.reader(entry).read(1, 20) == contents[entry.location.member][0][1:21]
    read = [request for request in store.bytes_gate.requests if store.is_bytes(request) and request.method == "GET"]
    assert len(read) == 1, "neighbours take one range"
    for entry, copier in zip(entries, copiers, strict=True):
        data, _ = contents[entry.location.member]
        if len(data) <= MIN_PART_BYTES:
            done = copier.copy(entry, SETTINGS)
        else:
            upload = copier.begin_parts(entry, SETTINGS)
            spans = dict(enumerate(copy_parts(len(data), part_bytes=MIN_PART_BYTES), 1))
            sent = copier.send_parts(entry, upload, spans, whole=True, check=lambda: None, advanced=lambda: None)
            done = copier.complete_parts(
                entry, upload, [sent.etags[number] for number in spans], SETTINGS, digests=sent.digests
            )
        assert (done.size, done.verified) == (len(data), Verification.CHECKSUM), "by the CRC-32 of the zip"
        assert landed(stores, entry.destination) == data
        assert copier.landed(entry) == done


def test_damaged_members_of_zips(store: Store, stores: Stores) -> None:
    damaged = [
        Raw(b"crc.mp4", MEDIUM, method=STORED, crc=1),
        Raw(b"header.mp4", MEDIUM, local={"signature": b"PK\0\0"}),
        Raw(b"packed.mp4", MEDIUM, method=DEFLATED, packed=b"\xff" * 20),
    ]
    store.put("damaged.zip", write_zip(damaged))
    kinds = (ChecksumMismatch, MemberUnreadable, MemberUnreadable)
    for entry, kind in zip(planned_members(store, stores, "damaged.zip"), kinds, strict=True):
        copier = member_copier(store, stores, entry, JoinedReads())
        failing(kind, store, lambda copier=copier, entry=entry: copier.copy(entry, SETTINGS))  # type: ignore[misc]
        assert copier.landed(entry) is None


@exempt(**{"hf-repo": ONE_COMMIT})
def test_members_of_a_changed_zip(store: Store, stores: Stores) -> None:
    store.put("changed.zip", write_zip([Raw(b"a.mp4", MEDIUM)]))
    (entry,) = planned_members(store, stores, "changed.zip")
    store.put("changed.zip", write_zip([Raw(b"a.mp4", MEDIUM[::-1])]))
    copier = member_copier(store, stores, entry, JoinedReads())
    failing(SourceChanged, store, lambda: copier.copy(entry, SETTINGS))


@exempt(**{"hf-repo": ONE_COMMIT})
def test_changed_under_way(store: Store, stores: Stores) -> None:
    pin = put(store, "changed/clip.zip", SMALL)
    source, where = store.source(), store.at("changed/clip.zip")
    for changed in (SMALL.swapcase(), SMALL + b"!", b"short"):
        store.put("changed/clip.zip", changed)
        failing(SourceChanged, store, lambda: source.read(where, 0, len(SMALL), pin))
        if not store.own:  # its HEADs are pinned within its copies
            failing(SourceChanged, store, lambda: source.stat(where, pin))
        item = an_entry(store, "changed/clip.zip", pin, "changed")
        failing(SourceChanged, store, lambda item=item: store.copier(stores.landing).copy(item, SETTINGS))  # type: ignore[misc]
        failing(SourceChanged, store, lambda item=item: store.copier(stores.landing).begin_parts(item, SETTINGS))  # type: ignore[misc]


@exempt(**{"hf-repo": ONE_COMMIT})
def test_changed_between_parts(store: Store, stores: Stores) -> None:
    pin = put(store, "between/clip.mp4", LARGE)
    upload = Upload(stores, store, an_entry(store, "between/clip.mp4", pin, f"{store.name}/between")).begin()
    with pytest.raises(OutOfTime):
        upload.send(parts=1)
    store.put("between/clip.mp4", LARGE[::-1])
    failing(SourceChanged, store, upload.send)
    assert list(upload.there()) == [1], "the engine removes it"
    upload.abort()


@exempt(**{"hf-repo": ONE_COMMIT})
def test_changed_after_the_parts_began(store: Store, stores: Stores) -> None:
    pin = put(store, "began/clip.mp4", LARGE)
    upload = Upload(stores, store, an_entry(store, "began/clip.mp4", pin, f"{store.name}/began")).begin()
    failing(SourceChanged, store, lambda: upload.send(check=lambda: store.put("began/clip.mp4", LARGE[::-1])))
    assert upload.there() == {}
    upload.abort()


def test_connection_cut_in_the_middle(store: Store, stores: Stores) -> None:
    pin = put(store, "cut/clip.zip", MEDIUM)
    source, where = store.source(), store.at("cut/clip.zip")
    store.fail_bytes(Cut(100_000), Cut(0), Cut(50_001))
    assert source.read(where, 0, len(MEDIUM), pin) == MEDIUM
    if store.own:  # it reads a range again from its beginning
        store.fail_bytes(*[Cut(0)] * 5)
        failing(SourceUnavailable, store, lambda: source.read(where, 0, len(MEDIUM), pin))
        return
    starts = [
        request.headers["Range"]
        for request in store.bytes_gate.requests
        if store.is_bytes(request) and "Range" in request.headers
    ]
    assert starts == [f"bytes={start}-299999" for start in (0, 100_000, 100_000, 150_001)]
    store.fail_bytes(*[Cut(0)] * 5)
    failing(SourceUnavailable, store, lambda: source.read(where, 0, len(MEDIUM), pin))
    large = put(store, "cut/large.mp4", LARGE)
    store.fail_bytes(*[Cut(0)] * 40)
    upload = Upload(stores, store, an_entry(store, "cut/large.mp4", large, f"{store.name}/cut")).begin()
    failing(SourceUnavailable, store, upload.send)
    store.bytes_gate.reset()
    upload.send()
    assert landed(stores, f"{store.name}/cut") == LARGE


def test_slow(store: Store) -> None:
    pin = put(store, "slow/clip.zip", MEDIUM)
    store.fail_bytes(Slow(0.002))
    assert store.source().read(store.at("slow/clip.zip"), 0, len(MEDIUM), pin) == MEDIUM
    assert store.slept == []


def test_throttled(store: Store) -> None:
    pin = put(store, "throttled/clip.zip", SMALL)
    source, where = store.source(), store.at("throttled/clip.zip")
    store.fail_bytes(Answer(503, {"Retry-After": "2"}), Answer(429, {"Retry-After": "3"}), Answer(500))
    assert source.read(where, 0, 1000, pin) == SMALL
    if store.own:  # S3 sends no Retry-After
        assert len(store.slept) == 3
        return
    assert store.slept[:2] == [2, 3]
    assert 0 < store.slept[2] <= 1, "without Retry-After, a wait of our own"
    store.slept.clear()
    store.front.fail(Answer(429, {"Retry-After": "4"}))
    assert Pin.of(source.stat(where)) == pin
    store.front.fail(Answer(503, {"Retry-After": "5"}))
    assert [found.key for page in source.list_pages(store.at("throttled/")) for found in page] == ["throttled/clip.zip"]
    assert store.slept == [4, 5]


@exempt(own="S3 sends no Retry-After")
def test_throttled_for_longer_than_a_function_waits(store: Store) -> None:
    put(store, "patience/clip.zip", SMALL)
    store.front.fail(Answer(429, {"Retry-After": "3600"}))
    error = failing(RateLimited, store, lambda: store.source().stat(store.at("patience/clip.zip")))
    assert isinstance(error, RateLimited)
    assert (error.retry_after, store.slept) == (3600, [])
    store.front.fail(*[Answer(503)] * 5)
    failing(SourceUnavailable, store, lambda: store.source().stat(store.at("patience/clip.zip")))
    assert len(store.slept) == 4


def test_listing_over_several_pages(store: Store) -> None:
    keys = [f"pages/{name}" for name in ("a", "a.zip", "aa/1", "b/1", "b/2", "c-1", "z", "é", "日")]
    for key in reversed(keys):
        store.put(key, key.encode())
    source, prefix = store.source(), store.at("pages/")
    store.front.requests.clear()
    pages = list(source.list_pages(prefix))
    assert [found.key for page in pages for found in page] == keys
    assert len(store.front.requests) >= (1 if store.own else len(keys) // PAGE), "it lists 1,000 at a time"
    assert [found.size for page in pages for found in page] == [len(key.encode()) for key in keys]
    for number, key in enumerate(keys):
        later = [found.key for page in source.list_pages(prefix, start_after=key) for found in page]
        assert later == keys[number + 1 :]
    within = [found for page in source.list_pages(store.at("pages/a")) for found in page]
    assert [found.key for found in within] == keys[:3]
    assert source.read(store.at(keys[0]), 0, 100, Pin.of(within[0])) == keys[0].encode(), "a listed object is pinned"


@exempt(**dict.fromkeys(("hf", "hf-public", "hf-repo"), ON_THE_HUB))
def test_requester_pays(store: Store) -> None:
    pin = put(store, "paid/clip.zip", SMALL)
    where, payer = store.at("paid/clip.zip"), store.payer()
    store.front.requests.clear()
    assert payer.stat(where).size == len(SMALL)
    assert [found.key for page in payer.list_pages(store.at("paid/")) for found in page] == ["paid/clip.zip"]
    assert payer.read(where, 0, 100, pin) == SMALL
    assert len(store.front.requests) == 3
    assert all(store.pays(request) for request in store.front.requests)
    store.front.requests.clear()
    store.source().read(where, 0, 100, pin)
    assert not any(store.pays(request) for request in store.front.requests)


@exempt(
    gcs="Google's customer-supplied keys are not supported", **dict.fromkeys(("hf", "hf-public", "hf-repo"), ON_THE_HUB)
)
def test_customer_keys(store: Store, stores: Stores) -> None:
    key, other = (base64.b64encode(letter * 32).decode() for letter in (b"k", b"o"))
    sent: Any = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}
    stores.landing.put_object(Bucket="clips", Key="locked/clip.zip", Body=SMALL, **sent)
    where, source = store.at("locked/clip.zip"), store.under(SourceTerms(customer_key=key))
    pin = Pin.of(source.stat(where))
    assert source.read(where, 0, 100, pin) == SMALL
    assert source.read(where, 3, 5, pin) == SMALL[3:8]
    for wrong in (store.source(), store.under(SourceTerms(customer_key=other))):
        with pytest.raises(ObjectError) as caught:
            wrong.read(where, 0, 100, pin)
        assert not [one for one in (key, other) if one in str(caught.value)]


@exempt(**dict.fromkeys(("hf", "hf-public", "hf-repo"), "this service deletes nothing on the Hub"))
def test_removed(store: Store) -> None:
    pin, where = put(store, "removed/clip.zip", SMALL), store.at("removed/clip.zip")
    deletes = store.source("deletes")
    failing(AccessDenied, store, lambda: store.source().remove(where, pin))
    for changed in (SMALL.swapcase(), SMALL + b"!"):
        later = put(store, "removed/clip.zip", changed)
        failing(SourceChanged, store, lambda: deletes.remove(where, pin))
        assert store.source().read(where, 0, 100, later) == changed
    deletes.remove(where, later)
    failing(ObjectMissing, store, lambda: store.source().stat(where))
    failing(ObjectMissing, store, lambda: deletes.remove(where, later))


@exempt(**dict.fromkeys(("hf", "hf-public", "hf-repo"), "the Hub has revisions"))
def test_as_of_a_time(store: Store) -> None:
    bucket, prefix, write = VERSIONS, f"{store.name}/", store.write
    assert write is not None
    for name, body in (("changed", b"first"), ("deleted", b"gone"), ("kept", b"kept")):
        then = write(prefix + name, body)
    while datetime.now(UTC) < then + timedelta(seconds=2):  # S3's versions have whole seconds
        time.sleep(0.1)
    write(f"{prefix}changed", b"second")
    write(f"{prefix}deleted", None)
    write(f"{prefix}later", b"later")
    source, where, moment = store.source(), store.at(prefix, bucket), timestamp(then)
    found = {one.key: one for page in source.list_as_of(where, moment) for one in page}
    assert list(found) == [prefix + name for name in ("changed", "deleted", "kept")]
    bodies = {}
    for key, one in found.items():
        pin = Pin(size=one.size, etag=one.etag, version=one.version)
        bodies[key.removeprefix(prefix)] = source.read(store.at(key, bucket), 0, 100, pin)
    assert bodies == {"changed": b"first", "deleted": b"gone", "kept": b"kept"}
    for name, expected in (("later", []), ("deleted", [found[f"{prefix}deleted"]])):
        pages = source.list_as_of(store.at(prefix + name, bucket), moment, only=True)
        assert [one for page in pages for one in page] == expected
    if not store.own:
        one = found[f"{prefix}deleted"]
        assert source.stat(store.at(one.key, bucket), Pin.of(one)).version == one.version
    failing(NotVersioned, store, lambda: list(source.list_as_of(store.at("small/"), moment)))
