"""Files made to be as costly as possible, each at one of the limits."""

import random
import struct
from collections.abc import Callable

from service.formats import limits
from tests.unit.formats.making import (
    FTYP,
    Film,
    Raw,
    box,
    changed,
    fragmented,
    full,
    members,
    parquet,
    table,
    varint,
    with_layer,
    write_zip,
)


def stored_layer(data: bytes) -> bytes:
    return write_zip(changed(".egomotion", data=data, method=0))


def footer_of_numbers() -> bytes:
    """A list of as many numbers as a footer may hold, each of the maximum length of ten bytes."""
    count = limits.MAX_FOOTER_VALUES - 10
    return stored_layer(parquet(b"\x19\xf6" + varint(count) + b"\x80\x01" * count + b"\0"))


def footer_of_structs() -> bytes:
    count = limits.MAX_FOOTER_VALUES - 10
    return stored_layer(parquet(b"\x19\xfc" + varint(count) + bytes(count) + b"\0"))


def footer_of_row_groups() -> bytes:
    """Row groups with complete columns, since a check stops at the first incomplete one."""
    chunk = b"\x3c" + b"\x39\x18\x01x" + b"\x26\x02\x26\x02\x26\x08" + b"\0" + b"\0"
    group = b"\x19\xfc" + varint(1000) + chunk * 1000 + b"\x26\0\0"
    schema = b"\x29\x2c" + b"\x48\x04root\x15\x02\0" + b"\x48\x01x\0"
    return stored_layer(parquet(schema + b"\x16\0" + b"\x19\xfc" + varint(300) + group * 300 + b"\0"))


def footer_of_columns() -> bytes:
    """A schema of distinct names."""
    elements = b"".join(b"\x48\x08" + b"%08d" % number + b"\0" for number in range(1_000_000))
    return stored_layer(parquet(b"\x29\xfc" + varint(1_000_000) + elements + b"\x16\0\x19\x0c\0"))


def footer_of_chunks() -> bytes:
    """Data of columns that the schema lacks, all different."""
    chunks = [b"\x3c\x39\x18\x08%08d\x26\x02\x26\x02\x26\x08\0\0" % number for number in range(300_000)]
    group = b"\x19\xfc" + varint(len(chunks)) + b"".join(chunks) + b"\x26\0\0"
    schema = b"\x29\x2c" + b"\x48\x04root\x15\x02\0" + b"\x48\x01x\0"
    return stored_layer(parquet(schema + b"\x16\0" + b"\x19\x1c" + group + b"\0"))


def footer_of_texts() -> bytes:
    count = limits.MAX_FOOTER_VALUES - 10
    return stored_layer(parquet(b"\x19\xf8" + varint(count) + b"\x01x" * count + b"\0"))


def large_footer() -> bytes:
    return stored_layer(parquet(bytes(limits.MAX_FOOTER_BYTES)))


def footers_in_every_layer() -> bytes:
    """Values of several footers, which count together."""
    count = limits.MAX_FOOTER_VALUES // 3
    footer = parquet(b"\x19\xf6" + varint(count) + bytes(count) + b"\0")
    return write_zip([raw if b"camera" in raw.name else Raw(raw.name, footer, method=0) for raw in members()])


def hollow_layer() -> bytes:
    """The maximum unpacked size, at nearly the compression ratio of a bomb."""
    noise = random.Random(1)
    return with_layer("egomotion_estimate", b"".join(noise.randbytes(10) + bytes(1000) for _ in range(60_000)))


def many_members() -> bytes:
    """Long names outside ASCII, with extra fields to read."""
    extra = b"".join(struct.pack("<2H", kind, 0) for kind in range(0x9000, 0x9008))
    return write_zip(
        Raw(("\u00e9\u4e2d/" * 12 + str(number)).encode(), method=0, flags=0x800, extra=extra)
        for number in range(limits.MAX_MEMBERS)
    )


def end_records() -> bytes:
    return write_zip(members(), comment=b"PK\5\6" * 16_000)


def longest_tables(count: int = 1_900_000) -> bytes:
    """Each sample in its own chunk, with another size than the one before: the costliest tables for their size."""
    film = Film(stsc=table("stsc", (1, 2, 1)), stts=table("stts", (2 * count, 1)))
    film.stsz = struct.pack(">I4s3I", 20 + 8 * count, b"stsz", 0, 0, 2 * count) + struct.pack(">I", 1) * (2 * count)
    film.stco = struct.pack(">I4s2I", 16 + 4 * count, b"stco", 0, count) + struct.pack(">I", 30_000_000) * count
    film.duration = film.film_duration = 2 * count
    media = box("mdat", bytes(16)) * 2
    return film.ftyp + media + film.moov() + box("mdat", bytes(10_000_000))


def longest_times() -> bytes:
    count = 3_900_000
    film = Film(stsz=full("stsz", "II", 1, count))
    film.stts = struct.pack(">I4s2I", 16 + 8 * count, b"stts", 0, count) + struct.pack(">2I", 1, 2**31 + 5) * count
    return film.bytes()


def longest_edit_list() -> bytes:
    count = 1_000_000
    rows = struct.pack(">IiI", 1, 1, 0x10000) * count
    return Film(edits=box("edts", full("elst", "I", count, more=rows))).bytes()


def tracks_of_boxes() -> bytes:
    return Film(extra_tracks=box("trak", box("free") * 980) * 99).bytes()


def moov_of_boxes() -> bytes:
    return Film(extra_tracks=box("free") * 3_500_000).bytes()


def descriptions_of_boxes() -> bytes:
    """More sample descriptions than the allowed number of boxes."""
    return Film(stsd=full("stsd", "I", 1, more=box("avc1") * 3_500_000)).bytes()


def track_fragments_of_boxes() -> bytes:
    return fragmented(box("moof", box("traf", box("free") * 3_500_000)))


def tracks_of_nothing() -> bytes:
    return Film(extra_tracks=box("trak") * 99_000).bytes()


def sounds() -> bytes:
    """Many sound tracks, whose tables a deep check reads."""
    one = Film(handler=b"soun").moov()[8 + 108 :]
    return Film(extra_tracks=one * 4_000).bytes()


def fragments_of_nothing() -> bytes:
    """`mvex` of 999 tracks, and the maximum number of empty fragments."""
    mvex = b"".join(full("trex", "5I", number, 1, 0, 0, 0) for number in range(2, 1000))
    return fragmented(box("moof") * 98_000, mvex=mvex)


def runs_of_nothing() -> bytes:
    traf = box("traf", full("tfhd", "I", 1), full("trun", "I", 0) * 900)
    return fragmented(*[box("moof", traf * 15)] * 7)


def runs_of_one() -> bytes:
    trun = full("trun", "II", 1, 1, flags=0x100)
    return fragmented(*[box("moof", box("traf", full("tfhd", "I", 1), trun * 95))] * 900)


def longest_run() -> bytes:
    count = 2_500_000
    rows = struct.pack(">3I", 1, 1, 1) * count
    trun = struct.pack(">I4s3I", 20 + len(rows), b"trun", 0x701, count, 0) + rows
    return fragmented(box("moof", box("traf", full("tfhd", "I", 1), trun)) + box("mdat", b"x"))


def boxes_of_nothing() -> bytes:
    return FTYP + box("free") * (2 * limits.MAX_BOXES)


def moovs_in_the_tail() -> bytes:
    return FTYP + box("mdat", b"x") + box("free", bytes(100_000)) + box("free", b"\0\0\0\x08moov" * 600_000)


def indexes() -> bytes:
    rows = struct.pack(">3I", 1, 1, 0) * 5_000
    return fragmented(full("sidx", "4I2H", 1, 1, 0, 0, 0, 5_000, more=rows) * 900)


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    make.__name__: (make, "clip.zip")
    for make in (
        footer_of_numbers, footer_of_structs, footer_of_row_groups, footer_of_texts,
        footer_of_columns, footer_of_chunks, large_footer,
        footers_in_every_layer, hollow_layer, many_members, end_records,
    )
} | {
    make.__name__: (make, "clip.mp4")
    for make in (
        longest_tables, longest_times, longest_edit_list, tracks_of_boxes, tracks_of_nothing, sounds,
        moov_of_boxes, descriptions_of_boxes, track_fragments_of_boxes,
        fragments_of_nothing, runs_of_nothing, runs_of_one, longest_run, boxes_of_nothing, moovs_in_the_tail, indexes,
    )
}  # fmt: skip
