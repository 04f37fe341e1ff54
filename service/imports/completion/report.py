"""Write the report of an ended job: all of its clips as CSV and JSONL, a summary, and what failed as a manifest.

Clips stream through, one manifest part at a time; files grow by multipart upload. A round that runs out of time leaves
its progress in one state file, from which the next goes on; a repeated round writes the same parts again.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Protocol

from service.domain.batching import PART_CLIPS
from service.domain.clip_names import extension
from service.domain.clips import Clip, ClipRow, ClipStatus
from service.domain.codes import ClipCode
from service.domain.destinations import folder_root
from service.domain.errors import NotFound, UploadLost
from service.domain.jobs import Job, SourceKind
from service.domain.manifest import ManifestEntry
from service.domain.state_keys import REPORT_FILES, report_folder, report_key
from service.imports.manifest.store import read_entries
from service.imports.queries.status import clip_of
from service.ports.clips import ClipStore
from service.ports.state import ReportFiles, StateFiles

PART_BYTES = 8 * 1024**2
"""Of an upload's part: S3 wants 5 MiB, and takes 10,000 parts."""

MAX_EXTENSIONS = 100
OTHER = "other"
"""Counts what comes after the first 100 extensions; no extension lacks its dot."""

COLUMNS = (*(item.name for item in fields(Clip)), "original_clipgt_url")
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "failures": "application/x-ndjson",
    "summary": "application/json",
}
_ROWS = ("csv", "jsonl", "failures")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet may take for the beginning of a formula (OWASP, CSV injection), the last four in full width."""


class ReportPorts(Protocol):
    @property
    def clips(self) -> ClipStore: ...

    @property
    def state(self) -> StateFiles: ...

    @property
    def files(self) -> ReportFiles: ...

    @property
    def clips_bucket(self) -> str: ...


@dataclass
class Growing:
    """A file so far: the parts that are stored, and the text that is not."""

    text: str = ""
    upload_id: str | None = None
    etags: list[str] = field(default_factory=list)
    stored: int = 0
    """Bytes of the stored parts."""


@dataclass
class Draft:
    """A report up to, not including, clip `ordinal`."""

    ordinal: int = 0
    files: dict[str, Growing] = field(default_factory=lambda: {form: Growing() for form in _ROWS})
    by_code: dict[str, int] = field(default_factory=dict)
    by_extension: dict[str, dict[str, int]] = field(default_factory=dict)


def write_report(
    job: Job,
    document: Mapping[str, object],
    *,
    out_of_time: Callable[[], bool],
    ports: ReportPorts,
    part_bytes: int = PART_BYTES,
) -> Mapping[str, int] | None:
    """One round: the bytes of each file by its format, or None where another round has to go on.

    `document` begins the summary. Safe to repeat from any point.
    """
    assert job.completed_at is not None
    progress = report_folder(job.id, job.completed_at) + "progress.json"
    writer = _Writer(job, ports, part_bytes)
    draft = _read_draft(progress, ports.state)
    try:
        if not writer.go_on(draft, out_of_time):
            ports.state.put(progress, json.dumps(asdict(draft)).encode())
            return None
        return writer.complete(draft, document)
    except UploadLost:
        # Completed by a repeat of this round, or expired: what was written before is no use any more.
        ports.state.put(progress, json.dumps(asdict(Draft())).encode())
        return None


def _read_draft(key: str, state: StateFiles) -> Draft:
    try:
        kept = json.loads(state.get(key))
    except NotFound:
        return Draft()
    return Draft(**kept | {"files": {form: Growing(**file) for form, file in kept["files"].items()}})


@dataclass(frozen=True)
class _Writer:
    job: Job
    ports: ReportPorts
    part_bytes: int

    def _own_name(self, clip: Clip) -> str | None:
        """What the caller called the clip, below the project's and folder's root; None where it mirrors its source."""
        job = self.job
        if job.settings.destination is None and job.source.kind is not SourceKind.MANIFEST:
            return None
        root = f"s3://{self.ports.clips_bucket}/{folder_root(job.project, job.folder)}/"
        return clip.destination.removeprefix(root) or None

    def go_on(self, draft: Draft, out_of_time: Callable[[], bool]) -> bool:
        """Write clips until there are no more (True) or time is up; always a part of the manifest at least."""
        if draft.ordinal == 0:
            draft.files["csv"].text = csv_lines([COLUMNS])
        for clips in clips_in_parts(self.job, draft.ordinal, self.ports):
            draft.files["csv"].text += csv_lines(csv_row(clip) for clip in clips)
            draft.files["jsonl"].text += "".join(map(json_line, clips))
            failures = (failure_line(clip, self._own_name(clip)) for clip in clips if is_failure(clip))
            draft.files["failures"].text += "".join(failures)
            _count(clips, draft)
            draft.ordinal += PART_CLIPS
            for form, file in draft.files.items():
                if len(file.text) >= self.part_bytes:
                    self._store(form, file)
            if draft.ordinal < self.job.counts.total and out_of_time():
                return False
        return True

    def complete(self, draft: Draft, document: Mapping[str, object]) -> Mapping[str, int]:
        sizes: dict[str, int] = {}
        for form, file in draft.files.items():
            if file.upload_id is None:
                body = file.text.encode()
                self.ports.files.put(self._key(form), body, CONTENT_TYPES[form])
                sizes[form] = len(body)
            else:
                if file.text:
                    self._store(form, file)
                self.ports.files.complete(self._key(form), file.upload_id, file.etags)
                sizes[form] = file.stored
        summary = {**document, "by_code": draft.by_code, "by_extension": draft.by_extension}
        body = json.dumps(summary, indent=2).encode() + b"\n"
        self.ports.files.put(self._key("summary"), body, CONTENT_TYPES["summary"])
        return sizes | {"summary": len(body)}

    def _store(self, form: str, file: Growing) -> None:
        """The text as one part. A part is larger than `part_bytes` by what one manifest part adds."""
        key, body = self._key(form), file.text.encode()
        if file.upload_id is None:
            file.upload_id = self.ports.files.begin(key, CONTENT_TYPES[form])
        file.etags.append(self.ports.files.put_part(key, file.upload_id, len(file.etags) + 1, body))
        file.stored += len(body)
        file.text = ""

    def _key(self, form: str) -> str:
        assert self.job.completed_at is not None
        return report_key(self.job.id, self.job.completed_at, form)


def clips_in_parts(job: Job, first: int, ports: ReportPorts) -> Iterator[list[Clip]]:
    """All clips from ordinal `first` (where a manifest part begins) on, one part of the manifest at a time."""
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
        yield [clip_of(job, entry, known.get(entry.ordinal), ports.clips_bucket) for entry in entries]


def _entries(
    job: Job, start: int, stop: int, rows: Mapping[int, ClipRow], state: StateFiles
) -> Sequence[ManifestEntry]:
    """Where the manifest is lost, what the rows repeat of it."""
    try:
        return read_entries(state, job.id, start, stop)
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
    """The clip as `GET …/clips` shows it."""
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
    """RFC 4180: CRLF, quotes where they are needed."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def is_failure(clip: Clip) -> bool:
    """Whether another import could bring it: it did not land, and its source is known (an unreadable line's is not)."""
    return (
        clip.status in (ClipStatus.FAILED, ClipStatus.CANCELLED)
        and bool(clip.source_uri)
        and clip.code != ClipCode.INVALID_LINE
    )


def failure_line(clip: Clip, name: str | None) -> str:
    """A manifest line. Not pinned: a source that changed since is what is wanted now."""
    return json.dumps({"uri": clip.source_uri} | ({"destination": name} if name else {})) + "\n"


def _count(clips: Sequence[Clip], draft: Draft) -> None:
    for clip in clips:
        if clip.code:
            draft.by_code[clip.code] = draft.by_code.get(clip.code, 0) + 1
        kind = extension(clip.source_uri)
        if kind not in draft.by_extension and len(draft.by_extension) >= MAX_EXTENSIONS:
            kind = OTHER
        total = draft.by_extension.setdefault(kind, {"count": 0, "bytes": 0})
        total["count"] += 1
        total["bytes"] += clip.size or 0


def told(
    document: Mapping[str, object], report: Mapping[str, int], *, job_id: str, ended_at: str, bucket: str
) -> dict[str, object]:
    """The document of an end with the places of its report, null where it has none."""
    places = {form: report_key(job_id, ended_at, form) for form in REPORT_FILES}
    return {**document, "report": {"bucket": bucket, **places} if report else None}
