"""The `moov` box: tracks, the video's duration, codec and dimensions. Field layouts: ISO/IEC 14496-12 chapter 8."""

from dataclasses import dataclass

from service.formats.boxes import Box, children, corrupt, fields, first, need, parse_header, version_and_flags
from service.formats.failures import ContentInvalid, Reason, shown

MAX_TRACKS = 100

_VIDEO = "vide"
_ENCRYPTED_ENTRY = "encv"


@dataclass(frozen=True, kw_only=True)
class Track:
    box: Box
    id: int | None
    handler: str
    """Four characters such as `vide`; empty where the track does not say."""


@dataclass(frozen=True, kw_only=True)
class Movie:
    data: bytes
    """The whole `moov` box; offsets of `box` and of all below it are its own."""
    box: Box
    tracks: tuple[Track, ...]
    fragmented: bool

    @property
    def video(self) -> Track:
        """The first video track; raises `ContentInvalid` where there is none."""
        video = next((track for track in self.tracks if track.handler == _VIDEO), None)
        if video is None:
            handlers = ", ".join(shown(track.handler) for track in self.tracks[:10]) or "none"
            raise ContentInvalid(Reason.MP4_NO_VIDEO, f"no video track (tracks: {handlers})", part="moov")
        return video


@dataclass(frozen=True, kw_only=True)
class Picture:
    codec: str
    width: int
    height: int


def parse_movie(data: bytes) -> Movie:
    """Raises `ContentInvalid` where the structure cannot be read."""
    box = parse_header(data, 0, len(data))
    need(data, box, "mvhd")
    tracks = tuple(_track(data, child) for child in children(data, box) if child.type == "trak")
    if len(tracks) > MAX_TRACKS:
        raise corrupt(box.path, f"{len(tracks)} tracks, at most {MAX_TRACKS} are allowed")
    return Movie(data=data, box=box, tracks=tracks, fragmented=first(data, box, "mvex") is not None)


def _track(data: bytes, box: Box) -> Track:
    header, handler = first(data, box, "tkhd"), first(data, box, "mdia/hdlr")
    number = None
    if header:
        version, _ = version_and_flags(data, header)
        (number,) = fields(data, header, "I", 20 if version else 12)
    kind = fields(data, handler, "4s", 8)[0].decode("latin-1") if handler else ""
    return Track(box=box, id=number, handler=kind)


def picture(movie: Movie, track: Track) -> Picture:
    """From the first sample description of a video track. Raises `ContentInvalid`."""
    descriptions = need(movie.data, track.box, "mdia/minf/stbl/stsd")
    (count,) = fields(movie.data, descriptions, "I", 4)
    if not count:
        raise corrupt(descriptions.path, "no sample description in it")
    entry = parse_header(
        movie.data[descriptions.body + 8 : descriptions.body + 24],
        descriptions.body + 8,
        descriptions.end,
        parent=descriptions.path,
    )
    if not (entry.type.isprintable() and entry.type.isascii() and entry.type.strip()):
        raise corrupt(descriptions.path, f"its codec {shown(entry.type)} is no name")
    if entry.type == _ENCRYPTED_ENTRY:
        raise ContentInvalid(Reason.MP4_ENCRYPTED, "the video is encrypted", part=descriptions.path)
    width, height = fields(movie.data, entry, "2H", 24)
    if not (width and height):
        message = f"the video is {width} by {height} pixels"
        raise ContentInvalid(Reason.MP4_NO_DIMENSIONS, message, part=entry.path)
    return Picture(codec=entry.type, width=width, height=height)


def time_scale(movie: Movie, track: Track) -> int:
    """Units a second of the track's times. Raises `ContentInvalid` where it is 0."""
    scale, _ = _times(movie, need(movie.data, track.box, "mdia/mdhd"))
    return scale


def declared_duration(movie: Movie, track: Track) -> float | None:
    """Seconds as the headers say: the track's, else the film's, else what `mehd` says of its fragments."""
    film_scale, film_duration = _times(movie, need(movie.data, movie.box, "mvhd"))
    scale, duration = _times(movie, need(movie.data, track.box, "mdia/mdhd"))
    if duration or film_duration:
        return duration / scale if duration else film_duration / film_scale
    if (extent := first(movie.data, movie.box, "mvex/mehd")) is None:
        return None
    version, _ = version_and_flags(movie.data, extent)
    (duration,) = fields(movie.data, extent, "Q" if version else "I", 4)
    return duration / film_scale if duration else None


def _times(movie: Movie, box: Box) -> tuple[int, int]:
    """(units a second, duration; 0 where unknown) of an `mvhd` or `mdhd`."""
    version, _ = version_and_flags(movie.data, box)
    scale, duration = fields(movie.data, box, "IQ", 20) if version else fields(movie.data, box, "II", 12)
    if not scale:
        raise ContentInvalid(Reason.MP4_NO_DURATION, "its time scale is 0", part=box.path)
    unknown = 2**64 - 1 if version else 2**32 - 1
    return scale, 0 if duration == unknown else duration
