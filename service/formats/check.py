"""Check a clip with a few range reads, and collect its facts.

| | `structure` requests | `deep` requests | structure looks at | deep adds |
|---|---|---|---|---|
| `.zip` | 1 or 2 | all bytes, in ranges | directory; three layers | every member's bytes, every footer |
| `.mp4` | 1 or 2; fragmented up to 16 | up to 64 | boxes, the video track and its facts | the tables of samples |

The three layers are egomotion, calibration and obstacle.

Codes and notes: the tables in `service.formats.failures`. Limits: `service.formats.limits`.
"""

from enum import StrEnum
from pathlib import PurePosixPath

from service.formats.clipgt import check_clipgt
from service.formats.facts import Content, Findings, Verdict
from service.formats.failures import ContentInvalid, ContentUnchecked, Finding, UnknownFormat, shown
from service.formats.mp4 import check_mp4
from service.formats.reader import RangeReader, Reader, Reading, run


class Depth(StrEnum):
    STRUCTURE = "structure"
    DEEP = "deep"


def check_clip(key: str, source: RangeReader, *, depth: Depth) -> Verdict:
    """Check the clip with this key by blocking reads; see `checking`. Errors of `source` pass through."""
    return run(checking(key, source.size, depth=depth), source)


def checking(key: str, size: int, *, depth: Depth) -> Reading[Verdict]:
    """Check the clip with this key and size. The key's extension, in upper or lower case, decides its format.

    A generator: it yields each range that it needs and must be sent its bytes; `reader.run` and `reader.run_async` do
    that. It returns the verdict: bad content is a verdict, not an exception. Raises `UnknownFormat` for another
    extension, before the first range, and `SourceChanged` if an answer is shorter or longer than its range.
    """
    extension = PurePosixPath(key).suffix.lower()
    if extension not in (".zip", ".mp4"):
        name = extension or "a name without extension"
        raise UnknownFormat(f"{shown(key)}: {name} is neither .zip nor .mp4")
    findings = Findings("clipgt" if extension == ".zip" else "mp4")
    reader = Reader(size, key)
    content = Content.VALID
    finding: Finding | None = None
    try:
        if extension == ".zip":
            yield from check_clipgt(key, reader, findings, deep=depth is Depth.DEEP)
        else:
            yield from check_mp4(reader, findings, deep=depth is Depth.DEEP)
    except ContentInvalid as error:
        content, finding = Content.INVALID, error
    except ContentUnchecked as error:
        content, finding = Content.UNCHECKED, error
    return _verdict(content, finding, findings, reader)


def _verdict(content: Content, finding: Finding | None, findings: Findings, reader: Reader) -> Verdict:
    return Verdict(
        content=content,
        facts=findings.facts(),
        finding=finding,
        reads=reader.reads,
        bytes=reader.bytes,
        work=vars(reader.work),
    )
