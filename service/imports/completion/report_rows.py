"""Read an import's clips part by part, and format each as a line of the report's files."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from typing import Protocol

from service.domain.batching import PART_CLIPS
from service.domain.clips import Clip, ClipRow, ClipStatus
from service.domain.codes import ClipCode
from service.domain.errors import NotFound
from service.domain.jobs import Job, SourceKind
from service.domain.manifest import ManifestEntry
from service.imports.manifest.store import read_entries
from service.imports.queries.status import clip_of
from service.imports.results.clip_rows import with_rows_of_plan
from service.ports.clips import ClipStore
from service.ports.state import StateFiles

_LAST = (
    *("original_clipgt_url", "content", "content_code", "content_message", "overruled"),
    *("source_deleted", "source_kept_code", "source_kept_message"),
)
"""New columns go last: scripts read columns by position."""
COLUMNS = (*(item.name for item in fields(Clip) if item.name not in _LAST), *_LAST)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Characters that may begin a formula in a spreadsheet (OWASP, CSV injection); the last four are full width."""


class RowPorts(Protocol):
    @property
    def clips(self) -> ClipStore: ...

    @property
    def state(self) -> StateFiles: ...

    @property
    def clips_bucket(self) -> str: ...


def clips_in_parts(job: Job, first: int, ports: RowPorts) -> Iterator[list[Clip]]:
    """Yield all clips from ordinal `first`, where a manifest part begins, one part at a time."""
    for part in results_in_parts(job, first, ports):
        yield [clip_of(job, entry, row, ports.clips_bucket) for entry, row in part]


def results_in_parts(job: Job, first: int, ports: RowPorts) -> Iterator[list[tuple[ManifestEntry, ClipRow | None]]]:
    """Yield the planned clips from ordinal `first` with their results, one manifest part at a time."""
    if not job.planned:
        return
    rows = ports.clips.in_order(job.id, first=first)
    ahead = next(rows, None)
    for start in range(first, job.counts.total, PART_CLIPS):
        stop = min(start + PART_CLIPS, job.counts.total)
        known: dict[int, ClipRow] = {}
        while ahead is not None and ahead.ordinal < stop:
            known[ahead.ordinal] = ahead
            ahead = next(rows, None)
        entries = _entries(job, start, stop, known, ports.state)
        known = with_rows_of_plan(job, entries, known)
        yield [(entry, known.get(entry.ordinal)) for entry in entries]


def _entries(
    job: Job, start: int, stop: int, rows: Mapping[int, ClipRow], state: StateFiles
) -> Sequence[ManifestEntry]:
    """Read the entries; if the manifest is lost, rebuild them from the rows."""
    try:
        return read_entries(state, job.id, start, stop, job.plan_rounds)
    except NotFound:
        return [
            ManifestEntry(
                ordinal=ordinal,
                source_uri=row.source_uri or "",
                destination=row.destination or "",
                size=row.size,
                etag=row.etag,
            )
            for ordinal, row in rows.items()
        ]


def json_line(clip: Clip) -> str:
    """Return the clip as `GET …/clips` shows it."""
    return json.dumps({name: _plain(getattr(clip, name)) for name in COLUMNS}, separators=(",", ":")) + "\n"


def csv_row(clip: Clip) -> list[object]:
    return [_cell(_plain(getattr(clip, name))) for name in COLUMNS]


def _plain(value: object) -> object:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _cell(value: object) -> object:
    if isinstance(value, Mapping):
        return json.dumps(value, separators=(",", ":"))
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def csv_lines(rows: "Iterator[Sequence[object]] | Sequence[Sequence[object]]") -> str:
    """Return CSV by RFC 4180: lines end with CRLF, and cells are quoted where needed."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def is_failure(clip: Clip, job: Job) -> bool:
    """Whether another import could copy the clip: it failed or was cancelled, and its source is known."""
    if job.source.kind is SourceKind.CLIP_IDS and not clip.destination:
        return False  # a clip id that was not found, or a zip
    return (
        clip.status in (ClipStatus.FAILED, ClipStatus.CANCELLED)
        and bool(clip.source_uri)
        and clip.code != ClipCode.INVALID_LINE
    )


def failure_line(clip: Clip, name: str | None) -> str:
    """Return a manifest line without size and ETag, so that another import also takes a source that changed."""
    return json.dumps({"uri": clip.source_uri} | ({"destination": name} if name else {})) + "\n"
