"""The result of the walk over a film's top-level boxes, and the check of the bytes after the last one."""

from dataclasses import dataclass, field

from service.formats.boxes import HEADER_BYTES, Box
from service.formats.facts import Findings
from service.formats.failures import ContentInvalid, Note, Reason
from service.formats.fragments import Fragments
from service.formats.index import Index
from service.formats.movie import Movie
from service.formats.reader import Reader, Reading

_OF_FILM = {b"mdat", b"moov", b"moof", b"ftyp", b"free", b"skip", b"wide", b"uuid", b"udta", b"meta"}
_OF_SEGMENT = {b"sidx", b"styp", b"ssix", b"prft", b"emsg", b"mfra"}
"""If one of these exceeds the end, bytes are missing. Other types are appended bytes, not boxes."""


@dataclass(slots=True)
class Film:
    """Top-level boxes found so far."""

    movie: Movie | None = None
    media: list[Box] = field(default_factory=list)
    fragments: Fragments = field(default_factory=Fragments)
    index: Index | None = None
    jumped: bool = False
    """Whether fragments that the index knows were skipped."""
    skipped: bool = False
    """Whether boxes before `moov` were skipped, media among them."""
    whole: bool = False
    """Whether every top-level box was seen."""
    stopped: bool = False
    """Whether there may be more fragments that were not visited."""
    complete: bool = False
    """Whether an index at the end shows that the film was finished."""
    outlined: bool = False
    """Whether `moov` was read without its long tables."""
    overrun: Box | None = None
    """An `mdat` that claims more bytes than the object has left."""

    @property
    def has_media(self) -> bool:
        return self.skipped or any(box.end > box.body for box in self.media)

    @property
    def usable(self) -> bool:
        """Return whether the film is complete enough that later bytes cannot change the result."""
        return self.movie is not None and self.has_media


def end_of_boxes(film: Film, reader: Reader, findings: Findings, at: int, box: Box | None) -> Reading[None]:
    """Check the bytes at `at`, which are not a whole box: either bytes are missing, or some were appended.

    Raises `ContentInvalid`.
    """
    left = reader.size - at
    head = yield from reader.read(at, HEADER_BYTES)
    fragmented = film.movie is not None and film.movie.fragmented
    if box and box.type in (_OF_FILM | _OF_SEGMENT if fragmented or not film.usable else _OF_FILM):
        if box.type == b"mdat" and film.movie and not fragmented:
            film.overrun = box
            film.media.append(box._replace(end=reader.size))
            return
        raise _truncated(
            f"the box at byte {at:,} says that it has {box.end - at:,} bytes, but only {left:,} are left", box.name
        )
    if not film.usable:
        if left < HEADER_BYTES or box:
            raise _truncated(f"the file ends within a box header, {left:,} bytes after byte {at:,}", None)
        what = "begins no box" if any(head) else "zeros begin"
        raise ContentInvalid(Reason.MP4_CORRUPT, f"at byte {at:,} {what}, and no video is described before")
    # An interrupted copy into a file of the full size: the last fragment ends in zeros, and more zeros follow.
    if fragmented and left >= HEADER_BYTES and not any(head):
        before = yield from reader.read(at - HEADER_BYTES, HEADER_BYTES)
        if not any(before):
            raise _truncated(f"zeros take the place of the video's end, before and after byte {at:,}", None)
    findings.note(Note.MP4_TRAILER)


def _truncated(message: str, part: str | None) -> ContentInvalid:
    return ContentInvalid(Reason.MP4_TRUNCATED, message, part=part)
