"""The `moov` box: tracks, their times, codec and dimensions. Field layouts: ISO/IEC 14496-12 chapter 8.

Harmless oddities become notes. Missing parts that every player needs raise `ContentInvalid`.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from service.formats.boxes import Box, Children, children, corrupt, fields, is_type
from service.formats.facts import Findings
from service.formats.failures import ContentInvalid, ContentUnchecked, Note, Reason, shown
from service.formats.limits import Work

VIDEO, SOUND = "vide", "soun"

_ENCRYPTED = {b"encv", b"drmi", b"resv"}
_CONFIGURATIONS = {b"avc1": (b"avcC", 7), b"hvc1": (b"hvcC", 23)}
"""The box that a decoder needs, and its minimum content. `avc3` and `hev1` have it in the frames."""
_CONFIGURED = (b"avcC", b"hvcC", b"av1C", b"vpcC", b"esds", b"vvcC", b"dvcC")
_ENTRY_BYTES = 78
"""Bytes of a visual sample entry before the boxes in it."""

_NEEDED_IN_MOOV = frozenset({b"mvhd", b"trak", b"mvex"})
_NEEDED_IN_TRACK = frozenset({b"tkhd", b"mdia"})
_NEEDED_IN_MEDIA = frozenset({b"mdhd", b"hdlr", b"minf"})
_NEEDED_IN_TABLES = frozenset({b"stsd", b"stts", b"stsc", b"stsz", b"stz2", b"stco", b"co64"})


class Times(NamedTuple):
    scale: int
    """Units per second."""
    duration: int
    """0 where unknown."""


@dataclass(slots=True, kw_only=True)
class Track:
    path: str
    id: int | None = None
    handler: str = ""
    """Four characters such as `vide`; empty if the track has none."""
    times: Times | None = None
    display: tuple[int, int] = (0, 0)
    """Width and height of the track header, in pixels."""
    edits: Box | None = None
    tables: Children = field(default_factory=Children)
    """The boxes of `stbl`."""
    samples: int = 0
    """Samples that `moov` itself describes, without those of fragments."""


class Defaults(NamedTuple):
    duration: int
    size: int


@dataclass(slots=True, kw_only=True)
class Movie:
    data: bytes
    """Bytes that contain the whole `moov` box; offsets of its boxes refer to them."""
    times: Times
    tracks: tuple[Track, ...]
    defaults: dict[int, Defaults] | None
    """Defaults of each track for samples in fragments; None if the film has no `mvex` box."""
    declared: int
    """Duration of all fragments by `mehd`, in the film's units; 0 if unknown."""

    @property
    def fragmented(self) -> bool:
        return self.defaults is not None


class Picture(NamedTuple):
    codec: str
    width: int | None
    height: int | None


def parse_movie(data: bytes, start: int, end: int, work: Work, findings: Findings) -> Movie:
    """Raises `ContentInvalid` if the structure is malformed, `ContentUnchecked` if it is compressed."""
    found = _children(data, start, end, "moov", work, _NEEDED_IN_MOOV, findings)
    if b"cmov" in found:
        message = "the video's description is compressed (QuickTime cmov)"
        raise ContentUnchecked(Reason.MP4_COMPRESSED_MOOV, message, part="moov")
    if b"mvhd" not in found:
        raise corrupt("moov", "no mvhd box in it")
    tracks = [box for box in found.every if box.type == b"trak"]
    extends = found.get(b"mvex")
    defaults, declared = _extends(data, extends, work, findings) if extends else (None, 0)
    return Movie(
        data=data,
        times=_times(data, found[b"mvhd"]),
        tracks=tuple(_track(data, box, f"moov/trak[{index}]", work, findings) for index, box in enumerate(tracks)),
        defaults=defaults,
        declared=declared,
    )


def _track(data: bytes, box: Box, path: str, work: Work, findings: Findings) -> Track:
    track = Track(path=path)
    found = _children(data, box.body, box.end, path, work, _NEEDED_IN_TRACK, findings)
    if header := found.get(b"tkhd"):
        long = 12 if _version(data, header) else 0
        (track.id,) = fields(data, header, "I", 12 + long // 3 * 2)
        if header.end - header.body >= 84 + long:
            width, height = fields(data, header, "2I", 76 + long)
            track.display = (width >> 16, height >> 16)
    if (edits := found.get(b"edts")) and edits.end > edits.body:
        track.edits = children(data, edits.body, edits.end, path, work, frozenset()).get(b"elst")
    if not (media := found.get(b"mdia")):
        return track
    found = _children(data, media.body, media.end, path, work, _NEEDED_IN_MEDIA, findings)
    if handler := found.get(b"hdlr"):
        track.handler = fields(data, handler, "4s", 8)[0].decode("latin-1")
    if b"mdhd" in found:
        track.times = _times(data, found[b"mdhd"])
    if information := found.get(b"minf"):
        found = _children(data, information.body, information.end, path, work, frozenset({b"stbl"}), findings)
        if table := found.get(b"stbl"):
            track.tables = _children(data, table.body, table.end, path, work, _NEEDED_IN_TABLES, findings)
            if sizes := track.tables.get(b"stsz") or track.tables.get(b"stz2"):
                (track.samples,) = fields(data, sizes, "I", 8)
    return track


def _children(
    data: bytes, start: int, end: int, path: str, work: Work, needed: frozenset[bytes], findings: Findings
) -> Children:
    found = children(data, start, end, path, work, needed)
    if found.padded:
        findings.note(Note.MP4_PADDING)
    return found


def _extends(data: bytes, box: Box, work: Work, findings: Findings) -> tuple[dict[int, Defaults], int]:
    found = _children(data, box.body, box.end, "moov/mvex", work, frozenset({b"trex"}), findings)
    defaults: dict[int, Defaults] = {}
    for child in found.every:
        if child.type == b"trex":
            track, _, duration, size = fields(data, child, "4I", 4)
            defaults[track] = Defaults(duration, size)
    extent = found.get(b"mehd")
    return defaults, fields(data, extent, "Q" if _version(data, extent) else "I", 4)[0] if extent else 0


def _version(data: bytes, box: Box) -> int:
    version: int = fields(data, box, "B")[0]
    return version


def _times(data: bytes, box: Box) -> Times:
    long = _version(data, box) == 1
    scale, duration = fields(data, box, "IQ", 20) if long else fields(data, box, "II", 12)
    return Times(scale, 0 if duration == 2 ** (64 if long else 32) - 1 else duration)


def picture(movie: Movie, track: Track, work: Work, findings: Findings) -> Picture:
    """Read a video track's first sample description. Raises `ContentInvalid` if no player can decode it."""
    data, path = movie.data, track.path
    descriptions = track.tables.get(b"stsd")
    if descriptions is None:
        raise corrupt(path, "no stsd box in it")
    (count,) = fields(data, descriptions, "I", 4)
    found = children(data, descriptions.body + 8, descriptions.end, path, work, frozenset()) if count else None
    if not found or not found.every:
        raise corrupt(path, "no sample description that can be read")
    entry = found.every[0]
    if not is_type(entry.type) or not entry.name.strip():
        raise corrupt(path, f"its codec {shown(entry.name)} is not a name")
    if entry.type in _ENCRYPTED:
        raise ContentInvalid(Reason.MP4_ENCRYPTED, f"the video is encrypted ({entry.name})", part=path)
    width, height = fields(data, entry, "2H", 24)
    inner = children(data, entry.body + _ENTRY_BYTES, entry.end, path, work, frozenset())
    _check_configuration(data, entry, inner, path)
    if not (width and height):
        findings.note(Note.MP4_HEADER_SIZE)
        width, height = track.display
    if not (width and height):
        if not any(kind in inner for kind in _CONFIGURED):
            message = f"the video is {width} by {height} pixels by its headers, and no decoder configuration tells more"
            raise ContentInvalid(Reason.MP4_NO_DIMENSIONS, message, part=path)
        return Picture(entry.name, None, None)
    return Picture(entry.name, width, height)


def _check_configuration(data: bytes, entry: Box, inner: Children, path: str) -> None:
    if entry.type not in _CONFIGURATIONS:
        return
    kind, shortest = _CONFIGURATIONS[entry.type]
    box = inner.get(kind)
    # QuickTime may have other bytes between the fields and the boxes: then only the box's name is searched.
    missing = box.end - box.body < shortest if box else data.find(kind, entry.body, entry.end) < 0
    if missing:
        message = f"{entry.name} video without a whole {kind.decode()} box: no player can decode it"
        raise ContentInvalid(Reason.MP4_NO_DECODER_CONFIG, message, part=path)
