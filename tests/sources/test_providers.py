"""Behaviour of single providers."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3

from service.domain.clips import Verification
from service.domain.errors import AccessDenied, ChecksumMismatch, ObjectMissing, ObjectRejected, SourceChanged
from service.domain.requests import ImportSettings
from service.domain.uris import Location, parse_object
from service.sources.hub import HubAdapter
from service.sources.patient import PatientSource
from service.sources.port import Pin
from service.support.clock import timestamp
from service.web.addresses import AddressRule
from tests.servers.gate import Answer, Request
from tests.servers.hub import Hub
from tests.sources.stores import VERSIONS, Store, Stores, entry_of

DATA = b"0123456789"


@pytest.fixture
def of(stores: Stores, request: pytest.FixtureRequest) -> Any:
    def get(name: str) -> Store:
        request.addfinalizer(stores.by_name[name].reset)
        return stores.by_name[name]

    return get


def test_other_stores_than_aws_get_neither_checksums_nor_trailers(of: Any) -> None:
    store = of("s3")
    store.put("plain", DATA)
    found = store.source().stat(store.at("plain"))
    assert store.source().read(store.at("plain"), 0, 10, Pin.of(found)) == DATA
    assert list(store.source().list_pages(store.at("plain")))
    headers = {name.lower() for request in store.front.requests for name in request.headers}
    assert not {name for name in headers if "trailer" in name or "sdk-checksum" in name or "x-amz-checksum-crc" in name}
    assert "x-amz-optional-object-attributes" not in headers, "some stores refuse headers that they do not know"
    assert all(request.path.startswith("/clips") for request in store.front.requests), "the bucket is in the path"


def test_s3_tells_what_a_copy_is_to_keep(of: Any, stores: Stores) -> None:
    store = of("s3")
    headers = {"ContentType": "video/mp4", "CacheControl": "no-cache", "ContentLanguage": "de"}
    stores.landing.put_object(
        Bucket="clips",
        Key="kept",
        Body=DATA,
        Metadata={"camera": "front"},
        Tagging="team=a%2Bb",
        ContentType=headers["ContentType"],
        CacheControl=headers["CacheControl"],
        ContentLanguage=headers["ContentLanguage"],
    )
    found = store.source().stat(store.at("kept"))
    assert (found.headers, found.metadata) == (headers, {"camera": "front"})
    assert store.source().tags(store.at("kept"), Pin.of(found)) == {"team": "a+b"}


def test_google_tells_what_a_copy_is_to_keep(of: Any) -> None:
    store = of("gcs")
    store.put("kept", DATA)
    told = {"contentType": "video/mp4", "cacheControl": "no-cache", "metadata": {"camera": "Köln"}}
    changed = urllib3.request("PATCH", f"{store.front.upstream}/storage/v1/b/clips/o/kept", json=told)
    assert changed.status == 200
    found = store.source().stat(store.at("kept"))
    assert found.headers == {"ContentType": "video/mp4", "CacheControl": "no-cache"}
    assert found.metadata == {"camera": "Köln"}
    assert store.source().tags(store.at("kept"), Pin.of(found)) == {}
    asked = parse_qs(urlsplit(store.front.requests[-1].path).query)["fields"][0].split(",")
    assert {"metadata", "contentDisposition", "contentEncoding"} <= set(asked)


def test_googles_listing_by_ranges_is_whole_and_in_order(of: Any) -> None:
    store = of("gcs")
    names = [
        f"ranges/{a}{b}"
        for a in ("a", "a ", "b/", "B", "é", "日", "\U0001f600", "~", "%2F", "+", "a/x/")
        for b in range(12)
    ]
    for name in names:
        store.put(name, b"x")
    source = PatientSource(replace(store.adapter("good"), of_google=True))
    after = sorted(names)[50]
    for start_after in ("", after, f"{after}!"):
        found = [one.key for page in source.list_pages(store.at("ranges/"), start_after=start_after) for one in page]
        assert found == [name for name in sorted(names) if name > start_after]
    asked = [parse_qs(urlsplit(request.path).query) for request in store.front.requests]
    assert {name for query in asked for name in query.get("startOffset", [])} - set(names), (
        "no range began between keys"
    )


def test_a_generation_is_read_while_it_is_live_and_longer_only_as_of_a_time(of: Any) -> None:
    store = of("gcs")
    assert store.write
    then = store.write("live/clip", b"planned")
    where = store.at("live/clip", VERSIONS)
    pin = Pin.of(store.source().stat(where))
    [[kept]] = store.source().list_as_of(where, timestamp(then + timedelta(seconds=1)), only=True)
    store.write("live/clip", b"another")
    with pytest.raises(SourceChanged):
        store.source().read(where, 0, 10, pin)
    assert store.source().read(where, 0, 10, Pin.of(kept)) == b"planned"
    store.source("deletes").remove(where, Pin.of(kept))
    assert parse_qs(urlsplit(store.front.requests[-1].path).query)["generation"] == [pin.version]


def test_a_service_account_that_may_not_see_the_bucket_is_told_what_as_of_needs(of: Any) -> None:
    store = of("gcs")
    store.put("as-of/clip", DATA)
    permit = store.front.permit

    def viewer(request: Request) -> Answer | None:
        return Answer(403) if "fields=versioning" in request.path else permit(request)

    store.front.permit = viewer
    with pytest.raises(AccessDenied, match=r"storage\.buckets\.get"):
        list(store.source().list_as_of(store.at("as-of/"), "2026-01-01T00:00:00.000Z"))


def test_one_token_of_google_s_serves_many_requests(of: Any) -> None:
    store = of("gcs")
    store.put("token", DATA)
    source = store.source()
    for _ in range(5):
        pin = Pin.of(source.stat(store.at("token")))
    assert source.read(store.at("token"), 0, 10, pin) == DATA
    tokens = {request.headers["Authorization"] for request in store.front.requests}
    assert len(tokens) == 1


def test_limits_that_google_answers_with_403(of: Any) -> None:
    store = of("gcs")
    store.put("quota", DATA)
    store.front.fail(Answer(403, body=b'{"error": {"errors": [{"reason": "rateLimitExceeded"}]}}'))
    assert store.source().stat(store.at("quota")).size == 10
    assert len(store.slept) == 1


def test_what_google_stores_packed_stays_packed(of: Any) -> None:
    store = of("gcs")
    store.put("packed", DATA)
    pin = Pin.of(store.source().stat(store.at("packed")))
    headers = {"Content-Encoding": "gzip", "Content-Range": "bytes 2-5/10", "X-Goog-Generation": str(pin.version)}
    store.fail_bytes(Answer(206, headers, b"\x1f\x8b\x08\x00"))
    assert store.source().read(store.at("packed"), 2, 4, pin) == b"\x1f\x8b\x08\x00"
    assert store.front.requests[-1].headers["Accept-Encoding"] == "gzip"


def test_the_hub_s_own_words_for_its_limit(of: Any) -> None:
    store = of("hf")
    store.put("limit", DATA)
    store.front.fail(
        Answer(429, {"RateLimit": '"api";r=0;t=12', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'})
    )
    assert store.source().stat(store.at("limit")).size == 10
    assert store.slept == [12]


def test_the_hub_s_token_stays_at_the_hub(of: Any) -> None:
    store = of("hf")
    store.put("token", DATA)
    pin = Pin.of(store.source().stat(store.at("token")))
    assert store.source().read(store.at("token"), 0, 10, pin) == DATA
    assert all("Authorization" in request.headers for request in store.front.requests)
    assert store.bytes_gate.requests
    assert not [request for request in store.bytes_gate.requests if "Authorization" in request.headers]
    store.front.fail(Answer(200, {"Link": '<https://elsewhere.example.com/next>; rel="next"'}, b"[]"))
    with pytest.raises(AccessDenied, match="which must not receive the token"):
        list(store.source().list_pages(store.at("")))


def test_the_hub_may_not_redirect_inside(of: Any) -> None:
    store = of("hf")
    store.put("inside", DATA)
    pin = Pin.of(store.source().stat(store.at("inside")))
    adapter = store.adapter("good")
    assert isinstance(adapter, HubAdapter)
    strict = PatientSource(replace(adapter, rule=AddressRule()))
    with pytest.raises(AccessDenied, match=r"'127\.0\.0\.1': the URL must begin with https://"):
        strict.read(store.at("inside"), 0, 10, pin)


def test_a_hub_that_does_not_name_the_content_cannot_be_pinned(of: Any) -> None:
    store = of("hf")
    store.put("unnamed", DATA)
    pin = Pin.of(store.source().stat(store.at("unnamed")))
    store.front.fail(Answer(206, {"Content-Range": "bytes 0-9/10"}, DATA))
    with pytest.raises(SourceChanged, match="lacks the content hash"):
        store.source().read(store.at("unnamed"), 0, 10, pin)


def repo_of(store: Store) -> Hub:
    assert store.hub
    return store.hub


def test_a_file_of_a_dataset_is_pinned_to_its_commit(of: Any, stores: Stores) -> None:
    store = of("hf-repo")
    store.put("pinned/a.zip", DATA)
    where = store.at("pinned/a.zip")
    pin = Pin.of(store.source().stat(where))
    assert pin.version == repo_of(store).commits[store.bucket][-1][0]
    source = store.source()
    assert Pin.of(source.stat(where)) == pin
    store.put("pinned/a.zip", DATA[::-1])
    assert source.read(where, 0, 10, pin) == DATA, "the planned commit's"
    assert Pin.of(source.stat(where)) != pin
    done = store.copier(stores.landing).copy(entry_of(where, pin, "hf/pinned"), ImportSettings())
    assert done.verified is Verification.CHECKSUM
    old = Location("hf", f"{store.bucket}@{pin.version}", "pinned/a.zip")
    assert Pin.of(source.stat(old)) == pin
    assert (source.commit_of(old), source.commit_of(where)) == (pin.version, source.stat(where).version)
    assert [Pin.of(found) for page in source.list_pages(old) for found in page] == [pin]
    gone = Location("hf", f"{store.bucket}@v9", "pinned/a.zip")
    with pytest.raises(ObjectMissing, match="no such revision"):
        source.stat(gone)


def test_a_listing_takes_one_commit_on_all_of_its_pages(of: Any) -> None:
    store = of("hf-repo")
    for number in range(12):
        store.put(f"many/{number:02}.zip", DATA)
    source = store.source()
    pages = source.list_pages(store.at("many/0"))
    first = next(pages)
    store.put("many/00.zip", DATA[::-1])
    commits = {found.version for page in (first, *pages) for found in page}
    assert len(commits) == 1
    assert [found.key for page in source.list_pages(store.at("no/such/folder/")) for found in page] == []


def test_a_dataset_is_found_by_its_former_name(of: Any, stores: Stores) -> None:
    store = of("hf-repo")
    for name in ("moved/a.zip", "moved/b.txt"):
        store.put(name, DATA)
    source, former = store.source(), Location("hf", "datasets/former/name", "moved/")
    repo_of(store).moved[former.bucket] = store.bucket
    assert source.commit_of(former) == source.commit_of(store.at("moved/"))
    assert [found.key for page in source.list_pages(former) for found in page] == ["moved/a.zip", "moved/b.txt"]
    for name in ("moved/a.zip", "moved/b.txt"):
        where = former.at(name)
        pin = Pin.of(source.stat(where))
        assert source.read(where, 0, 10, pin) == DATA
        store.copier(stores.landing).copy(entry_of(where, pin, f"hf/{name}"), ImportSettings())
    repo_of(store).moved[former.bucket] = former.bucket
    with pytest.raises(ObjectRejected, match="307"):
        source.stat(former.at("moved/a.zip"))


@pytest.mark.parametrize("name", ["hf", "hf-repo"])
def test_a_listing_says_that_the_hub_answers_before_it_is_sorted(of: Any, name: str) -> None:
    store = of(name)
    for number in range(12):
        store.put(f"long/{number:02}.zip", DATA)
    pages = store.source().list_pages(store.at("long/"))
    assert list(next(pages)) == []
    trees = [request for request in store.front.requests if "/tree" in request.path]
    assert len(trees) == 1, "the other pages are not read yet"
    assert len([found for page in pages for found in page]) == 12


def test_bytes_that_are_not_those_of_the_dataset_s_sha_256_are_not_stored(of: Any, stores: Stores) -> None:
    store = of("hf-repo")
    store.put("false/a.zip", DATA)
    where = store.at("false/a.zip")
    pin = Pin.of(store.source().stat(where))
    store.fail_bytes(Answer(206, {"Content-Range": "bytes 0-9/10"}, DATA[::-1]))
    with pytest.raises(ChecksumMismatch):
        store.copier(stores.landing).copy(entry_of(where, pin, "hf/false"), ImportSettings())
    assert "Contents" not in stores.landing.list_objects_v2(Bucket="landing", Prefix="hf/false")


def test_a_small_file_that_git_keeps_is_read_from_the_hub_itself(of: Any) -> None:
    store = of("hf-repo")
    store.put("small.txt", DATA)
    source, where = store.source(), store.at("small.txt")
    pin = Pin.of(source.stat(where))
    assert (len(pin.etag), source.read(where, 0, 10, pin), source.read(where, 2, 3, pin)) == (40, DATA, DATA[2:5])


def test_a_model_has_other_urls(of: Any) -> None:
    store = of("hf-repo")
    repo_of(store).commit("models/maker/net", **{"net.bin": DATA})
    where = parse_object("hf://models/maker/net@main/net.bin")
    source = store.source()
    assert source.read(where, 0, 10, Pin.of(source.stat(where))) == DATA
    assert [found.key for page in source.list_pages(where) for found in page] == ["net.bin"]


def test_a_gated_dataset_says_what_it_takes(of: Any, request: pytest.FixtureRequest) -> None:
    store = of("hf-repo")
    store.put("gated.zip", DATA)
    repo_of(store).gated.add(store.bucket)
    request.addfinalizer(lambda: repo_of(store).gated.clear())
    with pytest.raises(AccessDenied, match="the dataset is gated: this token's account must accept its conditions"):
        store.source().stat(store.at("gated.zip"))


def test_another_commit_than_the_planned_one_is_no_answer(of: Any) -> None:
    store = of("hf-repo")
    store.put("other.txt", DATA)
    source, where = store.source(), store.at("other.txt")
    pin = Pin.of(source.stat(where))
    store.front.fail(Answer(206, {"Content-Range": "bytes 0-9/10", "X-Repo-Commit": "0" * 40}, DATA))
    with pytest.raises(SourceChanged, match="changed since"):
        source.read(where, 0, 10, pin)
