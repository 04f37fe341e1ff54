"""Check a clip with a few range reads, and collect its facts.

| | requests | structure looks at | deep adds |
|---|---|---|---|
| `.zip` | structure 1 or 2 | directory; egomotion, calibration, obstacle | every member's bytes, every layer's footer |
| `.mp4` | 1 or 2; fragmented up to 16, deep 64 | boxes, the video track and its facts | the tables of samples |

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
    """Check the clip with this key by blocking reads; see `checking`."""
    return run(checking(key, source.size, depth=depth), source)


def checking(key: str, size: int, *, depth: Depth) -> Reading[Verdict]:
    """Check the clip with this key and size. The key's extension, in upper or lower case, decides its format.

    Yields the ranges that it needs (`service.formats.reader.run_async`). Raises `UnknownFormat` for another extension,
    before the first range, and `SourceChanged` if an answer is shorter or longer than its range.
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
