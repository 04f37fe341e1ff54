"""Kinds of films that the world makes, and what is right for each: verdict, code, notes and duration."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from service.formats.check import Depth
from service.formats.facts import Content
from service.formats.failures import Note, Reason
from tests.unit.formats.making import (
    FTYP,
    SAMPLES,
    TREX,
    Film,
    box,
    edit_list,
    fragment,
    fragmented,
    full,
    judge,
    table,
    track,
)

INVALID, UNCHECKED = Content.INVALID, Content.UNCHECKED
ONE_CHUNK = (table("stsc", (1, 1, 1)), full("stsz", "II", 100, 1))
SOUND_ENTRY = box("mp4a", bytes(8 + 20))


def film(**changes: object) -> bytes:
    return Film(**changes).bytes()  # type: ignore[arg-type]


def sound(*, samples: int = 20, times: bytes | None = None, sizes: bytes | None = None) -> bytes:
    return track(
        b"soun", 2, SOUND_ENTRY, times or table("stts", (samples, 2000 // samples)), table("stsc", (1, samples, 1)),
        sizes or full("stsz", "II", 1, samples), table("stco", (900,)),
    )  # fmt: skip


def in_moov(more: bytes) -> bytes:
    """A film with those bytes at the end of `moov`, which still ends where it says."""
    return film(extra_tracks=more)


def with_samples_and_fragments() -> bytes:
    """A film of `frag_keyframe` without `empty_moov`: the first samples are in `moov`, the others in fragments."""
    start = Film(mvex=box("mvex", TREX))
    return start.bytes() + b"".join(fragment(time=2000 + 1000 * index) for index in range(3))


def two_trafs(*, base_is_moof: bool = False) -> bytes:
    """A fragment of two tracks; the data of the second follows that of the first, to which its offset is relative."""

    def traf(number: int, offset: int) -> bytes:
        tfhd = full("tfhd", "I", number, flags=0x20000 if base_is_moof else 0)
        rows = struct.pack(">4I", *[500, 50] * 2)
        return box("traf", tfhd, full("trun", "Ii", 2, offset, flags=0x301, more=rows))

    def moof(first: int, second: int) -> bytes:
        return box("moof", full("mfhd", "I", 1), traf(1, first), traf(2, second))

    size = len(moof(0, 0)) + 8
    whole = moof(size, size + 100 if base_is_moof else 0)
    extra = track(b"soun", 2, SOUND_ENTRY, table("stts"), table("stsc"), full("stsz", "II", 0, 0), table("stco"))
    more = full("trex", "5I", 2, 1, 0, 0, 0)
    return fragmented(whole + box("mdat", bytes(200)), extra_tracks=extra, mvex=more)


def one_large_run(samples: int) -> bytes:
    """A fragment whose description is larger than what is read ahead."""
    return fragmented(fragment(samples=samples, duration=10, size=1))


def segments(*, count: int = 3, missing: int | None = None) -> bytes:
    parts = [fragment(time=1000 * index) for index in range(count) if index != missing]
    return fragmented(*parts)


def indexed(*, missing: int = 0, scale: int = 1000) -> bytes:
    parts = [fragment(time=1000 * index) for index in range(3)]
    rows = b"".join(struct.pack(">3I", len(part), 1000, 0x90000000) for part in parts)
    sidx = full("sidx", "4I2H", 1, scale, 0, 0, 0, len(parts), more=rows)
    return fragmented(sidx, *parts[: 3 - missing])


def zeroed(data: bytes, start: int) -> bytes:
    """A copy that was made at its full size and broke off."""
    return data[:start] + bytes(len(data) - start)


def compressed_moov() -> bytes:
    packed = zlib.compress(Film().moov())
    cmov = box("cmov", box("dcom", b"zlib"), box("cmvd", struct.pack(">I", len(packed)), packed))
    return FTYP + box("mdat", bytes(3000)) + box("moov", cmov)


def entry(kind: str, *, size: tuple[int, int] = (320, 180), inner: bytes = b"") -> bytes:
    """`stsd` with one visual sample entry."""
    return full("stsd", "I", 1, more=box(kind, bytes(24), struct.pack(">2H", *size), bytes(50), inner))


@dataclass
class Kind:
    make: Callable[[], bytes]
    seconds: float | None = 2.0
    notes: tuple[Note, ...] = ()
    content: Content = Content.VALID
    reason: Reason | None = None
    depths: tuple[Depth, ...] = tuple(Depth)


def refused(make: Callable[[], bytes], reason: Reason, content: Content = INVALID) -> Kind:
    return Kind(make, None, (), content, reason)


COUNT = Note.MP4_SAMPLE_COUNT
PADDING, TRAILER, GAP, HEADER = Note.MP4_PADDING, Note.MP4_TRAILER, Note.MP4_GAP, Note.MP4_HEADER_DURATION
THUMBNAIL = track(
    b"vide", 9, box("jpeg", bytes(24), struct.pack(">2H", 64, 64), bytes(50)), table("stts", (1, 0)), *ONE_CHUNK,
    table("stco", (900,)),
)  # fmt: skip

KINDS: dict[str, Kind] = {
    # F: durations
    "samples in moov and in fragments": Kind(with_samples_and_fragments, 5.0),
    "an edit list that shows half": Kind(
        lambda: film(edits=edit_list((1000, 0))), 1.0, (Note.MP4_EDIT_LIST, HEADER)
    ),
    "an edit list that shows the end": Kind(
        lambda: film(edits=edit_list((500, 1500)), film_duration=500), 0.5, (Note.MP4_EDIT_LIST,)
    ),
    "an edit list of two parts": Kind(
        lambda: film(edits=edit_list((500, 0), (700, 1000)), film_duration=1200), 1.2, (Note.MP4_EDIT_LIST,)
    ),
    "an edit list that delays": Kind(lambda: film(edits=edit_list((3000, -1), (2000, 0)), film_duration=2000)),
    "an edit list without length": Kind(lambda: film(edits=edit_list((0, 0))), 2.0, (Note.MP4_EDIT_LIST,)),
    "an edit list of a delay alone": Kind(lambda: film(edits=edit_list((2000, -1))), 2.0, (Note.MP4_EDIT_LIST,)),
    "an edit list beyond the film": Kind(lambda: film(edits=edit_list((9000, 0)))),
    "an edit list that shows nothing": Kind(lambda: film(edits=edit_list((1000, 5000))), 2.0, (Note.MP4_EDIT_LIST,)),
    "an edit list that begins with the first frame shown": Kind(
        lambda: film(edits=edit_list((2000, 133)), ctts=full("ctts", "3I", 1, SAMPLES, 133))
    ),
    "mdhd of 46 hours": Kind(lambda: film(duration=167_772_160), 2.0, (HEADER,)),
    "mvhd of 46 hours": Kind(lambda: film(film_duration=167_772_160), 2.0, (HEADER,)),
    "mdhd and mvhd of 0": Kind(lambda: film(duration=0, film_duration=0), 2.0, (HEADER,)),
    "mdhd and mvhd unknown": Kind(lambda: film(duration=2**32 - 1, film_duration=2**32 - 1), 2.0, (HEADER,)),
    "mvhd without a time scale": Kind(lambda: film(film_scale=0)),
    "mehd of 46 hours": Kind(
        lambda: fragmented(fragment(), fragment(), mvex=full("mehd", "I", 167_772_160)), 2.0, (HEADER,)
    ),
    "mdhd of 46 hours, in fragments": Kind(
        lambda: fragmented(fragment(), fragment(), mdhd=full("mdhd", "IIII", 0, 0, 1000, 167_772_160)), 2.0, (HEADER,)
    ),
    "mehd of a film of which this is the beginning": Kind(
        lambda: fragmented(fragment(), fragment(), mvex=full("mehd", "I", 10_960)), 2.0, (HEADER,)
    ),
    "mehd in the units of the track": Kind(
        lambda: fragmented(fragment(), fragment(), scale=1000, film_scale=100, mvex=full("mehd", "I", 2000)),
        2.0, (HEADER,),
    ),
    "a segment is missing": Kind(lambda: segments(missing=1), 3.0, (GAP,)),
    "segments that begin late": Kind(
        lambda: fragmented(fragment(time=90_000), fragment(time=91_000)), 2.0, (Note.MP4_LATE_START,)
    ),
    "segments without times": Kind(lambda: fragmented(fragment(), fragment())),
    "a negative time": Kind(
        lambda: film(stts=table("stts", (29, 69), (1, 2**32 - 40)), duration=2002, film_duration=2002), 2.002
    ),
    "frames without a time, the header has it": Kind(lambda: film(stts=table("stts", (SAMPLES, 0))), 2.0, (HEADER,)),
    # M1: other tracks
    "a time code that lasts 0": Kind(
        lambda: film(extra_tracks=track(b"tmcd", 3, box("tmcd", bytes(26)), table("stts", (1, 0)), *ONE_CHUNK,
                                        table("stco", (900,)), duration=0))
    ),
    "metadata whose tables contradict each other": Kind(
        lambda: film(extra_tracks=track(b"meta", 3, box("gpmd", bytes(8)), table("stts", (7, 0)), *ONE_CHUNK,
                                        table("stco", (10**9,)), duration=0))
    ),
    "a thumbnail behind the film": Kind(lambda: film(extra_tracks=THUMBNAIL)),
    # M2: bases
    "the second track's base is implicit": Kind(two_trafs, 1.0),
    "every track's base is moof": Kind(lambda: two_trafs(base_is_moof=True), 1.0),
    # M3, M4: headers
    "0x0 in the sample entry": Kind(lambda: film(width=0, height=0, display=(320, 180)), 2.0, (Note.MP4_HEADER_SIZE,)),
    # M5: trailers
    "a newline behind the film": Kind(lambda: film() + b"\n", 2.0, (TRAILER,)),
    "a Kenwood trailer": Kind(lambda: film() + b"CCCCCCCCCC" + bytes(600), 2.0, (TRAILER,)),
    "an ID3 tag": Kind(lambda: film() + b"ID3\3\0\0\0\0\x0f\x76" + bytes(300), 2.0, (TRAILER,)),
    "ones behind the film": Kind(lambda: film() + b"\xff" * 513, 2.0, (TRAILER,)),
    "zeros behind the film": Kind(lambda: film() + bytes(4096), 2.0, (TRAILER,)),
    "seven bytes behind the film": Kind(lambda: film() + b"trailer", 2.0, (TRAILER,)),
    "a magic word behind fragments": Kind(lambda: segments() + b"8db42d694ccc418790edff439fe026bf", 3.0, (TRAILER,)),
    "zeros behind fragments": Kind(lambda: segments() + bytes(4096), 3.0, (TRAILER,)),
    "a trailer behind moov": Kind(lambda: Film().bytes_moov_last() + b"&&&& \xf0\1\2 ####", 2.0, (TRAILER,)),
    # M6: large
    "a fragment of 17,000 samples": Kind(lambda: one_large_run(17_000), 170.0),
    "a fragment of 150,000 samples": Kind(lambda: one_large_run(150_000), 1500.0),
    # M7: padding
    "four zeros end moov": Kind(lambda: in_moov(bytes(4)), 2.0, (PADDING,)),
    "zeros end moov": Kind(lambda: in_moov(bytes(64)), 2.0, (PADDING,)),
    "ones end moov": Kind(lambda: in_moov(b"\xff" * 5), 2.0, (PADDING,)),
    "zeros end a track": Kind(lambda: in_moov(box("trak", bytes(4))), 2.0, (PADDING,)),
    # M8: sound
    "QuickTime sound of one byte a sample": Kind(
        lambda: film(extra_tracks=sound(samples=2000, sizes=full("stsz", "II", 1000, 2000)))
    ),
    # M9: repeated moov
    "ftyp and moov before each segment": Kind(
        lambda: segments() + fragmented(fragment(time=3000)), 4.0, (Note.MP4_REPEATED_MOOV,)
    ),
    # M10: one off
    "one time too many for the sound": Kind(
        lambda: film(extra_tracks=sound(times=table("stts", (21, 100)))), 2.0, (COUNT,), depths=(Depth.DEEP,)
    ),
    "one time too many for the video": Kind(
        lambda: film(stts=table("stts", (21, 67), (10, 66))), 2.0, (COUNT,), depths=(Depth.DEEP,)
    ),
    "one run of chunks too many": Kind(
        lambda: film(stsc=table("stsc", (1, 10, 1), (4, 1, 1))), 2.0, (COUNT,), depths=(Depth.DEEP,)
    ),
    # M11
    "a compressed moov": refused(compressed_moov, Reason.MP4_COMPRESSED_MOOV, UNCHECKED),
    # no ftyp, many mdats
    "no ftyp": Kind(lambda: film(ftyp=box("wide")), 2.0, (Note.MP4_NO_FTYP,)),
    "QuickTime's old order": Kind(lambda: Film(ftyp=box("wide")).bytes_moov_last(), 2.0, (Note.MP4_NO_FTYP,)),
    "70 mdats before moov": Kind(lambda: Film().bytes_moov_last(before=box("mdat", bytes(100)) * 70)),
    "30,000 mdats before moov": Kind(lambda: Film().bytes_moov_last(before=box("mdat", bytes(100)) * 30_000)),
    "a mdat that claims more": Kind(
        lambda: Film().bytes()[:-3008] + box("mdat", bytes(3000), size=5000), 2.0, (Note.MP4_LONG_MDAT,)
    ),
    "sound that ends earlier": Kind(
        lambda: film(extra_tracks=sound(times=table("stts", (20, 50)))), 2.0, (Note.MP4_TRACKS_DIFFER,)
    ),
    "an old tkhd only": Kind(lambda: film(display=(1920, 1080))),
    # A1, A2, A3: fragmented, not whole
    "cut within a fragment": refused(lambda: segments()[:-200], Reason.MP4_TRUNCATED),
    "cut between fragments, sidx knows": refused(lambda: indexed(missing=1), Reason.MP4_TRUNCATED),
    "cut between fragments, mehd knows": refused(
        lambda: fragmented(fragment(), mvex=full("mehd", "I", 2000)), Reason.MP4_TRUNCATED
    ),
    "zeroed within the media": refused(lambda: zeroed(segments(), len(segments()) - 800), Reason.MP4_TRUNCATED),
    "zeroed within a moof": refused(lambda: zeroed(segments(), len(segments()) - 560), Reason.MP4_TRUNCATED),
    "with its index": Kind(indexed, 3.0),
    # A4, A5: what no player shows
    "avc1 without avcC": refused(lambda: film(configuration=b""), Reason.MP4_NO_DECODER_CONFIG),
    "avc1 with half an avcC": refused(lambda: film(configuration=box("avcC", b"\1\2")), Reason.MP4_NO_DECODER_CONFIG),
    "hvc1 without hvcC": refused(lambda: film(codec=b"hvc1"), Reason.MP4_NO_DECODER_CONFIG),
    "avc3 without avcC": Kind(lambda: film(codec=b"avc3", configuration=b"")),
    "hev1 without hvcC": Kind(lambda: film(codec=b"hev1", configuration=b"")),
    "avc1 behind other bytes": Kind(lambda: film(configuration=b"\0" * 4 + box("avcC", bytes(20)))),
    "FairPlay": refused(lambda: film(codec=b"drmi"), Reason.MP4_ENCRYPTED),
    "common encryption": refused(lambda: film(codec=b"encv"), Reason.MP4_ENCRYPTED),
    "a restricted scheme": refused(lambda: film(codec=b"resv"), Reason.MP4_ENCRYPTED),
    # content encodings
    "gzip": refused(lambda: b"\x1f\x8b\x08" + film(), Reason.GZIP_ENCODED),
    "Zstandard": refused(lambda: b"\x28\xb5\x2f\xfd" + film(), Reason.ZSTD_ENCODED),
}  # fmt: skip


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("name", KINDS)
def test_a_kind_of_film(name: str, depth: Depth) -> None:
    kind = KINDS[name]
    verdict = judge(kind.make(), "clip.mp4", depth=depth)
    assert (verdict.content, verdict.code) == (kind.content, kind.reason), verdict.message
    facts = verdict.facts
    if kind.content is Content.VALID:
        assert facts.duration_s is not None
        assert abs(facts.duration_s - (kind.seconds or 0)) < 0.01
        assert facts.notes == (kind.notes if depth in kind.depths else ())
        assert (facts.width, facts.height) == (320, 180)


def test_dimensions_that_no_header_tells_are_absent() -> None:
    facts = judge(film(width=0, height=0), "clip.mp4").facts
    assert (facts.width, facts.height, facts.codec) == (None, None, "avc1")
    assert facts.notes == (Note.MP4_HEADER_SIZE,)


def test_the_film_is_the_track_with_the_most_frames() -> None:
    """The thumbnail comes first."""
    film = Film(extra_tracks=Film().moov()[8 + 108 :], width=64, height=64, codec=b"jpeg")
    film.stsz, film.stts = full("stsz", "II", 100, 1), table("stts", (1, 0))
    film.stsc, film.stco = table("stsc", (1, 1, 1)), table("stco", (900,))
    facts = judge(film.bytes(), "clip.mp4").facts
    assert (facts.width, facts.codec, facts.duration_s, facts.tracks) == (320, "avc1", 2.0, ("vide", "vide"))
