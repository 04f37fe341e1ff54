"""An mp4 film by one or two reads: the first 64 KiB, then what lies behind `mdat`, which is jumped over.

The top-level boxes are walked to the object's end: `ftyp`, `moov` and `mdat` must be there, a box that runs past the
end means truncation. `moov` may come before or after `mdat`; there may be several `mdat`, 64-bit sizes, a last box of
size 0, other boxes, a tail of zeros (players accept it), and fragments (`moof`). QuickTime brands pass. Nothing is
decoded.

A film of many fragments is not walked to its end: that takes a read for each. It passes once the required
boxes were seen and `MAX_READS` are used up; its duration is then known only where a header tells it.
"""

from dataclasses import dataclass, field

from service.formats.boxes import HEADER_BYTES, Box, parse_header
from service.formats.facts import ClipFacts
from service.formats.failures import ContentInvalid, Reason, shown
from service.formats.fragments import Fragment, duration_of, parse_fragment
from service.formats.movie import Movie, Track, declared_duration, parse_movie, picture, time_scale
from service.formats.reader import Reader
from service.formats.samples import check_fragments, check_track, sample_count

HEAD_BYTES = 64 * 1024
AHEAD_BYTES = 256 * 1024
"""Read with the header of a box behind `mdat`: the `moov` of ten minutes at 30 frames a second."""
HEADERS_AHEAD_BYTES = 4 * 1024
"""The same where `moov` is known: a fragment's `moof` and the header of its `mdat`."""
MAX_READS, MAX_READS_DEEP = 8, 64
MAX_BOXES = 10_000
"""At the top of a film, and of runs of samples in its fragments."""

_FIRST_BOXES = {
    b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pdin", b"uuid", b"moof", b"sidx", b"pnot",
}  # fmt: skip


@dataclass
class _Film:
    """Top-level boxes met so far."""

    ftyp: Box | None = None
    movie: Movie | None = None
    media: list[Box] = field(default_factory=list)
    fragments: list[Fragment] = field(default_factory=list)
    runs: int = 0
    whole: bool = False
    """Whether the walk came to the object's end."""

    @property
    def sufficient(self) -> bool:
        """Nothing that a check requires is missing."""
        fragments = self.fragments or not (self.movie and self.movie.fragmented)
        return bool(self.ftyp and self.movie and fragments and any(box.end > box.body for box in self.media))


def check_mp4(reader: Reader, *, deep: bool) -> ClipFacts:
    """Facts of a valid film; `deep` also checks the tables of samples against each other and against `mdat`.

    Raises `ContentInvalid`.
    """
    film = _walk(reader, MAX_READS_DEEP if deep else MAX_READS)
    movie = _check_boxes(film)
    video = movie.video
    shot = picture(movie, video)
    scale = time_scale(movie, video)
    if not film.fragments and not sample_count(movie, video):
        raise ContentInvalid(Reason.MP4_NO_SAMPLES, "the video track has no frames", part=video.box.path)
    duration = declared_duration(movie, video)
    if duration is None and film.fragments:
        duration = _fragments_duration(film, video, scale)
    elif duration is None:
        raise ContentInvalid(Reason.MP4_NO_DURATION, "the video's duration is 0", part=video.box.path)
    if deep:
        for track in movie.tracks:
            check_track(movie, track, film.media, whole=film.whole)
        check_fragments(film.fragments, film.media, whole=film.whole)
    return ClipFacts(
        format="mp4",
        duration_s=None if duration is None else round(duration, 6),
        width=shot.width,
        height=shot.height,
        codec=shot.codec,
        fragmented=bool(film.fragments),
        tracks=tuple(track.handler for track in movie.tracks),
    )


def _walk(reader: Reader, max_reads: int) -> _Film:
    head = reader.head(HEAD_BYTES)
    if not head:
        raise ContentInvalid(Reason.EMPTY_FILE, "the object is empty")
    _check_start(head)
    film, at = _Film(), 0
    for _ in range(MAX_BOXES):
        if at == reader.size:
            film.whole = True
            return film
        if reader.reads >= max_reads and not reader.has(at, HEADER_BYTES):
            break
        header = reader.read(at, HEADER_BYTES, ahead=HEADERS_AHEAD_BYTES if film.movie else AHEAD_BYTES)
        if film.sufficient and not any(header[:8]):
            film.whole = True  # padded with zeros
            return film
        if not (header[4:8].isascii() and header[4:8].decode().isprintable()):
            raise ContentInvalid(Reason.MP4_CORRUPT, f"what begins at byte {at} is no box: it has no type")
        box = parse_header(header, at, reader.size)
        _note(film, box, reader)
        at = box.end
    if film.sufficient:
        return film
    message = f"no complete description of the film within {reader.reads} reads and {MAX_BOXES} boxes"
    raise ContentInvalid(Reason.MP4_TOO_MANY_BOXES, message)


def _check_start(head: bytes) -> None:
    if head[4:8] not in _FIRST_BOXES:
        message = f"the object does not begin with an MP4 box but with {shown(head[:16].decode('latin-1'))}"
        raise ContentInvalid(Reason.NOT_AN_MP4, message)


def _note(film: _Film, box: Box, reader: Reader) -> None:
    size = box.end - box.start
    if box.type == "ftyp":
        if box.end - box.body < 8:
            raise ContentInvalid(Reason.MP4_CORRUPT, "the box is too short to name a brand", part="ftyp")
        film.ftyp = film.ftyp or box
    elif box.type == "mdat":
        film.media.append(box)
    elif box.type == "moov":
        if film.movie:
            raise ContentInvalid(Reason.MP4_CORRUPT, f"a second moov box at byte {box.start}", part="moov")
        if size > reader.max_read:
            message = f"the box takes {size} bytes, at most {reader.max_read} are read"
            raise ContentInvalid(Reason.MP4_MOOV_TOO_LARGE, message, part="moov")
        film.movie = parse_movie(reader.read(box.start, size, ahead=HEADER_BYTES))
    elif box.type == "moof" and film.movie:
        if size > AHEAD_BYTES:
            raise ContentInvalid(Reason.MP4_CORRUPT, f"a fragment is described by {size} bytes", part="moof")
        fragment = parse_fragment(reader.read(box.start, size, ahead=HEADER_BYTES), box.start, film.movie)
        film.fragments.append(fragment)
        film.runs += len(fragment.runs)
        if film.runs > MAX_BOXES:
            raise ContentInvalid(Reason.MP4_TOO_MANY_BOXES, f"more than {MAX_BOXES} runs of samples", part="moof")


def _check_boxes(film: _Film) -> Movie:
    if not film.ftyp:
        raise ContentInvalid(Reason.MP4_NO_FTYP, "no ftyp box: nothing says which kind of file this is")
    if not film.movie:
        raise ContentInvalid(Reason.MP4_NO_MOOV, "no moov box: the recording was not finished, or its end is lost")
    if not any(box.end > box.body for box in film.media):
        raise ContentInvalid(Reason.MP4_NO_MDAT, "no mdat box with media in it")
    return film.movie


def _fragments_duration(film: _Film, video: Track, scale: int) -> float | None:
    units = duration_of(film.fragments, video.id)
    if not film.whole:
        return None
    if not units:
        raise ContentInvalid(Reason.MP4_NO_SAMPLES, "no fragment has frames of the video track", part="moof")
    return units / scale
