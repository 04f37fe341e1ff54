"""Ranges of zips that several members share are read once, and few are kept."""

import base64
import io
import zipfile
import zlib
from dataclasses import dataclass, field

import pytest

from service.domain.errors import SourceUnavailable
from service.domain.manifest import ManifestEntry
from service.domain.member_reads import joined_reads
from service.domain.objects import ListedObject
from service.formats.archive import DEFLATED, STORED
from service.formats.check import Depth
from service.formats.members import members_of
from service.sources.members import JoinedReads, MemberSource
from service.sources.objects import pin_of
from service.sources.port import Pin
from tests.builders import an_entry
from tests.unit.formats.making import Raw, check, clip_files, write_zip


@dataclass
class Zip:
    data: bytes
    ranges: list[tuple[int, int]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, start: int, length: int) -> bytes:
        self.ranges.append((start, length))
        if self.errors:
            raise self.errors.pop()
        return self.data[start : start + length]


def entries_of(source: Zip) -> list[ManifestEntry]:
    found = ListedObject(key="a.zip", size=source.size, etag="etag")
    members = members_of(found, source)
    source.ranges.clear()
    return joined_reads(
        [
            an_entry(ordinal, source_uri=f"s3://source/{one.key}", size=one.size, etag=one.etag, packed=one.packed)
            for ordinal, one in enumerate(members)
        ]
    )


def read(entry: ManifestEntry, source: Zip, joined: JoinedReads, start: int = 0, length: int = 1_000) -> bytes:
    member = MemberSource(entry, source, joined)
    return member.read(entry.location, start, length, pin_of(entry))


def test_one_range_brings_all_neighbours(contents: dict[str, bytes], source: Zip) -> None:
    joined = JoinedReads()
    for entry in entries_of(source):
        data = contents[entry.location.member]
        assert read(entry, source, joined) == data
        assert read(entry, source, joined, 3, 4) == data[3:7]
        assert read(entry, source, joined, len(data)) == b""
        found = MemberSource(entry, source, joined).stat(entry.location)
        assert Pin.of(found) == pin_of(entry)
        assert found.checksums == {"CRC32": base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()}
    assert len(source.ranges) == 1


def test_a_read_that_failed_is_made_again(contents: dict[str, bytes], source: Zip) -> None:
    first, *_ = entries_of(source)
    joined = JoinedReads()
    source.errors.append(SourceUnavailable("cut", operation="read", uri="u"))
    with pytest.raises(SourceUnavailable):
        read(first, source, joined)
    assert read(first, source, joined) == contents[first.location.member]


def test_few_ranges_are_kept() -> None:
    joined, made = JoinedReads(kept=2), list[str]()

    def get(key: str) -> None:
        joined.get(key, lambda: made.append(key) or b"")  # type: ignore[func-returns-value]

    for key in ("a", "b", "a", "c", "a", "b"):
        get(key)
    assert made == ["a", "b", "c", "b"]


def test_one_call_reads_a_range_once_even_if_none_is_kept(source: Zip) -> None:
    entries = built(source)
    assert len(entries) == 3
    for entry in entries:
        source.ranges.clear()
        assert entry.size is not None
        assert len(read(entry, source, JoinedReads(kept=0), 0, entry.size)) == entry.size
        assert len(source.ranges) == 1


def test_a_member_whose_range_ends_before_it_is_read_on(source: Zip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.domain.member_reads.JOINED_BYTES", 150)
    entries = {entry.location.member: entry for entry in entries_of(source)}
    joined = JoinedReads()
    assert read(entries["stored.mp4"], source, joined) == b"s" * 400
    assert read(entries["stored.mp4"], source, joined, 90, 200) == b"s" * 200


def built(source: Zip) -> list[ManifestEntry]:
    """The clips of a zip, each as a zip that is built of its files."""
    found = ListedObject(key="a.zip", size=source.size, etag="etag")
    clips = members_of(found, source, by_clip=True)
    source.ranges.clear()
    return joined_reads(
        [
            an_entry(ordinal, source_uri=f"s3://source/{one.key}", size=one.size, etag=one.etag, packed=one.packed)
            for ordinal, one in enumerate(clips)
            if one.packed
        ]
    )


def test_a_built_zip_has_the_files_of_its_clip() -> None:
    files = {
        "c2.egomotion.parquet": b"e2" * 100,
        "c1.front.mp4": b"v" * 500,
        "c1.egomotion.parquet": b"e1" * 100,
        "c3/c3.äö.json": b"{}",
        "c1.empty": b"",
    }
    methods = [DEFLATED, STORED, DEFLATED, STORED, STORED]
    raw = [
        Raw(name.encode(), data, method=method, flags=0x800)
        for (name, data), method in zip(files.items(), methods, strict=True)
    ]
    source, joined = Zip(write_zip(raw)), JoinedReads()
    entries = built(source)
    assert [entry.location.member for entry in entries] == ["c1.zip", "c2.zip", "c3.zip"]
    for entry in entries:
        assert entry.size is not None
        data = read(entry, source, joined, 0, entry.size)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            wanted = [name for name in files if name.startswith(entry.location.member.removesuffix(".zip"))]
            assert archive.namelist() == wanted, "in the order of their bytes"
            assert [archive.read(name) for name in wanted] == [files[name] for name in wanted]
            assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert len(data) == entry.size
        assert read(entry, source, JoinedReads(), 0, entry.size) == data, "the same bytes every time"
        for start in range(0, entry.size, 37):
            assert read(entry, source, joined, start, 90) == data[start : start + 90]
        found = MemberSource(entry, source, joined).stat(entry.location)
        assert found.checksums == {"CRC32": base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()}


def test_a_built_clipgt_zip_is_valid() -> None:
    files = [Raw(name.encode(), data, method=STORED) for name, data in clip_files().items()]
    source = Zip(write_zip([*files, Raw(b"another.egomotion.parquet", b"x")]))
    entry = next(entry for entry in built(source) if "another" not in entry.source_uri)
    assert entry.size is not None
    facts = check(read(entry, source, JoinedReads(), 0, entry.size), entry.location.member, depth=Depth.DEEP)
    assert facts.clip_id == entry.location.member.removesuffix(".zip")


def test_a_zip_of_the_clip_s_own_name_stays_as_it_is() -> None:
    inner = write_zip([Raw(b"c1.egomotion.parquet", b"x")])
    source = Zip(write_zip([Raw(b"c1.zip", inner, method=STORED)]))
    (entry,) = built(source)
    assert read(entry, source, JoinedReads(), 0, len(inner)) == inner


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ([Raw(b"c1.a", b"x"), Raw(b"c1.b", b"x", flags=1)], "encrypted"),
        ([Raw(f"c1.{number}".encode(), b"", method=STORED) for number in range(1_001)], "more than 1,000 files"),
    ],
)
def test_a_clip_whose_zip_cannot_be_built_says_why(files: list[Raw], problem: str) -> None:
    source = Zip(write_zip(files))
    (found,) = members_of(ListedObject(key="a.zip", size=source.size, etag="etag"), source, by_clip=True)
    assert (found.packed, problem in (found.problem or "")) == (None, True)


@pytest.fixture
def contents() -> dict[str, bytes]:
    return {"stored.mp4": b"s" * 400, "deflated.json": b"d" * 300, "last.mp4": b"last"}


@pytest.fixture
def source(contents: dict[str, bytes]) -> Zip:
    members = [
        Raw(name.encode(), data, method=DEFLATED if name.endswith(".json") else STORED)
        for name, data in contents.items()
    ]
    return Zip(write_zip(members))
