"""Compute how long a video plays, from its frames' times and its edit list instead of the headers' claims.

Like ffprobe and players: the shorter of the frames' times and the track header's, cut by the edit list.
"""

from array import array
from operator import mul

from service.formats.boxes import fields, numbers
from service.formats.facts import Findings
from service.formats.failures import ContentInvalid, Note, Reason
from service.formats.limits import Work
from service.formats.movie import SOUND, Movie, Track

TOLERANCE_S = 0.1
"""Durations that differ by less are equal for a viewer."""

_NEGATIVE = 2**31
_BLOCK_ENTRIES = 100_000
"""Entries of a table that are processed together, which limits memory."""


def film_seconds(movie: Movie, video: Track, work: Work, findings: Findings) -> float:
    """Return the seconds of a film without fragments. Raises `ContentInvalid` (MP4_NO_DURATION)."""
    seconds = _track_seconds(movie, video, work, findings)
    if not seconds:
        raise ContentInvalid(Reason.MP4_NO_DURATION, "no frame and no header says how long it is", part=video.path)
    quiet = Findings("mp4")
    sounds = [_track_seconds(movie, track, work, quiet) for track in movie.tracks if track.handler == SOUND]
    if any(sound and abs(sound - seconds) > TOLERANCE_S for sound in sounds):
        findings.note(Note.MP4_TRACKS_DIFFER)
    longest = max([seconds, *sounds])
    if movie.times.scale and abs(movie.times.duration / movie.times.scale - longest) > TOLERANCE_S:
        findings.note(Note.MP4_HEADER_DURATION)
    return seconds


def media_units(movie: Movie, track: Track, work: Work) -> int:
    """Return the time units of the samples that `moov` describes, by their table; 0 if there is none."""
    box = track.tables.get(b"stts")
    if box is None or box.end - box.body < 8:
        return 0
    count = min(fields(movie.data, box, "I", 4)[0], (box.end - box.body - 8) // 8)
    if count == 1:
        samples, delta = fields(movie.data, box, "2I", 8)
        return int(samples * (delta if delta < _NEGATIVE else 1))
    work.add_entries(count)
    total = 0
    for first in range(0, count, _BLOCK_ENTRIES):
        runs = numbers(movie.data, box.body + 8 + 8 * first, 2 * min(_BLOCK_ENTRIES, count - first))
        deltas = runs[1::2]
        if max(deltas) >= _NEGATIVE:
            # Some writers mean a negative time: players use 1 unit instead.
            deltas = array("I", [delta if delta < _NEGATIVE else 1 for delta in deltas])
        total += sum(map(mul, runs[0::2], deltas))
    return total


def _track_seconds(movie: Movie, track: Track, work: Work, findings: Findings) -> float:
    """Return the track's seconds; 0 if unknown."""
    scale, declared = track.times or (0, 0)
    if not scale:
        return 0.0
    media = media_units(movie, track, work)
    if abs(media - declared) > TOLERANCE_S * scale:
        findings.note(Note.MP4_HEADER_DURATION)
    if declared > TOLERANCE_S * scale or not media:
        media = min(media, declared) or declared
    if not media:
        return movie.times.duration / movie.times.scale if movie.times.scale else 0.0
    seconds = media / scale
    played, odd = _edited(movie, track, seconds, scale, work)
    if odd or abs(played - seconds) > TOLERANCE_S:
        findings.note(Note.MP4_EDIT_LIST)
    return played


def _edited(movie: Movie, track: Track, seconds: float, scale: int, work: Work) -> tuple[float, bool]:
    """Return the seconds of the media that its edit list shows; all of them without a list, or if it shows nothing.

    Also return whether players may differ on the list: an edit has no length or begins after the last frame.
    """
    box = track.edits
    if box is None or not movie.times.scale:
        return seconds, False
    data = movie.data
    version, count = fields(data, box, "B3xI")
    layout, length = ("Qq4x", 20) if version == 1 else ("Ii4x", 12)
    count = min(count, (box.end - box.body - 8) // length)
    work.add_entries(count)
    total, first, odd = 0.0, _first_frame(movie, track), False
    for index in range(count):
        shown, start = fields(data, box, layout, 8 + index * length)
        if start < 0:
            continue  # an empty edit is a delay without a picture
        left = min(seconds - (start - first) / scale, seconds)
        odd = odd or not shown or left <= 0
        if left > 0:
            total += min(shown / movie.times.scale, left) if shown else left
    return total or seconds, odd or bool(count and not total)


def _first_frame(movie: Movie, track: Track) -> int:
    """Return the media time of the first shown frame: after 0 if the frames are stored in another order."""
    box = track.tables.get(b"ctts")
    if box is None or box.end - box.body < 16 or not fields(movie.data, box, "I", 4)[0]:
        return 0
    offset: int = fields(movie.data, box, "i", 12)[0]
    return offset
