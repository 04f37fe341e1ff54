"""Make clips of every kind, valid and broken, byte by byte: writers for zip, Parquet and mp4 that can write lies."""

import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

from service.formats.check import Depth, check_clip
from service.formats.facts import ClipFacts, Verdict
from service.formats.failures import Finding, Reason
from service.formats.limits import MAX_READ_BYTES, MAX_READS, MAX_TOTAL_BYTES

DATA = Path(__file__).parents[2] / "data"
CLIPS = sorted((DATA / "clipgt").iterdir())
FILMS = sorted((DATA / "video").rglob("*.mp4"))
FILM = (DATA / "video/set01/front.mp4").read_bytes()
FRAGMENTED = (DATA / "video/fragmented.mp4").read_bytes()
CLIP_PATH = CLIPS[0]
CLIP = CLIP_PATH.read_bytes()
CLIP_ID = CLIP_PATH.stem


@dataclass
class Source:
    """An object in memory as a `RangeReader`. It checks that every read keeps a check's limits."""

    data: bytes
    ranges: list[tuple[int, int]] = field(default_factory=list)
    total: int = 0

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, start: int, length: int) -> bytes:
        assert start >= 0
        assert 0 < length <= MAX_READ_BYTES
        assert start + length <= self.size
        self.ranges.append((start, length))
        self.total += length
        assert len(self.ranges) <= MAX_READS
        assert self.total <= MAX_TOTAL_BYTES
        return self.part(start, length)

    def part(self, start: int, length: int) -> bytes:
        return self.data[start : start + length]


@dataclass
class Sparse(Source):
    """A large object of zeros with bytes at some places, which needs little memory."""

    length: int = 0
    places: dict[int, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return self.length

    def part(self, start: int, length: int) -> bytes:
        out = bytearray(length)
        for at, content in self.places.items():
            begin, end = max(at, start), min(at + len(content), start + length)
            if begin < end:
                out[begin - start : end - start] = content[begin - at : end - at]
        return bytes(out)


def judge(data: bytes, key: str = "clip.zip", *, depth: Depth = Depth.STRUCTURE) -> Verdict:
    return check_clip(key, Source(data), depth=depth)


def check(data: bytes, key: str = "clip.zip", *, depth: Depth = Depth.STRUCTURE) -> ClipFacts:
    """Return a valid clip's facts; raise the reason if it is not valid."""
    verdict = judge(data, key, depth=depth)
    if verdict.finding:
        raise verdict.finding
    return verdict.facts


def outcome(data: bytes, key: str = "clip.zip", *, depth: Depth = Depth.DEEP) -> Reason | None:
    """Return why it is invalid or unchecked; None if it is valid."""
    try:
        check(data, key, depth=depth)
    except Finding as finding:
        return finding.reason
    return None


# --- zip -----------------------------------------------------------------------------------------------------------


@dataclass
class Raw:
    """A member as written. None means the correct value; `local_*` differ from the directory only if given."""

    name: bytes
    data: bytes = b""
    method: int = 8
    flags: int = 0
    packed: bytes | None = None
    crc: int | None = None
    packed_size: int | None = None
    size: int | None = None
    offset: int | None = None
    attributes: int = 0o644 << 16
    extra: bytes = b""
    comment: bytes = b""
    version: int = 20
    local: dict[str, Any] = field(default_factory=dict)
    descriptor: bool = False
    zip64: bool = False


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def write_zip(
    members: Iterable[Raw],
    *,
    prefix: bytes = b"",
    gap: bytes = b"",
    comment: bytes = b"",
    suffix: bytes = b"",
    zip64: bool = False,
    **end: int,
) -> bytes:
    """`end` overrides fields of the end record (and of its zip64 form): count, here, size, offset, disk."""
    out, directory = bytearray(prefix), bytearray()
    count = 0
    for member in members:
        packed = member.packed if member.packed is not None else deflated(member.data) if member.method else member.data
        fields = {
            "flags": member.flags | (8 if member.descriptor else 0),
            "method": member.method,
            "crc": zlib.crc32(member.data) if member.crc is None else member.crc,
            "packed_size": len(packed) if member.packed_size is None else member.packed_size,
            "size": len(member.data) if member.size is None else member.size,
        }
        name, extra = member.local.get("name", member.name), member.local.get("extra", b"")
        offset = len(out) if member.offset is None else member.offset
        local = fields | (dict.fromkeys(("crc", "packed_size", "size"), 0) if member.descriptor else {}) | member.local
        out += struct.pack(
            "<4s5H3L2H", local.get("signature", b"PK\3\4"), member.version, local["flags"], local["method"], 0, 33,
            local["crc"], local["packed_size"], local["size"], len(name), len(extra),
        )  # fmt: skip
        out += name + extra + packed
        if member.descriptor:
            out += struct.pack("<4s3L", b"PK\7\x08", fields["crc"], fields["packed_size"], fields["size"])
        sizes = (fields["packed_size"], fields["size"], offset)
        extra = member.extra
        if member.zip64:
            extra += struct.pack("<HH3Q", 1, 24, sizes[1], sizes[0], sizes[2])
            sizes = (0xFFFFFFFF,) * 3
        directory += struct.pack(
            "<4s2B5H3L5H2L", b"PK\1\2", 20, 3, member.version, fields["flags"], fields["method"], 0, 33, fields["crc"],
            sizes[0], sizes[1], len(member.name), len(extra), len(member.comment), 0, 0, member.attributes, sizes[2],
        )  # fmt: skip
        directory += member.name + extra + member.comment
        count += 1
    out += gap
    start = len(out)
    values = {"disk": 0, "here": count, "count": count, "size": len(directory), "offset": start} | end
    out += directory
    ordered = (values["disk"], values["disk"], values["here"], values["count"], values["size"], values["offset"])
    if zip64:
        here = len(out)
        out += struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, *ordered)
        out += struct.pack("<4sLQL", b"PK\6\7", 0, here, 1)
        ordered = (0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    out += struct.pack("<4s4H2LH", b"PK\5\6", *ordered, len(comment))
    return bytes(out + comment + suffix)


def clip_files(data: bytes = CLIP) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def members(files: dict[str, bytes] | None = None) -> list[Raw]:
    return [Raw(name.encode(), data) for name, data in (clip_files() if files is None else files).items()]


def changed(layer: str, /, **changes: Any) -> list[Raw]:
    """Return the first clip's members, with one layer or camera changed."""
    found = [replace(raw, **changes) if layer in raw.name.decode() else raw for raw in members()]
    assert found != members()
    return found


def with_layer(layer: str, data: bytes) -> bytes:
    """Return the first clip with other content of a layer."""
    return write_zip(changed(f".{layer}.parquet", data=data))


# --- Parquet ---------------------------------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def thrift(value: Any) -> tuple[int, bytes]:
    """(type, bytes) in the compact protocol: int is i64, dict is a struct, a list is of one type."""
    if isinstance(value, int):
        return 6, varint((value << 1) ^ (value >> 63))
    if isinstance(value, bytes):
        return 8, varint(len(value)) + value
    if isinstance(value, list):
        items = [thrift(item) for item in value]
        kind = items[0][0] if items else 12
        start = bytes([len(items) << 4 | kind]) if len(items) < 15 else bytes([0xF0 | kind]) + varint(len(items))
        return 9, start + b"".join(item for _, item in items)
    out, last = b"", 0
    for number, item in value.items():
        kind, content = thrift(item)
        out += bytes([(number - last) << 4 | kind]) + content
        last = number
    return 12, out + b"\0"


def element(name: bytes, children: int = 0) -> dict[int, Any]:
    return {4: name, 5: children} if children else {1: 2, 4: name}


def chunk(column: bytes, *, start: int = 4, size: int = 16, values: int = 1, nulls: int | None = 0) -> dict[int, Any]:
    details = {3: [column, b"leaf"], 5: values, 7: size, 9: start}
    return {2: 0, 3: details | ({} if nulls is None else {12: {3: nulls}})}


def metadata(columns: Sequence[bytes] = (b"egomotion_estimate",), rows: int = 1, **changes: Any) -> dict[int, Any]:
    """Return a footer; `changes` are `schema`, `groups` and `rows_said`."""
    schema = [element(b"root", len(columns))]
    for column in columns:
        schema += [element(column, 1), element(b"leaf")]
    groups = [{1: [chunk(column, values=rows) for column in columns], 2: 16, 3: rows}]
    return {1: 2, 2: changes.get("schema", schema), 3: changes.get("rows_said", rows), 4: changes.get("groups", groups)}


def parquet(footer: dict[int, Any] | bytes, *, start: bytes = b"PAR1", end: bytes = b"PAR1", length: int = -1) -> bytes:
    content = footer if isinstance(footer, bytes) else thrift(footer)[1]
    return start + bytes(16) + content + struct.pack("<L", len(content) if length < 0 else length) + end


# --- mp4 -------------------------------------------------------------------------------------------------------------


def box(kind: str, *contents: bytes, size: int | None = None, wide: bool = False) -> bytes:
    content = b"".join(contents)
    name = kind.encode("latin-1")
    if wide:
        return struct.pack(">I4sQ", 1, name, len(content) + 16 if size is None else size) + content
    return struct.pack(">I4s", len(content) + 8 if size is None else size, name) + content


def full(kind: str, layout: str, *values: Any, version: int = 0, flags: int = 0, more: bytes = b"") -> bytes:
    return box(kind, struct.pack(f">I{layout}", version << 24 | flags, *values), more)


def table(kind: str, *rows: Sequence[int], wide: bool = False) -> bytes:
    numbers = [number for row in rows for number in row]
    return full(kind, f"I{len(numbers)}{'Q' if wide else 'I'}", len(rows), *numbers)


AVCC = box("avcC", b"\1\x64\0\x1f\xff\xe0\0")
HVCC = box("hvcC", b"\1" + bytes(22))
FTYP = box("ftyp", b"isom", bytes(4), b"isomavc1")
SAMPLES = 30


@dataclass
class Film:
    """A film of 30 samples of 100 bytes in 3 chunks, after `moov`; every part can be replaced."""

    ftyp: bytes = FTYP
    handler: bytes = b"vide"
    codec: bytes = b"avc1"
    configuration: bytes = AVCC
    width: int = 320
    height: int = 180
    scale: int = 1000
    duration: int = 2000
    film_scale: int = 1000
    film_duration: int = 2000
    version: int = 0
    stsd: bytes | None = None
    stts: bytes = table("stts", (20, 67), (10, 66))
    stsc: bytes = table("stsc", (1, 10, 1))
    stsz: bytes = full("stsz", "II", 100, SAMPLES)
    stco: bytes | None = None
    wide_offsets: bool = False
    shift: int = 0
    mdhd: bytes | None = None
    hdlr: bytes | None = None
    display: tuple[int, int] = (0, 0)
    edits: bytes = b""
    ctts: bytes = b""
    extra_tracks: bytes = b""
    mvex: bytes = b""

    def moov(self, media: int = 0) -> bytes:
        """`media`: offset of the samples in the object."""
        offsets = [(max(media + self.shift, 0) + index * 1000,) for index in range(3)]
        stco = self.stco or table("co64" if self.wide_offsets else "stco", *offsets, wide=self.wide_offsets)
        size = struct.pack(">2H", self.width, self.height)
        entry = box(self.codec.decode("latin-1"), bytes(24), size, bytes(50), self.configuration)
        stsd = full("stsd", "I", 1, more=entry) if self.stsd is None else self.stsd
        layout = "QQIQ" if self.version else "IIII"
        mvhd = full("mvhd", layout, 0, 0, self.film_scale, self.film_duration, version=self.version, more=bytes(80))
        mdhd = full("mdhd", layout, 0, 0, self.scale, self.duration, version=self.version, more=bytes(4))
        tkhd = full("tkhd", "3I", 0, 0, 1, more=bytes(60) + struct.pack(">2I", *(side << 16 for side in self.display)))
        hdlr = full("hdlr", "I4s", 0, self.handler, more=bytes(13))
        stbl = box("stbl", stsd, self.stts, self.ctts, self.stsc, self.stsz, stco)
        mdia = box(
            "mdia",
            mdhd if self.mdhd is None else self.mdhd,
            hdlr if self.hdlr is None else self.hdlr,
            box("minf", stbl),
        )
        return box("moov", mvhd, box("trak", tkhd, self.edits, mdia), self.extra_tracks, self.mvex)

    def bytes_moov_last(self, *, padding: int = 0, before: bytes = b"") -> bytes:
        """`before`: boxes between `ftyp` and the samples."""
        mdat = box("mdat", bytes(3000 + padding))
        return self.ftyp + before + mdat + self.moov(len(self.ftyp) + len(before) + 8)

    def bytes(self) -> bytes:
        before = len(self.ftyp) + len(self.moov())
        return self.ftyp + self.moov(before + 8) + box("mdat", bytes(3000))


def edit_list(*edits: tuple[int, int]) -> bytes:
    """(duration in the film's units, start in the track's)"""
    rows = b"".join(struct.pack(">IiI", duration, start, 0x10000) for duration, start in edits)
    return box("edts", full("elst", "I", len(edits), more=rows))


def track(handler: bytes, number: int, entry: bytes, *tables: bytes, scale: int = 1000, duration: int = 2000) -> bytes:
    """Return a further track; `tables` are `stts`, `stsc`, `stsz`, `stco`."""
    mdia = box(
        "mdia",
        full("mdhd", "4I", 0, 0, scale, duration, more=bytes(4)),
        full("hdlr", "I4s", 0, handler, more=bytes(13)),
        box("minf", box("stbl", full("stsd", "I", 1, more=entry), *tables)),
    )
    return box("trak", full("tkhd", "3I", 0, 0, number, more=bytes(68)), mdia)


def fragment(
    samples: int = 10,
    duration: int = 100,
    size: int = 50,
    *,
    track: int = 1,
    time: int | None = None,
    media: bytes | None = None,
    **lies: int,
) -> bytes:
    """`moof` and its `mdat`; `time`: when it begins; `lies`: `offset` of the run's data, `count` of its samples."""

    def moof(offset: int) -> bytes:
        tfhd = full("tfhd", "I", track, flags=0x20000)
        rows = struct.pack(f">{2 * samples}I", *[duration, size] * samples)
        trun = full("trun", "Ii", lies.get("count", samples), lies.get("offset", offset), flags=0x301, more=rows)
        tfdt = b"" if time is None else full("tfdt", "Q", time, version=1)
        return box("moof", full("mfhd", "I", 1), box("traf", tfhd, tfdt, trun))

    return moof(len(moof(0)) + 8) + box("mdat", b"\x55" * (samples * size) if media is None else media)


TREX = full("trex", "5I", 1, 1, 0, 0, 0)
IN_FRAGMENTS = Film(
    stts=table("stts"),
    stsc=table("stsc"),
    stsz=full("stsz", "II", 0, 0),
    stco=table("stco"),
    duration=0,
    film_duration=0,
    mvex=box("mvex", TREX),
)
"""A film whose samples are all in fragments."""


def fragmented(*fragments: bytes, mvex: bytes = b"", **changes: Any) -> bytes:
    film = replace(IN_FRAGMENTS, mvex=box("mvex", mvex, TREX), **changes)
    return film.ftyp + film.moov() + b"".join(fragments)
