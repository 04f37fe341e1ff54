"""Hypothesis strategies: films and archives that are valid in many ways, and damage to them."""

import struct
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from tests.unit.formats.making import (
    FTYP,
    HVCC,
    IN_FRAGMENTS,
    TREX,
    Film,
    Raw,
    box,
    edit_list,
    fragment,
    full,
    members,
    table,
    write_zip,
)

SCALES = [1, 25, 1000, 12_800, 30_000, 90_000]
OTHER_BOXES = [box("free", bytes(9)), box("wide"), box("uuid", bytes(20)), box("skip"), box("xyz!", b"what is this")]
TRAILERS = [b"", b"\n", bytes(700), b"\xff" * 40, b"ID3\4\0\0\0\0\0\0", b"CCCCCCCC" + bytes(90)]


@dataclass(frozen=True)
class Made:
    """A valid film and its known facts."""

    data: bytes
    seconds: float
    whole: int
    """Bytes that it needs to be whole; the bytes after them are a trailer."""


@st.composite
def films(draw: st.DrawFn) -> Made:
    """One video track of 30 samples, `moov` first or last."""
    scale = draw(st.sampled_from(SCALES))
    runs = draw(st.sampled_from([((30, 7),), ((29, 5), (1, 9)), tuple((1, 1 + n % 3) for n in range(30))]))
    units = sum(count * delta for count, delta in runs)
    seconds = units / scale
    film_scale = draw(st.sampled_from([600, 1000]))
    film = Film(scale=scale, duration=units, film_scale=film_scale, film_duration=round(seconds * film_scale))
    film.stts = table("stts", *runs)
    film.version = draw(st.sampled_from([0, 1]))
    film.wide_offsets = draw(st.booleans())
    film.codec = draw(st.sampled_from([b"avc1", b"hvc1", b"av01", b"mp4v"]))
    film.configuration = HVCC if film.codec == b"hvc1" else film.configuration
    film.ftyp = draw(st.sampled_from([FTYP, box("wide"), FTYP + box("free", bytes(5))]))
    film.stsz = draw(st.sampled_from([full("stsz", "II", 100, 30), full("stsz", "II30I", 0, 30, *[100] * 30)]))
    film.display = draw(st.sampled_from([(0, 0), (320, 180)]))
    if draw(st.booleans()):
        shown = draw(st.floats(0.1, 1))
        film.edits = edit_list((max(round(seconds * film_scale * shown), 1), 0))
        seconds = min(max(round(seconds * film_scale * shown), 1) / film_scale, seconds)
    film.extra_tracks = draw(st.sampled_from([b"", bytes(4), box("udta", bytes(30)), box("trak")]))
    if draw(st.booleans()):
        whole = film.bytes()
    else:
        before = b"".join(draw(st.lists(st.sampled_from(OTHER_BOXES), max_size=3)))
        whole = film.bytes_moov_last(before=before)
    return Made(whole + draw(st.sampled_from(TRAILERS)), seconds, len(whole))


@st.composite
def fragmented_films(draw: st.DrawFn) -> Made:
    """Fragments of one video track; some samples may be in `moov`."""
    scale = draw(st.sampled_from([1000, 90_000]))
    sizes = draw(st.lists(st.integers(1, 12), min_size=1, max_size=6))
    duration = draw(st.integers(1, 4000))
    timed, own = draw(st.booleans()), draw(st.booleans())
    film = Film(scale=scale, mvex=box("mvex", TREX)) if own else replace(IN_FRAGMENTS, scale=scale)
    film.stts = table("stts", (30, duration)) if own else film.stts
    units = 30 * duration if own else 0
    out = film.bytes() if own else film.ftyp + film.moov()
    for samples in sizes:
        out += draw(st.sampled_from([b"", box("styp", b"msdh", bytes(4)), box("free", b"abc")]))
        out += fragment(samples=samples, duration=duration, time=units if timed else None)
        units += samples * duration
    return Made(out + draw(st.sampled_from(TRAILERS)), units / scale, len(out))


def _named(raw: Raw, prefix: bytes) -> Raw:
    return replace(raw, name=prefix + raw.name)


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    """The first clip, packed in one of many ways; its fingerprint depends only on its folder."""
    raws = [
        replace(
            raw,
            method=draw(st.sampled_from([0, 8])),
            descriptor=draw(st.booleans()),
            zip64=draw(st.booleans()),
            comment=draw(st.sampled_from([b"", b"layer", b"PK\5\6"])),
            extra=draw(st.sampled_from([b"", b"UT\5\0\3abcd", struct.pack("<2H", 0x7075, 0)])),
        )
        for raw in members()
    ]
    order = draw(st.permutations(range(len(raws))))
    prefix = draw(st.sampled_from([b"", b"./", b".//"]))
    added = draw(
        st.lists(st.sampled_from([b"__MACOSX/._x", b".DS_Store", b"Icon\r", b"Thumbs.db", b"./"]), unique=True)
    )
    everything = [_named(raws[index], prefix) for index in order] + [Raw(name, method=0) for name in added]
    return write_zip(
        everything,
        prefix=draw(st.sampled_from([b"", b"PK00", b"PK\7\x08", b"#!/bin/sh\n"])),
        comment=draw(st.sampled_from([b"", b"a comment", b"PK\5\6 in it"])),
        suffix=draw(st.sampled_from([b"", b"\n", b"\r\n", bytes(512)])),
        zip64=draw(st.booleans()),
    )


@dataclass(frozen=True)
class Damage:
    """Bytes [start, end) of the object replaced."""

    start: float
    end: float
    content: bytes | None
    """New bytes; None: as many zeros."""

    def of(self, data: bytes) -> bytes:
        start, end = sorted((round(self.start * len(data)), round(self.end * len(data))))
        return data[:start] + (bytes(end - start) if self.content is None else self.content) + data[end:]


def damages() -> st.SearchStrategy[list[Damage]]:
    """A cut, zeros, an insertion, or a few bytes changed; up to three of these."""
    share = st.floats(0, 1)
    some = st.binary(max_size=8) | st.sampled_from([b"\xff" * 4, bytes(4), b"\0\0\0\1", b"\x7f\xff\xff\xff"])
    return st.lists(
        st.one_of(
            st.builds(Damage, share, st.just(1.0), st.just(b"")),
            st.builds(Damage, share, st.just(1.0), st.none()),
            st.builds(Damage, share, share, st.none()),
            st.builds(lambda at, content: Damage(at, at, content), share, some),
            st.builds(lambda at, content: Damage(at, at + 0.0005, content), share, some),
        ),
        min_size=1,
        max_size=3,
    )
