"""Films that are broken, one way each, and odd ones that are not. Written here, or made of the real ones."""

import re
import struct
from collections.abc import Callable
from typing import Any

import pytest

from service.formats.check import Depth
from service.formats.failures import Reason
from service.formats.limits import MAX_BOXES
from tests.unit.formats.making import (
    AVCC,
    FILM,
    FRAGMENTED,
    FTYP,
    HVCC,
    SAMPLES,
    Film,
    box,
    check,
    fragment,
    fragmented,
    full,
    judge,
    outcome,
    table,
)

MDAT = box("mdat", bytes(3000))
NO_TIME = table("stts", (SAMPLES, 0))
AUDIO = box(
    "trak", full("tkhd", "3I", 0, 0, 2), box("mdia", full("hdlr", "I4s", 0, b"soun"), box("minf", box("stbl",
    full("stsz", "II", 1, 0))))
)  # fmt: skip


def film(**changes: Any) -> bytes:
    return Film(**changes).bytes()


def within(data: bytes, *path: str) -> int:
    """Offset of the first box on a path of types."""
    at = 0
    for kind in path:
        at = data.index(kind.encode(), at)
    return at - 4


def with_size(data: bytes, size: int, *path: str) -> bytes:
    at = within(data, *path)
    return data[:at] + struct.pack(">I", size) + data[at + 4 :]


def without(data: bytes, *path: str) -> bytes:
    """A box on that path renamed, so that nobody knows it."""
    at = within(data, *path)
    return data[: at + 4] + b"xxxx" + data[at + 8 :]


BROKEN: dict[str, tuple[Callable[[], bytes], Reason]] = {
    # no film
    "one byte": (lambda: b"\0", Reason.NOT_AN_MP4),
    "seven bytes": (lambda: FILM[:7], Reason.NOT_AN_MP4),
    "a web page": (lambda: b"<!DOCTYPE html><html><body>Access Denied</body></html>", Reason.NOT_AN_MP4),
    "an XML error": (lambda: b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", Reason.NOT_AN_MP4),
    "zeros": (lambda: bytes(100_000), Reason.NOT_AN_MP4),
    "a WebM film": (lambda: b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01webm" + bytes(100), Reason.NOT_AN_MP4),
    "an MPEG transport stream": (lambda: (b"\x47" + bytes(187)) * 10, Reason.NOT_AN_MP4),
    "an AVI": (lambda: b"RIFF\0\0\0\0AVI LIST" + bytes(100), Reason.NOT_AN_MP4),
    "a film without its first 8 bytes": (lambda: FILM[8:], Reason.NOT_AN_MP4),
    # boxes that must be there
    "no moov": (lambda: FTYP + MDAT, Reason.MP4_NO_MOOV),
    "no mdat": (lambda: FTYP + Film().moov(), Reason.MP4_NO_MDAT),
    "an empty mdat": (lambda: FTYP + Film().moov() + box("mdat"), Reason.MP4_NO_MDAT),
    "an image": (lambda: box("ftyp", b"heic", bytes(4)) + box("meta", bytes(100)) + MDAT, Reason.MP4_NO_MOOV),
    "only ftyp": (lambda: FTYP, Reason.MP4_NO_MOOV),
    "an empty moov": (lambda: FTYP + box("moov") + MDAT, Reason.MP4_CORRUPT),
    "no track": (lambda: without(film(), "moov", "trak"), Reason.MP4_NO_VIDEO),
    "no handler": (lambda: without(film(), "moov", "hdlr"), Reason.MP4_NO_VIDEO),
    "audio only": (lambda: film(handler=b"soun"), Reason.MP4_NO_VIDEO),
    "subtitles only": (lambda: film(handler=b"text"), Reason.MP4_NO_VIDEO),
    "no mvhd": (lambda: without(film(), "moov", "mvhd"), Reason.MP4_CORRUPT),
    "no mdhd": (lambda: without(film(), "moov", "mdhd"), Reason.MP4_CORRUPT),
    "no mdia": (lambda: without(film(), "moov", "mdia"), Reason.MP4_NO_VIDEO),
    "no minf": (lambda: without(film(), "moov", "minf"), Reason.MP4_CORRUPT),
    "no stbl": (lambda: without(film(), "moov", "stbl"), Reason.MP4_CORRUPT),
    "no stsd": (lambda: without(film(), "moov", "stsd"), Reason.MP4_CORRUPT),
    "no stsz": (lambda: without(film(), "moov", "stsz"), Reason.MP4_NO_SAMPLES),
    # sizes that lie
    "a box of 7 bytes": (lambda: FTYP + struct.pack(">I4s", 7, b"free") + film()[len(FTYP) :], Reason.MP4_CORRUPT),
    "a wide box of 15 bytes": (lambda: FTYP + box("free", size=15, wide=True) + MDAT, Reason.MP4_CORRUPT),
    "a wide box of 0 bytes": (lambda: FTYP + box("free", size=0, wide=True) + MDAT, Reason.MP4_CORRUPT),
    "a wide box of exabytes": (lambda: FTYP + box("mdat", size=2**64 - 1, wide=True) + MDAT, Reason.MP4_TRUNCATED),
    "a box of 4 GB": (lambda: with_size(film(), 2**32 - 1, "mdat")[:-1], Reason.MP4_TRUNCATED),
    "a mdat one byte too long": (lambda: film()[:-1], Reason.MP4_TRUNCATED),
    "a header cut": (lambda: FTYP + b"\0\0\1", Reason.MP4_TRUNCATED),
    "a wide header cut": (lambda: FTYP + struct.pack(">I4sI", 1, b"free", 0), Reason.MP4_TRUNCATED),
    "a moov too long": (lambda: with_size(film(), 2**31, "moov"), Reason.MP4_TRUNCATED),
    "a moov to the end": (lambda: with_size(film(), 0, "moov"), Reason.MP4_NO_MDAT),
    "a moov too short": (lambda: with_size(film(), 20, "moov"), Reason.MP4_CORRUPT),
    "a track too long": (lambda: with_size(film(), 5000, "moov", "trak"), Reason.MP4_CORRUPT),
    "a track of 4 bytes": (lambda: with_size(film(), 4, "moov", "trak"), Reason.MP4_CORRUPT),
    "a mdia too long": (lambda: with_size(film(), 5000, "moov", "mdia"), Reason.MP4_CORRUPT),
    "a mdhd too short": (lambda: film(mdhd=box("mdhd", bytes(8))), Reason.MP4_CORRUPT),
    "a hdlr too short": (lambda: film(hdlr=box("hdlr", bytes(8))), Reason.MP4_CORRUPT),
    "a hdlr of one byte": (lambda: film(hdlr=box("hdlr", bytes(1))), Reason.MP4_CORRUPT),
    "a stsd too short": (lambda: film(stsd=box("stsd", bytes(4))), Reason.MP4_CORRUPT),
    "a stsd that holds nothing": (lambda: film(stsd=full("stsd", "I", 1)), Reason.MP4_CORRUPT),
    "a stsd that counts nothing": (lambda: film(stsd=full("stsd", "I", 0)), Reason.MP4_CORRUPT),
    "a stsd whose entry is too short": (
        lambda: film(stsd=full("stsd", "I", 1, more=box("avc1", bytes(20)))),
        Reason.MP4_CORRUPT,
    ),
    "a stsd whose entry is too long": (
        lambda: film(stsd=full("stsd", "I", 1, more=box("avc1", bytes(20), size=9000))),
        Reason.MP4_CORRUPT,
    ),
    "a codec that is no name": (lambda: film(codec=b"\0\1\2\3"), Reason.MP4_CORRUPT),
    "a stsz too short": (lambda: film(stsz=box("stsz", bytes(8))), Reason.MP4_CORRUPT),
    "bytes that are no box": (lambda: FTYP + b"\0\0\0\x10\1\2\3\4" + bytes(100), Reason.MP4_CORRUPT),
    "a hole in the middle": (lambda: FTYP + bytes(1000) + film()[len(FTYP) :], Reason.MP4_CORRUPT),
    "boxes without end": (lambda: FTYP + box("free") * MAX_BOXES + film()[len(FTYP) :], Reason.MP4_TOO_MANY_BOXES),
    # facts that cannot be
    "a scale of 0": (lambda: film(scale=0), Reason.MP4_NO_DURATION),
    "no duration": (lambda: film(duration=0, film_duration=0, stts=NO_TIME), Reason.MP4_NO_DURATION),
    "no duration, in long fields": (
        lambda: film(version=1, duration=0, film_duration=0, stts=NO_TIME),
        Reason.MP4_NO_DURATION,
    ),
    "an unknown duration": (
        lambda: film(duration=2**32 - 1, film_duration=2**32 - 1, stts=NO_TIME),
        Reason.MP4_NO_DURATION,
    ),
    "no width": (lambda: film(width=0, codec=b"raw ", configuration=b""), Reason.MP4_NO_DIMENSIONS),
    "no height": (lambda: film(height=0, codec=b"raw ", configuration=b""), Reason.MP4_NO_DIMENSIONS),
    "no samples": (lambda: film(stsz=full("stsz", "II", 0, 0)), Reason.MP4_NO_SAMPLES),
    "encrypted": (lambda: film(codec=b"encv"), Reason.MP4_ENCRYPTED),
    # fragments
    "fragments announced, none there": (lambda: fragmented() + MDAT, Reason.MP4_NO_SAMPLES),
    "fragments without media": (lambda: fragmented(fragment(samples=0)), Reason.MP4_NO_MDAT),
    "fragments of another track": (lambda: fragmented(fragment(track=9)), Reason.MP4_NO_SAMPLES),
    "fragments without time": (lambda: fragmented(fragment(duration=0)), Reason.MP4_NO_DURATION),
    "a fragment cut": (lambda: fragmented(fragment(), fragment())[:-1], Reason.MP4_TRUNCATED),
    "a fragment's description cut": (lambda: fragmented(fragment(), fragment()[:40]), Reason.MP4_TRUNCATED),
    "a run that counts too many": (lambda: fragmented(fragment(count=11)), Reason.MP4_CORRUPT),
    "a run that counts billions": (lambda: fragmented(fragment(count=2**32 - 1)), Reason.MP4_CORRUPT),
    "a fragment without tfhd": (lambda: without(fragmented(fragment()), "moof", "tfhd"), Reason.MP4_CORRUPT),
    "a trex too short": (lambda: fragmented(fragment(), mvex=box("trex", bytes(8))), Reason.MP4_CORRUPT),
}

INCONSISTENT: dict[str, tuple[Callable[[], bytes], Reason]] = {
    "too few times": (lambda: film(stts=table("stts", (SAMPLES - 3, 100))), Reason.MP4_BAD_SAMPLES),
    "too many times": (lambda: film(stts=table("stts", (2**32 - 1, 100), (7, 1))), Reason.MP4_BAD_SAMPLES),
    "no times": (lambda: film(stts=table("stts")), Reason.MP4_BAD_SAMPLES),
    "no stts": (lambda: film(stts=b""), Reason.MP4_CORRUPT),
    "times that lie about their number": (lambda: film(stts=full("stts", "I", 2**32 - 1)), Reason.MP4_BAD_SAMPLES),
    "no stsc": (lambda: film(stsc=b""), Reason.MP4_CORRUPT),
    "no runs of chunks": (lambda: film(stsc=table("stsc")), Reason.MP4_BAD_SAMPLES),
    "chunks from 0": (lambda: film(stsc=table("stsc", (0, 10, 1))), Reason.MP4_BAD_SAMPLES),
    "chunks from 2": (lambda: film(stsc=table("stsc", (2, 10, 1))), Reason.MP4_BAD_SAMPLES),
    "chunks that descend": (lambda: film(stsc=table("stsc", (1, 10, 1), (1, 10, 1))), Reason.MP4_BAD_SAMPLES),
    "chunks of too few samples": (lambda: film(stsc=table("stsc", (1, 9, 1))), Reason.MP4_BAD_SAMPLES),
    "chunks of billions": (lambda: film(stsc=table("stsc", (1, 2**32 - 1, 1))), Reason.MP4_BAD_SAMPLES),
    "no stco": (lambda: without(film(), "moov", "stco"), Reason.MP4_CORRUPT),
    "no chunks": (lambda: film(stco=table("stco")), Reason.MP4_BAD_SAMPLES),
    "a chunk missing": (lambda: film(stco=table("stco", (700,), (1700,))), Reason.MP4_BAD_SAMPLES),
    "chunks that lie about their number": (lambda: film(stco=full("stco", "I", 2**30)), Reason.MP4_BAD_SAMPLES),
    "chunks before mdat": (lambda: film(shift=-1), Reason.MP4_BAD_OFFSETS),
    "chunks that run over": (lambda: film(shift=1), Reason.MP4_BAD_OFFSETS),
    "chunks beyond the object": (lambda: film(shift=10**9), Reason.MP4_BAD_OFFSETS),
    "chunks far beyond the object": (lambda: film(shift=2**62, wide_offsets=True), Reason.MP4_BAD_OFFSETS),
    "moov moved, its offsets not": (lambda: FTYP + Film().moov(len(FTYP) + 8) + MDAT, Reason.MP4_BAD_OFFSETS),
    "sizes that lie about their number": (lambda: film(stsz=full("stsz", "II", 0, SAMPLES)), Reason.MP4_BAD_SAMPLES),
    "samples too large": (lambda: film(stsz=full("stsz", "II", 101, SAMPLES)), Reason.MP4_BAD_OFFSETS),
    "one sample too large": (
        lambda: film(stsz=full("stsz", f"II{SAMPLES}I", 0, SAMPLES, *[100] * (SAMPLES - 1), 101)),
        Reason.MP4_BAD_OFFSETS,
    ),
    "a run outside mdat": (lambda: fragmented(fragment(offset=0)), Reason.MP4_BAD_OFFSETS),
    "a run before the object": (lambda: fragmented(fragment(offset=-(2**31))), Reason.MP4_BAD_OFFSETS),
    "a run beyond the object": (lambda: fragmented(fragment(offset=2**31 - 1)), Reason.MP4_BAD_OFFSETS),
}


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_film(name: str, depth: Depth) -> None:
    make, reason = BROKEN[name]
    verdict = judge(make(), "clip.mp4", depth=depth)
    assert verdict.code == reason, verdict.message
    assert verdict.content == ("unchecked" if reason is Reason.MP4_TOO_MANY_BOXES else "invalid")
    assert verdict.message is not None
    assert verdict.message.isprintable()


def test_a_box_that_is_cut_is_reported_with_both_numbers_of_bytes() -> None:
    verdict = judge(film()[:-1], "clip.mp4", depth=Depth.STRUCTURE)
    assert re.search(r"says that it has 3,008 bytes, but only 3,007 are left$", verdict.message or ""), verdict.message


@pytest.mark.parametrize("name", INCONSISTENT)
def test_an_inconsistent_film_is_found_by_deep_checks(name: str) -> None:
    make, reason = INCONSISTENT[name]
    data = make()
    verdict = judge(data, "clip.mp4", depth=Depth.DEEP)
    assert verdict.code == reason, verdict.message
    assert outcome(data, "clip.mp4", depth=Depth.STRUCTURE) is None


def two_mdats() -> bytes:
    one = Film()
    start = len(FTYP) + len(one.moov()) + 8
    offsets = table("stco", (start,), (start + 1008,), (start + 2016,))
    return FTYP + Film(stco=offsets).moov() + box("mdat", bytes(1000)) * 3


FINE: dict[str, Callable[[], bytes]] = {
    "moov first": film,
    "moov last": lambda: Film().bytes_moov_last(),
    "a brand of QuickTime": lambda: film(ftyp=box("ftyp", b"qt  ", bytes(4), b"qt  ")),
    "other boxes": lambda: film(ftyp=FTYP + box("free") + box("skip", b"x") + box("uuid", bytes(16)) + box("wide")),
    "unknown boxes": lambda: film() + box("xyz!", bytes(100)),
    "ftyp late": lambda: film(ftyp=box("free", bytes(8)) + FTYP),
    "wide offsets": lambda: film(wide_offsets=True),
    "long fields": lambda: film(version=1),
    "a wide mdat": lambda: film(shift=8)[: -len(MDAT)] + box("mdat", bytes(3000), wide=True),
    "a last box of size 0": lambda: with_size(film(), 0, "mdat"),
    "several mdats": two_mdats,
    "the duration in mvhd only": lambda: film(duration=0, stts=NO_TIME),
    "the duration in the table only": lambda: film(duration=0, film_duration=0),
    "the duration in mdhd only": lambda: film(film_duration=0, stts=NO_TIME),
    "the duration unknown in mdhd": lambda: film(version=1, duration=2**64 - 1),
    "samples of all sizes": lambda: film(stsz=full("stsz", f"II{SAMPLES}I", 0, SAMPLES, *[99, 101] * (SAMPLES // 2))),
    "compact sizes": lambda: film(stsz=full("stz2", f"II{SAMPLES}B", 8, SAMPLES, *[100] * SAMPLES)),
    "a track of sound": lambda: film(extra_tracks=AUDIO),
    "a track of nothing": lambda: film(extra_tracks=box("trak")),
    "a tail of zeros": lambda: film() + bytes(1000),
    "fragments": lambda: fragmented(fragment(), fragment()),
    "fragments in segments": lambda: fragmented(*[box("styp", b"msdh", bytes(4)) + fragment() for _ in range(2)]),
    "fragments with their whole duration": lambda: fragmented(
        fragment(), fragment(), mvex=full("mehd", "I", 2000), mdhd=full("mdhd", "IIII", 0, 0, 1000, 0)
    ),
    "fragments with their whole duration, long": lambda: fragmented(
        fragment(), fragment(), mvex=full("mehd", "Q", 2000, version=1)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FINE)
def test_an_odd_film_that_is_fine(name: str) -> None:
    facts = check(FINE[name](), "clip.mp4", depth=Depth.DEEP)
    assert (facts.duration_s, facts.width, facts.height, facts.codec) == (2.0, 320, 180, "avc1")
    assert facts.fragmented is name.startswith("fragments")
    assert facts.tracks is not None
    assert facts.tracks[0] == "vide"


@pytest.mark.parametrize("codec", [b"avc1", b"avc3", b"hvc1", b"hev1", b"av01", b"vp09", b"mp4v", b"mjpg", b"raw "])
def test_the_codec_is_its_four_characters(codec: bytes) -> None:
    configuration = HVCC if codec == b"hvc1" else AVCC
    assert check(film(codec=codec, configuration=configuration), "clip.mp4").codec == codec.decode()


@pytest.mark.parametrize(("scale", "delta", "seconds"), [(90_000, 60_060, 20.02), (900, 1, 0.033333), (1, 120, 3600)])
def test_the_duration_is_in_seconds(scale: int, delta: int, seconds: float) -> None:
    data = film(scale=scale, duration=delta * SAMPLES, stts=table("stts", (SAMPLES, delta)))
    assert check(data, "clip.mp4").duration_s == seconds


@pytest.mark.parametrize("whole", [FILM, FRAGMENTED], ids=["progressive", "fragmented"])
def test_cut_anywhere_a_film_is_not_whole(whole: bytes) -> None:
    boundaries = [at - 4 for at in range(4, len(whole)) if whole[at : at + 4].isalnum()]
    lengths = {at + delta for at in boundaries[:300] for delta in (0, 7, 8)} | set(range(0, len(whole), 499))
    for length in sorted(lengths):
        if length < len(whole):
            reason = outcome(whole[:length], "clip.mp4", depth=Depth.STRUCTURE)
            # At the end of a fragment nothing tells that another one was to come: only its index is missing.
            fragments_end = whole is FRAGMENTED and length == len(whole) - 67
            assert (reason is None) == fragments_end, length
            assert reason in (
                None, Reason.EMPTY_FILE, Reason.NOT_AN_MP4, Reason.MP4_TRUNCATED, Reason.MP4_NO_MOOV,
                Reason.MP4_NO_MDAT, Reason.MP4_NO_SAMPLES,
            ), length  # fmt: skip
