"""How many requests a check makes, and for how many bytes: no more than docs/validation.md says."""

import random
import struct

import pytest

from service.formats.check import Depth, check_clip
from service.formats.endrecord import TAIL_BYTES
from service.formats.facts import Content, Verdict
from service.formats.failures import Note, Reason
from service.formats.limits import MAX_READS_STRUCTURE
from service.formats.walk import HEAD_BYTES
from tests.unit.formats.making import (
    CLIP_ID,
    FTYP,
    TREX,
    Film,
    Raw,
    Source,
    Sparse,
    box,
    changed,
    fragment,
    fragmented,
    full,
    members,
    metadata,
    table,
    thrift,
    write_zip,
)

GIB = 1024**3
STRUCTURE, DEEP = Depth


def seen(source: Source, key: str = "clip.mp4", depth: Depth = STRUCTURE) -> Verdict:
    verdict = check_clip(key, source, depth=depth)
    assert (verdict.reads, verdict.bytes) == (len(source.ranges), source.total)
    return verdict


def sound(verdict: Verdict, reads: int, kilobytes: int) -> None:
    assert (verdict.content, verdict.code) == (Content.VALID, None), verdict.message
    assert verdict.reads == reads
    assert verdict.bytes <= kilobytes * 1024


# --- films ---------------------------------------------------------------------------------------------------------


def long_film(*, minutes: int, media: int, padding: bytes = b"") -> Film:
    """A film at 30 frames a second whose `moov` has as many table entries as such a film has."""
    count = minutes * 60 * 30
    film = Film(stsc=table("stsc", (1, 1, 1)), stts=table("stts", (count, 100)), scale=3000, duration=count * 100)
    film.film_duration = minutes * 60_000
    film.stsz = full("stsz", f"II{count}I", 0, count, *[media // count] * count)
    film.stco = full("stco", f"I{count}I", count, *[1000] * count)
    film.extra_tracks = padding
    return film


def placed(before: bytes, media: int, behind: bytes, *, size: int = 0) -> Sparse:
    """`before`, an `mdat` of `media` bytes, `behind`."""
    head = before + struct.pack(">I4sQ", 1, b"mdat", 16 + media)
    start = len(head) + media
    return Sparse(b"", length=max(start + len(behind), size), places={0: head, start: behind})


def test_a_small_film_takes_one_read() -> None:
    sound(seen(Source(Film().bytes() + box("free", bytes(100_000)))), 1, 256)


def test_moov_first_takes_one_read() -> None:
    sound(seen(placed(FTYP + Film().moov(1000), GIB, b"")), 1, 64)


def test_moov_first_and_longer_than_the_head_takes_two_reads() -> None:
    sound(seen(placed(FTYP + long_film(minutes=10, media=GIB).moov(), GIB, b"")), 2, 150)


def test_moov_last_takes_two_reads() -> None:
    sound(seen(placed(FTYP, GIB, Film().moov(1000))), 2, 66)


@pytest.mark.parametrize("minutes", [10, 60])
def test_a_long_moov_last_takes_two_reads(minutes: int) -> None:
    verdict = seen(placed(FTYP, 2 * GIB, long_film(minutes=minutes, media=2 * GIB).moov()))
    sound(verdict, 2, 65 + minutes * 16)
    assert verdict.facts.duration_s == minutes * 60


@pytest.mark.parametrize("last", [False, True])
def test_twelve_hours_take_two_reads(last: bool) -> None:
    moov = long_film(minutes=720, media=40 * GIB, padding=box("free", bytes(11_000_000))).moov()
    assert len(moov) > 20_000_000
    source = placed(FTYP, 40 * GIB, moov) if last else placed(FTYP + moov, 40 * GIB, b"")
    verdict = seen(source)
    sound(verdict, 2, 22_000)
    assert verdict.facts.duration_s == 720 * 60


def test_moov_last_behind_a_long_box_takes_two_reads() -> None:
    """A film of a recorder that reserves room for `moov` in front."""
    sound(seen(placed(FTYP + box("free", bytes(1_000_000)), GIB, Film().moov(1000))), 2, 64 + 4096)


def test_what_follows_the_media_takes_no_read_at_structure() -> None:
    """The check does not read where no byte could change the result."""
    behind = box("udta", bytes(5_000_000)) + box("free", bytes(100))
    sound(seen(placed(FTYP + Film().moov(1000), GIB, behind)), 1, 64)
    sound(seen(placed(FTYP + Film().moov(1000), GIB, behind), depth=DEEP), 3, 100)


@pytest.mark.parametrize("count", [9, 70, 5000])
def test_moov_behind_many_large_mdats_takes_two_reads(count: int) -> None:
    each = box("mdat", size=8 + 1_000_000)
    places = {0: FTYP, **{len(FTYP) + index * 1_000_008: each for index in range(count)}}
    start = len(FTYP) + count * 1_000_008
    moov = Film().moov(1000)
    verdict = seen(Sparse(b"", length=start + len(moov), places=places | {start: moov}))
    sound(verdict, 2, 64 + 4096)


def test_a_moov_in_the_middle_takes_three_reads() -> None:
    """The tail is searched in vain."""
    media = box("mdat", size=8 + 100_000_000)
    moov = Film().moov(1000)
    start = len(FTYP) + 100_000_008
    places = {0: FTYP + media, start: moov + media}
    sound(seen(Sparse(b"", length=start + len(moov) + 100_000_008, places=places)), 3, 64 + 256 + 3200)


@pytest.mark.parametrize("size", [34, 60])
def test_a_moov_too_large_for_one_read_is_outlined(size: int) -> None:
    """Its long tables are passed over: they are not held, and a deep check cannot compare them."""
    count = size * 250_000
    film = Film(stts=table("stts", (count, 100)), scale=3000, duration=count * 100)
    stsz = struct.pack(">I4s3I", 20 + 4 * count, b"stsz", 0, 0, count)
    film.stsz = stsz + bytes(4 * count)
    film.film_duration = count * 1000 // 30
    moov = film.moov()
    verdict = seen(placed(FTYP, 3 * GIB, moov))
    sound(verdict, verdict.reads, 4500)
    assert verdict.reads <= 6
    assert verdict.facts.duration_s == round(count / 30, 6)
    deep = seen(placed(FTYP, 3 * GIB, moov), depth=DEEP)
    assert (deep.content, deep.code) == (Content.UNCHECKED, Reason.MP4_MOOV_TOO_LARGE)
    assert deep.facts.duration_s == verdict.facts.duration_s


def test_boxes_within_boxes_without_end_are_passed_over() -> None:
    """Thousands of levels deep, which no call stack should follow."""

    def kind(level: int) -> bytes:
        return (b"trak", b"mdia", b"minf", b"stbl")[min(level - 1, 3)]

    deep = b"".join(struct.pack(">I4s", 33 * 1024**2 - 8 * level, kind(level)) for level in range(1, 5000))
    head = FTYP + box("moov", size=34 * 1024**2) + full("mvhd", "IIII", 0, 0, 1000, 0, more=bytes(80))
    source = Sparse(b"", length=35 * 1024**2, places={0: head + deep})
    verdict = seen(source)
    assert verdict.content == Content.INVALID
    assert verdict.reads < 10


def test_a_moov_above_the_limit_leaves_the_film_unchecked() -> None:
    for depth in Depth:
        verdict = seen(Sparse(b"", length=GIB, places={0: FTYP + box("moov", size=65 * 1024**2)}), depth=depth)
        assert (verdict.content, verdict.code) == (Content.UNCHECKED, Reason.MP4_MOOV_TOO_LARGE)


# --- fragmented films ------------------------------------------------------------------------------------------------


def fragments(count: int, apart: int, *, before: bytes = b"", behind: bytes = b"", cut: int = 0) -> Sparse:
    """`count` fragments of a second, `apart` bytes each."""
    head = fragmented(before)
    places, at = {0: head}, len(head)
    for index in range(count):
        moof = fragment(time=1000 * index)[:-508]
        places[at] = moof + box("mdat", size=apart - len(moof)) + b"\x55"
        at += apart
    places[at] = behind
    return Sparse(b"", length=at + len(behind) - cut, places=places)


def mfra(offsets: list[int]) -> bytes:
    rows = b"".join(struct.pack(">2Q3B", 0, offset, 1, 1, 1) for offset in offsets)
    tfra = full("tfra", "3I", 1, 0, len(offsets), version=1, more=rows)
    return box("mfra", tfra, full("mfro", "I", 8 + len(tfra) + 16))


def sidx(count: int, apart: int) -> bytes:
    rows = struct.pack(">3I", apart, 1000, 0x90000000) * count
    return full("sidx", "4I2H", 1, 1000, 0, 0, 0, count, more=rows)


@pytest.mark.parametrize("depth", list(Depth))
def test_close_fragments_are_read_through(depth: Depth) -> None:
    verdict = seen(fragments(1000, 20_000), depth=depth)
    sound(verdict, verdict.reads, 20_000)
    assert verdict.reads <= 7
    assert verdict.facts.duration_s == 1000


@pytest.mark.parametrize("depth", list(Depth))
def test_a_few_fragments_far_apart_are_visited_one_by_one(depth: Depth) -> None:
    verdict = seen(fragments(12, 10_000_000), depth=depth)
    sound(verdict, 13 if depth is STRUCTURE else 12, 350)
    assert verdict.facts.duration_s == 12


def test_many_fragments_far_apart_are_unchecked() -> None:
    for depth, count, reads in ((STRUCTURE, 40, MAX_READS_STRUCTURE), (DEEP, 90, 64)):
        verdict = seen(fragments(count, 10_000_000), depth=depth)
        assert (verdict.content, verdict.code) == (Content.UNCHECKED, Reason.MP4_TOO_MANY_FRAGMENTS)
        assert verdict.reads == reads
        assert (verdict.facts.codec, verdict.facts.duration_s) == ("avc1", None)


def test_an_index_at_the_end_saves_reads() -> None:
    head = len(fragmented())
    behind = mfra([head + 10_000_000 * index for index in range(300)])
    verdict = seen(fragments(300, 10_000_000, behind=behind))
    sound(verdict, 3, 150)
    assert verdict.facts.duration_s == 300


def test_an_index_in_front_saves_reads() -> None:
    verdict = seen(fragments(300, 10_000_000, before=sidx(300, 10_000_000)))
    sound(verdict, 2, 81)
    assert verdict.facts.duration_s == 300


@pytest.mark.parametrize("cut", [1, 9_000_000, 25_000_000])
def test_an_index_in_front_shows_a_cut(cut: int) -> None:
    for depth in Depth:
        verdict = seen(fragments(300, 10_000_000, before=sidx(300, 10_000_000), cut=cut), depth=depth)
        assert (verdict.content, verdict.code) == (Content.INVALID, Reason.MP4_TRUNCATED)


def test_an_index_in_front_does_not_hide_zeros_at_the_end() -> None:
    source = fragments(300, 10_000_000, before=sidx(300, 10_000_000))
    source.places = {at: data for at, data in source.places.items() if at < 2_000_000_000}
    verdict = seen(source)
    assert (verdict.content, verdict.code) == (Content.INVALID, Reason.MP4_TRUNCATED)


def test_a_hybrid_film_is_not_walked_further_than_its_fragments() -> None:
    start = Film(mvex=box("mvex", TREX)).bytes()
    verdict = seen(Source(start + b"".join(fragment(time=2000 + 1000 * index) for index in range(3))))
    sound(verdict, 1, 20)
    assert verdict.facts.duration_s == 5


# --- zips ----------------------------------------------------------------------------------------------------------


def large_clip(camera_bytes: int = 2_000_000, *, between: bool = True) -> Source:
    """A clip of 28 MB, with its films between its layers or behind them."""
    films = [Raw(b"camera_%d.mp4" % index, bytes(camera_bytes), method=0) for index in range(14)]
    if not between:
        return Source(write_zip([*members(), *films]))
    return Source(write_zip([raw for pair in zip(members(), films, strict=True) for raw in pair]))


def test_a_small_zip_takes_one_read() -> None:
    sound(seen(Source(write_zip(members())), "clip.zip"), 1, 30)


def test_layers_side_by_side_take_two_reads() -> None:
    verdict = seen(large_clip(between=False), "clip.zip")
    sound(verdict, 2, 128 + 21)
    assert verdict.facts.rows is not None
    assert set(verdict.facts.rows) == {"egomotion_estimate", "calibration_estimate", "obstacle"}


def test_layers_a_little_apart_take_two_reads() -> None:
    verdict = seen(large_clip(300_000), "clip.zip")
    sound(verdict, 2, 128 + 3200)
    assert verdict.facts.notes == ()


def test_of_layers_far_apart_egomotion_is_read() -> None:
    verdict = seen(large_clip(), "clip.zip")
    sound(verdict, 2, 128 + 8)
    assert verdict.facts.notes == (Note.LAYERS_UNREAD,)
    assert verdict.facts.rows == {"egomotion_estimate": 601}
    assert verdict.facts.clip_id == CLIP_ID


def test_a_directory_beyond_the_tail_leaves_no_read_for_the_layers() -> None:
    entries = [Raw(b"%d.txt" % n, comment=bytes(300)) for n in range(900)]
    films = [Raw(b"camera.mp4", bytes(5_000_000), method=0)]
    verdict = seen(Source(write_zip([*members(), *films, *entries])), "clip.zip")
    sound(verdict, 2, 400)
    assert verdict.facts.notes == (Note.LAYERS_UNREAD,)


def test_a_deep_check_reads_every_byte_in_few_reads() -> None:
    source = large_clip()
    sound(seen(source, "clip.zip", DEEP), 6, source.size // 1024 + 1024)
    small = large_clip(500_000)
    sound(seen(small, "clip.zip", DEEP), 1, small.size // 1024 + 1)


def test_a_deep_check_of_the_largest_clips_reads_the_layers_alone() -> None:
    """A fault in them is found; the rest is more than a check may read."""
    film = 600_000_000
    for layers, content in ((members(), Content.UNCHECKED), (changed("egomotion", crc=7), Content.INVALID)):
        small = write_zip([*layers, Raw(b"camera.mp4", b"", method=0, packed_size=film, size=film)])
        start = int.from_bytes(small[-6:-2], "little")
        end = small[start:-6] + struct.pack("<LH", start + film, 0)
        source = Sparse(b"", length=start + film + len(end), places={0: small[:start], start + film: end})
        verdict = seen(source, "clip.zip", DEEP)
        assert verdict.content == content
        assert verdict.bytes < 200_000


def test_a_large_layer_takes_two_reads() -> None:
    """Half of what is read belongs to layers."""
    footer = thrift(metadata(rows=1))[1]
    large = b"PAR1" + random.Random(1).randbytes(15_000_000) + footer + struct.pack("<L", len(footer)) + b"PAR1"
    verdict = seen(Source(write_zip(changed("egomotion", data=large, method=0))), "clip.zip")
    sound(verdict, 2, 15_200)
    assert verdict.facts.notes == ()
    assert verdict.facts.rows is not None
    assert verdict.facts.rows["egomotion_estimate"] == 1


def test_a_refusal_by_the_directory_takes_one_read() -> None:
    source = Source(write_zip([*changed("egomotion", flags=1), Raw(b"camera.mp4", bytes(5_000_000), method=0)]))
    for depth in Depth:
        source.ranges.clear()
        source.total = 0
        assert seen(source, "clip.zip", depth).content == Content.INVALID
        assert len(source.ranges) == 1


def test_a_hostile_directory_size_is_not_read() -> None:
    source = Source(bytes(9_000_000) + write_zip(members(), size=5_000_000))
    assert seen(source, "clip.zip").code == Reason.ZIP_DIRECTORY_TOO_LARGE
    assert source.ranges == [(source.size - TAIL_BYTES, TAIL_BYTES)]


def test_the_first_read_of_a_film_is_its_head() -> None:
    source = placed(FTYP, GIB, Film().moov(1000))
    seen(source)
    assert source.ranges[0] == (0, HEAD_BYTES)
