"""Is this clip what its name promises? Decided from a few range reads, with the facts found on the way.

| | reads | structure | deep adds |
|---|---|---|---|
| `.zip` | 1, and one for each layer before the last 64 KiB | directory, egomotion, calibration, obstacle | all layers |
| `.mp4` | 1 or 2 | boxes, a video track and its facts | the tables of samples |

Why a clip is refused: the table in `service.formats.failures`. Limits: `reader`, `archive`, `clipgt`, `mp4`.
"""

from enum import StrEnum

from service.domain.clip_names import extension
from service.formats.clipgt import check_clipgt
from service.formats.facts import ClipFacts
from service.formats.failures import UnknownFormat, shown
from service.formats.mp4 import check_mp4
from service.formats.reader import RangeReader, Reader


class Depth(StrEnum):
    STRUCTURE = "structure"
    DEEP = "deep"


def check_clip(key: str, source: RangeReader, *, depth: Depth) -> ClipFacts:
    """Facts about the valid clip of that key (its extension, in any case, says which format it should have).

    Raises `ContentInvalid` where it is not valid, `UnknownFormat` for another extension (before any read), and what
    `source` raises. Besides the reads, a usual clip takes less than 1 MB of memory and some milliseconds, the worst of
    hostile files 50 MB and 2 seconds.
    """
    deep = depth is Depth.DEEP
    match extension(key):
        case ".zip":
            return check_clipgt(key, Reader(source, key), deep=deep)
        case ".mp4":
            return check_mp4(Reader(source, key), deep=deep)
        case other:
            raise UnknownFormat(f"{shown(key)}: {other or 'a name without extension'} is neither .zip nor .mp4")
