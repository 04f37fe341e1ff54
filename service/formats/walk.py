"""Visit the top-level boxes of an mp4 with few reads: the first 64 KiB, then only the parts that a check needs.

| film | requests at `structure` |
|---|---|
| `moov` within the first 64 KiB | 1 |
| `moov` longer, or at the end | 2 |
| `moov` behind many `mdat` boxes | 2 or 3: the tail is searched for it |
| fragments with an index (`sidx`, `mfra`) | 2 to 4: the last fragment is visited, the index knows the others |
| fragments without | as many as it takes to visit all, up to `limits.MAX_READS_STRUCTURE` |
"""

from service.formats.boxes import HEADER_BYTES, Box, parse_header
from service.formats.endrecord import check_encoding
from service.formats.facts import Findings
from service.formats.failures import ContentInvalid, ContentUnchecked, Note, Reason, shown
from service.formats.film import Film, end_of_boxes
from service.formats.index import last_moov, parse_mfra, parse_sidx
from service.formats.largemoov import read_outline
from service.formats.limits import MAX_MOOV_BYTES, MAX_READ_BYTES, MAX_READS, MAX_READS_STRUCTURE
from service.formats.movie import Movie, parse_movie
from service.formats.reader import Reader, Reading
from service.formats.timing import media_units

HEAD_BYTES = 64 * 1024
WHOLE_BYTES = 256 * 1024
"""An object up to this size is read whole."""
REST_BYTES = 4 * 1024**2
"""The bytes after `mdat` are read at once up to this size, since they usually are `moov`; the same for fragments."""
TAIL_BYTES = 256 * 1024
"""Minimum tail that is searched for `moov` after many boxes: 1/64 of the object, at most `REST_BYTES`."""
AHEAD_BYTES = 16 * 1024
"""Bytes read with a fragment's first box: its `moof` and the header of its `mdat`."""
SPARSE_BYTES = 512 * 1024
"""Fragments further apart than this are visited one by one; closer ones are read together."""

_READS_OF_JUMP = 4

_FIRST_BOXES = {
    b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pdin", b"uuid", b"moof", b"sidx", b"pnot", b"junk",
}  # fmt: skip


class Walk:
    def __init__(self, reader: Reader, findings: Findings, *, deep: bool) -> None:
        self.reader, self.findings, self.deep = reader, findings, deep
        self.film = Film()
        self.max_reads = MAX_READS if deep else MAX_READS_STRUCTURE
        self._searched = self._indexed = self._ftyp = False
        self._first_fragment: int | None = None

    def run(self) -> Reading[Film]:
        """Visit the boxes. Raises `ContentInvalid`, `ContentUnchecked`."""
        reader, film, at = self.reader, self.film, 0
        if not reader.size:
            raise ContentInvalid(Reason.EMPTY_FILE, "the object is empty")
        head = yield from reader.read(0, reader.size if reader.size <= WHOLE_BYTES else HEAD_BYTES)
        self._check_start(head)
        while at < reader.size:
            if film.jumped and film.complete and film.index and at == film.index.end:
                break  # the index itself follows, and it was read already
            if not reader.has(at, HEADER_BYTES):
                following = yield from self._approach(at)
                if following is None:
                    return film
                at = following
            data, offset = yield from reader.view(at, HEADER_BYTES, ahead=self._ahead(at))
            box = parse_header(data, offset, at, reader.size)
            reader.work.add_boxes(1)
            if box is None or box.end > reader.size:
                yield from end_of_boxes(film, reader, self.findings, at, box)
                break
            yield from self._visit(box)
            at = box.end
        film.whole = not film.jumped and not film.skipped
        if not self._ftyp:
            self.findings.note(Note.MP4_NO_FTYP)
        return film

    def _check_start(self, head: bytes) -> None:
        box = parse_header(head, 0, 0, self.reader.size)
        known = head[4:8] in _FIRST_BOXES and len(head) >= 8
        if not known and (box is None or box.end > self.reader.size or not box.name.isalnum()):
            check_encoding(head)
            message = f"the object does not begin with an MP4 box but with {shown(head[:16].decode('latin-1'))}"
            raise ContentInvalid(Reason.NOT_AN_MP4, message)

    def _approach(self, at: int) -> Reading[int | None]:
        """Return where to continue before requesting the box at `at`; None if nothing more is needed."""
        reader, film = self.reader, self.film
        left = reader.size - at
        if film.movie is None:
            if not self._searched and left > REST_BYTES and not self._is_mostly_moov(left):
                return (yield from self._search(at))
        elif not film.movie.fragmented:
            if film.usable and not self.deep:
                return None
        elif self._may_jump(left):
            return (yield from self._jump(at))
        if reader.reads >= self.max_reads:
            film.stopped = True
            if film.movie is None:
                message = f"no description of the video within {reader.reads} reads"
                raise ContentUnchecked(Reason.MP4_TOO_MANY_BOXES, message)
            return None
        return at

    def _may_jump(self, left: int) -> bool:
        """Return whether to use the index to save reads. A deep check visits every fragment while it has reads left."""
        if self._indexed or not self.film.fragments.count or left <= REST_BYTES:
            return False
        return not self.deep or self.reader.reads >= self.max_reads - _READS_OF_JUMP

    def _is_mostly_moov(self, left: int) -> bool:
        """Return whether the rest is small enough to be mostly `moov` (some hundredths of a film), to read it whole."""
        return left <= MAX_READ_BYTES and left * 16 <= self.reader.size

    def _ahead(self, at: int) -> int:
        film, left = self.film, self.reader.size - at
        if left <= REST_BYTES or (film.movie is None and self._is_mostly_moov(left)):
            return left
        if film.movie is None:
            return TAIL_BYTES
        if self._first_fragment is None or not film.fragments.count:
            return AHEAD_BYTES
        apart = (at - self._first_fragment) // film.fragments.count
        return AHEAD_BYTES if apart > SPARSE_BYTES else REST_BYTES

    def _search(self, at: int) -> Reading[int]:
        """Search the object's tail for `moov`, and visit it if found."""
        self._searched = True
        reader = self.reader
        length = min(max(reader.size // 64, TAIL_BYTES), REST_BYTES)
        tail = yield from reader.tail(length)
        start = last_moov(tail, reader.size - len(tail), reader.size)
        self.film.skipped = start is not None and start > at
        return start if start is not None and start > at else at

    def _jump(self, at: int) -> Reading[int]:
        """Go to the last fragment that an index has."""
        self._indexed = True
        reader, film = self.reader, self.film
        if film.index is None:
            tail = yield from reader.tail(HEAD_BYTES)
            film.index = parse_mfra(tail, reader.size)
            film.complete = film.index is not None
        if film.index and film.index.last > at:
            film.jumped = True
            return film.index.last
        return at

    def _visit(self, box: Box) -> Reading[None]:
        film, reader, size = self.film, self.reader, box.end - box.start
        if box.type == b"ftyp":
            self._ftyp = True
        elif box.type == b"mdat":
            film.media.append(box)
        elif box.type == b"moov":
            if film.movie:
                self.findings.note(Note.MP4_REPEATED_MOOV)
                return
            yield from self._describe(box)
        elif box.type == b"moof" and film.movie:
            if self._first_fragment is None:
                self._first_fragment = box.start
                self._count_own(film.movie)
            data, offset = yield from self._content(box)
            film.fragments.add(data, offset, box, film.movie.defaults or {}, reader.work)
        elif box.type == b"sidx" and film.movie and film.index is None and size <= HEAD_BYTES:
            data, offset = yield from reader.view(box.start, size)
            film.index = parse_sidx(data, box._replace(body=offset + 8, end=offset + size), box.end, reader.size)
        elif box.type == b"mfra":
            film.complete = True

    def _count_own(self, movie: Movie) -> None:
        """Fragments come after the samples that `moov` itself describes."""
        for track in movie.tracks:
            if track.samples and track.id is not None:
                self.film.fragments.timeline(track.id).add(0, media_units(movie, track, self.reader.work), 0)

    def _describe(self, box: Box) -> Reading[None]:
        if box.end - box.start > MAX_MOOV_BYTES:
            raise self._too_large(box, MAX_MOOV_BYTES)
        self.film.outlined = box.end - box.start > MAX_READ_BYTES
        if self.film.outlined:
            data, start = (yield from read_outline(self.reader, box)), 0
            end = len(data)
        else:
            data, start = yield from self._content(box)
            end = start + box.end - box.body
        self.film.movie = parse_movie(data, start, end, self.reader.work, self.findings)

    def _content(self, box: Box) -> Reading[tuple[bytes, int]]:
        size = box.end - box.start
        if size > MAX_READ_BYTES:
            raise self._too_large(box, MAX_READ_BYTES)
        ahead = max(self._ahead(box.start) - size, HEADER_BYTES) if box.type == b"moof" else HEADER_BYTES
        data, offset = yield from self.reader.view(box.start, size, ahead=ahead)
        return data, offset + box.body - box.start

    def _too_large(self, box: Box, most: int) -> ContentUnchecked:
        message = f"the box takes {box.end - box.start:,} bytes, at most {most:,} are read"
        return ContentUnchecked(Reason.MP4_MOOV_TOO_LARGE, message, part=box.name)
