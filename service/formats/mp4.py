"""Check whether players can show an mp4 film, and collect its facts. Nothing is decoded.

`structure` walks the boxes (`service.formats.walk`) and reads the video track's facts; `deep` also compares the sample
tables with each other and with `mdat` (`service.formats.samples`).
"""

from service.formats.facts import Findings
from service.formats.failures import ContentInvalid, ContentUnchecked, Note, Reason, shown
from service.formats.film import Film
from service.formats.movie import SOUND, VIDEO, Movie, Track, picture
from service.formats.reader import Reader, Reading
from service.formats.samples import check_fragments, check_track, last_byte
from service.formats.timing import TOLERANCE_S, film_seconds
from service.formats.walk import Walk

_ABSURD = 4
"""A header's duration above this multiple of the fragments' is ignored: packagers copy it from the whole film. Below
it, fragments are missing."""


def check_mp4(reader: Reader, findings: Findings, *, deep: bool) -> Reading[None]:
    """Collect the facts of a valid film. Raises `ContentInvalid` or `ContentUnchecked`."""
    film = yield from Walk(reader, findings, deep=deep).run()
    movie = _check_boxes(film)
    findings.values["tracks"] = tuple(track.handler for track in movie.tracks)
    findings.values["fragmented"] = bool(film.fragments.count)
    video = _video(movie, film)
    shot = picture(movie, video, reader.work, findings)
    findings.values.update(codec=shot.codec)
    if shot.width:
        findings.values.update(width=shot.width, height=shot.height)
    if video.times is None:
        raise ContentInvalid(Reason.MP4_CORRUPT, "no mdhd box in it", part=video.path)
    if not video.times.scale:
        raise ContentInvalid(Reason.MP4_NO_DURATION, "its time scale is 0", part=video.path)
    if film.overrun and not film.outlined:
        _check_overrun(film, movie, reader, findings)
    if film.fragments.count:
        seconds = _fragments_seconds(film, movie, video, findings)
    else:
        if not video.samples:
            raise ContentInvalid(Reason.MP4_NO_SAMPLES, "the video track has no frames", part=video.path)
        seconds = film_seconds(movie, video, reader.work, findings)
    if seconds and (rounded := round(seconds, 6)):
        findings.values["duration_s"] = rounded
    if deep and film.outlined:
        message = "its tables are too long to be compared; the rest of the video is fine"
        raise ContentUnchecked(Reason.MP4_MOOV_TOO_LARGE, message, part="moov")
    if deep:
        # Players tolerate errors in other tracks, such as thumbnails and metadata.
        for track in (video, *(track for track in movie.tracks if track.handler == SOUND)):
            check_track(movie, track, film.media, reader.work, findings, whole=film.whole, size=reader.size)
        check_fragments(film.fragments.runs, film.media, whole=film.whole)
    if film.stopped:
        message = f"not all fragments were visited within {reader.reads} reads, and no index knows them"
        raise ContentUnchecked(Reason.MP4_TOO_MANY_FRAGMENTS, message)


def _check_boxes(film: Film) -> Movie:
    if not film.movie:
        raise ContentInvalid(Reason.MP4_NO_MOOV, "no moov box: the recording was not finished, or its end is lost")
    if film.stopped and not film.has_media:
        raise ContentUnchecked(Reason.MP4_TOO_MANY_BOXES, "no media within the reads of a check")
    if not film.has_media:
        if film.movie.fragmented and not film.fragments.count:
            raise ContentInvalid(Reason.MP4_NO_SAMPLES, "the video announces fragments and has none", part="moov")
        raise ContentInvalid(Reason.MP4_NO_MDAT, "no mdat box with media in it")
    return film.movie


def _video(movie: Movie, film: Film) -> Track:
    """Return the video track with the most samples: a cover picture is a video track with one."""
    timelines = film.fragments.timelines

    def samples(track: Track) -> int:
        timeline = timelines.get(track.id) if track.id is not None else None
        return track.samples + (timeline.samples if timeline else 0)

    videos = [track for track in movie.tracks if track.handler == VIDEO]
    if not videos:
        handlers = ", ".join(shown(track.handler) for track in movie.tracks[:10]) or "none"
        raise ContentInvalid(Reason.MP4_NO_VIDEO, f"no video track (tracks: {handlers})", part="moov")
    return max(videos, key=samples)


def _check_overrun(film: Film, movie: Movie, reader: Reader, findings: Findings) -> None:
    """Check an `mdat` that claims more bytes than exist: harmless only if every frame is before the object's end."""
    assert film.overrun
    end = max(last_byte(movie, track, reader.work) for track in movie.tracks)
    if end > reader.size:
        box = film.overrun
        message = (
            f"the box at byte {box.start:,} says that it has {box.end - box.start:,} bytes,"
            f" but only {reader.size - box.start:,} are left"
        )
        raise ContentInvalid(Reason.MP4_TRUNCATED, message, part="mdat")
    findings.note(Note.MP4_LONG_MDAT)


def _fragments_seconds(film: Film, movie: Movie, video: Track, findings: Findings) -> float | None:
    """Return the seconds of the fragments; None if some were skipped and no index has their duration."""
    if film.stopped:
        return None
    timeline = film.fragments.timelines.get(video.id or 0)
    if timeline is None or not (timeline.samples or video.samples):
        raise ContentInvalid(Reason.MP4_NO_SAMPLES, "no fragment has frames of the video track", part="moof")
    scale = video.times.scale if video.times else 1
    seconds = timeline.length / scale
    if film.jumped:
        if film.index and film.index.seconds is not None:
            seconds = film.index.seconds
        elif not timeline.timed:
            return None
    elif timeline.jump > TOLERANCE_S * scale:
        findings.note(Note.MP4_GAP)
    if (timeline.start or 0) > TOLERANCE_S * scale:
        findings.note(Note.MP4_LATE_START)
    if not seconds:
        raise ContentInvalid(Reason.MP4_NO_DURATION, "no frame lasts any time", part=video.path)
    _check_declared(film, movie, seconds, scale, findings)
    if video.times and video.times.duration > (seconds + TOLERANCE_S) * scale:
        findings.note(Note.MP4_HEADER_DURATION)
    return seconds


def _check_declared(film: Film, movie: Movie, seconds: float, scale: int, findings: Findings) -> None:
    """Compare with `mehd`, the duration of all fragments. A shorter film was cut between two fragments."""
    if not movie.declared or not movie.times.scale:
        return
    declared = movie.declared / movie.times.scale
    if declared - seconds > max(5 * TOLERANCE_S, seconds * 0.05):
        other_scale = abs(movie.declared / scale - seconds) < 5 * TOLERANCE_S
        if not film.complete and declared < _ABSURD * seconds and not other_scale:
            message = f"its header announces {declared:.3f} s, its fragments last {seconds:.3f} s: the end is missing"
            raise ContentInvalid(Reason.MP4_TRUNCATED, message, part="mehd")
    if abs(declared - seconds) > TOLERANCE_S:
        findings.note(Note.MP4_HEADER_DURATION)
