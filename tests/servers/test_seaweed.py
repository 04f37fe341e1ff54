"""The storage on SeaweedFS, a store of its own make: bytes, metadata, preconditions, checksums, unfinished uploads.

It differs from S3: ListParts gives parts another ETag than UploadPartCopy did, and copies carry no checksum in their
answer, so a copy of a source that was uploaded in parts is `unverifiable` there.
"""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.credentials import Credentials

from service.aws.s3.http.rate_limiter import InFlight
from service.aws.s3.listing import fetcher
from service.aws.s3.session import session_of
from service.aws.s3.storage import S3Storage
from service.domain.clips import Verification
from service.domain.errors import ChecksumMismatch, ObjectMissing, SourceChanged
from service.domain.jobs import Counts
from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied
from service.domain.requests import ImportSettings
from service.domain.uris import s3_at
from service.imports.completion.finish import finish
from service.imports.copying.batch import Unfinished, copy_batch
from service.imports.copying.multipart import LargeCopies
from service.support.parallel_listing import Sharding, pages_of
from tests.builders import CLIPS_BUCKET, SOURCE_BUCKET, World, always, an_entry, own_access
from tests.fakes.copying import OneCopier
from tests.fakes.state import FakeClock
from tests.fakes.uploads import FakeLargeCopies
from tests.servers.seaweed import ADMIN

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MIB = 1024**2
PART = 5 * MIB
PLAIN = ImportSettings()
LARGE = bytes(range(256)) * (12 * MIB // 256)
ODD_KEYS = ["plain.zip", "a b.zip", "a+b.zip", "a%20b.zip", "日本 🚗.zip", "e\u0301", "&<>'\".zip", "~", "x" * 200]


@pytest.fixture(scope="session")
def storage(s3: "S3Client") -> S3Storage:
    for bucket in (SOURCE_BUCKET, CLIPS_BUCKET):
        s3.create_bucket(Bucket=bucket)
    credentials = Credentials(ADMIN.access_key_id, ADMIN.secret_access_key)
    return S3Storage(own=session_of(s3, credentials, in_flight=InFlight(32)), clips_bucket=CLIPS_BUCKET)


@pytest.fixture
def prefix() -> str:
    return f"{uuid.uuid4().hex[:8]}/"


def put(s3: "S3Client", storage: S3Storage, key: str, body: bytes, **options: Any) -> ManifestEntry:
    """A new source object as planning pins it."""
    s3.put_object(Bucket=SOURCE_BUCKET, Key=key, Body=body, **options)
    found = storage.stat(s3_at(SOURCE_BUCKET, key))
    uri = f"s3://{SOURCE_BUCKET}/{key}"
    return an_entry(source_uri=uri, destination=f"demo/{key}", size=found.size, etag=found.etag)


@dataclass(frozen=True)
class ByParts:
    storage: S3Storage
    large: LargeCopies

    def copy(self, entry: ManifestEntry, settings: ImportSettings) -> Copied:
        return self.large.copy(entry, self.storage, settings)


def by_parts(storage: S3Storage) -> ByParts:
    large = LargeCopies(
        job_id="ij_1",
        bucket=storage,
        uploads=FakeLargeCopies(),
        clock=FakeClock(),
        part_bytes=PART,
        stream_part_bytes=PART,
        pool=ThreadPoolExecutor(2),
        check=lambda: None,
        advanced=lambda: None,
    )
    return ByParts(storage, large)


def landed(s3: "S3Client", entry: ManifestEntry) -> bytes:
    return s3.get_object(Bucket=CLIPS_BUCKET, Key=entry.destination)["Body"].read()


def unfinished(s3: "S3Client", prefix: str) -> list[Any]:
    return list(s3.list_multipart_uploads(Bucket=CLIPS_BUCKET, Prefix=f"demo/{prefix}").get("Uploads", []))


KEPT: dict[str, Any] = {"ContentType": "video/mp4", "Metadata": {"camera": "front"}, "Tagging": "team=a%2Bb"}


def assert_kept(s3: "S3Client", entry: ManifestEntry) -> None:
    head = s3.head_object(Bucket=CLIPS_BUCKET, Key=entry.destination)
    assert (head["ContentType"], head["Metadata"]) == ("video/mp4", {"camera": "front"})
    tags = s3.get_object_tagging(Bucket=CLIPS_BUCKET, Key=entry.destination)["TagSet"]
    assert tags == [{"Key": "team", "Value": "a+b"}]


def test_a_whole_copy_has_the_bytes_metadata_and_tags_of_its_source(
    storage: S3Storage, s3: "S3Client", prefix: str
) -> None:
    entry = put(s3, storage, prefix + "k", b"0123456789", **KEPT)
    assert storage.copy(entry, PLAIN).verified is Verification.ETAG
    assert landed(s3, entry) == b"0123456789"
    assert_kept(s3, entry)


def test_a_copy_by_parts_has_the_bytes_metadata_and_tags_of_its_source(
    storage: S3Storage, s3: "S3Client", prefix: str
) -> None:
    entry = put(s3, storage, prefix + "k", LARGE, **KEPT)
    copied = by_parts(storage).copy(entry, PLAIN)
    assert (copied.size, copied.verified) == (len(LARGE), Verification.UNVERIFIABLE)
    assert copied.etag.endswith("-3")
    assert landed(s3, entry) == LARGE
    assert_kept(s3, entry)
    assert not unfinished(s3, prefix)


def test_checksums_of_whole_objects_are_compared(storage: S3Storage, s3: "S3Client", prefix: str) -> None:
    entry = put(s3, storage, prefix + "one", LARGE[: 2 * MIB], ChecksumAlgorithm="CRC32")
    assert by_parts(storage).copy(entry, PLAIN).verified is Verification.CHECKSUM


def test_a_copy_with_another_checksum_is_removed(
    storage: S3Storage, s3: "S3Client", prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = put(s3, storage, prefix + "one", LARGE[: 2 * MIB], ChecksumAlgorithm="CRC32")

    async def another(*_: object) -> dict[str, str]:
        return {"CRC32": "AAAAAA=="}

    monkeypatch.setattr(S3Storage, "_source_checksums", another)
    with pytest.raises(ChecksumMismatch):
        by_parts(storage).copy(entry, PLAIN)
    with pytest.raises(ObjectMissing):
        storage.stat(s3_at(CLIPS_BUCKET, entry.destination))


@pytest.mark.parametrize("large", [False, True])
def test_a_source_that_changed_is_refused_and_leaves_nothing(
    storage: S3Storage, s3: "S3Client", prefix: str, large: bool
) -> None:
    """It heeds `x-amz-copy-source-if-match`, and `If-Match` of HEAD."""
    entry = put(s3, storage, prefix + "k", b"planned")
    s3.put_object(Bucket=SOURCE_BUCKET, Key=prefix + "k", Body=b"another")
    with pytest.raises(SourceChanged):
        (by_parts(storage) if large else storage).copy(entry, PLAIN)
    with pytest.raises(ObjectMissing):
        storage.stat(s3_at(CLIPS_BUCKET, entry.destination))
    assert not unfinished(s3, prefix)


def test_a_source_that_changes_between_parts_is_never_mixed(storage: S3Storage, s3: "S3Client", prefix: str) -> None:
    entry = put(s3, storage, prefix + "k", LARGE)
    copies = by_parts(storage)

    def change() -> None:
        s3.put_object(Bucket=SOURCE_BUCKET, Key=prefix + "k", Body=LARGE[::-1])

    with pytest.raises(SourceChanged):
        replace(copies, large=replace(copies.large, advanced=change, pool=ThreadPoolExecutor(1))).copy(entry, PLAIN)
    assert not unfinished(s3, prefix)
    assert not copies.large.uploads.unfinished("ij_1")


@pytest.mark.parametrize("key", ODD_KEYS)
def test_odd_keys_are_copied_as_they_are(storage: S3Storage, s3: "S3Client", prefix: str, key: str) -> None:
    entry = put(s3, storage, prefix + key, key.encode())
    storage.copy(entry, PLAIN)
    assert landed(s3, entry) == key.encode()
    assert [item.key for page in storage.list_pages(s3_at(SOURCE_BUCKET, prefix)) for item in page] == [prefix + key]


def test_an_empty_object_is_copied(storage: S3Storage, s3: "S3Client", prefix: str) -> None:
    entry = put(s3, storage, prefix + "empty", b"")
    assert storage.copy(entry, PLAIN).size == 0
    assert landed(s3, entry) == b""


def test_a_listing_has_as_many_pages_as_it_needs(storage: S3Storage, s3: "S3Client", prefix: str) -> None:
    keys = [f"{prefix}{n:04d}" for n in range(1_010)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=SOURCE_BUCKET, Key=key, Body=b""), keys))
    pages = list(storage.list_pages(s3_at(SOURCE_BUCKET, prefix)))
    assert [item.key for page in pages for item in page] == keys
    assert len(pages) > 1
    by_ranges = pages_of(fetcher(storage.sources.requests, SOURCE_BUCKET, prefix), sharding=Sharding(first_pages=1))
    assert [item.key for page in by_ranges for item in page] == keys
    after = [
        item.key for page in storage.list_pages(s3_at(SOURCE_BUCKET, prefix), start_after=keys[1_000]) for item in page
    ]
    assert after == keys[1_001:]


def test_an_upload_is_found_by_its_key_and_aborted(storage: S3Storage, s3: "S3Client", prefix: str) -> None:
    entry = put(s3, storage, prefix + "k", LARGE)
    storage.begin_parts(entry, PLAIN)
    other = storage.begin_parts(replace(entry, destination=entry.destination + "2"), PLAIN)
    storage.abort_begun_since(entry.destination, "2026-01-01T00:00:00.000Z")
    assert [upload["UploadId"] for upload in unfinished(s3, prefix)] == [other]
    storage.abort(entry.destination + "2", other)
    storage.abort(entry.destination + "2", other)
    assert not unfinished(s3, prefix)


def a_world(storage: S3Storage) -> World:
    world = World(multipart_threshold=PART, part_bytes=PART)
    world.storage = storage  # type: ignore[assignment]
    world.copiers = OneCopier(storage)
    world.access = own_access(storage, world.jobs)
    return world


def test_a_large_object_is_copied_over_several_calls(storage: S3Storage, s3: "S3Client", prefix: str) -> None:
    put(s3, storage, prefix + "large", LARGE, **KEPT)
    world = a_world(storage)
    job = world.planned_list([prefix + "large"])
    (batch,) = world.batches(job.id)
    assert world.copy(batch, out_of_time=always) == 4, "three parts and the completion"
    assert world.job(job.id).counts == Counts(total=1, copied=1, bytes=len(LARGE))
    (entry,) = world.manifest(job.id)
    assert landed(s3, entry) == LARGE
    assert not s3.list_multipart_uploads(Bucket=CLIPS_BUCKET, Prefix=entry.destination).get("Uploads")


def test_the_end_of_a_job_leaves_no_upload(storage: S3Storage, s3: "S3Client", prefix: str) -> None:
    put(s3, storage, prefix + "large", LARGE)
    world = a_world(storage)
    job = world.planned_list([prefix + "large"])
    (batch,) = world.batches(job.id)
    assert isinstance(copy_batch(batch, attempt=0, out_of_time=always, ports=world.copy_ports), Unfinished)
    (entry,) = world.manifest(job.id)
    assert s3.list_multipart_uploads(Bucket=CLIPS_BUCKET, Prefix=entry.destination).get("Uploads")
    finish(job.id, error="States.Timeout", ports=world.finish_ports)
    assert world.job(job.id).counts == Counts(total=1, failed=1)
    assert not s3.list_multipart_uploads(Bucket=CLIPS_BUCKET, Prefix=entry.destination).get("Uploads")
