"""One suite for every provider: what planning and copying rely on, against servers on this machine."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from service.domain.clips import Verification
from service.domain.errors import (
    AccessDenied,
    CredentialsRejected,
    ObjectError,
    ObjectMissing,
    RateLimited,
    SourceChanged,
    SourceUnavailable,
    UploadGone,
)
from service.domain.multipart import copy_parts
from service.domain.objects import Copied
from service.domain.requests import ImportSettings
from service.sources.memory import Memory
from service.sources.port import Pin
from service.sources.stream_copy import MIN_PART_BYTES, StreamCopy, Streamed
from tests.servers.gate import Answer, Cut, Slow
from tests.sources.stores import LANDING, PAGE, Store, Stores

SMALL = b"a clip of a few bytes"
MEDIUM = os.urandom(300_000)
LARGE = os.urandom(2 * MIN_PART_BYTES + 123_457)
SETTINGS = ImportSettings()


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
    return store.source().stat(store.at(key)).pin


def copier(stores: Stores) -> StreamCopy:
    return StreamCopy(
        client=stores.landing,
        clips_bucket=LANDING,
        memory=Memory(2 * MIN_PART_BYTES, reused=MIN_PART_BYTES),
        part_bytes=MIN_PART_BYTES,
    )


def an_item(store: Store, key: str, pin: Pin, destination: str) -> Streamed:
    return Streamed(source=store.source(), location=store.at(key), pin=pin, destination=destination)


class OutOfTime(Exception):
    pass


@dataclass
class Upload:
    """An upload as the engine drives it, which asks the store each time which parts are there."""

    stores: Stores
    item: Streamed
    id: str = ""

    def begin(self) -> "Upload":
        self.id = copier(self.stores).begin(self.item, SETTINGS)
        return self

    def there(self) -> dict[int, str]:
        parts = self.stores.landing.list_parts(Bucket=LANDING, Key=self.item.destination, UploadId=self.id)
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
        spans = dict(enumerate(copy_parts(self.item.pin.size, part_bytes=MIN_PART_BYTES), 1))
        missing = {number: span for number, span in spans.items() if number not in there}
        sent = copier(self.stores).send(
            self.item, self.id, missing, whole=not there, check=limited, advanced=lambda: None
        )
        etags = {**there, **sent.etags}
        return copier(self.stores).complete(
            self.item, self.id, [etags[number] for number in spans], SETTINGS, sent.digests
        )

    def abort(self) -> None:
        self.stores.landing.abort_multipart_upload(Bucket=LANDING, Key=self.item.destination, UploadId=self.id)


def landed(stores: Stores, key: str) -> bytes:
    return stores.landing.get_object(Bucket=LANDING, Key=key)["Body"].read()


def expected(store: Store) -> Verification:
    """Hugging Face tells no checksum that can be computed of a file's bytes alone."""
    return {"s3": Verification.ETAG, "gcs": Verification.CHECKSUM}.get(store.name, Verification.UNVERIFIABLE)


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
    done = copier(stores).whole(an_item(store, "small/clip.zip", pin, f"{store.name}/small"), SETTINGS)
    assert (done.size, done.verified) == (len(SMALL), expected(store))
    assert landed(stores, f"{store.name}/small") == SMALL


def test_empty(store: Store, stores: Stores) -> None:
    pin = put(store, "empty/clip.zip", b"")
    source, where = store.source(), store.at("empty/clip.zip")
    assert pin.size == 0
    assert source.read(where, 0, 10, pin) == b""
    copier(stores).whole(an_item(store, "empty/clip.zip", pin, f"{store.name}/empty"), SETTINGS)
    assert landed(stores, f"{store.name}/empty") == b""


def test_large_in_parts(store: Store, stores: Stores) -> None:
    pin = put(store, "large/clip.mp4", LARGE)
    key = f"{store.name}/large"
    done = Upload(stores, an_item(store, "large/clip.mp4", pin, key)).begin().send()
    assert done.etag.endswith("-3")
    assert done.verified is expected(store)
    assert hashlib.sha256(landed(stores, key)).digest() == hashlib.sha256(LARGE).digest()


def test_resumed_by_later_invocations(store: Store, stores: Stores) -> None:
    pin = put(store, "resumed/clip.mp4", LARGE)
    key = f"{store.name}/resumed"
    item = an_item(store, "resumed/clip.mp4", pin, key)
    upload = Upload(stores, item).begin()
    for number in (1, 2):
        with pytest.raises(OutOfTime):
            upload.send(parts=1)
        assert list(upload.there()) == list(range(1, number + 1))
    assert copier(stores).landed(item, None, None) is None
    store.front.requests.clear()
    store.bytes_gate.requests.clear()
    done = upload.send()
    assert done.verified is (Verification.CHECKSUM if store.name == "gcs" else Verification.UNVERIFIABLE)
    assert len([request for request in store.bytes_gate.requests if store.is_bytes(request)]) == 1
    assert landed(stores, key) == LARGE
    again = copier(stores).landed(item, done.etag, None)
    assert again is not None
    assert (again.etag, again.size) == (done.etag, done.size)


def test_an_upload_that_is_gone(store: Store, stores: Stores) -> None:
    item = an_item(store, "gone/clip.mp4", put(store, "gone/clip.mp4", LARGE), f"{store.name}/gone")
    upload = Upload(stores, item).begin()
    upload.abort()
    spans = {1: (0, MIN_PART_BYTES - 1)}
    send = copier(stores).send
    nothing = lambda: None  # noqa: E731
    failing(UploadGone, store, lambda: send(item, upload.id, spans, whole=False, check=nothing, advanced=nothing))
    failing(UploadGone, store, lambda: copier(stores).complete(item, upload.id, ["0" * 32], SETTINGS, None))


def test_a_copy_tells_of_which_object_it_is_one(store: Store, stores: Stores) -> None:
    pin = put(store, "landed/clip.zip", SMALL)
    item = an_item(store, "landed/clip.zip", pin, f"{store.name}/landed")
    assert copier(stores).landed(item, None, None) is None
    done = copier(stores).whole(item, SETTINGS, mark="ij_1-0")
    assert copier(stores).landed(item, None, "ij_1-0") is not None
    assert copier(stores).landed(item, done.etag, None) is not None
    assert copier(stores).landed(item, None, "ij_1-5") is None
    assert copier(stores).landed(item, "0" * 32, None) is None
    changed = replace(item, pin=put(store, "landed/clip.zip", SMALL.swapcase()))
    assert copier(stores).landed(changed, None, "ij_1-0") is None
    assert copier(stores).landed(item, None, "ij_1-0") is not None, "what was copied was copied"


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
    bucket = "no/such" if store.scheme == "hf" else "no-such-bucket"
    # Who may not see a bucket is not told whether it is there; SeaweedFS and the Hub with a token tell.
    kind = AccessDenied if store.name in ("gcs", "hf-public", "s3") else ObjectMissing
    failing(kind, store, lambda: list(source.list_pages(store.at("", bucket))))
    failing(kind, store, lambda: source.stat(store.at("clip", bucket)))


def test_forbidden(store: Store) -> None:
    source, where = store.source(), store.at("clip", store.forbidden)
    failing(AccessDenied, store, lambda: source.stat(where))
    failing(AccessDenied, store, lambda: list(source.list_pages(store.at("", store.forbidden))))
    pin = Pin(size=7, etag="0" * 32, version="1")
    failing(AccessDenied, store, lambda: source.read(where, 0, 7, pin))


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


def test_changed_under_way(store: Store, stores: Stores) -> None:
    pin = put(store, "changed/clip.zip", SMALL)
    source, where = store.source(), store.at("changed/clip.zip")
    for changed in (SMALL.swapcase(), SMALL + b"!", b"short"):
        store.put("changed/clip.zip", changed)
        failing(SourceChanged, store, lambda: source.read(where, 0, len(SMALL), pin))
        failing(SourceChanged, store, lambda: source.stat(where, pin))
        item = an_item(store, "changed/clip.zip", pin, "changed")
        failing(SourceChanged, store, lambda item=item: copier(stores).whole(item, SETTINGS))  # type: ignore[misc]
        failing(SourceChanged, store, lambda item=item: copier(stores).begin(item, SETTINGS))  # type: ignore[misc]


def test_changed_between_parts(store: Store, stores: Stores) -> None:
    pin = put(store, "between/clip.mp4", LARGE)
    upload = Upload(stores, an_item(store, "between/clip.mp4", pin, f"{store.name}/between")).begin()
    with pytest.raises(OutOfTime):
        upload.send(parts=1)
    store.put("between/clip.mp4", LARGE[::-1])
    failing(SourceChanged, store, upload.send)
    assert list(upload.there()) == [1], "the engine removes it"
    upload.abort()


def test_changed_after_the_parts_began(store: Store, stores: Stores) -> None:
    pin = put(store, "began/clip.mp4", LARGE)
    upload = Upload(stores, an_item(store, "began/clip.mp4", pin, f"{store.name}/began")).begin()
    failing(SourceChanged, store, lambda: upload.send(check=lambda: store.put("began/clip.mp4", LARGE[::-1])))
    assert upload.there() == {}
    upload.abort()


def test_connection_cut_in_the_middle(store: Store, stores: Stores) -> None:
    pin = put(store, "cut/clip.zip", MEDIUM)
    source, where = store.source(), store.at("cut/clip.zip")
    store.fail_bytes(Cut(100_000), Cut(0), Cut(50_001))
    assert source.read(where, 0, len(MEDIUM), pin) == MEDIUM
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
    upload = Upload(stores, an_item(store, "cut/large.mp4", large, f"{store.name}/cut")).begin()
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
    assert store.slept[:2] == [2, 3]
    assert 0 < store.slept[2] <= 1, "without Retry-After, a wait of our own"
    store.slept.clear()
    store.front.fail(Answer(429, {"Retry-After": "4"}))
    assert source.stat(where).pin == pin
    store.front.fail(Answer(503, {"Retry-After": "5"}))
    assert [found.key for page in source.list_pages(store.at("throttled/")) for found in page] == ["throttled/clip.zip"]
    assert store.slept == [4, 5]


def test_throttled_for_longer_than_we_wait(store: Store) -> None:
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
    assert len(store.front.requests) >= len(keys) // PAGE
    assert [found.size for page in pages for found in page] == [len(key.encode()) for key in keys]
    for number, key in enumerate(keys):
        later = [found.key for page in source.list_pages(prefix, start_after=key) for found in page]
        assert later == keys[number + 1 :]
    within = [found for page in source.list_pages(store.at("pages/a")) for found in page]
    assert [found.key for found in within] == keys[:3]
    assert source.read(store.at(keys[0]), 0, 100, within[0].pin) == keys[0].encode(), "a listed object is pinned"
